//! Contents whose bytes have not passed through the service are read once, so that they have their hash.

use crate::contents::Stored;
use crate::objects::Artifacts;
use crate::store::blobs::{self, Unread};
use crate::store::{objects, orphans};
use artel_platform::{Error, Result};
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// How many are looked up at a time.
const BATCH: i64 = 20;

/// Reads what there is now and then, and at once when an upload ended.
pub(crate) async fn run(artifacts: Arc<Artifacts>, stop: CancellationToken) {
    let pause = Duration::from_secs(artifacts.config.sweep_seconds.max(1));
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            read = artifacts.read_unread() => {
                if let Err(error) = read {
                    tracing::warn!(error = %error.chain(), "cannot read artifacts that were uploaded directly; trying again later");
                }
            }
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = artifacts.to_read.notified() => {}
            () = tokio::time::sleep(pause) => {}
        }
    }
}

impl Artifacts {
    /// Reads every content that nobody has read; answers how many there were. One that cannot be read keeps its
    /// stand-in and is tried again in the next round.
    pub async fn read_unread(&self) -> Result<u64> {
        let (mut after, mut count) = ((i64::MIN, String::new()), 0);
        loop {
            let page = blobs::unread(&self.db, &after, BATCH).await?;
            let Some(last) = page.last() else { return Ok(count) };
            after = (last.created_at, last.sha256.clone());
            for content in page {
                match self.read_content(&content).await {
                    Ok(()) => count += 1,
                    Err(error) => tracing::warn!(error = %error.chain(), content = content.sha256, "cannot read a content"),
                }
            }
        }
    }

    async fn read_content(&self, content: &Unread) -> Result<()> {
        let written = self.blobs.measure(&content.location).await?;
        if written.size != content.size {
            return Err(Error::internal(format!("the content has {} bytes instead of {}", written.size, content.size)));
        }
        let now = self.clock.now();
        let stored = Stored { location: content.location.clone(), written, upload: None };
        let mut tx = self.db.begin().await?;
        // paths before contents, as every writer takes them
        let moved = objects::repoint_all(&mut tx, &content.sha256, &stored.written.sha256).await?;
        if moved == 0 || !blobs::replace(&mut tx, &content.sha256, moved).await? {
            // it is being deleted or copied at this moment
            return Ok(());
        }
        if blobs::retain(&mut tx, &stored, moved, now).await? != stored.location {
            // the same bytes were there before; somebody may be reading these
            orphans::add(&mut tx, &stored.location, now + self.config.grace_seconds * 1000).await?;
        }
        tx.commit().await
    }
}
