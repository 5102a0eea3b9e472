//! Two hubs and two gateways under load: either may go, nobody has to log in again, and servers stay within reach.

use crate::harness::{Installation, Split, eventually, project};
use crate::skipped;
use reqwest::StatusCode;
use serde_json::json;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// How long a gateway may take to turn from a hub that is gone to the other one.
const TURN: Duration = Duration::from_secs(3);

#[tokio::test(flavor = "multi_thread")]
async fn one_of_two_is_killed() {
    let stub = project("tests/compat/hub/stub_server.py");
    let settings = format!("command = [\"python3\", {:?}]\n", stub.display().to_string());
    let parts = Split { copies: &[("hub", 2), ("gateway", 2)], ..Split::default() };
    let Some(mut artel) = Installation::start_split(parts, &settings).await else { return skipped() };
    let [first, second] = [artel.urls[0].clone(), artel.urls[1].clone()];
    let admin = artel.admin().await;
    let token = admin.token().await;
    admin.post("/hub/api/users/admin/server", json!({})).await;
    let server = "/user/admin/api/status";
    for url in [&first, &second] {
        // the session of one gateway is that of the other, and both know the way to the server
        assert_eq!(admin.at(url).get("/api/artel/v1/me").await["name"], "admin");
        answers(url, server, &token).await;
    }

    let readers = Readers::start(&[&first, &second], &["/hub/api/user", server], &token);
    readers.go_on(20).await;
    for hub in ["hub", "hub-2"] {
        let killed = Instant::now();
        artel.part(hub).kill9();
        tokio::time::sleep(TURN).await;
        readers.go_on(50).await;
        // what is written through either gateway meanwhile is there
        for (number, url) in [&first, &second].into_iter().enumerate() {
            admin.at(url).add_user(&format!("{hub}-{number}"), "a long enough password").await;
        }
        artel.restart(hub).await;
        readers.only(|seen| seen.status == 200 || seen.status == 503 && seen.at < killed + TURN);
    }
    let users = admin.get("/hub/api/users").await.as_array().unwrap().len();
    assert_eq!(users, 5, "the administrator, and four that were added while a hub was away");

    artel.part("gateway-2").kill9();
    readers.go_on_at(&first, 50).await;
    readers.only(|seen| seen.status == 200 || seen.url == second);
    artel.restart("gateway-2").await;
    answers(&second, server, &token).await;
    readers.stop().await;
}

async fn answers(url: &str, path: &str, token: &str) {
    let http = reqwest::Client::new();
    eventually(&format!("{url}{path} answers"), 30, async || {
        let answer = http.get(format!("{url}{path}")).bearer_auth(token).send().await.map_err(|e| e.to_string())?;
        if answer.status() == StatusCode::OK { Ok(()) } else { Err(answer.status().to_string()) }
    })
    .await;
}

/// What came of one request; no answer is the status 0.
struct Seen {
    at: Instant,
    url: String,
    path: &'static str,
    status: u16,
}

/// Clients that read without a pause.
struct Readers {
    urls: Vec<String>,
    seen: Arc<Mutex<Vec<Seen>>>,
    stop: CancellationToken,
    tasks: Vec<JoinHandle<()>>,
}

impl Readers {
    fn start(urls: &[&String], paths: &[&'static str], token: &str) -> Self {
        let (seen, stop) = (Arc::default(), CancellationToken::new());
        let urls: Vec<String> = urls.iter().map(|url| (*url).clone()).collect();
        let each = urls.iter().flat_map(|url| paths.iter().map(move |path| (url.clone(), *path)));
        let begin = |(url, path)| tokio::spawn(read(url, path, token.to_owned(), Arc::clone(&seen), stop.clone()));
        let tasks = each.map(begin).collect();
        Self { urls, seen, stop, tasks }
    }

    /// Waits for so many more answers of every gateway.
    async fn go_on(&self, more: usize) {
        for url in &self.urls {
            self.go_on_at(url, more).await;
        }
    }

    async fn go_on_at(&self, url: &str, more: usize) {
        let answered = || self.seen.lock().unwrap().iter().filter(|seen| seen.url == url && seen.status == 200).count();
        let goal = answered() + more;
        eventually(&format!("{more} more answers of {url}"), 60, async || {
            let now = answered();
            if now >= goal { Ok(()) } else { Err(format!("{now} of {goal}")) }
        })
        .await;
    }

    /// Every answer so far is as it should be.
    fn only(&self, right: impl Fn(&Seen) -> bool) {
        let mut seen = self.seen.lock().unwrap();
        let told = |seen: &Seen| format!("{} from {}{}", seen.status, seen.url, seen.path);
        let wrong: Vec<String> = seen.iter().filter(|seen| !right(seen)).map(told).collect();
        assert!(wrong.is_empty(), "{} of {}: {:?}", wrong.len(), seen.len(), &wrong[..wrong.len().min(5)]);
        seen.clear();
    }

    async fn stop(self) {
        self.stop.cancel();
        for task in self.tasks {
            task.await.unwrap();
        }
    }
}

async fn read(url: String, path: &'static str, token: String, seen: Arc<Mutex<Vec<Seen>>>, stop: CancellationToken) {
    let http = reqwest::Client::new();
    while !stop.is_cancelled() {
        let at = Instant::now();
        let answer = http.get(format!("{url}{path}")).bearer_auth(&token).send().await;
        let status = answer.map_or(0, |answer| answer.status().as_u16());
        seen.lock().unwrap().push(Seen { at, url: url.clone(), path, status });
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
