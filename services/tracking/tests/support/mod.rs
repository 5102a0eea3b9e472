//! The service on a real port, with the administrator as everybody.

#![allow(dead_code)]

pub mod traces;

use actix_web::dev::{ServerHandle, Service as _};
use actix_web::{App, HttpMessage, HttpServer};
use artel_platform::identity::Scopes;
use artel_platform::{Context, testkit};
use serde_json::Value;

/// A request with this header is by a token of these scopes.
pub const SCOPES: &str = "x-test-scopes";

/// A running service.
pub struct Server {
    pub url: String,
    handle: ServerHandle,
    client: reqwest::Client,
}

/// Starts tracking (and, in this process, gives it to its peers) and listens.
pub async fn serve(cx: &Context) -> Server {
    let service = artel_tracking::start(cx.clone()).await.expect("tracking starts");
    cx.peers.provide("tracking", service.grpc.clone());
    let rest = service.rest.clone();
    let server = HttpServer::new(move || {
        App::new()
            .wrap_fn(|request, next| {
                let mut identity = testkit::admin();
                if let Some(scopes) = request.headers().get(SCOPES).and_then(|value| value.to_str().ok()) {
                    identity.scopes = Scopes::from_iter(scopes.split(' '));
                }
                request.extensions_mut().insert(identity);
                next.call(request)
            })
            .configure(|config| rest.configure(config))
    })
    .workers(1)
    .disable_signals()
    .bind("127.0.0.1:0")
    .expect("a free port");
    let url = format!("http://{}", server.addrs()[0]);
    let server = server.run();
    let handle = server.handle();
    actix_web::rt::spawn(server);
    Server { url, handle, client: reqwest::Client::new() }
}

impl Server {
    /// POSTs JSON to a path below `/api/2.0/mlflow/`; returns status and body.
    pub async fn post(&self, path: &str, body: Value) -> (u16, Value) {
        self.send(self.client.post(format!("{}/api/2.0/mlflow/{path}", self.url)).json(&body)).await
    }

    /// The same, and it has to succeed.
    pub async fn ok(&self, path: &str, body: Value) -> Value {
        let (status, answer) = self.post(path, body).await;
        assert_eq!(status, 200, "{path}: {answer}");
        answer
    }

    /// The same, and it has to be refused with 400 and this error code; returns the message.
    pub async fn refused(&self, path: &str, body: Value, code: &str) -> String {
        let (_, answer) = self.post(path, body).await;
        assert_eq!(answer["error_code"], code, "{path}: {answer}");
        answer["message"].as_str().unwrap_or_default().to_owned()
    }

    /// GETs a path below `/api/2.0/mlflow/`.
    pub async fn get(&self, path: &str) -> (u16, Value) {
        self.send(self.client.get(format!("{}/api/2.0/mlflow/{path}", self.url))).await
    }

    /// Any request.
    pub async fn send(&self, request: reqwest::RequestBuilder) -> (u16, Value) {
        let response = request.send().await.expect("an answer");
        let status = response.status().as_u16();
        let text = response.text().await.expect("a body");
        (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
    }

    pub fn client(&self) -> &reqwest::Client {
        &self.client
    }

    /// An experiment with that name; returns its id.
    pub async fn experiment(&self, name: &str) -> String {
        self.ok("experiments/create", serde_json::json!({"name": name})).await["experiment_id"].as_str().unwrap().into()
    }

    /// A run of that experiment; returns its id.
    pub async fn run(&self, experiment: &str, start_time: i64) -> String {
        let answer = self.ok("runs/create", serde_json::json!({"experiment_id": experiment, "start_time": start_time})).await;
        answer["run"]["info"]["run_id"].as_str().unwrap().into()
    }

    pub async fn stop(self) {
        self.handle.stop(false).await;
    }
}
