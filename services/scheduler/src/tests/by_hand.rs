//! States given by hand, and the same done to everything that a filter finds.

use super::bench::{MINUTE, bench, expected};
use crate::bulk::{InstanceAction, RunAction};
use crate::mark::Mark;
use crate::states::TaskState;
use crate::store::Filter;
use serde_json::json;

fn mark(task: &str, state: TaskState) -> Mark {
    Mark { tasks: vec![(task.into(), None)], state, upstream: false, downstream: false, future: false, past: false }
}

#[tokio::test]
async fn what_failed_after_a_task_goes_on_when_the_task_is_marked() {
    bench(|b| async move {
        b.add("d", &[("a", &["b"], json!({})), ("b", &["c"], json!({})), ("c", &[], json!({}))], json!({})).await;
        b.trigger("d", "r").await;
        b.work(&[("a", "failed")]).await;
        assert_eq!(b.run_state("d", "r").await, "failed");
        let altered = b.s.mark_all("d", "r", &mark("a", TaskState::Success)).await.unwrap();
        assert_eq!(altered.len(), 1);
        b.settle().await;
        b.work(&[]).await;
        assert_eq!((b.run_state("d", "r").await, b.instance("d", "r", "a").await.try_number), ("success".into(), 1));
        let wide = Mark { downstream: true, ..mark("b", TaskState::Failed) };
        assert_eq!(b.s.to_mark("d", "r", &wide).await.unwrap().len(), 2);
        assert!(b.s.mark_all("d", "r", &mark("a", TaskState::Success)).await.unwrap().is_empty());
    })
    .await;
}

#[tokio::test]
async fn the_first_failure_stops_the_others_where_that_is_wished() {
    bench(|b| async move {
        b.add("d", &[("a", &[], json!({})), ("b", &["c"], json!({})), ("c", &[], json!({}))], json!({"fail_fast": true})).await;
        b.trigger("d", "r").await;
        let work = b.claim("w1", 10).await;
        for workload in &work {
            b.start(workload).await;
        }
        let a = work.iter().find(|w| super::bench::task_of(w) == "a").unwrap();
        b.say(a, "failed").await;
        assert_eq!(b.states("d", "r").await, expected(&[("a", "failed"), ("b", "failed"), ("c", "skipped")]));
        assert_eq!(b.run_state("d", "r").await, "failed");
    })
    .await;
}

#[tokio::test]
async fn everything_that_a_filter_finds_is_cleared_marked_or_removed() {
    bench(|b| async move {
        b.add("d", &[("a", &["b"], json!({})), ("b", &[], json!({}))], json!({})).await;
        for run in ["r1", "r2"] {
            b.clock.advance(MINUTE);
            b.trigger("d", run).await;
            b.work(&[("a", "failed")]).await;
        }
        let failed = || {
            let mut filter = Filter::default();
            filter.compare("state", "=", "failed");
            filter
        };
        let found = b.s.instances_found(failed()).await.unwrap();
        assert_eq!(found.len(), 2);
        let outcomes = b.s.act_on_instances(found, InstanceAction::Clear { reset_run: true }).await;
        assert!(outcomes.iter().all(|(_, result)| result.is_ok()));
        b.settle().await;
        assert_eq!(b.states("d", "r2").await, expected(&[("a", "queued"), ("b", "upstream_failed")]));
        b.work(&[("a", "failed")]).await;
        let runs = b.s.runs_found(failed()).await.unwrap();
        assert_eq!(runs.len(), 2);
        let clear = RunAction::Clear(crate::clear::Clear { reset_run: true, ..Default::default() });
        b.s.act_on_runs(runs, &clear).await;
        b.settle().await;
        // those that run cannot be removed: each says so for itself
        let mut all = Filter::default();
        all.compare("dag_id", "=", "d");
        let refused = b.s.act_on_runs(b.s.runs_found(all).await.unwrap(), &RunAction::Delete).await;
        assert!(refused.iter().all(|(_, result)| result.is_err()));
        b.work(&[]).await;
        let mut all = Filter::default();
        all.compare("dag_id", "=", "d");
        b.s.act_on_runs(b.s.runs_found(all).await.unwrap(), &RunAction::Delete).await;
        assert!(b.s.run("d", "r1").await.is_err());
    })
    .await;
}
