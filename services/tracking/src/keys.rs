//! Metric names and their numbers. A process remembers those that it has met, so that logging and searching touch
//! the table of names only for a new one.

use crate::store::metric_keys;
use artel_platform::Result;
use artel_platform::db::Db;
use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

/// Beyond this many names the memory is emptied.
const REMEMBERED: usize = 100_000;

/// Both directions.
#[derive(Default)]
pub(crate) struct MetricKeys(RwLock<Known>);

#[derive(Default)]
struct Known {
    numbers: HashMap<Arc<str>, i64>,
    names: HashMap<i64, Arc<str>>,
}

impl MetricKeys {
    /// The number of each name, in order; names that were never logged get one.
    pub(crate) async fn numbers(&self, db: &Db, names: &[&str]) -> Result<Vec<i64>> {
        let missing = self.missing(names);
        if !missing.is_empty() {
            self.remember(metric_keys::add(db, &missing).await?);
        }
        let found = self.lookup(names);
        if found.iter().all(Option::is_some) {
            return Ok(found.into_iter().flatten().collect());
        }
        // the memory was emptied in between: ask for exactly these
        let rows: HashMap<String, i64> = metric_keys::add(db, names).await?.into_iter().map(|(id, name)| (name, id)).collect();
        Ok(names.iter().filter_map(|name| rows.get(*name).copied()).collect())
    }

    /// The number of a name, or `None` when it was never logged.
    pub(crate) async fn find(&self, db: &Db, name: &str) -> Result<Option<i64>> {
        if let [Some(id)] = self.lookup(&[name])[..] {
            return Ok(Some(id));
        }
        let rows = metric_keys::find(db, &[name]).await?;
        let id = rows.first().map(|row| row.0);
        self.remember(rows);
        Ok(id)
    }

    /// The names of these numbers.
    pub(crate) async fn names(&self, db: &Db, ids: &[i64]) -> Result<HashMap<i64, Arc<str>>> {
        let mut names = HashMap::new();
        let mut missing = Vec::new();
        {
            let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
            for id in ids {
                match known.names.get(id) {
                    Some(name) => drop(names.insert(*id, name.clone())),
                    None => missing.push(*id),
                }
            }
        }
        missing.sort_unstable();
        missing.dedup();
        if !missing.is_empty() {
            let rows = metric_keys::names(db, &missing).await?;
            names.extend(rows.iter().map(|(id, name)| (*id, Arc::from(name.as_str()))));
            self.remember(rows);
        }
        Ok(names)
    }

    fn missing<'a>(&self, names: &[&'a str]) -> Vec<&'a str> {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let mut missing: Vec<&str> = names.iter().copied().filter(|n| !known.numbers.contains_key(*n)).collect();
        missing.sort_unstable();
        missing.dedup();
        missing
    }

    fn lookup(&self, names: &[&str]) -> Vec<Option<i64>> {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        names.iter().map(|name| known.numbers.get(*name).copied()).collect()
    }

    fn remember(&self, rows: Vec<(i64, String)>) {
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if known.numbers.len() + rows.len() > REMEMBERED {
            *known = Known::default();
        }
        for (id, name) in rows {
            let name: Arc<str> = name.into();
            known.numbers.insert(name.clone(), id);
            known.names.insert(id, name);
        }
    }
}
