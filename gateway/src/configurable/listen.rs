//! The addresses that are listened on.

use super::workers::Accepted;
use artel_platform::{Error, Result};
use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::net::{TcpListener, TcpSocket, UnixListener};
use tokio_rustls::TlsAcceptor;

/// Connections that wait to be accepted; the kernel cuts it to its own limit.
const BACKLOG: u32 = 4096;

/// Where to listen.
#[derive(Debug, Clone)]
pub enum Listen {
    /// All addresses that `ip` (a name, an address, or nothing for all interfaces) stands for.
    Tcp {
        /// Nothing for all interfaces.
        ip: String,
        /// 0 for any that is free.
        port: u16,
    },
    /// A Unix socket.
    Unix(PathBuf),
}

impl fmt::Display for Listen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp { ip, port } if ip.contains(':') => write!(f, "[{ip}]:{port}"),
            Self::Tcp { ip, port } => write!(f, "{}:{port}", if ip.is_empty() { "*" } else { ip }),
            Self::Unix(path) => write!(f, "{}", path.display()),
        }
    }
}

/// A bound address.
pub(super) struct Listener {
    socket: Socket,
    tls: Option<TlsAcceptor>,
}

enum Socket {
    Tcp(TcpListener),
    Unix(UnixListener, PathBuf),
}

impl Listen {
    /// Takes the address; a name may stand for several.
    pub(super) async fn bind(&self, tls: Option<TlsAcceptor>) -> Result<Vec<Listener>> {
        let taken = |e: io::Error| Error::unavailable(format!("cannot listen on {self}: {e}"));
        let sockets = match self {
            Self::Unix(path) => vec![Socket::Unix(unix(path).await.map_err(taken)?, path.clone())],
            Self::Tcp { ip, port } if ip.is_empty() => vec![Socket::Tcp(all_interfaces(*port).map_err(taken)?)],
            Self::Tcp { ip, port } => {
                let found: Vec<SocketAddr> = tokio::net::lookup_host((ip.as_str(), *port)).await.map_err(taken)?.collect();
                bind_each(&found).map_err(taken)?.into_iter().map(Socket::Tcp).collect()
            }
        };
        Ok(sockets.into_iter().map(|socket| Listener { socket, tls: tls.clone() }).collect())
    }
}

/// IPv4 comes through the IPv6 socket, where there is IPv6.
fn all_interfaces(port: u16) -> io::Result<TcpListener> {
    let v6 = tcp(SocketAddr::new(IpAddr::V6(Ipv6Addr::UNSPECIFIED), port));
    v6.or_else(|_| tcp(SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), port)))
}

/// `localhost` is two addresses on most machines, of which one may not be there.
fn bind_each(addresses: &[SocketAddr]) -> io::Result<Vec<TcpListener>> {
    let mut bound: Vec<TcpListener> = Vec::new();
    let mut failed = io::Error::from(io::ErrorKind::AddrNotAvailable);
    for &address in addresses {
        match tcp(address) {
            Ok(listener) => bound.push(listener),
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
                // the resolver may name an address twice
                if !bound.iter().any(|b| b.local_addr().is_ok_and(|a| a == address)) {
                    return Err(error);
                }
            }
            Err(error) => failed = error,
        }
    }
    if bound.is_empty() { Err(failed) } else { Ok(bound) }
}

fn tcp(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv6() { TcpSocket::new_v6()? } else { TcpSocket::new_v4()? };
    // a proxy that is started again must not wait for the connections of the one before
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// A socket that a crash left behind is taken over; one on which somebody listens is not.
async fn unix(path: &Path) -> io::Result<UnixListener> {
    match UnixListener::bind(path) {
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => match tokio::net::UnixStream::connect(path).await {
            Err(e) if e.kind() == io::ErrorKind::ConnectionRefused => {
                std::fs::remove_file(path)?;
                UnixListener::bind(path)
            }
            _ => Err(error),
        },
        bound => bound,
    }
}

impl Listener {
    #[cfg(test)]
    pub(super) fn local(&self) -> Option<SocketAddr> {
        match &self.socket {
            Socket::Tcp(listener) => listener.local_addr().ok(),
            Socket::Unix(..) => None,
        }
    }

    /// Hands over each connection, until dropped.
    pub(super) async fn accept(self, take: impl Fn(Accepted)) {
        loop {
            let accepted = match &self.socket {
                Socket::Tcp(listener) => listener.accept().await.map(|(stream, peer)| Accepted::tcp(stream, peer)),
                Socket::Unix(listener, _) => listener.accept().await.map(|(stream, _)| Accepted::unix(stream)),
            };
            match accepted {
                Ok(Ok(accepted)) => take(accepted.with(self.tls.clone())),
                Ok(Err(error)) => tracing::debug!("a client is gone already: {error}"),
                Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => tracing::debug!("a client is gone already: {error}"),
                Err(error) => {
                    // out of file descriptors: some will be closed
                    tracing::warn!("cannot accept a connection: {error}");
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
            }
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        if let Socket::Unix(_, path) = &self.socket {
            let _ = std::fs::remove_file(path);
        }
    }
}
