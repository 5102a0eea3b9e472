//! Table `dag_runs`.

mod changes;

pub(crate) use changes::*;

use super::{Filter, Page, Read, sql};
use crate::states::{RunState, RunType};
use artel_platform::Result;
use artel_platform::args;
use artel_platform::db::{AssertSqlSafe, Db, Dialect, Query, Row, Tx, Value};

/// A run: DAG id and run id.
pub(crate) type RunKey = (String, String);

/// A row.
#[derive(Debug, Clone)]
pub(crate) struct DagRun {
    pub(crate) dag_id: String,
    pub(crate) run_id: String,
    pub(crate) run_type: RunType,
    pub(crate) state: RunState,
    pub(crate) logical_date: Option<i64>,
    pub(crate) data_interval_start: Option<i64>,
    pub(crate) data_interval_end: Option<i64>,
    pub(crate) run_after: i64,
    pub(crate) queued_at: Option<i64>,
    pub(crate) start_date: Option<i64>,
    pub(crate) end_date: Option<i64>,
    pub(crate) conf: Option<String>,
    pub(crate) note: Option<String>,
    pub(crate) triggered_by: Option<String>,
    pub(crate) triggering_user_name: Option<String>,
    pub(crate) partition_key: Option<String>,
    pub(crate) partition_date: Option<i64>,
    pub(crate) clear_number: i64,
    pub(crate) dag_version_id: String,
    pub(crate) bundle_version: Option<String>,
    pub(crate) last_scheduling_decision: Option<i64>,
}

/// What a run without a logical date adds to the time it may start, to come after those that have one.
const UNDATED: i64 = 1 << 62;

impl DagRun {
    /// Its place among runs whose tasks weigh the same: by logical date, those without one last.
    pub(crate) fn order(&self) -> i64 {
        self.logical_date.unwrap_or(UNDATED + self.run_after)
    }
}

/// The condition of the indexes of runs that are not over. SQLite takes those only for a query that has it word by word.
const ACTIVE: &str = "r.state IN ('queued', 'running')";

const COLUMNS: &str = "dag_id, run_id, run_type, state, logical_date, data_interval_start, data_interval_end, run_after, queued_at, start_date, end_date, conf, note, \
     triggered_by, triggering_user_name, partition_key, partition_date, clear_number, dag_version_id, bundle_version, last_scheduling_decision";

fn read(row: &Row) -> Result<DagRun> {
    Ok(DagRun {
        dag_id: row.get("dag_id")?,
        run_id: row.get("run_id")?,
        run_type: RunType::parse(&row.get::<String>("run_type")?)?,
        state: RunState::parse(&row.get::<String>("state")?)?,
        logical_date: row.opt("logical_date")?,
        data_interval_start: row.opt("data_interval_start")?,
        data_interval_end: row.opt("data_interval_end")?,
        run_after: row.get("run_after")?,
        queued_at: row.opt("queued_at")?,
        start_date: row.opt("start_date")?,
        end_date: row.opt("end_date")?,
        conf: row.opt("conf")?,
        note: row.opt("note")?,
        triggered_by: row.opt("triggered_by")?,
        triggering_user_name: row.opt("triggering_user_name")?,
        partition_key: row.opt("partition_key")?,
        partition_date: row.opt("partition_date")?,
        clear_number: row.get("clear_number")?,
        dag_version_id: row.get("dag_version_id")?,
        bundle_version: row.opt("bundle_version")?,
        last_scheduling_decision: row.opt("last_scheduling_decision")?,
    })
}

pub(crate) async fn insert(tx: &mut Tx, runs: impl Iterator<Item = &DagRun>, now: i64) -> Result<()> {
    let rows = runs.map(|run| {
        args![
            &run.dag_id,
            &run.run_id,
            run.run_type.as_str(),
            run.state.as_str(),
            run.logical_date,
            run.data_interval_start,
            run.data_interval_end,
            run.run_after,
            run.queued_at,
            run.start_date,
            run.end_date,
            run.conf.as_ref(),
            run.note.as_ref(),
            run.triggered_by.as_ref(),
            run.triggering_user_name.as_ref(),
            run.partition_key.as_ref(),
            run.partition_date,
            run.clear_number,
            &run.dag_version_id,
            run.bundle_version.as_ref(),
            run.last_scheduling_decision,
            now,
            now
        ]
    });
    tx.insert_many(&format!("INSERT INTO dag_runs ({COLUMNS}, created_at, updated_at)"), "", rows.collect()).await.map(drop)
}

/// DAGs of these runs that have a run of the same id or logical date already.
pub(crate) fn same(runs: &[&DagRun]) -> Query<Vec<String>> {
    if runs.is_empty() {
        return Query::all("SELECT dag_id FROM dag_runs WHERE 1 = 0", vec![], |row| row.get("dag_id"));
    }
    let each = (0..runs.len()).map(|n| format!("(${}, ${}, CAST(${} AS BIGINT))", 3 * n + 1, 3 * n + 2, 3 * n + 3));
    let text = format!(
        "WITH made (dag_id, run_id, logical_date) AS (VALUES {}) SELECT dag_id FROM made
         WHERE EXISTS (SELECT 1 FROM dag_runs r WHERE r.dag_id = made.dag_id AND r.run_id = made.run_id)
            OR EXISTS (SELECT 1 FROM dag_runs r WHERE r.dag_id = made.dag_id AND r.logical_date = made.logical_date)",
        each.collect::<Vec<_>>().join(", ")
    );
    let values = runs.iter().flat_map(|run| args![&run.dag_id, &run.run_id, run.logical_date]).collect();
    Query::all(sql(text), values, |row| row.get("dag_id"))
}

/// How many runs of a DAG wait and run, backfills aside.
pub(crate) struct Active {
    pub(crate) dag_id: String,
    pub(crate) queued: i64,
    pub(crate) running: i64,
}

/// The same of those of these DAGs that have any.
pub(crate) fn active_of(dag_ids: &[&str]) -> Query<Vec<Active>> {
    let text = format!(
        "SELECT dag_id, COUNT(*) FILTER (WHERE state = 'queued') AS queued, COUNT(*) FILTER (WHERE state = 'running') AS running
         FROM dag_runs WHERE dag_id IN ({}) AND state IN ('queued', 'running') AND run_type <> 'backfill' GROUP BY dag_id",
        super::places(1, dag_ids.len())
    );
    Query::all(sql(text), dag_ids.iter().map(|id| Value::from(*id)).collect(), |row| {
        Ok(Active { dag_id: row.get("dag_id")?, queued: row.get("queued")?, running: row.get("running")? })
    })
}

pub(crate) async fn get(from: impl Into<Read<'_>>, dag_id: &str, run_id: &str) -> Result<Option<DagRun>> {
    from.into().ask(one(dag_id, run_id)).await
}

/// The run, held against other transactions.
pub(crate) fn locked(dialect: Dialect, dag_id: &str, run_id: &str) -> Query<Option<DagRun>> {
    let text = format!("SELECT {COLUMNS} FROM dag_runs WHERE dag_id = $1 AND run_id = $2{}", super::for_update(dialect));
    Query::first(sql(text), args![dag_id, run_id], read)
}

/// The same, asked alone.
pub(crate) async fn lock(tx: &mut Tx, dag_id: &str, run_id: &str) -> Result<Option<DagRun>> {
    tx.ask(locked(tx.dialect(), dag_id, run_id)).await
}

/// The run, held; `None` also while another transaction holds it.
pub(crate) fn locked_if_free(dialect: Dialect, dag_id: &str, run_id: &str) -> Query<Option<DagRun>> {
    let text = format!("SELECT {COLUMNS} FROM dag_runs WHERE dag_id = $1 AND run_id = $2{}", super::for_update_skip_locked(dialect));
    Query::first(sql(text), args![dag_id, run_id], read)
}

/// The run of a task instance.
pub(crate) fn of_instance(ti_id: &str) -> Query<Option<DagRun>> {
    Query::first(of_ids(1), args![ti_id], read)
}

/// The runs of task instances, at most a worker's slots.
pub(crate) fn of_instances(ids: &[String]) -> Query<Vec<DagRun>> {
    Query::all(of_ids(ids.len()), ids.iter().map(Value::from).collect(), read)
}

fn of_ids(count: usize) -> AssertSqlSafe<String> {
    let of = format!("SELECT t.dag_id, t.run_id FROM task_instances t WHERE t.id IN ({})", super::places(1, count));
    sql(format!("SELECT {COLUMNS} FROM dag_runs WHERE (dag_id, run_id) IN ({of})"))
}

/// The runs of these keys.
pub(crate) async fn of_keys(db: &Db, keys: &[RunKey]) -> Result<Vec<DagRun>> {
    let mut found = Vec::new();
    for chunk in keys.chunks(250) {
        let each: Vec<String> = (0..chunk.len()).map(|i| format!("(${}, ${})", 2 * i + 1, 2 * i + 2)).collect();
        let text = format!("SELECT {COLUMNS} FROM dag_runs WHERE (dag_id, run_id) IN (VALUES {})", each.join(", "));
        let values = chunk.iter().flat_map(|(dag_id, run_id)| [Value::from(dag_id), Value::from(run_id)]).collect();
        for row in db.fetch_all(sql(text), values).await? {
            found.push(read(&row)?);
        }
    }
    Ok(found)
}

/// A run, by its key.
pub(crate) fn one(dag_id: &str, run_id: &str) -> Query<Option<DagRun>> {
    Query::first(sql(format!("SELECT {COLUMNS} FROM dag_runs WHERE dag_id = $1 AND run_id = $2")), args![dag_id, run_id], read)
}

pub(crate) async fn at(from: impl Into<Read<'_>>, dag_id: &str, logical_date: i64) -> Result<Option<DagRun>> {
    from.into()
        .first(sql(format!("SELECT {COLUMNS} FROM dag_runs WHERE dag_id = $1 AND logical_date = $2")), args![dag_id, logical_date])
        .await?
        .as_ref()
        .map(read)
        .transpose()
}

/// The run of the partition that stands for this time; of several the one that was started, or made, last.
pub(crate) async fn of_partition(from: impl Into<Read<'_>>, dag_id: &str, date: i64) -> Result<Option<DagRun>> {
    let text = format!(
        "SELECT {COLUMNS} FROM dag_runs WHERE dag_id = $1 AND partition_date = $2 ORDER BY COALESCE(start_date, created_at) DESC, run_id LIMIT 1"
    );
    from.into().first(sql(text), args![dag_id, date]).await?.as_ref().map(read).transpose()
}

pub(crate) async fn list(db: &Db, filter: Filter, page: &Page) -> Result<(Vec<DagRun>, i64)> {
    super::page(db, COLUMNS, "dag_runs", filter, page, read).await
}

/// The newest run that the timetable (or a backfill) made.
pub(crate) async fn last_automated(from: impl Into<Read<'_>>, dag_id: &str) -> Result<Option<DagRun>> {
    let text = format!(
        "SELECT {COLUMNS} FROM dag_runs WHERE dag_id = $1 AND run_type IN ('scheduled', 'backfill') AND logical_date IS NOT NULL ORDER BY logical_date DESC LIMIT 1"
    );
    from.into().first(sql(text), args![dag_id]).await?.as_ref().map(read).transpose()
}

/// The newest run that a schedule of partitions made.
pub(crate) async fn last_partitioned(from: impl Into<Read<'_>>, dag_id: &str) -> Result<Option<DagRun>> {
    let text = format!(
        "SELECT {COLUMNS} FROM dag_runs WHERE dag_id = $1 AND run_type IN ('scheduled', 'backfill') AND partition_key IS NOT NULL ORDER BY run_after DESC LIMIT 1"
    );
    from.into().first(sql(text), args![dag_id]).await?.as_ref().map(read).transpose()
}

/// The newest run before a date; `automated`: of those that the timetable made, `state`: of those in that state.
pub(crate) async fn previous(
    from: impl Into<Read<'_>>,
    dag_id: &str,
    logical_date: i64,
    automated: bool,
    state: Option<RunState>,
) -> Result<Option<DagRun>> {
    let mut filter = Filter::default();
    filter.compare("dag_id", "=", dag_id);
    filter.compare("logical_date", "<", logical_date);
    if automated {
        filter.that("run_type <> 'manual'");
    }
    if let Some(state) = state {
        filter.compare("state", "=", state.as_str());
    }
    let text = format!("SELECT {COLUMNS} FROM dag_runs {} ORDER BY logical_date DESC LIMIT 1", filter.clause());
    from.into().first(sql(text), filter.args).await?.as_ref().map(read).transpose()
}

/// The first running runs after a date.
pub(crate) async fn running_after(db: &Db, dag_id: &str, logical_date: i64) -> Result<Vec<DagRun>> {
    let text = format!(
        "SELECT {COLUMNS} FROM dag_runs WHERE dag_id = $1 AND logical_date > $2 AND state = 'running' ORDER BY logical_date LIMIT 50"
    );
    db.fetch_all(sql(text), args![dag_id, logical_date]).await?.iter().map(read).collect()
}

/// A queued run, and the backfill that it belongs to.
pub(crate) struct Startable {
    pub(crate) dag_id: String,
    pub(crate) run_id: String,
    pub(crate) backfill_id: Option<String>,
}

/// Queued runs that may start as far as time and pausing go: the oldest first, then those of backfills in their order.
pub(crate) fn startable(now: i64) -> Query<Vec<Startable>> {
    let text = format!(
        "SELECT r.dag_id, r.run_id, r.backfill_id FROM dag_runs r JOIN dags d ON d.dag_id = r.dag_id
         LEFT JOIN backfills b ON CAST(b.id AS TEXT) = r.backfill_id
         LEFT JOIN backfill_runs x ON x.backfill_id = b.id AND x.dag_id = r.dag_id AND x.run_id = r.run_id
         WHERE r.state = 'queued' AND {ACTIVE} AND r.run_after <= $1 AND d.is_paused = 0 AND d.is_stale = 0 AND (b.id IS NULL OR b.is_paused = 0)
         ORDER BY x.sort_ordinal NULLS FIRST, r.run_after, r.run_id LIMIT 500"
    );
    Query::all(sql(text), args![now], |r| {
        Ok(Startable { dag_id: r.get("dag_id")?, run_id: r.get("run_id")?, backfill_id: r.opt("backfill_id")? })
    })
}

/// How many runs of a DAG are running, backfills aside.
pub(crate) fn running(dag_id: &str) -> Query<i64> {
    let text = format!(
        "SELECT COUNT(*) AS count FROM dag_runs r WHERE r.dag_id = $1 AND r.state = 'running' AND {ACTIVE} AND r.backfill_id IS NULL"
    );
    Query::one(sql(text), args![dag_id], |row| row.get("count"))
}

/// How many are queued or running, backfills aside.
pub(crate) async fn active(from: impl Into<Read<'_>>, dag_id: &str) -> Result<i64> {
    let row = from
        .into()
        .first(
            "SELECT COUNT(*) AS count FROM dag_runs WHERE dag_id = $1 AND state IN ('queued', 'running') AND run_type <> 'backfill'",
            args![dag_id],
        )
        .await?;
    row.map_or(Ok(0), |r| r.get("count"))
}

/// Running runs that nobody has looked at since `before`, the longest ago first.
pub(crate) fn neglected(before: i64, limit: i64) -> Query<Vec<RunKey>> {
    let text = format!(
        "SELECT r.dag_id, r.run_id FROM dag_runs r JOIN dags d ON d.dag_id = r.dag_id
         WHERE r.state = 'running' AND {ACTIVE} AND d.is_paused = 0 AND (r.last_scheduling_decision IS NULL OR r.last_scheduling_decision < $1)
         ORDER BY r.last_scheduling_decision LIMIT {limit}"
    );
    Query::all(sql(text), args![before], |row| Ok((row.get("dag_id")?, row.get("run_id")?)))
}

/// Run counts of a DAG by state.
pub(crate) async fn stats(db: &Db, dag_id: &str) -> Result<Vec<(String, i64)>> {
    let rows = db.fetch_all("SELECT state, COUNT(*) AS count FROM dag_runs WHERE dag_id = $1 GROUP BY state", args![dag_id]).await?;
    rows.iter().map(|r| Ok((r.get("state")?, r.get("count")?))).collect()
}

/// How many of the newest runs of a DAG failed in a row, looking at no more than `limit`. One that goes on breaks the row
/// (airflow/models/dagrun.py `_check_last_n_dagruns_failed`).
pub(crate) async fn failed_in_a_row(tx: &mut Tx, dag_id: &str, limit: i64) -> Result<i64> {
    let rows = tx
        .fetch_all(
            "SELECT state FROM dag_runs WHERE dag_id = $1 ORDER BY run_after DESC, created_at DESC, run_id DESC LIMIT $2",
            args![dag_id, limit],
        )
        .await?;
    let mut count = 0;
    for row in rows {
        if row.get::<String>("state")? != "failed" {
            break;
        }
        count += 1;
    }
    Ok(count)
}
