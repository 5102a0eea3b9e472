//! A notebook server's log.

use artel_platform::{Result, ResultExt};
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

/// How much of the end is shown.
const LINES: usize = 40;
const BYTES: u64 = 16 * 1024;

/// An empty log; that of the start before is kept beside it as `.old`.
pub(super) fn fresh(path: &Path) -> Result<File> {
    let failed = format!("cannot write the log {}", path.display());
    if let Some(folder) = path.parent() {
        super::make_folder(folder)?;
    }
    if path.exists() {
        std::fs::rename(path, path.with_extension("log.old")).or_internal(&failed)?;
    }
    File::create(path).or_internal(&failed)
}

/// The last lines; empty when there is no log.
pub(super) fn tail(path: &Path) -> String {
    let Ok(bytes) = read_end(path) else { return String::new() };
    let text = String::from_utf8_lossy(&bytes);
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(LINES)..].join("\n")
}

fn read_end(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(BYTES)))?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    Ok(bytes)
}
