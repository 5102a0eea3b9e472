//! Signing in with a password that an LDAP directory keeps: OpenLDAP, which runs here.

mod support;

use artel_platform::Context;
use artel_platform::testkit::{Engine, fixture};
use artel_proto::artel::hub::v1::Password;
use artel_proto::artel::hub::v1::authenticate_request::Credential;
use serde_json::{Value, json};
use std::time::Instant;
use support::slapd::{Slapd, file, settings};
use support::{Suite, free_url, process};

const BY_TEMPLATE: &str = "bind_dn_template = ['uid={username},ou=people,dc=lab', 'uid={username},ou=staff,dc=lab']";
const BY_SEARCH: &str = "search_base = 'dc=lab'\nsearch_user_dn = 'cn=reader,dc=lab'\nsearch_password = \"reader's\"";
const GROUPS: &str = "groups_base = 'ou=groups,dc=lab'\nadmin_groups = ['chiefs']";
const ALLOWED: &str = r#"
    allowed_groups = ["research"]
    load_roles = [{ name = "counter", scopes = ["list:users", "read:users:name"], groups = ["research"] }]
"#;

/// A context whose hub has `hub` in `[hub]` and `ldap` in `[hub.ldap]`.
fn context(cx: &Context, hub: &str, ldap: &str) -> Context {
    let table: toml::Table = hub.parse().unwrap();
    let mut all = vec![("admin_password", "admin's".into()), ("ldap", toml::Value::Table(settings(ldap)))];
    all.extend(table.iter().map(|(key, value)| (key.as_str(), value.clone())));
    process(cx, &free_url(), &all)
}

async fn directory(cx: &Context) -> Slapd {
    Slapd::start(&cx.config.data.join("slapd")).await
}

/// Who has signed in so.
async fn signed_in(suite: &Suite, name: &str, password: &str) -> Value {
    let browser = suite.browser();
    let answer = suite.log_in(&browser, name, password).await;
    assert_eq!(answer.status(), 302, "{name}: {}", answer.text().await.unwrap());
    browser.get(suite.at("/hub/api/user")).send().await.unwrap().json().await.unwrap()
}

/// What somebody is told who may not sign in so.
async fn refused(suite: &Suite, name: &str, password: &str, status: u16) -> String {
    let answer = suite.log_in(&suite.browser(), name, password).await;
    assert_eq!(answer.status(), status, "{name} {password:?}");
    answer.text().await.unwrap()
}

#[tokio::test]
async fn people_sign_in_by_their_own_names() {
    let fixture = fixture(Engine::Sqlite).await.unwrap();
    let slapd = directory(&fixture.cx).await;
    let ldap = format!("url = '{}'\n{BY_TEMPLATE}\n{GROUPS}", slapd.url);
    let suite = Suite::start(context(&fixture.cx, &format!("{ALLOWED}\nallowed_users = ['eve']"), &ldap)).await;
    let ada = signed_in(&suite, "Ada", "ada's").await;
    assert_eq!((&ada["name"], &ada["admin"], &ada["groups"]), (&json!("ada"), &json!(true), &json!(["chiefs", "research"])), "{ada}");
    let basic = Credential::Password(Password { username: "ada".into(), password: "ada's".into() });
    assert_eq!(suite.authenticate(basic).await.unwrap().name, "ada");
    // groups that have a role here give it
    let eve = signed_in(&suite, "eve", "eve's").await;
    assert_eq!((&eve["admin"], &eve["groups"]), (&json!(false), &json!(["research"])));
    assert!(eve["scopes"].as_array().unwrap().contains(&json!("list:users")), "{eve}");
    // whoever else has the name further down the list is somebody else
    assert!(refused(&suite, "eve", "other eve's", 403).await.contains("somebody else"));

    assert!(refused(&suite, "bob", "bob's", 403).await.contains("hub.allowed_users"));
    // the directory lets in who has no password, as nobody
    for (name, password) in [("ada", "wrong"), ("ada", ""), ("ada", "ada's\0"), ("ada", "bob's"), ("nobody", "ada's"), ("a+b", "")] {
        assert!(refused(&suite, name, password, 403).await.contains("Invalid username or password"));
    }
    for name in ["*", "a)(uid=*", "ada,ou=people", "o'neil (x)*"] {
        refused(&suite, name, "ada's", 403).await;
    }
    // whoever has a password here is not known by another
    assert_eq!(signed_in(&suite, "admin", "admin's").await["name"], "admin");
    for _ in 0..10 {
        suite.log_in(&suite.browser(), "bob", "wrong").await;
    }
    refused(&suite, "bob", "bob's", 429).await;
    suite.stop().await;
    slapd.stop().await;
}

#[tokio::test]
async fn people_are_found_by_what_they_type() {
    let (fixture, other) = (fixture(Engine::Sqlite).await.unwrap(), fixture(Engine::Sqlite).await.unwrap());
    let slapd = directory(&fixture.cx).await;
    let filter = "search_filter = '(|(uid={username})(mail={username}))'\nuser_attribute = 'displayName'";
    let ldap = format!("url = '{}'\n{BY_SEARCH}\n{filter}\n{GROUPS}", slapd.url);
    let suite = Suite::start(context(&fixture.cx, "allow_all = true", &ldap)).await;
    for typed in ["countess@lab.example", "ada"] {
        let ada = signed_in(&suite, typed, "ada's").await;
        // who searches sees more groups than ada
        assert_eq!((&ada["name"], &ada["groups"]), (&json!("ada"), &json!(["chiefs", "founders", "research"])), "{ada}");
    }
    let oneil = signed_in(&suite, "oneil@lab.example", "oneil's").await;
    assert_eq!((&oneil["name"], &oneil["groups"], &oneil["admin"]), (&json!("oneil"), &json!(["research"]), &json!(false)));
    assert_eq!(signed_in(&suite, "bob", "bob's").await["name"], "bob", "another language's name is another attribute");

    for (name, password) in [("ada", "wrong"), ("ada", ""), ("nobody", "ada's"), ("eve", "eve's"), ("both@lab.example", "other eve's")] {
        assert!(refused(&suite, name, password, 403).await.contains("Invalid username or password"));
    }
    // whoever chooses the administrator's name in the directory is not the administrator
    let told = refused(&suite, "mallory", "mallory's", 403).await;
    assert!(told.contains("with a password already") && !told.contains("hub.oidc"), "{told}");
    let names: Vec<String> =
        artel_hub::Hub::open(&suite.cx).await.unwrap().list_users().await.unwrap().into_iter().map(|user| user.name).collect();
    assert_eq!(names, ["ada", "admin", "bob", "oneil"]);
    suite.stop().await;

    // names of the directory that cannot be names here
    let ldap = format!("url = '{}'\n{BY_SEARCH}\nsearch_filter = '(mail={{username}})'\nuser_attribute = 'cn'", slapd.url);
    let suite = Suite::start(context(&other.cx, "allow_all = true", &ldap)).await;
    let told = refused(&suite, "countess@lab.example", "ada's", 403).await;
    assert!(told.contains("Invalid username") && told.contains("hub.ldap.user_attribute"), "{told}");
    suite.stop().await;
    slapd.stop().await;
}

#[tokio::test]
async fn a_directory_that_is_away_is_said_to_be() {
    let fixture = fixture(Engine::Sqlite).await.unwrap();
    let slapd = directory(&fixture.cx).await;
    let ldap = format!("url = '{}'\n{BY_SEARCH}", slapd.url);
    let suite = Suite::start(context(&fixture.cx, "allow_all = true", &ldap)).await;
    signed_in(&suite, "ada", "ada's").await;
    slapd.stop().await;
    let told = refused(&suite, "ada", "ada's", 503).await;
    assert!(told.contains("hub.ldap.url") && !told.contains("reader"), "{told}");
    assert_eq!(signed_in(&suite, "admin", "admin's").await["name"], "admin");
    suite.stop().await;

    // one that takes connections and says nothing
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let ldap = format!("url = 'ldap://{}'\n{BY_SEARCH}\ntimeout_seconds = 1", silent.local_addr().unwrap());
    let suite = Suite::start(context(&fixture.cx, "allow_all = true", &ldap)).await;
    let began = Instant::now();
    assert!(refused(&suite, "ada", "ada's", 503).await.contains("hub.ldap.url"));
    assert!(began.elapsed().as_secs() < 10);
    suite.stop().await;
}

#[tokio::test]
async fn what_the_directory_does_not_answer_names_its_setting() {
    let fixture = fixture(Engine::Sqlite).await.unwrap();
    let slapd = directory(&fixture.cx).await;
    for (ldap, setting) in [
        (BY_SEARCH.replace("reader's", "hunter2"), "hub.ldap.search_user_dn"),
        (BY_SEARCH.replace("'dc=lab'", "'dc=elsewhere'"), "hub.ldap.search_base"),
        (format!("{BY_TEMPLATE}\ngroups_base = 'ou=nowhere,dc=lab'"), "hub.ldap.groups_base"),
    ] {
        let suite = Suite::start(context(&fixture.cx, "allow_all = true", &format!("url = '{}'\n{ldap}", slapd.url))).await;
        let told = refused(&suite, "ada", "ada's", 503).await;
        assert!(told.contains(setting) && !told.contains("hunter2"), "{told}");
        suite.stop().await;
    }
    slapd.stop().await;
}

#[tokio::test]
async fn certificates_are_checked() {
    let fixture = fixture(Engine::Sqlite).await.unwrap();
    let slapd = directory(&fixture.cx).await;
    let trusted = format!("ca_file = '{}'", file("ca.pem").display());
    for (url, more) in [(&slapd.tls_url, ""), (&slapd.url, "start_tls = true")] {
        let ldap = format!("url = '{url}'\n{more}\n{BY_TEMPLATE}");
        let suite = Suite::start(context(&fixture.cx, "allow_all = true", &format!("{ldap}\n{trusted}"))).await;
        assert_eq!(signed_in(&suite, "ada", "ada's").await["name"], "ada", "{url}");
        refused(&suite, "ada", "wrong", 403).await;
        suite.stop().await;
        // nobody on this machine believes the certificate otherwise, nor is it for another name
        for ldap in [ldap.clone(), format!("{}\n{trusted}", ldap.replace("127.0.0.1", "localhost"))] {
            let suite = Suite::start(context(&fixture.cx, "allow_all = true", &ldap)).await;
            assert!(refused(&suite, "ada", "ada's", 503).await.contains("hub.ldap.url"), "{ldap}");
            suite.stop().await;
        }
    }
    slapd.stop().await;
}

#[tokio::test]
async fn settings_that_cannot_work_end_the_start() {
    let fixture = fixture(Engine::Sqlite).await.unwrap();
    let folder = &fixture.cx.config.data;
    std::fs::create_dir_all(folder).unwrap();
    let empty = folder.join("empty");
    std::fs::write(&empty, "\n").unwrap();
    let (empty, secret) = (empty.display(), "search_user_dn = 'cn=reader,dc=lab'\nsearch_password = 'hunter2'");
    for (ldap, named) in [
        (format!("url = 'ldap://directory.example'\n{secret}"), "hub.ldap.start_tls"),
        (format!("url = 'ldaps://directory.example'\nca_file = '/nowhere/ca.pem'\n{secret}"), "hub.ldap.ca_file"),
        (format!("url = 'ldaps://directory.example'\nca_file = '{empty}'"), "hub.ldap.ca_file"),
        (format!("url = 'ldaps://d.example'\nsearch_user_dn = 'cn=x'\nsearch_password_file = '{empty}'"), "hub.ldap.search_password_file"),
        ("url = 'ldaps://d.example'\nsearch_pasword = 'hunter2'".to_owned(), "search_password"),
    ] {
        let cx = context(&fixture.cx, "", &format!("search_base = 'dc=lab'\n{ldap}"));
        let error = artel_hub::Hub::open(&cx).await.err().unwrap_or_else(|| panic!("{ldap} was taken"));
        assert!(error.message.contains(named), "{ldap}: {error}");
        assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
    }
}
