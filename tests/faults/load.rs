//! Writers that log to runs without a pause and remember what was acknowledged.

use crate::harness::{Client, Installation, eventually};
use reqwest::StatusCode;
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

const WRITERS: usize = 6;
/// How long a refused write waits before it is sent again.
const PAUSE: Duration = Duration::from_millis(50);

/// Running writers.
pub struct Load {
    stop: CancellationToken,
    writers: Vec<Writer>,
}

struct Writer {
    run: String,
    /// The highest step that was acknowledged; every one before it was, too.
    acknowledged: Arc<AtomicU64>,
    task: JoinHandle<()>,
}

impl Load {
    /// Starts writers, each on a run of its own.
    pub async fn start(artel: &Installation, admin: &Client) -> Self {
        let token = admin.token().await;
        let experiment = admin.post("/api/2.0/mlflow/experiments/create", json!({"name": "load"})).await["experiment_id"].clone();
        let stop = CancellationToken::new();
        let mut writers = Vec::new();
        for _ in 0..WRITERS {
            let run = admin.post("/api/2.0/mlflow/runs/create", json!({"experiment_id": experiment, "start_time": 1})).await;
            let run = run["run"]["info"]["run_id"].as_str().unwrap().to_owned();
            let acknowledged = Arc::new(AtomicU64::new(0));
            let task = tokio::spawn(write(artel.url.clone(), token.clone(), run.clone(), acknowledged.clone(), stop.clone()));
            writers.push(Writer { run, acknowledged, task });
        }
        Self { stop, writers }
    }

    /// Waits until every writer has had `more` writes acknowledged.
    pub async fn go_on(&self, more: u64) {
        let goals: Vec<u64> = self.writers.iter().map(|w| w.acknowledged.load(Ordering::SeqCst) + more).collect();
        eventually(&format!("{more} more writes of each writer"), 60, async || {
            let now: Vec<u64> = self.writers.iter().map(|w| w.acknowledged.load(Ordering::SeqCst)).collect();
            assert!(self.writers.iter().all(|w| !w.task.is_finished()), "a writer was refused for good: {now:?}");
            if now.iter().zip(&goals).all(|(now, goal)| now >= goal) { Ok(()) } else { Err(format!("{now:?} of {goals:?}")) }
        })
        .await;
    }

    /// Stops the writers and compares what was acknowledged with what is there: every acknowledged write once and
    /// whole, and at most one more, whose answer was lost.
    pub async fn check(self, admin: &Client) {
        self.stop.cancel();
        for writer in self.writers {
            writer.task.await.unwrap();
            let acknowledged = writer.acknowledged.load(Ordering::SeqCst);
            assert!(acknowledged > 0, "nothing was written");
            let history = history(admin, &writer.run).await;
            let steps: Vec<u64> = history.iter().map(|m| m["step"].as_u64().unwrap()).collect();
            let there = steps.len() as u64;
            assert_eq!(steps, (1..=there).collect::<Vec<_>>(), "every step once");
            assert!(there == acknowledged || there == acknowledged + 1, "{acknowledged} acknowledged, {there} there");
            assert!(history.iter().all(|m| m["value"] == value(m["step"].as_u64().unwrap())), "the values that were sent");
            let run = admin.get(&format!("/api/2.0/mlflow/runs/get?run_id={}", writer.run)).await;
            let params = run["run"]["data"]["params"].as_array().unwrap().len() as u64;
            assert_eq!(params, there, "a batch is there whole or not at all");
        }
    }
}

async fn history(admin: &Client, run: &str) -> Vec<Value> {
    let mut all = Vec::new();
    let mut page = String::new();
    loop {
        let answer = admin.get(&format!("/api/2.0/mlflow/metrics/get-history?run_id={run}&metric_key=m&max_results=1000{page}")).await;
        all.extend(answer["metrics"].as_array().into_iter().flatten().cloned());
        match answer["next_page_token"].as_str().filter(|t| !t.is_empty()) {
            Some(token) => page = format!("&page_token={}", url_encoded(token)),
            None => break,
        }
    }
    all.sort_by_key(|m| m["step"].as_u64());
    all
}

fn url_encoded(text: &str) -> String {
    text.bytes().map(|b| if b.is_ascii_alphanumeric() { (b as char).to_string() } else { format!("%{b:02X}") }).collect()
}

/// A value that tells its step.
fn value(step: u64) -> f64 {
    step as f64 + 0.5
}

async fn write(url: String, token: String, run: String, acknowledged: Arc<AtomicU64>, stop: CancellationToken) {
    let http = reqwest::Client::builder().timeout(Duration::from_secs(10)).build().unwrap();
    let mut step = 1;
    while !stop.is_cancelled() {
        // a metric and a param together: a batch is one transaction
        let body = json!({"run_id": run, "metrics": [{"key": "m", "value": value(step), "timestamp": step, "step": step}],
            "params": [{"key": format!("p{step}"), "value": "1"}]});
        match http.post(format!("{url}/api/2.0/mlflow/runs/log-batch")).bearer_auth(&token).json(&body).send().await {
            Ok(answer) if answer.status() == StatusCode::OK => {
                acknowledged.store(step, Ordering::SeqCst);
                step += 1;
                continue;
            }
            Ok(answer) if answer.status().is_server_error() => {}
            Ok(answer) => {
                eprintln!("a write was refused with {}: {}", answer.status(), answer.text().await.unwrap_or_default());
                return;
            }
            Err(_) => {}
        }
        tokio::time::sleep(PAUSE).await;
    }
}
