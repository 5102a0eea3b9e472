//! Bundles: where DAG files come from. A bundle is a local folder or a git repository that is mirrored and checked out
//! one folder per commit, so that a DAG run goes on with the files that it began with (airflow/dag_processing/bundles).

mod access;
mod archive;
mod git;
mod refresh;
mod settings;

pub(crate) use git::Repository;
pub(crate) use settings::BundleSettings;

use artel_platform::{Error, Result, ResultExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use tokio::sync::Notify;

/// The folder of the settings, as upstream calls it.
pub(crate) const DAGS_FOLDER: &str = "dags-folder";

/// Files of a bundle as they are at one time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Checkout {
    /// The commit; `None` for a folder, whose files may change at any time.
    pub(crate) version: Option<String>,
    /// Where the DAG files are.
    pub(crate) path: PathBuf,
}

/// Where a bundle's files come from.
pub(crate) enum Source {
    /// They are there.
    Folder(PathBuf),
    /// They are fetched.
    Git(Box<Repository>),
}

/// One bundle.
pub(crate) struct Bundle {
    pub(crate) name: String,
    pub(crate) source: Source,
    /// The newest files; `None` until the first were fetched.
    current: Mutex<Option<Checkout>>,
    /// A push was told of.
    pub(crate) wanted: Notify,
}

impl Bundle {
    fn new(name: &str, source: Source) -> Self {
        let current = match &source {
            Source::Folder(path) => Some(Checkout { version: None, path: path.clone() }),
            Source::Git(_) => None,
        };
        Self { name: name.to_owned(), source, current: Mutex::new(current), wanted: Notify::new() }
    }

    /// The newest files.
    pub(crate) fn current(&self) -> Option<Checkout> {
        self.current.lock().expect("not poisoned").clone()
    }

    /// Other files are the newest; returns whether they are other ones.
    fn advance(&self, to: Checkout) -> bool {
        self.current.lock().expect("not poisoned").replace(to.clone()).as_ref() != Some(&to)
    }

    /// The repository, if it is one.
    pub(crate) fn repository(&self) -> Option<&Repository> {
        match &self.source {
            Source::Git(repository) => Some(repository),
            Source::Folder(_) => None,
        }
    }
}

/// Every bundle of the settings.
pub(crate) struct Bundles(Vec<Arc<Bundle>>);

impl Bundles {
    /// The folder `dags` and what the settings add. Makes the folder where it is missing.
    pub(crate) fn open(dags: PathBuf, more: &[BundleSettings], data: &Path) -> Result<Self> {
        std::fs::create_dir_all(&dags).or_invalid(&format!("cannot make the DAG folder {} (setting scheduler.dags)", dags.display()))?;
        let mut all = vec![Arc::new(Bundle::new(DAGS_FOLDER, Source::Folder(dags)))];
        for settings in more {
            if all.iter().any(|b| b.name == settings.name) {
                return Err(Error::invalid(format!("setting scheduler.bundles: two bundles have the name {:?}", settings.name)));
            }
            all.push(Arc::new(Bundle::new(&settings.name, settings.source(data)?)));
        }
        Ok(Self(all))
    }

    pub(crate) fn all(&self) -> &[Arc<Bundle>] {
        &self.0
    }

    pub(crate) fn names(&self) -> Vec<String> {
        self.0.iter().map(|b| b.name.clone()).collect()
    }

    /// The bundle of that name; `NOT_FOUND` when the settings have none.
    pub(crate) fn get(&self, name: &str) -> Result<&Arc<Bundle>> {
        self.0.iter().find(|b| b.name == name).ok_or_else(|| Error::not_found(format!("there is no DAG bundle {name:?}")))
    }

    /// The folder of [`DAGS_FOLDER`].
    pub(crate) fn dags_folder(&self) -> &Path {
        match &self.0[0].source {
            Source::Folder(path) => path,
            Source::Git(repository) => repository.folder(),
        }
    }
}
