//! Rows of webhooks and of the events that each wants.

use super::{IN_LIST, placeholders};
use crate::webhooks::Event;
use artel_platform::db::{AssertSqlSafe, Db, Row, Tx, Value};
use artel_platform::{Result, args};
use artel_proto::json::EnumName;
use artel_proto::mlflow::{Webhook, WebhookStatus};
use std::collections::HashMap;

const COLUMNS: &str = "w.webhook_id, w.name, w.url, w.description, w.status, w.creation_time, w.last_updated_time";

fn read(row: &Row) -> Result<Webhook> {
    let status: String = row.get("status")?;
    Ok(Webhook {
        webhook_id: Some(row.get("webhook_id")?),
        name: Some(row.get("name")?),
        description: row.opt("description")?,
        url: Some(row.get("url")?),
        events: Vec::new(),
        status: <WebhookStatus as EnumName>::parse(&status).map(Into::into),
        creation_timestamp: Some(row.get("creation_time")?),
        last_updated_timestamp: Some(row.get("last_updated_time")?),
    })
}

pub(crate) async fn insert(tx: &mut Tx, workspace: &str, webhook: &Webhook, secret: Option<String>) -> Result<()> {
    let sql = "INSERT INTO webhooks (webhook_id, workspace, name, url, description, secret, status, creation_time, last_updated_time) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
    let values = args![
        webhook.webhook_id(),
        workspace,
        webhook.name(),
        webhook.url(),
        webhook.description.clone(),
        secret,
        webhook.status().name(),
        webhook.creation_timestamp(),
        webhook.last_updated_timestamp()
    ];
    tx.execute(sql, values).await.map(drop)
}

/// Makes `events` the ones that a webhook wants.
pub(crate) async fn set_events(tx: &mut Tx, webhook_id: &str, events: &[Event]) -> Result<()> {
    tx.execute("DELETE FROM webhook_events WHERE webhook_id = $1", args![webhook_id]).await?;
    let rows = events.iter().map(|event| args![webhook_id, event.entity(), event.action()]).collect();
    tx.insert_many("INSERT INTO webhook_events (webhook_id, entity, action)", "ON CONFLICT DO NOTHING", rows).await.map(drop)
}

pub(crate) async fn get(db: &Db, workspace: &str, webhook_id: &str) -> Result<Option<Webhook>> {
    let sql = format!("SELECT {COLUMNS} FROM webhooks w WHERE w.workspace = $1 AND w.webhook_id = $2");
    let Some(row) = db.fetch_optional(AssertSqlSafe(sql), args![workspace, webhook_id]).await? else { return Ok(None) };
    Ok(with_events(db, vec![read(&row)?]).await?.pop())
}

/// The newest first, after the place of `after`: creation time and id.
pub(crate) async fn page(db: &Db, workspace: &str, after: Option<Vec<Value>>, limit: i64) -> Result<Vec<Webhook>> {
    let mut values = args![workspace, limit];
    let mut sql = format!("SELECT {COLUMNS} FROM webhooks w WHERE w.workspace = $1");
    if let Some(place) = after {
        values.extend(place);
        sql.push_str(" AND (w.creation_time < $3 OR (w.creation_time = $3 AND w.webhook_id < $4))");
    }
    sql.push_str(" ORDER BY w.creation_time DESC, w.webhook_id DESC LIMIT $2");
    let rows = db.fetch_all(AssertSqlSafe(sql), values).await?;
    with_events(db, rows.iter().map(read).collect::<Result<_>>()?).await
}

async fn with_events(db: &Db, mut webhooks: Vec<Webhook>) -> Result<Vec<Webhook>> {
    let ids: Vec<&str> = webhooks.iter().map(Webhook::webhook_id).collect();
    let mut events: HashMap<String, Vec<_>> = HashMap::new();
    for ids in ids.chunks(IN_LIST) {
        let mut values = Vec::new();
        let ids = placeholders(ids.iter().copied(), &mut values);
        let sql = format!(
            "SELECT webhook_id, entity, action FROM webhook_events WHERE webhook_id IN ({ids}) ORDER BY webhook_id, entity, action"
        );
        for row in db.fetch_all(AssertSqlSafe(sql), values).await? {
            let event = Event::stored(&row.get::<String>("entity")?, &row.get::<String>("action")?);
            events.entry(row.get("webhook_id")?).or_default().extend(event.map(Event::message));
        }
    }
    for webhook in &mut webhooks {
        webhook.events = events.remove(webhook.webhook_id()).unwrap_or_default();
    }
    Ok(webhooks)
}

/// What a change of a webhook sets; what is `None` stays.
#[derive(Default)]
pub(crate) struct Changes {
    pub(crate) name: Option<String>,
    pub(crate) url: Option<String>,
    /// Empty: none any more.
    pub(crate) description: Option<String>,
    /// Encrypted; empty: none any more.
    pub(crate) secret: Option<String>,
    pub(crate) status: Option<WebhookStatus>,
}

/// `false` when there is no such webhook.
pub(crate) async fn update(tx: &mut Tx, workspace: &str, webhook_id: &str, changes: Changes, now: i64) -> Result<bool> {
    let mut values = args![workspace, webhook_id, now];
    let mut set = vec!["last_updated_time = $3".to_owned()];
    let given = [
        ("name = ", changes.name),
        ("url = ", changes.url),
        ("status = ", changes.status.map(|status| status.name().to_owned())),
        ("description = ", changes.description),
        ("secret = ", changes.secret),
    ];
    for (column, value) in given {
        if let Some(value) = value {
            values.push(if value.is_empty() { Value::Null } else { value.into() });
            set.push(format!("{column}${}", values.len()));
        }
    }
    let sql = format!("UPDATE webhooks SET {} WHERE workspace = $1 AND webhook_id = $2", set.join(", "));
    Ok(tx.execute(AssertSqlSafe(sql), values).await? == 1)
}

/// Removes a webhook and what it was still to be told; `false` when there is none.
pub(crate) async fn delete(tx: &mut Tx, workspace: &str, webhook_id: &str) -> Result<bool> {
    if tx.execute("DELETE FROM webhooks WHERE workspace = $1 AND webhook_id = $2", args![workspace, webhook_id]).await? == 0 {
        return Ok(false);
    }
    tx.execute("DELETE FROM webhook_deliveries WHERE webhook_id = $1", args![webhook_id]).await?;
    Ok(true)
}

/// The active webhooks that want one of `events`: id and entity.
pub(crate) async fn subscribers(tx: &mut Tx, workspace: &str, events: &[Event]) -> Result<Vec<(String, String)>> {
    let mut values = args![workspace, WebhookStatus::Active.name()];
    let pairs: Vec<String> = events
        .iter()
        .map(|event| {
            let pair = placeholders([event.entity(), event.action()], &mut values);
            let (entity, action) = pair.split_once(", ").unwrap_or_default();
            format!("(e.entity = {entity} AND e.action = {action})")
        })
        .collect();
    let sql = format!(
        "SELECT w.webhook_id, e.entity FROM webhook_events e JOIN webhooks w ON w.webhook_id = e.webhook_id \
         WHERE w.workspace = $1 AND w.status = $2 AND ({}) ORDER BY w.webhook_id",
        pairs.join(" OR ")
    );
    let rows = tx.fetch_all(AssertSqlSafe(sql), values).await?;
    rows.iter().map(|row| Ok((row.get("webhook_id")?, row.get("entity")?))).collect()
}

/// Where a webhook goes and its encrypted secret.
pub(crate) async fn target(db: &Db, webhook_id: &str) -> Result<Option<(String, Option<String>)>> {
    let row = db.fetch_optional("SELECT url, secret FROM webhooks WHERE webhook_id = $1", args![webhook_id]).await?;
    row.map(|row| Ok((row.get("url")?, row.opt("secret")?))).transpose()
}
