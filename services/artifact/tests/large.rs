//! 300 MB up and down in bounded memory, on files and on S3.

mod support;

use artel_platform::Context;
use artel_platform::blob::Blobs;
use artel_platform::testkit::{Engine, fixture};
use futures::StreamExt;
use reqwest::Body;
use std::sync::Arc;

const SIZE: usize = 300 * 1024 * 1024;
/// What a transfer may need beside the program: buffers of both ends, and an S3 part or two.
const ROOM: usize = 96 * 1024 * 1024;

/// Highest resident memory of this process in bytes since it was last asked.
fn peak() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|l| l.starts_with("VmHWM")).unwrap();
    std::fs::write("/proc/self/clear_refs", "5").unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<usize>().unwrap() * 1024
}

async fn up_and_down(cx: &Context) {
    let server = support::serve(cx).await;
    server.put("warm", "up").await;
    peak();
    let before = peak();
    let answer = server.put("big.bin", Body::wrap_stream(support::generated(SIZE))).await;
    assert!(answer.status().is_success(), "{}", answer.text().await.unwrap());
    let mut expected = support::generated(SIZE).map(|c| c.unwrap());
    let mut got = server.get("big.bin").await.bytes_stream();
    let (mut want, mut size) = (bytes::Bytes::new(), 0);
    while let Some(chunk) = got.next().await {
        let mut chunk = chunk.unwrap();
        size += chunk.len();
        while !chunk.is_empty() {
            if want.is_empty() {
                want = expected.next().await.expect("no more than was sent");
            }
            let part = want.len().min(chunk.len());
            assert!(want.split_to(part) == chunk.split_to(part), "the bytes differ near {size}");
        }
    }
    assert_eq!(size, SIZE);
    let grown = peak().saturating_sub(before);
    assert!(grown < ROOM, "{} MB more were in memory", grown / 1024 / 1024);
    server.stop(cx).await;
}

#[actix_web::test]
async fn a_large_file_streams_through() {
    let Some(mut fixture) = fixture(Engine::Sqlite).await else { return };
    up_and_down(&fixture.cx).await;
    let Some((url, settings)) = support::s3() else { return };
    let again = artel_platform::testkit::fixture(Engine::Sqlite).await.unwrap();
    fixture.cx = again.cx.clone();
    fixture.cx.blobs = Blobs::open(&url, &settings).await.unwrap();
    let mut config = (*fixture.cx.config).clone();
    (config.artifacts, config.s3) = (url, settings);
    fixture.cx.config = Arc::new(config);
    up_and_down(&fixture.cx).await;
}
