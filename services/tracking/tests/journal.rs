//! Metrics are noted first and sorted afterwards: readers see every acknowledged one, whoever asks and whenever.

mod support;

use artel_platform::testkit::on_both_engines;
use futures::future::join_all;
use serde_json::{Value, json};
use std::time::Duration;
use support::{Server, serve};

const WRITERS: i64 = 8;
const BATCHES: i64 = 30;
const METRICS: i64 = 10;

/// Logs batches of all metrics, each with steps of its own, and reads its run between them.
async fn write(server: &Server, other: &Server, experiment: &str, writer: i64) -> String {
    let run = server.run(experiment, writer).await;
    for batch in 0..BATCHES {
        let point = |m: i64| json!({"key": format!("m{m}"), "value": batch * 100 + m, "timestamp": 1000 + batch, "step": batch});
        let metrics: Vec<Value> = (0..METRICS).map(point).collect();
        server.ok("runs/log-batch", json!({"run_id": run, "metrics": metrics})).await;
        if batch % 7 == writer % 7 {
            let latest = latest(other, &run).await;
            assert_eq!(latest, (0..METRICS).map(|m| (batch * 100 + m) as f64).collect::<Vec<_>>(), "after batch {batch}");
        }
    }
    run
}

/// The latest values of a run's metrics, by name.
async fn latest(server: &Server, run: &str) -> Vec<f64> {
    let (_, answer) = server.get(&format!("runs/get?run_id={run}")).await;
    let metrics = answer["run"]["data"]["metrics"].as_array().cloned().unwrap_or_default();
    metrics.iter().filter_map(|m| m["value"].as_f64()).collect()
}

#[actix_web::test]
async fn two_processes_write_and_read_one_database() {
    on_both_engines(|cx| async move {
        let (one, two) = (serve(&cx).await, serve(&cx).await);
        let experiment = one.experiment("e").await;
        let write = |writer| {
            let (server, other) = if writer % 2 == 0 { (&one, &two) } else { (&two, &one) };
            write(server, other, &experiment, writer)
        };
        let runs = join_all((0..WRITERS).map(write)).await;
        for run in &runs {
            for m in 0..METRICS {
                let (_, answer) = two.get(&format!("metrics/get-history?run_id={run}&metric_key=m{m}")).await;
                let steps: Vec<i64> = answer["metrics"].as_array().unwrap().iter().filter_map(|p| p["step"].as_i64()).collect();
                assert_eq!(steps, (0..BATCHES).collect::<Vec<_>>());
            }
        }
        // the search reads the latest values without reading the runs first
        one.ok("runs/log-metric", json!({"run_id": runs[3], "key": "m0", "value": 1e6, "timestamp": 5000, "step": 999})).await;
        let search = json!({"experiment_ids": [experiment], "filter": "metrics.m0 > 99999", "order_by": ["metrics.m0 DESC"]});
        let found = two.ok("runs/search", search).await;
        assert_eq!(found["runs"].as_array().map(Vec::len), Some(1), "{found}");
        assert_eq!(found["runs"][0]["info"]["run_id"], json!(runs[3]));
        one.stop().await;
        two.stop().await;
    })
    .await;
}

#[actix_web::test]
async fn what_nobody_reads_is_sorted_all_the_same() {
    on_both_engines(|cx| async move {
        let server = serve(&cx).await;
        let run = server.run("0", 1).await;
        for step in 0..5 {
            server.ok("runs/log-metric", json!({"run_id": run, "key": "m", "value": 1, "timestamp": 1, "step": step})).await;
        }
        let db = cx.database("tracking", artel_tracking::MIGRATIONS).await.unwrap();
        let count = async |table: &str| -> i64 {
            let sql = format!("SELECT COUNT(*) FROM {table}");
            db.fetch_one(artel_platform::db::AssertSqlSafe(sql), vec![]).await.unwrap().at(0).unwrap()
        };
        for _ in 0..200 {
            if count("metric_journal").await == 0 {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        assert_eq!((count("metric_journal").await, count("metric_leaves").await, count("latest_metrics").await), (0, 1, 1));
        server.stop().await;
    })
    .await;
}

#[actix_web::test]
async fn a_run_that_is_not_active_takes_no_points() {
    on_both_engines(|cx| async move {
        let server = serve(&cx).await;
        let run = server.run("0", 1).await;
        let point = |step: i64| json!({"run_id": run, "key": "m", "value": 1, "timestamp": 1, "step": step});
        // the second one is told to nobody, and goes the short way
        server.ok("runs/log-metric", point(1)).await;
        server.ok("runs/log-metric", point(2)).await;
        server.ok("runs/delete", json!({"run_id": run})).await;
        let message = server.refused("runs/log-metric", point(3), "INVALID_PARAMETER_VALUE").await;
        assert!(message.contains("must be in the 'active' state"), "{message}");
        server.ok("runs/restore", json!({"run_id": run})).await;
        let (_, answer) = server.get(&format!("metrics/get-history?run_id={run}&metric_key=m")).await;
        assert_eq!(answer["metrics"].as_array().map(Vec::len), Some(2), "{answer}");
        server.stop().await;
    })
    .await;
}
