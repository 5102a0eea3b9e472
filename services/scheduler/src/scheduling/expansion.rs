//! Mapped tasks: from one instance to many, and to fewer or more when what they are mapped over has another length
//! (airflow/models/taskmap.py `expand_mapped_task`, airflow/models/dagrun.py `_revise_map_indexes_if_mapped`).

use super::decide::{Change, Instance, Pass};
use crate::dag::Count;
use crate::states::TaskState;

impl Pass<'_> {
    /// Into as many instances as there are elements.
    pub(super) fn expand(&mut self, position: usize, i: usize) {
        let count = match self.dag.count(&self.dag.tasks[position], self) {
            Count::Of(count) => Some(count),
            Count::Unknown | Count::NotMapped => None,
        };
        self.remove_from(position, count.unwrap_or(0));
        let Some(count) = count else { return self.become_state(i, TaskState::UpstreamFailed) };
        if count < 1 {
            return self.become_state(i, TaskState::Skipped);
        }
        self.revised.insert(position);
        if self.at_index.contains_key(&(position, 0)) {
            self.forget(position, i);
            return self.add_missing(position, count);
        }
        self.changes.push(Change::Expand(i, count));
        self.instances[i].map_index = 0;
        self.at_index.remove(&(position, -1));
        self.at_index.insert((position, 0), i);
        self.add_missing(position, count);
        self.settle(position, i);
    }

    /// Whether an expanded instance, about to run, is still one of what is mapped over. Others that are missing are added.
    pub(super) fn still_mapped(&mut self, position: usize, i: usize) -> bool {
        if let (true, Count::Of(count)) = (self.revised.insert(position), self.dag.count(&self.dag.tasks[position], self)) {
            self.remove_from(position, count);
            if let Some(unexpanded) = self.at_index.get(&(position, -1)).copied() {
                self.become_state(unexpanded, TaskState::Removed);
            }
            self.add_missing(position, count);
        }
        self.instances[i].state != Some(TaskState::Removed)
    }

    fn remove_from(&mut self, position: usize, count: i64) {
        for i in self.of_task[position].clone() {
            let instance = &self.instances[i];
            if instance.map_index >= count && instance.state != Some(TaskState::Removed) {
                self.become_state(i, TaskState::Removed);
            }
        }
    }

    fn add_missing(&mut self, position: usize, count: i64) {
        for map_index in 0..count {
            if self.at_index.contains_key(&(position, map_index)) {
                continue;
            }
            let i = self.instances.len();
            self.of_task[position].push(i);
            self.at_index.insert((position, map_index), i);
            let task_id = self.dag.tasks[position].task_id.clone();
            self.instances.push(Instance { id: String::new(), task_id, map_index, state: None, due_at: None });
        }
    }

    fn forget(&mut self, position: usize, i: usize) {
        self.changes.push(Change::Forget(i));
        self.instances[i].state = Some(TaskState::Removed);
        self.at_index.remove(&(position, -1));
        self.of_task[position].retain(|other| *other != i);
    }
}
