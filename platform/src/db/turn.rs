//! A transaction's turn on SQLite's one writer. Each text is a journey to SQLite's thread and back, so the first
//! statement opens the savepoint in its own text, and the last ones travel with the savepoint's end.

use super::answers::{Answer, answers};
use super::finish::finish;
use super::query::Asked;
use super::value;
use super::writer::{GROUP, State, Statement, cut_off};
use crate::error::Result;
use sqlx::sqlite::SqliteRow;
use sqlx::{AssertSqlSafe, Executor, SqlSafeStr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::sync::{OwnedMutexGuard, oneshot};

/// A text of more statements is not kept for the next time: it hardly comes again.
const KEPT: usize = 12;

pub(crate) struct Turn {
    guard: Option<OwnedMutexGuard<State>>,
    waiting: Arc<AtomicUsize>,
    stage: Stage,
}

/// How far a turn is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// It has run nothing.
    Fresh,
    /// Its first statement, which opens the savepoint too, has not answered.
    Entering,
    /// Its savepoint is there.
    Inside,
}

impl Turn {
    pub(super) fn new(guard: OwnedMutexGuard<State>, waiting: Arc<AtomicUsize>) -> Self {
        Self { guard: Some(guard), waiting, stage: Stage::Fresh }
    }

    fn state(&mut self) -> &mut State {
        self.guard.as_mut().expect("a turn holds the writer until it ends")
    }

    /// Runs a text of so many statements. Returns what each has answered.
    pub(super) async fn run(&mut self, asked: Asked, statements: usize) -> Result<Vec<Answer>> {
        let (before, statement) = self.enter_by(asked, statements).await;
        let done = answers(self.state().connection()?.fetch_many(statement), before + statements).await;
        let mut done = self.entered(done).await?;
        Ok(done.split_off(before))
    }

    /// The first row that a text of so many statements answers, if there is one.
    pub(super) async fn fetch_optional(&mut self, asked: Asked, statements: usize) -> Result<Option<SqliteRow>> {
        let (_, statement) = self.enter_by(asked, statements).await;
        let row = self.state().connection()?.fetch_optional(statement).await;
        self.entered(row).await
    }

    /// The text, behind statements that open the turn if nothing has, and how many those are.
    async fn enter_by(&mut self, (sql, args): Asked, statements: usize) -> (usize, Statement) {
        let prepared = |sql, args| value::sqlite(sql, args).persistent(statements <= KEPT);
        if self.stage == Stage::Inside {
            return (0, prepared(sql, args));
        }
        if self.stage == Stage::Entering {
            // its caller gave the first one up and goes on: what that did is undone
            let _ = self.state().run("ROLLBACK TO member; RELEASE member").await;
        }
        self.state().settle().await;
        self.stage = Stage::Entering;
        let open = self.state().open;
        // until its answer has come: a caller that gives up half way leaves it to who comes next
        self.state().unsure = !open;
        let (count, before) = if open { (1, "SAVEPOINT member; ") } else { (2, "BEGIN IMMEDIATE; SAVEPOINT member; ") };
        (count, prepared(AssertSqlSafe(format!("{before}{}", sql.as_str())).into_sql_str(), args))
    }

    /// What has become of a statement, and of the turn by it.
    async fn entered<T>(&mut self, result: sqlx::Result<T>) -> Result<T> {
        if self.stage == Stage::Entering {
            // where a statement failed, the savepoint before it is there; where opening failed, nothing is
            let inside = result.is_ok() || self.state().run("ROLLBACK TO member").await.is_ok();
            let state = self.state();
            (state.open, state.unsure) = (inside || !state.unsure, false);
            self.stage = if inside { Stage::Inside } else { Stage::Fresh };
        }
        Ok(result?)
    }

    /// Ends the turn, after so many `last` statements; returns when the writes are on disk. Goes on to its end when the
    /// caller gives up.
    pub(super) async fn commit(self, last: Option<Asked>, count: usize) -> Result<()> {
        finish(self.commit_now(last, count)).await
    }

    async fn commit_now(mut self, last: Option<Asked>, count: usize) -> Result<()> {
        let fresh = self.stage == Stage::Fresh;
        if fresh && last.is_none() {
            return Ok(());
        }
        let waiting = self.waiting.clone();
        let alone = waiting.load(Ordering::SeqCst) == 0;
        if fresh {
            self.state().settle().await;
        }
        // what fails in this text is undone with all that is in the outer transaction
        let in_one = alone && (last.is_none() || self.state().members.is_empty()) && !(fresh && self.state().open);
        let (begin, end) = match (in_one, fresh) {
            (true, true) => ("BEGIN IMMEDIATE; ", "COMMIT"),
            (true, false) => ("", "RELEASE member; COMMIT"),
            (false, _) => ("", "RELEASE member"),
        };
        let (sql, args) = match last {
            Some((sql, args)) => (format!("{begin}{}; {end}", sql.as_str()), args),
            None => (end.to_owned(), vec![]),
        };
        let (send, receive) = oneshot::channel();
        if in_one {
            let statement = value::sqlite(AssertSqlSafe(sql), args).persistent(count <= KEPT);
            let mut guard = self.leave(send);
            guard.end_by(statement).await;
        } else {
            self.run((AssertSqlSafe(sql).into_sql_str(), args), count + 1).await?;
            let mut guard = self.leave(send);
            if guard.members.len() >= GROUP || waiting.load(Ordering::SeqCst) == 0 {
                guard.flush().await;
            }
        }
        receive.await.map_err(|_| cut_off())?
    }

    /// Gives the turn up for a member that waits for the commit.
    fn leave(&mut self, member: oneshot::Sender<Result<()>>) -> OwnedMutexGuard<State> {
        let mut guard = self.guard.take().expect("a turn holds the writer until it ends");
        guard.members.push(member);
        guard
    }
}

impl Drop for Turn {
    /// Undoes a turn that was not committed; commits the others that waited for it.
    fn drop(&mut self) {
        let Some(mut guard) = self.guard.take() else { return };
        let fresh = self.stage == Stage::Fresh;
        // an outer transaction that is open holds the file: somebody has to end it, also one that did nothing
        if fresh && !guard.open {
            return;
        }
        let waiting = self.waiting.clone();
        let undo = async move {
            guard.settle().await;
            if !fresh {
                let _ = guard.run("ROLLBACK TO member; RELEASE member").await;
            }
            if waiting.load(Ordering::SeqCst) == 0 {
                guard.flush().await;
            }
        };
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(undo);
        }
    }
}
