//! What happens to models elsewhere and changes what an endpoint should serve. Handlers only store the changed wish;
//! the reconciler asks the registry what it means now, so the order of events does not matter.

use crate::Serving;
use crate::endpoints::{Endpoint, Roll};
use crate::store::endpoints::{following, of_model, using};
use artel_platform::Result;
use artel_platform::bus::{Handler, on};
use artel_platform::db::Tx;
use artel_proto::artel::registry::v1::{
    ModelVersionAliasDeleted, ModelVersionAliasSet, ModelVersionChanged, ModelVersionCreated, RegisteredModelChanged,
};
use std::sync::Arc;

/// The events that serving acts on.
pub(crate) fn handlers(serving: &Arc<Serving>) -> Vec<Handler> {
    macro_rules! handle {
        ($event:ty, $method:ident) => {{
            let serving = serving.clone();
            on(move |event: $event, tx: &mut Tx| {
                let serving = serving.clone();
                Box::pin(async move { serving.$method(event, tx).await })
            })
        }};
    }
    vec![
        handle!(ModelVersionAliasSet, alias_set),
        handle!(ModelVersionAliasDeleted, alias_deleted),
        handle!(ModelVersionCreated, version_created),
        handle!(ModelVersionChanged, version_changed),
        handle!(RegisteredModelChanged, model_changed),
    ]
}

impl Serving {
    async fn alias_set(&self, event: ModelVersionAliasSet, tx: &mut Tx) -> Result<()> {
        let endpoints = following(tx, &event.workspace, &event.name, &format!("@{}", event.alias)).await?;
        self.roll_to(tx, endpoints, event.version, &format!("alias {} of {}", event.alias, event.name)).await
    }

    async fn alias_deleted(&self, event: ModelVersionAliasDeleted, tx: &mut Tx) -> Result<()> {
        for endpoint in following(tx, &event.workspace, &event.name, &format!("@{}", event.alias)).await? {
            self.wish(tx, endpoint, format!("alias {} of {} was deleted", event.alias, event.name)).await?;
        }
        Ok(())
    }

    async fn version_created(&self, event: ModelVersionCreated, tx: &mut Tx) -> Result<()> {
        let endpoints = following(tx, &event.workspace, &event.name, "latest").await?;
        self.roll_to(tx, endpoints, event.version, &format!("the newest version of {}", event.name)).await
    }

    async fn version_changed(&self, event: ModelVersionChanged, tx: &mut Tx) -> Result<()> {
        if !event.removed {
            return Ok(());
        }
        for endpoint in using(tx, &event.workspace, &event.name, event.version).await? {
            self.wish(tx, endpoint, format!("version {} of {} was deleted", event.version, event.name)).await?;
        }
        Ok(())
    }

    async fn model_changed(&self, event: RegisteredModelChanged, tx: &mut Tx) -> Result<()> {
        if !event.removed {
            return Ok(());
        }
        for endpoint in of_model(tx, &event.workspace, &event.name).await? {
            self.wish(tx, endpoint, format!("the model {} was deleted or renamed", event.name)).await?;
        }
        Ok(())
    }

    async fn roll_to(&self, tx: &mut Tx, endpoints: Vec<Endpoint>, version: i64, what: &str) -> Result<()> {
        for mut endpoint in endpoints {
            if endpoint.wanted_version == Some(version) && endpoint.roll == Roll::Settled {
                continue;
            }
            endpoint.wanted_version = Some(version);
            self.wish(tx, endpoint, format!("{what} is version {version} now: bringing it up")).await?;
        }
        Ok(())
    }
}
