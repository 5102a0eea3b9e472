use super::decide::*;
use crate::dag::Dag;
use crate::states::{RunState, TaskState};
use TaskState::{Failed, Running, Scheduled, Skipped, Success, UpForRetry, UpstreamFailed};
use serde_json::{Value, json};
use std::collections::{HashMap, HashSet};

/// `(task, its downstream, more of its serialized attributes)`.
fn dag(tasks: &[(&str, &[&str], Value)]) -> Dag {
    dag_with(tasks, json!({}))
}

fn dag_with(tasks: &[(&str, &[&str], Value)], more: Value) -> Dag {
    let tasks: Vec<Value> = tasks
        .iter()
        .map(|(id, downstream, more)| {
            let mut var = json!({"task_id": id, "downstream_task_ids": downstream});
            var.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            json!({"__var": var, "__type": "operator"})
        })
        .collect();
    let mut dag = json!({"dag_id": "d", "tasks": tasks, "task_group": {}, "timetable": {"__type": "airflow.timetables.simple.NullTimetable", "__var": {}}});
    dag.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    Dag::read(&json!({"__version": 3, "dag": dag})).unwrap()
}

fn situation<'a>(dag: &'a Dag, states: &[(&str, Option<TaskState>)]) -> Situation<'a> {
    let instances = states
        .iter()
        .map(|(id, state)| Instance { id: (*id).into(), task_id: (*id).into(), map_index: -1, state: *state, due_at: None })
        .collect();
    Situation {
        dag,
        instances,
        started_at: Some(0),
        skips: HashMap::new(),
        lengths: HashMap::new(),
        held_by_past: HashSet::new(),
        now: 1000,
    }
}

fn states(decision: &Decision) -> Vec<(String, Option<TaskState>)> {
    decision
        .instances
        .iter()
        .map(|i| (if i.map_index < 0 { i.task_id.clone() } else { format!("{}[{}]", i.task_id, i.map_index) }, i.state))
        .collect()
}

fn expect(decision: &Decision, expected: &[(&str, Option<TaskState>)]) {
    let expected: Vec<_> = expected.iter().map(|(id, state)| ((*id).to_owned(), *state)).collect();
    assert_eq!(states(decision), expected);
}

#[test]
fn the_first_task_starts_and_the_rest_waits() {
    let dag = dag(&[("a", &["b"], json!({})), ("b", &[], json!({}))]);
    let decision = decide(situation(&dag, &[("a", None), ("b", None)]));
    expect(&decision, &[("a", Some(Scheduled)), ("b", None)]);
    assert_eq!((decision.changes, decision.run), (vec![Change::Schedule(0)], RunState::Running));
}

#[test]
fn a_failure_passes_down_the_chain_in_one_decision() {
    let dag = dag(&[("a", &["b"], json!({})), ("b", &["c"], json!({})), ("c", &[], json!({}))]);
    let decision = decide(situation(&dag, &[("a", Some(Failed)), ("b", None), ("c", None)]));
    expect(&decision, &[("a", Some(Failed)), ("b", Some(UpstreamFailed)), ("c", Some(UpstreamFailed))]);
    assert_eq!(decision.run, RunState::Failed);
}

#[test]
fn a_join_after_a_branch_runs_when_one_side_did() {
    let join = json!({"trigger_rule": "none_failed_min_one_success"});
    let dag = dag(&[
        ("choose", &["x", "y"], json!({"_can_skip_downstream": true})),
        ("x", &["join"], json!({})),
        ("y", &["join"], json!({})),
        ("join", &[], join),
    ]);
    let decision = decide(situation(&dag, &[("choose", Some(Success)), ("x", Some(Skipped)), ("y", Some(Success)), ("join", None)]));
    assert_eq!(decision.instances[3].state, Some(Scheduled));
}

#[test]
fn a_branch_is_remembered_when_a_task_after_it_is_cleared() {
    let dag = dag(&[("choose", &["x", "y"], json!({"_can_skip_downstream": true})), ("x", &[], json!({})), ("y", &[], json!({}))]);
    let mut cleared = situation(&dag, &[("choose", Some(Success)), ("x", None), ("y", None)]);
    cleared.skips.insert(("choose".into(), -1), SkipMemo { followed: Some(HashSet::from(["y".to_owned()])), ..SkipMemo::default() });
    expect(&decide(cleared), &[("choose", Some(Success)), ("x", Some(Skipped)), ("y", Some(Scheduled))]);
}

#[test]
fn a_retry_waits_for_its_time() {
    let dag = dag(&[("a", &[], json!({"retries": 1}))]);
    let mut waiting = situation(&dag, &[("a", Some(UpForRetry))]);
    waiting.instances[0].due_at = Some(1001);
    let decision = decide(waiting);
    assert_eq!((decision.changes, decision.run), (vec![], RunState::Running));
    let mut due = situation(&dag, &[("a", Some(UpForRetry))]);
    due.instances[0].due_at = Some(1000);
    assert_eq!(decide(due).changes, vec![Change::Schedule(0)]);
}

#[test]
fn empty_tasks_pass_at_once() {
    let dag = dag(&[("a", &["b"], json!({"_is_empty": true})), ("b", &["c"], json!({"_is_empty": true})), ("c", &[], json!({}))]);
    let decision = decide(situation(&dag, &[("a", None), ("b", None), ("c", None)]));
    expect(&decision, &[("a", Some(Success)), ("b", Some(Success)), ("c", Some(Scheduled))]);
}

#[test]
fn the_leaves_decide_how_a_run_ends() {
    let dag = dag(&[("a", &["b"], json!({})), ("b", &[], json!({"trigger_rule": "all_done"}))]);
    let decision = decide(situation(&dag, &[("a", Some(Failed)), ("b", Some(Success))]));
    assert_eq!(decision.run, RunState::Success);
    let dag = dag_with(&[], json!({}));
    assert_eq!(decide(situation(&dag, &[])).run, RunState::Success);
}

#[test]
fn a_mapped_task_is_expanded_over_a_result() {
    let over = json!({"_is_mapped": true, "_expand_input_attr": "expand_input", "expand_input": {"type": "dict-of-lists", "value": {"__type": "dict", "__var": {
        "x": {"__type": "xcomref", "__var": {"task_id": "a", "key": "return_value"}}, "y": ["p", "q"]}}}});
    let dag = dag(&[("a", &["m"], json!({})), ("m", &["z"], over), ("z", &[], json!({}))]);
    let mut ready = situation(&dag, &[("a", Some(Success)), ("m", None), ("z", None)]);
    ready.lengths.insert("a".into(), 2);
    let decision = decide(ready);
    assert_eq!(decision.changes[0], Change::Expand(1, 4));
    let m: Vec<_> = states(&decision).into_iter().filter(|s| s.0.starts_with("m[")).map(|s| s.1).collect();
    assert_eq!(m, vec![Some(Scheduled); 4]);
    assert_eq!(decision.instances[2].state, None);

    let nothing = |lengths: &[(&str, i64)], upstream| {
        let mut s = situation(&dag, &[("a", Some(upstream)), ("m", None), ("z", None)]);
        s.lengths.extend(lengths.iter().map(|(id, n)| ((*id).to_owned(), *n)));
        let decision = decide(s);
        (decision.instances[1].state, decision.instances[2].state)
    };
    assert_eq!(nothing(&[("a", 0)], Success), (Some(Skipped), Some(Skipped)));
    assert_eq!(nothing(&[], Success), (Some(UpstreamFailed), Some(UpstreamFailed)));
    assert_eq!(nothing(&[], Skipped), (Some(Skipped), Some(Skipped)));
}

#[test]
fn the_past_holds_a_task_without_failing_the_run() {
    let dag = dag(&[("a", &[], json!({"depends_on_past": true}))]);
    let mut held = situation(&dag, &[("a", None)]);
    held.held_by_past.insert("a".into());
    let decision = decide(held);
    assert_eq!((decision.changes, decision.run), (vec![], RunState::Running));
}

#[test]
fn a_run_that_takes_too_long_fails() {
    let dag = dag_with(&[("a", &[], json!({})), ("b", &[], json!({}))], json!({"dagrun_timeout": 0.5}));
    let decision = decide(situation(&dag, &[("a", Some(Running)), ("b", Some(Success))]));
    expect(&decision, &[("a", Some(Skipped)), ("b", Some(Success))]);
    assert_eq!((decision.run, decision.reason), (RunState::Failed, Some("dagrun_timeout")));
}

#[test]
fn a_teardown_waits_for_what_its_setup_was_for() {
    let teardown = json!({"is_teardown": true, "trigger_rule": "all_done_setup_success"});
    let dag = dag(&[
        ("up", &["work", "down"], json!({"is_setup": true})),
        ("work", &["more"], json!({})),
        ("more", &["down"], json!({})),
        ("down", &[], teardown),
    ]);
    let decision = decide(situation(&dag, &[("up", Some(Success)), ("work", Some(Running)), ("more", None), ("down", None)]));
    assert!(decision.changes.is_empty());
    let decision = decide(situation(&dag, &[("up", Some(Success)), ("work", Some(Failed)), ("more", None), ("down", None)]));
    assert_eq!((decision.instances[2].state, decision.instances[3].state), (Some(UpstreamFailed), Some(Scheduled)));
    // the work failed, the teardown does not make up for it
    let ended =
        decide(situation(&dag, &[("up", Some(Success)), ("work", Some(Failed)), ("more", Some(UpstreamFailed)), ("down", Some(Success))]));
    assert_eq!(ended.run, RunState::Failed);
    // a failed setup: what is further down does not run
    let decision = decide(situation(&dag, &[("up", Some(Failed)), ("work", None), ("more", None), ("down", None)]));
    expect(
        &decision,
        &[("up", Some(Failed)), ("work", Some(UpstreamFailed)), ("more", Some(UpstreamFailed)), ("down", Some(UpstreamFailed))],
    );
}

#[test]
fn a_task_that_left_the_dag_is_removed() {
    let dag = dag(&[("a", &[], json!({}))]);
    let decision = decide(situation(&dag, &[("a", Some(Success)), ("gone", None)]));
    expect(&decision, &[("a", Some(Success)), ("gone", Some(TaskState::Removed))]);
    assert_eq!(decision.run, RunState::Success);
}
