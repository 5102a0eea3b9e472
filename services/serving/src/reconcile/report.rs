//! What the reconciler stores and tells of an endpoint: each change in one transaction with its event, and nothing
//! when nothing has changed.

use crate::Serving;
use crate::endpoints::{Endpoint, Roll, State, event};
use crate::store;
use crate::store::revisions::Revision;
use crate::workers::Health;
use artel_platform::Result;
use artel_platform::db::Tx;
use artel_proto::artel::registry::v1::ModelReference;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// How often a line of progress is stored at most.
const TELL_EVERY: Duration = Duration::from_secs(1);
/// Longest message that is kept; an installer's last lines fit.
const MAX_MESSAGE: usize = 4000;

pub(super) struct Report {
    serving: Arc<Serving>,
    id: String,
}

impl Report {
    pub(super) fn new(serving: Arc<Serving>, id: &str) -> Self {
        Self { serving, id: id.into() }
    }

    /// The wished version is being brought up as a revision, whose number is returned; `None` when the endpoint is
    /// gone. The newest revision is used again when it is of the same version (after a restart or a failure).
    pub(super) async fn begin(&self, reference: &ModelReference, serving: bool) -> Result<Option<i64>> {
        let mut tx = self.serving.db.begin().await?;
        let Some(endpoint) = store::endpoints::by_id_in(&mut tx, &self.id).await? else { return Ok(None) };
        let newest = store::revisions::newest(&mut tx, &self.id).await?;
        let same = |r: &Revision| r.model == reference.name && r.version == reference.version && r.artifact_path == reference.artifact_path;
        let number = match newest {
            Some(revision) if same(&revision) => {
                store::revisions::set_state(&mut tx, &self.id, revision.number, "building", "").await?;
                revision.number
            }
            newest => {
                let number = newest.map_or(0, |r| r.number) + 1;
                let revision = Revision {
                    number,
                    model: reference.name.clone(),
                    version: reference.version,
                    artifact_path: reference.artifact_path.clone(),
                    state: "building".into(),
                    message: String::new(),
                    created: self.serving.cx.clock.now(),
                };
                store::revisions::insert(&mut tx, &self.id, &revision).await?;
                number
            }
        };
        self.change(&mut tx, endpoint, |e| {
            e.state = if serving { State::Ready } else { State::Building };
            e.roll = Roll::Rolling;
            e.wanted_version = Some(reference.version);
            e.message = format!("bringing up version {}", reference.version);
        })
        .await?;
        tx.commit().await?;
        Ok(Some(number))
    }

    /// Something was away and is asked again.
    pub(super) async fn waiting(&self, serving: bool, why: &str) -> Result<()> {
        self.update(|e| {
            e.state = if serving { e.state } else { State::Building };
            e.message = format!("waiting: {why}");
        })
        .await
    }

    /// A revision cannot be brought up; `serving` is the version that goes on.
    pub(super) async fn failed(&self, generation: i64, revision: i64, serving: Option<i64>, why: &str) -> Result<()> {
        let mut tx = self.serving.db.begin().await?;
        let Some(endpoint) = store::endpoints::by_id_in(&mut tx, &self.id).await? else { return Ok(()) };
        store::revisions::set_state(&mut tx, &self.id, revision, "failed", &cut(why)).await?;
        self.change(&mut tx, endpoint, |e| not_fulfilled(e, generation, serving, why)).await?;
        tx.commit().await
    }

    /// What is wished for is not there (any more); `serving` is the version that goes on.
    pub(super) async fn lost(&self, generation: i64, serving: Option<i64>, why: &str) -> Result<()> {
        self.update(|e| not_fulfilled(e, generation, serving, why)).await
    }

    /// A revision serves. `fulfilled`: it is what the wish of `generation` means; else the message stays.
    pub(super) async fn serving(&self, generation: i64, fulfilled: bool, revision: i64, version: i64, health: &Health) -> Result<()> {
        let mut tx = self.serving.db.begin().await?;
        let Some(endpoint) = store::endpoints::by_id_in(&mut tx, &self.id).await? else { return Ok(()) };
        if endpoint.active_revision != Some(revision) || endpoint.state != State::Ready {
            store::revisions::retire_others(&mut tx, &self.id, revision).await?;
            store::revisions::set_state(&mut tx, &self.id, revision, "ready", "").await?;
        }
        self.change(&mut tx, endpoint, |e| {
            e.active_revision = Some(revision);
            e.active_version = Some(version);
            e.state = match health {
                Health { up: 1.., .. } => State::Ready,
                Health { hopeless: true, .. } => State::Failed,
                _ => State::Building,
            };
            if fulfilled && e.generation == generation {
                e.roll = Roll::Settled;
                e.wanted_version = Some(version);
                e.message =
                    health.trouble.as_ref().map(|trouble| cut(&format!("a worker is started again: {trouble}"))).unwrap_or_default();
            }
        })
        .await?;
        tx.commit().await
    }

    /// Stores each line that is said, not too often, for as long as it is polled.
    pub(super) async fn tell(&self, mut said: watch::Receiver<String>) {
        while said.changed().await.is_ok() {
            let line = said.borrow_and_update().clone();
            if let Err(error) = self.update(|e| e.message = cut(&line)).await {
                tracing::debug!(error = %error.chain(), "progress was not stored");
            }
            tokio::time::sleep(TELL_EVERY).await;
        }
        std::future::pending().await
    }

    async fn update(&self, edit: impl FnOnce(&mut Endpoint)) -> Result<()> {
        let mut tx = self.serving.db.begin().await?;
        if let Some(endpoint) = store::endpoints::by_id_in(&mut tx, &self.id).await? {
            self.change(&mut tx, endpoint, edit).await?;
            tx.commit().await?;
        }
        Ok(())
    }

    async fn change(&self, tx: &mut Tx, before: Endpoint, edit: impl FnOnce(&mut Endpoint)) -> Result<()> {
        let mut after = before.clone();
        edit(&mut after);
        let told = |e: &Endpoint| (e.state, e.roll, e.active_revision, e.active_version, e.wanted_version);
        if told(&before) == told(&after) && before.message == after.message {
            return Ok(());
        }
        after.updated = self.serving.cx.clock.now();
        store::endpoints::set_progress(tx, &after).await?;
        tx.emit(&event(&after));
        Ok(())
    }
}

fn not_fulfilled(e: &mut Endpoint, generation: i64, serving: Option<i64>, why: &str) {
    e.state = if serving.is_some() { e.state } else { State::Failed };
    if e.generation == generation {
        e.roll = Roll::Failed;
        e.message = cut(&match serving {
            Some(version) => format!("version {version} goes on serving: {why}"),
            None => why.to_owned(),
        });
    }
}

/// The end of a message that is too long: the last lines say what went wrong.
fn cut(message: &str) -> String {
    let start = message.len().saturating_sub(MAX_MESSAGE);
    let start = (start..=message.len()).find(|at| message.is_char_boundary(*at)).unwrap_or_default();
    message[start..].to_owned()
}
