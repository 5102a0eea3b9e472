//! Passwords that are kept elsewhere.

mod support;

use artel_platform::testkit::{Engine, fixture};
use artel_proto::artel::hub::v1::Password;
use artel_proto::artel::hub::v1::authenticate_request::Credential;
use serde_json::{Value, json};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use support::{Suite, free_url, process, slapd};

/// Rules of PAM by which `ada` and `admin` have the password `secret word` and `eve` has an account that may not be used.
fn rules(folder: &Path) {
    let check = folder.join("check");
    std::fs::create_dir_all(folder).unwrap();
    std::fs::write(&check, "#!/bin/sh\nread -r password; [ \"$password\" = 'secret word' ]\n").unwrap();
    std::fs::set_permissions(&check, std::fs::Permissions::from_mode(0o755)).unwrap();
    let rules = format!(
        "auth [success=1 default=ignore] pam_exec.so expose_authtok quiet {}\nauth requisite pam_deny.so\nauth required pam_permit.so\n\
         account required pam_succeed_if.so quiet user != eve\n",
        check.display()
    );
    std::fs::write(folder.join("artel"), rules).unwrap();
}

#[tokio::test]
async fn accounts_of_this_machine_log_in_by_pam() {
    let fixture = fixture(Engine::Sqlite).await.unwrap();
    let folder = fixture.cx.config.data.join("pam");
    rules(&folder);
    let pam: toml::Table = format!("service = \"artel\"\nfolder = \"{}\"", folder.display()).parse().unwrap();
    let settings: Vec<(&str, toml::Value)> = vec![
        ("admin_password", "admin's".into()),
        ("allowed_users", vec!["ada".to_owned(), "eve".to_owned()].into()),
        ("admin_users", vec!["root".to_owned()].into()),
        ("pam", toml::Value::Table(pam)),
    ];
    let suite = Suite::start(process(&fixture.cx, &free_url(), &settings)).await;
    let browser = suite.browser();
    assert_eq!(suite.log_in(&browser, "Ada", "secret word").await.status(), 302);
    let me: Value = browser.get(suite.at("/hub/api/user")).send().await.unwrap().json().await.unwrap();
    assert_eq!((&me["name"], &me["admin"]), (&json!("ada"), &json!(false)));
    let basic = Credential::Password(Password { username: "ada".into(), password: "secret word".into() });
    assert_eq!(suite.authenticate(basic).await.unwrap().name, "ada");
    let root = suite.browser();
    assert_eq!(suite.log_in(&root, "root", "secret word").await.status(), 302);
    let me: Value = root.get(suite.at("/hub/api/user")).send().await.unwrap().json().await.unwrap();
    assert_eq!(me["admin"], true, "by hub.admin_users");

    for (name, password) in [("ada", "wrong"), ("ada", ""), ("eve", "secret word"), ("ada", "secret word\0"), ("../x", "secret word")] {
        let refused = suite.log_in(&suite.browser(), name, password).await;
        assert_eq!(refused.status(), 403, "{name} {password:?}");
    }
    let stranger = suite.log_in(&suite.browser(), "bob", "secret word").await;
    assert_eq!(stranger.status(), 403);
    assert!(stranger.text().await.unwrap().contains("hub.allowed_users"));
    // whoever has a password here is not known by another
    assert_eq!(suite.log_in(&suite.browser(), "admin", "secret word").await.status(), 403);
    assert_eq!(suite.log_in(&suite.browser(), "admin", "admin's").await.status(), 302);
    let mut last = 0;
    for _ in 0..11 {
        last = suite.log_in(&suite.browser(), "ada", "wrong").await.status().as_u16();
    }
    assert_eq!(last, 429);
    suite.stop().await;
}

#[tokio::test]
async fn one_directory_that_is_away_is_no_hindrance_to_another() {
    let fixture = fixture(Engine::Sqlite).await.unwrap();
    let folder = fixture.cx.config.data.join("pam");
    rules(&folder);
    let pam: toml::Table = format!("service = \"artel\"\nfolder = \"{}\"", folder.display()).parse().unwrap();
    let ldap = slapd::settings(&format!("url = \"{}\"\nsearch_base = \"dc=lab\"", free_url().replace("http", "ldap")));
    let settings: Vec<(&str, toml::Value)> =
        vec![("allow_all", true.into()), ("pam", toml::Value::Table(pam)), ("ldap", toml::Value::Table(ldap))];
    let suite = Suite::start(process(&fixture.cx, &free_url(), &settings)).await;
    assert_eq!(suite.log_in(&suite.browser(), "ada", "secret word").await.status(), 302);
    // the password might be right there, and yet nobody guesses without a limit
    let mut seen = vec![];
    for _ in 0..11 {
        seen.push(suite.log_in(&suite.browser(), "ada", "wrong").await.status().as_u16());
    }
    assert_eq!((seen[0], seen[10]), (503, 429));
    suite.stop().await;
}

#[tokio::test]
async fn rules_that_are_not_there_are_said_to_be() {
    let fixture = fixture(Engine::Sqlite).await.unwrap();
    let pam: toml::Table = format!("service = \"no-such-rules\"\nfolder = \"{}\"", fixture.cx.config.data.display()).parse().unwrap();
    let settings: Vec<(&str, toml::Value)> =
        vec![("admin_password", "admin's".into()), ("allow_all", true.into()), ("pam", toml::Value::Table(pam))];
    let suite = Suite::start(process(&fixture.cx, &free_url(), &settings)).await;
    let answer = suite.log_in(&suite.browser(), "ada", "secret word").await;
    assert_eq!(answer.status(), 503);
    assert!(answer.text().await.unwrap().contains("hub.pam.service"));
    assert_eq!(suite.log_in(&suite.browser(), "admin", "admin's").await.status(), 302, "passwords of this place go on");
    suite.stop().await;
}
