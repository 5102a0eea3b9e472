//! Table `jobs`: processes that do the scheduler's work.

use super::{Filter, Page};
use artel_platform::db::{Db, Row, Tx};
use artel_platform::{Result, args};

/// A row.
#[derive(Debug, Clone)]
pub(crate) struct Job {
    pub(crate) id: i64,
    pub(crate) job_type: String,
    /// `running`, or `success` when it was stopped. One that died still says `running`.
    pub(crate) state: String,
    pub(crate) hostname: String,
    pub(crate) start_date: i64,
    pub(crate) end_date: Option<i64>,
    pub(crate) latest_heartbeat: i64,
}

const COLUMNS: &str = "id, job_type, state, hostname, start_date, end_date, latest_heartbeat";

fn read(row: &Row) -> Result<Job> {
    Ok(Job {
        id: row.get("id")?,
        job_type: row.get("job_type")?,
        state: row.get("state")?,
        hostname: row.get("hostname")?,
        start_date: row.get("start_date")?,
        end_date: row.opt("end_date")?,
        latest_heartbeat: row.get("latest_heartbeat")?,
    })
}

pub(crate) async fn begin(tx: &mut Tx, (uid, id): (&str, i64), job_type: &str, hostname: &str, now: i64) -> Result<()> {
    let text =
        "INSERT INTO jobs (uid, id, job_type, state, hostname, start_date, latest_heartbeat) VALUES ($1, $2, $3, 'running', $4, $5, $5)";
    tx.execute(text, args![uid, id, job_type, hostname, now]).await.map(drop)
}

/// Signs of life.
pub(crate) async fn beat(db: &Db, uids: &[String], now: i64) -> Result<()> {
    let mut filter = Filter::default();
    let now = filter.arg(now);
    filter.any_of("uid", uids);
    let text = format!("UPDATE jobs SET latest_heartbeat = {now} {}", filter.clause());
    db.execute(super::sql(text), filter.args).await.map(drop)
}

pub(crate) async fn end(db: &Db, uids: &[String], now: i64) -> Result<()> {
    let mut filter = Filter::default();
    let now = filter.arg(now);
    filter.any_of("uid", uids);
    let text = format!("UPDATE jobs SET state = 'success', end_date = {now}, latest_heartbeat = {now} {}", filter.clause());
    db.execute(super::sql(text), filter.args).await.map(drop)
}

/// Forgets those of which nothing was heard for long.
pub(crate) async fn forget(tx: &mut Tx, before: i64) -> Result<()> {
    tx.execute("DELETE FROM jobs WHERE latest_heartbeat < $1", args![before]).await.map(drop)
}

pub(crate) async fn list(db: &Db, filter: Filter, page: &Page) -> Result<(Vec<Job>, i64)> {
    super::page(db, COLUMNS, "jobs", filter, page, read).await
}
