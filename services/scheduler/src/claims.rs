//! What workers are given, and what they tell of it.

use crate::Scheduler;
use crate::bundles::Checkout;
use crate::logs::Place;
use crate::store::dags::DagRow;
use crate::store::instances::TaskInstance;
use crate::store::runs::DagRun;
use crate::store::{bundles, claims, dags, instances, runs, workers};
use crate::unclaimed::LOOK_AGAIN;
use artel_platform::identity::{Audience, Identity, Kind, Scopes};
use artel_platform::python::NO_TELEMETRY;
use artel_platform::{Error, Result};
use artel_proto::artel::scheduler::v1::Workload;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::path::PathBuf;
use std::time::Duration;

/// What a task's own token is good for: what training, comparing and promoting models needs, and its own affairs here.
const TASK_SCOPES: &[&str] =
    &["execution", "experiments", "models", "artifacts", "read:dags", "run:dags", "variables", "read:connections", "deployments"];

/// A try as upstream's workloads name it.
pub(crate) fn task_instance(instance: &TaskInstance) -> Value {
    json!({
        "id": instance.id,
        "dag_version_id": instance.dag_version_id,
        "task_id": instance.task_id,
        "dag_id": instance.dag_id,
        "run_id": instance.run_id,
        "try_number": instance.try_number,
        "map_index": instance.map_index,
        "pool_slots": instance.pool_slots,
        "queue": instance.queue,
        "priority_weight": instance.priority_weight,
        "context_carrier": null,
    })
}

/// A DAG's file.
struct DagPlace {
    bundle: String,
    checkout: Checkout,
    /// Its path in the checkout.
    file: String,
}

fn gone(instance: &TaskInstance) -> Error {
    Error::not_found(format!("Dag {} is gone", instance.dag_id))
}

impl Scheduler {
    /// Makes a worker known.
    pub(crate) async fn register_worker(&self, id: &str, hostname: &str, queues: &[String], slots: i64) -> Result<()> {
        workers::put(&self.db, id, hostname, queues, slots, self.cx.clock.now()).await
    }

    /// Work for a worker: waits for some, at most as long as `wait`.
    pub(crate) async fn claim(&self, worker_id: &str, queues: &[String], slots: i64, wait: Duration) -> Result<Vec<Workload>> {
        let deadline = tokio::time::Instant::now() + wait;
        let mut place = self.waiting.place(worker_id, queues);
        let mut free = slots.max(0) as usize;
        let mut news = self.unclaimed.news();
        let mut claimed = loop {
            let queued = *news.borrow_and_update();
            let claimed = self.claim_now(worker_id, queues, free, queued).await?;
            if !claimed.is_empty() || tokio::time::Instant::now() >= deadline {
                break claimed;
            }
            place.open(free);
            let look_again = (tokio::time::Instant::now() + LOOK_AGAIN).min(deadline);
            tokio::select! {
                () = self.cx.stop.cancelled() => break Vec::new(),
                given = place.gift() => break given,
                _ = news.changed() => {}
                () = tokio::time::sleep_until(look_again) => {}
            }
            free = place.close();
        };
        claimed.extend(place.leave().await);
        if claimed.is_empty() { Ok(Vec::new()) } else { self.workloads(&claimed).await }
    }

    /// Everything a worker needs to run these.
    pub(crate) async fn workloads(&self, ids: &[String]) -> Result<Vec<Workload>> {
        let asked = (instances::with_ids(ids), dags::of_instances(ids), runs::of_instances(ids));
        let (instances, dags, runs) = self.db.ask(asked).await?;
        let mut workloads = Vec::with_capacity(instances.len());
        for instance in &instances {
            let dag = dags.iter().find(|dag| dag.dag_id == instance.dag_id).ok_or_else(|| gone(instance));
            let run = runs.iter().find(|run| run.dag_id == instance.dag_id && run.run_id == instance.run_id);
            let workload = async { self.workload(instance, dag?, run).await };
            match workload.await {
                Ok(workload) => workloads.push(workload),
                // its lease runs out and its retry rule decides; the others are none the worse
                Err(error) => {
                    let (dag_id, task_id) = (&instance.dag_id, &instance.task_id);
                    tracing::warn!(dag_id, task_id, error = %error.chain(), "a claimed task could not be handed out");
                }
            }
        }
        Ok(workloads)
    }

    /// Claims what is there, where so much was `queued` by now.
    async fn claim_now(&self, worker_id: &str, queues: &[String], slots: usize, queued: u64) -> Result<Vec<String>> {
        let now = self.cx.clock.now();
        if slots < 1 || !self.unclaimed.is_likely(queued, now) {
            return Ok(Vec::new());
        }
        // a look without taking the writer's turn
        if !self.db.ask(claims::any_free(now)).await? {
            self.unclaimed.nothing_left(queued, now);
            return Ok(Vec::new());
        }
        let mut tx = self.db.begin().await?;
        let claimed = claims::claim(&mut tx, worker_id, queues, slots as i64, now, now + self.settings.lease().as_millis() as i64).await?;
        if !claimed.is_empty() {
            tx.commit().await?;
        }
        Ok(claimed)
    }

    /// Everything a worker needs to run a try: upstream's `ExecuteTask`, the bundle, the environment.
    async fn workload(&self, instance: &TaskInstance, dag: &DagRow, run: Option<&DagRun>) -> Result<Workload> {
        let token = self.task_token(instance, run).await?;
        let place = self.place(instance, run, dag).await?;
        let execute = json!({
            "type": "ExecuteTask",
            "token": token,
            "dag_rel_path": place.file,
            "bundle_info": {"name": place.bundle, "version": place.checkout.version},
            "log_path": Place::of(instance).file(),
            "ti": task_instance(instance),
        });
        let url = self.cx.config.server.public_url.trim_end_matches('/').to_owned();
        Ok(Workload {
            ti_id: instance.id.clone(),
            execute_task_json: execute.to_string(),
            bundle_name: place.bundle,
            bundle_path: place.checkout.path.display().to_string(),
            bundle_version: place.checkout.version.unwrap_or_default(),
            requirements_hash: String::new(),
            env: HashMap::from([
                ("MLFLOW_TRACKING_URI".to_owned(), url.clone()),
                ("MLFLOW_REGISTRY_URI".to_owned(), url.clone()),
                ("MLFLOW_TRACKING_TOKEN".to_owned(), token),
                ("ARTEL_URL".to_owned(), url),
                (NO_TELEMETRY.0.to_owned(), NO_TELEMETRY.1.to_owned()),
            ]),
        })
    }

    /// How long a try's token is good for.
    async fn token_life(&self, instance: &TaskInstance) -> Result<Duration> {
        let dag = self.version(&instance.dag_version_id).await?;
        let hour = Duration::from_secs(3600);
        let limit = dag.task(&instance.task_id).and_then(|t| t.execution_timeout).and_then(|t| t.to_std().ok());
        Ok(limit.map_or(self.settings.task_token_life(), |limit| limit + hour))
    }

    /// A new token for a try whose own has a fifth of its life left, as upstream's server gives one.
    pub(crate) async fn refreshed_token(&self, instance: &TaskInstance) -> Result<Option<String>> {
        let age = self.cx.clock.now() - instance.queued_at.unwrap_or_default();
        let old = age > self.token_life(instance).await?.as_millis() as i64 * 4 / 5;
        if !old {
            return Ok(None);
        }
        let run = runs::get(&self.db, &instance.dag_id, &instance.run_id).await?;
        self.task_token(instance, run.as_ref()).await.map(Some)
    }

    /// Where the task's file is: a run that is pinned to a version of its bundle has it there, any other in the newest.
    async fn place(&self, instance: &TaskInstance, run: Option<&DagRun>, row: &DagRow) -> Result<DagPlace> {
        let Some(version) = run.and_then(|r| r.bundle_version.as_deref()) else {
            let checkout = self.checkout(&row.bundle_name, None).await?;
            return Ok(DagPlace { bundle: row.bundle_name.clone(), checkout, file: row.relative_fileloc.clone() });
        };
        let bundle = bundles::of_version(&self.db, &instance.dag_version_id).await?.unwrap_or_else(|| row.bundle_name.clone());
        let checkout = self.checkout(&bundle, Some(version)).await?;
        let said = self.version(&instance.dag_version_id).await?.relative_fileloc.clone();
        Ok(DagPlace { bundle, checkout, file: if said.is_empty() { row.relative_fileloc.clone() } else { said } })
    }

    /// The folder of a task's DAG files, as its run sees them.
    pub(crate) async fn files_of(&self, instance: &TaskInstance) -> Result<PathBuf> {
        let (dag, run) = self.db.ask((dags::one(&instance.dag_id), runs::one(&instance.dag_id, &instance.run_id))).await?;
        Ok(self.place(instance, run.as_ref(), &dag.ok_or_else(|| gone(instance))?).await?.checkout.path)
    }

    /// Lets the task speak for itself: to the suite as an MLflow client, to this service as an Airflow worker.
    async fn task_token(&self, instance: &TaskInstance, run: Option<&DagRun>) -> Result<String> {
        let user = run.and_then(|r| r.triggering_user_name.clone()).unwrap_or_else(|| format!("dag-{}", instance.dag_id));
        let life = self.token_life(instance).await?;
        let identity = Identity {
            kind: Kind::Task,
            name: user,
            admin: false,
            groups: vec![],
            scopes: Scopes::from_iter(TASK_SCOPES.iter().copied()),
            session: None,
            token_id: Some(instance.id.clone()),
            restricted: false,
        };
        self.cx.keys.sign(&identity, Audience::Gateway, self.cx.clock.now(), life)
    }

    /// Prolongs a worker's leases. Returns those of its tries whose processes are to be killed.
    pub(crate) async fn heartbeat(&self, worker_id: &str, ids: &[String]) -> Result<Vec<String>> {
        let now = self.cx.clock.now();
        workers::seen(&self.db, worker_id, now).await?;
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let mut tx = self.db.begin().await?;
        let held = claims::prolong(&mut tx, worker_id, ids, now + self.settings.lease().as_millis() as i64).await?;
        tx.commit().await?;
        let rest: Vec<String> = ids.iter().filter(|id| !held.contains(id)).cloned().collect();
        claims::lost(&self.db, worker_id, &rest).await
    }
}
