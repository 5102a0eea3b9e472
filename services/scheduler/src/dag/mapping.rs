//! How often a task is mapped, by itself and by the groups around it, and which instances of another task belong to one of
//! its instances (airflow/serialization/definitions/mappedoperator.py `get_mapped_ti_count`, airflow/models/taskinstance.py
//! `_get_relevant_map_indexes`).

use super::expand::{Expand, MapLengths};
use super::group::{Node, TaskGroup};
use super::{Dag, Task};
use std::collections::{HashMap, HashSet};

/// A task group that is run once per element of something.
#[derive(Debug, Clone)]
pub struct MappedGroup {
    /// Its id.
    pub group_id: String,
    /// What it is expanded over.
    pub expand: Expand,
    /// The mapped group that it is in, by its position in [`Dag::mapped_groups`].
    pub parent: Option<usize>,
}

/// Into how many instances a task is expanded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Count {
    /// It is not mapped.
    NotMapped,
    /// A result that it depends on is not there.
    Unknown,
    /// Into so many.
    Of(i64),
}

/// The instances of a task that another task's instance has to do with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Relevant {
    /// Every one.
    All,
    /// The one with this map index.
    One(i64),
    /// From a map index to before another.
    Range(i64, i64),
}

/// No results at all: what is known from the DAG file alone.
struct Literals;

impl MapLengths for Literals {
    fn length(&self, _: &str) -> Option<i64> {
        None
    }
}

/// The mapped groups, outer ones first, and which of them is the innermost around each task.
pub(super) fn groups(root: &TaskGroup) -> (Vec<MappedGroup>, HashMap<String, usize>) {
    let (mut found, mut of_task) = (Vec::new(), HashMap::new());
    collect(root, None, &mut found, &mut of_task);
    (found, of_task)
}

fn collect(group: &TaskGroup, around: Option<usize>, found: &mut Vec<MappedGroup>, of_task: &mut HashMap<String, usize>) {
    let mut innermost = around;
    if let Some(expand) = &group.expand {
        innermost = Some(found.len());
        found.push(MappedGroup { group_id: group.group_id.clone().unwrap_or_default(), expand: expand.clone(), parent: around });
    }
    for child in &group.children {
        match (child, innermost) {
            (Node::Task(id), Some(position)) => {
                of_task.insert(id.clone(), position);
            }
            (Node::Task(_), None) => {}
            (Node::Group(inner), _) => collect(inner, innermost, found, of_task),
        }
    }
}

impl Task {
    /// It is mapped itself, or inside a mapped group.
    pub fn needs_expansion(&self) -> bool {
        self.expand.is_some() || self.mapped_group.is_some()
    }
}

impl Dag {
    /// The mapped groups around a task, the innermost first.
    fn groups_around(&self, task: &Task) -> impl Iterator<Item = usize> + use<'_> {
        std::iter::successors(task.mapped_group, |group| self.mapped_groups[*group].parent)
    }

    fn group_count(&self, group: usize, lengths: &impl MapLengths) -> Option<i64> {
        let chain = std::iter::successors(Some(group), |g| self.mapped_groups[*g].parent);
        chain.map(|g| self.mapped_groups[g].expand.count(lengths)).product()
    }

    /// Into how many instances a task is expanded.
    pub fn count(&self, task: &Task, lengths: &impl MapLengths) -> Count {
        if !task.needs_expansion() {
            return Count::NotMapped;
        }
        let own = task.expand.as_ref().map_or(Some(1), |e| e.count(lengths));
        let groups = task.mapped_group.map_or(Some(1), |g| self.group_count(g, lengths));
        own.zip(groups).map_or(Count::Unknown, |(own, groups)| Count::Of(own * groups))
    }

    /// The map indexes of a task in a new run: -1 unless the DAG file says how often it is mapped
    /// (airflow/models/dagrun.py `_create_tasks`).
    pub fn first_map_indexes(&self, task: &Task) -> Vec<i64> {
        match self.count(task, &Literals) {
            Count::Of(count) if count > 0 => (0..count).collect(),
            _ => vec![-1],
        }
    }

    /// The instances of `other` that the instance `map_index` of `task` has to do with.
    pub fn relevant(&self, task: &Task, map_index: i64, other: &Task, lengths: &impl MapLengths) -> Relevant {
        let Count::Of(count) = self.count(task, lengths) else { return Relevant::All };
        let own: HashSet<usize> = self.groups_around(task).collect();
        let common = self.groups_around(other).find(|group| own.contains(group));
        let (Some(common), true) = (common, count > 0) else { return Relevant::All };
        let Some(of_common) = self.group_count(common, lengths) else { return Relevant::All };
        let at = (map_index * of_common).div_euclid(count);
        if other.expand.is_none() && other.mapped_group == Some(common) {
            return Relevant::One(at);
        }
        let further = count / of_common;
        Relevant::Range(at * further, (at + 1) * further)
    }

    /// Tasks whose results decide how often a task is mapped: by its own mapping, or else by the innermost group's
    /// (airflow/ti_deps/deps/mapped_task_upstream_dep.py).
    pub fn mapped_over<'a>(&'a self, task: &'a Task) -> Vec<&'a str> {
        match (&task.expand, task.mapped_group) {
            (Some(expand), _) => expand.references(),
            (None, Some(group)) => self.mapped_groups[group].expand.references(),
            (None, None) => Vec::new(),
        }
    }

    /// The same, of it and of every group around it.
    pub fn all_mapped_over<'a>(&'a self, task: &'a Task) -> HashSet<&'a str> {
        let groups = self.groups_around(task).flat_map(|group| self.mapped_groups[group].expand.references());
        groups.chain(task.expand.iter().flat_map(Expand::references)).collect()
    }
}
