//! What the REST API says of assets.

use super::assets::{asset, waits_for};
use super::bench::{Bench, bench};
use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::middleware::{Next, from_fn};
use actix_web::{App, HttpMessage, test};
use artel_platform::testkit::admin;
use serde_json::{Value, json};

async fn as_admin(request: ServiceRequest, next: Next<impl MessageBody>) -> Result<ServiceResponse<impl MessageBody>, actix_web::Error> {
    request.extensions_mut().insert(admin());
    next.call(request).await
}

impl Bench {
    /// A request of an administrator: status and body.
    pub(super) async fn ask(&self, method: &str, path: &str, body: Value) -> (u16, Value) {
        let routes = crate::routes().state(self.s.clone());
        let app = test::init_service(App::new().wrap(from_fn(as_admin)).configure(|config| routes.configure(config))).await;
        let mut request = test::TestRequest::with_uri(&format!("/api/v2/{path}")).method(method.parse().unwrap());
        if !body.is_null() {
            request = request.set_json(body);
        }
        let response = test::call_service(&app, request.to_request()).await;
        let status = response.status().as_u16();
        let body = test::read_body(response).await;
        (status, serde_json::from_slice(&body).unwrap_or(Value::Null))
    }

    pub(super) async fn see(&self, path: &str) -> Value {
        let (status, body) = self.ask("GET", path, Value::Null).await;
        assert_eq!(status, 200, "{path}: {body}");
        body
    }
}

#[actix_web::test]
async fn assets_are_listed_with_what_refers_to_them() {
    bench(|b| async move {
        b.add_producer("prod", &[asset("a"), asset("b")]).await;
        b.add("cons", &[("take", &[], json!({}))], waits_for(json!({"__type": "asset_all", "objects": [asset("a"), asset("b")]}))).await;
        let at = "2026-01-05T00:00:00Z";
        let expected = json!({
            "id": 1, "name": "a", "uri": "s3://a", "group": "asset", "extra": {}, "created_at": at, "updated_at": at,
            "scheduled_dags": [{"dag_id": "cons", "created_at": at, "updated_at": at}],
            "producing_tasks": [{"dag_id": "prod", "task_id": "make", "created_at": at, "updated_at": at}],
            "consuming_tasks": [], "aliases": [], "watchers": [], "last_asset_event": {"id": null, "timestamp": null},
        });
        assert_eq!(b.see("assets/1").await, expected);
        let listed = b.see("assets?order_by=-name&limit=1").await;
        assert_eq!((&listed["total_entries"], &listed["assets"][0]["name"]), (&json!(2), &json!("b")));
        assert_eq!(b.see("assets?name_pattern=A&dag_ids=prod,none").await["assets"], json!([expected]));
        assert_eq!(b.see("assets?dag_ids=none").await, json!({"assets": [], "total_entries": 0}));
        assert_eq!(b.see("dags/cons/details").await["asset_expression"]["all"][1]["asset"]["id"], 2);
        let (status, body) = b.ask("GET", "assets/9", Value::Null).await;
        assert_eq!((status, body), (404, json!({"detail": "The Asset with ID: `9` was not found"})));
        assert_eq!(b.ask("GET", "assets?order_by=extra", Value::Null).await.0, 400);
        b.s.lose_file("cons.py").await;
        b.s.lose_file("prod.py").await;
        assert_eq!(b.see("assets").await["total_entries"], 0);
        assert_eq!(b.see("assets?only_active=false").await["total_entries"], 2);
    })
    .await;
}

#[actix_web::test]
async fn an_event_by_hand_waits_shows_and_starts() {
    bench(|b| async move {
        b.add_producer("prod", &[asset("a")]).await;
        b.add("cons", &[("take", &[], json!({}))], waits_for(json!({"__type": "asset_all", "objects": [asset("a"), asset("b")]}))).await;
        b.clock.advance(1000);
        let (status, made) = b.ask("POST", "assets/events", json!({"asset_id": 1, "extra": {"api_key": "s3cret", "n": 1}})).await;
        assert_eq!((status, &made["extra"]), (200, &json!({"api_key": "***", "n": 1, "from_rest_api": true})));
        assert_eq!((&made["source_map_index"], &made["source_dag_id"], &made["created_dagruns"]), (&json!(-1), &Value::Null, &json!([])));
        b.settle().await;
        let waits = json!({"dag_id": "cons", "asset_id": 1, "created_at": "2026-01-05T00:00:01Z", "dag_display_name": "cons"});
        assert_eq!(b.see("dags/cons/assets/1/queuedEvents").await, waits);
        let all = json!({"queued_events": [waits], "total_entries": 1});
        assert_eq!((b.see("assets/1/queuedEvents").await, b.see("dags/cons/assets/queuedEvents").await), (all.clone(), all));
        let nothing = json!({"queued_events": [], "total_entries": 0});
        assert_eq!(b.see("assets/1/queuedEvents?before=2026-01-05T00:00:01Z").await, nothing);
        assert_eq!(b.ask("DELETE", "dags/cons/assets/2/queuedEvents", Value::Null).await.0, 404);
        assert_eq!(b.ask("DELETE", "dags/cons/assets/1/queuedEvents", Value::Null).await.0, 204);
        let (status, body) = b.ask("GET", "dags/cons/assets/1/queuedEvents", Value::Null).await;
        let why = "Queued event with dag_id: `cons` and asset_id: `1` was not found";
        assert_eq!((status, body), (404, json!({"detail": why})));

        for id in [1, 2] {
            b.clock.advance(1000);
            b.ask("POST", "assets/events", json!({"asset_id": id})).await;
            b.settle().await;
        }
        let run = b.asset_runs("cons").await.remove(0);
        let upstream = b.see(&format!("dags/cons/dagRuns/{}/upstreamAssetEvents", run.run_id.replace('+', "%2B"))).await;
        let ids: Vec<&Value> = upstream["asset_events"].as_array().unwrap().iter().map(|e| &e["id"]).collect();
        // the event whose queue entry was removed still belongs to the time before the run
        assert_eq!((json!(ids), &upstream["total_entries"]), (json!([1, 2, 3]), &json!(3)));
        let triggering: Vec<&Value> =
            upstream["asset_events"].as_array().unwrap().iter().map(|e| &e["created_dagruns"][0]["triggering"]).collect();
        assert_eq!(json!(triggering), json!([false, false, true]));
        let newest = b.see("assets/events?order_by=-timestamp&limit=1").await;
        assert_eq!((&newest["asset_events"][0]["id"], &newest["total_entries"]), (&json!(3), &json!(3)));
        assert_eq!(b.see("assets/events?asset_id=1&timestamp_gte=2026-01-05T00:00:02Z").await["total_entries"], 1);
        assert_eq!(b.see("assets/events?name_pattern=b").await["total_entries"], 1);
        assert_eq!(b.see("assets/1").await["last_asset_event"], json!({"id": 2, "timestamp": "2026-01-05T00:00:02Z"}));
        for bad in [json!({"asset_id": 1, "more": 1}), json!({"asset_id": "x"}), json!({"asset_id": 1, "partition_key": " "})] {
            assert!(matches!(b.ask("POST", "assets/events", bad.clone()).await.0, 400 | 422), "{bad}");
        }
        assert_eq!(b.ask("POST", "assets/events", json!({"asset_id": 9})).await.0, 404);
        assert_eq!(b.see("assets/events").await["total_entries"], 3);
    })
    .await;
}

#[actix_web::test]
async fn an_asset_is_made_by_the_one_dag_that_makes_it() {
    bench(|b| async move {
        b.add_producer("prod", &[asset("a")]).await;
        b.add("cons", &[("take", &[], json!({}))], waits_for(json!({"__type": "asset_any", "objects": [asset("a"), asset("b")]}))).await;
        let (status, run) = b.ask("POST", "assets/1/materialize", Value::Null).await;
        assert_eq!(
            (status, &run["dag_id"], &run["run_type"], &run["state"]),
            (200, &json!("prod"), &json!("asset_materialization"), &json!("queued"))
        );
        assert!(run["dag_run_id"].as_str().unwrap().starts_with("asset_materialization__2026-01-05T00:00:00+00:00"), "{run}");
        let (_, run) = b.ask("POST", "assets/1/materialize", json!({"dag_run_id": "mine", "conf": {"x": 1}})).await;
        assert_eq!((&run["dag_run_id"], &run["conf"]), (&json!("mine"), &json!({"x": 1})));
        assert_eq!(
            b.ask("POST", "assets/2/materialize", Value::Null).await,
            (404, json!({"detail": "No Dag materializes asset with ID: 2"}))
        );
        b.add_producer("again", &[asset("a")]).await;
        let why = json!({"detail": "More than one Dag materializes asset with ID: 1"});
        assert_eq!(b.ask("POST", "assets/1/materialize", Value::Null).await, (409, why));
    })
    .await;
}

#[actix_web::test]
async fn aliases_are_listed() {
    bench(|b| async move {
        let alias = json!({"__type": "asset_alias", "name": "ali", "group": "g"});
        b.add("cons", &[("take", &[], json!({}))], waits_for(alias)).await;
        let shown = json!({"id": 1, "name": "ali", "group": "g"});
        assert_eq!(b.see("assets/aliases").await, json!({"asset_aliases": [shown], "total_entries": 1}));
        assert_eq!(b.see("assets/aliases/1").await, shown);
        let missing = json!({"detail": "The Asset Alias with ID: `2` was not found"});
        assert_eq!(b.ask("GET", "assets/aliases/2", Value::Null).await, (404, missing));
    })
    .await;
}
