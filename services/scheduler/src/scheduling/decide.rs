//! What to do next about one DAG run: a pure function of the DAG, the instances as they stand and the time.
//!
//! One pass over the tasks in topological order settles everything that follows from the present states: what upstream
//! needs several loops for (a failure passing down a chain, an empty task succeeding and freeing the next) is one decision.

use super::trigger_rule::{self, Upstream, Verdict};
use crate::dag::{Dag, MapLengths, Task};
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
    /// Lengths of results that are mapped over.
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
    /// The instance fails, because of this.
    Fail(usize, String),
    /// The instance, not expanded so far, becomes the first of so many; the others are new.
    Expand(usize, i64),
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

impl MapLengths for HashMap<String, i64> {
    fn length(&self, task_id: &str) -> Option<i64> {
        self.get(task_id).copied()
    }
}

/// Decides. Instances are named by their position in [`Situation::instances`].
pub fn decide(situation: Situation<'_>) -> Decision {
    let mut pass = Pass::new(situation);
    if pass.timed_out() {
        return pass.stop_all("dagrun_timeout");
    }
    pass.remove_strangers();
    pass.fail_fast();
    for position in 0..pass.dag.tasks.len() {
        // grows when the task is expanded
        let mut next = 0;
        while next < pass.of_task[position].len() {
            pass.settle(position, pass.of_task[position][next]);
            next += 1;
        }
    }
    pass.fail_fast();
    let (run, reason) = pass.run_state();
    Decision { changes: pass.changes, instances: pass.instances, run, reason }
}

struct Pass<'a> {
    dag: &'a Dag,
    instances: Vec<Instance>,
    of_task: Vec<Vec<usize>>,
    started_at: Option<i64>,
    skips: HashMap<(String, i64), SkipMemo>,
    lengths: HashMap<String, i64>,
    held_by_past: HashSet<String>,
    now: i64,
    changes: Vec<Change>,
}

impl<'a> Pass<'a> {
    fn new(situation: Situation<'a>) -> Self {
        let Situation { dag, instances, started_at, skips, lengths, held_by_past, now } = situation;
        let mut of_task = vec![Vec::new(); dag.tasks.len()];
        for (i, instance) in instances.iter().enumerate() {
            if let Some(position) = dag.position(&instance.task_id) {
                of_task[position].push(i);
            }
        }
        Self { dag, instances, of_task, started_at, skips, lengths, held_by_past, now, changes: Vec::new() }
    }

    fn become_state(&mut self, i: usize, state: TaskState) {
        self.instances[i].state = Some(state);
        self.changes.push(Change::Become(i, state));
    }

    fn is_unfinished(&self, i: usize) -> bool {
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

    /// With `fail_fast` the first failure fails what runs and skips what waits, teardowns aside.
    fn fail_fast(&mut self) {
        if !self.dag.fail_fast || !self.instances.iter().any(|i| i.state == Some(TaskState::Failed)) {
            return;
        }
        for i in 0..self.instances.len() {
            let teardown = self.dag.task(&self.instances[i].task_id).is_some_and(|t| t.is_teardown);
            if self.is_unfinished(i) && !teardown {
                let running = self.instances[i].state == Some(TaskState::Running);
                self.become_state(i, if running { TaskState::Failed } else { TaskState::Skipped });
            }
        }
    }

    /// Decides about one instance.
    fn settle(&mut self, position: usize, i: usize) {
        let task = &self.dag.tasks[position];
        let instance = &self.instances[i];
        if !TaskState::is_schedulable(instance.state) || instance.due_at.is_some_and(|due| due > self.now) {
            return;
        }
        if self.was_skipped(task, instance.map_index) {
            return self.become_state(i, TaskState::Skipped);
        }
        match self.verdict(position, instance.map_index) {
            Verdict::Wait => {}
            Verdict::Become(state) => self.become_state(i, state),
            Verdict::Run if self.held_by_past.contains(&task.task_id) => {}
            Verdict::Run if task.in_mapped_group => {
                self.instances[i].state = Some(TaskState::Failed);
                self.changes.push(Change::Fail(i, format!("task {} is inside a mapped task group, which is not supported", task.task_id)));
            }
            Verdict::Run if task.expand.is_some() && instance.map_index < 0 => self.expand(position, i),
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

    /// A finished branch upstream has said that this task is not taken (also after it was cleared).
    fn was_skipped(&self, task: &Task, map_index: i64) -> bool {
        task.upstream.iter().filter(|up| self.dag.tasks[**up].can_skip_downstream).any(|up| {
            let parent = &self.dag.tasks[*up];
            let finished = self.of_task[*up].iter().any(|i| !self.is_unfinished(*i));
            let memo = self.skips.get(&(parent.task_id.clone(), if parent.expand.is_some() { map_index } else { -1 }));
            finished && memo.is_some_and(|memo| memo.skips(&task.task_id))
        })
    }

    fn count(&self, positions: &[usize]) -> Upstream {
        let mut counted = Upstream::default();
        for position in positions {
            for i in &self.of_task[*position] {
                counted.add(self.instances[*i].state, self.dag.tasks[*position].is_setup);
            }
        }
        counted
    }

    fn verdict(&self, position: usize, map_index: i64) -> Verdict {
        let task = &self.dag.tasks[position];
        if !task.is_teardown
            && let Some(verdict) = self.setups_verdict(position)
        {
            return verdict;
        }
        if task.expand.is_some()
            && map_index < 0
            && let Some(state) = self.mapped_over_nothing(task)
        {
            return Verdict::Become(state);
        }
        let verdict = trigger_rule::evaluate(task.trigger_rule, &self.count(&task.upstream), map_index);
        if verdict == Verdict::Run && task.is_teardown && !self.scope_is_done(position) {
            return Verdict::Wait;
        }
        verdict
    }

    /// Setup tasks further up have to have succeeded (`_evaluate_setup_constraint`).
    fn setups_verdict(&self, position: usize) -> Option<Verdict> {
        let indirect: Vec<usize> =
            self.dag.setups_of(position).into_iter().filter(|s| !self.dag.tasks[position].upstream.contains(s)).collect();
        let counted = self.count(&indirect);
        if counted.failed > 0 || counted.upstream_failed > 0 {
            return Some(Verdict::Become(TaskState::UpstreamFailed));
        }
        if counted.skipped > 0 {
            return Some(Verdict::Become(TaskState::Skipped));
        }
        (counted.success < counted.total).then_some(Verdict::Wait)
    }

    /// Everything between a teardown and its setups has finished (`_evaluate_teardown_scope`).
    fn scope_is_done(&self, position: usize) -> bool {
        let task = &self.dag.tasks[position];
        let above: HashSet<usize> = self.dag.all_upstream(position).into_iter().filter(|p| !task.upstream.contains(p)).collect();
        let setups = task.upstream.iter().filter(|up| self.dag.tasks[**up].is_setup);
        let mut scope = setups.flat_map(|setup| self.dag.all_downstream(*setup)).filter(|p| above.contains(p));
        scope.all(|p| self.of_task[p].iter().all(|i| !self.is_unfinished(*i)))
    }

    /// What is mapped over has failed or was skipped (airflow/ti_deps/deps/mapped_task_upstream_dep.py).
    fn mapped_over_nothing(&self, task: &Task) -> Option<TaskState> {
        let sources = task.expand.iter().flat_map(|e| e.references()).filter_map(|id| self.dag.position(id));
        let mut states =
            sources.flat_map(|p| &self.of_task[p]).filter(|i| self.instances[**i].map_index < 0).filter_map(|i| self.instances[*i].state);
        states.find_map(|state| match state {
            TaskState::Failed | TaskState::UpstreamFailed => Some(TaskState::UpstreamFailed),
            TaskState::Skipped => Some(TaskState::Skipped),
            _ => None,
        })
    }

    /// Into as many instances as there are elements (airflow/models/taskmap.py `expand_mapped_task`).
    fn expand(&mut self, position: usize, i: usize) {
        let task = &self.dag.tasks[position];
        let count = task.expand.as_ref().and_then(|e| e.count(&self.lengths));
        let Some(count) = count else { return self.become_state(i, TaskState::UpstreamFailed) };
        if count < 1 {
            return self.become_state(i, TaskState::Skipped);
        }
        self.changes.push(Change::Expand(i, count));
        self.instances[i].map_index = 0;
        for map_index in 1..count {
            if self.of_task[position].iter().any(|o| self.instances[*o].map_index == map_index) {
                continue;
            }
            self.of_task[position].push(self.instances.len());
            self.instances.push(Instance { id: String::new(), task_id: task.task_id.clone(), map_index, state: None, due_at: None });
        }
        self.settle(position, i);
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
        let stuck = states().filter(|s| !s.is_some_and(TaskState::is_finished)).all(|s| s.is_none())
            && self.changes.is_empty()
            && self.held_by_past.is_empty();
        if stuck && !self.dag.has_task_concurrency_limits() {
            return (RunState::Failed, Some("all_tasks_deadlocked"));
        }
        (RunState::Running, None)
    }
}
