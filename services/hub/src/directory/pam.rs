//! Passwords of this machine's accounts, by PAM. Its library is asked by a small program of its own: modules of PAM may
//! block, change the process or crash.

use super::Directory;
use crate::identities::Vouched;
use artel_platform::{Error, Result, ResultExt, process};
use futures::future::BoxFuture;
use serde::Deserialize;
use std::process::Stdio;
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::process::Command;
use tokio::sync::Semaphore;

const HELPER: &str = include_str!("pam.py");
/// How many are asked for at a time, and how long one may take: a wrong password takes PAM seconds.
const AT_A_TIME: usize = 8;
const LIMIT: Duration = Duration::from_secs(30);

/// The section `[hub.pam]` of the settings.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The service whose rules hold, a file in /etc/pam.d; empty: PAM is not asked.
    pub service: String,
    /// Another folder of such files.
    pub folder: String,
}

/// Asks PAM.
pub(super) struct Pam {
    settings: Settings,
    python: String,
    turns: Semaphore,
}

impl Directory for Pam {
    fn name(&self) -> &'static str {
        "pam"
    }

    fn ask<'a>(&'a self, name: &'a str, password: &'a str) -> BoxFuture<'a, Result<Option<Vouched>>> {
        Box::pin(async move {
            let known = self.knows(name, password).await?;
            Ok(known.then(|| Vouched {
                provider: self.name().into(),
                subject: name.into(),
                name: name.into(),
                named_by: "hub.pam.service",
                may_link: None,
                groups: None,
                roles: None,
                admin: None,
            }))
        })
    }
}

impl Pam {
    /// `None` without a service. `python` runs the small program.
    pub(super) fn new(settings: &Settings, python: &str) -> Option<Self> {
        let wanted = !settings.service.is_empty();
        wanted.then(|| Self { settings: settings.clone(), python: python.into(), turns: Semaphore::new(AT_A_TIME) })
    }

    /// Is this the password of the account `name`, which may be used now?
    async fn knows(&self, name: &str, password: &str) -> Result<bool> {
        if password.contains('\0') {
            return Ok(false);
        }
        let _turn = self.turns.acquire().await.or_internal("PAM is asked no more")?;
        let mut command = Command::new(&self.python);
        command.args(["-I", "-c", HELPER, &self.settings.service]);
        if !self.settings.folder.is_empty() {
            command.arg(&self.settings.folder);
        }
        process::group(&mut command).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
        let away = |why: String| Error::unavailable(format!("PAM cannot be asked ({why}); see hub.pam.service"));
        let mut child = command.spawn().map_err(|e| away(format!("{}: {e}", self.python)))?;
        let mut input = child.stdin.take().ok_or_else(|| Error::internal("no way to PAM"))?;
        input.write_all(format!("{name}\0{password}").as_bytes()).await.or_unavailable("PAM's program has ended")?;
        drop(input);
        let ended = tokio::time::timeout(LIMIT, child.wait_with_output()).await;
        let output = ended.map_err(|_| away(format!("no answer in {} s", LIMIT.as_secs())))?.or_internal("PAM's program was lost")?;
        let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        match output.status.code() {
            Some(0) => Ok(true),
            Some(1) => {
                tracing::info!(user = name, said, "PAM has refused a login");
                Ok(false)
            }
            _ => Err(away(said.lines().last().unwrap_or("it has crashed").to_owned())),
        }
    }
}
