//! When a task instance is tried again (airflow/models/taskinstance.py `next_retry_datetime`).

use crate::dag::Task;
use crate::times;
use aws_lc_rs::digest;
use chrono::TimeDelta;

/// Upstream's `MAX_RETRY_DELAY`: a day.
const MAX_RETRY_DELAY: u64 = 24 * 60 * 60;

/// What names the try that has ended.
#[derive(Debug, Clone, Copy)]
pub struct EndedTry<'a> {
    /// Its DAG.
    pub dag_id: &'a str,
    /// The run's logical date.
    pub logical_date: Option<i64>,
    /// Its number, from 1.
    pub number: i64,
    /// When it ended.
    pub end_date: i64,
    /// A delay in seconds that the task's own retry policy asked for.
    pub override_seconds: Option<f64>,
}

/// When the next try may start, in milliseconds.
pub fn due_at(task: &Task, ended: &EndedTry<'_>) -> i64 {
    if let Some(seconds) = ended.override_seconds {
        return ended.end_date + (seconds * 1000.0) as i64;
    }
    let factor = task.retry_exponential_backoff;
    if factor <= 0.0 || factor == 1.0 {
        return ended.end_date + task.retry_delay.num_milliseconds();
    }
    let seconds = task.retry_delay.num_milliseconds() as f64 / 1000.0;
    let base = (seconds * factor.powf((ended.number - 1) as f64)).ceil();
    // beyond what a day holds every delay is a day
    let base = if base.is_finite() { base.clamp(1.0, 1e15) as u64 } else { MAX_RETRY_DELAY };
    let delay = TimeDelta::seconds((base + jitter(task, ended, base)).min(MAX_RETRY_DELAY) as i64);
    let delay = task.max_retry_delay.map_or(delay, |longest| longest.min(delay));
    ended.end_date + delay.num_milliseconds()
}

/// The same for the same try: a SHA-1 of its names, modulo the delay.
fn jitter(task: &Task, ended: &EndedTry<'_>, modulus: u64) -> u64 {
    let date = ended.logical_date.map_or("None".into(), |at| times::python_str(times::at(at)));
    let name = format!("{}#{}#{}#{}", ended.dag_id, task.task_id, date, ended.number);
    let hash = digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, name.as_bytes());
    let modulus = u128::from(modulus.max(1));
    hash.as_ref().iter().fold(0u128, |rest, byte| (rest * 256 + u128::from(*byte)) % modulus) as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dag::tests::ordinary;

    fn ended(number: i64) -> EndedTry<'static> {
        EndedTry { dag_id: "d", logical_date: Some(1_767_225_600_000), number, end_date: 0, override_seconds: None }
    }

    #[test]
    fn the_delay_is_the_tasks() {
        let dag = ordinary();
        let flaky = dag.task("flaky").unwrap();
        assert_eq!(due_at(flaky, &ended(1)), 3000);
        assert_eq!(due_at(flaky, &EndedTry { override_seconds: Some(0.5), ..ended(1) }), 500);
    }

    /// Recorded from Airflow 3.3.2's `next_retry_datetime` for dag "d", task "flaky", 2026-01-01.
    #[test]
    fn backoff_is_airflows_to_the_second() {
        let mut task = ordinary().task("flaky").unwrap().clone();
        task.retry_delay = TimeDelta::seconds(10);
        for (factor, number, expected) in RECORDED {
            task.retry_exponential_backoff = *factor;
            assert_eq!(due_at(&task, &ended(*number)), expected * 1000, "factor {factor}, try {number}");
        }
        task.max_retry_delay = Some(TimeDelta::seconds(25));
        assert_eq!(due_at(&task, &ended(9)), 25_000);
    }

    const RECORDED: &[(f64, i64, i64)] = include!("../../tests/recorded/retry_delays.in");
}
