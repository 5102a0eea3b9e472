//! From `scheduled` to `queued`: the weightiest first, as far as pools and limits have room
//! (airflow/jobs/scheduler_job_runner.py `_executable_task_instances_to_queued`).

use crate::Scheduler;
use crate::store::admission::{self, Candidate, Full, Taken};
use crate::store::claims;
use crate::store::instances::{self, TaskInstance};
use crate::store::pools::{self, Pool};
use crate::waiting::Gift;
use artel_platform::Result;
use artel_platform::db::Tx;
use artel_proto::artel::scheduler::v1::TaskInstanceChanged;
use std::collections::{HashMap, HashSet};

/// Candidates looked at first: as a rule one place was freed, and one of the first takes it.
const FEW: i64 = 32;
/// Candidates looked at in one go when those were not enough.
const MANY: i64 = 1000;

/// What was let in.
#[derive(Default)]
pub(super) struct Admitted {
    pub(super) count: usize,
    /// Some of it no worker was given.
    pub(super) to_claim: bool,
    /// What the worker with a vacancy has for it.
    pub(super) given: Option<String>,
}

/// A slot that the end of a task leaves at its worker, who takes another one for it.
pub(crate) struct Vacancy<'a> {
    worker_id: &'a str,
    queues: &'a [String],
}

impl<'a> Vacancy<'a> {
    /// The slot of this instance, which ran at that worker.
    pub(crate) fn left_by(ended: &TaskInstance, worker_id: Option<&'a str>, queues: &'a [String]) -> Option<Self> {
        let worker_id = worker_id.filter(|id| ended.worker_id.as_deref() == Some(id) && !queues.is_empty())?;
        Some(Self { worker_id, queues })
    }

    fn takes(&self, c: &Candidate) -> bool {
        self.queues.contains(&c.queue)
    }
}

/// Lets in what has room, and gives it to the worker with a vacancy and to waiting ones.
pub(super) async fn admit(scheduler: &Scheduler, tx: &mut Tx, now: i64, vacancy: Option<&Vacancy<'_>>) -> Result<Admitted> {
    admission::take_turn(tx).await?;
    let (candidates, pools, taken) = (admission::candidates(FEW, &Full::default()), pools::all(), admission::taken());
    let (candidates, pools, taken, unclaimed) = match vacancy.filter(|_| scheduler.unclaimed.may_be_there(now)) {
        Some(vacancy) => tx.ask((candidates, pools, taken, claims::first(tx.dialect(), vacancy.queues, now))).await?,
        None => {
            let (candidates, pools, taken) = tx.ask((candidates, pools, taken)).await?;
            (candidates, pools, taken, None)
        }
    };
    let mut admitted = match candidates.is_empty() {
        true => Vec::new(),
        false => choose(scheduler, tx, candidates, Room::measure(pools, taken)).await?,
    };
    let lease_until = now + scheduler.settings.lease().as_millis() as i64;
    let given = vacancy.and_then(|vacancy| fill(tx, vacancy, unclaimed, &admitted, now, lease_until));
    let count = admitted.len();
    tell(tx, &admitted);
    admitted.retain(|c| given.as_ref() != Some(&c.id));
    let mut gifts = Vec::new();
    let to_claim: Vec<String> =
        admitted.iter().filter(|c| !scheduler.waiting.choose(&mut gifts, &c.queue, &c.id)).map(|c| c.id.clone()).collect();
    instances::queue(tx, &to_claim, now);
    for gift in &gifts {
        instances::queue_for(tx, &gift.worker_id, &gift.ti_ids, now, lease_until);
    }
    tx.after_commit(move || gifts.into_iter().for_each(Gift::send));
    Ok(Admitted { count, to_claim: !to_claim.is_empty(), given })
}

/// Gives the weightiest of what was queued before and of what is let in now to the worker with a vacancy; of one weight, what waits
/// longer. Returns which.
fn fill(
    tx: &mut Tx,
    vacancy: &Vacancy<'_>,
    unclaimed: Option<claims::Free>,
    admitted: &[Candidate],
    now: i64,
    lease_until: i64,
) -> Option<String> {
    let fresh = admitted.iter().find(|c| vacancy.takes(c));
    let unclaimed = unclaimed.filter(|free| fresh.is_none_or(|c| free.priority_weight >= c.priority_weight));
    match (unclaimed, fresh) {
        (Some(free), _) => {
            claims::give(tx, &free.id, vacancy.worker_id, lease_until);
            Some(free.id)
        }
        (None, Some(c)) => {
            instances::queue_for(tx, vacancy.worker_id, std::slice::from_ref(&c.id), now, lease_until);
            Some(c.id.clone())
        }
        (None, None) => None,
    }
}

/// Tells of what is let in.
fn tell(tx: &mut Tx, admitted: &[Candidate]) {
    for c in admitted {
        tx.emit(&TaskInstanceChanged {
            dag_id: c.dag_id.clone(),
            run_id: c.run_id.clone(),
            task_id: c.task_id.clone(),
            map_index: c.map_index,
            state: "queued".into(),
            try_number: c.try_number,
        });
    }
}

/// Those that have room: of the first candidates, and of those behind them while there is room for any.
async fn choose(scheduler: &Scheduler, tx: &mut Tx, first: Vec<Candidate>, mut room: Room) -> Result<Vec<Candidate>> {
    let mut admitted = Vec::new();
    let mut seen = HashSet::new();
    let (mut batch, mut limit) = (first, FEW);
    loop {
        let has_more = batch.len() as i64 == limit;
        let before = seen.len();
        for candidate in batch {
            if !seen.insert(candidate.id.clone()) {
                continue;
            }
            let limits = if candidate.has_limits { task_limits(scheduler, &candidate).await? } else { (None, None) };
            if room.take(&candidate, limits) {
                admitted.push(candidate);
            }
        }
        if !has_more || seen.len() == before || !room.has_any() {
            return Ok(admitted);
        }
        limit = MANY;
        batch = tx.ask(admission::candidates(limit, &room.full)).await?;
    }
}

impl Scheduler {
    /// Looks for room without anything having become ready: a slot was freed.
    pub(crate) async fn refill(&self) -> Result<()> {
        let mut tx = self.db.begin().await?;
        let admitted = admit(self, &mut tx, self.cx.clock.now(), None).await?;
        if admitted.count > 0 {
            tx.commit().await?;
        }
        if admitted.to_claim {
            self.unclaimed.announce();
        }
        Ok(())
    }
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
    /// What was found to have no room.
    full: Full,
}

impl Room {
    fn measure(pools: Vec<Pool>, taken: Vec<Taken>) -> Self {
        let mut room = Self::default();
        for pool in pools {
            let used: i64 = taken.iter().filter(|t| t.pool == pool.name).map(|t| t.slots).sum();
            room.pools.insert(pool.name, if pool.slots < 0 { i64::MAX } else { pool.slots - used });
        }
        for Taken { dag_id: dag, run_id: run, task_id: task, count, .. } in taken.into_iter().filter(|t| !t.deferred) {
            *room.of_run.entry((dag.clone(), run.clone())).or_default() += count;
            *room.of_task.entry((dag.clone(), task.clone())).or_default() += count;
            *room.of_task_in_run.entry((dag, run, task)).or_default() += count;
        }
        room
    }

    /// Is there a pool with room?
    fn has_any(&self) -> bool {
        self.pools.values().any(|free| *free > 0)
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
            if *pool <= 0 {
                self.full.pools.insert(c.pool.clone());
            }
            if *run >= c.max_active_tasks {
                self.full.runs.insert((c.dag_id.clone(), c.run_id.clone()));
            }
            return false;
        }
        *pool = pool.saturating_sub(c.pool_slots);
        *run += 1;
        *task += 1;
        *both += 1;
        true
    }
}
