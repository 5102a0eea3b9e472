//! A day of notebooks in a real browser: JupyterLab on servers that are started with a profile, shared, culled and
//! stopped, and that go on while Artel is restarted. The steps are in `lab/walk.mjs`.

mod harness;

use harness::{Installation, Shape, project, python};
use serde_json::json;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::Command;

const PASSWORD: &str = "a long enough password";

/// JupyterLab's page asks its server for something every ten seconds: a limit of thirty takes only what nobody looks at.
const SETTINGS: &str = r#"
stop_servers_on_exit = false
cull_every_seconds = 1
# the page looks again each second: a start shall take longer than that
pre_spawn_hook = ["sleep", "3"]
[[hub.profiles]]
slug = "alone"
display_name = "On my own"
description = "Python, R and a terminal."
overrides = { arguments = ["--YDocExtension.disable_rtc=True"] }
options = [{ name = "size", display_name = "Size", choices = [
  { name = "small", display_name = "Small", overrides = { environment = { SIZE = "small" } } },
  { name = "large", display_name = "Large", overrides = { environment = { SIZE = "large" } } },
] }]
[[hub.profiles]]
slug = "together"
display_name = "Together"
description = "Everybody who opens a notebook sees what the others type."
overrides = { cull_idle_seconds = 30 }
"#;

/// Ends what a failed test leaves: with these settings servers outlive Artel.
struct Servers {
    home: PathBuf,
}

impl Drop for Servers {
    fn drop(&mut self) {
        let home = format!("HOME={}", self.home.display());
        for entry in std::fs::read_dir("/proc").unwrap().map(Result::unwrap) {
            let environment = std::fs::read(entry.path().join("environ")).unwrap_or_default();
            if environment.split(|b| *b == 0).any(|variable| variable == home.as_bytes()) {
                let _ = std::process::Command::new("kill").arg("-KILL").arg(entry.file_name()).status();
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_day_of_notebooks() {
    r_kernel();
    // built beforehand: a start is timed
    python("notebook").await;
    let mut artel = Installation::start_configured(Shape::Single, SETTINGS).await.expect("the single shape needs no servers");
    let servers = Servers { home: artel.folder.join("data/homes/ada") };
    let admin = artel.admin().await;
    admin.add_user("ada", PASSWORD).await;
    admin.add_user("bob", PASSWORD).await;

    let began = std::time::Instant::now();
    walk(&mut artel, &servers.home).await;
    eprintln!("the walk took {:.1} s", began.elapsed().as_secs_f64());
    let log = artel.part("artel").output();
    assert!(log.contains("notebook server found again"), "{log}");
    assert!(log.contains("nobody uses it"), "{log}");
}

/// The kernel of another language, as Debian's package brings it.
fn r_kernel() {
    let spec = Path::new("/usr/share/jupyter/kernels/ir/kernel.json");
    assert!(spec.exists(), "{} is missing: run infra/dev/install/r", spec.display());
}

/// Runs the steps and does what they ask for.
async fn walk(artel: &mut Installation, home: &Path) {
    let mut command = Command::new("node");
    command.arg(project("tests/lab/walk.mjs")).current_dir(&artel.folder);
    command.env("BASE_URL", &artel.url).env("PASSWORD", PASSWORD).env("HOME_FOLDER", home);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
    let mut steps = command.spawn().expect("node is there: run infra/dev/prerequisites test");
    let mut answers = steps.stdin.take().unwrap();
    let mut orders = BufReader::new(steps.stdout.take().unwrap()).lines();
    while let Some(order) = orders.next_line().await.unwrap() {
        match order.as_str() {
            "share" => drop(artel.admin().await.post("/hub/api/shares/ada/second", json!({"user": "bob"})).await),
            "stop" => eprintln!("         Artel has ended within {:.1} s", artel.stop().as_secs_f64()),
            "start" => artel.restart_all().await,
            other => panic!("the steps ask for {other}"),
        }
        answers.write_all(b"done\n").await.unwrap();
    }
    let status = steps.wait().await.unwrap();
    assert!(status.success(), "the steps failed, see above");
}
