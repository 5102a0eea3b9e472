//! Real clients, run in the very environments that Artel builds.

use super::project;
use artel_platform::config::Config;
use artel_platform::python::{Environments, NO_TELEMETRY, Requirements};
use std::path::{Path, PathBuf};
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
    build(set, Requirements::Set(set)).await
}

/// The interpreter of a test's own locked requirement set, `file` below the project.
pub async fn python_of(file: &str) -> PathBuf {
    let locked = std::fs::read_to_string(project(file)).unwrap();
    build(file, Requirements::Text(locked)).await
}

async fn build(name: &str, requirements: Requirements) -> PathBuf {
    let scratch = environments().join("side");
    let mut flags = toml::Table::new();
    flags.insert("data".into(), scratch.display().to_string().into());
    let mut config = Config::load(None, &flags).unwrap();
    config.python.environments = environments().display().to_string();
    let environments = Environments::open(&config).unwrap();
    environments.ensure(name, &requirements).await.unwrap().python()
}

/// A file of the story.
pub fn story(name: &str) -> PathBuf {
    project("tests/story").join(name)
}

/// Runs a program of Python and returns what it printed; fails with its errors when it fails.
pub async fn run_python(set: &'static str, args: &[&str], env: &[(&str, &str)]) -> String {
    run_program(&python(set).await, args, env).await
}

/// Runs any program, likewise.
pub async fn run_program(program: &Path, args: &[&str], env: &[(&str, &str)]) -> String {
    let mut command = Command::new(program);
    command.args(args).envs([("PYTHONDONTWRITEBYTECODE", "1"), NO_TELEMETRY]).envs(env.iter().copied());
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    let output = command.output().await.unwrap();
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{} {args:?} failed ({})\n{out}\n{err}", program.display(), output.status);
    out.into_owned()
}
