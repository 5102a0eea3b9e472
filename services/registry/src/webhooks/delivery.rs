//! The task that sends what is due, several at a time.

use super::sender::{Answer, Unsent};
use crate::Registry;
use crate::store::deliveries::{self as store, Claimed, DELIVERED, FAILED, Outcome, PENDING};
use artel_platform::Result;
use http::StatusCode;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// Deliveries under way at a time, and of them to one webhook: a receiver that hangs does not hold up the others.
const AT_A_TIME: usize = 16;
const TO_ONE: usize = 4;
/// What another process has noted is found after this long.
const SWEEP: Duration = Duration::from_secs(5);
/// Seconds beyond the receiver's time after which somebody else may try.
const LEASE_MARGIN: u64 = 15;
/// The longest pause between two attempts, in milliseconds.
const LONGEST_PAUSE: i64 = 3_600_000;
/// How often the log is shortened, in milliseconds.
const FORGET_EVERY: i64 = 3_600_000;
const DAY: i64 = 86_400_000;

/// What is under way, to which webhook.
#[derive(Default)]
struct UnderWay {
    tasks: JoinSet<String>,
    of: HashMap<String, usize>,
}

impl UnderWay {
    fn begin(&mut self, registry: &Arc<Registry>, claimed: Claimed, stop: &CancellationToken) {
        *self.of.entry(claimed.webhook_id.clone()).or_default() += 1;
        self.tasks.spawn(attempt(registry.clone(), claimed, stop.clone()));
    }

    fn ended(&mut self, webhook_id: &str) {
        if let Some(count) = self.of.get_mut(webhook_id) {
            *count -= 1;
            if *count == 0 {
                self.of.remove(webhook_id);
            }
        }
    }

    fn busy(&self) -> Vec<&str> {
        self.of.iter().filter(|(_, count)| **count >= TO_ONE).map(|(id, _)| id.as_str()).collect()
    }
}

/// Delivers until `stop`; then gives back what is under way.
pub(crate) async fn deliver(registry: Arc<Registry>, stop: CancellationToken) {
    let mut under_way = UnderWay::default();
    let mut forget_at = 0;
    while !stop.is_cancelled() {
        let now = registry.clock.now();
        if now >= forget_at {
            forget_at = now + FORGET_EVERY;
            let before = now - i64::from(registry.config.webhook_log_days) * DAY;
            if let Err(error) = store::forget(&registry.db, before).await {
                tracing::warn!(error = %error.chain(), "the log of webhook deliveries is not shortened");
            }
        }
        let pause = match fill(&registry, &mut under_way, &stop).await {
            Ok(pause) => pause,
            Err(error) => {
                tracing::warn!(error = %error.chain(), "webhooks wait, the database does not answer");
                Duration::from_millis(500)
            }
        };
        tokio::select! {
            () = stop.cancelled() => {}
            () = registry.wake.notified() => {}
            Some(ended) = under_way.tasks.join_next() => match ended {
                Ok(webhook_id) => under_way.ended(&webhook_id),
                Err(error) => {
                    tracing::error!(%error, "an attempt to deliver failed");
                    under_way.of.clear();
                }
            },
            () = tokio::time::sleep(pause) => {}
        }
    }
    while under_way.tasks.join_next().await.is_some() {}
}

/// Begins as many attempts as there is place for; how long to wait for more.
async fn fill(registry: &Arc<Registry>, under_way: &mut UnderWay, stop: &CancellationToken) -> Result<Duration> {
    loop {
        let free = AT_A_TIME.saturating_sub(under_way.tasks.len());
        if free == 0 {
            return Ok(SWEEP);
        }
        let now = registry.clock.now();
        let lease = now + ((registry.config.webhook_timeout_seconds + LEASE_MARGIN) * 1000) as i64;
        let claimed = store::claim(&registry.db, &under_way.busy(), now, lease, free, TO_ONE).await?;
        if claimed.is_empty() {
            break;
        }
        for one in claimed {
            under_way.begin(registry, one, stop);
        }
    }
    let due = store::next_due(&registry.db, &under_way.busy()).await?;
    let pause = due.map_or(SWEEP, |due| Duration::from_millis((due - registry.clock.now()).max(10) as u64));
    Ok(pause.min(SWEEP))
}

/// One attempt; answers whose it was.
async fn attempt(registry: Arc<Registry>, claimed: Claimed, stop: CancellationToken) -> String {
    let Claimed { delivery_id, webhook_id, body, attempt } = claimed;
    let noted = tokio::select! {
        biased;
        outcome = registry.try_once(&webhook_id, &delivery_id, body, attempt) => match outcome {
            Some(outcome) => store::finish(&registry.db, &delivery_id, attempt, outcome).await,
            None => Ok(()),
        },
        () = stop.cancelled() => store::release(&registry.db, &delivery_id, attempt, registry.clock.now()).await,
    };
    if let Err(error) = noted {
        tracing::warn!(webhook = %webhook_id, delivery = %delivery_id, error = %error.chain(), "how a delivery went is not noted; it will be sent again");
    }
    webhook_id
}

impl Registry {
    /// Sends once; `None` when the webhook is gone.
    async fn try_once(&self, webhook_id: &str, delivery_id: &str, body: String, attempt: i64) -> Option<Outcome> {
        let letter = match self.letter(webhook_id, delivery_id.into(), body).await {
            Ok(letter) => letter?,
            Err(error) => return Some(self.later(attempt, None, error.message, None)),
        };
        Some(match self.sender.send(&letter, self.clock.now()).await {
            Ok(answer) => self.judge(attempt, &answer),
            Err(Unsent::Unreachable(why)) => self.later(attempt, None, why, None),
            Err(Unsent::Refused(why)) => failed(None, why),
        })
    }

    fn judge(&self, attempt: i64, answer: &Answer) -> Outcome {
        let status = Some(i64::from(answer.status.as_u16()));
        if answer.status.is_success() {
            return Outcome { status: DELIVERED, next_attempt_time: None, response_status: status, error: None };
        }
        let said = format!("the receiver answers {}", answer.status);
        if answer.status == StatusCode::TOO_MANY_REQUESTS || answer.status.is_server_error() {
            return self.later(attempt, status, said, answer.retry_after);
        }
        let hint = if answer.status.is_redirection() { "; webhooks do not follow, give the final URL" } else { "" };
        failed(status, format!("{said}{hint}"))
    }

    /// Tried again, later each time, unless this was the last attempt.
    fn later(&self, attempt: i64, response_status: Option<i64>, error: String, retry_after: Option<i64>) -> Outcome {
        if attempt >= i64::from(self.config.webhook_attempts) {
            return failed(response_status, error);
        }
        let first = (self.config.webhook_retry_seconds * 1000.0) as i64;
        let doubled = first.saturating_mul(1 << (attempt - 1).clamp(0, 30));
        // up to a quarter more, so that what failed together does not come back together
        let spread = (self.ids.uuid().as_u128() % 256) as i64;
        let pause = doubled.min(LONGEST_PAUSE) + doubled.min(LONGEST_PAUSE) / 4 * spread / 256;
        let asked = retry_after.unwrap_or_default().clamp(0, LONGEST_PAUSE / 1000) * 1000;
        let next = self.clock.now() + pause.max(asked);
        Outcome { status: PENDING, next_attempt_time: Some(next), response_status, error: Some(error) }
    }
}

fn failed(response_status: Option<i64>, error: String) -> Outcome {
    Outcome { status: FAILED, next_attempt_time: None, response_status, error: Some(error) }
}
