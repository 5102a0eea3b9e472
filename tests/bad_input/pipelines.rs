//! DAG files that are wrong each in their own way: every one is told, and the others go on.

use crate::harness::{Client, Installation, Shape, eventually};
use reqwest::Method;
use serde_json::json;

const GOOD: &str = include_str!("good_dag.py");
/// File, its text, and what its import error says.
const BAD: &[(&str, &str, &str)] = &[
    ("no_python.py", "from airflow.sdk import dag\nthis is no Python\n", "SyntaxError"),
    ("no_module.py", "import a_module_that_is_nowhere\nfrom airflow.sdk import dag\n", "a_module_that_is_nowhere"),
    ("raises.py", "# airflow dag\nraise RuntimeError('the cellar is flooded')\n", "the cellar is flooded"),
    ("leaves.py", "# airflow dag\nimport os\nos._exit(3)\n", "3"),
    ("circle.py", include_str!("circle_dag.py"), "ycle"),
];

#[tokio::test(flavor = "multi_thread")]
async fn wrong_dag_files_are_told_and_the_others_go_on() {
    let artel = Installation::start(Shape::Single).await.unwrap();
    let admin = artel.admin().await;
    std::fs::create_dir_all(artel.dags()).unwrap();
    for (file, text, _) in BAD {
        std::fs::write(artel.dags().join(file), text).unwrap();
    }
    std::fs::write(artel.dags().join("good.py"), GOOD).unwrap();
    eventually("the good DAG is listed", 300, async || admin.try_get("/api/v2/dags/good").await).await;
    for (file, _, said) in BAD {
        eventually(&format!("{file} is told"), 60, async || {
            let errors = admin.try_get("/api/v2/importErrors").await?;
            let found =
                errors["import_errors"].as_array().unwrap().iter().find(|e| e["filename"].as_str().is_some_and(|f| f.ends_with(file)));
            match found {
                Some(error) if error["stack_trace"].as_str().unwrap_or_default().contains(said) => Ok(()),
                other => Err(format!("{other:?}")),
            }
        })
        .await;
    }
    succeeds(&admin, "while-others-are-broken").await;

    // a good DAG whose file is broken later stays as it was, and is told
    std::fs::write(artel.dags().join("good.py"), "from airflow.sdk import dag\ndef broken(:\n").unwrap();
    eventually("the broken version is told", 30, async || {
        let errors = admin.try_get("/api/v2/importErrors").await?;
        if errors.to_string().contains("good.py") { Ok(()) } else { Err(errors.to_string()) }
    })
    .await;
    assert_eq!(admin.get("/api/v2/dags/good").await["has_import_errors"], true);
    std::fs::write(artel.dags().join("good.py"), GOOD).unwrap();
    std::fs::write(artel.dags().join("raises.py"), GOOD.replace("good", "mended")).unwrap();
    eventually("what was mended is listed, and no longer told", 60, async || {
        admin.try_get("/api/v2/dags/mended").await?;
        let errors = admin.try_get("/api/v2/importErrors").await?.to_string();
        if errors.contains("good.py") || errors.contains("raises.py") { Err(errors) } else { Ok(()) }
    })
    .await;
    succeeds(&admin, "after-mending").await;
    requests(&admin).await;
}

async fn succeeds(admin: &Client, run: &str) {
    admin.post("/api/v2/dags/good/dagRuns", json!({"dag_run_id": run, "logical_date": null})).await;
    eventually("the run succeeds", 120, async || {
        let run = admin.try_get(&format!("/api/v2/dags/good/dagRuns/{run}")).await?;
        if run["state"] == "success" { Ok(()) } else { Err(run["state"].to_string()) }
    })
    .await;
}

/// Requests about DAGs that cannot be answered.
async fn requests(admin: &Client) {
    let runs = async || admin.get("/api/v2/dags/good/dagRuns").await["total_entries"].clone();
    let before = runs().await;
    for (path, body, status, part) in [
        ("/api/v2/dags/nowhere/dagRuns", json!({"logical_date": null}), 404, "nowhere"),
        ("/api/v2/dags/good/dagRuns", json!({"logical_date": "next spring"}), 422, "logical_date"),
        ("/api/v2/dags/good/dagRuns", json!({"logical_date": null, "conf": "no object"}), 422, "conf"),
        ("/api/v2/dags/good/dagRuns", json!({"dag_run_id": "after-mending", "logical_date": null}), 409, "after-mending"),
    ] {
        let (answered, answer) = admin.send(admin.request(Method::POST, path).json(&body)).await;
        assert_eq!(answered, status, "{path} {body}: {answer}");
        assert!(answer.to_string().contains(part), "{path} {body}: {answer}");
    }
    assert_eq!(runs().await, before, "nothing was triggered");
}
