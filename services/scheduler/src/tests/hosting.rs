//! The Python processes beside the tasks, real ones: triggers are run, killed and run again; callbacks are called.

use super::bench::{Bench, task_of};
use crate::Scheduler;
use crate::states::TaskState;
use crate::store::callbacks;
use artel_platform::config::Config;
use artel_platform::python::Environments;
use artel_platform::testkit::{Engine, Fixture, fixture};
use artel_platform::{Context, clock::Clock};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

const TRIGGERS: &str = r#"
import asyncio, os, pathlib
from airflow.sdk import Variable
from airflow.triggers.base import BaseTrigger, TriggerEvent

FOLDER = pathlib.Path(__file__).parent

class Base(BaseTrigger):
    def __init__(self, name):
        super().__init__()
        self.name = name

    def serialize(self):
        return f"real_triggers.{type(self).__name__}", {"name": self.name}

class Arrives(Base):
    async def run(self):
        self.log.info("waiting for %s by %s", self.name, Variable.get("word"))
        with (FOLDER / "pids").open("a") as file:
            file.write(f"{os.getpid()}\n")
        while not (FOLDER / self.name).exists():
            await asyncio.sleep(0.05)
        yield TriggerEvent({"found": self.name})

    async def on_kill(self):
        (FOLDER / f"{self.name}.killed").touch()

class Breaks(Base):
    async def run(self):
        raise RuntimeError("it broke")
        yield
"#;

const CALLED: &str = r#"
import pathlib
from airflow.sdk import DAG, Variable, task

def note(context):
    with (pathlib.Path(__file__).parent / "noted").open("a") as file:
        file.write(f"{context['run_id']} {context['reason']} {Variable.get('word')}\n")

async def late(word, context):
    (pathlib.Path(__file__).parent / "late").write_text(word)

with DAG("called", schedule=None, on_success_callback=note):
    @task
    def a(): pass
    a()
"#;

/// A scheduler whose Python environment is the one that is kept between test runs.
async fn real() -> (Fixture, Bench) {
    let fixture = fixture(Engine::Sqlite).await.unwrap();
    let cache = std::env::var("ARTEL_CACHE").unwrap_or_else(|_| format!("{}/.cache/artel", std::env::var("HOME").unwrap()));
    let text =
        format!("data = {:?}\npython.environments = {:?}", fixture.cx.config.data.display().to_string(), format!("{cache}/environments"));
    let config = Config::load(None, &text.parse().unwrap()).unwrap();
    let cx = Context { python: Environments::open(&config).unwrap(), ..fixture.cx.clone() };
    let s = Scheduler::open(&cx).await.unwrap();
    s.put_variable("word", Some("patience"), None).await.unwrap();
    (fixture, Bench { s, clock: Clock::system() })
}

async fn until(what: &str, mut condition: impl AsyncFnMut() -> bool) {
    let started = Instant::now();
    while !condition().await {
        assert!(started.elapsed() < Duration::from_secs(180), "{what}: not in time");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn stop(b: &Bench) {
    b.s.cx.stop.cancel();
    b.s.cx.tasks.close();
    tokio::time::timeout(Duration::from_secs(30), b.s.cx.tasks.wait()).await.expect("the background tasks end");
}

#[tokio::test]
async fn triggers_of_users_run_and_run_again_where_their_process_dies() {
    let (_fixture, b) = real().await;
    let folder = b.s.bundles.dags_folder().to_path_buf();
    std::fs::write(folder.join("real_triggers.py"), TRIGGERS).unwrap();
    b.add("d", &[("arrives", &[], json!({})), ("breaks", &[], json!({})), ("cleared", &[], json!({}))], json!({})).await;
    b.trigger("d", "r").await;
    for workload in b.claim("w1", 10).await {
        b.start(&workload).await;
        let class = if task_of(&workload) == "breaks" { "Breaks" } else { "Arrives" };
        let body = json!({
            "state": "deferred", "classpath": format!("real_triggers.{class}"), "trigger_kwargs": {"name": task_of(&workload)},
            "next_method": "done", "next_kwargs": {},
        });
        assert_eq!(b.own(&workload, "PATCH", "state", body).await.status, 204);
    }
    b.s.start_trigger_host();
    let state = async |task: &str| b.instance("d", "r", task).await.state;
    until("the broken trigger is told", async || state("breaks").await == Some(TaskState::Scheduled)).await;
    let failed: Value = serde_json::from_str(b.instance("d", "r", "breaks").await.next_kwargs.as_deref().unwrap()).unwrap();
    assert!(failed["traceback"].to_string().contains("it broke"), "{failed}");

    let pids = || std::fs::read_to_string(folder.join("pids")).unwrap_or_default();
    until("both wait", async || pids().lines().count() == 2).await;
    let first = pids().lines().next().unwrap().to_owned();
    let pid = rustix::process::Pid::from_raw(first.parse().unwrap()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
    until("they are run again", async || pids().lines().filter(|p| **p != *first).count() == 2).await;

    let clear = crate::clear::Clear { tasks: vec![("cleared".into(), None)], ..Default::default() };
    b.s.clear("d", "r", &clear).await.unwrap();
    until("the cleared one is stopped", async || folder.join("cleared.killed").exists()).await;
    assert_eq!(state("arrives").await, Some(TaskState::Deferred));
    std::fs::write(folder.join("arrives"), "").unwrap();
    until("the other one fires", async || state("arrives").await == Some(TaskState::Scheduled)).await;
    let instance = b.instance("d", "r", "arrives").await;
    assert_eq!(instance.next_kwargs.as_deref(), Some(r#"{"event":{"found":"arrives"}}"#));
    let log = b.s.read_log(&instance.id, 0, false).await.unwrap().text;
    assert!(log.contains("waiting for arrives by patience") && log.contains("Trigger fired event"), "{log}");
    stop(&b).await;
}

#[tokio::test]
async fn callbacks_of_runs_and_deadlines_are_called_once() {
    let (_fixture, b) = real().await;
    let folder = b.s.bundles.dags_folder().to_path_buf();
    std::fs::write(folder.join("called.py"), CALLED).unwrap();
    let callback = json!({"__data__": {"path": "called.late", "kwargs": {"word": "slow"}}});
    let deadline =
        json!([{"reference": {"reference_type": "FixedDatetimeDeadline", "datetime": 0.0}, "interval": 1.0, "callback": callback}]);
    b.add("called", &[("a", &[], json!({}))], json!({"has_on_success_callback": true, "deadline": deadline})).await;
    b.trigger("called", "r").await;
    b.work(&[]).await;
    b.s.start_callbacks();
    until("nothing is left to call", async || {
        let rows = b.s.db.fetch_all("SELECT id FROM callbacks", vec![]).await.unwrap();
        rows.is_empty()
    })
    .await;
    assert_eq!(std::fs::read_to_string(folder.join("noted")).unwrap(), "r success patience\n");
    assert_eq!(std::fs::read_to_string(folder.join("late")).unwrap(), "slow");
    assert!(!callbacks::any(&b.s.db, i64::MAX).await.unwrap());
    stop(&b).await;
}
