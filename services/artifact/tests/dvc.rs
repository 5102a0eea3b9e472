//! DVC's HTTP remote, as its client uses it.

mod support;

use artel_platform::testkit::{Engine, fixture};
use artel_platform::{args, db::Db};
use bytes::Bytes;
use reqwest::{Body, Client, Method, StatusCode};
use support::serve;

const HELLO: (&str, &str) = ("hello\n", "b1946ac92492d2347c6235b4d2611184");

fn url(server: &str, repo: &str, md5: &str) -> String {
    format!("{server}/dvc/{repo}/files/md5/{}/{}", &md5[..2], &md5[2..])
}

/// As `requests` sends a file object: in chunks, without a length.
fn chunked(text: &'static str) -> Body {
    let chunks: Vec<Result<Bytes, std::io::Error>> = text.as_bytes().chunks(4).map(|c| Ok(Bytes::from_static(c))).collect();
    Body::wrap_stream(futures::stream::iter(chunks))
}

async fn count(db: &Db, sql: &'static str) -> i64 {
    db.fetch_one(sql, args![]).await.unwrap().get("n").unwrap()
}

#[actix_web::test]
async fn objects_are_written_once_and_read_in_parts() {
    let fixture = fixture(Engine::Sqlite).await.unwrap();
    let server = serve(&fixture.cx).await;
    let client = Client::new();
    let hello = url(&server.url, "team/wine", HELLO.1);
    assert_eq!(client.get(&hello).send().await.unwrap().status(), StatusCode::NOT_FOUND);
    for method in [Method::POST, Method::PUT, Method::POST] {
        assert_eq!(client.request(method, &hello).body(chunked(HELLO.0)).send().await.unwrap().status(), StatusCode::OK);
    }
    let head = client.head(&hello).header("accept-encoding", "identity").send().await.unwrap();
    assert_eq!((head.status(), head.headers()["content-length"].to_str().unwrap()), (StatusCode::OK, "6"));
    assert_eq!(client.get(&hello).send().await.unwrap().text().await.unwrap(), HELLO.0);
    let part = client.get(&hello).header("range", "bytes=1-3").send().await.unwrap();
    assert_eq!((part.status(), part.text().await.unwrap().as_str()), (StatusCode::PARTIAL_CONTENT, "ell"));
    let beyond = client.get(&hello).header("range", "bytes=6-").send().await.unwrap();
    assert_eq!(beyond.status(), StatusCode::RANGE_NOT_SATISFIABLE);

    // the list of a folder bears the hash of its own bytes
    let list = format!("{hello}.dir");
    assert_eq!(client.post(&list).body(HELLO.0).send().await.unwrap().status(), StatusCode::OK);
    assert_eq!(client.get(&list).send().await.unwrap().text().await.unwrap(), HELLO.0);
    // other remotes and workspaces are others', and the artifact tree shows none of it
    let elsewhere = url(&server.url, "team", HELLO.1);
    assert_eq!(client.get(&elsewhere).send().await.unwrap().status(), StatusCode::NOT_FOUND);
    let other = client.get(&hello).header("X-MLFLOW-WORKSPACE", "team-b").send().await.unwrap();
    assert_eq!(other.status(), StatusCode::CONFLICT, "workspaces are not enabled");
    assert_eq!(server.list("").await, serde_json::json!({}));

    // nothing lists: places that are no objects are missing, quietly
    for place in
        ["dvc/team/wine", "dvc/team/wine/files/md5", "dvc/team/wine/files/md5/b1", "dvc/team/wine/b1/946ac92492d2347c6235b4d2611184"]
    {
        assert_eq!(reqwest::get(format!("{}/{place}", server.url)).await.unwrap().status(), StatusCode::NOT_FOUND, "{place}");
    }
    server.stop(&fixture.cx).await;
}

#[actix_web::test]
async fn bytes_must_be_what_their_name_says() {
    let fixture = fixture(Engine::Sqlite).await.unwrap();
    let server = serve(&fixture.cx).await;
    let client = Client::new();
    let place = url(&server.url, "wine", HELLO.1);
    for (target, text) in [(place.clone(), "hello"), (format!("{place}.dir"), "[]"), (place.clone(), "")] {
        let refused = client.post(&target).body(text).send().await.unwrap();
        assert_eq!(refused.status(), StatusCode::BAD_REQUEST, "{text:?}");
        assert!(refused.text().await.unwrap().contains("MD5"));
        assert_eq!(client.get(&target).send().await.unwrap().status(), StatusCode::NOT_FOUND);
    }
    // what is there stays, whatever is sent after it
    client.post(&place).body(HELLO.0).send().await.unwrap();
    assert_eq!(client.put(&place).body("spoilt").send().await.unwrap().status(), StatusCode::BAD_REQUEST);
    assert_eq!(client.get(&place).send().await.unwrap().text().await.unwrap(), HELLO.0);
    for odd in ["B1/946ac92492d2347c6235b4d2611184", "b1/946ac92492d2347c6235b4d261118", "b1/946ac92492d2347c6235b4d2611184.tmp"] {
        let answer = client.post(format!("{}/dvc/wine/files/md5/{odd}", server.url)).body("x").send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::BAD_REQUEST, "{odd}");
    }
    for repo in ["%252e%252e", "a%2f..%2fb", "a%2f%252e%252e%2fb", "a%5cb", "a%23b"] {
        let answer = client.post(url(&server.url, repo, HELLO.1)).body(HELLO.0).send().await.unwrap();
        assert!(answer.status().is_client_error(), "{repo}: {}", answer.status());
    }
    server.stop(&fixture.cx).await;
}

#[actix_web::test]
async fn bytes_are_shared_by_every_remote_and_freed_after_the_last() {
    for engine in [Engine::Sqlite, Engine::Postgres] {
        let Some(mut fixture) = fixture(engine).await else { continue };
        fixture.cx.clock = artel_platform::clock::Clock::fixed(1_000_000_000_000);
        let db = fixture.cx.database("artifact", artel_artifact::MIGRATIONS).await.unwrap();
        let server = serve(&fixture.cx).await;
        let client = Client::new();
        server.put("1/run/artifacts/hello.txt", HELLO.0).await;
        for repo in ["wine", "beer"] {
            let sent = client.post(url(&server.url, repo, HELLO.1)).body(HELLO.0).send().await.unwrap();
            assert_eq!(sent.status(), StatusCode::OK);
        }
        assert_eq!(count(&db, "SELECT refs AS n FROM blobs").await, 3);
        let removed = client.delete(format!("{}/dvc/wine", server.url)).send().await.unwrap();
        assert_eq!(removed.json::<serde_json::Value>().await.unwrap(), serde_json::json!({"deleted": 1}));
        assert_eq!(client.get(url(&server.url, "wine", HELLO.1)).send().await.unwrap().status(), StatusCode::NOT_FOUND);
        client.delete(format!("{}/dvc/beer", server.url)).send().await.unwrap();
        client.delete(server.artifact("1/run/artifacts/hello.txt")).send().await.unwrap();
        fixture.cx.clock.advance(3600 * 1000);
        let artifacts = artel_artifact::Artifacts::new(&fixture.cx, db.clone()).unwrap();
        artifacts.sweep().await.unwrap();
        assert_eq!(count(&db, "SELECT COUNT(*) AS n FROM blobs").await, 0);
        server.stop(&fixture.cx).await;
    }
}
