//! The smallest proxy that will do: per connection it reads one request head, finds the target in the hub's route
//! table, and passes bytes both ways. WebSockets go through like anything else.

use artel_platform::Context;
use artel_proto::artel::hub::v1::ListRoutesRequest;
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

pub async fn run(listener: TcpListener, hub: SocketAddr, cx: Context) {
    while let Ok((stream, _)) = listener.accept().await {
        let cx = cx.clone();
        tokio::spawn(async move { pass(stream, hub, cx).await });
    }
}

async fn pass(mut client: TcpStream, hub: SocketAddr, cx: Context) -> Option<()> {
    let mut head = Vec::new();
    let end = loop {
        if let Some(at) = head.windows(4).position(|w| w == b"\r\n\r\n") {
            break at;
        }
        let mut buffer = [0; 4096];
        match client.read(&mut buffer).await.ok()? {
            0 => return None,
            n => head.extend_from_slice(&buffer[..n]),
        }
    };
    let rest = head.split_off(end);
    let head = String::from_utf8(head).ok()?;
    let path = head.split(' ').nth(1)?.to_owned();
    let upgrade = head.to_lowercase().contains("\r\nupgrade:");
    let kept = head.split("\r\n").filter(|line| upgrade || !line.to_lowercase().starts_with("connection:"));
    let mut lines: Vec<&str> = kept.collect();
    if !upgrade {
        // one request per connection, so that each finds its own target
        lines.push("Connection: close");
    }
    let mut server = TcpStream::connect(target(&path, hub, &cx).await).await.ok()?;
    server.write_all(lines.join("\r\n").as_bytes()).await.ok()?;
    server.write_all(&rest).await.ok()?;
    tokio::io::copy_bidirectional(&mut client, &mut server).await.ok().map(drop)
}

async fn target(path: &str, hub: SocketAddr, cx: &Context) -> SocketAddr {
    let routes = cx.peers.hub().list_routes(ListRoutesRequest {}).await.map(|r| r.into_inner().routes).unwrap_or_default();
    let found = routes.iter().filter(|r| path.starts_with(&r.prefix)).max_by_key(|r| r.prefix.len());
    found.and_then(|r| r.target.strip_prefix("http://")?.parse().ok()).unwrap_or(hub)
}
