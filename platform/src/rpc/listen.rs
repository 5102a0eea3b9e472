//! The gRPC listener of a process whose services others must reach. Every call carries a token.

use super::guard::Guard;
use crate::error::{Result, ResultExt};
use crate::identity::Keys;
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;

/// Serves `routes` on `address` until `stop`. Returns when it listens; the future it returns ends with the server.
pub async fn serve(
    address: &str,
    routes: Routes,
    keys: Keys,
    stop: CancellationToken,
) -> Result<impl Future<Output = ()> + Send + 'static> {
    let listener = tokio::net::TcpListener::bind(address).await.map_err(|e| crate::http::cannot_listen(address, &e))?;
    let guard = tower::layer::layer_fn(move |inner| Guard::new(inner, keys.clone()));
    let server = Server::builder().layer(guard).add_routes(routes);
    // an answer is not held back until the one before it has been acknowledged, which takes 40 ms
    let incoming = TcpIncoming::from(listener).with_nodelay(Some(true));
    Ok(async move {
        let ended = server.serve_with_incoming_shutdown(incoming, stop.cancelled_owned()).await;
        if let Err(error) = ended.or_internal("the gRPC server failed") {
            tracing::error!(error = %error.chain(), "gRPC server");
        }
    })
}
