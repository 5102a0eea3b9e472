//! One SQL text for SQLite and PostgreSQL. `Db` reads, `Tx` writes; `$1` placeholders work on both engines.
//!
//! Rules for statements: ids are TEXT or app-made BIGINT, time is BIGINT milliseconds UTC, booleans are BIGINT 0/1,
//! JSON is TEXT, text whose order matters is `TEXT COLLATE "binary"`; no SERIAL, arrays, ILIKE, engine JSON operators,
//! `now()`. `SUM` of integers is cast to BIGINT.
//! A transaction holds SQLite's only writer until it commits: never call another service or wait inside one.

mod answers;
mod finish;
mod gathered;
mod log;
mod migrate;
mod packed;
mod postgres;
mod pragmas;
mod query;
mod row;
mod turn;
mod tx;
mod value;
mod writer;

pub use migrate::Migrations;
pub use packed::Fields;
pub use query::{Queries, Query};
pub use row::{Column, Row};
pub use sqlx::{AssertSqlSafe, SqlSafeStr};
pub use tx::Tx;
pub use value::Value;

use crate::bus::Outbox;
use crate::error::{Error, Result, ResultExt};
use crate::folders;
use futures::TryStreamExt;
use futures::stream::BoxStream;
use postgres::Postgres;
use sqlx::pool::PoolConnection;
use sqlx::{Executor, SqlitePool};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// The values of a statement's placeholders, in order: `args![id, name, None::<i64>]`.
#[macro_export]
macro_rules! args {
    ($($value:expr),* $(,)?) => { vec![$($crate::db::Value::from($value)),*] };
}

/// Which engine it is, for the few statements that differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// One file, one writer.
    Sqlite,
    /// A server, many writers.
    Postgres,
}

/// A service's database: a pool of readers, and the way to write.
#[derive(Clone)]
pub struct Db(Arc<Inner>);

struct Inner {
    pool: Pool,
    outbox: Outbox,
    writes: AtomicU64,
}

enum Pool {
    Sqlite { readers: SqlitePool, writer: Arc<writer::Writer> },
    Postgres(Postgres),
}

impl Db {
    /// Opens (and creates where needed) the database of `service` and brings its tables up to date.
    ///
    /// `url` is `sqlite://FOLDER` (one file per service in it) or `postgres://…` (one schema per service).
    /// Fails with a message that names the URL (without its password) when it cannot be reached.
    pub async fn open(url: &str, service: &str, migrations: Migrations) -> Result<Self> {
        let pool = match url.split_once("://") {
            Some(("sqlite", folder)) => open_sqlite(Path::new(folder), service).await?,
            Some(("postgres" | "postgresql", _)) => Pool::Postgres(Postgres::open(url, service).await?),
            _ => {
                return Err(Error::invalid(format!(
                    "database {url:?} is not understood; give sqlite://FOLDER or postgres://USER:PASSWORD@HOST/DATABASE"
                )));
            }
        };
        let db = Self(Arc::new(Inner { pool, outbox: Outbox::new(service), writes: AtomicU64::new(0) }));
        migrate::run(&db, migrations).await?;
        Ok(db)
    }

    /// Which engine it is.
    pub fn dialect(&self) -> Dialect {
        match self.0.pool {
            Pool::Sqlite { .. } => Dialect::Sqlite,
            Pool::Postgres(_) => Dialect::Postgres,
        }
    }

    /// Where events written by its transactions are announced.
    pub fn outbox(&self) -> &Outbox {
        &self.0.outbox
    }

    /// A session of PostgreSQL's own, for what only it has (advisory locks); `None` on SQLite.
    pub(crate) async fn session(&self) -> Result<Option<PoolConnection<sqlx::Postgres>>> {
        match &self.0.pool {
            Pool::Postgres(server) => server.run(server.pool.acquire()).await.map(Some),
            Pool::Sqlite { .. } => Ok(None),
        }
    }

    /// Every row of a query.
    pub async fn fetch_all(&self, sql: impl SqlSafeStr, args: Vec<Value>) -> Result<Vec<Row>> {
        Ok(match &self.0.pool {
            Pool::Sqlite { readers, .. } => value::sqlite(sql, args).fetch_all(readers).await?.into_iter().map(Row::Sqlite).collect(),
            Pool::Postgres(server) => {
                server.run(value::postgres(sql, args).fetch_all(&server.pool)).await?.into_iter().map(Row::Postgres).collect()
            }
        })
    }

    /// The first row of a query, if there is one.
    pub async fn fetch_optional(&self, sql: impl SqlSafeStr, args: Vec<Value>) -> Result<Option<Row>> {
        Ok(match &self.0.pool {
            Pool::Sqlite { readers, .. } => value::sqlite(sql, args).fetch_optional(readers).await?.map(Row::Sqlite),
            Pool::Postgres(server) => server.run(value::postgres(sql, args).fetch_optional(&server.pool)).await?.map(Row::Postgres),
        })
    }

    /// The only row of a query that always has one (an aggregate).
    pub async fn fetch_one(&self, sql: impl SqlSafeStr, args: Vec<Value>) -> Result<Row> {
        self.fetch_optional(sql, args).await?.ok_or_else(|| Error::internal("a query that always has a row had none"))
    }

    /// The answers to some queries, which are one journey to SQLite.
    pub async fn ask<Q: Queries>(&self, queries: Q) -> Result<Q::Answers> {
        let (asked, read) = queries.into_parts();
        let mut rows = Vec::with_capacity(asked.len());
        match &self.0.pool {
            Pool::Sqlite { readers, .. } => {
                let count = asked.len();
                let (sql, args) = gathered::Gathered::default().before(asked);
                let answers = answers::answers(readers.fetch_many(value::sqlite(sql, args)), count).await?;
                rows.extend(answers.into_iter().map(|answer| answer.rows.into_iter().map(Row::Sqlite).collect()));
            }
            Pool::Postgres(_) => {
                for (sql, args) in asked {
                    rows.push(self.fetch_all(sql, args).await?);
                }
            }
        }
        read(rows)
    }

    /// Rows as they come, for results that should not be held whole.
    pub fn stream(&self, sql: impl SqlSafeStr, args: Vec<Value>) -> BoxStream<'static, Result<Row>> {
        match &self.0.pool {
            Pool::Sqlite { readers, .. } => {
                let (readers, query) = (readers.clone(), value::sqlite(sql, args));
                Box::pin(channel_stream(|out| async move {
                    let mut rows = query.fetch(&readers);
                    while let Some(row) = rows.try_next().await? {
                        if out.send(Ok(Row::Sqlite(row))).await.is_err() {
                            break;
                        }
                    }
                    Ok(())
                }))
            }
            Pool::Postgres(server) => {
                let (server, query) = (server.clone(), value::postgres(sql, args));
                Box::pin(channel_stream(|out| async move {
                    let mut connection = server.run(server.pool.acquire()).await?;
                    let mut rows = query.fetch(&mut *connection);
                    while let Some(row) = rows.try_next().await? {
                        if out.send(Ok(Row::Postgres(row))).await.is_err() {
                            break;
                        }
                    }
                    Ok(())
                }))
            }
        }
    }

    /// Begins a transaction. On SQLite it waits its turn for the one writer. Dropped without commit, it is undone.
    pub async fn begin(&self) -> Result<Tx> {
        Tx::begin(self).await
    }

    /// Runs one statement in a transaction of its own; returns the number of rows it changed.
    pub async fn execute(&self, sql: impl SqlSafeStr, args: Vec<Value>) -> Result<u64> {
        let changed = match &self.0.pool {
            Pool::Sqlite { writer, .. } => writer.once(value::sqlite(sql, args)).await,
            Pool::Postgres(server) => server.run(value::postgres(sql, args).execute(&server.pool)).await.map(|done| done.rows_affected()),
        };
        self.written();
        changed
    }

    /// Changes with every write of this process that is over. What was read since the last one is as it was read, unless
    /// another process has written meanwhile.
    pub fn writes(&self) -> u64 {
        self.0.writes.load(Ordering::SeqCst)
    }

    fn written(&self) {
        self.0.writes.fetch_add(1, Ordering::SeqCst);
    }

    /// Does it answer? For `/readyz`.
    pub async fn ping(&self) -> Result<()> {
        self.fetch_one("SELECT 1 AS one", vec![]).await.map(drop)
    }

    /// Closes every connection; later calls fail.
    pub async fn close(&self) {
        match &self.0.pool {
            Pool::Sqlite { readers, writer } => {
                readers.close().await;
                writer.close().await;
            }
            Pool::Postgres(server) => server.pool.close().await,
        }
    }
}

/// Where the task behind a stream puts its rows.
type Rows = tokio::sync::mpsc::Sender<Result<Row>>;

/// A stream fed by a task through a small channel; the task ends when the stream is dropped.
fn channel_stream<F>(work: impl FnOnce(Rows) -> F) -> impl futures::Stream<Item = Result<Row>>
where
    F: Future<Output = Result<()>> + Send + 'static,
{
    let (send, receive) = tokio::sync::mpsc::channel(64);
    let work = work(send.clone());
    tokio::spawn(async move {
        if let Err(error) = work.await {
            let _ = send.send(Err(error)).await;
        }
    });
    tokio_stream::wrappers::ReceiverStream::new(receive)
}

async fn open_sqlite(folder: &Path, service: &str) -> Result<Pool> {
    folders::make(folder, folders::PRIVATE).or_unavailable(&format!("cannot make the database folder {}", folder.display()))?;
    let file = folder.join(format!("{service}.db"));
    let writer = Arc::new(writer::Writer::open(&file).await?);
    writer.lengthen_log(file.clone());
    let readers = sqlx::sqlite::SqlitePoolOptions::new()
        .max_connections(4)
        .min_connections(0)
        // a file does not hang up
        .test_before_acquire(false)
        .connect_with(pragmas::reader(&file))
        .await
        .or_unavailable(&format!("cannot read the database {}", file.display()))?;
    Ok(Pool::Sqlite { readers, writer })
}
