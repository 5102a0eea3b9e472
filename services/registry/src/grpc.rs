//! What the other services ask.

use crate::Registry;
use crate::resolve::Selector as Which;
use crate::search::SearchRequest;
use artel_proto::artel::registry::v1::registry_server::Registry as RegistryService;
use artel_proto::artel::registry::v1::resolve_model_request::Selector;
use artel_proto::artel::registry::v1::{
    CountModelsRequest, CountModelsResponse, ModelReference, ResolveModelRequest, SearchModelVersionsRequest, SearchModelVersionsResponse,
};
use artel_proto::mlflow::search_model_versions;
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

    async fn count_models(&self, request: Request<CountModelsRequest>) -> Result<Response<CountModelsResponse>, Status> {
        let workspace = request.into_inner().workspace;
        let registered_models = crate::store::workspaces::count(&self.0.db, "registered_models", &workspace).await?;
        let webhooks = crate::store::workspaces::count(&self.0.db, "webhooks", &workspace).await?;
        Ok(Response::new(CountModelsResponse { registered_models, webhooks }))
    }

    async fn search_model_versions(
        &self,
        request: Request<SearchModelVersionsRequest>,
    ) -> Result<Response<SearchModelVersionsResponse>, Status> {
        let request = request.into_inner();
        let search = request.search.unwrap_or_default();
        let search = SearchRequest {
            filter: search.filter().into(),
            max_results: search.max_results(),
            order_by: search.order_by,
            page_token: search.page_token,
            visible: Default::default(),
        };
        let (model_versions, next_page_token) = self.0.search_model_versions(&request.workspace, &search).await?;
        Ok(Response::new(SearchModelVersionsResponse { found: Some(search_model_versions::Response { model_versions, next_page_token }) }))
    }
}
