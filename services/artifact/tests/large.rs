//! A large file up and down in bounded memory, on files and on S3: 64 MB, or 1 GB where `ARTEL_TEST_LONG` is set.

mod support;

use artel_platform::Context;
use artel_platform::blob::Blobs;
use artel_platform::testkit::{Engine, fixture};
use futures::StreamExt;
use reqwest::Body;
use std::sync::Arc;
use std::time::Instant;

const MIB: usize = 1024 * 1024;
/// What a transfer may need beside the program: buffers of both ends (this process is the client, too), and of an S3
/// store the part that is sent and the one that arrives.
const ROOM: usize = 50 * MIB;

fn size() -> usize {
    if std::env::var_os("ARTEL_TEST_LONG").is_some() { 1024 * MIB } else { 64 * MIB }
}

/// Highest resident memory of this process in bytes since it was last asked.
fn peak() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|l| l.starts_with("VmHWM")).unwrap();
    std::fs::write("/proc/self/clear_refs", "5").unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<usize>().unwrap() * 1024
}

fn speed(what: &str, size: usize, since: Instant) {
    println!("{what}: {:.0} MiB/s", size as f64 / MIB as f64 / since.elapsed().as_secs_f64());
}

async fn up_and_down(cx: &Context, store: &str) {
    let size = size();
    let server = support::serve(cx).await;
    server.put("warm", "up").await;
    peak();
    let before = peak();
    let started = Instant::now();
    let answer = server.put("big.bin", Body::wrap_stream(support::generated(size))).await;
    assert!(answer.status().is_success(), "{}", answer.text().await.unwrap());
    speed(&format!("up to {store}"), size, started);
    let mut expected = support::generated(size).map(|c| c.unwrap());
    let started = Instant::now();
    let mut got = server.get("big.bin").await.bytes_stream();
    let (mut want, mut arrived) = (bytes::Bytes::new(), 0);
    while let Some(chunk) = got.next().await {
        let mut chunk = chunk.unwrap();
        arrived += chunk.len();
        while !chunk.is_empty() {
            if want.is_empty() {
                want = expected.next().await.expect("no more than was sent");
            }
            let part = want.len().min(chunk.len());
            assert!(want.split_to(part) == chunk.split_to(part), "the bytes differ near {arrived}");
        }
    }
    assert_eq!(arrived, size);
    speed(&format!("down from {store}"), size, started);
    let grown = peak().saturating_sub(before);
    println!("{store}: {} MiB more than idle", grown / MIB);
    assert!(grown < ROOM, "{} MB more were in memory", grown / MIB);
    server.stop(cx).await;
}

#[actix_web::test]
async fn a_large_file_streams_through() {
    let Some(mut fixture) = fixture(Engine::Sqlite).await else { return };
    up_and_down(&fixture.cx, "files").await;
    let Some((url, settings)) = support::s3() else { return };
    let again = artel_platform::testkit::fixture(Engine::Sqlite).await.unwrap();
    fixture.cx = again.cx.clone();
    fixture.cx.blobs = Blobs::open(&url, &settings).await.unwrap();
    let mut config = (*fixture.cx.config).clone();
    (config.artifacts, config.s3) = (url, settings);
    fixture.cx.config = Arc::new(config);
    up_and_down(&fixture.cx, "S3").await;
}
