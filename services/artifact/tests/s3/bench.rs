//! The service on a real socket, callers authenticated by nobody but their signatures, and a hub that knows four keys.

use actix_web::{App, HttpServer};
use artel_platform::Context;
use artel_platform::clock::Clock;
use artel_platform::testkit::on_both_engines;
use artel_proto::artel::hub::v1::{AccessKeyRequest, AccessKeyResponse, Principal};
use aws_sdk_s3::Client;
use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::presigning::PresigningConfig;
use aws_sdk_s3::primitives::ByteStream;
use std::convert::Infallible;
use std::future::{Ready, ready};
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::task::Poll;
use std::time::{Duration, Instant};
use tonic::codegen::http;

/// Access key → scopes of its token.
const KEYS: &[(&str, &[&str])] = &[
    ("writer", &["artifacts"]),
    ("reader", &["read:artifacts"]),
    ("team", &["artifacts!workspace=team-a"]),
    ("stranger", &["experiments"]),
];

pub fn secret(id: &str) -> String {
    format!("the secret of {id}")
}

pub struct Bench {
    pub url: String,
    pub clock: Clock,
    folder: PathBuf,
    handle: actix_web::dev::ServerHandle,
}

/// Runs `test` on both engines, with a clock that only the test moves on.
pub async fn with_bench(test: impl AsyncFn(Bench)) {
    let test = &test;
    on_both_engines(|mut cx: Context| async move {
        cx.clock = Clock::fixed(Clock::system().now());
        let bench = Bench::start(&cx).await;
        let handle = bench.handle.clone();
        test(bench).await;
        cx.stop.cancel();
        handle.stop(false).await;
    })
    .await;
}

impl Bench {
    pub async fn start(cx: &Context) -> Self {
        cx.peers.provide("hub", tonic::service::Routes::new(FakeHub));
        let service = artel_artifact::start(cx.clone()).await.unwrap();
        let rest = service.rest;
        let server = HttpServer::new(move || App::new().configure(|config| rest.configure(config))).workers(1).disable_signals();
        let server = server.bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", server.addrs()[0]);
        let server = server.run();
        let handle = server.handle();
        tokio::spawn(server);
        Self { url, clock: cx.clock.clone(), folder: cx.config.artifacts.strip_prefix("file://").unwrap().into(), handle }
    }

    /// A client that signs with this key.
    pub fn client(&self, id: &str) -> Client {
        self.client_with(id, &secret(id))
    }

    pub fn client_with(&self, id: &str, secret: &str) -> Client {
        let config = aws_sdk_s3::config::Builder::new()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("eu-north-1"))
            .endpoint_url(format!("{}/s3/", self.url))
            .force_path_style(true)
            .credentials_provider(Credentials::new(id, secret, None, None, "test"))
            .retry_config(RetryConfig::disabled());
        Client::from_conf(config.build())
    }

    /// Files that lie in the object store.
    pub fn files(&self) -> usize {
        fn count(folder: &Path) -> usize {
            let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
            entries.map(|e| if e.path().is_dir() { count(&e.path()) } else { 1 }).sum()
        }
        count(&self.folder)
    }

    /// What `hours` later is left when the sweep has been there: `expected` files beside the one that wakes it. Then it is
    /// now again, because clients sign with the machine's clock.
    pub async fn after(&self, hours: i64, expected: usize) {
        const HOUR: i64 = 3600 * 1000;
        let life = PresigningConfig::expires_in(Duration::from_secs(7 * 24 * 3600)).unwrap();
        let wake = self.client("writer").put_object().bucket("artel").key("wake").presigned(life).await.unwrap();
        let wake = async || {
            let answer = reqwest::Client::new().put(wake.uri()).body("a copy wakes the sweep").send().await.unwrap();
            assert!(answer.status().is_success(), "{}", answer.text().await.unwrap());
        };
        wake().await;
        let (started, mut moved) = (Instant::now(), hours);
        self.clock.advance(hours * HOUR);
        loop {
            wake().await;
            // each wake leaves a copy that is freed in its own time
            let round = Instant::now();
            while self.files() != expected + 1 && round.elapsed() < Duration::from_secs(1) {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            if self.files() == expected + 1 {
                break;
            }
            assert!(started.elapsed() < Duration::from_secs(60), "{} files instead of {expected} and one", self.files());
            self.clock.advance(HOUR);
            moved += 1;
        }
        self.clock.advance(-moved * HOUR);
    }

    /// Waits until the sweep has left so many files.
    pub async fn until_files(&self, expected: usize) {
        let started = Instant::now();
        while self.files() != expected {
            assert!(started.elapsed() < Duration::from_secs(20), "{} files instead of {expected}", self.files());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

pub fn bytes(data: impl Into<Vec<u8>>) -> ByteStream {
    ByteStream::from(data.into())
}

/// Name and status of an error.
pub fn refusal<T, E>(result: Result<T, SdkError<E>>) -> (String, u16)
where
    E: ProvideErrorMetadata + std::fmt::Debug,
{
    let error = result.map(drop).expect_err("it must be refused");
    let status = error.raw_response().map_or(0, |r| r.status().as_u16());
    (error.code().unwrap_or_default().to_owned(), status)
}

/// The one question that the endpoint asks the hub.
#[derive(Clone)]
struct FakeHub;

impl tonic::server::NamedService for FakeHub {
    const NAME: &'static str = "artel.hub.v1.Hub";
}

impl tonic::codegen::Service<http::Request<tonic::body::Body>> for FakeHub {
    type Response = http::Response<tonic::body::Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut std::task::Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<tonic::body::Body>) -> Self::Future {
        assert!(request.uri().path().ends_with("/AccessKey"), "{}", request.uri());
        Box::pin(async move { Ok(tonic::server::Grpc::new(tonic_prost::ProstCodec::default()).unary(Keys, request).await) })
    }
}

struct Keys;

impl tonic::server::UnaryService<AccessKeyRequest> for Keys {
    type Response = AccessKeyResponse;
    type Future = Ready<Result<tonic::Response<AccessKeyResponse>, tonic::Status>>;

    fn call(&mut self, request: tonic::Request<AccessKeyRequest>) -> Self::Future {
        let id = request.into_inner().access_key_id;
        let Some((_, scopes)) = KEYS.iter().find(|(known, _)| *known == id) else {
            return ready(Err(tonic::Status::unauthenticated("no such key")));
        };
        let principal = Principal { name: id.clone(), scopes: scopes.iter().map(|s| (*s).into()).collect(), ..Principal::default() };
        ready(Ok(tonic::Response::new(AccessKeyResponse { secret_access_key: secret(&id), principal: Some(principal), expires: 0 })))
    }
}
