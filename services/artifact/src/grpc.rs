//! What the other services ask.

use crate::many::SmallFile;
use crate::objects::{Artifacts, Entry, known};
use crate::path::ArtifactPath;
use artel_platform::Error;
use artel_proto::artel::artifact::v1 as pb;
use bytes::Bytes;
use futures::stream::BoxStream;
use futures::{Stream, StreamExt, TryStreamExt};
use pb::put_request::Part;
use std::sync::Arc;
use tonic::{Request, Response, Status, Streaming};

pub(crate) struct Grpc(pub(crate) Arc<Artifacts>);

#[tonic::async_trait]
impl pb::artifact_server::Artifact for Grpc {
    type GetStream = BoxStream<'static, Result<pb::Chunk, Status>>;

    async fn list(&self, request: Request<pb::ListRequest>) -> Result<Response<pb::ListResponse>, Status> {
        let request = request.into_inner();
        let path = ArtifactPath::new(&request.path)?;
        let workspace = workspace(&request.workspace);
        let entries = if request.recursive { self.0.walk(workspace, &path).await? } else { self.0.list(workspace, &path).await? };
        Ok(Response::new(pb::ListResponse { entries: entries.into_iter().map(Into::into).collect() }))
    }

    async fn stat(&self, request: Request<pb::StatRequest>) -> Result<Response<pb::Entry>, Status> {
        let request = request.into_inner();
        let entry = self.0.stat(workspace(&request.workspace), &ArtifactPath::new(&request.path)?).await?;
        Ok(Response::new(entry.into()))
    }

    async fn get(&self, request: Request<pb::GetRequest>) -> Result<Response<Self::GetStream>, Status> {
        let request = request.into_inner();
        let content = self.0.content(workspace(&request.workspace), &ArtifactPath::new(&request.path)?).await?;
        let offset = u64::try_from(request.offset).map_err(|_| Status::invalid_argument("offset is negative"))?;
        let length = request.length.map(u64::try_from).transpose().map_err(|_| Status::invalid_argument("length is negative"))?;
        let left = content.entry.size.saturating_sub(offset);
        let bytes = self.0.read(&content, offset.min(content.entry.size), Some(length.unwrap_or(left).min(left))).await?;
        Ok(Response::new(bytes.map(|chunk| Ok(pb::Chunk { data: chunk? })).boxed()))
    }

    async fn put(&self, request: Request<Streaming<pb::PutRequest>>) -> Result<Response<pb::Entry>, Status> {
        let mut parts = request.into_inner();
        let Some(Part::Header(header)) = parts.message().await?.and_then(|first| first.part) else {
            return Err(Status::invalid_argument("the first message of an upload names the path"));
        };
        let path = ArtifactPath::new(&header.path)?;
        let entry = self.0.put(workspace(&header.workspace), &path, &header.content_type, data(parts)).await?;
        Ok(Response::new(entry.into()))
    }

    async fn put_many(&self, request: Request<pb::PutManyRequest>) -> Result<Response<pb::PutManyResponse>, Status> {
        let request = request.into_inner();
        let files = request
            .files
            .into_iter()
            .map(|file| Ok(SmallFile { path: ArtifactPath::new(&file.path)?, content_type: file.content_type, data: file.data }));
        let files = files.collect::<Result<Vec<_>, Error>>()?;
        self.0.put_many(workspace(&request.workspace), files).await?;
        Ok(Response::new(pb::PutManyResponse {}))
    }

    async fn describe(&self, _: Request<pb::DescribeRequest>) -> Result<Response<pb::DescribeResponse>, Status> {
        let serves_mlflow = self.0.config.serve_mlflow;
        Ok(Response::new(pb::DescribeResponse { serves_mlflow, direct_transfers: serves_mlflow && self.0.direct().is_some() }))
    }

    async fn delete(&self, request: Request<pb::DeleteRequest>) -> Result<Response<pb::DeleteResponse>, Status> {
        let request = request.into_inner();
        let deleted = self.0.delete(workspace(&request.workspace), &ArtifactPath::new(&request.path)?, request.recursive).await?;
        Ok(Response::new(pb::DeleteResponse { deleted: deleted as i64 }))
    }
}

fn data(parts: Streaming<pb::PutRequest>) -> impl Stream<Item = Result<Bytes, Error>> + Send + Unpin {
    parts
        .map_err(Error::from)
        .and_then(async |message: pb::PutRequest| match message.part {
            Some(Part::Data(data)) => Ok(data),
            _ => Err(Error::invalid("an upload has one header, then data")),
        })
        .boxed()
}

fn workspace(name: &str) -> &str {
    if name.is_empty() { artel_platform::http::DEFAULT_WORKSPACE } else { name }
}

impl From<Entry> for pb::Entry {
    fn from(entry: Entry) -> Self {
        Self { path: entry.path, is_dir: entry.is_dir, size: entry.size as i64, sha256: known(&entry.sha256) }
    }
}
