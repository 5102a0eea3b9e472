//! What deferred tasks wait for: times, which are known here, and triggers of users and providers, which a Python process
//! runs. Every scheduler process has one such process and holds triggers under leases: those of a killed one are taken over.

mod host;
mod time;

pub(crate) use time::{Moment, date_time};
