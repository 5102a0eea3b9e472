//! Servers that run as accounts of this machine. Only root can start them, so without it the setting is refused, and that
//! is what is looked at.

mod support;

use artel_platform::testkit::{Engine, fixture};
use serde_json::{Value, json};
use std::os::unix::fs::{PermissionsExt, chown};
use support::{Suite, free_url, process};

/// Accounts that every Debian has, with a home folder, and Debian's own Python, which they can run.
const ACCOUNTS: [&str; 2] = ["games", "backup"];
const PYTHON: &str = "/usr/bin/python3";

async fn read(suite: &Suite, user: &str, file: &str) -> Value {
    suite.script().get(suite.at(&format!("/user/{user}/read?{file}"))).send().await.unwrap().json().await.unwrap()
}

#[tokio::test]
async fn each_server_is_its_users_own() {
    let fixture = fixture(Engine::Sqlite).await.unwrap();
    // folders of tests are for their owner alone, an installation's data folder is not
    std::fs::set_permissions(&fixture.cx.config.data, PermissionsExt::from_mode(0o755)).unwrap();
    let stub = tempfile::Builder::new().prefix("artel-stub-").permissions(PermissionsExt::from_mode(0o755)).tempdir().unwrap();
    let program = stub.path().join("stub.py");
    std::fs::copy(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/stub.py"), &program).unwrap();
    std::fs::set_permissions(&program, PermissionsExt::from_mode(0o644)).unwrap();
    let settings: Vec<(&str, toml::Value)> = vec![
        ("admin_password", "admin's".into()),
        ("command", vec![PYTHON.to_owned(), "-B".into(), program.display().to_string()].into()),
        ("slow_seconds", 20.into()),
        ("system_accounts", true.into()),
    ];
    let cx = process(&fixture.cx, &free_url(), &settings);
    if !rustix::process::geteuid().is_root() {
        let refused = artel_hub::Hub::open(&cx).await.err().expect("the setting is refused");
        return assert!(refused.message.contains("hub.system_accounts"), "{}", refused.message);
    }
    let suite = Suite::start(cx).await;
    let hub = artel_hub::Hub::open(&suite.cx).await.unwrap();
    let (mut pids, mut uids) = (vec![], vec![]);
    for user in ACCOUNTS.into_iter().chain(["root", "stranger"]) {
        hub.add_user(user, false, None).await.unwrap();
        hub.set_password(user, "secret word").await.unwrap();
        let token = suite.token(user, "secret word").await;
        let server = suite.at(&format!("/hub/api/users/{user}/server"));
        let started = suite.script().post(&server).bearer_auth(&token).json(&json!({})).send().await.unwrap();
        if !ACCOUNTS.contains(&user) {
            assert_eq!(started.status(), 409, "{user}");
            continue;
        }
        assert_eq!(started.status(), 201, "{user}");
        let said: Value = suite.script().get(suite.at(&format!("/user/{user}/environment"))).send().await.unwrap().json().await.unwrap();
        assert_eq!(said["cwd"], said["HOME"], "in the home of the account");
        let own = read(&suite, user, "/proc/self/environ").await;
        assert!(own["bytes"].as_i64().unwrap() > 0 && own["uid"] != 0 && !own["groups"].as_array().unwrap().contains(&json!(0)), "{own}");
        uids.push(own["uid"].as_u64().unwrap());
        pids.push(said["PID"].as_u64().unwrap());
    }
    assert_ne!(uids[0], uids[1]);

    let secret = stub.path().join("of-the-first");
    std::fs::write(&secret, "a notebook").unwrap();
    std::fs::set_permissions(&secret, PermissionsExt::from_mode(0o600)).unwrap();
    chown(&secret, Some(uids[0] as u32), None).unwrap();
    assert_eq!(read(&suite, ACCOUNTS[0], &secret.display().to_string()).await["bytes"], 10);
    let data = &suite.cx.config.data;
    let others = [
        secret,
        format!("/proc/{}/environ", pids[0]).into(),
        data.join("db/hub.db"),
        data.join(format!("logs/servers/{}.log", ACCOUNTS[0])),
    ];
    for file in others {
        let seen = read(&suite, ACCOUNTS[1], &file.display().to_string()).await;
        assert_eq!(seen["error"], "Permission denied", "{}: {seen}", file.display());
    }
    suite.stop().await;
}
