//! Frees what nobody points to any more.

use crate::objects::Artifacts;
use crate::s3;
use crate::store::{blobs, direct_uploads, orphans};
use artel_platform::Result;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// How many contents or places one round looks at.
const BATCH: i64 = 100;

/// Sweeps now and then, and at once when an upload turned out to be a copy.
pub(crate) async fn run(artifacts: Arc<Artifacts>, stop: CancellationToken) {
    let pause = Duration::from_secs(artifacts.config.sweep_seconds.max(1));
    loop {
        if let Err(error) = artifacts.sweep().await {
            tracing::warn!(error = %error.chain(), "cannot free artifacts; trying again later");
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = artifacts.to_sweep.notified() => {}
            () = tokio::time::sleep(pause) => {}
        }
    }
}

impl Artifacts {
    /// Frees everything that is due; answers how many objects left the store.
    pub async fn sweep(&self) -> Result<u64> {
        s3::give_up_stale(self, self.clock.now() - self.config.upload_seconds * 1000).await?;
        self.forget_contents().await?;
        let mut tx = self.db.begin().await?;
        direct_uploads::forget(&mut tx, self.clock.now() - self.config.upload_seconds * 1000).await?;
        tx.commit().await?;
        let mut freed = 0;
        loop {
            let places = orphans::due(&self.db, self.clock.now(), BATCH).await?;
            for place in &places {
                if place.upload {
                    self.blobs.discard(&place.location).await?;
                } else {
                    self.blobs.delete(&place.location).await?;
                }
                let mut tx = self.db.begin().await?;
                orphans::remove(&mut tx, &place.location).await?;
                tx.commit().await?;
            }
            freed += places.len() as u64;
            if (places.len() as i64) < BATCH {
                return Ok(freed);
            }
        }
    }

    /// Contents out of their grace time become places to free.
    async fn forget_contents(&self) -> Result<()> {
        let now = self.clock.now();
        let cutoff = now - self.config.grace_seconds * 1000;
        loop {
            let contents = blobs::unreferenced(&self.db, cutoff, BATCH).await?;
            for sha256 in &contents {
                let mut tx = self.db.begin().await?;
                if let Some(location) = blobs::forget(&mut tx, sha256, cutoff).await? {
                    orphans::add(&mut tx, &location, now).await?;
                }
                tx.commit().await?;
            }
            if (contents.len() as i64) < BATCH {
                return Ok(());
            }
        }
    }
}
