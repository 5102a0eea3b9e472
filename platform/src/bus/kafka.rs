//! The bus over Kafka: a relay per outbox publishes in order (idempotent, acks=all, keyed by aggregate); consumers
//! commit their offset after handling. While the brokers are away events wait in the outbox and writes go on.

use super::consumer::Consumer;
use super::namespace::Namespace;
use super::{Envelope, outbox};
use crate::db::Db;
use crate::error::{Result, ResultExt};
use artel_proto::event::TOPICS;
use bytes::Bytes;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::config::ClientConfig;
use rdkafka::consumer::{CommitMode, Consumer as _, StreamConsumer};
use rdkafka::message::{BorrowedMessage, Header, Headers, Message, OwnedHeaders};
use rdkafka::producer::{FutureProducer, FutureRecord};
use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::broadcast;
use tokio_util::sync::CancellationToken;

const BATCH: i64 = 500;
const SWEEP: Duration = Duration::from_secs(5);
const PARTITIONS: i32 = 6;

#[derive(Clone)]
pub(super) struct Kafka {
    config: ClientConfig,
    namespace: Namespace,
}

impl Kafka {
    /// `address` is `HOST:PORT[,HOST:PORT][/NAMESPACE]`.
    pub(super) fn new(address: &str) -> Result<Self> {
        let (brokers, namespace) = Namespace::of(address)?;
        let mut config = ClientConfig::new();
        config
            .set("bootstrap.servers", brokers)
            .set("client.id", "artel")
            .set("reconnect.backoff.max.ms", "2000")
            .set("topic.metadata.refresh.interval.ms", "10000")
            .set("log_level", "3");
        Ok(Self { config, namespace })
    }

    fn producer(&self) -> Result<FutureProducer> {
        let mut config = self.config.clone();
        config
            .set("enable.idempotence", "true")
            .set("acks", "all")
            .set("linger.ms", "2")
            .set("message.timeout.ms", "30000")
            .set("compression.type", "lz4");
        config.create().or_internal("cannot make a Kafka producer")
    }

    fn consumer(&self, group: &str, from: &str, commit: bool) -> Result<StreamConsumer> {
        let mut config = self.config.clone();
        config
            .set("group.id", self.namespace.outside(group))
            .set("auto.offset.reset", from)
            .set("enable.auto.commit", if commit { "true" } else { "false" })
            .set("allow.auto.create.topics", "true")
            .set("session.timeout.ms", "10000")
            .set("fetch.wait.max.ms", "100");
        config.create().or_internal("cannot make a Kafka consumer")
    }

    /// What `topics` are called on the brokers.
    fn names(&self, topics: &[&str]) -> Vec<String> {
        topics.iter().map(|topic| self.namespace.outside(topic)).collect()
    }

    fn subscribe(&self, stream: &StreamConsumer, topics: &[&str]) -> Result<()> {
        let names = self.names(topics);
        stream.subscribe(&names.iter().map(String::as_str).collect::<Vec<_>>()).or_unavailable("cannot subscribe")
    }

    pub(super) async fn ping(&self) -> Result<()> {
        let consumer: rdkafka::consumer::BaseConsumer = self.config.create().or_internal("cannot make a Kafka client")?;
        let asked = tokio::task::spawn_blocking(move || consumer.fetch_metadata(None, Duration::from_secs(5)).map(drop)).await;
        asked.or_internal("the check was cut off")?.or_unavailable("cannot reach Kafka; is a broker running there?")
    }

    /// Makes the suite's topics; waits for a broker as long as it takes.
    async fn ensure_topics(&self, stop: &CancellationToken) {
        loop {
            match self.create_topics().await {
                Ok(()) => return,
                Err(error) => tracing::warn!(error = %error.chain(), "Kafka does not answer yet; events wait in the database"),
            }
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(Duration::from_secs(1)) => {}
            }
        }
    }

    async fn create_topics(&self) -> Result<()> {
        let admin: AdminClient<_> = self.config.create().or_internal("cannot make a Kafka client")?;
        let names = self.names(TOPICS);
        let topics: Vec<NewTopic<'_>> = names.iter().map(|t| NewTopic::new(t, PARTITIONS, TopicReplication::Fixed(-1))).collect();
        let results = admin.create_topics(&topics, &AdminOptions::new().operation_timeout(Some(Duration::from_secs(10)))).await;
        for result in results.or_unavailable("cannot reach Kafka")? {
            match result {
                Ok(_) | Err((_, rdkafka::types::RDKafkaErrorCode::TopicAlreadyExists)) => {}
                Err((topic, code)) => return Err(crate::Error::unavailable(format!("cannot make the topic {topic}: {code}"))),
            }
        }
        Ok(())
    }
}

/// Publishes `source`'s outbox until `stop`. Of several replicas on PostgreSQL one relays at a time.
pub(super) async fn relay(kafka: Kafka, source: Db, stop: CancellationToken) {
    kafka.ensure_topics(&stop).await;
    while !stop.is_cancelled() {
        let result = match relay_lock(&source).await {
            Ok(Some(lock)) => publish_until_failure(&kafka, &source, lock, &stop).await,
            Ok(None) => Ok(()),
            Err(error) => Err(error),
        };
        if let Err(error) = result {
            tracing::warn!(service = source.outbox().service(), error = %error.chain(), "events wait in the outbox");
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(Duration::from_secs(1)) => {}
        }
    }
}

/// Held while relaying: a PostgreSQL session lock, or nothing where there is only one process.
type RelayLock = Option<sqlx::pool::PoolConnection<sqlx::Postgres>>;

async fn relay_lock(source: &Db) -> Result<Option<RelayLock>> {
    let Some(mut connection) = source.session().await? else { return Ok(Some(None)) };
    let name = format!("artel relay {}", source.outbox().service());
    let held: bool = sqlx::query_scalar("SELECT pg_try_advisory_lock(hashtext($1))").bind(name).fetch_one(&mut *connection).await?;
    // closed, not returned to the pool, when the relay ends: the session lock ends with it
    connection.close_on_drop();
    Ok(held.then_some(Some(connection)))
}

async fn publish_until_failure(kafka: &Kafka, source: &Db, mut lock: RelayLock, stop: &CancellationToken) -> Result<()> {
    let producer = kafka.producer()?;
    loop {
        let events = outbox::waiting(source, BATCH, &HashSet::new()).await?;
        let more = events.len() as i64 == BATCH;
        if !events.is_empty() {
            let topics: Vec<_> = events.iter().map(|e| kafka.namespace.outside(&e.topic)).collect();
            let records = events.iter().zip(&topics).map(|(event, topic)| record(event, topic));
            let sent: Vec<_> = records.map(|r| producer.send_result(r).map_err(|(e, _)| e)).collect();
            let mut published = Vec::with_capacity(events.len());
            let mut failure = None;
            for (event, sent) in events.iter().zip(sent) {
                match sent {
                    Ok(delivery) => match delivery.await {
                        Ok(Ok(_)) => published.push(event.id.as_str()),
                        Ok(Err((e, _))) => failure = Some(e),
                        Err(_) => {}
                    },
                    Err(e) => failure = Some(e),
                }
            }
            outbox::remove(source, &published).await?;
            if let Some(error) = failure {
                return Err(crate::Error::unavailable("Kafka did not take an event").because(error));
            }
        }
        if let Some(connection) = &mut lock {
            sqlx::query("SELECT 1").execute(&mut **connection).await?;
        }
        if !more {
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                _ = source.outbox().changed(SWEEP) => {}
            }
        }
    }
}

fn record<'a>(event: &'a Envelope, topic: &'a str) -> FutureRecord<'a, str, [u8]> {
    let header = |key, value| Header { key, value: Some(value) };
    let mut headers = OwnedHeaders::new()
        .insert(header("ce_specversion", "1.0"))
        .insert(header("ce_id", event.id.as_str()))
        .insert(header("ce_type", event.kind.as_str()))
        .insert(header("ce_source", event.topic.as_str()))
        .insert(header("content-type", "application/protobuf"));
    if let Some(trace) = &event.traceparent {
        headers = headers.insert(header("traceparent", trace.as_str()));
    }
    FutureRecord::to(topic).key(event.key.as_str()).payload(&event.payload[..]).timestamp(event.time).headers(headers)
}

/// Runs `consumer` on its topics until `stop`.
pub(super) async fn consume(kafka: Kafka, consumer: Arc<Consumer>, stop: CancellationToken) {
    kafka.ensure_topics(&stop).await;
    while !stop.is_cancelled() {
        if let Err(error) = consume_until_failure(&kafka, &consumer, &stop).await {
            tracing::warn!(consumer = %consumer.name, error = %error.chain(), "cannot read events; will try again");
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    }
}

async fn consume_until_failure(kafka: &Kafka, consumer: &Consumer, stop: &CancellationToken) -> Result<()> {
    let stream = kafka.consumer(&format!("artel-{}", consumer.name), "earliest", false)?;
    kafka.subscribe(&stream, &consumer.topics())?;
    loop {
        let message = tokio::select! {
            () = stop.cancelled() => return Ok(()),
            message = stream.recv() => match message {
                Ok(message) => message,
                Err(error) => {
                    // librdkafka reconnects by itself; this only tells that it is trying
                    tracing::debug!(%error, "no event from Kafka");
                    tokio::time::sleep(Duration::from_millis(200)).await;
                    continue;
                }
            },
        };
        let event = envelope(&message, &kafka.namespace);
        if consumer.wants(&event) && !consumer.handle(&event, stop).await {
            return Ok(());
        }
        if let Err(error) = stream.commit_message(&message, CommitMode::Async) {
            tracing::debug!(%error, "offset not committed; the event may come again");
        }
    }
}

/// Feeds every event from now on to the process's live listeners.
pub(super) async fn feed_live(kafka: Kafka, live: broadcast::Sender<Envelope>, stop: CancellationToken) {
    kafka.ensure_topics(&stop).await;
    let group = format!("artel-live-{}", uuid::Uuid::new_v4());
    let stream = match kafka.consumer(&group, "latest", false).and_then(|s| kafka.subscribe(&s, TOPICS).map(|()| s)) {
        Ok(stream) => stream,
        Err(error) => {
            tracing::error!(error = %error.chain(), "no live events");
            return;
        }
    };
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            message = stream.recv() => match message {
                Ok(message) => { let _ = live.send(envelope(&message, &kafka.namespace)); }
                Err(_) => tokio::time::sleep(Duration::from_millis(200)).await,
            },
        }
    }
}

fn envelope(message: &BorrowedMessage<'_>, namespace: &Namespace) -> Envelope {
    let header = |name: &str| {
        let headers = message.headers()?;
        let found = headers.iter().find(|h| h.key == name)?;
        found.value.map(|v| String::from_utf8_lossy(v).into_owned())
    };
    let place = || format!("{}/{}/{}", message.topic(), message.partition(), message.offset());
    Envelope {
        id: header("ce_id").unwrap_or_else(place),
        topic: namespace.inside(message.topic()).into(),
        kind: header("ce_type").unwrap_or_default(),
        key: message.key().map(|k| String::from_utf8_lossy(k).into_owned()).unwrap_or_default(),
        payload: Bytes::copy_from_slice(message.payload().unwrap_or_default()),
        time: message.timestamp().to_millis().unwrap_or_default(),
        traceparent: header("traceparent"),
    }
}
