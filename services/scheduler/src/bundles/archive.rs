//! The files of a version as one stream, for a worker that does not share a disk with this process. Workers need no
//! access to the repository and no credentials.

use crate::Scheduler;
use artel_platform::{Error, Result, ResultExt, process};
use artel_proto::artel::scheduler::v1::BundleChunk;
use bytes::Bytes;
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use tokio::io::AsyncReadExt;
use tokio::process::Command;
use tokio::sync::mpsc;
use tonic::Status;

/// Bytes of one message.
const CHUNK: usize = 256 << 10;

impl Scheduler {
    /// Sends a tar archive of the whole repository at `version`, preceded by the path of the DAG files in it.
    pub(crate) async fn send_bundle(
        self: &Arc<Self>,
        name: &str,
        version: &str,
        to: mpsc::Sender<Result<BundleChunk, Status>>,
    ) -> Result<()> {
        let checkout = self.checkout(name, Some(version)).await?;
        let bundle = self.bundles.get(name)?;
        let repository = bundle
            .repository()
            .ok_or_else(|| Error::invalid(format!("bundle {name:?} has no versions; its folder must be shared with the worker")))?;
        let subfolder = repository.subfolder().to_string_lossy().into_owned();
        let root = repository.tree(checkout.version.as_deref().unwrap_or(version));
        let _ = to.send(Ok(BundleChunk { subfolder, data: Bytes::new() })).await;
        tokio::spawn(async move {
            if let Err(error) = pack(&root, &to).await {
                let _ = to.send(Err(error.into())).await;
            }
        });
        Ok(())
    }
}

async fn pack(root: &Path, to: &mpsc::Sender<Result<BundleChunk, Status>>) -> Result<()> {
    let mut command = Command::new("tar");
    process::group(&mut command).arg("-C").arg(root).args(["-cf", "-", "."]).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().or_unavailable("cannot run tar")?;
    let mut output = child.stdout.take().ok_or_else(|| Error::internal("tar has no output"))?;
    loop {
        let mut data = Vec::with_capacity(CHUNK);
        while data.len() < CHUNK && (&mut output).take((CHUNK - data.len()) as u64).read_buf(&mut data).await? > 0 {}
        if data.is_empty() {
            break;
        }
        if to.send(Ok(BundleChunk { subfolder: String::new(), data: data.into() })).await.is_err() {
            return Ok(()); // nobody listens any more; the child ends with this function
        }
    }
    if child.wait().await?.success() { Ok(()) } else { Err(Error::internal("tar could not pack the bundle")) }
}
