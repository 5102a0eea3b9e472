//! The REST API: statuses and bodies as configurable-http-proxy has them.

use super::kit::{Mirror, Proxy, json_of, nobody, options};
use serde_json::json;

#[tokio::test]
async fn routes_come_and_go() {
    let proxy = Proxy::start(options()).await;
    assert_eq!(proxy.routes().await, json!({}));
    let set = proxy.ask("POST", "/user/a%40b/", json!({"target": "http://127.0.0.1:1", "user": "a@b"}).to_string()).await;
    assert_eq!((set.status().as_u16(), set.text().await.unwrap().as_str()), (201, ""));
    let all = proxy.routes().await;
    let mut route = all["/user/a@b"].clone();
    assert!(route["last_activity"].take().as_str().unwrap().ends_with('Z'));
    assert_eq!(route, json!({"target": "http://127.0.0.1:1", "user": "a@b", "last_activity": null}));
    let one = json_of(proxy.ask("GET", "/user/a@b", String::new()).await).await;
    assert_eq!(one, all["/user/a@b"]);
    for (path, status) in [("/user/other", 404), ("/user/a%40b", 204), ("/user/a%40b", 404)] {
        let gone = proxy.ask("DELETE", path, String::new()).await;
        assert_eq!((gone.status().as_u16(), gone.text().await.unwrap().as_str()), (status, ""), "{path}");
    }
    proxy.route("", "http://127.0.0.1:2").await;
    assert_eq!(proxy.routes().await["/"]["target"], "http://127.0.0.1:2");
    assert_eq!(proxy.ask("GET", "/user/a@b", String::new()).await.status(), 404);
}

#[tokio::test]
async fn bad_requests_are_refused() {
    let proxy = Proxy::start(options()).await;
    for (method, path, body, status, says) in [
        ("POST", "/x", "{", 400, "Body not valid JSON"),
        ("POST", "/x", "", 400, "Body not valid JSON"),
        ("POST", "/x", "null", 400, "Must specify 'target' as string"),
        ("POST", "/x", "[]", 400, "Must specify 'target' as string"),
        ("POST", "/x", r#"{"target": 7}"#, 400, "Must specify 'target' as string"),
        ("POST", "/x", r#"{"target": "nowhere"}"#, 400, "nowhere"),
        ("POST", "/%", r#"{"target": "http://a"}"#, 400, "percent-encoded"),
        ("GET", "?inactiveSince=endoftheuniverse", "", 400, "Invalid datestamp 'endoftheuniverse' must be ISO8601."),
        ("PUT", "/x", "", 405, "Method not supported"),
        ("GET", "x", "", 404, "Not Found"),
    ] {
        let answer = proxy.ask(method, path, body.into()).await;
        assert_eq!(answer.status(), status, "{method} {path} {body}");
        let text = answer.text().await.unwrap();
        assert!(text.contains(says), "{method} {path} {body}: {text}");
    }
    let large = format!(r#"{{"target": "http://a", "x": "{}"}}"#, "x".repeat(2_000_000));
    assert_eq!(proxy.ask("POST", "/x", large).await.status(), 413);
    assert_eq!(proxy.routes().await, json!({}));
}

#[tokio::test]
async fn the_token_is_asked_for() {
    let proxy = Proxy::start(options()).await;
    for (shown, status) in
        [("token sesame", 200), ("token  sesame", 200), ("token other", 403), ("Bearer sesame", 403), ("sesame", 403), ("token", 403)]
    {
        let answer = proxy.client.get(&proxy.api).header("authorization", shown).send().await.unwrap();
        assert_eq!(answer.status(), status, "{shown}");
        assert!(status == 200 || answer.text().await.unwrap().is_empty());
    }
    assert_eq!(proxy.client.get(&proxy.api).send().await.unwrap().status(), 403);
    let open = Proxy::start(super::super::Options { auth_token: None, ..options() }).await;
    assert_eq!(open.client.get(&open.api).send().await.unwrap().status(), 200);
}

#[tokio::test]
async fn success_is_activity_and_errors_are_none() {
    let mirror = Mirror::start().await;
    let proxy = Proxy::with(options(), "/alive", &mirror.url).await;
    proxy.route("/dead", &nobody().await).await;
    let (alive, dead) = (proxy.last_activity("/alive").await, proxy.last_activity("/dead").await);
    tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    assert!(!proxy.get("/alive/x").await.text().await.unwrap().is_empty());
    assert_eq!(proxy.get("/dead/x").await.status(), 503);
    super::kit::until(async || proxy.last_activity("/alive").await > alive).await;
    assert_eq!(proxy.last_activity("/dead").await, dead);
    let since = proxy.last_activity("/alive").await;
    let idle = json_of(proxy.ask("GET", &format!("?inactiveSince={since}"), String::new()).await).await;
    assert_eq!(idle.as_object().unwrap().keys().collect::<Vec<_>>(), ["/dead"]);
}

#[tokio::test]
async fn metrics_are_counted() {
    let mirror = Mirror::start().await;
    let proxy = Proxy::with(super::super::Options { metrics: Some(super::kit::anywhere()), ..options() }, "/a", &mirror.url).await;
    proxy.get("/a").await;
    proxy.get("/nowhere").await;
    let page = proxy.client.get(format!("http://{}/metrics", proxy.other.unwrap())).send().await.unwrap().text().await.unwrap();
    for line in [
        "api_route_add 1",
        "requests_web 2",
        "requests_proxy{status=\"200\"} 1",
        "requests_proxy{status=\"404\"} 1",
        "requests_api{status=\"201\"} 1",
        "find_target_for_req_count 2",
    ] {
        assert!(page.lines().any(|l| l == line), "no {line} in\n{page}");
    }
}
