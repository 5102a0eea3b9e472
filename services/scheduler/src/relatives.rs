//! Tasks and single instances of them, with what is before or after (airflow/models/taskinstance.py `find_relevant_relatives`,
//! airflow/serialization/definitions/dag.py `partial_subset`).

use crate::dag::{Dag, MapLengths, Relevant};
use crate::store::instances::TaskInstance;
use std::collections::HashSet;

/// Whole tasks and single instances.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Selection {
    whole: HashSet<String>,
    single: HashSet<(String, i64)>,
}

/// Which way relatives are looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Direction {
    Upstream,
    Downstream,
}

impl Selection {
    pub(crate) fn covers(&self, instance: &TaskInstance) -> bool {
        self.whole.contains(&instance.task_id) || self.single.contains(&(instance.task_id.clone(), instance.map_index))
    }

    /// Tasks or groups by id, with a map index where only that instance is meant. What the DAG has not is passed over.
    pub(crate) fn of(dag: &Dag, named: &[(String, Option<i64>)]) -> Self {
        let mut selection = Self::default();
        for (id, map_index) in named {
            let task_ids = match dag.position(id) {
                Some(_) => vec![id.clone()],
                None => dag.tasks_of_group(id).unwrap_or_default(),
            };
            for task_id in task_ids {
                match map_index {
                    Some(index) => selection.single.insert((task_id, *index)),
                    None => selection.whole.insert(task_id),
                };
            }
        }
        selection
    }

    /// With everything upstream, downstream or both, and the setups and teardowns that belong to all of that. Of an instance in a
    /// mapped group only those of its own map index.
    pub(crate) fn with_relatives(mut self, dag: &Dag, upstream: bool, downstream: bool, lengths: &impl MapLengths) -> Self {
        for (wanted, direction) in [(upstream, Direction::Upstream), (downstream, Direction::Downstream)] {
            if wanted {
                self.add(dag, direction, lengths);
            }
        }
        let named: HashSet<String> = self.whole.iter().chain(self.single.iter().map(|(task, _)| task)).cloned().collect();
        for position in named.iter().filter_map(|id| dag.position(id)) {
            let kept = companions(dag, position).into_iter().map(|p| dag.tasks[p].task_id.clone()).filter(|id| !named.contains(id));
            self.whole.extend(kept);
        }
        self
    }

    fn add(&mut self, dag: &Dag, direction: Direction, lengths: &impl MapLengths) {
        for position in self.whole.clone().iter().filter_map(|id| dag.position(id)) {
            self.whole.extend(relatives(dag, position, direction).into_iter().map(|p| dag.tasks[p].task_id.clone()));
        }
        for (task_id, index) in self.single.clone() {
            let Some(position) = dag.position(&task_id) else { continue };
            for relative in relatives(dag, position, direction) {
                let id = &dag.tasks[relative].task_id;
                match dag.relevant(&dag.tasks[position], index, &dag.tasks[relative], lengths) {
                    Relevant::All => drop(self.whole.insert(id.clone())),
                    Relevant::One(at) => drop(self.single.insert((id.clone(), at))),
                    Relevant::Range(start, end) => self.single.extend((start..end).map(|at| (id.clone(), at))),
                }
            }
        }
    }
}

fn relatives(dag: &Dag, position: usize, direction: Direction) -> Vec<usize> {
    match direction {
        Direction::Upstream => {
            let above = dag.all_upstream(position);
            let teardowns = above.iter().filter(|p| dag.tasks[**p].is_setup).flat_map(|p| teardowns_of(dag, *p)).filter(|p| *p != position);
            let teardowns: Vec<usize> = teardowns.collect();
            above.into_iter().chain(teardowns).collect()
        }
        Direction::Downstream => dag.all_downstream(position),
    }
}

fn teardowns_of(dag: &Dag, setup: usize) -> impl Iterator<Item = usize> + '_ {
    dag.tasks[setup].downstream.iter().copied().filter(|p| dag.tasks[*p].is_teardown)
}

/// Setups that a task needs with their teardowns; of a setup its teardowns.
fn companions(dag: &Dag, position: usize) -> Vec<usize> {
    let task = &dag.tasks[position];
    if task.is_setup {
        return teardowns_of(dag, position).collect();
    }
    if task.is_teardown {
        return Vec::new();
    }
    dag.setups_of(position).into_iter().flat_map(|setup| std::iter::once(setup).chain(teardowns_of(dag, setup))).collect()
}
