//! SQLite's write-ahead log, at its full length early.
//!
//! A commit that makes a file longer waits for the file system's own journal besides its data; one that writes over what
//! is there does not. SQLite starts the log over when it has [`FULL`] bytes, so a new one is lengthened by each of the
//! first thousand commits. What follows the last commit in the log is not read, whatever it is.

use std::fs::OpenOptions;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The header, and a thousand pages with theirs (`wal_autocheckpoint`).
const FULL: u64 = 32 + 1000 * (24 + 4096);
/// How long after the start: what opens a database for a moment only needs no long log.
pub(super) const AFTER: Duration = Duration::from_millis(500);

/// The log of a database.
pub(super) fn of(database: &Path) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push("-wal");
    name.into()
}

/// Lengthens a log with zeros. Whoever calls it holds the database's lock for writing: what another connection appended
/// meanwhile would be overwritten.
pub(super) fn lengthen(log: &Path) -> io::Result<()> {
    let mut log = OpenOptions::new().write(true).open(log)?;
    let length = log.seek(SeekFrom::End(0))?;
    // written, not only reserved: the first write to a reserved block is noted in the file system's journal, too
    io::copy(&mut io::repeat(0).take(FULL.saturating_sub(length)), &mut log)?;
    log.sync_data()
}
