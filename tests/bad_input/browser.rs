//! What another site, a crafted link or a crafted path may try with somebody's browser.

use crate::harness::{ADMIN_PASSWORD, Client, Installation, Shape};
use reqwest::header::LOCATION;
use reqwest::{Method, Response, StatusCode};
use serde_json::json;
use std::io::{Read, Write};
use std::net::TcpStream;

/// A browser that follows no redirect and shows no CSRF token.
async fn browser(url: &str) -> reqwest::Client {
    let http = plain();
    let login = json!({"username": "admin", "password": ADMIN_PASSWORD});
    let answer = http.post(format!("{url}/hub/login")).header("accept", "application/json").json(&login).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    http
}

fn plain() -> reqwest::Client {
    reqwest::Client::builder().cookie_store(true).redirect(reqwest::redirect::Policy::none()).build().unwrap()
}

fn sets_a_session(answer: &Response) -> bool {
    answer
        .headers()
        .get_all("set-cookie")
        .iter()
        .any(|c| c.to_str().unwrap().starts_with("artel-session=") && !c.to_str().unwrap().starts_with("artel-session=;"))
}

#[tokio::test(flavor = "multi_thread")]
async fn browsers_are_not_abused() {
    let artel = Installation::start(Shape::Single).await.unwrap();
    let admin = artel.admin().await;
    wrong_passwords(&artel).await;
    writes_from_another_site(&artel, &admin).await;
    redirects_elsewhere(&artel).await;
    paths_that_lead_out(&artel, &admin).await;
}

/// One clear message in every form that a client may ask for, and no session.
async fn wrong_passwords(artel: &Installation) {
    let url = format!("{}/hub/login", artel.url);
    let wrong = json!({"username": "admin", "password": "not this one"});
    let answer = plain().post(&url).header("accept", "application/json").json(&wrong).send().await.unwrap();
    assert!(answer.status().is_client_error() && !sets_a_session(&answer));
    let body: serde_json::Value = answer.json().await.unwrap();
    let message = body["message"].as_str().unwrap().to_owned();
    assert!(message.to_lowercase().contains("password"), "{body}");

    let answer = plain().post(&url).form(&[("username", "admin"), ("password", "not this one")]).send().await.unwrap();
    assert!(answer.status().is_client_error() && !sets_a_session(&answer));
    assert!(answer.text().await.unwrap().contains(&message), "the page says the same");

    // an unknown name is answered alike: nobody learns who has an account
    let unknown = json!({"username": "nobody", "password": "not this one"});
    let answer = plain().post(&url).header("accept", "application/json").json(&unknown).send().await.unwrap();
    assert_eq!(answer.json::<serde_json::Value>().await.unwrap()["message"], message.as_str());

    let api = format!("{}/api/2.0/mlflow/experiments/search", artel.url);
    let answer = plain().post(&api).basic_auth("admin", Some("not this one")).json(&json!({"max_results": 1})).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
    assert!(answer.text().await.unwrap().starts_with("You are not authenticated."), "upstream's words");
    let answer = plain().post(&api).bearer_auth("no token at all").json(&json!({"max_results": 1})).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);

    for _ in 0..12 {
        plain()
            .post(&url)
            .header("accept", "application/json")
            .json(&json!({"username": "ghost", "password": "guess"}))
            .send()
            .await
            .unwrap();
    }
    let answer = plain()
        .post(&url)
        .header("accept", "application/json")
        .json(&json!({"username": "ghost", "password": "guess"}))
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), StatusCode::TOO_MANY_REQUESTS);
    assert!(answer.text().await.unwrap().contains("wait"), "it says how long");
    browser(&artel.url).await; // somebody else's guesses lock nobody out
}

/// A cookie alone does not write: another site's page has the cookie sent along, but cannot read the token.
async fn writes_from_another_site(artel: &Installation, admin: &Client) {
    let http = browser(&artel.url).await;
    let experiments = async || admin.post("/api/2.0/mlflow/experiments/search", json!({"max_results": 100})).await;
    let before = experiments().await;
    for token in [None, Some("a guess")] {
        let mut request = http.post(format!("{}/api/2.0/mlflow/experiments/create", artel.url)).json(&json!({"name": "smuggled"}));
        if let Some(token) = token {
            request = request.header("x-xsrftoken", token);
        }
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::FORBIDDEN, "token {token:?}");
        assert!(answer.text().await.unwrap().contains("X-XSRFToken"), "it says what is missing");
    }
    // a form of another site cannot say that it is JSON
    let answer = http
        .post(format!("{}/api/2.0/mlflow/experiments/create", artel.url))
        .header("content-type", "text/plain")
        .body("{\"name\": \"smuggled\"}")
        .send()
        .await
        .unwrap();
    assert!(answer.status().is_client_error());
    assert_eq!(experiments().await, before, "nothing was made");

    let login = json!({"username": "admin", "password": ADMIN_PASSWORD});
    let foreign = plain()
        .post(format!("{}/hub/login", artel.url))
        .header("accept", "application/json")
        .header("origin", "https://evil.example")
        .json(&login);
    let answer = foreign.send().await.unwrap();
    assert!(answer.status() == StatusCode::FORBIDDEN && !sets_a_session(&answer), "a login from another site");
}

/// After logging in a browser goes to a path of this site, whatever the link says.
async fn redirects_elsewhere(artel: &Installation) {
    let http = browser(&artel.url).await;
    for next in
        ["https://evil.example/", "//evil.example/", "/\\evil.example", "\\\\evil.example", "javascript:alert(1)", "/\t/evil.example"]
    {
        let link = http.get(format!("{}/hub/login", artel.url)).query(&[("next", next)]);
        let form =
            plain().post(format!("{}/hub/login", artel.url)).form(&[("username", "admin"), ("password", ADMIN_PASSWORD), ("next", next)]);
        for request in [link, form] {
            let answer = request.send().await.unwrap();
            assert_eq!(answer.status(), StatusCode::FOUND, "{next:?}");
            assert_eq!(answer.headers()[LOCATION], "/", "{next:?}");
        }
    }
    let question = [
        ("client_id", "jupyterhub-user-admin"),
        ("redirect_uri", "https://evil.example/user/admin/oauth_callback"),
        ("response_type", "code"),
    ];
    let answer = http.get(format!("{}/hub/api/oauth2/authorize", artel.url)).query(&question).send().await.unwrap();
    assert!(answer.status().is_client_error() && answer.headers().get(LOCATION).is_none(), "{}", answer.status());
}

/// Paths are sent as written, which no well-behaved client does.
async fn paths_that_lead_out(artel: &Installation, admin: &Client) {
    let token = admin.token().await;
    let experiment = admin.post("/api/2.0/mlflow/experiments/create", json!({"name": "paths"})).await["experiment_id"].clone();
    let run = admin.post("/api/2.0/mlflow/runs/create", json!({"experiment_id": experiment, "start_time": 1})).await;
    let run = run["run"]["info"]["run_id"].as_str().unwrap().to_owned();
    let out = [
        "../../../../secret",
        "%2e%2e/%2e%2e/%2e%2e/secret",
        "%252e%252e%252f%252e%252e%252fsecret",
        "a/../../../secret",
        "..%5c..%5csecret",
        "%2fetc%2fpasswd",
        "/etc/passwd",
    ];
    for path in out {
        let artifact = format!("/api/2.0/mlflow-artifacts/artifacts/{path}");
        for (method, target) in [
            ("GET", artifact.clone()),
            ("PUT", artifact.clone()),
            ("DELETE", artifact),
            ("GET", format!("/get-artifact?run_id={run}&path={path}")),
            ("GET", format!("/api/2.0/mlflow/artifacts/list?run_id={run}&path={path}")),
            ("GET", format!("/hub/api/users/admin/{path}")),
            ("GET", format!("/assets/{path}")),
        ] {
            let answer = raw(&artel.url, method, &target, &token);
            let status: u16 =
                answer.split(' ').nth(1).and_then(|s| s.parse().ok()).unwrap_or_else(|| panic!("{method} {target}: {answer}"));
            let empty_list = status == 200 && target.contains("artifacts/list");
            let page = status == 200 && answer.contains("<!doctype html>") | answer.contains("<!DOCTYPE html>");
            assert!((400..500).contains(&status) || empty_list || page, "{method} {target}: {answer}");
            assert!(!answer.contains("root:x:"), "{method} {target}: {answer}");
        }
    }
    let mut strays = Vec::new();
    find(&artel.folder, &mut |path| {
        if path.file_name().is_some_and(|name| name.to_string_lossy().contains("secret") && name != "secret") {
            strays.push(path.to_path_buf());
        }
    });
    assert!(strays.is_empty(), "{strays:?}");
    let (status, _) = admin.send(admin.request(Method::GET, "/api/2.0/mlflow-artifacts/artifacts")).await;
    assert_eq!(status, 200, "the rest goes on");
}

/// One request whose path is not touched by a URL library.
fn raw(url: &str, method: &str, target: &str, token: &str) -> String {
    let address = url.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(std::time::Duration::from_secs(20))).unwrap();
    let body = if method == "PUT" { "stray" } else { "" };
    let length = body.len();
    write!(stream, "{method} {target} HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {token}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}").unwrap();
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

fn find(folder: &std::path::Path, each: &mut impl FnMut(&std::path::Path)) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        each(&entry.path());
        if entry.file_type().is_ok_and(|t| t.is_dir()) {
            find(&entry.path(), each);
        }
    }
}
