//! Real clients, run in the very environments that Artel builds.

use super::project;
use artel_platform::config::Config;
use artel_platform::python::{Environments, Requirements};
use std::path::PathBuf;
use std::process::Stdio;
use tokio::process::Command;

/// Environments are built once for all tests, in the cache folder.
pub fn environments() -> PathBuf {
    let cache = std::env::var_os("ARTEL_CACHE").map(PathBuf::from);
    let cache = cache.unwrap_or_else(|| PathBuf::from(std::env::var_os("HOME").expect("a home folder")).join(".cache/artel"));
    cache.join("environments")
}

/// The interpreter of one of Artel's requirement sets.
pub async fn python(set: &'static str) -> PathBuf {
    let scratch = environments().join("side");
    let mut flags = toml::Table::new();
    flags.insert("data".into(), scratch.display().to_string().into());
    let mut config = Config::load(None, &flags).unwrap();
    config.python.environments = environments().display().to_string();
    let environments = Environments::open(&config).unwrap();
    environments.ensure(set, &Requirements::Set(set)).await.unwrap().python()
}

/// A file of the story.
pub fn story(name: &str) -> PathBuf {
    project("tests/story").join(name)
}

/// Runs a program of Python and returns what it printed; fails with its errors when it fails.
pub async fn run_python(set: &'static str, args: &[&str], env: &[(&str, &str)]) -> String {
    let mut command = Command::new(python(set).await);
    command.args(args).envs(env.iter().copied()).env("PYTHONDONTWRITEBYTECODE", "1");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    let output = command.output().await.unwrap();
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "python {args:?} failed ({})\n{out}\n{err}", output.status);
    out.into_owned()
}
