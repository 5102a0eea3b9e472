//! A start as it goes on, as server-sent events.

use crate::Hub;
use crate::names;
use crate::permit::Over;
use crate::store::servers::{self, Server, State};
use actix_web::http::header;
use actix_web::{HttpResponse, web};
use artel_platform::{Error, Identity, Result};
use bytes::Bytes;
use futures::Stream;
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

/// After this long without an event an empty one is sent, for proxies that close quiet connections.
const KEEP_ALIVE: Duration = Duration::from_secs(8);

/// The start of the default server.
#[utoipa::path(get, path = "/hub/api/users/{name}/server/progress", tag = "hub", params(("name" = String, Path)), responses((status = 200, content_type = "text/event-stream"), (status = 400), (status = 404)), security(("artel" = ["read:servers"])))]
pub(super) async fn default_server(hub: web::Data<Hub>, who: Identity, name: web::Path<String>) -> Result<HttpResponse> {
    hub.into_inner().progress(&who, &name, "").await
}

/// The start of a named server.
#[utoipa::path(get, path = "/hub/api/users/{name}/servers/{server}/progress", tag = "hub", params(("name" = String, Path), ("server" = String, Path)), responses((status = 200, content_type = "text/event-stream"), (status = 400), (status = 404)), security(("artel" = ["read:servers"])))]
pub(super) async fn named_server(hub: web::Data<Hub>, who: Identity, at: web::Path<(String, String)>) -> Result<HttpResponse> {
    hub.into_inner().progress(&who, &at.0, &at.1).await
}

impl Hub {
    async fn progress(self: Arc<Self>, who: &Identity, user: &str, name: &str) -> Result<HttpResponse> {
        self.allow(who, &["read:servers"], Over::Server(user, name)).await?;
        let server = self.server_or_default(user, name).await?;
        if matches!(server.state, State::Stopped | State::Stopping) {
            return Err(Error::invalid(format!("{} is not starting...", names::full(user, name))));
        }
        Ok(HttpResponse::Ok()
            .content_type("text/event-stream")
            .insert_header((header::CACHE_CONTROL, "no-cache"))
            .insert_header(("x-accel-buffering", "no"))
            .streaming(events(Follower::new(self, server))))
    }
}

/// One listener's place in a start.
struct Follower {
    hub: Arc<Hub>,
    user: String,
    name: String,
    launch: String,
    changes: tokio::sync::watch::Receiver<u64>,
    /// The last step that was sent: how many there were is no measure, old ones are dropped.
    sent: Option<servers::Step>,
    ready_to_send: VecDeque<Value>,
    over: bool,
}

impl Follower {
    fn new(hub: Arc<Hub>, server: Server) -> Self {
        let changes = hub.changes.subscribe();
        let mut follower = Self {
            hub,
            user: server.user.clone(),
            name: server.name.clone(),
            launch: server.launch.clone(),
            changes,
            sent: None,
            ready_to_send: VecDeque::new(),
            over: false,
        };
        follower.take(Some(server));
        follower
    }

    /// Notes what is new of the server as it is now.
    fn take(&mut self, server: Option<Server>) {
        let Some(server) = server.filter(|s| s.launch == self.launch) else { return self.end(failed("Spawn cancelled", None)) };
        let new = match &self.sent {
            Some(sent) => server.steps.iter().rposition(|s| s == sent).map_or(0, |at| at + 1),
            None => 0,
        };
        for step in &server.steps[new..] {
            self.ready_to_send.push_back(json!({ "progress": step.progress, "message": step.message }));
        }
        self.sent = server.steps.last().cloned().or(self.sent.take());
        match server.state {
            State::Pending => {}
            State::Ready => {
                let url = names::prefix(&self.user, &self.name);
                let link = format!("Server ready at <a href=\"{url}\">{url}</a>");
                self.end(json!({ "progress": 100, "ready": true, "message": format!("Server ready at {url}"), "html_message": link, "url": url }));
            }
            State::Failed => {
                let message = format!("Spawn failed: {}", server.failure.as_deref().unwrap_or("the reason is not known"));
                self.end(failed(&message, server.log_tail.as_deref()));
            }
            State::Stopping | State::Stopped => self.end(failed("Spawn cancelled", None)),
        }
    }

    fn end(&mut self, event: Value) {
        self.ready_to_send.push_back(event);
        self.over = true;
    }

    async fn next(&mut self) -> Option<Bytes> {
        loop {
            if let Some(event) = self.ready_to_send.pop_front() {
                return Some(Bytes::from(format!("data: {event}\n\n")));
            }
            if self.over || self.hub.cx.stop.is_cancelled() {
                return None;
            }
            self.changes.mark_unchanged();
            match servers::find(&self.hub.db, &self.user, &self.name).await {
                Ok(server) => self.take(server),
                Err(error) => self.end(failed(&error.message, None)),
            }
            if !self.ready_to_send.is_empty() {
                continue;
            }
            let stop = self.hub.cx.stop.clone();
            tokio::select! {
                () = stop.cancelled() => return None,
                changed = tokio::time::timeout(KEEP_ALIVE, self.changes.changed()) => if changed.is_err() { return Some(Bytes::from_static(b"\n\n")) },
            }
        }
    }
}

fn failed(message: &str, log: Option<&str>) -> Value {
    let mut event = json!({ "progress": 100, "failed": true, "message": message });
    if let Some(log) = log {
        event["log"] = log.into();
    }
    event
}

fn events(follower: Follower) -> impl Stream<Item = std::result::Result<Bytes, std::convert::Infallible>> {
    futures::stream::unfold(follower, |mut follower| async move {
        let event = follower.next().await?;
        Some((Ok(event), follower))
    })
}
