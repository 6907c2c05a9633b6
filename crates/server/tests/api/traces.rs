//! Traces of sampled calls.

use std::sync::{Arc, Mutex};

use server::trace::{Sink, Trace, Value};
use testkit::Response;
use testkit::TestServer;
use testkit::client::SignedHeaders;

use crate::user;

const CREATE: &str = "/api/user/create-user";
const SAMPLED: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
const UNSAMPLED: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00";

#[derive(Default)]
struct Taken(Mutex<Vec<Trace>>);

impl Sink for Taken {
    fn take(&self, trace: Trace) {
        self.0.lock().unwrap().push(trace);
    }
}

impl Taken {
    /// Its traces, which it forgets.
    fn all(&self) -> Vec<Trace> {
        std::mem::take(&mut self.0.lock().unwrap())
    }

    fn only(&self) -> Trace {
        let mut all = self.all();
        assert_eq!(all.len(), 1, "{all:?}");
        all.remove(0)
    }
}

async fn start(sample: f64) -> (TestServer, Arc<Taken>) {
    let server = TestServer::start().await;
    let taken = Arc::new(Taken::default());
    server.server().set_traces(Arc::clone(&taken) as _, sample);
    (server, taken)
}

/// Calls a path as an administrator, with these headers `traceparent`.
async fn send(server: &TestServer, path: &str, parents: &[&str], body: String) -> Response {
    send_signed(server, &server.administrator().signed(path), path, parents, body).await
}

async fn send_signed(
    server: &TestServer,
    signed: &SignedHeaders,
    path: &str,
    parents: &[&str],
    body: String,
) -> Response {
    let parents = parents.iter().map(|parent| ("traceparent", *parent));
    let headers: Vec<_> = signed
        .iter()
        .chain(parents)
        .map(|(name, value)| (name.to_owned(), value.as_bytes().to_vec()))
        .collect();
    server.raw(path, &headers, body).await
}

fn attribute<'t>(trace: &'t Trace, name: &str) -> Option<&'t Value> {
    trace.attributes.iter().find(|(key, _)| *key == name).map(|(_, value)| value)
}

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

/// The phases by name, after a check of their times.
fn phases(trace: &Trace) -> Vec<&str> {
    let mut last = trace.span.start;
    for phase in &trace.phases {
        assert!(phase.start >= last && phase.end >= phase.start, "one after the other: {trace:?}");
        assert_ne!(phase.id, trace.span.id);
        last = phase.end;
    }
    assert!(last <= trace.span.end, "within the call: {trace:?}");
    trace.phases.iter().map(|phase| phase.name.as_str()).collect()
}

#[tokio::test]
async fn a_sampled_call_has_its_phases_in_order() {
    let (server, taken) = start(0.0).await;
    let response = send(&server, CREATE, &[SAMPLED], user("ann@example.com")).await;
    assert_eq!(response.rows(), 1, "{response}");
    let trace = taken.only();
    let own = u64::from_be_bytes(trace.span.id);
    let header = format!("00-4bf92f3577b34da6a3ce929d0e0e4736-{own:016x}-01");
    assert_eq!(response.header("traceparent"), Some(header.as_str()));
    assert_eq!(trace.trace_id, 0x4bf9_2f35_77b3_4da6_a3ce_929d_0e0e_4736_u128.to_be_bytes());
    assert_eq!(trace.parent_id, Some(0x00f0_67aa_0ba9_02b7_u64.to_be_bytes()));
    assert_eq!(phases(&trace), ["auth", "rules", "store.wait", "store.commit"]);
    assert!(trace.phases[3].end > trace.phases[3].start, "a commit takes time");
    assert_eq!(trace.span.name, "POST /api/user/create-user");
    assert_eq!(attribute(&trace, "http.request.method"), Some(&text("POST")));
    assert_eq!(attribute(&trace, "http.route"), Some(&text(CREATE)));
    assert_eq!(attribute(&trace, "http.response.status_code"), Some(&Value::Number(200)));
    assert_eq!(attribute(&trace, "matricula.items"), Some(&Value::Number(1)));
    assert!(attribute(&trace, "matricula.request_id").is_some() && !trace.is_error);
}

#[tokio::test]
async fn other_writes_reads_and_refusals_have_the_phases_that_they_reached() {
    let (server, taken) = start(0.0).await;
    send(&server, CREATE, &[], user("ann@example.com")).await;
    let gone = send(&server, "/api/user/delete-user", &[SAMPLED], user("ann@example.com")).await;
    assert_eq!((gone.status, gone.rows()), (200, 1), "{gone}");
    assert_eq!(phases(&taken.only()), ["auth", "rules", "store.wait", "store.commit"]);
    send(&server, "/api/user/get-internal-users", &[SAMPLED], String::new()).await;
    assert_eq!(phases(&taken.only()), ["auth", "rules"]);
    let signed = server.administrator().signed("/api/another");
    let signed_wrong = send_signed(&server, &signed, CREATE, &[SAMPLED], user("bob@example.com")).await;
    assert_eq!(signed_wrong.status, 401);
    let refused = taken.only();
    assert_eq!(phases(&refused), ["auth"]);
    assert_eq!(attribute(&refused, "matricula.code"), Some(&text("err_xdk_invalid_signature")));
    assert!(!refused.is_error, "the server did what it should");
}

#[tokio::test]
async fn a_call_whose_trace_is_not_sampled_has_none() {
    let (server, taken) = start(0.0).await;
    let without = send(&server, CREATE, &[], user("ann@example.com")).await;
    assert_eq!((without.rows(), without.header("traceparent")), (1, None));
    let unsampled = send(&server, CREATE, &[UNSAMPLED], user("bob@example.com")).await;
    let header = unsampled.header("traceparent").unwrap();
    assert!(
        header.starts_with(&UNSAMPLED[..36]) && header.ends_with("-00") && header != UNSAMPLED,
        "{header}"
    );
    // Neither an invalid header nor two of them are an error.
    for (parents, address) in [(&["no"][..], "c@example.com"), (&[SAMPLED, SAMPLED], "d@example.com")] {
        let ignored = send(&server, CREATE, parents, user(address)).await;
        assert_eq!((ignored.rows(), ignored.header("traceparent")), (1, None));
    }
    assert_eq!(taken.all(), []);
}

#[tokio::test]
async fn without_a_parent_the_share_decides() {
    let (server, taken) = start(1.0).await;
    let response = send(&server, CREATE, &[], user("ann@example.com")).await;
    let trace = taken.only();
    assert_eq!(trace.parent_id, None);
    let named = format!("00-{:032x}-", u128::from_be_bytes(trace.trace_id));
    assert!(response.header("traceparent").unwrap().starts_with(&named));
    // The caller's decision comes first.
    send(&server, CREATE, &[UNSAMPLED], user("bob@example.com")).await;
    // Neither is a call, nor is its path known.
    server.get("/healthz").await;
    server.get("/console/login").await;
    assert_eq!(taken.all(), []);
    server.get("/ann@example.com?secret=1").await;
    let unknown = taken.only();
    assert_eq!((unknown.span.name.as_str(), attribute(&unknown, "http.route")), ("GET", None));
    assert!(!format!("{unknown:?}").contains("ann@"), "{unknown:?}");
}

#[tokio::test]
async fn without_a_sink_there_is_no_header() {
    let server = TestServer::start().await;
    let response = send(&server, CREATE, &[SAMPLED], user("ann@example.com")).await;
    assert_eq!((response.rows(), response.header("traceparent")), (1, None));
}
