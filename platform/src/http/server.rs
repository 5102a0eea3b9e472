//! The HTTP listener, and its errors in words.

use crate::error::Error;
use std::net::TcpListener;

/// A bound address.
pub struct Listening {
    /// Ready to accept.
    pub socket: TcpListener,
    /// The address with the real port.
    pub address: std::net::SocketAddr,
}

/// Takes `address` (`HOST:PORT`, port 0 for any).
pub fn bind(address: &str) -> Result<Listening, Error> {
    let socket = TcpListener::bind(address).map_err(|e| cannot_listen(address, &e))?;
    socket.set_nonblocking(true)?;
    let address = socket.local_addr()?;
    Ok(Listening { socket, address })
}

/// Why an address cannot be had, and what to do.
pub fn cannot_listen(address: &str, error: &std::io::Error) -> Error {
    let why = match error.kind() {
        std::io::ErrorKind::AddrInUse => "another program listens there; stop it or give another address with --listen",
        std::io::ErrorKind::PermissionDenied => "ports below 1024 need privileges; give another address with --listen",
        std::io::ErrorKind::AddrNotAvailable => "this machine has no such address; give another with --listen",
        _ => "give HOST:PORT with --listen",
    };
    Error::unavailable(format!("cannot listen on {address}: {why}")).because(std::io::Error::new(error.kind(), error.to_string()))
}
