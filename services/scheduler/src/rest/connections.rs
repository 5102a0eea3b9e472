//! Connections.

use super::body::{Body, is_changed, no_team, wrong_field};
use super::bulk::{self, Actions, BulkBody, BulkResponse, Kind};
use super::paging::Paging;
use super::query::Query;
use crate::Scheduler;
use crate::python_json::{Document, dumps};
use crate::sensitive::{HIDDEN, redacted_document, with_secrets_of};
use crate::store::Filter;
use crate::store::connections::Connection;
use actix_web::{HttpRequest, HttpResponse, web};
use artel_platform::{Error, Result};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;

/// A connection; its password is hidden.
#[derive(Serialize, ToSchema)]
#[schema(as = airflow::ConnectionResponse)]
pub(super) struct ConnectionResponse {
    connection_id: String,
    conn_type: String,
    description: Option<String>,
    host: Option<String>,
    login: Option<String>,
    schema: Option<String>,
    port: Option<i64>,
    password: Option<String>,
    extra: Option<String>,
    team_name: Option<String>,
}

/// A connection to be set.
#[derive(Deserialize, ToSchema)]
#[schema(as = airflow::ConnectionBody)]
#[serde(deny_unknown_fields)]
pub(super) struct ConnectionBody {
    #[schema(max_length = 200, pattern = r"^[\w.-]+$")]
    connection_id: String,
    conn_type: String,
    description: Option<String>,
    host: Option<String>,
    login: Option<String>,
    schema: Option<String>,
    port: Option<i64>,
    password: Option<String>,
    extra: Option<String>,
    #[schema(max_length = 50)]
    team_name: Option<String>,
}

fn shown(c: Connection) -> ConnectionResponse {
    ConnectionResponse {
        connection_id: c.conn_id,
        conn_type: c.conn_type,
        description: c.description,
        host: c.host,
        login: c.login,
        schema: c.schema,
        port: c.port,
        password: c.password.map(|_| HIDDEN.into()),
        extra: c.extra.map(|extra| hidden(&extra)),
        team_name: None,
    }
}

/// What the extra says, without its secrets. One that cannot be read is not shown: it might hold some.
fn hidden(extra: &str) -> String {
    serde_json::from_str(extra).map(|extra| dumps(&redacted_document(extra, false))).unwrap_or_default()
}

fn read(body: ConnectionBody) -> Result<Connection> {
    no_team(body.team_name.as_deref())?;
    let object = "The `extra` field must be a valid JSON object (e.g., {'key': 'value'})";
    match body.extra.as_deref().filter(|extra| !extra.is_empty()).map(serde_json::from_str::<Value>) {
        None | Some(Ok(Value::Object(_))) => {}
        Some(Ok(_)) => return Err(wrong_field("extra", object)),
        Some(Err(_)) => return Err(wrong_field("extra", format!("{object}, but encountered non-JSON in `extra` field"))),
    }
    Ok(Connection {
        conn_id: body.connection_id,
        conn_type: body.conn_type,
        description: body.description,
        host: body.host,
        login: body.login,
        password: body.password.filter(|password| !password.is_empty()),
        schema: body.schema,
        port: body.port,
        extra: body.extra.map(|extra| if extra.is_empty() { "{}".into() } else { extra }),
    })
}

fn missing(id: &str) -> Error {
    Error::not_found(format!("The Connection with connection_id: `{id}` was not found"))
}

/// Connections.
#[utoipa::path(get, path = "/api/v2/connections", tag = "pipelines", params(Paging), responses((status = 200, body = serde_json::Value)), security(("artel" = ["read:connections"])))]
pub(super) async fn list(scheduler: web::Data<Scheduler>, request: HttpRequest) -> Result<HttpResponse> {
    let query = Query::of(&request);
    let mut filter = Filter::default();
    query.patterns(&mut filter, "connection_id", "conn_id");
    let order = [
        ("connection_id", "conn_id"),
        ("conn_id", "conn_id"),
        ("id", "number"),
        ("conn_type", "conn_type"),
        ("host", "host"),
        ("port", "port"),
        ("description", "description"),
    ];
    let (found, total_entries) = scheduler.list_connections(filter, &query.page(&order, "id", "number, conn_id")?).await?;
    let connections: Vec<_> = found.into_iter().map(shown).collect();
    Ok(HttpResponse::Ok().json(json!({"connections": connections, "total_entries": total_entries})))
}

/// One connection.
#[utoipa::path(get, path = "/api/v2/connections/{connection_id}", tag = "pipelines", responses((status = 200, body = ConnectionResponse)), security(("artel" = ["read:connections"])))]
pub(super) async fn get(scheduler: web::Data<Scheduler>, id: web::Path<String>) -> Result<HttpResponse> {
    Ok(HttpResponse::Ok().json(shown(scheduler.get_connection(&id).await?.ok_or_else(|| missing(&id))?)))
}

/// Makes a connection.
#[utoipa::path(post, path = "/api/v2/connections", tag = "pipelines", request_body = ConnectionBody, responses((status = 201, body = ConnectionResponse)), security(("artel" = ["connections"])))]
pub(super) async fn create(scheduler: web::Data<Scheduler>, body: Body<ConnectionBody>) -> Result<HttpResponse> {
    let connection = read(body.into_inner())?;
    if scheduler.get_connection(&connection.conn_id).await?.is_some() {
        return Err(Error::exists(format!("The Connection with connection_id: `{}` already exists", connection.conn_id)));
    }
    scheduler.put_connection(connection.clone()).await?;
    Ok(HttpResponse::Created().json(shown(connection)))
}

/// Changes a connection. A password of `***` stays as it is.
#[utoipa::path(patch, path = "/api/v2/connections/{connection_id}", tag = "pipelines", request_body = ConnectionBody, responses((status = 200, body = ConnectionResponse)), security(("artel" = ["connections"])))]
pub(super) async fn update(
    scheduler: web::Data<Scheduler>,
    id: web::Path<String>,
    request: HttpRequest,
    body: Body<ConnectionBody>,
) -> Result<HttpResponse> {
    if body.connection_id != *id {
        return Err(Error::invalid("The connection_id in the request body does not match the URL parameter"));
    }
    let mask = Query::of(&request).all("update_mask");
    let (body, sent) = body.into_parts();
    Ok(HttpResponse::Ok().json(change(&scheduler, body, &sent, &mask).await?))
}

/// Only the fields that were sent and, where there is a mask, that it names.
async fn change(scheduler: &Scheduler, body: ConnectionBody, sent: &Value, mask: &[String]) -> Result<ConnectionResponse> {
    let old = scheduler.get_connection(&body.connection_id).await?.ok_or_else(|| missing(&body.connection_id))?;
    let wanted = |field: &str| is_changed(sent, mask, field);
    let new = read(body)?;
    let text = |field: &str, new: Option<String>, old: &Option<String>| if wanted(field) { new } else { old.clone() };
    let changed = Connection {
        conn_id: new.conn_id,
        conn_type: if wanted("conn_type") { new.conn_type } else { old.conn_type.clone() },
        description: text("description", new.description, &old.description),
        host: text("host", new.host, &old.host),
        login: text("login", new.login, &old.login),
        schema: text("schema", new.schema, &old.schema),
        port: if wanted("port") { new.port } else { old.port },
        // who was shown *** sends it back
        password: text(
            "password",
            if new.password.as_deref() == Some(HIDDEN) { old.password.clone() } else { new.password },
            &old.password,
        ),
        extra: text("extra", new.extra.map(|extra| merged(extra, old.extra.as_deref())), &old.extra),
    };
    scheduler.put_connection(changed.clone()).await?;
    Ok(shown(changed))
}

/// An extra with the secrets of the former one where `***` stands for them.
fn merged(extra: String, former: Option<&str>) -> String {
    let documents = former.map(|former| (serde_json::from_str(&extra), serde_json::from_str::<Document>(former)));
    match documents {
        Some((Ok(new), Ok(old))) => dumps(&with_secrets_of(new, &old)),
        _ => extra,
    }
}

/// Removes a connection.
#[utoipa::path(delete, path = "/api/v2/connections/{connection_id}", tag = "pipelines", responses((status = 204)), security(("artel" = ["connections"])))]
pub(super) async fn delete(scheduler: web::Data<Scheduler>, id: web::Path<String>) -> Result<HttpResponse> {
    if scheduler.delete_connection(&id).await? { Ok(HttpResponse::NoContent().finish()) } else { Err(missing(&id)) }
}

struct Connections;

impl Kind for Connections {
    const NAME: &'static str = "connections";
    const IDENTIFIERS: &'static str = "connection_ids";
    const BODY: &'static str = "ConnectionBody";
    type Entity = ConnectionBody;

    fn name(&self, entity: &Value) -> Result<String> {
        bulk::named(entity, "connection_id")
    }

    async fn exists(&self, scheduler: &Scheduler, entity: &Value) -> Result<bool> {
        Ok(scheduler.get_connection(&self.name(entity)?).await?.is_some())
    }

    async fn create(&self, scheduler: &Scheduler, entity: Value) -> Result<()> {
        scheduler.put_connection(read(bulk::body(entity)?)?).await
    }

    async fn update(&self, scheduler: &Scheduler, entity: Value, mask: &[String]) -> Result<()> {
        change(scheduler, bulk::body(entity.clone())?, &entity, mask).await.map(drop)
    }

    async fn delete(&self, scheduler: &Scheduler, entity: &Value) -> Result<()> {
        let id = self.name(entity)?;
        if scheduler.delete_connection(&id).await? { Ok(()) } else { Err(missing(&id)) }
    }
}

/// Makes, changes or removes several connections.
#[utoipa::path(patch, path = "/api/v2/connections", tag = "pipelines", request_body = BulkBody, responses((status = 200, body = BulkResponse)), security(("artel" = ["connections"])))]
pub(super) async fn bulk(scheduler: web::Data<Scheduler>, body: Body<Actions>) -> Result<HttpResponse> {
    bulk::run(&scheduler, &Connections, body.into_inner()).await
}

/// Makes the connections that upstream's providers come with, but for those that are there.
#[utoipa::path(post, path = "/api/v2/connections/defaults", tag = "pipelines", responses((status = 204)), security(("artel" = ["connections"])))]
pub(super) async fn defaults(scheduler: web::Data<Scheduler>) -> Result<HttpResponse> {
    for entity in scheduler.installed("default_connections").await? {
        if !Connections.exists(&scheduler, &entity).await? {
            Connections.create(&scheduler, entity).await?;
        }
    }
    Ok(HttpResponse::NoContent().finish())
}
