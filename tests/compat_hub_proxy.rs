//! Stock JupyterHub with `artel proxy` in the place of configurable-http-proxy: upstream's own tests of its proxy, unmodified.

mod harness;

use harness::{project, python_of, run_program};

#[tokio::test(flavor = "multi_thread")]
async fn jupyterhubs_own_tests_of_its_proxy_hold() {
    let python = python_of("tests/compat/hub_proxy/requirements.txt").await;
    let script = project("tests/compat/hub_proxy/proxy_suite.py");
    let proxy = format!("{} proxy", env!("CARGO_BIN_EXE_artel"));
    let printed = run_program(&python, &[script.to_str().unwrap(), &proxy], &[]).await;
    println!("{printed}");
    assert!(printed.contains("proxy suite: all 32 held"), "{printed}");
}
