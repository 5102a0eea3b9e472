//! A hub as the gateway sees it: its routes on a real socket, callers authenticated over its gRPC side, and in front a
//! proxy that follows its route table.

#![allow(dead_code)]

mod front;
pub mod oauth;
pub mod provider;
pub mod slapd;

use actix_web::body::MessageBody;
use actix_web::dev::{ServerHandle, ServiceRequest, ServiceResponse};
use actix_web::middleware::{Next, from_fn};
use actix_web::{App, HttpMessage, HttpServer};
use artel_platform::config::Config;
use artel_platform::identity::{Identity, Kind};
use artel_platform::python::Environments;
use artel_platform::{Context, Service};
use artel_proto::artel::hub::v1::authenticate_request::Credential;
use artel_proto::artel::hub::v1::{AuthenticateRequest, Principal};
use serde_json::Value;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A running hub behind its front.
pub struct Suite {
    pub cx: Context,
    /// `http://127.0.0.1:PORT`.
    pub url: String,
    server: ServerHandle,
    front: tokio::task::JoinHandle<()>,
}

/// Where the tests' Python environments are kept between runs.
fn environments() -> PathBuf {
    let cache = std::env::var_os("ARTEL_CACHE").map(PathBuf::from);
    cache.unwrap_or_else(|| PathBuf::from(std::env::var_os("HOME").expect("HOME is set")).join(".cache/artel")).join("environments")
}

/// A free URL of the loopback address.
pub fn free_url() -> String {
    format!("http://127.0.0.1:{}", artel_platform::process::free_port().expect("a free port"))
}

/// `cx` as of another process on the same data, at `url`, with `settings` of the hub.
pub fn process(cx: &Context, url: &str, settings: &[(&str, toml::Value)]) -> Context {
    let mut config = Config::clone(&cx.config);
    config.server.public_url = url.to_owned();
    config.python.environments = environments().display().to_string();
    for (key, value) in settings {
        config.hub.insert((*key).into(), value.clone());
    }
    Context {
        python: Environments::open(&config).expect("the Python files"),
        peers: artel_platform::rpc::Peers::new(&config, artel_platform::rpc::SERVICES, &cx.keys).expect("peers"),
        stop: Default::default(),
        tasks: Default::default(),
        config: Arc::new(config),
        ..cx.clone()
    }
}

impl Suite {
    /// Starts the hub in `cx`, made by [`process`].
    pub async fn start(cx: Context) -> Self {
        let url = cx.config.server.public_url.clone();
        Self::start_at(cx, &url).await
    }

    /// The same, which listens at `url` although its public URL is another one.
    pub async fn start_at(cx: Context, url: &str) -> Self {
        let Service { rest, grpc, .. } = artel_hub::start(cx.clone()).await.expect("the hub starts");
        cx.peers.provide("hub", grpc);
        let for_workers = cx.clone();
        let server = HttpServer::new(move || {
            let (rest, cx) = (rest.clone(), for_workers.clone());
            App::new().wrap(from_fn(move |request, next| identified(cx.clone(), request, next))).configure(|config| rest.configure(config))
        })
        .workers(1)
        .disable_signals()
        .shutdown_timeout(1)
        .bind("127.0.0.1:0")
        .expect("a port");
        let inner = server.addrs()[0];
        let server = server.run();
        let handle = server.handle();
        tokio::spawn(server);
        let url = url.to_owned();
        let listener = tokio::net::TcpListener::bind(url.trim_start_matches("http://")).await.expect("the port is free");
        let front = tokio::spawn(front::run(listener, inner, cx.clone()));
        Self { cx, url, server: handle, front }
    }

    /// Ends it as Ctrl-C does.
    pub async fn stop(self) {
        self.cx.stop.cancel();
        self.front.abort();
        self.server.stop(false).await;
        self.cx.tasks.close();
        tokio::time::timeout(Duration::from_secs(15), self.cx.tasks.wait()).await.expect("every task ends");
    }

    pub async fn authenticate(&self, credential: Credential) -> Option<Principal> {
        authenticate(&self.cx, credential).await
    }

    /// A browser.
    pub fn browser(&self) -> reqwest::Client {
        reqwest::Client::builder().cookie_store(true).no_proxy().redirect(reqwest::redirect::Policy::none()).build().expect("a client")
    }

    /// A script that sends nothing but what it is told to.
    pub fn script(&self) -> reqwest::Client {
        reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build().expect("a client")
    }

    pub fn at(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }

    /// Logs in; the browser holds the cookies then.
    pub async fn log_in(&self, browser: &reqwest::Client, user: &str, password: &str) -> reqwest::Response {
        let form = [("username", user), ("password", password)];
        browser.post(self.at("/hub/login")).form(&form).send().await.expect("an answer")
    }

    /// A token of `user` by their name and password.
    pub async fn token(&self, user: &str, password: &str) -> String {
        let body = serde_json::json!({"auth": {"username": user, "password": password}});
        let answer = self.script().post(self.at(&format!("/hub/api/users/{user}/tokens"))).json(&body).send().await.expect("an answer");
        assert_eq!(answer.status(), 201);
        let body: Value = answer.json().await.expect("JSON");
        body["token"].as_str().expect("a token").to_owned()
    }
}

/// Waits until `condition` gives something, at most `seconds`.
pub async fn until<T, F: Future<Output = Option<T>>>(what: &str, seconds: u64, condition: impl Fn() -> F) -> T {
    let deadline = Instant::now() + Duration::from_secs(seconds);
    loop {
        if let Some(found) = condition().await {
            return found;
        }
        assert!(Instant::now() < deadline, "waited {seconds} s in vain for {what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn identified(
    cx: Context,
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, actix_web::Error> {
    if let Some(credential) = credential(&request)
        && let Some(principal) = authenticate(&cx, credential).await
    {
        request.extensions_mut().insert(identity(principal));
    }
    next.call(request).await
}

fn credential(request: &ServiceRequest) -> Option<Credential> {
    if let Some(header) = request.headers().get("authorization").and_then(|v| v.to_str().ok()) {
        return header.split_once(' ').map(|(_, token)| Credential::Token(token.into()));
    }
    request.cookie("artel-session").map(|c| Credential::Session(c.value().into()))
}

async fn authenticate(cx: &Context, credential: Credential) -> Option<Principal> {
    let request = AuthenticateRequest { credential: Some(credential) };
    cx.peers.hub().authenticate(request).await.ok().map(tonic::Response::into_inner)
}

fn identity(p: Principal) -> Identity {
    let some = |text: String| (!text.is_empty()).then_some(text);
    Identity {
        kind: match p.kind.as_str() {
            "server" => Kind::Server,
            "service" => Kind::Service,
            _ => Kind::User,
        },
        name: p.name,
        admin: p.admin,
        groups: p.groups,
        scopes: p.scopes.into_iter().collect(),
        session: some(p.session_id),
        token_id: some(p.token_id),
        restricted: p.restricted,
    }
}
