//! Pools.

use super::body::{Body, is_changed, no_team};
use super::bulk::{self, Actions, BulkBody, BulkResponse, Kind};
use super::paging::Paging;
use super::query::Query;
use crate::Scheduler;
use crate::store::Filter;
use crate::store::pools::{self, Pool, Taken};
use actix_web::{HttpRequest, HttpResponse, web};
use artel_platform::{Error, Result};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;

/// A pool and what occupies it.
#[derive(Serialize, ToSchema)]
#[schema(as = airflow::PoolResponse)]
pub(super) struct PoolResponse {
    name: String,
    slots: i64,
    description: Option<String>,
    include_deferred: bool,
    occupied_slots: i64,
    running_slots: i64,
    queued_slots: i64,
    scheduled_slots: i64,
    open_slots: i64,
    deferred_slots: i64,
    team_name: Option<String>,
}

/// A new pool.
#[derive(Deserialize, ToSchema)]
#[schema(as = airflow::PoolBody)]
#[serde(deny_unknown_fields)]
pub(super) struct PoolBody {
    #[schema(min_length = 1, max_length = 256)]
    name: String,
    #[schema(minimum = -1)]
    slots: i64,
    description: Option<String>,
    #[serde(default)]
    include_deferred: bool,
    #[schema(max_length = 50)]
    team_name: Option<String>,
}

/// Changes of a pool.
#[derive(Deserialize, ToSchema)]
#[schema(as = airflow::PoolPatchBody)]
#[serde(deny_unknown_fields)]
pub(super) struct PoolPatch {
    pool: Option<String>,
    /// The same, as it is called where a pool is made.
    name: Option<String>,
    #[schema(minimum = -1)]
    slots: Option<i64>,
    description: Option<String>,
    include_deferred: Option<bool>,
    #[schema(max_length = 50)]
    team_name: Option<String>,
}

impl PoolPatch {
    fn name(&self) -> Option<&str> {
        self.pool.as_deref().or(self.name.as_deref())
    }
}

const DEFAULT: &str = "default_pool";

fn shown(pool: Pool, taken: &[Taken]) -> PoolResponse {
    let of =
        |states: &[&str]| taken.iter().filter(|t| t.pool == pool.name && states.contains(&t.state.as_str())).map(|t| t.slots).sum::<i64>();
    let (running, queued, deferred) = (of(&["running", "restarting"]), of(&["queued"]), of(&["deferred"]));
    let occupied = running + queued + if pool.include_deferred { deferred } else { 0 };
    PoolResponse {
        occupied_slots: occupied,
        running_slots: running,
        queued_slots: queued,
        scheduled_slots: of(&["scheduled"]),
        open_slots: if pool.slots < 0 { -1 } else { pool.slots - occupied },
        deferred_slots: deferred,
        name: pool.name,
        slots: pool.slots,
        description: pool.description,
        include_deferred: pool.include_deferred,
        team_name: None,
    }
}

fn read(body: PoolBody) -> Result<Pool> {
    no_team(body.team_name.as_deref())?;
    Ok(Pool { name: body.name, slots: body.slots, description: body.description, include_deferred: body.include_deferred })
}

fn missing(name: &str) -> Error {
    Error::not_found(format!("The Pool with name: `{name}` was not found"))
}

async fn save(scheduler: &Scheduler, pool: Pool) -> Result<PoolResponse> {
    let mut tx = scheduler.db.begin().await?;
    pools::put(&mut tx, &pool).await?;
    tx.commit().await?;
    scheduler.refill().await?;
    Ok(shown(pool, &scheduler.db.ask(pools::taken()).await?))
}

/// Pools.
#[utoipa::path(get, path = "/api/v2/pools", tag = "pipelines", params(Paging), responses((status = 200, body = serde_json::Value)), security(("artel" = ["read:dags"])))]
pub(super) async fn list(scheduler: web::Data<Scheduler>, request: HttpRequest) -> Result<HttpResponse> {
    let query = Query::of(&request);
    let mut filter = Filter::default();
    query.patterns(&mut filter, "pool_name", "name");
    let page = query.page(&[("id", "number"), ("name", "name"), ("pool", "name")], "id", "number, name")?;
    let (found, total_entries) = pools::list(&scheduler.db, filter, &page).await?;
    let taken = scheduler.db.ask(pools::taken()).await?;
    let all: Vec<_> = found.into_iter().map(|p| shown(p, &taken)).collect();
    Ok(HttpResponse::Ok().json(json!({"pools": all, "total_entries": total_entries})))
}

/// One pool.
#[utoipa::path(get, path = "/api/v2/pools/{pool_name:.*}", tag = "pipelines", responses((status = 200, body = PoolResponse)), security(("artel" = ["read:dags"])))]
pub(super) async fn get(scheduler: web::Data<Scheduler>, name: web::Path<String>) -> Result<HttpResponse> {
    let pool = pools::get(&scheduler.db, &name).await?.ok_or_else(|| missing(&name))?;
    Ok(HttpResponse::Ok().json(shown(pool, &scheduler.db.ask(pools::taken()).await?)))
}

/// Makes a pool.
#[utoipa::path(post, path = "/api/v2/pools", tag = "pipelines", request_body = PoolBody, responses((status = 201, body = PoolResponse)), security(("artel" = ["dags"])))]
pub(super) async fn create(scheduler: web::Data<Scheduler>, body: Body<PoolBody>) -> Result<HttpResponse> {
    let body = body.into_inner();
    if pools::get(&scheduler.db, &body.name).await?.is_some() {
        return Err(Error::exists(format!("The Pool with name: `{}` already exists", body.name)));
    }
    let pool = read(body)?;
    scheduler.parser.setting_changed(format!("pool:{}", pool.name));
    Ok(HttpResponse::Created().json(save(&scheduler, pool).await?))
}

/// Changes a pool.
#[utoipa::path(patch, path = "/api/v2/pools/{pool_name:.*}", tag = "pipelines", request_body = PoolPatch, responses((status = 200, body = PoolResponse)), security(("artel" = ["dags"])))]
pub(super) async fn update(
    scheduler: web::Data<Scheduler>,
    name: web::Path<String>,
    request: HttpRequest,
    body: Body<PoolPatch>,
) -> Result<HttpResponse> {
    let mask = Query::of(&request).all("update_mask");
    let (patch, sent) = body.into_parts();
    Ok(HttpResponse::Ok().json(change(&scheduler, &name, patch, &sent, &mask).await?))
}

/// Only the fields that were sent and, where there is a mask, that it names. Of the default pool only its slots are changed, and
/// what counts as taken (services/public/pools.py `update_orm_from_pydantic`).
async fn change(scheduler: &Scheduler, name: &str, patch: PoolPatch, sent: &Value, mask: &[String]) -> Result<PoolResponse> {
    no_team(patch.team_name.as_deref())?;
    let wanted = |field: &str| is_changed(sent, mask, field);
    if patch.name().is_some_and(|given| given != name) {
        return Err(Error::invalid("Invalid body, pool name from request body doesn't match uri parameter"));
    }
    let mut pool = pools::get(&scheduler.db, name).await?.ok_or_else(|| missing(name))?;
    if name == DEFAULT && (mask.is_empty() || !mask.iter().all(|field| matches!(field.trim(), "slots" | "include_deferred"))) {
        return Err(Error::invalid("Only slots and included_deferred can be modified on Default Pool"));
    }
    pool.slots = patch.slots.filter(|_| wanted("slots")).unwrap_or(pool.slots);
    pool.include_deferred = patch.include_deferred.filter(|_| wanted("include_deferred")).unwrap_or(pool.include_deferred);
    if wanted("description") {
        pool.description = patch.description;
    }
    save(scheduler, pool).await
}

/// Removes a pool.
#[utoipa::path(delete, path = "/api/v2/pools/{pool_name:.*}", tag = "pipelines", responses((status = 204)), security(("artel" = ["dags"])))]
pub(super) async fn delete(scheduler: web::Data<Scheduler>, name: web::Path<String>) -> Result<HttpResponse> {
    remove(&scheduler, &name).await?;
    Ok(HttpResponse::NoContent().finish())
}

async fn remove(scheduler: &Scheduler, name: &str) -> Result<()> {
    if name == DEFAULT {
        return Err(Error::invalid("Default Pool can't be deleted"));
    }
    let mut tx = scheduler.db.begin().await?;
    if !pools::delete(&mut tx, name).await? {
        return Err(missing(name));
    }
    tx.commit().await?;
    scheduler.parser.setting_changed(format!("pool:{name}"));
    Ok(())
}

struct Pools;

impl Kind for Pools {
    const NAME: &'static str = "pools";
    const IDENTIFIERS: &'static str = "pool names";
    const BODY: &'static str = "PoolBody";
    type Entity = PoolBody;

    fn name(&self, entity: &Value) -> Result<String> {
        bulk::named(entity, "pool").or_else(|_| bulk::named(entity, "name"))
    }

    async fn exists(&self, scheduler: &Scheduler, entity: &Value) -> Result<bool> {
        Ok(pools::get(&scheduler.db, &self.name(entity)?).await?.is_some())
    }

    async fn create(&self, scheduler: &Scheduler, entity: Value) -> Result<()> {
        save(scheduler, read(bulk::body(entity)?)?).await.map(drop)
    }

    async fn update(&self, scheduler: &Scheduler, entity: Value, mask: &[String]) -> Result<()> {
        let name = self.name(&entity)?;
        change(scheduler, &name, bulk::body(entity.clone())?, &entity, mask).await.map(drop)
    }

    async fn delete(&self, scheduler: &Scheduler, entity: &Value) -> Result<()> {
        remove(scheduler, &self.name(entity)?).await
    }
}

/// Makes, changes or removes several pools.
#[utoipa::path(patch, path = "/api/v2/pools", tag = "pipelines", request_body = BulkBody, responses((status = 200, body = BulkResponse)), security(("artel" = ["dags"])))]
pub(super) async fn bulk(scheduler: web::Data<Scheduler>, body: Body<Actions>) -> Result<HttpResponse> {
    bulk::run(&scheduler, &Pools, body.into_inner()).await
}
