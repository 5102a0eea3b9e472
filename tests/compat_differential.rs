//! The same requests to MLflow's own server and to Artel, and the answers compared field by field.

mod harness;

use harness::{Installation, Shape, project, run_python};

#[tokio::test(flavor = "multi_thread")]
async fn answers_are_those_of_the_stock_server() {
    // the stock server knows no users: Artel is asked as by the one user of a machine of one's own
    let open = "[security]\nauth = \"none\"\n";
    let artel = Installation::start_configured(Shape::Single, open).await.expect("the single shape needs no servers");
    let script = project("tests/compat/mlflow/differential/replay.py");
    let printed = run_python("notebook", &[script.to_str().unwrap(), "--artel", &artel.url], &[]).await;
    assert!(printed.contains(" 0 answered differently"), "{printed}");
}
