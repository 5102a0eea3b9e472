//! From `scheduled` to `queued`: the weightiest first, as far as pools and limits have room
//! (airflow/jobs/scheduler_job_runner.py `_executable_task_instances_to_queued`).

use crate::Scheduler;
use crate::store::{instances, pools, sql};
use artel_platform::Result;
use artel_platform::args;
use artel_platform::db::{Dialect, Row, Tx};
use artel_proto::artel::scheduler::v1::TaskInstanceChanged;
use std::collections::HashMap;

/// One number for "somebody fills the queue", so that schedulers on one database take turns.
const ADMISSION_LOCK: i64 = 0x6172_7465_6c01;
/// Instances looked at in one go.
const BATCH: i64 = 1000;

/// A scheduled instance, with the limits of its DAG.
struct Candidate {
    id: String,
    dag_id: String,
    run_id: String,
    task_id: String,
    map_index: i64,
    try_number: i64,
    pool: String,
    pool_slots: i64,
    dag_version_id: String,
    max_active_tasks: i64,
    has_limits: bool,
}

/// Lets in what has room. Returns how many.
pub(super) async fn admit(scheduler: &Scheduler, tx: &mut Tx, now: i64) -> Result<usize> {
    if tx.dialect() == Dialect::Postgres {
        // the counts below must not change before what follows from them is written
        tx.fetch_all("SELECT pg_advisory_xact_lock($1) AS locked", args![ADMISSION_LOCK]).await?;
    }
    let candidates = candidates(tx).await?;
    if candidates.is_empty() {
        return Ok(0);
    }
    let mut room = Room::measure(tx).await?;
    let mut admitted = Vec::new();
    for candidate in candidates {
        let limits = if candidate.has_limits { task_limits(scheduler, &candidate).await? } else { (None, None) };
        if room.take(&candidate, limits) {
            admitted.push(candidate);
        }
    }
    let ids: Vec<String> = admitted.iter().map(|c| c.id.clone()).collect();
    instances::queue(tx, &ids, now).await?;
    for c in &admitted {
        tx.emit(&TaskInstanceChanged {
            dag_id: c.dag_id.clone(),
            run_id: c.run_id.clone(),
            task_id: c.task_id.clone(),
            map_index: c.map_index,
            state: "queued".into(),
            try_number: c.try_number,
        })
        .await?;
    }
    Ok(admitted.len())
}

impl Scheduler {
    /// Looks for room without anything having become ready: a slot was freed.
    pub(crate) async fn refill(&self) -> Result<()> {
        let mut tx = self.db.begin().await?;
        let admitted = admit(self, &mut tx, self.cx.clock.now()).await?;
        if admitted > 0 {
            tx.commit().await?;
            self.claims.notify_waiters();
        }
        Ok(())
    }
}

async fn candidates(tx: &mut Tx) -> Result<Vec<Candidate>> {
    let text = "SELECT t.id, t.dag_id, t.run_id, t.task_id, t.map_index, t.try_number, t.pool, t.pool_slots, t.dag_version_id, d.max_active_tasks, d.has_task_concurrency_limits
         FROM task_instances t JOIN dag_runs r ON r.dag_id = t.dag_id AND r.run_id = t.run_id JOIN dags d ON d.dag_id = t.dag_id
         WHERE t.state = 'scheduled' AND r.state = 'running' AND d.is_paused = 0
         ORDER BY t.priority_weight DESC, r.run_after, t.map_index LIMIT $1";
    let read = |row: &Row| -> Result<Candidate> {
        Ok(Candidate {
            id: row.get("id")?,
            dag_id: row.get("dag_id")?,
            run_id: row.get("run_id")?,
            task_id: row.get("task_id")?,
            map_index: row.get("map_index")?,
            try_number: row.get("try_number")?,
            pool: row.get("pool")?,
            pool_slots: row.get("pool_slots")?,
            dag_version_id: row.get("dag_version_id")?,
            max_active_tasks: row.get("max_active_tasks")?,
            has_limits: row.get("has_task_concurrency_limits")?,
        })
    };
    tx.fetch_all(text, args![BATCH]).await?.iter().map(read).collect()
}

/// `max_active_tis_per_dag`, `max_active_tis_per_dagrun` of the candidate's task.
async fn task_limits(scheduler: &Scheduler, candidate: &Candidate) -> Result<(Option<i64>, Option<i64>)> {
    let dag = scheduler.version(&candidate.dag_version_id).await?;
    Ok(dag.task(&candidate.task_id).map_or((None, None), |t| (t.max_active_tis_per_dag, t.max_active_tis_per_dagrun)))
}

/// What is free.
#[derive(Default)]
struct Room {
    /// By pool; one that is not there has none.
    pools: HashMap<String, i64>,
    of_run: HashMap<(String, String), i64>,
    of_task: HashMap<(String, String), i64>,
    of_task_in_run: HashMap<(String, String, String), i64>,
}

impl Room {
    async fn measure(tx: &mut Tx) -> Result<Self> {
        let mut room = Self::default();
        let taken = pools::taken(&mut *tx).await?;
        for pool in pools::all(&mut *tx).await? {
            let counts =
                |state: &str| matches!(state, "queued" | "running" | "restarting") || (pool.include_deferred && state == "deferred");
            let used: i64 = taken.iter().filter(|t| t.pool == pool.name && counts(&t.state)).map(|t| t.slots).sum();
            room.pools.insert(pool.name, if pool.slots < 0 { i64::MAX } else { pool.slots - used });
        }
        let text = "SELECT dag_id, run_id, task_id, COUNT(*) AS count FROM task_instances WHERE state IN ('queued', 'running', 'restarting') GROUP BY dag_id, run_id, task_id".to_owned();
        for row in tx.fetch_all(sql(text), vec![]).await? {
            let (dag, run, task): (String, String, String) = (row.get("dag_id")?, row.get("run_id")?, row.get("task_id")?);
            let count: i64 = row.get("count")?;
            *room.of_run.entry((dag.clone(), run.clone())).or_default() += count;
            *room.of_task.entry((dag.clone(), task.clone())).or_default() += count;
            *room.of_task_in_run.entry((dag, run, task)).or_default() += count;
        }
        Ok(room)
    }

    /// Takes the candidate's place if there is one.
    fn take(&mut self, c: &Candidate, (per_dag, per_run): (Option<i64>, Option<i64>)) -> bool {
        let run = self.of_run.entry((c.dag_id.clone(), c.run_id.clone())).or_default();
        let task = self.of_task.entry((c.dag_id.clone(), c.task_id.clone())).or_default();
        let both = self.of_task_in_run.entry((c.dag_id.clone(), c.run_id.clone(), c.task_id.clone())).or_default();
        let Some(pool) = self.pools.get_mut(&c.pool) else {
            tracing::warn!(
                dag_id = c.dag_id,
                task_id = c.task_id,
                pool = c.pool,
                "task waits for a pool that does not exist; make it with POST /api/v2/pools"
            );
            return false;
        };
        let full = *pool < c.pool_slots
            || *run >= c.max_active_tasks
            || per_dag.is_some_and(|limit| *task >= limit)
            || per_run.is_some_and(|limit| *both >= limit);
        if full {
            return false;
        }
        *pool = pool.saturating_sub(c.pool_slots);
        *run += 1;
        *task += 1;
        *both += 1;
        true
    }
}
