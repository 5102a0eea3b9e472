//! Watchers of assets: which triggers run, and what their events do.

use super::assets::{asset, waits_for};
use super::bench::{Bench, bench};
use crate::store::triggers;
use serde_json::{Value, json};

/// An asset that the trigger of `file` watches.
fn watched(name: &str, file: &str) -> Value {
    let trigger = json!({"classpath": "a.FileDeleteTrigger", "kwargs": {"filepath": file}});
    let mut asset = asset(name);
    asset["watchers"] = json!([{"name": format!("{name}_watcher"), "trigger": trigger}]);
    asset
}

impl Bench {
    /// What a host would run now.
    async fn watching(&self) -> Vec<String> {
        let (now, mut tx) = (self.clock.now(), self.s.db.begin().await.unwrap());
        triggers::hold(&mut tx, "h1", 10, now, now + 30_000).await.unwrap();
        tx.commit().await.unwrap();
        triggers::held(&self.s.db, "h1").await.unwrap().into_iter().map(|t| t.id).collect()
    }

    async fn set_paused(&self, dag_id: &str, paused: bool) {
        let (status, body) = self.ask("PATCH", &format!("dags/{dag_id}"), json!({"is_paused": paused})).await;
        assert_eq!(status, 200, "{body}");
    }

    async fn add_watching(&self, dag_id: &str, objects: &[Value]) {
        let condition = json!({"__type": "asset_any", "objects": objects});
        self.add(dag_id, &[("take", &[], json!({}))], waits_for(condition)).await;
    }
}

#[actix_web::test]
async fn a_watchers_event_is_news_of_all_that_it_watches() {
    bench(|b| async move {
        b.add_watching("one", &[watched("a", "/x"), watched("b", "/y")]).await;
        b.add_watching("two", &[watched("c", "/x")]).await;
        let held = b.watching().await;
        assert_eq!(held.len(), 2, "the same trigger runs once");
        let shown = b.see("assets?order_by=name").await;
        let of_a = &shown["assets"][0]["watchers"][0];
        assert_eq!((of_a["name"].as_str(), &shown["assets"][2]["watchers"][0]["trigger_id"]), (Some("a_watcher"), &of_a["trigger_id"]));
        let id = of_a["trigger_id"].to_string();
        assert!(held.contains(&id), "{held:?} {id}");

        b.clock.advance(1000);
        b.s.watcher_fired(&id, &json!({"found": 1})).await.unwrap();
        b.settle().await;
        assert_eq!((b.asset_runs("one").await.len(), b.asset_runs("two").await.len()), (1, 1));
        let event = b.consumed(&b.asset_runs("two").await[0]).await.remove(0);
        assert_eq!(event["extra"], json!({"from_trigger": true, "payload": {"found": 1}}));
        b.s.watcher_fired("1", &json!(true)).await.unwrap();
        b.settle().await;
        assert_eq!(b.asset_runs("one").await.len(), 1, "nobody watches with that");
    })
    .await;
}

#[actix_web::test]
async fn nothing_is_watched_for_dags_that_may_not_run() {
    bench(|b| async move {
        b.add_watching("d", &[watched("a", "/x")]).await;
        let held = b.watching().await;
        b.set_paused("d", true).await;
        assert!(b.watching().await.is_empty());
        triggers::stopped(&b.s.db, &held).await.unwrap();
        triggers::sweep(&b.s.db, b.clock.now()).await.unwrap();
        b.s.watcher_fired(&held[0], &json!(true)).await.unwrap();
        b.settle().await;
        b.set_paused("d", false).await;
        assert!(b.asset_runs("d").await.is_empty(), "what was told of meanwhile is nothing to it");
        assert_eq!(b.watching().await, held, "it watches again");
        // the file names another file
        b.add_watching("d", &[watched("a", "/z")]).await;
        let other = b.watching().await;
        assert!(other.len() == 1 && other != held, "{other:?}");
        b.s.lose_file("d.py").await;
        assert!(b.watching().await.is_empty());
        triggers::stopped(&b.s.db, &held).await.unwrap();
        triggers::sweep(&b.s.db, b.clock.now() + 60_000).await.unwrap();
        assert!(b.s.db.fetch_optional("SELECT id FROM triggers", vec![]).await.unwrap().is_none());
    })
    .await;
}
