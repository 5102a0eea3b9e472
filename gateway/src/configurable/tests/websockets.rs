//! WebSockets: the handshake as it is, then every byte.

use super::super::Options;
use super::kit::{Proxy, Raw, hear, nobody, options, read_head, say, until, within};
use std::time::Duration;
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;

const ASK: &str = "GET /user/ada/api/kernels/1/channels?session_id=7 HTTP/1.1\r\nHost: hub.org\r\nConnection: keep-alive, Upgrade\r\n\
                   Upgrade: websocket\r\nOrigin: http://hub.org\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: x3JJHMbDL1EzLkh9GBhXDw==\r\n\
                   Sec-WebSocket-Protocol: v1.kernel.websocket.jupyter.org\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n";
const TAKEN: &str = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
                     Sec-WebSocket-Accept: HSmrc0sMlYUkAGmm5OPpG2HaGWk=\r\nSec-WebSocket-Protocol: v1.kernel.websocket.jupyter.org\r\n\r\n";

async fn opened(proxy: &Proxy, target: &Raw) -> (TcpStream, TcpStream, String, String) {
    let mut client = TcpStream::connect(proxy.public).await.unwrap();
    say(&mut client, ASK).await;
    let (mut server, asked) = within(target.request()).await;
    // the first message may come with the handshake
    say(&mut server, &format!("{TAKEN}hello")).await;
    let answer = within(read_head(&mut client)).await;
    hear(&mut client, "hello").await;
    (client, server, asked.to_ascii_lowercase(), answer.to_ascii_lowercase())
}

#[tokio::test]
async fn sub_protocols_and_bytes_pass() {
    let (target, url) = Raw::start().await;
    let proxy = Proxy::with(options(), "/user/ada", &url).await;
    let (mut client, mut server, asked, answer) = opened(&proxy, &target).await;
    for line in [
        "get /user/ada/api/kernels/1/channels?session_id=7 http/1.1\r\n",
        "host: hub.org\r\n",
        "origin: http://hub.org\r\n",
        "connection: upgrade\r\n",
        "upgrade: websocket\r\n",
        "sec-websocket-protocol: v1.kernel.websocket.jupyter.org\r\n",
        "sec-websocket-extensions: permessage-deflate\r\n",
        "x-forwarded-proto: ws\r\n",
        "x-forwarded-for: 127.0.0.1\r\n",
    ] {
        assert!(asked.contains(line), "no {line} in\n{asked}");
    }
    assert!(answer.starts_with("http/1.1 101 "), "{answer}");
    assert!(answer.contains("sec-websocket-protocol: v1.kernel.websocket.jupyter.org\r\n"), "{answer}");
    assert!(answer.contains("upgrade: websocket\r\n") && answer.contains("connection: upgrade\r\n"), "{answer}");
    let large = "x".repeat(4_000_000);
    for _ in 0..2 {
        tokio::join!(say(&mut client, &large), hear(&mut server, &large));
        tokio::join!(say(&mut server, &large), hear(&mut client, &large));
    }
    drop(client);
    assert_eq!(within(server.read(&mut [0; 8])).await.unwrap_or(0), 0, "the target learns that the client left");
}

#[tokio::test]
async fn the_client_learns_that_the_target_left() {
    let (target, url) = Raw::start().await;
    let proxy = Proxy::with(options(), "/user/ada", &url).await;
    let (mut client, mut server, ..) = opened(&proxy, &target).await;
    say(&mut server, "bye").await;
    drop(server);
    hear(&mut client, "bye").await;
    assert_eq!(within(client.read(&mut [0; 8])).await.unwrap_or(0), 0);
}

#[tokio::test]
async fn what_the_client_says_is_activity() {
    let (target, url) = Raw::start().await;
    let proxy = Proxy::with(options(), "/user/ada", &url).await;
    let (mut client, mut server, ..) = opened(&proxy, &target).await;
    let before = proxy.last_activity("/user/ada").await;
    tokio::time::sleep(Duration::from_millis(5)).await;
    say(&mut server, "news").await;
    hear(&mut client, "news").await;
    assert_eq!(proxy.last_activity("/user/ada").await, before, "nobody asked for it");
    say(&mut client, "hello").await;
    hear(&mut server, "hello").await;
    until(async || proxy.last_activity("/user/ada").await > before).await;
}

#[tokio::test]
async fn silence_is_no_timeout() {
    let (target, url) = Raw::start().await;
    let limit = Some(Duration::from_millis(50));
    let impatient = Options { timeout: limit, proxy_timeout: limit, keep_alive: Duration::from_millis(50), ..options() };
    let proxy = Proxy::with(impatient, "/user/ada", &url).await;
    let (mut client, mut server, ..) = opened(&proxy, &target).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    tokio::join!(say(&mut client, "still here"), hear(&mut server, "still here"));
    tokio::join!(say(&mut server, "me too"), hear(&mut client, "me too"));
}

#[tokio::test]
async fn a_refusal_is_passed_on() {
    let (target, url) = Raw::start().await;
    let proxy = Proxy::with(options(), "/user/ada", &url).await;
    let mut client = TcpStream::connect(proxy.public).await.unwrap();
    say(&mut client, ASK).await;
    let (mut server, _) = target.request().await;
    say(&mut server, "HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\nX-Why: no\r\n\r\nno").await;
    let head = within(read_head(&mut client)).await;
    assert!(head.starts_with("HTTP/1.1 403 ") && head.contains("x-why: no"), "{head}");
    hear(&mut client, "no").await;
}

#[tokio::test]
async fn a_handshake_has_no_body() {
    let (target, url) = Raw::start().await;
    let proxy = Proxy::with(options(), "/user/ada", &url).await;
    let mut client = TcpStream::connect(proxy.public).await.unwrap();
    say(&mut client, &ASK.replace("\r\n\r\n", "\r\nContent-Length: 2\r\n\r\nhi")).await;
    let (_, asked) = within(target.request()).await;
    assert!(!asked.to_ascii_lowercase().contains("content-length: 2"), "{asked}");
}

#[tokio::test]
async fn where_nobody_answers_the_status_says_it() {
    let proxy = Proxy::with(options(), "/user/ada", &nobody().await).await;
    for (path, status) in [("/user/ada/", "503"), ("/user/eve/", "404")] {
        let mut client = TcpStream::connect(proxy.public).await.unwrap();
        say(&mut client, &ASK.replace("/user/ada/", path)).await;
        let mut answer = String::new();
        within(client.read_to_string(&mut answer)).await.unwrap();
        let answer = answer.to_ascii_lowercase();
        assert!(answer.starts_with(&format!("http/1.1 {status} ")) && answer.contains("content-length: 0"), "{answer}");
    }
}

#[tokio::test]
async fn other_upgrades_are_left_unheard() {
    let mirror = super::kit::Mirror::start().await;
    let proxy = Proxy::with(options(), "", &mirror.url).await;
    let request = proxy.client.post(proxy.url("/")).header("connection", "Upgrade, HTTP2-Settings").header("upgrade", "h2c");
    let seen = super::kit::json_of(request.header("http2-settings", "AAM").body("kept").send().await.unwrap()).await;
    assert_eq!((&seen["body"], &seen["headers"]["upgrade"], &seen["headers"]["http2-settings"]), (&"kept".into(), &().into(), &().into()));
}
