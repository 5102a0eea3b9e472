//! What has to be looked at now and then: credentials that have expired, and servers whose row was removed or changed
//! by another process (the command line, a replica).

use crate::Hub;
use crate::store::{codes, servers, sessions, shares, tokens};
use artel_platform::Result;
use std::collections::HashSet;
use std::time::Duration;

/// How often rows are compared with the processes that are kept here.
const COMPARE: Duration = Duration::from_secs(5);
/// After how many comparisons expired credentials are removed.
const EXPIRE_AFTER: u32 = 720;

impl Hub {
    pub(crate) async fn sweep(&self) {
        let mut rounds = 0;
        loop {
            if rounds % EXPIRE_AFTER == 0
                && let Err(error) = self.remove_expired().await
            {
                tracing::warn!(error = %error.chain(), "expired credentials not removed");
            }
            tokio::select! {
                () = self.cx.stop.cancelled() => return,
                () = tokio::time::sleep(COMPARE) => rounds += 1,
            }
            if let Err(error) = self.end_forgotten().await {
                tracing::warn!(error = %error.chain(), "servers not compared");
            }
        }
    }

    async fn remove_expired(&self) -> Result<()> {
        let now = self.cx.clock.now();
        let mut tx = self.db.begin().await?;
        sessions::delete_expired(&mut tx, now).await?;
        tokens::delete_expired(&mut tx, now).await?;
        codes::delete_expired(&mut tx, now).await?;
        shares::delete_expired(&mut tx, now).await?;
        tx.commit().await
    }

    /// Ends processes of launches that the table no longer wants.
    async fn end_forgotten(&self) -> Result<()> {
        let kept = self.spawner.kept();
        if kept.is_empty() {
            return Ok(());
        }
        let wanted: HashSet<String> =
            servers::active(&self.db).await?.into_iter().filter(|s| s.state != servers::State::Stopping).map(|s| s.launch).collect();
        for launch in kept.iter().filter(|launch| !wanted.contains(*launch)) {
            self.spawner.order_stop(launch);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use crate::Hub;
    use artel_platform::testkit::{Engine, fixture};

    #[tokio::test]
    async fn a_launch_is_forgotten_only_after_the_table_had_it() {
        let fixture = fixture(Engine::Sqlite).await.unwrap();
        let hub = Hub::open(&fixture.cx).await.unwrap();
        let order = hub.spawner.enter("a launch");
        hub.end_forgotten().await.unwrap();
        assert!(!order.is_cancelled(), "its transaction is under way");
        hub.spawner.note_in_table("a launch");
        hub.end_forgotten().await.unwrap();
        assert!(order.is_cancelled());
    }
}
