//! Example DAG files of the Airflow wheels, unmodified, driven by the published Airflow client and compared with what
//! stock Airflow recorded; what else the client does, with its results asserted; and the REST API, request by request.

mod harness;

use harness::{ADMIN_PASSWORD, Installation, Shape, project, python, python_of, run_program};

const CLIENT: &str = "tests/compat/airflow/requirements.txt";

#[tokio::test(flavor = "multi_thread")]
async fn examples_end_as_on_stock() {
    let printed = drive("compare.py", &["examples"]).await;
    assert!(printed.contains(" 0 differ;"), "{printed}");
}

#[tokio::test(flavor = "multi_thread")]
async fn scheduling_rules_hold_as_on_stock() {
    let printed = drive("compare.py", &["rules"]).await;
    assert!(printed.contains(" 0 differ;") && !printed.contains("not recorded"), "{printed}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_published_client_drives() {
    let printed = drive("client_flows.py", &[]).await;
    assert!(printed.contains("airflow client: all held"), "{printed}");
}

#[tokio::test(flavor = "multi_thread")]
async fn rest_answers_as_stock() {
    let mut groups: Vec<String> = std::fs::read_dir(project("tests/compat/airflow/rest/recorded"))
        .unwrap()
        .map(|file| file.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned())
        .collect();
    groups.sort();
    assert!(groups.len() > 10, "only {groups:?}");
    let mut differ = Vec::new();
    for group in &groups {
        let printed = drive("rest/replay.py", &[group]).await;
        if !printed.contains(" 0 differ,") {
            differ.push(printed);
        }
    }
    assert!(differ.is_empty(), "{}", differ.join("\n"));
}

/// Runs a script against an installation of its own, which has upstream's example plug-ins.
async fn drive(script: &str, more: &[&str]) -> String {
    // as on stock, where a DAG is paused until somebody lets it run
    let paused = "[scheduler]\npaused_at_creation = true\n";
    let artel = Installation::start_configured(Shape::Single, paused).await.expect("the single shape needs no servers");
    let folder = project("tests/compat/airflow");
    copy(&folder.join("plugins"), &artel.folder.join("data/airflow/plugins"));
    let tasks = python("airflow").await;
    let environment = tasks.parent().and_then(std::path::Path::parent).expect("bin/python in an environment");
    let [script, dags, environment] = [&folder.join(script), &artel.dags(), environment].map(|path| path.display().to_string());
    let mut args = vec![script.as_str()];
    args.extend(more);
    args.extend(["--artel", &artel.url, "--password", ADMIN_PASSWORD, "--dags", &dags, "--environment", &environment]);
    run_program(&python_of(CLIENT).await, &args, &[]).await
}

fn copy(from: &std::path::Path, to: &std::path::Path) {
    std::fs::create_dir_all(to).unwrap();
    for file in std::fs::read_dir(from).unwrap().map(|file| file.unwrap().path()).filter(|path| path.is_file()) {
        std::fs::copy(&file, to.join(file.file_name().unwrap())).unwrap();
    }
}
