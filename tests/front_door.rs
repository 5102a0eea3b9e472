//! What strangers may try at the gateway: headers that are not theirs to set, requests that never end, and what a
//! notebook server of somebody else gets to see of its visitors.

mod harness;

use harness::{Client, Installation, Shape, project};
use reqwest::Method;
use serde_json::{Value, json};
use std::io::ErrorKind;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const PASSWORD: &str = "a long enough password";
/// Connections that one stranger keeps open.
const SLOW: usize = 300;
/// How long the beginning of a request may take, with some patience for a busy machine.
const HEAD: Duration = Duration::from_secs(20);

async fn started() -> Installation {
    let stub = project("services/hub/tests/stub.py");
    let settings = format!("command = [\"python3\", {:?}]\nslow_seconds = 30\n", stub.display().to_string());
    Installation::start_configured(Shape::Single, &settings).await.expect("the single shape needs no servers")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_sees_no_session_and_no_forged_header() {
    let mut artel = started().await;
    artel.admin().await.add_user("ada", PASSWORD).await;
    let ada = Client::login(&artel.url, "ada", PASSWORD).await;
    let (status, body) = ada.send(ada.request(Method::POST, "/hub/api/users/ada/server").json(&json!({}))).await;
    assert_eq!(status, 201, "{body}");
    let forged = ada
        .request(Method::GET, "/user/ada/headers")
        .header("x-artel-identity", "forged")
        .header("x-forwarded-for", "6.6.6.6")
        .header("x-forwarded-host", "evil.example");
    let (status, seen) = ada.send(forged).await;
    assert_eq!(status, 200, "{seen}");
    let seen: Vec<(String, String)> = serde_json::from_value(seen).unwrap();
    let of = |name: &str| seen.iter().filter(|(n, _)| n == name).map(|(_, value)| value.as_str()).collect::<Vec<_>>();
    let cookies = of("cookie").join("; ");
    assert!(cookies.contains("jupyterhub-session-id="), "a notebook server tells by it that its visitor has signed out: {cookies}");
    assert!(!cookies.contains("artel-session"), "{cookies}");
    assert!(of("x-artel-identity").is_empty());
    assert_eq!(of("x-forwarded-for"), ["6.6.6.6, 127.0.0.1"], "the last is who came, what is before it is what they said");
    assert!(of("x-forwarded-host").iter().all(|host| !host.contains("evil")), "{seen:?}");

    let stranger = reqwest::Client::new();
    for path in ["/hub/api/users", "/api/2.0/mlflow/experiments/search?max_results=1", "/api/v2/dags"] {
        for identity in ["forged", "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhZG1pbiIsImFkbWluIjp0cnVlfQ."] {
            let answer = stranger.get(format!("{}{path}", artel.url)).header("x-artel-identity", identity).send().await.unwrap();
            assert!(matches!(answer.status().as_u16(), 401 | 403), "{path}: {}", answer.status());
        }
    }
    artel.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_that_do_not_end_keep_nobody_out() {
    let mut artel = started().await;
    let address = artel.url.trim_start_matches("http://").to_owned();
    let began = Instant::now();
    let mut slow = Vec::new();
    for _ in 0..SLOW {
        let mut stream = TcpStream::connect(&address).await.unwrap();
        stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-Slow: ").await.unwrap();
        slow.push(stream);
    }
    let healthy = reqwest::get(format!("{}/healthz", artel.url)).await.unwrap();
    assert_eq!(healthy.status(), 200);
    for stream in &mut slow {
        let left = HEAD.saturating_sub(began.elapsed());
        let ended = tokio::time::timeout(left, end_of(stream)).await.expect("the gateway waits for the end of a head for ever");
        assert!(ended.is_empty() || ended.starts_with("HTTP/1.1 408"), "{ended}");
    }

    let mut large = TcpStream::connect(&address).await.unwrap();
    let line = format!("X-Large: {}\r\n", "x".repeat(8000));
    let mut head = String::from("GET /healthz HTTP/1.1\r\nHost: x\r\n");
    head.extend(std::iter::repeat_n(line.as_str(), 200));
    // refused before it is all there, so that the rest may find nobody
    let _ = large.write_all(head.as_bytes()).await;
    let _ = large.write_all(b"\r\n").await;
    let answer = tokio::time::timeout(HEAD, end_of(&mut large)).await.expect("an answer");
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 4"), "{answer}");
    let admin = artel.admin().await;
    assert_eq!(admin.get("/api/artel/v1/me").await["admin"], Value::Bool(true));
    artel.stop();
}

/// What comes until the other side closes.
async fn end_of(stream: &mut TcpStream) -> String {
    let mut said = Vec::new();
    match stream.read_to_end(&mut said).await {
        Err(error) if error.kind() != ErrorKind::ConnectionReset => panic!("{error}"),
        _ => String::from_utf8_lossy(&said).into_owned(),
    }
}
