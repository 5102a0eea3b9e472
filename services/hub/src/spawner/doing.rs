//! What a running server says of itself (jupyter_server's `/api/status` and `/api/kernels`).

use super::Spawner;
use crate::cull::Doing;
use chrono::DateTime;
use serde::Deserialize;
use serde::de::DeserializeOwned;

/// Asking is no activity (jupyter_server/base/handlers.py `update_api_activity`).
const UNSEEN: &str = "no_track_activity=1";

#[derive(Deserialize)]
struct Status {
    last_activity: Option<String>,
}

#[derive(Deserialize)]
struct Kernel {
    execution_state: Option<String>,
    last_activity: Option<String>,
}

impl Spawner {
    /// What the server at `url` (with its prefix) does. One that does not say does nothing.
    pub(crate) async fn doing(&self, url: &str, token: &str) -> Doing {
        let status: Option<Status> = self.ask(&format!("{url}api/status?{UNSEEN}"), token).await;
        let kernels: Vec<Kernel> = self.ask(&format!("{url}api/kernels?{UNSEEN}"), token).await.unwrap_or_default();
        let times = status.and_then(|s| s.last_activity).into_iter().chain(kernels.iter().filter_map(|k| k.last_activity.clone()));
        Doing {
            busy: kernels.iter().any(|kernel| kernel.execution_state.as_deref() == Some("busy")),
            last_activity: times.filter_map(|time| DateTime::parse_from_rfc3339(&time).ok()).map(|time| time.timestamp_millis()).max(),
        }
    }

    async fn ask<T: DeserializeOwned>(&self, url: &str, token: &str) -> Option<T> {
        let answer = self.http.get(url).header("authorization", format!("token {token}")).send().await;
        match answer.and_then(reqwest::Response::error_for_status) {
            Ok(answer) => answer.json().await.ok(),
            Err(error) => {
                tracing::debug!(%error, "a server does not say what it does");
                None
            }
        }
    }
}
