//! Questions about task instances of other runs and DAGs, as sensors ask them (routes/task_instances.py).

use super::{Call, Reply};
use crate::Scheduler;
use crate::states::TaskState;
use crate::store::instances::{self, TaskInstance};
use crate::store::{Filter, Page, runs};
use crate::times::{duration, shown_opt};
use artel_platform::db::Value as Sql;
use artel_platform::{Error, Result};
use serde_json::{Map, Value, json};

impl Scheduler {
    async fn ti_filter(&self, call: &Call<'_>) -> Result<Filter> {
        let dag_id = call.query.required("dag_id")?;
        let mut filter = Filter::default();
        filter.compare("dag_id", "=", dag_id);
        let mut tasks = call.query.all("task_ids");
        if let Some(group) = call.query.get("task_group_id") {
            let dag = self.latest(dag_id).await?;
            let inside = dag.tasks_of_group(group);
            tasks.extend(inside.ok_or_else(|| Error::not_found(format!("Task group {group} not found in DAG {dag_id}")))?);
        }
        filter.any_of("task_id", &tasks);
        filter.any_of("run_id", &call.query.all("run_ids"));
        if let Some(index) = call.query.int("map_index")? {
            filter.compare("map_index", "=", index);
        }
        let dates = call.query.times("logical_dates")?;
        if !dates.is_empty() {
            let places: Vec<String> = dates.iter().map(|d| filter.arg(*d)).collect();
            let dag = filter.arg(dag_id);
            filter.that(format!("run_id IN (SELECT run_id FROM dag_runs WHERE dag_id = {dag} AND logical_date IN ({}))", places.join(",")));
        }
        Ok(filter)
    }

    pub(super) async fn ti_count(&self, call: &Call<'_>) -> Result<Reply> {
        let mut filter = self.ti_filter(call).await?;
        let states = call.query.all("states");
        let known: Vec<String> = states.iter().filter(|s| *s != "null").cloned().collect();
        match (states.len() > known.len(), known.is_empty()) {
            (true, true) => filter.that("state IS NULL"),
            (true, false) => {
                let places: Vec<String> = known.iter().map(|s| filter.arg(Sql::from(s))).collect();
                filter.that(format!("(state IS NULL OR state IN ({}))", places.join(",")));
            }
            (false, _) => filter.any_of("state", &known),
        }
        let (_, total) = instances::list(&self.db, filter, &Page { limit: 1, offset: 0, order: "id".into() }).await?;
        Ok(Reply::ok(json!(total)))
    }

    pub(super) async fn ti_states(&self, call: &Call<'_>) -> Result<Reply> {
        let filter = self.ti_filter(call).await?;
        let (found, _) = instances::list(&self.db, filter, &Page::all("run_id, task_id, map_index")).await?;
        let mut states: Map<String, Value> = Map::new();
        for instance in found {
            let name = if instance.map_index < 0 { instance.task_id } else { format!("{}_{}", instance.task_id, instance.map_index) };
            states.entry(instance.run_id).or_insert_with(|| json!({}))[name] = json!(instance.state.map(TaskState::as_str));
        }
        Ok(Reply::ok(json!({"task_states": states})))
    }

    pub(super) async fn breadcrumbs(&self, call: &Call<'_>) -> Result<Reply> {
        let mut filter = Filter::default();
        filter.compare("dag_id", "=", call.query.required("dag_id")?);
        filter.compare("run_id", "=", call.query.required("run_id")?);
        filter.that("state IN ('success', 'failed', 'skipped', 'upstream_failed', 'removed')");
        let (found, _) = instances::list(&self.db, filter, &Page::all("task_id, map_index")).await?;
        let crumb = |i: &TaskInstance| json!({"task_id": i.task_id, "map_index": i.map_index, "state": i.state.map(TaskState::as_str), "operator": i.operator, "duration": duration(i.start_date, i.end_date)});
        Ok(Reply::ok(json!({"breadcrumbs": found.iter().map(crumb).collect::<Vec<_>>()})))
    }

    /// The same task in the newest run (before a date, in a state).
    pub(super) async fn previous_ti(&self, call: &Call<'_>, dag_id: &str, task_id: &str) -> Result<Reply> {
        let mut filter = Filter::default();
        filter.compare("dag_id", "=", dag_id);
        filter.compare("task_id", "=", task_id);
        filter.compare("map_index", "=", call.query.int("map_index")?.unwrap_or(-1));
        if let Some(state) = call.query.get("state") {
            filter.compare("state", "=", state);
        }
        let date = "(SELECT logical_date FROM dag_runs r WHERE r.dag_id = task_instances.dag_id AND r.run_id = task_instances.run_id)";
        if let Some(before) = call.query.get("logical_date") {
            filter.compare(date, "<", crate::times::parse(before)?);
        }
        let page = Page { limit: 1, offset: 0, order: format!("{date} DESC NULLS LAST") };
        let (found, _) = instances::list(&self.db, filter, &page).await?;
        let Some(ti) = found.into_iter().next() else { return Ok(Reply::ok(Value::Null)) };
        let run = runs::get(&self.db, dag_id, &ti.run_id).await?;
        Ok(Reply::ok(json!({
            "task_id": ti.task_id, "dag_id": ti.dag_id, "run_id": ti.run_id, "logical_date": shown_opt(run.and_then(|r| r.logical_date)),
            "start_date": shown_opt(ti.start_date), "end_date": shown_opt(ti.end_date), "state": ti.state.map(TaskState::as_str),
            "try_number": ti.try_number, "map_index": ti.map_index, "duration": duration(ti.start_date, ti.end_date),
        })))
    }
}
