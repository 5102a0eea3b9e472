//! The process that runs triggers (python/artel_side/trigger_host.py): started on first need, started anew when it has
//! died, and given everything again that this scheduler holds.

use crate::Scheduler;
use crate::assets::watchers::WATCHER;
use crate::deferral::Outcome;
use crate::logs::Place;
use crate::states::TaskState;
use crate::store::triggers::{self, Trigger};
use crate::store::{instances, parked, runs, versions, watchers};
use artel_platform::python::{FrameSender, Launch, Requirements, SideProcess};
use artel_platform::{Error, Result};
use serde_json::{Map, Value, json};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// How long importing Airflow may take on a slow machine.
const START: Duration = Duration::from_secs(120);
/// Longest pause before the process is started again.
const MAX_PAUSE: Duration = Duration::from_secs(30);
const MIN_PAUSE: Duration = Duration::from_millis(200);
/// How long a watcher that failed is left alone.
const REST: Duration = Duration::from_secs(10);
/// How often it is looked whether what runs is still waited for, and whether there is more.
const SYNC: Duration = Duration::from_secs(1);

struct Host {
    scheduler: Arc<Scheduler>,
    /// Under which name leases are held.
    id: String,
    /// Triggers that the process was given.
    given: HashMap<String, Given>,
    /// When leases were prolonged last.
    prolonged: i64,
}

/// What is to be known of a trigger that the process was given.
#[derive(Default)]
struct Given {
    /// Its task waits until then, in milliseconds.
    timeout: Option<i64>,
    /// It watches assets: it tells of news any number of times, and is started again when it has ended.
    watches: bool,
    /// It failed, and is not started again before that.
    rests_until: Option<Instant>,
}

impl Scheduler {
    /// Starts what runs triggers.
    pub(crate) fn start_trigger_host(self: &Arc<Self>) {
        let host = Host { scheduler: self.clone(), id: self.cx.ids.hex32(), given: HashMap::new(), prolonged: i64::MIN };
        self.cx.spawn("trigger host", host.keep());
    }
}

impl Host {
    /// Keeps a process running while there is something to run, until the service stops.
    async fn keep(mut self) {
        let stop = self.scheduler.cx.stop.clone();
        let mut pause = MIN_PAUSE;
        loop {
            let started = Instant::now();
            let served = tokio::select! {
                () = stop.cancelled() => break,
                served = self.serve() => served,
            };
            if let Err(error) = served {
                tracing::warn!(error = %error.chain(), "the trigger host has to be started again");
            }
            if started.elapsed() > MAX_PAUSE {
                pause = MIN_PAUSE;
            }
            tokio::select! {
                () = stop.cancelled() => break,
                () = tokio::time::sleep(pause) => pause = (pause * 2).min(MAX_PAUSE),
            }
        }
        if let Err(error) = triggers::release(&self.scheduler.db, &self.id).await {
            tracing::debug!(error = %error.chain(), "triggers were not given back; their leases run out");
        }
    }

    /// Waits for the first trigger, starts a process and serves it until it dies.
    async fn serve(&mut self) -> Result<()> {
        self.until_needed().await;
        let cx = &self.scheduler.cx;
        let environment = cx.python.ensure("airflow", &Requirements::Set("airflow")).await?;
        let mut process = SideProcess::spawn(&cx.python, &environment, self.launch(&environment.folder)?)?;
        let hello = process.ready(START).await?;
        tracing::info!(seconds = hello["seconds"].as_f64(), "trigger host ready");
        self.given.clear();
        let mut next = Instant::now();
        loop {
            let scheduler = self.scheduler.clone();
            let due = tokio::select! {
                frame = process.recv() => {
                    self.hear(&process.sender(), &serde_json::from_slice(&frame?)?).await;
                    false
                }
                () = scheduler.triggers.notified() => true,
                () = tokio::time::sleep_until(next) => true,
            };
            if due {
                next = Instant::now() + SYNC;
                if let Err(error) = self.sync(&process.sender()).await {
                    tracing::warn!(error = %error.chain(), "triggers could not be looked after");
                }
            }
        }
    }

    async fn until_needed(&self) {
        let s = &self.scheduler;
        while !matches!(triggers::any_free(&s.db, s.cx.clock.now()).await, Ok(true)) {
            tokio::select! {
                () = s.triggers.notified() => {}
                () = tokio::time::sleep(s.settings.reconcile()) => {}
            }
        }
    }

    fn launch(&self, environment: &std::path::Path) -> Result<Launch> {
        let folders = self.scheduler.bundles.all().iter().filter_map(|bundle| bundle.current());
        let args = folders.flat_map(|files| ["--path".into(), files.path.into()]).collect();
        Ok(Launch { name: "trigger host".into(), module: "trigger_host", args, env: self.scheduler.airflow_environment(environment)? })
    }

    /// Takes more, hands it over, and stops what nobody waits for any more.
    async fn sync(&mut self, process: &FrameSender) -> Result<()> {
        let s = &self.scheduler;
        let now = s.cx.clock.now();
        let lease = s.settings.lease().as_millis() as i64;
        if now.saturating_sub(self.prolonged) >= lease / 3 || triggers::any_free(&s.db, now).await? {
            let mut tx = s.db.begin().await?;
            triggers::hold(&mut tx, &self.id, s.settings.trigger_capacity, now, now + lease).await?;
            tx.commit().await?;
            self.prolonged = now;
        }
        self.given.retain(|_, given| given.rests_until.is_none_or(|until| until > Instant::now()));
        let held = triggers::held(&s.db, &self.id).await?;
        let gone: Vec<String> = self.given.keys().filter(|id| !held.iter().any(|t| t.id == **id)).cloned().collect();
        for id in &gone {
            let given = self.given.remove(id).unwrap_or_default();
            let kill = !given.watches && given.timeout.is_none_or(|at| at > now);
            process.send(json!({"op": "cancel", "id": id, "kill": kill}).to_string()).await?;
        }
        triggers::stopped(&s.db, &gone).await?;
        for trigger in held.iter().filter(|t| !self.given.contains_key(&t.id)).collect::<Vec<_>>() {
            match order(s, trigger).await {
                Ok((message, given)) => {
                    process.send(message.to_string()).await?;
                    self.given.insert(trigger.id.clone(), given);
                }
                Err(error) if trigger.ti_id.starts_with(WATCHER) => {
                    tracing::warn!(trigger = trigger.classpath, error = %error.chain(), "a watcher cannot be started yet");
                }
                Err(error) => self.done(&trigger.id, Outcome::failed(Some(&error.message), None)).await,
            }
        }
        Ok(())
    }

    async fn hear(&mut self, process: &FrameSender, message: &Value) {
        let id = message["id"].as_str().unwrap_or_default();
        if message.get("ask").is_some() {
            let (scheduler, process, message) = (self.scheduler.clone(), process.clone(), message.clone());
            tokio::spawn(async move {
                let (body, error) = scheduler.answer_trigger(&message).await;
                // a process that has died asks again when it is back
                let _ = process.send(json!({"answer": message["ask"], "body": body, "error": error}).to_string()).await;
            });
            return;
        }
        if self.given.get(id).is_some_and(|given| given.watches) {
            return self.hear_watcher(process, id, message).await;
        }
        let outcome = match message["event"].as_str().unwrap_or_default() {
            "fired" => Outcome::Event(message["payload"].clone()),
            "ended" => match TaskState::parse(message["state"].as_str().unwrap_or_default()) {
                Ok(state) => Outcome::End(state, message["xcoms"].as_object().cloned().unwrap_or_default()),
                Err(error) => Outcome::failed(Some(&error.message), None),
            },
            "failed" => Outcome::failed(message["error"].as_str(), serde_json::from_value(message["traceback"].clone()).unwrap_or(None)),
            "log" => return self.log(id, message["line"].as_str().unwrap_or_default()).await,
            _ => return,
        };
        self.given.remove(id);
        self.done(id, outcome).await;
    }

    /// A watcher tells of news, or has to be started again.
    async fn hear_watcher(&mut self, process: &FrameSender, id: &str, message: &Value) {
        match message["event"].as_str().unwrap_or_default() {
            "news" => {
                let mut pause = MIN_PAUSE;
                while let Err(error) = self.scheduler.watcher_fired(id, &message["payload"]).await {
                    tracing::warn!(trigger = id, error = %error.chain(), "a watcher's news could not be stored yet");
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(MAX_PAUSE);
                }
                if message["sequence"].is_number() {
                    // what it read from may forget it now; a process that has died reads it again
                    let _ = process.send(json!({"op": "stored", "id": id, "sequence": message["sequence"]}).to_string()).await;
                }
            }
            // upstream's triggerer starts it again too, as long as somebody waits for the asset
            "finished" => drop(self.given.remove(id)),
            "failed" => {
                let why = message["traceback"].as_array().and_then(|lines| lines.last()).and_then(Value::as_str).unwrap_or("it failed");
                tracing::warn!(trigger = id, error = why.trim(), "a watcher failed; it is started again soon");
                if let Some(given) = self.given.get_mut(id) {
                    given.rests_until = Some(Instant::now() + REST);
                }
            }
            _ => {}
        }
    }

    /// Tells what became of a trigger, for as long as it takes the database to come back.
    async fn done(&self, id: &str, outcome: Outcome) {
        let mut pause = MIN_PAUSE;
        while let Err(error) = self.scheduler.trigger_done(id, outcome.clone()).await {
            tracing::warn!(trigger = id, error = %error.chain(), "a trigger's outcome could not be stored yet");
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(MAX_PAUSE);
        }
    }

    async fn log(&self, id: &str, line: &str) {
        if let Err(error) = self.scheduler.log_of_trigger(id, line).await {
            tracing::debug!(trigger = id, error = %error.chain(), "a line of a trigger is lost");
        }
    }
}

/// What the process is told in order to run a trigger.
async fn order(s: &Scheduler, trigger: &Trigger) -> Result<(Value, Given)> {
    if trigger.ti_id.starts_with(WATCHER) {
        return watch(s, trigger).await;
    }
    let mut tx = s.db.begin().await?;
    let timeout = parked::timeout(&mut tx, &trigger.ti_id).await?;
    drop(tx);
    let gone = || Error::not_found(format!("task instance {} is gone", trigger.ti_id));
    let instance = instances::get(&s.db, &trigger.ti_id).await?.ok_or_else(gone)?;
    let mut message = json!({
        "op": "run",
        "id": trigger.id,
        "classpath": trigger.classpath,
        "kwargs": s.trigger_kwargs(trigger)?,
        "ti": crate::claims::task_instance(&instance),
        "path": s.files_of(&instance).await?.display().to_string(),
    });
    if trigger.from_dag {
        let run = runs::get(&s.db, &instance.dag_id, &instance.run_id).await?.ok_or_else(gone)?;
        let dag = versions::serialized(&s.db, &instance.dag_version_id).await?.ok_or_else(gone)?;
        message["dag"] = serde_json::from_str(&dag)?;
        message["dag_run"] = crate::execution::dag_run(&run)?;
    }
    Ok((message, Given { timeout, ..Given::default() }))
}

/// The same of one that watches assets, with the newest files of a DAG that waits for them.
async fn watch(s: &Scheduler, trigger: &Trigger) -> Result<(Value, Given)> {
    let mut tx = s.db.begin().await?;
    let assets: Map<String, Value> =
        watchers::watched(&mut tx, &trigger.id).await?.into_iter().map(|asset| (asset.name, asset.uri.into())).collect();
    let bundle = watchers::bundle(&mut tx, &trigger.id).await?;
    drop(tx);
    let path = s.checkout(bundle.as_deref().unwrap_or(crate::bundles::DAGS_FOLDER), None).await?.path.display().to_string();
    let kwargs = s.trigger_kwargs(trigger)?;
    let message = json!({"op": "run", "id": trigger.id, "classpath": trigger.classpath, "kwargs": kwargs, "watches": assets, "path": path});
    Ok((message, Given { watches: true, ..Given::default() }))
}

impl Scheduler {
    /// Answers a trigger as its task would be: `(body, error)`.
    async fn answer_trigger(&self, message: &Value) -> (Value, Value) {
        let ti_id = self.instance_of_trigger(message["id"].as_str().unwrap_or_default()).await;
        self.answer_code(ti_id, &message["body"]).await
    }

    async fn instance_of_trigger(&self, id: &str) -> Option<String> {
        let mut tx = self.db.begin().await.ok()?;
        // a watcher speaks for no task
        Some(triggers::get(&mut tx, id).await.ok()??.ti_id).filter(|ti_id| !ti_id.starts_with(WATCHER))
    }

    /// Adds a line of a trigger to its task's log.
    async fn log_of_trigger(&self, id: &str, line: &str) -> Result<()> {
        let mut tx = self.db.begin().await?;
        let Some(trigger) = triggers::get(&mut tx, id).await? else { return Ok(()) };
        let Some(instance) = instances::get(&mut tx, &trigger.ti_id).await? else { return Ok(()) };
        // upstream's log API has no names for these
        let mut fields: Map<String, Value> = serde_json::from_str(line)?;
        if let Some(exception) = fields.remove("exception") {
            fields.insert("error_detail".into(), exception);
        }
        crate::logs::append_json(&mut tx, &instance.id, &Place::of(&instance), &Value::Object(fields), self.cx.clock.now());
        tx.commit().await
    }
}
