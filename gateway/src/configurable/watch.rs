//! Bodies that are noted on their way: as activity of their route, and as signs of life of their target.

use super::Shared;
use super::routes::Route;
use crate::proxy::BoxError;
use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::time::{Instant, Sleep, sleep};

/// What counts as activity.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Counts {
    /// Each part: of what clients send.
    Parts,
    /// The end: of answers that are a success. A flood of errors must not make a dead server look alive.
    End,
    /// Nothing.
    Never,
}

/// A body beside its route.
pub(super) struct Watched<B> {
    inner: B,
    route: Arc<Route>,
    shared: Arc<Shared>,
    counts: Counts,
    /// `--proxy-timeout`.
    patience: Option<(Duration, Pin<Box<Sleep>>)>,
}

impl<B: Body> Watched<B> {
    pub(super) fn new(inner: B, route: Arc<Route>, shared: Arc<Shared>, counts: Counts, patience: Option<Duration>) -> Self {
        let watched = Self { inner, route, shared, counts, patience: patience.map(|limit| (limit, Box::pin(sleep(limit)))) };
        if watched.inner.is_end_stream() {
            watched.ended();
        }
        watched
    }

    fn ended(&self) {
        if self.counts == Counts::End {
            self.shared.routes.touch(&self.route);
        }
    }
}

impl<B: Body<Data = Bytes> + Unpin> Body for Watched<B>
where
    B::Error: Into<BoxError>,
{
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let this = &mut *self;
        let polled = Pin::new(&mut this.inner).poll_frame(cx);
        match &polled {
            Poll::Pending => {
                if let Some((_, sleep)) = &mut this.patience
                    && sleep.as_mut().poll(cx).is_ready()
                {
                    return Poll::Ready(Some(Err("the target fell silent".into())));
                }
            }
            Poll::Ready(None) => this.ended(),
            Poll::Ready(Some(Err(_))) => {}
            Poll::Ready(Some(Ok(_))) => {
                if let Some((limit, sleep)) = &mut this.patience {
                    sleep.as_mut().reset(Instant::now() + *limit);
                }
                if this.counts == Counts::Parts {
                    this.shared.routes.touch(&this.route);
                }
                if this.inner.is_end_stream() {
                    this.ended();
                }
            }
        }
        polled.map_err(Into::into)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
