//! Files of versions, and two versions side by side, over the services that know runs and files.

mod support;

use artel_platform::rpc::Peers;
use artel_platform::testkit::on_both_engines;
use artel_proto::artel::artifact::v1::artifact_server::{Artifact, ArtifactServer};
use artel_proto::artel::artifact::v1::*;
use artel_proto::artel::tracking::v1::tracking_server::{Tracking, TrackingServer};
use artel_proto::artel::tracking::v1::{
    DescribeLoggedModelRequest, DescribeRunRequest, DescribeWorkspaceRequest, LoggedModelDescription, RunDescription, WorkspaceDescription,
};
use futures::stream::{self, BoxStream};
use reqwest::Client;
use serde_json::{Value, json};
use support::serve;
use tonic::{Request, Response, Status, Streaming};

const FIRST: &str = "11111111111111111111111111111111";
const SECOND: &str = "22222222222222222222222222222222";
const GONE: &str = "33333333333333333333333333333333";

const FILES: &[(&str, &str)] = &[
    (
        "1/11111111111111111111111111111111/artifacts/model/MLmodel",
        "flavors: {}\nsignature:\n  inputs: '[{\"type\": \"double\", \"name\": \"acid\", \"required\": true}, {\"type\": \"long\",\n    \"name\": \"year\", \"required\": true}]'\n  outputs: '[{\"type\": \"tensor\", \"tensor-spec\": {\"dtype\": \"float64\", \"shape\": [-1]}}]'\n  params: null\n",
    ),
    ("1/11111111111111111111111111111111/artifacts/model/requirements.txt", "mlflow==3.17.2\nscikit-learn==1.5.0\n"),
    (
        "1/22222222222222222222222222222222/artifacts/model/MLmodel",
        "flavors: {}\nsignature:\n  inputs: '[{\"type\": \"float\", \"name\": \"acid\", \"required\": true}, {\"type\": \"string\", \"name\": \"grape\"}]'\n  outputs: '[{\"type\": \"tensor\", \"tensor-spec\": {\"dtype\": \"float64\", \"shape\": [-1]}}]'\n",
    ),
    ("1/22222222222222222222222222222222/artifacts/model/requirements.txt", "mlflow==3.17.2\nScikit_Learn==1.6.0\nxgboost>=2\n"),
];

struct Runs;

#[tonic::async_trait]
impl Tracking for Runs {
    async fn describe_run(&self, request: Request<DescribeRunRequest>) -> Result<Response<RunDescription>, Status> {
        let run_id = request.into_inner().run_id;
        let (params, metrics): (&[_], &[_]) = match run_id.as_str() {
            FIRST => (&[("depth", "3"), ("old", "x")], &[("loss", 0.5), ("bad", f64::NAN)]),
            SECOND => (&[("depth", "4"), ("seed", "1")], &[("loss", 0.25), ("bad", 1.0)]),
            _ => return Err(Status::not_found("no such run")),
        };
        Ok(Response::new(RunDescription {
            artifact_uri: format!("mlflow-artifacts:/1/{run_id}/artifacts"),
            run_id,
            params: params.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect(),
            metrics: metrics.iter().map(|(k, v)| ((*k).to_owned(), *v)).collect(),
            ..Default::default()
        }))
    }

    async fn describe_workspace(&self, request: Request<DescribeWorkspaceRequest>) -> Result<Response<WorkspaceDescription>, Status> {
        Ok(Response::new(WorkspaceDescription { name: request.into_inner().name }))
    }

    async fn describe_logged_model(&self, _: Request<DescribeLoggedModelRequest>) -> Result<Response<LoggedModelDescription>, Status> {
        Err(Status::not_found("no such model"))
    }
}

struct Files;

fn find(path: &str) -> Result<&'static str, Status> {
    FILES.iter().find(|file| file.0 == path).map(|file| file.1).ok_or_else(|| Status::not_found(format!("no file {path}")))
}

#[tonic::async_trait]
impl Artifact for Files {
    type GetStream = BoxStream<'static, Result<Chunk, Status>>;

    async fn stat(&self, request: Request<StatRequest>) -> Result<Response<Entry>, Status> {
        let path = request.into_inner().path;
        if FILES.iter().any(|file| file.0.starts_with(&format!("{path}/"))) {
            return Ok(Response::new(Entry { path, is_dir: true, ..Default::default() }));
        }
        Ok(Response::new(Entry { size: find(&path)?.len() as i64, sha256: "aa".into(), path, is_dir: false }))
    }

    async fn get(&self, request: Request<GetRequest>) -> Result<Response<Self::GetStream>, Status> {
        let request = request.into_inner();
        let text = find(&request.path)?.as_bytes();
        let end = request.length.map_or(text.len(), |length| text.len().min((request.offset + length) as usize));
        let chunk = Chunk { data: text[request.offset as usize..end].to_vec().into() };
        Ok(Response::new(Box::pin(stream::iter([Ok(chunk)]))))
    }

    async fn list(&self, _: Request<ListRequest>) -> Result<Response<ListResponse>, Status> {
        Err(Status::unimplemented("list"))
    }

    async fn put(&self, _: Request<Streaming<PutRequest>>) -> Result<Response<Entry>, Status> {
        Err(Status::unimplemented("put"))
    }

    async fn put_many(&self, _: Request<PutManyRequest>) -> Result<Response<PutManyResponse>, Status> {
        Err(Status::unimplemented("put_many"))
    }

    async fn delete(&self, _: Request<DeleteRequest>) -> Result<Response<DeleteResponse>, Status> {
        Err(Status::unimplemented("delete"))
    }

    async fn describe(&self, _: Request<DescribeRequest>) -> Result<Response<DescribeResponse>, Status> {
        Ok(Response::new(DescribeResponse::default()))
    }
}

fn provide(peers: &Peers) {
    peers.provide("tracking", tonic::service::Routes::new(TrackingServer::new(Runs)));
    peers.provide("artifact", tonic::service::Routes::new(ArtifactServer::new(Files)));
}

async fn get(url: String) -> (u16, Value) {
    let answer = Client::new().get(url).send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap_or_default())
}

#[actix_web::test]
async fn versions_are_compared_and_their_files_are_sent() {
    on_both_engines(async |cx| {
        provide(&cx.peers);
        let server = serve(&cx).await;
        let post = async |path: &str, body: Value| {
            let url = format!("{}/api/2.0/mlflow/{path}", server.url);
            let answer = Client::new().post(url).json(&body).send().await.unwrap();
            assert_eq!(answer.status(), 200, "{path}: {}", answer.text().await.unwrap());
        };
        post("registered-models/create", json!({"name": "wine"})).await;
        for run in [FIRST, SECOND] {
            let tags = json!([{"key": "by", "value": run[..1]}, {"key": "same", "value": "s"}]);
            post("model-versions/create", json!({"name": "wine", "source": format!("runs:/{run}/model"), "run_id": run, "tags": tags}))
                .await;
        }
        post("model-versions/create", json!({"name": "wine", "source": "s3://elsewhere/model", "run_id": GONE})).await;

        let (status, compared) = get(format!("{}/api/artel/v1/models/wine/compare?from=1&to=2", server.url)).await;
        assert_eq!(status, 200, "{compared}");
        let change = |key: &str, from: &str, to: &str| json!({"key": key, "from": from, "to": to, "changed": from != to});
        let only = |key: &str, side: &str, value: &str| json!({"key": key, side: value, "changed": true});
        assert_eq!(compared["params"], json!([change("depth", "3", "4"), only("old", "from", "x"), only("seed", "to", "1")]));
        assert_eq!(
            compared["metrics"],
            json!([{"key": "bad", "from": "NaN", "to": 1.0}, {"key": "loss", "from": 0.5, "to": 0.25, "difference": -0.25}])
        );
        assert_eq!(compared["tags"], json!([change("by", "1", "2"), change("same", "s", "s")]));
        assert_eq!(
            compared["signature"],
            json!({
                "inputs": [change("acid", "double", "float"), only("grape", "to", "string"), only("year", "from", "long")],
                "outputs": [change("0", "float64[-1]", "float64[-1]")],
                "params": [],
            })
        );
        assert_eq!(
            compared["requirements"],
            json!([
                change("mlflow", "mlflow==3.17.2", "mlflow==3.17.2"),
                change("scikit-learn", "scikit-learn==1.5.0", "Scikit_Learn==1.6.0"),
                only("xgboost", "to", "xgboost>=2")
            ])
        );
        assert_eq!(
            (&compared["from"]["version"], &compared["from"]["run_found"], &compared["to"]["model_found"]),
            (&json!("1"), &json!(true), &json!(true))
        );

        // what is gone or lies elsewhere is not known, and that is said
        let (status, compared) = get(format!("{}/api/artel/v1/models/wine/compare?from=3&to=2", server.url)).await;
        assert_eq!(
            (status, &compared["from"]["run_found"], &compared["from"]["model_found"]),
            (200, &json!(false), &json!(false)),
            "{compared}"
        );
        assert_eq!(compared["params"], json!([only("depth", "to", "4"), only("seed", "to", "1")]));
        for (query, status) in [("from=1", 400), ("from=x&to=1", 400), ("from=1&to=9", 404)] {
            assert_eq!(get(format!("{}/api/artel/v1/models/wine/compare?{query}", server.url)).await.0, status, "{query}");
        }

        for path in ["/model-versions/get-artifact", "/ajax-api/2.0/mlflow/model-versions/get-artifact"] {
            let file = async |query: &str| Client::new().get(format!("{}{path}?{query}", server.url)).send().await.unwrap();
            let answer = file("name=wine&version=1&path=requirements.txt").await;
            assert_eq!((answer.status().as_u16(), answer.headers()["x-content-type-options"].to_str().unwrap()), (200, "nosniff"));
            assert_eq!(answer.text().await.unwrap(), FILES[1].1);
            for (query, status) in [
                ("name=wine&version=1&path=nope", 404),
                ("name=wine&version=9&path=MLmodel", 404),
                ("name=wine&version=1&path=..%2Fx", 400),
                ("name=wine&version=1&path=%252e%252e/x", 400),
                ("name=wine&version=1&path=/etc/passwd", 400),
                ("name=wine&version=1", 400),
                ("version=1&path=MLmodel", 400),
                ("name=wine&version=3&path=MLmodel", 400),
            ] {
                assert_eq!(file(query).await.status().as_u16(), status, "{query}");
            }
        }
        server.stop(&cx).await;
    })
    .await;
}
