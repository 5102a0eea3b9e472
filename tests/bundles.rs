//! DAG files from a git repository, with plug-ins: seen at a push, pinned while they run; and a model's life by the
//! operators of the provider `artel`.

mod harness;

use harness::{Client, Installation, Shape, eventually, project, run_python};
use reqwest::Method;
use serde_json::{Value, json};
use std::path::Path;
use std::process::Command;
use std::time::Instant;

const SECRET: &str = "a hook's secret";

fn git(folder: &Path, args: &[&str]) -> String {
    let identity = ["-c", "user.name=Ada", "-c", "user.email=ada@example.org"];
    let output = Command::new("git").current_dir(folder).args(identity).args(args).output().unwrap();
    assert!(output.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

fn commit(folder: &Path, message: &str) -> String {
    git(folder, &["add", "--all"]);
    git(folder, &["commit", "--quiet", "--message", message]);
    git(folder, &["rev-parse", "HEAD"])
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().map(Result::unwrap).filter(|e| e.file_name() != "__pycache__") {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() { copy(&entry.path(), &target) } else { std::fs::copy(entry.path(), target).map(drop).unwrap() }
    }
}

/// Says what it is, waits until a file is there, and says again what it is.
fn slow(version: &str, gate: &Path) -> String {
    format!(
        r#"
import pathlib, time
from airflow.sdk import dag, task

@dag(schedule=None, is_paused_upon_creation=False)
def slow():
    @task
    def first(): return {version:?}

    @task
    def wait():
        while not pathlib.Path({gate:?}).exists(): time.sleep(0.05)

    @task
    def last(): return {version:?}

    first() >> wait() >> last()
slow()
"#,
        gate = gate.display().to_string()
    )
}

async fn push(artel: &Installation, admin: &Client, body: &str, secret: &str) -> u16 {
    let script = "import hmac, sys; print(hmac.new(sys.argv[1].encode(), sys.argv[2].encode(), 'sha256').hexdigest())";
    let tag = run_python("airflow", &["-c", script, secret, body], &[]).await;
    let request = reqwest::Client::new()
        .post(format!("{}/git/hooks/team", artel.url))
        .header("X-Hub-Signature-256", format!("sha256={}", tag.trim()))
        .header("content-type", "application/json")
        .body(body.to_owned());
    admin.send(request).await.0
}

async fn trigger(admin: &Client, dag: &str, run: &str, conf: Value) {
    let body = json!({"dag_run_id": run, "logical_date": null, "conf": conf});
    admin.post(&format!("/api/v2/dags/{dag}/dagRuns"), body).await;
}

async fn ended(admin: &Client, dag: &str, run: &str, seconds: u64) -> Value {
    eventually(&format!("{dag} {run} ends"), seconds, async || {
        let found = admin.try_get(&format!("/api/v2/dags/{dag}/dagRuns/{run}")).await?;
        if matches!(found["state"].as_str(), Some("success" | "failed")) { Ok(found) } else { Err(found["state"].to_string()) }
    })
    .await
}

async fn result(admin: &Client, dag: &str, run: &str, task: &str) -> Value {
    admin.get(&format!("/api/v2/dags/{dag}/dagRuns/{run}/taskInstances/{task}/xcomEntries/return_value")).await["value"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pushed_commit_is_seen_at_once_and_runs_keep_theirs() {
    let temporary = tempfile::tempdir().unwrap();
    let (repository, gate) = (temporary.path().join("repository"), temporary.path().join("gate"));
    copy(&project("python/tests/plugged"), &repository.join("dags"));
    std::fs::write(repository.join("dags/slow.py"), slow("one", &gate)).unwrap();
    std::fs::write(temporary.path().join("secret"), SECRET).unwrap();
    git(&repository, &["init", "--quiet", "--initial-branch", "main"]);
    let first = commit(&repository, "first");
    let settings = format!(
        "[scheduler]\nbundles = [{{ name = \"team\", git = {:?}, subfolder = \"dags\", poll_seconds = 0, hook_secret_file = {:?} }}]\n",
        repository.display().to_string(),
        temporary.path().join("secret").display().to_string()
    );
    let artel = Installation::start_configured(Shape::Single, None, &settings).await.unwrap();
    let admin = artel.admin().await;

    // the DAG's timetable, strategy, macros and links are those of the plug-in in its bundle
    let shifts = eventually("the DAG with a plug-in is listed", 300, async || {
        let dag = admin.try_get("/api/v2/dags/shifts").await?;
        if dag["next_dagrun_run_after"].is_null() { Err(dag.to_string()) } else { Ok(dag) }
    })
    .await;
    assert_eq!((shifts["bundle_name"].as_str(), shifts["bundle_version"].as_str()), (Some("team"), Some(first.as_str())));
    assert_eq!(shifts["timetable_summary"], "every 480 min");
    let manual = admin.post("/api/v2/dags/shifts/dagRuns", json!({"logical_date": "2026-03-01T09:20:00Z"})).await;
    assert_eq!(manual["dag_run_id"].as_str().map(|id| id.starts_with("manual__shift_")), Some(true), "{manual}");
    assert_eq!(manual["data_interval_start"], "2026-03-01T01:20:00Z");
    let run_id = manual["dag_run_id"].as_str().unwrap();
    let run = ended(&admin, "shifts", run_id, 120).await;
    assert_eq!(run["state"], "success", "{run}");
    assert_eq!(result(&admin, "shifts", run_id, "urgent").await, "ADA!");
    let of_urgent = format!("/api/v2/dags/shifts/dagRuns/{run_id}/taskInstances/urgent");
    assert_eq!(admin.get(&of_urgent).await["priority_weight"], 700);
    let links = admin.get(&format!("{of_urgent}/links")).await;
    assert_eq!(links["extra_links"]["Roster"], format!("https://roster.example/shifts/{run_id}/urgent"));

    // a run is under way while another version is pushed
    trigger(&admin, "slow", "r1", json!({})).await;
    eventually("the first task has ended", 60, async || {
        admin.try_get("/api/v2/dags/slow/dagRuns/r1/taskInstances/first/xcomEntries/return_value").await
    })
    .await;
    std::fs::write(repository.join("dags/slow.py"), slow("two", &gate)).unwrap();
    let second = commit(&repository, "second");
    let body = json!({"ref": "refs/heads/main", "after": second}).to_string();
    assert_eq!(push(&artel, &admin, &body, "another secret").await, 403);
    assert_eq!(push(&artel, &admin, &body, SECRET).await, 202);
    let pushed = Instant::now();
    eventually("the second version is seen", 30, async || {
        let dag = admin.try_get("/api/v2/dags/slow").await?;
        if dag["bundle_version"] == second.as_str() { Ok(()) } else { Err(dag["bundle_version"].to_string()) }
    })
    .await;
    println!("from push to visible: {:.2} s", pushed.elapsed().as_secs_f64());
    eventually("a DAG whose file is the same moves on", 30, async || {
        let dag = admin.try_get("/api/v2/dags/shifts").await?;
        if dag["bundle_version"] == second.as_str() { Ok(()) } else { Err(dag["bundle_version"].to_string()) }
    })
    .await;
    trigger(&admin, "slow", "r2", json!({})).await;
    std::fs::write(&gate, "").unwrap();
    for (run, version, text) in [("r1", &first, "one"), ("r2", &second, "two")] {
        let run_row = ended(&admin, "slow", run, 60).await;
        assert_eq!((run_row["state"].as_str(), run_row["bundle_version"].as_str()), (Some("success"), Some(version.as_str())));
        for task in ["first", "last"] {
            assert_eq!(result(&admin, "slow", run, task).await, text, "{task} of {run}");
        }
    }
    let bundles = admin.get("/git/bundles").await;
    let team = bundles["bundles"].as_array().unwrap().iter().find(|b| b["name"] == "team").unwrap();
    assert_eq!((team["version"].as_str(), team["error"].is_null()), (Some(second.as_str()), true));
    missing_pool(&admin, &artel).await;
}

/// A DAG is warned of a pool that is not there, until it is.
async fn missing_pool(admin: &Client, artel: &Installation) {
    let file = "from airflow.sdk import dag, task\n@dag(schedule=None)\ndef swims():\n    @task(pool='lake')\n    def swim(): ...\n    swim()\nswims()\n";
    std::fs::write(artel.dags().join("swims.py"), file).unwrap();
    eventually("the warning is there", 30, async || {
        let warned = admin.try_get("/api/v2/dagWarnings?dag_id=swims").await?;
        if warned["dag_warnings"][0]["message"] == "Dag 'swims' references non-existent pools: ['lake']" {
            Ok(())
        } else {
            Err(warned.to_string())
        }
    })
    .await;
    admin.post("/api/v2/pools", json!({"name": "lake", "slots": 1})).await;
    eventually("the warning is gone", 30, async || {
        let warned = admin.try_get("/api/v2/dagWarnings?dag_id=swims").await?;
        if warned["total_entries"] == 0 { Ok(()) } else { Err(warned.to_string()) }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_lives_by_the_operators_of_the_provider() {
    let artel = Installation::start(Shape::Single).await.unwrap();
    let admin = artel.admin().await;
    let files = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(files.path().join("in")).unwrap();
    std::fs::write(files.path().join("in/a.csv"), "x\n1.0\n2.0\n").unwrap();
    copy(&project("tests/story/model_life"), &artel.dags());
    eventually("the DAG is listed", 300, async || admin.try_get("/api/v2/dags/model_life").await).await;
    let conf = |slope: f64, endpoint: &str| {
        json!({
            "slope": slope, "name": "line", "endpoint": endpoint,
            "inputs": files.path().join("in/*.csv").display().to_string(), "output": files.path().join("out").display().to_string(),
        })
    };
    trigger(&admin, "model_life", "fair", conf(2.3, "")).await;
    assert_eq!(ended(&admin, "model_life", "fair", 300).await["state"], "success");
    trigger(&admin, "model_life", "worse", conf(2.6, "")).await;
    ended(&admin, "model_life", "worse", 300).await;
    let refused = admin.get("/api/v2/dags/model_life/dagRuns/worse/taskInstances/promote").await;
    assert_eq!(refused["state"], "skipped", "{refused}");
    trigger(&admin, "model_life", "better", conf(2.0, "line")).await;
    assert_eq!(ended(&admin, "model_life", "better", 600).await["state"], "success");
    assert_eq!(result(&admin, "model_life", "better", "promote").await["replaced"], "1");
    assert_eq!(result(&admin, "model_life", "better", "deploy").await["state"], "READY");
    let predicted = std::fs::read_to_string(files.path().join("out/a.csv")).unwrap();
    assert!(predicted.starts_with("x,prediction\n1.0,2.0"), "{predicted}");
    let body = json!({"dataframe_split": {"columns": ["x"], "data": [[21.0]]}});
    let answer = admin.send(admin.request(Method::POST, "/serving-endpoints/line/invocations").json(&body)).await;
    assert_eq!(answer.0, 200, "{}", answer.1);
    assert!((answer.1["predictions"][0].as_f64().unwrap() - 42.0).abs() < 1e-6, "{}", answer.1);
}
