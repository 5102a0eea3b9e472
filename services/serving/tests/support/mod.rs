//! What the tests of the serving service share.
#![allow(dead_code)]

use artel_platform::Context;
use artel_platform::bus::Envelope;
use artel_platform::config::Config;
use artel_platform::python::{Environment, Environments, Requirements};
use artel_serving::{Entity, Settings};
use serde_json::Value;
use std::path::Path;
use std::time::Duration;
use tokio::sync::broadcast;

/// The longest that a test waits for something that should happen soon. Where all the suite's tests run, a worker that starts
/// anew takes half a minute to import its libraries.
pub const SOON: Duration = Duration::from_secs(120);

pub fn entity(json: &str) -> Entity {
    Entity::new(serde_json::from_str(json).expect("well-formed")).expect("valid")
}

pub fn settings(cx: &Context) -> Settings {
    cx.config.section("serving").expect("the built-in settings load")
}

/// Ends the background tasks of `cx`.
pub async fn stop(cx: &Context) {
    cx.stop.cancel();
    cx.tasks.close();
    tokio::time::timeout(SOON, cx.tasks.wait()).await.expect("the background tasks end");
}

/// The next change of an endpoint that `wanted` accepts.
pub async fn change(live: &mut broadcast::Receiver<Envelope>, wanted: impl Fn(&Value) -> bool) -> Value {
    let found = async {
        loop {
            let envelope = live.recv().await.expect("the bus is open");
            let event = envelope.json().unwrap_or_default();
            if envelope.kind == "EndpointChanged" && wanted(&event) {
                return event;
            }
        }
    };
    tokio::time::timeout(SOON, found).await.expect("the endpoint changes")
}

/// An environment with MLflow and scikit-learn, kept between test runs, and the Python side in `data`.
pub async fn model_environment(data: &Path) -> (Environments, Environment) {
    let cache = std::env::var("ARTEL_CACHE").unwrap_or_else(|_| format!("{}/.cache/artel", std::env::var("HOME").expect("HOME is set")));
    let text = format!("data = {:?}\npython.environments = {:?}", data.display().to_string(), format!("{cache}/environments"));
    let flags = text.parse().expect("well-formed TOML");
    let python = Environments::open(&Config::load(None, &flags).expect("the settings load")).expect("the Python files are written");
    let environment = python.ensure("model", &Requirements::Set("model")).await.expect("the environment is built");
    (python, environment)
}

/// Runs a Python program with the interpreter of `environment`; its standard output.
pub async fn python(environment: &Environment, program: &str, args: &[&str]) -> String {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/models.py");
    let mut command = tokio::process::Command::new(environment.python());
    let output = command.arg(file).arg(program).args(args).env("MLFLOW_DISABLE_TELEMETRY", "true").output().await.expect("Python runs");
    assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}
