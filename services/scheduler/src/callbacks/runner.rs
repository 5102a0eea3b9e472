//! The process that calls callbacks (python/artel_side/callback_runner.py): started when there is one, ended when there
//! has been none for a while.

use crate::Scheduler;
use crate::store::callbacks::{self, Callback};
use artel_platform::python::{Launch, Requirements, SideProcess};
use artel_platform::{Result, ResultExt};
use serde_json::{Value, json};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// How long importing Airflow may take on a slow machine.
const START: Duration = Duration::from_secs(120);
/// The time that the callbacks of one event get.
const LIMIT: Duration = Duration::from_secs(60);
/// Beyond that: how long their process may take to say how it went.
const PATIENCE: Duration = Duration::from_secs(30);
/// After so long without work the process is ended.
const IDLE: Duration = Duration::from_secs(120);
const END: Duration = Duration::from_secs(1);
/// A callback whose process has died so often is given up.
const ATTEMPTS: i64 = 3;

impl Scheduler {
    /// Starts what calls callbacks.
    pub(crate) fn start_callbacks(self: &Arc<Self>) {
        let scheduler = self.clone();
        self.cx.spawn("callbacks", async move {
            loop {
                let work = async {
                    scheduler.callback_waits().await;
                    scheduler.call_callbacks().await
                };
                tokio::select! {
                    () = scheduler.cx.stop.cancelled() => return,
                    worked = work => if let Err(error) = worked {
                        tracing::warn!(error = %error.chain(), "callbacks wait");
                        tokio::time::sleep(scheduler.settings.reconcile()).await;
                    }
                }
            }
        });
    }

    async fn callback_waits(&self) {
        while !matches!(callbacks::any(&self.db, self.cx.clock.now()).await, Ok(true)) {
            tokio::select! {
                () = self.callbacks.notified() => {}
                () = tokio::time::sleep(self.settings.reconcile()) => {}
            }
        }
    }

    /// Starts a process and has it call what there is, until there has been nothing for a while.
    async fn call_callbacks(&self) -> Result<()> {
        let environment = self.cx.python.ensure("airflow", &Requirements::Set("airflow")).await?;
        let mut process = SideProcess::spawn(&self.cx.python, &environment, self.callback_launch(&environment.folder)?)?;
        process.ready(START).await?;
        loop {
            while let Some(callback) = self.claim_callback().await? {
                match tokio::time::timeout(LIMIT + PATIENCE, self.call(&mut process, &callback)).await {
                    Ok(called) => called?,
                    Err(_) => return Err(artel_platform::Error::timeout("the process that calls callbacks does not answer")),
                }
                callbacks::delete(&self.db, &callback.id).await?;
            }
            if tokio::time::timeout(IDLE, self.callback_waits()).await.is_err() {
                process.end(END).await;
                return Ok(());
            }
        }
    }

    async fn claim_callback(&self) -> Result<Option<Callback>> {
        let now = self.cx.clock.now();
        if !callbacks::any(&self.db, now).await? {
            return Ok(None);
        }
        loop {
            let mut tx = self.db.begin().await?;
            let claimed = callbacks::claim(&mut tx, now, now + (LIMIT + 2 * PATIENCE).as_millis() as i64).await?;
            tx.commit().await?;
            let Some(callback) = claimed else { return Ok(None) };
            if callback.attempts <= ATTEMPTS {
                return Ok(Some(callback));
            }
            tracing::warn!(dag_id = callback.dag_id, run_id = callback.run_id, "a callback is given up: its process died each time");
            callbacks::delete(&self.db, &callback.id).await?;
        }
    }

    /// One event's callbacks; what they ask is answered.
    async fn call(&self, process: &mut SideProcess, callback: &Callback) -> Result<()> {
        let request: Value = serde_json::from_str(&callback.request)?;
        let ti_id = request["ti"]["id"].as_str().map(str::to_owned);
        // as its run saw them, or the newest files
        let bundle = request["bundle_name"].as_str().unwrap_or(crate::bundles::DAGS_FOLDER);
        let files = self.checkout(bundle, request["bundle_version"].as_str()).await?.path.display().to_string();
        let message = json!({"id": callback.id, "callback": request, "bundle_path": files, "timeout": LIMIT.as_secs()});
        process.send(message.to_string()).await?;
        loop {
            let said: Value = serde_json::from_slice(&process.recv().await?).or_internal("a message about callbacks is no JSON")?;
            if said.get("ask").is_some() {
                let (body, error) = self.answer_code(ti_id.clone(), &said["body"]).await;
                process.send(json!({"id": callback.id, "answer": said["ask"], "body": body, "error": error}).to_string()).await?;
                continue;
            }
            match said["error"].as_str() {
                None => tracing::info!(dag_id = callback.dag_id, run_id = callback.run_id, "callbacks were called"),
                Some(why) => tracing::warn!(dag_id = callback.dag_id, run_id = callback.run_id, why, "callbacks could not be called"),
            }
            return Ok(());
        }
    }

    fn callback_launch(&self, environment: &Path) -> Result<Launch> {
        let mut env = self.airflow_environment(environment)?;
        env.push(("AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST".into(), self.bundle_list().to_string()));
        Ok(Launch { name: "callbacks".into(), module: "callback_runner", args: Vec::new(), env })
    }

    /// What every process of Airflow's that this service starts has in its environment.
    pub(crate) fn airflow_environment(&self, environment: &Path) -> Result<Vec<(String, String)>> {
        let home = self.cx.config.data.join("airflow");
        std::fs::create_dir_all(&home).or_internal("cannot make the folder for Airflow")?;
        let path = std::env::var("PATH").unwrap_or_default();
        let pairs = [
            ("AIRFLOW_HOME", home.display().to_string()),
            ("AIRFLOW__CORE__LOAD_EXAMPLES", "False".into()),
            ("PATH", format!("{}:{path}", environment.join("bin").display())),
        ];
        Ok(pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
    }
}
