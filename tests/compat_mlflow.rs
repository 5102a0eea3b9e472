//! What the published MLflow client does, with its results asserted. The scripts hold on the stock server as well; run
//! one against it by setting `MLFLOW_TRACKING_URI`.

mod harness;

use harness::{Installation, Shape, project, run_python};

#[tokio::test(flavor = "multi_thread")]
async fn client_flows_hold() {
    let artel = Installation::start(Shape::Single).await.expect("the single shape needs no servers");
    let token = artel.admin().await.token().await;
    let script = project("tests/compat/mlflow/client_flows.py");
    let env = [("MLFLOW_TRACKING_URI", artel.url.as_str()), ("MLFLOW_TRACKING_TOKEN", &token)];
    let printed = run_python("notebook", &[script.to_str().unwrap()], &env).await;
    assert!(printed.contains("client flows: all held"), "{printed}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_registry_holds() {
    // the script's receiver of webhooks is on this machine
    let more = "[registry]\nwebhook_private_targets = true\n";
    let artel = Installation::start_configured(Shape::Single, more).await.expect("the single shape needs no servers");
    let token = artel.admin().await.token().await;
    let script = project("tests/compat/mlflow/registry.py");
    let env = [("MLFLOW_TRACKING_URI", artel.url.as_str()), ("MLFLOW_TRACKING_TOKEN", &token)];
    let printed = run_python("notebook", &[script.to_str().unwrap()], &env).await;
    assert!(printed.contains("registry: all held"), "{printed}");
}

#[tokio::test(flavor = "multi_thread")]
async fn traces_hold() {
    let artel = Installation::start(Shape::Single).await.expect("the single shape needs no servers");
    let token = artel.admin().await.token().await;
    let script = project("tests/compat/mlflow/traces.py");
    let env = [("MLFLOW_TRACKING_URI", artel.url.as_str()), ("MLFLOW_TRACKING_TOKEN", &token)];
    let printed = run_python("notebook", &[script.to_str().unwrap()], &env).await;
    assert!(printed.contains("traces: all held"), "{printed}");
}

#[tokio::test(flavor = "multi_thread")]
async fn permissions_hold() {
    // as on the stock server, whose default it is
    prove_access("access", "default_permission = \"READ\"\n").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn workspaces_hold() {
    prove_access("workspaces", "default_permission = \"READ\"\n[tracking]\nworkspaces = true\n").await;
}

/// Runs a script that acts as several users, by their names and passwords.
async fn prove_access(name: &str, settings: &str) {
    let artel = Installation::start_configured(Shape::Single, settings).await.expect("the single shape needs no servers");
    let script = project(&format!("tests/compat/mlflow/{name}.py"));
    let env = [("MLFLOW_TRACKING_URI", artel.url.as_str()), ("ADMIN_PASSWORD", harness::ADMIN_PASSWORD)];
    let printed = run_python("notebook", &[script.to_str().unwrap()], &env).await;
    assert!(printed.contains(&format!("{name}: all held")), "{printed}");
}
