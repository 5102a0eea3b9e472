//! Events from where they happen to whoever acts on them: at least once on the way, exactly once in effect.
//!
//! `tx.emit(&event)` writes an outbox row in the transaction of the change. Locally, each consumer tails the outbox
//! tables of its process, and what none of them waits for is not written; with Kafka a relay publishes the rows and
//! consumers read the topics. Either way a handler runs in a transaction of its own service that first notes
//! `(consumer, event id)` in `inbox`, so that a second delivery changes nothing.

mod consumer;
mod envelope;
mod kafka;
mod local;
mod namespace;
mod outbox;

pub use consumer::{Handler, on};
pub use envelope::Envelope;
pub use outbox::Outbox;

use crate::db::Db;
use crate::error::{Error, Result};
use std::sync::{Arc, Mutex};
use tokio::sync::broadcast;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// How many events a slow live listener may lag behind before it is told to start afresh.
const LIVE_BUFFER: usize = 4096;

/// The process's bus. Built once; cheap to clone.
#[derive(Clone)]
pub struct Bus(Arc<Inner>);

struct Inner {
    transport: Transport,
    sources: Mutex<Vec<Db>>,
    consumers: Mutex<Vec<Arc<consumer::Consumer>>>,
    live: broadcast::Sender<Envelope>,
}

enum Transport {
    Local,
    Kafka(kafka::Kafka),
}

impl Bus {
    /// `url` is `local` or `kafka://HOST:PORT[,HOST:PORT][/NAMESPACE]`; installations that share brokers need one each.
    pub fn open(url: &str) -> Result<Self> {
        let transport = match url.split_once("://") {
            None if url == "local" => Transport::Local,
            Some(("kafka", address)) => Transport::Kafka(kafka::Kafka::new(address)?),
            _ => return Err(Error::invalid(format!("bus {url:?} is not understood; give local or kafka://HOST:PORT"))),
        };
        let inner = Inner { transport, sources: Mutex::default(), consumers: Mutex::default(), live: broadcast::channel(LIVE_BUFFER).0 };
        Ok(Self(Arc::new(inner)))
    }

    /// Events of `db`'s transactions go out through this bus from now on.
    pub fn attach(&self, db: &Db) {
        if matches!(self.0.transport, Transport::Local) {
            db.outbox().set_live(self.0.live.clone());
        }
        self.0.sources.lock().expect("not poisoned").push(db.clone());
    }

    /// `handlers` act on events as the consumer group `name`, in transactions of `db`. Takes effect at [`Bus::run`].
    pub fn consume(&self, name: &str, db: &Db, handlers: Vec<Handler>) {
        self.0.consumers.lock().expect("not poisoned").push(Arc::new(consumer::Consumer::new(name, db.clone(), handlers)));
    }

    /// Does it answer? Always, locally; with Kafka when a broker names its topics within some seconds.
    pub async fn ping(&self) -> Result<()> {
        match &self.0.transport {
            Transport::Local => Ok(()),
            Transport::Kafka(kafka) => kafka.ping().await,
        }
    }

    /// Every event of the suite as it happens, for listeners that keep no place (the web app's event stream).
    pub fn live(&self) -> broadcast::Receiver<Envelope> {
        self.0.live.subscribe()
    }

    /// Starts the relays and consumers; they end when `stop` is cancelled. With `feed_live`, a process without the
    /// services (a gateway on its own) also receives every event for [`Bus::live`].
    pub fn run(&self, tasks: &TaskTracker, stop: &CancellationToken, feed_live: bool) {
        let sources = self.0.sources.lock().expect("not poisoned").clone();
        let consumers = self.0.consumers.lock().expect("not poisoned").clone();
        match &self.0.transport {
            Transport::Local => {
                for source in sources {
                    let all = consumers.clone();
                    source.outbox().set_wanted(move |event| all.iter().any(|consumer| consumer.wants(event)));
                    tasks.spawn(local::deliver(source, consumers.clone(), stop.clone()));
                }
            }
            Transport::Kafka(kafka) => {
                for source in sources {
                    tasks.spawn(kafka::relay(kafka.clone(), source, stop.clone()));
                }
                for consumer in consumers {
                    tasks.spawn(kafka::consume(kafka.clone(), consumer, stop.clone()));
                }
                if feed_live {
                    tasks.spawn(kafka::feed_live(kafka.clone(), self.0.live.clone(), stop.clone()));
                }
            }
        }
    }
}
