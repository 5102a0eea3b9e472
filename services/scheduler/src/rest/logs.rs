//! Logs of tries, as they stand: the continuation token goes on where this answer ends.

use super::collections::LogContent;
use super::query::Query;
use crate::Scheduler;
use crate::logs::LogPart;
use crate::states::TaskState;
use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};
use artel_platform::{Error, Result};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

/// The log of a try: JSON, or a line of JSON each with `Accept: application/x-ndjson`.
#[utoipa::path(get, path = "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances/{task_id}/logs/{try_number}", tag = "pipelines", params(("map_index" = Option<i64>, Query), ("token" = Option<String>, Query), ("full_content" = Option<bool>, Query)), responses((status = 200, body = LogContent)), security(("artel" = ["read:dags"])))]
pub(super) async fn get(
    scheduler: web::Data<Scheduler>,
    path: web::Path<(String, String, String, i64)>,
    request: HttpRequest,
) -> Result<HttpResponse> {
    let (dag_id, run_id, task_id, number) = path.into_inner();
    let query = Query::of(&request);
    let map_index = query.int("map_index")?.unwrap_or(-1);
    let instance = scheduler.try_of(&dag_id, &run_id, &task_id, map_index, number).await?;
    let from = query.get("token").filter(|t| !t.is_empty()).map(read_token).transpose()?.unwrap_or(0);
    // what waits for its first line has not finished; what never ran never will have one
    let finished = instance.state.is_some_and(|s| s.is_finished() || s == TaskState::UpForRetry);
    let part = scheduler.read_log(&instance.id, from, finished).await?;
    let mut lines = Vec::new();
    if from == 0 {
        let place = crate::logs::Place::of(&instance);
        lines.push(json!({"event": "::group::Log message source details", "sources": [place.object()]}));
        lines.push(json!({"event": "::endgroup::"}));
    }
    lines.extend(part.text.lines().filter(|l| !l.is_empty()).map(line));
    let token = (!part.end).then(|| write_token(&part));
    let wants_lines =
        request.headers().get(header::ACCEPT).and_then(|a| a.to_str().ok()).is_some_and(|a| a.starts_with("application/x-ndjson"));
    if wants_lines {
        let text: String = lines.iter().map(|l| format!("{l}\n")).collect();
        let mut response = HttpResponse::Ok();
        if let Some(token) = token {
            response.insert_header(("Airflow-Continuation-Token", token));
        }
        return Ok(response.content_type("application/x-ndjson").body(text));
    }
    Ok(HttpResponse::Ok().json(LogContent { content: lines, continuation_token: token }))
}

/// A stored line: JSON as the task runner writes it, or plain text.
fn line(text: &str) -> Value {
    match serde_json::from_str::<Value>(text) {
        Ok(Value::Object(mut map)) => {
            map.entry("event").or_insert_with(|| Value::String(String::new()));
            Value::Object(map)
        }
        _ => json!({"event": text}),
    }
}

fn write_token(part: &LogPart) -> String {
    URL_SAFE_NO_PAD.encode(json!({"offset": part.next}).to_string())
}

fn read_token(token: &str) -> Result<i64> {
    let read = || serde_json::from_slice::<Value>(&URL_SAFE_NO_PAD.decode(token).ok()?).ok()?["offset"].as_i64().filter(|o| *o >= 0);
    read().ok_or_else(|| Error::invalid("Bad Signature. Please use only the tokens provided by the API."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_say_where_to_go_on() {
        let token = write_token(&LogPart { text: String::new(), next: 1234, end: false });
        assert_eq!(read_token(&token).unwrap(), 1234);
        assert!(read_token("nonsense").is_err());
    }

    #[test]
    fn lines_that_are_no_json_are_shown_as_they_are() {
        assert_eq!(line("plain"), json!({"event": "plain"}));
        assert_eq!(line(r#"{"event":"x","level":"info"}"#), json!({"event": "x", "level": "info"}));
    }
}
