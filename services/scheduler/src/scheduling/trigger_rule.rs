//! Whether a task's upstream instances let it run (airflow/ti_deps/deps/trigger_rule_dep.py, branch by branch).

use crate::dag::TriggerRule;
use crate::states::TaskState;

/// The finished instances of the upstream tasks, counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Upstream {
    /// Instances there are, finished or not.
    pub total: i64,
    /// Of setup tasks.
    pub total_setup: i64,
    /// Finished in any state.
    pub done: i64,
    /// In each state.
    pub success: i64,
    /// See `success`.
    pub skipped: i64,
    /// See `success`.
    pub failed: i64,
    /// See `success`.
    pub upstream_failed: i64,
    /// See `success`.
    pub removed: i64,
    /// Of setup tasks.
    pub success_setup: i64,
    /// Of setup tasks.
    pub skipped_setup: i64,
}

impl Upstream {
    /// Counts an instance of an upstream task.
    pub fn add(&mut self, state: Option<TaskState>, is_setup: bool) {
        self.total += 1;
        self.total_setup += i64::from(is_setup);
        let Some(state) = state.filter(|s| s.is_finished()) else { return };
        self.done += 1;
        match state {
            TaskState::Success => {
                self.success += 1;
                self.success_setup += i64::from(is_setup);
            }
            TaskState::Skipped => {
                self.skipped += 1;
                self.skipped_setup += i64::from(is_setup);
            }
            TaskState::Failed => self.failed += 1,
            TaskState::UpstreamFailed => self.upstream_failed += 1,
            _ => self.removed += 1,
        }
    }

    fn all_done(&self) -> bool {
        self.done >= self.total
    }

    fn any_failure(&self) -> bool {
        self.failed > 0 || self.upstream_failed > 0
    }
}

/// What follows for the instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It may run.
    Run,
    /// Not yet.
    Wait,
    /// It never will, and this is its state.
    Become(TaskState),
}

/// Of a task that has others upstream. `map_index` is -1 for an instance that is not mapped.
pub fn evaluate(rule: TriggerRule, upstream: &Upstream, map_index: i64) -> Verdict {
    if rule == TriggerRule::Always {
        return Verdict::Run;
    }
    if let Some(state) = settled(rule, upstream, map_index) {
        return Verdict::Become(state);
    }
    if satisfied(rule, upstream) { Verdict::Run } else { Verdict::Wait }
}

/// The state of an instance that can never run.
fn settled(rule: TriggerRule, u: &Upstream, map_index: i64) -> Option<TaskState> {
    use TaskState::{Removed, Skipped, UpstreamFailed};
    let all_done = u.all_done();
    let pick = |choices: &[(bool, TaskState)]| choices.iter().find(|c| c.0).map(|c| c.1);
    match rule {
        TriggerRule::AllSuccess => pick(&[
            (u.any_failure(), UpstreamFailed),
            (u.skipped > 0, Skipped),
            (u.removed > 0 && u.success > 0 && map_index > -1 && map_index >= u.success, Removed),
        ]),
        TriggerRule::AllFailed => pick(&[(u.success > 0 || u.skipped > 0, Skipped)]),
        TriggerRule::OneSuccess => pick(&[(all_done && u.done == u.skipped, Skipped), (all_done && u.success == 0, UpstreamFailed)]),
        TriggerRule::OneFailed => pick(&[(all_done && !u.any_failure(), Skipped)]),
        TriggerRule::OneDone => pick(&[(all_done && u.failed == 0 && u.success == 0, Skipped)]),
        TriggerRule::NoneFailed => pick(&[(u.any_failure(), UpstreamFailed)]),
        TriggerRule::NoneFailedMinOneSuccess => {
            pick(&[(u.any_failure(), UpstreamFailed), (u.skipped == u.total, Skipped), (all_done && u.success == 0, UpstreamFailed)])
        }
        TriggerRule::NoneSkipped => pick(&[(u.skipped > 0, Skipped)]),
        TriggerRule::AllSkipped => pick(&[(u.success > 0 || u.any_failure(), Skipped)]),
        TriggerRule::AllDoneMinOneSuccess => {
            let done = u.success + u.failed + u.upstream_failed + u.removed;
            pick(&[(u.skipped > 0, Skipped), (done >= u.total - u.skipped && u.success == 0, UpstreamFailed)])
        }
        TriggerRule::AllDoneSetupSuccess => {
            let over = all_done && u.total_setup > 0;
            pick(&[(over && u.skipped_setup >= u.total_setup, Skipped), (over && u.success_setup == 0, UpstreamFailed)])
        }
        TriggerRule::AllDone | TriggerRule::Always => None,
    }
}

fn satisfied(rule: TriggerRule, u: &Upstream) -> bool {
    match rule {
        TriggerRule::OneSuccess => u.success > 0,
        TriggerRule::OneFailed => u.any_failure(),
        TriggerRule::OneDone => u.success + u.failed > 0,
        TriggerRule::AllSuccess => u.total - u.success - u.removed <= 0,
        TriggerRule::AllFailed => u.total - u.failed - u.upstream_failed - u.removed <= 0,
        TriggerRule::AllDone => u.all_done(),
        TriggerRule::NoneFailed => u.total - u.success - u.skipped - u.removed <= 0,
        TriggerRule::NoneFailedMinOneSuccess => u.total - u.success - u.skipped - u.removed <= 0 && u.success > 0,
        TriggerRule::NoneSkipped => u.all_done() && u.skipped == 0,
        TriggerRule::AllSkipped => u.total - u.skipped <= 0,
        TriggerRule::AllDoneSetupSuccess => u.all_done() && !(u.total_setup > 0 && u.success_setup == 0),
        TriggerRule::AllDoneMinOneSuccess => {
            u.skipped == 0 && u.success + u.failed + u.upstream_failed >= u.total - u.skipped - u.removed && u.success > 0
        }
        TriggerRule::Always => true,
    }
}

/// What the rule asks for and does not find, in upstream's words. `tasks` is how many there are upstream.
pub(super) fn unmet(rule: TriggerRule, u: &Upstream, tasks: i64) -> Option<String> {
    if satisfied(rule, u) {
        return None;
    }
    let found = |what: &str, count: i64, which: &str| format!("requires {what}, but found {count} {which}");
    let undone = tasks - u.done;
    let no_success = u.total - u.success - u.skipped - u.removed;
    Some(match rule {
        TriggerRule::OneSuccess => "requires one upstream task success, but none were found".into(),
        TriggerRule::OneFailed => "requires one upstream task failure, but none were found".into(),
        TriggerRule::OneDone => "requires at least one upstream task failure or success but none were failed or success".into(),
        TriggerRule::AllSuccess => found("all upstream tasks to have succeeded", u.total - u.success - u.removed, "non-success(es)"),
        TriggerRule::AllFailed => {
            found("all upstream tasks to have failed", u.total - u.failed - u.upstream_failed - u.removed, "non-failure(s)")
        }
        TriggerRule::AllDone => found("all upstream tasks to have completed", undone, "task(s) that were not done"),
        TriggerRule::NoneFailedMinOneSuccess if no_success <= 0 => {
            "requires at least one upstream task success, but none were found".into()
        }
        TriggerRule::NoneFailed | TriggerRule::NoneFailedMinOneSuccess => {
            found("all upstream tasks to have succeeded or been skipped", no_success, "non-success(es)")
        }
        TriggerRule::NoneSkipped => found("all upstream tasks to not have been skipped", u.skipped, "task(s) skipped"),
        TriggerRule::AllSkipped => found("all upstream tasks to have been skipped", u.total - u.skipped, "task(s) in non skipped state"),
        TriggerRule::AllDoneSetupSuccess if !u.all_done() => {
            found("all upstream tasks to have completed", undone, "task(s) that were not done")
        }
        TriggerRule::AllDoneSetupSuccess => {
            found("at least one upstream setup task be successful", u.total_setup - u.success_setup, "task(s) that were not")
        }
        TriggerRule::AllDoneMinOneSuccess => min_one_success(u),
        TriggerRule::Always => return None,
    })
}

fn min_one_success(u: &Upstream) -> String {
    let what = "requires all non-skipped upstream tasks to have completed";
    let undone = u.total - u.skipped - u.removed - u.success - u.failed - u.upstream_failed;
    if u.skipped > 0 {
        format!("{what}, but found {} skipped task(s)", u.skipped)
    } else if undone > 0 {
        format!("{what}, but found {undone} task(s) that were not done")
    } else {
        format!("{what} and at least one upstream task has succeeded, but found {} successful task(s)", u.success)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use TaskState::{Failed, Removed, Skipped, Success, UpstreamFailed};
    use Verdict::{Become, Run, Wait};

    fn upstream(states: &[Option<TaskState>]) -> Upstream {
        let mut counted = Upstream::default();
        states.iter().for_each(|s| counted.add(*s, false));
        counted
    }

    /// Rule, then the verdicts for: all succeeded; one failed, one open; all failed; one skipped, one succeeded;
    /// all skipped; one succeeded, one open; one upstream_failed, one skipped.
    #[test]
    fn every_rule_over_every_kind_of_upstream() {
        let (ok, bad, skip, up) = (Some(Success), Some(Failed), Some(Skipped), Some(UpstreamFailed));
        let cases = [[ok, ok], [bad, None], [bad, bad], [skip, ok], [skip, skip], [ok, None], [up, skip]];
        let failed = Become(UpstreamFailed);
        let skipped = Become(Skipped);
        let table = [
            ("all_success", [Run, failed, failed, skipped, skipped, Wait, failed]),
            ("all_failed", [skipped, Wait, Run, skipped, skipped, skipped, skipped]),
            ("all_done", [Run, Wait, Run, Run, Run, Wait, Run]),
            ("one_success", [Run, Wait, failed, Run, skipped, Run, failed]),
            ("one_failed", [skipped, Run, Run, skipped, skipped, Wait, Run]),
            ("one_done", [Run, Run, Run, Run, skipped, Run, skipped]),
            ("none_failed", [Run, failed, failed, Run, Run, Wait, failed]),
            ("none_failed_min_one_success", [Run, failed, failed, Run, skipped, Wait, failed]),
            ("none_skipped", [Run, Wait, Run, skipped, skipped, Wait, skipped]),
            ("all_skipped", [skipped, skipped, skipped, skipped, Run, skipped, skipped]),
            ("always", [Run, Run, Run, Run, Run, Run, Run]),
            ("all_done_min_one_success", [Run, Wait, failed, skipped, skipped, Wait, skipped]),
            ("all_done_setup_success", [Run, Wait, Run, Run, Run, Wait, Run]),
        ];
        assert_eq!(table.len(), TriggerRule::WORDS.len());
        for (word, expected) in table {
            let rule = TriggerRule::WORDS.iter().find(|w| w.0 == word).unwrap().1;
            for (states, expected) in cases.iter().zip(expected) {
                assert_eq!(evaluate(rule, &upstream(states), -1), expected, "{word} over {states:?}");
            }
        }
    }

    #[test]
    fn setups_decide_for_teardowns() {
        let mut failed_setup = Upstream::default();
        failed_setup.add(Some(Failed), true);
        failed_setup.add(Some(Success), false);
        assert_eq!(evaluate(TriggerRule::AllDoneSetupSuccess, &failed_setup, -1), Become(UpstreamFailed));
        let mut good_setup = Upstream::default();
        good_setup.add(Some(Success), true);
        good_setup.add(Some(Failed), false);
        assert_eq!(evaluate(TriggerRule::AllDoneSetupSuccess, &good_setup, -1), Run);
    }

    #[test]
    fn a_mapped_instance_goes_with_its_removed_upstream() {
        let states = [Some(Success), Some(Removed)];
        assert_eq!(evaluate(TriggerRule::AllSuccess, &upstream(&states), 1), Become(Removed));
        assert_eq!(evaluate(TriggerRule::AllSuccess, &upstream(&states), 0), Run);
    }
}
