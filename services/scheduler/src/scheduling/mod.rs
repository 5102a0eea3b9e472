//! Scheduling: what a run does next (`decide`, pure), and the tasks that make it happen.
//!
//! A change of state wakes the evaluation of its run at once (`wake`); a timer creates runs when they are due, starts
//! queued ones, wakes retries and finds lost leases; every few seconds it also looks at runs that nobody has looked at
//! for a while, which repairs a wake-up that was lost with its process.

mod admit;
pub(crate) mod decide;
#[cfg(test)]
mod decide_tests;
mod due;
mod evaluate;
mod expansion;
mod hindrances;
mod look;
mod past;
#[cfg(test)]
mod recorded_tests;
pub(crate) mod retry;
mod timer;
pub(crate) mod trigger_rule;
mod upstream;
mod wake;

pub(crate) use admit::Vacancy;
pub(crate) use evaluate::lengths;
pub(crate) use wake::Wake;
