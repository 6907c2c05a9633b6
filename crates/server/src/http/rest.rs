//! The rest of a body after its response. Closing a connection resets a client that is still sending, which may then
//! never see the response. So a small rest is read; otherwise the response announces that the connection is closed.

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

/// Timeout for the rest.
const ARRIVES_WITHIN: Duration = Duration::from_secs(1);

/// Reads the rest of the body. False: the client may still be sending, and `response` tells it that the connection is
/// closed. `asked`: the client expects `100 Continue`, which it never got.
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

/// Reads a body to its end and discards it.
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
