//! A scheduler without background tasks, moved on step by step.

use crate::Scheduler;
use crate::execution::{Caller, Reply};
use crate::reports::Report;
use crate::runs::NewRun;
use crate::store::logs::Piece;
use crate::store::{instances, runs};
use crate::tries::Exit;
use artel_platform::clock::Clock;
use artel_platform::{Context, testkit};
use artel_proto::artel::scheduler::v1::Workload;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// 2026-01-05 00:00:00 UTC, a Monday.
pub(super) const START: i64 = 1_767_571_200_000;
pub(super) const MINUTE: i64 = 60_000;

pub(super) struct Bench {
    pub(super) s: Arc<Scheduler>,
    pub(super) clock: Clock,
}

/// Runs `test` on both engines.
pub(super) async fn bench<F: Future<Output = ()>>(test: impl Fn(Bench) -> F) {
    bench_with("", test).await;
}

/// The same with more settings of the scheduler, as TOML.
pub(super) async fn bench_with<F: Future<Output = ()>>(settings: &str, test: impl Fn(Bench) -> F) {
    let (settings, test): (toml::Table, _) = (settings.parse().unwrap(), &test);
    testkit::on_both_engines(|cx| async {
        let cx = cx;
        let clock = Clock::fixed(START);
        let mut config = (*cx.config).clone();
        config.scheduler.extend(settings.clone());
        let cx = Context { clock: clock.clone(), config: Arc::new(config), ..cx };
        let s = Scheduler::open(&cx).await.unwrap();
        test(Bench { s, clock }).await;
    })
    .await;
}

/// A task: id, ids downstream, more of its serialized form.
pub(super) type TaskSpec<'a> = (&'a str, &'a [&'a str], Value);

/// A DAG as the parser gives it.
pub(super) fn dag(dag_id: &str, tasks: &[TaskSpec<'_>], more: Value) -> Value {
    let tasks: Vec<Value> = tasks
        .iter()
        .map(|(id, downstream, more)| {
            let mut var = json!({"task_id": id, "task_type": "PythonOperator", "downstream_task_ids": downstream});
            var.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            json!({"__var": var, "__type": "operator"})
        })
        .collect();
    let mut dag = json!({"dag_id": dag_id, "tasks": tasks, "task_group": {}, "fileloc": "/dags/f.py", "timetable": null_timetable()});
    dag.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    json!({"__version": 3, "dag": dag})
}

fn null_timetable() -> Value {
    json!({"__type": "airflow.timetables.simple.NullTimetable", "__var": {}})
}

/// Triggers at times of a cron expression.
pub(super) fn cron(expression: &str) -> Value {
    json!({"__type": "airflow.timetables.trigger.CronTriggerTimetable", "__var": {"expression": expression, "timezone": "UTC", "interval": 0.0, "run_immediately": false}})
}

impl Bench {
    /// Takes in a file with one DAG of its name.
    pub(super) async fn add(&self, dag_id: &str, tasks: &[TaskSpec<'_>], more: Value) {
        self.s.take_in(&format!("{dag_id}.py"), json!({dag_id: dag(dag_id, tasks, more)}), json!({})).await;
    }

    /// Triggers a run by hand.
    pub(super) async fn trigger(&self, dag_id: &str, run_id: &str) {
        let new = NewRun { run_id: Some(run_id.into()), triggered_by: "rest_api", ..NewRun::default() };
        self.s.trigger(dag_id, new).await.unwrap();
        self.settle().await;
    }

    /// Does everything that is due now.
    pub(super) async fn settle(&self) {
        for _ in 0..50 {
            self.s.tick(self.clock.now()).await.unwrap();
            let mut idle = true;
            while let Some(run) = self.s.wake.take() {
                idle = false;
                self.s.evaluate(&run.0, &run.1).await.unwrap();
                self.s.wake.done(&run);
            }
            if idle {
                return;
            }
        }
        panic!("the scheduler does not come to rest");
    }

    pub(super) async fn advance(&self, millis: i64) {
        self.clock.advance(millis);
        self.settle().await;
    }

    /// What a worker gets, without waiting.
    pub(super) async fn claim(&self, worker: &str, slots: i64) -> Vec<Workload> {
        self.s.claim(worker, &["default".into()], slots, Duration::ZERO).await.unwrap()
    }

    /// A call of the task that a workload is.
    pub(super) async fn call(&self, workload: &Workload, method: &str, path: &str, body: Value) -> Reply {
        let caller = Caller { worker_id: Some("w1".into()), ..Caller::new(Some(workload.ti_id.clone())) };
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let body = if body.is_null() { String::new() } else { body.to_string() };
        self.s.execution(&caller, method, path, query, &body).await
    }

    /// The same, of the task's own routes.
    pub(super) async fn own(&self, workload: &Workload, method: &str, route: &str, body: Value) -> Reply {
        self.call(workload, method, &format!("task-instances/{}/{route}", workload.ti_id), body).await
    }

    pub(super) async fn start(&self, workload: &Workload) -> Value {
        let body = json!({"state": "running", "hostname": "h", "unixname": "u", "pid": 7, "start_date": "2026-01-05T00:00:00Z"});
        let reply = self.own(workload, "PATCH", "run", body).await;
        assert_eq!(reply.status, 200, "{reply:?}");
        reply.body.unwrap()
    }

    /// The task says that it has ended in this state.
    pub(super) async fn say(&self, workload: &Workload, state: &str) {
        self.say_only(workload, state).await;
        self.settle().await;
    }

    /// The same, and nothing else is done.
    pub(super) async fn say_only(&self, workload: &Workload, state: &str) {
        let end_date = crate::times::shown(self.clock.now());
        let reply = self.own(workload, "PATCH", "state", json!({"state": state, "end_date": end_date})).await;
        assert_eq!(reply.status, 204, "{reply:?}");
    }

    /// The task says that it has succeeded, and `worker` has room for another one. Returns the one that it is given.
    pub(super) async fn end_and_go_on(&self, workload: &Workload, worker: &str) -> Option<String> {
        let caller =
            Caller { worker_id: Some(worker.into()), next_from: vec!["default".into()], ..Caller::new(Some(workload.ti_id.clone())) };
        let body = json!({"state": "success", "end_date": crate::times::shown(self.clock.now())});
        let path = format!("task-instances/{}/state", workload.ti_id);
        let reply = self.s.execution(&caller, "PATCH", &path, "", &body.to_string()).await;
        assert_eq!(reply.status, 204, "{reply:?}");
        reply.next
    }

    /// A worker tells a part of a try's log.
    pub(super) async fn log(&self, ti_id: &str, piece: Piece<'_>) {
        self.s.take_report(&Report { logs: vec![(ti_id, piece)], ..Report::default() }).await.unwrap();
    }

    /// A worker tells that the process of a try has ended without a word of the task.
    pub(super) async fn exit(&self, ti_id: &str, code: i32, signal: &str) {
        self.ended(ti_id, Exit { code, signal, said: false }, None).await;
    }

    /// The same, with the last of its log.
    pub(super) async fn ended(&self, ti_id: &str, exit: Exit<'_>, last: Option<Piece<'_>>) {
        let logs = last.into_iter().map(|piece| (ti_id, piece)).collect();
        self.s.take_report(&Report { logs, ended: vec![(ti_id, exit)], ..Report::default() }).await.unwrap();
    }

    /// Works off whatever is there, each task ending as `ends` says (`success` where it says nothing).
    pub(super) async fn work(&self, ends: &[(&str, &str)]) {
        loop {
            let work = self.claim("w1", 10).await;
            if work.is_empty() {
                return;
            }
            for workload in work {
                self.start(&workload).await;
                let task: Value = serde_json::from_str(&workload.execute_task_json).unwrap();
                let name = task["ti"]["task_id"].as_str().unwrap();
                let end = ends.iter().find(|e| e.0 == name).map_or("success", |e| e.1);
                self.say(&workload, end).await;
            }
        }
    }

    /// The states of a run's instances, by task and map index.
    pub(super) async fn states(&self, dag_id: &str, run_id: &str) -> BTreeMap<String, String> {
        let all = instances::of_run(&self.s.db, dag_id, run_id).await.unwrap();
        let name = |task: &str, map: i64| if map < 0 { task.to_owned() } else { format!("{task}[{map}]") };
        all.iter().map(|i| (name(&i.task_id, i.map_index), i.state.map_or("none", |s| s.as_str()).to_owned())).collect()
    }

    pub(super) async fn run_state(&self, dag_id: &str, run_id: &str) -> String {
        runs::get(&self.s.db, dag_id, run_id).await.unwrap().unwrap().state.as_str().to_owned()
    }

    pub(super) async fn instance(&self, dag_id: &str, run_id: &str, task_id: &str) -> instances::TaskInstance {
        instances::of_task(&self.s.db, dag_id, run_id, task_id, -1).await.unwrap().unwrap()
    }
}

/// The task that a workload is for.
pub(super) fn task_of(workload: &Workload) -> String {
    let task: Value = serde_json::from_str(&workload.execute_task_json).unwrap();
    task["ti"]["task_id"].as_str().unwrap().to_owned()
}

/// `{"a": "success", …}` as a map.
pub(super) fn expected(states: &[(&str, &str)]) -> BTreeMap<String, String> {
    states.iter().map(|(name, state)| ((*name).to_owned(), (*state).to_owned())).collect()
}
