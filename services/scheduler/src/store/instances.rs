//! Table `task_instances`: the present try of each.

use super::runs::RunKey;
use super::{Filter, Page, Read, places, sql};
use crate::states::TaskState;
use artel_platform::args;
use artel_platform::db::{Db, Dialect, Query, Row, Tx, Value};
use artel_platform::{Error, Result};

/// A row.
#[derive(Debug, Clone)]
pub(crate) struct TaskInstance {
    pub(crate) id: String,
    pub(crate) dag_id: String,
    pub(crate) run_id: String,
    pub(crate) task_id: String,
    pub(crate) map_index: i64,
    pub(crate) state: Option<TaskState>,
    pub(crate) try_number: i64,
    pub(crate) max_tries: i64,
    pub(crate) start_date: Option<i64>,
    pub(crate) end_date: Option<i64>,
    pub(crate) scheduled_at: Option<i64>,
    pub(crate) queued_at: Option<i64>,
    pub(crate) pool: String,
    pub(crate) pool_slots: i64,
    pub(crate) queue: String,
    pub(crate) priority_weight: i64,
    pub(crate) operator: String,
    pub(crate) operator_name: String,
    pub(crate) task_display_name: String,
    pub(crate) dag_version_id: String,
    pub(crate) hostname: Option<String>,
    pub(crate) unixname: Option<String>,
    pub(crate) pid: Option<i64>,
    pub(crate) worker_id: Option<String>,
    pub(crate) lease_until: Option<i64>,
    pub(crate) due_at: Option<i64>,
    pub(crate) next_method: Option<String>,
    pub(crate) next_kwargs: Option<String>,
    pub(crate) rendered_map_index: Option<String>,
    pub(crate) note: Option<String>,
    pub(crate) updated_at: i64,
    /// See [`super::runs::DagRun::order`]; 0 for a row of the history.
    pub(crate) run_order: i64,
}

/// In both the table and its history.
pub(super) const SHARED: &str = "id, dag_id, run_id, task_id, map_index, state, try_number, max_tries, start_date, end_date, scheduled_at, queued_at, pool, \
     pool_slots, queue, priority_weight, operator, operator_name, task_display_name, dag_version_id, hostname, unixname, pid, retry_reason, \
     rendered_map_index, note, updated_at";
/// What a new row is given.
const NEW: &str = "id, dag_id, run_id, task_id, map_index, try_number, max_tries, pool, pool_slots, queue, priority_weight, operator, operator_name, \
     task_display_name, dag_version_id, updated_at, run_order";

pub(crate) fn columns() -> String {
    format!("{SHARED}, worker_id, lease_until, due_at, next_method, next_kwargs, run_order")
}

fn read(row: &Row) -> Result<TaskInstance> {
    let mut found = read_shared(row)?;
    found.worker_id = row.opt("worker_id")?;
    found.lease_until = row.opt("lease_until")?;
    found.due_at = row.opt("due_at")?;
    found.next_method = row.opt("next_method")?;
    found.next_kwargs = row.opt("next_kwargs")?;
    found.run_order = row.get("run_order")?;
    Ok(found)
}

/// A row of the history lacks what only a present try has.
pub(super) fn read_shared(row: &Row) -> Result<TaskInstance> {
    Ok(TaskInstance {
        id: row.get("id")?,
        dag_id: row.get("dag_id")?,
        run_id: row.get("run_id")?,
        task_id: row.get("task_id")?,
        map_index: row.get("map_index")?,
        state: row.opt::<String>("state")?.map(|s| TaskState::parse(&s)).transpose()?,
        try_number: row.get("try_number")?,
        max_tries: row.get("max_tries")?,
        start_date: row.opt("start_date")?,
        end_date: row.opt("end_date")?,
        scheduled_at: row.opt("scheduled_at")?,
        queued_at: row.opt("queued_at")?,
        pool: row.get("pool")?,
        pool_slots: row.get("pool_slots")?,
        queue: row.get("queue")?,
        priority_weight: row.get("priority_weight")?,
        operator: row.get("operator")?,
        operator_name: row.get("operator_name")?,
        task_display_name: row.get("task_display_name")?,
        dag_version_id: row.get("dag_version_id")?,
        hostname: row.opt("hostname")?,
        unixname: row.opt("unixname")?,
        pid: row.opt("pid")?,
        rendered_map_index: row.opt("rendered_map_index")?,
        note: row.opt("note")?,
        updated_at: row.get("updated_at")?,
        worker_id: None,
        lease_until: None,
        due_at: None,
        next_method: None,
        next_kwargs: None,
        run_order: 0,
    })
}

pub(crate) async fn insert(tx: &mut Tx, instances: &[TaskInstance]) -> Result<()> {
    let rows = instances.iter().map(|i| {
        args![
            &i.id,
            &i.dag_id,
            &i.run_id,
            &i.task_id,
            i.map_index,
            i.try_number,
            i.max_tries,
            &i.pool,
            i.pool_slots,
            &i.queue,
            i.priority_weight,
            &i.operator,
            &i.operator_name,
            &i.task_display_name,
            &i.dag_version_id,
            i.updated_at,
            i.run_order
        ]
    });
    tx.insert_many(&format!("INSERT INTO task_instances ({NEW})"), "", rows.collect()).await.map(drop)
}

pub(crate) async fn get(from: impl Into<Read<'_>>, id: &str) -> Result<Option<TaskInstance>> {
    from.into()
        .first(sql(format!("SELECT {} FROM task_instances WHERE id = $1", columns())), args![id])
        .await?
        .as_ref()
        .map(read)
        .transpose()
}

/// The instance, held against other transactions.
pub(crate) fn locked(dialect: Dialect, id: &str) -> Query<Option<TaskInstance>> {
    let text = format!("SELECT {} FROM task_instances WHERE id = $1{}", columns(), super::for_update(dialect));
    Query::first(sql(text), args![id], read)
}

/// Those of the given ids, at most a worker's slots, in the order in which they are to start.
pub(crate) fn with_ids(ids: &[String]) -> Query<Vec<TaskInstance>> {
    let (columns, ids_given) = (columns(), places(1, ids.len()));
    let text =
        format!("SELECT {columns} FROM task_instances WHERE id IN ({ids_given}) ORDER BY priority_weight DESC, queued_at, map_index, id");
    Query::all(sql(text), ids.iter().map(Value::from).collect(), read)
}

/// Those of the given ids, by id.
pub(crate) async fn by_ids(db: &Db, ids: &[String]) -> Result<Vec<TaskInstance>> {
    let mut found = Vec::new();
    for chunk in ids.chunks(500) {
        let text = format!("SELECT {} FROM task_instances WHERE id IN ({}) ORDER BY id", columns(), places(1, chunk.len()));
        for row in db.fetch_all(sql(text), chunk.iter().map(Value::from).collect()).await? {
            found.push(read(&row)?);
        }
    }
    Ok(found)
}

/// [`locked`], asked alone.
pub(crate) async fn lock(tx: &mut Tx, id: &str) -> Result<Option<TaskInstance>> {
    tx.ask(locked(tx.dialect(), id)).await
}

pub(crate) async fn of_task(
    from: impl Into<Read<'_>>,
    dag_id: &str,
    run_id: &str,
    task_id: &str,
    map_index: i64,
) -> Result<Option<TaskInstance>> {
    let text = format!("SELECT {} FROM task_instances WHERE dag_id = $1 AND run_id = $2 AND task_id = $3 AND map_index = $4", columns());
    from.into().first(sql(text), args![dag_id, run_id, task_id, map_index]).await?.as_ref().map(read).transpose()
}

/// The highest map index of the instances of a task in a run; `None` where it has none.
pub(crate) async fn last_index(db: &Db, dag_id: &str, run_id: &str, task_id: &str) -> Result<Option<i64>> {
    let text = "SELECT MAX(map_index) AS last FROM task_instances WHERE dag_id = $1 AND run_id = $2 AND task_id = $3";
    db.fetch_one(text, args![dag_id, run_id, task_id]).await?.opt("last")
}

pub(crate) async fn of_run(from: impl Into<Read<'_>>, dag_id: &str, run_id: &str) -> Result<Vec<TaskInstance>> {
    let text = format!("SELECT {} FROM task_instances WHERE dag_id = $1 AND run_id = $2 ORDER BY task_id, map_index", columns());
    from.into().all(sql(text), args![dag_id, run_id]).await?.iter().map(read).collect()
}

/// Is there an instance of the run that has not ended?
pub(crate) fn any_unfinished(dag_id: &str, run_id: &str) -> Query<bool> {
    let text = "SELECT COUNT(*) AS count FROM (SELECT 1 FROM task_instances WHERE dag_id = $1 AND run_id = $2
         AND (state IS NULL OR state NOT IN ('success', 'failed', 'skipped', 'upstream_failed', 'removed')) LIMIT 1) AS one";
    Query::one(text, args![dag_id, run_id], |row| Ok(row.get::<i64>("count")? > 0))
}

pub(crate) async fn list(db: &Db, filter: Filter, page: &Page) -> Result<(Vec<TaskInstance>, i64)> {
    super::page(db, &columns(), "task_instances", filter, page, read).await
}

/// Gives instances that wait for it their next try. Those that were rescheduled go on with the one they had.
pub(crate) fn schedule(tx: &mut Tx, ids: &[String], now: i64) {
    let set = "state = 'scheduled', scheduled_at = $1, updated_at = $1, due_at = NULL, try_number = CASE WHEN state = 'up_for_reschedule' THEN try_number ELSE try_number + 1 END";
    update_all(tx, set, args![now], ids);
}

/// Tasks that have nothing to do.
pub(crate) fn pass(tx: &mut Tx, ids: &[String], now: i64) {
    let set = "state = 'success', start_date = $1, end_date = $1, updated_at = $1, due_at = NULL, try_number = try_number + 1";
    update_all(tx, set, args![now], ids);
}

/// A state that the scheduler itself decides on. What may still run loses its lease.
pub(crate) fn set_state(tx: &mut Tx, ids: &[String], state: Option<TaskState>, now: i64) {
    let set = match state {
        Some(state) if state.is_finished() => {
            "state = $1, start_date = COALESCE(start_date, $2), end_date = $2, updated_at = $2, due_at = NULL, worker_id = NULL, lease_until = NULL"
        }
        _ => "state = $1, updated_at = $2, due_at = NULL, worker_id = NULL, lease_until = NULL",
    };
    update_all(tx, set, args![state.map(TaskState::as_str), now], ids);
}

/// From `scheduled` to `queued`.
pub(crate) fn queue(tx: &mut Tx, ids: &[String], now: i64) {
    update_all(tx, "state = 'queued', queued_at = $1, updated_at = $1", args![now], ids);
}

/// From `scheduled` to `queued` and into a worker's hands, who has until then to start them.
pub(crate) fn queue_for(tx: &mut Tx, worker_id: &str, ids: &[String], now: i64, lease_until: i64) {
    let set = "state = 'queued', queued_at = $1, updated_at = $1, worker_id = $2, lease_until = $3";
    update_all(tx, set, args![now, worker_id, lease_until], ids);
}

fn update_all(tx: &mut Tx, set: &str, values: Vec<Value>, ids: &[String]) {
    for chunk in ids.chunks(500) {
        let text = format!("UPDATE task_instances SET {set} WHERE id IN ({})", places(values.len() + 1, chunk.len()));
        let mut all = values.clone();
        all.extend(chunk.iter().map(Value::from));
        tx.ahead(sql(text), all);
    }
}

/// The placeholder of a mapped task becomes its first instance.
pub(crate) fn set_map_index(tx: &mut Tx, id: &str, map_index: i64) {
    tx.ahead("UPDATE task_instances SET map_index = $1 WHERE id = $2", args![map_index, id]);
}

/// Removes an instance that never ran.
pub(crate) fn forget(tx: &mut Tx, id: &str) {
    tx.ahead("DELETE FROM task_instances WHERE id = $1", args![id]);
}

/// Removes an instance with its tries, logs and results.
pub(crate) async fn delete(tx: &mut Tx, i: &TaskInstance) -> Result<()> {
    let of = "dag_id = $1 AND run_id = $2 AND task_id = $3 AND map_index = $4";
    let key = || args![&i.dag_id, &i.run_id, &i.task_id, i.map_index];
    let ids = format!("SELECT id FROM task_instances WHERE {of} UNION SELECT id FROM task_instance_history WHERE {of}");
    super::objects::doom_of(tx, of, &ids, key).await?;
    for table in ["rendered_fields", "task_logs", "log_chunks", "task_reschedules", "triggers", "hitl_details"] {
        tx.execute(sql(format!("DELETE FROM {table} WHERE ti_id IN ({ids})")), key()).await?;
    }
    for table in ["xcoms", "task_state_store", "task_instance_history", "task_instances"] {
        tx.execute(sql(format!("DELETE FROM {table} WHERE {of}")), key()).await?;
    }
    Ok(())
}

/// What `TIEnterRunningPayload` says.
pub(crate) struct Started<'a> {
    pub(crate) hostname: &'a str,
    pub(crate) unixname: &'a str,
    pub(crate) pid: i64,
    /// `None` when it goes on after a deferral.
    pub(crate) start_date: Option<i64>,
    pub(crate) worker_id: &'a str,
    pub(crate) lease_until: i64,
}

pub(crate) fn start(tx: &mut Tx, id: &str, s: &Started<'_>, now: i64) {
    let text = "UPDATE task_instances SET state = 'running', hostname = $1, unixname = $2, pid = $3, start_date = COALESCE($4, start_date), worker_id = $5,
         lease_until = $6, end_date = NULL, retry_delay_override = NULL, retry_reason = NULL, updated_at = $7 WHERE id = $8";
    tx.ahead(text, args![s.hostname, s.unixname, s.pid, s.start_date, s.worker_id, s.lease_until, now, id]);
}

/// How a try ended.
#[derive(Debug, Clone, Default)]
pub(crate) struct Ended {
    pub(crate) state: Option<TaskState>,
    pub(crate) end_date: i64,
    pub(crate) rendered_map_index: Option<String>,
    pub(crate) retry_delay_override: Option<f64>,
    pub(crate) retry_reason: Option<String>,
    /// When it goes on, where it does.
    pub(crate) due_at: Option<i64>,
}

/// Keeps `worker_id`: the process goes on for a moment and is not to be killed.
pub(crate) fn end(tx: &mut Tx, id: &str, e: &Ended, now: i64) {
    let text = "UPDATE task_instances SET state = $1, end_date = $2, rendered_map_index = COALESCE($3, rendered_map_index), retry_delay_override = $4,
         retry_reason = $5, due_at = $6, lease_until = NULL, next_method = NULL, next_kwargs = NULL, updated_at = $7 WHERE id = $8";
    let values = args![
        e.state.map(TaskState::as_str),
        e.end_date,
        e.rendered_map_index.as_ref(),
        e.retry_delay_override,
        e.retry_reason.as_ref(),
        e.due_at,
        now,
        id
    ];
    tx.ahead(text, values);
}

/// Marks tasks of a run skipped, but not what runs or has ended. `map_index` as given, `None` for every one.
pub(crate) async fn skip(
    tx: &mut Tx,
    dag_id: &str,
    run_id: &str,
    task_id: &str,
    map_index: Option<i64>,
    now: i64,
) -> Result<Vec<TaskInstance>> {
    let text = format!(
        "UPDATE task_instances SET state = 'skipped', start_date = $1, end_date = $1, updated_at = $1, due_at = NULL
         WHERE dag_id = $2 AND run_id = $3 AND task_id = $4 AND ($5 = -2 OR map_index = $5)
         AND (state IS NULL OR state NOT IN ('running', 'success', 'failed', 'skipped')) RETURNING {}",
        columns()
    );
    tx.fetch_all(sql(text), args![now, dag_id, run_id, task_id, map_index.unwrap_or(-2)]).await?.iter().map(read).collect()
}

/// One column that a task or a person sets.
pub(crate) async fn set_text(tx: &mut Tx, id: &str, column: &'static str, value: Option<&str>, now: i64) -> Result<()> {
    let changed =
        tx.execute(sql(format!("UPDATE task_instances SET {column} = $1, updated_at = $2 WHERE id = $3")), args![value, now, id]).await?;
    if changed == 0 { Err(Error::not_found(format!("task instance {id} was not found"))) } else { Ok(()) }
}

/// Takes an instance back to a fresh start under a new id; its old self is in the history.
pub(crate) async fn renew(tx: &mut Tx, old: &str, new: &str, state: Option<TaskState>, max_tries: i64, now: i64) -> Result<()> {
    let keep = if state == Some(TaskState::Restarting) { "" } else { ", worker_id = NULL, lease_until = NULL" };
    let text = format!(
        "UPDATE task_instances SET id = $1, state = $2, max_tries = $3, updated_at = $4, start_date = NULL, end_date = NULL, due_at = NULL,
         next_method = NULL, next_kwargs = NULL, retry_delay_override = NULL, retry_reason = NULL, rendered_map_index = NULL{keep} WHERE id = $5"
    );
    tx.execute(sql(text), args![new, state.map(TaskState::as_str), max_tries, now, old]).await.map(drop)
}

/// The same try number goes on under a new id, for the next try.
pub(crate) async fn rename(tx: &mut Tx, old: &str, new: &str) -> Result<()> {
    tx.execute("UPDATE task_instances SET id = $1 WHERE id = $2", args![new, old]).await.map(drop)
}

pub(crate) async fn set_version(tx: &mut Tx, dag_id: &str, run_id: &str, version: &str) -> Result<()> {
    tx.execute(
        "UPDATE task_instances SET dag_version_id = $1 WHERE dag_id = $2 AND run_id = $3 AND state IS NULL",
        args![version, dag_id, run_id],
    )
    .await
    .map(drop)
}

/// Runs with instances whose waiting time is over, some of them more than once.
pub(crate) fn due(now: i64) -> Query<Vec<RunKey>> {
    // DISTINCT would have SQLite read the whole table in the order of the runs
    let text = "SELECT dag_id, run_id FROM task_instances WHERE due_at <= $1 ORDER BY due_at LIMIT 10000";
    Query::all(text, args![now], |row| Ok((row.get("dag_id")?, row.get("run_id")?)))
}

/// States of one task's instances in a run.
pub(crate) async fn states_of(tx: &mut Tx, dag_id: &str, run_id: &str, task_ids: &[String]) -> Result<Vec<(String, Option<TaskState>)>> {
    let mut filter = Filter::default();
    filter.compare("dag_id", "=", dag_id);
    filter.compare("run_id", "=", run_id);
    filter.any_of("task_id", task_ids);
    let rows = tx.fetch_all(sql(format!("SELECT task_id, state FROM task_instances {}", filter.clause())), filter.args).await?;
    rows.iter().map(|r| Ok((r.get("task_id")?, r.opt::<String>("state")?.map(|s| TaskState::parse(&s)).transpose()?))).collect()
}

/// Did this task ever have an instance in a run before that date?
pub(crate) async fn existed_before(tx: &mut Tx, dag_id: &str, task_id: &str, logical_date: i64) -> Result<bool> {
    let text = "SELECT 1 AS one FROM task_instances t JOIN dag_runs r ON r.dag_id = t.dag_id AND r.run_id = t.run_id
         WHERE t.dag_id = $1 AND t.task_id = $2 AND r.logical_date < $3 LIMIT 1";
    Ok(tx.fetch_optional(text, args![dag_id, task_id, logical_date]).await?.is_some())
}
