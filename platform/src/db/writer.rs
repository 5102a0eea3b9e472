//! SQLite's one writer, with group commit.
//!
//! Transactions take turns on one connection. Each is a savepoint inside an outer transaction; the outer one is
//! committed (one fsync) when nobody else waits or enough have gathered, and only then are its members told that they
//! are durable. Eight writers thus share a disk flush instead of queueing for eight.

use super::finish::finish;
use super::turn::Turn;
use super::{log, pragmas};
use crate::error::{Error, Result, ResultExt};
use futures::TryStreamExt;
use sqlx::sqlite::{SqliteArguments, SqliteConnection};
use sqlx::{ConnectOptions, Connection, Either, Executor, Sqlite};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::sync::{Mutex, OwnedMutexGuard, oneshot};

/// How many transactions share a commit at most.
pub(super) const GROUP: usize = 256;

pub(crate) struct Writer {
    state: Arc<Mutex<State>>,
    waiting: Arc<AtomicUsize>,
}

/// The connection, and how far the outer transaction is.
pub(super) struct State {
    connection: Option<SqliteConnection>,
    /// Members of the open outer transaction that wait for its commit.
    pub(super) members: Vec<oneshot::Sender<Result<()>>>,
    pub(super) open: bool,
    /// The outer transaction is being begun or ended: whoever finds this set was preceded by one that was cut off.
    pub(super) unsure: bool,
}

pub(super) type Statement = sqlx::query::Query<'static, Sqlite, SqliteArguments>;

impl Writer {
    pub(super) async fn open(file: &Path) -> Result<Self> {
        let connection = pragmas::writer(file).connect().await.or_unavailable(&format!("cannot open the database {}", file.display()))?;
        let state = State { connection: Some(connection), members: Vec::new(), open: false, unsure: false };
        Ok(Self { state: Arc::new(Mutex::new(state)), waiting: Arc::new(AtomicUsize::new(0)) })
    }

    /// Makes the log of `database` as long as it will get, soon: the first commits need not do it one by one then.
    pub(super) fn lengthen_log(&self, database: PathBuf) {
        let state = Arc::downgrade(&self.state);
        tokio::spawn(async move {
            tokio::time::sleep(log::AFTER).await;
            let Some(state) = state.upgrade() else { return };
            let mut state = state.lock_owned().await;
            if let Err(error) = state.lengthen_log(database).await {
                tracing::debug!(%error, "the database's log grows as it is needed");
            }
        });
    }

    /// Waits for the connection. The turn's first statement will open its savepoint.
    pub(crate) async fn begin(&self) -> Turn {
        let place = Place::take(self);
        let guard = self.state.clone().lock_owned().await;
        drop(place);
        Turn::new(guard, self.waiting.clone())
    }

    /// Runs one statement as a transaction of its own; returns how many rows it changed, when they are on disk. Alone it
    /// needs no other statement around it; where others wait, it joins their commit.
    pub(super) async fn once(&self, statement: Statement) -> Result<u64> {
        let place = Place::take(self);
        let guard = self.state.clone().lock_owned().await;
        drop(place);
        finish(run_once(guard, self.waiting.clone(), statement)).await
    }

    /// Runs `work` on the bare connection (migrations).
    pub(super) async fn exclusive<T>(&self, work: impl AsyncFnOnce(&mut SqliteConnection) -> Result<T>) -> Result<T> {
        let mut state = self.state.lock().await;
        let connection = state.connection.as_mut().ok_or_else(closed)?;
        work(connection).await
    }

    pub(super) async fn close(&self) {
        let mut state = self.state.lock().await;
        state.flush().await;
        if let Some(connection) = state.connection.take() {
            let _ = connection.close().await;
        }
    }
}

/// Counts one waiter. If the waiter gives up, whoever relied on it to commit must not wait for ever.
struct Place {
    state: Arc<Mutex<State>>,
    waiting: Arc<AtomicUsize>,
}

impl Place {
    fn take(writer: &Writer) -> Self {
        writer.waiting.fetch_add(1, Ordering::SeqCst);
        Self { state: writer.state.clone(), waiting: writer.waiting.clone() }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.waiting.fetch_sub(1, Ordering::SeqCst);
        if let Ok(mut state) = self.state.clone().try_lock_owned()
            && state.open
        {
            tokio::spawn(async move { state.flush().await });
        }
    }
}

impl State {
    pub(super) fn connection(&mut self) -> Result<&mut SqliteConnection> {
        self.connection.as_mut().ok_or_else(closed)
    }

    pub(super) async fn run(&mut self, sql: &'static str) -> Result<()> {
        self.connection()?.execute(sql).await?;
        Ok(())
    }

    async fn execute(&mut self, statement: Statement) -> Result<u64> {
        Ok(statement.execute(self.connection()?).await?.rows_affected())
    }

    /// Runs the only statement of a text. Its result ends it: the end of the answer would be one more wake-up.
    async fn execute_one(&mut self, statement: Statement) -> Result<u64> {
        let mut steps = self.connection()?.fetch_many(statement);
        while let Some(step) = steps.try_next().await? {
            if let Either::Left(done) = step {
                return Ok(done.rows_affected());
            }
        }
        Ok(0)
    }

    /// Ends what a predecessor was cut off from, keeping what its members had finished.
    pub(super) async fn settle(&mut self) {
        if self.unsure {
            // each fails where there is nothing to end
            let _ = self.run("ROLLBACK TO member; RELEASE member").await;
            let _ = self.run("COMMIT").await;
            (self.open, self.unsure) = (false, false);
            self.members.clear();
        }
    }

    /// Begins the outer transaction.
    async fn begin(&mut self) -> Result<()> {
        self.settle().await;
        self.unsure = true;
        let begun = self.run("BEGIN IMMEDIATE").await;
        (self.open, self.unsure) = (begun.is_ok(), false);
        begun
    }

    /// Holds SQLite's lock for writing meanwhile: others may have the file open as well, in this process or another.
    async fn lengthen_log(&mut self, database: PathBuf) -> Result<()> {
        let begun = !self.open;
        if begun {
            self.begin().await?;
        }
        let lengthened = tokio::task::spawn_blocking(move || log::lengthen(&log::of(&database))).await;
        if begun {
            self.end("ROLLBACK").await;
        }
        lengthened.map_err(|_| cut_off())?.or_unavailable("it cannot be lengthened")
    }

    /// Commits the outer transaction and tells its members.
    pub(super) async fn flush(&mut self) {
        if self.open {
            self.end("COMMIT").await;
        }
    }

    /// Ends the outer transaction by `sql` and tells its members.
    pub(super) async fn end(&mut self, sql: &'static str) {
        self.end_by(sqlx::query(sql)).await;
    }

    /// The same, by a statement with values.
    pub(super) async fn end_by(&mut self, statement: Statement) {
        (self.open, self.unsure) = (false, true);
        let result = self.execute(statement).await;
        self.unsure = false;
        if result.is_err() {
            let _ = self.run("ROLLBACK").await;
        }
        for member in self.members.drain(..) {
            let _ = member.send(match &result {
                Ok(_) => Ok(()),
                Err(e) => Err(Error::new(e.code, e.message.clone())),
            });
        }
    }
}

async fn run_once(mut guard: OwnedMutexGuard<State>, waiting: Arc<AtomicUsize>, statement: Statement) -> Result<u64> {
    if !guard.open && !guard.unsure && waiting.load(Ordering::SeqCst) == 0 {
        return guard.execute_one(statement).await;
    }
    if !guard.open {
        guard.begin().await?;
    }
    // a statement that fails undoes itself, and nothing of the others
    let changed = guard.execute_one(statement).await;
    let (send, receive) = oneshot::channel();
    guard.members.push(send);
    if guard.members.len() >= GROUP || waiting.load(Ordering::SeqCst) == 0 {
        guard.flush().await;
    }
    drop(guard);
    receive.await.map_err(|_| cut_off())??;
    changed
}

pub(super) fn cut_off() -> Error {
    Error::unavailable("the database was closed before the write was durable")
}

fn closed() -> Error {
    Error::unavailable("the database is closed")
}
