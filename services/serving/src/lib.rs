//! Serving: endpoints that answer predictions with registered models. An endpoint is bound to a version, to an alias
//! or to the newest version; when that moves, the new version is brought up beside the old one and takes over without
//! a failed request. Models run in Python processes of their own environment, which answer as MLflow's scoring server.
//!
//! Tables: `endpoints`, `revisions`. Topic: `serving.endpoints`. Asks: registry, artifact. Consumes: registry.
//!
//! Clients that work unmodified: `mlflow.deployments.get_deploy_client("databricks")` (with `DATABRICKS_HOST` and
//! `DATABRICKS_TOKEN`) for everything, `get_deploy_client("http://…")` to list, look at and query endpoints, and
//! whatever speaks to MLflow's scoring server, at `/serving-endpoints/NAME`.

#![deny(missing_docs)]

mod config;
mod endpoints;
mod entity;
mod events;
mod fleet;
pub mod models;
mod reconcile;
mod rest;
mod store;
pub mod workers;

pub use config::Settings;
pub use endpoints::{Endpoint, Roll, State, Tag};
pub use entity::{Asked, Entity, Selector};
pub use rest::routes;
pub use store::revisions::Revision;

use artel_platform::db::{Db, Migrations};
use artel_platform::{Context, Error, Result, Service, migrations};
use fleet::Fleet;
use models::ModelFiles;
use std::sync::Arc;
use workers::{Answer, Deployment, Question};

static MIGRATIONS: Migrations = migrations!("0001_serving");

/// The domain: every operation of the serving service.
pub struct Serving {
    cx: Context,
    db: Db,
    settings: Settings,
    models: Arc<ModelFiles>,
    fleet: Arc<Fleet>,
}

impl Serving {
    /// On its database; nothing is brought up.
    pub async fn open(cx: &Context) -> Result<Arc<Self>> {
        Ok(Arc::new(Self {
            db: cx.database("serving", MIGRATIONS).await?,
            settings: cx.config.section("serving")?,
            models: ModelFiles::open(cx.config.data.join("models"))?,
            fleet: Arc::default(),
            cx: cx.clone(),
        }))
    }

    /// Acts on events and brings up what is wished for, until the process stops.
    pub fn run(self: &Arc<Self>) {
        self.cx.bus.consume("serving", &self.db, events::handlers(self));
        self.cx.spawn("reconciler", reconcile::run(self.clone()));
    }

    /// Asks an endpoint's model. `NOT_FOUND` for an unknown endpoint, `UNAVAILABLE` while nothing serves; see
    /// [`Deployment::ask`] for the rest.
    pub async fn ask(&self, workspace: &str, name: &str, question: Question) -> Result<Answer> {
        self.deployment(workspace, name).await?.ask(question).await
    }

    /// What serves an endpoint now; errors as for [`Serving::ask`].
    pub async fn deployment(&self, workspace: &str, name: &str) -> Result<Arc<Deployment>> {
        if let Some(deployment) = self.fleet.deployment(workspace, name) {
            return Ok(deployment);
        }
        let endpoint = self.endpoint(workspace, name).await?;
        Err(Error::unavailable(format!("endpoint {name} is not ready ({}): {}", endpoint.state.name(), endpoint.message)))
    }

    /// Does something serve the endpoint in this process?
    pub(crate) fn serves(&self, endpoint: &Endpoint) -> bool {
        endpoint.state == State::Ready && self.fleet.deployment(&endpoint.workspace, &endpoint.name).is_some()
    }
}

/// Starts the service.
pub async fn start(cx: Context) -> Result<Service> {
    let serving = Serving::open(&cx).await?;
    serving.run();
    Ok(Service {
        name: "serving",
        db: serving.db.clone(),
        rest: routes().without_document().state(serving),
        grpc: tonic::service::Routes::default(),
    })
}
