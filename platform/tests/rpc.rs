//! A peer that is away, and one that dies in the middle of a call: the caller is told to come again.

use artel_platform::Code;
use artel_platform::Error;
use artel_platform::config::{Config, Peer};
use artel_platform::identity::Keys;
use artel_platform::rpc::Peers;
use artel_proto::artel::registry::v1::ResolveModelRequest;
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;

async fn ask(address: &str) -> Error {
    let mut config = Config::load(None, &toml::Table::new()).unwrap();
    config.peers.insert("registry".into(), Peer { http: String::new(), grpc: format!("http://{address}") });
    let peers = Peers::new(&config, &[], &Keys::derive(b"test").unwrap()).unwrap();
    peers.registry().resolve_model(ResolveModelRequest::default()).await.expect_err("nobody answers").into()
}

#[tokio::test]
async fn nobody_listens() {
    let address = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().to_string();
    let error = ask(&address).await;
    assert_eq!(error.code, Code::Unavailable, "{error:?}");
    assert_eq!(error.message, "the registry service does not answer; try again");
}

#[tokio::test]
async fn the_peer_dies_after_it_has_read_the_call() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        // the preface, the settings and the call itself
        let mut read = [0; 1024];
        let mut seen = 0;
        while seen < 100 {
            seen += stream.read(&mut read).await.unwrap();
        }
    });
    let error = ask(&address).await;
    assert_eq!(error.code, Code::Unavailable, "{error:?}");
}
