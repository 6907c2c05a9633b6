//! The messages of OTLP that carry traces (opentelemetry-proto 1.x, `trace.proto`, `common.proto`, `resource.proto`), with
//! the fields that are sent. Numbers of fields in a stable protocol never change.

use server::trace::{Span as Recorded, Trace, Value};

/// `ExportTraceServiceRequest`
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Request {
    #[prost(message, repeated, tag = "1")]
    resource_spans: Vec<ResourceSpans>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct ResourceSpans {
    #[prost(message, optional, tag = "1")]
    resource: Option<Resource>,
    #[prost(message, repeated, tag = "2")]
    scope_spans: Vec<ScopeSpans>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Resource {
    #[prost(message, repeated, tag = "1")]
    attributes: Vec<KeyValue>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct ScopeSpans {
    #[prost(message, optional, tag = "1")]
    scope: Option<Scope>,
    #[prost(message, repeated, tag = "2")]
    spans: Vec<Span>,
}

/// `InstrumentationScope`
#[derive(Clone, PartialEq, prost::Message)]
struct Scope {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(string, tag = "2")]
    version: String,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Span {
    #[prost(bytes = "vec", tag = "1")]
    trace_id: Vec<u8>,
    #[prost(bytes = "vec", tag = "2")]
    span_id: Vec<u8>,
    #[prost(bytes = "vec", tag = "4")]
    parent_span_id: Vec<u8>,
    #[prost(string, tag = "5")]
    name: String,
    #[prost(int32, tag = "6")]
    kind: i32,
    #[prost(fixed64, tag = "7")]
    start_time_unix_nano: u64,
    #[prost(fixed64, tag = "8")]
    end_time_unix_nano: u64,
    #[prost(message, repeated, tag = "9")]
    attributes: Vec<KeyValue>,
    #[prost(message, optional, tag = "15")]
    status: Option<Status>,
    #[prost(fixed32, tag = "16")]
    flags: u32,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Status {
    #[prost(int32, tag = "3")]
    code: i32,
}

#[derive(Clone, PartialEq, prost::Message)]
struct KeyValue {
    #[prost(string, tag = "1")]
    key: String,
    #[prost(message, optional, tag = "2")]
    value: Option<AnyValue>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct AnyValue {
    #[prost(oneof = "Any", tags = "1, 3")]
    value: Option<Any>,
}

#[derive(Clone, PartialEq, prost::Oneof)]
enum Any {
    #[prost(string, tag = "1")]
    Text(String),
    #[prost(int64, tag = "3")]
    Number(i64),
}

const KIND_INTERNAL: i32 = 1;
const KIND_SERVER: i32 = 2;
const STATUS_ERROR: i32 = 2;

/// Flags of W3C Trace Context: sampled.
const SAMPLED: u32 = 1;
/// The next flag is known.
const KNOWS_WHETHER_REMOTE: u32 = 1 << 8;
/// The parent is a span of another process.
const IS_REMOTE: u32 = 1 << 9;

/// The request that sends these traces.
pub(super) fn request(traces: &[Trace]) -> Request {
    let version = env!("CARGO_PKG_VERSION").to_owned();
    let service = [("service.name", "matricula".to_owned()), ("service.version", version.clone())];
    let attributes =
        service.into_iter().map(|(key, value)| attribute(key, Any::Text(value))).collect::<Vec<_>>();
    let scope = Scope { name: "matricula".to_owned(), version };
    let scope_spans = vec![ScopeSpans { scope: Some(scope), spans: traces.iter().flat_map(spans).collect() }];
    Request { resource_spans: vec![ResourceSpans { resource: Some(Resource { attributes }), scope_spans }] }
}

/// The call, and its phases.
fn spans(trace: &Trace) -> impl Iterator<Item = Span> {
    let own = |span: &Recorded| Span {
        trace_id: trace.trace_id.to_vec(),
        span_id: span.id.to_vec(),
        parent_span_id: trace.span.id.to_vec(),
        name: span.name.clone(),
        kind: KIND_INTERNAL,
        start_time_unix_nano: nanoseconds(span.start),
        end_time_unix_nano: nanoseconds(span.end),
        attributes: Vec::new(),
        status: None,
        flags: SAMPLED | KNOWS_WHETHER_REMOTE,
    };
    let attributes = trace.attributes.iter().map(|(key, value)| match value {
        Value::Text(text) => attribute(key, Any::Text(text.clone())),
        Value::Number(number) => attribute(key, Any::Number(*number)),
    });
    let remote = if trace.parent_id.is_some() { IS_REMOTE } else { 0 };
    let call = Span {
        parent_span_id: trace.parent_id.map_or_else(Vec::new, Vec::from),
        kind: KIND_SERVER,
        attributes: attributes.collect(),
        status: trace.is_error.then_some(Status { code: STATUS_ERROR }),
        flags: SAMPLED | KNOWS_WHETHER_REMOTE | remote,
        ..own(&trace.span)
    };
    std::iter::once(call).chain(trace.phases.iter().map(own)).collect::<Vec<_>>().into_iter()
}

fn attribute(key: &str, value: Any) -> KeyValue {
    KeyValue { key: key.to_owned(), value: Some(AnyValue { value: Some(value) }) }
}

fn nanoseconds(time: jiff::Timestamp) -> u64 {
    u64::try_from(time.as_nanosecond()).unwrap_or_default()
}
