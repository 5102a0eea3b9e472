//! `/events`: what happens, as server-sent events. A listener that was away gets what it missed from a ring of the
//! last events, or `event: reset` when that is too long ago: then it fetches afresh.

use crate::native::Gateway;
use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};
use artel_platform::bus::Envelope;
use artel_platform::{Identity, Result};
use bytes::Bytes;
use futures::StreamExt;
use serde::Deserialize;
use serde_json::json;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;
use tokio::sync::broadcast;
use tokio_util::sync::CancellationToken;

const RING: usize = 4096;
/// How long an event may wait for those that come right after it.
const GATHER: Duration = Duration::from_millis(1);
/// Keeps connections open through proxies that close silent ones.
const PING: Duration = Duration::from_secs(15);

/// The last events of the suite.
#[derive(Clone)]
pub(crate) struct Events(Arc<Inner>);

struct Inner {
    ring: Mutex<VecDeque<Arc<Shown>>>,
    live: broadcast::Sender<Arc<Shown>>,
}

/// An event as listeners see it. It is written out for the first of them: mostly there is none.
pub(crate) struct Shown {
    event: Envelope,
    written: OnceLock<Option<Written>>,
}

struct Written {
    /// For events about one person: only they and administrators see it.
    user: Option<String>,
    text: Bytes,
}

impl Shown {
    /// `None` for a type that this version does not know.
    fn written(&self) -> Option<&Written> {
        self.written.get_or_init(|| Written::of(&self.event)).as_ref()
    }
}

impl Written {
    fn of(event: &Envelope) -> Option<Self> {
        let data = event.json()?;
        let of_person = event.topic.starts_with("hub.");
        let user = of_person.then(|| data.get("user").or(data.get("name")).and_then(|u| u.as_str()).unwrap_or_default().to_owned());
        let body = json!({"id": event.id, "topic": event.topic, "type": event.kind, "key": event.key, "time": event.time, "data": data});
        Some(Self { user, text: format!("id: {}\ndata: {body}\n\n", event.id).into() })
    }
}

impl Events {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Inner { ring: Mutex::default(), live: broadcast::channel(RING).0 }))
    }

    /// Fills the ring from the bus until `stop`; `each` sees every event first.
    pub(crate) async fn follow(self, mut bus: broadcast::Receiver<Envelope>, stop: CancellationToken, each: impl Fn(&Envelope)) {
        loop {
            let event = tokio::select! {
                () = stop.cancelled() => return,
                event = bus.recv() => event,
            };
            match event {
                Ok(event) => {
                    each(&event);
                    self.add(event);
                    // to be woken for each costs more than what is done for it
                    if bus.is_empty() {
                        tokio::time::sleep(GATHER).await;
                    }
                }
                // listeners cannot know what was lost: an empty ring makes them start afresh
                Err(broadcast::error::RecvError::Lagged(_)) => self.0.ring.lock().expect("not poisoned").clear(),
                Err(broadcast::error::RecvError::Closed) => return,
            }
        }
    }

    fn add(&self, event: Envelope) {
        let shown = Arc::new(Shown { event, written: OnceLock::new() });
        let mut ring = self.0.ring.lock().expect("not poisoned");
        if ring.len() == RING {
            ring.pop_front();
        }
        ring.push_back(shown.clone());
        let _ = self.0.live.send(shown);
    }

    /// What came after `last`, and the live rest. `None` for the past when `last` is not known any more.
    fn since(&self, last: Option<&str>) -> (Option<Vec<Arc<Shown>>>, broadcast::Receiver<Arc<Shown>>) {
        let ring = self.0.ring.lock().expect("not poisoned");
        let live = self.0.live.subscribe();
        let missed = match last {
            None => Some(vec![]),
            Some(last) => ring.iter().position(|shown| shown.event.id == last).map(|at| ring.iter().skip(at + 1).cloned().collect()),
        };
        (missed, live)
    }
}

/// What to listen to.
#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct EventsQuery {
    /// Topics, separated by commas; absent means all.
    topics: Option<String>,
}

/// Everything that happens, as server-sent events; resumes after `Last-Event-ID`.
#[utoipa::path(get, path = "/events", tag = "gateway", params(EventsQuery),
    responses((status = 200, description = "a stream of events", content_type = "text/event-stream", body = String)),
    security(("artel" = ["authenticated"])))]
pub(crate) async fn events(
    request: HttpRequest,
    query: web::Query<EventsQuery>,
    identity: Identity,
    gateway: web::Data<Gateway>,
) -> Result<HttpResponse> {
    let topics: Option<Vec<String>> = query.into_inner().topics.map(|t| t.split(',').map(Into::into).collect());
    let visible = move |topic: &str, of: &Written| {
        topics.as_ref().is_none_or(|t| t.iter().any(|t| t == topic))
            && (identity.admin || of.user.as_ref().is_none_or(|u| *u == identity.name))
    };
    let last = request.headers().get("last-event-id").and_then(|v| v.to_str().ok());
    let (missed, live) = gateway.events.since(last);
    let stream = futures::stream::unfold(
        Listener { missed: missed.map(Into::into), live, visible, stop: gateway.stop.clone() },
        |mut listener| async move {
            let next = listener.next().await?;
            Some((Ok::<_, std::io::Error>(next), listener))
        },
    );
    // the first bytes open the stream at once, also through proxies that wait for some
    let stream = futures::stream::once(std::future::ready(Ok(Bytes::from_static(b": listening\n\n")))).chain(stream);
    let mut response = HttpResponse::Ok();
    response
        .content_type("text/event-stream")
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .insert_header(("x-accel-buffering", "no"));
    Ok(response.streaming(stream))
}

struct Listener<V> {
    /// Still to be sent from the past; `None` means that the past is lost.
    missed: Option<VecDeque<Arc<Shown>>>,
    live: broadcast::Receiver<Arc<Shown>>,
    visible: V,
    stop: CancellationToken,
}

const RESET: Bytes = Bytes::from_static(b"event: reset\ndata: {}\n\n");

/// What a listener is sent of an event; `None` where it is not for its eyes.
fn shown_to(visible: impl Fn(&str, &Written) -> bool, shown: &Shown) -> Option<Bytes> {
    shown.written().filter(|written| visible(&shown.event.topic, written)).map(|written| written.text.clone())
}

impl<V: Fn(&str, &Written) -> bool> Listener<V> {
    async fn next(&mut self) -> Option<Bytes> {
        let Some(missed) = &mut self.missed else {
            self.missed = Some(VecDeque::new());
            return Some(RESET);
        };
        while let Some(event) = missed.pop_front() {
            if let Some(text) = shown_to(&self.visible, &event) {
                return Some(text);
            }
        }
        loop {
            tokio::select! {
                () = self.stop.cancelled() => return None,
                () = tokio::time::sleep(PING) => return Some(Bytes::from_static(b": ping\n\n")),
                event = self.live.recv() => match event {
                    Ok(event) => {
                        if let Some(text) = shown_to(&self.visible, &event) {
                            return Some(text);
                        }
                    }
                    Err(broadcast::error::RecvError::Lagged(_)) => return Some(RESET),
                    Err(broadcast::error::RecvError::Closed) => return None,
                },
            }
        }
    }
}
