//! DVC remotes: contents by their MD5, written once and never changed (dvc_data/hashfile/db/__init__.py).

use crate::contents;
use crate::objects::{Artifacts, Content, REMOVED_AT_ONCE, release};
use crate::store::dvc;
use artel_platform::blob::Sums;
use artel_platform::{Error, Result};
use bytes::Bytes;
use futures::Stream;

/// What an object of a remote is called: the MD5 of its bytes, with `.dir` when they are the list of a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Name(String);

/// Marks the list of a folder.
const FOLDER: &str = ".dir";

impl Name {
    /// From the two names that the path ends with: two hex digits, and the thirty others with or without `.dir`.
    pub(crate) fn new(first: &str, rest: &str) -> Result<Self> {
        let hex = |text: &str| text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        let digits = rest.strip_suffix(FOLDER).unwrap_or(rest);
        if first.len() != 2 || digits.len() != 30 || !hex(first) || !hex(digits) {
            return Err(Error::invalid(format!(
                "'{first}/{rest}' is no object of a DVC remote: two digits of an MD5 are followed by the other thirty, in lowercase hex"
            )));
        }
        Ok(Self(format!("{first}{rest}")))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// Where it lies in the remote.
    pub(crate) fn path(&self) -> String {
        let (first, rest) = self.0.split_at(2);
        format!("files/md5/{first}/{rest}")
    }

    fn md5(&self) -> &str {
        self.0.strip_suffix(FOLDER).unwrap_or(&self.0)
    }
}

impl Artifacts {
    /// The object `name` of a remote.
    pub(crate) async fn dvc_object(&self, workspace: &str, repo: &str, name: &Name) -> Result<Content> {
        let found = dvc::find(&self.db, workspace, repo, name).await?;
        found.ok_or_else(|| Error::not_found(format!("the remote '{repo}' has no {}", name.path())))
    }

    /// Writes an object whose bytes are what its name says; others are refused and leave nothing. Writing it again is fine.
    pub(crate) async fn put_dvc(
        &self,
        workspace: &str,
        repo: &str,
        name: &Name,
        data: impl Stream<Item = Result<Bytes>> + Send + Unpin,
    ) -> Result<()> {
        let stored = self.store(Sums::WithMd5, data).await?;
        if let Some(md5) = stored.written.md5.as_deref().filter(|md5| *md5 != name.md5()) {
            self.abandon(&stored.location).await?;
            return Err(Error::invalid(format!("the bytes sent for {} have the MD5 {md5}: nothing was stored", name.path())));
        }
        let now = self.clock.now();
        let mut tx = self.db.begin().await?;
        let fresh = match dvc::insert(&mut tx, workspace, repo, name, &stored, now).await? {
            true => contents::retain(&mut tx, &stored, now).await?,
            false => false,
        };
        tx.commit().await?;
        if !fresh {
            self.abandon(&stored.location).await?;
        }
        Ok(())
    }

    /// Removes a whole remote; answers how many objects went.
    pub(crate) async fn delete_dvc(&self, workspace: &str, repo: &str) -> Result<u64> {
        let mut count = 0;
        loop {
            let mut tx = self.db.begin().await?;
            let removed = dvc::remove(&mut tx, workspace, repo, REMOVED_AT_ONCE).await?;
            let last = (removed.len() as i64) < REMOVED_AT_ONCE;
            count += removed.len() as u64;
            release(&mut tx, removed, self.clock.now()).await?;
            tx.commit().await?;
            if last {
                return Ok(count);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Name;

    #[test]
    fn an_object_is_called_by_its_md5() {
        let name = Name::new("d4", "1d8cd98f00b204e9800998ecf8427e.dir").unwrap();
        assert_eq!(
            (name.md5(), name.path().as_str()),
            ("d41d8cd98f00b204e9800998ecf8427e", "files/md5/d4/1d8cd98f00b204e9800998ecf8427e.dir")
        );
        for (first, rest) in [
            ("d", "41d8cd98f00b204e9800998ecf8427e"),
            ("d4", "1d8cd98f00b204e9800998ecf8427"),
            ("D4", "1d8cd98f00b204e9800998ecf8427e"),
            ("d4", "1d8cd98f00b204e9800998ecf8427E"),
            ("d4", "1d8cd98f00b204e9800998ecf8427e.tmp"),
            ("..", "1d8cd98f00b204e9800998ecf8427e"),
            ("", ""),
        ] {
            assert!(Name::new(first, rest).is_err(), "{first}/{rest}");
        }
    }
}
