//! Managed services: programs of the settings whose process the hub keeps (jupyterhub/services/service.py). With several
//! replicas one of them does, for as long as it says so.

use crate::Hub;
use crate::authenticate::hash;
use crate::config::Service;
use crate::spawner::{MARK, Process};
use crate::store::services as store;
use artel_platform::Result;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// How long a keeper is believed to be there, and how often it says so.
const LEASE: Duration = Duration::from_secs(15);
const RENEW: Duration = Duration::from_secs(5);
/// Between the end of a process and its next start: it doubles, and begins anew after a good while.
const PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
const GOOD_WHILE: Duration = Duration::from_secs(120);

/// One service and who keeps it.
struct Kept {
    service: Service,
    /// Names this process among the replicas.
    keeper: String,
    /// Marks every process of the service, for who finds them after a crash.
    mark: String,
}

impl Hub {
    /// Starts to keep every managed service.
    pub(crate) fn keep_services(self: Arc<Self>) {
        for service in self.settings.services.iter().filter(|service| !service.command.is_empty()) {
            let kept = Kept {
                keeper: self.cx.ids.hex32(),
                // another installation on this machine may have a service of that name
                mark: format!(
                    "service-{}",
                    hash(&format!("{} {} {}", self.cx.config.data.display(), self.cx.config.database, service.name))
                ),
                service: service.clone(),
            };
            let hub = self.clone();
            self.spawn(async move { hub.keep_service(kept).await });
        }
    }

    /// Keeps a service running until the hub ends.
    async fn keep_service(&self, kept: Kept) {
        let mut pause = PAUSE;
        while !self.cx.stop.is_cancelled() {
            let started = Instant::now();
            match self.run_service(&kept).await {
                Ok(true) if started.elapsed() > GOOD_WHILE => pause = PAUSE,
                Ok(true) => pause = (pause * 2).min(LONGEST_PAUSE),
                // another replica has it
                Ok(false) => pause = RENEW,
                Err(error) => {
                    tracing::error!(service = kept.service.name, error = %error.chain(), "the service was not started; it is tried again");
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
            }
            tokio::select! {
                () = self.cx.stop.cancelled() => {}
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    /// Runs a service until its process ends; `false` when another replica keeps it.
    async fn run_service(&self, kept: &Kept) -> Result<bool> {
        if !self.renew(kept, 0).await? {
            return Ok(false);
        }
        // what an earlier run has left would be there twice
        self.spawner.clean(&kept.mark).await;
        let name = &kept.service.name;
        let secret = match kept.service.token()? {
            Some(secret) => secret,
            None => self.cx.ids.secret(),
        };
        let mut tx = self.db.begin().await?;
        self.give_token(&mut tx, name, &secret).await?;
        tx.commit().await?;
        let mut process = self.spawner.start_service(&kept.service, &self.service_variables(kept, &secret))?;
        tracing::info!(service = name, pid = process.pid, "service started");
        let outcome = self.hold_service(kept, &mut process).await;
        self.spawner.end(&mut process, &kept.mark).await;
        let mut tx = self.db.begin().await?;
        store::release(&mut tx, name, &kept.keeper).await?;
        tx.commit().await?;
        outcome.map(|()| true)
    }

    async fn hold_service(&self, kept: &Kept, process: &mut Process) -> Result<()> {
        let pid = process.pid;
        loop {
            if !self.renew(kept, pid).await? {
                tracing::warn!(service = kept.service.name, "another replica keeps the service now");
                return Ok(());
            }
            tokio::select! {
                () = self.cx.stop.cancelled() => return Ok(()),
                exit = process.wait() => {
                    tracing::error!(service = kept.service.name, ?exit, "the service has ended; it is started again");
                    return Ok(());
                }
                () = tokio::time::sleep(RENEW) => {}
            }
        }
    }

    async fn renew(&self, kept: &Kept, pid: u32) -> Result<bool> {
        let now = self.cx.clock.now();
        let mut tx = self.db.begin().await?;
        let until = now + LEASE.as_millis() as i64;
        let is_keeper = store::keep(&mut tx, &kept.service.name, &kept.keeper, now, until, i64::from(pid)).await?;
        tx.commit().await?;
        Ok(is_keeper)
    }

    /// The environment variables by which a service knows its hub.
    fn service_variables(&self, kept: &Kept, secret: &str) -> Vec<(String, String)> {
        let (service, hub) = (&kept.service, self.spawner.connect_url());
        let access = serde_json::json!(["access:services", format!("access:services!service={}", service.name)]).to_string();
        let own = [
            (MARK, kept.mark.clone()),
            ("JUPYTERHUB_SERVICE_NAME", service.name.clone()),
            ("JUPYTERHUB_API_TOKEN", secret.to_owned()),
            ("JPY_API_TOKEN", secret.to_owned()),
            ("JUPYTERHUB_CLIENT_ID", service.client_id().unwrap_or_else(|| format!("service-{}", service.name))),
            ("JUPYTERHUB_API_URL", format!("{hub}/hub/api")),
            ("JUPYTERHUB_BASE_URL", "/".into()),
            ("JUPYTERHUB_HOST", String::new()),
            ("JUPYTERHUB_COOKIE_HOST_PREFIX_ENABLED", "0".into()),
            ("JUPYTERHUB_OAUTH_ACCESS_SCOPES", access.clone()),
            ("JUPYTERHUB_OAUTH_SCOPES", access),
            ("JUPYTERHUB_OAUTH_CLIENT_ALLOWED_SCOPES", serde_json::json!(service.oauth_client_allowed_scopes).to_string()),
            ("JUPYTERHUB_PUBLIC_HUB_URL", format!("{}/hub/", self.public_url)),
        ];
        let mut all: Vec<(String, String)> = own.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        if !service.url.is_empty() {
            all.push(("JUPYTERHUB_SERVICE_URL".into(), service.url.clone()));
            all.push(("JUPYTERHUB_SERVICE_PREFIX".into(), service.prefix()));
            all.push(("JUPYTERHUB_OAUTH_CALLBACK_URL".into(), service.redirect_uri()));
            all.push(("JUPYTERHUB_PUBLIC_URL".into(), format!("{}{}", self.public_url, service.prefix())));
        }
        all.extend(service.environment.clone());
        all
    }
}
