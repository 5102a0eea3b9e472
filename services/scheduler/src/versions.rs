//! Versions of DAGs, read from the store once and kept.

use crate::Scheduler;
use crate::dag::Dag;
use crate::store::{Read, versions};
use artel_platform::db::Tx;
use artel_platform::{Error, Result};
use std::collections::HashMap;
use std::sync::{Arc, Mutex};

/// How many are kept. A DAG of ordinary size takes some ten kilobytes.
const KEPT: usize = 1000;

/// The versions in use, by id.
#[derive(Default)]
pub(crate) struct VersionCache(Mutex<Kept>);

#[derive(Default)]
struct Kept {
    dags: HashMap<String, (u64, Arc<Dag>)>,
    clock: u64,
}

impl VersionCache {
    fn get(&self, id: &str) -> Option<Arc<Dag>> {
        let mut kept = self.0.lock().expect("not poisoned");
        kept.clock += 1;
        let now = kept.clock;
        let (used, dag) = kept.dags.get_mut(id)?;
        *used = now;
        Some(dag.clone())
    }

    fn put(&self, id: &str, dag: &Arc<Dag>) {
        let mut kept = self.0.lock().expect("not poisoned");
        if kept.dags.len() >= KEPT
            && let Some(oldest) = kept.dags.iter().min_by_key(|d| d.1.0).map(|d| d.0.clone())
        {
            kept.dags.remove(&oldest);
        }
        let now = kept.clock;
        kept.dags.insert(id.to_owned(), (now, dag.clone()));
    }

    /// A version whose contents were replaced.
    pub(crate) fn forget(&self, id: &str) {
        self.0.lock().expect("not poisoned").dags.remove(id);
    }
}

impl Scheduler {
    /// A version of a DAG.
    pub(crate) async fn version(&self, id: &str) -> Result<Arc<Dag>> {
        match self.versions.get(id) {
            Some(dag) => Ok(dag),
            None => self.read_version(&self.db, id).await,
        }
    }

    /// The same inside a transaction.
    pub(crate) async fn version_in(&self, tx: &mut Tx, id: &str) -> Result<Arc<Dag>> {
        match self.versions.get(id) {
            Some(dag) => Ok(dag),
            None => self.read_version(tx, id).await,
        }
    }

    /// Reads what is not kept of these, in one go. One that cannot be read is told of by whoever wants it.
    pub(crate) async fn read_versions(&self, ids: impl Iterator<Item = &str>) -> Result<()> {
        let missing: Vec<&str> = ids.filter(|id| self.versions.get(id).is_none()).collect();
        if missing.is_empty() {
            return Ok(());
        }
        for (id, text) in versions::all_serialized(&self.db, &missing).await? {
            let _ = self.keep_version(&id, &text);
        }
        Ok(())
    }

    async fn read_version(&self, from: impl Into<Read<'_>>, id: &str) -> Result<Arc<Dag>> {
        let text = versions::serialized(from, id).await?.ok_or_else(|| Error::not_found(format!("there is no DAG version {id}")))?;
        self.keep_version(id, &text)
    }

    fn keep_version(&self, id: &str, text: &str) -> Result<Arc<Dag>> {
        let dag = Arc::new(Dag::read(&serde_json::from_str(text)?)?);
        self.versions.put(id, &dag);
        Ok(dag)
    }
}
