//! TLS on either side. The certificates in `certs` are for 127.0.0.1, signed by `ca.pem`, whose key nobody has.

use super::super::{ClientTls, Options, Redirect, ServerTls, tls};
use super::kit::{Proxy, anywhere, mirrored, nobody, options, serve};
use std::path::PathBuf;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

fn pem(name: &str) -> Option<PathBuf> {
    Some(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src/configurable/tests/certs").join(name))
}

fn server() -> ServerTls {
    ServerTls { flag: "--ssl", key: pem("server.key"), cert: pem("server.pem"), ..ServerTls::default() }
}

fn mutual() -> ServerTls {
    ServerTls { ca: pem("ca.pem"), request_cert: true, ..server() }
}

/// A target that asks for a certificate.
async fn target() -> String {
    let acceptor = tls::server(&mutual()).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            if let Ok(stream) = acceptor.accept(stream).await {
                tokio::spawn(serve(stream, mirrored));
            }
        }
    });
    url
}

/// What a client sees that trusts `ca.pem`, by a connection of the proxy's own kind.
async fn asks(port: std::net::SocketAddr, own: ClientTls, path: &str) -> Result<(u16, String), String> {
    use crate::proxy::{Answer, Connector, Forwarded, Proxy, Target};
    use http_body_util::BodyExt;
    let proxy = Proxy::new(Connector::new(Some(tls::client(&own, false).unwrap())), CancellationToken::new());
    let request = http::Request::builder().uri(path).header("authorization", format!("token {}", super::kit::TOKEN));
    let request = request.body(http_body_util::Empty::new().map_err(|never| match never {}).boxed_unsync()).unwrap();
    let target = Target::parse(&format!("https://{port}")).unwrap();
    match proxy.pass(request, &target, &Forwarded::default()).await {
        Ok(Answer::Whole(answer)) => {
            let status = answer.status().as_u16();
            let body = answer.into_body().collect().await.map_err(|e| e.to_string())?.to_bytes();
            Ok((status, String::from_utf8_lossy(&body).into_owned()))
        }
        Ok(Answer::Upgraded(..)) => panic!("nobody asked for it"),
        Err(error) => Err(error.chain()),
    }
}

fn trusting() -> ClientTls {
    ClientTls { ca: pem("ca.pem"), ..ClientTls::default() }
}

fn known() -> ClientTls {
    ClientTls { key: pem("client.key"), cert: pem("client.pem"), ca: pem("ca.pem") }
}

#[tokio::test]
async fn targets_are_verified_and_shown_a_certificate() {
    let target = target().await;
    for (client_tls, insecure, status) in [
        (known(), false, 200),
        // shows none
        (trusting(), false, 503),
        // is shown one that it cannot trace back
        (ClientTls { ca: None, ..known() }, false, 503),
        (ClientTls { ca: None, ..known() }, true, 200),
    ] {
        let proxy = Proxy::with(Options { client_tls: client_tls.clone(), insecure, ..options() }, "", &target).await;
        assert_eq!(proxy.get("/").await.status(), status, "{client_tls:?} {insecure}");
    }
}

#[tokio::test]
async fn the_public_is_served_by_tls() {
    let mirror = super::kit::Mirror::start().await;
    let secure = Options { tls: Some(server()), default_target: Some(mirror.url.clone()), ..options() };
    let redirect = Redirect { listen: anywhere(), to: 8443 };
    let proxy = Proxy::start(Options { redirect: Some(redirect), ..secure }).await;
    let (status, seen) = asks(proxy.public, trusting(), "/x").await.unwrap();
    assert_eq!(status, 200);
    let seen: serde_json::Value = serde_json::from_str(&seen).unwrap();
    assert_eq!(seen["headers"]["x-forwarded-proto"], "https");
    assert!(asks(proxy.public, ClientTls::default(), "/x").await.is_err(), "a stranger's certificate was believed");
    let plain = proxy.client.get(format!("http://{}/a?b=c", proxy.other.unwrap())).send().await.unwrap();
    assert_eq!((plain.status().as_u16(), plain.headers()["location"].to_str().unwrap()), (301, "https://127.0.0.1:8443/a?b=c"));
}

#[tokio::test]
async fn clients_of_the_api_show_a_certificate() {
    let api_tls = ServerTls { flag: "--api-ssl", ..mutual() };
    let proxy = Proxy::start(Options { api_tls: Some(api_tls), default_target: Some(nobody().await), ..options() }).await;
    let api = proxy.api.trim_start_matches("http://").trim_end_matches("/api/routes").parse().unwrap();
    assert!(asks(api, trusting(), "/api/routes").await.is_err());
    let (status, text) = asks(api, known(), "/api/routes").await.unwrap();
    assert_eq!(status, 200);
    assert!(text.contains(r#""/""#), "{text}");
}

#[test]
fn what_makes_no_sense_is_said() {
    for (tls, says) in [
        (ServerTls { cert: None, ..server() }, "--ssl-key and --ssl-cert go together"),
        (ServerTls { request_cert: true, ..server() }, "--ssl-ca"),
        (ServerTls { protocol: Some("SSLv3".into()), ..server() }, "SSLv3"),
        (ServerTls { key: pem("client.key"), ..server() }, "--ssl-key"),
        (ServerTls { cert: pem("server.key"), ..server() }, "holds no certificate"),
    ] {
        let error = tls::server(&tls).err().unwrap_or_else(|| panic!("{says} was taken"));
        assert!(error.message.contains(says), "{}", error.message);
    }
}
