//! What paths point to.

use crate::many::Written;
use crate::objects::{Content, Entry};
use crate::path::ArtifactPath;
use artel_platform::Result;
use artel_platform::args;
use artel_platform::db::{AssertSqlSafe, Db, Row, Tx, Value};
use std::collections::{BTreeSet, HashSet};

/// After every path that begins with the same prefix: no character of UTF-8 sorts later.
const LAST: char = '\u{10FFFF}';

/// A new or changed object.
pub(crate) struct NewObject<'a> {
    pub(crate) workspace: &'a str,
    pub(crate) path: &'a ArtifactPath,
    pub(crate) sha256: &'a str,
    pub(crate) size: u64,
    pub(crate) content_type: &'a str,
    pub(crate) created_at: i64,
}

/// The object at `path` and where its bytes lie.
pub(crate) async fn find(db: &Db, workspace: &str, path: &ArtifactPath) -> Result<Option<Content>> {
    let sql = "SELECT o.path, o.sha256, o.size, o.content_type, o.created_at, b.location FROM objects o \
        JOIN blobs b ON b.sha256 = o.sha256 WHERE o.workspace = $1 AND o.path = $2";
    let row = db.fetch_optional(sql, args![workspace, path.as_str()]).await?;
    row.map(|row| {
        Ok(Content {
            entry: file(&row)?,
            content_type: row.get("content_type")?,
            created_at: row.get("created_at")?,
            location: row.get("location")?,
        })
    })
    .transpose()
}

/// Does anything lie below `path`?
pub(crate) async fn is_folder(db: &Db, workspace: &str, path: &ArtifactPath) -> Result<bool> {
    Ok(!page(db, workspace, &path.prefix(), &path.prefix(), 1).await?.is_empty())
}

/// Up to `limit` objects whose path begins with `prefix` and sorts after `after`, in the order of their bytes.
pub(crate) async fn page(db: &Db, workspace: &str, prefix: &str, after: &str, limit: i64) -> Result<Vec<Entry>> {
    let sql = "SELECT path, sha256, size FROM objects WHERE workspace = $1 AND path > $2 AND path < $3 ORDER BY path LIMIT $4";
    let rows = db.fetch_all(sql, args![workspace, after, last_below(prefix), limit]).await?;
    rows.iter().map(file).collect()
}

/// Sorts after everything that begins with `prefix`.
pub(crate) fn last_below(prefix: &str) -> String {
    format!("{prefix}{LAST}")
}

fn file(row: &Row) -> Result<Entry> {
    Ok(Entry { path: row.get("path")?, is_dir: false, size: row.get::<i64>("size")? as u64, sha256: row.get("sha256")? })
}

/// A path that stands in the way of `path`: a file where it needs a folder, or something below it.
pub(crate) async fn obstacle(tx: &mut Tx, workspace: &str, path: &ArtifactPath) -> Result<Option<String>> {
    let folders: Vec<&str> = path.ancestors().collect();
    if !folders.is_empty() {
        let places: Vec<String> = (2..folders.len() + 2).map(|n| format!("${n}")).collect();
        let sql = format!("SELECT path FROM objects WHERE workspace = $1 AND path IN ({}) LIMIT 1", places.join(", "));
        let mut values = args![workspace];
        values.extend(folders.into_iter().map(Value::from));
        if let Some(row) = tx.fetch_optional(AssertSqlSafe(sql), values).await? {
            return row.get("path").map(Some);
        }
    }
    let sql = "SELECT path FROM objects WHERE workspace = $1 AND path > $2 AND path < $3 LIMIT 1";
    let below = tx.fetch_optional(sql, args![workspace, path.prefix(), last_below(&path.prefix())]).await?;
    Ok(below.map(|_| path.to_string()))
}

/// Is there a file where one of these paths needs a folder, or something below one of them? One of them may stand in another's
/// way too.
pub(crate) async fn any_obstacle(tx: &mut Tx, workspace: &str, paths: &[&ArtifactPath]) -> Result<bool> {
    let files: HashSet<&str> = paths.iter().map(|path| path.as_str()).collect();
    let folders: BTreeSet<&str> = paths.iter().flat_map(|path| path.ancestors()).collect();
    if folders.iter().any(|folder| files.contains(folder)) {
        return Ok(true);
    }
    let found = "SELECT o.path FROM wanted w JOIN objects o ON o.workspace = w.workspace AND";
    let files = folders.into_iter().map(|folder| args![workspace, folder]).collect();
    let above = tx.fetch_many("WITH wanted (workspace, path) AS (", &format!(") {found} o.path = w.path LIMIT 1"), files).await?;
    let ranges = paths.iter().map(|path| args![workspace, path.prefix(), last_below(&path.prefix())]).collect();
    let tail = format!(") {found} o.path > w.after AND o.path < w.before LIMIT 1");
    let below = tx.fetch_many("WITH wanted (workspace, after, before) AS (", &tail, ranges).await?;
    Ok(!above.is_empty() || !below.is_empty())
}

/// Takes hold of the object at `path` until the transaction ends; answers the content it points to.
pub(crate) async fn hold(tx: &mut Tx, workspace: &str, path: &ArtifactPath) -> Result<Option<String>> {
    // an update that changes nothing: PostgreSQL locks the row and reads what the last writer left
    let sql = "UPDATE objects SET created_at = created_at WHERE workspace = $1 AND path = $2 RETURNING sha256";
    tx.fetch_optional(sql, args![workspace, path.as_str()]).await?.map(|row| row.get("sha256")).transpose()
}

/// Writes an object that was held before.
pub(crate) async fn replace(tx: &mut Tx, object: &NewObject<'_>) -> Result<()> {
    let sql = "UPDATE objects SET sha256 = $3, size = $4, content_type = $5, created_at = $6 WHERE workspace = $1 AND path = $2";
    tx.execute(sql, values(object)).await.map(drop)
}

/// Writes a new object; `false` when another writer was first.
pub(crate) async fn insert(tx: &mut Tx, object: &NewObject<'_>) -> Result<bool> {
    let sql = "INSERT INTO objects (workspace, path, sha256, size, content_type, created_at) VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING";
    Ok(tx.execute(sql, values(object)).await? == 1)
}

/// Writes new objects; `false` when one of them was there, and then nothing may be committed.
pub(crate) async fn insert_all(tx: &mut Tx, workspace: &str, written: &[Written], now: i64) -> Result<bool> {
    let row = |Written { file, stored }: &Written| {
        let content = &stored.written;
        args![workspace, file.path.as_str(), content.sha256.as_str(), content.size as i64, file.content_type.as_str(), now]
    };
    let head = "INSERT INTO objects (workspace, path, sha256, size, content_type, created_at)";
    let inserted = tx.insert_many(head, "ON CONFLICT DO NOTHING", written.iter().map(row).collect()).await?;
    Ok(inserted == written.len() as u64)
}

fn values(object: &NewObject<'_>) -> Vec<Value> {
    args![object.workspace, object.path.as_str(), object.sha256, object.size as i64, object.content_type, object.created_at]
}

/// Removes the object at `path` and answers its content.
pub(crate) async fn remove(tx: &mut Tx, workspace: &str, path: &ArtifactPath) -> Result<Option<String>> {
    let sql = "DELETE FROM objects WHERE workspace = $1 AND path = $2 RETURNING sha256";
    tx.fetch_optional(sql, args![workspace, path.as_str()]).await?.map(|row| row.get("sha256")).transpose()
}

/// Removes up to `limit` objects below `prefix` and answers their contents.
pub(crate) async fn remove_below(tx: &mut Tx, workspace: &str, prefix: &str, limit: i64) -> Result<Vec<String>> {
    let sql = "DELETE FROM objects WHERE workspace = $1 AND path IN \
        (SELECT path FROM objects WHERE workspace = $1 AND path > $2 AND path < $3 ORDER BY path LIMIT $4) RETURNING sha256";
    let rows = tx.fetch_all(sql, args![workspace, prefix, last_below(prefix), limit]).await?;
    rows.iter().map(|row| row.get("sha256")).collect()
}

/// Points every object of one content to another one; answers how many there are.
pub(crate) async fn repoint_all(tx: &mut Tx, from: &str, to: &str) -> Result<i64> {
    let sql = "UPDATE objects SET sha256 = $2 WHERE sha256 = $1";
    Ok(tx.execute(sql, args![from, to]).await? as i64)
}
