//! Real model workers on real models: what MLflow answers, deaths, limits, and a switch under load.

mod support;

use artel_platform::Code;
use artel_platform::process::is_alive;
use artel_platform::python::{Environment, Environments};
use artel_serving::Settings;
use artel_serving::workers::{Answer, Deployment, Plan, Question};
use serde_json::{Value, json};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, RwLock};
use support::{SOON, model_environment, python};

struct Bench {
    folder: tempfile::TempDir,
    python: Environments,
    environment: Environment,
}

async fn bench() -> Bench {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (python, environment) = model_environment(folder.path()).await;
    Bench { folder, python, environment }
}

impl Bench {
    /// Makes a model with the program of that name in support/models.py.
    async fn model(&self, program: &str, args: &[&str]) -> std::path::PathBuf {
        let path = self.folder.path().join(format!("{program}{}", args.concat()));
        let mut all = vec![path.to_str().expect("a plain path")];
        all.extend(args);
        python(&self.environment, program, &all).await;
        path
    }

    fn plan(&self, model: &Path) -> Plan {
        let settings = Settings {
            workers: 1,
            queue: 128,
            timeout_seconds: 60,
            start_timeout_seconds: 120,
            max_request_mib: 64,
            reconcile_seconds: 60,
        };
        Plan {
            name: "wine version 1".into(),
            model: model.into(),
            environment: self.environment.clone(),
            python: self.python.clone(),
            settings,
        }
    }
}

fn json_question(body: &str) -> Question {
    Question { path: "/invocations", content_type: "application/json".into(), body: body.to_owned().into() }
}

fn to(word: &str) -> Question {
    json_question(&json!({"dataframe_records": [{"do": word}]}).to_string())
}

fn value(answer: &Answer) -> Value {
    serde_json::from_slice(&answer.body).expect("the answer is JSON")
}

fn pid(deployment: &Deployment) -> u32 {
    deployment.about()["pid"].as_u64().expect("the worker tells its id") as u32
}

async fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let waited = async {
        while !holds() {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(SOON, waited).await.unwrap_or_else(|_| panic!("{what} did not happen"));
}

#[tokio::test]
async fn answers_are_those_of_mlflow() {
    let bench = bench().await;
    let model = bench.model("train", &["classes"]).await;
    let deployment = Deployment::start(bench.plan(&model)).await.expect("the model loads");
    assert_eq!(deployment.about()["model"]["warmed"], true);

    let request = python(&bench.environment, "request", &[]).await;
    let answer = deployment.ask(json_question(&request)).await.expect("answered");
    let expected: Value =
        serde_json::from_str(&python(&bench.environment, "predict", &[model.to_str().expect("a plain path")]).await).expect("JSON");
    assert_eq!((answer.status, answer.content_type.as_str()), (200, "application/json"));
    assert_eq!(value(&answer), json!({"predictions": expected}));

    let wrong = deployment.ask(json_question(r#"{"inputs": 1, "instances": 2}"#)).await.expect("answered");
    assert_eq!((wrong.status, value(&wrong)["error_code"].as_str()), (400, Some("BAD_REQUEST")));
    let odd = Question { path: "/invocations", content_type: "text/html".into(), body: "x".into() };
    assert_eq!(deployment.ask(odd).await.expect("answered").status, 415);

    let process = pid(&deployment);
    let end = deployment.end();
    drop(deployment);
    end.within(SOON).await;
    assert!(!is_alive(process, None), "the worker has ended");
}

#[tokio::test]
async fn a_dead_worker_is_started_again() {
    let bench = bench().await;
    let model = bench.model("misbehaving", &[]).await;
    let deployment = Arc::new(Deployment::start(bench.plan(&model)).await.expect("the model loads"));
    assert_eq!(value(&deployment.ask(to("hello")).await.expect("answered")), json!({"predictions": ["hello"]}));
    let raised = deployment.ask(to("raise")).await.expect("answered");
    assert_eq!(raised.status, 400);

    let lost = deployment.ask(to("die")).await.expect_err("the worker died");
    assert_eq!(lost.code, Code::Unavailable);
    assert!(lost.message.contains("signal: 9"), "{}", lost.message);
    // what comes meanwhile waits for the next worker
    assert_eq!(value(&deployment.ask(to("again")).await.expect("answered")), json!({"predictions": ["again"]}));
    let health = deployment.health();
    eventually("health", || health.borrow().up == 1 && health.borrow().trouble.is_none()).await;
}

#[tokio::test]
async fn limits_of_time_and_of_the_queue() {
    let bench = bench().await;
    let model = bench.model("misbehaving", &[]).await;
    let mut plan = bench.plan(&model);
    (plan.settings.timeout_seconds, plan.settings.queue) = (1, 1);
    let deployment = Arc::new(Deployment::start(plan).await.expect("the model loads"));
    let process = pid(&deployment);
    let mut busy = Box::pin(deployment.ask(to("sleep")));
    assert!(futures::poll!(&mut busy).is_pending());
    eventually("the worker's taking it", || deployment.waiting() == 0).await;
    let mut waiting = Box::pin(deployment.ask(to("hello")));
    assert!(futures::poll!(&mut waiting).is_pending());
    let refused = deployment.ask(to("hello")).await.expect_err("one waits already");
    assert_eq!((refused.code, refused.message.contains("1 requests wait")), (Code::ResourceExhausted, true), "{refused:?}");
    for late in [busy, waiting] {
        assert_eq!(late.await.expect_err("it takes too long").code, Code::DeadlineExceeded);
    }
    // the worker that is stuck is replaced
    eventually("the stuck worker's end", || !is_alive(process, None)).await;
    let answered = async {
        loop {
            match deployment.ask(to("hello")).await {
                Ok(answer) => return answer,
                Err(error) => assert!(matches!(error.code, Code::DeadlineExceeded | Code::ResourceExhausted), "{error:?}"),
            }
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    };
    assert_eq!(tokio::time::timeout(SOON, answered).await.expect("it answers again").status, 200);
}

#[tokio::test]
async fn a_model_that_cannot_be_loaded_says_why() {
    let bench = bench().await;
    let model = bench.model("broken", &[]).await;
    let error = Deployment::start(bench.plan(&model)).await.err().expect("it cannot be loaded");
    assert_eq!(error.code, Code::FailedPrecondition);
    assert!(error.message.starts_with("the model of wine version 1 cannot be loaded: "), "{}", error.message);
    let missing = Deployment::start(bench.plan(Path::new("/nowhere"))).await.err().expect("there is no model");
    assert!(missing.message.contains("no MLmodel file in /nowhere"), "{}", missing.message);
}

#[tokio::test]
async fn no_request_fails_while_a_new_version_takes_over() {
    let bench = bench().await;
    let (one, two) = (bench.model("train", &["classes"]).await, bench.model("train", &["line"]).await);
    let first = Deployment::start(bench.plan(&one)).await.expect("version 1 loads");
    let (process, end) = (pid(&first), first.end());
    let current = Arc::new(RwLock::new(Arc::new(first)));
    let request: Arc<str> = python(&bench.environment, "request", &[]).await.into();
    let (stop, answered) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let clients: Vec<_> = (0..4)
        .map(|_| {
            let (current, request, stop, answered) = (current.clone(), request.clone(), stop.clone(), answered.clone());
            tokio::spawn(async move {
                let mut last = Value::Null;
                while !stop.load(Ordering::Relaxed) {
                    let deployment = current.read().expect("not poisoned").clone();
                    let answer = deployment.ask(json_question(&request)).await.expect("no request fails");
                    assert_eq!(answer.status, 200);
                    last = value(&answer);
                    answered.fetch_add(1, Ordering::Relaxed);
                }
                last
            })
        })
        .collect();
    eventually("load on version 1", || answered.load(Ordering::Relaxed) >= 20).await;
    let second = Arc::new(Deployment::start(bench.plan(&two)).await.expect("version 2 loads"));
    let old = std::mem::replace(&mut *current.write().expect("not poisoned"), second);
    drop(old);
    end.within(SOON).await;
    assert!(!is_alive(process, None), "version 1 has ended");
    let now = answered.load(Ordering::Relaxed);
    eventually("load on version 2", || answered.load(Ordering::Relaxed) >= now + 20).await;
    stop.store(true, Ordering::Relaxed);
    let expected: Value =
        serde_json::from_str(&python(&bench.environment, "predict", &[two.to_str().expect("a plain path")]).await).expect("JSON");
    for client in clients {
        assert_eq!(client.await.expect("no request failed"), json!({"predictions": expected}));
    }
}
