//! MLflow's artifact proxy over HTTP, and the gRPC side.

mod support;

use artel_platform::testkit::{Engine, fixture};
use artel_proto::artel::artifact::v1 as pb;
use reqwest::header::{HeaderMap, RANGE};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use support::serve;

fn header<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).map_or("", |v| v.to_str().unwrap())
}

#[actix_web::test]
async fn files_go_up_and_come_down_as_upstream_serves_them() {
    let fixture = fixture(Engine::Sqlite).await.unwrap();
    let server = serve(&fixture.cx).await;
    let answer = server.put("1/run/artifacts/модель/MLmodel", "flavors: {}\n").await;
    assert_eq!((answer.status(), answer.json::<Value>().await.unwrap()), (StatusCode::OK, json!({})));
    server.put("1/run/artifacts/model%20b/page.html", "<script>1</script>").await;
    server.put("1/run/artifacts/empty.bin", "").await;

    assert_eq!(
        server.list("1/run/artifacts").await,
        json!({"files": [
        {"path": "empty.bin", "is_dir": false, "file_size": 0}, {"path": "model b", "is_dir": true}, {"path": "модель", "is_dir": true}]})
    );
    assert_eq!(server.list("1/run/artifacts/модель").await, json!({"files": [{"path": "MLmodel", "is_dir": false, "file_size": 12}]}));
    assert_eq!(server.list("1/run/artifacts/модель/MLmodel").await, json!({}));
    assert_eq!(server.list("nothing").await, json!({}));

    let answer = server.get("1/run/artifacts/модель/MLmodel").await;
    let headers = answer.headers().clone();
    assert_eq!(header(&headers, "content-type"), "text/plain");
    assert_eq!(header(&headers, "content-disposition"), "attachment; filename=MLmodel");
    assert_eq!(header(&headers, "x-content-type-options"), "nosniff");
    assert_eq!(header(&headers, "content-length"), "12");
    assert_eq!(answer.text().await.unwrap(), "flavors: {}\n");
    let page = server.get("1/run/artifacts/model%20b/page.html").await;
    assert_eq!(
        (header(page.headers(), "content-type"), header(page.headers(), "content-security-policy")),
        ("text/html", "sandbox allow-scripts")
    );
    let empty = server.get("1/run/artifacts/empty.bin").await;
    assert_eq!((empty.status(), header(empty.headers(), "content-type")), (StatusCode::OK, "application/octet-stream"));

    let client = reqwest::Client::new();
    let delete = client.delete(server.artifact("1/run/artifacts/модель/")).send().await.unwrap();
    assert_eq!((delete.status(), delete.json::<Value>().await.unwrap()), (StatusCode::OK, json!({})));
    assert_eq!(server.get("1/run/artifacts/модель/MLmodel").await.status(), StatusCode::NOT_FOUND);
    server.stop(&fixture.cx).await;
}

#[actix_web::test]
async fn parts_heads_and_conditions() {
    let fixture = fixture(Engine::Sqlite).await.unwrap();
    let server = serve(&fixture.cx).await;
    server.put("f", "0123456789").await;
    let client = reqwest::Client::new();
    let ranged = async |range: &str| {
        let answer = client.get(server.artifact("f")).header(RANGE, range).send().await.unwrap();
        let (status, place) = (answer.status().as_u16(), header(answer.headers(), "content-range").to_owned());
        (status, place, answer.text().await.unwrap())
    };
    assert_eq!(ranged("bytes=2-4").await, (206, "bytes 2-4/10".into(), "234".into()));
    assert_eq!(ranged("bytes=-3").await, (206, "bytes 7-9/10".into(), "789".into()));
    assert_eq!(ranged("bytes=10-").await, (416, "bytes */10".into(), String::new()));
    assert_eq!(ranged("bytes=0-").await, (200, String::new(), "0123456789".into()));

    let head = client.request(Method::HEAD, server.artifact("f")).send().await.unwrap();
    assert_eq!((head.status().as_u16(), header(head.headers(), "content-length")), (200, "10"));
    assert_eq!(header(head.headers(), "accept-ranges"), "bytes");
    let etag = header(head.headers(), "etag").to_owned();
    let same = client.get(server.artifact("f")).header("if-none-match", &etag).send().await.unwrap();
    assert_eq!(same.status(), StatusCode::NOT_MODIFIED);
    let changed = client.get(server.artifact("f")).header("if-range", "\"another\"").header(RANGE, "bytes=2-4").send().await.unwrap();
    assert_eq!((changed.status(), changed.text().await.unwrap().as_str()), (StatusCode::OK, "0123456789"));
    server.stop(&fixture.cx).await;
}

/// Paths that would leave the tree, as they stand in a URL: plain, encoded once, twice and in parts, absolute, as a URL, and
/// as Windows would write them.
const OUTSIDE: &[&str] = &[
    "../etc/passwd",
    "..",
    "d/..",
    "d/../../x",
    "%2e%2e/etc/passwd",
    ".%2e/x",
    "%2E%2E%2Fx",
    "%252e%252e%252fetc",
    "%25252e%25252e%25252fetc",
    "..%252fetc",
    "d/%2e%2e/%2e%2e/x",
    "/etc/passwd",
    "//etc/passwd",
    "%2fetc/passwd",
    "%252fetc/passwd",
    "file:///etc/passwd",
    "file:/etc/passwd",
    "FILE%3A///etc/passwd",
    "C:/windows",
    "c%3a%5cwindows",
    "d%5c..%5cx",
    "..%5cx",
    "%5c%5chost%5cshare",
    "d%255c..%255cx",
    "a%23b",
];

#[actix_web::test]
async fn mistakes_are_told_in_upstreams_form() {
    let fixture = fixture(Engine::Sqlite).await.unwrap();
    let server = serve(&fixture.cx).await;
    server.put("d/f", "x").await;
    let raw = async |method: &str, path: &str| raw_request(&server.url, method, path).await;
    for path in OUTSIDE {
        for method in ["GET", "PUT", "DELETE"] {
            let (status, body) = raw(method, path).await;
            assert_eq!((status, body["error_code"].as_str()), (400, Some("INVALID_PARAMETER_VALUE")), "{method} {path}: {body}");
        }
        let query = format!("?path={}", path.replace('%', "%25").replace('#', "%23").replace('\\', "%5C"));
        let (status, body) = raw_url(&server.url, "GET", &format!("/api/2.0/mlflow-artifacts/artifacts{query}")).await;
        assert_eq!((status, body["error_code"].as_str()), (400, Some("INVALID_PARAMETER_VALUE")), "list {path}: {body}");
    }
    assert_eq!(server.list("").await["files"].as_array().unwrap().len(), 1, "nothing was written");
    let (status, body) = raw("GET", "d").await;
    assert_eq!((status, body["message"].as_str()), (400, Some("Artifact path refers to a directory, not a file: 'd'")));
    let (status, body) = raw("GET", "nothing").await;
    assert_eq!((status, body["error_code"].as_str()), (404, Some("RESOURCE_DOES_NOT_EXIST")));
    assert_eq!(raw("PUT", "d/").await.0, 400);
    assert_eq!(raw("PUT", "d").await.0, 400);
    assert_eq!(raw("DELETE", "").await.0, 400);

    let client = reqwest::Client::new();
    for (method, path, body, what) in [
        (Method::POST, "mpu/create/a/b", json!({"path": "/x/f", "num_parts": 2}), "upload"),
        (Method::POST, "mpu/complete/a", json!({"path": "f", "upload_id": "u", "parts": []}), "upload"),
        (Method::POST, "mpu/abort/a", json!({"path": "f", "upload_id": "u"}), "upload"),
        (Method::GET, "presigned/d/f", json!({}), "download"),
    ] {
        let answer = client.request(method, format!("{}/api/2.0/mlflow-artifacts/{path}", server.url)).json(&body).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::NOT_IMPLEMENTED, "{path}");
        let message = format!("Multipart {what} is not supported for the current artifact repository");
        let answer: Value = answer.json().await.unwrap();
        assert_eq!((&answer["error_code"], &answer["message"]), (&json!("NOT_IMPLEMENTED"), &json!(message)));
    }
    let nameless = client.post(format!("{}/api/2.0/mlflow-artifacts/mpu/create/a", server.url)).json(&json!({"num_parts": 1}));
    let nameless = nameless.send().await.unwrap();
    assert_eq!(nameless.status(), StatusCode::BAD_REQUEST);
    assert!(nameless.text().await.unwrap().contains("path"));
    let odd = client.get(server.artifact("d/f")).header("X-MLFLOW-WORKSPACE", "No Good").send().await.unwrap();
    assert_eq!(odd.status(), StatusCode::BAD_REQUEST);
    let other = client.get(server.artifact("d/f")).header("X-MLFLOW-WORKSPACE", "team-b").send().await.unwrap();
    assert_eq!(other.status(), StatusCode::BAD_REQUEST, "workspaces are not enabled");
    server.stop(&fixture.cx).await;
}

/// Sends the path as it is; clients tidy it first.
async fn raw_request(url: &str, method: &str, path: &str) -> (u16, Value) {
    raw_url(url, method, &format!("/api/2.0/mlflow-artifacts/artifacts/{path}")).await
}

async fn raw_url(url: &str, method: &str, target: &str) -> (u16, Value) {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let mut socket = tokio::net::TcpStream::connect(url.trim_start_matches("http://")).await.unwrap();
    let request = format!("{method} {target} HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    socket.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).await.unwrap();
    let status = answer.split(' ').nth(1).and_then(|s| s.parse().ok()).unwrap_or(0);
    let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
    (status, serde_json::from_str(body).unwrap_or_default())
}

#[actix_web::test]
async fn an_upload_that_breaks_off_is_never_seen() {
    use tokio::io::AsyncWriteExt;
    let fixture = fixture(Engine::Sqlite).await.unwrap();
    let server = serve(&fixture.cx).await;
    let mut socket = tokio::net::TcpStream::connect(server.url.trim_start_matches("http://")).await.unwrap();
    let head = "PUT /api/2.0/mlflow-artifacts/artifacts/half.bin HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n";
    socket.write_all(head.as_bytes()).await.unwrap();
    socket.write_all(&vec![7; 300_000]).await.unwrap();
    drop(socket);
    server.put("after", "x").await;
    assert_eq!(server.get("half.bin").await.status(), StatusCode::NOT_FOUND);
    assert_eq!(server.list("").await, json!({"files": [{"path": "after", "is_dir": false, "file_size": 1}]}));
    server.stop(&fixture.cx).await;
}

#[actix_web::test]
async fn other_services_see_the_same_tree() {
    let fixture = fixture(Engine::Sqlite).await.unwrap();
    let server = serve(&fixture.cx).await;
    let mut client = fixture.cx.peers.artifact();
    let part = |part| pb::PutRequest { part: Some(part) };
    let header = pb::PutHeader { workspace: String::new(), path: "logs/dag/1.log".into(), content_type: "text/plain".into() };
    let parts = [
        part(pb::put_request::Part::Header(header)),
        part(pb::put_request::Part::Data("line one\n".into())),
        part(pb::put_request::Part::Data("line two\n".into())),
    ];
    let entry = client.put(futures::stream::iter(parts)).await.unwrap().into_inner();
    assert_eq!((entry.path.as_str(), entry.size), ("logs/dag/1.log", 18));
    assert_eq!(server.get("logs/dag/1.log").await.text().await.unwrap(), "line one\nline two\n");

    let stat = client.stat(pb::StatRequest { workspace: "default".into(), path: "logs/dag".into() }).await.unwrap().into_inner();
    assert!(stat.is_dir);
    let listed = client.list(pb::ListRequest { path: "/logs".into(), ..Default::default() }).await.unwrap().into_inner();
    assert_eq!(listed.entries.iter().map(|e| (e.path.as_str(), e.is_dir)).collect::<Vec<_>>(), [("logs/dag", true)]);
    let walked = client.list(pb::ListRequest { path: "logs".into(), recursive: true, ..Default::default() }).await.unwrap().into_inner();
    assert_eq!(walked.entries[0].path, "logs/dag/1.log");

    let request = pb::GetRequest { path: "logs/dag/1.log".into(), offset: 5, length: Some(3), ..Default::default() };
    let mut chunks = client.get(request).await.unwrap().into_inner();
    assert_eq!(&chunks.message().await.unwrap().unwrap().data[..], b"one");
    let missing = client.get(pb::GetRequest { path: "none".into(), ..Default::default() }).await.unwrap_err();
    assert_eq!(missing.code(), tonic::Code::NotFound);
    let deleted =
        client.delete(pb::DeleteRequest { path: "logs".into(), recursive: true, ..Default::default() }).await.unwrap().into_inner();
    assert_eq!(deleted.deleted, 1);
    server.stop(&fixture.cx).await;
}
