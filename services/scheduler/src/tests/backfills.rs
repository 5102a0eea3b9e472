//! Backfills: which runs they make and in which order these run.

use super::bench::{Bench, MINUTE, START, bench, cron, expected};
use crate::backfills::{NewBackfill, Reprocess};
use crate::states::RunType;
use artel_platform::Code;
use serde_json::json;

const DAY: i64 = 1440 * MINUTE;

async fn daily(b: &Bench, more: serde_json::Value) {
    b.add("d", &[("a", &[], more)], json!({"timetable": cron("0 0 * * *"), "start_date": (START / 1000 - 10 * 86_400) as f64})).await;
    b.settle().await;
}

/// Of the three days before the last one.
fn three_days() -> NewBackfill {
    NewBackfill {
        dag_id: "d".into(),
        from_date: START - 3 * DAY,
        to_date: START - DAY,
        backwards: false,
        conf: None,
        reprocess: Reprocess::None,
        max_active_runs: 2,
        on_latest_version: true,
        user: Some("ada".into()),
    }
}

impl Bench {
    /// The dates that a backfill would run.
    async fn dates(&self, new: &NewBackfill) -> Vec<i64> {
        self.s.try_backfill(new).await.unwrap().iter().map(|planned| planned.logical_date.unwrap()).collect()
    }
}

fn run_id(days_ago: i64) -> String {
    RunType::Backfill.run_id(crate::times::at(START - days_ago * DAY))
}

#[tokio::test]
async fn its_runs_start_in_order_as_far_as_it_has_room() {
    bench(|b| async move {
        daily(&b, json!({})).await;
        b.work(&[]).await;
        assert_eq!(b.dates(&three_days()).await, [START - 3 * DAY, START - 2 * DAY, START - DAY]);
        let backfill = b.s.create_backfill(&three_days()).await.unwrap();
        assert_eq!(b.s.create_backfill(&three_days()).await.unwrap_err().code, Code::AlreadyExists);
        b.settle().await;
        let mut states = Vec::new();
        for days in [3, 2, 1] {
            states.push(b.run_state("d", &run_id(days)).await);
        }
        assert_eq!(states, ["running", "running", "queued"]);
        let run = b.s.run("d", &run_id(3)).await.unwrap();
        assert_eq!(
            (run.triggered_by.as_deref(), run.triggering_user_name.as_deref(), run.logical_date),
            (Some("backfill"), Some("ada"), Some(START - 3 * DAY))
        );
        b.work(&[]).await;
        b.settle().await;
        b.work(&[]).await;
        assert_eq!(b.run_state("d", &run_id(1)).await, "success");
        assert_eq!(b.s.backfill(backfill.id).await.unwrap().completed_at, Some(START));
        assert_eq!(b.s.pause_backfill(backfill.id, true).await.unwrap_err().code, Code::FailedPrecondition);
        assert_eq!(b.s.backfill(99).await.unwrap_err().code, Code::NotFound);
    })
    .await;
}

#[tokio::test]
async fn it_runs_backwards_and_waits_while_it_is_paused() {
    bench(|b| async move {
        daily(&b, json!({})).await;
        let backfill = b.s.create_backfill(&NewBackfill { backwards: true, max_active_runs: 1, ..three_days() }).await.unwrap();
        b.s.pause_backfill(backfill.id, true).await.unwrap();
        b.settle().await;
        assert_eq!(b.run_state("d", &run_id(1)).await, "queued");
        b.s.pause_backfill(backfill.id, false).await.unwrap();
        b.settle().await;
        assert_eq!((b.run_state("d", &run_id(1)).await, b.run_state("d", &run_id(3)).await), ("running".into(), "queued".into()));
        b.s.cancel_backfill(backfill.id).await.unwrap();
        assert_eq!((b.run_state("d", &run_id(1)).await, b.run_state("d", &run_id(3)).await), ("running".into(), "failed".into()));
        assert!(b.s.backfill(backfill.id).await.unwrap().completed_at.is_some());
    })
    .await;
}

#[tokio::test]
async fn runs_that_are_there_run_again_where_that_is_asked_for() {
    bench(|b| async move {
        daily(&b, json!({})).await;
        b.work(&[]).await;
        b.s.create_backfill(&three_days()).await.unwrap();
        b.settle().await;
        let first = b.claim("w1", 1).await.remove(0);
        b.start(&first).await;
        b.say(&first, "failed").await;
        b.work(&[]).await;
        b.settle().await;
        b.work(&[]).await;
        b.settle().await;
        assert_eq!(b.run_state("d", &run_id(3)).await, "failed");
        assert_eq!(b.dates(&three_days()).await, [0i64; 0]);
        let again = NewBackfill { reprocess: Reprocess::Failed, conf: Some(json!({"x": 1})), ..three_days() };
        assert_eq!(b.dates(&again).await, [START - 3 * DAY]);
        b.s.create_backfill(&again).await.unwrap();
        b.settle().await;
        b.work(&[]).await;
        assert_eq!((b.run_state("d", &run_id(3)).await, b.instance("d", &run_id(3), "a").await.try_number), ("success".into(), 2));
        assert_eq!(b.s.run("d", &run_id(3)).await.unwrap().conf.as_deref(), Some("{\"x\": 1}"));
        let all = NewBackfill { reprocess: Reprocess::Completed, ..three_days() };
        assert_eq!(b.dates(&all).await.len(), 3);
    })
    .await;
}

#[tokio::test]
async fn what_cannot_be_backfilled_is_refused() {
    bench(|b| async move {
        daily(&b, json!({"depends_on_past": true})).await;
        b.add("never", &[("a", &[], json!({}))], json!({})).await;
        let refused = |new: NewBackfill| {
            let b = &b;
            async move { b.s.create_backfill(&new).await.unwrap_err() }
        };
        for new in [
            NewBackfill { from_date: START, to_date: START - DAY, ..three_days() },
            NewBackfill { from_date: START + DAY, to_date: START + 2 * DAY, ..three_days() },
            NewBackfill { backwards: true, reprocess: Reprocess::Completed, ..three_days() },
            three_days(),
            NewBackfill { from_date: START - DAY + 1, to_date: START - DAY + 2, reprocess: Reprocess::Completed, ..three_days() },
            NewBackfill { dag_id: "never".into(), ..three_days() },
        ] {
            assert_eq!(refused(new.clone()).await.code, Code::InvalidArgument, "{new:?}");
        }
        assert_eq!(refused(NewBackfill { dag_id: "nowhere".into(), ..three_days() }).await.code, Code::NotFound);
        // the first run of a backfill does not wait for the past
        b.s.create_backfill(&NewBackfill { reprocess: Reprocess::Completed, ..three_days() }).await.unwrap();
        b.settle().await;
        assert_eq!(b.states("d", &run_id(3)).await, expected(&[("a", "queued")]));
        assert_eq!(b.states("d", &run_id(2)).await, expected(&[("a", "none")]));
    })
    .await;
}
