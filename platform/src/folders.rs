//! Folders with the mode that they shall have from their first moment on.

use std::fs::DirBuilder;
use std::io::Result;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;

/// For nobody else on this machine to read.
pub const PRIVATE: u32 = 0o700;

/// Makes `folder` and those above it with `mode`; what is there stays as it is.
pub fn make(folder: &Path, mode: u32) -> Result<()> {
    DirBuilder::new().recursive(true).mode(mode).create(folder)
}
