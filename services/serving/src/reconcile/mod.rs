//! Brings what serves to what is wished for. Woken by whatever changes a wish; a periodic look repairs what a lost
//! wake-up missed.

mod driver;
mod report;

use crate::Serving;
use crate::store;
use artel_platform::Result;
use driver::Driver;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

/// After this long a database that did not answer is asked again.
const RETRY: Duration = Duration::from_secs(1);

/// Runs until the process stops: one driver per endpoint.
pub(crate) async fn run(serving: Arc<Serving>) {
    let mut seen = HashMap::new();
    let mut repair = false;
    loop {
        let wait = match look(&serving, &mut seen, repair).await {
            Ok(()) => serving.settings.repair_every(),
            Err(error) => {
                tracing::warn!(error = %error.chain(), "endpoints wait, the database does not answer");
                RETRY
            }
        };
        tokio::select! {
            () = serving.cx.stop.cancelled() => return,
            () = serving.fleet.woken() => repair = false,
            () = tokio::time::sleep(wait) => repair = true,
        }
    }
}

/// Wakes the driver of each endpoint whose wish has changed, of all of them with `repair`. `seen` are their generations.
async fn look(serving: &Arc<Serving>, seen: &mut HashMap<String, i64>, repair: bool) -> Result<()> {
    let wishes = store::endpoints::wishes(&serving.db).await?;
    let ids: HashSet<&str> = wishes.iter().map(|wish| wish.id.as_str()).collect();
    serving.fleet.retain(|id| ids.contains(id));
    seen.retain(|id, _| ids.contains(id.as_str()));
    for wish in &wishes {
        let (member, new) = serving.fleet.member(&wish.workspace, &wish.name, &wish.id);
        if new {
            serving.cx.spawn("endpoint", Driver::new(serving.clone(), member.clone()).run());
        }
        if seen.insert(wish.id.clone(), wish.generation) != Some(wish.generation) || repair {
            member.wake.notify_one();
        }
    }
    Ok(())
}
