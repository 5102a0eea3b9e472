//! Shares and share codes as upstream shows them.

use crate::Hub;
use crate::names;
use crate::store::servers::{self, State};
use crate::store::shares::{Share, ShareCode};
use crate::time::iso;
use artel_platform::Result;
use serde::Serialize;
use utoipa::ToSchema;

/// Whoever is named.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = hub::Named)]
pub(super) struct Named {
    name: String,
}

/// What is told of a server to those with whom it is shared.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = hub::SharedServer)]
pub(super) struct SharedServer {
    user: Named,
    name: String,
    url: String,
    full_url: Option<String>,
    ready: bool,
}

/// Access that was given.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = hub::Share)]
pub(super) struct ShareModel {
    server: SharedServer,
    scopes: Vec<String>,
    user: Option<Named>,
    group: Option<Named>,
    /// `user` or `group`.
    kind: String,
    created_at: String,
}

/// A code that can be exchanged for access.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = hub::ShareCode)]
pub(super) struct ShareCodeModel {
    server: SharedServer,
    scopes: Vec<String>,
    id: String,
    created_at: String,
    expires_at: String,
    exchange_count: i64,
    last_exchanged_at: Option<String>,
    #[serde(flatten)]
    secret: Option<Secret>,
}

/// What is shown only when a code is made.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = hub::ShareCodeSecret)]
pub(super) struct Secret {
    code: String,
    accept_url: String,
    full_accept_url: Option<String>,
}

impl Hub {
    async fn shared_server(&self, owner: &str, server: &str) -> Result<SharedServer> {
        let ready = servers::find(&self.db, owner, server).await?.is_some_and(|s| s.state == State::Ready);
        let url = names::prefix(owner, server);
        Ok(SharedServer {
            user: Named { name: owner.into() },
            name: server.into(),
            full_url: Some(format!("{}{url}", self.public_url)),
            url,
            ready,
        })
    }

    pub(super) async fn share_model(&self, share: Share) -> Result<ShareModel> {
        let server = self.shared_server(&share.owner, &share.server).await?;
        let named = |kind: &str| (share.kind == kind).then(|| Named { name: share.grantee.clone() });
        Ok(ShareModel {
            server,
            user: named("user"),
            group: named("group"),
            kind: share.kind,
            created_at: iso(share.created),
            scopes: share.scopes,
        })
    }

    pub(super) async fn share_code_model(&self, code: ShareCode, secret: Option<String>) -> Result<ShareCodeModel> {
        let secret = secret.map(|code| {
            let query: String = url::form_urlencoded::byte_serialize(code.as_bytes()).collect();
            let accept_url = format!("/hub/accept-share?code={query}");
            Secret { code, full_accept_url: Some(format!("{}{accept_url}", self.public_url)), accept_url }
        });
        Ok(ShareCodeModel {
            server: self.shared_server(&code.owner, &code.server).await?,
            scopes: code.scopes,
            id: format!("sc_{}", code.id),
            created_at: iso(code.created),
            expires_at: iso(code.expires),
            exchange_count: code.exchange_count,
            last_exchanged_at: code.last_exchanged.map(iso),
            secret,
        })
    }
}
