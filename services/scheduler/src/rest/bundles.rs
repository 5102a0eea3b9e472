//! DAG bundles: how they are getting on, and the word that something was pushed to one; files that are to be parsed again.

use super::query::Query;
use crate::Scheduler;
use crate::bundles::Bundle;
use crate::store::{bundles, warnings};
use crate::times;
use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use artel_platform::{Error, Result};
use aws_lc_rs::hmac;
use base64::Engine;
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

/// A bundle.
#[derive(Serialize, ToSchema)]
pub(super) struct BundleResponse {
    name: String,
    /// `folder` or `git`.
    kind: &'static str,
    /// The branch, tag or commit that is followed.
    r#ref: Option<String>,
    /// The newest commit that was fetched.
    version: Option<String>,
    /// The last look at the repository.
    refreshed_at: Option<String>,
    /// Why that look failed.
    error: Option<String>,
}

/// Bundles.
#[derive(Serialize, ToSchema)]
pub(super) struct BundleCollection {
    bundles: Vec<BundleResponse>,
    total_entries: usize,
}

/// DAG bundles of the settings.
#[utoipa::path(get, path = "/git/bundles", tag = "pipelines", responses((status = 200, body = BundleCollection)), security(("artel" = ["read:dags"])))]
pub(super) async fn list(scheduler: web::Data<Scheduler>) -> Result<HttpResponse> {
    let rows = bundles::all(&scheduler.db).await?;
    let shown = |bundle: &std::sync::Arc<Bundle>| {
        let row = rows.iter().find(|r| r.name == bundle.name);
        BundleResponse {
            name: bundle.name.clone(),
            kind: if bundle.repository().is_some() { "git" } else { "folder" },
            r#ref: bundle.repository().map(|r| r.reference.clone()),
            version: bundle.current().and_then(|c| c.version).or_else(|| row?.version.clone()),
            refreshed_at: row.map(|r| times::shown(r.refreshed_at)),
            error: row.and_then(|r| r.error.clone()),
        }
    };
    let bundles: Vec<BundleResponse> = scheduler.bundles.all().iter().map(shown).collect();
    let total_entries = bundles.len();
    Ok(HttpResponse::Ok().json(BundleCollection { bundles, total_entries }))
}

/// Has a git bundle looked at now.
#[utoipa::path(post, path = "/git/bundles/{name}/refresh", tag = "pipelines", responses((status = 202, body = serde_json::Value)), security(("artel" = ["dags"])))]
pub(super) async fn refresh(scheduler: web::Data<Scheduler>, name: web::Path<String>) -> Result<HttpResponse> {
    let bundle = git_bundle(&scheduler, &name)?;
    scheduler.pushed(bundle).await?;
    Ok(HttpResponse::Accepted().json(json!({"bundle": bundle.name, "accepted": true})))
}

/// The word of GitHub, Gitea, Forgejo or GitLab that something was pushed to a bundle's repository. It must be signed
/// (`X-Hub-Signature-256`, `X-Gitea-Signature`) or show (`X-Gitlab-Token`) the bundle's secret.
#[utoipa::path(post, path = "/git/hooks/{name}", tag = "pipelines", request_body = serde_json::Value, responses((status = 202, body = serde_json::Value)), security(("artel" = ["public"])))]
pub(super) async fn hook(
    scheduler: web::Data<Scheduler>,
    name: web::Path<String>,
    request: HttpRequest,
    body: web::Bytes,
) -> Result<HttpResponse> {
    // whoever does not know the secret does not learn which bundles there are
    let refused = || Error::denied("the signature of the push does not fit the bundle's secret");
    let bundle = git_bundle(&scheduler, &name).map_err(|_| refused())?;
    let secret = scheduler.hook_secret(bundle)?.ok_or_else(refused)?;
    if !is_signed(&request, &body, &secret) {
        return Err(refused());
    }
    let pushed: Value = serde_json::from_slice(&body).unwrap_or_default();
    let reference = bundle.repository().map(|r| r.reference.clone()).unwrap_or_default();
    let concerns =
        pushed["ref"].as_str().is_none_or(|r| r.strip_prefix("refs/heads/").or(r.strip_prefix("refs/tags/")) == Some(&reference));
    if concerns {
        scheduler.pushed(bundle).await?;
    }
    Ok(HttpResponse::build(StatusCode::ACCEPTED).json(json!({"bundle": bundle.name, "accepted": concerns})))
}

fn git_bundle<'a>(scheduler: &'a Scheduler, name: &str) -> Result<&'a std::sync::Arc<Bundle>> {
    let bundle = scheduler.bundles.get(name)?;
    match bundle.repository() {
        Some(_) => Ok(bundle),
        None => Err(Error::invalid(format!("bundle {name:?} is a folder, whose files are seen when they are saved"))),
    }
}

fn is_signed(request: &HttpRequest, body: &[u8], secret: &str) -> bool {
    let header = |name: &str| request.headers().get(name).and_then(|v| v.to_str().ok()).map(str::trim);
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    let fits = |signature: &str| hex::decode(signature).is_ok_and(|tag| hmac::verify(&key, body, &tag).is_ok());
    if let Some(signature) = header("X-Hub-Signature-256").and_then(|s| s.strip_prefix("sha256=")).or(header("X-Gitea-Signature")) {
        return fits(signature);
    }
    // compared by their tags, so that the time tells nothing
    header("X-Gitlab-Token").is_some_and(|token| hmac::verify(&key, token.as_bytes(), hmac::sign(&key, secret.as_bytes()).as_ref()).is_ok())
}

/// Has a DAG file parsed again; the token is in `file_token` of its DAGs.
#[utoipa::path(put, path = "/api/v2/parseDagFile/{file_token}", tag = "pipelines", responses((status = 201)), security(("artel" = ["dags"])))]
pub(super) async fn parse(scheduler: web::Data<Scheduler>, file_token: web::Path<String>) -> Result<HttpResponse> {
    let unknown = || Error::not_found("File not found");
    let decoded = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(file_token.as_bytes()).map_err(|_| unknown())?;
    let token: Value = serde_json::from_slice(&decoded).map_err(|_| unknown())?;
    let (Some(bundle), Some(file)) = (token["bundle_name"].as_str(), token["relative_fileloc"].as_str()) else { return Err(unknown()) };
    scheduler.bundles.get(bundle)?;
    scheduler.parser.parse_again(bundle, file);
    Ok(HttpResponse::Created().finish())
}

/// A warning about a DAG.
#[derive(Serialize, ToSchema)]
#[schema(as = airflow::DAGWarningResponse)]
pub(super) struct DagWarningResponse {
    dag_id: String,
    warning_type: String,
    message: String,
    timestamp: String,
    dag_display_name: String,
}

/// Warnings about DAGs.
#[derive(Serialize, ToSchema)]
#[schema(as = airflow::DAGWarningCollectionResponse)]
pub(super) struct DagWarningCollection {
    dag_warnings: Vec<DagWarningResponse>,
    total_entries: i64,
}

/// What DAGs are warned of.
#[utoipa::path(get, path = "/api/v2/dagWarnings", tag = "pipelines", params(super::paging::Paging), responses((status = 200, body = DagWarningCollection)), security(("artel" = ["read:dags"])))]
pub(super) async fn warnings(scheduler: web::Data<Scheduler>, request: HttpRequest) -> Result<HttpResponse> {
    let query = Query::of(&request);
    let mut filter = crate::store::Filter::default();
    if let Some(dag_id) = query.get("dag_id") {
        filter.compare("dag_id", "=", dag_id);
    }
    if let Some(kind) = query.word("warning_type", &["asset conflict", "non-existent pool", "runtime varying value"])? {
        filter.compare("warning_type", "=", kind.as_str().unwrap_or_default());
    }
    let order = [("dag_id", "dag_id"), ("warning_type", "warning_type"), ("message", "message"), ("timestamp", "created_at")];
    let (found, total_entries) = warnings::list(&scheduler.db, filter, &query.page(&order, "dag_id", "dag_id, warning_type")?).await?;
    let dag_warnings = found
        .into_iter()
        .map(|w| DagWarningResponse {
            dag_id: w.dag_id,
            warning_type: w.warning_type,
            message: w.message,
            timestamp: times::shown(w.created_at),
            dag_display_name: w.display_name,
        })
        .collect();
    Ok(HttpResponse::Ok().json(DagWarningCollection { dag_warnings, total_entries }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test::TestRequest;

    #[test]
    fn a_push_is_believed_when_it_is_signed_as_git_servers_do() {
        let body = br#"{"ref":"refs/heads/main"}"#;
        // printf '{"ref":"refs/heads/main"}' | openssl dgst -sha256 -hmac s3cret
        let tag = hex::encode(hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, b"s3cret"), body));
        let signed = |name: &'static str, value: &str| {
            is_signed(&TestRequest::default().insert_header((name, value)).to_http_request(), body, "s3cret")
        };
        assert!(signed("X-Hub-Signature-256", &format!("sha256={tag}")));
        assert!(signed("X-Gitea-Signature", &tag));
        assert!(signed("X-Gitlab-Token", "s3cret"));
        assert!(!signed("X-Hub-Signature-256", &tag), "without the name of the algorithm it is another signature");
        assert!(!signed("X-Hub-Signature-256", &format!("sha256={}", tag.replace(|c: char| c.is_ascii_digit(), "0"))));
        assert!(!signed("X-Gitlab-Token", "s3cre"));
        assert!(!signed("X-Other", "s3cret"));
    }
}
