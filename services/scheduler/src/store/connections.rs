//! Table `connections`. Password and extra are stored as the domain gives them: encrypted.

use super::{Filter, Page, Read, sql};
use artel_platform::Result;
use artel_platform::args;
use artel_platform::db::{Db, Row, Tx};

/// A row.
#[derive(Debug, Clone, Default)]
pub(crate) struct Connection {
    pub(crate) conn_id: String,
    pub(crate) conn_type: String,
    pub(crate) description: Option<String>,
    pub(crate) host: Option<String>,
    pub(crate) login: Option<String>,
    pub(crate) password: Option<String>,
    pub(crate) schema: Option<String>,
    pub(crate) port: Option<i64>,
    pub(crate) extra: Option<String>,
}

const COLUMNS: &str = "conn_id, conn_type, description, host, login, password, schema_name, port, extra";

fn read(row: &Row) -> Result<Connection> {
    Ok(Connection {
        conn_id: row.get("conn_id")?,
        conn_type: row.get("conn_type")?,
        description: row.opt("description")?,
        host: row.opt("host")?,
        login: row.opt("login")?,
        password: row.opt("password")?,
        schema: row.opt("schema_name")?,
        port: row.opt("port")?,
        extra: row.opt("extra")?,
    })
}

pub(crate) async fn get(from: impl Into<Read<'_>>, conn_id: &str) -> Result<Option<Connection>> {
    from.into()
        .first(sql(format!("SELECT {COLUMNS} FROM connections WHERE conn_id = $1")), args![conn_id])
        .await?
        .as_ref()
        .map(read)
        .transpose()
}

pub(crate) async fn put(tx: &mut Tx, c: &Connection, now: i64) -> Result<()> {
    let updates: Vec<String> = COLUMNS.split(", ").skip(1).chain(["updated_at"]).map(|name| format!("{name} = excluded.{name}")).collect();
    let text = format!(
        "INSERT INTO connections ({COLUMNS}, is_encrypted, updated_at, number)
         VALUES ({}, (SELECT COALESCE(MAX(number), 0) + 1 FROM connections)) ON CONFLICT (conn_id) DO UPDATE SET {}",
        super::places(1, 11),
        updates.join(", ")
    );
    let values = args![
        &c.conn_id,
        &c.conn_type,
        c.description.as_ref(),
        c.host.as_ref(),
        c.login.as_ref(),
        c.password.as_ref(),
        c.schema.as_ref(),
        c.port,
        c.extra.as_ref(),
        true,
        now
    ];
    tx.execute(sql(text), values).await.map(drop)
}

pub(crate) async fn delete(tx: &mut Tx, conn_id: &str) -> Result<bool> {
    Ok(tx.execute("DELETE FROM connections WHERE conn_id = $1", args![conn_id]).await? > 0)
}

pub(crate) async fn list(db: &Db, filter: Filter, page: &Page) -> Result<(Vec<Connection>, i64)> {
    super::page(db, COLUMNS, "connections", filter, page, read).await
}
