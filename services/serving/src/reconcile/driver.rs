//! One endpoint: resolve the wish, bring it up beside what serves, switch, let the old one finish.

use crate::Serving;
use crate::endpoints::Endpoint;
use crate::fleet::Member;
use crate::models::{ModelFolder, requirements};
use crate::reconcile::report::Report;
use crate::store;
use crate::workers::{Deployment, Health, Plan};
use artel_platform::python::Requirements;
use artel_platform::{Code, Error, Result};
use artel_proto::artel::registry::v1::ModelReference;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::Instant;

/// Waits after something that was away, longer each time.
const BACKOFF: &[Duration] = &[Duration::from_millis(200), Duration::from_secs(1), Duration::from_secs(5), Duration::from_secs(15)];
/// After this long a model that could not be brought up is tried again: the network may have been the reason.
const SECOND_CHANCE: Duration = Duration::from_secs(15 * 60);
/// What the old workers get beyond the time limit of a request.
const DRAIN_EXTRA: Duration = Duration::from_secs(5);

pub(super) struct Driver {
    serving: Arc<Serving>,
    member: Arc<Member>,
    report: Report,
    current: Option<Current>,
    given_up: Option<GivenUp>,
    /// What served last cannot be brought up either.
    no_way_back: bool,
    failures: usize,
}

/// A wish that cannot be fulfilled.
struct GivenUp {
    generation: i64,
    version: i64,
    when: Instant,
    why: String,
}

/// What serves.
struct Current {
    reference: ModelReference,
    revision: i64,
    folder: ModelFolder,
    health: watch::Receiver<Health>,
}

/// What to do after a step.
enum Next {
    /// The wish has changed meanwhile.
    Again,
    /// Something was away.
    Retry,
    /// Nothing until woken.
    Rest,
    /// The endpoint was deleted.
    Gone,
}

impl Driver {
    pub(super) fn new(serving: Arc<Serving>, member: Arc<Member>) -> Self {
        let report = Report::new(serving.clone(), &member.id);
        Self { serving, member, report, current: None, given_up: None, no_way_back: false, failures: 0 }
    }

    pub(super) async fn run(mut self) {
        let (stop, gone) = (self.serving.cx.stop.clone(), self.member.gone.clone());
        loop {
            let next = tokio::select! {
                biased;
                () = stop.cancelled() => break,
                () = gone.cancelled() => break,
                next = self.step() => next,
            };
            let pause = match next {
                Next::Gone => break,
                Next::Again => continue,
                Next::Rest => Duration::MAX,
                Next::Retry => BACKOFF[(self.failures - 1).min(BACKOFF.len() - 1)],
            };
            let health = self.current.as_mut().map(|current| &mut current.health);
            tokio::select! {
                () = stop.cancelled() => break,
                () = gone.cancelled() => break,
                () = self.member.wake.notified() => {}
                () = changed(health) => {}
                () = tokio::time::sleep(pause) => {}
            }
        }
        self.retire(stop.is_cancelled()).await;
    }

    async fn step(&mut self) -> Next {
        let next = self.reconcile().await.unwrap_or_else(|error| {
            tracing::warn!(endpoint = %self.member.id, error = %error.chain(), "endpoint waits");
            Next::Retry
        });
        self.failures = if matches!(next, Next::Retry) { self.failures + 1 } else { 0 };
        next
    }

    async fn reconcile(&mut self) -> Result<Next> {
        let Some(endpoint) = store::endpoints::by_id(&self.serving.db, &self.member.id).await? else { return Ok(Next::Gone) };
        let reference = match self.serving.resolve(&endpoint.workspace, &endpoint.entity).await {
            Ok(reference) => reference,
            Err(error) if matches!(error.code, Code::Unavailable | Code::DeadlineExceeded | Code::Internal) => {
                self.report.waiting(self.is_serving(), &error.message).await?;
                return Ok(Next::Retry);
            }
            Err(error) => return self.lost(&endpoint, &error).await,
        };
        if self.serves(&reference) {
            self.settle(endpoint.generation, true).await?;
            return Ok(Next::Rest);
        }
        if let Some(why) = self.gave_up(&endpoint, &reference) {
            self.settle(endpoint.generation, false).await?;
            return self.fall_back(&endpoint, &why).await;
        }
        self.roll(&endpoint, &reference).await
    }

    fn is_serving(&self) -> bool {
        self.current.is_some()
    }

    fn serves(&self, wished: &ModelReference) -> bool {
        let same = |r: &ModelReference| (&r.name, r.version, &r.artifact_path) == (&wished.name, wished.version, &wished.artifact_path);
        self.current.as_ref().is_some_and(|current| same(&current.reference))
    }

    /// Why the wished version is not tried again yet.
    fn gave_up(&self, endpoint: &Endpoint, reference: &ModelReference) -> Option<String> {
        let given_up = self.given_up.as_ref()?;
        let same = (given_up.generation, given_up.version) == (endpoint.generation, reference.version);
        (same && given_up.when.elapsed() < SECOND_CHANCE).then(|| given_up.why.clone())
    }

    /// Brings up the wished version while the old one serves, and switches.
    async fn roll(&mut self, endpoint: &Endpoint, reference: &ModelReference) -> Result<Next> {
        let Some(revision) = self.report.begin(reference, self.is_serving()).await? else { return Ok(Next::Gone) };
        let brought = tokio::select! {
            brought = self.bring_up(endpoint, reference, revision) => brought,
            () = self.superseded(endpoint.generation) => return Ok(Next::Again),
        };
        match brought {
            Ok((deployment, folder)) => {
                self.switch(reference.clone(), revision, deployment, folder);
                self.given_up = None;
                self.settle(endpoint.generation, true).await?;
                Ok(Next::Rest)
            }
            Err(error) if error.code == Code::Unavailable => {
                self.report.waiting(self.is_serving(), &error.message).await?;
                Ok(Next::Retry)
            }
            Err(error) => {
                tracing::warn!(endpoint = %endpoint.name, model = %reference.name, version = reference.version, error = %error.chain(), "model cannot be brought up");
                let serving = self.current.as_ref().map(|current| current.reference.version);
                self.report.failed(endpoint.generation, revision, serving, &error.message).await?;
                self.given_up = Some(GivenUp {
                    generation: endpoint.generation,
                    version: reference.version,
                    when: Instant::now(),
                    why: error.message.clone(),
                });
                self.fall_back(endpoint, &error.message).await
            }
        }
    }

    /// The alias or version is not there (any more): what serves goes on.
    async fn lost(&mut self, endpoint: &Endpoint, error: &Error) -> Result<Next> {
        let serving = self.current.as_ref().map(|current| current.reference.version);
        self.report.lost(endpoint.generation, serving, &error.message).await?;
        self.settle(endpoint.generation, false).await?;
        self.fall_back(endpoint, &error.message).await
    }

    /// With nothing serving (after a restart), the revision that served last is better than none. `why`: what stands
    /// against the wished one.
    async fn fall_back(&mut self, endpoint: &Endpoint, why: &str) -> Result<Next> {
        let (false, false, Some(number)) = (self.is_serving(), self.no_way_back, endpoint.active_revision) else { return Ok(Next::Rest) };
        let Some(last) = store::revisions::get(&self.serving.db, &endpoint.id, number).await? else { return Ok(Next::Rest) };
        if self.given_up.as_ref().is_some_and(|given_up| given_up.version == last.version) {
            return Ok(Next::Rest);
        }
        let reference = ModelReference { name: last.model, version: last.version, artifact_path: last.artifact_path, ..Default::default() };
        let quiet = watch::Sender::new(String::new());
        match self.bring_up_saying(endpoint, &reference, number, &quiet).await {
            Ok((deployment, folder)) => {
                self.switch(reference, number, deployment, folder);
                self.settle(endpoint.generation, false).await?;
                self.report.lost(endpoint.generation, Some(last.version), why).await?;
                Ok(Next::Rest)
            }
            Err(error) if error.code == Code::Unavailable => Ok(Next::Retry),
            Err(error) => {
                tracing::warn!(endpoint = %endpoint.name, version = last.version, error = %error.chain(), "the version that served last cannot be brought up");
                self.no_way_back = true;
                Ok(Next::Rest)
            }
        }
    }

    /// Files, environment, workers. Tells how it is getting on. Dropping the future ends what it started.
    async fn bring_up(&self, endpoint: &Endpoint, reference: &ModelReference, revision: i64) -> Result<(Deployment, ModelFolder)> {
        let (say, said) = watch::channel(String::new());
        tokio::select! {
            brought = self.bring_up_saying(endpoint, reference, revision, &say) => brought,
            () = self.report.tell(said) => unreachable!("it tells for as long as somebody speaks"),
        }
    }

    async fn bring_up_saying(
        &self,
        endpoint: &Endpoint,
        reference: &ModelReference,
        revision: i64,
        say: &watch::Sender<String>,
    ) -> Result<(Deployment, ModelFolder)> {
        let cx = &self.serving.cx;
        let token = format!("{}-{revision}", endpoint.id);
        let speak = |line: String| drop(say.send(line));
        let folder = self.serving.models.fetch(&cx.peers, &endpoint.workspace, &reference.artifact_path, &token, speak).await?;
        let name = format!("{} version {}", reference.name, reference.version);
        let environment = {
            let requirements = requirements(folder.path())?;
            let build = self.environment(&name, requirements, say);
            build.await?
        };
        let _ = say.send("starting the model".into());
        let plan =
            Plan { name, model: folder.path().into(), environment, python: cx.python.clone(), settings: self.serving.settings.clone() };
        Ok((Deployment::start(plan).await?, folder))
    }

    /// The environment, and meanwhile the installer's lines.
    async fn environment(
        &self,
        name: &str,
        requirements: Requirements,
        say: &watch::Sender<String>,
    ) -> Result<artel_platform::python::Environment> {
        let python = &self.serving.cx.python;
        let mut progress = python.progress();
        let ensure = python.ensure(name, &requirements);
        tokio::pin!(ensure);
        loop {
            tokio::select! {
                environment = &mut ensure => return environment,
                Ok(()) = progress.changed() => {
                    let line = progress.borrow_and_update().iter().find(|p| p.name == name && p.state == "building").map(|p| p.message.clone());
                    if let Some(line) = line {
                        let _ = say.send(format!("making its environment: {line}"));
                    }
                }
            }
        }
    }

    /// Returns when the wish is another one than that of `generation`.
    async fn superseded(&self, generation: i64) {
        loop {
            self.member.wake.notified().await;
            if store::endpoints::generation(&self.serving.db, &self.member.id).await.is_ok_and(|now| now != Some(generation)) {
                return;
            }
        }
    }

    /// New requests go to the new deployment; the old one answers what it has and ends.
    fn switch(&mut self, reference: ModelReference, revision: i64, deployment: Deployment, folder: ModelFolder) {
        let current = Current { reference, revision, folder, health: deployment.health() };
        let old = self.member.switch(Some(Arc::new(deployment)));
        let former = self.current.replace(current);
        if let (Some(old), Some(former)) = (old, former) {
            let limit = self.serving.settings.timeout() + DRAIN_EXTRA;
            self.serving.cx.spawn("drain", async move {
                finish(old, limit).await;
                former.folder.discard().await;
            });
        }
    }

    /// Tells what serves, if something does. `fulfilled`: it is what the wish of `generation` means.
    async fn settle(&mut self, generation: i64, fulfilled: bool) -> Result<()> {
        let Some(current) = &mut self.current else { return Ok(()) };
        let health = current.health.borrow_and_update().clone();
        self.report.serving(generation, fulfilled, current.revision, current.reference.version, &health).await
    }

    /// Ends what serves: at a stop within the drain time, and the files stay for the next start.
    async fn retire(self, stopping: bool) {
        let (Some(old), Some(former)) = (self.member.switch(None), self.current) else { return };
        let limit = if stopping {
            Duration::from_secs(self.serving.cx.config.server.drain_seconds)
        } else {
            self.serving.settings.timeout() + DRAIN_EXTRA
        };
        finish(old, limit).await;
        if !stopping {
            former.folder.discard().await;
        }
    }
}

/// Lets go of a deployment and waits until its workers have answered what they had, at most for `limit`.
async fn finish(deployment: Arc<Deployment>, limit: Duration) {
    let end = deployment.end();
    drop(deployment);
    end.within(limit).await;
}

/// Returns at the next change of the workers' health; never without workers.
async fn changed(health: Option<&mut watch::Receiver<Health>>) {
    let Some(health) = health else { return std::future::pending().await };
    if health.changed().await.is_err() {
        std::future::pending().await
    }
}
