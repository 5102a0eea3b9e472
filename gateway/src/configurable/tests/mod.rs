//! The whole proxy on real sockets: a client on one side, a target that the test plays on the other.

mod api;
mod errors;
mod kit;
mod requests;
mod streams;
mod tls;
mod websockets;
