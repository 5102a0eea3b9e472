//! What is answered when nobody else answers.

use super::super::{Configurable, Options};
use super::kit::{Mirror, Proxy, Raw, nobody, options, say, within};
use std::time::{Duration, Instant};
use tokio::io::AsyncReadExt;

async fn page(proxy: &Proxy, path: &str) -> (u16, String, String) {
    let answer = within(proxy.get(path)).await;
    let kind = answer.headers().get("content-type").map(|v| v.to_str().unwrap().to_owned()).unwrap_or_default();
    (answer.status().as_u16(), kind, answer.text().await.unwrap())
}

#[tokio::test]
async fn pages_are_built_in() {
    let proxy = Proxy::with(options(), "/dead", &nobody().await).await;
    for (path, status, says) in [("/nope", 404, "404:"), ("/dead/x", 503, "503:"), ("/%", 500, "Proxy Error")] {
        let (code, kind, text) = page(&proxy, path).await;
        assert_eq!((code, kind.as_str()), (status, "text/html"), "{path}");
        assert!(text.contains(says), "{text}");
    }
    let (status, kind, text) = page(&proxy, "/_chp_healthz").await;
    assert_eq!((status, kind.as_str(), text.as_str()), (200, "application/json", r#"{"status":"OK"}"#));
}

#[tokio::test]
async fn pages_come_from_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("404.html"), "<p>lost").unwrap();
    std::fs::write(folder.path().join("error.html"), "<p>broken").unwrap();
    let proxy = Proxy::with(Options { error_path: Some(folder.path().into()), ..options() }, "/dead", &nobody().await).await;
    assert_eq!(page(&proxy, "/nope").await, (404, "text/html".into(), "<p>lost".into()));
    assert_eq!(page(&proxy, "/dead").await, (503, "text/html".into(), "<p>broken".into()));
    drop(folder);
    assert_eq!(page(&proxy, "/dead").await, (503, String::new(), "Service Unavailable".into()));
}

#[tokio::test]
async fn pages_come_from_the_hub() {
    let mirror = Mirror::start().await;
    let proxy =
        Proxy::with(Options { error_target: Some(format!("{}/hub/error", mirror.url)), ..options() }, "/dead", &nobody().await).await;
    for (path, status, asked) in [
        ("/foo/bar?a=b&c", 404, "/hub/error/404?url=%2Ffoo%2Fbar%3Fa%3Db%26c"),
        ("/dead/x", 503, "/hub/error/503?url=%2Fdead%2Fx"),
        ("/%", 500, "/hub/error/500?url=%2F%25"),
    ] {
        let (code, _, text) = page(&proxy, path).await;
        assert_eq!(code, status, "{path}");
        assert!(text.contains(&format!(r#""path":"{asked}""#)), "{text}");
    }
    let alone = Proxy::start(Options { error_target: Some(nobody().await), ..options() }).await;
    assert_eq!(page(&alone, "/nope").await, (404, String::new(), "Not Found".into()));
}

#[tokio::test]
async fn silent_targets_are_given_up() {
    let (target, url) = Raw::start().await;
    let limit = Duration::from_millis(200);
    let proxy = Proxy::with(Options { proxy_timeout: Some(limit), ..options() }, "", &url).await;
    let began = Instant::now();
    let play = async {
        let (silent, _) = target.request().await;
        let (mut half, _) = target.request().await;
        say(&mut half, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf").await;
        (silent, half)
    };
    let ask = async {
        assert_eq!(page(&proxy, "/").await.0, 503);
        assert!(began.elapsed() >= limit);
        assert!(proxy.get("/").await.text().await.is_err(), "half an answer is none");
    };
    within(async { tokio::join!(play, ask) }).await;
}

#[tokio::test]
async fn a_silent_hub_is_given_up_too() {
    let (hub, url) = Raw::start().await;
    let patience = Some(Duration::from_millis(100));
    let proxy = Proxy::start(Options { error_target: Some(url), proxy_timeout: patience, ..options() }).await;
    let (answer, _asked) = within(async { tokio::join!(page(&proxy, "/nope"), hub.request()) }).await;
    assert_eq!(answer, (404, String::new(), "Not Found".into()));
}

#[tokio::test]
async fn a_target_that_leaves_http_unasked_is_broken() {
    let (target, url) = Raw::start().await;
    let proxy = Proxy::with(options(), "", &url).await;
    let play = async {
        // a GET is sent once more only when it was not answered
        let (mut stream, _) = target.request().await;
        say(&mut stream, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: other\r\n\r\n").await;
        stream
    };
    let (answer, _stream) = within(async { tokio::join!(page(&proxy, "/"), play) }).await;
    assert_eq!(answer.0, 503);
}

#[tokio::test]
async fn silent_clients_are_dropped_on_demand() {
    let (target, url) = Raw::start().await;
    let proxy = Proxy::with(Options { timeout: Some(Duration::from_millis(200)), ..options() }, "", &url).await;
    let mut client = tokio::net::TcpStream::connect(proxy.public).await.unwrap();
    say(&mut client, "GET / HTTP/1.1\r\nHost: me\r\n\r\n").await;
    let (mut held, _) = target.request().await;
    let mut rest = Vec::new();
    let _ = within(client.read_to_end(&mut rest)).await;
    assert!(rest.is_empty());
    // and so is the target's side
    assert_eq!(within(held.read(&mut [0; 8])).await.unwrap(), 0);
}

#[tokio::test]
async fn waiting_connections_are_closed() {
    let mirror = Mirror::start().await;
    let proxy = Proxy::with(Options { keep_alive: Duration::from_millis(100), ..options() }, "", &mirror.url).await;
    let mut client = tokio::net::TcpStream::connect(proxy.public).await.unwrap();
    say(&mut client, "GET / HTTP/1.1\r\nHost: me\r\n\r\n").await;
    let mut answer = Vec::new();
    let _ = within(client.read_to_end(&mut answer)).await;
    assert!(answer.starts_with(b"HTTP/1.1 200 OK"));
}

#[tokio::test]
async fn nonsense_is_refused_at_the_start() {
    let key = Some("/nowhere/key.pem".into());
    let tls = super::super::ServerTls { flag: "--ssl", key, cert: Some("/nowhere/cert.pem".into()), ..Default::default() };
    let taken = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = taken.local_addr().unwrap().port();
    for (options, says) in [
        (Options { error_target: Some("http://a".into()), error_path: Some("/b".into()), ..options() }, "--error-path"),
        (Options { custom_headers: vec!["X-A: 1".into(), "no colon".into()], ..options() }, "--custom-header: number 2"),
        (Options { default_target: Some("nowhere".into()), ..options() }, "nowhere"),
        (Options { protocol_rewrite: Some("gopher".into()), ..options() }, "gopher"),
        (Options { tls: Some(tls), ..options() }, "--ssl-cert"),
        (Options { public: super::super::Listen::Tcp { ip: "127.0.0.1".into(), port }, ..options() }, &port.to_string()),
    ] {
        let error = Configurable::listen(options).await.err().unwrap_or_else(|| panic!("{says} was taken"));
        assert!(error.message.contains(says), "{}", error.message);
    }
}
