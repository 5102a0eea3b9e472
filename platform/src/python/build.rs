//! Builds one environment in place (environments cannot be moved), under a lock among processes.

use crate::error::{Error, Result, ResultExt};
use crate::process;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Mutex;
use tokio::process::Command;

/// How many last lines of the installer are shown when it fails.
const LAST_LINES: usize = 12;

pub(super) struct Tools {
    pub(super) interpreter: String,
    pub(super) uv: String,
}

/// The file whose presence says that a build was finished.
fn complete(folder: &Path) -> PathBuf {
    folder.join("complete")
}

pub(super) fn is_complete(folder: &Path) -> bool {
    complete(folder).exists()
}

pub(super) async fn build(tools: &Tools, folder: &Path, requirements: &str, line: &(dyn Fn(&str) + Send + Sync)) -> Result<()> {
    let parent = folder.parent().ok_or_else(|| Error::internal("an environment needs a folder"))?;
    std::fs::create_dir_all(parent).or_internal(&format!("cannot make {}", parent.display()))?;
    let _lock = lock(folder.with_extension("lock")).await?;
    if is_complete(folder) {
        return Ok(());
    }
    if folder.exists() {
        tokio::fs::remove_dir_all(folder).await?;
    }
    let list = folder.with_extension("txt");
    std::fs::write(&list, requirements)?;
    let started = std::time::Instant::now();
    line(&format!("making a Python environment ({} packages)", requirements.lines().filter(|l| l.contains("==")).count()));
    match find_uv(tools) {
        Some(uv) => with_uv(&uv, tools, folder, &list, line).await?,
        None => with_pip(tools, folder, &list, line).await?,
    }
    std::fs::write(complete(folder), "")?;
    line(&format!("environment ready after {} s", started.elapsed().as_secs()));
    Ok(())
}

async fn with_uv(uv: &Path, tools: &Tools, folder: &Path, list: &Path, line: &(dyn Fn(&str) + Send + Sync)) -> Result<()> {
    run(Command::new(uv).arg("venv").arg("--quiet").arg("--python").arg(&tools.interpreter).arg(folder), line).await?;
    run(Command::new(uv).args(["pip", "install", "--python"]).arg(folder.join("bin/python")).arg("-r").arg(list), line).await
}

async fn with_pip(tools: &Tools, folder: &Path, list: &Path, line: &(dyn Fn(&str) + Send + Sync)) -> Result<()> {
    run(Command::new(&tools.interpreter).args(["-m", "venv"]).arg(folder), line).await?;
    run(Command::new(folder.join("bin/python")).args(["-m", "pip", "install", "--progress-bar", "off", "-r"]).arg(list), line).await
}

fn find_uv(tools: &Tools) -> Option<PathBuf> {
    if !tools.uv.is_empty() {
        return Some(tools.uv.clone().into());
    }
    let cache =
        std::env::var_os("ARTEL_CACHE").map(PathBuf::from).or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache/artel")));
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    folders.extend(cache.map(|c| c.join("bin")));
    folders.into_iter().map(|f| f.join("uv")).find(|p| p.is_file())
}

/// Runs an installer, handing on its lines; its last ones become the error.
async fn run(command: &mut Command, line: &(dyn Fn(&str) + Send + Sync)) -> Result<()> {
    let program = command.as_std().get_program().to_string_lossy().into_owned();
    let hint = format!("cannot run {program}; install Python 3.11 or newer with venv, or name another with python.interpreter");
    let mut child =
        process::group(command).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().map_err(|e| Error::conflict(hint).because(e))?;
    let last = Mutex::new(Vec::<String>::new());
    let keep = |text: &str| {
        // uv's list of every package is no news
        if !text.trim().is_empty() && !text.trim().starts_with("+ ") {
            line(text.trim());
            let mut last = last.lock().expect("not poisoned");
            last.push(text.into());
            if last.len() > LAST_LINES {
                last.remove(0);
            }
        }
    };
    let (out, err) = (child.stdout.take(), child.stderr.take());
    let read_out = async {
        if let Some(out) = out {
            process::each_line(out, keep).await
        }
    };
    let read_err = async {
        if let Some(err) = err {
            process::each_line(err, keep).await
        }
    };
    tokio::join!(read_out, read_err);
    let status = child.wait().await?;
    if status.success() {
        return Ok(());
    }
    let said = last.lock().expect("not poisoned").join("\n");
    Err(Error::conflict(format!("the Python environment cannot be built: {said}")))
}

/// An exclusive lock among processes, held until dropped.
async fn lock(path: PathBuf) -> Result<std::fs::File> {
    tokio::task::spawn_blocking(move || {
        let file = std::fs::OpenOptions::new().create(true).truncate(false).write(true).open(&path)?;
        rustix::fs::flock(file.as_fd(), rustix::fs::FlockOperation::LockExclusive)?;
        Ok::<_, std::io::Error>(file)
    })
    .await
    .or_internal("the lock task failed")?
    .or_internal("cannot lock the environment folder")
}
