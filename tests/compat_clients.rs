//! What is built on the MLflow client, against a running Artel: autologging of training libraries, evaluation, system
//! metrics, the collection of what was deleted, and MLflow's own web pages. All of it holds on the stock server as well.

mod harness;

use harness::{Installation, Shape, project, python_of, run_program};
use std::path::Path;

/// Libraries and the client, locked.
const REQUIREMENTS: &str = "tests/compat/mlflow/requirements.txt";

/// A running Artel and what a client has in its environment.
struct Side {
    artel: Installation,
    token: String,
}

impl Side {
    async fn start() -> Self {
        let artel = Installation::start(Shape::Single).await.expect("the single shape needs no servers");
        let token = artel.admin().await.token().await;
        Self { artel, token }
    }

    /// Runs a script of `tests/compat/mlflow` with the address in its environment; gives what it printed.
    async fn run(&self, script: &str, more: &[(&str, &str)]) -> String {
        let script = project("tests/compat/mlflow").join(script);
        let mut env = vec![("MLFLOW_TRACKING_URI", self.artel.url.as_str()), ("MLFLOW_TRACKING_TOKEN", self.token.as_str())];
        env.extend(more);
        run_program(&python_of(REQUIREMENTS).await, &[script.to_str().unwrap()], &env).await
    }

    async fn hold(&self, scripts: &[&str], more: &[(&str, &str)]) {
        for script in scripts {
            let printed = self.run(script, more).await;
            assert!(printed.contains(": all held"), "{script}: {printed}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn autologging_holds() {
    Side::start().await.hold(&["autolog_sklearn.py", "autolog_boosting.py", "autolog_keras.py"], &[]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn evaluation_and_system_metrics_hold() {
    Side::start().await.hold(&["evaluate.py", "system_metrics.py"], &[]).await;
}

/// `artel gc` in the place of `mlflow gc`.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_deleted_is_collected() {
    let side = Side::start().await;
    let settings = side.artel.folder.join("artel.toml");
    let command = format!("{} gc --config {}", env!("CARGO_BIN_EXE_artel"), settings.display());
    side.hold(&["cleanup.py"], &[("CLEANUP", &command)]).await;
}

/// MLflow's web pages as they are in the wheel, in a browser.
#[tokio::test(flavor = "multi_thread")]
async fn the_stock_web_bundle_works() {
    let side = Side::start().await;
    let printed = side.run("bundle/seed.py", &[]).await;
    let seed = printed.lines().rfind(|line| line.starts_with('{')).expect("what was made");
    let print_folder = ["-c", "import mlflow, pathlib; print(pathlib.Path(mlflow.__file__).parent / 'server/js/build')"];
    let bundle = run_program(&python_of(REQUIREMENTS).await, &print_folder, &[]).await;
    let walk = project("tests/compat/mlflow/bundle/walk.mjs");
    let env = [("BUNDLE", bundle.trim()), ("UPSTREAM", &side.artel.url), ("SEED", seed), ("TOKEN", &side.token)];
    run_program(Path::new("node"), &["--test", "--test-timeout=300000", walk.to_str().unwrap()], &env).await;
}
