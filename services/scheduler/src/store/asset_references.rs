//! Table `asset_references`: what DAGs are scheduled on, and what their tasks take and make.

use super::{places, sql};
use artel_platform::Result;
use artel_platform::args;
use artel_platform::db::{Db, Row, Tx, Value};
use std::collections::BTreeSet;

/// What identifies a reference of a DAG.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Reference {
    /// `schedule`, `schedule_alias`, `schedule_name`, `schedule_uri`, `inlet` or `outlet`.
    pub(crate) kind: String,
    /// Empty for schedules.
    pub(crate) task_id: String,
    /// The name or URI; empty where there is a number.
    pub(crate) target: String,
    /// Number of the asset or alias.
    pub(crate) target_id: Option<i64>,
}

/// A row, as it is shown at its asset.
#[derive(Debug, Clone)]
pub(crate) struct ShownReference {
    pub(crate) asset_id: i64,
    pub(crate) kind: String,
    pub(crate) dag_id: String,
    pub(crate) task_id: String,
    pub(crate) created_at: i64,
    pub(crate) updated_at: i64,
}

impl Reference {
    fn key(&self) -> String {
        self.target_id.map_or_else(|| self.target.clone(), |id| id.to_string())
    }
}

fn read(row: &Row) -> Result<Reference> {
    let target_id: Option<i64> = row.opt("target_id")?;
    let target = if target_id.is_some() { String::new() } else { row.get("target")? };
    Ok(Reference { kind: row.get("kind")?, task_id: row.get("task_id")?, target, target_id })
}

/// Does the DAG refer to anything?
pub(crate) async fn has_any(tx: &mut Tx, dag_id: &str) -> Result<bool> {
    Ok(tx.fetch_optional("SELECT 1 AS one FROM asset_references WHERE dag_id = $1 LIMIT 1", args![dag_id]).await?.is_some())
}

/// Makes these the references of a DAG. What stays keeps its time. Returns whether anything changed.
pub(crate) async fn replace(tx: &mut Tx, dag_id: &str, wanted: &BTreeSet<Reference>, now: i64) -> Result<bool> {
    let text = "SELECT kind, task_id, target, target_id FROM asset_references WHERE dag_id = $1";
    let known: BTreeSet<Reference> = tx.fetch_all(text, args![dag_id]).await?.iter().map(read).collect::<Result<_>>()?;
    for gone in known.difference(wanted) {
        let text = "DELETE FROM asset_references WHERE dag_id = $1 AND kind = $2 AND task_id = $3 AND target = $4";
        tx.execute(text, args![dag_id, &gone.kind, &gone.task_id, gone.key()]).await?;
        if gone.kind == "schedule" {
            tx.execute("DELETE FROM asset_queue WHERE dag_id = $1 AND asset_id = $2", args![dag_id, gone.target_id]).await?;
        }
    }
    let fresh = wanted.difference(&known);
    let rows: Vec<Vec<Value>> = fresh.map(|r| args![dag_id, &r.kind, &r.task_id, r.key(), r.target_id, now, now]).collect();
    let head = "INSERT INTO asset_references (dag_id, kind, task_id, target, target_id, created_at, updated_at)";
    tx.insert_many(head, "ON CONFLICT DO NOTHING", rows).await?;
    Ok(known != *wanted)
}

/// DAGs that are gone wait for nothing; returns whether they did.
pub(crate) async fn remove(tx: &mut Tx, dag_ids: &[String]) -> Result<bool> {
    let mut removed = 0;
    for dag_id in dag_ids {
        removed += tx.execute("DELETE FROM asset_references WHERE dag_id = $1", args![dag_id]).await?;
        removed += tx.execute("DELETE FROM asset_queue WHERE dag_id = $1", args![dag_id]).await?;
    }
    Ok(removed > 0)
}

/// A DAG that news of an asset is for.
pub(crate) struct Consumer {
    pub(crate) dag_id: String,
    pub(crate) timetable_type: String,
    pub(crate) latest_version_id: String,
}

/// DAGs scheduled on an asset, on its name or URI, or on one of these aliases; paused ones are left out.
pub(crate) async fn consumers(tx: &mut Tx, asset: &super::assets::AssetRow, aliases: &[i64]) -> Result<Vec<Consumer>> {
    let through_alias = match aliases {
        [] => String::new(),
        _ => format!(" OR (r.kind = 'schedule_alias' AND r.target_id IN ({}))", places(4, aliases.len())),
    };
    let text = format!(
        "SELECT dag_id, timetable_type, latest_version_id FROM dags d WHERE d.is_paused = 0 AND d.is_stale = 0 AND EXISTS
         (SELECT 1 FROM asset_references r WHERE r.dag_id = d.dag_id AND ((r.kind = 'schedule' AND r.target_id = $1)
         OR (r.kind = 'schedule_name' AND r.target = $2) OR (r.kind = 'schedule_uri' AND r.target = $3){through_alias})) ORDER BY dag_id"
    );
    let mut values = args![asset.id, &asset.name, &asset.uri];
    values.extend(aliases.iter().map(|id| Value::Int(*id)));
    let rows = tx.fetch_all(sql(text), values).await?;
    let read = |r: &Row| {
        Ok(Consumer { dag_id: r.get("dag_id")?, timetable_type: r.get("timetable_type")?, latest_version_id: r.get("latest_version_id")? })
    };
    rows.iter().map(read).collect()
}

/// The references to these assets.
pub(crate) async fn to_assets(db: &Db, ids: &[i64]) -> Result<Vec<ShownReference>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let text = format!(
        "SELECT target_id, kind, dag_id, task_id, created_at, updated_at FROM asset_references
         WHERE kind IN ('schedule', 'inlet', 'outlet') AND target_id IN ({}) ORDER BY dag_id, task_id",
        places(1, ids.len())
    );
    let rows = db.fetch_all(sql(text), ids.iter().map(|id| Value::Int(*id)).collect()).await?;
    let read = |r: &Row| {
        Ok(ShownReference {
            asset_id: r.get("target_id")?,
            kind: r.get("kind")?,
            dag_id: r.get("dag_id")?,
            task_id: r.get("task_id")?,
            created_at: r.get("created_at")?,
            updated_at: r.get("updated_at")?,
        })
    };
    rows.iter().map(read).collect()
}

/// DAGs with a task that makes the asset, at most two.
pub(crate) async fn producers(db: &Db, asset_id: i64) -> Result<Vec<String>> {
    let text = "SELECT DISTINCT dag_id FROM asset_references WHERE kind = 'outlet' AND target_id = $1 ORDER BY dag_id LIMIT 2";
    db.fetch_all(text, args![asset_id]).await?.iter().map(|r| r.get("dag_id")).collect()
}
