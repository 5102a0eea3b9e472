//! Files of runs and models as answers: whole or in part.

use crate::Tracking;
use crate::artifacts::{Place, append};
use actix_web::{HttpRequest, HttpResponse};
use artel_platform::http::file::{self, File};
use artel_platform::{Error, Result};
use artel_proto::artel::artifact::v1::{GetRequest, StatRequest};
use futures::StreamExt;

impl Tracking {
    /// The answer to `request`, a GET of the file at `path` below `location`.
    pub(crate) async fn send_file(&self, request: &HttpRequest, workspace: &str, location: &str, path: &str) -> Result<HttpResponse> {
        let name = path.trim_end_matches('/').rsplit('/').next().unwrap_or(path);
        let root = match self.place(location)? {
            Place::Kept(root) => root,
            Place::Local(folder) => {
                let about = folder.stat(path).await?;
                let version = format!("{:x}-{:x}", about.written_at, about.size);
                let file = File { name, size: about.size, version: &version, written_at: Some(about.written_at) };
                return file::send(request, file, async |offset, length| folder.read_part(path, offset, length).await).await;
            }
        };
        let path = append(&root, &[path]);
        let entry = self.peers.artifact().stat(StatRequest { workspace: workspace.into(), path: path.clone() }).await?.into_inner();
        if entry.is_dir {
            return Err(Error::invalid(format!("Artifact path refers to a directory, not a file: '{path}'")));
        }
        let version = if entry.sha256.is_empty() { format!("size-{:x}", entry.size) } else { entry.sha256.clone() };
        let file = File { name, size: entry.size as u64, version: &version, written_at: None };
        let open = async |offset: u64, length: u64| {
            let request = GetRequest { workspace: workspace.into(), path, offset: offset as i64, length: Some(length as i64) };
            let chunks = self.peers.artifact().get(request).await?.into_inner();
            Ok(chunks.map(|chunk| chunk.map(|c| c.data).map_err(Error::from)))
        };
        file::send(request, file, open).await
    }
}
