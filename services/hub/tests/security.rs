//! Every route of the hub with and without its scope; names that are paths; what cookies say; guessing passwords.

mod support;

use artel_platform::testkit::{Engine, fixture};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use support::{Suite, free_url, process};

/// Routes that anybody may call, or anybody who is known; they decide by themselves.
const OPEN: &[&str] = &["public", "authenticated"];
/// A scope that no route of the hub asks for.
const ELSEWHERE: &str = "read:deployments";

async fn suite(cx: &artel_platform::Context) -> (Suite, String) {
    let suite = Suite::start(process(cx, &free_url(), &[("admin_password", "admin's".into())])).await;
    let admin = suite.token("admin", "admin's").await;
    for name in ["ada", "bob"] {
        let body = json!({"password": format!("{name}'s")});
        let made = suite.script().post(suite.at(&format!("/hub/api/users/{name}"))).bearer_auth(&admin).json(&body).send().await.unwrap();
        assert_eq!(made.status(), 201);
    }
    (suite, admin)
}

async fn token(suite: &Suite, admin: &str, scopes: &[&str]) -> String {
    let url = suite.at("/hub/api/users/admin/tokens");
    let made = suite.script().post(url).bearer_auth(admin).json(&json!({"scopes": scopes})).send().await.unwrap();
    let made: Value = made.json().await.unwrap();
    made["token"].as_str().unwrap_or_else(|| panic!("{made}")).to_owned()
}

/// The routes of upstream's API: method, path with parts filled in that nothing has, scope.
fn routes() -> Vec<(reqwest::Method, String, String)> {
    let filled = |path: &str| path.split('/').map(|part| if part.contains('{') { "zzz" } else { part }).collect::<Vec<_>>().join("/");
    let all = artel_hub::routes().list();
    let hub = all.into_iter().filter(|route| route.path.starts_with("/hub"));
    hub.map(|route| (route.method.as_str().parse().unwrap(), filled(&route.path), route.scope)).collect()
}

#[tokio::test]
async fn every_route_wants_its_scope_and_no_other() {
    let fixture = fixture(Engine::Sqlite).await.unwrap();
    let (suite, admin) = suite(&fixture.cx).await;
    let guarded: Vec<_> = routes().into_iter().filter(|(.., scope)| !OPEN.contains(&scope.as_str())).collect();
    assert!(guarded.len() > 60, "only {}", guarded.len());
    let scopes: BTreeSet<&str> = guarded.iter().map(|(.., scope)| scope.as_str()).collect();
    let other = token(&suite, &admin, &[ELSEWHERE]).await;
    for scope in scopes {
        let right = token(&suite, &admin, &[scope]).await;
        // held for somebody else: the route is there, the thing is not
        let filtered = token(&suite, &admin, &[&format!("{scope}!user=nobody-at-all")]).await;
        for (method, path, _) in guarded.iter().filter(|(.., s)| s == scope) {
            let ask = async |token: Option<&str>| {
                let mut request = suite.script().request(method.clone(), suite.at(path)).json(&json!({}));
                if let Some(token) = token {
                    request = request.bearer_auth(token);
                }
                request.send().await.unwrap().status().as_u16()
            };
            assert_eq!(ask(None).await, 403, "{method} {path} for nobody");
            assert_eq!(ask(Some(&other)).await, 403, "{method} {path} with {ELSEWHERE}");
            // the process shall go on
            if path == "/hub/api/shutdown" {
                continue;
            }
            let with = ask(Some(&right)).await;
            assert!(!matches!(with, 401 | 403 | 405 | 500..), "{method} {path} with {scope}: {with}");
            let filtered = ask(Some(&filtered)).await;
            // lists are of what the filter leaves, which is nothing
            let empty_list = method == "GET" && matches!(path.as_str(), "/hub/api/users" | "/hub/api/services");
            assert!(
                matches!(filtered, 403 | 404) || (empty_list && filtered == 200),
                "{method} {path} with {scope}!user=nobody-at-all: {filtered}"
            );
        }
    }
    suite.stop().await;
}

#[tokio::test]
async fn open_routes_tell_nobody_anything() {
    let fixture = fixture(Engine::Sqlite).await.unwrap();
    let (suite, _) = suite(&fixture.cx).await;
    for (method, path, scope) in routes().into_iter().filter(|(.., scope)| OPEN.contains(&scope.as_str())) {
        let answer = suite.script().request(method.clone(), suite.at(&path)).json(&json!({})).send().await.unwrap();
        let status = answer.status().as_u16();
        if scope == "authenticated" {
            assert_eq!(status, 403, "{method} {path}");
        } else {
            assert!(status < 500, "{method} {path}: {status}");
            let text = answer.text().await.unwrap();
            assert!(!text.contains("ada") && !text.contains("bob"), "{method} {path}: {text}");
        }
    }
    suite.stop().await;
}

#[tokio::test]
async fn names_are_no_paths() {
    let fixture = fixture(Engine::Sqlite).await.unwrap();
    let (suite, admin) = suite(&fixture.cx).await;
    for name in ["..", "%2e%2e", "..%2f..%2fetc", "a%2Fb", "a%5Cb", "%00", "a%0Ab", ".hidden", "a b", "%20", "~root", "a;b", "a%3Fb", "-rf"]
    {
        for (method, path) in [
            ("POST", format!("/hub/api/users/{name}")),
            ("PUT", format!("/hub/api/users/ada/servers/{name}")),
            ("POST", format!("/hub/api/users/ada/servers/{name}")),
        ] {
            let answer = suite.script().request(method.parse().unwrap(), suite.at(&path)).bearer_auth(&admin).send().await.unwrap();
            assert!(matches!(answer.status().as_u16(), 400 | 404 | 405), "{method} {path}: {}", answer.status());
        }
        let body = json!({"name": name});
        let renamed = suite.script().patch(suite.at("/hub/api/users/bob")).bearer_auth(&admin).json(&body).send().await.unwrap();
        assert_eq!(renamed.status(), 400, "rename to {name}");
    }
    for name in ["../../etc", "/etc/passwd", "a/../b"] {
        let body = json!({"usernames": [name]});
        let made = suite.script().post(suite.at("/hub/api/users")).bearer_auth(&admin).json(&body).send().await.unwrap();
        assert_eq!(made.status(), 400, "{name}");
        let body = json!({"groups": [name]});
        let made = suite.script().post(suite.at("/hub/api/groups")).bearer_auth(&admin).json(&body).send().await.unwrap();
        assert_eq!(made.status(), 400, "{name}");
    }
    suite.stop().await;
}

#[tokio::test]
async fn cookies_are_for_this_site_and_secrets_for_no_script() {
    for (public, secure) in [("http", false), ("https", true)] {
        let fixture = fixture(Engine::Sqlite).await.unwrap();
        let (suite, _) = suite(&fixture.cx).await;
        let cx = process(&suite.cx, &suite.url.replace("http", public), &[]);
        let hub_cookies = if secure {
            // the same hub behind a proxy that speaks TLS: only the public URL says so
            let hub = Suite::start_at(cx, &free_url()).await;
            let answer = hub.log_in(&hub.browser(), "ada", "ada's").await;
            let set = set_cookies(&answer);
            hub.stop().await;
            set
        } else {
            set_cookies(&suite.log_in(&suite.browser(), "ada", "ada's").await)
        };
        for (name, http_only) in [("artel-session", true), ("jupyterhub-session-id", true), ("_xsrf", false)] {
            let cookie =
                hub_cookies.iter().find(|c| c.starts_with(&format!("{name}="))).unwrap_or_else(|| panic!("{name} in {hub_cookies:?}"));
            assert_eq!(cookie.contains("HttpOnly"), http_only, "{cookie}");
            assert_eq!(cookie.contains("Secure"), secure, "{cookie}");
            assert!(cookie.contains("SameSite=Lax") && cookie.contains("Path=/") && !cookie.contains("Domain"), "{cookie}");
        }
        suite.stop().await;
    }
}

fn set_cookies(answer: &reqwest::Response) -> Vec<String> {
    answer.headers().get_all("set-cookie").iter().map(|v| v.to_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn passwords_cannot_be_guessed_quickly() {
    let fixture = fixture(Engine::Sqlite).await.unwrap();
    let (suite, _) = suite(&fixture.cx).await;
    let mut statuses = Vec::new();
    for _ in 0..12 {
        statuses.push(suite.log_in(&suite.browser(), "ada", "wrong").await.status().as_u16());
    }
    assert_eq!(statuses[..10], [403; 10]);
    assert_eq!(statuses[10..], [429; 2]);
    let right = suite.log_in(&suite.browser(), "ada", "ada's").await;
    assert_eq!(right.status(), 429, "not even the right one, for a while");
    assert!(right.headers().contains_key("retry-after"));
    assert_eq!(suite.log_in(&suite.browser(), "bob", "bob's").await.status(), 302, "others are not locked out");
    suite.stop().await;
}

#[tokio::test]
async fn no_way_leads_to_another_site() {
    let fixture = fixture(Engine::Sqlite).await.unwrap();
    let (suite, _) = suite(&fixture.cx).await;
    let browser = suite.browser();
    suite.log_in(&browser, "ada", "ada's").await;
    for bad in
        ["//evil.example", "https:evil.example", "/%09/evil.example", "/%5Cevil.example", "%2F%2Fevil.example", "javascript:alert(1)"]
    {
        for path in ["/hub/login?next=", "/hub/spawn?next=", "/hub/accept-share?code=x&next=", "/hub/home?next="] {
            let answer = browser.get(suite.at(&format!("{path}{bad}"))).header("sec-fetch-site", "cross-site").send().await.unwrap();
            let location = answer.headers().get("location").map(|v| v.to_str().unwrap().to_owned()).unwrap_or_default();
            let local = location.is_empty() || (location.starts_with('/') && !location.starts_with("//") && !location.contains('\\'));
            assert!(local, "{path}{bad} leads to {location}");
        }
    }
    suite.stop().await;
}
