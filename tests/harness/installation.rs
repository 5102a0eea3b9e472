//! An installation in either shape.

use super::client::Client;
use super::servers::{S3, fresh_database, servers};
use super::{Process, eventually, free_port};
use std::path::PathBuf;
use std::time::Duration;
use tempfile::TempDir;

/// How the parts are spread over processes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// One process on SQLite, files and the bus inside it.
    Single,
    /// Gateway, six services and a worker as eight processes on PostgreSQL, Kafka and S3.
    Split,
}

/// What a split installation is made of, where it is not the usual.
#[derive(Default)]
pub struct Split {
    /// A bus of the test's own.
    pub bus: Option<String>,
    /// A PostgreSQL server of the test's own.
    pub postgres: Option<String>,
    /// How many there are of a part, where it is not one.
    pub copies: &'static [(&'static str, usize)],
    /// Further arguments of each worker.
    pub worker: Vec<String>,
}

impl Split {
    fn copies(&self, part: &str) -> usize {
        self.copies.iter().find(|(name, _)| *name == part).map_or(1, |(_, copies)| *copies)
    }
}

const SERVICES: &[&str] = &["hub", "tracking", "registry", "artifact", "scheduler", "serving"];
pub const ADMIN_PASSWORD: &str = "correct horse battery";

/// Name and arguments of one process.
type Started = (String, Vec<String>);

/// A running installation.
pub struct Installation {
    pub shape: Shape,
    pub url: String,
    /// Of every gateway.
    pub urls: Vec<String>,
    pub folder: PathBuf,
    pub processes: Vec<Process>,
    commands: Vec<Started>,
    _temporary: TempDir,
}

impl Installation {
    /// Starts one and waits until it is ready. `None` for the split shape where its servers are not running.
    pub async fn start(shape: Shape) -> Option<Self> {
        Self::start_configured(shape, "").await
    }

    /// With further sections of settings, as TOML.
    pub async fn start_configured(shape: Shape, more: &str) -> Option<Self> {
        match shape {
            Shape::Single => {
                let temporary = folder();
                let (url, commands) = single(temporary.path(), more);
                Some(Self::begin(shape, temporary, vec![url], commands).await)
            }
            Shape::Split => Self::start_split(Split::default(), more).await,
        }
    }

    /// The split shape with other parts than usual.
    pub async fn start_split(parts: Split, more: &str) -> Option<Self> {
        let temporary = folder();
        let (urls, commands) = split(temporary.path(), parts, more)?;
        Some(Self::begin(Shape::Split, temporary, urls, commands).await)
    }

    async fn begin(shape: Shape, temporary: TempDir, urls: Vec<String>, commands: Vec<Started>) -> Self {
        let folder = temporary.path().to_path_buf();
        let mut installation = Self { shape, url: urls[0].clone(), urls, folder, processes: vec![], commands, _temporary: temporary };
        installation.start_all();
        installation.wait_ready().await;
        installation
    }

    /// What still runs ends first: the new processes listen where the old ones did.
    fn start_all(&mut self) {
        self.processes.clear();
        self.processes = self.commands.iter().map(|(name, args)| Process::start(name, &self.folder, args)).collect();
    }

    /// Where DAG files go.
    pub fn dags(&self) -> PathBuf {
        self.folder.join("data/dags")
    }

    /// Waits until every part answers.
    pub async fn wait_ready(&mut self) {
        let http = reqwest::Client::new();
        let url = format!("{}/api/v2/monitor/health", self.url);
        let ready = format!("{}/readyz", self.url);
        eventually("the installation is ready", 60, async || {
            if let Some(dead) = self.processes.iter_mut().find_map(|p| p.has_ended().then(|| format!("{}\n{}", p.name, p.tail()))) {
                panic!("a process ended at start: {dead}");
            }
            for url in [&ready, &url] {
                let answer = http.get(url).send().await.map_err(|e| e.to_string())?;
                if !answer.status().is_success() {
                    return Err(format!("{url}: {} {}", answer.status(), answer.text().await.unwrap_or_default()));
                }
            }
            Ok(())
        })
        .await;
    }

    /// The process with this part (the only one, in the single shape).
    pub fn part(&mut self, name: &str) -> &mut Process {
        let at = self.processes.iter().position(|p| p.name == name).unwrap_or(0);
        &mut self.processes[at]
    }

    /// Starts a part again that was killed.
    pub async fn restart(&mut self, name: &str) {
        let at = self.commands.iter().position(|(n, _)| n == name).unwrap_or(0);
        let (name, args) = &self.commands[at];
        self.processes[at] = Process::start(name, &self.folder, args);
        self.wait_ready().await;
    }

    /// Kills every process at once, without warning, and starts them again.
    pub async fn crash(&mut self) {
        self.processes.iter_mut().for_each(Process::kill9);
        self.start_all();
        self.wait_ready().await;
    }

    /// Ctrl-C for every process; the longest time any of them took.
    pub fn stop(&mut self) -> Duration {
        self.processes.iter_mut().map(|p| p.interrupt(Duration::from_secs(15))).max().unwrap()
    }

    /// Ends what still runs, then starts again on the same data.
    pub async fn restart_all(&mut self) {
        self.start_all();
        self.wait_ready().await;
    }

    /// Every process that the installation's processes have started, and what those have.
    pub fn children(&self) -> Vec<u32> {
        let mut found: Vec<u32> = Vec::new();
        let mut parents: Vec<u32> = self.processes.iter().map(Process::pid).collect();
        while let Some(parent) = parents.pop() {
            let output = std::process::Command::new("pgrep").args(["-P", &parent.to_string()]).output().unwrap();
            let children: Vec<u32> = String::from_utf8_lossy(&output.stdout).lines().filter_map(|l| l.parse().ok()).collect();
            parents.extend(&children);
            found.extend(children);
        }
        found
    }

    /// Logged in as the administrator.
    pub async fn admin(&self) -> Client {
        Client::login(&self.url, "admin", ADMIN_PASSWORD).await
    }
}

fn folder() -> TempDir {
    tempfile::Builder::new().prefix("artel-").tempdir().unwrap()
}

fn single(folder: &std::path::Path, more: &str) -> (String, Vec<Started>) {
    let port = free_port();
    let file = folder.join("artel.toml");
    std::fs::write(&file, format!("data = {:?}\n[server]\nlisten = \"127.0.0.1:{port}\"\n{}", folder.join("data"), common(more))).unwrap();
    let args = vec!["serve".into(), "--config".into(), file.display().to_string()];
    (format!("http://127.0.0.1:{port}"), vec![("artel".into(), args)])
}

/// Sections that both shapes share. `more` begins with keys of `[hub]`, if it has any.
fn common(more: &str) -> String {
    format!("[log]\nformat = \"human\"\n[hub]\nadmin_password = {ADMIN_PASSWORD:?}\n{more}")
}

/// One process of the split shape: its name, its service, and where it listens.
struct Part {
    name: String,
    service: &'static str,
    http: u16,
    grpc: u16,
}

/// Six services, some perhaps several times.
fn parts(split: &Split) -> Vec<Part> {
    let named = |service: &'static str, copy: usize| Part { name: replica(service, copy), service, http: free_port(), grpc: free_port() };
    SERVICES.iter().flat_map(|service| (0..split.copies(service)).map(move |copy| named(service, copy))).collect()
}

/// `scheduler`, `scheduler-2`, …
fn replica(service: &str, copy: usize) -> String {
    if copy == 0 { service.to_owned() } else { format!("{service}-{}", copy + 1) }
}

/// The `[peers]` sections.
fn peers(parts: &[Part]) -> String {
    let addresses = |service: &str, port: fn(&Part) -> u16| {
        let of_service = parts.iter().filter(|p| p.service == service);
        of_service.map(|p| format!("http://127.0.0.1:{}", port(p))).collect::<Vec<_>>().join(", ")
    };
    let section = |s: &&str| format!("[peers.{s}]\nhttp = {:?}\ngrpc = {:?}\n", addresses(s, |p| p.http), addresses(s, |p| p.grpc));
    SERVICES.iter().map(section).collect()
}

/// A settings file per process; they share the folder of data (notebook homes, DAG files, environments).
fn split(folder: &std::path::Path, split: Split, more: &str) -> Option<(Vec<String>, Vec<Started>)> {
    let servers = servers()?;
    let parts = parts(&split);
    let gateways: Vec<u16> = (0..split.copies("gateway")).map(|_| free_port()).collect();
    let urls: Vec<String> = gateways.iter().map(|port| format!("http://127.0.0.1:{port}")).collect();
    let url = &urls[0];
    let workers = split.copies("worker");
    let database = fresh_database(&split.postgres.unwrap_or(servers.postgres));
    let prefix = database.rsplit('/').next().unwrap().to_owned();
    // installations run at the same time on the same brokers
    let bus = format!("{}/{prefix}", split.bus.unwrap_or(servers.kafka));
    let S3 { endpoint, bucket, key_id, secret } = &servers.s3;
    let s3 = format!("[s3]\nendpoint = {endpoint:?}\naccess_key_id = {key_id:?}\nsecret_access_key = {secret:?}\n");
    let shared = format!("[security]\nsecret = \"one secret for the whole installation\"\n{s3}{}{}", common(more), peers(&parts));
    let mut commands = Vec::new();
    let mut add = |name: &str, command: &[&str], http: u16, grpc: Option<u16>| {
        let grpc = grpc.map(|p| format!("127.0.0.1:{p}")).unwrap_or_default();
        let text = format!(
            "data = {:?}\ndatabase = {database:?}\nbus = {bus:?}\nartifacts = \"s3://{bucket}/{prefix}\"\n\
             [server]\nlisten = \"127.0.0.1:{http}\"\ngrpc_listen = {grpc:?}\npublic_url = {url:?}\n{shared}",
            folder.join("data"),
        );
        let file = folder.join(format!("{name}.toml"));
        std::fs::write(&file, text).unwrap();
        let mut args: Vec<String> = command.iter().map(|word| (*word).to_owned()).collect();
        args.extend(["--config".to_owned(), file.display().to_string()]);
        commands.push((name.to_owned(), args));
    };
    for part in &parts {
        add(&part.name, &["serve", "--only", part.service], part.http, Some(part.grpc));
    }
    for (copy, port) in gateways.iter().enumerate() {
        add(&replica("gateway", copy), &["serve", "--only", "gateway"], *port, None);
    }
    let worker: Vec<&str> = std::iter::once("worker").chain(split.worker.iter().map(String::as_str)).collect();
    for copy in 0..workers {
        add(&replica("worker", copy), &worker, 0, None);
    }
    Some((urls, commands))
}
