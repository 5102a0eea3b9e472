//! Task instances of any DAGs by a body of filters (airflow/api_fastapi/core_api/routes/public/task_instances.py).

use super::collections::TaskInstanceCollection;
use super::task_instances::{LOGICAL_DATE, RUN_AFTER, listed};
use crate::Scheduler;
use crate::states::TaskState;
use crate::store::{Filter, Page};
use crate::times;
use actix_web::{HttpResponse, web};
use artel_platform::http::Json;
use artel_platform::{Error, Result};
use serde::Deserialize;
use utoipa::ToSchema;

const DEFAULT_LIMIT: i64 = 100;
const MAX_LIMIT: i64 = 1000;

/// Which instances; a filter that is left out lets everything through.
#[derive(Default, Deserialize, ToSchema)]
#[schema(as = airflow::TaskInstancesBatchBody)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Batch {
    dag_ids: Option<Vec<String>>,
    dag_run_ids: Option<Vec<String>>,
    task_ids: Option<Vec<String>>,
    /// Null for those without a state.
    state: Option<Vec<Option<String>>>,
    run_after_gte: Option<String>,
    run_after_gt: Option<String>,
    run_after_lte: Option<String>,
    run_after_lt: Option<String>,
    logical_date_gte: Option<String>,
    logical_date_gt: Option<String>,
    logical_date_lte: Option<String>,
    logical_date_lt: Option<String>,
    start_date_gte: Option<String>,
    start_date_gt: Option<String>,
    start_date_lte: Option<String>,
    start_date_lt: Option<String>,
    end_date_gte: Option<String>,
    end_date_gt: Option<String>,
    end_date_lte: Option<String>,
    end_date_lt: Option<String>,
    /// Seconds.
    duration_gte: Option<f64>,
    duration_gt: Option<f64>,
    duration_lte: Option<f64>,
    duration_lt: Option<f64>,
    pool: Option<Vec<String>>,
    queue: Option<Vec<String>>,
    executor: Option<Vec<String>>,
    page_offset: Option<i64>,
    /// 100 unless given, at most 1000.
    page_limit: Option<i64>,
    order_by: Option<String>,
}

const ORDER: &[(&str, &str)] = &[
    ("id", "id"),
    ("state", "state"),
    ("duration", DURATION),
    ("start_date", "start_date"),
    ("end_date", "end_date"),
    ("map_index", "map_index"),
];
/// Milliseconds.
const DURATION: &str = "(end_date - start_date)";

impl Batch {
    fn filter(&self) -> Result<Filter> {
        let mut filter = Filter::default();
        let lists = [
            ("dag_id", &self.dag_ids),
            ("run_id", &self.dag_run_ids),
            ("task_id", &self.task_ids),
            ("pool", &self.pool),
            ("queue", &self.queue),
        ];
        for (column, values) in lists {
            filter.any_of(column, values.as_deref().unwrap_or_default());
        }
        if self.executor.as_ref().is_some_and(|wanted| !wanted.is_empty()) {
            filter.that("1 = 0"); // no instance names one
        }
        self.states(&mut filter)?;
        self.times(&mut filter)?;
        for (operator, seconds) in [(">=", self.duration_gte), (">", self.duration_gt), ("<=", self.duration_lte), ("<", self.duration_lt)]
        {
            if let Some(seconds) = seconds {
                filter.compare(DURATION, operator, seconds * 1000.0);
            }
        }
        Ok(filter)
    }

    fn states(&self, filter: &mut Filter) -> Result<()> {
        let wanted = self.state.as_deref().unwrap_or_default();
        let mut each = Vec::new();
        for word in wanted {
            each.push(match word.as_deref() {
                None => "state IS NULL".to_owned(),
                Some(word) => {
                    let state = TaskState::parse(word).map_err(|e| Error::new(e.code, format!("state: {}", e.message)))?;
                    format!("state = {}", filter.arg(state.as_str()))
                }
            });
        }
        if !each.is_empty() {
            filter.that(format!("({})", each.join(" OR ")));
        }
        Ok(())
    }

    fn times(&self, filter: &mut Filter) -> Result<()> {
        let bounds = [
            ("gte", ">=", [&self.run_after_gte, &self.logical_date_gte, &self.start_date_gte, &self.end_date_gte]),
            ("gt", ">", [&self.run_after_gt, &self.logical_date_gt, &self.start_date_gt, &self.end_date_gt]),
            ("lte", "<=", [&self.run_after_lte, &self.logical_date_lte, &self.start_date_lte, &self.end_date_lte]),
            ("lt", "<", [&self.run_after_lt, &self.logical_date_lt, &self.start_date_lt, &self.end_date_lt]),
        ];
        let columns = [("run_after", RUN_AFTER), ("logical_date", LOGICAL_DATE), ("start_date", "start_date"), ("end_date", "end_date")];
        for (suffix, operator, given) in bounds {
            for ((name, column), text) in columns.into_iter().zip(given) {
                if let Some(text) = text {
                    let at = times::parse(text).map_err(|e| Error::new(e.code, format!("{name}_{suffix}: {}", e.message)))?;
                    filter.compare(column, operator, at);
                }
            }
        }
        Ok(())
    }

    fn page(&self) -> Result<Page> {
        let (limit, offset) = (self.page_limit.unwrap_or(DEFAULT_LIMIT), self.page_offset.unwrap_or(0));
        if limit < 0 || offset < 0 {
            return Err(Error::invalid("page_limit and page_offset must not be negative"));
        }
        let wanted = self.order_by.as_deref().unwrap_or("id");
        let (name, direction) = wanted.strip_prefix('-').map_or((wanted, "ASC NULLS FIRST"), |name| (name, "DESC NULLS LAST"));
        let column = ORDER.iter().find(|o| o.0 == name).map(|o| o.1);
        let column = column.ok_or_else(|| {
            let known: Vec<&str> = ORDER.iter().map(|o| o.0).collect();
            Error::invalid(format!(
                "Ordering with '{name}' is disallowed or the attribute does not exist on the model; order_by is one of {}",
                known.join(", ")
            ))
        })?;
        Ok(Page { limit: if limit == 0 { MAX_LIMIT } else { limit.min(MAX_LIMIT) }, offset, order: format!("{column} {direction}, id") })
    }
}

/// Task instances of any DAGs and runs: both are `~` in the path.
#[utoipa::path(post, path = "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances/list", tag = "pipelines", request_body = Batch, responses((status = 200, body = TaskInstanceCollection)), security(("artel" = ["read:dags"])))]
pub(super) async fn list(scheduler: web::Data<Scheduler>, path: web::Path<(String, String)>, body: Json<Batch>) -> Result<HttpResponse> {
    for (field, given) in [("dag_id", &path.0), ("dag_run_id", &path.1)] {
        if given != "~" {
            return Err(Error::invalid(format!("{field} in the path has to be ~; name {field}s in the body")));
        }
    }
    Ok(HttpResponse::Ok().json(listed(&scheduler, body.filter()?, &body.page()?).await?))
}
