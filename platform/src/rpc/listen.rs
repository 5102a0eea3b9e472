//! The gRPC listener of a process whose services others must reach. Every call carries an internal token.

use crate::error::{Result, ResultExt};
use crate::identity::{Audience, Keys};
use tokio_util::sync::CancellationToken;
use tonic::service::{InterceptorLayer, Routes};
use tonic::transport::Server;

/// Serves `routes` on `address` until `stop`. Returns when it listens; the future it returns ends with the server.
pub async fn serve(
    address: &str,
    routes: Routes,
    keys: Keys,
    stop: CancellationToken,
) -> Result<impl Future<Output = ()> + Send + 'static> {
    let listener = tokio::net::TcpListener::bind(address).await.map_err(|e| crate::http::cannot_listen(address, &e))?;
    let check = move |request: tonic::Request<()>| {
        let token = request.metadata().get("authorization").and_then(|v| v.to_str().ok()).and_then(|v| v.strip_prefix("Bearer "));
        let token = token.ok_or_else(|| tonic::Status::unauthenticated("this address is for Artel's own services"))?;
        keys.verify(token, Audience::Internal).map_err(tonic::Status::from)?;
        Ok(request)
    };
    let server = Server::builder().layer(InterceptorLayer::new(check)).add_routes(routes);
    let incoming = tokio_stream::wrappers::TcpListenerStream::new(listener);
    Ok(async move {
        let ended = server.serve_with_incoming_shutdown(incoming, stop.cancelled_owned()).await;
        if let Err(error) = ended.or_internal("the gRPC server failed") {
            tracing::error!(error = %error.chain(), "gRPC server");
        }
    })
}
