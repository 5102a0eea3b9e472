//! Webhooks: a change of the registry is told to whoever asked for it, over HTTP.
//!
//! A delivery is a row, written in the transaction of the change that it tells of: it exists if and only if the change
//! does, whatever happens to the process. A task claims due rows with a lease, sends them and notes how it went; what
//! a killed process held is due again when its lease ends. A receiver can get one delivery twice; it knows it by its id.

mod delivery;
mod event;
mod log;
mod sender;
mod target;
mod tell;

pub(crate) use delivery::deliver;
pub(crate) use event::Event;
pub(crate) use log::{LogRequest, Logged};
pub(crate) use sender::Sender;
pub(crate) use tell::What;

use crate::Registry;
use crate::store::webhooks::{self as store, Changes};
use artel_platform::db::Value;
use artel_platform::search::PageToken;
use artel_platform::{Error, Result};
use artel_proto::mlflow::{CreateWebhook, UpdateWebhook, Webhook, WebhookEvent, WebhookStatus, WebhookTestResult};
use sender::{Letter, Unsent};

/// Webhooks on a page when the request does not say.
const PAGE: i64 = 100;
const MAX_PAGE: i64 = 1000;
const MAX_NAME: usize = 63;

impl Registry {
    /// Makes a webhook. Its URL is checked, and its host looked up.
    pub async fn create_webhook(&self, workspace: &str, new: CreateWebhook) -> Result<Webhook> {
        let events = read(&new.events)?;
        check_name(new.name())?;
        target::check(new.url(), self.config.webhook_private_targets).await?;
        if events.is_empty() {
            return Err(no_events());
        }
        let now = self.clock.now();
        let webhook = Webhook {
            webhook_id: Some(self.ids.uuid().to_string()),
            name: new.name.clone(),
            description: new.description.clone().filter(|text| !text.is_empty()),
            url: new.url.clone(),
            events: Vec::new(),
            status: Some(new.status.unwrap_or(WebhookStatus::Active.into())),
            creation_timestamp: Some(now),
            last_updated_timestamp: Some(now),
        };
        let secret = self.sealed(webhook.webhook_id(), new.secret.as_deref())?.filter(|text| !text.is_empty());
        let mut tx = self.db.begin().await?;
        store::insert(&mut tx, workspace, &webhook, secret).await?;
        store::set_events(&mut tx, webhook.webhook_id(), &events).await?;
        tx.commit().await?;
        self.webhook(workspace, webhook.webhook_id()).await
    }

    /// A webhook, without its secret.
    pub async fn webhook(&self, workspace: &str, webhook_id: &str) -> Result<Webhook> {
        store::get(&self.db, workspace, webhook_id).await?.ok_or_else(|| not_found(webhook_id))
    }

    /// Webhooks, the newest first, and the token of the next page. `max_results` 0 means 100.
    pub async fn webhooks(&self, workspace: &str, max_results: i64, page_token: Option<&str>) -> Result<(Vec<Webhook>, Option<String>)> {
        let most = if max_results == 0 { PAGE } else { max_results };
        if !(1..=MAX_PAGE).contains(&most) {
            return Err(Error::invalid(format!("max_results must be between 1 and {MAX_PAGE}.")));
        }
        let search = format!("webhooks of {workspace}");
        let after = PageToken::decode(page_token, &search)?.map(|token| place(&token)).transpose()?;
        let mut found = store::page(&self.db, workspace, after, most + 1).await?;
        let more = found.len() as i64 > most;
        found.truncate(most as usize);
        let last = found.last().filter(|_| more);
        let token = last.map(|w| PageToken::new(&search, 0, &[w.creation_timestamp().into(), w.webhook_id().into()]).encode());
        Ok((found, token))
    }

    /// Changes what is given; an empty name or URL and no events count as not given.
    pub async fn update_webhook(&self, workspace: &str, webhook_id: &str, given: UpdateWebhook) -> Result<Webhook> {
        let events = read(&given.events)?;
        self.webhook(workspace, webhook_id).await?;
        let name = given.name.filter(|name| !name.is_empty());
        let url = given.url.filter(|url| !url.is_empty());
        if let Some(name) = &name {
            check_name(name)?;
        }
        if let Some(url) = &url {
            target::check(url, self.config.webhook_private_targets).await?;
        }
        let secret = self.sealed(webhook_id, given.secret.as_deref())?;
        let status = given.status.and_then(|status| WebhookStatus::try_from(status).ok());
        let changes = Changes { name, url, description: given.description, secret, status };
        let mut tx = self.db.begin().await?;
        if !store::update(&mut tx, workspace, webhook_id, changes, self.clock.now()).await? {
            return Err(not_found(webhook_id));
        }
        if !events.is_empty() {
            store::set_events(&mut tx, webhook_id, &events).await?;
        }
        let wake = self.wake.clone();
        tx.after_commit(move || wake.notify_one());
        tx.commit().await?;
        self.webhook(workspace, webhook_id).await
    }

    /// Deletes a webhook; what it was still to be told is not sent any more.
    pub async fn delete_webhook(&self, workspace: &str, webhook_id: &str) -> Result<()> {
        let mut tx = self.db.begin().await?;
        if !store::delete(&mut tx, workspace, webhook_id).await? {
            return Err(not_found(webhook_id));
        }
        tx.commit().await
    }

    /// Sends an example of `event`, or of the first that the webhook wants, at once and once.
    pub async fn test_webhook(&self, workspace: &str, webhook_id: &str, event: Option<WebhookEvent>) -> Result<WebhookTestResult> {
        let webhook = self.webhook(workspace, webhook_id).await?;
        let event = event.or_else(|| webhook.events.first().cloned()).ok_or_else(no_events)?;
        let event = Event::read(&event)?;
        let body = self.body(workspace, event, &event.example())?;
        let letter = self.letter(webhook_id, self.ids.uuid().to_string(), body).await?.ok_or_else(|| not_found(webhook_id))?;
        Ok(match self.sender.send(&letter, self.clock.now()).await {
            Ok(answer) => WebhookTestResult {
                success: Some(answer.status.is_success()),
                response_status: Some(i32::from(answer.status.as_u16())),
                response_body: Some(answer.body),
                error_message: None,
            },
            Err(Unsent::Refused(why) | Unsent::Unreachable(why)) => WebhookTestResult {
                success: Some(false),
                error_message: Some(format!("Failed to test webhook: {why}")),
                ..Default::default()
            },
        })
    }

    /// What goes to a webhook; `None` when it is gone.
    async fn letter(&self, webhook_id: &str, delivery_id: String, body: String) -> Result<Option<Letter>> {
        let Some((url, sealed)) = store::target(&self.db, webhook_id).await? else { return Ok(None) };
        let secret = sealed.map(|sealed| self.vault.open(&secret_of(webhook_id), &sealed)).transpose()?;
        Ok(Some(Letter { url, secret, delivery_id, body }))
    }

    /// The secret as it is stored; an empty one stays empty.
    fn sealed(&self, webhook_id: &str, secret: Option<&str>) -> Result<Option<String>> {
        match secret {
            None => Ok(None),
            Some("") => Ok(Some(String::new())),
            Some(secret) => self.vault.seal(&secret_of(webhook_id), secret, &self.ids.secret()).map(Some),
        }
    }
}

/// What a stored secret is bound to.
fn secret_of(webhook_id: &str) -> String {
    format!("secret of webhook {webhook_id}")
}

fn read(events: &[WebhookEvent]) -> Result<Vec<Event>> {
    let events: Vec<Event> = events.iter().map(Event::read).collect::<Result<_>>()?;
    match events.iter().enumerate().find(|(place, event)| events[..*place].contains(event)) {
        Some((_, twice)) => {
            Err(Error::invalid(format!("Webhook events must not repeat: {}.{} is given twice", twice.entity(), twice.action())))
        }
        None => Ok(events),
    }
}

fn place(token: &PageToken) -> Result<Vec<Value>> {
    match &token.keys()[..] {
        [time @ Value::Int(_), id @ Value::Text(_)] => Ok(vec![time.clone(), id.clone()]),
        _ => Err(Error::invalid("Invalid page token: it belongs to another search; start from the first page")),
    }
}

fn no_events() -> Error {
    Error::invalid("Webhook events must be a non-empty list of WebhookEvent objects: [].")
}

pub(crate) fn not_found(webhook_id: &str) -> Error {
    Error::not_found(format!("Webhook with ID {webhook_id} not found."))
}

/// Letters, digits and inner dots, underscores and hyphens (mlflow/utils/validation.py `_validate_webhook_name`).
fn check_name(name: &str) -> Result<()> {
    let inner = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
    let edge = |b: Option<&u8>| b.is_some_and(u8::is_ascii_alphanumeric);
    let bytes = name.as_bytes();
    if bytes.len() <= MAX_NAME && edge(bytes.first()) && edge(bytes.last()) && bytes.iter().all(|b| inner(*b)) {
        return Ok(());
    }
    Err(Error::invalid(format!(
        "Webhook name '{name}' is invalid. It must start and end with a letter or digit, be less than 63 characters long, and contain only letters, digits, dots (.), underscores (_), and hyphens (-)."
    )))
}

#[cfg(test)]
mod tests {
    use super::check_name;

    #[test]
    fn names() {
        for good in ["a", "Deploy-1", "a.b_c", &"x".repeat(63)] {
            assert!(check_name(good).is_ok(), "{good}");
        }
        for bad in ["", "-a", "a.", "a b", "ü", &"x".repeat(64)] {
            assert!(check_name(bad).is_err(), "{bad}");
        }
    }
}
