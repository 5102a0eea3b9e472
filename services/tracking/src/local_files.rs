//! Artifacts in a local folder: only where the settings make one the default root (`default_artifact_root = "file:///…"`),
//! and only below it, whatever location an experiment names.

use crate::artifacts::{Bytes, file_info};
use artel_platform::{Error, Result};
use artel_proto::mlflow::FileInfo;
use futures::StreamExt;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use tokio::io::{AsyncReadExt, AsyncSeekExt};
use tokio_util::io::ReaderStream;

/// A folder below the default root.
pub(crate) struct LocalFolder {
    root: PathBuf,
    folder: PathBuf,
}

/// A file in it.
pub(crate) struct LocalFile {
    pub(crate) size: u64,
    /// In milliseconds.
    pub(crate) written_at: i64,
}

impl LocalFolder {
    /// The folder that `location` means, if the default root is local and `location` lies below it.
    pub(crate) fn below(root: &str, location: &str) -> Option<Self> {
        let (root, folder) = (local_path(root)?, local_path(location)?);
        let inside = folder.starts_with(&root) && !folder.components().any(|c| matches!(c, std::path::Component::ParentDir));
        inside.then_some(Self { root, folder })
    }

    pub(crate) async fn list(&self, path: Option<&str>) -> Result<Vec<FileInfo>> {
        let folder = self.folder.join(path.unwrap_or_default());
        let mut entries = match tokio::fs::read_dir(&folder).await {
            Ok(entries) => entries,
            Err(e) if matches!(e.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => return Ok(Vec::new()),
            Err(e) => return Err(e.into()),
        };
        self.require_inside(&folder).await?;
        let mut files = Vec::new();
        while let Some(entry) = entries.next_entry().await? {
            let about = entry.metadata().await?;
            let size = (!about.is_dir()).then_some(about.len() as i64);
            files.push(file_info(path, &entry.file_name().to_string_lossy(), size));
        }
        files.sort_unstable_by(|a, b| a.path.cmp(&b.path));
        Ok(files)
    }

    pub(crate) async fn stat(&self, path: &str) -> Result<LocalFile> {
        let file = self.folder.join(path);
        let about = tokio::fs::metadata(&file).await.map_err(|_| Error::not_found(format!("No such artifact: '{path}'")))?;
        if about.is_dir() {
            return Err(Error::invalid(format!("Artifact path refers to a directory, not a file: '{path}'")));
        }
        self.require_inside(&file).await?;
        let written = about.modified()?.duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        Ok(LocalFile { size: about.len(), written_at: written.as_millis() as i64 })
    }

    /// `length` bytes from `offset`; fewer when there are no more.
    pub(crate) async fn read_part(&self, path: &str, offset: u64, length: u64) -> Result<Bytes> {
        self.stat(path).await?;
        let mut file = tokio::fs::File::open(self.folder.join(path)).await?;
        file.seek(std::io::SeekFrom::Start(offset)).await?;
        Ok(Box::pin(ReaderStream::new(file.take(length)).map(|chunk| chunk.map_err(Error::from))))
    }

    pub(crate) async fn read(&self, path: &str) -> Result<Bytes> {
        self.read_part(path, 0, u64::MAX).await
    }

    pub(crate) async fn write(&self, path: &str, data: &[u8]) -> Result<()> {
        let file = self.folder.join(path);
        let folder = file.parent().unwrap_or(&self.folder);
        tokio::fs::create_dir_all(folder).await?;
        self.require_inside(folder).await?;
        Ok(tokio::fs::write(&file, data).await?)
    }

    /// How many files there are, and their size together in bytes.
    pub(crate) async fn size(&self) -> Result<(u64, u64)> {
        let (mut files, mut bytes) = (0, 0);
        let mut left = vec![self.folder.clone()];
        while let Some(folder) = left.pop() {
            let mut entries = match tokio::fs::read_dir(&folder).await {
                Ok(entries) => entries,
                Err(e) if e.kind() == ErrorKind::NotFound => continue,
                Err(e) => return Err(e.into()),
            };
            while let Some(entry) = entries.next_entry().await? {
                if entry.file_type().await?.is_dir() {
                    left.push(entry.path());
                } else {
                    files += 1;
                    bytes += entry.metadata().await?.len();
                }
            }
        }
        Ok((files, bytes))
    }

    /// Deletes the folder with everything in it; it need not be there. The root itself stays.
    pub(crate) async fn remove(&self) -> Result<()> {
        if self.folder == self.root || !tokio::fs::try_exists(&self.folder).await? {
            return Ok(());
        }
        self.require_inside(&self.folder).await?;
        Ok(tokio::fs::remove_dir_all(&self.folder).await?)
    }

    /// A link must not lead out of the root.
    async fn require_inside(&self, path: &Path) -> Result<()> {
        let root = tokio::fs::canonicalize(&self.root).await?;
        if tokio::fs::canonicalize(path).await?.starts_with(root) { Ok(()) } else { Err(Error::invalid("Invalid path")) }
    }
}

/// The path of a `file:` URI or an absolute path.
fn local_path(location: &str) -> Option<PathBuf> {
    let path = match location.strip_prefix("file:") {
        Some(rest) => rest.strip_prefix("//").unwrap_or(rest),
        None => location,
    };
    let path = percent_encoding::percent_decode_str(path).decode_utf8().ok()?;
    path.starts_with('/').then(|| PathBuf::from(path.into_owned()))
}

#[cfg(test)]
mod tests {
    use super::LocalFolder;

    #[test]
    fn only_below_a_local_root() {
        for (root, location, inside) in [
            ("file:///data/a", "file:///data/a/1/r/artifacts", true),
            ("/data/a", "file:///data/a", true),
            ("file:///data/a", "file:///data/ab", false),
            ("file:///data/a", "file:///data/a/../b", false),
            ("file:///data/a", "/etc", false),
            ("mlflow-artifacts:/", "/etc", false),
            ("file:///data/a", "s3://bucket/a", false),
        ] {
            assert_eq!(LocalFolder::below(root, location).is_some(), inside, "{root} {location}");
        }
    }
}
