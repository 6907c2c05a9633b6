//! The rest of a body that was not read before the response, for instance after an invalid signature: a complete
//! journal must contain it.

use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes};
use hyper::body::{Frame, SizeHint};

use super::lock;

/// How long the response waits for the rest. Most bodies have arrived already.
const ARRIVES_WITHIN: Duration = Duration::from_millis(250);

/// A body whose rest is read by another task.
#[derive(Clone)]
pub(super) struct Shared(Arc<Mutex<Body>>);

impl Shared {
    pub(super) fn new(body: Body) -> Self {
        Self(Arc::new(Mutex::new(body)))
    }

    pub(super) async fn read_rest(mut self, wanted: impl Fn() -> bool) {
        let reading = async {
            while wanted() && !hyper::body::Body::is_end_stream(&self) {
                let next = std::future::poll_fn(|cx| hyper::body::Body::poll_frame(Pin::new(&mut self), cx));
                if !matches!(next.await, Some(Ok(_))) {
                    break;
                }
            }
        };
        // A partial rest is recorded as well.
        let _ = tokio::time::timeout(ARRIVES_WITHIN, reading).await;
    }
}

impl hyper::body::Body for Shared {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut *lock(&self.0)).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        lock(&self.0).is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        lock(&self.0).size_hint()
    }
}
