//! Traces of the real binary, sent to a receiver that decodes them with the messages of OpenTelemetry for Python. Without
//! the feature `traces` the setting is an error.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[expect(dead_code, reason = "the sandbox is not needed here")]
mod running;

use std::path::Path;

use running::matricula;

/// A directory with a domain, an administrator with keys, and a configuration with these traces.
fn new_site(folder: &Path, traces: &str) {
    let config = folder.join("matricula.toml");
    let arguments = ["init", "--domain", "acme.example", "--listen", "127.0.0.1:0", "--config"];
    let made = matricula(&arguments).arg(&config).output().unwrap();
    assert!(made.status.success(), "{made:?}");
    let text = std::fs::read_to_string(&config).unwrap();
    std::fs::write(&config, format!("{text}\n{traces}")).unwrap();
}

#[cfg(not(feature = "traces"))]
#[test]
fn without_the_feature_the_setting_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    new_site(folder.path(), "[traces]\nendpoint = \"http://127.0.0.1:4318/v1/traces\"\n");
    for arguments in [&["serve"][..], &["serve", "--check"], &["doctor"]] {
        let config = folder.path().join("matricula.toml");
        let output = matricula(arguments).arg("--config").arg(config).output().unwrap();
        let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        let words: Vec<_> = said.split_whitespace().collect();
        assert!(!output.status.success(), "{said}");
        assert!(words.join(" ").contains("this program was built without traces"), "{said}");
    }
}

#[cfg(feature = "traces")]
mod sent {
    use std::io::{BufRead as _, BufReader, Read as _, Write as _};
    use std::net::TcpStream;
    use std::path::{Path, PathBuf};
    use std::process::{Child, ChildStdout, Command, Stdio};
    use std::time::{Duration, Instant};

    use rustix::process::{Pid, Signal, kill_process};
    use serde_json::Value;

    use super::running::Running;
    use super::{matricula, new_site};

    const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    /// Prints every span that it receives as a line of JSON.
    const RECEIVER: &str = r#"
import http.server, json, sys
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest as Request
from google.protobuf.json_format import MessageToDict

class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        assert (self.path, self.headers["content-type"]) == ("/v1/traces", "application/x-protobuf")
        for resource in Request.FromString(body).resource_spans:
            service = {a.key: a.value.string_value for a in resource.resource.attributes}
            for scope in resource.scope_spans:
                for span in scope.spans:
                    line = {
                        "service": service["service.name"], "trace": span.trace_id.hex(), "id": span.span_id.hex(),
                        "parent": span.parent_span_id.hex(), "name": span.name, "kind": span.kind, "flags": span.flags,
                        "start": span.start_time_unix_nano, "end": span.end_time_unix_nano, "status": span.status.code,
                        "attributes": {a.key: MessageToDict(a.value) for a in span.attributes},
                    }
                    print(json.dumps(line), flush=True)
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass

server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
print(server.server_port, flush=True)
server.serve_forever()
"#;

    #[expect(clippy::disallowed_methods, reason = "a test reads its own settings from the environment")]
    fn python() -> Option<PathBuf> {
        let made = concat!(env!("CARGO_MANIFEST_DIR"), "/../../.test-tools/venv/bin/python");
        let named = std::env::var_os("MATRICULA_TEST_PYTHON").unwrap_or_else(|| made.into());
        let imports = ["-c", "import opentelemetry.proto.collector.trace.v1.trace_service_pb2"];
        let found = Command::new(&named).args(imports).status().is_ok_and(|status| status.success());
        if !found {
            testkit::left_out("traces to a receiver of OTLP", "opentelemetry-proto for Python");
        }
        found.then(|| named.into())
    }

    fn receiver(python: PathBuf) -> (Running, u16, BufReader<ChildStdout>) {
        let mut process =
            Running(Command::new(python).args(["-c", RECEIVER]).stdout(Stdio::piped()).spawn().unwrap());
        let mut lines = BufReader::new(process.0.stdout.take().unwrap());
        let mut port = String::new();
        lines.read_line(&mut port).unwrap();
        (process, port.trim().parse().unwrap(), lines)
    }

    /// A server, and its address.
    fn serve(folder: &Path) -> (Running, String, BufReader<std::process::ChildStderr>) {
        let mut command = matricula(&["serve", "--config"]);
        let child: Child = command.arg(folder.join("matricula.toml")).stderr(Stdio::piped()).spawn().unwrap();
        let mut process = Running(child);
        let mut log = BufReader::new(process.0.stderr.take().unwrap());
        loop {
            let mut line = String::new();
            assert!(log.read_line(&mut line).unwrap() > 0, "the server ended");
            let line: Value = serde_json::from_str(&line).unwrap();
            if line["message"] == "listening" {
                return (process, line["address"].as_str().unwrap().to_owned(), log);
            }
        }
    }

    fn call(address: &str, headers: &str) -> String {
        let mut stream = TcpStream::connect(address).unwrap();
        let body = r#"{"data":[]}"#;
        let length = body.len();
        let request = format!(
            "POST /api/user/create-user HTTP/1.1\r\nhost: x\r\n{headers}connection: close\r\ncontent-length: {length}\r\n\r\n{body}"
        );
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    /// Creates a user with the keys of the administrator.
    fn create(folder: &Path, address: &str) {
        let keys = folder.join("keys.json");
        let mut text: Value = serde_json::from_slice(&std::fs::read(&keys).unwrap()).unwrap();
        text["base_url"] = format!("http://{address}").into();
        std::fs::write(&keys, text.to_string()).unwrap();
        let create = ["user", "create", "--email", "ann@acme.example", "--keys"];
        let created = matricula(&create).arg(&keys).output().unwrap();
        assert!(created.status.success(), "{created:?}");
    }

    #[test]
    fn a_collector_gets_the_traces_at_the_latest_at_the_stop() {
        let Some(python) = python() else { return };
        let (collector, port, mut lines) = receiver(python);
        let folder = tempfile::tempdir().unwrap();
        let endpoint = format!("http://127.0.0.1:{port}/v1/traces");
        new_site(folder.path(), &format!("[traces]\nendpoint = \"{endpoint}\"\nsample = 1.0\n"));
        let (mut server, address, _log) = serve(folder.path());
        create(folder.path(), &address);
        // Without a signature.
        let answer = call(&address, &format!("traceparent: {PARENT}\r\n"));
        assert!(answer.contains(&PARENT[..36]), "{answer}");
        kill_process(Pid::from_child(&server.0), Signal::TERM).unwrap();
        assert!(server.0.wait().unwrap().success());
        drop(collector);
        let mut text = String::new();
        lines.read_to_string(&mut text).unwrap();
        assert!(!text.contains("ann@") && !text.contains("signature\":"), "{text}");
        let spans: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let names: Vec<_> = spans.iter().map(|span| span["name"].as_str().unwrap()).collect();
        let name = "POST /api/user/create-user";
        assert_eq!(names, [name, "auth", "rules", "store.wait", "store.commit", name, "auth"]);
        for (call, phases, status) in [(&spans[0], &spans[1..5], "200"), (&spans[5], &spans[6..], "400")] {
            assert_eq!((&call["service"], &call["kind"]), (&"matricula".into(), &2.into()));
            assert_eq!(call["attributes"]["http.response.status_code"]["intValue"], status);
            assert_eq!(call["attributes"]["http.route"]["stringValue"], "/api/user/create-user");
            let mut last = call["start"].as_u64();
            for phase in phases {
                assert_eq!((&phase["trace"], &phase["parent"]), (&call["trace"], &call["id"]));
                assert_eq!((&phase["kind"], &phase["flags"]), (&1.into(), &0x101.into()));
                assert!(last <= phase["start"].as_u64() && phase["start"].as_u64() <= phase["end"].as_u64());
                last = phase["end"].as_u64();
            }
            assert!(last <= call["end"].as_u64(), "{text}");
        }
        assert_eq!((&spans[0]["parent"], &spans[0]["flags"]), (&"".into(), &0x101.into()));
        assert_eq!(
            (&spans[5]["trace"], &spans[5]["parent"]),
            (&PARENT[3..35].into(), &PARENT[36..52].into())
        );
        assert_eq!(spans[5]["flags"], 0x301);
    }

    /// A collector that accepts connections and never answers.
    #[test]
    #[expect(clippy::disallowed_methods, reason = "measures how long a stop takes")]
    fn a_collector_that_hangs_delays_no_call_and_the_stop_for_seconds() {
        let hanging = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let folder = tempfile::tempdir().unwrap();
        let endpoint = hanging.local_addr().unwrap();
        new_site(
            folder.path(),
            &format!("[traces]\nendpoint = \"http://{endpoint}/v1/traces\"\nsample = 1.0\n"),
        );
        let (mut server, address, mut log) = serve(folder.path());
        for _ in 0..100 {
            assert!(call(&address, "").starts_with("HTTP/1.1 400"));
        }
        let began = Instant::now();
        kill_process(Pid::from_child(&server.0), Signal::TERM).unwrap();
        assert!(server.0.wait().unwrap().success());
        assert!(began.elapsed() < Duration::from_secs(30), "{:?}", began.elapsed());
        let mut said = String::new();
        log.read_to_string(&mut said).unwrap();
        assert!(said.contains("did not take the last traces in time"), "{said}");
    }
}
