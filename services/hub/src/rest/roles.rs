//! Roles of scopes. Upstream knows them from its settings only; here they can be made and given while the hub runs.

use crate::Hub;
use crate::permit::Over;
use crate::roles::Role;
use crate::scopes::Holder;
use crate::store::roles::Held;
use actix_web::{HttpResponse, web};
use artel_platform::identity::Kind;
use artel_platform::{Error, Identity, Result};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use utoipa::ToSchema;

/// A role and who has it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = hub::Role)]
pub(super) struct RoleModel {
    /// `role`.
    kind: &'static str,
    name: String,
    description: String,
    scopes: Vec<String>,
    /// Whether it is one of the settings or upstream's, which cannot be changed here.
    fixed: bool,
    /// Who has it beside what each account has by itself.
    users: Vec<String>,
    groups: Vec<String>,
    services: Vec<String>,
}

/// What a role shall be.
#[derive(Default, Deserialize, ToSchema)]
#[schema(as = hub::RoleRequest)]
#[serde(deny_unknown_fields)]
pub(super) struct RoleRequest {
    #[serde(default)]
    description: String,
    #[serde(default)]
    scopes: Vec<String>,
}

/// Lists roles.
#[utoipa::path(get, path = "/hub/api/roles", tag = "hub", responses((status = 200, body = Vec<RoleModel>)), security(("artel" = ["read:roles"])))]
pub(super) async fn list(hub: web::Data<Hub>, who: Identity) -> Result<HttpResponse> {
    hub.allow(&who, &["read:roles"], Over::Everything).await?;
    let mut models = Vec::new();
    for role in hub.roles().await? {
        models.push(hub.role_model(role).await?);
    }
    Ok(HttpResponse::Ok().json(models))
}

/// Shows a role.
#[utoipa::path(get, path = "/hub/api/roles/{role}", tag = "hub", params(("role" = String, Path)), responses((status = 200, body = RoleModel), (status = 404)), security(("artel" = ["read:roles"])))]
pub(super) async fn get(hub: web::Data<Hub>, who: Identity, name: web::Path<String>) -> Result<HttpResponse> {
    hub.allow(&who, &["read:roles"], Over::Everything).await?;
    Ok(HttpResponse::Ok().json(hub.role_model(hub.known_role(&name).await?).await?))
}

/// Makes a role or gives it other scopes; whoever does has to hold them all.
#[utoipa::path(put, path = "/hub/api/roles/{role}", tag = "hub", params(("role" = String, Path)), request_body = RoleRequest, responses((status = 200, body = RoleModel), (status = 400), (status = 403), (status = 409)), security(("artel" = ["admin:users"])))]
pub(super) async fn put(hub: web::Data<Hub>, who: Identity, name: web::Path<String>, body: web::Bytes) -> Result<HttpResponse> {
    hub.allow(&who, &["admin:users"], Over::Everything).await?;
    let RoleRequest { description, scopes } = super::body(&body)?;
    let role = Role { name: name.into_inner(), description, scopes };
    if let Some(before) = hub.scope_role(&role.name).await? {
        hub.may_give(&who, &before).await?;
    }
    hub.may_give(&who, &role).await?;
    hub.put_role(&role).await?;
    Ok(HttpResponse::Ok().json(hub.role_model(role).await?))
}

/// Removes a role and takes it from everybody.
#[utoipa::path(delete, path = "/hub/api/roles/{role}", tag = "hub", params(("role" = String, Path)), responses((status = 204), (status = 404), (status = 409)), security(("artel" = ["admin:users"])))]
pub(super) async fn delete(hub: web::Data<Hub>, who: Identity, name: web::Path<String>) -> Result<HttpResponse> {
    hub.allow(&who, &["admin:users"], Over::Everything).await?;
    hub.may_give(&who, &hub.known_role(&name).await?).await?;
    hub.delete_scope_role(&name).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Gives a role to a user, a group or a service (`users`, `groups`, `services`).
#[utoipa::path(put, path = "/hub/api/roles/{role}/{kind}/{holder}", tag = "hub", params(("role" = String, Path), ("kind" = String, Path), ("holder" = String, Path)), responses((status = 204), (status = 400), (status = 403), (status = 404)), security(("artel" = ["admin:users"])))]
pub(super) async fn assign(hub: web::Data<Hub>, who: Identity, at: web::Path<(String, String, String)>) -> Result<HttpResponse> {
    hub.set_role(&who, &at, true).await
}

/// Takes a role away again.
#[utoipa::path(delete, path = "/hub/api/roles/{role}/{kind}/{holder}", tag = "hub", params(("role" = String, Path), ("kind" = String, Path), ("holder" = String, Path)), responses((status = 204), (status = 403), (status = 404)), security(("artel" = ["admin:users"])))]
pub(super) async fn unassign(hub: web::Data<Hub>, who: Identity, at: web::Path<(String, String, String)>) -> Result<HttpResponse> {
    hub.set_role(&who, &at, false).await
}

impl Hub {
    async fn known_role(&self, name: &str) -> Result<Role> {
        self.scope_role(name).await?.ok_or_else(|| Error::not_found(format!("No such role: {name}")))
    }

    async fn role_model(&self, role: Role) -> Result<RoleModel> {
        let holders = self.holders(&role.name).await?;
        let of = |kind: &str| {
            let names: BTreeSet<&str> = holders.iter().filter(|held| held.kind == kind).map(|held| held.holder.as_str()).collect();
            names.into_iter().map(Into::into).collect()
        };
        Ok(RoleModel {
            kind: "role",
            fixed: self.fixed.knows(&role.name),
            users: of("user"),
            groups: of("group"),
            services: of("service"),
            name: role.name,
            description: role.description,
            scopes: role.scopes,
        })
    }

    /// Nobody gives more than they have.
    async fn may_give(&self, who: &Identity, role: &Role) -> Result<()> {
        self.vocabulary.check(&role.scopes, &format!("role {}", role.name))?;
        let holder = Holder { user: (who.kind == Kind::User).then_some(who.name.as_str()), ..Default::default() };
        let held = who.scopes.iter().map(str::to_owned).collect();
        let excess = self.excess(&role.scopes, &holder, &held).await?;
        // somebody else's own things are in other hands: only who may everything may give them
        let own = role
            .scopes
            .iter()
            .any(|scope| scope == "self" || scope.ends_with("!user") || scope.ends_with("!service") || scope.ends_with("!server"));
        if !who.admin && (own || !excess.is_empty()) {
            return Err(Error::denied(format!("the role {} has scopes that {} does not hold", role.name, who.name)));
        }
        Ok(())
    }

    async fn set_role(&self, who: &Identity, (role, kinds, holder): &(String, String, String), has: bool) -> Result<HttpResponse> {
        self.allow(who, &["admin:users"], Over::Everything).await?;
        let role = self.known_role(role).await?;
        self.may_give(who, &role).await?;
        let kind = match kinds.as_str() {
            "users" => "user",
            "groups" => "group",
            "services" => "service",
            _ => return Err(Error::not_found(format!("roles are held by users, groups and services, not by {kinds}"))),
        };
        if kind == "user" && role.name == "admin" {
            return Err(Error::invalid("a user becomes an administrator by PATCH /hub/api/users/NAME with {\"admin\": true}"));
        }
        if has {
            match kind {
                "user" => drop(self.user(holder).await?),
                "group" => drop(self.group(holder).await?),
                _ => drop(self.service(holder).await?.ok_or_else(|| Error::not_found(format!("No such service: {holder}")))?),
            }
        }
        self.set_held(&Held { role: role.name, kind: kind.into(), holder: holder.clone() }, has).await?;
        Ok(HttpResponse::NoContent().finish())
    }
}
