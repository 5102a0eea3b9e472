//! The registry over a database, beside a tracking service that knows one run and one logged model.
#![allow(dead_code)]

use actix_web::dev::Service as _;
use actix_web::{App, HttpMessage, HttpServer};
use artel_platform::clock::Clock;
use artel_platform::db::Db;
use artel_platform::testkit::admin;
use artel_platform::{Context, args};
use artel_proto::artel::tracking::v1::tracking_server::{Tracking, TrackingServer};
use artel_proto::artel::tracking::v1::{
    DescribeLoggedModelRequest, DescribeRunRequest, DescribeWorkspaceRequest, LoggedModelDescription, RunDescription, WorkspaceDescription,
};
use artel_proto::event::Event;
use artel_registry::{MIGRATIONS, NewVersion, Registry};
use std::net::TcpListener;
use tonic::{Request, Response, Status};

pub const RUN: &str = "0123456789abcdef0123456789abcdef";
pub const MODEL: &str = "m-fedcba9876543210fedcba9876543210";

struct OneRun;

#[tonic::async_trait]
impl Tracking for OneRun {
    async fn describe_run(&self, request: Request<DescribeRunRequest>) -> Result<Response<RunDescription>, Status> {
        if request.get_ref().run_id != RUN {
            return Err(Status::not_found("no such run"));
        }
        Ok(Response::new(RunDescription {
            run_id: RUN.into(),
            artifact_uri: format!("mlflow-artifacts:/1/{RUN}/artifacts"),
            ..Default::default()
        }))
    }

    async fn describe_workspace(&self, request: Request<DescribeWorkspaceRequest>) -> Result<Response<WorkspaceDescription>, Status> {
        Ok(Response::new(WorkspaceDescription { name: request.into_inner().name }))
    }

    async fn describe_logged_model(
        &self,
        request: Request<DescribeLoggedModelRequest>,
    ) -> Result<Response<LoggedModelDescription>, Status> {
        if request.get_ref().model_id != MODEL {
            return Err(Status::not_found("no such model"));
        }
        let artifact_uri = format!("mlflow-artifacts:/1/models/{MODEL}/artifacts");
        Ok(Response::new(LoggedModelDescription { model_id: MODEL.into(), artifact_uri, source_run_id: RUN.into(), ..Default::default() }))
    }
}

pub fn with_tracking(cx: &Context) {
    cx.peers.provide("tracking", tonic::service::Routes::new(TrackingServer::new(OneRun)));
}

pub struct Bench {
    pub registry: Registry,
    pub db: Db,
    pub clock: Clock,
}

pub async fn bench(mut cx: Context) -> Bench {
    cx.clock = Clock::fixed(1_700_000_000_000);
    with_tracking(&cx);
    let db = cx.database("registry", MIGRATIONS).await.unwrap();
    Bench { registry: Registry::new(&cx, db.clone()).unwrap(), db, clock: cx.clock }
}

impl Bench {
    pub async fn model(&self, name: &str) {
        self.registry.create_registered_model("default", name, &[], "").await.unwrap();
    }

    /// A version from the run.
    pub async fn version(&self, name: &str) {
        self.registry.create_model_version("default", from_run(name)).await.unwrap();
    }

    /// Events of one type, oldest first.
    pub async fn told<E: Event>(&self) -> Vec<E> {
        let rows = self.db.fetch_all("SELECT payload FROM outbox WHERE type = $1 ORDER BY id", args![E::TYPE]).await.unwrap();
        rows.iter().map(|row| E::decode(row.get::<Vec<u8>>("payload").unwrap().as_slice()).unwrap()).collect()
    }
}

pub fn from_run(name: &str) -> NewVersion {
    NewVersion { name: name.into(), source: format!("runs:/{RUN}/model"), run_id: Some(RUN.into()), ..Default::default() }
}

pub struct Server {
    pub url: String,
    handle: actix_web::dev::ServerHandle,
}

/// Starts the service of `cx` behind a real listener; every request is the administrator's.
pub async fn serve(cx: &Context) -> Server {
    with_tracking(cx);
    let service = artel_registry::start(cx.clone()).await.expect("the service starts");
    cx.peers.provide("registry", service.grpc);
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
    });
    let server = server.workers(1).disable_signals().listen(socket).expect("listens").run();
    let handle = server.handle();
    tokio::spawn(server);
    Server { url, handle }
}

impl Server {
    pub async fn stop(self, cx: &Context) {
        cx.stop.cancel();
        self.handle.stop(false).await;
    }
}
