//! Traces of calls: which are sampled, and what is in them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use axum::response::Response;
use directory::port::{Clock, Entropy};
use http::request::Parts;
use http::{HeaderValue, Method};
use jiff::Timestamp;
use observe::Line;
use observe::trace::{Recorder, Sink, Span, Trace, Value, later};
use wire::trace_parent::{TRACE_PARENT, TraceParent};

/// The methods that attributes name; others are `_OTHER`.
const METHODS: [Method; 8] = [
    Method::GET,
    Method::POST,
    Method::PUT,
    Method::DELETE,
    Method::HEAD,
    Method::OPTIONS,
    Method::PATCH,
    Method::TRACE,
];

/// The draws of a sampler, of which it takes a share.
const DRAWS: f64 = (1_u64 << 53) as f64;

/// Where traces go, and which calls have one.
pub(crate) struct Traces {
    sink: Arc<dyn Sink>,
    entropy: Arc<dyn Entropy>,
    /// A draw below this is sampled.
    below: u64,
    /// The state of the draws: a call to the system for each request would cost more than all else here.
    state: AtomicU64,
}

/// A call whose response gets a header. On the heap, because few calls have one.
pub(crate) struct Traced(Box<Inner>);

struct Inner {
    /// The trace, and the span of this call.
    own: TraceParent,
    parent_id: Option<[u8; 8]>,
    /// Only of a sampled call.
    recording: Option<Recording>,
}

struct Recording {
    recorder: Arc<Recorder>,
    start: Timestamp,
    sink: Arc<dyn Sink>,
    entropy: Arc<dyn Entropy>,
}

impl Traces {
    /// `sample`: a share between 0 and 1.
    pub(crate) fn new(sink: Arc<dyn Sink>, sample: f64, entropy: Arc<dyn Entropy>) -> Self {
        let state = AtomicU64::new(u64::from_le_bytes(random(&*entropy)));
        Self { sink, entropy, below: (sample.clamp(0.0, 1.0) * DRAWS) as u64, state }
    }

    /// Whether a call without a parent is sampled: splitmix64, by Sebastiano Vigna.
    fn draw(&self) -> bool {
        const STEP: u64 = 0x9e37_79b9_7f4a_7c15;
        let mut z = self.state.fetch_add(STEP, Ordering::Relaxed);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) >> 11 < self.below
    }

    /// Begins the trace of a call; `None` if it is not sampled and no caller expects its header.
    pub(crate) fn begin(&self, parts: &mut Parts, started: Instant, clock: &dyn Clock) -> Option<Traced> {
        let parent = parent(parts);
        if !parent.map_or_else(|| self.draw(), |parent| parent.is_sampled) {
            let own = TraceParent { span_id: nonzero(&*self.entropy), ..parent? };
            return Some(Traced(Box::new(Inner { own, parent_id: None, recording: None })));
        }
        let trace_id = parent.map_or_else(|| nonzero(&*self.entropy), |parent| parent.trace_id);
        let own = TraceParent { trace_id, span_id: nonzero(&*self.entropy), is_sampled: true };
        let recorder = Arc::new(Recorder::new(started));
        parts.extensions.insert(Arc::clone(&recorder));
        let (sink, entropy) = (Arc::clone(&self.sink), Arc::clone(&self.entropy));
        let recording = Some(Recording { recorder, start: clock.now(), sink, entropy });
        Some(Traced(Box::new(Inner { own, parent_id: parent.map(|parent| parent.span_id), recording })))
    }
}

impl Traced {
    /// Ends the trace of a call: the response gets the header, and the sink the trace.
    pub(crate) fn finish(self, response: &mut Response, method: &Method, line: &Line, took: Duration) {
        let Self(inner) = self;
        let Inner { own, parent_id, recording } = *inner;
        if let Ok(header) = HeaderValue::from_str(&own.to_string()) {
            response.headers_mut().insert(TRACE_PARENT, header);
        }
        let Some(Recording { recorder, start, sink, entropy }) = recording else { return };
        let method = METHODS.iter().find(|known| *known == method).map(Method::as_str);
        let name =
            [Some(method.unwrap_or("HTTP")), line.route].into_iter().flatten().collect::<Vec<_>>().join(" ");
        let status = response.status();
        sink.take(Trace {
            trace_id: own.trace_id,
            parent_id,
            span: Span { id: own.span_id, name, start, end: later(start, took) },
            attributes: attributes(method, status.as_u16(), line),
            is_error: status.is_server_error(),
            phases: recorder.phases(start, took, || nonzero(&*entropy)),
        });
    }
}

/// No path, because one that is no endpoint's may contain anything.
fn attributes(method: Option<&str>, status: u16, line: &Line) -> Vec<(&'static str, Value)> {
    let text = |text: &str| Value::Text(text.to_owned());
    let mut attributes = vec![
        ("http.request.method", text(method.unwrap_or("_OTHER"))),
        ("http.response.status_code", Value::Number(status.into())),
    ];
    let optional = [
        ("http.route", line.route),
        ("error.type", line.code.filter(|_| status >= 500)),
        ("matricula.code", line.code),
        ("matricula.request_id", line.request_id.as_deref()),
    ];
    attributes.extend(optional.into_iter().filter_map(|(name, value)| Some((name, text(value?)))));
    if line.items > 0 {
        attributes.push(("matricula.items", Value::Number(i64::try_from(line.items).unwrap_or(i64::MAX))));
    }
    attributes
}

/// The parent that a request names; `None` if it names none, or several.
fn parent(parts: &Parts) -> Option<TraceParent> {
    let mut headers = parts.headers.get_all(TRACE_PARENT).iter();
    let only = headers.next().filter(|_| headers.next().is_none());
    TraceParent::parse(only?.as_bytes())
}

fn random<const N: usize>(entropy: &dyn Entropy) -> [u8; N] {
    let mut bytes = [0; N];
    entropy.fill(&mut bytes);
    bytes
}

/// An id; all zeros is none.
fn nonzero<const N: usize>(entropy: &dyn Entropy) -> [u8; N] {
    loop {
        let id = random(entropy);
        if id != [0; N] {
            return id;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::System;

    struct Nowhere;

    impl Sink for Nowhere {
        fn take(&self, _: Trace) {}
    }

    #[test]
    fn the_share_is_sampled() {
        let drawn = |sample| {
            let traces = Traces::new(Arc::new(Nowhere), sample, System::real().entropy);
            (0..100_000).filter(|_| traces.draw()).count()
        };
        assert_eq!((drawn(0.0), drawn(1.0)), (0, 100_000));
        let hundredth = drawn(0.01);
        assert!((800..1_200).contains(&hundredth), "{hundredth} of 100,000");
    }
}
