//! What to do next about one DAG run: a pure function of the DAG, the instances as they stand and the time.
//!
//! One pass over the tasks in topological order settles everything that follows from the present states: what upstream
//! needs several loops for (a failure passing down a chain, an empty task succeeding and freeing the next) is one decision.

use super::trigger_rule::{Upstream, Verdict};
use crate::dag::{Dag, MapLengths};
use crate::states::{RunState, TaskState};
use std::collections::{HashMap, HashSet};

/// A task instance, as far as a decision needs it.
#[derive(Debug, Clone, PartialEq)]
pub struct Instance {
    /// Its id; empty for one that the decision itself makes.
    pub id: String,
    /// Its task.
    pub task_id: String,
    /// -1 when it is not mapped or not expanded yet.
    pub map_index: i64,
    /// Its state.
    pub state: Option<TaskState>,
    /// Not before this time (milliseconds) does a waiting one go on.
    pub due_at: Option<i64>,
}

/// What a finished branch or short circuit said about the tasks after it (its XCom `skipmixin_key`).
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SkipMemo {
    /// Only these go on.
    pub followed: Option<HashSet<String>>,
    /// These do not.
    pub skipped: HashSet<String>,
}

impl SkipMemo {
    fn skips(&self, task_id: &str) -> bool {
        match &self.followed {
            Some(followed) => !followed.contains(task_id),
            None => self.skipped.contains(task_id),
        }
    }
}

/// Everything a decision is made from.
#[derive(Debug)]
pub struct Situation<'a> {
    /// The version of the DAG that the run is pinned to.
    pub dag: &'a Dag,
    /// The run's instances.
    pub instances: Vec<Instance>,
    /// When the run started, for its timeout.
    pub started_at: Option<i64>,
    /// By task and map index.
    pub skips: HashMap<(String, i64), SkipMemo>,
    /// Lengths of results that are mapped over; of a mapped task, how many results there are.
    pub lengths: HashMap<String, i64>,
    /// Tasks that depend on the past, and whose past is not as it has to be.
    pub held_by_past: HashSet<String>,
    /// Now, in milliseconds.
    pub now: i64,
}

/// One thing to do.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// The instance may start: the next try.
    Schedule(usize),
    /// The instance succeeds without being run.
    Pass(usize),
    /// The instance gets this state.
    Become(usize, TaskState),
    /// The instance, not expanded so far, becomes the first of so many; the others are new.
    Expand(usize, i64),
    /// The instance, not expanded so far, goes: its task is expanded already.
    Forget(usize),
}

/// What to do.
#[derive(Debug, Clone, PartialEq)]
pub struct Decision {
    /// In order.
    pub changes: Vec<Change>,
    /// All instances, in their new states, those of expansions added.
    pub instances: Vec<Instance>,
    /// The run's state.
    pub run: RunState,
    /// Why, where the run ends for another reason than its tasks.
    pub reason: Option<&'static str>,
}

/// Decides. Instances are named by their position in [`Situation::instances`].
pub fn decide(situation: Situation<'_>) -> Decision {
    let mut pass = Pass::new(situation);
    if pass.timed_out() {
        return pass.stop_all("dagrun_timeout");
    }
    pass.remove_strangers();
    for position in 0..pass.dag.tasks.len() {
        // grows when the task is expanded
        let mut next = 0;
        pass.counted = None;
        while next < pass.of_task[position].len() {
            pass.settle(position, pass.of_task[position][next]);
            next += 1;
        }
    }
    let (run, reason) = pass.run_state();
    Decision { changes: pass.changes, instances: pass.instances, run, reason }
}

/// A decision in the making.
pub(super) struct Pass<'a> {
    pub(super) dag: &'a Dag,
    pub(super) instances: Vec<Instance>,
    /// Their states before anything was decided.
    pub(super) before: Vec<Option<TaskState>>,
    /// Positions in `instances`, by position of the task.
    pub(super) of_task: Vec<Vec<usize>>,
    /// The same, by position of the task and map index.
    pub(super) at_index: HashMap<(usize, i64), usize>,
    /// Tasks whose number of instances was compared with the length of what they are mapped over.
    pub(super) revised: HashSet<usize>,
    /// What is upstream of the task that is being looked at, where that is the same for all of its instances.
    pub(super) counted: Option<Upstream>,
    pub(super) changes: Vec<Change>,
    started_at: Option<i64>,
    lengths: HashMap<String, i64>,
    skips: HashMap<(String, i64), SkipMemo>,
    held_by_past: HashSet<String>,
    now: i64,
}

impl MapLengths for Pass<'_> {
    fn length(&self, task_id: &str) -> Option<i64> {
        let position = self.dag.position(task_id)?;
        // the results of a mapped task are counted when all of its instances have ended
        let counts = self.dag.tasks[position].expand.is_none() || !self.of_task[position].iter().any(|i| self.is_unfinished(*i));
        if counts { self.lengths.get(task_id).copied() } else { None }
    }
}

impl<'a> Pass<'a> {
    pub(super) fn new(situation: Situation<'a>) -> Self {
        let Situation { dag, instances, started_at, skips, lengths, held_by_past, now } = situation;
        let mut of_task = vec![Vec::new(); dag.tasks.len()];
        let mut at_index = HashMap::new();
        for (i, instance) in instances.iter().enumerate() {
            if let Some(position) = dag.position(&instance.task_id) {
                of_task[position].push(i);
                at_index.insert((position, instance.map_index), i);
            }
        }
        let before = instances.iter().map(|i| i.state).collect();
        let (revised, changes) = (HashSet::new(), Vec::new());
        Self { dag, instances, before, of_task, at_index, revised, counted: None, lengths, changes, started_at, skips, held_by_past, now }
    }

    pub(super) fn become_state(&mut self, i: usize, state: TaskState) {
        self.instances[i].state = Some(state);
        self.changes.push(Change::Become(i, state));
    }

    pub(super) fn is_unfinished(&self, i: usize) -> bool {
        !self.instances[i].state.is_some_and(TaskState::is_finished)
    }

    fn timed_out(&self) -> bool {
        self.dag.dagrun_timeout.zip(self.started_at).is_some_and(|(limit, start)| self.now >= start + limit.num_milliseconds())
    }

    /// Everything unfinished is skipped and the run fails.
    fn stop_all(mut self, reason: &'static str) -> Decision {
        for i in 0..self.instances.len() {
            if self.is_unfinished(i) {
                self.become_state(i, TaskState::Skipped);
            }
        }
        Decision { changes: self.changes, instances: self.instances, run: RunState::Failed, reason: Some(reason) }
    }

    /// Instances of tasks that the DAG has no more.
    fn remove_strangers(&mut self) {
        for i in 0..self.instances.len() {
            if self.dag.position(&self.instances[i].task_id).is_none() && self.instances[i].state != Some(TaskState::Removed) {
                self.become_state(i, TaskState::Removed);
            }
        }
    }

    /// Decides about one instance.
    pub(super) fn settle(&mut self, position: usize, i: usize) {
        let task = &self.dag.tasks[position];
        let instance = &self.instances[i];
        let map_index = instance.map_index;
        if !TaskState::is_schedulable(instance.state) || instance.due_at.is_some_and(|due| due > self.now) {
            return;
        }
        if self.skipped_by(position, map_index).is_some() {
            return self.become_state(i, TaskState::Skipped);
        }
        match self.verdict(position, map_index) {
            Verdict::Wait => {}
            Verdict::Become(state) => self.become_state(i, state),
            Verdict::Run if self.held_by_past.contains(&task.task_id) => {}
            Verdict::Run if task.needs_expansion() && map_index < 0 => self.expand(position, i),
            Verdict::Run if task.needs_expansion() && !self.still_mapped(position, i) => {}
            Verdict::Run if task.is_trivial => {
                self.instances[i].state = Some(TaskState::Success);
                self.changes.push(Change::Pass(i));
            }
            Verdict::Run => {
                self.instances[i].state = Some(TaskState::Scheduled);
                self.changes.push(Change::Schedule(i));
            }
        }
    }

    /// The finished branch upstream that has said that this task is not taken (also after it was cleared).
    pub(super) fn skipped_by(&self, position: usize, map_index: i64) -> Option<&'a str> {
        let (dag, task) = (self.dag, &self.dag.tasks[position]);
        let says_so = |up: &&usize| {
            let parent = &dag.tasks[**up];
            let finished = self.of_task[**up].iter().any(|i| !self.is_unfinished(*i));
            let together = parent.expand.is_some() || (parent.mapped_group.is_some() && parent.mapped_group == task.mapped_group);
            let memo = self.skips.get(&(parent.task_id.clone(), if together { map_index } else { -1 }));
            finished && memo.is_some_and(|memo| memo.skips(&task.task_id))
        };
        let mut branches = task.upstream.iter().filter(|up| dag.tasks[**up].can_skip_downstream);
        branches.find(says_so).map(|up| dag.tasks[*up].task_id.as_str())
    }

    fn run_state(&self) -> (RunState, Option<&'static str>) {
        let states = || self.instances.iter().filter(|i| i.state != Some(TaskState::Removed)).map(|i| i.state);
        if states().all(|s| s.is_some_and(TaskState::is_finished)) {
            let deciding = self.dag.deciding_tasks();
            let mut ends = deciding.iter().flat_map(|p| &self.of_task[*p]).filter_map(|i| self.instances[*i].state);
            let failed = ends.any(TaskState::is_failure);
            return (if failed { RunState::Failed } else { RunState::Success }, None);
        }
        // nothing runs, nothing will: only what waits for the past or for a limit may stand still
        let mut unfinished = self.instances.iter().filter(|i| !i.state.is_some_and(TaskState::is_finished));
        let stands = |i: &Instance| {
            let patient = |t: &crate::dag::Task| {
                t.owed.depends_on_past || t.max_active_tis_per_dag.is_some() || t.max_active_tis_per_dagrun.is_some()
            };
            i.state.is_none() && !self.dag.task(&i.task_id).is_some_and(patient)
        };
        if self.changes.is_empty() && unfinished.all(stands) {
            return (RunState::Failed, Some("all_tasks_deadlocked"));
        }
        (RunState::Running, None)
    }
}
