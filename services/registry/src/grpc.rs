//! What the other services ask.

use crate::Registry;
use crate::resolve::Selector as Which;
use artel_proto::artel::registry::v1::registry_server::Registry as RegistryService;
use artel_proto::artel::registry::v1::resolve_model_request::Selector;
use artel_proto::artel::registry::v1::{ModelReference, ResolveModelRequest};
use std::sync::Arc;
use tonic::{Request, Response, Status};

pub(crate) struct Grpc(pub(crate) Arc<Registry>);

#[tonic::async_trait]
impl RegistryService for Grpc {
    async fn resolve_model(&self, request: Request<ResolveModelRequest>) -> Result<Response<ModelReference>, Status> {
        let request = request.into_inner();
        let which = match request.selector {
            Some(Selector::Version(version)) => Which::Version(version),
            Some(Selector::Alias(alias)) => Which::Alias(alias),
            Some(Selector::Latest(_)) | None => Which::Latest,
        };
        let workspace = if request.workspace.is_empty() { artel_platform::http::DEFAULT_WORKSPACE } else { &request.workspace };
        Ok(Response::new(self.0.resolve(workspace, &request.name, which).await?))
    }
}
