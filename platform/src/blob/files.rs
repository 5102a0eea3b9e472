//! Objects as files. A new one is written to `KEY.part`, synced and renamed to `KEY`.

use super::meter::{Meter, blocking, gather};
use super::{ByteStream, Written};
use crate::error::{Error, Result, ResultExt};
use crate::folders;
use bytes::Bytes;
use futures::{Stream, StreamExt, stream};
use std::fs::File;
use std::io::{ErrorKind, IoSlice, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use tokio::task::{JoinHandle, spawn_blocking};

/// How much is read at a time.
const CHUNK: usize = 256 * 1024;
/// How much is hashed and written at a time, while the next batch arrives.
const BATCH: usize = 1024 * 1024;
/// After so much the disk is told to write what it has: at the end there is little left to wait for.
const FLUSH: u64 = 32 * 1024 * 1024;

pub(super) struct Files {
    folder: PathBuf,
}

impl Files {
    pub(super) fn open(folder: PathBuf) -> Result<Self> {
        folders::make(&folder, folders::PRIVATE).or_unavailable(&format!("cannot make the artifact folder {}", folder.display()))?;
        Ok(Self { folder })
    }

    pub(super) async fn put(
        &self,
        key: &str,
        mut meter: Meter,
        mut data: impl Stream<Item = Result<Bytes>> + Send + Unpin,
    ) -> Result<Written> {
        let mut upload = Upload::new(self.folder.join(key));
        let mut flush = Flush::default();
        let mut batch = gather(&mut data, BATCH).await?;
        while !batch.last {
            let chunks = batch.chunks.clone();
            let writing = blocking(move || upload.write(&chunks));
            let (written, hashed, next) = futures::join!(writing, meter.with(&batch.chunks), gather(&mut data, BATCH));
            (upload, meter, batch) = (written?, hashed?, next?);
            flush.advance(&upload).await?;
        }
        flush.end().await?;
        let chunks = batch.chunks.clone();
        let finishing = blocking(move || upload.write(&chunks)?.finish());
        let (finished, hashed) = futures::join!(finishing, meter.with(&batch.chunks));
        finished?;
        Ok(hashed?.written())
    }

    /// A chunk is read while the one before is sent.
    pub(super) async fn get(&self, key: &str, offset: u64, length: Option<u64>) -> Result<ByteStream> {
        let place = self.folder.join(key);
        let source = blocking(move || Source::open(&place, offset, length.unwrap_or(u64::MAX))).await?;
        let chunks = stream::try_unfold(spawn_blocking(move || source.chunk()), |reading| async {
            let (chunk, source) = reading.await.or_internal("reading a file stopped")??;
            Ok::<_, Error>((!chunk.is_empty()).then(|| (chunk, spawn_blocking(move || source.chunk()))))
        });
        Ok(chunks.boxed())
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

/// A part of a file that is read.
struct Source(std::io::Take<File>);

impl Source {
    fn open(place: &Path, offset: u64, length: u64) -> Result<Self> {
        let mut file = File::open(place).map_err(|e| match e.kind() {
            ErrorKind::NotFound => Error::not_found("the object is not in the store"),
            _ => e.into(),
        })?;
        file.seek(SeekFrom::Start(offset))?;
        Ok(Self(file.take(length)))
    }

    /// What comes next; nothing at the end.
    fn chunk(mut self) -> Result<(Bytes, Self)> {
        let mut chunk = Vec::with_capacity(CHUNK.min(usize::try_from(self.0.limit()).unwrap_or(CHUNK)));
        self.0.by_ref().take(CHUNK as u64).read_to_end(&mut chunk)?;
        Ok((chunk.into(), self))
    }
}

/// The disk's own work at a file that still grows.
#[derive(Default)]
struct Flush {
    /// How much of the file it was told to write.
    told: u64,
    running: Option<JoinHandle<std::io::Result<()>>>,
}

impl Flush {
    /// Tells it to go on, if there is enough to do and it is done with the rest.
    async fn advance(&mut self, upload: &Upload) -> Result<()> {
        if upload.size - self.told < FLUSH || self.running.as_ref().is_some_and(|running| !running.is_finished()) {
            return Ok(());
        }
        self.end().await?;
        if let Some(file) = &upload.file {
            let file = file.try_clone()?;
            self.told = upload.size;
            self.running = Some(spawn_blocking(move || file.sync_data()));
        }
        Ok(())
    }

    /// A failure is told once: it must not get lost.
    async fn end(&mut self) -> Result<()> {
        match self.running.take() {
            Some(running) => running.await.or_internal("writing to the disk stopped")?.map_err(Error::from),
            None => Ok(()),
        }
    }
}

/// A file on its way. Unless it is finished, dropping it removes what was written.
struct Upload {
    place: PathBuf,
    part: PathBuf,
    file: Option<File>,
    size: u64,
}

impl Upload {
    fn new(place: PathBuf) -> Self {
        Self { part: part(&place), place, file: None, size: 0 }
    }

    fn write(mut self, chunks: &[Bytes]) -> Result<Self> {
        let file = match &mut self.file {
            Some(file) => file,
            none => {
                std::fs::create_dir_all(folder(&self.place))?;
                none.insert(File::create(&self.part)?)
            }
        };
        let mut slices: Vec<IoSlice<'_>> = chunks.iter().map(|chunk| IoSlice::new(chunk)).collect();
        let mut left = &mut slices[..];
        while !left.is_empty() {
            match file.write_vectored(left) {
                Ok(0) => return Err(std::io::Error::from(ErrorKind::WriteZero).into()),
                Ok(count) => {
                    self.size += count as u64;
                    IoSlice::advance_slices(&mut left, count);
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(self)
    }

    fn finish(mut self) -> Result<()> {
        if let Some(file) = &self.file {
            file.sync_data()?;
        }
        std::fs::rename(&self.part, &self.place)?;
        self.file = None;
        // the new name itself must survive power loss
        if let Ok(folder) = File::open(folder(&self.place)) {
            let _ = folder.sync_all();
        }
        Ok(())
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
