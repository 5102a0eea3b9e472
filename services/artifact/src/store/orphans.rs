//! Places in the object store to be freed when they are due.

use artel_platform::Result;
use artel_platform::args;
use artel_platform::db::{AssertSqlSafe, Db, Tx, Value};

/// An upload to `location` begins: if it never ends, the place is freed at `due`.
pub(crate) async fn expect(db: &Db, location: &str, due: i64) -> Result<()> {
    db.execute("INSERT INTO orphans (location, due, upload) VALUES ($1, $2, 1)", args![location, due]).await.map(drop)
}

/// The same, to several.
pub(crate) async fn expect_all(tx: &mut Tx, locations: &[String], due: i64) -> Result<()> {
    let rows = locations.iter().map(|location| args![location, due, 1i64]).collect();
    tx.insert_many("INSERT INTO orphans (location, due, upload)", "", rows).await.map(drop)
}

/// The place is to be freed at `due`.
pub(crate) async fn add(tx: &mut Tx, location: &str, due: i64) -> Result<()> {
    let sql = "INSERT INTO orphans (location, due) VALUES ($1, $2) ON CONFLICT (location) DO UPDATE SET due = excluded.due";
    tx.execute(sql, args![location, due]).await.map(drop)
}

/// The same, of several.
pub(crate) async fn add_all(tx: &mut Tx, locations: Vec<String>, due: i64) -> Result<()> {
    let rows = locations.into_iter().map(|location| args![location, due]).collect();
    tx.insert_many("INSERT INTO orphans (location, due)", "ON CONFLICT (location) DO UPDATE SET due = excluded.due", rows).await.map(drop)
}

/// Blobs lie there now.
pub(crate) fn remove_all(tx: &mut Tx, locations: &[String]) {
    for some in locations.chunks(500) {
        let places: Vec<String> = (1..=some.len()).map(|n| format!("${n}")).collect();
        let sql = format!("DELETE FROM orphans WHERE location IN ({})", places.join(", "));
        tx.ahead(AssertSqlSafe(sql), some.iter().map(Value::from).collect());
    }
}

/// A blob lies there now, or the place is free.
pub(crate) async fn remove(tx: &mut Tx, location: &str) -> Result<()> {
    tx.execute("DELETE FROM orphans WHERE location = $1", args![location]).await.map(drop)
}

/// A place to be freed.
pub(crate) struct Orphan {
    pub(crate) location: String,
    /// It was given to an upload, which may not have ended.
    pub(crate) upload: bool,
}

/// Places to be freed by `now`.
pub(crate) async fn due(db: &Db, now: i64, limit: i64) -> Result<Vec<Orphan>> {
    let sql = "SELECT location, upload FROM orphans WHERE due <= $1 ORDER BY due LIMIT $2";
    let rows = db.fetch_all(sql, args![now, limit]).await?;
    rows.iter().map(|row| Ok(Orphan { location: row.get("location")?, upload: row.get::<i64>("upload")? != 0 })).collect()
}
