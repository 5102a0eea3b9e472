//! Files of runs and models: listing, and showing one in a browser.

use super::extract::{Request, checked};
use super::{Answer, App, json};
use crate::artifacts::{Bytes, safe_path};
use actix_web::HttpResponse;
use actix_web::http::header;
use actix_web::web::{Path, Payload, Query};
use artel_platform::Error;
use artel_platform::http::Workspace;
use artel_proto::mlflow::*;
use futures::StreamExt;
use serde::Deserialize;

/// Largest file that `upload-artifact` takes (upstream's limit).
const MAX_UPLOAD: usize = 10 * 1024 * 1024;

checked!(ListArtifacts, requires(run_id), { "run_id": [Text, Required], "path": [Text], "page_token": [Text] });

/// What `get-artifact` takes.
#[derive(Deserialize)]
pub(super) struct FileOfRun {
    run_id: Option<String>,
    run_uuid: Option<String>,
    path: String,
}

/// What `logged-models/{model_id}/artifacts/files` takes.
#[derive(Deserialize)]
pub(super) struct FileOfModel {
    artifact_file_path: Option<String>,
}

/// List the files of a run
#[utoipa::path(get, path = "/api/2.0/mlflow/artifacts/list", tag = "tracking", params(("run_id" = String, Query), ("path" = Option<String>, Query)),
    responses((status = 200, body = list_artifacts::Response)), security(("artel" = ["read:experiments"])))]
pub(super) async fn list(app: App, Workspace(workspace): Workspace, Request(request): Request<ListArtifacts>) -> Answer {
    json(&app.list_files_of_run(&workspace, request).await?)
}

/// One file of a run
#[utoipa::path(get, path = "/get-artifact", tag = "tracking", params(("run_id" = Option<String>, Query), ("run_uuid" = Option<String>, Query), ("path" = String, Query)),
    responses((status = 200, content_type = "application/octet-stream", body = String)), security(("artel" = ["read:experiments"])))]
pub(super) async fn get(app: App, Workspace(workspace): Workspace, query: Query<FileOfRun>) -> Answer {
    let path = safe_path(&query.path)?;
    let run_id = query.run_id.as_deref().or(query.run_uuid.as_deref()).unwrap_or_default();
    let run = app.find_run(&workspace, run_id).await?;
    let bytes = app.read_file(&workspace, &run.artifact_uri, &path).await?;
    send(bytes, &path)
}

/// One file of a logged model (for the web bundle of MLflow)
#[utoipa::path(get, path = "/ajax-api/2.0/mlflow/logged-models/{model_id}/artifacts/files", tag = "tracking", params(("model_id" = String, Path), ("artifact_file_path" = String, Query)),
    responses((status = 200, content_type = "application/octet-stream", body = String)), security(("artel" = ["read:experiments"])))]
pub(super) async fn get_of_model(app: App, Workspace(workspace): Workspace, model_id: Path<String>, query: Query<FileOfModel>) -> Answer {
    let missing = || Error::invalid("Request must include the \"artifact_file_path\" query parameter.").reason("BAD_REQUEST");
    let path = safe_path(query.artifact_file_path.as_deref().filter(|p| !p.is_empty()).ok_or_else(missing)?)?;
    let model = app.find_logged_model(&workspace, &model_id, false).await?;
    let bytes = app.read_file(&workspace, &model.artifact_location, &path).await?;
    send(bytes, &path)
}

/// What `upload-artifact` takes.
#[derive(Deserialize)]
pub(super) struct Upload {
    run_uuid: Option<String>,
    path: Option<String>,
}

/// Put a small file among those of a run (for the web bundle of MLflow)
#[utoipa::path(post, path = "/ajax-api/2.0/mlflow/upload-artifact", tag = "tracking", params(("run_uuid" = String, Query), ("path" = String, Query)),
    request_body(content = String, content_type = "application/octet-stream"), responses((status = 200)), security(("artel" = ["experiments"])))]
pub(super) async fn upload(app: App, Workspace(workspace): Workspace, query: Query<Upload>, mut payload: Payload) -> Answer {
    let given = |value: &Option<String>, name: &str| {
        value.clone().filter(|v| !v.is_empty()).ok_or_else(|| Error::invalid(format!("Request must specify {name}.")))
    };
    let run_id = given(&query.run_uuid, "run_uuid")?;
    let path = safe_path(&given(&query.path, "path")?)?;
    let mut data = bytes::BytesMut::new();
    while let Some(chunk) = payload.next().await {
        data.extend_from_slice(&chunk.map_err(|e| Error::invalid("the request body broke off").because(e.to_string()))?);
        if data.len() > MAX_UPLOAD {
            return Err(Error::invalid("Artifact size is too large. Max size is 10MB."));
        }
    }
    if data.is_empty() {
        return Err(Error::invalid("Request must specify data."));
    }
    let run = app.find_run(&workspace, &run_id).await?;
    app.write_file(&workspace, &run.artifact_uri, &path, data.freeze()).await?;
    Ok(HttpResponse::Ok().content_type("application/json").finish())
}

/// Streams a file. What users wrote is only ever shown in a sandbox of its own.
fn send(bytes: Bytes, path: &str) -> Answer {
    let name = path.rsplit('/').next().unwrap_or(path);
    Ok(HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, content_type(name)))
        .insert_header((header::CONTENT_DISPOSITION, content_disposition(name)))
        .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .insert_header((header::CONTENT_SECURITY_POLICY, "sandbox; default-src 'none'; img-src 'self' data:; style-src 'unsafe-inline'"))
        .streaming(bytes))
}

/// By extension; what upstream shows as text is text here too (mlflow/utils/mime_type_utils.py).
fn content_type(name: &str) -> String {
    const TEXT: &[&str] = &[
        "txt",
        "log",
        "err",
        "cfg",
        "conf",
        "cnf",
        "cf",
        "ini",
        "properties",
        "prop",
        "hocon",
        "toml",
        "yaml",
        "yml",
        "xml",
        "json",
        "js",
        "py",
        "py3",
        "csv",
        "tsv",
        "md",
        "rst",
        "jsonnet",
    ];
    const TEXT_NAMES: &[&str] = &["mlmodel", "mlproject"];
    let name = name.to_ascii_lowercase();
    let extension = name.rsplit_once('.').map_or("", |(_, e)| e);
    if TEXT.contains(&extension) || TEXT_NAMES.contains(&name.as_str()) {
        return "text/plain".into();
    }
    mime_guess::from_ext(extension).first_raw().unwrap_or("application/octet-stream").into()
}

/// RFC 6266 with an ASCII name beside the true one.
fn content_disposition(name: &str) -> String {
    let plain: String = name.chars().filter(|c| c.is_ascii() && !c.is_ascii_control()).collect();
    let plain = if plain.is_empty() { "download".to_owned() } else { plain };
    let shown = if plain.chars().all(|c| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c)) {
        plain.clone()
    } else {
        format!("\"{}\"", plain.replace('\\', "\\\\").replace('"', "\\\""))
    };
    if plain == name {
        return format!("attachment; filename={shown}");
    }
    let encoded = percent_encoding::utf8_percent_encode(name, percent_encoding::NON_ALPHANUMERIC);
    format!("attachment; filename={shown}; filename*=UTF-8''{encoded}")
}

#[cfg(test)]
mod tests {
    use super::{content_disposition, content_type};

    #[test]
    fn names_and_types_of_files() {
        assert_eq!(content_disposition("a.txt"), "attachment; filename=a.txt");
        assert_eq!(content_disposition("a \"b\".txt"), "attachment; filename=\"a \\\"b\\\".txt\"");
        assert!(content_disposition("ü.txt").ends_with("filename*=UTF-8''%C3%BC%2Etxt"));
        for (name, kind) in [
            ("a.json", "text/plain"),
            ("MLmodel", "text/plain"),
            ("x.png", "image/png"),
            ("x", "application/octet-stream"),
            ("x.html", "text/html"),
        ] {
            assert_eq!(content_type(name), kind, "{name}");
        }
    }
}
