//! A folder with a directory, and the real program on it.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};

use client::{Client, Keys, SignedHeaders};
use playground::sandbox::Sandbox;
use rusqlite::{Connection, OpenFlags};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tokio::runtime::Runtime;

use crate::http;
use crate::running::{Running, matricula};

pub(crate) const DATABASE: &str = "matricula.db";
pub(crate) const CONFIG: &str = "matricula.toml";
pub(crate) const KEY: &str = "master.key";

/// Production's settings without a quota, because one caller makes all the calls.
const SETTINGS: &str = "listen = \"127.0.0.1:0\"\nmaster_key_file = \"master.key\"\n[quota]\nenabled = false\n\
                        [domains]\nverification = \"offline\"\n";

const CREATE_USER: &str = "/api/user/create-user";

/// The program in a folder, with arguments and the folder's configuration.
pub(crate) fn program(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = matricula(arguments);
    command.arg("--config").arg(folder.join(CONFIG)).current_dir(folder).stdin(Stdio::null());
    command
}

/// Runs a command that must succeed.
pub(crate) fn run(folder: &Path, arguments: &[&str]) {
    let output = program(folder, arguments).output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {output:?}");
}

/// Writes settings and a master key.
pub(crate) fn settings(folder: &Path) {
    std::fs::write(folder.join(CONFIG), SETTINGS).unwrap();
    let key = matricula(&["admin", "new-master-key"]).arg(folder.join(KEY)).output().unwrap();
    assert!(key.status.success(), "{key:?}");
}

/// Creates a directory with an account, an administrator and keys.
pub(crate) fn directory(folder: &Path) {
    std::fs::write(folder.join(CONFIG), SETTINGS).unwrap();
    let config = playground::sandbox::config(folder);
    let open = Sandbox::open(folder, &config, server::System::real());
    drop(Runtime::new().unwrap().block_on(open).unwrap());
}

pub(crate) fn copy(from: &Path, to: &Path) {
    for entry in std::fs::read_dir(from).unwrap().map(Result::unwrap) {
        std::fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
    }
}

/// A request, and its response if there was one.
pub(crate) struct Sent {
    signed: SignedHeaders,
    body: String,
    pub(crate) addresses: Vec<String>,
    pub(crate) answer: Option<Vec<u8>>,
}

/// The content of a directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Held {
    pub(crate) accounts: Vec<String>,
    /// Ids by addresses.
    pub(crate) users: BTreeMap<String, Vec<u8>>,
}

impl Held {
    pub(crate) fn read(database: &Path) -> Self {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(database, flags).unwrap();
        let mut accounts = connection.prepare("SELECT code FROM accounts ORDER BY code").unwrap();
        let accounts = accounts.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
        let mut users = connection.prepare("SELECT address, id FROM users").unwrap();
        let users =
            users.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap().map(Result::unwrap).collect();
        Self { accounts, users }
    }
}

/// A server process.
pub(crate) struct Serving {
    process: Running,
    /// Standard error before the line with the address.
    pub(crate) words: String,
    /// `None` when it has ended instead.
    pub(crate) address: Option<SocketAddr>,
    log: std::thread::JoinHandle<()>,
}

impl Serving {
    /// Starts a server, and waits until it listens or has ended.
    pub(crate) fn start(mut command: Command) -> Self {
        command.env("RUST_LOG", "info,request=off").stdout(Stdio::null());
        let mut process = Running(command.stderr(Stdio::piped()).spawn().unwrap());
        let mut lines = BufReader::new(process.0.stderr.take().unwrap()).lines().map_while(Result::ok);
        let (mut words, mut address) = (String::new(), None);
        for line in lines.by_ref() {
            let said = serde_json::from_str::<Value>(&line).ok();
            words += &format!("{line}\n");
            address = said.and_then(|line| line["address"].as_str()?.parse().ok());
            if address.is_some() {
                break;
            }
        }
        // Read on, so that the server never blocks.
        let log = std::thread::spawn(move || lines.for_each(drop));
        Self { process, words, address, log }
    }

    /// Stops a process, and waits for the end of the started one, which may be its parent.
    pub(crate) fn stop(mut self, asked: impl FnOnce(u32) -> Option<u32>) -> ExitStatus {
        if let Some(pid) = asked(self.process.0.id()) {
            // It may have been killed already.
            let _ = kill_process(Pid::from_raw(pid.try_into().unwrap()).unwrap(), Signal::TERM);
        }
        let status = self.process.0.wait().unwrap();
        self.log.join().unwrap();
        status
    }

    pub(crate) fn kill(self) {
        drop(self.process);
    }
}

/// Creates two users per request from a few concurrent callers, until there is no response.
pub(crate) fn create_users(folder: &Path, address: SocketAddr, name: &str, requests: usize) -> Vec<Sent> {
    const CALLERS: usize = 3;
    let runtime = Runtime::new().unwrap();
    let client = client(folder, address);
    let caller = |caller: usize| {
        let (client, name) = (client.clone(), name.to_owned());
        async move {
            let mut sent = Vec::new();
            for n in (caller..requests).step_by(CALLERS) {
                let addresses = vec![format!("{name}{n}a@example.com"), format!("{name}{n}b@example.com")];
                let items = addresses.iter().map(|address| serde_json::json!({ "emailAddress": address }));
                let body = serde_json::json!({ "data": items.collect::<Vec<_>>() }).to_string();
                let signer = client.signer().unwrap();
                let signed = signer.sign(CREATE_USER, client::machine_clock(), &client::random_request_id());
                let answer = client.send(CREATE_USER, &signed, body.clone().into_bytes()).await.ok();
                let answer = answer.map(|answer| {
                    assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
                    answer.body
                });
                let gone = answer.is_none();
                sent.push(Sent { signed, body, addresses, answer });
                if gone {
                    break;
                }
            }
            sent
        }
    };
    let callers: Vec<_> = (0..CALLERS).map(|number| runtime.spawn(caller(number))).collect();
    callers.into_iter().flat_map(|caller| runtime.block_on(caller).unwrap()).collect()
}

/// Repeats requests: all succeed now, and those with a response get the same one.
pub(crate) fn repeat(folder: &Path, address: SocketAddr, sent: &[Sent], answered: impl Fn(&Sent) -> bool) {
    let (runtime, client) = (Runtime::new().unwrap(), client(folder, address));
    for one in sent {
        let send = client.send(CREATE_USER, &one.signed, one.body.clone().into_bytes());
        let again = runtime.block_on(send).unwrap();
        let text = String::from_utf8_lossy(&again.body);
        assert_eq!(again.status, 200, "{text}");
        if answered(one) {
            assert_eq!(Some(&*again.body), one.answer.as_deref(), "the same request, another answer: {text}");
        }
    }
}

fn client(folder: &Path, address: SocketAddr) -> Client {
    let mut keys = Keys::from_file(&folder.join("keys.json")).unwrap();
    keys.base_url = format!("http://{address}");
    Client::new(&keys).unwrap()
}

/// Serves a folder and checks it: the server is ready, its audit is whole, and a stop leaves one file. Returns the
/// content, or the error of a start that failed.
pub(crate) fn serve(folder: &Path, meanwhile: impl FnOnce(SocketAddr, Held)) -> Result<Held, String> {
    let serving = Serving::start(program(folder, &["serve"]));
    let Some(address) = serving.address else {
        let words = serving.words.clone();
        let status = serving.stop(|_| None);
        assert_eq!(status.code(), Some(1), "{words}");
        return Err(words);
    };
    assert_eq!(http::status(address, "/readyz"), 200);
    let database = folder.join(DATABASE);
    meanwhile(address, Held::read(&database));
    let status = serving.stop(Some);
    assert_eq!(status.code(), Some(0), "it stops when it is asked to");
    for suffix in ["-wal", "-shm", "-journal"] {
        let left = folder.join(format!("{DATABASE}{suffix}"));
        assert!(!left.exists(), "{} is left after a stop", left.display());
    }
    let held = Held::read(&database);
    run(folder, &["audit", "verify"]);
    Ok(held)
}

/// The output and the status of a command.
pub(crate) fn output_and_status(mut command: Command) -> (Vec<u8>, ExitStatus) {
    let mut process = Running(command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap());
    let mut said = Vec::new();
    process.0.stdout.take().unwrap().read_to_end(&mut said).unwrap();
    (said, process.0.wait().unwrap())
}

/// The files in a folder with this beginning of their names.
pub(crate) fn files_named(folder: &Path, begin: &str) -> Vec<PathBuf> {
    let names = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    names.filter(|path| path.file_name().unwrap().to_str().unwrap().starts_with(begin)).collect()
}
