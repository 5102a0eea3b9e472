//! Looks at one run: reads how things stand, decides, and writes what follows, in one transaction.

use super::admit::{self, Vacancy};
use super::decide::{Change, Decision, Instance, Situation, SkipMemo, decide};
use super::look::Look;
use super::past;
use crate::Scheduler;
use crate::dag::{Dag, Task};
use crate::deferral::Deferral;
use crate::states::{RunState, TaskState};
use crate::store::briefs::{self, Brief};
use crate::store::runs::{DagRun, RunKey};
use crate::store::{dags, deadlines, instances, runs, xcoms};
use artel_platform::Result;
use artel_platform::db::Tx;
use artel_proto::artel::scheduler::v1::{DagRunChanged, TaskInstanceChanged};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Runs looked at together. On SQLite they take turns at the writer anyway.
const EVALUATORS: usize = 4;
/// To look at a run of so many instances takes long each time. It rests as many times as long after each look, at most
/// [`LONGEST_REST`], so that what happens meanwhile is looked at together; what is queued already goes on.
pub(super) const MANY: usize = 100;
const REST: u32 = 3;
const LONGEST_REST: Duration = Duration::from_millis(500);

impl Scheduler {
    /// Starts the tasks that look at runs which something happened to.
    pub(crate) fn start_evaluators(self: &Arc<Self>) {
        for _ in 0..EVALUATORS {
            let scheduler = self.clone();
            self.cx.spawn("evaluate runs", async move {
                loop {
                    let run = tokio::select! {
                        () = scheduler.cx.stop.cancelled() => return,
                        run = scheduler.wake.next() => run,
                    };
                    let began = Instant::now();
                    let instances = scheduler.evaluate(&run.0, &run.1).await.unwrap_or_else(|error| {
                        // the reconciliation looks at it again
                        tracing::warn!(dag_id = run.0, run_id = run.1, error = %error.chain(), "a run could not be looked at");
                        0
                    });
                    let rest = if instances < MANY { Duration::ZERO } else { began.elapsed() * REST };
                    scheduler.rest(run, rest.min(LONGEST_REST));
                }
            });
        }
    }

    /// Lets a run be looked at again after a while.
    fn rest(self: &Arc<Self>, run: RunKey, rest: Duration) {
        if rest.is_zero() {
            return self.wake.done(&run);
        }
        let scheduler = self.clone();
        self.cx.spawn("rest of a run", async move {
            tokio::select! {
                () = scheduler.cx.stop.cancelled() => {}
                () = tokio::time::sleep(rest) => scheduler.wake.done(&run),
            }
        });
    }

    /// Does what is to be done about a run now. Returns how many instances that took to look at.
    pub(crate) async fn evaluate(&self, dag_id: &str, run_id: &str) -> Result<usize> {
        let (seen, active) = self.db.ask((runs::one(dag_id, run_id), dags::is_active(dag_id))).await?;
        let Some(seen) = seen else { return Ok(0) };
        if seen.state == RunState::Queued || !active {
            return Ok(0);
        }
        let dag = self.version(&seen.dag_version_id).await?;
        if seen.state.is_finished() {
            self.wake_after(&dag, &seen).await?; // a task of it was given another state by hand
            return Ok(0);
        }
        let mut tx = self.db.begin().await?;
        let (run, present) = tx.ask((runs::locked(tx.dialect(), dag_id, run_id), briefs::of_run(dag_id, run_id))).await?;
        let Some(run) = run else { return Ok(0) };
        if run.state != RunState::Running || run.dag_version_id != seen.dag_version_id {
            return Ok(0);
        }
        let look = self.look(&mut tx, dag, run, &present, None).await?;
        if look.has_written {
            tx.commit().await?;
        }
        self.after(&look).await?;
        Ok(look.instances)
    }

    /// Decides about a run that this transaction holds, whose instances are these, and writes what follows. `vacancy` is the slot
    /// that is left by one of them.
    pub(super) async fn look(
        &self,
        tx: &mut Tx,
        dag: Arc<Dag>,
        run: DagRun,
        present: &[Brief],
        vacancy: Option<&Vacancy<'_>>,
    ) -> Result<Look> {
        let now = self.cx.clock.now();
        let decision = decide(situation(tx, &dag, &run, present, now).await?);
        let neglected = run.last_scheduling_decision.is_none_or(|at| at < now - self.settings.reconcile().as_millis() as i64);
        let changed = !decision.changes.is_empty() || decision.run != RunState::Running || neglected;
        if changed {
            self.write(tx, &dag, &run, present, &decision, now).await?;
        }
        // also when nothing changed here: an instance that ended left a slot to those of other runs
        let admitted = admit::admit(self, tx, now, vacancy).await?;
        let news = present.iter().any(|i| run.last_scheduling_decision.is_none_or(|decided| i.updated_at >= decided));
        let deferred = |c: &Change| matches!(c, Change::Schedule(i) if dag.task(&decision.instances[*i].task_id).is_some_and(|t| t.starts_from_trigger().is_some()));
        Ok(Look {
            instances: present.len(),
            has_written: changed || admitted.count > 0,
            has_news: changed || news,
            to_claim: admitted.to_claim,
            given: admitted.given,
            has_ended: decision.run.is_finished(),
            has_triggers: decision.changes.iter().any(deferred),
            dag,
            run,
        })
    }

    async fn write(&self, tx: &mut Tx, dag: &Dag, run: &DagRun, present: &[Brief], decision: &Decision, now: i64) -> Result<()> {
        let mut ids: Vec<String> = decision.instances.iter().map(|i| i.id.clone()).collect();
        let mut fresh = Vec::new();
        for (instance, id) in decision.instances.iter().zip(&mut ids).skip(present.len()) {
            let Some(task) = dag.task(&instance.task_id) else { continue };
            let row = crate::runs::new_instance(run, task, instance.map_index, self.cx.ids.ordered().to_string(), now);
            id.clone_from(&row.id);
            fresh.push(row);
        }
        for change in &decision.changes {
            match change {
                Change::Expand(i, _) => instances::set_map_index(tx, &ids[*i], 0),
                Change::Forget(i) => instances::forget(tx, &ids[*i]),
                Change::Schedule(_) | Change::Pass(_) | Change::Become(..) => {}
            }
        }
        instances::insert(tx, &fresh).await?;
        let of = |wanted: fn(&Change) -> Option<usize>| -> Vec<String> {
            decision.changes.iter().filter_map(wanted).map(|i| ids[i].clone()).collect()
        };
        instances::schedule(tx, &of(|c| if let Change::Schedule(i) = c { Some(*i) } else { None }), now);
        instances::pass(tx, &of(|c| if let Change::Pass(i) = c { Some(*i) } else { None }), now);
        for state in TaskState::ALL {
            let become_it: Vec<String> = decision
                .changes
                .iter()
                .filter_map(|c| matches!(c, Change::Become(_, s) if s == state).then(|| change_position(c)).flatten())
                .map(|i| ids[i].clone())
                .collect();
            instances::set_state(tx, &become_it, Some(*state), now);
        }
        announce(tx, run, present, decision).await?;
        self.start_from_triggers(tx, dag, decision, &ids).await?;
        self.write_run(tx, dag, run, decision, now).await
    }

    /// Of what was scheduled, that which begins with its trigger and not in a process.
    async fn start_from_triggers(&self, tx: &mut Tx, dag: &Dag, decision: &Decision, ids: &[String]) -> Result<()> {
        for change in &decision.changes {
            let Change::Schedule(i) = change else { continue };
            let Some(deferral) = dag.task(&decision.instances[*i].task_id).and_then(Deferral::of_task) else { continue };
            if let Some(instance) = instances::get(&mut *tx, &ids[*i]).await? {
                self.defer(tx, &instance, deferral, true).await?;
            }
        }
        Ok(())
    }

    async fn write_run(&self, tx: &mut Tx, dag: &Dag, run: &DagRun, decision: &Decision, now: i64) -> Result<()> {
        if decision.run == RunState::Running {
            runs::touch(tx, &run.dag_id, &run.run_id, now);
            return Ok(());
        }
        let usual = if decision.run == RunState::Failed { "task_failure" } else { "success" };
        let reason = decision.reason.unwrap_or(usual);
        if dag.has_on_failure_callback || dag.has_on_success_callback {
            let ended = instances::of_run(&mut *tx, &run.dag_id, &run.run_id).await?;
            self.dag_callback(tx, dag, run, (decision.run, reason), &ended).await?;
        }
        tracing::info!(dag_id = run.dag_id, run_id = run.run_id, state = decision.run.as_str(), reason, "run ended");
        runs::set_ended(tx, &run.dag_id, &run.run_id, decision.run, now).await?;
        if decision.run == RunState::Success {
            deadlines::met(tx, &run.dag_id, &run.run_id, now).await?;
        }
        tx.emit(&DagRunChanged { dag_id: run.dag_id.clone(), run_id: run.run_id.clone(), state: decision.run.as_str().into() });
        let limit = dag.max_consecutive_failed_dag_runs;
        if decision.run == RunState::Failed && limit > 0 && runs::failed_in_a_row(tx, &run.dag_id, limit).await? >= limit {
            tracing::warn!(dag_id = run.dag_id, limit, "DAG paused: so many runs failed in a row");
            dags::set_paused(tx, &run.dag_id, true).await?;
            tx.emit(&artel_proto::artel::scheduler::v1::DagChanged { dag_id: run.dag_id.clone(), paused: true, ..Default::default() });
        }
        Ok(())
    }
}

fn change_position(change: &Change) -> Option<usize> {
    match change {
        Change::Schedule(i) | Change::Pass(i) | Change::Become(i, _) => Some(*i),
        Change::Expand(..) | Change::Forget(_) => None,
    }
}

/// Tells of every instance whose state changed.
async fn announce(tx: &mut Tx, run: &DagRun, present: &[Brief], decision: &Decision) -> Result<()> {
    for i in decision.changes.iter().filter_map(change_position) {
        let instance = &decision.instances[i];
        let before = present.get(i).map_or(0, |p| p.try_number);
        let again = present.get(i).is_some_and(|p| p.state == Some(TaskState::UpForReschedule));
        let started = matches!(instance.state, Some(TaskState::Scheduled)) && !again;
        tx.emit(&TaskInstanceChanged {
            dag_id: run.dag_id.clone(),
            run_id: run.run_id.clone(),
            task_id: instance.task_id.clone(),
            map_index: instance.map_index,
            state: instance.state.map(TaskState::as_str).unwrap_or_default().into(),
            try_number: before + i64::from(started),
        });
    }
    Ok(())
}

pub(super) async fn situation<'a>(tx: &mut Tx, dag: &'a Dag, run: &DagRun, present: &[Brief], now: i64) -> Result<Situation<'a>> {
    let waiting: HashSet<&str> = present.iter().filter(|i| TaskState::is_schedulable(i.state)).map(|i| i.task_id.as_str()).collect();
    let branches = !waiting.is_empty() && dag.tasks.iter().any(|t| t.can_skip_downstream);
    Ok(Situation {
        dag,
        instances: present
            .iter()
            .map(|i| Instance { id: i.id.clone(), task_id: i.task_id.clone(), map_index: i.map_index, state: i.state, due_at: i.due_at })
            .collect(),
        started_at: run.start_date,
        skips: if branches { skips(tx, run).await? } else { HashMap::new() },
        lengths: lengths(tx, dag, run, waiting.iter().filter_map(|id| dag.task(id))).await?,
        held_by_past: past::held(tx, dag, run, present).await?.into_keys().collect(),
        now,
    })
}

async fn skips(tx: &mut Tx, run: &DagRun) -> Result<HashMap<(String, i64), SkipMemo>> {
    let texts = |value: &serde_json::Value| -> HashSet<String> {
        value.as_array().into_iter().flatten().filter_map(|v| v.as_str().map(Into::into)).collect()
    };
    let mut memos = HashMap::new();
    for (task_id, map_index, json) in xcoms::skip_memos(tx, &run.dag_id, &run.run_id).await? {
        let value: serde_json::Value = serde_json::from_str(&json)?;
        let memo = SkipMemo { followed: value.get("followed").map(texts), skipped: texts(&value["skipped"]) };
        memos.insert((task_id, map_index), memo);
    }
    Ok(memos)
}

/// Lengths of the results that some tasks are mapped over, by themselves or by their groups.
pub(crate) async fn lengths<'a>(
    tx: &mut Tx,
    dag: &'a Dag,
    run: &DagRun,
    of: impl Iterator<Item = &'a Task>,
) -> Result<HashMap<String, i64>> {
    let sources: HashSet<&str> = of.filter(|task| task.needs_expansion()).flat_map(|task| dag.all_mapped_over(task)).collect();
    let mut lengths = HashMap::new();
    for source in sources {
        let mapped = dag.task(source).is_some_and(|t| t.expand.is_some());
        if let Some(length) = xcoms::map_length(tx, &run.dag_id, &run.run_id, source, mapped).await? {
            lengths.insert(source.to_owned(), length);
        }
    }
    Ok(lengths)
}
