//! Who may do what with a registered model or prompt (mlflow/server/auth/__init__.py), and what is told to the hub so
//! that grants follow models that are made, renamed or gone.

use crate::Registry;
use crate::store::workspaces as store;
use crate::validate::IS_PROMPT_TAG;
use artel_platform::http::{Access, Attempt, Guard, denied};
use artel_platform::identity::{Action, Identity, Kind, Requirement, Visible, resource};
use artel_platform::{Error, Result};
use artel_proto::artel::hub::v1::ChangeGrantsRequest;
use artel_proto::artel::hub::v1::change_grants_request::Change;
use futures::future::LocalBoxFuture;
use serde_json::Value;
use std::sync::Arc;

/// What a route needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rule {
    /// Whatever the handler lets through.
    Open,
    /// To make a model or prompt.
    Create,
    /// This, of the model that is named.
    Model(Action),
    /// To delete the model with its versions.
    DeleteModel,
    /// To read what versions of the model there are.
    ReadVersion,
    /// To add a version.
    CreateVersion,
    /// This, of a version.
    Version(Action),
    /// This of the model, and to read its versions.
    Alias(Action),
    /// To be an administrator.
    Admin,
}

const RULES: &[(&str, &str, Rule)] = &[
    ("POST", "registered-models/create", Rule::Create),
    ("GET", "registered-models/get", Rule::Model(Action::Read)),
    ("GET", "registered-models/search", Rule::Open),
    ("POST", "registered-models/rename", Rule::Model(Action::Update)),
    ("PATCH", "registered-models/update", Rule::Model(Action::Update)),
    ("DELETE", "registered-models/delete", Rule::DeleteModel),
    ("POST", "registered-models/set-tag", Rule::Model(Action::Update)),
    ("DELETE", "registered-models/delete-tag", Rule::Model(Action::Update)),
    ("GET", "registered-models/get-latest-versions", Rule::ReadVersion),
    ("POST", "registered-models/get-latest-versions", Rule::ReadVersion),
    ("POST", "registered-models/alias", Rule::Alias(Action::Update)),
    ("DELETE", "registered-models/alias", Rule::Alias(Action::Delete)),
    ("GET", "registered-models/alias", Rule::ReadVersion),
    ("POST", "model-versions/create", Rule::CreateVersion),
    ("GET", "model-versions/get", Rule::ReadVersion),
    ("GET", "model-versions/search", Rule::Open),
    ("PATCH", "model-versions/update", Rule::Version(Action::Update)),
    ("POST", "model-versions/transition-stage", Rule::Version(Action::Update)),
    ("DELETE", "model-versions/delete", Rule::Version(Action::Delete)),
    ("GET", "model-versions/get-download-uri", Rule::ReadVersion),
    ("POST", "model-versions/set-tag", Rule::Version(Action::Update)),
    ("DELETE", "model-versions/delete-tag", Rule::Version(Action::Delete)),
    ("GET", "model-versions/get-artifact", Rule::ReadVersion),
    ("GET", "/model-versions/get-artifact", Rule::ReadVersion),
    ("GET", "artel/v1/models/{name}/compare", Rule::ReadVersion),
];

/// Routes below these are for administrators.
const ADMINS_ONLY: &[&str] = &["webhooks", "artel/v1/models/webhooks"];

/// The rule of a route; `None` where there is none, and nobody restricted may pass.
fn rule(method: &str, route: &str) -> Option<Rule> {
    let below = |prefix: &&&str| route.strip_prefix(**prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    if ADMINS_ONLY.iter().any(|prefix| below(&prefix)) {
        return Some(Rule::Admin);
    }
    let method = if method == "HEAD" { "GET" } else { method };
    RULES.iter().find(|row| row.0 == method && row.1 == route).map(|row| row.2)
}

/// The registry's part of the gate.
pub(crate) struct RegistryGuard(pub(crate) Arc<Registry>);

impl Guard for RegistryGuard {
    fn check<'a>(&'a self, attempt: &'a mut Attempt<'_>) -> LocalBoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let route = attempt.route();
            match rule(&attempt.method(), &route) {
                Some(Rule::Open) => Ok(()),
                Some(Rule::Create) => may_create(attempt).await,
                Some(Rule::Admin) if attempt.access.identity.admin => Ok(()),
                Some(Rule::Admin) | None => Err(denied()),
                Some(Rule::CreateVersion) => {
                    self.0.check_models(attempt, Rule::CreateVersion).await?;
                    self.0.check_source(attempt).await
                }
                Some(rule) => self.0.check_models(attempt, rule).await,
            }
        })
    }
}

async fn may_create(attempt: &mut Attempt<'_>) -> Result<()> {
    let tags = attempt.params().await?.get("tags").and_then(Value::as_array).cloned().unwrap_or_default();
    let mark = tags.iter().rev().find(|tag| tag["key"] == IS_PROMPT_TAG).and_then(|tag| tag["value"].as_str());
    let kind = if mark.is_some_and(|mark| mark.eq_ignore_ascii_case("true")) { resource::PROMPT } else { resource::MODEL };
    let names = attempt.all("name").await?;
    if names.is_empty() {
        return attempt.access.require_creation(kind, "*");
    }
    names.iter().try_for_each(|name| attempt.access.require_creation(kind, name))
}

impl Registry {
    /// Checks `rule` for every name that the request gives. A model that is not there is refused, not missed: the
    /// answer shall not tell.
    async fn check_models(&self, attempt: &mut Attempt<'_>, rule: Rule) -> Result<()> {
        let names = attempt.all("name").await?;
        if names.is_empty() {
            // the handler says what is missing
            return Ok(());
        }
        for name in &names {
            self.check_model(&attempt.access, name, rule).await?;
        }
        Ok(())
    }

    async fn check_model(&self, access: &Access, name: &str, rule: Rule) -> Result<()> {
        let found = store::is_prompt(&self.db, access.workspace(), name).await?;
        let (model, versions) = match found {
            Some(true) => (resource::PROMPT, resource::PROMPT_VERSION),
            _ => (resource::MODEL, resource::MODEL_VERSION),
        };
        let of_model = |action| Requirement::on(model, name, action);
        let of_versions = |action| Requirement::within(versions, action, (model, name));
        let not_refused = || Requirement::on(versions, "*", Action::NotDenied);
        access.require_scope(("model", name))?;
        let is_version_rule = !matches!(rule, Rule::Model(_));
        if is_version_rule && found.is_none() {
            return Err(denied());
        }
        match rule {
            Rule::Model(action) => access.require(&[of_model(action)]),
            Rule::DeleteModel => access.require(&[of_model(Action::Delete), of_versions(Action::Delete)]),
            Rule::ReadVersion => access.require(&[of_model(Action::Read), not_refused()]),
            Rule::CreateVersion => access.require(&[of_model(Action::Update), not_refused()]),
            Rule::Version(action) => access.require(&[of_model(Action::Read), of_versions(action)]),
            Rule::Alias(action) => access.require(&[of_model(action), of_versions(Action::Read)]),
            Rule::Open | Rule::Create | Rule::Admin => Ok(()),
        }
    }

    /// Who copies a version must be able to read the model that it is copied from. That they may read the run or
    /// logged model of a new version is asked of tracking.
    async fn check_source(&self, attempt: &mut Attempt<'_>) -> Result<()> {
        for source in attempt.all("source").await? {
            let Some(rest) = source.strip_prefix("models:/") else { continue };
            let name = rest.trim_start_matches('/').split(['/', '@']).next().unwrap_or_default();
            if !name.is_empty() && !name.starts_with("m-") {
                self.check_model(&attempt.access, name, Rule::Model(Action::Read)).await?;
            }
        }
        let runs = attempt.all("run_id").await?;
        let mut models = attempt.all("model_id").await?;
        for source in attempt.all("source").await? {
            models.extend(source.strip_prefix("models:/").filter(|id| id.starts_with("m-")).map(Into::into));
        }
        for run in &runs {
            let request =
                artel_proto::artel::tracking::v1::DescribeRunRequest { workspace: attempt.access.workspace().into(), run_id: run.clone() };
            let run = self.peers.tracking().describe_run(request).await.map_err(hidden)?.into_inner();
            readable_in(&attempt.access, &run.experiment_id, resource::RUN)?;
        }
        for model in &models {
            let request = artel_proto::artel::tracking::v1::DescribeLoggedModelRequest {
                workspace: attempt.access.workspace().into(),
                model_id: model.clone(),
            };
            let model = self.peers.tracking().describe_logged_model(request).await.map_err(hidden)?.into_inner();
            readable_in(&attempt.access, &model.experiment_id, resource::LOGGED_MODEL)?;
        }
        Ok(())
    }

    /// The models (or prompts) that a caller may see.
    pub(crate) fn visible(access: Option<&Access>, prompts: bool) -> Visible {
        let kind = if prompts { resource::PROMPT } else { resource::MODEL };
        access.map_or(Visible::All, |access| access.readable(kind, "model"))
    }

    /// The same for versions, all of which may be refused.
    pub(crate) fn visible_versions(access: Option<&Access>, prompts: bool) -> Visible {
        let kind = if prompts { resource::PROMPT_VERSION } else { resource::MODEL_VERSION };
        let refused = access.is_some_and(|access| access.require(&[Requirement::on(kind, "*", Action::NotDenied)]).is_err());
        if refused { Visible::Only(vec![]) } else { Self::visible(access, prompts) }
    }

    /// Tells the hub what became of a model. Who made it gets every right to it.
    pub(crate) async fn tell_hub(&self, workspace: &str, name: &str, change: Change) {
        let request = ChangeGrantsRequest {
            workspace: workspace.into(),
            resource_types: vec![resource::MODEL.into(), resource::PROMPT.into()],
            resource: name.into(),
            change: Some(change),
        };
        if let Err(error) = self.peers.hub().change_grants(request).await {
            tracing::warn!(name, %error, "the hub does not know of a change of models");
        }
    }

    /// Gives every right to the user who made the model; services, tasks and administrators need none.
    pub(crate) async fn give_to(&self, who: &Identity, workspace: &str, name: &str, prompt: bool) {
        if who.admin || !matches!(who.kind, Kind::User | Kind::Server) {
            return;
        }
        let kind = if prompt { resource::PROMPT } else { resource::MODEL };
        let request = ChangeGrantsRequest {
            workspace: workspace.into(),
            resource_types: vec![kind.into()],
            resource: name.into(),
            change: Some(Change::Owner(who.name.clone())),
        };
        if let Err(error) = self.peers.hub().change_grants(request).await {
            tracing::warn!(name, %error, "the hub does not know who made a model");
        }
    }
}

fn readable_in(access: &Access, experiment: &str, kind: &str) -> Result<()> {
    let container = (resource::EXPERIMENT, experiment);
    access.require(&[Requirement::on(resource::EXPERIMENT, experiment, Action::Read), Requirement::within(kind, Action::Read, container)])
}

/// What is not there is refused like what is forbidden.
fn hidden(status: tonic::Status) -> Error {
    if status.code() == tonic::Code::NotFound { denied() } else { status.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_route_has_a_rule() {
        for info in crate::routes().list() {
            if info.scope == "public" {
                continue;
            }
            let path = info.path.as_str();
            let rest = ["/api/2.0/mlflow/", "/ajax-api/2.0/mlflow/", "/api/"].iter().find_map(|p| path.strip_prefix(p)).unwrap_or(path);
            assert!(rule(info.method.as_str(), rest).is_some(), "{} {path}: who may call it?", info.method);
        }
    }
}
