//! The S3 endpoint at `/s3`, path style, for unmodified clients: boto3, MLflow with `s3://` artifacts, DVC.
//!
//! A bucket belongs to a workspace, and its keys are any text. An object's bytes are a list of pieces, each a counted
//! reference to a blob: a completed multipart upload or a copy moves no bytes. Requests are signed with access keys that
//! the hub derives from its tokens. Versions, lists of access rights and encryption by key are not offered: they answer
//! `NotImplemented`.

mod access;
mod body;
mod buckets;
mod checksum;
mod chunked;
mod conditions;
mod content;
mod copy;
mod delete;
mod failure;
mod get;
mod headers;
mod list;
mod multipart;
mod put;
mod range;
mod request;
mod routes;
mod signature;
mod uploads;
mod xml;

pub(crate) use routes::routes;
pub(crate) use uploads::give_up_stale;

use crate::objects::Artifacts;
use crate::store::s3_buckets::{self, Bucket};
use access::AccessKeys;
use artel_platform::http::DEFAULT_WORKSPACE;
use artel_platform::rpc::Peers;
use artel_platform::{Identity, Result};
use request::Request;
use std::sync::Arc;

/// A bucket of the default workspace that is there from the beginning.
const FIRST_BUCKET: &str = "artel";
/// What may read and what may write.
const READ: &str = "read:artifacts";
const WRITE: &str = "artifacts";

/// The endpoint.
pub(crate) struct S3 {
    artifacts: Arc<Artifacts>,
    keys: AccessKeys,
}

/// Who asks for what.
struct Call {
    request: Request,
    who: Identity,
    signer: body::Signer,
    /// Where a new bucket goes.
    workspace: String,
}

impl S3 {
    pub(crate) fn new(artifacts: Arc<Artifacts>, peers: Peers) -> Self {
        let keys = AccessKeys::new(peers, artifacts.clock.clone());
        Self { artifacts, keys }
    }

    /// Makes the first bucket where there is none.
    pub(crate) async fn ensure_bucket(&self) -> Result<()> {
        if !s3_buckets::all(&self.artifacts.db).await?.is_empty() {
            return Ok(());
        }
        let first = Bucket { name: FIRST_BUCKET.into(), workspace: DEFAULT_WORKSPACE.into(), created_at: self.artifacts.clock.now() };
        let mut tx = self.artifacts.db.begin().await?;
        s3_buckets::insert(&mut tx, &first).await?;
        tx.commit().await
    }

    /// The bucket of the request, which the caller may use for `scope`.
    async fn bucket(&self, call: &Call, scope: &str) -> Result<Bucket> {
        self.bucket_named(call, &call.request.bucket, scope).await
    }

    async fn bucket_named(&self, call: &Call, name: &str, scope: &str) -> Result<Bucket> {
        // a stranger does not learn which buckets there are
        call.who.require(scope)?;
        let bucket = s3_buckets::find(&self.artifacts.db, name).await?.ok_or_else(|| failure::no_such_bucket(name))?;
        call.who.require_for(scope, ("workspace", &bucket.workspace))?;
        Ok(bucket)
    }
}
