//! `jupyterhub-idle-culler`, as it is published, as a service whose process the hub keeps: it finds a notebook server
//! that nobody uses, and stops it.

mod support;

use artel_platform::python::Requirements;
use artel_platform::testkit::{Engine, fixture};
use serde_json::{Value, json};
use support::{Suite, free_url, process, until};

const LOCKED: &str = include_str!("../../../tests/compat/hub/requirements.txt");

#[tokio::test]
async fn an_idle_server_is_culled() {
    let fixture = fixture(Engine::Sqlite).await.unwrap();
    let url = free_url();
    let python = process(&fixture.cx, &url, &[]).python.ensure("culler", &Requirements::Text(LOCKED.into())).await.unwrap().python();
    let settings = format!(
        r#"
        admin_password = "admin's"
        slow_seconds = 90
        [[load_roles]]
        name = "idle-culler"
        scopes = ["list:users", "read:users:activity", "read:servers", "delete:servers"]
        services = ["idle-culler"]
        [[services]]
        name = "idle-culler"
        command = ["{}", "-m", "jupyterhub_idle_culler", "--timeout=3", "--cull-every=1"]
        "#,
        python.display()
    );
    let settings: toml::Table = settings.parse().unwrap();
    let settings: Vec<(&str, toml::Value)> = settings.iter().map(|(key, value)| (key.as_str(), value.clone())).collect();
    let suite = Suite::start(process(&fixture.cx, &url, &settings)).await;
    let admin = suite.token("admin", "admin's").await;

    let started = suite.script().post(suite.at("/hub/api/users/admin/server")).bearer_auth(&admin).send().await.unwrap();
    assert_eq!(started.status(), 201);
    until("the culler stops the server", 60, || async {
        let shown = suite.script().get(suite.at("/hub/api/users/admin/server")).bearer_auth(&admin).send().await.unwrap();
        let shown: Value = shown.json().await.unwrap();
        (shown["stopped"] == true && shown["failure"].is_null()).then_some(())
    })
    .await;

    let service: Value =
        suite.script().get(suite.at("/hub/api/services/idle-culler")).bearer_auth(&admin).send().await.unwrap().json().await.unwrap();
    assert_eq!(service["roles"], json!(["idle-culler"]));
    let pid = service["pid"].as_i64().unwrap();
    assert!(alive(pid), "{service}");
    // a process that ends is started again
    std::process::Command::new("kill").args(["-9", &pid.to_string()]).status().unwrap();
    until("the service is started again", 30, || async {
        let again = suite.script().get(suite.at("/hub/api/services/idle-culler")).bearer_auth(&admin).send().await.unwrap();
        let again: Value = again.json().await.unwrap();
        again["pid"].as_i64().filter(|again| *again != 0 && *again != pid && alive(*again))
    })
    .await;
    let last: Value =
        suite.script().get(suite.at("/hub/api/services/idle-culler")).bearer_auth(&admin).send().await.unwrap().json().await.unwrap();
    let last = last["pid"].as_i64().unwrap();
    suite.stop().await;
    assert!(!alive(last), "it ends with the hub");
}

/// Does the process run? One that has ended and that nobody has waited for does not.
fn alive(pid: i64) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with('Z'))
}
