//! Signing in by OpenID Connect, at a provider that runs here.

mod support;

use artel_platform::Context;
use artel_platform::testkit::{Engine, fixture, on_both_engines};
use artel_proto::artel::hub::v1::authenticate_request::Credential;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::time::Instant;
use support::provider::{Provider, location};
use support::{Suite, free_url, process, until};

const ALLOWED: &str = r#"
    allowed_groups = ["lab", "chiefs"]
    load_roles = [{ name = "counter", scopes = ["list:users", "read:users:name"], groups = ["lab"] }]
"#;

/// A hub at `url` whose users sign in at `provider`.
async fn hub(cx: &Context, url: &str, provider: &Provider, settings: &str, oidc: &str) -> Suite {
    let table: toml::Table = settings.parse().unwrap();
    let stub = std::path::PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/stub.py");
    let mut all: Vec<(&str, toml::Value)> = vec![
        ("admin_password", "admin's".into()),
        ("oidc", provider.settings(oidc)),
        ("command", vec!["python3".to_owned(), stub.display().to_string()].into()),
    ];
    all.extend(table.iter().map(|(key, value)| (key.as_str(), value.clone())));
    Suite::start(process(cx, url, &all)).await
}

async fn me(suite: &Suite, browser: &reqwest::Client) -> Value {
    browser.get(suite.at("/hub/api/user")).send().await.unwrap().json().await.unwrap()
}

fn query(url: &str) -> HashMap<String, String> {
    url::Url::parse(url).unwrap().query_pairs().into_owned().collect()
}

#[tokio::test]
async fn who_signs_in_there_is_somebody_here() {
    on_both_engines(|cx| async move {
        let url = free_url();
        let provider = Provider::start(&cx, &url, 600, true).await;
        provider.knows("s-1", json!({"preferred_username": "Ada", "groups": ["/lab", "chiefs"]})).await;
        let suite = hub(&cx, &url, &provider, ALLOWED, "admin_groups = [\"chiefs\"]\ndisplay_name = \"The lab\"").await;
        let methods: Value = suite.script().get(suite.at("/hub/api/login-methods")).send().await.unwrap().json().await.unwrap();
        assert_eq!(methods, json!({"password": true, "single_sign_on": {"name": "The lab", "url": "/hub/oauth_login"}}));

        let browser = suite.browser();
        let departure = browser.get(suite.at("/hub/oauth_login?next=%2Fp%2Fdefault%2Fnotebooks")).send().await.unwrap();
        let asked = location(&departure);
        let pairs = query(&asked);
        assert!(asked.starts_with(&format!("{}/oauth2/authorize?", provider.url)), "{asked}");
        assert_eq!((pairs["code_challenge_method"].as_str(), pairs["response_type"].as_str()), ("S256", "code"));
        assert_eq!((pairs["scope"].as_str(), &pairs["redirect_uri"]), ("openid profile email", &format!("{url}/hub/oauth_callback")));
        assert!(pairs["nonce"].len() >= 16 && pairs["state"].len() >= 16 && pairs["code_challenge"].len() == 43);
        let cookie = departure.headers()["set-cookie"].to_str().unwrap();
        assert!(cookie.contains("HttpOnly") && cookie.contains("Path=/hub/oauth_callback") && cookie.contains("SameSite=Lax"), "{cookie}");
        assert!(!cookie.contains(&pairs["nonce"]) && !cookie.contains(&pairs["state"]), "it is sealed");

        let back = provider.consent(&asked, "s-1").await;
        // who has caught the address cannot use it in another browser
        let thief = suite.browser().get(&back).send().await.unwrap();
        assert_eq!(thief.status(), 403);
        assert!(thief.text().await.unwrap().contains("not begun in this browser"));
        let arrived = browser.get(&back).send().await.unwrap();
        assert_eq!((arrived.status().as_u16(), location(&arrived).as_str()), (302, "/p/default/notebooks"), "{arrived:?}");
        let seen = me(&suite, &browser).await;
        assert_eq!((&seen["name"], &seen["admin"], &seen["groups"]), (&json!("ada"), &json!(true), &json!(["chiefs", "lab"])), "{seen}");
        let again = browser.get(suite.at("/hub/oauth_login?next=%2Fx")).send().await.unwrap();
        assert_eq!(location(&again), "/x", "who is logged in already goes on");
        // a code is good once, and so is the way back
        let replayed = suite.browser();
        assert_eq!(replayed.get(&back).send().await.unwrap().status(), 403);

        // groups that have a role here give it
        provider.knows("s-2", json!({"preferred_username": "bob", "groups": ["lab"]})).await;
        let bob = suite.browser();
        assert_eq!(provider.sign_in(&suite, &bob, "s-2").await.status(), 302);
        let seen = me(&suite, &bob).await;
        assert_eq!(seen["admin"], false);
        assert!(seen["scopes"].as_array().unwrap().contains(&json!("list:users")), "{seen}");
        suite.stop().await;
        provider.stop().await;
    })
    .await;
}

#[tokio::test]
async fn who_may_not_be_here_stays_outside() {
    let fixture = fixture(Engine::Sqlite).await.unwrap();
    let url = free_url();
    let provider = Provider::start(&fixture.cx, &url, 600, true).await;
    let settings = &format!("{ALLOWED}\nblocked_users = [\"mallory\"]\nallowed_users = [\"eve\"]");
    let suite = hub(&fixture.cx, &url, &provider, settings, "").await;
    let refused = async |subject: &str| {
        let answer = provider.sign_in(&suite, &suite.browser(), subject).await;
        assert_eq!(answer.status(), 403, "{subject}");
        answer.text().await.unwrap()
    };
    provider.knows("s-1", json!({"preferred_username": "ada", "groups": ["others"]})).await;
    assert!(refused("s-1").await.contains("hub.allowed_users"));
    provider.knows("s-2", json!({"preferred_username": "Mallory", "groups": ["lab"]})).await;
    assert!(refused("s-2").await.contains("hub.blocked_users"));
    provider.knows("s-3", json!({"groups": ["lab"]})).await;
    assert!(refused("s-3").await.contains("preferred_username"));
    provider.knows("s-4", json!({"preferred_username": "../../etc", "groups": ["lab"]})).await;
    assert!(refused("s-4").await.contains("Invalid username"));
    // whoever chooses the administrator's name is not the administrator
    provider.knows("s-5", json!({"preferred_username": "admin", "groups": ["lab"]})).await;
    assert!(refused("s-5").await.contains("hub.oidc.link_existing_users"));
    provider.knows("s-6", json!({"preferred_username": "eve"})).await;
    assert_eq!(provider.sign_in(&suite, &suite.browser(), "s-6").await.status(), 302);
    provider.knows("s-7", json!({"preferred_username": "eve", "groups": ["lab"]})).await;
    assert!(refused("s-7").await.contains("somebody else of this provider"));
    let names: Vec<String> =
        artel_hub::Hub::open(&suite.cx).await.unwrap().list_users().await.unwrap().into_iter().map(|user| user.name).collect();
    assert_eq!(names, ["admin", "eve"], "nobody else was made");

    // who changes their mind at the provider
    let departure = suite.browser().get(suite.at("/hub/oauth_login")).send().await.unwrap();
    let back = provider.deny(&location(&departure)).await;
    assert!(query(&back).contains_key("error"), "{back}");
    suite.stop().await;
    provider.stop().await;
}

#[tokio::test]
async fn the_way_back_leads_nowhere_else_and_cannot_be_guessed() {
    let fixture = fixture(Engine::Sqlite).await.unwrap();
    let url = free_url();
    let provider = Provider::start(&fixture.cx, &url, 600, true).await;
    provider.knows("s-1", json!({"preferred_username": "ada", "groups": ["lab"]})).await;
    let suite = hub(&fixture.cx, &url, &provider, ALLOWED, "auto_login = true").await;
    for next in ["%2F%2Fevil.example", "https%3A%2F%2Fevil.example", "%2F%5Cevil.example", "%2F%09%2Fevil.example"] {
        let browser = suite.browser();
        // the login page leads there by itself
        let departure = browser.get(suite.at(&format!("/hub/login?next={next}"))).send().await.unwrap();
        let back = provider.consent(&location(&departure), "s-1").await;
        let arrived = browser.get(back).send().await.unwrap();
        assert_eq!((arrived.status().as_u16(), location(&arrived).as_str()), (302, "/"), "{next}");
    }
    let browser = suite.browser();
    let denied = browser.get(suite.at("/hub/oauth_login")).send().await.unwrap();
    let back = provider.deny(&location(&denied)).await;
    let answer = browser.get(back).send().await.unwrap();
    assert_eq!(answer.status(), 403);
    assert!(answer.text().await.unwrap().contains("the sign-in provider says"));
    let mut statuses = Vec::new();
    for n in 0..12 {
        let guess = suite.browser().get(suite.at(&format!("/hub/oauth_callback?code=x{n}&state=y{n}"))).send().await.unwrap();
        statuses.push(guess.status().as_u16());
    }
    assert!(statuses[..8].iter().all(|s| *s == 403) && statuses[10..] == [429, 429], "{statuses:?}");
    suite.stop().await;
    provider.stop().await;
}

#[tokio::test]
async fn who_the_provider_forgets_is_out_everywhere() {
    on_both_engines(|cx| async move {
        let url = free_url();
        let provider = Provider::start(&cx, &url, 600, true).await;
        provider.knows("s-1", json!({"preferred_username": "ada", "groups": ["lab"]})).await;
        let suite = hub(&cx, &url, &provider, ALLOWED, "refresh_seconds = 1").await;
        let browser = suite.browser();
        assert_eq!(provider.sign_in(&suite, &browser, "s-1").await.status(), 302);
        let script = suite.script();
        let token: Value =
            browser.post(suite.at("/hub/api/users/ada/tokens")).json(&json!({"note": "mine"})).send().await.unwrap().json().await.unwrap();
        let token = token["token"].as_str().unwrap_or_else(|| panic!("{token}")).to_owned();
        let started = script.post(suite.at("/hub/api/users/ada/server")).bearer_auth(&token).send().await.unwrap();
        assert_eq!(started.status(), 201);
        let admin = suite.token("admin", "admin's").await;

        // what is kept of the sign-in: sealed at rest, shown to whom it is for
        let shown: Value = script.get(suite.at("/hub/api/users/ada")).bearer_auth(&admin).send().await.unwrap().json().await.unwrap();
        let secret = shown["auth_state"]["refresh_token"].as_str().unwrap_or_else(|| panic!("{shown}")).to_owned();
        assert_eq!(shown["auth_state"]["oauth_user"]["preferred_username"], "ada");
        let own: Value = browser.get(suite.at("/hub/api/users/ada")).send().await.unwrap().json().await.unwrap();
        assert!(own["auth_state"].is_null(), "not to themselves: {own}");
        assert!(!stored(&cx).contains(&secret), "the refresh token is not in the files");

        // another group there is another group here, at the next refresh
        provider.knows("s-1", json!({"preferred_username": "ada", "groups": ["chiefs"]})).await;
        until("the new group", 15, || async { (me(&suite, &browser).await["groups"] == json!(["chiefs"])).then_some(()) }).await;

        provider.forgets("s-1").await;
        let began = Instant::now();
        until("ada to be out", 15, || async { (me(&suite, &browser).await["status"] == 403).then_some(()) }).await;
        assert!(began.elapsed().as_secs() < 8, "out after {:?}", began.elapsed());
        assert!(suite.authenticate(Credential::Token(token.clone())).await.is_none(), "their tokens are no use");
        until("their server to end", 15, || async {
            let server: Value =
                script.get(suite.at("/hub/api/users/ada/server")).bearer_auth(&admin).send().await.unwrap().json().await.unwrap();
            (server["stopped"] == true).then_some(())
        })
        .await;

        // who can sign in again is there again
        assert_eq!(provider.sign_in(&suite, &browser, "s-1").await.status(), 302);
        assert!(suite.authenticate(Credential::Token(token)).await.is_some());

        // who leaves the groups that may be here is out too
        provider.knows("s-1", json!({"preferred_username": "ada", "groups": ["others"]})).await;
        until("ada to be out again", 15, || async { (me(&suite, &browser).await["status"] == 403).then_some(()) }).await;
        suite.stop().await;
        provider.stop().await;
    })
    .await;
}

/// Every byte that SQLite keeps, as far as it is text; on PostgreSQL nothing.
fn stored(cx: &Context) -> String {
    let folder = cx.config.data.join("db");
    let files = std::fs::read_dir(folder).into_iter().flatten().filter_map(|entry| std::fs::read(entry.ok()?.path()).ok());
    files.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).collect()
}

#[tokio::test]
async fn without_a_refresh_token_a_browser_has_to_come_again() {
    let fixture = fixture(Engine::Sqlite).await.unwrap();
    let url = free_url();
    let provider = Provider::start(&fixture.cx, &url, 4, false).await;
    provider.knows("s-1", json!({"preferred_username": "ada", "groups": ["lab"]})).await;
    let suite = hub(&fixture.cx, &url, &provider, ALLOWED, "refresh_seconds = 1").await;
    let browser = suite.browser();
    assert_eq!(provider.sign_in(&suite, &browser, "s-1").await.status(), 302);
    let token: Value = browser.post(suite.at("/hub/api/users/ada/tokens")).send().await.unwrap().json().await.unwrap();
    let token = token["token"].as_str().unwrap().to_owned();
    assert_eq!(me(&suite, &browser).await["name"], "ada");
    until("the session to end with the access token", 20, || async { (me(&suite, &browser).await["status"] == 403).then_some(()) }).await;
    assert!(suite.authenticate(Credential::Token(token.clone())).await.is_some(), "nothing is known against them");

    // a provider that is away shuts nobody out, and lets nobody in
    assert_eq!(provider.sign_in(&suite, &browser, "s-1").await.status(), 302);
    provider.stop().await;
    let other = suite.browser().get(suite.at("/hub/oauth_callback?code=x&state=y")).send().await.unwrap();
    assert_eq!(other.status(), 403);
    assert!(suite.authenticate(Credential::Token(token)).await.is_some());
    assert_eq!(suite.log_in(&suite.browser(), "admin", "admin's").await.status(), 302, "passwords need no provider");
    suite.stop().await;
}

#[tokio::test]
async fn blocked_users_are_out_whatever_they_know() {
    let fixture = fixture(Engine::Sqlite).await.unwrap();
    let start = async |blocked: &[&str]| {
        let blocked: Vec<toml::Value> = blocked.iter().map(|name| (*name).into()).collect();
        let settings = [("admin_password", "admin's".into()), ("blocked_users", toml::Value::Array(blocked))];
        Suite::start(process(&fixture.cx, &free_url(), &settings)).await
    };
    let suite = start(&[]).await;
    artel_hub::Hub::open(&suite.cx).await.unwrap().add_user("ada", false, Some("ada's")).await.unwrap();
    let token = suite.token("ada", "ada's").await;
    suite.stop().await;

    let suite = start(&["Ada", "eve"]).await;
    assert!(suite.authenticate(Credential::Token(token.clone())).await.is_none());
    let refused = suite.log_in(&suite.browser(), "ada", "ada's").await;
    assert_eq!(refused.status(), 403);
    let admin = suite.token("admin", "admin's").await;
    let made = suite.script().post(suite.at("/hub/api/users/eve")).bearer_auth(&admin).send().await.unwrap();
    assert_eq!(made.status(), 403, "{}", made.text().await.unwrap());
    let methods: Value = suite.script().get(suite.at("/hub/api/login-methods")).send().await.unwrap().json().await.unwrap();
    assert_eq!(methods, json!({"password": true}));
    assert_eq!(suite.script().get(suite.at("/hub/oauth_login")).send().await.unwrap().status(), 404);
    suite.stop().await;

    let suite = start(&[]).await;
    assert!(suite.authenticate(Credential::Token(token)).await.is_some(), "who is blocked no more is there again");
    suite.stop().await;
}
