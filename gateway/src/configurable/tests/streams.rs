//! Bodies stream both ways, as they come and without limits.

use super::kit::{Proxy, Raw, channel, options, read_head, say, within};
use bytes::Bytes;
use futures::StreamExt;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

#[tokio::test]
async fn both_sides_talk_at_once() {
    let (target, url) = Raw::start().await;
    let proxy = Proxy::with(options(), "", &url).await;
    let (send, body) = channel();
    let echo = async {
        let (mut stream, head) = target.request().await;
        assert!(head.to_ascii_lowercase().contains("transfer-encoding: chunked"), "{head}");
        say(&mut stream, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n").await;
        // chunks go back as they are, the last one included
        let (mut read, mut write) = stream.split();
        let _ = tokio::io::copy(&mut read, &mut write).await;
    };
    let ask = async {
        send.send(Ok(Bytes::from_static(b"first"))).await.unwrap();
        let mut answer = proxy.client.post(proxy.url("/")).body(body).send().await.unwrap().bytes_stream();
        assert_eq!(answer.next().await.unwrap().unwrap(), "first");
        for word in ["second", "third"] {
            send.send(Ok(Bytes::from_static(word.as_bytes()))).await.unwrap();
            assert_eq!(answer.next().await.unwrap().unwrap(), word);
        }
        drop(send);
        assert!(answer.next().await.is_none());
    };
    within(async {
        tokio::select! { () = ask => {}, () = async { echo.await; std::future::pending().await } => {} }
    })
    .await;
}

#[tokio::test]
async fn events_come_when_they_are_sent() {
    let (target, url) = Raw::start().await;
    let proxy = Proxy::with(options(), "/events", &url).await;
    let before = proxy.last_activity("/events").await;
    let ask = tokio::spawn(proxy.client.get(proxy.url("/events")).send());
    let (mut stream, _) = target.request().await;
    say(&mut stream, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n").await;
    let mut events = within(ask).await.unwrap().unwrap().bytes_stream();
    for number in 0..3 {
        let event = format!("data: {number}\n\n");
        say(&mut stream, &event).await;
        assert_eq!(within(events.next()).await.unwrap().unwrap(), event);
    }
    assert_eq!(proxy.last_activity("/events").await, before, "it counts when it is over");
    drop(stream);
    assert!(within(events.next()).await.is_none());
    super::kit::until(async || proxy.last_activity("/events").await > before).await;
}

#[tokio::test]
async fn a_client_that_leaves_ends_the_targets_request() {
    let (target, url) = Raw::start().await;
    let proxy = Proxy::with(options(), "", &url).await;
    let mut client = TcpStream::connect(proxy.public).await.unwrap();
    say(&mut client, "GET /events HTTP/1.1\r\nHost: me\r\n\r\n").await;
    let (mut stream, _) = target.request().await;
    say(&mut stream, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n").await;
    read_head(&mut client).await;
    drop(client);
    assert_eq!(within(stream.read(&mut [0; 8])).await.unwrap_or(0), 0);
}

const MEGABYTES: usize = 100;
const MEGABYTE: usize = 1 << 20;

fn resident_mb() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<usize>().unwrap() / 1024
}

/// In a process of its own, whose memory no other test uses.
#[test]
fn large_bodies_are_not_kept() {
    let tests = std::env::current_exe().unwrap();
    let mut alone = std::process::Command::new(tests);
    let done = alone.args(["--exact", "configurable::tests::streams::bodies_of_100_mb", "--ignored"]).output().unwrap();
    let said = String::from_utf8_lossy(&done.stdout);
    assert!(done.status.success() && said.contains("1 passed"), "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "large_bodies_are_not_kept runs it"]
async fn bodies_of_100_mb() {
    let (target, url) = Raw::start().await;
    let proxy = Proxy::with(options(), "", &url).await;
    let before = resident_mb();
    let (send, body) = channel();
    let source = tokio::spawn(async move {
        for number in 0..MEGABYTES {
            send.send(Ok(vec![number as u8; MEGABYTE].into())).await.unwrap();
        }
    });
    let length = MEGABYTES * MEGABYTE;
    let play = tokio::spawn(async move {
        let (mut stream, head) = target.request().await;
        assert!(head.contains(&format!("content-length: {length}")), "{head}");
        // slower than the client: what is not taken must wait on its side
        tokio::time::sleep(Duration::from_millis(300)).await;
        let mut sum = 0_usize;
        let mut buffer = vec![0; MEGABYTE];
        for _ in 0..MEGABYTES {
            stream.read_exact(&mut buffer).await.unwrap();
            sum += buffer.iter().map(|b| usize::from(*b)).sum::<usize>();
        }
        say(&mut stream, &format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n")).await;
        for number in 0..MEGABYTES {
            stream.write_all(&vec![number as u8; MEGABYTE]).await.unwrap();
        }
        sum
    });
    let request = proxy.client.post(proxy.url("/")).header("content-length", length).body(body);
    let mut answer = request.send().await.unwrap().bytes_stream();
    // and now the client is the slower one
    tokio::time::sleep(Duration::from_millis(300)).await;
    let (mut got, mut sum, mut most) = (0, 0_usize, 0);
    while let Some(chunk) = answer.next().await {
        let chunk = chunk.unwrap();
        got += chunk.len();
        sum += chunk.iter().map(|b| usize::from(*b)).sum::<usize>();
        most = most.max(resident_mb());
    }
    source.await.unwrap();
    let expected = (0..MEGABYTES).sum::<usize>() * MEGABYTE;
    assert_eq!((got, sum, play.await.unwrap()), (length, expected, expected));
    println!("{before} MB before, {most} MB at most");
    assert!(most < before + 40, "{before} MB before, {most} MB at most");
}
