//! Each part of the split shape killed alone, under load, and then all of them at once.

use crate::harness::{Client, Installation, Shape};
use crate::load::Load;
use crate::{SETTINGS, database, model, pipeline, skipped};

const SERVICES: &[&str] = &["hub", "tracking", "registry", "artifact", "scheduler", "serving"];

#[tokio::test(flavor = "multi_thread")]
async fn each_part_is_killed() {
    let Some(mut artel) = Installation::start_configured(Shape::Split, SETTINGS).await else { return skipped() };
    let admin = artel.admin().await;
    model::serve(&artel, &admin).await;
    pipeline::install(&artel, &admin).await;
    let load = Load::start(&artel, &admin).await;
    load.go_on(10).await;

    tracking(&mut artel, &load).await;
    registry_and_serving(&mut artel, &admin).await;
    scheduler(&mut artel, &admin).await;
    worker(&mut artel, &admin).await;
    all_at_once(&mut artel, &admin, &load).await;

    load.check(&admin).await;
    database::delivered(&artel, SERVICES).await;
}

/// Writers are told to come again, and lose nothing.
async fn tracking(artel: &mut Installation, load: &Load) {
    for _ in 0..2 {
        artel.part("tracking").kill9();
        artel.restart("tracking").await;
        load.go_on(10).await;
    }
}

/// The registry dies right after it acknowledged a change; then serving, before it heard of one.
async fn registry_and_serving(artel: &mut Installation, admin: &Client) {
    let change = model::point_to(admin, "2").await;
    artel.part("registry").kill9();
    artel.restart("registry").await;
    assert_eq!(model::champion(admin).await, "2");
    model::serves(admin, "2", 120).await;
    change.is_handled_once(artel).await;
    model::took_effect_once(admin, "2", 1).await;

    artel.part("serving").kill9();
    let change = model::point_to(admin, "1").await;
    artel.restart("serving").await;
    model::serves(admin, "1", 120).await;
    change.is_handled_once(artel).await;
}

/// Running tasks do not notice; one that ends meanwhile tells the next scheduler.
async fn scheduler(artel: &mut Installation, admin: &Client) {
    let kept = pipeline::begin(artel, admin, "retried", "scheduler-killed").await;
    let ends_meanwhile = pipeline::begin(artel, admin, "once", "scheduler-killed").await;
    artel.part("scheduler").kill9();
    ends_meanwhile.release();
    ends_meanwhile.has_worked().await;
    artel.restart("scheduler").await;
    ends_meanwhile.ends(admin, "success", 1).await;
    kept.release();
    kept.ends(admin, "success", 1).await;
}

/// Its tasks die with it, and their retry rule decides.
async fn worker(artel: &mut Installation, admin: &Client) {
    let retried = pipeline::begin(artel, admin, "retried", "worker-killed").await;
    let once = pipeline::begin(artel, admin, "once", "worker-killed").await;
    let processes = [retried.process(), once.process()];
    artel.part("worker").kill9();
    for process in processes {
        pipeline::is_gone("a task", process).await;
    }
    artel.restart("worker").await;
    retried.ends(admin, "success", 2).await;
    once.ends(admin, "failed", 1).await;
}

async fn all_at_once(artel: &mut Installation, admin: &Client, load: &Load) {
    let run = pipeline::begin(artel, admin, "retried", "all-killed").await;
    load.go_on(5).await;
    let change = model::point_to(admin, "2").await;
    artel.crash().await;
    load.go_on(10).await;
    assert_eq!(model::champion(admin).await, "2");
    model::serves(admin, "2", 120).await;
    change.is_handled_once(artel).await;
    run.ends(admin, "success", 2).await;
}
