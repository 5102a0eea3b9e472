//! The Python files of the binary, written to the data folder when they differ from what is there.

use crate::error::{Error, Result, ResultExt};
use rust_embed::RustEmbed;
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};

#[derive(RustEmbed)]
#[folder = "../python"]
#[include = "artel_side/*.py"]
#[include = "artel/pyproject.toml"]
#[include = "artel/src/artel/*.py"]
#[include = "requirements/*.txt"]
struct Files;

/// Where the package `artel` is kept; its modules are written beside `artel_side`.
const PACKAGE: &str = "artel/src/";
const PROJECT: &str = "artel/pyproject.toml";

/// Text of a locked requirement set of the binary (`notebook`, `airflow`, `model`).
pub(super) fn requirements(name: &str) -> Option<String> {
    let file = Files::get(&format!("requirements/{name}.txt"))?;
    Some(String::from_utf8_lossy(&file.data).into_owned())
}

/// Writes `artel_side/` and the package `artel`, as if it were installed there, under `data/python/<hash>/` and returns
/// that folder, to be put on PYTHONPATH. Folders of other versions stay: a process of theirs may still run.
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
        let path = folder.join(name.strip_prefix(PACKAGE).unwrap_or(&name));
        if let (Some(parent), Some(file)) = (path.parent(), Files::get(&name).filter(|_| name != PROJECT)) {
            std::fs::create_dir_all(parent)?;
            std::fs::write(&path, &file.data).or_internal(&format!("cannot write {}", path.display()))?;
        }
    }
    register(&folder)?;
    std::fs::write(folder.join("complete"), "")?;
    Ok(folder)
}

/// Writes what an installer writes about the package `artel`, by which Airflow finds a provider.
fn register(folder: &Path) -> Result<()> {
    let text = Files::get(PROJECT).map(|file| String::from_utf8_lossy(&file.data).into_owned()).unwrap_or_default();
    let table: toml::Table = text.parse().map_err(|e| Error::internal("the project file of the package artel").because(e))?;
    let project = &table["project"];
    let text = |key: &str| project[key].as_str().unwrap_or_default();
    let about = folder.join(format!("{}-{}.dist-info", text("name"), text("version")));
    std::fs::create_dir_all(&about)?;
    let metadata =
        format!("Metadata-Version: 2.1\nName: {}\nVersion: {}\nSummary: {}\n", text("name"), text("version"), text("description"));
    std::fs::write(about.join("METADATA"), metadata)?;
    let mut entries = String::new();
    for (group, of_group) in project["entry-points"].as_table().into_iter().flatten() {
        entries.push_str(&format!("[{group}]\n"));
        for (name, target) in of_group.as_table().into_iter().flatten() {
            entries.push_str(&format!("{name} = {}\n", target.as_str().unwrap_or_default()));
        }
    }
    std::fs::write(about.join("entry_points.txt"), entries)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::install;

    #[test]
    fn the_package_is_beside_the_side_and_known_as_a_provider() {
        let data = std::env::temp_dir().join(format!("artel-side-{}", std::process::id()));
        let folder = install(&data).unwrap();
        assert!(folder.join("artel_side/zygote.py").exists() && folder.join("artel/operators.py").exists());
        let entries = std::fs::read_to_string(folder.join("artel-0.1.0.dist-info/entry_points.txt")).unwrap();
        assert_eq!(entries, "[apache_airflow_provider]\nprovider_info = artel.provider:get_provider_info\n");
        assert_eq!(install(&data).unwrap(), folder);
        std::fs::remove_dir_all(&data).unwrap();
    }
}
