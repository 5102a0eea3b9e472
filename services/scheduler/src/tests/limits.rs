//! Pools, limits and priorities.

use super::bench::{Bench, MINUTE, START, bench, expected, task_of};
use crate::runs::NewRun;
use crate::store::pools::{self, Pool};
use serde_json::{Value, json};

/// Makes a pool, or gives it so many slots.
async fn pool(b: &Bench, name: &str, slots: i64) {
    let mut tx = b.s.db.begin().await.unwrap();
    pools::put(&mut tx, &Pool { name: name.into(), slots, description: None, include_deferred: false }).await.unwrap();
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn the_weightiest_goes_first_and_a_pool_has_so_many_slots() {
    bench(|b| async move {
        pool(&b, "small", 2).await;
        let task = |weight: i64, slots: i64| json!({"pool": "small", "priority_weight": weight, "pool_slots": slots});
        b.add(
            "d",
            &[
                ("low", &[], task(1, 1)),
                ("high", &[], task(9, 1)),
                ("middle", &[], task(5, 1)),
                ("wide", &[], task(2, 2)),
                ("lost", &[], json!({"pool": "nowhere"})),
            ],
            json!({}),
        )
        .await;
        b.trigger("d", "r").await;
        let work = b.claim("w1", 10).await;
        assert_eq!(work.iter().map(task_of).collect::<Vec<_>>(), ["high", "middle"]);
        for workload in &work {
            b.start(workload).await;
        }
        b.say(&work[0], "success").await;
        // one slot is free: too few for `wide`, enough for `low`
        let work = b.claim("w1", 10).await;
        assert_eq!(work.iter().map(task_of).collect::<Vec<_>>(), ["low"]);
        assert_eq!(b.states("d", "r").await["lost"], "scheduled");
    })
    .await;
}

#[tokio::test]
async fn of_one_weight_the_earlier_logical_date_goes_first() {
    bench(|b| async move {
        pool(&b, "gate", 0).await;
        b.add("d", &[("a", &[], json!({"pool": "gate"}))], json!({})).await;
        for (run, day) in [("third", Some(3)), ("undated", None), ("first", Some(1)), ("second", Some(2))] {
            let logical_date = day.map(|day| START + day * 24 * 60 * MINUTE);
            b.s.trigger("d", NewRun { run_id: Some(run.into()), logical_date, ..NewRun::default() }).await.unwrap();
            b.advance(1).await;
        }
        pool(&b, "gate", 1).await;
        b.s.refill().await.unwrap();
        for run in ["first", "second", "third", "undated"] {
            let work = b.claim("w1", 10).await;
            let found: Value = serde_json::from_str(&work[0].execute_task_json).unwrap();
            assert_eq!((work.len(), found["ti"]["run_id"].as_str().unwrap()), (1, run));
            b.start(&work[0]).await;
            b.say(&work[0], "success").await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_run_has_so_many_active_tasks_and_a_task_so_many_instances() {
    bench(|b| async move {
        b.add("few", &[("a", &[], json!({})), ("b", &[], json!({})), ("c", &[], json!({}))], json!({"max_active_tasks": 2})).await;
        b.trigger("few", "r").await;
        assert_eq!(b.claim("w1", 10).await.len(), 2);
        b.add("one", &[("a", &[], json!({"max_active_tis_per_dag": 1}))], json!({})).await;
        b.trigger("one", "r1").await;
        b.trigger("one", "r2").await;
        assert_eq!(b.claim("w1", 10).await.len(), 1);
        b.work(&[]).await;
        assert_eq!(b.states("one", "r2").await, expected(&[("a", "scheduled")]));
    })
    .await;
}

#[tokio::test]
async fn a_paused_dag_starts_nothing_until_it_goes_on() {
    bench(|b| async move {
        b.add("d", &[("a", &["b"], json!({})), ("b", &[], json!({}))], json!({"is_paused_upon_creation": true})).await;
        b.trigger("d", "r").await;
        assert_eq!(b.run_state("d", "r").await, "queued");
        let pause = |paused| {
            let b = &b;
            async move {
                let mut tx = b.s.db.begin().await.unwrap();
                assert!(crate::store::dags::set_paused(&mut tx, "d", paused).await.unwrap());
                tx.commit().await.unwrap();
                b.s.resumed("d").await.unwrap();
                b.settle().await;
            }
        };
        pause(false).await;
        let a = b.claim("w1", 10).await.remove(0);
        b.start(&a).await;
        pause(true).await;
        b.say(&a, "success").await;
        assert_eq!(b.states("d", "r").await, expected(&[("a", "success"), ("b", "none")]));
        pause(false).await;
        b.work(&[]).await;
        assert_eq!(b.run_state("d", "r").await, "success");
    })
    .await;
}

#[tokio::test]
async fn many_that_have_no_room_do_not_hold_up_those_behind_them() {
    bench(|b| async move {
        pool(&b, "gate", 0).await;
        let names: Vec<String> = (0..40).map(|i| format!("t{i:02}")).collect();
        let heavy = |more: Value| names.iter().map(|name| (name.as_str(), [].as_slice(), more.clone())).collect::<Vec<_>>();
        b.add("shut", &heavy(json!({"pool": "gate", "priority_weight": 9})), json!({})).await;
        b.add("narrow", &heavy(json!({"priority_weight": 5})), json!({"max_active_tasks": 1})).await;
        b.add("light", &heavy(json!({})), json!({"max_active_tasks": 100})).await;
        for dag in ["shut", "narrow", "light"] {
            b.trigger(dag, "r").await;
        }
        let work = b.claim("w1", 100).await;
        let of = |dag: &str| work.iter().filter(|w| w.execute_task_json.contains(&format!("\"dag_id\":\"{dag}\""))).count();
        assert_eq!((of("shut"), of("narrow"), of("light")), (0, 1, 40));
        let first = work.iter().find(|w| w.execute_task_json.contains("\"dag_id\":\"narrow\"")).unwrap();
        b.start(first).await;
        b.say(first, "success").await;
        assert_eq!(b.claim("w1", 100).await.len(), 1, "the next of the narrow one");
    })
    .await;
}
