//! Mistakes of users and operators: each gets one clear message that says what to do, and the rest goes on working.

mod harness;

#[path = "bad_input/access.rs"]
mod access;
#[path = "bad_input/bodies.rs"]
mod bodies;
#[path = "bad_input/browser.rs"]
mod browser;
#[path = "bad_input/command.rs"]
mod command;
#[path = "bad_input/pipelines.rs"]
mod pipelines;
#[path = "bad_input/serving.rs"]
mod serving;
#[path = "bad_input/start.rs"]
mod start;
