//! Runs of partitions: backfilled, cleared, and their partitions taken from them.

use super::bench::{Bench, MINUTE, START, bench};
use crate::backfills::{NewBackfill, Reprocess};
use serde_json::{Value, json};

const HOUR: i64 = 60 * MINUTE;

/// Hourly partitions on Berlin's clock, an hour ahead of UTC in winter; no runs of its own yet.
async fn hourly(b: &Bench) {
    let cron = json!({"__type": "airflow.timetables.trigger.CronPartitionTimetable", "__var": {"expression": "0 * * * *", "timezone": "Europe/Berlin",
        "run_immediately": false, "run_offset": 0, "key_format": "%Y-%m-%dT%H"}});
    b.add("hourly", &[("make", &[], json!({}))], json!({"timetable": cron, "start_date": ((START + 24 * HOUR) / 1000) as f64})).await;
    b.settle().await;
}

/// From 20 to 22 o'clock of the day before, on the schedule's clock.
fn evening() -> NewBackfill {
    NewBackfill {
        dag_id: "hourly".into(),
        from_date: START - 4 * HOUR,
        to_date: START - 2 * HOUR,
        backwards: false,
        conf: None,
        reprocess: Reprocess::None,
        max_active_runs: 3,
        on_latest_version: true,
        user: None,
    }
}

impl Bench {
    async fn keys(&self) -> Vec<(Option<String>, Option<String>)> {
        let seen = self.see("dags/hourly/dagRuns?order_by=run_after").await;
        let text = |value: &Value| value.as_str().map(str::to_owned);
        seen["dag_runs"].as_array().unwrap().iter().map(|run| (text(&run["partition_key"]), text(&run["partition_date"]))).collect()
    }
}

fn of(key: &str, date: &str) -> (Option<String>, Option<String>) {
    (Some(key.into()), Some(date.into()))
}

#[actix_web::test]
async fn partitions_are_backfilled_by_the_schedules_clock() {
    bench(|b| async move {
        hourly(&b).await;
        let body = json!({"dag_id": "hourly", "from_date": "2026-01-04T20:00:00Z", "to_date": "2026-01-04T22:00:00Z"});
        let (status, dry) = b.ask("POST", "backfills/dry_run", body).await;
        assert_eq!((status, &dry["total_entries"]), (200, &json!(3)), "{dry}");
        let first = json!({"logical_date": null, "partition_key": "2026-01-04T20", "partition_date": "2026-01-04T19:00:00Z"});
        assert_eq!(dry["backfills"][0], first);
        b.s.create_backfill(&evening()).await.unwrap();
        b.settle().await;
        let expected = [
            of("2026-01-04T20", "2026-01-04T19:00:00Z"),
            of("2026-01-04T21", "2026-01-04T20:00:00Z"),
            of("2026-01-04T22", "2026-01-04T21:00:00Z"),
        ];
        assert_eq!(b.keys().await, expected);
        b.work(&[]).await;
        b.settle().await;
        assert!(b.s.try_backfill(&evening()).await.unwrap().is_empty(), "they are there");
        // what is there stays when its partition is run again
        b.clock.advance(1000);
        b.s.create_backfill(&NewBackfill { reprocess: Reprocess::Completed, ..evening() }).await.unwrap();
        b.settle().await;
        assert_eq!(b.keys().await.len(), 6);
        assert!(b.s.try_backfill(&NewBackfill { reprocess: Reprocess::Completed, ..evening() }).await.unwrap().is_empty(), "in flight");
    })
    .await;
}

#[actix_web::test]
async fn runs_are_cleared_by_their_partitions_and_partitions_taken_from_runs() {
    bench(|b| async move {
        hourly(&b).await;
        b.s.create_backfill(&evening()).await.unwrap();
        b.settle().await;
        b.work(&[]).await;
        b.settle().await;
        let span = json!({"partition_date_start": "2026-01-04T20:00:00Z", "partition_date_end": "2026-01-04T21:00:00Z"});
        let (status, dry) = b.ask("POST", "dags/hourly/clearDagRuns", span.clone()).await;
        assert_eq!((status, &dry["total_entries"]), (200, &json!(2)), "{dry}");
        let (status, done) =
            b.ask("POST", "dags/hourly/clearDagRuns", json!({"dry_run": false, "partition_key": "2026-01-04T22", "note": "again"})).await;
        assert_eq!((status, &done["total_entries"]), (200, &json!(1)), "{done}");
        assert_eq!((&done["dag_runs"][0]["state"], &done["dag_runs"][0]["note"]), (&json!("queued"), &json!("again")));
        b.settle().await;
        b.work(&[]).await;
        for (path, bad, why) in [
            ("dags/hourly/clearDagRuns", json!({}), "Exactly one of"),
            ("dags/hourly/clearDagRuns", json!({"dag_runs": [{"dag_run_id": "x"}], "partition_key": "k"}), "Exactly one of"),
            ("dags/~/clearDagRuns", json!({"partition_key": "k"}), "concrete dag_id"),
            ("dags/~/clearDagRuns", json!({"dag_runs": [{"dag_run_id": "x"}]}), "concrete dag_id"),
            ("dags/hourly/clearDagRuns", json!({"dag_runs": [{"dag_run_id": "x", "dag_id": "other"}]}), "does not match"),
            ("dags/hourly/clearPartitions", json!({}), "Exactly one of"),
            (
                "dags/hourly/clearPartitions",
                json!({"partition_date_start": "2026-01-02", "partition_date_end": "2026-01-01"}),
                "on or before",
            ),
        ] {
            let (status, body) = b.ask("POST", path, bad.clone()).await;
            assert!(matches!(status, 400 | 422) && body["detail"].to_string().contains(why), "{bad}: {status} {body}");
        }
        assert_eq!(b.ask("POST", "dags/hourly/clearDagRuns", json!({"dag_runs": [{"dag_run_id": "x"}]})).await.0, 404);

        let (_, counted) =
            b.ask("POST", "dags/hourly/clearPartitions", json!({"partition_key": "2026-01-04T20", "clear_task_instances": true})).await;
        assert_eq!(counted, json!({"dag_runs_cleared": 1, "task_instances_cleared": 1, "dry_run": true}));
        let (_, done) = b.ask("POST", "dags/hourly/clearPartitions", json!({"partition_key": "2026-01-04T20", "dry_run": false})).await;
        assert_eq!(done, json!({"dag_runs_cleared": 1, "task_instances_cleared": 0, "dry_run": false}));
        assert_eq!(b.keys().await[0], (None, None));
        assert_eq!(b.s.try_backfill(&evening()).await.unwrap().len(), 1, "another run may be made of it");
    })
    .await;
}

#[actix_web::test]
async fn an_instance_is_removed_with_what_belongs_to_it() {
    bench(|b| async move {
        b.add("d", &[("a", &[], json!({})), ("b", &[], json!({}))], json!({})).await;
        b.trigger("d", "r").await;
        b.work(&[]).await;
        b.settle().await;
        let path = "dags/d/dagRuns/r/taskInstances/a";
        assert_eq!(b.ask("DELETE", &format!("{path}?map_index=3"), Value::Null).await.0, 404);
        assert_eq!(b.ask("DELETE", path, Value::Null).await, (200, Value::Null));
        assert_eq!(b.ask("GET", path, Value::Null).await.0, 404);
        assert_eq!(b.ask("DELETE", path, Value::Null).await.0, 404);
        assert_eq!(b.ask("GET", "dags/d/dagRuns/r/taskInstances/b", Value::Null).await.0, 200);
    })
    .await;
}
