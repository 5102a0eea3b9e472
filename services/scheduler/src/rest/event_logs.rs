//! The log of events (airflow/api_fastapi/core_api/routes/public/event_logs.py).

use super::paging::Paging;
use super::query::Query;
use crate::Scheduler;
use crate::store::Filter;
use crate::store::event_logs::{self, Event};
use crate::times::{shown, shown_opt};
use actix_web::{HttpRequest, HttpResponse, web};
use artel_platform::{Error, Result};
use serde::Serialize;
use utoipa::ToSchema;

/// Who did what, or what became of a task.
#[derive(Serialize, ToSchema)]
#[schema(as = airflow::EventLogResponse)]
pub(super) struct EventLogResponse {
    event_log_id: i64,
    when: String,
    dag_id: Option<String>,
    task_id: Option<String>,
    run_id: Option<String>,
    map_index: Option<i64>,
    try_number: Option<i64>,
    event: String,
    logical_date: Option<String>,
    owner: Option<String>,
    extra: Option<String>,
    dag_display_name: Option<String>,
    task_display_name: Option<String>,
}

/// Events.
#[derive(Serialize, ToSchema)]
#[schema(as = airflow::EventLogCollectionResponse)]
pub(super) struct EventLogCollection {
    event_logs: Vec<EventLogResponse>,
    total_entries: i64,
}

fn response(event: Event) -> EventLogResponse {
    EventLogResponse {
        event_log_id: event.id,
        when: shown(event.logged_at),
        dag_id: event.what.dag_id,
        task_id: event.what.task_id,
        run_id: event.what.run_id,
        map_index: event.what.map_index,
        try_number: event.what.try_number,
        event: event.what.event,
        logical_date: shown_opt(event.what.logical_date),
        owner: event.what.owner,
        extra: event.what.extra,
        dag_display_name: event.dag_display_name,
        task_display_name: event.task_display_name,
    }
}

const ORDER: &[(&str, &str)] = &[
    ("id", "id"),
    ("event_log_id", "id"),
    ("dttm", "logged_at"),
    ("when", "logged_at"),
    ("dag_id", "dag_id"),
    ("task_id", "task_id"),
    ("run_id", "run_id"),
    ("event", "event"),
    ("logical_date", "logical_date"),
    ("owner", "owner"),
    ("extra", "extra"),
];

fn filter_of(query: &Query) -> Result<Filter> {
    let mut filter = Filter::default();
    for column in ["dag_id", "task_id", "run_id", "owner", "event"] {
        query.equal(&mut filter, column, column);
        query.patterns(&mut filter, column, column);
    }
    for column in ["map_index", "try_number"] {
        if let Some(number) = query.int(column)? {
            filter.compare(column, "=", number);
        }
    }
    filter.any_of("event", &query.all("included_events"));
    for event in query.all("excluded_events") {
        filter.compare("event", "<>", event);
    }
    for (key, operator) in [("before", "<"), ("after", ">")] {
        if let Some(at) = query.time(key)? {
            filter.compare("logged_at", operator, at);
        }
    }
    Ok(filter)
}

/// Events, the oldest first unless told otherwise.
#[utoipa::path(get, path = "/api/v2/eventLogs", tag = "pipelines", params(Paging, ("dag_id" = Option<String>, Query), ("run_id" = Option<String>, Query), ("task_id" = Option<String>, Query), ("owner" = Option<String>, Query), ("event" = Option<String>, Query)), responses((status = 200, body = EventLogCollection)), security(("artel" = ["read:dags"])))]
pub(super) async fn list(scheduler: web::Data<Scheduler>, request: HttpRequest) -> Result<HttpResponse> {
    let query = Query::of(&request);
    let page = query.page(ORDER, "id", "id, uid")?;
    let (found, total_entries) = event_logs::list(&scheduler.db, filter_of(&query)?, &page).await?;
    let event_logs = found.into_iter().map(response).collect();
    Ok(HttpResponse::Ok().json(EventLogCollection { event_logs, total_entries }))
}

/// One event.
#[utoipa::path(get, path = "/api/v2/eventLogs/{event_log_id}", tag = "pipelines", responses((status = 200, body = EventLogResponse)), security(("artel" = ["read:dags"])))]
pub(super) async fn get(scheduler: web::Data<Scheduler>, id: web::Path<String>) -> Result<HttpResponse> {
    let id: i64 = id.parse().map_err(|_| Error::invalid("'event_log_id' must be an integer"))?;
    let found = event_logs::get(&scheduler.db, id).await?;
    let event = found.ok_or_else(|| Error::not_found(format!("The Event Log with id: `{id}` not found")))?;
    Ok(HttpResponse::Ok().json(response(event)))
}
