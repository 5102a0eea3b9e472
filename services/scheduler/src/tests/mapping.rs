//! Mapped tasks and groups in whole runs, and when what they are mapped over changes its length.

use super::bench::{Bench, bench, expected, task_of};
use crate::clear::Clear;
use serde_json::{Value, json};

fn over_make() -> Value {
    json!({"type": "dict-of-lists", "value": {"__type": "dict", "__var": {"x": {"__type": "xcomref", "__var": {"task_id": "make", "key": "return_value"}}}}})
}

/// `make` ends with a result of that length.
async fn made(b: &Bench, length: i64) {
    let make = b.claim("w1", 1).await.remove(0);
    assert_eq!(task_of(&make), "make");
    b.start(&make).await;
    b.call(&make, "POST", &format!("xcoms/d/r/make/return_value?mapped_length={length}"), json!([])).await;
    b.say(&make, "success").await;
}

#[tokio::test]
async fn every_instance_of_a_mapped_group_goes_its_own_way() {
    bench(|b| async move {
        let group = json!({"_group_id": null, "children": {"make": ["operator", "make"], "join": ["operator", "join"], "g": ["taskgroup", {
            "_group_id": "g", "is_mapped": true, "expand_input": over_make(),
            "children": {"g.a": ["operator", "g.a"], "g.b": ["operator", "g.b"]}}]}});
        let tasks = [
            ("make", &["g.a", "g.b"][..], json!({})),
            ("g.a", &["g.b"], json!({})),
            ("g.b", &["join"], json!({})),
            ("join", &[], json!({"trigger_rule": "all_done"})),
        ];
        b.add("d", &tasks, json!({"task_group": group})).await;
        b.trigger("d", "r").await;
        made(&b, 2).await;
        let first = b.claim("w1", 10).await;
        assert_eq!(first.iter().map(task_of).collect::<Vec<_>>(), ["g.a", "g.a"]);
        for (workload, end) in first.iter().zip(["failed", "success"]) {
            b.start(workload).await;
            b.say(workload, end).await;
        }
        assert_eq!(b.states("d", "r").await["g.b[0]"], "upstream_failed");
        b.work(&[]).await;
        let end = [
            ("make", "success"),
            ("g.a[0]", "failed"),
            ("g.a[1]", "success"),
            ("g.b[0]", "upstream_failed"),
            ("g.b[1]", "success"),
            ("join", "success"),
        ];
        assert_eq!(b.states("d", "r").await, expected(&end));
        // downstream of one instance is only what has its map index
        let clear = Clear { tasks: vec![("g.a".into(), Some(0))], downstream: true, reset_run: true, ..Clear::default() };
        let cleared = b.s.to_clear("d", "r", &clear).await.unwrap();
        let names: Vec<_> = cleared.iter().map(|i| (i.task_id.as_str(), i.map_index)).collect();
        assert_eq!(names, [("g.a", 0), ("g.b", 0), ("join", -1)]);
    })
    .await;
}

#[tokio::test]
async fn a_cleared_task_follows_the_new_length_of_what_it_is_mapped_over() {
    bench(|b| async move {
        let each = json!({"_is_mapped": true, "_expand_input_attr": "expand_input", "expand_input": over_make()});
        b.add("d", &[("make", &["each"], json!({})), ("each", &[], each)], json!({})).await;
        b.trigger("d", "r").await;
        made(&b, 2).await;
        b.work(&[]).await;
        let again = |length: i64| {
            let b = &b;
            async move {
                b.s.clear("d", "r", &Clear { reset_run: true, ..Clear::default() }).await.unwrap();
                b.settle().await;
                made(b, length).await;
                b.work(&[]).await;
                b.states("d", "r").await
            }
        };
        assert_eq!(
            again(3).await,
            expected(&[("make", "success"), ("each[0]", "success"), ("each[1]", "success"), ("each[2]", "success")])
        );
        assert_eq!(
            again(1).await,
            expected(&[("make", "success"), ("each[0]", "success"), ("each[1]", "removed"), ("each[2]", "removed")])
        );
        assert_eq!(b.run_state("d", "r").await, "success");
    })
    .await;
}

#[tokio::test]
async fn what_is_mapped_over_literals_is_there_from_the_start() {
    bench(|b| async move {
        let over = json!({"type": "dict-of-lists", "value": {"__type": "dict", "__var": {"x": [1, 2], "y": ["a"]}}});
        let each = json!({"_is_mapped": true, "_expand_input_attr": "expand_input", "expand_input": over});
        b.add("d", &[("a", &["each"], json!({})), ("each", &[], each)], json!({})).await;
        b.trigger("d", "r").await;
        b.work(&[("a", "failed")]).await;
        assert_eq!(b.states("d", "r").await, expected(&[("a", "failed"), ("each[0]", "upstream_failed"), ("each[1]", "upstream_failed")]));
    })
    .await;
}
