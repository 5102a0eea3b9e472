//! DAG files: found, watched, parsed by a warm Python process, and put into the store.

mod apply;
mod asks;
mod files;
mod process;
mod watch;

use crate::Scheduler;
use artel_platform::Result;
use files::{Bundle, Found};
use process::Process;
use std::collections::{BTreeSet, HashMap};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use tokio::sync::Notify;

/// The one bundle: a folder of DAG files.
pub(crate) struct DagsFolder {
    /// Its name, as upstream calls the folder.
    pub(crate) name: &'static str,
    /// Where it is.
    pub(crate) path: PathBuf,
}

impl DagsFolder {
    pub(crate) fn new(path: PathBuf) -> Self {
        Self { name: "dags-folder", path }
    }
}

/// What the parser is told from outside.
#[derive(Default)]
pub(crate) struct Parser {
    changed: Mutex<Changes>,
    notify: Notify,
}

#[derive(Default)]
struct Changes {
    /// Files that were written, as far as the watcher knows; relative paths.
    files: BTreeSet<String>,
    /// `variable:key`, `connection:id` that were set.
    settings: BTreeSet<String>,
    /// Everything is to be looked at.
    all: bool,
}

impl Parser {
    /// A variable or connection has another value: files that asked for it are parsed again.
    pub(crate) fn setting_changed(&self, name: String) {
        self.changed.lock().expect("not poisoned").settings.insert(name);
        self.notify.notify_one();
    }

    fn file_changed(&self, path: String) {
        self.changed.lock().expect("not poisoned").files.insert(path);
        self.notify.notify_one();
    }

    fn look_again(&self) {
        self.changed.lock().expect("not poisoned").all = true;
        self.notify.notify_one();
    }

    /// Every file is parsed again, whether it changed or not.
    pub(crate) fn take(&self) -> (BTreeSet<String>, BTreeSet<String>, bool) {
        let changes = std::mem::take(&mut *self.changed.lock().expect("not poisoned"));
        (changes.files, changes.settings, changes.all)
    }
}

impl Scheduler {
    /// Starts watching the folder and parsing what is in it.
    pub(crate) fn start_parser(self: &Arc<Self>) {
        let scheduler = self.clone();
        self.cx.spawn("parse DAG files", async move {
            let watcher = watch::start(&scheduler.bundle.path, scheduler.parser.clone());
            if let Err(error) = &watcher {
                tracing::warn!(error = %error.chain(), "the DAG folder cannot be watched; it is looked at from time to time");
            }
            tokio::select! {
                () = scheduler.cx.stop.cancelled() => {}
                () = scheduler.parse_for_ever() => {}
            }
            drop(watcher);
        });
    }

    async fn parse_for_ever(self: &Arc<Self>) {
        let mut bundle = match Bundle::open(&self.db, &self.bundle).await {
            Ok(bundle) => bundle,
            Err(error) => return tracing::error!(error = %error.chain(), "DAG files are not parsed"),
        };
        let process = Process::new(self.clone());
        let mut settings = BTreeSet::new();
        let mut named = BTreeSet::new();
        loop {
            if let Err(error) = self.round(&mut bundle, &process, &named, &settings).await {
                tracing::warn!(error = %error.chain(), "DAG files could not be looked at");
            }
            tokio::select! {
                () = self.parser.notify.notified() => {}
                () = tokio::time::sleep(self.settings.rescan()) => self.parser.look_again(),
            }
            // an editor writes a file in several steps
            tokio::time::sleep(watch::SETTLE).await;
            let changes = self.parser.take();
            named = if changes.2 { BTreeSet::new() } else { changes.0 };
            settings = changes.1;
        }
    }

    /// Parses what changed and forgets what is gone. Without names of files every file is looked at.
    async fn round(
        self: &Arc<Self>,
        bundle: &mut Bundle,
        process: &Arc<Process>,
        named: &BTreeSet<String>,
        settings: &BTreeSet<String>,
    ) -> Result<()> {
        let found = bundle.look(named, settings).await?;
        for gone in &found.gone {
            self.forget_file(gone).await?;
            bundle.forget(gone);
        }
        let airflow = artel_platform::python::Requirements::Set("airflow");
        if found.files > 0 || (self.settings.warm_parser && self.cx.python.is_built(&airflow)) {
            process.warm();
        }
        if found.changed.is_empty() {
            return Ok(());
        }
        let parses: HashMap<String, _> = found.changed.into_iter().map(|f| (f.relative.clone(), f)).collect();
        let running = parses.into_values().map(|file| self.clone().parse_one(process.clone(), file));
        for (file, parsed) in futures::future::join_all(running).await {
            match parsed {
                Ok(row) => bundle.parsed(file, row),
                Err(error) => {
                    tracing::warn!(file = file.relative, error = %error.chain(), "DAG file not parsed");
                    self.parser.look_again();
                }
            }
        }
        Ok(())
    }

    async fn parse_one(self: Arc<Self>, process: Arc<Process>, file: Found) -> (Found, Result<crate::store::files::DagFile>) {
        let result = async {
            let parsed = process.parse(&file.path).await?;
            self.apply(&file, parsed).await
        };
        let result = result.await;
        (file, result)
    }
}

#[cfg(test)]
impl Scheduler {
    /// Takes in what a file gave, as if it had been parsed.
    pub(crate) async fn take_in(&self, file: &str, dags: serde_json::Value, import_errors: serde_json::Value) {
        let answer =
            serde_json::json!({"dags": dags, "import_errors": import_errors, "source": {file: {"text": "source of it"}}, "seconds": 0.1});
        let found = Found { path: self.bundle.path.join(file), relative: file.into(), stamp: files::Stamp::default() };
        self.apply(&found, process::Parsed { answer, asked: vec![] }).await.unwrap();
    }

    /// As if the file had been deleted.
    pub(crate) async fn lose_file(&self, file: &str) {
        self.forget_file(file).await.unwrap();
    }
}
