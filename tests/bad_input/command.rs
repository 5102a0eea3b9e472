//! `artel` run to its end, as in a terminal, and the mistakes of whoever types.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// A refused start must be told within this time; a first migration on a busy machine is the slow case.
const LIMIT: Duration = Duration::from_secs(30);

/// How a command ended.
pub struct Ended {
    pub success: bool,
    pub stdout: String,
    pub stderr: String,
}

/// Runs `artel ARGS…` in `folder` with more environment variables and `input` as its standard input.
pub fn artel(folder: &Path, args: &[&str], env: &[(&str, &str)], input: &str) -> Ended {
    let (input_file, out, err) = (folder.join("stdin"), folder.join("stdout"), folder.join("stderr"));
    std::fs::write(&input_file, input).unwrap();
    let file = |path: &Path| Stdio::from(std::fs::File::create(path).unwrap());
    let mut command = Command::new(env!("CARGO_BIN_EXE_artel"));
    command.args(args).envs(env.iter().copied()).current_dir(folder);
    command.stdin(std::fs::File::open(&input_file).unwrap()).stdout(file(&out)).stderr(file(&err));
    let mut child = command.spawn().unwrap();
    let started = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        if started.elapsed() > LIMIT {
            let _ = child.kill();
            let _ = child.wait();
            panic!("artel {args:?} did not end\n{}", std::fs::read_to_string(&err).unwrap_or_default());
        }
        std::thread::sleep(Duration::from_millis(10));
    };
    let read = |path: &Path| std::fs::read_to_string(path).unwrap();
    Ended { success: status.success(), stdout: read(&out), stderr: read(&err) }
}

/// It failed, with one line that begins with `error:` and has every one of `parts`.
pub fn refused(ended: &Ended, parts: &[&str]) {
    assert!(!ended.success, "it should have been refused\n{}{}", ended.stdout, ended.stderr);
    let errors: Vec<&str> = ended.stderr.lines().filter(|line| line.starts_with("error: ")).collect();
    assert_eq!(errors.len(), 1, "one message\n{}", ended.stderr);
    for part in parts {
        assert!(errors[0].contains(part), "{part:?} is missing in: {}", errors[0]);
    }
    assert!(!ended.stderr.contains("panicked"), "{}", ended.stderr);
}

#[test]
fn accounts_and_tokens_on_the_command_line() {
    let folder = TempDir::new().unwrap();
    let run = |args: &[&str], input: &str| artel(folder.path(), args, &[], input);
    let added = run(&["user", "add", "ada"], "a long enough password\n");
    assert!(added.success, "{}", added.stderr);

    refused(&run(&["user", "add", "ada"], "another password\n"), &["ada", "exists"]);
    refused(&run(&["user", "add", "bob"], "\n"), &["no password was given"]);
    refused(&run(&["user", "add", "no/slashes"], "a long enough password\n"), &["no/slashes"]);
    refused(&run(&["user", "password", "nobody"], "a long enough password\n"), &["nobody"]);
    refused(&run(&["user", "remove", "nobody"], ""), &["nobody"]);
    refused(&run(&["token", "create", "--user", "nobody"], ""), &["nobody"]);
    refused(&run(&["token", "create", "--user", "ada", "--expires", "soon"], ""), &["--expires soon", "12h"]);
    refused(&run(&["token", "create", "--user", "ada", "--scopes", "experimints"], ""), &["experimints"]);

    let listed = run(&["user", "list"], "");
    assert!(listed.success && listed.stdout.contains("ada") && !listed.stdout.contains("bob"), "{}", listed.stdout);
    let token = run(&["token", "create", "--user", "ada", "--scopes", "experiments", "--expires", "12h"], "");
    assert!(token.success && token.stdout.trim().len() >= 32, "{}{}", token.stdout, token.stderr);
}

#[test]
fn a_word_that_is_no_command() {
    let folder = TempDir::new().unwrap();
    let ended = artel(folder.path(), &["srve"], &[], "");
    assert!(!ended.success && ended.stderr.contains("srve") && ended.stderr.contains("serve"), "{}", ended.stderr);
}
