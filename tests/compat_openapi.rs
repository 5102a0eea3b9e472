//! Requests made from the OpenAPI document, with and without passwords: no 5xx, and no status that it does not name.

mod harness;

use harness::{Installation, Shape, project};
use std::path::PathBuf;
use std::process::Stdio;

/// The program, where `infra/dev/install/schemathesis` puts it.
fn schemathesis() -> PathBuf {
    let cache = std::env::var_os("ARTEL_CACHE").map(PathBuf::from);
    let cache = cache.unwrap_or_else(|| PathBuf::from(std::env::var_os("HOME").expect("a home folder")).join(".cache/artel"));
    let program = cache.join("bin/st");
    assert!(program.exists(), "{} is missing: run infra/dev/install/schemathesis", program.display());
    program
}

async fn fuzz(artel: &Installation, token: Option<&str>) {
    let mut command = tokio::process::Command::new("python3");
    command.arg(project("tests/compat/openapi/fuzz.py")).args(["--artel", &artel.url]).arg("--schemathesis").arg(schemathesis());
    if let Some(token) = token {
        command.args(["--token", token]);
    }
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    let output = command.output().await.unwrap();
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{out}\n{err}");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_is_documented_without_users() {
    let open = "[security]\nauth = \"none\"\n";
    let artel = Installation::start_configured(Shape::Single, open).await.expect("the single shape needs no servers");
    fuzz(&artel, None).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_is_documented_with_users() {
    let artel = Installation::start(Shape::Single).await.expect("the single shape needs no servers");
    let token = artel.admin().await.token().await;
    fuzz(&artel, Some(&token)).await;
}
