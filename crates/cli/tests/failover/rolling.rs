//! A rolling restart of two nodes behind a proxy: no call fails. The proxies have the files of
//! examples/high-availability, with other addresses and without TLS.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use client::Clock;
use tempfile::TempDir;
use testkit::{Postgres, free_ports};

use crate::check::Check;
use crate::load::{Load, Outcome};
use crate::nodes;
use crate::running::Running;
use crate::site::{SEEDED, Served, Site};

/// Least number of calls.
const CALLS: u64 = 4_000;

/// The nodes in the state of haproxy.
const NODES: [&str; 2] = ["nodes,node1,", "nodes,node2,"];

fn calls() -> u64 {
    #[expect(clippy::disallowed_methods, reason = "how many calls is for who runs the test to say")]
    std::env::var("MATRICULA_ROLLING_CALLS").map_or(CALLS, |calls| calls.parse().unwrap())
}

/// A file of examples/high-availability with replaced parts. Each part must be there.
fn example(name: &str, replaced: &[(&str, &str)]) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/high-availability").join(name);
    let mut text = std::fs::read_to_string(path).unwrap();
    for (from, to) in replaced {
        assert!(text.contains(from), "{name} has no {from}");
        text = text.replace(from, to);
    }
    text
}

fn local(port: u16) -> SocketAddr {
    (Ipv4Addr::LOCALHOST, port).into()
}

/// A running proxy in front of two nodes.
struct Proxy {
    process: Running,
    _folder: TempDir,
    address: SocketAddr,
    /// Where it shows whether it considers a node to be up; a proxy without checks has none.
    state: Option<SocketAddr>,
}

impl Proxy {
    fn haproxy(nodes: [SocketAddr; 2]) -> Self {
        let [port, state] = free_ports::<2>().map(local);
        let text = example(
            "haproxy.cfg",
            &[
                (":443 ssl crt /etc/haproxy/directory.pem alpn h2,http/1.1", &port.to_string()),
                ("10.0.0.21:8080", &nodes[0].to_string()),
                ("10.0.0.22:8080", &nodes[1].to_string()),
                ("127.0.0.1:8404", &state.to_string()),
            ],
        );
        let (folder, file) = written("haproxy.cfg", &text);
        let mut command = Command::new("/usr/sbin/haproxy");
        command.args(["-db", "-f"]).arg(file);
        Self {
            process: Running(command.spawn().unwrap()),
            _folder: folder,
            address: port,
            state: Some(state),
        }
    }

    fn nginx(nodes: [SocketAddr; 2]) -> Self {
        let [port] = free_ports::<1>().map(local);
        let places = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
        let places: String = places.map(|name| format!("    {name}_temp_path {name};\n")).concat();
        let text = example(
            "nginx.conf",
            &[
                ("listen 443 ssl http2;", &format!("listen {port};")),
                ("        ssl_certificate /etc/nginx/directory.pem;\n", ""),
                ("        ssl_certificate_key /etc/nginx/directory.key;\n", ""),
                ("10.0.0.21:8080", &nodes[0].to_string()),
                ("10.0.0.22:8080", &nodes[1].to_string()),
                ("pid /run/nginx.pid;", "pid nginx.pid; daemon off;"),
                ("/var/log/nginx/error.log", "stderr"),
                ("http {\n", &format!("http {{\n{places}")),
            ],
        );
        let (folder, file) = written("nginx.conf", &text);
        let mut command = Command::new("/usr/sbin/nginx");
        command.arg("-p").arg(folder.path()).arg("-c").arg(file).args(["-e", "stderr"]);
        Self { process: Running(command.spawn().unwrap()), _folder: folder, address: port, state: None }
    }

    /// Waits until the proxy sends calls to this node.
    fn wait_for(&self, node: &str) {
        let is_up = |state: &str| state.lines().any(|line| line.starts_with(node) && line.contains(",UP,"));
        if let Some(state) = self.state {
            while !is_up(&text_at(state, "/?stats;csv")) {}
        }
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        // SIGKILL would leave the workers of nginx.
        let process = rustix::process::Pid::from_child(&self.process.0);
        let _ = rustix::process::kill_process(process, rustix::process::Signal::TERM);
        let _ = self.process.0.wait();
    }
}

fn written(name: &str, text: &str) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join(name);
    std::fs::write(&file, text).unwrap();
    (folder, file)
}

/// The response to a GET; empty if nobody listens yet.
fn text_at(address: SocketAddr, target: &str) -> String {
    let mut text = String::new();
    if let Ok(mut stream) = TcpStream::connect(address) {
        let _ = write!(stream, "GET {target} HTTP/1.0\r\nhost: x\r\n\r\n");
        let _ = stream.read_to_string(&mut text);
    }
    text
}

/// Restarts both nodes in turn until all calls were made.
async fn restart_in_turn(proxy: impl FnOnce([SocketAddr; 2]) -> Proxy) {
    let Some(postgres) = Postgres::start("-c max_connections=200") else {
        return testkit::left_out("a rolling restart", "PostgreSQL");
    };
    let url = postgres.database();
    let site = Site::on_server(&url, &url).await;
    let addresses = free_ports::<2>().map(local);
    // The drain of the example.
    let drain = example("matricula.toml", &[]);
    let drain = drain.lines().find(|line| line.starts_with("drain_seconds")).unwrap().to_owned();
    let serve = |address| site.serve_at(address, &url, &drain);
    let mut served: Vec<Served> = addresses.into_iter().map(serve).collect();
    let proxy = proxy(addresses);
    NODES.into_iter().for_each(|node| proxy.wait_for(node));
    while !text_at(proxy.address, "/readyz").contains(" 200 ") {}

    let (client, clock): (_, Clock) = (site.client_of(proxy.address), Arc::new(client::machine_clock));
    let (calls, load) = (calls(), Load::start(&client, &clock, "rolling"));
    let mut restarts = 0;
    while restarts < 2 || load.progress().acknowledged < calls {
        load.wait_for_acknowledged(100).await;
        served.remove(0).stop();
        let node = restarts % 2;
        served.push(serve(addresses[node]));
        proxy.wait_for(NODES[node]);
        restarts += 1;
    }
    load.wait_for_acknowledged(100).await;
    let sent = load.finish().await;
    let failed = sent.iter().filter(|sent| !matches!(sent.outcome, Outcome::Acknowledged(_))).count();
    println!("{} calls, {restarts} restarts, {failed} failed", sent.len());
    assert_eq!(failed, 0);
    let check = Check { address: addresses[0], client: &client, clock: &clock, seeded: SEEDED };
    let tally = check.check_acknowledged(&sent, &mut std::collections::BTreeMap::new()).await;
    assert_eq!((tally.lost, tally.doubled), (0, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rolling_restart_behind_haproxy_fails_no_call() {
    let _alone = nodes::alone().await;
    if !Path::new("/usr/sbin/haproxy").exists() {
        return testkit::left_out("a rolling restart behind haproxy", "haproxy");
    }
    restart_in_turn(Proxy::haproxy).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rolling_restart_behind_nginx_fails_no_call() {
    let _alone = nodes::alone().await;
    if !Path::new("/usr/sbin/nginx").exists() {
        return testkit::left_out("a rolling restart behind nginx", "nginx");
    }
    restart_in_turn(Proxy::nginx).await;
}
