//! Who the caller is. Notebook servers and services ask it for each of their visitors, so an answer is kept while it holds.

use super::model::UserModel;
use super::services::ServiceModel;
use crate::Hub;
use crate::scopes::Vocabulary;
use actix_web::http::header::ContentType;
use actix_web::{HttpResponse, web};
use artel_platform::identity::{Kind, Scopes};
use artel_platform::{Error, Identity, Result};
use bytes::Bytes;
use serde::Serialize;
use std::sync::Arc;
use std::time::Duration;
use utoipa::ToSchema;

/// How long an answer is kept at most: another process may have changed what it says.
const MEMORY: Duration = Duration::from_secs(1);
const REMEMBERED: u64 = 10_000;

/// A user who asks.
#[derive(Serialize, ToSchema)]
#[schema(as = hub::Whoami)]
pub(super) struct Whoami {
    #[serde(flatten)]
    user: UserModel,
    /// What the caller may do.
    scopes: Vec<String>,
    session_id: Option<String>,
    token_id: Option<String>,
}

/// The same of a service.
#[derive(Serialize, ToSchema)]
#[schema(as = hub::ServiceWhoami)]
pub(super) struct ServiceWhoami {
    #[serde(flatten)]
    service: ServiceModel,
    scopes: Vec<String>,
    session_id: Option<String>,
    token_id: Option<String>,
}

/// Answers of the last moment.
pub(crate) struct Answers(moka::future::Cache<Caller, Arc<Answer>>);

#[derive(PartialEq, Eq, Hash)]
struct Caller {
    kind: Kind,
    name: String,
    token_id: Option<String>,
    session: Option<String>,
}

struct Answer {
    scopes: Scopes,
    /// [`artel_platform::db::Db::writes`] before it was made.
    writes: u64,
    body: Bytes,
}

impl Default for Answers {
    fn default() -> Self {
        Self(moka::future::Cache::builder().max_capacity(REMEMBERED).time_to_live(MEMORY).build())
    }
}

/// Who the caller is and what they may do. Whoever has a token may see at least whose it is.
#[utoipa::path(get, path = "/hub/api/user", tag = "hub", responses((status = 200, body = Whoami), (status = 403)), security(("artel" = ["authenticated"])))]
pub(super) async fn whoami(hub: web::Data<Hub>, who: Identity) -> Result<HttpResponse> {
    let caller = Caller { kind: who.kind, name: who.name.clone(), token_id: who.token_id.clone(), session: who.session.clone() };
    let writes = hub.db.writes();
    let kept = hub.answers.0.get(&caller).await.filter(|kept| kept.writes == writes && kept.scopes == who.scopes);
    let body = match kept {
        Some(kept) => kept.body.clone(),
        None => {
            let (scopes, body) = (who.scopes.clone(), hub.describe_caller(who).await?);
            hub.answers.0.insert(caller, Arc::new(Answer { scopes, writes, body: body.clone() })).await;
            body
        }
    };
    Ok(HttpResponse::Ok().insert_header(ContentType::json()).body(body))
}

impl Hub {
    /// The caller as JSON.
    async fn describe_caller(&self, who: Identity) -> Result<Bytes> {
        let unknown = || Error::denied("Missing or invalid credentials.");
        let scopes = Vocabulary::list(&who.scopes);
        let session_id = who.session.filter(|_| who.token_id.is_some());
        let with = |own: Vec<String>| Scopes::from_iter(who.scopes.iter().map(str::to_owned).chain(own));
        let json = if who.kind == Kind::Service {
            let seen = with(vec![format!("read:services:name!service={}", who.name)]);
            let service = self.service(&who.name).await?.ok_or_else(unknown)?;
            let service = self.service_model(&service, &seen).await?;
            serde_json::to_vec(&ServiceWhoami { service, scopes, session_id, token_id: who.token_id })
        } else {
            let user = self.user(&who.name).await.map_err(|_| unknown())?;
            let seen = with(["read:users:name", "read:users:groups"].map(|scope| format!("{scope}!user={}", user.name)).into());
            let user = self.user_model(&self.account(user).await?, &seen, false);
            serde_json::to_vec(&Whoami { user, scopes, session_id, token_id: who.token_id })
        };
        Ok(json?.into())
    }
}
