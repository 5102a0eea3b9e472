//! Moves complete logs from their pieces in the database to the artifact service.

use crate::Scheduler;
use crate::logs::CHUNKS;
use crate::objects::WORKSPACE;
use crate::store::logs::{self, TaskLog};
use crate::store::objects;
use artel_platform::{Error, Result};
use artel_proto::artel::artifact::v1::{PutHeader, PutManyRequest, PutRequest, SmallFile, put_request};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

/// A log that nobody finished is stored after this time without a new line.
const SILENCE: i64 = 30 * 60 * 1000;
/// How often logs are stored that could not be stored at once.
const SWEEP: Duration = Duration::from_secs(20);
/// How long a complete log waits for others that are stored with it.
const GATHER: Duration = Duration::from_secs(10);
/// A longer log, in bytes, is stored by itself.
const SHORT: i64 = 128 * 1024;
const CONTENT_TYPE: &str = "application/x-ndjson";

impl Scheduler {
    /// Starts the task that moves complete logs to the artifact service.
    pub(crate) fn start_log_keeper(self: &Arc<Self>) {
        let scheduler = self.clone();
        self.cx.spawn("store logs", async move {
            loop {
                tokio::select! {
                    () = scheduler.cx.stop.cancelled() => return,
                    () = scheduler.log_complete.notified() => scheduler.gather_logs().await,
                    () = tokio::time::sleep(SWEEP) => {}
                }
                if let Err(error) = scheduler.store_logs().await {
                    tracing::warn!(error = %error.chain(), "task logs stay in the database for now");
                }
                if let Err(error) = scheduler.sweep_objects().await {
                    tracing::warn!(error = %error.chain(), "objects that are no longer needed stay for now");
                }
            }
        });
    }

    /// Lets more logs come to their end.
    async fn gather_logs(&self) {
        tokio::select! {
            () = self.cx.stop.cancelled() => {}
            () = tokio::time::sleep(GATHER) => {}
        }
    }

    /// Moves what is complete.
    pub(crate) async fn store_logs(&self) -> Result<()> {
        loop {
            let waiting = logs::to_store(&self.db, self.cx.clock.now() - SILENCE).await?;
            if waiting.is_empty() {
                return Ok(());
            }
            let (short, long): (Vec<_>, Vec<_>) = waiting.iter().partition(|log| log.size <= SHORT);
            if !short.is_empty()
                && let Err(error) = self.store_short_logs(&short).await
            {
                tracing::debug!(error = %error.chain(), "task logs are not stored together but one by one");
                self.store_each(short).await?;
            }
            self.store_each(long).await?;
        }
    }

    /// Stores what can be stored; one that cannot is no hindrance to the others.
    async fn store_each(&self, logs: Vec<&TaskLog>) -> Result<()> {
        let mut outcome = Ok(());
        for log in logs {
            if let Err(error) = self.store_log(log).await {
                outcome = Err(error);
            }
        }
        outcome
    }

    async fn store_short_logs(&self, short: &[&TaskLog]) -> Result<()> {
        let ids: Vec<&str> = short.iter().map(|log| log.ti_id.as_str()).collect();
        let mut texts: HashMap<String, Vec<u8>> = HashMap::new();
        for (id, data) in logs::all_chunks(&self.db, &ids).await? {
            texts.entry(id).or_default().extend(data);
        }
        let sizes: Vec<(&str, i64)> = ids.iter().map(|id| (*id, texts.get(*id).map_or(0, Vec::len) as i64)).collect();
        let file = |log: &&TaskLog| SmallFile {
            path: log.path.clone(),
            content_type: CONTENT_TYPE.into(),
            data: texts.remove(&log.ti_id).unwrap_or_default().into(),
        };
        let files = short.iter().map(file).collect();
        self.cx.peers.artifact().put_many(PutManyRequest { workspace: WORKSPACE.into(), files }).await?;
        let mut tx = self.db.begin().await?;
        let known = logs::all_stored(&mut tx, &sizes).await?;
        // the run of the others was removed meanwhile
        for log in short.iter().filter(|log| !known.contains(&log.ti_id)) {
            objects::doom(&mut tx, &log.path, 0).await?;
        }
        tx.commit().await
    }

    async fn store_log(&self, log: &TaskLog) -> Result<()> {
        let (send, receive) = tokio::sync::mpsc::channel::<PutRequest>(4);
        let header = PutHeader { workspace: WORKSPACE.into(), path: log.path.clone(), content_type: CONTENT_TYPE.into() };
        let (db, ti_id) = (self.db.clone(), log.ti_id.clone());
        let feed = async move {
            let mut size = 0;
            let part = |part| PutRequest { part: Some(part) };
            let closed = |_| Error::unavailable("the artifact service stopped reading a log");
            send.send(part(put_request::Part::Header(header))).await.map_err(closed)?;
            let mut from = 0;
            loop {
                let chunks = logs::chunks(&db, &ti_id, from, CHUNKS).await?;
                let end = (chunks.len() as i64) < CHUNKS;
                for (start, data) in chunks {
                    from = start + data.len() as i64;
                    size += data.len() as i64;
                    send.send(part(put_request::Part::Data(data.into()))).await.map_err(closed)?;
                }
                if end {
                    return Ok::<i64, Error>(size);
                }
            }
        };
        let mut artifact = self.cx.peers.artifact();
        let put = artifact.put(tokio_stream::wrappers::ReceiverStream::new(receive));
        let (fed, stored) = tokio::join!(feed, put);
        stored?;
        let size = fed?;
        let mut tx = self.db.begin().await?;
        if !logs::stored(&mut tx, &log.ti_id, size).await? {
            // its run was removed meanwhile
            objects::doom(&mut tx, &log.path, 0).await?;
        }
        tx.commit().await
    }
}
