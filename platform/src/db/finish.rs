//! Work that goes on to its end when whoever waits for it gives up.

use std::pin::Pin;
use std::task::{Context, Poll};

/// Does `work` where it is awaited: a task of its own would be two more wake-ups. When the caller is dropped half way, what
/// is left becomes a task.
pub(super) fn finish<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> impl Future<Output = T> {
    Finish(Some(Box::pin(work)))
}

struct Finish<T: Send + 'static>(Option<Pin<Box<dyn Future<Output = T> + Send>>>);

impl<T: Send + 'static> Future for Finish<T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        // not there while it is polled: what panics is not resumed
        let mut work = self.0.take().expect("it is not polled after its end");
        let done = work.as_mut().poll(cx);
        if done.is_pending() {
            self.0 = Some(work);
        }
        done
    }
}

impl<T: Send + 'static> Drop for Finish<T> {
    fn drop(&mut self) {
        if let (Some(work), Ok(runtime)) = (self.0.take(), tokio::runtime::Handle::try_current()) {
            runtime.spawn(work);
        }
    }
}
