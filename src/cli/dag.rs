//! `artel dag`: DAGs of a running Artel, over its REST API.

use super::Settings;
use artel_platform::{Code, Error, Result};
use clap::{Args, Subcommand, ValueEnum};
use reqwest::Method;
use serde_json::{Value, json};
use std::time::Duration;

/// How often a run that is waited for is looked at.
const LOOK: Duration = Duration::from_secs(1);

/// List, trigger, try out and backfill DAGs of a running Artel.
#[derive(Subcommand)]
pub enum Dag {
    /// List the DAGs
    List {
        #[command(flatten)]
        server: Server,
    },
    /// Start a run, e.g. artel dag trigger train --conf '{"epochs": 3}' --wait
    Trigger {
        #[command(flatten)]
        server: Server,
        #[command(flatten)]
        run: Run,
        /// Wait until the run has ended; fails when it failed
        #[arg(long)]
        wait: bool,
    },
    /// Start a run, wait for it, show the state of each task and the log of those that failed
    Test {
        #[command(flatten)]
        server: Server,
        #[command(flatten)]
        run: Run,
    },
    /// Run a stretch of a DAG's schedule, e.g. artel dag backfill train --from 2026-01-01 --to 2026-01-31 --dry-run
    Backfill {
        #[command(flatten)]
        server: Server,
        #[command(flatten)]
        backfill: Backfill,
    },
}

/// Where Artel is.
#[derive(Args)]
pub struct Server {
    #[command(flatten)]
    settings: Settings,
    /// Address of the server; server.public_url of the settings when not given
    #[arg(long, value_name = "URL", env = "ARTEL_SERVER")]
    server: Option<String>,
    /// A token, see `artel token create`
    #[arg(long, env = "ARTEL_TOKEN", hide_env_values = true)]
    token: Option<String>,
}

/// A run to be made.
#[derive(Args)]
pub struct Run {
    /// The DAG
    dag_id: String,
    /// The run's id; made up when not given
    #[arg(long)]
    run_id: Option<String>,
    /// Its logical date, e.g. 2026-01-31 or 2026-01-31T06:00:00Z; none when not given
    #[arg(long, value_name = "TIME")]
    logical_date: Option<String>,
    /// Its parameters, a JSON object
    #[arg(long, value_name = "JSON")]
    conf: Option<String>,
    /// A note
    #[arg(long)]
    note: Option<String>,
}

/// A stretch of a schedule.
#[derive(Args)]
pub struct Backfill {
    /// The DAG
    dag_id: String,
    /// The first logical date
    #[arg(long, value_name = "TIME")]
    from: String,
    /// The last logical date
    #[arg(long, value_name = "TIME")]
    to: String,
    /// Which runs that are there run again
    #[arg(long, value_enum, default_value = "none")]
    reprocess: Reprocess,
    /// Runs at a time
    #[arg(long, default_value_t = 10)]
    max_active_runs: i64,
    /// The last date first
    #[arg(long)]
    backwards: bool,
    /// Parameters of the runs, a JSON object
    #[arg(long, value_name = "JSON")]
    conf: Option<String>,
    /// Only print the dates
    #[arg(long)]
    dry_run: bool,
}

/// Which runs that are there run again.
#[derive(Clone, Copy, ValueEnum)]
pub enum Reprocess {
    /// None of them
    None,
    /// Those that failed
    Failed,
    /// Those that have ended
    Completed,
}

impl Dag {
    pub(super) async fn run(self) -> Result<()> {
        match self {
            Self::List { server } => list(&server.client()?).await,
            Self::Trigger { server, run, wait } => {
                let client = server.client()?;
                let run_id = trigger(&client, &run).await?;
                println!("{run_id}");
                if wait { ended_well(&run.dag_id, &run_id, &client.ended(&run.dag_id, &run_id).await?) } else { Ok(()) }
            }
            Self::Test { server, run } => test(&server.client()?, &run).await,
            Self::Backfill { server, backfill } => backfill.run(&server.client()?).await,
        }
    }
}

async fn list(client: &Client) -> Result<()> {
    let mut offset = 0;
    loop {
        let page = client.call(Method::GET, &format!("dags?limit=1000&offset={offset}"), None).await?;
        let dags = page["dags"].as_array().map(Vec::as_slice).unwrap_or_default();
        for dag in dags {
            let text = |key: &str| dag[key].as_str().unwrap_or("-").to_owned();
            let paused = if dag["is_paused"] == true { "paused" } else { "active" };
            println!("{}\t{paused}\t{}\t{}", text("dag_id"), text("timetable_summary"), text("fileloc"));
        }
        offset += dags.len();
        if dags.is_empty() || offset as i64 >= page["total_entries"].as_i64().unwrap_or_default() {
            return Ok(());
        }
    }
}

fn object(field: &str, text: Option<&str>) -> Result<Value> {
    let Some(text) = text else { return Ok(Value::Null) };
    let value: Value = serde_json::from_str(text).map_err(|e| Error::invalid(format!("--{field}: {e}")))?;
    if value.is_object() { Ok(value) } else { Err(Error::invalid(format!("--{field}: give a JSON object such as {{\"x\": 1}}"))) }
}

async fn trigger(client: &Client, run: &Run) -> Result<String> {
    let body = json!({
        "dag_run_id": run.run_id,
        "logical_date": run.logical_date,
        "conf": object("conf", run.conf.as_deref())?,
        "note": run.note,
    });
    let made = client.call(Method::POST, &format!("dags/{}/dagRuns", run.dag_id), Some(body)).await?;
    Ok(made["dag_run_id"].as_str().unwrap_or_default().to_owned())
}

fn ended_well(dag_id: &str, run_id: &str, state: &str) -> Result<()> {
    println!("{state}");
    if state == "success" {
        Ok(())
    } else {
        Err(Error::new(Code::FailedPrecondition, format!("run {run_id} of {dag_id} ended as {state}")))
    }
}

async fn test(client: &Client, run: &Run) -> Result<()> {
    let run_id = trigger(client, run).await?;
    let state = client.ended(&run.dag_id, &run_id).await?;
    let place = format!("dags/{}/dagRuns/{run_id}/taskInstances", run.dag_id);
    let found = client.call(Method::GET, &format!("{place}?limit=1000&order_by=start_date"), None).await?;
    for task in found["task_instances"].as_array().into_iter().flatten() {
        let (id, index) = (task["task_id"].as_str().unwrap_or_default(), task["map_index"].as_i64().unwrap_or(-1));
        let name = if index < 0 { id.to_owned() } else { format!("{id}[{index}]") };
        println!("{name}\t{}", task["state"].as_str().unwrap_or("none"));
        if task["state"] == "failed" {
            let number = task["try_number"].as_i64().unwrap_or(1);
            let log = client.call(Method::GET, &format!("{place}/{id}/logs/{number}?map_index={index}"), None).await?;
            for line in log["content"].as_array().into_iter().flatten() {
                println!("    {}", line["event"].as_str().unwrap_or_default());
            }
        }
    }
    ended_well(&run.dag_id, &run_id, &state)
}

impl Backfill {
    async fn run(&self, client: &Client) -> Result<()> {
        let reprocess = match self.reprocess {
            Reprocess::None => "none",
            Reprocess::Failed => "failed",
            Reprocess::Completed => "completed",
        };
        let body = json!({
            "dag_id": self.dag_id,
            "from_date": self.from,
            "to_date": self.to,
            "run_backwards": self.backwards,
            "reprocess_behavior": reprocess,
            "max_active_runs": self.max_active_runs,
            "dag_run_conf": object("conf", self.conf.as_deref())?,
        });
        if !self.dry_run {
            let made = client.call(Method::POST, "backfills", Some(body)).await?;
            println!("{}", made["id"]);
            return Ok(());
        }
        let dates = client.call(Method::POST, "backfills/dry_run", Some(body)).await?;
        for date in dates["backfills"].as_array().into_iter().flatten() {
            println!("{}", date["logical_date"].as_str().unwrap_or_default());
        }
        Ok(())
    }
}

impl Server {
    fn client(&self) -> Result<Client> {
        let url = match &self.server {
            Some(url) => url.clone(),
            None => self.settings.load(&[])?.server.public_url,
        };
        Ok(Client { url: url.trim_end_matches('/').to_owned(), token: self.token.clone(), http: reqwest::Client::new() })
    }
}

/// The REST API of a running Artel.
struct Client {
    url: String,
    token: Option<String>,
    http: reqwest::Client,
}

impl Client {
    async fn call(&self, method: Method, path: &str, body: Option<Value>) -> Result<Value> {
        let mut request = self.http.request(method, format!("{}/api/v2/{path}", self.url));
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        if let Some(body) = body {
            request = request.json(&body);
        }
        let away = |e: reqwest::Error| {
            Error::new(Code::Unavailable, format!("{} does not answer; is `artel serve` running there?", self.url)).because(e)
        };
        let response = request.send().await.map_err(away)?;
        let status = response.status();
        let answer: Value = response.json().await.unwrap_or_default();
        if status.is_success() {
            return Ok(answer);
        }
        let detail = answer["detail"].as_str().map_or_else(|| answer.to_string(), Into::into);
        Err(Error::invalid(format!("{} answers {status}: {detail}", self.url)))
    }

    /// The state of a run when it has ended.
    async fn ended(&self, dag_id: &str, run_id: &str) -> Result<String> {
        loop {
            let run = self.call(Method::GET, &format!("dags/{dag_id}/dagRuns/{run_id}"), None).await?;
            match run["state"].as_str() {
                Some(state @ ("success" | "failed")) => return Ok(state.to_owned()),
                _ => tokio::time::sleep(LOOK).await,
            }
        }
    }
}
