//! A consumer group: typed handlers that run once per event, each in a transaction of the group's service.

use super::Envelope;
use crate::db::{Db, Tx};
use crate::error::{Code, Result};
use artel_proto::event::Event;
use futures::future::BoxFuture;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// How often a handler's failure is retried before the event is set aside (with its error, in `inbox`).
const ATTEMPTS: u32 = 8;

type Run = Arc<dyn for<'a> Fn(Envelope, &'a mut Tx) -> BoxFuture<'a, Result<()>> + Send + Sync>;

type Concerns = Arc<dyn Fn(&Envelope) -> bool + Send + Sync>;

/// What to do about one type of event.
#[derive(Clone)]
pub struct Handler {
    pub(super) topic: &'static str,
    kind: &'static str,
    concerns: Concerns,
    run: Run,
}

/// A handler for the event `E`. It writes only into `tx`, calls nobody and returns quickly: anything long is noted as
/// work to do and done by a task of the service that is woken after the commit.
pub fn on<E, F>(handle: F) -> Handler
where
    E: Event,
    F: for<'a> Fn(E, &'a mut Tx) -> BoxFuture<'a, Result<()>> + Send + Sync + 'static,
{
    let handle = Arc::new(handle);
    let run: Run = Arc::new(move |envelope: Envelope, tx: &mut Tx| match E::decode(envelope.payload.clone()) {
        Ok(event) => handle(event, tx),
        Err(e) => Box::pin(async move { Err(crate::Error::invalid("event payload cannot be decoded").because(e)) }),
    });
    Handler { topic: E::TOPIC, kind: E::TYPE, concerns: Arc::new(|_| true), run }
}

impl Handler {
    /// Only for those events that `concerns` says yes to: there is no transaction for the others, and locally they are not
    /// even written. For what most events are not meant for.
    pub fn of_those<E: Event>(mut self, concerns: impl Fn(&E) -> bool + Send + Sync + 'static) -> Self {
        // one that cannot be decoded is the handler's to complain of
        self.concerns = Arc::new(move |envelope| E::decode(envelope.payload.clone()).map_or(true, |event| concerns(&event)));
        self
    }

    fn wants(&self, event: &Envelope) -> bool {
        self.topic == event.topic && self.kind == event.kind && (self.concerns)(event)
    }
}

pub(super) struct Consumer {
    pub(super) name: String,
    db: Db,
    handlers: Vec<Handler>,
}

impl Consumer {
    pub(super) fn new(name: &str, db: Db, handlers: Vec<Handler>) -> Self {
        Self { name: name.into(), db, handlers }
    }

    /// The topics it needs, each once.
    pub(super) fn topics(&self) -> Vec<&'static str> {
        let mut topics: Vec<_> = self.handlers.iter().map(|h| h.topic).collect();
        topics.sort_unstable();
        topics.dedup();
        topics
    }

    pub(super) fn wants(&self, event: &Envelope) -> bool {
        self.handlers.iter().any(|handler| handler.wants(event))
    }

    /// Handles an event, retrying until it is done, hopeless, or `stop` is cancelled (then `false`: deliver again later).
    pub(super) async fn handle(&self, event: &Envelope, stop: &CancellationToken) -> bool {
        let mut delay = Duration::from_millis(50);
        let mut attempt = 0;
        loop {
            attempt += 1;
            let error = match self.handle_once(event).await {
                Ok(()) => return true,
                Err(error) => error,
            };
            // the service's own database being away is no fault of the event: wait as long as it takes
            let hopeless = error.code != Code::Unavailable && attempt >= ATTEMPTS;
            tracing::warn!(consumer = %self.name, event = %event.kind, id = %event.id, attempt, error = %error.chain(), "event not handled");
            if hopeless && self.set_aside(event, &error.chain()).await.is_ok() {
                tracing::error!(consumer = %self.name, event = %event.kind, id = %event.id, "event set aside after {attempt} attempts");
                return true;
            }
            tokio::select! {
                () = stop.cancelled() => return false,
                () = tokio::time::sleep(delay) => delay = (delay * 2).min(Duration::from_secs(10)),
            }
        }
    }

    async fn handle_once(&self, event: &Envelope) -> Result<()> {
        let mut tx = self.db.begin().await?;
        let fresh = tx
            .execute(
                "INSERT INTO inbox (consumer, id, time) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
                crate::args![&self.name, &event.id, event.time],
            )
            .await?;
        if fresh == 0 {
            return Ok(());
        }
        for handler in self.handlers.iter().filter(|handler| handler.wants(event)) {
            (handler.run)(event.clone(), &mut tx).await?;
        }
        tx.commit().await
    }

    async fn set_aside(&self, event: &Envelope, error: &str) -> Result<()> {
        let sql = "INSERT INTO inbox (consumer, id, time, error) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING";
        self.db.execute(sql, crate::args![&self.name, &event.id, event.time, error]).await.map(drop)
    }

    /// Forgets handled events older than `before` (milliseconds); a duplicate cannot come that late.
    pub(super) async fn forget(&self, before: i64) -> Result<()> {
        self.db
            .execute("DELETE FROM inbox WHERE consumer = $1 AND time < $2 AND error IS NULL", crate::args![&self.name, before])
            .await
            .map(drop)
    }
}
