//! Serialized by Airflow 3.3.2 from python/tests/dags/ordinary.py, and from a file with groups, defaults and params.

use super::*;
use serde_json::json;

pub(crate) fn ordinary() -> Dag {
    Dag::read(&serde_json::from_str(include_str!("../../tests/recorded/ordinary.json")).unwrap()).unwrap()
}

fn grouped() -> Dag {
    Dag::read(&serde_json::from_str(include_str!("../../tests/recorded/grouped.json")).unwrap()).unwrap()
}

#[test]
fn an_ordinary_dag_is_read_with_defaults() {
    let dag = ordinary();
    assert_eq!((dag.dag_id.as_str(), dag.display_name.as_str(), dag.tasks.len()), ("ordinary", "ordinary", 12));
    assert_eq!(dag.timetable.summary().as_deref(), Some("*/5 * * * *"));
    assert_eq!((dag.max_active_tasks, dag.max_active_runs, dag.tags.clone()), (16, 16, vec!["proof".to_owned()]));
    let flaky = dag.task("flaky").unwrap();
    assert_eq!((flaky.retries, flaky.retry_delay, flaky.pool.as_str(), flaky.pool_slots), (1, TimeDelta::seconds(3), "default_pool", 1));
    assert_eq!((flaky.trigger_rule, flaky.queue.as_str(), flaky.operator_name.as_str()), (TriggerRule::AllSuccess, "default", "@task"));
    assert!(dag.task("choose").unwrap().can_skip_downstream);
    assert!(!dag.task("total").unwrap().is_trivial);
    assert_eq!(dag.task("double").unwrap().expand, Some(Expand::Product(vec![Length::XCom("make".into())])));
}

#[test]
fn tasks_come_after_those_they_wait_for_and_weigh_what_waits_for_them() {
    let dag = ordinary();
    for task in &dag.tasks {
        assert!(task.upstream.iter().all(|up| dag.tasks[*up].downstream.contains(&dag.position(&task.task_id).unwrap())));
        assert!(task.upstream.iter().all(|up| *up < dag.position(&task.task_id).unwrap()));
    }
    // make → double → total → choose → small, big
    assert_eq!(dag.task("make").unwrap().total_weight, 6);
    assert_eq!(dag.task("big").unwrap().total_weight, 1);
}

#[test]
fn groups_defaults_and_params_are_read() {
    let dag = grouped();
    let (x, y, m) = (dag.task("g1.x").unwrap(), dag.task("g1.y").unwrap(), dag.task("m").unwrap());
    assert_eq!(x.trigger_rule, TriggerRule::NoneFailedMinOneSuccess);
    assert_eq!(x.owed, Owed { depends_on_past: true, ..Owed::default() });
    assert_eq!((x.retries, x.retry_exponential_backoff, x.max_retry_delay), (2, 2.0, Some(TimeDelta::hours(1))));
    assert_eq!((y.weight_rule.clone(), y.total_weight, y.queue.as_str(), y.is_trivial), (WeightRule::Absolute, 5, "gpu", true));
    assert_eq!((m.retries, m.pool.as_str(), m.retry_delay), (2, "p1", TimeDelta::minutes(3)));
    assert_eq!(m.expand, Some(Expand::Product(vec![Length::Literal(2)])));
    assert_eq!(dag.tasks_of_group("g1"), Some(vec!["g1.x".to_owned(), "g1.y".to_owned()]));
    assert_eq!(dag.dagrun_timeout, Some(TimeDelta::hours(2)));
    assert_eq!(dag.params[0].0, "x");
    assert_eq!(dag.default_args["retry_delay"], json!("PT3M"));
    assert_eq!(dag.timetable.summary(), None);
}

#[test]
fn what_is_not_understood_is_said() {
    let error = Dag::read(&json!({"__version": 2, "dag": {}})).unwrap_err();
    assert!(error.message.contains("version 2"), "{}", error.message);
    let cycle = json!({"__version": 3, "dag": {"dag_id": "d", "task_group": {}, "tasks": [
        {"__var": {"task_id": "a", "downstream_task_ids": ["b"]}, "__type": "operator"},
        {"__var": {"task_id": "b", "downstream_task_ids": ["a"]}, "__type": "operator"}]}});
    assert!(Dag::read(&cycle).unwrap_err().message.contains("cycle"));
}
