//! The kernel's word that something in the DAG folder was written.

use super::Parser;
use artel_platform::{Error, Result};
use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// An editor writes a file in several steps: so long after the first, the file is read.
pub(super) const SETTLE: Duration = Duration::from_millis(40);

/// Watches until the watcher is dropped.
pub(super) fn start(root: &Path, parser: Arc<Parser>) -> Result<RecommendedWatcher> {
    let refused = |e: notify::Error| Error::unavailable(format!("cannot watch {}", root.display())).because(e);
    let folder = root.to_path_buf();
    let tell = move |event: notify::Result<Event>| match event {
        Ok(event) if matches!(event.kind, EventKind::Access(_)) => {}
        Ok(event) => {
            for path in event.paths {
                match path.strip_prefix(&folder) {
                    Ok(relative) if !path.is_dir() && is_source(&path) => parser.file_changed(relative.to_string_lossy().into_owned()),
                    _ if path.extension().is_some() => {}
                    // a folder came, went or was renamed
                    _ => parser.look_again(),
                }
            }
        }
        Err(_) => parser.look_again(),
    };
    let mut watcher = notify::recommended_watcher(tell).map_err(refused)?;
    watcher.watch(root, RecursiveMode::Recursive).map_err(refused)?;
    Ok(watcher)
}

fn is_source(path: &Path) -> bool {
    path.extension().and_then(|e| e.to_str()).is_some_and(|e| matches!(e, "py" | "zip" | "sql" | "yaml" | "yml" | "json" | "txt"))
}
