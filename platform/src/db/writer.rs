//! SQLite's one writer, with group commit.
//!
//! Transactions take turns on one connection. Each is a savepoint inside an outer transaction; the outer one is
//! committed (one fsync) when nobody else waits or enough have gathered, and only then are its members told that they
//! are durable. Eight writers thus share a disk flush instead of queueing for eight.

use super::{log, pragmas};
use crate::error::{Error, Result, ResultExt};
use sqlx::sqlite::{SqliteArguments, SqliteConnection};
use sqlx::{ConnectOptions, Connection, Executor, Sqlite};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::sync::{Mutex, OwnedMutexGuard, oneshot};

/// How many transactions share a commit at most.
const GROUP: usize = 256;

pub(crate) struct Writer {
    state: Arc<Mutex<State>>,
    waiting: Arc<AtomicUsize>,
}

struct State {
    connection: Option<SqliteConnection>,
    /// Members of the open outer transaction that wait for its commit.
    members: Vec<oneshot::Sender<Result<()>>>,
    open: bool,
    /// The outer transaction is being begun: whoever finds this set was preceded by one that was cut off.
    beginning: bool,
}

type Statement = sqlx::query::Query<'static, Sqlite, SqliteArguments>;

/// A transaction's turn on the writer.
pub(crate) struct Turn {
    guard: Option<OwnedMutexGuard<State>>,
    waiting: Arc<AtomicUsize>,
}

impl Writer {
    pub(super) async fn open(file: &Path) -> Result<Self> {
        let connection = pragmas::writer(file).connect().await.or_unavailable(&format!("cannot open the database {}", file.display()))?;
        let state = State { connection: Some(connection), members: Vec::new(), open: false, beginning: false };
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

    /// Waits for the connection and opens a savepoint.
    pub(crate) async fn begin(&self) -> Result<Turn> {
        let place = Place::take(self);
        let guard = self.state.clone().lock_owned().await;
        drop(place);
        let mut turn = Turn { guard: Some(guard), waiting: self.waiting.clone() };
        // on a task of its own: a caller that gives up half way would leave the connection in an unknown state
        finish(async move {
            turn.state().open_member().await?;
            Ok(turn)
        })
        .await
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
            && !state.members.is_empty()
        {
            tokio::spawn(async move { state.flush().await });
        }
    }
}

impl State {
    async fn run(&mut self, sql: &'static str) -> Result<()> {
        self.connection.as_mut().ok_or_else(closed)?.execute(sql).await?;
        Ok(())
    }

    async fn open_member(&mut self) -> Result<()> {
        if self.open {
            return self.run("SAVEPOINT member").await;
        }
        // one text where one will do: each is a journey to SQLite's thread and back
        self.begin("BEGIN IMMEDIATE; SAVEPOINT member").await
    }

    /// Begins the outer transaction by `sql`.
    async fn begin(&mut self, sql: &'static str) -> Result<()> {
        self.beginning = true;
        if self.run(sql).await.is_err() {
            // whoever had begun it was cut off with its runtime: end it, keeping what its members had finished
            let _ = self.run("ROLLBACK TO member").await;
            let _ = self.run("COMMIT").await;
            self.run(sql).await?;
        }
        (self.open, self.beginning) = (true, false);
        Ok(())
    }

    async fn execute(&mut self, statement: Statement) -> Result<u64> {
        Ok(statement.execute(self.connection.as_mut().ok_or_else(closed)?).await?.rows_affected())
    }

    /// Holds SQLite's lock for writing meanwhile: others may have the file open as well, in this process or another.
    async fn lengthen_log(&mut self, database: PathBuf) -> Result<()> {
        let begun = !self.open;
        if begun {
            self.begin("BEGIN IMMEDIATE").await?;
        }
        let lengthened = tokio::task::spawn_blocking(move || log::lengthen(&log::of(&database))).await;
        if begun {
            self.end("ROLLBACK").await;
        }
        lengthened.map_err(|_| cut_off())?.or_unavailable("it cannot be lengthened")
    }

    /// Commits the outer transaction and tells its members.
    async fn flush(&mut self) {
        if self.open {
            self.end("COMMIT").await;
        }
    }

    /// Ends the outer transaction by `sql` and tells its members.
    async fn end(&mut self, sql: &'static str) {
        self.open = false;
        let result = self.run(sql).await;
        if result.is_err() {
            let _ = self.run("ROLLBACK").await;
        }
        for member in self.members.drain(..) {
            let _ = member.send(match &result {
                Ok(()) => Ok(()),
                Err(e) => Err(Error::new(e.code, e.message.clone())),
            });
        }
    }
}

impl Turn {
    fn state(&mut self) -> &mut State {
        self.guard.as_mut().expect("a turn holds the writer until it ends")
    }

    pub(super) fn connection(&mut self) -> Result<&mut SqliteConnection> {
        self.state().connection.as_mut().ok_or_else(closed)
    }

    /// Ends the turn; returns when the writes are on disk. Goes on to its end when the caller gives up.
    pub(crate) async fn commit(self) -> Result<()> {
        finish(self.commit_now()).await
    }

    async fn commit_now(mut self) -> Result<()> {
        let (send, receive) = oneshot::channel();
        let waiting = self.waiting.clone();
        let alone = waiting.load(Ordering::SeqCst) == 0;
        if !alone {
            self.state().run("RELEASE member").await?;
        }
        let mut guard = self.guard.take().expect("a turn holds the writer until it ends");
        guard.members.push(send);
        if alone {
            guard.end("RELEASE member; COMMIT").await;
        } else if guard.members.len() >= GROUP || waiting.load(Ordering::SeqCst) == 0 {
            guard.flush().await;
        }
        drop(guard);
        receive.await.map_err(|_| cut_off())?
    }
}

impl Drop for Turn {
    /// Undoes a turn that was not committed; commits the others that waited for it.
    fn drop(&mut self) {
        let Some(mut guard) = self.guard.take() else { return };
        let waiting = self.waiting.clone();
        let undo = async move {
            let _ = guard.run("ROLLBACK TO member").await;
            let _ = guard.run("RELEASE member").await;
            if waiting.load(Ordering::SeqCst) == 0 {
                guard.flush().await;
            }
        };
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(undo);
        }
    }
}

async fn run_once(mut guard: OwnedMutexGuard<State>, waiting: Arc<AtomicUsize>, statement: Statement) -> Result<u64> {
    if !guard.open && !guard.beginning && waiting.load(Ordering::SeqCst) == 0 {
        return guard.execute(statement).await;
    }
    if !guard.open {
        guard.begin("BEGIN IMMEDIATE").await?;
    }
    // a statement that fails undoes itself, and nothing of the others
    let changed = guard.execute(statement).await;
    let (send, receive) = oneshot::channel();
    guard.members.push(send);
    if guard.members.len() >= GROUP || waiting.load(Ordering::SeqCst) == 0 {
        guard.flush().await;
    }
    drop(guard);
    receive.await.map_err(|_| cut_off())??;
    changed
}

/// Runs `work` to its end even when the caller is dropped.
async fn finish<T: Send + 'static>(work: impl Future<Output = Result<T>> + Send + 'static) -> Result<T> {
    tokio::spawn(work).await.map_err(|_| cut_off())?
}

fn cut_off() -> Error {
    Error::unavailable("the database was closed before the write was durable")
}

fn closed() -> Error {
    Error::unavailable("the database is closed")
}
