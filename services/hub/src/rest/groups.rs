//! Groups (jupyterhub/apihandlers/groups.py).

use super::pagination::{Page, PageQuery, Paginated};
use crate::Hub;
use crate::permit::Over;
use crate::store::groups::{self, Group};
use actix_web::{HttpRequest, HttpResponse, web};
use artel_platform::identity::Scopes;
use artel_platform::{Error, Identity, Result};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

/// A group; each field only to who holds a scope for it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = hub::Group)]
pub(super) struct GroupModel {
    /// `group`.
    kind: &'static str,
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    roles: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    users: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<std::collections::BTreeMap<String, Value>>)]
    properties: Option<Map<String, Value>>,
}

/// New groups, each with these users.
#[derive(Default, Deserialize, ToSchema)]
#[schema(as = hub::NewGroups)]
#[serde(deny_unknown_fields)]
pub(super) struct NewGroups {
    #[serde(default)]
    groups: Vec<String>,
    #[serde(default)]
    users: Vec<String>,
}

/// A group as it is sent.
#[derive(Default, Deserialize, ToSchema)]
#[schema(as = hub::GroupRequest)]
#[serde(deny_unknown_fields)]
pub(super) struct GroupRequest {
    /// Ignored: the path says it.
    #[serde(rename = "name")]
    _name: Option<String>,
    users: Option<Vec<String>>,
    /// Ignored, as upstream does.
    #[serde(rename = "roles")]
    _roles: Option<Vec<String>>,
}

/// Lists groups. Paged when the caller accepts `application/jupyterhub-pagination+json`, else a plain list.
#[utoipa::path(get, path = "/hub/api/groups", tag = "hub", params(PageQuery), responses((status = 200, body = Vec<GroupModel>)), security(("artel" = ["list:groups"])))]
pub(super) async fn list(hub: web::Data<Hub>, request: HttpRequest, who: Identity, query: web::Query<PageQuery>) -> Result<HttpResponse> {
    let page = Page::of(&request, &query)?;
    let only = match who.scopes.has_unfiltered("list:groups") {
        true => None,
        false => Some(who.scopes.names_of("list:groups", "group")),
    };
    if only.as_ref().is_some_and(Vec::is_empty) {
        return Err(Error::denied("list:groups is held with a filter that is not about groups"));
    }
    let (found, total) = groups::page(&hub.db, only.as_deref(), page.offset, page.limit).await?;
    let items = hub.group_models(found, &who.scopes).await?;
    if page.wanted {
        return Ok(HttpResponse::Ok().json(Paginated::new(&hub.public_url, &request, &page, total, items)?));
    }
    Ok(HttpResponse::Ok().json(items))
}

/// Makes groups.
#[utoipa::path(post, path = "/hub/api/groups", tag = "hub", request_body = NewGroups, responses((status = 201, body = Vec<GroupModel>), (status = 400), (status = 409)), security(("artel" = ["admin:groups"])))]
pub(super) async fn create_many(hub: web::Data<Hub>, who: Identity, body: web::Bytes) -> Result<HttpResponse> {
    hub.allow(&who, &["admin:groups"], Over::Everything).await?;
    let new: NewGroups = super::body(&body)?;
    if new.groups.is_empty() {
        return Err(Error::invalid("Must specify at least one group to create"));
    }
    let created = hub.create_groups(&new.groups, &new.users).await?;
    Ok(HttpResponse::Created().json(hub.group_models(created, &who.scopes).await?))
}

/// Shows a group.
#[utoipa::path(get, path = "/hub/api/groups/{group}", tag = "hub", params(("group" = String, Path)), responses((status = 200, body = GroupModel), (status = 404)), security(("artel" = ["authenticated"])))]
pub(super) async fn get(hub: web::Data<Hub>, who: Identity, name: web::Path<String>) -> Result<HttpResponse> {
    hub.allow(&who, &["read:groups", "read:groups:name", "read:roles:groups"], Over::Group(&name)).await?;
    hub.group_answer(&who, hub.group(&name).await?, 200).await
}

/// Makes a group.
#[utoipa::path(post, path = "/hub/api/groups/{group}", tag = "hub", params(("group" = String, Path)), request_body = Option<GroupRequest>, responses((status = 201, body = GroupModel), (status = 400), (status = 409)), security(("artel" = ["admin:groups"])))]
pub(super) async fn create(hub: web::Data<Hub>, who: Identity, name: web::Path<String>, body: web::Bytes) -> Result<HttpResponse> {
    hub.allow(&who, &["admin:groups"], Over::Group(&name)).await?;
    let request: GroupRequest = super::body(&body)?;
    let mut created = hub.create_groups(&[name.into_inner()], &request.users.unwrap_or_default()).await?;
    hub.group_answer(&who, created.remove(0), 201).await
}

/// Removes a group; its users stay.
#[utoipa::path(delete, path = "/hub/api/groups/{group}", tag = "hub", params(("group" = String, Path)), responses((status = 204), (status = 404)), security(("artel" = ["delete:groups"])))]
pub(super) async fn delete(hub: web::Data<Hub>, who: Identity, name: web::Path<String>) -> Result<HttpResponse> {
    hub.allow(&who, &["delete:groups"], Over::Group(&name)).await?;
    hub.delete_group(&name).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Puts users into a group.
#[utoipa::path(post, path = "/hub/api/groups/{group}/users", tag = "hub", params(("group" = String, Path)), request_body = GroupRequest, responses((status = 200, body = GroupModel), (status = 400), (status = 404)), security(("artel" = ["groups"])))]
pub(super) async fn add_users(hub: web::Data<Hub>, who: Identity, name: web::Path<String>, body: web::Bytes) -> Result<HttpResponse> {
    hub.members_answer(&who, &name, &body, true).await
}

/// Takes users out of a group.
#[utoipa::path(delete, path = "/hub/api/groups/{group}/users", tag = "hub", params(("group" = String, Path)), request_body = GroupRequest, responses((status = 200, body = GroupModel), (status = 400), (status = 404)), security(("artel" = ["groups"])))]
pub(super) async fn remove_users(hub: web::Data<Hub>, who: Identity, name: web::Path<String>, body: web::Bytes) -> Result<HttpResponse> {
    hub.members_answer(&who, &name, &body, false).await
}

/// Replaces a group's properties.
#[utoipa::path(put, path = "/hub/api/groups/{group}/properties", tag = "hub", params(("group" = String, Path)), request_body = std::collections::BTreeMap<String, Value>, responses((status = 200, body = GroupModel), (status = 400), (status = 404)), security(("artel" = ["groups"])))]
pub(super) async fn set_properties(hub: web::Data<Hub>, who: Identity, name: web::Path<String>, body: web::Bytes) -> Result<HttpResponse> {
    hub.allow(&who, &["groups"], Over::Group(&name)).await?;
    hub.group(&name).await?;
    let properties: Option<Map<String, Value>> = super::body(&body)?;
    let properties = properties.ok_or_else(|| Error::invalid("Must specify properties"))?;
    let group = hub.set_properties(&name, properties).await?;
    hub.group_answer(&who, group, 200).await
}

impl Hub {
    async fn members_answer(&self, who: &Identity, name: &str, body: &[u8], add: bool) -> Result<HttpResponse> {
        self.allow(who, &["groups"], Over::Group(name)).await?;
        self.group(name).await?;
        let request: GroupRequest = super::body(body)?;
        let word = if add { "add" } else { "delete" };
        let users = request.users.ok_or_else(|| Error::invalid(format!("Must specify users to {word}")))?;
        let group = self.change_members(name, &users, add).await?;
        self.group_answer(who, group, 200).await
    }

    async fn group_answer(&self, who: &Identity, group: Group, status: u16) -> Result<HttpResponse> {
        let models = self.group_models(vec![group], &who.scopes).await?;
        let status = actix_web::http::StatusCode::from_u16(status).unwrap_or_default();
        Ok(HttpResponse::build(status).json(models.first()))
    }

    async fn group_models(&self, groups: Vec<Group>, scopes: &Scopes) -> Result<Vec<GroupModel>> {
        let names: Vec<&str> = groups.iter().map(|group| group.name.as_str()).collect();
        let mut members = groups::members(&self.db, &names).await?;
        let mut roles = self.roles_held("group", &names).await?;
        let model = |group: Group| {
            let held = |scope: &str| Over::Group(&group.name).held_with(scopes, scope, &[]);
            let (reads, reads_roles) = (held("read:groups"), held("read:roles:groups"));
            GroupModel {
                kind: "group",
                roles: reads_roles.then(|| roles.remove(&group.name).unwrap_or_default()),
                users: reads.then(|| members.remove(&group.name).unwrap_or_default()),
                properties: reads.then(|| group.properties.clone()),
                name: group.name.clone(),
            }
        };
        Ok(groups.into_iter().map(model).collect())
    }
}
