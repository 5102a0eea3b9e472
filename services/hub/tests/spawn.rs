//! What servers are started with and how long they run: profiles, limits, hooks, homes, culling. The servers are small
//! stubs; a real one is in `notebook.rs`.

mod support;

use artel_platform::Context;
use artel_platform::testkit::{Engine, fixture, on_both_engines};
use reqwest::Response;
use serde_json::{Value, json};
use std::path::PathBuf;
use support::{Suite, free_url, process, until};

/// A hub with these settings whose servers are stubs, with the users `ada` and `bob`.
async fn suite(cx: &Context, settings: &str) -> Suite {
    let stub = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/stub.py");
    let table: toml::Table = settings.parse().unwrap();
    let mut all: Vec<(&str, toml::Value)> = vec![
        ("admin_password", "admin's".into()),
        ("command", vec!["python3".to_owned(), stub.display().to_string()].into()),
        ("slow_seconds", 20.into()),
    ];
    all.extend(table.iter().map(|(key, value)| (key.as_str(), value.clone())));
    let suite = Suite::start(process(cx, &free_url(), &all)).await;
    let hub = artel_hub::Hub::open(&suite.cx).await.unwrap();
    for user in ["ada", "bob"] {
        // the settings, or an earlier hub, may have made them
        let _ = hub.add_user(user, false, None).await;
        hub.set_password(user, &format!("{user}'s")).await.unwrap();
    }
    suite
}

async fn start(suite: &Suite, user: &str, token: &str, body: Value) -> Response {
    suite.script().post(suite.at(&format!("/hub/api/users/{user}/server"))).bearer_auth(token).json(&body).send().await.unwrap()
}

async fn stop(suite: &Suite, user: &str, token: &str) {
    let stopped = suite.script().delete(suite.at(&format!("/hub/api/users/{user}/server"))).bearer_auth(token).send().await.unwrap();
    assert_eq!(stopped.status(), 204);
}

async fn model(suite: &Suite, user: &str, token: &str) -> Value {
    let shown = suite.script().get(suite.at(&format!("/hub/api/users/{user}/server"))).bearer_auth(token).send().await.unwrap();
    shown.json().await.unwrap()
}

async fn environment(suite: &Suite, user: &str) -> Value {
    suite.script().get(suite.at(&format!("/user/{user}/environment"))).send().await.unwrap().json().await.unwrap()
}

async fn message(answer: Response) -> String {
    let body: Value = answer.json().await.unwrap();
    body["message"].as_str().unwrap_or_else(|| panic!("{body}")).to_owned()
}

/// Seconds of the header.
fn retry_after(answer: &Response) -> u64 {
    answer.headers()["retry-after"].to_str().unwrap().parse().unwrap()
}

const PROFILES: &str = r#"
    memory_mib = 900
    limits = "rlimit"
    environment = { PLACE = "{data}|{username}|{servername}" }
    load_groups = { research = { users = ["bob"] } }
    [[profiles]]
    slug = "small"
    display_name = "Small & <quiet>"
    [[profiles]]
    slug = "wide"
    description = "For <b>all</b>"
    default = true
    overrides = { environment = { KIND = "wide" }, arguments = ["--wide"], default_url = "/tree" }
    options = [{ name = "size", display_name = "Size", choices = [{ name = "s" }, { name = "l", overrides = { environment = { SIZE = "l" }, memory_mib = 1200 } }] }]
    [[profiles]]
    slug = "gpu"
    groups = ["research"]
    overrides = { environment = { KIND = "gpu" } }
"#;

#[tokio::test]
async fn a_profile_is_chosen_on_a_page_without_scripts() {
    let fixture = fixture(Engine::Sqlite).await.unwrap();
    let suite = suite(&fixture.cx, PROFILES).await;
    let browser = suite.browser();
    suite.log_in(&browser, "ada", "ada's").await;
    let form = browser.get(suite.at("/hub/spawn?next=%2Fuser%2Fada%2Fenvironment")).send().await.unwrap();
    assert_eq!(form.status(), 200);
    let form = form.text().await.unwrap();
    assert!(form.contains("Small &amp; &lt;quiet&gt;") && form.contains("For &lt;b&gt;all&lt;/b&gt;"), "{form}");
    assert!(form.contains("value=\"wide\" checked") && !form.contains("value=\"gpu\"") && !form.contains("<script"), "{form}");
    let action = form.split("action=\"").nth(1).unwrap().split('"').next().unwrap().replace("&amp;", "&");
    assert!(action.starts_with("/hub/spawn/ada?next=%2Fuser%2Fada%2Fenvironment&_xsrf="), "{action}");

    let fields = [("profile", "wide"), ("profile-option-wide--size", "l")];
    let started = browser.post(suite.at(&action)).form(&fields).send().await.unwrap();
    let pending = started.headers()["location"].to_str().unwrap().to_owned();
    assert_eq!((started.status().as_u16(), pending.as_str()), (302, "/hub/spawn-pending/ada?next=%2Fuser%2Fada%2Fenvironment"));
    let ready = until("the pending page to lead to the server", 20, || async {
        let page = browser.get(suite.at(&pending)).send().await.unwrap();
        if page.status() == 200 {
            assert_eq!(page.headers()["refresh"], "1");
            assert!(page.text().await.unwrap().contains("<progress"));
            return None;
        }
        Some(page)
    })
    .await;
    assert_eq!((ready.status().as_u16(), ready.headers()["location"].to_str().unwrap()), (302, "/user/ada/environment"));
    let seen = environment(&suite, "ada").await;
    assert_eq!((&seen["KIND"], &seen["SIZE"], &seen["argv"]), (&json!("wide"), &json!("l"), &json!(["--wide"])));
    assert_eq!((&seen["MEM_LIMIT"], &seen["JUPYTERHUB_DEFAULT_URL"]), (&json!((1200u64 << 20).to_string()), &json!("/tree")));
    assert_eq!(seen["PLACE"], json!(format!("{}|ada|", fixture.cx.config.data.display())));
    let again = browser.get(suite.at("/hub/spawn")).send().await.unwrap();
    assert_eq!(again.headers()["location"], "/user/ada/", "it runs");
    let stranger = suite.browser();
    suite.log_in(&stranger, "bob", "bob's").await;
    assert_eq!(stranger.get(suite.at("/hub/spawn-pending/ada")).send().await.unwrap().status(), 404);
    assert_eq!(stranger.post(suite.at("/hub/spawn/ada")).form(&fields).send().await.unwrap().status(), 404);
    suite.stop().await;
}

#[tokio::test]
async fn a_profile_is_chosen_by_the_api() {
    on_both_engines(|cx| async move {
        let suite = suite(&cx, PROFILES).await;
        let (ada, bob) = (suite.token("ada", "ada's").await, suite.token("bob", "bob's").await);
        for (wanted, named) in [
            (json!({"profile": "huge"}), "user_options.profile"),
            (json!({"profile": "gpu"}), "choose one of small, wide"),
            (json!({"user_options": {"profile": "wide", "size": "xl"}}), "user_options.size"),
            (json!({"profile": "small", "colour": "red"}), "user_options.colour"),
        ] {
            let refused = start(&suite, "ada", &ada, wanted.clone()).await;
            assert_eq!(refused.status(), 400, "{wanted}");
            let why = message(refused).await;
            assert!(why.contains(named), "{wanted}: {why}");
        }
        let started = start(&suite, "bob", &bob, json!({"profile": "gpu"})).await;
        assert_eq!(started.status(), 201, "{}", started.text().await.unwrap());
        assert_eq!(environment(&suite, "bob").await["KIND"], "gpu");
        stop(&suite, "bob", &bob).await;
        // the choice is kept for a start that says nothing
        assert_eq!(start(&suite, "bob", &bob, json!({})).await.status(), 201);
        assert_eq!(environment(&suite, "bob").await["KIND"], "gpu");
        let list = |token: String| suite.script().get(suite.at("/hub/api/profiles")).bearer_auth(token).send();
        let slugs = |list: Value| list.as_array().unwrap().iter().map(|p| p["slug"].as_str().unwrap().to_owned()).collect::<Vec<_>>();
        assert_eq!(slugs(list(ada).await.unwrap().json().await.unwrap()), ["small", "wide"]);
        assert_eq!(slugs(list(bob).await.unwrap().json().await.unwrap()), ["small", "wide", "gpu"]);
        suite.stop().await;
    })
    .await;
}

#[tokio::test]
async fn a_server_gets_no_more_memory_than_its_limit() {
    let fixture = fixture(Engine::Sqlite).await.unwrap();
    let suite = suite(&fixture.cx, "memory_mib = 300\nlimits = \"rlimit\"").await;
    let ada = suite.token("ada", "ada's").await;
    assert_eq!(start(&suite, "ada", &ada, json!({})).await.status(), 201);
    let fits = async |mib: u64| {
        let answer: Value = suite.script().get(suite.at(&format!("/user/ada/allocate?{mib}"))).send().await.unwrap().json().await.unwrap();
        answer["fits"].as_bool().unwrap()
    };
    assert!(fits(100).await);
    assert!(!fits(400).await);
    suite.stop().await;
}

#[tokio::test]
async fn too_many_servers_are_refused_with_a_time_to_come_back() {
    on_both_engines(|cx| async move {
        let suite =
            suite(&cx, "concurrent_spawn_limit = 1\nactive_server_limit = 1\nspawn_throttle_retry_range = [40, 50]\nslow_seconds = 0")
                .await;
        let (ada, bob) = (suite.token("ada", "ada's").await, suite.token("bob", "bob's").await);
        let home = cx.config.data.join("homes/ada");
        std::fs::create_dir_all(&home).unwrap();
        std::fs::write(home.join("silent"), "").unwrap();
        assert_eq!(start(&suite, "ada", &ada, json!({})).await.status(), 202);
        let refused = start(&suite, "bob", &bob, json!({})).await;
        assert_eq!(refused.status(), 429);
        assert!((40..=50).contains(&retry_after(&refused)), "{}", retry_after(&refused));
        assert!(message(refused).await.contains("hub.concurrent_spawn_limit"));
        let browser = suite.browser();
        suite.log_in(&browser, "bob", "bob's").await;
        let page = browser.get(suite.at("/hub/spawn")).send().await.unwrap();
        assert_eq!(page.status(), 429);
        assert!((40..=50).contains(&retry_after(&page)) && page.text().await.unwrap().contains("try again in"));

        std::fs::remove_file(home.join("silent")).unwrap();
        until("ada's server", 20, || async { (model(&suite, "ada", &ada).await["ready"] == true).then_some(()) }).await;
        let refused = start(&suite, "bob", &bob, json!({})).await;
        assert_eq!((refused.status().as_u16(), retry_after(&refused)), (429, 120));
        assert!(message(refused).await.contains("hub.active_server_limit"));
        suite.stop().await;
    })
    .await;
}

#[tokio::test]
async fn a_server_that_fails_again_and_again_has_to_wait() {
    on_both_engines(|cx| async move {
        let settings = "consecutive_failure_limit = 2\nfailure_pause_seconds = 60\ncommand = [\"sh\", \"-c\", \"echo no luck; exit 4\"]";
        let suite = suite(&cx, settings).await;
        let ada = suite.token("ada", "ada's").await;
        for _ in 0..2 {
            let failed = start(&suite, "ada", &ada, json!({})).await;
            assert_eq!(failed.status(), 409);
            let why = message(failed).await;
            assert!(why.contains("exit code 4") && why.contains("no luck"), "{why}");
        }
        let refused = start(&suite, "ada", &ada, json!({})).await;
        assert_eq!(refused.status(), 429);
        assert!((50..=60).contains(&retry_after(&refused)));
        let why = message(refused).await;
        assert!(why.contains("2 times in a row") && why.contains("exit code 4"), "{why}");
        let browser = suite.browser();
        suite.log_in(&browser, "ada", "ada's").await;
        let page = browser.get(suite.at("/hub/spawn-pending/ada")).send().await.unwrap();
        assert_eq!(page.status(), 424);
        assert!(page.text().await.unwrap().contains("no luck"));
        suite.stop().await;
        // one success, and the count begins anew
        let suite = self::suite(&cx, "consecutive_failure_limit = 3\nfailure_pause_seconds = 60").await;
        let ada = suite.token("ada", "ada's").await;
        assert_eq!(start(&suite, "ada", &ada, json!({})).await.status(), 201);
        // a proxy that has not heard of it yet sends people here: it has not stopped
        let early = suite.script().get(suite.at("/hub/user/ada/api/status")).bearer_auth(&ada).send().await.unwrap();
        assert_eq!((early.status().as_u16(), retry_after(&early)), (503, 1));
        suite.stop().await;
        let suite = self::suite(&cx, settings).await;
        let ada = suite.token("ada", "ada's").await;
        assert_eq!(start(&suite, "ada", &ada, json!({})).await.status(), 409);
        assert_eq!(start(&suite, "ada", &ada, json!({})).await.status(), 409);
        suite.stop().await;
    })
    .await;
}

#[tokio::test]
async fn what_nobody_uses_is_stopped_but_not_what_computes() {
    on_both_engines(|cx| async move {
        let suite = suite(&cx, "cull_idle_seconds = 2\ncull_every_seconds = 1\ncull_removes_named_servers = true").await;
        let (ada, bob) = (suite.token("ada", "ada's").await, suite.token("bob", "bob's").await);
        let home = cx.config.data.join("homes/ada");
        std::fs::create_dir_all(&home).unwrap();
        std::fs::write(home.join("busy"), "").unwrap();
        assert_eq!(start(&suite, "ada", &ada, json!({})).await.status(), 201);
        assert_eq!(start(&suite, "bob", &bob, json!({})).await.status(), 201);
        let named = suite.script().post(suite.at("/hub/api/users/bob/servers/second")).bearer_auth(&bob).send().await.unwrap();
        assert_eq!(named.status(), 201);
        until("bob's servers to be culled", 30, || async { (model(&suite, "bob", &bob).await["stopped"] == true).then_some(()) }).await;
        until("his named one to be forgotten", 30, || async {
            let gone = suite.script().get(suite.at("/hub/api/users/bob/servers/second")).bearer_auth(&bob).send().await.unwrap();
            (gone.status() == 404).then_some(())
        })
        .await;
        let busy = model(&suite, "ada", &ada).await;
        assert_eq!(busy["ready"], true, "{busy}");
        assert!(busy["last_activity"].as_str() > busy["started"].as_str(), "what computes is active: {busy}");
        let tokens = suite.script().get(suite.at("/hub/api/users/ada/tokens")).bearer_auth(&ada).send().await.unwrap();
        assert!(!tokens.text().await.unwrap().contains("idle?"), "the question's token is gone");
        std::fs::remove_file(home.join("busy")).unwrap();
        let culled =
            until("ada's server to be culled", 30, || async { Some(model(&suite, "ada", &ada).await).filter(|m| m["stopped"] == true) })
                .await;
        assert!(culled["failure"].is_null(), "{culled}");
        suite.stop().await;
    })
    .await;
}

#[tokio::test]
async fn a_profile_may_say_how_old_a_server_gets() {
    let fixture = fixture(Engine::Sqlite).await.unwrap();
    let settings =
        "cull_every_seconds = 1\n[[profiles]]\nslug = \"long\"\n[[profiles]]\nslug = \"short\"\noverrides = { cull_max_age_seconds = 2 }";
    let suite = suite(&fixture.cx, settings).await;
    let (ada, bob) = (suite.token("ada", "ada's").await, suite.token("bob", "bob's").await);
    std::fs::create_dir_all(fixture.cx.config.data.join("homes/bob")).unwrap();
    std::fs::write(fixture.cx.config.data.join("homes/bob/busy"), "").unwrap();
    assert_eq!(start(&suite, "ada", &ada, json!({"profile": "long"})).await.status(), 201);
    assert_eq!(start(&suite, "bob", &bob, json!({"profile": "short"})).await.status(), 201);
    until("bob's server to be too old, busy or not", 30, || async { (model(&suite, "bob", &bob).await["stopped"] == true).then_some(()) })
        .await;
    assert_eq!(model(&suite, "ada", &ada).await["ready"], true);
    suite.stop().await;
}

#[tokio::test]
async fn hooks_run_and_homes_are_made() {
    let fixture = fixture(Engine::Sqlite).await.unwrap();
    let data = fixture.cx.config.data.clone();
    std::fs::create_dir_all(data.join("skel")).unwrap();
    std::fs::write(data.join("skel/welcome.md"), "hello").unwrap();
    let settings = format!(
        r#"
        home = "people/{{username}}"
        home_skeleton = "skel"
        pre_spawn_hook = ["sh", "-c", "echo $JUPYTERHUB_USER $ARTEL_USER_HOME $ARTEL_USER_OPTIONS >> {0}/before; test $JUPYTERHUB_USER = ada || {{ echo no place for $JUPYTERHUB_USER >&2; exit 1; }}"]
        post_stop_hook = ["sh", "-c", "echo $JUPYTERHUB_USER >> {0}/after"]
        "#,
        data.display()
    );
    let suite = suite(&fixture.cx, &settings).await;
    let (ada, bob) = (suite.token("ada", "ada's").await, suite.token("bob", "bob's").await);
    assert_eq!(start(&suite, "ada", &ada, json!({"n": 1})).await.status(), 201);
    let home = data.join("people/ada");
    assert_eq!(environment(&suite, "ada").await["cwd"], json!(home));
    assert_eq!(std::fs::read_to_string(home.join("welcome.md")).unwrap(), "hello");
    assert_eq!(std::fs::read_to_string(data.join("before")).unwrap(), format!("ada {} {{\"n\":1}}\n", home.display()));
    stop(&suite, "ada", &ada).await;
    assert_eq!(std::fs::read_to_string(data.join("after")).unwrap(), "ada\n");
    let refused = start(&suite, "bob", &bob, json!({})).await;
    assert_eq!(refused.status(), 409);
    let why = message(refused).await;
    assert!(why.contains("hub.pre_spawn_hook failed") && why.contains("no place for bob"), "{why}");
    assert!(!data.join("people/bob").exists(), "nothing was started");
    suite.stop().await;
}
