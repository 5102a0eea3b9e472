//! SQL, one module per table.

pub(crate) mod endpoints;
pub mod revisions;
