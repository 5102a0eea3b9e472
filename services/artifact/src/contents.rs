//! Bytes on their way into the store, before and when something points to them.

use crate::objects::Artifacts;
use crate::store::{blobs, orphans};
use artel_platform::Result;
use artel_platform::blob::{Sums, Written};
use artel_platform::db::Tx;
use bytes::Bytes;
use futures::Stream;

/// Bytes in the store that nothing points to yet. Either [`retain`] or [`Artifacts::abandon`] them; the sweep frees what
/// neither happens to.
#[derive(Debug, Clone)]
pub(crate) struct Stored {
    pub(crate) location: String,
    pub(crate) written: Written,
    /// The client's own upload that ends when they are shown.
    pub(crate) upload: Option<String>,
}

impl Artifacts {
    /// Writes `data` to its end. A stream that fails leaves nothing.
    pub(crate) async fn store(&self, sums: Sums, data: impl Stream<Item = Result<Bytes>> + Send + Unpin) -> Result<Stored> {
        let location = self.place().await?;
        let written = self.blobs.put(&location, sums, data).await?;
        Ok(Stored { location, written, upload: None })
    }

    /// A new place in the object store, noted so that an upload that never ends is cleaned up.
    pub(crate) async fn place(&self) -> Result<String> {
        let location = self.location();
        orphans::expect(&self.db, &location, self.upload_ends()).await?;
        Ok(location)
    }

    /// So many of them.
    pub(crate) async fn places(&self, count: usize) -> Result<Vec<String>> {
        let locations: Vec<String> = (0..count).map(|_| self.location()).collect();
        let mut tx = self.db.begin().await?;
        orphans::expect_all(&mut tx, &locations, self.upload_ends()).await?;
        tx.commit().await?;
        Ok(locations)
    }

    fn location(&self) -> String {
        let id = self.ids.hex32();
        format!("objects/{}/{id}", &id[..2])
    }

    /// When an upload that begins now is given up.
    fn upload_ends(&self) -> i64 {
        self.clock.now() + self.config.upload_seconds * 1000
    }

    /// The bytes are of no use: they may be freed now.
    pub(crate) async fn abandon(&self, location: &str) -> Result<()> {
        let mut tx = self.db.begin().await?;
        orphans::add(&mut tx, location, self.clock.now()).await?;
        tx.commit().await?;
        self.to_sweep.notify_one();
        Ok(())
    }
}

/// One more thing points to the content. Answers whether it lies where `stored` says; if not, the same content was
/// there before and the new copy is freed (wake the sweep after the commit).
pub(crate) async fn retain(tx: &mut Tx, stored: &Stored, now: i64) -> Result<bool> {
    let fresh = blobs::retain(tx, stored, 1, now).await? == stored.location;
    if fresh {
        orphans::remove(tx, &stored.location).await?;
    } else {
        orphans::add(tx, &stored.location, now).await?;
    }
    Ok(fresh)
}
