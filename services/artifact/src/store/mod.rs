//! SQL of the artifact service.

pub(crate) mod blobs;
pub(crate) mod objects;
pub(crate) mod orphans;
