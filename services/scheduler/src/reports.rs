//! What workers tell of their tries, a few at a time: lines of their logs, what fields were rendered to, and that their processes
//! have ended.

use crate::Scheduler;
use crate::logs::Place;
use crate::states::TaskState;
use crate::store::instances::TaskInstance;
use crate::store::logs::{self, Piece};
use crate::store::{history, instances, xcoms};
use crate::tries::Exit;
use artel_platform::{Code, Result};
use std::collections::HashMap;

/// News of a worker's tries, each named by its id.
#[derive(Default)]
pub(crate) struct Report<'a> {
    pub(crate) logs: Vec<(&'a str, Piece<'a>)>,
    /// What template fields were rendered to, as JSON.
    pub(crate) rendered: Vec<(&'a str, &'a str)>,
    /// Processes that have ended, all of whose log is here or was told before.
    pub(crate) ended: Vec<(&'a str, Exit<'a>)>,
}

impl Scheduler {
    /// Takes what a worker tells; the same report twice is one.
    pub(crate) async fn take_report(&self, report: &Report<'_>) -> Result<()> {
        let present = self.present(report).await?;
        // what is decided about a task without a word is decided with the whole of its log there
        let (told, silent): (Vec<_>, Vec<_>) = report.ended.iter().partition(|(id, exit)| exit.said && present.contains_key(*id));
        let mut complete: Vec<&str> = told.iter().map(|(id, _)| *id).filter(|id| present.get(*id).is_some_and(is_over)).collect();
        self.note(report, &present, &complete).await?;
        for (id, exit) in &silent {
            match self.settle_silent(id, *exit).await {
                Ok(true) => complete.push(id),
                Ok(false) => {}
                Err(error) if error.code == Code::Unavailable => return Err(error), // it is told again
                // its lease runs out and its retry rule decides; the others are none the worse
                Err(error) => tracing::warn!(ti_id = id, error = %error.chain(), "the end of a task's process came to nothing"),
            }
        }
        if !complete.is_empty() {
            self.log_complete.notify_one();
        }
        self.log_grew.notify_waiters();
        Ok(())
    }

    /// A process has ended whose task said nothing of its end, or whose try is a past one. Returns whether that completes its log.
    async fn settle_silent(&self, id: &str, exit: Exit<'_>) -> Result<bool> {
        self.settle_exit(id, exit).await?;
        let goes_on = instances::get(&self.db, id).await?.is_some_and(|instance| !is_over(&instance));
        Ok(!goes_on && logs::complete(&self.db, id).await?)
    }

    /// The tries of a report that are present ones.
    async fn present(&self, report: &Report<'_>) -> Result<HashMap<String, TaskInstance>> {
        let mut ids: Vec<String> =
            report.logs.iter().map(|(id, _)| *id).chain(report.ended.iter().map(|(id, _)| *id)).map(Into::into).collect();
        ids.sort_unstable();
        ids.dedup();
        if ids.is_empty() {
            return Ok(HashMap::new());
        }
        let found = self.db.ask(instances::with_ids(&ids)).await?;
        Ok(found.into_iter().map(|instance| (instance.id.clone(), instance)).collect())
    }

    /// Adds the pieces and the rendered fields, and ends the logs of `complete`.
    async fn note(&self, report: &Report<'_>, present: &HashMap<String, TaskInstance>, complete: &[&str]) -> Result<()> {
        let now = self.cx.clock.now();
        let mut past = HashMap::new();
        for (id, _) in report.logs.iter().filter(|(id, _)| !present.contains_key(*id)) {
            // none at all where its run was removed
            if let Some(instance) = history::get(&self.db, id).await? {
                past.insert(*id, instance);
            }
        }
        let mut tx = self.db.begin().await?;
        for (id, piece) in &report.logs {
            if let Some(instance) = present.get(*id).or_else(|| past.get(*id)) {
                logs::append(&mut tx, id, &Place::of(instance).object(id), piece, now);
            }
        }
        for (id, fields) in &report.rendered {
            xcoms::set_rendered_ahead(&mut tx, id, fields);
        }
        for id in complete {
            logs::complete_with(&mut tx, id);
        }
        tx.commit().await
    }
}

/// Is this its last process? One that waits goes on in another, with the same log.
fn is_over(instance: &TaskInstance) -> bool {
    instance.state.is_some_and(TaskState::is_finished)
}
