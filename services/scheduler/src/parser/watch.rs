//! The kernel's word that something in a folder of DAG files or plug-ins was written.

use super::Parser;
use crate::Scheduler;
use crate::bundles::Source;
use artel_platform::{Error, Result};
use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// An editor writes a file in several steps: so long after the first, the file is read.
pub(super) const SETTLE: Duration = Duration::from_millis(40);

/// Watches every local bundle and the plug-ins, until the watchers are dropped.
pub(super) fn start_all(scheduler: &Scheduler) -> Vec<RecommendedWatcher> {
    let _ = std::fs::create_dir_all(scheduler.plugins_folder());
    let mut folders = vec![(String::new(), scheduler.plugins_folder())];
    for bundle in scheduler.bundles.all() {
        if let Source::Folder(path) = &bundle.source {
            folders.push((bundle.name.clone(), path.clone()));
        }
    }
    let mut watchers = Vec::new();
    for (bundle, folder) in folders {
        match start(&bundle, &folder, scheduler.parser.clone()) {
            Ok(watcher) => watchers.push(watcher),
            Err(error) => tracing::warn!(error = %error.chain(), "a folder cannot be watched; it is looked at from time to time"),
        }
    }
    watchers
}

fn start(bundle: &str, root: &Path, parser: Arc<Parser>) -> Result<RecommendedWatcher> {
    let refused = |e: notify::Error| Error::unavailable(format!("cannot watch {}", root.display())).because(e);
    let (bundle, folder) = (bundle.to_owned(), root.to_path_buf());
    let tell = move |event: notify::Result<Event>| match event {
        Ok(event) if matches!(event.kind, EventKind::Access(_)) => {}
        Ok(event) => {
            for path in event.paths {
                match path.strip_prefix(&folder) {
                    Ok(relative) if !path.is_dir() && is_source(&path) => {
                        parser.file_changed(&bundle, relative.to_string_lossy().into_owned())
                    }
                    _ if path.extension().is_some_and(|e| e == "pyc") => {}
                    // a folder came, went or was renamed; or something that a DAG file may read
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
    path.extension().and_then(|e| e.to_str()).is_some_and(|e| matches!(e, "py" | "zip"))
}
