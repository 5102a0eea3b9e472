//! PostgreSQL's pool, for threads that have runtimes of their own.
//!
//! A connection lives as long as the runtime that it was opened in. The HTTP side has one per thread, and they end before
//! the tasks do that still have something to note: so connections are opened in the runtime that opened the pool, whoever
//! asks for them.

use super::migrate;
use crate::error::{Result, ResultExt};
use sqlx::PgPool;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use std::str::FromStr;
use std::time::Duration;
use tokio::runtime::Handle;
use tokio_util::context::TokioContext;

/// How many connections a service keeps.
const CONNECTIONS: u32 = 10;
/// After so long without use, a connection is asked whether it is still there.
const RESTED: Duration = Duration::from_secs(1);

#[derive(Clone)]
pub(super) struct Postgres {
    pub(super) pool: PgPool,
    home: Handle,
}

impl Postgres {
    /// Opens the pool of `service`, whose tables are in a schema of its name.
    pub(super) async fn open(url: &str, service: &str) -> Result<Self> {
        let options =
            PgConnectOptions::from_str(url).or_invalid("the database url is malformed")?.application_name(&format!("artel-{service}"));
        let place = format!("{}:{}/{}", options.get_host(), options.get_port(), options.get_database().unwrap_or_default());
        let unreachable = format!("cannot reach the database postgres://{place}; is it running and does the user exist?");
        let mut first = sqlx::ConnectOptions::connect(&options).await.or_unavailable(&unreachable)?;
        migrate::create_schema(&mut first, service).await?;
        sqlx::Connection::close(first).await?;
        let pool = PgPoolOptions::new()
            .max_connections(CONNECTIONS)
            .acquire_timeout(Duration::from_secs(10))
            .test_before_acquire(false)
            .before_acquire(|connection, about| {
                // one that has just been used is there: asking before each statement would double the journeys
                Box::pin(async move { Ok(about.idle_for < RESTED || sqlx::Connection::ping(connection).await.is_ok()) })
            })
            .connect_with(options.options([("search_path", service)]))
            .await
            .or_unavailable(&unreachable)?;
        Ok(Self { pool, home: Handle::current() })
    }

    /// Runs what may take a connection from the pool, on the caller's thread.
    pub(super) async fn run<T>(&self, work: impl Future<Output = sqlx::Result<T>>) -> Result<T> {
        Ok(TokioContext::new(work, self.home.clone()).await?)
    }
}
