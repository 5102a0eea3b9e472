//! The graph of a DAG's tasks: order, edges, weights.

use super::task::{Task, WeightRule};
use artel_platform::{Error, Result};
use serde_json::Value;
use std::collections::{HashMap, HashSet};

/// Puts every task after those it waits for, and fills in its edges, its weight and the mapped group it is in.
/// `weights` are those that strategies of plug-ins gave when the file was parsed.
pub(super) fn order(dag_id: &str, tasks: Vec<Task>, mapped: &HashMap<String, usize>, weights: &Value) -> Result<Vec<Task>> {
    let mut tasks = sorted(dag_id, tasks)?;
    let index: HashMap<String, usize> = tasks.iter().enumerate().map(|(i, t)| (t.task_id.clone(), i)).collect();
    for i in 0..tasks.len() {
        tasks[i].mapped_group = mapped.get(&tasks[i].task_id).copied();
        for id in tasks[i].downstream_ids.clone() {
            let Some(&down) = index.get(&id) else { continue };
            tasks[i].downstream.push(down);
            tasks[down].upstream.push(i);
        }
    }
    weigh(&mut tasks, weights);
    Ok(tasks)
}

/// Kahn's algorithm, keeping the order of the file among tasks that are ready together.
fn sorted(dag_id: &str, tasks: Vec<Task>) -> Result<Vec<Task>> {
    let index: HashMap<&str, usize> = tasks.iter().enumerate().map(|(i, t)| (t.task_id.as_str(), i)).collect();
    let mut waits = vec![0usize; tasks.len()];
    for task in &tasks {
        for id in &task.downstream_ids {
            let down = index
                .get(id.as_str())
                .ok_or_else(|| Error::invalid(format!("DAG {dag_id}: task {} names {id} downstream, which is no task", task.task_id)))?;
            waits[*down] += 1;
        }
    }
    let mut ready: std::collections::VecDeque<usize> = (0..tasks.len()).filter(|i| waits[*i] == 0).collect();
    let mut order = Vec::with_capacity(tasks.len());
    while let Some(i) = ready.pop_front() {
        order.push(i);
        for id in &tasks[i].downstream_ids {
            let down = index[id.as_str()];
            waits[down] -= 1;
            if waits[down] == 0 {
                ready.push_back(down);
            }
        }
    }
    if order.len() < tasks.len() {
        return Err(Error::invalid(format!("DAG {dag_id} has a cycle")));
    }
    let mut slots: Vec<Option<Task>> = tasks.into_iter().map(Some).collect();
    Ok(order.into_iter().filter_map(|i| slots[i].take()).collect())
}

fn weigh(tasks: &mut [Task], custom: &Value) {
    for i in 0..tasks.len() {
        if let (WeightRule::Custom(_), Some(weight)) = (&tasks[i].weight_rule, custom[&tasks[i].task_id].as_i64()) {
            tasks[i].total_weight = bounded(weight);
            continue;
        }
        let relatives = match tasks[i].weight_rule {
            WeightRule::Downstream => reachable(tasks, i, |t| &t.downstream),
            WeightRule::Upstream => reachable(tasks, i, |t| &t.upstream),
            WeightRule::Absolute | WeightRule::Custom(_) => Vec::new(),
        };
        let others: i64 = relatives.iter().map(|r| tasks[*r].priority_weight).sum();
        tasks[i].total_weight = bounded(tasks[i].priority_weight + others);
    }
}

/// The bounds of upstream's column, a 32-bit integer.
fn bounded(weight: i64) -> i64 {
    weight.clamp(i32::MIN.into(), i32::MAX.into())
}

/// Everything that can be reached from `start`, without it.
pub(super) fn reachable(tasks: &[Task], start: usize, next: impl Fn(&Task) -> &Vec<usize>) -> Vec<usize> {
    let mut seen = vec![false; tasks.len()];
    let mut stack = next(&tasks[start]).clone();
    let mut found = Vec::new();
    while let Some(i) = stack.pop() {
        if !std::mem::replace(&mut seen[i], true) {
            found.push(i);
            stack.extend(next(&tasks[i]));
        }
    }
    found
}

impl super::Dag {
    /// Positions of everything downstream of a task, at any distance.
    pub fn all_downstream(&self, of: usize) -> Vec<usize> {
        reachable(&self.tasks, of, |t| &t.downstream)
    }

    /// Positions of everything upstream of a task, at any distance.
    pub fn all_upstream(&self, of: usize) -> Vec<usize> {
        reachable(&self.tasks, of, |t| &t.upstream)
    }
}

impl super::Dag {
    /// Setup tasks that have to be done before a task: those upstream of it that have no teardown, or one that is
    /// downstream of the task (airflow/models/operator `get_upstreams_only_setups`).
    pub fn setups_of(&self, of: usize) -> Vec<usize> {
        if !self.tasks.iter().any(|t| t.is_setup) {
            return Vec::new();
        }
        let teardowns_below: HashSet<usize> = self.all_downstream(of).into_iter().filter(|i| self.tasks[*i].is_teardown).collect();
        let needed = |setup: &usize| {
            let task = &self.tasks[*setup];
            let no_teardown = !task.downstream.iter().any(|d| self.tasks[*d].is_teardown);
            task.is_setup && (no_teardown || task.downstream.iter().any(|d| teardowns_below.contains(d)))
        };
        self.all_upstream(of).into_iter().filter(needed).collect()
    }
}
