//! What the other services ask.

use crate::{Tracking, logged_models};
use artel_proto::artel::tracking::v1::tracking_server::Tracking as TrackingService;
use artel_proto::artel::tracking::v1::{
    DescribeLoggedModelRequest, DescribeRunRequest, DescribeWorkspaceRequest, LoggedModelDescription, RunDescription, WorkspaceDescription,
};
use std::sync::Arc;
use tonic::{Request, Response, Status};

/// The gRPC side.
pub(crate) struct TrackingGrpc(pub(crate) Arc<Tracking>);

#[async_trait::async_trait]
impl TrackingService for TrackingGrpc {
    async fn describe_run(&self, request: Request<DescribeRunRequest>) -> Result<Response<RunDescription>, Status> {
        let request = request.into_inner();
        let run = self.0.get_run(&request.workspace, &request.run_id).await?;
        Ok(Response::new(described(run)))
    }

    async fn describe_workspace(&self, request: Request<DescribeWorkspaceRequest>) -> Result<Response<WorkspaceDescription>, Status> {
        let name = self.0.workspace(&request.into_inner().name).await?.name;
        Ok(Response::new(WorkspaceDescription { name }))
    }

    async fn describe_logged_model(
        &self,
        request: Request<DescribeLoggedModelRequest>,
    ) -> Result<Response<LoggedModelDescription>, Status> {
        let request = request.into_inner();
        let model = self.0.find_logged_model(&request.workspace, &request.model_id, false).await?;
        Ok(Response::new(LoggedModelDescription {
            status: logged_models::status_name(model.status).into(),
            model_id: model.model_id,
            experiment_id: model.experiment.to_string(),
            name: model.name,
            artifact_uri: model.artifact_location,
            source_run_id: model.source_run_id.unwrap_or_default(),
        }))
    }
}

fn described(run: artel_proto::mlflow::Run) -> RunDescription {
    let (info, data) = (run.info.unwrap_or_default(), run.data.unwrap_or_default());
    RunDescription {
        run_id: info.run_id().into(),
        experiment_id: info.experiment_id().into(),
        run_name: info.run_name().into(),
        status: info.status().as_str_name().into(),
        artifact_uri: info.artifact_uri().into(),
        lifecycle_stage: info.lifecycle_stage().into(),
        metrics: data.metrics.iter().map(|m| (m.key().to_owned(), m.value())).collect(),
        params: data.params.iter().map(|p| (p.key().to_owned(), p.value().to_owned())).collect(),
    }
}
