//! What workers say.

use crate::Scheduler;
use crate::execution::Caller;
use crate::reports::Report;
use crate::store::logs::Piece;
use crate::tries::Exit;
use artel_proto::artel::scheduler::v1::scheduler_server::Scheduler as Service;
use artel_proto::artel::scheduler::v1::{
    BundleChunk, ClaimTasksRequest, ClaimTasksResponse, ExecutionApiRequest, ExecutionApiResponse, FetchBundleRequest, HeartbeatRequest,
    HeartbeatResponse, LogPiece, ProcessEnded, RegisterWorkerRequest, RegisterWorkerResponse, ReportRequest, ReportResponse,
};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status};

/// The gRPC side.
pub(crate) struct Grpc(pub(crate) Arc<Scheduler>);

fn piece(p: &LogPiece) -> (&str, Piece<'_>) {
    (&p.ti_id, Piece { segment: Some(&p.segment), byte: p.offset, data: &p.lines })
}

fn exit(e: &ProcessEnded) -> (&str, Exit<'_>) {
    (&e.ti_id, Exit { code: e.exit_code, signal: &e.signal, said: e.sent_terminal_state })
}

/// Longest wait of one claim.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

#[tonic::async_trait]
impl Service for Grpc {
    async fn register_worker(&self, request: Request<RegisterWorkerRequest>) -> Result<Response<RegisterWorkerResponse>, Status> {
        let r = request.into_inner();
        self.0.register_worker(&r.worker_id, &r.hostname, &r.queues, i64::from(r.slots)).await?;
        Ok(Response::new(RegisterWorkerResponse { lease_ms: self.0.settings.lease().as_millis() as i64 }))
    }

    async fn claim_tasks(&self, request: Request<ClaimTasksRequest>) -> Result<Response<ClaimTasksResponse>, Status> {
        let r = request.into_inner();
        let wait = Duration::from_millis(r.wait_ms.max(0) as u64).min(LONGEST_WAIT);
        let workloads = self.0.claim(&r.worker_id, &r.queues, i64::from(r.slots), wait).await?;
        Ok(Response::new(ClaimTasksResponse { workloads }))
    }

    async fn heartbeat(&self, request: Request<HeartbeatRequest>) -> Result<Response<HeartbeatResponse>, Status> {
        let r = request.into_inner();
        let kill_ti_ids = self.0.heartbeat(&r.worker_id, &r.ti_ids).await?;
        Ok(Response::new(HeartbeatResponse { kill_ti_ids }))
    }

    async fn call_execution_api(&self, request: Request<ExecutionApiRequest>) -> Result<Response<ExecutionApiResponse>, Status> {
        let r = request.into_inner();
        let caller =
            Caller { ti_id: Some(r.ti_id), worker_id: Some(r.worker_id), rendered: r.rendered_fields_json, next_from: r.next_from };
        let reply = self.0.execution(&caller, &r.method, &r.path, &r.query, &r.body_json).await;
        let next = match reply.next {
            Some(id) => self.0.workloads(&[id]).await.map(|mut workloads| workloads.pop()).unwrap_or_else(|error| {
                tracing::warn!(error = %error.chain(), "a task could not be handed out; its lease runs out");
                None
            }),
            None => None,
        };
        Ok(Response::new(ExecutionApiResponse {
            status: i32::from(reply.status),
            body_json: reply.body.map(|b| b.to_string()).unwrap_or_default(),
            headers: reply.headers.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
            next,
        }))
    }

    async fn report(&self, request: Request<ReportRequest>) -> Result<Response<ReportResponse>, Status> {
        let r = request.into_inner();
        let report = Report {
            logs: r.logs.iter().map(piece).collect(),
            rendered: r.rendered.iter().map(|fields| (fields.ti_id.as_str(), fields.fields_json.as_str())).collect(),
            ended: r.ended.iter().map(exit).collect(),
        };
        self.0.take_report(&report).await?;
        Ok(Response::new(ReportResponse {}))
    }

    type FetchBundleStream = ReceiverStream<Result<BundleChunk, Status>>;

    async fn fetch_bundle(&self, request: Request<FetchBundleRequest>) -> Result<Response<Self::FetchBundleStream>, Status> {
        let r = request.into_inner();
        let (send, receive) = mpsc::channel(4);
        self.0.send_bundle(&r.bundle_name, &r.bundle_version, send).await?;
        Ok(Response::new(ReceiverStream::new(receive)))
    }
}
