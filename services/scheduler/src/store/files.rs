//! Tables `dag_files` and `import_errors`.

use super::{Filter, Page, sql};
use artel_platform::Result;
use artel_platform::args;
use artel_platform::db::{Db, Row, Tx};

/// How a file was last parsed.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct DagFile {
    pub(crate) relative_path: String,
    /// Of the file and of those that it imports from the bundle.
    pub(crate) content_hash: String,
    pub(crate) depends_on: Vec<String>,
    /// Variables and connections that it asked for: `variable:key`, `connection:id`.
    pub(crate) asked: Vec<String>,
    pub(crate) dag_ids: Vec<String>,
    /// Which parser it was.
    pub(crate) parser: String,
    pub(crate) parsed_at: i64,
    pub(crate) parse_seconds: f64,
}

/// A row of `import_errors`.
#[derive(Debug, Clone)]
pub(crate) struct ImportError {
    pub(crate) id: i64,
    pub(crate) bundle_name: String,
    pub(crate) filename: String,
    pub(crate) stack_trace: String,
    pub(crate) created_at: i64,
}

pub(crate) async fn all(db: &Db, bundle: &str) -> Result<Vec<DagFile>> {
    let text = "SELECT relative_path, content_hash, depends_on, asked, dag_ids, parser, parsed_at, parse_seconds FROM dag_files WHERE bundle_name = $1";
    let read = |row: &Row| -> Result<DagFile> {
        let list = |column: &str| -> Result<Vec<String>> { Ok(serde_json::from_str(&row.get::<String>(column)?)?) };
        Ok(DagFile {
            relative_path: row.get("relative_path")?,
            content_hash: row.get("content_hash")?,
            depends_on: list("depends_on")?,
            asked: list("asked")?,
            dag_ids: list("dag_ids")?,
            parser: row.get("parser")?,
            parsed_at: row.get("parsed_at")?,
            parse_seconds: row.get("parse_seconds")?,
        })
    };
    db.fetch_all(text, args![bundle]).await?.iter().map(read).collect()
}

pub(crate) async fn put(tx: &mut Tx, bundle: &str, f: &DagFile) -> Result<()> {
    let text = "INSERT INTO dag_files (bundle_name, relative_path, content_hash, depends_on, asked, dag_ids, parser, parsed_at, parse_seconds)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (bundle_name, relative_path) DO UPDATE SET content_hash = excluded.content_hash,
         depends_on = excluded.depends_on, asked = excluded.asked, dag_ids = excluded.dag_ids, parser = excluded.parser, parsed_at = excluded.parsed_at,
         parse_seconds = excluded.parse_seconds";
    let list = |items: &[String]| serde_json::to_string(items).unwrap_or_default();
    let values = args![
        bundle,
        &f.relative_path,
        &f.content_hash,
        list(&f.depends_on),
        list(&f.asked),
        list(&f.dag_ids),
        &f.parser,
        f.parsed_at,
        f.parse_seconds
    ];
    tx.execute(text, values).await.map(drop)
}

/// Files of bundles that are not among `names`: `(bundle, path)`.
pub(crate) async fn of_other_bundles(db: &Db, names: &[String]) -> Result<Vec<(String, String)>> {
    let text = format!("SELECT bundle_name, relative_path FROM dag_files WHERE bundle_name NOT IN ({})", super::places(1, names.len()));
    let rows = db.fetch_all(sql(text), names.iter().map(Into::into).collect()).await?;
    rows.iter().map(|r| Ok((r.get("bundle_name")?, r.get("relative_path")?))).collect()
}

pub(crate) async fn remove(tx: &mut Tx, bundle: &str, path: &str) -> Result<()> {
    tx.execute("DELETE FROM dag_files WHERE bundle_name = $1 AND relative_path = $2", args![bundle, path]).await.map(drop)
}

/// The errors of one file: one row under its name, none when it is fine.
pub(crate) async fn set_error(tx: &mut Tx, e: &ImportError) -> Result<()> {
    let text = "INSERT INTO import_errors (bundle_name, filename, id, stack_trace, created_at) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (bundle_name, filename) DO UPDATE SET stack_trace = excluded.stack_trace, created_at = excluded.created_at";
    tx.execute(text, args![&e.bundle_name, &e.filename, e.id, &e.stack_trace, e.created_at]).await.map(drop)
}

pub(crate) async fn clear_error(tx: &mut Tx, bundle: &str, path: &str) -> Result<bool> {
    // errors inside an archive are named `archive.zip/module.py`
    let text = "DELETE FROM import_errors WHERE bundle_name = $1 AND (filename = $2 OR substr(filename, 1, CAST($3 AS INTEGER)) = $4)";
    let inside = format!("{path}/");
    Ok(tx.execute(text, args![bundle, path, inside.chars().count(), inside]).await? > 0)
}

pub(crate) async fn errors(db: &Db, filter: Filter, page: &Page) -> Result<(Vec<ImportError>, i64)> {
    super::page(db, "id, bundle_name, filename, stack_trace, created_at", "import_errors", filter, page, |row| {
        Ok(ImportError {
            id: row.get("id")?,
            bundle_name: row.get("bundle_name")?,
            filename: row.get("filename")?,
            stack_trace: row.get("stack_trace")?,
            created_at: row.get("created_at")?,
        })
    })
    .await
}

/// The first DAG that another file gives under one of these ids: `(dag_id, file)`.
pub(crate) async fn other_file_of(tx: &mut Tx, bundle: &str, path: &str, dag_ids: &[String]) -> Result<Option<(String, String)>> {
    if dag_ids.is_empty() {
        return Ok(None);
    }
    let mut filter = Filter::default();
    let (bundle, path) = (filter.arg(bundle), filter.arg(path));
    filter.that(format!("(bundle_name <> {bundle} OR relative_fileloc <> {path})"));
    filter.that("is_stale = 0");
    filter.any_of("dag_id", dag_ids);
    let text = format!("SELECT dag_id, relative_fileloc FROM dags {} ORDER BY dag_id LIMIT 1", filter.clause());
    let row = tx.fetch_optional(sql(text), filter.args).await?;
    row.map(|r| Ok((r.get("dag_id")?, r.get("relative_fileloc")?))).transpose()
}
