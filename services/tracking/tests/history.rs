//! Points of a metric that are taken evenly are the same in whatever order they came.

mod support;

use artel_platform::testkit::on_both_engines;
use serde_json::{Value, json};
use support::{Server, serve};

/// Enough that no row of the table has them all.
const COUNT: i64 = 517;

/// Timestamp, step and value.
type Point = (i64, i64, Option<f64>);

/// Upstream's rule: buckets as equally filled as can be, the first of each, and the last of all.
fn evenly(points: &[Point], buckets: usize, steps: Option<(i64, i64)>) -> Vec<Point> {
    let mut points: Vec<Point> = points.iter().filter(|p| steps.is_none_or(|(a, b)| (a..=b).contains(&p.1))).copied().collect();
    // NaN is there as 0, after the others of that value
    points.sort_by(|a, b| {
        (a.1, a.0).cmp(&(b.1, b.0)).then(a.2.unwrap_or(0.0).total_cmp(&b.2.unwrap_or(0.0))).then(b.2.is_some().cmp(&a.2.is_some()))
    });
    let (size, larger) = (points.len() / buckets, points.len() % buckets);
    let start = |bucket: usize| bucket * size + bucket.min(larger);
    let mut chosen: Vec<Point> = if size == 0 { points.clone() } else { (0..buckets).map(|b| points[start(b)]).collect() };
    if chosen.last() != points.last() {
        chosen.pop();
        chosen.extend(points.last());
    }
    chosen
}

/// Logs the points in requests of that many.
async fn log(server: &Server, run: &str, points: &[Point], count: usize) {
    for some in points.chunks(count) {
        let metrics: Vec<Value> = some
            .iter()
            .map(|(timestamp, step, value)| json!({"key": "m", "value": value.map_or(json!("NaN"), Value::from), "timestamp": timestamp, "step": step}))
            .collect();
        server.ok("runs/log-batch", json!({"run_id": run, "metrics": metrics})).await;
    }
}

async fn taken(server: &Server, run: &str, buckets: usize, steps: Option<(i64, i64)>) -> Vec<Point> {
    let steps = steps.map_or(String::new(), |(first, last)| format!("&start_step={first}&end_step={last}"));
    let path = format!("metrics/get-history-bulk-interval?run_ids={run}&metric_key=m&max_results={buckets}{steps}");
    let (status, answer) = server.get(&path).await;
    assert_eq!(status, 200, "{answer}");
    let point = |m: &Value| (m["timestamp"].as_i64().unwrap(), m["step"].as_i64().unwrap(), m["value"].as_f64());
    answer["metrics"].as_array().into_iter().flatten().map(point).collect()
}

#[actix_web::test]
async fn points_are_taken_evenly_in_any_order() {
    on_both_engines(|cx| async move {
        let server = serve(&cx).await;
        let experiment = server.experiment("e").await;
        let value = |i: i64| if i % 7 == 3 { None } else { Some((i * 37 % 11 - 5) as f64) };
        let rising: Vec<Point> = (0..COUNT).map(|i| (1000 + i / 3, i / 2 * 5, value(i))).collect();
        let shuffled: Vec<Point> = (0..COUNT).map(|i| rising[(i * 41 % COUNT) as usize]).collect();
        // time falls as steps rise
        let falling: Vec<Point> = (0..COUNT).map(|i| (9000 - i, i, value(i))).collect();
        let late: Vec<Point> = rising.iter().copied().chain([(1001, 3, Some(0.25))]).collect();
        for (points, count) in [
            (&rising, 7),
            (&rising, 100),
            (&rising, 1000),
            (&shuffled, 5),
            (&shuffled, 80),
            (&shuffled, 1000),
            (&falling, 6),
            (&falling, 900),
            (&late, 1000),
            (&late, 40),
        ] {
            let run = server.run(&experiment, 1).await;
            log(&server, &run, points, count).await;
            // a request that is repeated changes nothing
            log(&server, &run, &points[points.len() - 3..], 3).await;
            for buckets in [1, 2, 10, 50, 320, 516, 517, 518, 2000] {
                for steps in [None, Some((20, 90)), Some((400, 1100)), Some((5000, 6000)), Some((11, 13))] {
                    assert_eq!(
                        taken(&server, &run, buckets, steps).await,
                        evenly(points, buckets, steps),
                        "{count} {buckets} {steps:?} {points:?}"
                    );
                }
            }
        }
        let answer = server.get("metrics/get-history-bulk-interval?run_ids=none&metric_key=m").await.1;
        assert_eq!(answer, json!({}));
        server.stop().await;
    })
    .await;
}

#[actix_web::test]
async fn points_of_one_place_are_ordered_as_if_nan_were_zero() {
    on_both_engines(|cx| async move {
        let server = serve(&cx).await;
        let run = server.run(&server.experiment("e").await, 1).await;
        log(
            &server,
            &run,
            &[(1, 1, None), (1, 1, Some(1e-300)), (1, 1, Some(0.0)), (1, 1, Some(-1.0)), (1, 1, Some(-0.0)), (1, 1, None)],
            6,
        )
        .await;
        let (_, answer) = server.get(&format!("metrics/get-history?run_id={run}&metric_key=m")).await;
        let values: Vec<Value> = answer["metrics"].as_array().unwrap().iter().map(|m| m["value"].clone()).collect();
        assert_eq!(values, [json!(-1.0), json!(0.0), json!("NaN"), json!(1e-300)]);
        server.stop().await;
    })
    .await;
}

/// Every point of a history, in pages of that many.
async fn pages(server: &Server, run: &str, most: usize) -> Vec<(i64, i64)> {
    let (mut all, mut token) = (Vec::new(), String::new());
    loop {
        let path = format!("metrics/get-history?run_id={run}&metric_key=m&max_results={most}&page_token={}", token.replace('+', "%2B"));
        let (status, answer) = server.get(&path).await;
        assert_eq!(status, 200, "{answer}");
        let points = answer["metrics"].as_array().cloned().unwrap_or_default();
        assert!(points.len() <= most);
        all.extend(points.iter().map(|m| (m["timestamp"].as_i64().unwrap(), m["step"].as_i64().unwrap())));
        match answer["next_page_token"].as_str() {
            Some(next) => token = next.to_owned(),
            None => return all,
        }
    }
}

#[actix_web::test]
async fn a_long_history_is_whole_and_in_order_however_it_came() {
    on_both_engines(|cx| async move {
        let server = serve(&cx).await;
        let run = server.run(&server.experiment("e").await, 1).await;
        let point = |i: i64| (1000 + i / 4, i, Some(0.5));
        // every seventh first, and so on: the later ones find their places among the others
        for turn in 0..7 {
            let points: Vec<Point> = (0..3000).filter(|i| i % 7 == turn).map(point).collect();
            log(&server, &run, &points, 300).await;
            assert_eq!(pages(&server, &run, 1000).await.len(), (0..3000).filter(|i| i % 7 <= turn).count());
        }
        log(&server, &run, &(0..3000).step_by(5).map(point).collect::<Vec<_>>(), 500).await;
        let all: Vec<(i64, i64)> = (0..3000).map(|i| (1000 + i / 4, i)).collect();
        for most in [61, 127, 128, 129, 999, 3000, 5000] {
            assert_eq!(pages(&server, &run, most).await, all, "in pages of {most}");
        }
        let (_, answer) = server.get(&format!("metrics/get-history?run_id={run}&metric_key=m")).await;
        assert_eq!(answer["metrics"].as_array().map(Vec::len), Some(3000));
        server.stop().await;
    })
    .await;
}

#[actix_web::test]
async fn points_that_an_earlier_version_kept_in_rows_are_there() {
    on_both_engines(|cx| async move {
        let server = serve(&cx).await;
        let run = server.run(&server.experiment("e").await, 1).await;
        log(&server, &run, &(0..400).map(|i| (i, i, Some(1.5))).collect::<Vec<_>>(), 400).await;
        assert_eq!(pages(&server, &run, 1000).await.len(), 400);
        server.stop().await;
        // as they were there: the even ones in rows, the others not at all
        let db = cx.database("tracking", artel_tracking::MIGRATIONS).await.unwrap();
        let row = db.fetch_one("SELECT run, key FROM metric_leaves LIMIT 1", vec![]).await.unwrap();
        let (run_number, key): (i64, i64) = (row.at(0).unwrap(), row.at(1).unwrap());
        let mut tx = db.begin().await.unwrap();
        tx.execute("DELETE FROM metric_leaves", vec![]).await.unwrap();
        let rows = (0..400_i64).step_by(2).map(|i| artel_platform::args![run_number, key, i, i, (1.5_f64).to_bits() as i64]).collect();
        tx.insert_many("INSERT INTO metrics_by_row (run, key, timestamp, step, value)", "", rows).await.unwrap();
        tx.commit().await.unwrap();
        let server = serve(&cx).await;
        assert_eq!(pages(&server, &run, 1000).await, (0..400).step_by(2).map(|i| (i, i)).collect::<Vec<_>>());
        let left: i64 = db.fetch_one("SELECT COUNT(*) FROM metrics_by_row", vec![]).await.unwrap().at(0).unwrap();
        assert_eq!(left, 0);
        server.stop().await;
    })
    .await;
}
