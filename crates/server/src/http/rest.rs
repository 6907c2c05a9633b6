//! What is left of a body when the answer is there. A client that still sends it would be cut off by a connection that
//! ends, and might never see the answer: so a small rest is read, and otherwise the answer says that the connection ends.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use http::header::{CONNECTION, HeaderValue};
use hyper::body::Body as _;

use api::room::Place;

/// Longest rest that is read, in bytes.
const LONGEST: usize = 64 << 10;

/// How long it is waited for.
const ARRIVES_WITHIN: Duration = Duration::from_secs(1);

/// Reads the rest of the body that was answered with `response`. False: the client may still send some of it, and was told
/// that the connection ends. One that `asked` for leave to send the body was given none.
pub(super) async fn is_read(response: &mut Response, asked: bool) -> bool {
    let Some(place) = response.extensions_mut().remove::<Arc<Place>>() else { return true };
    let Some(body) = place.rest() else { return true };
    let is_read = !asked && tokio::time::timeout(ARRIVES_WITHIN, read(&place, body)).await == Ok(true);
    place.leave();
    if !is_read {
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    is_read
}

/// Reads a body to its end, and keeps none of it.
async fn read(place: &Place, mut body: Body) -> bool {
    if body.size_hint().lower() > LONGEST as u64 {
        return false;
    }
    let mut read = 0;
    while !body.is_end_stream() {
        let frame = poll_fn(|cx| match Pin::new(&mut body).poll_frame(cx) {
            Poll::Pending if !place.wait() => Poll::Ready(Err(())),
            Poll::Pending => Poll::Pending,
            Poll::Ready(Some(Ok(frame))) => Poll::Ready(Ok(Some(frame))),
            Poll::Ready(Some(Err(_))) => Poll::Ready(Err(())),
            Poll::Ready(None) => Poll::Ready(Ok(None)),
        });
        match frame.await {
            Ok(Some(frame)) => read += frame.data_ref().map_or(0, |data| data.len()),
            Ok(None) => return true,
            Err(()) => return false,
        }
        if read > LONGEST {
            return false;
        }
    }
    true
}
