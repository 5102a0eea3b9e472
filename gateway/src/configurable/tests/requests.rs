//! Where requests go, and what targets see of them.

use super::super::{Listen, Options};
use super::kit::{Mirror, Proxy, Raw, json_of, mirrored, options, read_head, say, serve, within};
use serde_json::Value;
use std::sync::atomic::Ordering;
use tokio::io::AsyncReadExt;

async fn path_at_target(proxy: &Proxy, path: &str) -> String {
    json_of(proxy.get(path).await).await["path"].as_str().unwrap_or_else(|| panic!("{path} went nowhere")).to_owned()
}

#[tokio::test]
async fn the_longest_prefix_wins_and_the_path_is_kept() {
    let mirrors = [Mirror::start().await, Mirror::start().await, Mirror::start().await];
    let proxy = Proxy::start(options()).await;
    for (path, mirror) in ["", "/user/a%40b", "/user/a%40b/gp%20u/"].iter().zip(&mirrors) {
        proxy.route(path, &mirror.url).await;
    }
    for (path, expected) in [
        ("/", 0),
        ("/user/a@bc/x", 0),
        ("/user/a@b", 1),
        ("/user/a%40b/x?q=%20/", 1),
        ("/user/a@b/gp%20u/y", 2),
        ("/user/a@b/gp%20u/../z", 1),
    ] {
        let seen = json_of(proxy.get(path).await).await;
        let host = seen["headers"]["host"].as_str().unwrap();
        assert_eq!(host, proxy.public.to_string(), "Host is kept");
        let before: Vec<usize> = mirrors.iter().map(|m| m.connections.load(Ordering::Relaxed)).collect();
        assert!(before[expected] > 0, "{path} went elsewhere: {before:?}");
        let meant = if path.contains("..") { "/user/a@b/z" } else { path };
        assert_eq!(seen["path"], meant);
    }
}

#[tokio::test]
async fn target_paths_stand_before() {
    let mirror = Mirror::start().await;
    let target = format!("{}/foo", mirror.url);
    let kept = Proxy::with(options(), "/b%40r/b%20r", &target).await;
    assert_eq!(path_at_target(&kept, "/b%40r/b%20r/rest?q").await, "/foo/b%40r/b%20r/rest?q");
    let cut = Proxy::with(Options { include_prefix: false, ..options() }, "/b%40r/b%20r", &target).await;
    assert_eq!(path_at_target(&cut, "/b%40r/b%20r/rest?q").await, "/foo/rest?q");
    assert_eq!(path_at_target(&cut, "/b@r/b%20r").await, "/foo/");
    let bare = Proxy::with(Options { prepend_path: false, ..options() }, "/bar", &target).await;
    assert_eq!(path_at_target(&bare, "/bar/rest").await, "/bar/rest");
    let neither = Proxy::with(Options { prepend_path: false, include_prefix: false, ..options() }, "/bar", &target).await;
    assert_eq!(path_at_target(&neither, "/bar/rest").await, "/rest");
}

#[tokio::test]
async fn hosts_can_be_routes() {
    let mirror = Mirror::start().await;
    let proxy = Proxy::with(Options { host_routing: true, ..options() }, "/ada.hub.org/lab", &mirror.url).await;
    let ask = |host: &'static str| proxy.client.get(proxy.url("/lab/tree")).header("host", host).send();
    assert_eq!(json_of(ask("ada.hub.org:8000").await.unwrap()).await["path"], "/lab/tree");
    assert_eq!(ask("eve.hub.org").await.unwrap().status(), 404);
}

#[tokio::test]
async fn targets_learn_who_asked() {
    let mirror = Mirror::start().await;
    let headers =
        |seen: &Value, names: &[&str]| names.iter().map(|n| seen["headers"][n].as_str().unwrap_or("-").to_owned()).collect::<Vec<_>>();
    let names = ["x-forwarded-for", "x-forwarded-proto", "x-forwarded-port", "x-forwarded-host", "host", "x-mine"];
    let proxy = Proxy::with(options(), "", &mirror.url).await;
    let (me, port) = (proxy.public.to_string(), proxy.public.port().to_string());
    let seen = json_of(proxy.get("/").await).await;
    assert_eq!(headers(&seen, &names), ["127.0.0.1", "http", port.as_str(), me.as_str(), me.as_str(), "-"]);
    let behind = proxy.client.get(proxy.url("/")).header("x-forwarded-for", "1.2.3.4").header("x-forwarded-proto", "https");
    let seen = json_of(behind.header("x-forwarded-host", "outer").send().await.unwrap()).await;
    assert_eq!(headers(&seen, &names[..4]), ["1.2.3.4, 127.0.0.1", "https, http", port.as_str(), "outer"]);
    let other = Options { x_forward: false, change_origin: true, custom_headers: vec!["X-Mine: yes".into()], ..options() };
    let other = Proxy::with(other, "", &mirror.url).await;
    let seen = json_of(other.get("/").await).await;
    assert_eq!(headers(&seen, &names), ["-", "-", "-", "-", mirror.url.trim_start_matches("http://"), "yes"]);
}

#[tokio::test]
async fn connections_to_targets_are_kept() {
    let mirror = Mirror::start().await;
    let proxy = Proxy::with(options(), "", &mirror.url).await;
    for _ in 0..20 {
        let answer = proxy.client.post(proxy.url("/x")).body("hello").send().await.unwrap();
        assert_eq!(json_of(answer).await["body"], "hello");
    }
    assert_eq!(mirror.connections.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn a_connection_that_the_target_just_closed_is_no_error() {
    let (target, url) = Raw::start().await;
    let proxy = Proxy::with(options(), "", &url).await;
    let play = async {
        let (mut first, _) = target.request().await;
        say(&mut first, "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\none").await;
        read_head(&mut first).await;
        // the second request is read, and never answered
        drop(first);
        let (mut second, _) = target.request().await;
        say(&mut second, "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\ntwo").await;
    };
    let ask = async {
        assert_eq!(proxy.get("/").await.text().await.unwrap(), "one");
        assert_eq!(proxy.get("/").await.text().await.unwrap(), "two");
    };
    within(async { tokio::join!(play, ask) }).await;
}

#[tokio::test]
async fn unix_sockets_on_either_side() {
    let folder = tempfile::tempdir().unwrap();
    let (server, public) = (folder.path().join("target"), folder.path().join("public"));
    let listener = tokio::net::UnixListener::bind(&server).unwrap();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            tokio::spawn(serve(stream, mirrored));
        }
    });
    // left behind by a crash
    drop(std::os::unix::net::UnixListener::bind(&public).unwrap());
    let target = format!("http+unix://{}", server.display().to_string().replace('/', "%2F"));
    let options = Options { default_target: Some(target), public: Listen::Unix(public.clone()), ..options() };
    let proxy = super::super::Configurable::listen(options).await.unwrap();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let serving = tokio::spawn(proxy.serve(async { stopped.await.unwrap() }));
    let mut client = tokio::net::UnixStream::connect(&public).await.unwrap();
    say(&mut client, "GET /a HTTP/1.1\r\nHost: me\r\nConnection: close\r\n\r\n").await;
    let mut answer = String::new();
    within(client.read_to_string(&mut answer)).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK") && answer.contains(r#""path":"/a""#), "{answer}");
    stop.send(()).unwrap();
    serving.await.unwrap().unwrap();
    assert!(!public.exists(), "the socket is left");
}

#[tokio::test]
async fn redirects_of_targets_lead_to_the_proxy_on_demand() {
    let (target, url) = Raw::start().await;
    let (plain, rewriting) =
        (Proxy::with(options(), "", &url).await, Proxy::with(Options { auto_rewrite: true, ..options() }, "", &url).await);
    let location = format!("{url}/login?next=a");
    let play = async {
        for _ in 0..2 {
            let (mut stream, _) = target.request().await;
            say(&mut stream, &format!("HTTP/1.1 302 Found\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n")).await;
        }
    };
    let ask = async {
        assert_eq!(plain.get("/").await.headers()["location"], location);
        assert_eq!(rewriting.get("/").await.headers()["location"], rewriting.url("/login?next=a"));
    };
    within(async { tokio::join!(play, ask) }).await;
}
