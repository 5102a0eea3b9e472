//! What is kept with an asset.

use super::assets::asset;
use super::bench::bench;
use crate::execution::Caller;
use serde_json::{Value, json};

#[actix_web::test]
async fn an_asset_keeps_what_tasks_watchers_and_people_give_it() {
    bench(|b| async move {
        b.add_producer("prod", &[asset("a")]).await;
        let make = b.producing("prod", "r").await;
        let (by_name, by_uri) = ("store/asset/by-name/value?name=a&key=mark", "store/asset/by-uri/value?uri=s3%3A%2F%2Fa&key=mark");
        let missing = b.call(&make, "GET", by_name, Value::Null).await;
        assert_eq!(
            (missing.status, missing.body.unwrap()["detail"]["message"].clone()),
            (404, json!("Asset state store key 'mark' not found"))
        );
        let unknown = b.call(&make, "PUT", "store/asset/by-name/value?name=z&key=mark", json!({"value": 1})).await;
        assert_eq!((unknown.status, unknown.body.unwrap()["detail"]["message"].clone()), (404, json!("Asset with name='z' not found")));
        assert_eq!(b.call(&make, "PUT", by_name, json!({"value": null})).await.status, 422);
        assert_eq!(b.call(&make, "PUT", by_name, json!({"value": {"n": 7}})).await.status, 204);
        assert_eq!(b.call(&make, "GET", by_uri, Value::Null).await.body, Some(json!({"value": {"n": 7}})));

        let at = "2026-01-05T00:00:01Z";
        let by = json!({"kind": "task", "dag_id": "prod", "run_id": "r", "task_id": "make", "map_index": -1});
        let entry = json!({"key": "mark", "value": {"n": 7}, "updated_at": at, "last_updated_by": by});
        assert_eq!(b.see("assets/1/state-store").await, json!({"asset_state_store": [entry], "total_entries": 1}));
        let watcher = Caller::new(Some(String::new()));
        assert_eq!(b.s.execution(&watcher, "PUT", "store/asset/by-name/value", "name=a&key=mark", r#"{"value": 8}"#).await.status, 204);
        assert_eq!(b.see("assets/1/state-store/mark").await["last_updated_by"]["kind"], "watcher");
        assert_eq!(b.ask("PUT", "assets/1/state-store/a/b", json!({"value": [1]})).await.0, 204);
        assert_eq!(
            b.see("assets/1/state-store/a/b").await["last_updated_by"],
            json!({"kind": "api", "dag_id": null, "run_id": null, "task_id": null, "map_index": null})
        );
        for (bad, why) in [(json!({"value": null}), "null"), (json!({"value": "x".repeat(65_535)}), "65537 bytes"), (json!({}), "value")] {
            let (status, body) = b.ask("PUT", "assets/1/state-store/a", bad).await;
            assert!((400..=422).contains(&status) && body.to_string().contains(why), "{status} {body}");
        }
        assert_eq!(b.ask("GET", "assets/9/state-store", Value::Null).await.0, 404);
        assert_eq!(b.call(&make, "DELETE", by_name, Value::Null).await.status, 204);
        assert_eq!(b.call(&make, "GET", by_name, Value::Null).await.status, 404);
        assert_eq!(b.ask("DELETE", "assets/1/state-store/none", Value::Null).await.0, 204);
        assert_eq!(b.see("assets/1/state-store").await["total_entries"], 1);
        assert_eq!(b.call(&make, "DELETE", "store/asset/by-uri/clear?uri=s3%3A%2F%2Fa", Value::Null).await.status, 204);
        assert_eq!(b.see("assets/1/state-store").await["total_entries"], 0);
    })
    .await;
}
