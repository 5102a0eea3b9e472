//! What the published DVC does with an HTTP remote, and the MLflow client with files that go to S3 directly; with the
//! results asserted.

mod harness;

use harness::{ADMIN_PASSWORD, Installation, Shape, project, python_of, run_program, run_python};

/// The client of data, locked.
const REQUIREMENTS: &str = "tests/compat/dvc/requirements.txt";

async fn http_remote_holds(shape: Shape) {
    let Some(artel) = Installation::start(shape).await else { return };
    let token = artel.admin().await.token().await;
    let script = project("tests/compat/dvc/http_remote.py");
    let env = [("ARTEL_URL", artel.url.as_str()), ("ARTEL_USER", "admin"), ("ARTEL_PASSWORD", ADMIN_PASSWORD), ("ARTEL_TOKEN", &token)];
    let printed = run_program(&python_of(REQUIREMENTS).await, &[script.to_str().unwrap()], &env).await;
    assert!(printed.contains("dvc over http: all held"), "{printed}");
}

#[tokio::test(flavor = "multi_thread")]
async fn http_remote_in_one_process() {
    http_remote_holds(Shape::Single).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn http_remote_behind_the_gateway() {
    http_remote_holds(Shape::Split).await;
}

/// The split shape keeps its artifacts in S3.
#[tokio::test(flavor = "multi_thread")]
async fn large_files_go_to_s3_directly() {
    let Some(artel) = Installation::start(Shape::Split).await else { return };
    let token = artel.admin().await.token().await;
    let script = project("tests/compat/mlflow/direct_transfers.py");
    let env = [("MLFLOW_TRACKING_URI", artel.url.as_str()), ("MLFLOW_TRACKING_TOKEN", &token)];
    let printed = run_python("notebook", &[script.to_str().unwrap()], &env).await;
    assert!(printed.contains("direct transfers: all held"), "{printed}");
}
