//! `artel gc` beside a running server: what is deleted goes for good, and nothing else.

mod harness;

use harness::{Client, Installation, Shape};
use reqwest::Method;
use serde_json::{Value, json};
use std::process::Command;

/// Runs the command on the installation's data; what it printed.
fn gc(installation: &Installation, args: &[&str]) -> Result<String, String> {
    let data = installation.folder.join("data");
    let output = Command::new(env!("CARGO_BIN_EXE_artel"))
        .args(["gc", "--data", data.to_str().unwrap(), "--server", &installation.url])
        .args(args)
        .current_dir(&installation.folder)
        .output()
        .unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    if output.status.success() { Ok(text(&output.stdout)) } else { Err(text(&output.stderr)) }
}

/// A run with a file of so many bytes; its id.
async fn run(client: &Client, experiment: &str, bytes: usize) -> String {
    let answer = client.post("/api/2.0/mlflow/runs/create", json!({"experiment_id": experiment})).await;
    let run = answer["run"]["info"]["run_id"].as_str().unwrap().to_owned();
    let point = json!({"run_id": run, "key": "m", "value": 1, "timestamp": 1});
    client.post("/api/2.0/mlflow/runs/log-metric", point).await;
    let path = format!("/api/2.0/mlflow-artifacts/artifacts/{experiment}/{run}/artifacts/a/b.bin");
    let (status, answer) = client.send(client.request(Method::PUT, &path).body(vec![7; bytes])).await;
    assert_eq!(status, 200, "{answer}");
    run
}

async fn status(client: &Client, path: &str) -> u16 {
    client.send(client.request(Method::GET, path)).await.0
}

#[tokio::test]
async fn what_is_deleted_goes_for_good_and_nothing_else() {
    let installation = Installation::start(Shape::Single).await.unwrap();
    let client = installation.admin().await;
    let create = async |name: &str| -> String {
        client.post("/api/2.0/mlflow/experiments/create", json!({"name": name})).await["experiment_id"].as_str().unwrap().to_owned()
    };
    let (kept, dropped) = (create("kept").await, create("dropped").await);
    let (alive, dead) = (run(&client, &kept, 10).await, run(&client, &kept, 100).await);
    let within = run(&client, &dropped, 1000).await;
    client.post("/api/2.0/mlflow/runs/delete", json!({"run_id": dead})).await;
    client.post("/api/2.0/mlflow/experiments/delete", json!({"experiment_id": dropped})).await;

    let refused = gc(&installation, &["--run-ids", &alive]).unwrap_err();
    assert!(refused.contains("not in the `deleted` lifecycle stage"), "{refused}");
    let refused = gc(&installation, &["--older-than", "soon"]).unwrap_err();
    assert!(refused.contains("Could not parse any time information"), "{refused}");
    let nothing = gc(&installation, &["--older-than", "30d"]).unwrap();
    assert_eq!(nothing, "0 files, 0 bytes freed\n");
    let shown = gc(&installation, &["--dry-run"]).unwrap();
    assert!(shown.contains(&format!("Run with ID {dead} would be permanently deleted.")), "{shown}");
    assert!(shown.ends_with("2 files, 1100 bytes would be freed\n"), "{shown}");
    assert_eq!(status(&client, &format!("/api/2.0/mlflow/runs/get?run_id={dead}")).await, 200);

    let done = gc(&installation, &["--run-ids", &dead]).unwrap();
    assert_eq!(done, format!("Run with ID {dead} has been permanently deleted.\n1 files, 100 bytes freed\n"));
    assert_eq!(status(&client, &format!("/api/2.0/mlflow/runs/get?run_id={dead}")).await, 404);
    assert_eq!(status(&client, &format!("/api/2.0/mlflow/experiments/get?experiment_id={dropped}")).await, 200);
    let missing = gc(&installation, &["--run-ids", &dead]).unwrap_err();
    assert!(missing.contains("not found"), "{missing}");

    let done = gc(&installation, &[]).unwrap();
    assert!(done.contains(&format!("Experiment with ID {dropped} has been permanently deleted.")), "{done}");
    assert!(done.ends_with("1 files, 1000 bytes freed\n"), "{done}");
    for path in [format!("experiments/get?experiment_id={dropped}"), format!("runs/get?run_id={within}")] {
        assert_eq!(status(&client, &format!("/api/2.0/mlflow/{path}")).await, 404, "{path}");
    }
    // the name is free again
    create("dropped").await;
    let files: Value = client.get(&format!("/api/2.0/mlflow/artifacts/list?run_id={alive}&path=a")).await;
    assert_eq!(files["files"], json!([{"path": "a/b.bin", "is_dir": false, "file_size": 10}]));
    assert_eq!(gc(&installation, &[]).unwrap(), "0 files, 0 bytes freed\n");
}

#[tokio::test]
async fn only_administrators_free_anything() {
    let installation = Installation::start(Shape::Single).await.unwrap();
    let admin = installation.admin().await;
    admin.add_user("ada", "a long password of hers").await;
    let ada = Client::login(&installation.url, "ada", "a long password of hers").await;
    let (status, answer) = ada.send(ada.request(Method::POST, "/api/artel/v1/gc").json(&json!({"dry_run": true}))).await;
    assert_eq!(status, 403, "{answer}");
    let report = admin.post("/api/artel/v1/gc", json!({"dry_run": true})).await;
    assert_eq!(report["runs"], json!([]));
    let (status, answer) = admin.send(admin.request(Method::POST, "/api/artel/v1/gc").json(&json!({"older": 1}))).await;
    assert_eq!(status, 400, "{answer}");
}
