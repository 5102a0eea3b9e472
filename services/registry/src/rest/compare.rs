//! `/api/artel/v1/models/{name}/compare`.

use super::App;
use crate::compare::Comparison;
use crate::validate;
use actix_web::web::{Json, Path, Query};
use artel_platform::http::Workspace;
use artel_platform::{Error, Result};
use serde::Deserialize;

/// Which two.
#[derive(Deserialize)]
pub(crate) struct Pair {
    from: Option<String>,
    to: Option<String>,
}

/// Two versions of a model side by side: params, metrics, tags, signature, requirements
#[utoipa::path(get, path = "/api/artel/v1/models/{name}/compare", tag = "registry",
    params(("name" = String, Path), ("from" = i64, Query, description = "Number of a version"), ("to" = i64, Query, description = "Number of another")),
    responses((status = 200, body = Comparison, description = "Everything that either has, and whether it differs"), (status = 400, description = "A number is missing or is none"),
        (status = 404, description = "There is no such version")), security(("artel" = ["read:models"])))]
pub(crate) async fn compare(app: App, Workspace(workspace): Workspace, name: Path<String>, pair: Query<Pair>) -> Result<Json<Comparison>> {
    let number = |field: &str, given: &Option<String>| {
        let text = given.as_deref().ok_or_else(|| Error::invalid(format!("{field}: give the number of a version")))?;
        text.trim().parse::<i64>().map_err(|_| Error::invalid(format!("{field}: {text:?} is no number of a version")))
    };
    let (from, to) = (number("from", &pair.from)?, number("to", &pair.to)?);
    validate::model_name(&name)?;
    Ok(Json(app.compare(&workspace, &name, from, to).await?))
}
