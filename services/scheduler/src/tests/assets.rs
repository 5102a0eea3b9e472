//! Assets: known from DAG files, told of by tasks, waited for by DAGs.

use super::bench::{Bench, MINUTE, START, bench, cron, expected, task_of};
use crate::execution::Reply;
use crate::states::RunType;
use crate::store::runs::DagRun;
use crate::store::{Filter, Page, assets, dags, runs};
use artel_proto::artel::artifact::v1::ArtifactWritten;
use artel_proto::artel::registry::v1::ModelVersionAliasSet;
use artel_proto::artel::scheduler::v1::Workload;
use serde_json::{Value, json};

pub(super) fn asset(name: &str) -> Value {
    json!({"__type": "asset", "name": name, "uri": format!("s3://{name}"), "group": "asset", "extra": {}})
}

fn alias(name: &str) -> Value {
    json!({"__type": "asset_alias", "name": name, "group": "asset"})
}

fn of(kind: &str, objects: &[Value]) -> Value {
    json!({"__type": kind, "objects": objects})
}

/// The schedule of a DAG that waits.
pub(super) fn waits_for(condition: Value) -> Value {
    json!({"timetable": {"__type": "airflow.timetables.simple.AssetTriggeredTimetable", "__var": {"asset_condition": condition}}})
}

/// More of a task: what it makes.
pub(super) fn makes(outlets: &[Value]) -> Value {
    let port = |o: &Value| json!({"__type": o["__type"], "__var": {"name": o["name"], "uri": o["uri"], "group": o["group"], "extra": {}}});
    json!({"outlets": outlets.iter().map(port).collect::<Vec<_>>()})
}

impl Bench {
    /// A DAG whose only task makes these.
    pub(super) async fn add_producer(&self, dag_id: &str, outlets: &[Value]) {
        self.add(dag_id, &[("make", &[], makes(outlets))], json!({})).await;
    }

    async fn add_consumer(&self, dag_id: &str, condition: Value) {
        self.add(dag_id, &[("take", &[], json!({}))], waits_for(condition)).await;
    }

    /// Runs the producer until its task speaks; returns it, running.
    pub(super) async fn producing(&self, dag_id: &str, run_id: &str) -> Workload {
        self.clock.advance(1000);
        self.trigger(dag_id, run_id).await;
        let make = self.claim("w1", 10).await.into_iter().find(|w| task_of(w) == "make").unwrap();
        self.start(&make).await;
        make
    }

    /// The task succeeds and says this of its outlets.
    pub(super) async fn succeed(&self, workload: &Workload, outlets: Value, events: Value) -> Reply {
        let end_date = crate::times::shown(self.clock.now());
        let body = json!({"state": "success", "end_date": end_date, "task_outlets": outlets, "outlet_events": events});
        let reply = self.own(workload, "PATCH", "state", body).await;
        self.settle().await;
        reply
    }

    /// A run of the producer from begin to end, with nothing special to say of its one outlet.
    pub(super) async fn produce(&self, dag_id: &str, run_id: &str, name: &str) {
        let make = self.producing(dag_id, run_id).await;
        let reply = self.succeed(&make, json!([{"name": name, "uri": format!("s3://{name}"), "type": "Asset"}]), json!([])).await;
        assert_eq!(reply.status, 204, "{reply:?}");
    }

    /// Runs that assets started, the oldest first.
    pub(super) async fn asset_runs(&self, dag_id: &str) -> Vec<DagRun> {
        let mut filter = Filter::default();
        filter.compare("dag_id", "=", dag_id);
        filter.compare("run_type", "=", "asset_triggered");
        runs::list(&self.s.db, filter, &Page::all("run_after, run_id")).await.unwrap().0
    }

    pub(super) async fn consumed(&self, run: &DagRun) -> Vec<Value> {
        self.s.dag_run_with_events(run).await.unwrap()["consumed_asset_events"].as_array().unwrap().clone()
    }

    async fn is_active(&self, name: &str) -> Option<bool> {
        assets::by_key(&self.s.db, name, &format!("s3://{name}")).await.unwrap().map(|a| a.is_active)
    }

    async fn pause(&self, dag_id: &str, paused: bool) {
        let mut tx = self.s.db.begin().await.unwrap();
        assert!(dags::set_paused(&mut tx, dag_id, paused).await.unwrap());
        tx.commit().await.unwrap();
        self.s.resumed(dag_id).await.unwrap();
        self.settle().await;
    }
}

#[tokio::test]
async fn a_producers_success_starts_its_consumer() {
    bench(|b| async move {
        b.add_producer("prod", &[asset("a")]).await;
        b.add_consumer("cons", asset("a")).await;
        b.clock.advance(MINUTE);
        let make = b.producing("prod", "r1").await;
        let inactive = b.own(&make, "GET", "validate-inlets-and-outlets", json!(null)).await.body.unwrap();
        assert_eq!(inactive, json!({"inactive_assets": []}));
        let said = json!([{"dest_asset_key": {"name": "a", "uri": "s3://a"}, "extra": {"rows": 7}}]);
        let reply = b.succeed(&make, json!([{"name": "a", "uri": "s3://a", "type": "Asset"}]), said).await;
        assert_eq!(reply.status, 204);

        let run = b.asset_runs("cons").await.remove(0);
        assert!(run.run_id.starts_with("asset_triggered__2026-01-05T00:01:01+00:00_"), "{}", run.run_id);
        assert_eq!((run.run_type, run.triggered_by.as_deref()), (RunType::AssetTriggered, Some("asset")));
        assert_eq!((run.logical_date, run.data_interval_start, run.data_interval_end), (None, None, None));
        assert_eq!(run.run_after, b.clock.now());
        let take = b.claim("w1", 10).await.remove(0);
        let context = b.start(&take).await;
        let event = json!({"asset": {"name": "a", "uri": "s3://a", "extra": {}}, "extra": {"rows": 7}, "source_task_id": "make", "source_dag_id": "prod",
            "source_run_id": "r1", "source_map_index": -1, "source_aliases": [], "timestamp": "2026-01-05T00:01:01Z", "partition_key": null});
        assert_eq!(context["dag_run"]["consumed_asset_events"], json!([event]));
        b.say(&take, "success").await;
        assert_eq!(b.run_state("cons", &run.run_id).await, "success");
        assert_eq!(b.asset_runs("cons").await.len(), 1);
        // the same word again, as after a lost answer, tells of nothing new
        b.succeed(&make, json!([{"name": "a", "uri": "s3://a", "type": "Asset"}]), json!([])).await;
        assert_eq!(b.asset_runs("cons").await.len(), 1);
    })
    .await;
}

#[tokio::test]
async fn a_condition_of_several_waits_for_enough_of_them() {
    bench(|b| async move {
        b.add_producer("pa", &[asset("a")]).await;
        b.add_producer("pb", &[asset("b")]).await;
        b.add_producer("pc", &[asset("c")]).await;
        b.add_consumer("cons", of("asset_any", &[asset("c"), of("asset_all", &[asset("a"), asset("b")])])).await;
        b.produce("pa", "r1", "a").await;
        b.produce("pa", "r2", "a").await;
        assert!(b.asset_runs("cons").await.is_empty());
        b.produce("pb", "r1", "b").await;
        let first = b.asset_runs("cons").await.remove(0);
        let sources: Vec<Value> = b.consumed(&first).await.iter().map(|e| json!([e["source_dag_id"], e["source_run_id"]])).collect();
        assert_eq!(json!(sources), json!([["pa", "r1"], ["pa", "r2"], ["pb", "r1"]]));
        b.produce("pb", "r2", "b").await;
        assert_eq!(b.asset_runs("cons").await.len(), 1);
        b.produce("pc", "r1", "c").await;
        let second = b.asset_runs("cons").await.remove(1);
        assert_eq!(b.consumed(&second).await.len(), 2, "what waited for the other part comes along");
    })
    .await;
}

#[tokio::test]
async fn an_alias_means_what_was_told_through_it() {
    bench(|b| async move {
        b.add_producer("prod", &[alias("ali")]).await;
        b.add_consumer("by_alias", alias("ali")).await;
        let make = b.producing("prod", "r1").await;
        let said = json!([{"dest_asset_key": {"name": "new", "uri": "s3://new"}, "extra": {"n": 1}, "source_alias_name": "ali", "dest_asset_extra": {"k": 2}}]);
        assert_eq!(b.succeed(&make, json!([{"name": "ali", "type": "AssetAlias"}]), said).await.status, 204);
        assert_eq!(b.is_active("new").await, Some(true));
        let run = b.asset_runs("by_alias").await.remove(0);
        let event = b.consumed(&run).await.remove(0);
        assert_eq!((&event["asset"]["extra"], &event["extra"], &event["source_aliases"]), (&json!({"k": 2}), &json!({"n": 1}), &json!([{"name": "ali"}])));

        let take = b.claim("w1", 10).await.remove(0);
        let ask = |path: &'static str| b.call(&take, "GET", path, json!(null));
        let shown = json!({"name": "new", "uri": "s3://new", "group": "asset", "extra": {"k": 2}});
        assert_eq!(ask("assets/by-name?name=new").await.body, Some(shown.clone()));
        assert_eq!(ask("assets/by-uri?uri=s3%3A%2F%2Fnew").await.body, Some(shown.clone()));
        assert_eq!(ask("assets/by-alias?alias_name=ali").await.body, Some(json!([shown])));
        let missing = ask("assets/by-name?name=no").await;
        let detail = json!({"detail": {"reason": "not_found", "message": "Asset with name no not found"}});
        assert_eq!((missing.status, missing.body), (404, Some(detail)));
        let events = ask("asset-events/by-asset-alias?name=ali").await.body.unwrap();
        assert_eq!(events["asset_events"][0]["created_dagruns"][0]["run_id"], json!(run.run_id));
        assert_eq!(ask("asset-events/by-asset?name=new&uri=").await.body.unwrap(), events);
        assert_eq!(ask("asset-events/by-asset?name=new&after=2027-01-01T00:00:00Z").await.body, Some(json!({"asset_events": []})));
        assert_eq!(ask("asset-events/by-asset").await.status, 400);
    })
    .await;
}

#[tokio::test]
async fn a_paused_dag_hears_nothing_and_a_full_one_waits() {
    bench(|b| async move {
        b.add_producer("prod", &[asset("a")]).await;
        let more = |more: Value| {
            let mut all = waits_for(asset("a"));
            all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            all
        };
        b.add("paused", &[("take", &[], json!({}))], more(json!({"is_paused_upon_creation": true}))).await;
        b.add("one", &[("take", &[], json!({}))], more(json!({"max_active_runs": 1}))).await;
        b.produce("prod", "r1", "a").await;
        b.pause("paused", false).await;
        assert!(b.asset_runs("paused").await.is_empty());
        let take = b.claim("w1", 10).await.remove(0);
        b.start(&take).await;
        b.produce("prod", "r2", "a").await;
        assert_eq!((b.asset_runs("paused").await.len(), b.asset_runs("one").await.len()), (1, 1));
        b.say(&take, "success").await;
        assert_eq!(b.asset_runs("one").await.len(), 2);
        assert_eq!(b.run_state("one", &b.asset_runs("one").await[1].run_id).await, "running");
    })
    .await;
}

#[tokio::test]
async fn assets_are_active_as_long_as_something_refers_to_them() {
    bench(|b| async move {
        b.add_producer("prod", &[asset("a")]).await;
        b.add_consumer("cons", of("asset_all", &[asset("a"), asset("b")])).await;
        b.produce("prod", "r1", "a").await;
        b.add_consumer("cons", of("asset_all", &[asset("b"), asset("c")])).await;
        assert_eq!((b.is_active("a").await, b.is_active("b").await, b.is_active("c").await), (Some(true), Some(true), Some(true)));
        let mut tx = b.s.db.begin().await.unwrap();
        assert!(crate::store::asset_queue::of_dag(&mut tx, "cons").await.unwrap().is_empty(), "it waits for `a` no more");
        drop(tx);
        b.s.lose_file("prod.py").await;
        assert_eq!((b.is_active("a").await, b.is_active("b").await), (Some(false), Some(true)));
        // another asset of the same name, while the name is taken and after
        let twin = json!({"__type": "asset", "name": "b", "uri": "s3://other", "group": "asset", "extra": {}});
        b.add_consumer("twin", twin.clone()).await;
        let is_active = async || assets::by_key(&b.s.db, "b", "s3://other").await.unwrap().unwrap().is_active;
        assert!(!is_active().await);
        b.s.delete_dag("cons").await.unwrap();
        assert!(is_active().await);
    })
    .await;
}

#[tokio::test]
async fn a_schedule_of_assets_or_times_follows_both() {
    bench(|b| async move {
        b.add_producer("prod", &[asset("a")]).await;
        let timetable = json!({"__type": "airflow.timetables.assets.AssetOrTimeSchedule", "__var": {"asset_condition": asset("a"), "timetable": cron("0 * * * *")}});
        b.add("both", &[("take", &[], json!({"_is_empty": true}))], json!({"timetable": timetable, "start_date": (START / 1000) as f64})).await;
        b.settle().await;
        assert_eq!(b.run_state("both", "scheduled__2026-01-05T00:00:00+00:00").await, "success");
        b.produce("prod", "r1", "a").await;
        assert_eq!(b.asset_runs("both").await.len(), 1);
        b.advance(60 * MINUTE).await;
        assert_eq!(b.run_state("both", "scheduled__2026-01-05T01:00:00+00:00").await, "success");
    })
    .await;
}

#[tokio::test]
async fn bad_words_about_outlets_are_refused_and_change_nothing() {
    bench(|b| async move {
        b.add_producer("prod", &[asset("a")]).await;
        b.add_consumer("cons", asset("a")).await;
        let make = b.producing("prod", "r1").await;
        let outlets = json!([{"name": "a", "uri": "s3://a", "type": "Asset"}]);
        let event = json!([{"dest_asset_key": {"name": "a", "uri": "s3://a"}, "extra": {}, "partition_key": " "}]);
        let reply = b.succeed(&make, outlets.clone(), event).await;
        assert_eq!((reply.status, reply.body.unwrap()["detail"]["reason"].clone()), (422, json!("invalid_partition_key")));
        assert_eq!(b.succeed(&make, json!("a"), json!([])).await.status, 422);
        assert_eq!(b.states("prod", "r1").await, expected(&[("make", "running")]));
        assert!(b.asset_runs("cons").await.is_empty());
        assert_eq!(b.succeed(&make, outlets, json!([])).await.status, 204);
        assert_eq!(b.asset_runs("cons").await.len(), 1);
    })
    .await;
}

#[tokio::test]
async fn a_models_alias_starts_those_who_wait_for_it() {
    bench(|b| async move {
        let champion = json!({"__type": "asset_ref", "uri": "artel://models/churn@champion"});
        b.add_consumer("retrain", champion).await;
        b.add_consumer("other", asset("a")).await;
        b.clock.advance(1000);
        let set = |workspace: &str, alias: &str| ModelVersionAliasSet {
            workspace: workspace.into(),
            name: "churn".into(),
            alias: alias.into(),
            version: 4,
        };
        for (workspace, alias, runs) in [("default", "shadow", 0), ("other", "champion", 0), ("default", "champion", 1)] {
            let mut tx = b.s.db.begin().await.unwrap();
            b.s.model_alias_set(&set(workspace, alias), &mut tx).await.unwrap();
            tx.commit().await.unwrap();
            b.s.assets_changed();
            b.settle().await;
            assert_eq!(b.asset_runs("retrain").await.len(), runs, "{workspace} {alias}");
        }
        let event = b.consumed(&b.asset_runs("retrain").await[0]).await.remove(0);
        assert_eq!(event["extra"], json!({"name": "churn", "alias": "champion", "version": 4}));
        assert_eq!(event["asset"]["uri"], "artel://models/churn@champion");
        assert!(b.asset_runs("other").await.is_empty());
        b.s.lose_file("retrain.py").await;
        assert!(assets::active_by(&b.s.db, "uri", "artel://models/churn@champion").await.unwrap().is_none());
    })
    .await;
}

#[tokio::test]
async fn a_written_dataset_starts_those_who_wait_for_it_or_for_its_folder() {
    bench(|b| async move {
        let dataset = |uri: &str| json!({"__type": "asset_ref", "uri": uri});
        b.add_consumer("train", dataset("artel://datasets/wine/red.csv")).await;
        b.add_consumer("any_wine", dataset("artel://datasets/wine")).await;
        b.add_consumer("other", dataset("artel://datasets/wine/white.csv")).await;
        b.clock.advance(1000);
        let written =
            |workspace: &str, path: &str| ArtifactWritten { workspace: workspace.into(), path: path.into(), size: 7, sha256: "ab".into() };
        for (workspace, path, runs) in
            [("other", "datasets/wine/red.csv", 0), ("default", "1/datasets/wine/red.csv", 0), ("default", "datasets/wine/red.csv", 1)]
        {
            let mut tx = b.s.db.begin().await.unwrap();
            let told = b.s.artifact_written(&written(workspace, path), &mut tx).await.unwrap();
            tx.commit().await.unwrap();
            b.s.assets_changed();
            b.settle().await;
            assert_eq!((told, b.asset_runs("train").await.len(), b.asset_runs("any_wine").await.len()), (runs == 1, runs, runs), "{path}");
        }
        let event = b.consumed(&b.asset_runs("any_wine").await[0]).await.remove(0);
        assert_eq!(event["extra"], json!({"path": "datasets/wine/red.csv", "size": 7, "sha256": "ab"}));
        assert!(b.asset_runs("other").await.is_empty());
    })
    .await;
}
