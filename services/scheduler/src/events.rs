//! What happens elsewhere and starts DAGs. Handlers write into the inbox transaction; the timer is woken after it.

use crate::Scheduler;
use crate::assets::own;
use artel_platform::bus::{Handler, on};
use artel_platform::db::Tx;
use artel_proto::artel::artifact::v1::ArtifactWritten;
use artel_proto::artel::registry::v1::ModelVersionAliasSet;
use std::sync::Arc;

/// The events that the scheduler acts on.
pub(crate) fn handlers(scheduler: &Arc<Scheduler>) -> Vec<Handler> {
    let (for_models, for_datasets) = (scheduler.clone(), scheduler.clone());
    vec![
        on(move |event: ModelVersionAliasSet, tx: &mut Tx| {
            let scheduler = for_models.clone();
            Box::pin(async move {
                scheduler.model_alias_set(&event, tx).await?;
                tx.after_commit(move || scheduler.assets_changed());
                Ok(())
            })
        }),
        on(move |event: ArtifactWritten, tx: &mut Tx| {
            let scheduler = for_datasets.clone();
            Box::pin(async move {
                if scheduler.artifact_written(&event, tx).await? {
                    tx.after_commit(move || scheduler.assets_changed());
                }
                Ok(())
            })
        })
        .of_those(own::is_of_dataset),
    ]
}
