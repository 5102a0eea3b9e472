//! The Python files of the binary, written to the data folder when they differ from what is there.

use crate::error::{Result, ResultExt};
use rust_embed::RustEmbed;
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};

#[derive(RustEmbed)]
#[folder = "../python"]
#[include = "artel_side/*.py"]
#[include = "requirements/*.txt"]
struct Files;

/// Text of a locked requirement set of the binary (`notebook`, `airflow`, `model`).
pub(super) fn requirements(name: &str) -> Option<String> {
    let file = Files::get(&format!("requirements/{name}.txt"))?;
    Some(String::from_utf8_lossy(&file.data).into_owned())
}

/// Writes `artel_side/` under `data/python/<hash>/` and returns that folder, to be put on PYTHONPATH. Folders of
/// other versions stay: a process of theirs may still run.
pub(super) fn install(data: &Path) -> Result<PathBuf> {
    let mut hash = Sha256::new();
    for name in Files::iter() {
        hash.update(name.as_bytes());
        hash.update(Files::get(&name).map(|f| f.metadata.sha256_hash()).unwrap_or_default());
    }
    let folder = data.join("python").join(&hex::encode(hash.finalize())[..16]);
    if folder.join("complete").exists() {
        return Ok(folder);
    }
    for name in Files::iter() {
        let path = folder.join(&*name);
        if let (Some(parent), Some(file)) = (path.parent(), Files::get(&name)) {
            std::fs::create_dir_all(parent)?;
            std::fs::write(&path, &file.data).or_internal(&format!("cannot write {}", path.display()))?;
        }
    }
    std::fs::write(folder.join("complete"), "")?;
    Ok(folder)
}
