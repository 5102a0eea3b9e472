//! Several changes in one request: upstream's `PATCH` on a collection (airflow/api_fastapi/core_api/services/public/common.py).
//! Each action answers with what it changed and, as an error, what it would not; the rest of the request goes on.

use super::{body, bulk_check};
use crate::Scheduler;
use actix_web::HttpResponse;
use artel_platform::{Error, Result};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;

/// What to do, in order.
#[derive(ToSchema)]
#[schema(as = airflow::BulkBody)]
#[expect(dead_code, reason = "only its schema is used: each kind of action is held against what it may say")]
pub(super) struct BulkBody {
    actions: Vec<Action>,
}

/// [`BulkBody`] as it comes.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Actions {
    pub(super) actions: Vec<Value>,
}

/// The same thing done to several entities.
#[derive(Deserialize, ToSchema)]
#[schema(as = airflow::BulkAction)]
#[serde(deny_unknown_fields)]
pub(super) struct Action {
    /// `create`, `update` or `delete`.
    pub(super) action: String,
    /// Entities as their own routes take them; for `delete` also their names alone.
    pub(super) entities: Vec<Value>,
    /// For `create`: `fail`, `skip` or `overwrite`.
    action_on_existence: Option<String>,
    /// For `update` and `delete`: `fail` or `skip`.
    pub(super) action_on_non_existence: Option<String>,
    /// The only fields that `update` changes.
    pub(super) update_mask: Option<Vec<String>>,
}

/// What each kind of action did; none where it was not asked for.
#[derive(Default, Serialize, ToSchema)]
#[schema(as = airflow::BulkResponse)]
pub(super) struct BulkResponse {
    create: Option<ActionResponse>,
    update: Option<ActionResponse>,
    delete: Option<ActionResponse>,
}

/// Names of what was changed, and what was not, and why.
#[derive(Default, Serialize, ToSchema)]
#[schema(as = airflow::BulkActionResponse)]
pub(super) struct ActionResponse {
    success: Vec<String>,
    errors: Vec<Value>,
}

impl BulkResponse {
    /// Where to say what an action of this kind did.
    pub(super) fn of(&mut self, action: &str) -> &mut ActionResponse {
        let place = match action {
            "create" => &mut self.create,
            "update" => &mut self.update,
            _ => &mut self.delete,
        };
        place.get_or_insert_default()
    }
}

impl ActionResponse {
    pub(super) fn refuse(&mut self, status: u16, error: impl Into<String>) {
        self.errors.push(json!({"error": error.into(), "status_code": status}));
    }

    pub(super) fn take(&mut self, name: String, result: Result<()>) {
        match result {
            Ok(()) => self.success.push(name),
            Err(error) => self.refuse(error.code.http().as_u16(), error.message),
        }
    }
}

/// A kind of thing that can be changed in bulk.
pub(super) trait Kind {
    /// In the plural, as messages name them.
    const NAME: &'static str;
    /// What messages call that by which they are known.
    const IDENTIFIERS: &'static str = "identifiers";
    /// Upstream's name for an entity's body.
    const BODY: &'static str;
    /// Why none are made in bulk.
    const NO_CREATE: Option<&'static str> = None;
    /// An entity that is made or changed.
    type Entity: ToSchema + 'static;

    /// What is said of those that are there already, or that there are not; upstream lists them as a set of Python's.
    fn refusal(names: &[String], what: &str) -> String {
        let quoted: Vec<String> = names.iter().map(|name| format!("'{name}'")).collect();
        format!("The {} with these {}: {{{}}} {what}.", Self::NAME, Self::IDENTIFIERS, quoted.join(", "))
    }

    /// The name of an entity, which is written out or only named.
    fn name(&self, entity: &Value) -> Result<String>;
    /// Is it there?
    async fn exists(&self, scheduler: &Scheduler, entity: &Value) -> Result<bool>;
    /// Makes it, or gives one that is there these contents.
    async fn create(&self, _scheduler: &Scheduler, _entity: Value) -> Result<()> {
        Ok(())
    }
    /// Changes it; only the fields of `mask` where there is one.
    async fn update(&self, scheduler: &Scheduler, entity: Value, mask: &[String]) -> Result<()>;
    /// Removes it.
    async fn delete(&self, scheduler: &Scheduler, entity: &Value) -> Result<()>;
}

/// Does all of it.
pub(super) async fn run<K: Kind>(scheduler: &Scheduler, kind: &K, body: Actions) -> Result<HttpResponse> {
    let mut response = BulkResponse::default();
    for action in bulk_check::actions::<K>(body.actions)? {
        let results = response.of(&action.action);
        act(scheduler, kind, action, results).await?;
    }
    Ok(HttpResponse::Ok().json(response))
}

async fn act<K: Kind>(scheduler: &Scheduler, kind: &K, action: Action, results: &mut ActionResponse) -> Result<()> {
    let creates = action.action == "create";
    if let (true, Some(why)) = (creates, K::NO_CREATE) {
        results.refuse(405, why);
        return Ok(());
    }
    let wish = if creates { &action.action_on_existence } else { &action.action_on_non_existence };
    let wish = wish.as_deref().unwrap_or("fail");
    let mut wanted = Vec::new();
    let mut odd = Vec::new();
    for entity in action.entities {
        let name = match kind.name(&entity) {
            Ok(name) => name,
            Err(error) => {
                results.refuse(400, error.message);
                continue;
            }
        };
        // what is there cannot be made, what is not there cannot be changed
        if kind.exists(scheduler, &entity).await? == creates {
            odd.push(name.clone());
            if wish == "skip" || !creates {
                continue;
            }
        }
        wanted.push((name, entity));
    }
    if wish == "fail" && !odd.is_empty() {
        odd.sort();
        odd.dedup();
        let (status, what) = if creates { (409, "already exist") } else { (404, "were not found") };
        results.refuse(status, K::refusal(&odd, what));
        return Ok(());
    }
    let mask = action.update_mask.unwrap_or_default();
    for (name, entity) in wanted {
        let result = match action.action.as_str() {
            "create" => kind.create(scheduler, entity).await,
            "update" => kind.update(scheduler, entity, &mask).await,
            _ => kind.delete(scheduler, &entity).await,
        };
        results.take(name, result);
    }
    Ok(())
}

/// A string's own text, or the field of an object.
pub(super) fn named(entity: &Value, field: &str) -> Result<String> {
    let text = entity.as_str().or_else(|| entity[field].as_str());
    text.map(Into::into).ok_or_else(|| Error::invalid(format!("an entity has no {field}")))
}

/// The body of an entity's own route.
pub(super) fn body<T: serde::de::DeserializeOwned + ToSchema + 'static>(entity: Value) -> Result<T> {
    body::fitted(entity, &[])
}
