//! Pipelines.
pub mod timetable;
