//! How tasks are grouped: for people, and for what is mapped as a whole.

use super::decode;
use super::expand::Expand;
use artel_platform::Result;
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
    /// What it is run once per element of, if it is mapped.
    pub expand: Option<Expand>,
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
    pub(super) fn read(serialized: &Value) -> Result<Self> {
        Self::read_as(decode::text(serialized, "_group_id"), serialized)
    }

    /// A group says only its own part of its id; the whole is the key under which its parent has it.
    fn read_as(group_id: Option<String>, serialized: &Value) -> Result<Self> {
        let name = decode::text(serialized, "group_display_name").filter(|n| !n.is_empty());
        let mut children = Vec::new();
        for (id, child) in serialized["children"].as_object().into_iter().flatten() {
            match (child[0].as_str(), child[1].as_str()) {
                (Some("operator"), Some(task)) => children.push(Node::Task(task.to_owned())),
                (Some("taskgroup"), _) => children.push(Node::Group(Self::read_as(Some(id.clone()), &child[1])?)),
                _ => {}
            }
        }
        Ok(Self {
            label: name.or_else(|| group_id.as_ref().map(|id| id.rsplit('.').next().unwrap_or(id).to_owned())).unwrap_or_default(),
            tooltip: decode::text(serialized, "tooltip").unwrap_or_default(),
            expand: serialized["is_mapped"].as_bool().unwrap_or(false).then(|| Expand::read(&serialized["expand_input"])).transpose()?,
            children,
            group_id,
        })
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
}
