//! Notebook servers.

use artel_platform::db::{AssertSqlSafe, Db, Row, Tx, Value};
use artel_platform::{Error, Result, args};
use serde::{Deserialize, Serialize};

/// Where a server stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    Pending,
    Ready,
    Stopping,
    Stopped,
    Failed,
}

const STATES: &[(State, &str)] = &[
    (State::Pending, "pending"),
    (State::Ready, "ready"),
    (State::Stopping, "stopping"),
    (State::Stopped, "stopped"),
    (State::Failed, "failed"),
];

impl State {
    /// As stored and as told in events.
    pub fn name(self) -> &'static str {
        STATES.iter().find(|row| row.0 == self).map_or("failed", |row| row.1)
    }

    fn parse(text: &str) -> Result<Self> {
        STATES
            .iter()
            .find(|row| row.1 == text)
            .map(|row| row.0)
            .ok_or_else(|| Error::internal(format!("a server in the unknown state {text}")))
    }

    /// Upstream's `active`: it runs or is on its way to or from running.
    pub fn is_active(self) -> bool {
        matches!(self, Self::Pending | Self::Ready | Self::Stopping)
    }
}

/// A step of a start, as the progress stream shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Step {
    /// 0 to 100.
    pub progress: i64,
    pub message: String,
}

impl Step {
    /// What every start begins with.
    pub(crate) fn first() -> Self {
        Self { progress: 0, message: "Server requested".into() }
    }
}

/// A row of `servers`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Server {
    pub user: String,
    pub name: String,
    pub display_name: String,
    pub user_options: serde_json::Value,
    pub state: State,
    pub launch: String,
    pub progress: i64,
    pub steps: Vec<Step>,
    pub failure: Option<String>,
    pub log_tail: Option<String>,
    pub url: Option<String>,
    pub pid: Option<u32>,
    pub pid_started: Option<u64>,
    pub node: String,
    pub created: i64,
    pub started: Option<i64>,
    pub last_activity: Option<i64>,
    pub changed: i64,
    /// How often its start has failed in a row.
    pub failures: i64,
}

impl Server {
    /// The default server of a user who has never started it.
    pub(crate) fn never_started(user: &str, now: i64) -> Self {
        Self {
            user: user.into(),
            name: String::new(),
            display_name: String::new(),
            user_options: serde_json::Value::Null,
            state: State::Stopped,
            launch: String::new(),
            progress: 0,
            steps: vec![],
            failure: None,
            log_tail: None,
            url: None,
            pid: None,
            pid_started: None,
            node: String::new(),
            created: now,
            started: None,
            last_activity: None,
            changed: now,
            failures: 0,
        }
    }
}

const COLUMNS: &str = "user_name, name, display_name, user_options, state, launch, progress, steps, failure, log_tail, url, pid, pid_started, node, created, started, last_activity, changed, failures";

fn server(row: &Row) -> Result<Server> {
    Ok(Server {
        user: row.get("user_name")?,
        name: row.get("name")?,
        display_name: row.get("display_name")?,
        user_options: serde_json::from_str(&row.get::<String>("user_options")?)?,
        state: State::parse(&row.get::<String>("state")?)?,
        launch: row.get("launch")?,
        progress: row.get("progress")?,
        steps: serde_json::from_str(&row.get::<String>("steps")?)?,
        failure: row.opt("failure")?,
        log_tail: row.opt("log_tail")?,
        url: row.opt("url")?,
        pid: row.opt::<i64>("pid")?.and_then(|pid| u32::try_from(pid).ok()),
        pid_started: row.opt::<i64>("pid_started")?.and_then(|ticks| u64::try_from(ticks).ok()),
        node: row.get("node")?,
        created: row.get("created")?,
        started: row.opt("started")?,
        last_activity: row.opt("last_activity")?,
        changed: row.get("changed")?,
        failures: row.get("failures")?,
    })
}

async fn select(db: &Db, condition: &str, args: Vec<Value>) -> Result<Vec<Server>> {
    let sql = AssertSqlSafe(format!("SELECT {COLUMNS} FROM servers WHERE {condition} ORDER BY user_name, name"));
    db.fetch_all(sql, args).await?.iter().map(server).collect()
}

pub(crate) async fn find(db: &Db, user: &str, name: &str) -> Result<Option<Server>> {
    Ok(select(db, "user_name = $1 AND name = $2", args![user, name]).await?.pop())
}

/// Servers of these users.
pub(crate) async fn of_users(db: &Db, users: &[&str]) -> Result<Vec<Server>> {
    if users.is_empty() {
        return Ok(vec![]);
    }
    let places: Vec<String> = (1..=users.len()).map(|n| format!("${n}")).collect();
    select(db, &format!("user_name IN ({})", places.join(", ")), users.iter().map(|u| (*u).into()).collect()).await
}

pub(crate) async fn ready(db: &Db) -> Result<Vec<Server>> {
    select(db, "state = 'ready'", vec![]).await
}

/// Servers that run or are on their way to or from running.
pub(crate) async fn active(db: &Db) -> Result<Vec<Server>> {
    select(db, "state IN ('pending', 'ready', 'stopping')", vec![]).await
}

pub(crate) async fn count_pending(tx: &mut Tx) -> Result<i64> {
    tx.fetch_one("SELECT COUNT(*) AS n FROM servers WHERE state = 'pending'", vec![]).await?.get("n")
}

pub(crate) async fn count_active(tx: &mut Tx) -> Result<i64> {
    tx.fetch_one("SELECT COUNT(*) AS n FROM servers WHERE state IN ('pending', 'ready', 'stopping')", vec![]).await?.get("n")
}

pub(crate) async fn count_named(tx: &mut Tx, user: &str, except: &str) -> Result<i64> {
    tx.fetch_one("SELECT COUNT(*) AS n FROM servers WHERE user_name = $1 AND name <> '' AND name <> $2", args![user, except])
        .await?
        .get("n")
}

/// A start to be noted.
pub(crate) struct Claim<'a> {
    pub user: &'a str,
    pub name: &'a str,
    pub launch: &'a str,
    pub node: &'a str,
    /// `None`: as it was.
    pub display_name: Option<&'a str>,
    /// `None`: as they were.
    pub user_options: Option<&'a serde_json::Value>,
    pub now: i64,
}

/// Makes the server pending, unless it already runs or is on its way: then `None`. One of several callers wins.
pub(crate) async fn claim(tx: &mut Tx, claim: &Claim<'_>) -> Result<Option<Server>> {
    let sql = format!(
        "INSERT INTO servers AS s (user_name, name, display_name, user_options, state, launch, progress, steps, node, created, changed) \
         VALUES ($1, $2, COALESCE($3, $2), COALESCE($4, '{{}}'), 'pending', $5, 0, $8, $6, $7, $7) \
         ON CONFLICT (user_name, name) DO UPDATE SET state = 'pending', launch = $5, progress = 0, steps = $8, node = $6, changed = $7, \
         display_name = COALESCE($3, s.display_name), user_options = COALESCE($4, s.user_options), \
         failure = NULL, log_tail = NULL, url = NULL, pid = NULL, pid_started = NULL, started = NULL \
         WHERE s.state IN ('stopped', 'failed') RETURNING {COLUMNS}"
    );
    let options = claim.user_options.map(ToString::to_string);
    let steps = serde_json::to_string(&[Step::first()])?;
    let values = args![claim.user, claim.name, claim.display_name, options, claim.launch, claim.node, claim.now, steps];
    tx.fetch_optional(AssertSqlSafe(sql), values).await?.as_ref().map(server).transpose()
}

/// Changes the server of a launch; `None` when that launch is no more, or not in one of the states `from`.
async fn update(tx: &mut Tx, set: &str, launch: &str, from: &str, mut args: Vec<Value>) -> Result<Option<Server>> {
    args.push(launch.into());
    let sql = format!("UPDATE servers SET {set} WHERE launch = ${} AND state IN ({from}) RETURNING {COLUMNS}", args.len());
    tx.fetch_optional(AssertSqlSafe(sql), args).await?.as_ref().map(server).transpose()
}

pub(crate) async fn set_steps(tx: &mut Tx, launch: &str, steps: &[Step], now: i64) -> Result<Option<Server>> {
    let progress = steps.last().map_or(0, |s| s.progress);
    update(tx, "progress = $1, steps = $2, changed = $3", launch, "'pending'", args![progress, serde_json::to_string(steps)?, now]).await
}

/// The process of a launch, as it is found again.
pub(crate) struct Started<'a> {
    pub pid: u32,
    /// In ticks since the machine's start.
    pub at: Option<u64>,
    pub url: &'a str,
}

pub(crate) async fn set_process(tx: &mut Tx, launch: &str, process: &Started<'_>, steps: &[Step], now: i64) -> Result<Option<Server>> {
    let ticks = process.at.and_then(|t| i64::try_from(t).ok());
    let progress = steps.last().map_or(0, |s| s.progress);
    let set = "pid = $1, pid_started = $2, url = $3, progress = $4, steps = $5, changed = $6";
    update(tx, set, launch, "'pending'", args![process.pid, ticks, process.url, progress, serde_json::to_string(steps)?, now]).await
}

pub(crate) async fn set_ready(tx: &mut Tx, launch: &str, now: i64) -> Result<Option<Server>> {
    let set = "state = 'ready', failures = 0, progress = 100, started = $1, last_activity = $1, changed = $1";
    update(tx, set, launch, "'pending'", args![now]).await
}

pub(crate) async fn set_stopping(tx: &mut Tx, launch: &str, now: i64) -> Result<Option<Server>> {
    update(tx, "state = 'stopping', changed = $1", launch, "'pending', 'ready'", args![now]).await
}

/// How a launch ended.
pub(crate) struct Ended<'a> {
    pub state: State,
    pub failure: Option<&'a str>,
    pub log_tail: Option<&'a str>,
}

pub(crate) async fn set_ended(tx: &mut Tx, launch: &str, ended: &Ended<'_>, now: i64) -> Result<Option<Server>> {
    let set = "state = $1, failure = $2, log_tail = $3, url = NULL, pid = NULL, pid_started = NULL, started = NULL, progress = 0, \
               failures = CASE WHEN $1 = 'failed' AND state = 'pending' THEN failures + 1 ELSE failures END, changed = $4";
    update(tx, set, launch, "'pending', 'ready', 'stopping'", args![ended.state.name(), ended.failure, ended.log_tail, now]).await
}

/// Makes a server that does not run yet; `None` when there is one of that name.
pub(crate) async fn create(tx: &mut Tx, new: &Claim<'_>) -> Result<Option<Server>> {
    let sql = format!(
        "INSERT INTO servers (user_name, name, display_name, user_options, state, launch, progress, steps, node, created, changed) \
         VALUES ($1, $2, COALESCE($3, $2), COALESCE($4, '{{}}'), 'stopped', $5, 0, '[]', $6, $7, $7) ON CONFLICT DO NOTHING RETURNING {COLUMNS}"
    );
    let options = new.user_options.map(ToString::to_string);
    let values = args![new.user, new.name, new.display_name, options, new.launch, new.node, new.now];
    tx.fetch_optional(AssertSqlSafe(sql), values).await?.as_ref().map(server).transpose()
}

/// Changes what a server that does not run is called and started with; `None` when there is none.
pub(crate) async fn change(tx: &mut Tx, user: &str, name: &str, new: &Changes<'_>) -> Result<Option<Server>> {
    let sql = format!(
        "UPDATE servers SET name = COALESCE($3, name), display_name = COALESCE($4, display_name), \
         user_options = COALESCE($5, user_options), changed = $6 \
         WHERE user_name = $1 AND name = $2 AND state IN ('stopped', 'failed') RETURNING {COLUMNS}"
    );
    let options = new.user_options.map(ToString::to_string);
    let found = tx.fetch_optional(AssertSqlSafe(sql), args![user, name, new.name, new.display_name, options, new.now]).await?;
    if let (Some(_), Some(renamed)) = (&found, new.name) {
        for table in ["shares", "share_codes"] {
            let sql = format!(
                "UPDATE {table} SET server_name = $3, scopes = REPLACE(scopes, '!server=' || $1 || '/' || $2 || '\"', '!server=' || $1 || '/' || $3 || '\"') \
                 WHERE owner_name = $1 AND server_name = $2"
            );
            tx.execute(AssertSqlSafe(sql), args![user, name, renamed]).await?;
        }
    }
    found.as_ref().map(server).transpose()
}

/// What shall be otherwise; `None`: as it was.
pub(crate) struct Changes<'a> {
    pub name: Option<&'a str>,
    pub display_name: Option<&'a str>,
    pub user_options: Option<&'a serde_json::Value>,
    pub now: i64,
}

/// How many servers run, and how many run or are on their way to or from running.
pub(crate) async fn count_running(db: &Db) -> Result<(i64, i64)> {
    let sql = "SELECT COALESCE(SUM(CASE WHEN state = 'ready' THEN 1 ELSE 0 END), 0) AS ready, COUNT(*) AS active FROM servers WHERE state IN ('pending', 'ready', 'stopping')";
    let row = db.fetch_one(sql, vec![]).await?;
    Ok((row.get("ready")?, row.get("active")?))
}

/// Forgets a server that does not run; returns whether there was one.
pub(crate) async fn delete(tx: &mut Tx, user: &str, name: &str) -> Result<bool> {
    let sql = "DELETE FROM servers WHERE user_name = $1 AND name = $2 AND state IN ('stopped', 'failed')";
    let gone = tx.execute(sql, args![user, name]).await? > 0;
    if gone {
        let server = super::shares::Of::Server(user, name);
        super::shares::delete_all(tx, server).await?;
        super::shares::delete_codes(tx, server).await?;
    }
    Ok(gone)
}

/// Notes activity unless a later one is known; returns whether the server exists.
pub(crate) async fn touch(tx: &mut Tx, user: &str, name: &str, at: i64) -> Result<()> {
    let sql = "UPDATE servers SET last_activity = $1 WHERE user_name = $2 AND name = $3 AND (last_activity IS NULL OR last_activity < $1)";
    tx.execute(sql, args![at, user, name]).await.map(drop)
}

/// The server of a launch.
pub(crate) async fn find_launch(db: &Db, launch: &str) -> Result<Option<Server>> {
    Ok(select(db, "launch = $1", args![launch]).await?.pop())
}
