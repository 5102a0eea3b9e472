//! Deadlines of runs: reckoned when a run is made, kept by a run that succeeds in time, otherwise told to a callback
//! (airflow/models/deadline.py).

use crate::Scheduler;
use crate::dag::Dag;
use crate::store::deadlines::{self, Deadline};
use crate::store::runs::{self, DagRun};
use crate::times::shown;
use artel_platform::Result;
use artel_platform::db::Tx;
use serde_json::{Value, json};

impl Scheduler {
    /// Notes until when a new run is to have ended.
    pub(crate) async fn set_deadlines(&self, tx: &mut Tx, dag: &Dag, run: &DagRun, now: i64) -> Result<()> {
        for alert in &dag.deadlines {
            let interval = alert["interval"]["__data__"].as_f64().or_else(|| alert["interval"].as_f64());
            let (Some(from), Some(interval)) = (self.reference(tx, &alert["reference"], run, now).await?, interval) else { continue };
            let deadline = Deadline {
                id: self.cx.ids.ordered().to_string(),
                dag_id: run.dag_id.clone(),
                run_id: run.run_id.clone(),
                due_at: from.saturating_add((interval * 1000.0).round() as i64),
                callback: alert["callback"]["__data__"].to_string(),
            };
            deadlines::insert(tx, &deadline).await?;
        }
        Ok(())
    }

    /// The time that a deadline is reckoned from; `None` where there is none, or it is a class of a user's own.
    async fn reference(&self, tx: &mut Tx, reference: &Value, run: &DagRun, now: i64) -> Result<Option<i64>> {
        Ok(match reference["reference_type"].as_str().unwrap_or_default() {
            "DagRunLogicalDateDeadline" => run.logical_date,
            "DagRunQueuedAtDeadline" => Some(run.queued_at.unwrap_or(now)),
            "FixedDatetimeDeadline" => reference["datetime"].as_f64().map(|seconds| (seconds * 1000.0).round() as i64),
            "AverageRuntimeDeadline" => {
                let (most, least) = (reference["max_runs"].as_i64().unwrap_or(10), reference["min_runs"].as_i64());
                let took = deadlines::durations(tx, &run.dag_id, most).await?;
                let enough = !took.is_empty() && took.len() as i64 >= least.unwrap_or(most);
                enough.then(|| now + took.iter().sum::<i64>() / took.len() as i64)
            }
            other => {
                tracing::warn!(dag_id = run.dag_id, reference = other, "a deadline is not kept: its reference is not known");
                None
            }
        })
    }

    /// Tells of deadlines that have passed; returns when the next one does.
    pub(crate) async fn tell_missed_deadlines(&self, now: i64) -> Result<Option<i64>> {
        let next = deadlines::next(&self.db).await?;
        if next.is_none_or(|at| at > now) {
            return Ok(next);
        }
        let mut tx = self.db.begin().await?;
        for missed in deadlines::take_due(&mut tx, now).await? {
            let Some(run) = runs::get(&mut tx, &missed.dag_id, &missed.run_id).await? else { continue };
            tracing::info!(dag_id = missed.dag_id, run_id = missed.run_id, due_at = shown(missed.due_at), "a run missed its deadline");
            let mut callback: Value = serde_json::from_str(&missed.callback)?;
            callback["type"] = "DeadlineCallback".into();
            callback["context"] = json!({
                "dag_run": crate::execution::dag_run(&run)?,
                "deadline": {"id": missed.id, "deadline_time": shown(missed.due_at)},
            });
            self.add_callback(&mut tx, &missed.dag_id, &missed.run_id, callback).await?;
        }
        tx.commit().await?;
        deadlines::next(&self.db).await
    }
}
