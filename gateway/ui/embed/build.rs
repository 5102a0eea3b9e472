//! Lets the crate compile before the web app is built, and recompiles it when the web app changes.

use std::{fs, io, path::Path};

fn main() -> io::Result<()> {
    let dist = Path::new(env!("CARGO_MANIFEST_DIR")).join("../dist");
    fs::create_dir_all(&dist)?;
    // Cargo walks the folder, so a file that appears, changes or goes away counts.
    println!("cargo::rerun-if-changed={}", dist.display());
    println!("cargo::rerun-if-changed=build.rs");
    Ok(())
}
