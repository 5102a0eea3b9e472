//! Where the files of runs and models are, and reading them through the artifact service.

use crate::Tracking;
use crate::local_files::LocalFolder;
use artel_platform::{Error, Result};
use artel_proto::artel::artifact::v1::put_request::Part;
use artel_proto::artel::artifact::v1::{GetRequest, ListRequest, PutHeader, PutRequest};
use artel_proto::mlflow::{FileInfo, ListArtifacts, list_artifacts};
use futures::StreamExt;
use futures::stream::BoxStream;

/// Scheme of the places that the artifact service keeps.
const PROXIED: &str = "mlflow-artifacts:";
/// The route of the artifact proxy, for places given as its URL.
const PROXY_ROUTE: &str = "/api/2.0/mlflow-artifacts/artifacts/";

/// The path in the artifact service that a location means; `None` when the files are kept elsewhere.
pub(crate) fn proxied_path(location: &str) -> Option<String> {
    let path = location.split(['?', '#']).next().unwrap_or_default();
    if let Some(rest) = path.strip_prefix(PROXIED) {
        let rest = match rest.strip_prefix("//") {
            Some(with_host) => with_host.split_once('/').map_or("", |(_, path)| path),
            None => rest,
        };
        return Some(rest.trim_matches('/').to_owned());
    }
    if path.starts_with("http://") || path.starts_with("https://") {
        return path.split_once(PROXY_ROUTE).map(|(_, rest)| rest.trim_matches('/').to_owned());
    }
    None
}

/// Adds folders to the path of a URI, before its query.
pub(crate) fn append(uri: &str, parts: &[&str]) -> String {
    let (path, query) = match uri.find('?') {
        Some(i) => uri.split_at(i),
        None => (uri, ""),
    };
    let joiner = if path.ends_with('/') { "" } else { "/" };
    format!("{path}{joiner}{}{query}", parts.join("/"))
}

/// A relative local place is meant relative to the server's working directory.
pub(crate) fn resolve_local(location: &str) -> Result<String> {
    let (scheme, path) = match location.split_once(':') {
        Some(("file", path)) => ("file:", path),
        Some(_) => return Ok(location.into()),
        None => ("", location),
    };
    if path.starts_with('/') {
        return Ok(location.into());
    }
    Ok(format!("{}{}", if scheme.is_empty() { "" } else { "file://" }, std::env::current_dir()?.join(path).display()))
}

/// Percent-decoding until nothing changes, as an attacker may have encoded several times.
pub(crate) fn decode(text: &str) -> Result<String> {
    let mut text = text.to_owned();
    for _ in 0..10 {
        let decoded = percent_encoding::percent_decode_str(&text).decode_utf8_lossy().into_owned();
        if decoded == text {
            return Ok(text);
        }
        text = decoded;
    }
    Err(invalid_path())
}

fn invalid_path() -> Error {
    Error::invalid("Invalid path")
}

/// A path that a client gives, relative to the files of a run or model; it cannot lead out of there.
pub(crate) fn safe_path(path: &str) -> Result<String> {
    let path = decode(path)?;
    let bytes = path.as_bytes();
    let drive = bytes.len() >= 2 && bytes[0].is_ascii_alphabetic() && bytes[1] == b':' && matches!(bytes.get(2), Some(b'/' | b'\\'));
    let bad = path.contains(['#', '\0'])
        || path.starts_with(['/', '\\'])
        || drive
        || path.starts_with("file:")
        || path.split(['/', '\\']).any(|part| part == "..");
    if bad { Err(invalid_path()) } else { Ok(path) }
}

/// The bytes of a file as they come.
pub(crate) type Bytes = BoxStream<'static, Result<bytes::Bytes>>;

/// Where a location's files are, for the server.
pub(crate) enum Place {
    /// In the artifact service, at this path.
    Kept(String),
    /// In a folder below the configured default root.
    Local(LocalFolder),
}

impl Tracking {
    /// The files and folders of a run.
    pub(crate) async fn list_files_of_run(&self, workspace: &str, request: ListArtifacts) -> Result<list_artifacts::Response> {
        let path = request.path.as_deref().map(safe_path).transpose()?;
        let run_id = request.run_id.as_deref().filter(|id| !id.is_empty()).unwrap_or(request.run_uuid());
        let run = self.find_run(workspace, run_id).await?;
        let files = self.list_files(workspace, &run.artifact_uri, path.as_deref()).await?;
        Ok(list_artifacts::Response { root_uri: Some(run.artifact_uri), files, next_page_token: None })
    }

    /// The files and folders directly in `path` below `location`, their paths relative to `location`.
    pub(crate) async fn list_files(&self, workspace: &str, location: &str, path: Option<&str>) -> Result<Vec<FileInfo>> {
        let path = path.filter(|p| !p.is_empty()).map(|p| p.trim_end_matches('/'));
        let root = match self.place(location)? {
            Place::Kept(root) => root,
            Place::Local(folder) => return folder.list(path).await,
        };
        let folder = path.map_or_else(|| root.clone(), |path| append(&root, &[path]));
        let entries = self
            .peers
            .artifact()
            .list(ListRequest { workspace: workspace.into(), path: folder, ..Default::default() })
            .await?
            .into_inner()
            .entries;
        let files = entries.into_iter().map(|entry| {
            let name = entry.path.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
            file_info(path, name, (!entry.is_dir).then_some(entry.size))
        });
        Ok(files.collect())
    }

    /// The bytes of one file below `location`.
    pub(crate) async fn read_file(&self, workspace: &str, location: &str, path: &str) -> Result<Bytes> {
        let root = match self.place(location)? {
            Place::Kept(root) => root,
            Place::Local(folder) => return folder.read(path).await,
        };
        let request = GetRequest { workspace: workspace.into(), path: append(&root, &[path]), offset: 0, length: None };
        let mut chunks = self.peers.artifact().get(request).await?.into_inner();
        // the first chunk shows whether the file can be read at all, while the status can still say so
        let first = chunks.message().await?;
        let rest = chunks.map(|chunk| chunk.map(|c| c.data).map_err(Error::from));
        Ok(Box::pin(futures::stream::iter(first.map(|c| Ok(c.data))).chain(rest)))
    }

    /// Writes one small file below `location`.
    pub(crate) async fn write_file(&self, workspace: &str, location: &str, path: &str, data: bytes::Bytes) -> Result<()> {
        let root = match self.place(location)? {
            Place::Kept(root) => root,
            Place::Local(folder) => return folder.write(path, &data).await,
        };
        let header = PutHeader { workspace: workspace.into(), path: append(&root, &[path]), content_type: String::new() };
        let parts = [Part::Header(header), Part::Data(data)].map(|part| PutRequest { part: Some(part) });
        self.peers.artifact().put(futures::stream::iter(parts)).await?;
        Ok(())
    }

    /// The folder on this machine that a location means, where the settings allow one.
    pub(crate) fn local_folder(&self, location: &str) -> Option<LocalFolder> {
        LocalFolder::below(&self.settings.default_artifact_root, location)
    }

    pub(crate) fn place(&self, location: &str) -> Result<Place> {
        if let Some(path) = proxied_path(location) {
            return Ok(Place::Kept(path));
        }
        if let Some(folder) = self.local_folder(location) {
            return Ok(Place::Local(folder));
        }
        Err(Error::invalid(format!(
            "the artifacts at '{location}' are not kept by this server; read them with a client that has access to that place"
        )))
    }
}

/// A file (with a size) or folder (without), its path relative to where the listing began.
pub(crate) fn file_info(folder: Option<&str>, name: &str, size: Option<i64>) -> FileInfo {
    let path = folder.map_or_else(|| name.to_owned(), |folder| format!("{folder}/{name}"));
    FileInfo { path: Some(path), is_dir: Some(size.is_none()), file_size: size }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_joined_before_the_query() {
        assert_eq!(append("mlflow-artifacts:/", &["1"]), "mlflow-artifacts:/1");
        assert_eq!(append("mlflow-artifacts:/1", &["r", "artifacts"]), "mlflow-artifacts:/1/r/artifacts");
        assert_eq!(append("s3://b/a?x=1", &["r"]), "s3://b/a/r?x=1");
    }

    #[test]
    fn only_proxied_places_are_kept_here() {
        assert_eq!(proxied_path("mlflow-artifacts:/1/r/artifacts").as_deref(), Some("1/r/artifacts"));
        assert_eq!(proxied_path("mlflow-artifacts://host:1/1/r").as_deref(), Some("1/r"));
        assert_eq!(proxied_path("http://h/api/2.0/mlflow-artifacts/artifacts/x/y").as_deref(), Some("x/y"));
        assert_eq!(proxied_path("s3://b/a"), None);
    }

    #[test]
    fn paths_stay_inside() {
        for bad in [
            "../a",
            "a/../../b",
            "/etc/passwd",
            "%2e%2e/a",
            "%252e%252e%252fa",
            "file:///etc/passwd",
            "C:/a",
            "..\\a",
            "a#b",
            "\\\\host\\a",
        ] {
            assert!(safe_path(bad).is_err(), "{bad}");
        }
        assert_eq!(safe_path("a%20b/c..d").unwrap(), "a b/c..d");
    }
}
