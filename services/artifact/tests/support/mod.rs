//! The service behind a real HTTP listener.
#![allow(dead_code)]

use actix_web::dev::Service as _;
use actix_web::{App, HttpMessage, HttpServer};
use artel_platform::Context;
use artel_platform::testkit::admin;
use bytes::Bytes;
use std::net::TcpListener;

pub struct Server {
    pub url: String,
    handle: actix_web::dev::ServerHandle,
}

/// Starts the service of `cx`; every request is the administrator's.
pub async fn serve(cx: &Context) -> Server {
    let service = artel_artifact::start(cx.clone()).await.expect("the service starts");
    cx.peers.provide("artifact", service.grpc);
    let socket = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("http://{}", socket.local_addr().expect("an address"));
    let rest = service.rest;
    let server = HttpServer::new(move || {
        App::new()
            .wrap_fn(|request, next| {
                request.extensions_mut().insert(admin());
                next.call(request)
            })
            .configure(|config| rest.configure(config))
    })
    .workers(1)
    .disable_signals()
    .listen(socket)
    .expect("listens")
    .run();
    let handle = server.handle();
    tokio::spawn(server);
    Server { url, handle }
}

impl Server {
    pub fn artifact(&self, path: &str) -> String {
        format!("{}/api/2.0/mlflow-artifacts/artifacts/{path}", self.url)
    }

    pub async fn put(&self, path: &str, body: impl Into<reqwest::Body>) -> reqwest::Response {
        reqwest::Client::new().put(self.artifact(path)).body(body).send().await.expect("an answer")
    }

    pub async fn get(&self, path: &str) -> reqwest::Response {
        reqwest::get(self.artifact(path)).await.expect("an answer")
    }

    pub async fn list(&self, path: &str) -> serde_json::Value {
        let url = format!("{}/ajax-api/2.0/mlflow-artifacts/artifacts", self.url);
        reqwest::Client::new().get(url).query(&[("path", path)]).send().await.expect("an answer").json().await.expect("JSON")
    }

    pub async fn stop(self, cx: &Context) {
        cx.stop.cancel();
        self.handle.stop(false).await;
    }
}

/// A body that is made while it is sent.
pub fn generated(size: usize) -> impl futures::Stream<Item = Result<Bytes, std::io::Error>> + Send {
    const CHUNK: usize = 64 * 1024;
    futures::stream::iter((0..size).step_by(CHUNK).map(move |at| Ok(Bytes::from(vec![(at / CHUNK) as u8; CHUNK.min(size - at)]))))
}

/// Settings of the S3 server that `ARTEL_TEST_S3` describes, as infra/dev/s3 prints them, and a URL for artifacts there.
pub fn s3() -> Option<(String, artel_platform::config::S3)> {
    let line = std::env::var("ARTEL_TEST_S3").ok()?;
    let value = |key: &str| {
        line.split_whitespace().find_map(|word| word.strip_prefix(&format!("{key}="))).expect("ARTEL_TEST_S3 is whole").to_owned()
    };
    let settings = artel_platform::config::S3 {
        endpoint: value("endpoint"),
        public_endpoint: String::new(),
        region: value("region"),
        access_key_id: value("key_id"),
        secret_access_key: value("secret"),
        secret_access_key_file: String::new(),
        checksums: true,
    };
    let folder = artel_platform::clock::Ids::random().hex32();
    Some((format!("s3://{}/artifact-test-{folder}", value("bucket")), settings))
}
