//! The body of a request as a stream that may move between threads.

use actix_web::web::Payload;
use artel_platform::{Error, Result};
use bytes::Bytes;
use futures::StreamExt;
use tokio::sync::mpsc::Sender;
use tokio_stream::wrappers::ReceiverStream;

/// Chunks under way between the client and the store.
const UNDER_WAY: usize = 4;

/// Gives the body to `take` while it arrives. The body lives on this thread and the store wants a stream that may move:
/// a short channel joins them.
pub(crate) async fn sent<T>(body: Payload, take: impl AsyncFnOnce(ReceiverStream<Result<Bytes>>) -> T) -> T {
    let (send, receive) = tokio::sync::mpsc::channel(UNDER_WAY);
    let (taken, ()) = futures::join!(take(ReceiverStream::new(receive)), pump(body, send));
    taken
}

/// Passes the body on until it ends, breaks off, or nobody listens any more.
async fn pump(mut body: Payload, send: Sender<Result<Bytes>>) {
    while let Some(chunk) = body.next().await {
        let chunk = chunk.map_err(|e| Error::invalid("the upload broke off before its end").because(e.to_string()));
        let broken = chunk.is_err();
        if send.send(chunk).await.is_err() || broken {
            return;
        }
    }
}
