//! Objects as files. A new one is written beside its place, synced and renamed into it.

use super::{ByteStream, Meter, Written};
use crate::error::{Error, Result, ResultExt};
use bytes::Bytes;
use futures::{Stream, StreamExt};
use std::path::PathBuf;
use tokio::io::{AsyncReadExt, AsyncSeekExt, AsyncWriteExt};
use tokio_util::io::ReaderStream;

const CHUNK: usize = 256 * 1024;

pub(super) struct Files {
    folder: PathBuf,
}

/// Removes the unfinished file unless it was renamed.
struct Unfinished(Option<PathBuf>);

impl Drop for Unfinished {
    fn drop(&mut self) {
        if let Some(path) = self.0.take() {
            let _ = std::fs::remove_file(path);
        }
    }
}

impl Files {
    pub(super) fn open(folder: PathBuf) -> Result<Self> {
        std::fs::create_dir_all(&folder).or_unavailable(&format!("cannot make the artifact folder {}", folder.display()))?;
        Ok(Self { folder })
    }

    pub(super) async fn put(&self, key: &str, mut data: impl Stream<Item = Result<Bytes>> + Send + Unpin) -> Result<Written> {
        let place = self.folder.join(key);
        let parent = place.parent().unwrap_or(&self.folder).to_path_buf();
        tokio::fs::create_dir_all(&parent).await?;
        let temporary = parent.join(format!(".{}.part", uuid::Uuid::new_v4().simple()));
        let mut unfinished = Unfinished(Some(temporary.clone()));
        let mut file = tokio::io::BufWriter::with_capacity(CHUNK, tokio::fs::File::create(&temporary).await?);
        let mut meter = Meter::default();
        while let Some(chunk) = data.next().await {
            let chunk = chunk?;
            meter.add(&chunk);
            file.write_all(&chunk).await?;
        }
        file.flush().await?;
        file.get_ref().sync_data().await?;
        tokio::fs::rename(&temporary, &place).await?;
        unfinished.0 = None;
        // the new name itself must survive power loss
        if let Ok(folder) = tokio::fs::File::open(&parent).await {
            let _ = folder.sync_all().await;
        }
        Ok(meter.written())
    }

    pub(super) async fn get(&self, key: &str, offset: u64, length: Option<u64>) -> Result<ByteStream> {
        let mut file = tokio::fs::File::open(self.folder.join(key)).await.map_err(|e| match e.kind() {
            std::io::ErrorKind::NotFound => Error::not_found("the object is not in the store"),
            _ => e.into(),
        })?;
        if offset > 0 {
            file.seek(std::io::SeekFrom::Start(offset)).await?;
        }
        let stream = ReaderStream::with_capacity(file.take(length.unwrap_or(u64::MAX)), CHUNK);
        Ok(stream.map(|chunk| chunk.map_err(Error::from)).boxed())
    }

    pub(super) async fn delete(&self, key: &str) -> Result<()> {
        match tokio::fs::remove_file(self.folder.join(key)).await {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(e.into()),
            _ => Ok(()),
        }
    }

    pub(super) async fn ping(&self) -> Result<()> {
        tokio::fs::metadata(&self.folder).await.or_unavailable("the artifact folder is gone").map(drop)
    }
}
