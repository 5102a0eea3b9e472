//! Routes that answer with JSON or with text, as the caller wishes (airflow/api_fastapi/common/headers.py).

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse};
use serde_json::json;

/// In what form an answer is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Json,
    Text,
}

/// The form that `Accept` names; JSON where it names none.
pub(super) fn json_or_text(request: &HttpRequest) -> Option<Kind> {
    let accept = request.headers().get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or("*/*");
    if ["*/*", "application/json"].iter().any(|kind| accept.starts_with(kind)) {
        return Some(Kind::Json);
    }
    accept.starts_with("text/plain").then_some(Kind::Text)
}

/// The answer to who wishes for something else.
pub(super) fn neither() -> HttpResponse {
    HttpResponse::NotAcceptable().json(json!({"detail": "Only application/json or text/plain is supported"}))
}
