//! What tracking learns of elsewhere: a logged model's tag says which versions were made of it, as upstream's registry
//! notes it (`set_model_versions_tags` of its tracking stores).

use crate::store::logged_models as store;
use artel_platform::Result;
use artel_platform::bus::{Handler, on};
use artel_platform::db::Tx;
use artel_proto::artel::registry::v1::ModelVersionCreated;
use artel_proto::mlflow::LoggedModelTag;

/// The tag that names the versions.
const MODEL_VERSIONS: &str = "mlflow.modelVersions";

/// The events that tracking acts on.
pub(crate) fn handlers() -> Vec<Handler> {
    vec![on(|event: ModelVersionCreated, tx: &mut Tx| Box::pin(async move { version_created(event, tx).await }))]
}

async fn version_created(event: ModelVersionCreated, tx: &mut Tx) -> Result<()> {
    if event.model_id.is_empty() || !store::exists_in(tx, &event.workspace, &event.model_id).await? {
        return Ok(());
    }
    let known = store::tag_in(tx, &event.model_id, MODEL_VERSIONS).await?.unwrap_or_default();
    let Some(value) = with_version(&known, &event.name, event.version)? else { return Ok(()) };
    let tag = LoggedModelTag { key: Some(MODEL_VERSIONS.into()), value: Some(value) };
    store::set_tags(tx, &event.model_id, &[tag]).await
}

/// The list with one more version, as Python writes JSON; `None` when it has that one.
fn with_version(known: &str, name: &str, version: i64) -> Result<Option<String>> {
    let entry = format!("{{\"name\": {}, \"version\": {version}}}", serde_json::to_string(name)?);
    let known = known.trim().trim_start_matches('[').trim_end_matches(']');
    Ok(match known {
        "" => Some(format!("[{entry}]")),
        known if known.contains(&entry) => None,
        known => Some(format!("[{known}, {entry}]")),
    })
}

#[cfg(test)]
mod tests {
    use super::with_version;

    #[test]
    fn versions_are_listed_once() {
        let one = with_version("", "wine", 1).unwrap().unwrap();
        assert_eq!(one, r#"[{"name": "wine", "version": 1}]"#);
        let two = with_version(&one, "wine", 2).unwrap().unwrap();
        assert_eq!(two, r#"[{"name": "wine", "version": 1}, {"name": "wine", "version": 2}]"#);
        assert_eq!(with_version(&two, "wine", 1).unwrap(), None);
    }
}
