//! The table `endpoints`.

use crate::endpoints::{Endpoint, Roll, State};
use artel_platform::Result;
use artel_platform::args;
use artel_platform::db::{AssertSqlSafe, Db, Row, Tx};
use std::collections::BTreeMap;

const COLUMNS: &str = "id, workspace, name, creator, tags, entity, model, selector, generation, state, roll, message, active_revision, active_version, wanted_version, created, updated";

fn select(condition: &str) -> AssertSqlSafe<String> {
    AssertSqlSafe(format!("SELECT {COLUMNS} FROM endpoints WHERE {condition}"))
}

fn endpoint(row: &Row) -> Result<Endpoint> {
    Ok(Endpoint {
        id: row.get("id")?,
        workspace: row.get("workspace")?,
        name: row.get("name")?,
        creator: row.get("creator")?,
        tags: serde_json::from_str(&row.get::<String>("tags")?)?,
        entity: serde_json::from_str(&row.get::<String>("entity")?)?,
        generation: row.get("generation")?,
        state: State::parse(&row.get::<String>("state")?)?,
        roll: Roll::parse(&row.get::<String>("roll")?)?,
        message: row.get("message")?,
        active_revision: row.opt("active_revision")?,
        active_version: row.opt("active_version")?,
        wanted_version: row.opt("wanted_version")?,
        created: row.get("created")?,
        updated: row.get("updated")?,
    })
}

pub(crate) async fn insert(tx: &mut Tx, e: &Endpoint) -> Result<()> {
    let sql = format!("INSERT INTO endpoints ({COLUMNS}) VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13,$14,$15,$16,$17)");
    let values = args![
        &e.id,
        &e.workspace,
        &e.name,
        &e.creator,
        serde_json::to_string(&e.tags)?,
        serde_json::to_string(&e.entity)?,
        &e.entity.model,
        e.entity.selector.to_string(),
        e.generation,
        e.state.name(),
        e.roll.name(),
        &e.message,
        e.active_revision,
        e.active_version,
        e.wanted_version,
        e.created,
        e.updated,
    ];
    tx.execute(AssertSqlSafe(sql), values).await.map(drop)
}

pub(crate) async fn by_name(db: &Db, workspace: &str, name: &str) -> Result<Option<Endpoint>> {
    db.fetch_optional(select("workspace = $1 AND name = $2"), args![workspace, name]).await?.as_ref().map(endpoint).transpose()
}

pub(crate) async fn by_name_in(tx: &mut Tx, workspace: &str, name: &str) -> Result<Option<Endpoint>> {
    tx.fetch_optional(select("workspace = $1 AND name = $2"), args![workspace, name]).await?.as_ref().map(endpoint).transpose()
}

pub(crate) async fn by_id(db: &Db, id: &str) -> Result<Option<Endpoint>> {
    db.fetch_optional(select("id = $1"), args![id]).await?.as_ref().map(endpoint).transpose()
}

pub(crate) async fn by_id_in(tx: &mut Tx, id: &str) -> Result<Option<Endpoint>> {
    tx.fetch_optional(select("id = $1"), args![id]).await?.as_ref().map(endpoint).transpose()
}

/// Those of a workspace, by name.
pub(crate) async fn list(db: &Db, workspace: &str) -> Result<Vec<Endpoint>> {
    db.fetch_all(select("workspace = $1 ORDER BY name"), args![workspace]).await?.iter().map(endpoint).collect()
}

/// Those that follow `selector` (`@alias`, `latest`, a version) of a model.
pub(crate) async fn following(tx: &mut Tx, workspace: &str, model: &str, selector: &str) -> Result<Vec<Endpoint>> {
    let rows = tx.fetch_all(select("workspace = $1 AND model = $2 AND selector = $3"), args![workspace, model, selector]).await?;
    rows.iter().map(endpoint).collect()
}

/// Those of a model.
pub(crate) async fn of_model(tx: &mut Tx, workspace: &str, model: &str) -> Result<Vec<Endpoint>> {
    tx.fetch_all(select("workspace = $1 AND model = $2"), args![workspace, model]).await?.iter().map(endpoint).collect()
}

/// Those of a model that serve this version of it or wish to.
pub(crate) async fn using(tx: &mut Tx, workspace: &str, model: &str, version: i64) -> Result<Vec<Endpoint>> {
    let condition = "workspace = $1 AND model = $2 AND (active_version = $3 OR wanted_version = $3)";
    tx.fetch_all(select(condition), args![workspace, model, version]).await?.iter().map(endpoint).collect()
}

/// What the reconciler needs to know of an endpoint to see whether it has something to do.
pub(crate) struct Wish {
    pub(crate) id: String,
    pub(crate) workspace: String,
    pub(crate) name: String,
    pub(crate) generation: i64,
}

/// The wish of every endpoint of every workspace.
pub(crate) async fn wishes(db: &Db) -> Result<Vec<Wish>> {
    let rows = db.fetch_all("SELECT id, workspace, name, generation FROM endpoints", args![]).await?;
    rows.iter()
        .map(|row| {
            Ok(Wish { id: row.get("id")?, workspace: row.get("workspace")?, name: row.get("name")?, generation: row.get("generation")? })
        })
        .collect()
}

/// The generation of an endpoint; `None` when it is gone.
pub(crate) async fn generation(db: &Db, id: &str) -> Result<Option<i64>> {
    db.fetch_optional("SELECT generation FROM endpoints WHERE id = $1", args![id]).await?.map(|row| row.get("generation")).transpose()
}

/// A changed wish.
pub(crate) async fn set_wish(tx: &mut Tx, e: &Endpoint) -> Result<()> {
    tx.execute(
        "UPDATE endpoints SET entity = $2, model = $3, selector = $4, generation = $5, state = $6, roll = $7, message = $8, wanted_version = $9, updated = $10 WHERE id = $1",
        args![
            &e.id,
            serde_json::to_string(&e.entity)?,
            &e.entity.model,
            e.entity.selector.to_string(),
            e.generation,
            e.state.name(),
            e.roll.name(),
            &e.message,
            e.wanted_version,
            e.updated,
        ],
    )
    .await
    .map(drop)
}

/// How far the reconciler has got.
pub(crate) async fn set_progress(tx: &mut Tx, e: &Endpoint) -> Result<()> {
    tx.execute(
        "UPDATE endpoints SET state = $2, roll = $3, message = $4, active_revision = $5, active_version = $6, wanted_version = $7, updated = $8 WHERE id = $1",
        args![&e.id, e.state.name(), e.roll.name(), &e.message, e.active_revision, e.active_version, e.wanted_version, e.updated],
    )
    .await
    .map(drop)
}

pub(crate) async fn set_tags(tx: &mut Tx, id: &str, tags: &BTreeMap<String, String>, now: i64) -> Result<()> {
    tx.execute("UPDATE endpoints SET tags = $2, updated = $3 WHERE id = $1", args![id, serde_json::to_string(tags)?, now]).await.map(drop)
}

/// Removes an endpoint and its revisions.
pub(crate) async fn delete(tx: &mut Tx, id: &str) -> Result<()> {
    tx.execute("DELETE FROM revisions WHERE endpoint_id = $1", args![id]).await?;
    tx.execute("DELETE FROM endpoints WHERE id = $1", args![id]).await.map(drop)
}
