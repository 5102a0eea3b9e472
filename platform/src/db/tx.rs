//! A transaction on either engine, which also carries the events of its change.

use super::gathered::Gathered;
use super::query::{Asked, Queries};
use super::turn::Turn;
use super::{Db, Dialect, Pool, Row, Value, value};
use crate::bus::Envelope;
use crate::error::{Error, Result};
use artel_proto::event::Event;
use sqlx::{Postgres, SqlSafeStr, Transaction};

/// A transaction. Commit it, or it is undone.
pub struct Tx {
    engine: Engine,
    db: Db,
    emitted: Vec<Envelope>,
    /// What is written before the next statement.
    ahead: Gathered,
    /// What is written before the commit.
    along: Gathered,
    then: Vec<Box<dyn FnOnce() + Send + Sync>>,
}

enum Engine {
    Sqlite(Turn),
    Postgres(Transaction<'static, Postgres>),
}

impl Tx {
    pub(super) async fn begin(db: &Db) -> Result<Self> {
        let engine = match &db.0.pool {
            Pool::Sqlite { writer, .. } => Engine::Sqlite(writer.begin().await),
            Pool::Postgres(server) => Engine::Postgres(server.run(server.pool.begin()).await?),
        };
        Ok(Self { engine, db: db.clone(), emitted: Vec::new(), ahead: Gathered::default(), along: Gathered::default(), then: Vec::new() })
    }

    /// Which engine it is.
    pub fn dialect(&self) -> Dialect {
        match self.engine {
            Engine::Sqlite(_) => Dialect::Sqlite,
            Engine::Postgres(_) => Dialect::Postgres,
        }
    }

    /// Runs a statement; returns the number of rows it changed.
    pub async fn execute(&mut self, sql: impl SqlSafeStr, args: Vec<Value>) -> Result<u64> {
        self.write_ahead().await?;
        let changed = match &mut self.engine {
            Engine::Sqlite(turn) => {
                let statements = self.ahead.len() + 1;
                let mut answers = turn.run(self.ahead.before([(sql.into_sql_str(), args)]), statements).await?;
                answers.pop().unwrap_or_default().changed
            }
            Engine::Postgres(tx) => value::postgres(sql, args).execute(&mut **tx).await?.rows_affected(),
        };
        self.ahead.arrived();
        Ok(changed)
    }

    /// Every row of a query, or of a statement with RETURNING.
    pub async fn fetch_all(&mut self, sql: impl SqlSafeStr, args: Vec<Value>) -> Result<Vec<Row>> {
        Ok(self.fetch_each(vec![(sql.into_sql_str(), args)]).await?.pop().unwrap_or_default())
    }

    /// The first row, if there is one.
    pub async fn fetch_optional(&mut self, sql: impl SqlSafeStr, args: Vec<Value>) -> Result<Option<Row>> {
        self.write_ahead().await?;
        let row = match &mut self.engine {
            Engine::Sqlite(turn) => {
                let statements = self.ahead.len() + 1;
                turn.fetch_optional(self.ahead.before([(sql.into_sql_str(), args)]), statements).await?.map(Row::Sqlite)
            }
            Engine::Postgres(tx) => value::postgres(sql, args).fetch_optional(&mut **tx).await?.map(Row::Postgres),
        };
        self.ahead.arrived();
        Ok(row)
    }

    /// The answers to some queries, which are one journey to SQLite.
    pub async fn ask<Q: Queries>(&mut self, queries: Q) -> Result<Q::Answers> {
        let (asked, read) = queries.into_parts();
        read(self.fetch_each(asked).await?)
    }

    /// Every row of each statement.
    async fn fetch_each(&mut self, asked: Vec<Asked>) -> Result<Vec<Vec<Row>>> {
        self.write_ahead().await?;
        let rows = match &mut self.engine {
            Engine::Sqlite(turn) => {
                let before = self.ahead.len();
                let statements = before + asked.len();
                let answers = turn.run(self.ahead.before(asked), statements).await?;
                answers.into_iter().skip(before).map(|answer| answer.rows.into_iter().map(Row::Sqlite).collect()).collect()
            }
            Engine::Postgres(tx) => {
                let mut each = Vec::with_capacity(asked.len());
                for (sql, args) in asked {
                    each.push(value::postgres(sql, args).fetch_all(&mut **tx).await?.into_iter().map(Row::Postgres).collect());
                }
                each
            }
        };
        self.ahead.arrived();
        Ok(rows)
    }

    /// Runs what was given to go ahead; on SQLite it travels in the next text.
    async fn write_ahead(&mut self) -> Result<()> {
        if let Engine::Postgres(tx) = &mut self.engine {
            for (sql, args) in self.ahead.one_by_one() {
                value::postgres(sqlx::AssertSqlSafe(sql), args).execute(&mut **tx).await?;
            }
            self.ahead.arrived();
        }
        Ok(())
    }

    /// The only row of a query that always has one.
    pub async fn fetch_one(&mut self, sql: impl SqlSafeStr, args: Vec<Value>) -> Result<Row> {
        self.fetch_optional(sql, args).await?.ok_or_else(|| Error::internal("a query that always has a row had none"))
    }

    /// Inserts many rows with multi-row VALUES, in chunks: `head` is everything up to `VALUES`, `tail` what follows
    /// it (e.g. `ON CONFLICT DO NOTHING`), `rows` are equally long. Returns the number of rows changed.
    pub async fn insert_many(&mut self, head: &str, tail: &str, rows: Vec<Vec<Value>>) -> Result<u64> {
        let mut changed = 0;
        for (sql, values) in chunks(head, tail, rows, self.dialect()) {
            changed += self.execute(sqlx::AssertSqlSafe(sql), values).await?;
        }
        Ok(changed)
    }

    /// The rows of a query over given ones, in chunks: `head` is everything up to `VALUES`, `tail` what follows it. `rows`
    /// are equally long.
    pub async fn fetch_many(&mut self, head: &str, tail: &str, rows: Vec<Vec<Value>>) -> Result<Vec<Row>> {
        let mut found = Vec::new();
        for (sql, values) in chunks(head, tail, rows, self.dialect()) {
            found.extend(self.fetch_all(sqlx::AssertSqlSafe(sql), values).await?);
        }
        Ok(found)
    }

    /// Writes an event beside the change that it tells of. It is delivered if and only if the transaction commits.
    pub fn emit<E: Event>(&mut self, event: &E) {
        let envelope = Envelope::new(event);
        if self.db.outbox().keeps(&envelope) {
            let insert = "INSERT INTO outbox (id, topic, type, key, payload, time, traceparent) VALUES ($1, $2, $3, $4, $5, $6, $7)";
            let values = crate::args![
                &envelope.id,
                &envelope.topic,
                &envelope.kind,
                &envelope.key,
                envelope.payload.to_vec(),
                envelope.time,
                envelope.traceparent.clone()
            ];
            self.along.push(insert, values);
        }
        self.emitted.push(envelope);
    }

    /// A statement whose outcome nobody looks at, and that no other one in the transaction depends on. It travels with the
    /// commit, and costs no journey to the database of its own. Those that are given in this order run in it, but an INSERT
    /// does not see what the INSERT before it does. Its placeholders are `$1` and so on, one for each of `args`.
    pub fn along(&mut self, sql: impl SqlSafeStr, args: Vec<Value>) {
        self.along.push(sql.into_sql_str().as_str(), args);
    }

    /// The same, for what later statements may depend on, and which itself sees what those before it did: it travels with the
    /// next one.
    pub fn ahead(&mut self, sql: impl SqlSafeStr, args: Vec<Value>) {
        self.ahead.push(sql.into_sql_str().as_str(), args);
    }

    /// Calls `then` when the transaction has been committed, e.g. to wake whoever does the work that it noted.
    pub fn after_commit(&mut self, then: impl FnOnce() + Send + Sync + 'static) {
        self.then.push(Box::new(then));
    }

    /// Makes it durable, then wakes whoever waits for its events.
    pub async fn commit(mut self) -> Result<()> {
        if self.ahead.is_lost() {
            return Err(Error::unavailable("a statement of the transaction failed or was given up half way: it is undone"));
        }
        self.write_ahead().await?;
        self.ahead.append(self.along);
        let committed = match self.engine {
            Engine::Sqlite(turn) => {
                let count = self.ahead.len();
                turn.commit(self.ahead.for_sqlite(), count).await
            }
            Engine::Postgres(tx) => commit_postgres(tx, self.ahead).await,
        };
        // also where it is not known how it went
        self.db.written();
        committed?;
        self.db.outbox().announce(self.emitted);
        for then in self.then {
            then();
        }
        Ok(())
    }
}

async fn commit_postgres(mut tx: Transaction<'static, Postgres>, last: Gathered) -> Result<()> {
    for (sql, args) in last.for_postgres() {
        value::postgres(sqlx::AssertSqlSafe(sql), args).execute(&mut *tx).await?;
    }
    tx.commit().await.map_err(Into::into)
}

/// Statements with a few hundred rows each, and their values.
fn chunks(head: &str, tail: &str, rows: Vec<Vec<Value>>, dialect: Dialect) -> impl Iterator<Item = (String, Vec<Value>)> {
    const MAX_VALUES: usize = 30_000; // SQLite's limit is 32766, PostgreSQL's 65535
    let width = rows.first().map_or(1, Vec::len).max(1);
    let most = (MAX_VALUES / width).clamp(1, 256);
    let mut left = rows.len();
    let mut rows = rows.into_iter();
    std::iter::from_fn(move || {
        if left == 0 {
            return None;
        }
        let count = round_down(left.min(most));
        left -= count;
        Some((multi_row(head, tail, count, width, dialect), rows.by_ref().take(count).flatten().collect()))
    })
}

/// A power of two, or half as much again: the statement caches meet few texts, whatever the number of rows.
fn round_down(rows: usize) -> usize {
    let power = 1 << rows.max(1).ilog2();
    if power > 1 && power + power / 2 <= rows { power + power / 2 } else { power }
}

/// `head VALUES (…),(…) tail`. SQLite's placeholders are anonymous here: it looks named ones up in a list, each time one
/// is bound, so that a statement with thousands would spend its time there.
fn multi_row(head: &str, tail: &str, rows: usize, width: usize, dialect: Dialect) -> String {
    let mut sql = String::with_capacity(head.len() + tail.len() + rows * width * 6 + 16);
    sql.push_str(head);
    sql.push_str(" VALUES ");
    for row in 0..rows {
        sql.push_str(if row == 0 { "(" } else { ",(" });
        for column in 0..width {
            if column > 0 {
                sql.push(',');
            }
            match dialect {
                Dialect::Sqlite => sql.push('?'),
                Dialect::Postgres => {
                    sql.push('$');
                    sql.push_str(&(row * width + column + 1).to_string());
                }
            }
        }
        sql.push(')');
    }
    sql.push(' ');
    sql.push_str(tail);
    sql
}

#[cfg(test)]
mod tests {
    #[test]
    fn few_sizes_of_statements() {
        let sizes: Vec<usize> = [1, 2, 3, 4, 5, 7, 95, 96, 100, 127, 255, 256].into_iter().map(super::round_down).collect();
        assert_eq!(sizes, [1, 2, 3, 4, 4, 6, 64, 96, 96, 96, 192, 256]);
    }
}
