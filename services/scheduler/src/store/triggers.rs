//! Table `triggers`: what deferred instances wait for, and what watches assets.

use super::{Read, sql};
use artel_platform::db::{Db, Row, Tx};
use artel_platform::{Result, args};

/// A row.
#[derive(Debug, Clone)]
pub(crate) struct Trigger {
    pub(crate) id: String,
    /// Its instance; a watcher's begins with [`crate::assets::watchers::WATCHER`].
    pub(crate) ti_id: String,
    pub(crate) classpath: String,
    /// JSON, encrypted.
    pub(crate) kwargs: String,
    /// Its arguments are those of the DAG file, with templates in them.
    pub(crate) from_dag: bool,
    /// It fires by itself at this time.
    pub(crate) fires_at: Option<i64>,
    pub(crate) created_at: i64,
}

const COLUMNS: &str = "id, ti_id, classpath, kwargs, from_dag, fires_at, created_at";
/// Its instance still waits for it, or a DAG that may run watches with it.
const AWAITED: &str = "(EXISTS (SELECT 1 FROM task_instances t WHERE t.id = triggers.ti_id AND t.state = 'deferred')
     OR EXISTS (SELECT 1 FROM asset_watchers w JOIN dags d ON d.dag_id = w.dag_id
         WHERE w.trigger_id = triggers.id AND d.is_paused = 0 AND d.is_stale = 0))";
/// Nobody speaks of it any more: a DAG that is paused will watch again.
const FORGOTTEN: &str = "NOT EXISTS (SELECT 1 FROM task_instances t WHERE t.id = triggers.ti_id AND t.state = 'deferred')
     AND NOT EXISTS (SELECT 1 FROM asset_watchers w WHERE w.trigger_id = triggers.id)";

fn read(row: &Row) -> Result<Trigger> {
    Ok(Trigger {
        id: row.get("id")?,
        ti_id: row.get("ti_id")?,
        classpath: row.get("classpath")?,
        kwargs: row.get("kwargs")?,
        from_dag: row.get("from_dag")?,
        fires_at: row.opt("fires_at")?,
        created_at: row.get("created_at")?,
    })
}

/// Adds one in place of what its instance may have waited for before.
pub(crate) async fn put(tx: &mut Tx, t: &Trigger) -> Result<()> {
    delete_of(tx, &t.ti_id).await?;
    let text = format!("INSERT INTO triggers ({COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7)");
    tx.execute(sql(text), args![&t.id, &t.ti_id, &t.classpath, &t.kwargs, t.from_dag, t.fires_at, t.created_at]).await.map(drop)
}

pub(crate) async fn get(tx: &mut Tx, id: &str) -> Result<Option<Trigger>> {
    let text = format!("SELECT {COLUMNS} FROM triggers WHERE id = $1{}", super::for_update(tx.dialect()));
    tx.fetch_optional(sql(text), args![id]).await?.as_ref().map(read).transpose()
}

pub(crate) async fn of_instance(from: impl Into<Read<'_>>, ti_id: &str) -> Result<Option<Trigger>> {
    from.into().first(sql(format!("SELECT {COLUMNS} FROM triggers WHERE ti_id = $1")), args![ti_id]).await?.as_ref().map(read).transpose()
}

/// What these instances wait for.
pub(crate) async fn of_instances(db: &Db, ti_ids: &[String]) -> Result<Vec<Trigger>> {
    let mut found = Vec::new();
    for chunk in ti_ids.chunks(500) {
        let text = format!("SELECT {COLUMNS} FROM triggers WHERE ti_id IN ({})", super::places(1, chunk.len()));
        let rows = db.fetch_all(sql(text), chunk.iter().map(Into::into).collect()).await?;
        found.extend(rows.iter().map(read).collect::<Result<Vec<_>>>()?);
    }
    Ok(found)
}

pub(crate) async fn delete_of(tx: &mut Tx, ti_id: &str) -> Result<()> {
    tx.execute("DELETE FROM triggers WHERE ti_id = $1", args![ti_id]).await.map(drop)
}

/// Is there one that no living host runs?
pub(crate) async fn any_free(db: &Db, now: i64) -> Result<bool> {
    let text = format!("SELECT 1 AS one FROM triggers WHERE fires_at IS NULL AND (host IS NULL OR lease_until < $1) AND {AWAITED} LIMIT 1");
    Ok(db.fetch_optional(sql(text), args![now]).await?.is_some())
}

/// Takes free ones for a host until it has `capacity`, the oldest first, and prolongs what it has.
pub(crate) async fn hold(tx: &mut Tx, host: &str, capacity: i64, now: i64, lease_until: i64) -> Result<()> {
    let held = tx.execute("UPDATE triggers SET lease_until = $1 WHERE host = $2", args![lease_until, host]).await?;
    let text = format!(
        "UPDATE triggers SET host = $1, lease_until = $2 WHERE id IN (SELECT id FROM triggers
         WHERE fires_at IS NULL AND (host IS NULL OR lease_until < $3) AND {AWAITED} ORDER BY created_at LIMIT $4{})",
        super::for_update_skip_locked(tx.dialect())
    );
    tx.execute(sql(text), args![host, lease_until, now, (capacity - held as i64).max(0)]).await.map(drop)
}

/// What a host has and somebody waits for.
pub(crate) async fn held(db: &Db, host: &str) -> Result<Vec<Trigger>> {
    let text = format!("SELECT {COLUMNS} FROM triggers WHERE host = $1 AND {AWAITED} ORDER BY created_at");
    db.fetch_all(sql(text), args![host]).await?.iter().map(read).collect()
}

/// A host gives back what it has: another may go on at once.
pub(crate) async fn release(db: &Db, host: &str) -> Result<()> {
    db.execute("UPDATE triggers SET host = NULL, lease_until = NULL WHERE host = $1", args![host]).await.map(drop)
}

/// Removes those that nobody waits for any more, apart from what living hosts have to stop first.
pub(crate) async fn sweep(db: &Db, now: i64) -> Result<()> {
    let text = format!("DELETE FROM triggers WHERE (host IS NULL OR lease_until < $1) AND {FORGOTTEN}");
    db.execute(sql(text), args![now]).await.map(drop)
}

/// A host has stopped these, which nobody waits for now.
pub(crate) async fn stopped(db: &Db, ids: &[String]) -> Result<()> {
    for chunk in ids.chunks(500) {
        let (places, args) = (super::places(1, chunk.len()), || chunk.iter().map(Into::into).collect());
        db.execute(sql(format!("DELETE FROM triggers WHERE id IN ({places}) AND {FORGOTTEN}")), args()).await?;
        let text = format!("UPDATE triggers SET host = NULL, lease_until = NULL WHERE id IN ({places}) AND NOT {AWAITED}");
        db.execute(sql(text), args()).await?;
    }
    Ok(())
}
