//! The S3 endpoint, asked by the AWS SDK as it is published.

#[path = "s3/access.rs"]
mod access;
#[path = "s3/bench.rs"]
mod bench;
#[path = "s3/lists.rs"]
mod lists;
#[path = "s3/multipart.rs"]
mod multipart;
#[path = "s3/objects.rs"]
mod objects;
