//! Who may do what, by which signature.

use super::bench::{Bench, bytes, refusal, secret, with_bench};
use aws_sdk_s3::presigning::PresigningConfig;
use reqwest::StatusCode;
use std::time::Duration;
use tokio::io::AsyncWriteExt;

async fn put(client: &aws_sdk_s3::Client, bucket: &str) -> Result<(), (String, u16)> {
    let done = client.put_object().bucket(bucket).key("k").body(bytes("1")).send().await;
    if done.is_ok() { Ok(()) } else { Err(refusal(done)) }
}

#[actix_web::test]
async fn only_valid_signatures_of_those_who_may() {
    with_bench(async |bench: Bench| {
        put(&bench.client("writer"), "artel").await.unwrap();
        assert_eq!(put(&bench.client("reader"), "artel").await, Err(("AccessDenied".into(), 403)));
        assert_eq!(put(&bench.client("stranger"), "artel").await, Err(("AccessDenied".into(), 403)));
        assert_eq!(put(&bench.client("nobody"), "artel").await, Err(("InvalidAccessKeyId".into(), 403)));
        assert_eq!(put(&bench.client_with("writer", &secret("reader")), "artel").await, Err(("SignatureDoesNotMatch".into(), 403)));
        let read = async |id: &str| bench.client(id).get_object().bucket("artel").key("k").send().await;
        assert!(read("reader").await.is_ok());
        assert_eq!(refusal(read("stranger").await), ("AccessDenied".into(), 403));
        let anonymous = reqwest::get(format!("{}/s3/artel/k", bench.url)).await.unwrap();
        assert_eq!(anonymous.status(), StatusCode::FORBIDDEN);
        assert!(anonymous.text().await.unwrap().contains("<Code>AccessDenied</Code>"));
        bench.clock.advance(16 * 60 * 1000);
        assert_eq!(refusal(read("reader").await), ("RequestTimeTooSkewed".into(), 403));
    })
    .await;
}

#[actix_web::test]
async fn a_bucket_belongs_to_a_workspace() {
    with_bench(async |bench: Bench| {
        let team = bench.client("team");
        assert_eq!(put(&team, "artel").await, Err(("AccessDenied".into(), 403)));
        assert_eq!(refusal(team.create_bucket().bucket("team-data").send().await), ("AccessDenied".into(), 403));
        let create = team.create_bucket().bucket("team-data").customize();
        create.mutate_request(|r| drop(r.headers_mut().insert("x-mlflow-workspace", "team-a"))).send().await.unwrap();
        put(&team, "team-data").await.unwrap();
        let names = async |id: &str| {
            let listed = bench.client(id).list_buckets().send().await.unwrap();
            listed.buckets().iter().filter_map(|b| b.name().map(str::to_owned)).collect::<Vec<_>>()
        };
        assert_eq!((names("team").await, names("reader").await), (vec!["team-data".into()], vec!["artel".into(), "team-data".into()]));
        let taken = bench.client("writer").create_bucket().bucket("team-data").send().await;
        assert_eq!(refusal(taken), ("BucketAlreadyExists".into(), 409));
        let copy = team.copy_object().bucket("team-data").key("c").copy_source("artel/k").send().await;
        assert_eq!(refusal(copy), ("AccessDenied".into(), 403));
    })
    .await;
}

#[actix_web::test]
async fn presigned_urls_are_for_one_request_until_they_expire() {
    with_bench(async |bench: Bench| {
        let client = bench.client("writer");
        let config = || PresigningConfig::expires_in(Duration::from_secs(600)).unwrap();
        let up =
            client.put_object().bucket("artel").key("a b/ü").content_type("text/x").metadata("m", "v").presigned(config()).await.unwrap();
        let http = reqwest::Client::new();
        let mut request = http.put(up.uri()).body("by url");
        for (name, value) in up.headers() {
            request = request.header(name, value);
        }
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK, "{}", answer.text().await.unwrap());
        let down =
            client.get_object().bucket("artel").key("a b/ü").response_content_disposition("attachment").presigned(config()).await.unwrap();
        let got = http.get(down.uri()).send().await.unwrap();
        assert_eq!(
            (got.headers()["content-disposition"].as_bytes(), got.headers()["x-amz-meta-m"].as_bytes()),
            (&b"attachment"[..], &b"v"[..])
        );
        assert_eq!(got.headers()["content-security-policy"], "sandbox");
        assert_eq!(got.text().await.unwrap(), "by url");

        assert_eq!(http.delete(down.uri()).send().await.unwrap().status(), StatusCode::FORBIDDEN);
        let other = down.uri().replace("/a%20b/", "/other/");
        assert_eq!(http.get(other).send().await.unwrap().status(), StatusCode::FORBIDDEN);
        let longer = down.uri().replace("X-Amz-Expires=600", "X-Amz-Expires=6000");
        assert_eq!(http.get(longer).send().await.unwrap().status(), StatusCode::FORBIDDEN);
        assert_eq!(http.get(down.uri()).header("x-amz-extra", "1").send().await.unwrap().status(), StatusCode::FORBIDDEN);
        bench.clock.advance(601 * 1000);
        let late = http.get(down.uri()).send().await.unwrap();
        assert_eq!(late.status(), StatusCode::FORBIDDEN);
        assert!(late.text().await.unwrap().contains("expired"));
    })
    .await;
}

#[actix_web::test]
async fn an_upload_that_breaks_off_leaves_nothing() {
    with_bench(async |bench: Bench| {
        let client = bench.client("writer");
        let up = client.put_object().bucket("artel").key("half").presigned(PresigningConfig::expires_in(Duration::from_secs(600)).unwrap());
        let url: url::Url = up.await.unwrap().uri().parse().unwrap();
        let address = format!("{}:{}", url.host_str().unwrap(), url.port().unwrap());
        let mut socket = tokio::net::TcpStream::connect(&address).await.unwrap();
        let head = format!("PUT {}?{} HTTP/1.1\r\nHost: {address}\r\nContent-Length: 1000000\r\n\r\n", url.path(), url.query().unwrap());
        socket.write_all(head.as_bytes()).await.unwrap();
        socket.write_all(&vec![7; 300_000]).await.unwrap();
        let started = std::time::Instant::now();
        while bench.files() == 0 && started.elapsed() < Duration::from_secs(5) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        drop(socket);
        bench.until_files(0).await;
        assert_eq!(refusal(client.get_object().bucket("artel").key("half").send().await), ("NoSuchKey".into(), 404));
    })
    .await;
}
