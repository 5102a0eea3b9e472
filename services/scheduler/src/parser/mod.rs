//! DAG files: found, watched, parsed by a warm Python process, and put into the store.

mod apply;
mod asks;
mod files;
mod ignore;
mod plug_ins;
mod process;
mod warnings;
mod watch;

pub(crate) use plug_ins::TIMETABLE;

use crate::Scheduler;
use crate::bundles::{Bundle, Checkout};
use crate::store::files::DagFile;
use artel_platform::python::Requirements;
use artel_platform::{Error, Result};
use files::{Files, Found};
use futures::StreamExt;
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use process::Process;
use serde_json::{Value, json};
use std::collections::{BTreeSet, HashMap, HashSet};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use tokio::sync::Notify;

/// What the parser is told from outside, and the way to its process.
#[derive(Default)]
pub(crate) struct Parser {
    changed: Mutex<Changes>,
    notify: Notify,
    process: Process,
}

#[derive(Default)]
struct Changes {
    /// Files that were written, as far as the watcher knows: bundle and relative path.
    files: BTreeSet<(String, String)>,
    /// Files that are to be parsed whether they changed or not.
    forced: BTreeSet<(String, String)>,
    /// `variable:key`, `connection:id` that were set.
    settings: BTreeSet<String>,
}

impl Parser {
    /// A variable or connection has another value: files that asked for it are parsed again.
    pub(crate) fn setting_changed(&self, name: String) {
        self.changed.lock().expect("not poisoned").settings.insert(name);
        self.notify.notify_one();
    }

    fn file_changed(&self, bundle: &str, path: String) {
        self.changed.lock().expect("not poisoned").files.insert((bundle.to_owned(), path));
        self.notify.notify_one();
    }

    /// A file is parsed again, whether it changed or not.
    pub(crate) fn parse_again(&self, bundle: &str, path: &str) {
        self.changed.lock().expect("not poisoned").forced.insert((bundle.to_owned(), path.to_owned()));
        self.notify.notify_one();
    }

    /// Every file is looked at.
    pub(crate) fn look_again(&self) {
        self.notify.notify_one();
    }

    fn take(&self) -> Changes {
        std::mem::take(&mut *self.changed.lock().expect("not poisoned"))
    }
}

/// A bundle, and what is known of its files.
struct Shelf {
    bundle: Arc<Bundle>,
    files: Files,
    /// What `files` looks at; `None` until there is a checkout.
    checkout: Option<Checkout>,
    /// Being parsed now, and whether they changed meanwhile.
    under_way: HashMap<String, bool>,
    /// Files of this version are being parsed for the first time.
    advancing: bool,
}

/// A parse that has ended.
struct Ended {
    shelf: usize,
    file: Found,
    result: Result<DagFile>,
}

type Running = FuturesUnordered<BoxFuture<'static, Ended>>;

impl Scheduler {
    /// Starts watching the bundles' folders and parsing what is in them.
    pub(crate) fn start_parser(self: &Arc<Self>) {
        self.parser.process.start(self);
        let scheduler = self.clone();
        self.cx.spawn("parse DAG files", async move {
            let watchers = watch::start_all(&scheduler);
            tokio::select! {
                () = scheduler.cx.stop.cancelled() => {}
                () = scheduler.parse_for_ever() => {}
            }
            drop(watchers);
        });
    }

    async fn parse_for_ever(self: &Arc<Self>) {
        let mut shelves = match self.shelves().await {
            Ok(shelves) => shelves,
            Err(error) => return tracing::error!(error = %error.chain(), "DAG files are not parsed"),
        };
        let mut running = Running::new();
        let mut changes = Changes::default();
        loop {
            for (at, shelf) in shelves.iter_mut().enumerate() {
                if let Err(error) = self.round(at, shelf, &mut running, &changes).await {
                    let bundle = &shelf.bundle.name;
                    tracing::warn!(bundle, error = %error.chain(), "DAG files could not be looked at");
                }
            }
            tokio::select! {
                () = self.parser.notify.notified() => {}
                () = self.take_results(&mut running, &mut shelves) => {}
                () = tokio::time::sleep(self.settings.rescan()) => {}
            }
            // an editor writes a file in several steps
            tokio::time::sleep(watch::SETTLE).await;
            changes = self.parser.take();
            self.follow_connections(&changes.settings);
        }
    }

    async fn shelves(&self) -> Result<Vec<Shelf>> {
        self.retire_bundles().await?;
        let mut shelves = Vec::new();
        for bundle in self.bundles.all() {
            let files = Files::open(&self.db, &bundle.name).await?;
            shelves.push(Shelf { bundle: bundle.clone(), files, checkout: None, under_way: HashMap::new(), advancing: false });
        }
        Ok(shelves)
    }

    /// A bundle whose credentials changed is fetched at once.
    fn follow_connections(&self, settings: &BTreeSet<String>) {
        for bundle in self.bundles.all() {
            if bundle.repository().is_some_and(|r| settings.contains(&format!("connection:{}", r.settings.connection))) {
                bundle.wanted.notify_one();
            }
        }
    }

    /// Starts parsing what changed in one bundle, and forgets what is gone.
    async fn round(self: &Arc<Self>, at: usize, shelf: &mut Shelf, running: &mut Running, changes: &Changes) -> Result<()> {
        let Some(checkout) = shelf.bundle.current() else { return Ok(()) };
        if shelf.checkout.as_ref() != Some(&checkout) {
            shelf.files.move_to(checkout.path.clone());
            shelf.advancing = checkout.version.is_some();
            shelf.checkout = Some(checkout.clone());
        }
        let of_bundle = |all: &BTreeSet<(String, String)>| -> HashSet<String> {
            all.iter().filter(|f| f.0 == shelf.bundle.name).map(|f| f.1.clone()).collect()
        };
        let look = shelf.files.look(&of_bundle(&changes.files), &of_bundle(&changes.forced), &changes.settings).await?;
        for gone in &look.gone {
            self.forget_file(&shelf.bundle.name, gone).await?;
            shelf.files.forget(gone);
        }
        let airflow = Requirements::Set("airflow");
        if look.files > 0 || (self.settings.warm_parser && self.cx.python.is_built(&airflow)) {
            self.parser.process.warm();
        }
        for file in look.changed {
            match shelf.under_way.get_mut(&file.relative) {
                Some(changed_meanwhile) => *changed_meanwhile = true,
                None => {
                    shelf.under_way.insert(file.relative.clone(), false);
                    running.push(Box::pin(self.clone().parse_one(at, shelf.bundle.clone(), checkout.clone(), file)));
                }
            }
        }
        self.finish_advance(shelf).await
    }

    /// When all files that differ in a new version are parsed, the others' DAGs belong to it too.
    async fn finish_advance(&self, shelf: &mut Shelf) -> Result<()> {
        let Some(Checkout { version: Some(version), path }) = &shelf.checkout else { return Ok(()) };
        if !shelf.advancing || !shelf.under_way.is_empty() {
            return Ok(());
        }
        let mut tx = self.db.begin().await?;
        crate::store::bundles::advance(&mut tx, &shelf.bundle.name, version, &format!("{}/", path.display())).await?;
        tx.commit().await?;
        shelf.advancing = false;
        Ok(())
    }

    /// Waits for the end of a parse, and takes in what else has ended. Never returns while none is running.
    async fn take_results(&self, running: &mut Running, shelves: &mut [Shelf]) {
        let Some(first) = running.next().await else { return std::future::pending().await };
        let mut next = Some(first);
        while let Some(ended) = next {
            self.take_result(&mut shelves[ended.shelf], ended.file, ended.result);
            next = futures::FutureExt::now_or_never(running.next()).flatten();
        }
    }

    fn take_result(&self, shelf: &mut Shelf, file: Found, result: Result<DagFile>) {
        let changed_meanwhile = shelf.under_way.remove(&file.relative).unwrap_or(false);
        match result {
            Ok(row) => shelf.files.parsed(file, row),
            Err(error) => {
                tracing::warn!(file = file.relative, error = %error.chain(), "DAG file not parsed");
                shelf.files.unparsed(&file.relative);
            }
        }
        if changed_meanwhile {
            self.parser.look_again();
        }
    }

    async fn parse_one(self: Arc<Self>, shelf: usize, bundle: Arc<Bundle>, checkout: Checkout, file: Found) -> Ended {
        let result = async {
            let seconds = self.settings.parse_timeout_seconds;
            let parsed = self.parser.process.parse(&file.path, &bundle.name, &checkout.path, seconds).await?;
            if bundle.current().as_ref() != Some(&checkout) {
                return Err(Error::unavailable("the bundle has another version meanwhile"));
            }
            self.apply(&bundle.name, &checkout, &file, parsed).await
        };
        let result = result.await;
        Ended { shelf, file, result }
    }

    /// Where plug-ins are, for upstream `AIRFLOW_HOME/plugins`.
    pub(crate) fn plugins_folder(&self) -> PathBuf {
        self.cx.config.data.join("airflow/plugins")
    }

    /// The bundles as Airflow's own settings describe them, for code that looks there.
    pub(crate) fn bundle_list(&self) -> Value {
        let one = |bundle: &Arc<Bundle>| {
            let path = bundle.current().map(|c| c.path).or_else(|| Some(bundle.repository()?.folder().to_path_buf())).unwrap_or_default();
            json!({
                "name": bundle.name,
                "classpath": "airflow.dag_processing.bundles.local.LocalDagBundle",
                "kwargs": {"path": path.display().to_string()},
            })
        };
        self.bundles.all().iter().map(one).collect()
    }
}

#[cfg(test)]
impl Scheduler {
    /// Takes in what a file of the DAG folder gave, as if it had been parsed.
    pub(crate) async fn take_in(&self, file: &str, dags: Value, import_errors: Value) {
        let answer = json!({"dags": dags, "import_errors": import_errors, "source": {file: {"text": "source of it"}}, "seconds": 0.1});
        let checkout = Checkout { version: None, path: self.bundles.dags_folder().to_path_buf() };
        self.take_in_from(crate::bundles::DAGS_FOLDER, &checkout, file, answer).await;
    }

    /// The same for any bundle and with everything that the parser answers.
    pub(crate) async fn take_in_from(&self, bundle: &str, checkout: &Checkout, file: &str, answer: Value) {
        let found = Found { path: checkout.path.join(file), relative: file.into(), stamp: files::Stamp::default() };
        self.apply(bundle, checkout, &found, process::Parsed { answer, asked: vec![] }).await.unwrap();
    }

    /// As if the file had been deleted.
    pub(crate) async fn lose_file(&self, file: &str) {
        self.forget_file(crate::bundles::DAGS_FOLDER, file).await.unwrap();
    }
}
