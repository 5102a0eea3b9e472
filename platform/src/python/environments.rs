//! Python environments, made from locked requirements on first need and kept by the hash of what is in them.

use super::{build, files};
use crate::config::Config;
use crate::error::{Error, Result};
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use tokio::sync::{Mutex as AsyncMutex, watch};

/// What an environment contains.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Requirements {
    /// A locked set of the binary: `notebook`, `airflow` or `model`.
    Set(&'static str),
    /// A requirements.txt text, e.g. a model's own.
    Text(String),
}

/// A built environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Environment {
    /// Its folder.
    pub folder: PathBuf,
}

impl Environment {
    /// Its interpreter.
    pub fn python(&self) -> PathBuf {
        self.folder.join("bin/python")
    }

    /// A program installed in it.
    pub fn program(&self, name: &str) -> PathBuf {
        self.folder.join("bin").join(name)
    }
}

/// How a build is getting on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress {
    /// Name for people.
    pub name: String,
    /// Content hash.
    pub hash: String,
    /// `building`, `ready` or `failed`.
    pub state: &'static str,
    /// Last line for people.
    pub message: String,
}

/// All environments of this machine's data folder. Cheap to clone.
#[derive(Clone)]
pub struct Environments(Arc<Inner>);

struct Inner {
    folder: PathBuf,
    side: PathBuf,
    tools: build::Tools,
    builds: Mutex<HashMap<String, Arc<AsyncMutex<()>>>>,
    progress: watch::Sender<Vec<Progress>>,
}

impl Environments {
    /// Writes the embedded Python files where needed; builds nothing yet.
    pub fn open(config: &Config) -> Result<Self> {
        let inner = Inner {
            folder: PathBuf::from(&config.python.environments),
            side: files::install(&config.data)?,
            tools: build::Tools { interpreter: config.python.interpreter.clone(), uv: config.python.uv.clone() },
            builds: Mutex::default(),
            progress: watch::channel(Vec::new()).0,
        };
        Ok(Self(Arc::new(inner)))
    }

    /// The folder that holds the package `artel_side`; put it on PYTHONPATH.
    pub fn side(&self) -> &Path {
        &self.0.side
    }

    /// Every environment that was asked for in this process and how it is getting on; changes as it does.
    pub fn progress(&self) -> watch::Receiver<Vec<Progress>> {
        self.0.progress.subscribe()
    }

    /// Is the environment with these requirements there already? Asks without building it.
    pub fn is_built(&self, requirements: &Requirements) -> bool {
        text(requirements).is_ok_and(|text| build::is_complete(&self.0.folder.join(hash(&self.0.tools.interpreter, &text))))
    }

    /// The environment with these requirements, building it first where needed. Concurrent calls share one build, in
    /// this process and among processes. `name` is for people. Fails with what the installer said last.
    pub async fn ensure(&self, name: &str, requirements: &Requirements) -> Result<Environment> {
        let text = text(requirements)?;
        let hash = hash(&self.0.tools.interpreter, &text);
        let environment = Environment { folder: self.0.folder.join(&hash) };
        if build::is_complete(&environment.folder) {
            return Ok(environment);
        }
        let lock = self.0.builds.lock().expect("not poisoned").entry(hash.clone()).or_default().clone();
        let _one_build = lock.lock().await;
        let report = |state: &'static str, message: &str| {
            self.report(Progress { name: name.into(), hash: hash.clone(), state, message: message.into() })
        };
        let on_line = |line: &str| {
            tracing::info!(environment = name, "{line}");
            report("building", line);
        };
        match build::build(&self.0.tools, &environment.folder, &text, &on_line).await {
            Ok(()) => {
                report("ready", "ready");
                Ok(environment)
            }
            Err(error) => {
                report("failed", &error.message);
                Err(error)
            }
        }
    }

    /// Builds the binary's `sets` ahead of their first use, one after the other. A failure is logged: whoever needs the
    /// environment later tries again and gets the error.
    pub async fn prepare(&self, sets: &[&'static str]) {
        for set in sets {
            if let Err(error) = self.ensure(set, &Requirements::Set(set)).await {
                tracing::warn!(environment = set, error = %error.chain(), "environment not prepared");
            }
        }
    }

    fn report(&self, progress: Progress) {
        self.0.progress.send_modify(|all| match all.iter_mut().find(|p| p.hash == progress.hash) {
            Some(known) => *known = progress,
            None => all.push(progress),
        });
    }
}

fn text(requirements: &Requirements) -> Result<String> {
    match requirements {
        Requirements::Set(set) => {
            files::requirements(set).ok_or_else(|| Error::internal(format!("this binary has no requirement set {set}")))
        }
        Requirements::Text(text) => Ok(text.clone()),
    }
}

fn hash(interpreter: &str, requirements: &str) -> String {
    let mut hash = Sha256::new();
    hash.update(interpreter.as_bytes());
    hash.update([0]);
    for line in requirements.lines().map(str::trim).filter(|l| !l.is_empty() && !l.starts_with('#')) {
        hash.update(line.as_bytes());
        hash.update(b"\n");
    }
    hex::encode(hash.finalize())[..20].to_owned()
}
