//! One model version in memory: a bounded queue and the workers that take from it.

use super::protocol::{Answer, Question};
use super::worker::{self, Worker};
use crate::config::Settings;
use artel_platform::python::{Environment, Environments};
use artel_platform::{Code, Error, Result};
use futures::future::join_all;
use serde_json::Value;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Mutex, mpsc, oneshot, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// What to bring up.
#[derive(Clone)]
pub struct Plan {
    /// Name for people, e.g. `wine version 2`.
    pub name: String,
    /// The folder with the MLmodel file.
    pub model: PathBuf,
    /// What it runs in.
    pub environment: Environment,
    /// The Python side.
    pub python: Environments,
    /// Limits.
    pub settings: Settings,
}

/// How the workers of a deployment are.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Health {
    /// How many can answer.
    pub up: usize,
    /// Why one ended, or could not be started again.
    pub trouble: Option<String>,
    /// Every attempt to start one again failed so far: waiting is no use.
    pub hopeless: bool,
}

/// A model that answers. While somebody holds it, its workers go on; when the last holder lets go, they answer what is
/// queued and end.
pub struct Deployment {
    name: String,
    queue: mpsc::Sender<Job>,
    health: watch::Receiver<Health>,
    about: Value,
    timeout: Duration,
    end: End,
}

/// Waits for, or forces, the end of a deployment's workers.
#[derive(Clone)]
pub struct End {
    workers: TaskTracker,
    kill: CancellationToken,
}

/// A question on its way to a worker.
pub(super) struct Job {
    pub(super) question: Question,
    pub(super) reply: oneshot::Sender<Result<Answer>>,
}

/// Where workers take from, each when it is free.
pub(super) type Jobs = Arc<Mutex<mpsc::Receiver<Job>>>;

impl Deployment {
    /// Starts the workers and waits until all of them can answer. Fails with what the model's process says when it
    /// cannot; then none is left running. Dropping the future ends them too.
    pub async fn start(plan: Plan) -> Result<Self> {
        let (queue, jobs) = mpsc::channel(plan.settings.queue.max(1));
        let jobs: Jobs = Arc::new(Mutex::new(jobs));
        let (health, watched) = watch::channel(Health::default());
        let end = End { workers: TaskTracker::new(), kill: CancellationToken::new() };
        let unfinished = end.kill.clone().drop_guard();
        let mut starts = Vec::new();
        for number in 1..=plan.settings.workers.max(1) {
            let (started, start) = oneshot::channel();
            let worker = Worker { number, plan: plan.clone(), jobs: jobs.clone(), health: health.clone(), kill: end.kill.clone() };
            end.workers.spawn(worker::run(worker, started));
            starts.push(start);
        }
        end.workers.close();
        let mut about = Value::Null;
        for start in join_all(starts).await {
            match start.map_err(|_| Error::internal("a model worker's task ended early"))? {
                Ok(told) => about = told,
                Err(error) => {
                    end.kill.cancel();
                    end.workers.wait().await;
                    // its process ended while it loaded: nothing is away, trying again at once is no use
                    let code = if error.code == Code::Unavailable { Code::FailedPrecondition } else { error.code };
                    return Err(Error::new(code, format!("the model of {} cannot be loaded: {}", plan.name, error.message)).because(error));
                }
            }
        }
        unfinished.disarm();
        let timeout = plan.settings.timeout();
        Ok(Self { name: plan.name, queue, health: watched, about, timeout, end })
    }

    /// Asks the model. `RESOURCE_EXHAUSTED` when too many wait, `UNAVAILABLE` when the worker died over it or none can
    /// be started, `DEADLINE_EXCEEDED` after the time limit. The model's own errors are answers.
    pub async fn ask(&self, question: Question) -> Result<Answer> {
        {
            let health = self.health.borrow();
            if health.up == 0 && health.hopeless {
                return Err(Error::unavailable(format!(
                    "no worker of {} can be started: {}",
                    self.name,
                    health.trouble.as_deref().unwrap_or_default()
                )));
            }
        }
        let (reply, answer) = oneshot::channel();
        self.queue.try_send(Job { question, reply }).map_err(|_| {
            Error::exhausted(format!(
                "{} requests wait for {} already; try again, or raise serving.workers",
                self.queue.max_capacity(),
                self.name
            ))
        })?;
        match tokio::time::timeout(self.timeout, answer).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) => Err(Error::unavailable(format!("{} is stopping", self.name))),
            Err(_) => Err(Error::timeout(format!("{} did not answer within {} s", self.name, self.timeout.as_secs()))),
        }
    }

    /// How many requests wait for a worker.
    pub fn waiting(&self) -> usize {
        self.queue.max_capacity() - self.queue.capacity()
    }

    /// What the model's process told of the model: signature, flavors, versions.
    pub fn about(&self) -> &Value {
        &self.about
    }

    /// How its workers are; changes as they do.
    pub fn health(&self) -> watch::Receiver<Health> {
        self.health.clone()
    }

    /// To wait for its end after letting go of it.
    pub fn end(&self) -> End {
        self.end.clone()
    }
}

impl End {
    /// Returns when every worker has ended; after `limit` they are made to.
    pub async fn within(self, limit: Duration) {
        if tokio::time::timeout(limit, self.workers.wait()).await.is_err() {
            self.kill.cancel();
            self.workers.wait().await;
        }
    }
}
