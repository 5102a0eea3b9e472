//! The REST API of the routes: `/api/routes[/PATH]`. Statuses and bodies are CHP's.

use super::workers::{Handler, Peer};
use super::{Shared, address, answers};
use crate::proxy::Body;
use bytes::Bytes;
use chrono::{DateTime, NaiveDate, NaiveDateTime, Utc};
use http::{Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::Incoming;
use serde_json::{Map, Value};
use std::sync::Arc;
use subtle::ConstantTimeEq;

/// Largest body; a route's data is a few hundred bytes.
const BODY: usize = 1024 * 1024;

#[derive(Clone)]
pub(super) struct Api {
    shared: Arc<Shared>,
}

impl Handler for Api {
    async fn answer(&self, request: Request<Incoming>, _: Peer) -> Response<Body> {
        let (method, path) = (request.method().clone(), request.uri().path().to_owned());
        let response = self.respond(request, &path).await;
        let status = response.status();
        self.shared.metrics.api(status);
        match status.as_u16() {
            ..400 => tracing::info!("{} {method} {path}", status.as_u16()),
            400..500 => tracing::warn!("{} {method} {path}", status.as_u16()),
            _ => tracing::error!("{} {method} {path}", status.as_u16()),
        }
        response
    }
}

impl Api {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    async fn respond(&self, request: Request<Incoming>, path: &str) -> Response<Body> {
        let Some(path) = path.strip_prefix("/api/routes").filter(|rest| rest.is_empty() || rest.starts_with('/')) else {
            return answers::text(StatusCode::NOT_FOUND, answers::reason(StatusCode::NOT_FOUND));
        };
        let method = request.method().clone();
        if !matches!(method, Method::GET | Method::POST | Method::DELETE) {
            return answers::text(StatusCode::METHOD_NOT_ALLOWED, "Method not supported");
        }
        if !self.may(&request) {
            return answers::bare(StatusCode::FORBIDDEN);
        }
        let Ok(path) = address::decode(path) else {
            return wrong(format!("the path {path:?} is not percent-encoded text"));
        };
        match method {
            Method::GET => self.get(&path, request.uri().query().unwrap_or_default()),
            Method::POST => self.post(&path, request.into_body()).await,
            _ => self.delete(&path),
        }
    }

    /// `Authorization: token …`.
    fn may(&self, request: &Request<Incoming>) -> bool {
        let Some(expected) = &self.shared.options.auth_token else { return true };
        let shown = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let mut words = shown.split_ascii_whitespace().skip_while(|word| *word != "token").skip(1);
        words.next().is_some_and(|shown| shown.as_bytes().ct_eq(expected.as_bytes()).into())
    }

    fn get(&self, path: &str, query: &str) -> Response<Body> {
        if !matches!(path, "" | "/") {
            return match self.shared.routes.get(path) {
                Some(route) => answers::json(&route),
                None => answers::bare(StatusCode::NOT_FOUND),
            };
        }
        let asked = ["inactiveSince", "inactive_since"].into_iter().find_map(|name| {
            let value = url::form_urlencoded::parse(query.as_bytes()).find(|(n, _)| n == name);
            value.map(|(_, value)| value.into_owned()).filter(|value| !value.is_empty())
        });
        let since = match asked {
            None => None,
            Some(text) => match date(&text) {
                Some(date) => Some(date.timestamp_millis()),
                None => return wrong(format!("Invalid datestamp '{text}' must be ISO8601.")),
            },
        };
        self.shared.metrics.route_get();
        answers::json(&Value::Object(self.shared.routes.list(since)))
    }

    async fn post(&self, path: &str, body: Incoming) -> Response<Body> {
        let body: Bytes = match Limited::new(body, BODY).collect().await {
            Ok(body) => body.to_bytes(),
            Err(error) if error.is::<LengthLimitError>() => {
                return answers::text(StatusCode::PAYLOAD_TOO_LARGE, format!("a route may have {BODY} bytes"));
            }
            Err(error) => return wrong(format!("the body broke off: {error}")),
        };
        let data: Map<String, Value> = match serde_json::from_slice(&body) {
            Ok(Value::Object(data)) => data,
            // no object has no target
            Ok(_) => Map::new(),
            Err(error) => return wrong(format!("Body not valid JSON: {error}")),
        };
        if let Err(error) = self.shared.routes.add(path, data) {
            return wrong(error.message);
        }
        self.shared.metrics.route_add();
        answers::bare(StatusCode::CREATED)
    }

    fn delete(&self, path: &str) -> Response<Body> {
        let was_there = self.shared.routes.remove(path);
        self.shared.metrics.route_delete();
        answers::bare(if was_there { StatusCode::NO_CONTENT } else { StatusCode::NOT_FOUND })
    }
}

fn wrong(text: String) -> Response<Body> {
    answers::text(StatusCode::BAD_REQUEST, text)
}

/// ISO 8601; without an offset it is UTC. A `+` that was not encoded has become a blank.
fn date(text: &str) -> Option<DateTime<Utc>> {
    let text = text.trim().replace(' ', "+");
    let text = text.as_str();
    if let Ok(date) = DateTime::parse_from_rfc3339(text) {
        return Some(date.to_utc());
    }
    let time = ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%dT%H:%M", "%Y-%m-%d+%H:%M:%S%.f"]
        .iter()
        .find_map(|form| NaiveDateTime::parse_from_str(text, form).ok());
    let day = || NaiveDate::parse_from_str(text, "%Y-%m-%d").ok().and_then(|day| day.and_hms_opt(0, 0, 0));
    time.or_else(day).map(|time| time.and_utc())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_iso_8601() {
        for text in [
            "2026-01-02T03:04:05.000Z",
            "2026-01-02T03:04:05+00:00",
            "2026-01-02T03:04:05 00:00",
            "2026-01-02T03:04:05",
            "2026-01-02 03:04:05",
            "2026-01-02T05:04:05.0+02:00",
        ] {
            assert_eq!(date(text).map(|d| d.timestamp()), Some(1_767_323_045), "{text}");
        }
        assert_eq!(date("2026-01-02").map(|d| d.timestamp()), Some(1_767_312_000));
        assert_eq!(date("1970-01-01T00:00:00.001Z").map(|d| d.timestamp_millis()), Some(1));
        for text in ["endoftheuniverse", "", "2026-13-01"] {
            assert_eq!(date(text), None, "{text}");
        }
    }
}
