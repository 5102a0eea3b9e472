//! What the instances upstream of one mean for it: trigger rules, setups and teardowns, what is mapped over
//! (airflow/ti_deps/deps/trigger_rule_dep.py, mapped_task_upstream_dep.py).

use super::decide::Pass;
use super::trigger_rule::{self, Upstream, Verdict};
use crate::dag::{Relevant, TriggerRule};
use crate::states::TaskState;
use std::collections::HashSet;

/// Rules that a part of what is upstream can satisfy. While a task in a mapped group is not expanded, they look at all of it.
const FAST: &[TriggerRule] = &[TriggerRule::OneSuccess, TriggerRule::OneFailed, TriggerRule::OneDone, TriggerRule::NoneFailedMinOneSuccess];

/// Which states count: as they are now, or as they were before anything was decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum When {
    Now,
    Before,
}

/// How what is upstream of an instance stands, for people who ask why it waits.
#[derive(Debug)]
pub(super) struct Standing {
    /// The tasks that it waits for, counted.
    pub(super) upstream: Upstream,
    /// Setup tasks further up have not all succeeded.
    pub(super) lacks_setups: bool,
    /// Tasks between a teardown and its setups have not all finished.
    pub(super) is_early: bool,
    /// What it is mapped over lets it run.
    pub(super) is_mappable: bool,
}

impl Pass<'_> {
    /// How things stand now, before anything is decided.
    pub(super) fn standing(&mut self, position: usize, map_index: i64) -> Standing {
        let is_teardown = self.dag.tasks[position].is_teardown;
        Standing {
            upstream: self.upstream(position, map_index, When::Before),
            lacks_setups: !is_teardown && self.setups(position, map_index, When::Before) != Verdict::Run,
            is_early: is_teardown && !self.scope_is_done(position, map_index, When::Before),
            is_mappable: self.mapped_over(position).0 == Verdict::Run,
        }
    }

    /// Whether an instance may run as far as others of its run go. What its trigger rule says goes before what is mapped over,
    /// unless the rule only says it because of what was decided just now: upstream looks at that a round later.
    pub(super) fn verdict(&mut self, position: usize, map_index: i64) -> Verdict {
        let (rule, (mapped, known)) = (self.trigger_rule(position, map_index, When::Now), self.mapped_over(position));
        match (rule, mapped) {
            (Verdict::Become(_), Verdict::Become(_)) if known => match self.trigger_rule(position, map_index, When::Before) {
                Verdict::Become(state) => Verdict::Become(state),
                Verdict::Run | Verdict::Wait => mapped,
            },
            (Verdict::Become(state), _) | (_, Verdict::Become(state)) => Verdict::Become(state),
            (Verdict::Wait, _) | (_, Verdict::Wait) => Verdict::Wait,
            (Verdict::Run, Verdict::Run) => Verdict::Run,
        }
    }

    fn trigger_rule(&mut self, position: usize, map_index: i64, when: When) -> Verdict {
        let task = &self.dag.tasks[position];
        if task.upstream.is_empty() || task.trigger_rule == TriggerRule::Always {
            return Verdict::Run;
        }
        let setups = if task.is_teardown { Verdict::Run } else { self.setups(position, map_index, when) };
        if let Verdict::Become(_) = setups {
            return setups;
        }
        match trigger_rule::evaluate(task.trigger_rule, &self.upstream(position, map_index, when), map_index) {
            Verdict::Run if task.is_teardown && !self.scope_is_done(position, map_index, when) => Verdict::Wait,
            Verdict::Run => setups,
            other => other,
        }
    }

    fn upstream(&mut self, position: usize, map_index: i64, when: When) -> Upstream {
        let task = &self.dag.tasks[position];
        if task.mapped_group.is_some() || when == When::Before {
            return self.count(position, map_index, &task.upstream, when);
        }
        // upstream tasks are settled before: this does not change while the instances of one task are looked at
        let counted = self.counted.unwrap_or_else(|| self.count(position, map_index, &task.upstream, when));
        self.counted = Some(counted);
        counted
    }

    /// The instances of other tasks that one has to do with, by state.
    fn count(&self, position: usize, map_index: i64, others: &[usize], when: When) -> Upstream {
        let mut counted = Upstream::default();
        for other in others {
            for i in self.relevant(position, map_index, *other) {
                let state = if when == When::Now { self.instances[i].state } else { self.before.get(i).copied().flatten() };
                counted.add(state, self.dag.tasks[*other].is_setup);
            }
        }
        if !others.iter().any(|other| self.dag.tasks[*other].needs_expansion()) {
            // one that this run has no instance of is waited for
            counted.total = others.len() as i64;
            counted.total_setup = others.iter().filter(|other| self.dag.tasks[**other].is_setup).count() as i64;
        }
        counted
    }

    /// The instances of another task that one has to do with. One that is not expanded yet always belongs to them.
    fn relevant(&self, position: usize, map_index: i64, other: usize) -> Vec<usize> {
        let at = |index: i64| self.at_index.get(&(other, index)).copied();
        match self.relevant_indexes(position, map_index, other) {
            Relevant::All => self.of_task[other].clone(),
            Relevant::One(-1) => at(-1).into_iter().collect(),
            Relevant::One(index) => at(-1).into_iter().chain(at(index)).collect(),
            Relevant::Range(start, end) => at(-1).into_iter().chain((start.max(0)..end).filter_map(at)).collect(),
        }
    }

    fn relevant_indexes(&self, position: usize, map_index: i64, other: usize) -> Relevant {
        let (task, relative) = (&self.dag.tasks[position], &self.dag.tasks[other]);
        if task.mapped_group.is_none() {
            return Relevant::All;
        }
        let early = map_index < 0 && FAST.contains(&task.trigger_rule);
        if early && !self.dag.all_mapped_over(task).contains(relative.task_id.as_str()) {
            return Relevant::All;
        }
        self.dag.relevant(task, map_index, relative, self)
    }

    /// Setup tasks further up have to have succeeded (`_evaluate_setup_constraint`).
    fn setups(&self, position: usize, map_index: i64, when: When) -> Verdict {
        let upstream = &self.dag.tasks[position].upstream;
        let indirect: Vec<usize> = self.dag.setups_of(position).into_iter().filter(|setup| !upstream.contains(setup)).collect();
        let counted = self.count(position, map_index, &indirect, when);
        let removed = if map_index > -1 { counted.removed } else { 0 };
        if counted.failed > 0 || counted.upstream_failed > 0 {
            Verdict::Become(TaskState::UpstreamFailed)
        } else if counted.skipped > 0 {
            Verdict::Become(TaskState::Skipped)
        } else if removed > 0 && counted.success > 0 && map_index >= counted.success {
            Verdict::Become(TaskState::Removed)
        } else if counted.success + removed < counted.total {
            Verdict::Wait
        } else {
            Verdict::Run
        }
    }

    /// Everything between a teardown and its setups has finished (`_evaluate_teardown_scope`).
    fn scope_is_done(&self, position: usize, map_index: i64, when: When) -> bool {
        let task = &self.dag.tasks[position];
        let above: HashSet<usize> = self.dag.all_upstream(position).into_iter().filter(|p| !task.upstream.contains(p)).collect();
        let setups = task.upstream.iter().filter(|up| self.dag.tasks[**up].is_setup);
        let scope: HashSet<usize> = setups.flat_map(|setup| self.dag.all_downstream(*setup)).filter(|p| above.contains(p)).collect();
        let scope: Vec<usize> = scope.into_iter().collect();
        let counted = self.count(position, map_index, &scope, when);
        counted.done >= counted.total
    }

    /// What is mapped over must not have failed or been skipped; and whether that was so before this decision. Tasks that are
    /// expanded themselves did neither.
    fn mapped_over(&self, position: usize) -> (Verdict, bool) {
        let sources = self.dag.mapped_over(&self.dag.tasks[position]);
        let unexpanded: Vec<usize> =
            sources.into_iter().filter_map(|id| self.at_index.get(&(self.dag.position(id)?, -1)).copied()).collect();
        let finished: HashSet<TaskState> =
            unexpanded.iter().filter_map(|i| self.instances[*i].state).filter(|state| state.is_finished()).collect();
        let known = unexpanded.iter().all(|i| self.before.get(*i) == Some(&self.instances[*i].state));
        let verdict = if finished.iter().any(|state| state.is_failure()) {
            Verdict::Become(TaskState::UpstreamFailed)
        } else if finished.contains(&TaskState::Skipped) {
            Verdict::Become(TaskState::Skipped)
        } else if finished.contains(&TaskState::Removed) {
            Verdict::Wait
        } else {
            Verdict::Run
        };
        (verdict, known)
    }
}
