//! Logs of tries, as they stand and as they grow. A continuation token goes on where an answer ends.

use super::body;
use super::collections::LogContent;
use super::query::Query;
use crate::Scheduler;
use crate::logs::LogPart;
use crate::states::TaskState;
use crate::store::instances::{self, TaskInstance};
use crate::times;
use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};
use artel_platform::{Error, Result};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// How often a followed log is looked at that another scheduler process may have got lines for.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// How long after the end of a try the last lines of its log are waited for: its worker tells them a moment later.
const LAST_LINES: Duration = Duration::from_secs(2);
/// How often that is looked at, where another scheduler process is told.
const LOOK_FOR_LAST: Duration = Duration::from_millis(100);

/// The log of a try: a part of it as JSON; the whole as it stands, a line of JSON each, with `Accept: application/x-ndjson`;
/// with `Accept: text/event-stream` as events, also those lines that are yet to come. An event's id is where the next begins.
#[utoipa::path(get, path = "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances/{task_id}/logs/{try_number}", tag = "pipelines", params(("map_index" = Option<i64>, Query), ("token" = Option<String>, Query), ("full_content" = Option<bool>, Query)), responses((status = 200, body = LogContent)), security(("artel" = ["read:dags"])))]
pub(super) async fn get(
    scheduler: web::Data<Scheduler>,
    path: web::Path<(String, String, String, i64)>,
    request: HttpRequest,
) -> Result<HttpResponse> {
    let (dag_id, run_id, task_id, number) = path.into_inner();
    body::held(number.into(), &json!({"type": "integer", "minimum": 0}), &["path".into(), "try_number".into()])?;
    let query = Query::of(&request);
    let map_index = query.int("map_index")?.unwrap_or(-1);
    query.flag("full_content")?; // an answer holds as much as it can in any case
    let Some(form) = Form::of(&request) else {
        return Ok(HttpResponse::NotAcceptable().json(json!({"detail": "Only application/json or application/x-ndjson is supported"})));
    };
    let from = query.get("token").filter(|t| !t.is_empty()).map(read_token).transpose()?.unwrap_or(0);
    let instance = scheduler.try_of((&dag_id, &run_id, &task_id), map_index, number).await?;
    let instance = instance.ok_or_else(|| Error::not_found("TaskInstance not found"))?;
    if number == 0 && form != Form::Events {
        return Ok(never_tried(&instance, form));
    }
    let reading = Reading { scheduler: scheduler.into_inner(), instance, form, from, done: false };
    match form {
        Form::Lines => {
            reading.last_lines().await?;
            whole(reading).await
        }
        Form::Events => {
            let from = request.headers().get("last-event-id").and_then(|id| id.to_str().ok()?.parse().ok()).unwrap_or(from);
            Ok(follow(Reading { from, ..reading }))
        }
        Form::Json => {
            reading.last_lines().await?;
            let part = reading.scheduler.read_log(&reading.instance.id, from, is_over(&reading.instance)).await?;
            let token = (!part.end).then(|| write_token(part.next));
            Ok(HttpResponse::Ok().json(LogContent { content: reading.lines(&part), continuation_token: token }))
        }
    }
}

/// How a log is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Json,
    Lines,
    Events,
}

impl Form {
    /// What the request accepts; `None` where that is nothing of what there is.
    fn of(request: &HttpRequest) -> Option<Self> {
        let accept = request.headers().get(header::ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or("*/*");
        let known = [
            ("*/*", Self::Json),
            ("application/json", Self::Json),
            ("application/x-ndjson", Self::Lines),
            ("text/event-stream", Self::Events),
        ];
        known.into_iter().find(|(kind, _)| accept.starts_with(kind)).map(|(_, form)| form)
    }
}

const SOURCES: &str = "::group::Log message source details";
const END: &str = "::endgroup::";

/// The log of what has had no try yet, or never will.
fn never_tried(instance: &TaskInstance, form: Form) -> HttpResponse {
    let why = match instance.state {
        Some(TaskState::Skipped) => "Task was skipped — no logs available.",
        Some(TaskState::UpstreamFailed) => "Task did not run because upstream task(s) failed.",
        _ => "No logs available for this task.",
    };
    let mut content: Vec<Value> = [SOURCES, END].map(|event| json!({"event": event, "timestamp": null})).into();
    content.push(json!({"event": why, "timestamp": times::shown(instance.updated_at)}));
    match form {
        Form::Lines => {
            let text: String = content.iter().map(|line| format!("{line}\n")).collect();
            HttpResponse::Ok().content_type("application/x-ndjson").body(text)
        }
        _ => HttpResponse::Ok().json(LogContent { content, continuation_token: None }),
    }
}

/// What waits for its first line has not finished; what never ran never will have one.
fn is_over(instance: &TaskInstance) -> bool {
    instance.state.is_some_and(|s| s.is_finished() || s == TaskState::UpForRetry)
}

/// A log that is being read.
struct Reading {
    scheduler: Arc<Scheduler>,
    instance: TaskInstance,
    form: Form,
    from: i64,
    done: bool,
}

impl Reading {
    /// Waits for the last lines of a try that has ended just now.
    async fn last_lines(&self) -> Result<()> {
        let (s, instance) = (&self.scheduler, &self.instance);
        let Some(ended) = instance.end_date.filter(|_| is_over(instance) && instance.pid.is_some()) else { return Ok(()) };
        let most = LAST_LINES.as_millis() as i64;
        let left = (ended + most - s.cx.clock.now()).clamp(0, most) as u64;
        let until = Instant::now() + Duration::from_millis(left);
        loop {
            let grown = s.log_grew.notified();
            if Instant::now() >= until || s.log_size(&instance.id).await?.1 {
                return Ok(());
            }
            tokio::select! {
                () = s.cx.stop.cancelled() => return Ok(()),
                () = grown => {}
                () = tokio::time::sleep_until(until.min(Instant::now() + LOOK_FOR_LAST)) => {}
            }
        }
    }

    /// The lines of a part; the first ones say where the log is, as upstream's do.
    fn lines(&self, part: &LogPart) -> Vec<Value> {
        let mut lines = Vec::new();
        if self.from == 0 {
            let place = crate::logs::Place::of(&self.instance).object(&self.instance.id);
            lines.extend([SOURCES, &place, END].map(|event| json!({"event": event})));
        }
        lines.extend(part.text.lines().filter(|l| !l.is_empty()).map(line));
        if self.form == Form::Lines {
            // there it is said of every line when it was, also where that is not known
            for line in lines.iter_mut().filter_map(Value::as_object_mut) {
                line.entry("timestamp").or_insert(Value::Null);
            }
        }
        lines
    }
}

/// Everything that is there now, however long it is.
async fn whole(reading: Reading) -> Result<HttpResponse> {
    let (size, complete) = reading.scheduler.log_size(&reading.instance.id).await?;
    let mut response = HttpResponse::Ok();
    if !(complete || is_over(&reading.instance)) {
        response.insert_header(("Airflow-Continuation-Token", write_token(size)));
    }
    let parts = futures::stream::try_unfold(reading, move |mut reading| async move {
        if reading.done {
            return Ok::<_, Error>(None);
        }
        let part = reading.scheduler.read_log(&reading.instance.id, reading.from, true).await?;
        let text: String = reading.lines(&part).iter().map(|l| format!("{l}\n")).collect();
        reading.done = part.end || part.next >= size || part.next == reading.from;
        reading.from = part.next;
        Ok(Some((Bytes::from(text), reading)))
    });
    Ok(response.content_type("application/x-ndjson").streaming(parts))
}

/// Lines as they come, until the try is over.
fn follow(reading: Reading) -> HttpResponse {
    let events = futures::stream::try_unfold(reading, |mut reading| async move {
        if reading.done {
            return Ok::<_, Error>(None);
        }
        let s = reading.scheduler.clone();
        loop {
            let grown = s.log_grew.notified();
            let present = instances::get(&s.db, &reading.instance.id).await?;
            let over = present.as_ref().is_none_or(is_over);
            let part = s.read_log(&reading.instance.id, reading.from, over).await?;
            let lines = reading.lines(&part);
            reading.done = part.end;
            if part.next > reading.from || part.end {
                let text: String = lines.iter().map(|l| format!("id: {}\ndata: {l}\n\n", part.next)).collect();
                reading.from = part.next;
                let last = if part.end { "event: end\ndata: {}\n\n" } else { "" };
                return Ok(Some((Bytes::from(text + last), reading)));
            }
            tokio::select! {
                () = s.cx.stop.cancelled() => return Ok(None),
                () = grown => {}
                () = tokio::time::sleep(LOOK_AGAIN) => {}
            }
        }
    });
    HttpResponse::Ok().content_type("text/event-stream").insert_header((header::CACHE_CONTROL, "no-cache")).streaming(events)
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

fn write_token(next: i64) -> String {
    URL_SAFE_NO_PAD.encode(json!({"offset": next}).to_string())
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
        let token = write_token(1234);
        assert_eq!(read_token(&token).unwrap(), 1234);
        assert!(read_token("nonsense").is_err());
    }

    #[test]
    fn lines_that_are_no_json_are_shown_as_they_are() {
        assert_eq!(line("plain"), json!({"event": "plain"}));
        assert_eq!(line(r#"{"event":"x","level":"info"}"#), json!({"event": "x", "level": "info"}));
    }
}
