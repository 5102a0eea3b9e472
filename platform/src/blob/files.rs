//! Objects as files. A new one is written to `KEY.part`, synced and renamed to `KEY`.

use super::meter::{Batch, Meter, blocking, gather};
use super::{ByteStream, Written};
use crate::error::{Error, Result, ResultExt};
use bytes::Bytes;
use futures::{Stream, StreamExt};
use std::fs::File;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use tokio::io::{AsyncReadExt, AsyncSeekExt};
use tokio_util::io::ReaderStream;

/// How much is read at a time.
const CHUNK: usize = 256 * 1024;
/// How much is hashed and written at a time, while the next batch arrives.
const BATCH: usize = 1024 * 1024;

pub(super) struct Files {
    folder: PathBuf,
}

impl Files {
    pub(super) fn open(folder: PathBuf) -> Result<Self> {
        std::fs::create_dir_all(&folder).or_unavailable(&format!("cannot make the artifact folder {}", folder.display()))?;
        Ok(Self { folder })
    }

    pub(super) async fn put(&self, key: &str, mut data: impl Stream<Item = Result<Bytes>> + Send + Unpin) -> Result<Written> {
        let mut upload = Upload::new(self.folder.join(key));
        let mut batch = gather(&mut data, BATCH).await?;
        while !batch.last {
            let (written, next) = futures::join!(blocking(move || upload.write(batch)), gather(&mut data, BATCH));
            (upload, batch) = (written?, next?);
        }
        blocking(move || upload.write(batch)?.finish()).await
    }

    pub(super) async fn get(&self, key: &str, offset: u64, length: Option<u64>) -> Result<ByteStream> {
        let mut file = tokio::fs::File::open(self.folder.join(key)).await.map_err(|e| match e.kind() {
            ErrorKind::NotFound => Error::not_found("the object is not in the store"),
            _ => e.into(),
        })?;
        if offset > 0 {
            file.seek(std::io::SeekFrom::Start(offset)).await?;
        }
        let stream = ReaderStream::with_capacity(file.take(length.unwrap_or(u64::MAX)), CHUNK);
        Ok(stream.map(|chunk| chunk.map_err(Error::from)).boxed())
    }

    pub(super) async fn delete(&self, key: &str) -> Result<()> {
        remove(&self.folder.join(key)).await
    }

    pub(super) async fn discard(&self, key: &str) -> Result<()> {
        remove(&part(&self.folder.join(key))).await?;
        self.delete(key).await
    }

    pub(super) async fn ping(&self) -> Result<()> {
        tokio::fs::metadata(&self.folder).await.or_unavailable("the artifact folder is gone").map(drop)
    }
}

async fn remove(path: &Path) -> Result<()> {
    match tokio::fs::remove_file(path).await {
        Err(e) if e.kind() != ErrorKind::NotFound => Err(e.into()),
        _ => Ok(()),
    }
}

/// Where an object is written before it is whole. A process that is killed leaves it.
fn part(place: &Path) -> PathBuf {
    let mut name = place.as_os_str().to_owned();
    name.push(".part");
    name.into()
}

/// A file on its way. Unless it is finished, dropping it removes what was written.
struct Upload {
    place: PathBuf,
    part: PathBuf,
    file: Option<File>,
    meter: Meter,
}

impl Upload {
    fn new(place: PathBuf) -> Self {
        Self { part: part(&place), place, file: None, meter: Meter::default() }
    }

    fn write(mut self, batch: Batch) -> Result<Self> {
        let file = match &mut self.file {
            Some(file) => file,
            none => {
                std::fs::create_dir_all(folder(&self.place))?;
                none.insert(File::create(&self.part)?)
            }
        };
        let mut file = std::io::BufWriter::with_capacity(BATCH / 32, file);
        for chunk in &batch.chunks {
            self.meter.add(chunk);
            file.write_all(chunk)?;
        }
        file.flush()?;
        drop(file);
        Ok(self)
    }

    fn finish(mut self) -> Result<Written> {
        if let Some(file) = &self.file {
            file.sync_data()?;
        }
        std::fs::rename(&self.part, &self.place)?;
        self.file = None;
        // the new name itself must survive power loss
        if let Ok(folder) = File::open(folder(&self.place)) {
            let _ = folder.sync_all();
        }
        Ok(std::mem::take(&mut self.meter).written())
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        if self.file.is_some() {
            let _ = std::fs::remove_file(&self.part);
        }
    }
}

fn folder(place: &Path) -> &Path {
    place.parent().unwrap_or(Path::new("."))
}
