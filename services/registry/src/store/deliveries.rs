//! Rows of deliveries: what is to be sent, by whom it is held, and how it went.

use super::placeholders;
use artel_platform::db::{AssertSqlSafe, Db, Row, Tx, Value};
use artel_platform::{Result, args};

/// Waits for its next attempt, or is under way.
pub(crate) const PENDING: &str = "PENDING";
/// The receiver has it.
pub(crate) const DELIVERED: &str = "DELIVERED";
/// It is not tried again.
pub(crate) const FAILED: &str = "FAILED";

/// How many due rows are looked at to fill the free places.
const LOOK_AHEAD: i64 = 64;

/// One that a sender holds until its lease ends.
pub(crate) struct Claimed {
    pub(crate) delivery_id: String,
    pub(crate) webhook_id: String,
    pub(crate) body: String,
    /// Which attempt this is, counted from 1.
    pub(crate) attempt: i64,
}

/// One as the log shows it.
pub(crate) struct Logged {
    pub(crate) delivery_id: String,
    pub(crate) entity: String,
    pub(crate) action: String,
    pub(crate) status: String,
    pub(crate) attempts: i64,
    pub(crate) creation_time: i64,
    pub(crate) last_attempt_time: Option<i64>,
    pub(crate) next_attempt_time: Option<i64>,
    pub(crate) response_status: Option<i64>,
    pub(crate) error: Option<String>,
}

/// Notes deliveries that are due at once: id, webhook, entity, action and body of each.
pub(crate) async fn insert(tx: &mut Tx, rows: Vec<[String; 5]>, now: i64) -> Result<()> {
    let rows = rows
        .into_iter()
        .map(|[delivery_id, webhook_id, entity, action, body]| {
            args![delivery_id, webhook_id, entity, action, body, now, PENDING, 0_i64, now]
        })
        .collect();
    let head = "INSERT INTO webhook_deliveries (delivery_id, webhook_id, entity, action, body, creation_time, status, attempts, next_attempt_time)";
    tx.insert_many(head, "", rows).await.map(drop)
}

/// Takes at most `limit` due deliveries of active webhooks, at most `of_one` of each, none of those in `busy`, and
/// holds them until `lease`. Of two senders that want the same row one gets it.
pub(crate) async fn claim(db: &Db, busy: &[&str], now: i64, lease: i64, limit: usize, of_one: usize) -> Result<Vec<Claimed>> {
    let mut values = args![PENDING, now, LOOK_AHEAD];
    let sql = format!(
        "SELECT d.delivery_id, d.webhook_id FROM webhook_deliveries d JOIN webhooks w ON w.webhook_id = d.webhook_id \
         WHERE d.status = $1 AND d.next_attempt_time <= $2 AND w.status = 'ACTIVE'{} \
         ORDER BY d.next_attempt_time, d.delivery_id LIMIT $3",
        none_of(busy, &mut values)
    );
    let mut chosen: Vec<(String, String)> = Vec::new();
    for row in db.fetch_all(AssertSqlSafe(sql), values).await? {
        let (delivery, webhook): (String, String) = (row.get("delivery_id")?, row.get("webhook_id")?);
        if chosen.len() < limit && chosen.iter().filter(|c| c.1 == webhook).count() < of_one {
            chosen.push((delivery, webhook));
        }
    }
    if chosen.is_empty() {
        return Ok(Vec::new());
    }
    let mut values = args![PENDING, now, lease];
    let ids = placeholders(chosen.iter().map(|c| c.0.as_str()), &mut values);
    let sql = format!(
        "UPDATE webhook_deliveries SET attempts = attempts + 1, last_attempt_time = $2, next_attempt_time = $3 \
         WHERE delivery_id IN ({ids}) AND status = $1 AND next_attempt_time <= $2 RETURNING delivery_id, webhook_id, body, attempts"
    );
    let mut tx = db.begin().await?;
    let rows = tx.fetch_all(AssertSqlSafe(sql), values).await?;
    tx.commit().await?;
    rows.iter()
        .map(|row| {
            Ok(Claimed {
                delivery_id: row.get("delivery_id")?,
                webhook_id: row.get("webhook_id")?,
                body: row.get("body")?,
                attempt: row.get("attempts")?,
            })
        })
        .collect()
}

/// When the next delivery of an active webhook is due that is not in `busy`.
pub(crate) async fn next_due(db: &Db, busy: &[&str]) -> Result<Option<i64>> {
    let mut values = args![PENDING];
    let sql = format!(
        "SELECT MIN(d.next_attempt_time) AS due FROM webhook_deliveries d JOIN webhooks w ON w.webhook_id = d.webhook_id \
         WHERE d.status = $1 AND w.status = 'ACTIVE'{}",
        none_of(busy, &mut values)
    );
    db.fetch_one(AssertSqlSafe(sql), values).await?.opt("due")
}

fn none_of(busy: &[&str], values: &mut Vec<Value>) -> String {
    if busy.is_empty() { String::new() } else { format!(" AND d.webhook_id NOT IN ({})", placeholders(busy.iter().copied(), values)) }
}

/// How an attempt went.
pub(crate) struct Outcome {
    pub(crate) status: &'static str,
    /// For one that stays pending.
    pub(crate) next_attempt_time: Option<i64>,
    pub(crate) response_status: Option<i64>,
    pub(crate) error: Option<String>,
}

/// Notes how an attempt went, unless another sender has begun a later one.
pub(crate) async fn finish(db: &Db, delivery_id: &str, attempt: i64, outcome: Outcome) -> Result<()> {
    let sql = "UPDATE webhook_deliveries SET status = $4, next_attempt_time = $5, response_status = $6, error = $7 \
        WHERE delivery_id = $1 AND attempts = $2 AND status = $3";
    let values = args![delivery_id, attempt, PENDING, outcome.status, outcome.next_attempt_time, outcome.response_status, outcome.error];
    db.execute(sql, values).await.map(drop)
}

/// Gives back what was not tried to its end.
pub(crate) async fn release(db: &Db, delivery_id: &str, attempt: i64, now: i64) -> Result<()> {
    let sql = "UPDATE webhook_deliveries SET attempts = attempts - 1, next_attempt_time = $4 WHERE delivery_id = $1 AND attempts = $2 AND status = $3";
    db.execute(sql, args![delivery_id, attempt, PENDING, now]).await.map(drop)
}

/// The log of a webhook, the newest first, after the place of `after`: creation time and id.
pub(crate) async fn page(db: &Db, webhook_id: &str, status: Option<&str>, after: Option<Vec<Value>>, limit: i64) -> Result<Vec<Logged>> {
    let mut values = args![webhook_id, limit];
    let mut sql = String::from(
        "SELECT delivery_id, entity, action, status, attempts, creation_time, last_attempt_time, next_attempt_time, response_status, error \
         FROM webhook_deliveries WHERE webhook_id = $1",
    );
    if let Some(status) = status {
        sql.push_str(&format!(" AND status = {}", placeholders([status], &mut values)));
    }
    if let Some(place) = after {
        let place = placeholders(place, &mut values);
        sql.push_str(&format!(" AND (creation_time, delivery_id) < ({place})"));
    }
    sql.push_str(" ORDER BY creation_time DESC, delivery_id DESC LIMIT $2");
    db.fetch_all(AssertSqlSafe(sql), values).await?.iter().map(logged).collect()
}

fn logged(row: &Row) -> Result<Logged> {
    Ok(Logged {
        delivery_id: row.get("delivery_id")?,
        entity: row.get("entity")?,
        action: row.get("action")?,
        status: row.get("status")?,
        attempts: row.get("attempts")?,
        creation_time: row.get("creation_time")?,
        last_attempt_time: row.opt("last_attempt_time")?,
        next_attempt_time: row.opt("next_attempt_time")?,
        response_status: row.opt("response_status")?,
        error: row.opt("error")?,
    })
}

/// Makes a finished delivery due again, with all its attempts; `false` when there is no such one.
pub(crate) async fn send_again(tx: &mut Tx, webhook_id: &str, delivery_id: &str, now: i64) -> Result<bool> {
    let sql = "UPDATE webhook_deliveries SET status = $3, attempts = 0, next_attempt_time = $4, response_status = NULL, error = NULL \
        WHERE webhook_id = $1 AND delivery_id = $2 AND status <> $3";
    Ok(tx.execute(sql, args![webhook_id, delivery_id, PENDING, now]).await? == 1)
}

/// Forgets what was finished before `before`, and what has no webhook any more.
pub(crate) async fn forget(db: &Db, before: i64) -> Result<u64> {
    let sql = "DELETE FROM webhook_deliveries WHERE (status <> $1 AND creation_time < $2) \
        OR NOT EXISTS (SELECT 1 FROM webhooks w WHERE w.webhook_id = webhook_deliveries.webhook_id)";
    db.execute(sql, args![PENDING, before]).await
}
