//! The other two sides of `bench/proxy` and `bench/hub`: a server that does as little as a server can, and clients that ask it, directly or
//! through a proxy. Both speak just as much HTTP as that needs, so that the proxies are what is measured.
//!
//! ```text
//! proxy_load serve                        prints the port it listens on: that of JUPYTERHUB_SERVICE_URL, where a hub starts it
//! proxy_load get  HOST:PORT/PATH CONNECTIONS SECONDS
//! proxy_load echo HOST:PORT/PATH MESSAGES BYTES
//! proxy_load down HOST:PORT/PATH MEGABYTES
//! proxy_load up   HOST:PORT/PATH MEGABYTES
//! proxy_load idle HOST:PORT/PATH SOCKETS  opens them, prints a line, and holds them until its input ends
//! ```
//!
//! Figures are printed as one JSON object: times in microseconds, rates per second.

use serde_json::{Value, json};
use std::io::{Error, Result};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const SMALL: usize = 1024;
const CHUNK: usize = 256 * 1024;
const MEGABYTE: usize = 1 << 20;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let number = |text: &str| text.parse::<usize>().map_err(Error::other);
    let figures = match args[..] {
        ["serve"] => return serve().await,
        ["get", url, connections, seconds] => get(url, number(connections)?, number(seconds)?).await?,
        ["echo", url, messages, bytes] => echo(url, number(messages)?, number(bytes)?).await?,
        ["down", url, megabytes] => down(url, number(megabytes)?).await?,
        ["up", url, megabytes] => up(url, number(megabytes)?).await?,
        ["idle", url, sockets] => return idle(url, number(sockets)?).await,
        _ => return Err(Error::other("see the head of gateway/examples/proxy_load.rs for what can be asked")),
    };
    println!("{figures}");
    Ok(())
}

/// A head, and what was read after it.
struct Head {
    text: String,
    rest: Vec<u8>,
}

impl Head {
    async fn read(stream: &mut TcpStream, mut read: Vec<u8>) -> Result<Option<Self>> {
        loop {
            if let Some(end) = read.windows(4).position(|w| w == b"\r\n\r\n") {
                let rest = read.split_off(end + 4);
                return Ok(Some(Self { text: String::from_utf8_lossy(&read).to_ascii_lowercase(), rest }));
            }
            if stream.read_buf(&mut read).await? == 0 {
                return Ok(None);
            }
        }
    }

    fn length(&self) -> usize {
        let line = self.text.lines().find_map(|line| line.strip_prefix("content-length:"));
        line.and_then(|value| value.trim().parse().ok()).unwrap_or_default()
    }
}

async fn serve() -> Result<()> {
    let address = std::env::var("JUPYTERHUB_SERVICE_URL").ok().and_then(|url| Some(url.split('/').nth(2)?.to_owned()));
    let listener = TcpListener::bind(address.as_deref().unwrap_or("127.0.0.1:0")).await?;
    println!("{}", listener.local_addr()?.port());
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        tokio::spawn(answer(stream));
    }
}

/// Requests of one connection: `…/bulk/MB` is answered with so many megabytes, any other with a kilobyte; a WebSocket
/// hears what it said.
async fn answer(mut stream: TcpStream) -> Result<()> {
    let small = format!("HTTP/1.1 200 OK\r\nContent-Length: {SMALL}\r\n\r\n{}", "x".repeat(SMALL));
    let mut read = Vec::new();
    while let Some(head) = Head::read(&mut stream, read).await? {
        if head.text.contains("upgrade: websocket") {
            stream.write_all(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n").await?;
            let mut buffer = Vec::new();
            while stream.read_buf(&mut buffer).await? > 0 {
                stream.write_all(&buffer).await?;
                buffer.clear();
                buffer.shrink_to(CHUNK);
            }
            return Ok(());
        }
        let length = head.length();
        let mut left = length.saturating_sub(head.rest.len());
        read = head.rest.get(length..).map(<[u8]>::to_vec).unwrap_or_default();
        if left > 0 {
            let mut buffer = vec![0; CHUNK];
            while left > 0 {
                let size = left.min(CHUNK);
                left -= stream.read(&mut buffer[..size]).await?.max(1);
            }
        }
        let path = head.text.split(' ').nth(1).unwrap_or_default();
        match path.rsplit_once("/bulk/").and_then(|(_, megabytes)| megabytes.parse::<usize>().ok()) {
            None => stream.write_all(small.as_bytes()).await?,
            Some(megabytes) => {
                let chunk = vec![b'x'; CHUNK];
                stream.write_all(format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", megabytes * MEGABYTE).as_bytes()).await?;
                for _ in 0..megabytes * MEGABYTE / CHUNK {
                    stream.write_all(&chunk).await?;
                }
            }
        }
    }
    Ok(())
}

async fn connect(url: &str) -> Result<(TcpStream, String, String)> {
    let (host, path) = url.split_once('/').ok_or_else(|| Error::other("write HOST:PORT/PATH"))?;
    let stream = TcpStream::connect(host).await?;
    stream.set_nodelay(true)?;
    Ok((stream, host.to_owned(), format!("/{path}")))
}

fn micros(sorted: &[Duration], quantile: f64) -> f64 {
    let at = ((sorted.len() - 1) as f64 * quantile) as usize;
    sorted[at].as_nanos() as f64 / 1000.0
}

fn figures(mut times: Vec<Duration>, took: Duration) -> Value {
    times.sort_unstable();
    let rate = times.len() as f64 / took.as_secs_f64();
    json!({"count": times.len(), "per_second": rate, "p50": micros(&times, 0.5), "p99": micros(&times, 0.99)})
}

async fn get(url: &str, connections: usize, seconds: usize) -> Result<Value> {
    let began = Instant::now();
    let end = began + Duration::from_secs(seconds as u64);
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..connections {
        let (mut stream, host, path) = connect(url).await?;
        tasks.spawn(async move {
            // the headers of a browser's request, about
            let request = format!(
                "GET {path} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64) Firefox/150.0\r\nAccept: */*\r\n\
                 Accept-Encoding: gzip, deflate\r\nCookie: session=0123456789abcdef0123456789abcdef; _xsrf=2|0123456789abcdef\r\n\r\n"
            );
            let (mut times, mut buffer) = (Vec::new(), vec![0; 16 * 1024]);
            while Instant::now() < end {
                let asked = Instant::now();
                stream.write_all(request.as_bytes()).await?;
                let head = Head::read(&mut stream, Vec::with_capacity(4096)).await?.ok_or_else(|| Error::other("closed"))?;
                if !head.text.starts_with("http/1.1 200") {
                    return Err(Error::other(head.text));
                }
                let mut left = head.length() - head.rest.len();
                while left > 0 {
                    left -= stream.read(&mut buffer[..left]).await?.max(1);
                }
                times.push(asked.elapsed());
            }
            Ok(times)
        });
    }
    let mut times = Vec::new();
    while let Some(done) = tasks.join_next().await {
        times.extend(done.map_err(Error::other)??);
    }
    Ok(figures(times, began.elapsed()))
}

async fn websocket(url: &str) -> Result<TcpStream> {
    let (mut stream, host, path) = connect(url).await?;
    let ask = format!(
        "GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Key: x3JJHMbDL1EzLkh9GBhXDw==\r\n\r\n"
    );
    stream.write_all(ask.as_bytes()).await?;
    match Head::read(&mut stream, Vec::new()).await? {
        Some(head) if head.text.starts_with("http/1.1 101") => Ok(stream),
        Some(head) => Err(Error::other(head.text)),
        None => Err(Error::other("closed")),
    }
}

async fn echo(url: &str, messages: usize, bytes: usize) -> Result<Value> {
    let stream = websocket(url).await?;
    let (mut read, mut write) = stream.into_split();
    let (said, mut heard) = (vec![b'x'; bytes], vec![0; bytes]);
    let (mut times, began) = (Vec::new(), Instant::now());
    for _ in 0..messages {
        let asked = Instant::now();
        // at once: a large message fills every buffer on its way
        tokio::try_join!(write.write_all(&said), read.read_exact(&mut heard))?;
        times.push(asked.elapsed());
    }
    let took = began.elapsed();
    let mut found = figures(times, took);
    found["megabytes_per_second"] = ((messages * bytes) as f64 / MEGABYTE as f64 / took.as_secs_f64()).into();
    Ok(found)
}

fn rate(megabytes: usize, began: Instant) -> Value {
    json!({"megabytes_per_second": megabytes as f64 / began.elapsed().as_secs_f64()})
}

async fn down(url: &str, megabytes: usize) -> Result<Value> {
    let (mut stream, host, path) = connect(url).await?;
    let began = Instant::now();
    stream.write_all(format!("GET {path}/bulk/{megabytes} HTTP/1.1\r\nHost: {host}\r\n\r\n").as_bytes()).await?;
    let head = Head::read(&mut stream, Vec::new()).await?.ok_or_else(|| Error::other("closed"))?;
    let (mut left, mut buffer) = (head.length() - head.rest.len(), vec![0; CHUNK]);
    while left > 0 {
        match stream.read(&mut buffer).await? {
            0 => return Err(Error::other(format!("{left} bytes did not come"))),
            n => left -= n,
        }
    }
    Ok(rate(megabytes, began))
}

async fn up(url: &str, megabytes: usize) -> Result<Value> {
    let (mut stream, host, path) = connect(url).await?;
    let (began, chunk) = (Instant::now(), vec![b'x'; CHUNK]);
    let length = megabytes * MEGABYTE;
    stream.write_all(format!("POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Length: {length}\r\n\r\n").as_bytes()).await?;
    for _ in 0..length / CHUNK {
        stream.write_all(&chunk).await?;
    }
    let head = Head::read(&mut stream, Vec::new()).await?.ok_or_else(|| Error::other("closed"))?;
    if !head.text.starts_with("http/1.1 200") {
        return Err(Error::other(head.text));
    }
    Ok(rate(megabytes, began))
}

async fn idle(url: &str, sockets: usize) -> Result<()> {
    let mut held = Vec::with_capacity(sockets);
    for _ in 0..sockets {
        held.push(websocket(url).await?);
    }
    println!("{}", held.len());
    // they say nothing, so nothing is to be done meanwhile
    std::io::copy(&mut std::io::stdin(), &mut std::io::sink())?;
    Ok(())
}
