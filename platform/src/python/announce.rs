//! Tells the suite how environments are getting on, so that people see it wherever they look.

use super::{Environments, Progress};
use crate::db::Db;
use artel_proto::artel::platform::v1::EnvironmentProgress;
use std::collections::HashMap;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// An installer prints many lines a second; people read two.
const PAUSE: Duration = Duration::from_millis(500);

/// Emits an event through `db`'s outbox at each change of an environment of this process, until `stop`.
pub async fn announce(environments: Environments, db: Db, service: &'static str, stop: CancellationToken) {
    let mut progress = environments.progress();
    let mut told: HashMap<String, Progress> = HashMap::new();
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            changed = progress.changed() => if changed.is_err() { return },
        }
        let now = progress.borrow_and_update().clone();
        for state in now {
            if told.get(&state.hash) == Some(&state) {
                continue;
            }
            if let Err(error) = tell(&db, service, &state).await {
                tracing::debug!(error = %error.chain(), "environment progress not told");
            }
            told.insert(state.hash.clone(), state);
        }
        tokio::time::sleep(PAUSE).await;
    }
}

async fn tell(db: &Db, service: &str, state: &Progress) -> crate::Result<()> {
    let mut tx = db.begin().await?;
    tx.emit(&EnvironmentProgress {
        name: state.name.clone(),
        hash: state.hash.clone(),
        state: state.state.into(),
        message: state.message.clone(),
        service: service.into(),
    });
    tx.commit().await
}
