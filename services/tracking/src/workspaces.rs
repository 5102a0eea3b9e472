//! Workspaces: who works in one sees nothing of the others (mlflow/store/workspace/sqlalchemy_store.py).

use crate::store::workspaces as store;
use crate::{Tracking, validate};
use artel_platform::http::{DEFAULT_WORKSPACE, check_workspace_name};
use artel_platform::{Error, Result};
use artel_proto::artel::hub::v1::ChangeGrantsRequest;
use artel_proto::artel::hub::v1::change_grants_request::Change;
use artel_proto::artel::registry::v1::CountModelsRequest;

/// A stored workspace.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Stored {
    pub(crate) name: String,
    pub(crate) description: Option<String>,
    /// Where artifacts go instead of the installation's place.
    pub(crate) default_artifact_root: Option<String>,
    pub(crate) trace_archival_location: Option<String>,
    pub(crate) trace_archival_retention: Option<String>,
}

/// What a request says about a workspace; an empty text clears what was there.
#[derive(Debug, Clone, Default)]
pub(crate) struct Wish {
    pub(crate) description: Option<String>,
    pub(crate) default_artifact_root: Option<String>,
    pub(crate) trace_archival_location: Option<String>,
    pub(crate) trace_archival_retention: Option<String>,
}

impl Wish {
    /// Trims what is to be trimmed; fails when a place or a time cannot be one.
    fn checked(mut self) -> Result<Self> {
        for place in [&mut self.default_artifact_root, &mut self.trace_archival_location].into_iter().flatten() {
            *place = place.trim().to_owned();
            if !place.is_empty() {
                validate::artifact_location(place)?;
            }
        }
        if let Some(root) = self.default_artifact_root.as_deref().filter(|r| !r.is_empty()) {
            // a relative place would be meant differently by every client
            let has_scheme = root.split_once(':').is_some_and(|(scheme, _)| scheme.len() > 1 && !scheme.contains('/'));
            if !has_scheme && !root.starts_with('/') {
                return Err(Error::invalid(format!(
                    "Invalid value for 'default_artifact_root'. Expected a URI (for example 's3://bucket/prefix' or 'mlflow-artifacts:/prefix') or an absolute path, got '{root}'."
                )));
            }
        }
        if let Some(retention) = &mut self.trace_archival_retention {
            *retention = retention.trim().to_owned();
            let (count, unit) = retention.split_at(retention.len() - retention.chars().last().map_or(0, char::len_utf8));
            let is_time = count.parse::<u32>().is_ok_and(|n| n > 0) && matches!(unit, "d" | "h" | "m");
            if !retention.is_empty() && !is_time {
                return Err(Error::invalid(format!(
                    "Invalid value for 'trace_archival_config.retention': '{retention}'. Expected <int><unit> such as '30d' or '12h'."
                )));
            }
        }
        Ok(self)
    }
}

fn missing(name: &str) -> Error {
    Error::not_found(format!("Workspace '{name}' not found"))
}

impl Tracking {
    /// The workspace with that name.
    pub(crate) async fn workspace(&self, name: &str) -> Result<Stored> {
        if name != DEFAULT_WORKSPACE {
            check_workspace_name(name)?;
        }
        store::find(&self.db, name).await?.ok_or_else(|| missing(name))
    }

    /// Where the artifacts of a workspace's experiments go (mlflow/store/tracking/sqlalchemy_workspace_store.py
    /// `_get_artifact_location`).
    pub(crate) async fn artifact_root(&self, workspace: &str) -> Result<String> {
        let whole = &self.settings.default_artifact_root;
        if !self.settings.workspaces {
            return Ok(whole.clone());
        }
        let own = store::find(&self.db, workspace).await?.and_then(|w| w.default_artifact_root);
        // experiments of the default workspace lie where they lay before there were others
        Ok(own.unwrap_or_else(|| {
            if workspace == DEFAULT_WORKSPACE { whole.clone() } else { crate::artifacts::append(whole, &["workspaces", workspace]) }
        }))
    }

    /// Every workspace, by name.
    pub(crate) async fn workspaces(&self) -> Result<Vec<Stored>> {
        store::list(&self.db).await
    }

    /// Makes a workspace, with the two roles that upstream gives each.
    pub(crate) async fn create_workspace(&self, name: &str, wish: Wish) -> Result<Stored> {
        if name == DEFAULT_WORKSPACE {
            return Err(Error::invalid(format!("The '{DEFAULT_WORKSPACE}' workspace is reserved and cannot be created")));
        }
        check_workspace_name(name)?;
        let wish = wish.checked()?;
        let filled = |text: Option<String>| text.filter(|t| !t.is_empty());
        let new = Stored {
            name: name.into(),
            description: wish.description,
            default_artifact_root: filled(wish.default_artifact_root),
            trace_archival_location: filled(wish.trace_archival_location),
            trace_archival_retention: filled(wish.trace_archival_retention),
        };
        let mut tx = self.db.begin().await?;
        if !store::insert(&mut tx, &new).await? {
            return Err(Error::exists(format!("Workspace '{name}' already exists.")));
        }
        tx.commit().await?;
        self.tell_hub(name, Change::WorkspaceCreated(true)).await;
        Ok(new)
    }

    /// Changes what the request names.
    pub(crate) async fn update_workspace(&self, name: &str, wish: Wish) -> Result<Stored> {
        let given = [&wish.description, &wish.default_artifact_root, &wish.trace_archival_location, &wish.trace_archival_retention];
        if given.iter().all(|field| field.is_none()) {
            return Err(Error::invalid("Workspace update must have at least one key"));
        }
        let wish = wish.checked()?;
        let mut new = self.workspace(name).await?;
        new.description = wish.description.or(new.description);
        for (wished, held) in [
            (wish.default_artifact_root, &mut new.default_artifact_root),
            (wish.trace_archival_location, &mut new.trace_archival_location),
            (wish.trace_archival_retention, &mut new.trace_archival_retention),
        ] {
            if let Some(wished) = wished {
                *held = Some(wished).filter(|w| !w.is_empty());
            }
        }
        let mut tx = self.db.begin().await?;
        store::update(&mut tx, &new).await?;
        tx.commit().await?;
        Ok(new)
    }

    /// Removes a workspace in which nothing is left, with its roles.
    pub(crate) async fn delete_workspace(&self, name: &str, mode: &str) -> Result<()> {
        if name == DEFAULT_WORKSPACE {
            return Err(Error::invalid(format!("The '{DEFAULT_WORKSPACE}' workspace is reserved and cannot be deleted")));
        }
        match mode {
            "RESTRICT" => {}
            "SET_DEFAULT" | "CASCADE" => {
                return Err(Error::unimplemented(format!(
                    "the deletion mode '{mode}' is not implemented; delete or move what is in the workspace '{name}', then use RESTRICT"
                )));
            }
            other => {
                return Err(Error::invalid(format!("Invalid deletion mode '{other}'. Must be one of: SET_DEFAULT, CASCADE, RESTRICT")));
            }
        }
        self.workspace(name).await?;
        let counted = self.peers.registry().count_models(CountModelsRequest { workspace: name.into() }).await?.into_inner();
        let mut tx = self.db.begin().await?;
        let experiments = store::experiments(&mut tx, name).await?;
        for (table, count) in
            [("registered_models", counted.registered_models), ("experiments", experiments), ("webhooks", counted.webhooks)]
        {
            if count > 0 {
                let message = format!(
                    "Cannot delete workspace '{name}': table '{table}' still contains {count} resource(s). Remove or reassign them before deleting the workspace."
                );
                // upstream answers 500, which its client would repeat for minutes
                return Err(Error::conflict(message).reason("INVALID_STATE"));
            }
        }
        store::delete(&mut tx, name).await?;
        tx.commit().await?;
        self.tell_hub(name, Change::WorkspaceRemoved(true)).await;
        Ok(())
    }

    /// The roles of a workspace are the hub's. The workspace is there (or gone) without it, too: a failure is only
    /// noted, and roles can be made by hand.
    async fn tell_hub(&self, workspace: &str, change: Change) {
        let request = ChangeGrantsRequest { workspace: workspace.into(), change: Some(change), ..Default::default() };
        if let Err(error) = self.peers.hub().change_grants(request).await {
            tracing::warn!(workspace, %error, "the hub does not know of a change of workspaces");
        }
    }
}
