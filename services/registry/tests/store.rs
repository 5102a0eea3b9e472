//! Models, versions and aliases on both engines.

mod support;

use artel_platform::testkit::on_both_engines;
use artel_platform::{Code, Error};
use artel_proto::artel::registry::v1::{
    ModelVersionAliasDeleted, ModelVersionAliasSet, ModelVersionChanged, ModelVersionCreated, RegisteredModelChanged,
};
use artel_proto::mlflow::{ModelVersion, ModelVersionTag, RegisteredModelTag};
use artel_registry::{NewVersion, Selector};
use support::{MODEL, RUN, bench, from_run};

const W: &str = "default";

fn tag(key: &str, value: &str) -> RegisteredModelTag {
    RegisteredModelTag { key: Some(key.into()), value: Some(value.into()) }
}

fn numbers(versions: &[ModelVersion]) -> Vec<&str> {
    versions.iter().map(|v| v.version()).collect()
}

fn failed<T: std::fmt::Debug>(result: Result<T, Error>) -> (Code, String) {
    let error = result.unwrap_err();
    (error.code, error.message)
}

#[tokio::test]
async fn a_model_is_made_once_described_tagged_and_deleted() {
    on_both_engines(async |cx| {
        let b = bench(cx).await;
        let r = &b.registry;
        let made = r.create_registered_model(W, "wine", &[tag("b", "2"), tag("a", "0"), tag("a", "1")], "").await.unwrap();
        assert_eq!((made.description.clone(), made.creation_timestamp()), (None, 1_700_000_000_000));
        assert_eq!(made.tags, [tag("a", "1"), tag("b", "2")]);
        let again = failed(r.create_registered_model(W, "wine", &[], "").await);
        assert_eq!(again, (Code::AlreadyExists, "Registered Model (name=wine) already exists.".into()));
        let prompt = failed(r.create_registered_model(W, "wine", &[tag("mlflow.prompt.is_prompt", "true")], "").await);
        assert!(
            prompt.1.starts_with("Tried to create a prompt with name 'wine', but the name is already taken by a registered model."),
            "{}",
            prompt.1
        );
        assert!(r.create_registered_model("other", "wine", &[], "").await.is_ok(), "workspaces are apart");

        b.clock.advance(5);
        let described = r.update_registered_model(W, "wine", "red").await.unwrap();
        assert_eq!((described.description(), described.last_updated_timestamp()), ("red", 1_700_000_000_005));
        r.set_registered_model_tag(W, "wine", "b", "3").await.unwrap();
        r.delete_registered_model_tag(W, "wine", "a").await.unwrap();
        r.delete_registered_model_tag(W, "wine", "none").await.unwrap();
        assert_eq!(r.registered_model(W, "wine").await.unwrap().tags, [tag("b", "3")]);
        assert_eq!(failed(r.set_registered_model_tag(W, "beer", "a", "b").await).0, Code::NotFound);

        r.delete_registered_model(W, "wine").await.unwrap();
        assert_eq!(failed(r.registered_model(W, "wine").await), (Code::NotFound, "Registered Model with name=wine not found".into()));
        assert_eq!(failed(r.delete_registered_model(W, "wine").await).0, Code::NotFound);
        assert!(b.told::<RegisteredModelChanged>().await.last().unwrap().removed);
    })
    .await;
}

#[tokio::test]
async fn versions_are_numbered_and_their_numbers_never_come_back() {
    on_both_engines(async |cx| {
        let b = bench(cx).await;
        let r = &b.registry;
        b.model("wine").await;
        let new = NewVersion {
            tags: vec![ModelVersionTag { key: Some("k".into()), value: Some("v".into()) }],
            description: "first".into(),
            ..from_run("wine")
        };
        let first = r.create_model_version(W, new).await.unwrap();
        assert_eq!((first.version(), first.current_stage(), first.run_id(), first.run_link.as_deref()), ("1", "None", RUN, Some("")));
        assert_eq!((first.tags.len(), first.description(), first.model_id.as_deref()), (1, "first", None));
        let made = futures_of(&b, 6).await;
        assert_eq!(made, (2..=7).collect::<Vec<i64>>(), "each creation has a number of its own");
        assert_eq!(b.told::<ModelVersionCreated>().await.len(), 7);

        r.set_alias(W, "wine", "old", "7").await.unwrap();
        r.delete_model_version(W, "wine", "7").await.unwrap();
        assert_eq!(
            failed(r.model_version(W, "wine", "7").await),
            (Code::NotFound, "Model Version (name=wine, version=7) not found".into())
        );
        assert_eq!(failed(r.delete_model_version(W, "wine", "7").await).0, Code::NotFound);
        assert_eq!(b.told::<ModelVersionAliasDeleted>().await[0].alias, "old");
        assert!(b.told::<ModelVersionChanged>().await.last().unwrap().removed);
        let row = b.db.fetch_one("SELECT source, run_id FROM model_versions WHERE version = 7", vec![]).await.unwrap();
        assert_eq!(row.get::<String>("source").unwrap(), "REDACTED-SOURCE-PATH");
        b.version("wine").await;
        assert_eq!(numbers(&r.registered_model(W, "wine").await.unwrap().latest_versions), ["8"]);

        assert_eq!(failed(r.model_version(W, "wine", "x").await).1, "Parameter 'version' must be an integer, got 'x'.");
        assert_eq!(failed(r.create_model_version(W, from_run("beer")).await).1, "Registered Model with name=beer not found");
        r.set_model_version_tag(W, "wine", "1", "k", "w").await.unwrap();
        r.set_model_version_tag(W, "wine", "1", "a", "").await.unwrap();
        r.delete_model_version_tag(W, "wine", "1", "none").await.unwrap();
        let version = r.update_model_version(W, "wine", "1", None).await.unwrap();
        assert_eq!((version.description, version.tags.len(), version.tags[1].value.as_deref()), (None, 2, Some("w")));
    })
    .await;
}

/// Numbers of `count` versions that are made at once, sorted.
async fn futures_of(b: &support::Bench, count: usize) -> Vec<i64> {
    let mut made = Vec::new();
    let mut waiting: Vec<_> = (0..count).map(|_| Box::pin(b.registry.create_model_version(W, from_run("wine")))).collect();
    std::future::poll_fn(|cx| {
        waiting.retain_mut(|one| match one.as_mut().poll(cx) {
            std::task::Poll::Ready(version) => {
                made.push(version.unwrap().version().parse().unwrap());
                false
            }
            std::task::Poll::Pending => true,
        });
        if waiting.is_empty() { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
    made.sort_unstable();
    made
}

#[tokio::test]
async fn stages_move_and_archive() {
    on_both_engines(async |cx| {
        let b = bench(cx).await;
        let r = &b.registry;
        b.model("wine").await;
        for _ in 0..4 {
            b.version("wine").await;
        }
        r.transition_stage(W, "wine", "2", "production", false).await.unwrap();
        b.clock.advance(1);
        let moved = r.transition_stage(W, "wine", "3", "Production", true).await.unwrap();
        assert_eq!((moved.current_stage(), moved.last_updated_timestamp()), ("Production", 1_700_000_000_001));
        assert_eq!(r.model_version(W, "wine", "2").await.unwrap().current_stage(), "Archived");
        assert_eq!(numbers(&r.latest_versions(W, "wine", &[]).await.unwrap()), ["4", "2", "3"], "stages as they came up");
        assert_eq!(numbers(&r.latest_versions(W, "wine", &["PRODUCTION".into()]).await.unwrap()), ["3"]);
        assert!(r.latest_versions(W, "wine", &["Staging".into()]).await.unwrap().is_empty());
        assert_eq!(
            failed(r.transition_stage(W, "wine", "1", "Live", false).await).1,
            "Invalid Model Version stage: Live. Value must be one of None, Staging, Production, Archived."
        );
        assert!(failed(r.transition_stage(W, "wine", "1", "Archived", true).await).1.contains("'Archived' is not an Active stage"));
        assert!(r.latest_versions(W, "wine", &["Live".into()]).await.is_err());
    })
    .await;
}

#[tokio::test]
async fn aliases_point_to_one_version_and_tell_of_it() {
    on_both_engines(async |cx| {
        let b = bench(cx).await;
        let r = &b.registry;
        b.model("wine").await;
        b.version("wine").await;
        b.version("wine").await;
        r.set_alias(W, "wine", "champion", "1").await.unwrap();
        r.set_alias(W, "wine", "champion", "2").await.unwrap();
        r.set_alias(W, "wine", "best", "2").await.unwrap();
        let told: Vec<i64> = b.told::<ModelVersionAliasSet>().await.iter().map(|e| e.version).collect();
        assert_eq!(told, [1, 2, 2]);
        let version = r.version_by_alias(W, "wine", "champion").await.unwrap();
        assert_eq!((version.version(), &version.aliases[..]), ("2", &["best".to_owned(), "champion".to_owned()][..]));
        assert_eq!(r.version_by_alias(W, "wine", "Latest").await.unwrap().version(), "2");
        let aliases = r.registered_model(W, "wine").await.unwrap().aliases;
        assert_eq!(aliases.iter().map(|a| (a.alias(), a.version())).collect::<Vec<_>>(), [("best", "2"), ("champion", "2")]);

        r.delete_alias(W, "wine", "best").await.unwrap();
        r.delete_alias(W, "wine", "best").await.unwrap();
        assert_eq!(b.told::<ModelVersionAliasDeleted>().await.len(), 1);
        assert_eq!(
            failed(r.version_by_alias(W, "wine", "best").await),
            (Code::InvalidArgument, "Registered model alias best not found.".into())
        );
        assert_eq!(failed(r.version_by_alias(W, "beer", "best").await).0, Code::NotFound);
        assert_eq!(failed(r.set_alias(W, "wine", "next", "9").await).0, Code::NotFound);
        assert_eq!(failed(r.set_alias(W, "wine", "v1", "1").await).1, "Version alias name 'v1' is reserved.");
    })
    .await;
}

#[tokio::test]
async fn a_rename_and_changes_of_its_versions_do_not_block_each_other() {
    on_both_engines(async |cx| {
        let b = bench(cx).await;
        let r = &b.registry;
        b.model("wine").await;
        for _ in 0..22 {
            b.version("wine").await;
        }
        for round in 0..20 {
            let (from, to) = if round % 2 == 0 { ("wine", "beer") } else { ("beer", "wine") };
            let doomed = (round + 2).to_string();
            let (renamed, moved, deleted) = tokio::join!(
                r.rename_registered_model(W, from, to),
                r.transition_stage(W, from, "1", "Staging", true),
                r.delete_model_version(W, from, &doomed),
            );
            renamed.unwrap();
            for late in [moved.map(drop), deleted].into_iter().filter_map(Result::err) {
                assert_eq!(late.code, Code::NotFound, "{}", late.message);
            }
        }
    })
    .await;
}

#[tokio::test]
async fn a_new_name_takes_everything_along() {
    on_both_engines(async |cx| {
        let b = bench(cx).await;
        let r = &b.registry;
        b.model("wine").await;
        b.model("beer").await;
        b.version("wine").await;
        r.set_alias(W, "wine", "champion", "1").await.unwrap();
        r.set_model_version_tag(W, "wine", "1", "k", "v").await.unwrap();
        r.set_registered_model_tag(W, "wine", "k", "v").await.unwrap();
        assert_eq!(failed(r.rename_registered_model(W, "wine", "beer").await).0, Code::AlreadyExists);
        assert_eq!(failed(r.rename_registered_model(W, "none", "beer").await).0, Code::NotFound);
        assert_eq!(failed(r.rename_registered_model(W, "wine", " ").await).1, "Missing value for required parameter 'new_name'.");
        b.clock.advance(7);
        let renamed = r.rename_registered_model(W, "wine", "vin").await.unwrap();
        assert_eq!((renamed.name(), renamed.tags.len(), renamed.aliases.len()), ("vin", 1, 1));
        let version = r.version_by_alias(W, "vin", "champion").await.unwrap();
        assert_eq!((version.name(), version.tags.len(), version.last_updated_timestamp()), ("vin", 1, 1_700_000_000_007));
        assert_eq!(failed(r.registered_model(W, "wine").await).0, Code::NotFound);
    })
    .await;
}

#[tokio::test]
async fn sources_belong_to_the_run_or_model_that_is_named() {
    on_both_engines(async |cx| {
        let b = bench(cx).await;
        let r = &b.registry;
        b.model("wine").await;
        let within_run = format!("mlflow-artifacts:/1/{RUN}/artifacts/model");
        let within_model = format!("mlflow-artifacts:/1/models/{MODEL}/artifacts");
        let logged = format!("models:/{MODEL}");
        let of_run = format!("runs:/{RUN}/model");
        let make = async |source: &str, run_id: Option<&str>, model_id: Option<&str>| {
            let new = NewVersion {
                name: "wine".into(),
                source: source.into(),
                run_id: run_id.map(Into::into),
                model_id: model_id.map(Into::into),
                ..Default::default()
            };
            r.create_model_version(W, new).await
        };
        for (source, run_id, model_id) in [
            (within_run.as_str(), Some(RUN), None),
            (of_run.as_str(), Some(RUN), None),
            (logged.as_str(), None, Some(MODEL)),
            (logged.as_str(), Some(RUN), Some(MODEL)),
            (within_model.as_str(), None, Some(MODEL)),
            ("s3://bucket/model", None, None),
            ("models:/wine/1", None, None),
        ] {
            let made = make(source, run_id, model_id).await;
            assert!(made.is_ok(), "{source} {run_id:?} {model_id:?}: {}", made.unwrap_err());
        }
        for (source, run_id, model_id) in [
            (within_run.as_str(), None, None),
            (within_run.as_str(), Some("another"), None),
            (within_run.as_str(), None, Some(MODEL)),
            ("mlflow-artifacts:/1/other/artifacts/model", Some(RUN), None),
            (of_run.as_str(), None, None),
            (of_run.as_str(), None, Some(MODEL)),
            (logged.as_str(), None, None),
            (logged.as_str(), Some(RUN), None),
            (logged.as_str(), None, Some("m-other")),
            ("models:/m-other", None, Some("m-other")),
            ("/etc/passwd", Some(RUN), None),
            ("file:///etc/passwd", Some(RUN), None),
            ("model", None, Some(MODEL)),
            ("mlflow-artifacts:/1/%2e%2e/2", Some(RUN), None),
            ("s3://bucket/a/../b", None, None),
            ("http://elsewhere/model", None, None),
            ("models://other/wine/1", None, None),
            ("models:/none/1", None, None),
            ("models:/wine/1", Some("another"), None),
        ] {
            let (code, message) = failed(make(source, run_id, model_id).await);
            assert!(matches!(code, Code::InvalidArgument | Code::NotFound), "{source} {run_id:?} {model_id:?}: {message}");
        }
    })
    .await;
}

#[tokio::test]
async fn references_are_resolved_to_artifacts() {
    on_both_engines(async |cx| {
        let b = bench(cx).await;
        let r = &b.registry;
        b.model("wine").await;
        b.version("wine").await;
        let new =
            NewVersion { name: "wine".into(), source: format!("models:/{MODEL}"), model_id: Some(MODEL.into()), ..Default::default() };
        assert_eq!(r.create_model_version(W, new).await.unwrap().run_id(), RUN, "known from the logged model");
        let copy = NewVersion { name: "wine".into(), source: "models:/wine/2".into(), ..Default::default() };
        r.create_model_version(W, copy).await.unwrap();
        let outside = NewVersion { name: "wine".into(), source: "s3://bucket/model".into(), ..Default::default() };
        r.create_model_version(W, outside).await.unwrap();
        r.set_alias(W, "wine", "champion", "2").await.unwrap();

        let first = r.resolve(W, "wine", Selector::Version(1)).await.unwrap();
        assert_eq!((first.version, first.artifact_path), (1, format!("1/{RUN}/artifacts/model")));
        let place = format!("1/models/{MODEL}/artifacts");
        let second = r.resolve(W, "wine", Selector::Alias("champion".into())).await.unwrap();
        assert_eq!((second.version, &second.artifact_path, second.model_id.as_str(), second.run_id.as_str()), (2, &place, MODEL, RUN));
        let third = r.resolve(W, "wine", Selector::Version(3)).await.unwrap();
        assert_eq!((third.source.as_str(), &third.artifact_path, third.model_id.as_str()), ("models:/wine/2", &place, MODEL));
        assert_eq!(r.download_uri(W, "wine", 2).await.unwrap(), format!("mlflow-artifacts:/{place}"));
        assert_eq!(failed(r.resolve(W, "wine", Selector::Latest).await).0, Code::FailedPrecondition);
        assert_eq!(failed(r.resolve(W, "beer", Selector::Latest).await).0, Code::NotFound);
    })
    .await;
}
