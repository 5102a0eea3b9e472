//! What is kept with an asset, for people (airflow/api_fastapi/core_api/routes/public/asset_state_store.py).

use super::body::{Body, wrong_field};
use super::paging::Paging;
use super::query::Query;
use crate::Scheduler;
use crate::store::asset_state::{self, Entry, Writer};
use crate::store::assets::{self, AssetRow};
use crate::times::shown;
use actix_web::{HttpRequest, HttpResponse, web};
use artel_platform::{Error, Result};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

/// The longest value that may be written here; tasks may write longer ones (upstream's state_store.max_value_storage_bytes).
const MAX_VALUE_BYTES: usize = 65_535;

/// Who wrote an entry last.
#[derive(Serialize, ToSchema)]
#[schema(as = airflow::AssetStateStoreLastUpdatedBy)]
pub(super) struct WriterResponse {
    /// `task`, `watcher` or `api`.
    kind: String,
    dag_id: Option<String>,
    run_id: Option<String>,
    task_id: Option<String>,
    map_index: Option<i64>,
}

/// An entry.
#[derive(Serialize, ToSchema)]
#[schema(as = airflow::AssetStateStoreResponse)]
pub(super) struct EntryResponse {
    key: String,
    value: Value,
    updated_at: String,
    last_updated_by: WriterResponse,
}

/// All that is kept with an asset.
#[derive(Serialize, ToSchema)]
#[schema(as = airflow::AssetStateStoreCollectionResponse)]
pub(super) struct EntryCollection {
    asset_state_store: Vec<EntryResponse>,
    total_entries: i64,
}

/// A value to keep.
#[derive(Deserialize, ToSchema)]
#[schema(as = airflow::AssetStateStoreBody)]
#[serde(deny_unknown_fields)]
pub(super) struct ValueBody {
    value: Value,
}

fn response(entry: Entry) -> Result<EntryResponse> {
    Ok(EntryResponse {
        key: entry.key,
        value: serde_json::from_str(&entry.value)?,
        updated_at: shown(entry.updated_at),
        last_updated_by: WriterResponse {
            kind: entry.kind,
            dag_id: entry.dag_id,
            run_id: entry.run_id,
            task_id: entry.task_id,
            map_index: entry.map_index,
        },
    })
}

/// The JSON text of a value that may be kept.
pub(super) fn storable(value: &Value) -> Result<String> {
    if value.is_null() {
        return Err(wrong_field("value", "value cannot be null"));
    }
    let text = value.to_string();
    if text.len() > MAX_VALUE_BYTES {
        return Err(wrong_field("value", format!("value has {} bytes as JSON, {MAX_VALUE_BYTES} are allowed", text.len())));
    }
    Ok(text)
}

/// The asset that keeps it; upstream's words differ here from those elsewhere.
async fn asset(scheduler: &Scheduler, id: i64) -> Result<AssetRow> {
    assets::get(&scheduler.db, id).await?.ok_or_else(|| Error::not_found(format!("Asset with id {id} not found")))
}

/// What is kept with an asset, by key.
#[utoipa::path(get, path = "/api/v2/assets/{asset_id}/state-store", tag = "pipelines", params(Paging), responses((status = 200, body = EntryCollection)), security(("artel" = ["read:dags"])))]
pub(super) async fn list(scheduler: web::Data<Scheduler>, id: web::Path<i64>, request: HttpRequest) -> Result<HttpResponse> {
    let asset = asset(&scheduler, *id).await?;
    let page = Query::of(&request).page(&[("key", "key")], "key", "key")?;
    let (found, total_entries) = asset_state::list(&scheduler.db, asset.id, &page).await?;
    let asset_state_store = found.into_iter().map(response).collect::<Result<_>>()?;
    Ok(HttpResponse::Ok().json(EntryCollection { asset_state_store, total_entries }))
}

/// One entry.
#[utoipa::path(get, path = "/api/v2/assets/{asset_id}/state-store/{key:.*}", tag = "pipelines", responses((status = 200, body = EntryResponse)), security(("artel" = ["read:dags"])))]
pub(super) async fn get(scheduler: web::Data<Scheduler>, path: web::Path<(i64, String)>) -> Result<HttpResponse> {
    let (id, key) = path.into_inner();
    let asset = asset(&scheduler, id).await?;
    let entry = asset_state::get(&scheduler.db, asset.id, &key).await?;
    let entry = entry.ok_or_else(|| Error::not_found(format!("Asset state store key '{key}' not found")))?;
    Ok(HttpResponse::Ok().json(response(entry)?))
}

/// Keeps a value.
#[utoipa::path(put, path = "/api/v2/assets/{asset_id}/state-store/{key:.*}", tag = "pipelines", request_body = ValueBody, responses((status = 204)), security(("artel" = ["run:dags"])))]
pub(super) async fn put(scheduler: web::Data<Scheduler>, path: web::Path<(i64, String)>, body: Body<ValueBody>) -> Result<HttpResponse> {
    let (id, key) = path.into_inner();
    let (asset, value) = (asset(&scheduler, id).await?, storable(&body.value)?);
    let mut tx = scheduler.db.begin().await?;
    asset_state::put(&mut tx, asset.id, &key, &value, Writer::Api, scheduler.cx.clock.now()).await?;
    tx.commit().await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Forgets one entry; no error when there is none.
#[utoipa::path(delete, path = "/api/v2/assets/{asset_id}/state-store/{key:.*}", tag = "pipelines", responses((status = 204)), security(("artel" = ["run:dags"])))]
pub(super) async fn delete(scheduler: web::Data<Scheduler>, path: web::Path<(i64, String)>) -> Result<HttpResponse> {
    let (id, key) = path.into_inner();
    let asset = asset(&scheduler, id).await?;
    scheduler.forget_asset_state(asset.id, Some(&key)).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Forgets all that is kept with an asset.
#[utoipa::path(delete, path = "/api/v2/assets/{asset_id}/state-store", tag = "pipelines", responses((status = 204)), security(("artel" = ["run:dags"])))]
pub(super) async fn clear(scheduler: web::Data<Scheduler>, id: web::Path<i64>) -> Result<HttpResponse> {
    let asset = asset(&scheduler, *id).await?;
    scheduler.forget_asset_state(asset.id, None).await?;
    Ok(HttpResponse::NoContent().finish())
}
