//! Variables.

use super::body::{Body, is_changed, no_team};
use super::bulk::{self, Actions, BulkBody, BulkResponse, Kind};
use super::paging::Paging;
use super::query::Query;
use crate::Scheduler;
use crate::python_json::dumps;
use crate::sensitive::{HIDDEN, is_sensitive, redacted_document};
use crate::store::Filter;
use crate::store::variables::Variable;
use actix_web::{HttpRequest, HttpResponse, web};
use artel_platform::{Error, Result};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;

/// A variable.
#[derive(Serialize, ToSchema)]
#[schema(as = airflow::VariableResponse)]
pub(super) struct VariableResponse {
    key: String,
    value: Option<String>,
    description: Option<String>,
    is_encrypted: bool,
    team_name: Option<String>,
}

/// A variable to be set. A value that is no text is stored as its JSON.
#[derive(Deserialize, ToSchema)]
#[schema(as = airflow::VariableBody)]
#[serde(deny_unknown_fields)]
pub(super) struct VariableBody {
    #[schema(min_length = 1, max_length = 250)]
    key: String,
    value: Value,
    description: Option<String>,
    #[schema(max_length = 50)]
    team_name: Option<String>,
}

fn shown(variable: Variable) -> VariableResponse {
    VariableResponse {
        value: variable.value.map(|value| hidden(&variable.key, value)),
        key: variable.key,
        description: variable.description,
        is_encrypted: variable.is_encrypted,
        team_name: None,
    }
}

/// A value without its secrets: those that JSON names, and all of a variable that is called as one.
fn hidden(key: &str, value: String) -> String {
    if is_sensitive(key) && !value.is_empty() {
        return HIDDEN.into();
    }
    match serde_json::from_str(&value) {
        Ok(document) => dumps(&redacted_document(document, false)),
        Err(_) => value,
    }
}

/// Values are texts: anything else is the JSON of it.
fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| dumps(value), Into::into)
}

const ORDER: &[(&str, &str)] = &[("id", "number"), ("key", "key"), ("description", "description"), ("is_encrypted", "is_encrypted")];

fn missing(key: &str) -> Error {
    Error::not_found(format!("The Variable with key: `{key}` was not found"))
}

/// Variables.
#[utoipa::path(get, path = "/api/v2/variables", tag = "pipelines", params(Paging), responses((status = 200, body = serde_json::Value)), security(("artel" = ["read:variables"])))]
pub(super) async fn list(scheduler: web::Data<Scheduler>, request: HttpRequest) -> Result<HttpResponse> {
    let query = Query::of(&request);
    let mut filter = Filter::default();
    query.patterns(&mut filter, "variable_key", "key");
    let page = query.page(ORDER, "id", "number, key")?;
    let (found, total_entries) = scheduler.list_variables(filter, &page).await?;
    let variables: Vec<_> = found.into_iter().map(shown).collect();
    Ok(HttpResponse::Ok().json(json!({"variables": variables, "total_entries": total_entries})))
}

/// One variable.
#[utoipa::path(get, path = "/api/v2/variables/{variable_key:.*}", tag = "pipelines", responses((status = 200, body = VariableResponse)), security(("artel" = ["read:variables"])))]
pub(super) async fn get(scheduler: web::Data<Scheduler>, key: web::Path<String>) -> Result<HttpResponse> {
    let found = scheduler.get_variable(&key).await?.ok_or_else(|| missing(&key))?;
    Ok(HttpResponse::Ok().json(shown(found)))
}

/// Makes a variable.
#[utoipa::path(post, path = "/api/v2/variables", tag = "pipelines", request_body = VariableBody, responses((status = 201, body = VariableResponse)), security(("artel" = ["variables"])))]
pub(super) async fn create(scheduler: web::Data<Scheduler>, body: Body<VariableBody>) -> Result<HttpResponse> {
    no_team(body.team_name.as_deref())?;
    if scheduler.get_variable(&body.key).await?.is_some() {
        return Err(Error::exists(format!("The Variable with key: `{}` already exists", body.key)));
    }
    put(&scheduler, &body.key, Some(text(&body.value)), body.description.clone()).await.map(|v| HttpResponse::Created().json(v))
}

/// Changes a variable.
#[utoipa::path(patch, path = "/api/v2/variables/{variable_key:.*}", tag = "pipelines", request_body = VariableBody, responses((status = 200, body = VariableResponse)), security(("artel" = ["variables"])))]
pub(super) async fn update(
    scheduler: web::Data<Scheduler>,
    key: web::Path<String>,
    request: HttpRequest,
    body: Body<VariableBody>,
) -> Result<HttpResponse> {
    if body.key != *key {
        return Err(Error::invalid("Invalid body, key from request body doesn't match uri parameter"));
    }
    let mask = Query::of(&request).all("update_mask");
    let (body, sent) = body.into_parts();
    change(&scheduler, body, &sent, &mask).await.map(|v| HttpResponse::Ok().json(v))
}

/// Only the fields that were sent and, where there is a mask, that it names.
async fn change(scheduler: &Scheduler, body: VariableBody, sent: &Value, mask: &[String]) -> Result<VariableResponse> {
    no_team(body.team_name.as_deref())?;
    let old = scheduler.get_variable(&body.key).await?.ok_or_else(|| missing(&body.key))?;
    if mask.iter().any(|field| field == "key") {
        return Err(Error::invalid("Update not allowed: the following fields are immutable and cannot be modified: {'key'}"));
    }
    let value = if is_changed(sent, mask, "value") { Some(text(&body.value)) } else { old.value };
    let description = if is_changed(sent, mask, "description") { body.description } else { old.description };
    put(scheduler, &body.key, value, description).await
}

/// Removes a variable.
#[utoipa::path(delete, path = "/api/v2/variables/{variable_key:.*}", tag = "pipelines", responses((status = 204)), security(("artel" = ["variables"])))]
pub(super) async fn delete(scheduler: web::Data<Scheduler>, key: web::Path<String>) -> Result<HttpResponse> {
    if scheduler.delete_variable(&key).await? { Ok(HttpResponse::NoContent().finish()) } else { Err(missing(&key)) }
}

async fn put(scheduler: &Scheduler, key: &str, value: Option<String>, description: Option<String>) -> Result<VariableResponse> {
    scheduler.put_variable(key, value.as_deref(), description.as_deref()).await?;
    Ok(shown(Variable { key: key.into(), value, description, is_encrypted: true }))
}

struct Variables;

impl Kind for Variables {
    const NAME: &'static str = "variables";
    const IDENTIFIERS: &'static str = "keys";
    const BODY: &'static str = "VariableBody";
    type Entity = VariableBody;

    fn name(&self, entity: &Value) -> Result<String> {
        bulk::named(entity, "key")
    }

    async fn exists(&self, scheduler: &Scheduler, entity: &Value) -> Result<bool> {
        Ok(scheduler.get_variable(&self.name(entity)?).await?.is_some())
    }

    async fn create(&self, scheduler: &Scheduler, entity: Value) -> Result<()> {
        let body: VariableBody = bulk::body(entity)?;
        put(scheduler, &body.key, Some(text(&body.value)), body.description).await.map(drop)
    }

    async fn update(&self, scheduler: &Scheduler, entity: Value, mask: &[String]) -> Result<()> {
        change(scheduler, bulk::body(entity.clone())?, &entity, mask).await.map(drop)
    }

    async fn delete(&self, scheduler: &Scheduler, entity: &Value) -> Result<()> {
        let key = self.name(entity)?;
        if scheduler.delete_variable(&key).await? { Ok(()) } else { Err(missing(&key)) }
    }
}

/// Makes, changes or removes several variables.
#[utoipa::path(patch, path = "/api/v2/variables", tag = "pipelines", request_body = BulkBody, responses((status = 200, body = BulkResponse)), security(("artel" = ["variables"])))]
pub(super) async fn bulk(scheduler: web::Data<Scheduler>, body: Body<Actions>) -> Result<HttpResponse> {
    bulk::run(&scheduler, &Variables, body.into_inner()).await
}
