//! DAG runs that are interrupted: each task notes every start of it in a file, and its first try waits to be released.

use crate::harness::{Client, Installation, eventually};
use artel_platform::process::is_alive;
use serde_json::{Value, json};
use std::path::PathBuf;

const DAGS: &str = include_str!("interrupted.py");

/// A run under way.
pub struct Run {
    dag: &'static str,
    id: String,
    marks: PathBuf,
}

/// Drops the DAG file and waits until its DAGs are known.
pub async fn install(artel: &Installation, admin: &Client) {
    let marks = artel.folder.join("marks");
    std::fs::create_dir_all(&marks).unwrap();
    std::fs::create_dir_all(artel.dags()).unwrap();
    std::fs::write(artel.dags().join("interrupted.py"), DAGS.replace("@MARKS@", marks.to_str().unwrap())).unwrap();
    for dag in ["retried", "once"] {
        eventually(&format!("{dag} is listed"), 300, async || admin.try_get(&format!("/api/v2/dags/{dag}")).await).await;
    }
}

/// Triggers a DAG and waits until its first task runs.
pub async fn begin(artel: &Installation, admin: &Client, dag: &'static str, id: &str) -> Run {
    admin.post(&format!("/api/v2/dags/{dag}/dagRuns"), json!({"dag_run_id": id, "logical_date": null})).await;
    let run = Run { dag, id: id.into(), marks: artel.folder.join("marks") };
    eventually(&format!("the task of {dag} runs"), 120, async || {
        let task = run.task(admin, "work").await?;
        if task["state"] == "running" && !run.starts().is_empty() { Ok(()) } else { Err(task.to_string()) }
    })
    .await;
    run
}

impl Run {
    /// Lets the first try end, where it still runs.
    pub fn release(&self) {
        std::fs::write(self.marks.join(format!("{}-{}.release", self.dag, self.id)), "").unwrap();
    }

    /// Waits until the task has done its work, whether or not it could tell.
    pub async fn has_worked(&self) {
        let mark = self.marks.join(format!("{}-{}.worked", self.dag, self.id));
        eventually("the released task works", 30, async || if mark.exists() { Ok(()) } else { Err("not yet".into()) }).await;
    }

    /// Every start of the task: number of the try, and process id.
    pub fn starts(&self) -> Vec<(u32, u32)> {
        let text = std::fs::read_to_string(self.marks.join(format!("{}-{}.starts", self.dag, self.id))).unwrap_or_default();
        let numbers = |line: &str| line.split_once(' ').map(|(number, pid)| (number.parse().unwrap(), pid.parse().unwrap()));
        text.lines().filter_map(numbers).collect()
    }

    /// The process of the last start.
    pub fn process(&self) -> u32 {
        self.starts().last().unwrap().1
    }

    async fn task(&self, admin: &Client, task: &str) -> Result<Value, String> {
        admin.try_get(&format!("/api/v2/dags/{}/dagRuns/{}/taskInstances/{task}", self.dag, self.id)).await
    }

    /// The run ends in `state`, its task after `tries` tries, each of which was started once.
    pub async fn ends(&self, admin: &Client, state: &str, tries: u32) {
        eventually(&format!("{} of {} ends", self.id, self.dag), 120, async || {
            let run = admin.try_get(&format!("/api/v2/dags/{}/dagRuns/{}", self.dag, self.id)).await?;
            if run["state"] == state { Ok(()) } else { Err(run["state"].to_string()) }
        })
        .await;
        let task = self.task(admin, "work").await.unwrap();
        assert_eq!((task["state"].as_str().unwrap(), task["try_number"].as_u64().unwrap()), (state, u64::from(tries)), "{task}");
        let started: Vec<u32> = self.starts().into_iter().map(|(number, _)| number).collect();
        assert_eq!(started, (1..=tries).collect::<Vec<_>>(), "every try was started once");
    }
}

/// Waits until a process that lost its master has ended by itself.
pub async fn is_gone(what: &str, pid: u32) {
    eventually(
        &format!("{what} does not outlive its master"),
        60,
        async || if is_alive(pid, None) { Err(pid.to_string()) } else { Ok(()) },
    )
    .await;
}
