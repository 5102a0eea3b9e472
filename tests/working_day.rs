//! The team's whole working day on real parts, in both shapes: a notebook trains a model with the published MLflow
//! client, an unmodified DAG file trains a better one, the endpoint follows, the web app shows it, and everything is
//! still there after a restart.

mod harness;

use harness::{Client, Installation, Shape, eventually, project, run_python, story};
use serde_json::{Value, json};
use std::time::Duration;

const MINUTELY: &str = include_str!("story/every_minute.py");

#[tokio::test(flavor = "multi_thread")]
async fn single() {
    working_day(Shape::Single).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn split() {
    working_day(Shape::Split).await;
}

async fn working_day(shape: Shape) {
    let Some(mut artel) = Installation::start(shape).await else {
        assert!(std::env::var_os("CI").is_none(), "the split shape needs `make test` to start its servers");
        return eprintln!("skipped: no servers for the split shape");
    };
    let admin = artel.admin().await;
    admin.add_user("ada", "a long enough password").await;

    train_in_a_notebook(&artel).await;
    let ada = Client::login(&artel.url, "ada", "a long enough password").await;
    let token = ada.token().await;
    serve(&ada).await;
    check_serving(&artel, &token).await;

    drop_dag_files(&artel, &admin).await;
    let run = retrain(&admin).await;
    scheduled_run(&admin).await;
    endpoint_follows(&ada).await;
    check_serving(&artel, &token).await;
    log_is_readable(&admin, &run).await;
    look_at_it(&artel).await;

    let children = children_of(&artel);
    assert!(!children.is_empty(), "the notebook server and the workers run");
    let took = artel.stop();
    assert!(took < Duration::from_secs(12), "Ctrl-C took {took:?}");
    eventually("no orphan is left", 5, async || {
        let alive: Vec<_> = children.iter().filter(|pid| is_running(**pid)).collect();
        if alive.is_empty() { Ok(()) } else { Err(format!("{alive:?}")) }
    })
    .await;

    artel.restart_all().await;
    everything_is_there(&artel, &run).await;
}

/// Steps 2 and 3: the kernel of a real JupyterLab runs the training.
async fn train_in_a_notebook(artel: &Installation) {
    let session = story("notebook_session.py");
    let train = story("train_wine.py");
    let args = [session.to_str().unwrap(), &artel.url, "ada", "a long enough password", train.to_str().unwrap()];
    let printed = run_python("notebook", &args, &[]).await;
    let last: Value = serde_json::from_str(printed.lines().last().unwrap()).unwrap();
    assert_eq!(last["version"], "1", "{printed}");
}

/// Step 5, first half: an endpoint on the alias.
async fn serve(ada: &Client) {
    let entity = json!({"entity_name": "wine", "alias": "champion"});
    ada.post("/api/2.0/serving-endpoints", json!({"name": "wine", "config": {"served_entities": [entity]}})).await;
    endpoint_at(ada, "1", 300).await;
}

async fn endpoint_at(ada: &Client, version: &str, seconds: u64) {
    eventually(&format!("the endpoint serves version {version}"), seconds, async || {
        let endpoint = ada.try_get("/api/2.0/serving-endpoints/wine").await?;
        let entity = &endpoint["config"]["served_entities"][0];
        let ready = endpoint["state"]["ready"] == "READY" && endpoint["state"]["config_update"] == "NOT_UPDATING";
        if ready && entity["entity_version"] == version { Ok(()) } else { Err(endpoint.to_string()) }
    })
    .await;
}

async fn check_serving(artel: &Installation, token: &str) {
    let script = story("check_serving.py");
    let env = [("MLFLOW_TRACKING_URI", artel.url.as_str()), ("MLFLOW_TRACKING_TOKEN", token)];
    run_python("notebook", &[script.to_str().unwrap()], &env).await;
}

/// Step 4: unmodified DAG files appear in under two seconds once the parser is warm.
async fn drop_dag_files(artel: &Installation, admin: &Client) {
    std::fs::create_dir_all(artel.dags()).unwrap();
    std::fs::copy(story("retrain_wine.py"), artel.dags().join("retrain_wine.py")).unwrap();
    dag_appears(admin, "retrain_wine", 300).await;
    let saved = std::time::Instant::now();
    std::fs::write(artel.dags().join("every_minute.py"), MINUTELY).unwrap();
    dag_appears(admin, "every_minute", 10).await;
    let took = saved.elapsed();
    assert!(took < Duration::from_secs(2), "a saved DAG file was visible after {took:?}");
    std::fs::write(artel.dags().join("broken.py"), "from airflow.sdk import dag\nthis is no Python\n").unwrap();
    eventually("the broken file is told", 10, async || {
        let errors = admin.try_get("/api/v2/importErrors").await?;
        if errors.to_string().contains("broken.py") { Ok(()) } else { Err(errors.to_string()) }
    })
    .await;
}

async fn dag_appears(admin: &Client, dag: &str, seconds: u64) {
    eventually(&format!("{dag} is listed"), seconds, async || admin.try_get(&format!("/api/v2/dags/{dag}")).await).await;
}

/// Triggered by hand. Its schedule may have been quicker: then that run has promoted the better model and this one
/// finds nothing new. Returns the id of the run that promoted.
async fn retrain(admin: &Client) -> String {
    let runs = "/api/v2/dags/retrain_wine/dagRuns";
    let by_hand = admin.post(runs, json!({"logical_date": null})).await["dag_run_id"].as_str().unwrap().to_owned();
    let tasks = run_succeeds(admin, &by_hand).await;
    let fetch = tasks["task_instances"].as_array().unwrap().iter().find(|t| t["task_id"] == "fetch").unwrap();
    assert_eq!(fetch["try_number"], 2, "the task that fails once was retried: {tasks}");
    assert_eq!(admin.get("/api/v2/variables/wine_champion").await["value"], "2");
    let listed = admin.get(runs).await;
    let earlier = listed["dag_runs"].as_array().unwrap().iter().find(|r| r["run_type"] == "scheduled" && r["state"] == "success");
    let (promoter, tasks) = match earlier {
        Some(run) if state_of(&tasks, "train") == "skipped" => {
            expect_states(&tasks, &[("nothing_new", "success"), ("promote", "skipped"), ("report", "success")]);
            let id = run["dag_run_id"].as_str().unwrap().to_owned();
            (id.clone(), run_succeeds(admin, &id).await)
        }
        _ => (by_hand, tasks),
    };
    expect_states(
        &tasks,
        &[
            ("announce", "success"),
            ("train", "success"),
            ("promote", "success"),
            ("keep", "skipped"),
            ("nothing_new", "skipped"),
            ("report", "success"),
        ],
    );
    promoter
}

/// Waits for the run's end; its task instances.
async fn run_succeeds(admin: &Client, run: &str) -> Value {
    let path = format!("/api/v2/dags/retrain_wine/dagRuns/{run}");
    eventually(&format!("the DAG run {run} succeeds"), 240, async || {
        let run = admin.try_get(&path).await?;
        assert_ne!(run["state"], "failed", "{}", admin.get(&format!("{path}/taskInstances")).await);
        if run["state"] == "success" { Ok(()) } else { Err(run["state"].to_string()) }
    })
    .await;
    admin.get(&format!("{path}/taskInstances")).await
}

fn state_of<'a>(tasks: &'a Value, task: &str) -> &'a str {
    let found = tasks["task_instances"].as_array().unwrap().iter().find(|t| t["task_id"] == task);
    found.unwrap()["state"].as_str().unwrap_or("none")
}

fn expect_states(tasks: &Value, expected: &[(&str, &str)]) {
    for (task, state) in expected {
        assert_eq!(state_of(tasks, task), *state, "{task}: {tasks}");
    }
}

async fn scheduled_run(admin: &Client) {
    eventually("the schedule made a run that succeeded", 100, async || {
        let runs = admin.try_get("/api/v2/dags/every_minute/dagRuns").await?;
        let done = runs["dag_runs"].as_array().unwrap().iter().any(|r| r["run_type"] == "scheduled" && r["state"] == "success");
        if done { Ok(()) } else { Err(runs.to_string()) }
    })
    .await;
}

/// Step 5, second half: nobody told the endpoint but the event.
async fn endpoint_follows(ada: &Client) {
    endpoint_at(ada, "2", 120).await;
}

async fn log_is_readable(admin: &Client, run: &str) {
    let path = format!("/api/v2/dags/retrain_wine/dagRuns/{run}/taskInstances/announce/logs/1");
    let log = admin.get(&path).await;
    assert!(log.to_string().contains("retraining of"), "{log}");
    let failed = admin.get(&path.replace("announce", "fetch")).await;
    assert!(failed.to_string().contains("the cellar does not answer yet"), "{failed}");
}

/// Step 6: a real browser walks through the web app.
async fn look_at_it(artel: &Installation) {
    let output = tokio::process::Command::new("node")
        .arg("--test")
        .arg(project("gateway/ui/tests/e2e/story.mjs"))
        .current_dir(project("gateway/ui"))
        .env("BASE_URL", &artel.url)
        .env("USER", "admin")
        .env("PASSWORD", harness::ADMIN_PASSWORD)
        .env("DAG", "retrain_wine")
        .output()
        .await
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "the browser test failed:\n{text}");
}

/// Step 7: after a restart.
async fn everything_is_there(artel: &Installation, run: &str) {
    let admin = artel.admin().await;
    let models = admin.get("/api/2.0/mlflow/registered-models/alias?name=wine&alias=champion").await;
    assert_eq!(models["model_version"]["version"], "2");
    let runs = admin.post("/api/2.0/mlflow/runs/search", json!({"experiment_ids": ["1"]})).await;
    assert_eq!(runs["runs"].as_array().unwrap().len(), 2);
    assert_eq!(admin.get(&format!("/api/v2/dags/retrain_wine/dagRuns/{run}")).await["state"], "success");
    log_is_readable(&admin, run).await;
    endpoint_at(&admin, "2", 120).await;
}

fn children_of(artel: &Installation) -> Vec<u32> {
    let mut found: Vec<u32> = Vec::new();
    let mut parents: Vec<u32> = artel.processes.iter().map(harness::Process::pid).collect();
    while let Some(parent) = parents.pop() {
        let output = std::process::Command::new("pgrep").args(["-P", &parent.to_string()]).output().unwrap();
        let children: Vec<u32> = String::from_utf8_lossy(&output.stdout).lines().filter_map(|l| l.parse().ok()).collect();
        parents.extend(&children);
        found.extend(children);
    }
    found
}

fn is_running(pid: u32) -> bool {
    artel_platform::process::is_alive(pid, None)
}
