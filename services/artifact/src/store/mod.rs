//! SQL of the artifact service.

pub(crate) mod blobs;
pub(crate) mod direct_uploads;
pub(crate) mod dvc;
pub(crate) mod objects;
pub(crate) mod orphans;
