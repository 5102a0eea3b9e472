//! The hub's REST API, its token scopes and its OAuth: the same requests as to JupyterHub itself, whose answers are
//! recorded, and the two compared in status and form.

mod harness;

use harness::{Installation, Shape, project, run_python};

/// Sends a group of cases to an installation of its own, whose hub has the settings that JupyterHub had.
async fn replay(group: &str) {
    let folder = project("tests/compat/hub");
    let settings = std::fs::read_to_string(folder.join("settings.toml")).unwrap();
    // a start that takes longer than usual is answered when it has ended, as JupyterHub's short one is
    let settings = format!("slow_seconds = 90\n{settings}");
    let artel = Installation::start_configured(Shape::Single, &settings).await.expect("the single shape needs no servers");
    let script = folder.join("replay.py");
    let printed = run_python("notebook", &[script.to_str().unwrap(), "--artel", &artel.url, "--group", group], &[]).await;
    assert!(printed.contains(" 0 differ,"), "{printed}");
}

#[tokio::test(flavor = "multi_thread")]
async fn accounts() {
    replay("accounts").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn groups() {
    replay("groups").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens() {
    replay("tokens").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn access() {
    replay("access").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn servers() {
    replay("servers").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn shares() {
    replay("shares").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn services() {
    replay("services").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn oauth() {
    replay("oauth").await;
}
