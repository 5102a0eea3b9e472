//! S3 access keys. Each token that somebody asked for is also one: its id is the access key id, and the secret is
//! computed from it and the installation's key, so that nothing is stored in clear, and a revoked or expired token
//! takes its access key with it.

use crate::Hub;
use crate::store::tokens::{self, Kind};
use artel_platform::{Error, Result};
use artel_proto::artel::hub::v1::AccessKeyResponse;
use serde::Serialize;
use std::sync::Arc;
use utoipa::ToSchema;

/// What an S3 client signs its requests with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = hub::AccessKey)]
pub struct AccessKey {
    /// Names the key in each request; the token's id.
    pub access_key_id: String,
    /// Never sent; shown when the token is made.
    pub secret_access_key: String,
}

impl Hub {
    /// The access key that belongs to the token with this id.
    pub fn access_key(&self, token_id: &str) -> Result<AccessKey> {
        Ok(AccessKey { access_key_id: token_id.into(), secret_access_key: self.cx.keys.access_key_secret(token_id)? })
    }

    /// Whose access key it is, with its secret. `UNAUTHENTICATED` when there is no such token (any more).
    pub(crate) async fn by_access_key(self: &Arc<Self>, id: &str) -> Result<AccessKeyResponse> {
        let now = self.cx.clock.now();
        let owned = tokens::find_by_id(&self.db, id, now).await?.filter(|owned| matches!(owned.token.kind, Kind::Api | Kind::Kernel));
        let Some(tokens::Owned { token, admin }) = owned else {
            return Err(Error::unauthenticated("this access key is not valid or has expired"));
        };
        self.note_use(&token.user, Some(&token.id), token.last_activity, now);
        let expires = token.expires.unwrap_or(0);
        let secret_access_key = self.access_key(id)?.secret_access_key;
        Ok(AccessKeyResponse { secret_access_key, expires, principal: Some(self.bearer(token, admin).await?.into()) })
    }
}
