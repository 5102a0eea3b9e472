//! Endpoints on both engines: stored wishes, their events, and what other services' events change.

mod support;

use artel_platform::bus::Envelope;
use artel_platform::testkit::on_both_engines;
use artel_platform::{Code, Context};
use artel_proto::artel::registry::v1::{ModelVersionAliasSet, ModelVersionCreated};
use artel_proto::event::Event;
use artel_serving::{Roll, Serving, State, Tag};
use std::sync::Arc;
use support::{change, entity, stop};
use tokio::sync::broadcast;

const CHAMPION: &str = r#"{"entity_name":"wine","alias":"champion"}"#;

async fn open(cx: &Context) -> (Arc<Serving>, broadcast::Receiver<Envelope>) {
    let live = cx.bus.live();
    (Serving::open(cx).await.expect("the service opens"), live)
}

#[tokio::test]
async fn endpoints_are_kept_and_told() {
    on_both_engines(|cx| async move {
        let (serving, mut live) = open(&cx).await;
        let tags = vec![Tag { key: "team".into(), value: "cellar".into() }];
        let made = serving.create_endpoint("default", "wine", "ada", entity(CHAMPION), tags).await.expect("created");
        assert_eq!((made.state, made.roll, made.generation), (State::Building, Roll::Rolling, 1));
        let told = change(&mut live, |e| e["name"] == "wine").await;
        assert_eq!(
            (told["state"].as_str(), told["model"].as_str(), told["workspace"].as_str()),
            (Some("building"), Some("wine"), Some("default"))
        );

        let again = serving.create_endpoint("default", "wine", "ada", entity(CHAMPION), vec![]).await.expect_err("the name is taken");
        assert_eq!(again.code, Code::AlreadyExists);
        serving.create_endpoint("cellar", "wine", "ada", entity(CHAMPION), vec![]).await.expect("another workspace has its own names");
        let odd = serving.create_endpoint("default", "a/b", "ada", entity(CHAMPION), vec![]).await.expect_err("no name");
        assert_eq!(odd.code, Code::InvalidArgument);

        let stored = serving.endpoint("default", "wine").await.expect("found");
        assert_eq!((stored.id, stored.entity, stored.tags, stored.creator), (made.id, made.entity, made.tags, made.creator));
        assert_eq!(serving.endpoints("default").await.expect("listed").len(), 1);

        let pinned = r#"{"entity_name":"wine","entity_version":"2"}"#;
        let changed = serving.update_endpoint("default", "wine", entity(pinned)).await.expect("updated");
        assert_eq!((changed.generation, serving.endpoint("default", "wine").await.expect("found").entity), (2, entity(pinned)));

        let add = vec![Tag { key: "stage".into(), value: "test".into() }];
        let tags = serving.tag_endpoint("default", "wine", add, &["team".into()]).await.expect("tagged");
        assert_eq!(tags, [Tag { key: "stage".into(), value: "test".into() }]);

        serving.delete_endpoint("default", "wine").await.expect("deleted");
        assert_eq!(change(&mut live, |e| e["removed"] == true).await["name"], "wine");
        assert_eq!(serving.endpoint("default", "wine").await.expect_err("gone").code, Code::NotFound);
        assert_eq!(serving.delete_endpoint("default", "wine").await.expect_err("gone").code, Code::NotFound);
    })
    .await;
}

/// Sends `event` as the registry would.
async fn emit(cx: &Context, event: &impl Event) {
    let registry = cx.database("registry", &[]).await.expect("a database");
    cx.bus.run(&cx.tasks, &cx.stop, false);
    let mut tx = registry.begin().await.expect("begun");
    tx.emit(event);
    tx.commit().await.expect("committed");
}

fn alias_set(alias: &str, version: i64) -> ModelVersionAliasSet {
    ModelVersionAliasSet { workspace: "default".into(), name: "wine".into(), alias: alias.into(), version }
}

#[tokio::test]
async fn a_moved_alias_changes_the_wish_of_those_that_follow_it() {
    on_both_engines(|cx| async move {
        let (serving, mut live) = open(&cx).await;
        for (name, what) in [
            ("one", CHAMPION),
            ("two", r#"{"entity_name":"wine","entity_version":1}"#),
            ("three", r#"{"entity_name":"wine","alias":"old"}"#),
        ] {
            serving.create_endpoint("default", name, "ada", entity(what), vec![]).await.expect("created");
        }
        serving.run();
        emit(&cx, &alias_set("champion", 2)).await;
        let told = change(&mut live, |e| e["version"] == 2).await;
        assert_eq!((told["name"].as_str(), told["state"].as_str()), (Some("one"), Some("building")));
        for (name, generation, wanted) in [("one", 2, Some(2)), ("two", 1, None), ("three", 1, None)] {
            let endpoint = serving.endpoint("default", name).await.expect("found");
            assert_eq!((endpoint.generation, endpoint.wanted_version), (generation, wanted), "{name}");
        }
        stop(&cx).await;
    })
    .await;
}

#[tokio::test]
async fn a_new_version_changes_the_wish_of_those_that_follow_the_newest() {
    on_both_engines(|cx| async move {
        let (serving, mut live) = open(&cx).await;
        serving.create_endpoint("default", "wine", "ada", entity(r#"{"model_uri":"models:/wine/latest"}"#), vec![]).await.expect("created");
        serving.run();
        emit(&cx, &ModelVersionCreated { workspace: "default".into(), name: "wine".into(), version: 5, ..Default::default() }).await;
        change(&mut live, |e| e["version"] == 5).await;
        assert_eq!(serving.endpoint("default", "wine").await.expect("found").wanted_version, Some(5));
        stop(&cx).await;
    })
    .await;
}

#[tokio::test]
async fn while_the_registry_is_away_the_endpoint_says_so() {
    on_both_engines(|cx| async move {
        let (serving, mut live) = open(&cx).await;
        serving.create_endpoint("default", "wine", "ada", entity(CHAMPION), vec![]).await.expect("created");
        serving.run();
        let told = change(&mut live, |e| e["message"].as_str().is_some_and(|m| m.starts_with("waiting:"))).await;
        assert_eq!(
            (told["state"].as_str(), told["message"].as_str()),
            (Some("building"), Some("waiting: the registry service is still starting"))
        );
        let refused = serving.deployment("default", "wine").await.err().expect("nothing serves");
        assert_eq!(refused.code, Code::Unavailable);
        stop(&cx).await;
    })
    .await;
}
