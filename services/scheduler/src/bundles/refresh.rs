//! Keeps git bundles up to date: looks at the remote from time to time and when a push is told of, checks the newest
//! commit out, hands it to the parser, and removes what no unfinished run needs.

use super::access::{Access, secret_of};
use super::{Bundle, Checkout, Repository};
use crate::Scheduler;
use crate::store::bundles::{self as rows, BundleRow};
use artel_platform::{Error, Result};
use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

/// After a failed look the next one comes sooner, for a server that was away for a moment.
const RETRY: Duration = Duration::from_secs(15);
/// How often it is looked whether another scheduler process was told of a push.
const LOOK: Duration = Duration::from_secs(1);

impl Scheduler {
    /// Starts following every git bundle.
    pub(crate) fn start_bundles(self: &Arc<Self>) {
        for bundle in self.bundles.all() {
            if let Some(repository) = bundle.repository() {
                let poll = repository.poll();
                let (scheduler, bundle) = (self.clone(), bundle.clone());
                self.cx.spawn("follow bundle", async move {
                    tokio::select! {
                        () = scheduler.cx.stop.cancelled() => {}
                        () = scheduler.follow(&bundle, poll) => {}
                    }
                });
            }
        }
    }

    async fn follow(&self, bundle: &Bundle, poll: Option<Duration>) {
        // what was fetched before the last stop is good until the remote answers
        if let Some(repository) = bundle.repository()
            && let Ok(Some(commit)) = repository.resolve().await
            && repository.is_checked_out(&commit)
        {
            self.use_checkout(bundle, repository.at(&commit));
        }
        let mut last_failure = None;
        loop {
            // one that comes in the middle of the refresh counts again
            let pushed = rows::pushed_at(&self.db, &bundle.name).await.unwrap_or_default();
            let failed = match self.refresh(bundle).await {
                Ok(_) => None,
                Err(error) => Some(error.chain()),
            };
            if let Some(error) = failed.as_ref().filter(|f| last_failure.as_ref() != Some(*f)) {
                tracing::warn!(bundle = bundle.name, error, "the bundle could not be brought up to date");
            }
            if let Err(error) = self.note_refresh(bundle, failed.clone()).await {
                tracing::warn!(bundle = bundle.name, error = %error.chain(), "the state of the bundle is not noted");
            }
            let wait = match (&failed, poll) {
                (Some(_), Some(poll)) => Some(poll.min(RETRY)),
                (Some(_), None) => Some(RETRY),
                (None, poll) => poll,
            };
            last_failure = failed;
            let pause = async {
                match wait {
                    Some(wait) => tokio::time::sleep(wait).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = bundle.wanted.notified() => {}
                () = self.pushed_after(bundle, pushed) => {}
                () = pause => {}
            }
        }
    }

    /// Somebody pushed: every scheduler process is to look, whichever was told of it.
    pub(crate) async fn pushed(&self, bundle: &Bundle) -> Result<()> {
        rows::set_pushed(&self.db, &bundle.name, self.cx.clock.now()).await?;
        bundle.wanted.notify_one();
        Ok(())
    }

    /// Until a later push was told of, here or elsewhere.
    async fn pushed_after(&self, bundle: &Bundle, last: i64) {
        loop {
            tokio::time::sleep(LOOK).await;
            if rows::pushed_at(&self.db, &bundle.name).await.is_ok_and(|at| at > last) {
                return;
            }
        }
    }

    /// Fetches, and hands the newest commit to the parser if it is another one. Returns it.
    pub(crate) async fn refresh(&self, bundle: &Bundle) -> Result<String> {
        let repository = bundle.repository().ok_or_else(|| Error::invalid(format!("bundle {:?} is no git repository", bundle.name)))?;
        let access = self.access(repository).await?;
        repository.fetch(&access).await?;
        let commit = repository.resolve().await?.ok_or_else(|| {
            Error::not_found(format!("the repository of bundle {:?} has no branch or tag {:?}", bundle.name, repository.reference))
        })?;
        repository.check_out(&commit, &self.cx.ids.hex32()).await?;
        let checkout = repository.at(&commit);
        if !checkout.path.is_dir() {
            return Err(Error::not_found(format!(
                "commit {commit} of bundle {:?} has no folder {:?}",
                bundle.name,
                repository.subfolder()
            )));
        }
        self.use_checkout(bundle, checkout);
        self.prune(bundle, repository, &commit).await?;
        Ok(commit)
    }

    fn use_checkout(&self, bundle: &Bundle, checkout: Checkout) {
        let commit = checkout.version.clone().unwrap_or_default();
        if bundle.advance(checkout) {
            tracing::info!(bundle = bundle.name, commit, "bundle has another version");
            self.parser.look_again();
        }
    }

    async fn prune(&self, bundle: &Bundle, repository: &Repository, newest: &str) -> Result<()> {
        let mut keep: HashSet<String> = rows::versions_in_use(&self.db, &bundle.name).await?.into_iter().collect();
        keep.insert(newest.to_owned());
        let remembered: HashSet<String> = rows::versions_of_runs(&self.db, &bundle.name).await?.into_iter().collect();
        for commit in repository.prune(&keep, &remembered).await? {
            tracing::info!(bundle = bundle.name, commit, "files of an old version removed: no unfinished run needs them");
        }
        Ok(())
    }

    async fn note_refresh(&self, bundle: &Bundle, error: Option<String>) -> Result<()> {
        let version = bundle.current().and_then(|c| c.version);
        let row = BundleRow { name: bundle.name.clone(), version, refreshed_at: self.cx.clock.now(), error };
        rows::put(&self.db, &row).await
    }

    /// The files of a bundle at `version`, which are checked out first where needed; of the newest without a version.
    pub(crate) async fn checkout(&self, name: &str, version: Option<&str>) -> Result<Checkout> {
        let bundle = self.bundles.get(name)?;
        let (Some(repository), Some(commit)) = (bundle.repository(), version) else {
            let newest = bundle.current();
            return newest.ok_or_else(|| Error::unavailable(format!("bundle {name:?} has not been fetched yet")));
        };
        if repository.is_checked_out(commit) {
            repository.touch(commit);
            return Ok(repository.at(commit));
        }
        if commit.is_empty() || !commit.chars().all(|c| c.is_ascii_hexdigit()) {
            return Err(Error::invalid(format!("{commit:?} is no commit")));
        }
        if !repository.has(commit).await {
            let access = self.access(repository).await?;
            repository.fetch(&access).await?;
            if !repository.has(commit).await {
                repository.fetch_commit(&access, commit).await?;
            }
        }
        repository.check_out(commit, &self.cx.ids.hex32()).await?;
        Ok(repository.at(commit))
    }

    async fn access(&self, repository: &Repository) -> Result<Access> {
        let settings = &repository.settings;
        let connection =
            match settings.connection.as_str() {
                "" => None,
                id => {
                    let found = self.get_connection(id).await?;
                    Some(found.ok_or_else(|| {
                        Error::not_found(format!("bundle {:?} needs connection {id:?}, which is not there", settings.name))
                    })?)
                }
            };
        let access = Access::new(&repository.url, settings, connection, &repository.scratch(&self.cx.ids.hex32()))?;
        if access.url.is_empty() || access.url.starts_with('-') || access.url.contains("::") {
            return Err(Error::conflict(format!(
                "bundle {:?} has no usable URL: connection {:?} names none",
                settings.name, settings.connection
            )));
        }
        Ok(access)
    }

    /// What pushes to this bundle's repository are signed with; `None` when the settings name no secret.
    pub(crate) fn hook_secret(&self, bundle: &Bundle) -> Result<Option<String>> {
        let file = bundle.repository().map(|r| r.settings.hook_secret_file.as_str()).unwrap_or_default();
        if file.is_empty() { Ok(None) } else { secret_of(file).map(Some) }
    }
}
