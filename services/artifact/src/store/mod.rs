//! SQL of the artifact service.

pub(crate) mod blobs;
pub(crate) mod direct_uploads;
pub(crate) mod dvc;
pub(crate) mod objects;
pub(crate) mod orphans;
pub(crate) mod s3_buckets;
pub(crate) mod s3_objects;
pub(crate) mod s3_pieces;
pub(crate) mod s3_uploads;
