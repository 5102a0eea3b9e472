//! How tasks are grouped: for people, and for what is mapped as a whole.

use super::decode;
use serde_json::Value;

/// A group of tasks; the outermost has no id.
#[derive(Debug, Clone, Default)]
pub struct TaskGroup {
    /// Its id.
    pub group_id: Option<String>,
    /// What people read.
    pub label: String,
    /// A line about it.
    pub tooltip: String,
    /// Run once per element of something.
    pub is_mapped: bool,
    /// What is in it, in order.
    pub children: Vec<Node>,
}

/// A member of a group.
#[derive(Debug, Clone)]
pub enum Node {
    /// A task, by id.
    Task(String),
    /// A group in it.
    Group(TaskGroup),
}

impl TaskGroup {
    pub(super) fn read(serialized: &Value) -> Self {
        let children = serialized["children"].as_object().into_iter().flatten();
        let group_id = decode::text(serialized, "_group_id");
        let name = decode::text(serialized, "group_display_name").filter(|n| !n.is_empty());
        Self {
            label: name.or_else(|| group_id.as_ref().map(|id| id.rsplit('.').next().unwrap_or(id).to_owned())).unwrap_or_default(),
            tooltip: decode::text(serialized, "tooltip").unwrap_or_default(),
            is_mapped: serialized["is_mapped"].as_bool().unwrap_or(false),
            children: children
                .filter_map(|(_, child)| match child[0].as_str()? {
                    "operator" => Some(Node::Task(child[1].as_str()?.to_owned())),
                    "taskgroup" => Some(Node::Group(Self::read(&child[1]))),
                    _ => None,
                })
                .collect(),
            group_id,
        }
    }

    /// The group with that id, this one or one inside.
    pub fn find(&self, group_id: &str) -> Option<&Self> {
        if self.group_id.as_deref() == Some(group_id) {
            return Some(self);
        }
        self.children.iter().find_map(|child| match child {
            Node::Group(group) => group.find(group_id),
            Node::Task(_) => None,
        })
    }

    /// Ids of the tasks in it, at any depth.
    pub fn task_ids(&self) -> Vec<String> {
        let mut found = Vec::new();
        for child in &self.children {
            match child {
                Node::Task(id) => found.push(id.clone()),
                Node::Group(group) => found.extend(group.task_ids()),
            }
        }
        found
    }

    /// Ids of the tasks that are inside a mapped group.
    pub fn mapped_task_ids(&self) -> Vec<String> {
        if self.is_mapped {
            return self.task_ids();
        }
        self.children.iter().flat_map(|child| if let Node::Group(group) = child { group.mapped_task_ids() } else { Vec::new() }).collect()
    }
}
