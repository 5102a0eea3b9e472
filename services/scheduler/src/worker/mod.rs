//! The worker: takes task instances from a scheduler, runs each in a process forked from a warm Airflow, and
//! supervises it. Any number of workers, on any host, serve one scheduler; each task is held by a lease that the
//! worker prolongs, so a worker that dies loses its tasks to their retry rule.

mod bundles;
mod conversation;
mod descriptors;
pub(crate) mod execution_api;
mod log;
mod mask;
pub(crate) mod messages;
mod reporter;
mod supervisor;
mod wire;
mod zygote;

use crate::config::Settings;
use artel_platform::{Context, Result};
use artel_proto::artel::scheduler::v1 as proto;
use reporter::Reporter;
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio_util::task::TaskTracker;
use zygote::Zygotes;

/// How long one claim waits for work.
const CLAIM_WAIT: Duration = Duration::from_secs(20);
/// Longest pause between attempts to reach the scheduler.
const MAX_PAUSE: Duration = Duration::from_secs(5);
/// How long running tasks get to end when the worker is told to stop.
const DRAIN: Duration = Duration::from_secs(8);
/// How long the last report may take then.
const LAST_REPORT: Duration = Duration::from_secs(3);

/// Room for one task.
type Slot = OwnedSemaphorePermit;

/// What a worker takes.
pub struct Options {
    /// Names of queues.
    pub queues: Vec<String>,
    /// Tasks at a time; 0 means twice the number of cores.
    pub slots: usize,
}

/// A running worker, shared by its tasks.
struct Worker {
    id: String,
    cx: Context,
    zygotes: Zygotes,
    /// What each task may take.
    limits: HashMap<&'static str, u64>,
    bundles: bundles::Fetched,
    reporter: Reporter,
    queues: Vec<String>,
    tasks: TaskTracker,
    /// For tasks that have ended and whose processes have not: their slots are taken already, by as many as there are slots.
    leaving: Arc<Semaphore>,
    /// Task instances that run here, each with the way to tell its supervisor to kill it.
    running: Mutex<HashMap<String, mpsc::Sender<()>>>,
}

/// The worker inside `artel serve`, in the shape where everything is one process. Ends with the process.
pub async fn run_inside(cx: Context) {
    let options = Options { queues: vec!["default".into()], slots: 0 };
    if let Err(error) = run(cx, options).await {
        tracing::error!(error = %error.chain(), "the worker ended");
    }
}

/// Works until `cx.stop`, then lets running tasks end for some seconds, kills the rest and tells the scheduler.
pub async fn run(cx: Context, options: Options) -> Result<()> {
    let slots = if options.slots == 0 { 2 * std::thread::available_parallelism().map_or(2, usize::from) } else { options.slots };
    let hostname = rustix::system::uname().nodename().to_string_lossy().into_owned();
    let limits = cx.config.section::<Settings>("scheduler")?.task_limits();
    let id = format!("{hostname}-{}", cx.ids.hex32());
    let (zygotes, bundles) = (Zygotes::new(&cx), bundles::Fetched::new(&cx));
    let reporter = Reporter::start(&cx, &id);
    let worker = Arc::new(Worker {
        id,
        zygotes,
        bundles,
        reporter,
        cx,
        limits,
        queues: options.queues,
        tasks: TaskTracker::new(),
        leaving: Arc::new(Semaphore::new(slots)),
        running: Mutex::default(),
    });
    let stop = worker.cx.stop.clone();
    let Some(lease) = worker.register(&hostname, slots).await else { return Ok(()) };
    tracing::info!(worker = %worker.id, slots, queues = worker.queues.join(","), "worker ready");
    let heart = tokio::spawn(worker.clone().heartbeat(lease));
    tokio::select! {
        () = stop.cancelled() => {}
        () = worker.claim(slots) => {}
    }
    worker.tasks.close();
    worker.kill_all();
    if tokio::time::timeout(DRAIN, worker.tasks.wait()).await.is_err() {
        tracing::warn!("some tasks did not end in time and are cut off; their leases run out");
    }
    if tokio::time::timeout(LAST_REPORT, worker.reporter.end()).await.is_err() {
        tracing::warn!("the scheduler does not answer: the last lines of some logs are lost");
    }
    heart.abort();
    worker.zygotes.end().await;
    Ok(())
}

impl Worker {
    /// Makes itself known; returns how long a lease lasts, `None` when stopped before that.
    async fn register(&self, hostname: &str, slots: usize) -> Option<Duration> {
        let mut pause = Duration::from_millis(100);
        loop {
            let request = proto::RegisterWorkerRequest {
                worker_id: self.id.clone(),
                hostname: hostname.into(),
                queues: self.queues.clone(),
                slots: slots as i32,
            };
            match self.cx.peers.scheduler().register_worker(request).await {
                Ok(answer) => return Some(Duration::from_millis(answer.into_inner().lease_ms.max(1000) as u64)),
                Err(error) => tracing::warn!(%error, "the scheduler does not answer yet"),
            }
            tokio::select! {
                () = self.cx.stop.cancelled() => return None,
                () = tokio::time::sleep(pause) => pause = (pause * 2).min(MAX_PAUSE),
            }
        }
    }

    /// Takes work for every free slot, for ever.
    async fn claim(self: &Arc<Self>, slots: usize) {
        let free = Arc::new(Semaphore::new(slots));
        let mut pause = Duration::from_millis(100);
        loop {
            let Ok(first) = free.clone().acquire_owned().await else { return };
            let mut permits = vec![first];
            while let Ok(more) = free.clone().try_acquire_owned() {
                permits.push(more);
            }
            let request = proto::ClaimTasksRequest {
                worker_id: self.id.clone(),
                queues: self.queues.clone(),
                slots: permits.len() as i32,
                wait_ms: CLAIM_WAIT.as_millis() as i64,
            };
            match self.cx.peers.scheduler().claim_tasks(request).await {
                Ok(answer) => {
                    pause = Duration::from_millis(100);
                    for (workload, slot) in answer.into_inner().workloads.into_iter().zip(permits) {
                        self.start(workload, slot);
                    }
                }
                Err(error) => {
                    tracing::warn!(%error, "no work from the scheduler");
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(MAX_PAUSE);
                }
            }
        }
    }

    fn start(self: &Arc<Self>, workload: proto::Workload, slot: Slot) {
        self.tasks.spawn(supervisor::run(self.clone(), workload, slot));
    }

    /// Prolongs the leases of what runs here, and kills what the scheduler says.
    async fn heartbeat(self: Arc<Self>, lease: Duration) {
        loop {
            tokio::time::sleep(lease / 3).await;
            let ti_ids: Vec<String> = self.running.lock().expect("not poisoned").keys().cloned().collect();
            let request = proto::HeartbeatRequest { worker_id: self.id.clone(), ti_ids };
            match self.cx.peers.scheduler().heartbeat(request).await {
                Ok(answer) => {
                    let running = self.running.lock().expect("not poisoned");
                    for kill in answer.into_inner().kill_ti_ids.iter().filter_map(|id| running.get(id)) {
                        let _ = kill.try_send(());
                    }
                }
                Err(error) => tracing::warn!(%error, "heartbeat not taken; leases run on"),
            }
        }
    }

    fn kill_all(&self) {
        for kill in self.running.lock().expect("not poisoned").values() {
            let _ = kill.try_send(());
        }
    }
}
