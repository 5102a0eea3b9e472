//! Pipelines.
pub mod dag;
pub mod scheduling;
pub mod states;
pub mod times;
pub mod timetable;
