//! Against what Airflow's own scheduler decided (tests/recorded/decisions.py).

use super::decide::*;
use crate::dag::Dag;
use crate::states::{RunState, TaskState};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashMap, HashSet};

#[derive(Deserialize)]
struct Case {
    dag: Value,
    steps: Vec<Step>,
}

#[derive(Deserialize)]
struct Step {
    /// What the run began with; in the first step.
    instances: Option<Vec<(String, i64)>>,
    lengths: HashMap<String, i64>,
    memos: Vec<(String, i64, Value)>,
    /// A state, `ready`, or none.
    states: Vec<(String, i64, Option<String>)>,
    run: String,
    #[serde(default)]
    then: Vec<(String, i64, String)>,
}

type States = BTreeMap<(String, i64), Option<String>>;

fn memo(value: &Value) -> SkipMemo {
    let texts = |v: &Value| -> HashSet<String> { v.as_array().into_iter().flatten().filter_map(|v| v.as_str().map(Into::into)).collect() };
    SkipMemo { followed: value.get("followed").map(texts), skipped: texts(&value["skipped"]) }
}

fn fresh(task_id: String, map_index: i64) -> Instance {
    Instance { id: String::new(), task_id, map_index, state: None, due_at: None }
}

/// One decision, and a second one about what it left, which must not find anything more to do.
fn settled(dag: &Dag, step: &Step, instances: Vec<Instance>) -> Result<(Vec<Instance>, RunState), String> {
    let situation = |instances| Situation {
        dag,
        instances,
        started_at: Some(0),
        skips: step.memos.iter().map(|(task, index, value)| ((task.clone(), *index), memo(value))).collect(),
        lengths: step.lengths.clone(),
        held_by_past: HashSet::new(),
        now: 0,
    };
    let first = decide(situation(instances));
    let forgotten: HashSet<usize> = first.changes.iter().filter_map(|c| if let Change::Forget(i) = c { Some(*i) } else { None }).collect();
    let left: Vec<Instance> = first.instances.into_iter().enumerate().filter(|(i, _)| !forgotten.contains(i)).map(|(_, i)| i).collect();
    let again = decide(situation(left.clone()));
    if again.changes.is_empty() { Ok((left, first.run)) } else { Err(format!("left to do: {:?}", again.changes)) }
}

fn states(instances: &[Instance]) -> States {
    let word = |state: TaskState| if state == TaskState::Scheduled { "ready" } else { state.as_str() }.to_owned();
    instances.iter().map(|i| ((i.task_id.clone(), i.map_index), i.state.map(word))).collect()
}

/// Upstream's scheduler looks again at what it found ready, until it is queued; then some of it has ended.
fn go_on(instances: &mut [Instance], step: &Step) {
    for instance in instances {
        if instance.state == Some(TaskState::Scheduled) {
            instance.state = None;
        }
        if let Some((_, _, word)) = step.then.iter().find(|t| (&t.0, t.1) == (&instance.task_id, instance.map_index)) {
            instance.state = Some(TaskState::parse(word).unwrap());
            // its delay is five minutes
            instance.due_at = (instance.state == Some(TaskState::UpForRetry)).then_some(300_000);
        }
    }
}

fn differs(case: &Case) -> Result<(), String> {
    let dag = Dag::read(&json!({"__version": 3, "dag": case.dag})).map_err(|e| e.message)?;
    let begun: Vec<(String, i64)> =
        dag.tasks.iter().flat_map(|t| dag.first_map_indexes(t).into_iter().map(|i| (t.task_id.clone(), i))).collect();
    let mut instances: Vec<Instance> = begun.into_iter().map(|(task_id, index)| fresh(task_id, index)).collect();
    let mut first: Vec<_> = instances.iter().map(|i| (i.task_id.clone(), i.map_index)).collect();
    first.sort();
    if Some(&first) != case.steps[0].instances.as_ref() {
        return Err(format!("begins with {first:?}, not {:?}", case.steps[0].instances));
    }
    for (number, step) in case.steps.iter().enumerate() {
        let (left, run) = settled(&dag, step, instances).map_err(|e| format!("step {number}: {e}"))?;
        let (got, expected) = (states(&left), step.states.iter().map(|(t, i, s)| ((t.clone(), *i), s.clone())).collect::<States>());
        if got != expected || run.as_str() != step.run {
            let wrong: Vec<_> = got.keys().chain(expected.keys()).filter(|k| got.get(*k) != expected.get(*k)).collect();
            let shown: Vec<_> = wrong.iter().map(|k| format!("{k:?}: {:?}, not {:?}", got.get(*k), expected.get(*k))).collect();
            return Err(format!("step {number}: {shown:?}, run {} not {}; lengths {:?}", run.as_str(), step.run, step.lengths));
        }
        instances = left;
        go_on(&mut instances, step);
    }
    Ok(())
}

/// How many cases there are, all of which are decided as recorded.
fn all_as_recorded(recorded: &str) -> usize {
    let cases: Vec<Case> = serde_json::from_str(recorded).unwrap();
    let wrong: Vec<String> =
        cases.iter().filter_map(|case| differs(case).err().map(|e| format!("{}: {e}\n{}", case.dag["dag_id"], case.dag))).collect();
    assert!(wrong.is_empty(), "{} of {} differ:\n{}", wrong.len(), cases.len(), wrong[..wrong.len().min(6)].join("\n\n"));
    cases.len()
}

#[test]
fn decisions_are_airflows() {
    assert!(all_as_recorded(include_str!("../../tests/recorded/decisions.json")) > 200);
}

/// Every rule over every mixture of up to three upstream states (tests/recorded/trigger_rules.py).
#[test]
fn trigger_rules_are_airflows() {
    assert_eq!(all_as_recorded(include_str!("../../tests/recorded/trigger_rules.json")), 13);
}
