//! Tables: the platform's own (events), then the service's numbered migrations.

use super::{Db, Pool};
use crate::error::{Error, Result, ResultExt};
use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};

/// A service's scripts, in order: name and text of each. [`migrations!`](crate::migrations) makes them.
pub type Migrations = &'static [(&'static str, &'static str)];

/// The scripts in `migrations/` of the crate, by name: `migrations!("0001_hub", "0002_access")`. The number says when
/// one is run; it must not change once it was released.
#[macro_export]
macro_rules! migrations {
    ($($name:literal),* $(,)?) => {
        &[$(($name, include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/migrations/", $name, ".sql")))),*]
    };
}

/// Events on their way out, and those already handled by each consumer group.
const EVENT_TABLES: &[&str] = &[
    "CREATE TABLE IF NOT EXISTS outbox (id TEXT PRIMARY KEY, topic TEXT NOT NULL, type TEXT NOT NULL, key TEXT NOT NULL, payload BYTEA NOT NULL, time BIGINT NOT NULL, traceparent TEXT)",
    // who had which waiting event; the inbox tells it as well
    "DROP TABLE IF EXISTS outbox_delivered",
    "CREATE TABLE IF NOT EXISTS inbox (consumer TEXT NOT NULL, id TEXT NOT NULL, time BIGINT NOT NULL, error TEXT, PRIMARY KEY (consumer, id))",
];

/// One number for "this schema is being changed", so that replicas started together take turns.
const SCHEMA_LOCK: i64 = 0x6172_7465_6c00;

pub(super) async fn run(db: &Db, migrations: Migrations) -> Result<()> {
    let migrations = migrator(migrations)?;
    let failed = "cannot bring the database up to date";
    match &db.0.pool {
        Pool::Sqlite { writer, .. } => {
            writer
                .exclusive(async |connection| {
                    for sql in EVENT_TABLES {
                        connection.execute(*sql).await.or_internal(failed)?;
                    }
                    migrations.run(&mut *connection).await.or_internal(failed)
                })
                .await
        }
        Pool::Postgres(server) => {
            let mut connection = server.pool.acquire().await?;
            let mut tx = connection.begin().await?;
            lock(&mut tx).await?;
            for sql in EVENT_TABLES {
                tx.execute(*sql).await.or_internal(failed)?;
            }
            tx.commit().await?;
            migrations.run(&mut *connection).await.or_internal(failed)
        }
    }
}

fn migrator(migrations: Migrations) -> Result<Migrator> {
    let script = |(name, sql): &(&'static str, &'static str)| {
        let (number, title) = name.split_once('_')?;
        Some(Migration::new(
            number.parse().ok()?,
            title.replace('_', " ").into(),
            MigrationType::Simple,
            sqlx::SqlSafeStr::into_sql_str(*sql),
            false,
        ))
    };
    let scripts = migrations
        .iter()
        .map(|entry| script(entry).ok_or_else(|| Error::internal(format!("{} is no name of a script: 0001_title", entry.0))));
    Ok(Migrator::with_migrations(scripts.collect::<Result<_>>()?))
}

pub(super) async fn create_schema(connection: &mut PgConnection, service: &str) -> Result<()> {
    let mut tx = connection.begin().await?;
    lock(&mut tx).await?;
    tx.execute(AssertSqlSafe(format!("CREATE SCHEMA IF NOT EXISTS \"{service}\"")))
        .await
        .or_unavailable(&format!("cannot make the schema {service}"))?;
    // SQLite's name for order by bytes, so that `COLLATE "binary"` is one text on both engines
    tx.execute(AssertSqlSafe(format!("CREATE COLLATION IF NOT EXISTS \"{service}\".\"binary\" FROM \"C\"")))
        .await
        .or_unavailable(&format!("cannot make the collation of {service}"))?;
    tx.commit().await?;
    Ok(())
}

async fn lock(connection: &mut PgConnection) -> Result<()> {
    sqlx::query("SELECT pg_advisory_xact_lock($1)").bind(SCHEMA_LOCK).execute(connection).await?;
    Ok(())
}
