//! The log of deliveries, as the web app shows it.

use crate::Registry;
use crate::store::deliveries as store;
use artel_platform::search::PageToken;
use artel_platform::{Error, Result};

pub(crate) use store::Logged;
use store::{DELIVERED, FAILED, PENDING};

/// What the log of a webhook is asked for.
#[derive(Debug, Default)]
pub(crate) struct LogRequest {
    /// Only deliveries of this status.
    pub(crate) status: Option<String>,
    /// At most so many.
    pub(crate) limit: i64,
    /// From the page before.
    pub(crate) page_token: Option<String>,
}

const MAX_PAGE: i64 = 1000;

impl Registry {
    /// Deliveries of a webhook, the newest first, and the token of the next page.
    pub(crate) async fn deliveries(
        &self,
        workspace: &str,
        webhook_id: &str,
        request: &LogRequest,
    ) -> Result<(Vec<Logged>, Option<String>)> {
        if !(1..=MAX_PAGE).contains(&request.limit) {
            return Err(Error::invalid(format!("limit: give 1 to {MAX_PAGE}, not {}", request.limit)));
        }
        let status = request.status.as_deref().map(str::to_ascii_uppercase);
        if let Some(status) = status.as_deref().filter(|status| ![PENDING, DELIVERED, FAILED].contains(status)) {
            return Err(Error::invalid(format!("status: {status:?} is none of {PENDING}, {DELIVERED}, {FAILED}")));
        }
        self.webhook(workspace, webhook_id).await?;
        let search = format!("deliveries of {webhook_id}, {status:?}");
        let after = PageToken::decode(request.page_token.as_deref(), &search)?.map(|token| super::place(&token)).transpose()?;
        let mut found = store::page(&self.db, webhook_id, status.as_deref(), after, request.limit + 1).await?;
        let more = found.len() as i64 > request.limit;
        found.truncate(request.limit as usize);
        let last = found.last().filter(|_| more);
        let token = last.map(|d| PageToken::new(&search, 0, &[d.creation_time.into(), d.delivery_id.as_str().into()]).encode());
        Ok((found, token))
    }

    /// Sends a finished delivery once more, with its id and all its attempts.
    pub(crate) async fn send_again(&self, workspace: &str, webhook_id: &str, delivery_id: &str) -> Result<()> {
        self.webhook(workspace, webhook_id).await?;
        let mut tx = self.db.begin().await?;
        if !store::send_again(&mut tx, webhook_id, delivery_id, self.clock.now()).await? {
            return Err(Error::not_found(format!("webhook {webhook_id} has no finished delivery {delivery_id}")));
        }
        let wake = self.wake.clone();
        tx.after_commit(move || wake.notify_one());
        tx.commit().await
    }
}
