//! Files of model versions, read through the artifact service.

use crate::Registry;
use actix_web::{HttpRequest, HttpResponse};
use artel_platform::http::file::{self, File};
use artel_platform::{Code, Error, Result};
use artel_proto::artel::artifact::v1::{GetRequest, StatRequest};
use futures::StreamExt;

/// The largest file that is read whole.
const MAX_READ: i64 = 4 * 1024 * 1024;

impl Registry {
    /// The answer to `request`, a GET of one file of a version.
    pub(crate) async fn send_file(
        &self,
        request: &HttpRequest,
        workspace: &str,
        name: &str,
        version: i64,
        path: &str,
    ) -> Result<HttpResponse> {
        let location = self.download_uri(workspace, name, version).await?;
        let path = format!("{}/{}", self.artifact_path(workspace, &location).await?, path.trim_end_matches('/'));
        let entry = self.peers.artifact().stat(StatRequest { workspace: workspace.into(), path: path.clone() }).await?.into_inner();
        if entry.is_dir {
            return Err(Error::invalid(format!("Artifact path refers to a directory, not a file: '{path}'")));
        }
        let version = if entry.sha256.is_empty() { format!("size-{:x}", entry.size) } else { entry.sha256.clone() };
        let name = path.rsplit('/').next().unwrap_or(&path);
        let file = File { name, size: entry.size.max(0) as u64, version: &version, written_at: None };
        let open = async |offset: u64, length: u64| {
            let request =
                GetRequest { workspace: workspace.into(), path: path.clone(), offset: offset as i64, length: Some(length as i64) };
            let chunks = self.peers.artifact().get(request).await?.into_inner();
            Ok(chunks.map(|chunk| chunk.map(|c| c.data).map_err(Error::from)))
        };
        file::send(request, file, open).await
    }

    /// The text of a small file at `path` of the artifact service; `None` when it is not there.
    pub(crate) async fn read_text(&self, workspace: &str, path: String) -> Result<Option<String>> {
        let request = GetRequest { workspace: workspace.into(), path, offset: 0, length: Some(MAX_READ) };
        let mut chunks = match self.peers.artifact().get(request).await.map_err(Error::from) {
            Ok(chunks) => chunks.into_inner(),
            Err(error) if matches!(error.code, Code::NotFound | Code::InvalidArgument) => return Ok(None),
            Err(error) => return Err(error),
        };
        let mut bytes = Vec::new();
        loop {
            match chunks.message().await.map_err(Error::from) {
                Ok(Some(chunk)) => bytes.extend_from_slice(&chunk.data),
                Ok(None) => return Ok(Some(String::from_utf8_lossy(&bytes).into_owned())),
                Err(error) if error.code == Code::NotFound => return Ok(None),
                Err(error) => return Err(error),
            }
        }
    }
}
