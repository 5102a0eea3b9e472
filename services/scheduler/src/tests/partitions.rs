//! Runs per partition: of a cron schedule, and of assets whose events have keys.

use super::assets::{asset, makes};
use super::bench::{Bench, MINUTE, START, bench};
use crate::runs::NewRun;
use crate::store::runs::DagRun;
use crate::store::{Filter, Page, runs};
use artel_platform::Code;
use serde_json::{Value, json};

fn per_partition(condition: Value, mapper: Value) -> Value {
    json!({"timetable": {"__type": "airflow.timetables.simple.PartitionedAssetTimetable",
        "__var": {"asset_condition": condition, "default_partition_mapper": mapper, "partition_mapper_config": []}}})
}

fn identity() -> Value {
    json!({"__type": "airflow.partition_mappers.identity.IdentityMapper", "__var": {}})
}

fn regions(names: &[&str]) -> Value {
    json!({"__type": "airflow.partition_mappers.base.RollupMapper", "__var": {
        "upstream_mapper": {"__type": "airflow.partition_mappers.fixed_key.FixedKeyMapper", "__var": {"downstream_key": "all"}},
        "window": {"__type": "airflow.partition_mappers.window.SegmentWindow", "__var": {"segments": names}},
        "wait_policy": {"__type": "airflow.partition_mappers.wait_policy.WaitForAll", "__var": {}}}})
}

impl Bench {
    async fn runs_of(&self, dag_id: &str) -> Vec<DagRun> {
        let mut filter = Filter::default();
        filter.compare("dag_id", "=", dag_id);
        runs::list(&self.s.db, filter, &Page::all("run_after, run_id")).await.unwrap().0
    }

    /// A run of a DAG that finds its partitions itself; its task tells of `a`, of these partitions.
    async fn produce_partitions(&self, run_id: &str, keys: &[&str]) {
        let make = self.producing("prod", run_id).await;
        let key = json!({"name": "a", "uri": "s3://a"});
        let events: Vec<Value> = keys.iter().map(|k| json!({"dest_asset_key": key, "extra": {}, "partition_key": k})).collect();
        let reply = self.succeed(&make, json!([{"name": "a", "uri": "s3://a", "type": "Asset"}]), json!(events)).await;
        assert_eq!(reply.status, 204, "{reply:?}");
    }

    async fn add_partitions_producer(&self) {
        let timetable = json!({"timetable": {"__type": "airflow.timetables.simple.PartitionedAtRuntime", "__var": {}}});
        self.add("prod", &[("make", &[], makes(&[asset("a")]))], timetable).await;
    }
}

#[tokio::test]
async fn a_cron_schedule_makes_partitions_and_those_who_wait_get_the_same_ones() {
    bench(|b| async move {
        let cron = json!({"__type": "airflow.timetables.trigger.CronPartitionTimetable", "__var": {"expression": "0 * * * *", "timezone": "Europe/Berlin",
            "run_immediately": false, "run_offset": -1, "key_format": "%Y-%m-%dT%H"}});
        let more = json!({"timetable": cron, "start_date": (START / 1000) as f64});
        b.add("hourly", &[("make", &[], makes(&[asset("a")]))], more).await;
        b.add("cons", &[("take", &[], json!({}))], per_partition(asset("a"), identity())).await;
        b.settle().await;
        let run = b.runs_of("hourly").await.remove(0);
        assert!(run.run_id.starts_with("scheduled__2026-01-05T00:00:00+00:00__2026-01-05T00__"), "{}", run.run_id);
        // the hour before, on Berlin's clock
        assert_eq!((run.logical_date, run.partition_key.as_deref(), run.partition_date), (None, Some("2026-01-05T00"), Some(START - 60 * MINUTE)));
        let make = b.claim("w1", 1).await.remove(0);
        let context = b.start(&make).await;
        assert_eq!(context["dag_run"]["partition_date"], "2026-01-04T23:00:00Z");
        b.succeed(&make, json!([{"name": "a", "uri": "s3://a", "type": "Asset"}]), json!([])).await;
        let taken = b.runs_of("cons").await.remove(0);
        assert_eq!((taken.partition_key.as_deref(), taken.partition_date), (Some("2026-01-05T00"), Some(START - 60 * MINUTE)));
        b.advance(60 * MINUTE).await;
        assert_eq!(b.runs_of("hourly").await[1].partition_key.as_deref(), Some("2026-01-05T01"));
        assert_eq!(b.runs_of("hourly").await.len(), 2);
    })
    .await;
}

#[tokio::test]
async fn a_rollup_starts_when_its_parts_have_arrived() {
    bench(|b| async move {
        b.add_partitions_producer().await;
        b.add("world", &[("take", &[], json!({}))], per_partition(asset("a"), regions(&["eu", "us"]))).await;
        b.add("each", &[("take", &[], json!({"_is_empty": true}))], per_partition(asset("a"), identity())).await;
        b.add("whole", &[("take", &[], json!({}))], super::assets::waits_for(asset("a"))).await;
        b.produce_partitions("r1", &["eu", "mars"]).await;
        assert!(b.runs_of("world").await.is_empty());
        b.produce_partitions("r2", &["us"]).await;
        let run = b.runs_of("world").await.remove(0);
        assert_eq!((run.partition_key.as_deref(), run.partition_date), (Some("all"), None));
        let events = b.s.dag_run_with_events(&run).await.unwrap()["consumed_asset_events"].clone();
        let keys: Vec<&Value> = events.as_array().unwrap().iter().map(|e| &e["partition_key"]).collect();
        assert_eq!(json!(keys), json!(["eu", "mars", "us"]));
        let mut each: Vec<String> = b.runs_of("each").await.into_iter().filter_map(|r| r.partition_key).collect();
        each.sort();
        assert_eq!(each, ["eu", "mars", "us"]);
        assert!(b.runs_of("whole").await.is_empty(), "news of a part is no news of the whole");
        // the next time it begins anew
        b.produce_partitions("r3", &["us"]).await;
        assert_eq!(b.runs_of("world").await.len(), 1);
    })
    .await;
}

#[tokio::test]
async fn what_was_counted_for_another_schedule_is_forgotten() {
    bench(|b| async move {
        b.add_partitions_producer().await;
        b.add("world", &[("take", &[], json!({}))], per_partition(asset("a"), regions(&["eu", "us"]))).await;
        b.produce_partitions("r1", &["eu"]).await;
        b.add("world", &[("take", &[], json!({}))], per_partition(asset("a"), regions(&["us", "asia"]))).await;
        b.settle().await;
        b.produce_partitions("r2", &["us"]).await;
        assert!(b.runs_of("world").await.is_empty());
        b.produce_partitions("r3", &["asia"]).await;
        assert_eq!(b.runs_of("world").await.len(), 1);
    })
    .await;
}

#[tokio::test]
async fn a_run_by_hand_has_a_key_only_where_the_dag_has_partitions() {
    bench(|b| async move {
        b.add_partitions_producer().await;
        b.add("plain", &[("a", &[], json!({}))], json!({})).await;
        let with = |key: &str| NewRun { partition_key: Some(key.into()), triggered_by: "rest_api", ..NewRun::default() };
        assert_eq!(b.s.trigger("prod", with("eu")).await.unwrap().partition_key.as_deref(), Some("eu"));
        for (dag_id, key) in [("plain", "eu"), ("prod", " ")] {
            assert_eq!(b.s.trigger(dag_id, with(key)).await.unwrap_err().code, Code::InvalidArgument, "{dag_id} {key:?}");
        }
    })
    .await;
}
