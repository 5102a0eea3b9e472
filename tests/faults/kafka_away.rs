//! Kafka stops in the middle: writes go on, and what happened meanwhile is delivered when it returns.

use crate::harness::{Installation, OwnServer, Split};
use crate::load::Load;
use crate::{SETTINGS, database, model, pipeline, skipped};
use std::time::{Duration, Instant};

/// How long Kafka is away.
const OUTAGE: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread")]
async fn kafka_is_away_for_a_while() {
    if std::env::var_os("ARTEL_TEST_POSTGRES").is_none() {
        return skipped();
    }
    let folder = tempfile::tempdir().unwrap();
    let kafka = OwnServer::kafka(folder.path());
    let split = Split { bus: Some(kafka.url.clone()), ..Split::default() };
    let Some(artel) = Installation::start_split(split, SETTINGS).await else { return skipped() };
    let admin = artel.admin().await;
    model::serve(&artel, &admin).await;
    pipeline::install(&artel, &admin).await;
    let load = Load::start(&artel, &admin).await;
    load.go_on(10).await;

    kafka.stop();
    let stopped = Instant::now();
    let change = model::point_to(&admin, "2").await;
    // tasks need no events
    let run = pipeline::begin(&artel, &admin, "once", "without-kafka").await;
    run.release();
    run.ends(&admin, "success", 1).await;
    while stopped.elapsed() < OUTAGE {
        load.go_on(20).await;
    }
    assert!(database::number(&artel, "registry", "SELECT COUNT(*) FROM outbox").unwrap() > 0, "the change waits");
    assert_eq!(change.handled(&artel), 0, "serving has not heard of it");

    kafka.resume().unwrap();
    change.is_handled_once(&artel).await;
    model::serves(&admin, "2", 120).await;
    model::took_effect_once(&admin, "2", 1).await;
    load.go_on(10).await;
    load.check(&admin).await;
    database::delivered(&artel, &["hub", "tracking", "registry", "artifact", "scheduler", "serving"]).await;
    assert_eq!(change.handled(&artel), 1, "the change was handled once");
}
