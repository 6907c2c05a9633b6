//! The body of an arriving request: counted, and kept if it was not read.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::BoxError;
use axum::body::{Body, Bytes};
use http::HeaderMap;
use http::header::CONTENT_LENGTH;
use hyper::body::{Body as _, Frame, SizeHint};
use thiserror::Error;

use super::Place;

/// Longest body, in bytes, of a caller that only the body identifies: it holds a password or a secret, and little else.
const STRANGERS_BODY: usize = 16 << 10;

/// Why reading a body was stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Unread {
    /// The body is longer than this many bytes.
    #[error("the body is larger than {0} bytes")]
    TooLarge(usize),
    /// Too many bodies are being received.
    #[error("too many bodies are being received")]
    Busy,
}

impl Unread {
    /// The cause of a read error, if it is one of these.
    pub fn because_of(error: &(dyn std::error::Error + 'static)) -> Option<Self> {
        let mut error = Some(error);
        while let Some(cause) = error {
            if let Some(unread) = cause.downcast_ref() {
                return Some(*unread);
            }
            error = cause.source();
        }
        None
    }
}

/// A body that is read within the limits of its slot.
pub struct Intake {
    body: Body,
    place: Arc<Place>,
    length: Option<u64>,
    most: usize,
    read: usize,
    ended: bool,
}

impl Intake {
    /// Wraps the body of a request with these headers.
    pub fn of(body: Body, headers: &HeaderMap, place: &Arc<Place>) -> Body {
        if body.is_end_stream() {
            return body;
        }
        let length = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
        let most = if place.unknown { STRANGERS_BODY } else { usize::MAX };
        Body::new(Self { body, place: Arc::clone(place), length, most, read: 0, ended: false })
    }

    fn left(&self) -> Option<u64> {
        self.length.map(|length| length.saturating_sub(self.read as u64))
    }
}

impl hyper::body::Body for Intake {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let this = &mut *self;
        let too_large = Unread::TooLarge(this.most);
        // Before the first byte is read, so that the client is not told to send the body.
        if this.left().is_some_and(|left| left > (this.most - this.read) as u64) {
            return Poll::Ready(Some(Err(too_large.into())));
        }
        let frame = match Pin::new(&mut this.body).poll_frame(cx) {
            Poll::Ready(frame) => frame.transpose()?,
            Poll::Pending if this.place.wait() => return Poll::Pending,
            Poll::Pending => return Poll::Ready(Some(Err(Unread::Busy.into()))),
        };
        if let Some(data) = frame.as_ref().and_then(Frame::data_ref) {
            if data.len() > this.most - this.read {
                return Poll::Ready(Some(Err(too_large.into())));
            }
            this.read += data.len();
            if !this.place.draw(data.len()) {
                return Poll::Ready(Some(Err(Unread::Busy.into())));
            }
        }
        this.ended = frame.is_none() || this.body.is_end_stream();
        if this.ended && !this.place.arrive() {
            return Poll::Ready(Some(Err(Unread::Busy.into())));
        }
        Poll::Ready(frame.map(Ok))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.left().map_or_else(|| self.body.size_hint(), SizeHint::with_exact)
    }
}

impl Drop for Intake {
    fn drop(&mut self) {
        if !self.ended {
            self.place.lock().rest = Some(std::mem::take(&mut self.body));
        }
    }
}
