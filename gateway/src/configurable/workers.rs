//! Threads that serve connections. A connection stays on the thread that it was given to, with the connections to targets
//! that serve it: no request waits for another thread to wake up.

use super::Options;
use super::idle::Idle;
use crate::proxy::Body;
use artel_platform::{Error, Result};
use http::{Request, Response};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio_rustls::TlsAcceptor;

/// A client that does not greet for so long is dropped.
const GREETING: Duration = Duration::from_secs(20);
/// After so long without a byte the kernel asks whether the client is still there.
const KEEP_ALIVE: Duration = Duration::from_secs(60);

/// Answers requests.
pub(super) trait Handler: Clone + Send + Sync + 'static {
    fn answer(&self, request: Request<Incoming>, peer: Peer) -> impl Future<Output = Response<Body>> + Send;
}

/// Who is at the other end.
#[derive(Clone)]
pub(super) struct Peer {
    /// Nothing over a Unix socket.
    pub(super) ip: Option<IpAddr>,
    /// It came by TLS.
    pub(super) secure: bool,
    /// `--timeout` does not hold any more.
    pub(super) patient: Arc<AtomicBool>,
}

/// A connection on its way to a thread.
pub(super) struct Accepted {
    stream: Raw,
    ip: Option<IpAddr>,
    tls: Option<TlsAcceptor>,
}

enum Raw {
    Tcp(std::net::TcpStream),
    Unix(std::os::unix::net::UnixStream),
}

trait Io: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Io for T {}

impl Accepted {
    pub(super) fn tcp(stream: TcpStream, peer: SocketAddr) -> io::Result<Self> {
        stream.set_nodelay(true)?;
        rustix::net::sockopt::set_socket_keepalive(&stream, true)?;
        rustix::net::sockopt::set_tcp_keepidle(&stream, KEEP_ALIVE)?;
        Ok(Self { stream: Raw::Tcp(stream.into_std()?), ip: Some(peer.ip()), tls: None })
    }

    pub(super) fn unix(stream: UnixStream) -> io::Result<Self> {
        Ok(Self { stream: Raw::Unix(stream.into_std()?), ip: None, tls: None })
    }

    pub(super) fn with(self, tls: Option<TlsAcceptor>) -> Self {
        Self { tls, ..self }
    }

    async fn open(self) -> io::Result<Box<dyn Io>> {
        let plain: Box<dyn Io> = match self.stream {
            Raw::Tcp(stream) => Box::new(TcpStream::from_std(stream)?),
            Raw::Unix(stream) => Box::new(UnixStream::from_std(stream)?),
        };
        let Some(tls) = self.tls else { return Ok(plain) };
        let greeted = tokio::time::timeout(GREETING, tls.accept(plain)).await;
        Ok(Box::new(greeted.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??))
    }
}

/// How connections are served.
#[derive(Clone)]
pub(super) struct Connection {
    keep_alive: Duration,
    timeout: Option<Duration>,
}

impl Connection {
    pub(super) fn of(options: &Options) -> Self {
        Self { keep_alive: options.keep_alive, timeout: options.timeout }
    }

    /// Serves a connection in a task of its own.
    pub(super) fn spawn(&self, accepted: Accepted, handler: impl Handler) {
        let this = self.clone();
        tokio::spawn(async move {
            if let Err(error) = this.serve(accepted, handler).await {
                tracing::debug!("a connection ended: {error}");
            }
        });
    }

    async fn serve(self, accepted: Accepted, handler: impl Handler) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        let peer = Peer { ip: accepted.ip, secure: accepted.tls.is_some(), patient: Arc::default() };
        let stream = Idle::new(accepted.open().await?, self.timeout, peer.patient.clone());
        let service = service_fn(|request| {
            let (handler, peer) = (handler.clone(), peer.clone());
            async move { Ok::<_, Infallible>(handler.answer(request, peer).await) }
        });
        let mut http = http1::Builder::new();
        http.timer(TokioTimer::new()).header_read_timeout(self.keep_alive);
        http.serve_connection(TokioIo::new(stream), service).with_upgrades().await?;
        Ok(())
    }
}

/// The threads.
pub(super) struct Workers {
    threads: Vec<UnboundedSender<Accepted>>,
    next: AtomicUsize,
}

impl Workers {
    /// Starts one thread for each core, each with a handler of its own.
    pub(super) fn start<H: Handler>(connection: Connection, handler: impl Fn() -> H) -> Result<Self> {
        let cores = std::thread::available_parallelism().map_or(2, Into::into);
        let threads: io::Result<Vec<_>> = (0..cores).map(|_| thread(connection.clone(), handler())).collect();
        let threads = threads.map_err(|e| Error::internal("cannot start threads").because(e))?;
        Ok(Self { threads, next: AtomicUsize::new(0) })
    }

    /// Hands a connection to the next thread.
    pub(super) fn give(&self, accepted: Accepted) {
        let number = self.next.fetch_add(1, Ordering::Relaxed) % self.threads.len();
        // a thread ends with the process only
        let _ = self.threads[number].send(accepted);
    }
}

fn thread<H: Handler>(connection: Connection, handler: H) -> io::Result<UnboundedSender<Accepted>> {
    let (send, mut receive): (_, UnboundedReceiver<Accepted>) = unbounded_channel();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let serve = move || {
        runtime.block_on(async {
            while let Some(accepted) = receive.recv().await {
                connection.spawn(accepted, handler.clone());
            }
        });
    };
    std::thread::Builder::new().name("proxy".into()).spawn(serve)?;
    Ok(send)
}
