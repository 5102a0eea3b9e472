//! The one process of the single shape, killed in the middle of everything.

use crate::harness::{Installation, Shape};
use crate::load::Load;
use crate::{SETTINGS, database, model, pipeline};

#[tokio::test(flavor = "multi_thread")]
async fn the_single_process_is_killed() {
    let mut artel = Installation::start_configured(Shape::Single, SETTINGS).await.unwrap();
    let admin = artel.admin().await;
    model::serve(&artel, &admin).await;
    pipeline::install(&artel, &admin).await;
    let retried = pipeline::begin(&artel, &admin, "retried", "first").await;
    let once = pipeline::begin(&artel, &admin, "once", "first").await;
    let load = Load::start(&artel, &admin).await;
    load.go_on(30).await;
    let children = artel.children();

    let change = model::point_to(&admin, "2").await;
    artel.crash().await;

    load.go_on(10).await;
    for child in children {
        pipeline::is_gone("a child of the killed process", child).await;
    }
    assert_eq!(model::champion(&admin).await, "2", "the acknowledged change is there");
    model::serves(&admin, "2", 120).await;
    retried.ends(&admin, "success", 2).await;
    once.ends(&admin, "failed", 1).await;
    load.check(&admin).await;

    database::delivered(&artel, &["hub", "tracking", "registry", "scheduler", "serving"]).await;
    change.is_handled_once(&artel).await;
    model::took_effect_once(&admin, "2", 1).await;

    // once more, without anything under way: what is there stays as it is
    artel.crash().await;
    model::serves(&admin, "2", 120).await;
    assert_eq!(change.handled(&artel), 1, "nothing is delivered again");
    model::took_effect_once(&admin, "2", 1).await;
}
