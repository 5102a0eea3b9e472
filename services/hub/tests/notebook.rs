//! A real `jupyterhub-singleuser`: started, opened, left alone by a hub that goes, found by the next one, stopped.

mod support;

use artel_platform::Context;
use artel_platform::testkit::{Engine, fixture, on_both_engines};
use artel_proto::artel::hub::v1::ListRoutesRequest;
use artel_proto::artel::hub::v1::authenticate_request::Credential;
use serde_json::{Value, json};
use std::path::Path;
use support::{Suite, free_url, oauth, process, until};

const CODE: &str =
    "import os; print(1+1, os.environ['MLFLOW_TRACKING_URI'], os.environ['MLFLOW_TRACKING_TOKEN'], os.environ['ARTEL_LAUNCH'])";

async fn start(cx: &Context, url: &str, stop_servers_on_exit: bool) -> Suite {
    let settings =
        [("admin_password", "admin's".into()), ("slow_seconds", 0.into()), ("stop_servers_on_exit", stop_servers_on_exit.into())];
    Suite::start(process(cx, url, &settings)).await
}

async fn with_ada(suite: &Suite) -> (reqwest::Client, String) {
    let admin = suite.token("admin", "admin's").await;
    let ada =
        suite.script().post(suite.at("/hub/api/users/ada")).bearer_auth(&admin).json(&json!({"password": "ada's"})).send().await.unwrap();
    assert!(ada.status().is_success());
    (suite.script(), suite.token("ada", "ada's").await)
}

/// Every event of a start.
async fn progress(suite: &Suite, token: &str) -> Vec<Value> {
    let answer = suite.script().get(suite.at("/hub/api/users/ada/server/progress")).bearer_auth(token).send().await.unwrap();
    assert_eq!(answer.headers()["content-type"], "text/event-stream");
    let text = answer.text().await.unwrap();
    text.lines().filter_map(|line| line.strip_prefix("data: ")).map(|data| serde_json::from_str(data).unwrap()).collect()
}

async fn model(suite: &Suite, token: &str) -> Value {
    suite.script().get(suite.at("/hub/api/users/ada/server")).bearer_auth(token).send().await.unwrap().json().await.unwrap()
}

async fn routes(suite: &Suite) -> Vec<String> {
    let listed = suite.cx.peers.hub().list_routes(ListRoutesRequest {}).await.unwrap().into_inner();
    listed.routes.into_iter().map(|r| format!("{} {} {}", r.prefix, r.user, r.server)).collect()
}

/// What `CODE` prints in a kernel.
async fn run_in_kernel(suite: &Suite) -> Vec<String> {
    let environment = suite.cx.python.ensure("notebook", &artel_platform::python::Requirements::Set("notebook")).await.unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/kernel.py");
    let output =
        tokio::process::Command::new(environment.python()).arg(script).args([&suite.url, "ada", "ada's", CODE]).output().await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().split_whitespace().map(Into::into).collect()
}

/// Processes that carry the mark of a launch.
fn marked(launch: &str) -> Vec<String> {
    let mark = format!("ARTEL_LAUNCH={launch}");
    let entries = std::fs::read_dir("/proc").unwrap().filter_map(|e| e.ok()?.file_name().into_string().ok());
    entries
        .filter(|pid| {
            std::fs::read(format!("/proc/{pid}/environ")).is_ok_and(|environ| environ.split(|b| *b == 0).any(|v| v == mark.as_bytes()))
        })
        .collect()
}

/// OAuth against the running server of `ada`.
async fn codes_are_bound_and_spent(suite: &Suite, ada: &str) {
    let pid = model(suite, &suite.token("admin", "admin's").await).await["state"]["pid"].as_i64().unwrap();
    let environ = std::fs::read(format!("/proc/{pid}/environ")).unwrap();
    let secret =
        environ.split(|b| *b == 0).find_map(|v| std::str::from_utf8(v).ok()?.strip_prefix("JUPYTERHUB_API_TOKEN=")).unwrap().to_owned();
    let own = suite.authenticate(Credential::Token(secret.clone())).await.unwrap();
    assert_eq!((own.kind.as_str(), own.scopes.len()), ("server", 5), "{own:?}");

    let stranger = oauth::ask(suite, &suite.browser()).await;
    let login = stranger.headers()["location"].to_str().unwrap();
    assert!(login.starts_with("/hub/login?next=%2Fhub%2Fapi%2Foauth2%2Fauthorize%3Fclient_id"), "{login}");
    let bearer = suite.script().get(suite.at(&oauth::question("/user/ada/oauth_callback"))).bearer_auth(ada).send().await.unwrap();
    assert!(bearer.headers()["location"].to_str().unwrap().starts_with("/hub/login"), "a token is nobody at a browser");

    let browser = suite.browser();
    suite.log_in(&browser, "ada", "ada's").await;
    for elsewhere in ["https://evil.example/oauth_callback", "//evil.example/user/ada/oauth_callback", "/user/ada/lab"] {
        assert_eq!(browser.get(suite.at(&oauth::question(elsewhere))).send().await.unwrap().status(), 400, "{elsewhere}");
    }
    let refused = (400, json!({"error": "invalid_grant"}));
    let code = oauth::code(&oauth::ask(suite, &browser).await);
    assert_eq!(oauth::exchange(suite, ada, &code, oauth::VERIFIER).await, (401, json!({"error": "invalid_client"})));
    assert_eq!(oauth::exchange(suite, &secret, &code, "another verifier").await, refused);
    assert_eq!(oauth::exchange(suite, &secret, &code, oauth::VERIFIER).await, refused, "it was shown once");
    let code = oauth::code(&oauth::ask(suite, &browser).await);
    let (status, granted) = oauth::exchange(suite, &secret, &code, oauth::VERIFIER).await;
    assert_eq!((status, granted["token_type"].as_str(), granted["expires_in"].as_i64()), (200, Some("Bearer"), Some(1_209_600)));
    let token = granted["access_token"].as_str().unwrap().to_owned();
    let scopes = suite.authenticate(Credential::Token(token.clone())).await.unwrap().scopes;
    assert_eq!(scopes, ["access:servers!server=ada/", "read:users:groups!user=ada", "read:users:name!user=ada"]);

    // somebody else has to agree first, or may not at all
    let admin = suite.browser();
    suite.log_in(&admin, "admin", "admin's").await;
    let asked = oauth::ask(suite, &admin).await;
    assert_eq!(asked.status(), 200);
    assert!(asked.text().await.unwrap().contains("<b>Server at /user/ada/</b>"));
    let agreed = admin.post(suite.at(&oauth::question("/user/ada/oauth_callback"))).send().await.unwrap();
    assert_eq!(agreed.status(), 302);
    let hub = artel_hub::Hub::open(&suite.cx).await.unwrap();
    hub.add_user("bob", false, Some("bob's")).await.unwrap();
    let bob = suite.browser();
    suite.log_in(&bob, "bob", "bob's").await;
    assert_eq!(oauth::ask(suite, &bob).await.status(), 403);

    browser.post(suite.at("/hub/logout")).send().await.unwrap();
    assert!(suite.authenticate(Credential::Token(token)).await.is_none(), "it ends with the session");
}

/// A browser that has opened the server cannot use it any more soon after it has signed out.
async fn who_signs_out_is_out_of_the_server(suite: &Suite) {
    let browser = suite.browser();
    suite.log_in(&browser, "ada", "ada's").await;
    let mut next = "/user/ada/lab".to_owned();
    for _ in 0..8 {
        let answer = browser.get(suite.at(&next)).send().await.unwrap();
        match answer.headers().get("location") {
            Some(location) => next = location.to_str().unwrap().to_owned(),
            None => break,
        }
    }
    let status = || async { browser.get(suite.at("/user/ada/api/status")).send().await.unwrap().status().as_u16() };
    assert_eq!(status().await, 200, "it was opened by {next}");
    browser.post(suite.at("/hub/logout")).send().await.unwrap();
    let out = std::time::Instant::now();
    until("the server to know", 15, || async { (status().await != 200).then_some(()) }).await;
    assert!(out.elapsed().as_secs_f64() < 6.0, "{:?}", out.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_is_started_opened_left_found_and_stopped() {
    on_both_engines(the_life_of_a_server).await;
}

async fn the_life_of_a_server(cx: Context) {
    let url = free_url();
    let first = start(&cx, &url, false).await;
    let (script, ada) = with_ada(&first).await;
    let server = first.at("/hub/api/users/ada/server");

    // not there yet: a page leads to the web app, a script is told, strangers are sent to log in
    let browser = first.browser();
    first.log_in(&browser, "ada", "ada's").await;
    let page = browser.get(first.at("/user/ada/lab")).send().await.unwrap();
    assert_eq!((page.status().as_u16(), page.headers()["location"].to_str().unwrap()), (302, "/p/default/notebooks"));
    let api = browser.get(first.at("/user/ada/api/contents")).send().await.unwrap();
    assert_eq!(api.status(), 424);
    assert!(api.json::<Value>().await.unwrap()["message"].as_str().unwrap().ends_with(&format!("{url}/hub/spawn/ada")));
    let stranger = first.browser().get(first.at("/user/ada/lab?a=b")).send().await.unwrap();
    assert_eq!(stranger.headers()["location"], "/hub/login?next=%2Fuser%2Fada%2Flab%3Fa%3Db");
    assert_eq!(browser.get(first.at("/user/admin/lab")).send().await.unwrap().status(), 404);

    assert_eq!(script.post(&server).bearer_auth(&ada).send().await.unwrap().status(), 202);
    assert_eq!(script.post(&server).bearer_auth(&ada).send().await.unwrap().status(), 202, "it is on its way");
    let steps = progress(&first, &ada).await;
    assert_eq!(steps.first().unwrap()["message"], "Server requested", "{steps:?}");
    let last = steps.last().unwrap();
    assert_eq!((&last["ready"], &last["url"], &last["progress"]), (&json!(true), &json!("/user/ada/"), &json!(100)), "{steps:?}");
    assert!(steps.windows(2).all(|pair| pair[0]["progress"].as_i64() <= pair[1]["progress"].as_i64()), "{steps:?}");
    assert_eq!(script.post(&server).bearer_auth(&ada).send().await.unwrap().status(), 400, "it runs");
    assert_eq!(routes(&first).await, ["/user/ada/ ada "]);

    let printed = run_in_kernel(&first).await;
    let [two, tracking, token, launch] = printed.as_slice() else { panic!("{printed:?}") };
    assert_eq!((two.as_str(), tracking), ("2", &url));
    let kernel = first.authenticate(Credential::Token(token.clone())).await.unwrap();
    assert!(
        kernel.name == "ada"
            && kernel.scopes.contains(&"experiments".into())
            && !kernel.scopes.iter().any(|s| s.contains("servers") || s.contains("tokens")),
        "{kernel:?}"
    );
    let active = model(&first, &ada).await;
    assert!(active["ready"] == true && active["last_activity"].is_string() && active["pending"].is_null(), "{active}");

    codes_are_bound_and_spent(&first, &ada).await;
    who_signs_out_is_out_of_the_server(&first).await;

    // the hub goes, the server stays; the next hub has it again
    first.stop().await;
    assert!(!marked(launch).is_empty());
    let second = start(&cx, &url, false).await;
    assert_eq!(routes(&second).await, ["/user/ada/ ada "]);
    let again = run_in_kernel(&second).await;
    assert_eq!((&again[2], &again[3]), (token, launch), "the same server with the same token");

    let stopped = script.delete(&server).bearer_auth(&ada).send().await.unwrap();
    assert_eq!(stopped.status(), 202);
    until("the server's end", 20, || async { (model(&second, &ada).await["stopped"] == true).then_some(()) }).await;
    assert_eq!(marked(launch), Vec::<String>::new());
    assert!(second.authenticate(Credential::Token(token.clone())).await.is_none());
    assert!(routes(&second).await.is_empty());
    assert_eq!(script.delete(&server).bearer_auth(&ada).send().await.unwrap().status(), 204, "it does not run");
    second.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn servers_end_with_the_hub_and_lost_ones_are_noticed() {
    let fixture = fixture(Engine::Sqlite).await.unwrap();
    let url = free_url();
    let first = start(&fixture.cx, &url, true).await;
    let (script, ada) = with_ada(&first).await;
    let server = first.at("/hub/api/users/ada/server");
    script.post(&server).bearer_auth(&ada).send().await.unwrap();
    assert_eq!(progress(&first, &ada).await.last().unwrap()["ready"], true);
    let launch = run_in_kernel(&first).await.pop().unwrap();
    let began = std::time::Instant::now();
    first.stop().await;
    assert!(began.elapsed().as_secs() < 10);
    assert_eq!(marked(&launch), Vec::<String>::new());

    // a server that dies by itself is noticed; why is kept until the next start
    let second = start(&fixture.cx, &url, true).await;
    assert_eq!(model(&second, &ada).await["stopped"], true);
    script.post(&server).bearer_auth(&ada).send().await.unwrap();
    assert_eq!(progress(&second, &ada).await.last().unwrap()["ready"], true);
    let admin = second.token("admin", "admin's").await;
    let pid = model(&second, &admin).await["state"]["pid"].as_i64().unwrap();
    let killed = tokio::process::Command::new("kill").args(["-9", &pid.to_string()]).status().await.unwrap();
    assert!(killed.success());
    let dead = until("the death to be noticed", 10, || async { Some(model(&second, &ada).await).filter(|m| m["stopped"] == true) }).await;
    assert!(dead["failure"].as_str().unwrap().contains("signal 9"), "{dead}");

    // one that cannot start says what it said last
    let config = fixture.cx.config.data.join("homes/ada/.jupyter");
    std::fs::create_dir_all(&config).unwrap();
    std::fs::write(config.join("jupyter_server_config.py"), "print('no wine today', flush=True)\nraise SystemExit(3)\n").unwrap();
    script.post(&server).bearer_auth(&ada).send().await.unwrap();
    let steps = progress(&second, &ada).await;
    let last = steps.last().unwrap();
    assert_eq!(last["failed"], true, "{steps:?}");
    assert!(last["message"].as_str().unwrap().contains("exit code 3"), "{steps:?}");
    assert!(model(&second, &ada).await["log_tail"].as_str().unwrap().contains("no wine today"));

    // and a start can be called off, at any moment
    std::fs::remove_dir_all(&config).unwrap();
    for _ in 0..5 {
        assert_eq!(script.post(&server).bearer_auth(&ada).send().await.unwrap().status(), 202);
        let called_off = script.delete(&server).bearer_auth(&ada).send().await.unwrap();
        assert!(called_off.status().is_success(), "{}", called_off.text().await.unwrap());
        let off =
            until("the start to be called off", 20, || async { Some(model(&second, &ada).await).filter(|m| m["stopped"] == true) }).await;
        assert!(off["failure"].is_null(), "{off}");
    }
    second.stop().await;
}
