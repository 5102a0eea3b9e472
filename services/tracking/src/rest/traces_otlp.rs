//! Spans as any instrument of OpenTelemetry sends them: OTLP over HTTP.

use super::{Answer, App};
use crate::traces::otlp;
use actix_web::http::{StatusCode, header};
use actix_web::web::Payload;
use actix_web::{HttpRequest, HttpResponse};
use artel_platform::Error;
use artel_platform::http::Workspace;
use bytes::BytesMut;
use futures::StreamExt;
use serde_json::{Value, json};

/// Largest body as it is sent.
const MAX_BODY: usize = 64 * 1024 * 1024;
const PROTOBUF: &str = "application/x-protobuf";
const JSON: &str = "application/json";

/// Spans by OTLP
#[utoipa::path(post, path = "/v1/traces", tag = "tracking",
    params(("x-mlflow-experiment-id" = String, Header), ("x-mlflow-run-id" = Option<String>, Header)),
    request_body(content = String, content_type = "application/x-protobuf"),
    responses((status = 200, description = "The spans are kept", content_type = "application/x-protobuf", body = String),
        (status = 400, description = "No request of OTLP"), (status = 422, description = "A span that is none, or no experiment is named")),
    security(("artel" = ["experiments"])))]
pub(super) async fn export(app: App, Workspace(workspace): Workspace, request: HttpRequest, mut payload: Payload) -> Answer {
    let given = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok());
    let Some(experiment_id) = given("x-mlflow-experiment-id") else {
        let missing = json!([{"type": "missing", "loc": ["header", "x-mlflow-experiment-id"], "msg": "Field required", "input": null}]);
        return refused(StatusCode::UNPROCESSABLE_ENTITY, missing);
    };
    let sent_as = given(header::CONTENT_TYPE.as_str());
    let media = sent_as.and_then(|kind| kind.split(';').next()).map(str::trim);
    if !matches!(media, Some(PROTOBUF | JSON)) {
        let shown = sent_as.unwrap_or("None");
        return bad(format!("Invalid Content-Type: {shown}. Expected: {PROTOBUF} or {JSON}"));
    }
    let mut body = BytesMut::new();
    while let Some(chunk) = payload.next().await {
        let chunk = chunk.map_err(|e| Error::invalid("the request body broke off").because(e.to_string()))?;
        if body.len() + chunk.len() > MAX_BODY {
            return refused(StatusCode::PAYLOAD_TOO_LARGE, format!("the request body is larger than {MAX_BODY} bytes").into());
        }
        body.extend_from_slice(&chunk);
    }
    let mut body = body.freeze();
    if let Some(encoding) = given(header::CONTENT_ENCODING.as_str()).filter(|e| !e.is_empty()) {
        match otlp::unpack(&body, &encoding.to_ascii_lowercase()) {
            Ok(unpacked) => body = unpacked.into(),
            Err(why) => return bad(why),
        }
    }
    let Some(told) = otlp::parse(&body, media == Some(JSON)) else { return bad("Invalid OpenTelemetry format".into()) };
    if told.resource_spans.is_empty() {
        return bad("Invalid OpenTelemetry format - no spans found".into());
    }
    let Some(spans) = otlp::spans(&told) else {
        return refused(StatusCode::UNPROCESSABLE_ENTITY, "Cannot convert OpenTelemetry span to MLflow span".into());
    };
    let mut completed: Vec<String> = spans.iter().filter(|s| s.span.parent_span_id.is_none()).map(|s| s.trace_id.clone()).collect();
    completed.dedup();
    app.log_spans(&workspace, experiment_id, spans).await?;
    if let Some(run_id) = given("x-mlflow-run-id").filter(|id| !id.is_empty()) {
        for chunk in completed.chunks(100) {
            // the spans are kept: a run that is not there is no reason for the instrument to send them again
            if let Err(error) = app.link_traces_to_run(&workspace, chunk, run_id).await {
                tracing::warn!(error = %error, run_id, "traces could not be linked to the run that their sender names");
                break;
            }
        }
    }
    Ok(HttpResponse::Ok().content_type(PROTOBUF).finish())
}

fn bad(why: String) -> Answer {
    refused(StatusCode::BAD_REQUEST, why.into())
}

/// The form of FastAPI's errors.
fn refused(status: StatusCode, detail: Value) -> Answer {
    Ok(HttpResponse::build(status).content_type(JSON).body(json!({ "detail": detail }).to_string()))
}
