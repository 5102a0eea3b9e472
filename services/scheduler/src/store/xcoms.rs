//! Tables `xcoms` and `rendered_fields`.

use super::{Filter, Page, Read, sql};
use artel_platform::Result;
use artel_platform::args;
use artel_platform::db::{Db, Query, Row, Tx};

/// Which values: those of one key of one task in one run.
#[derive(Debug, Clone)]
pub(crate) struct XComKey<'a> {
    pub(crate) dag_id: &'a str,
    pub(crate) run_id: &'a str,
    pub(crate) task_id: &'a str,
    pub(crate) key: &'a str,
}

/// A row.
#[derive(Debug, Clone)]
pub(crate) struct XCom {
    pub(crate) map_index: i64,
    pub(crate) key: String,
    /// JSON; empty where it is an object of the artifact service.
    pub(crate) value: String,
    /// The path of that object.
    pub(crate) object: Option<String>,
}

const COLUMNS: &str = "map_index, key, value, object";

fn read(row: &Row) -> Result<XCom> {
    Ok(XCom { map_index: row.get("map_index")?, key: row.get("key")?, value: row.get("value")?, object: row.opt("object")? })
}

pub(crate) async fn get(from: impl Into<Read<'_>>, key: &XComKey<'_>, map_index: i64) -> Result<Option<XCom>> {
    let text = format!("SELECT {COLUMNS} FROM xcoms WHERE dag_id = $1 AND run_id = $2 AND task_id = $3 AND key = $4 AND map_index = $5");
    from.into().first(sql(text), args![key.dag_id, key.run_id, key.task_id, key.key, map_index]).await?.as_ref().map(read).transpose()
}

/// The value of the newest run up to and including this one that has one.
pub(crate) async fn get_prior(db: &Db, key: &XComKey<'_>, map_index: i64) -> Result<Option<XCom>> {
    let text = "SELECT x.map_index, x.key, x.value, x.object FROM xcoms x
         JOIN dag_runs r ON r.dag_id = x.dag_id AND r.run_id = x.run_id JOIN dag_runs this ON this.dag_id = $1 AND this.run_id = $2
         WHERE x.dag_id = $1 AND x.task_id = $3 AND x.key = $4 AND x.map_index = $5 AND (r.run_id = this.run_id OR r.logical_date <= this.logical_date)
         ORDER BY r.logical_date DESC NULLS LAST LIMIT 1";
    db.fetch_optional(text, args![key.dag_id, key.run_id, key.task_id, key.key, map_index]).await?.as_ref().map(read).transpose()
}

/// All values of a key, by map index.
pub(crate) async fn sequence(db: &Db, key: &XComKey<'_>) -> Result<Vec<XCom>> {
    let text = format!("SELECT {COLUMNS} FROM xcoms WHERE dag_id = $1 AND run_id = $2 AND task_id = $3 AND key = $4 ORDER BY map_index");
    db.fetch_all(sql(text), args![key.dag_id, key.run_id, key.task_id, key.key]).await?.iter().map(read).collect()
}

/// The `offset`th value, from the end where it is negative.
pub(crate) async fn item(db: &Db, key: &XComKey<'_>, offset: i64) -> Result<Option<XCom>> {
    let (order, skip) = if offset >= 0 { ("ASC", offset) } else { ("DESC", -1 - offset) };
    let text = format!(
        "SELECT {COLUMNS} FROM xcoms WHERE dag_id = $1 AND run_id = $2 AND task_id = $3 AND key = $4 ORDER BY map_index {order} LIMIT 1 OFFSET $5"
    );
    db.fetch_optional(sql(text), args![key.dag_id, key.run_id, key.task_id, key.key, skip]).await?.as_ref().map(read).transpose()
}

pub(crate) async fn count(db: &Db, key: &XComKey<'_>, map_index: Option<i64>) -> Result<i64> {
    let text = "SELECT COUNT(*) AS count FROM xcoms WHERE dag_id = $1 AND run_id = $2 AND task_id = $3 AND key = $4 AND ($5 = -2 OR map_index = $5)";
    db.fetch_one(text, args![key.dag_id, key.run_id, key.task_id, key.key, map_index.unwrap_or(-2)]).await?.get("count")
}

/// A value to store.
pub(crate) struct NewXCom<'a> {
    pub(crate) map_index: i64,
    pub(crate) value: &'a str,
    pub(crate) object: Option<&'a str>,
    pub(crate) mapped_length: Option<i64>,
    pub(crate) dag_result: bool,
}

pub(crate) async fn put(tx: &mut Tx, key: &XComKey<'_>, x: &NewXCom<'_>, now: i64) -> Result<()> {
    doom(tx, key, x.map_index, now).await?;
    let text = "INSERT INTO xcoms (dag_id, run_id, task_id, map_index, key, value, object, mapped_length, dag_result, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
         ON CONFLICT (dag_id, run_id, task_id, map_index, key) DO UPDATE SET value = excluded.value, object = excluded.object,
         mapped_length = excluded.mapped_length, dag_result = excluded.dag_result, created_at = excluded.created_at";
    let place = args![key.dag_id, key.run_id, key.task_id, x.map_index, key.key];
    let values = place.into_iter().chain(args![x.value, x.object, x.mapped_length, x.dag_result, now]).collect();
    tx.execute(text, values).await.map(drop)
}

/// What stands beside a value: the length that is mapped over, and whether it is the result of the DAG.
pub(crate) async fn about(tx: &mut Tx, key: &XComKey<'_>, map_index: i64) -> Result<Option<(Option<i64>, bool)>> {
    let text =
        "SELECT mapped_length, dag_result FROM xcoms WHERE dag_id = $1 AND run_id = $2 AND task_id = $3 AND key = $4 AND map_index = $5";
    let row = tx.fetch_optional(text, args![key.dag_id, key.run_id, key.task_id, key.key, map_index]).await?;
    row.map(|r| Ok((r.opt("mapped_length")?, r.get("dag_result")?))).transpose()
}

/// The object of a value that is about to go, if it has one, is to go too.
async fn doom(tx: &mut Tx, key: &XComKey<'_>, map_index: i64, now: i64) -> Result<()> {
    let text = "INSERT INTO doomed_objects (path, doomed_at) SELECT object, $6 FROM xcoms
         WHERE dag_id = $1 AND run_id = $2 AND task_id = $3 AND key = $4 AND map_index = $5 AND object IS NOT NULL ON CONFLICT DO NOTHING";
    tx.execute(text, args![key.dag_id, key.run_id, key.task_id, key.key, map_index, now]).await.map(drop)
}

pub(crate) async fn delete(tx: &mut Tx, key: &XComKey<'_>, map_index: i64, now: i64) -> Result<bool> {
    doom(tx, key, map_index, now).await?;
    let text = "DELETE FROM xcoms WHERE dag_id = $1 AND run_id = $2 AND task_id = $3 AND key = $4 AND map_index = $5";
    Ok(tx.execute(text, args![key.dag_id, key.run_id, key.task_id, key.key, map_index]).await? > 0)
}

/// Keys that an instance has values under.
pub(crate) fn keys_of(ti_id: &str) -> Query<Vec<String>> {
    let text = "SELECT x.key FROM task_instances t JOIN xcoms x ON x.dag_id = t.dag_id AND x.run_id = t.run_id AND x.task_id = t.task_id
         AND x.map_index = t.map_index WHERE t.id = $1 ORDER BY x.key";
    Query::all(text, args![ti_id], |r| r.get("key"))
}

/// An XCom without its value, and what it is shown with.
#[derive(Debug, Clone)]
pub(crate) struct Listed {
    pub(crate) dag_id: String,
    pub(crate) run_id: String,
    pub(crate) task_id: String,
    pub(crate) map_index: i64,
    pub(crate) key: String,
    pub(crate) created_at: i64,
    pub(crate) logical_date: Option<i64>,
    pub(crate) run_after: Option<i64>,
    pub(crate) dag_display_name: Option<String>,
    pub(crate) task_display_name: Option<String>,
}

const LISTED: &str = "dag_id, run_id, task_id, map_index, key, created_at,
     (SELECT r.logical_date FROM dag_runs r WHERE r.dag_id = xcoms.dag_id AND r.run_id = xcoms.run_id) AS logical_date,
     (SELECT r.run_after FROM dag_runs r WHERE r.dag_id = xcoms.dag_id AND r.run_id = xcoms.run_id) AS run_after,
     (SELECT d.display_name FROM dags d WHERE d.dag_id = xcoms.dag_id) AS dag_display_name,
     (SELECT t.task_display_name FROM task_instances t WHERE t.dag_id = xcoms.dag_id AND t.run_id = xcoms.run_id AND t.task_id = xcoms.task_id
      AND t.map_index = xcoms.map_index) AS task_display_name";

fn read_listed(row: &Row) -> Result<Listed> {
    Ok(Listed {
        dag_id: row.get("dag_id")?,
        run_id: row.get("run_id")?,
        task_id: row.get("task_id")?,
        map_index: row.get("map_index")?,
        key: row.get("key")?,
        created_at: row.get("created_at")?,
        logical_date: row.opt("logical_date")?,
        run_after: row.opt("run_after")?,
        dag_display_name: row.opt("dag_display_name")?,
        task_display_name: row.opt("task_display_name")?,
    })
}

pub(crate) async fn list(db: &Db, filter: Filter, page: &Page) -> Result<(Vec<Listed>, i64)> {
    super::page(db, LISTED, "xcoms", filter, page, read_listed).await
}

/// One of them.
pub(crate) async fn listed(db: &Db, key: &XComKey<'_>, map_index: i64) -> Result<Option<Listed>> {
    let text = format!("SELECT {LISTED} FROM xcoms WHERE dag_id = $1 AND run_id = $2 AND task_id = $3 AND key = $4 AND map_index = $5");
    let values = args![key.dag_id, key.run_id, key.task_id, key.key, map_index];
    db.fetch_optional(sql(text), values).await?.as_ref().map(read_listed).transpose()
}

/// What the branches of a run said: `(task, map index, JSON)`.
pub(crate) async fn skip_memos(tx: &mut Tx, dag_id: &str, run_id: &str) -> Result<Vec<(String, i64, String)>> {
    let rows = tx
        .fetch_all(
            "SELECT task_id, map_index, value FROM xcoms WHERE dag_id = $1 AND run_id = $2 AND key = 'skipmixin_key'",
            args![dag_id, run_id],
        )
        .await?;
    rows.iter().map(|r| Ok((r.get("task_id")?, r.get("map_index")?, r.get("value")?))).collect()
}

/// How many elements the result of a task has (`mapped`: how many of its instances gave one). `None`: not known.
pub(crate) async fn map_length(tx: &mut Tx, dag_id: &str, run_id: &str, task_id: &str, mapped: bool) -> Result<Option<i64>> {
    let text = if mapped {
        "SELECT COUNT(*) AS length FROM xcoms WHERE dag_id = $1 AND run_id = $2 AND task_id = $3 AND key = 'return_value' AND map_index >= 0"
    } else {
        "SELECT mapped_length AS length FROM xcoms WHERE dag_id = $1 AND run_id = $2 AND task_id = $3 AND mapped_length IS NOT NULL AND map_index < 0"
    };
    tx.fetch_optional(text, args![dag_id, run_id, task_id]).await?.map_or(Ok(None), |r| r.opt("length"))
}

const RENDER: &str = "INSERT INTO rendered_fields (ti_id, fields) SELECT id, $2 FROM task_instances WHERE id = $1
         ON CONFLICT (ti_id) DO UPDATE SET fields = excluded.fields";

/// Keeps the rendered template fields of a task instance; `false` when there is none of that id.
pub(crate) async fn set_rendered(db: &Db, ti_id: &str, fields: &str) -> Result<bool> {
    Ok(db.execute(RENDER, args![ti_id, fields]).await? > 0)
}

/// The same, also of a try of the past, before what else the transaction writes.
pub(crate) fn set_rendered_ahead(tx: &mut Tx, ti_id: &str, fields: &str) {
    let text = "INSERT INTO rendered_fields (ti_id, fields) SELECT id, $2 FROM task_instances WHERE id = $1
         UNION SELECT id, $2 FROM task_instance_history WHERE id = $1
         ON CONFLICT (ti_id) DO UPDATE SET fields = excluded.fields";
    tx.ahead(text, args![ti_id, fields]);
}

/// Rendered template fields: `(task instance id, JSON)`.
pub(crate) async fn rendered(db: &Db, ti_ids: &[String]) -> Result<Vec<(String, String)>> {
    let mut found = Vec::new();
    for chunk in ti_ids.chunks(500) {
        let text = format!("SELECT ti_id, fields FROM rendered_fields WHERE ti_id IN ({})", super::places(1, chunk.len()));
        for row in db.fetch_all(sql(text), chunk.iter().map(Into::into).collect()).await? {
            found.push((row.get("ti_id")?, row.get("fields")?));
        }
    }
    Ok(found)
}
