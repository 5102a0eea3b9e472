//! One worker: a model's Python process, started again when it dies.

use super::deployment::{Health, Job, Jobs, Plan};
use super::protocol;
use artel_platform::python::{Launch, NO_TELEMETRY, SideProcess};
use artel_platform::{Error, Result};
use serde_json::Value;
use std::time::Duration;
use tokio::sync::{oneshot, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// What a worker's process gets between being asked to end and being killed.
const GRACE: Duration = Duration::from_secs(2);
/// Waits before a dead worker is started again: at once, then longer and longer.
const BACKOFF: &[Duration] = &[
    Duration::ZERO,
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(5),
    Duration::from_secs(15),
    Duration::from_secs(30),
];
/// A worker that lived this long may be started again at once.
const STABLE: Duration = Duration::from_secs(60);

pub(super) struct Worker {
    pub(super) number: usize,
    pub(super) plan: Plan,
    pub(super) jobs: Jobs,
    pub(super) health: watch::Sender<Health>,
    pub(super) kill: CancellationToken,
}

/// Why a worker's process no longer serves.
enum Over {
    /// The queue is closed and empty.
    Drained,
    /// It was told to end now.
    Killed,
    /// It died, or had to.
    Died(Error),
}

/// Runs until the deployment is let go or killed. `started` gets the outcome of the first start; when that fails,
/// this is the end.
pub(super) async fn run(worker: Worker, started: oneshot::Sender<Result<Value>>) {
    let mut process = match worker.start().await {
        Ok((process, about)) => {
            worker.health.send_modify(|health| health.up += 1);
            if started.send(Ok(about)).is_err() {
                return process.end(GRACE).await;
            }
            process
        }
        Err(error) => {
            let _ = started.send(Err(error));
            return;
        }
    };
    loop {
        let since = Instant::now();
        let over = worker.serve(&mut process).await;
        worker.health.send_modify(|health| health.up -= 1);
        process.end(GRACE).await;
        let Over::Died(error) = over else { return };
        tracing::warn!(model = %worker.plan.name, worker = worker.number, error = %error.chain(), "model worker ended and is started again");
        worker.health.send_modify(|health| health.trouble = Some(error.message));
        process = match worker.start_again(since.elapsed() >= STABLE).await {
            Some(process) => process,
            None => return,
        };
    }
}

impl Worker {
    async fn start(&self) -> Result<(SideProcess, Value)> {
        let launch = Launch {
            name: format!("model worker {} of {}", self.number, self.plan.name),
            module: "model_worker",
            args: vec!["--model".into(), self.plan.model.clone().into()],
            env: vec![(NO_TELEMETRY.0.into(), NO_TELEMETRY.1.into())],
        };
        let mut process = SideProcess::spawn(&self.plan.python, &self.plan.environment, launch)?;
        let ready = tokio::select! {
            ready = process.ready(self.plan.settings.start_timeout()) => ready,
            () = self.kill.cancelled() => Err(Error::unavailable("the model worker was told to end while it started")),
        };
        match ready {
            Ok(about) => Ok((process, about)),
            Err(error) => {
                process.end(GRACE).await;
                Err(error)
            }
        }
    }

    /// Tries until it succeeds; `None` when nobody needs it any more.
    async fn start_again(&self, was_stable: bool) -> Option<SideProcess> {
        let mut attempt = usize::from(!was_stable);
        loop {
            tokio::select! {
                () = tokio::time::sleep(BACKOFF[attempt.min(BACKOFF.len() - 1)]) => {}
                () = self.kill.cancelled() => return None,
            }
            if self.jobs.try_lock().is_ok_and(|jobs| jobs.is_closed() && jobs.is_empty()) {
                return None;
            }
            match self.start().await {
                Ok((process, _)) => {
                    self.health.send_modify(|health| *health = Health { up: health.up + 1, trouble: None, hopeless: false });
                    return Some(process);
                }
                Err(error) => {
                    tracing::warn!(model = %self.plan.name, worker = self.number, error = %error.chain(), "model worker cannot be started again");
                    self.health.send_modify(|health| {
                        health.trouble = Some(error.message);
                        health.hopeless = true;
                    });
                }
            }
            attempt += 1;
        }
    }

    async fn serve(&self, process: &mut SideProcess) -> Over {
        let mut id = 0;
        loop {
            let job = tokio::select! {
                biased;
                () = self.kill.cancelled() => return Over::Killed,
                unasked = process.recv() => return Over::Died(unasked.err().unwrap_or_else(|| Error::internal("the model worker spoke unasked"))),
                job = next(&self.jobs) => job,
            };
            let Some(job) = job else { return Over::Drained };
            if job.reply.is_closed() {
                continue; // whoever asked has given up waiting
            }
            id += 1;
            let answered = tokio::select! {
                () = self.kill.cancelled() => return Over::Killed,
                answered = tokio::time::timeout(self.plan.settings.timeout(), answer(process, id, &job)) => answered,
            };
            let error = match answered {
                Ok(Ok(answer)) => {
                    let _ = job.reply.send(Ok(answer));
                    continue;
                }
                Ok(Err(error)) => error,
                // it cannot be interrupted, and whoever asked is told the same by the queue's own limit
                Err(_) => {
                    Error::timeout(format!("a request to {} took longer than {} s", self.plan.name, self.plan.settings.timeout_seconds))
                }
            };
            let _ = job.reply.send(Err(Error::new(error.code, format!("the model's process ended over this request: {}", error.message))));
            return Over::Died(error);
        }
    }
}

async fn next(jobs: &Jobs) -> Option<Job> {
    jobs.lock().await.recv().await
}

async fn answer(process: &mut SideProcess, id: u64, job: &Job) -> Result<protocol::Answer> {
    process.send(protocol::frame(id, &job.question)?).await?;
    let (answered, answer) = protocol::parse(&process.recv().await?)?;
    if answered != id {
        return Err(Error::internal(format!("the model worker answered {answered} when {id} was asked")));
    }
    Ok(answer)
}
