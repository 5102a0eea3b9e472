//! Who may do what with an experiment and what lies in it. Asked only for callers who may not do everything.

mod rules;

use crate::Tracking;
use crate::store::experiments as experiments_store;
use crate::store::permissions::{Within, experiment_of};
use artel_platform::Result;
use artel_platform::http::{Access, Attempt, Guard, denied};
use artel_platform::identity::Action::{self, Delete, Read, Update};
use artel_platform::identity::resource::{ASSESSMENT, EXPERIMENT, LOGGED_MODEL, RUN, TRACE};
use artel_platform::identity::{Identity, Kind, Requirement, Visible};
use artel_proto::artel::hub::v1::ChangeGrantsRequest;
use artel_proto::artel::hub::v1::change_grants_request::Change;
use futures::future::LocalBoxFuture;
use rules::{Rule, rule};
use std::sync::Arc;

/// Tracking's part of the gate.
pub(crate) struct TrackingGuard(pub(crate) Arc<Tracking>);

impl Guard for TrackingGuard {
    fn check<'a>(&'a self, attempt: &'a mut Attempt<'_>) -> LocalBoxFuture<'a, Result<()>> {
        Box::pin(async move {
            match rule(&attempt.method(), &attempt.route()) {
                Some(rule) => self.0.permit(attempt, rule).await,
                None => Err(denied()),
            }
        })
    }
}

impl Tracking {
    async fn permit(&self, attempt: &mut Attempt<'_>, rule: Rule) -> Result<()> {
        match rule {
            Rule::Open => Ok(()),
            Rule::Admin if attempt.access.identity.admin => Ok(()),
            Rule::Admin => Err(denied()),
            Rule::CreateExperiment => attempt.access.require_creation(EXPERIMENT, "*"),
            Rule::Experiment(action) => {
                each(attempt, "experiment_id", |access, id| of_experiment(access, id, &[(EXPERIMENT, action)])).await
            }
            Rule::DeleteExperiment => each(attempt, "experiment_id", may_delete).await,
            Rule::EachExperiment => each(attempt, "experiment_ids", |access, id| of_experiment(access, id, &[])).await,
            Rule::ExperimentByName => self.permit_by_name(attempt).await,
            Rule::Remaining(kind) => remaining(attempt, kind).await,
            Rule::CreateIn(kind) => self.permit_creation(attempt, kind).await,
            Rule::Run(action) => self.permit_runs(attempt, action).await,
            Rule::LogToRun => self.permit_logging(attempt).await,
            Rule::Model(action) => self.permit_all(attempt, "model_id", Within::LoggedModel, (LOGGED_MODEL, action)).await,
            Rule::RunOrModel => {
                self.permit_runs(attempt, Update).await?;
                self.permit_all(attempt, "model_id", Within::LoggedModel, (LOGGED_MODEL, Update)).await
            }
            Rule::Trace(action) => self.permit_traces(attempt, (TRACE, action)).await,
            Rule::Assessment(action) => {
                self.permit_traces(attempt, (TRACE, Read)).await?;
                self.permit_traces(attempt, (ASSESSMENT, action)).await
            }
            Rule::DeleteTraces => {
                each(attempt, "experiment_id", |access, id| of_experiment(access, id, &[(TRACE, Delete), (ASSESSMENT, Update)])).await
            }
            Rule::SearchTraces => {
                let ids = trace_places(attempt).await?;
                all_or_none(&ids, |id| of_experiment(&attempt.access, id, &[(TRACE, Read)]))
            }
            Rule::StartTrace => {
                let ids = trace_places(attempt).await?;
                all_or_none(&ids, |id| creation_in(&attempt.access, id, TRACE))
            }
            Rule::LinkTraces => {
                self.permit_runs(attempt, Update).await?;
                self.permit_traces(attempt, (TRACE, Read)).await
            }
        }
    }

    async fn permit_by_name(&self, attempt: &mut Attempt<'_>) -> Result<()> {
        for name in attempt.all("experiment_name").await? {
            // what is not there is told by the handler, as upstream
            if let Some(found) = experiments_store::find_by_name(&self.db, attempt.access.workspace(), &name).await? {
                of_experiment(&attempt.access, &found.id.to_string(), &[])?;
            }
        }
        Ok(())
    }

    async fn permit_creation(&self, attempt: &mut Attempt<'_>, kind: &'static str) -> Result<()> {
        let mut ids = attempt.all("experiment_id").await?;
        if ids.is_empty() {
            ids.push("0".into());
        }
        ids.iter().try_for_each(|id| creation_in(&attempt.access, id, kind))?;
        self.permit_all(attempt, "source_run_id", Within::Run, (RUN, Read)).await
    }

    async fn permit_runs(&self, attempt: &mut Attempt<'_>, action: Action) -> Result<()> {
        for name in ["run_id", "run_uuid", "run_ids"] {
            self.permit_all(attempt, name, Within::Run, (RUN, action)).await?;
        }
        Ok(())
    }

    async fn permit_logging(&self, attempt: &mut Attempt<'_>) -> Result<()> {
        self.permit_runs(attempt, Update).await?;
        let mut models = attempt.all("model_id").await?;
        for list in ["metrics", "models"] {
            models.extend(attempt.all_in(list, "model_id").await?);
        }
        models.sort_unstable();
        models.dedup();
        for id in models {
            self.permit_one(&attempt.access, Within::LoggedModel, &id, (LOGGED_MODEL, Update)).await?;
        }
        Ok(())
    }

    async fn permit_traces(&self, attempt: &mut Attempt<'_>, need: (&str, Action)) -> Result<()> {
        for name in ["trace_id", "request_id", "trace_ids"] {
            self.permit_all(attempt, name, Within::Trace, need).await?;
        }
        Ok(())
    }

    /// Checks every thing that the parameter `name` names.
    async fn permit_all(&self, attempt: &mut Attempt<'_>, name: &str, within: Within, need: (&str, Action)) -> Result<()> {
        for id in attempt.all(name).await? {
            self.permit_one(&attempt.access, within, &id, need).await?;
        }
        Ok(())
    }

    /// What is not there is refused like what is forbidden: the answer shall not tell.
    pub(crate) async fn permit_one(&self, access: &Access, within: Within, id: &str, need: (&str, Action)) -> Result<()> {
        let experiment = experiment_of(&self.db, within, access.workspace(), id).await?.ok_or_else(denied)?;
        of_experiment(access, &experiment.to_string(), &[need])
    }

    /// Gives every right to the user who made an experiment; services, tasks and administrators need none.
    pub(crate) async fn give_to(&self, who: &Identity, workspace: &str, experiment: &str) {
        if who.admin || !matches!(who.kind, Kind::User | Kind::Server) {
            return;
        }
        let request = ChangeGrantsRequest {
            workspace: workspace.into(),
            resource_types: vec![EXPERIMENT.into()],
            resource: experiment.into(),
            change: Some(Change::Owner(who.name.clone())),
        };
        if let Err(error) = self.peers.hub().change_grants(request).await {
            tracing::warn!(experiment, %error, "the hub does not know who made an experiment");
        }
    }
}

/// The experiments that a caller may see.
pub(crate) fn visible(access: Option<&Access>) -> Visible {
    access.map_or(Visible::All, |access| access.readable(EXPERIMENT, "experiment"))
}

/// Checks every value of a parameter. Without one the handler says what is missing.
async fn each(attempt: &mut Attempt<'_>, name: &str, check: impl Fn(&Access, &str) -> Result<()>) -> Result<()> {
    let ids = attempt.all(name).await?;
    ids.iter().try_for_each(|id| check(&attempt.access, id))
}

/// Every one must pass, and there must be one.
fn all_or_none(ids: &[String], check: impl Fn(&str) -> Result<()>) -> Result<()> {
    if ids.is_empty() { Err(denied()) } else { ids.iter().try_for_each(|id| check(id)) }
}

/// Reading the experiment and, of what lies in it, each of `needs`: a grant about all things of that type decides,
/// else the one about the experiment.
pub(crate) fn of_experiment(access: &Access, id: &str, needs: &[(&str, Action)]) -> Result<()> {
    let id = &canonical(id);
    access.require_scope(("experiment", id))?;
    let mut requirements = vec![Requirement::on(EXPERIMENT, id, Read)];
    requirements.extend(needs.iter().map(|(kind, action)| match *kind {
        EXPERIMENT => Requirement::on(EXPERIMENT, id, *action),
        kind => Requirement::within(kind, *action, (EXPERIMENT, id)),
    }));
    access.require(&requirements)
}

fn creation_in(access: &Access, id: &str, kind: &str) -> Result<()> {
    let id = &canonical(id);
    access.require_scope(("experiment", id))?;
    access.require(&[Requirement::on(EXPERIMENT, id, Update), Requirement::on(kind, "*", Action::NotDenied)])
}

/// An experiment goes with everything in it, and each kind of thing may be kept from whoever deletes.
fn may_delete(access: &Access, id: &str) -> Result<()> {
    const WITHIN: &[&str] = &[RUN, TRACE, LOGGED_MODEL, ASSESSMENT, "review_queue", "scorer", "scorer_version"];
    let needs: Vec<(&str, Action)> = std::iter::once((EXPERIMENT, Delete)).chain(WITHIN.iter().map(|kind| (*kind, Delete))).collect();
    of_experiment(access, id, &needs)
}

/// Searches go through those experiments only that the caller may read; an id that no experiment has stands for none.
async fn remaining(attempt: &mut Attempt<'_>, kind: &'static str) -> Result<()> {
    let refused = attempt.access.require(&[Requirement::on(kind, "*", Action::NotDenied)]).is_err();
    let visible = if refused { Visible::Only(vec![]) } else { visible(Some(&attempt.access)) };
    let asked = attempt.all("experiment_ids").await?;
    if asked.is_empty() || asked.iter().all(|id| visible.has(&canonical(id))) {
        return Ok(());
    }
    attempt.retain("experiment_ids", "-1", |id| visible.has(&canonical(id))).await
}

/// The experiments of traces that are searched or sent, wherever the request names them.
async fn trace_places(attempt: &mut Attempt<'_>) -> Result<Vec<String>> {
    let mut ids = attempt.all("experiment_ids").await?;
    ids.extend(attempt.all("experiment_id").await?);
    ids.extend(attempt.header("x-mlflow-experiment-id"));
    let body = serde_json::Value::Object(attempt.params().await?.clone());
    collect(&body, &mut ids);
    ids.sort_unstable();
    ids.dedup();
    Ok(ids)
}

/// Every `experiment_id` anywhere in a body.
fn collect(value: &serde_json::Value, ids: &mut Vec<String>) {
    match value {
        serde_json::Value::Array(items) => items.iter().for_each(|item| collect(item, ids)),
        serde_json::Value::Object(fields) => {
            for (key, value) in fields {
                // handlers take a number where the text of one is meant
                match value {
                    serde_json::Value::String(id) if names_experiment(key) => ids.push(id.clone()),
                    serde_json::Value::Number(id) if names_experiment(key) => ids.push(id.to_string()),
                    _ => collect(value, ids),
                }
            }
        }
        _ => {}
    }
}

fn names_experiment(key: &str) -> bool {
    key == "experiment_id" || key == "experimentId"
}

/// An id as grants name it: `01` is read as `1` by handlers, too.
pub(crate) fn canonical(id: &str) -> String {
    id.trim().parse::<i64>().map_or_else(|_| id.to_owned(), |number| number.to_string())
}

/// Ids as numbers; a grant may be about what is no experiment's id, which no row has.
pub(crate) fn numbers(ids: &[String]) -> Vec<i64> {
    ids.iter().filter_map(|id| id.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_experiments_of_traces_are_found_at_any_depth() {
        let mut ids = vec![];
        let body = serde_json::json!({"locations": [{"mlflow_experiment": {"experiment_id": "1"}}, {"mlflowExperiment": {"experimentId": "2"}}, {"experiment_id": 3}]});
        collect(&body, &mut ids);
        assert_eq!(ids, ["1", "2", "3"]);
    }
}
