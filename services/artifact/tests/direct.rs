//! Transfers between MLflow's clients and the object store itself; on the S3 server that `ARTEL_TEST_S3` names.

mod support;

use artel_artifact::{Artifacts, MIGRATIONS};
use artel_platform::blob::Blobs;
use artel_platform::clock::Clock;
use artel_platform::db::Db;
use artel_platform::testkit::{Engine, Fixture, fixture};
use artel_platform::{Context, args};
use reqwest::{Client, StatusCode};
use serde_json::{Value, json};
use std::sync::Arc;
use support::{Server, serve};

/// S3 takes no smaller part, but for the last.
const PART: usize = 5 * 1024 * 1024;
const HOUR: i64 = 3600 * 1000;

/// A fixture whose object store is S3.
async fn on_s3(engine: Engine) -> Option<Fixture> {
    let (url, settings) = support::s3()?;
    let mut fixture = fixture(engine).await?;
    fixture.cx.blobs = Blobs::open(&url, &settings).await.unwrap();
    fixture.cx.clock = Clock::fixed(1_000_000_000_000);
    let mut config = (*fixture.cx.config).clone();
    (config.artifacts, config.s3) = (url, settings);
    fixture.cx.config = Arc::new(config);
    Some(fixture)
}

/// The same service beside the running one, to let it sweep when the test wants.
async fn beside(cx: &Context) -> (Artifacts, Db) {
    let db = cx.database("artifact", MIGRATIONS).await.unwrap();
    (Artifacts::new(cx, db.clone()).unwrap(), db)
}

async fn post(server: &Server, path: &str, body: Value) -> (StatusCode, Value) {
    let url = format!("{}/api/2.0/mlflow-artifacts/mpu/{path}", server.url);
    let answer = Client::new().post(url).json(&body).send().await.unwrap();
    (answer.status(), answer.json().await.unwrap())
}

/// Sends the parts where they go; gives what a client sends to complete.
async fn send_parts(created: &Value, parts: &[Vec<u8>]) -> Vec<Value> {
    let mut sent = Vec::new();
    for (credential, part) in created["credentials"].as_array().unwrap().iter().zip(parts) {
        let url = credential["url"].as_str().unwrap();
        let answer = Client::new().put(url).body(part.clone()).send().await.unwrap();
        assert!(answer.status().is_success(), "{url}: {}", answer.text().await.unwrap());
        let etag = answer.headers()["etag"].to_str().unwrap();
        sent.push(json!({"part_number": credential["part_number"], "etag": etag, "url": url}));
    }
    sent
}

async fn upload(server: &Server, file: &str, parts: &[Vec<u8>]) -> (String, Vec<Value>) {
    let request = json!({"path": format!("/home/ada/{file}"), "num_parts": parts.len()});
    let (status, created) = post(server, "create/1/run/artifacts", request).await;
    assert_eq!(status, StatusCode::OK, "{created}");
    assert_eq!(created["credentials"].as_array().unwrap().len(), parts.len());
    let sent = send_parts(&created, parts).await;
    (created["upload_id"].as_str().unwrap().to_owned(), sent)
}

async fn count(db: &Db, sql: &'static str) -> i64 {
    db.fetch_one(sql, args![]).await.unwrap().get("n").unwrap()
}

#[actix_web::test]
async fn parts_go_to_the_store_and_are_shown_when_they_are_joined() {
    for engine in [Engine::Sqlite, Engine::Postgres] {
        let Some(fixture) = on_s3(engine).await else { continue };
        let server = serve(&fixture.cx).await;
        let (artifacts, db) = beside(&fixture.cx).await;
        let parts = [vec![1; PART], vec![2; 1000]];
        let (id, sent) = upload(&server, "model.bin", &parts).await;
        assert_eq!(server.list("1/run/artifacts").await, json!({}), "nothing is seen before its end");
        let complete = json!({"path": "/home/ada/model.bin", "upload_id": id, "parts": sent});
        assert_eq!(post(&server, "complete/1/run/other", complete.clone()).await.0, StatusCode::NOT_FOUND);
        for _ in 0..2 {
            assert_eq!(post(&server, "complete/1/run/artifacts", complete.clone()).await, (StatusCode::OK, json!({})));
        }
        let whole = parts.concat();
        let listed = json!({"files": [{"path": "model.bin", "is_dir": false, "file_size": whole.len()}]});
        assert_eq!(server.list("1/run/artifacts").await, listed);
        assert!(server.get("1/run/artifacts/model.bin").await.bytes().await.unwrap() == whole);

        // the same bytes, sent in the ordinary way, are the same content once these are read
        artifacts.read_unread().await.unwrap();
        assert_eq!(count(&db, "SELECT COUNT(*) AS n FROM blobs WHERE length(sha256) <> 64").await, 0);
        server.put("copy.bin", whole.clone()).await;
        assert_eq!(count(&db, "SELECT refs AS n FROM blobs").await, 2);

        let presigned = format!("{}/api/2.0/mlflow-artifacts/presigned/1/run/artifacts/model.bin", server.url);
        let presigned: Value = reqwest::get(presigned).await.unwrap().json().await.unwrap();
        assert_eq!((&presigned["file_size"], &presigned["headers"]), (&json!(whole.len()), &json!({})));
        let part = Client::new().get(presigned["url"].as_str().unwrap()).header("range", "bytes=5242878-5242881").send().await.unwrap();
        // a store may leave out the name in the answer to a part (Garage does)
        if let Some(name) = part.headers().get("content-disposition") {
            assert_eq!(name, "attachment; filename=model.bin");
        }
        assert_eq!(&part.bytes().await.unwrap()[..], [1, 1, 2, 2]);

        // nothing is left of it when the last path is gone
        for path in ["1/run/artifacts/model.bin", "copy.bin"] {
            Client::new().delete(server.artifact(path)).send().await.unwrap();
        }
        fixture.cx.clock.advance(2 * HOUR);
        artifacts.sweep().await.unwrap();
        assert_eq!(count(&db, "SELECT COUNT(*) AS n FROM blobs").await + count(&db, "SELECT COUNT(*) AS n FROM orphans").await, 0);
        let gone = Client::new().get(presigned["url"].as_str().unwrap()).send().await.unwrap();
        assert!(gone.status().is_client_error(), "the store has forgotten the bytes: {}", gone.status());
        server.stop(&fixture.cx).await;
    }
}

#[actix_web::test]
async fn what_is_given_up_or_forgotten_leaves_nothing_in_the_store() {
    let Some(fixture) = on_s3(Engine::Sqlite).await else { return };
    let server = serve(&fixture.cx).await;
    let (artifacts, db) = beside(&fixture.cx).await;
    let (id, sent) = upload(&server, "a.bin", &[vec![1; PART], vec![2; 10]]).await;
    let abort = json!({"path": "a.bin", "upload_id": id});
    assert_eq!(post(&server, "abort/1/run/artifacts", abort.clone()).await, (StatusCode::OK, json!({})));
    assert_eq!(post(&server, "abort/1/run/artifacts", abort).await.0, StatusCode::NOT_FOUND);
    let complete = json!({"path": "a.bin", "upload_id": id, "parts": sent});
    assert_eq!(post(&server, "complete/1/run/artifacts", complete).await.0, StatusCode::NOT_FOUND);
    artifacts.sweep().await.unwrap();
    assert_eq!(count(&db, "SELECT COUNT(*) AS n FROM orphans").await, 0);

    // a client that never comes back
    let (id, sent) = upload(&server, "b.bin", &[vec![1; PART], vec![2; 10]]).await;
    fixture.cx.clock.advance(25 * HOUR);
    artifacts.sweep().await.unwrap();
    let (status, _) = post(&server, "complete/1/run/artifacts", json!({"path": "b.bin", "upload_id": id, "parts": sent})).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    assert_eq!(count(&db, "SELECT COUNT(*) AS n FROM direct_uploads").await, 0);
    let url = sent[0]["url"].as_str().unwrap();
    let late = Client::new().put(url).body("late").send().await.unwrap();
    assert!(!late.status().is_success(), "the store has given the upload up");
    server.stop(&fixture.cx).await;
}

#[actix_web::test]
async fn mistakes_are_the_clients() {
    let Some(fixture) = on_s3(Engine::Sqlite).await else { return };
    let server = serve(&fixture.cx).await;
    let create = async |path: &str, body: Value| post(&server, &format!("create/{path}"), body).await.0;
    server.put("d/f", "x").await;
    for (path, body) in [
        ("a", json!({"path": "", "num_parts": 1})),
        ("a", json!({"path": "..", "num_parts": 1})),
        ("%252e%252e", json!({"path": "x", "num_parts": 1})),
        ("a", json!({"path": "x", "num_parts": 10_001})),
        ("a", json!({"path": "x", "num_parts": -1})),
        ("d/f", json!({"path": "x", "num_parts": 1})),
        ("", json!({"path": "d", "num_parts": 1})),
    ] {
        assert_eq!(create(path, body.clone()).await, StatusCode::BAD_REQUEST, "{path} {body}");
    }
    let (id, sent) = upload(&server, "a.bin", &[vec![1; PART], vec![2; 10]]).await;
    for parts in [json!([]), json!([{"part_number": 1, "etag": "\"0\""}]), json!([sent[1], sent[0]])] {
        let (status, answer) = post(&server, "complete/1/run/artifacts", json!({"path": "a.bin", "upload_id": id, "parts": parts})).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{parts}: {answer}");
    }
    assert_eq!(server.get("1/run/artifacts/a.bin").await.status(), StatusCode::NOT_FOUND);
    let missing = reqwest::get(format!("{}/api/2.0/mlflow-artifacts/presigned/nothing", server.url)).await.unwrap();
    assert_eq!(missing.status(), StatusCode::NOT_FOUND);
    server.stop(&fixture.cx).await;
}

#[actix_web::test]
async fn either_can_be_turned_off() {
    let Some(fixture) = fixture(Engine::Sqlite).await else { return };
    let mut config = (*fixture.cx.config).clone();
    config.artifact.insert("serve_mlflow".into(), false.into());
    let mut off = fixture.cx.clone();
    off.config = Arc::new(config);
    let refused = artel_artifact::start(off.clone()).await.err().expect("runs would get a place that nobody serves");
    assert!(refused.message.contains("default_artifact_root"), "{refused}");
    let mut config = (*off.config).clone();
    config.tracking.insert("default_artifact_root".into(), "s3://bucket/runs".into());
    let mut cx = off;
    cx.config = Arc::new(config);
    let server = serve(&cx).await;
    let refused = server.put("a", "x").await;
    assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(refused.text().await.unwrap().contains("serve_mlflow"));
    let said = cx.peers.artifact().describe(artel_proto::artel::artifact::v1::DescribeRequest {}).await.unwrap().into_inner();
    assert!(!said.serves_mlflow && !said.direct_transfers);
    // the other services go on
    let listed = cx.peers.artifact().list(artel_proto::artel::artifact::v1::ListRequest::default()).await.unwrap().into_inner();
    assert!(listed.entries.is_empty());
    server.stop(&cx).await;
}
