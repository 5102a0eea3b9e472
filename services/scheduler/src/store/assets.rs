//! Tables `assets`, `asset_aliases`, `asset_alias_assets` and `asset_counters`.

use super::{Filter, Page, Read, places, sql};
use crate::dag::Asset;
use artel_platform::Result;
use artel_platform::args;
use artel_platform::db::{Db, Row, Tx, Value};
use std::collections::HashMap;

/// A row of `assets`.
#[derive(Debug, Clone)]
pub(crate) struct AssetRow {
    pub(crate) id: i64,
    pub(crate) name: String,
    pub(crate) uri: String,
    pub(crate) group: String,
    /// JSON.
    pub(crate) extra: String,
    pub(crate) is_active: bool,
    pub(crate) created_at: i64,
    pub(crate) updated_at: i64,
}

/// A row of `asset_aliases`.
#[derive(Debug, Clone)]
pub(crate) struct AliasRow {
    pub(crate) id: i64,
    pub(crate) name: String,
    pub(crate) group: String,
}

const COLUMNS: &str = "id, name, uri, group_name, extra, is_active, created_at, updated_at";

fn read(row: &Row) -> Result<AssetRow> {
    Ok(AssetRow {
        id: row.get("id")?,
        name: row.get("name")?,
        uri: row.get("uri")?,
        group: row.get("group_name")?,
        extra: row.get("extra")?,
        is_active: row.get("is_active")?,
        created_at: row.get("created_at")?,
        updated_at: row.get("updated_at")?,
    })
}

fn read_alias(row: &Row) -> Result<AliasRow> {
    Ok(AliasRow { id: row.get("id")?, name: row.get("name")?, group: row.get("group_name")? })
}

/// Takes a new number; others who want one of the same counter wait for the end of the transaction.
pub(crate) async fn next_id(tx: &mut Tx, counter: &str) -> Result<i64> {
    let text = "UPDATE asset_counters SET newest = newest + 1 WHERE name = $1 RETURNING newest";
    tx.fetch_one(text, args![counter]).await?.get("newest")
}

/// Waits until nobody else writes what the counter is for.
pub(crate) async fn take_turn(tx: &mut Tx, counter: &str) -> Result<()> {
    tx.execute("UPDATE asset_counters SET newest = newest WHERE name = $1", args![counter]).await.map(drop)
}

pub(crate) async fn get(from: impl Into<Read<'_>>, id: i64) -> Result<Option<AssetRow>> {
    from.into().first(sql(format!("SELECT {COLUMNS} FROM assets WHERE id = $1")), args![id]).await?.as_ref().map(read).transpose()
}

/// The asset of that name and URI.
pub(crate) async fn by_key(from: impl Into<Read<'_>>, name: &str, uri: &str) -> Result<Option<AssetRow>> {
    let text = format!("SELECT {COLUMNS} FROM assets WHERE name = $1 AND uri = $2");
    from.into().first(sql(text), args![name, uri]).await?.as_ref().map(read).transpose()
}

/// The active asset whose `column` (name or uri) is this.
pub(crate) async fn active_by(from: impl Into<Read<'_>>, column: &'static str, value: &str) -> Result<Option<AssetRow>> {
    let text = format!("SELECT {COLUMNS} FROM assets WHERE {column} = $1 AND is_active = 1");
    from.into().first(sql(text), args![value]).await?.as_ref().map(read).transpose()
}

/// Is there an asset of that URI, active or not?
pub(crate) async fn has_uri(tx: &mut Tx, uri: &str) -> Result<bool> {
    Ok(tx.fetch_optional("SELECT 1 AS one FROM assets WHERE uri = $1 LIMIT 1", args![uri]).await?.is_some())
}

pub(crate) async fn list(db: &Db, filter: Filter, page: &Page) -> Result<(Vec<AssetRow>, i64)> {
    super::page(db, COLUMNS, "assets", filter, page, read).await
}

/// These assets, by number.
pub(crate) async fn by_ids(from: impl Into<Read<'_>>, ids: &[i64]) -> Result<HashMap<i64, AssetRow>> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let text = format!("SELECT {COLUMNS} FROM assets WHERE id IN ({})", places(1, ids.len()));
    let rows = from.into().all(sql(text), ids.iter().map(|id| Value::Int(*id)).collect()).await?;
    rows.iter().map(|row| read(row).map(|a| (a.id, a))).collect()
}

/// The assets that an alias came to mean, in the order of their numbers.
pub(crate) async fn of_alias(from: impl Into<Read<'_>>, alias: &str) -> Result<Vec<AssetRow>> {
    let text = format!(
        "SELECT {COLUMNS} FROM assets WHERE id IN (SELECT l.asset_id FROM asset_alias_assets l JOIN asset_aliases a ON a.id = l.alias_id WHERE a.name = $1) ORDER BY id"
    );
    from.into().all(sql(text), args![alias]).await?.iter().map(read).collect()
}

/// Inserts an asset, inactive, or brings its group and extra up to date; returns its number.
pub(crate) async fn put(tx: &mut Tx, asset: &Asset, now: i64) -> Result<i64> {
    let extra = asset.extra.to_string();
    if let Some(known) = by_key(&mut *tx, &asset.name, &asset.uri).await? {
        if known.group != asset.group || known.extra != extra {
            let text = "UPDATE assets SET group_name = $1, extra = $2, updated_at = $3 WHERE id = $4";
            tx.execute(text, args![&asset.group, &extra, now, known.id]).await?;
        }
        return Ok(known.id);
    }
    let id = next_id(tx, "assets").await?;
    let text = format!("INSERT INTO assets ({COLUMNS}) VALUES ($1, $2, $3, $4, $5, 0, $6, $6)");
    tx.execute(sql(text), args![id, &asset.name, &asset.uri, &asset.group, &extra, now]).await?;
    Ok(id)
}

/// Inserts an alias or, when `group` is given, sets its group; returns its number.
pub(crate) async fn put_alias(tx: &mut Tx, name: &str, group: Option<&str>) -> Result<i64> {
    let text = "SELECT id, name, group_name FROM asset_aliases WHERE name = $1";
    if let Some(known) = tx.fetch_optional(text, args![name]).await?.as_ref().map(read_alias).transpose()? {
        if let Some(group) = group.filter(|g| *g != known.group) {
            tx.execute("UPDATE asset_aliases SET group_name = $1 WHERE id = $2", args![group, known.id]).await?;
        }
        return Ok(known.id);
    }
    let id = next_id(tx, "aliases").await?;
    let text = "INSERT INTO asset_aliases (id, name, group_name) VALUES ($1, $2, $3)";
    tx.execute(text, args![id, name, group.unwrap_or_default()]).await?;
    Ok(id)
}

/// From now on the alias means this asset too.
pub(crate) async fn associate(tx: &mut Tx, alias_id: i64, asset_id: i64) -> Result<()> {
    let text = "INSERT INTO asset_alias_assets (alias_id, asset_id) VALUES ($1, $2) ON CONFLICT DO NOTHING";
    tx.execute(text, args![alias_id, asset_id]).await.map(drop)
}

pub(crate) async fn list_aliases(db: &Db, filter: Filter, page: &Page) -> Result<(Vec<AliasRow>, i64)> {
    super::page(db, "id, name, group_name", "asset_aliases", filter, page, read_alias).await
}

pub(crate) async fn get_alias(db: &Db, id: i64) -> Result<Option<AliasRow>> {
    let text = "SELECT id, name, group_name FROM asset_aliases WHERE id = $1";
    db.fetch_optional(text, args![id]).await?.as_ref().map(read_alias).transpose()
}

/// The aliases of these assets: `(asset, alias)`.
pub(crate) async fn aliases_of(db: &Db, ids: &[i64]) -> Result<Vec<(i64, AliasRow)>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let text = format!(
        "SELECT l.asset_id, a.id, a.name, a.group_name FROM asset_alias_assets l JOIN asset_aliases a ON a.id = l.alias_id WHERE l.asset_id IN ({}) ORDER BY a.id",
        places(1, ids.len())
    );
    let rows = db.fetch_all(sql(text), ids.iter().map(|id| Value::Int(*id)).collect()).await?;
    rows.iter().map(|r| Ok((r.get("asset_id")?, read_alias(r)?))).collect()
}

/// A DAG or task names it, an alias means it, or a DAG waits for something of Artel's own by its URI.
const REFERRED: &str = "(EXISTS (SELECT 1 FROM asset_references r WHERE r.target_id = assets.id AND r.kind IN ('schedule', 'inlet', 'outlet'))
     OR EXISTS (SELECT 1 FROM asset_alias_assets l WHERE l.asset_id = assets.id)
     OR (assets.uri LIKE 'artel://%' AND EXISTS (SELECT 1 FROM asset_references r WHERE r.kind = 'schedule_uri' AND r.target = assets.uri)))";

/// Makes assets that nothing refers to inactive.
pub(crate) async fn retire_unreferred(tx: &mut Tx, now: i64) -> Result<()> {
    let text = format!("UPDATE assets SET is_active = 0, updated_at = $1 WHERE is_active = 1 AND NOT {REFERRED}");
    tx.execute(sql(text), args![now]).await.map(drop)
}

/// Inactive assets that something refers to, the oldest first.
pub(crate) async fn inactive_referred(tx: &mut Tx) -> Result<Vec<AssetRow>> {
    let text = format!("SELECT {COLUMNS} FROM assets WHERE is_active = 0 AND {REFERRED} ORDER BY id");
    tx.fetch_all(sql(text), vec![]).await?.iter().map(read).collect()
}

/// Makes an asset active unless another one with its name or URI is; returns whether it did.
pub(crate) async fn activate(tx: &mut Tx, asset: &AssetRow, now: i64) -> Result<bool> {
    let text = "UPDATE assets SET is_active = 1, updated_at = $4 WHERE id = $1
         AND NOT EXISTS (SELECT 1 FROM assets o WHERE o.is_active = 1 AND (o.name = $2 OR o.uri = $3))";
    Ok(tx.execute(text, args![asset.id, &asset.name, &asset.uri, now]).await? > 0)
}
