//! `kill -9` in the middle of a load: what was acknowledged is there, nothing is there twice, the audit is whole, and a
//! request that is sent again gets its first answer.
//!
//! Three rounds; `MATRICULA_CRASH_ROUNDS=50` for more.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod running;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use client::{Client, SignedHeaders};
use running::Sandbox;
use serde_json::Value;
use server::admin::Admin;

const PATH: &str = "/api/user/create-user";
const CALLERS: usize = 8;

struct Sent {
    signed: SignedHeaders,
    body: String,
    /// The answer, if there was one.
    answer: Option<Vec<u8>>,
}

/// Sends requests until the server is gone; every one that was sent is in the list, answered or not.
async fn load(client: Client, round: usize, caller: usize, acknowledged: Arc<AtomicUsize>) -> Vec<Sent> {
    let mut sent = Vec::new();
    loop {
        let n = sent.len();
        let user = |name: String| format!(r#"{{"emailAddress":"r{round}c{caller}n{name}@example.com"}}"#);
        let items = match n % 3 {
            // Every third request holds three users, one of whom is there by then.
            2 => [format!("{n}a"), format!("{}", n - 1), format!("{n}b")].map(user).join(","),
            _ => user(n.to_string()),
        };
        let body = format!(r#"{{"data":[{items}]}}"#);
        let signed = client.signer().sign(PATH, client::machine_clock(), &client::random_request_id());
        let answer = client.send(PATH, &signed, body.clone().into_bytes()).await;
        let gone = answer.is_err();
        let answer = answer.ok().map(|answer| {
            // The quota may be used up before the server is: then nothing was done, and that is an answer too.
            assert!(
                answer.status == 200 || answer.status == 429,
                "{}",
                String::from_utf8_lossy(&answer.body)
            );
            (answer.status, answer.body)
        });
        let answer = match answer {
            Some((200, body)) => {
                acknowledged.fetch_add(1, Ordering::Relaxed);
                Some(body)
            }
            _ => None,
        };
        sent.push(Sent { signed, body, answer });
        if gone {
            return sent;
        }
    }
}

fn client_of(sandbox: &Sandbox) -> Client {
    Client::new(&serde_json::from_str(&sandbox.keys).unwrap()).unwrap()
}

/// Addresses in `data` and the ids they got.
fn created(answer: &[u8]) -> Vec<(String, String)> {
    let answer: Value = serde_json::from_slice(answer).unwrap();
    let text = |row: &Value, key: &str| row[key].as_str().unwrap().to_owned();
    answer["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| (text(row, "emailAddress"), text(row, "id")))
        .collect()
}

#[test]
fn what_was_acknowledged_survives_kill_9() {
    #[expect(clippy::disallowed_methods, reason = "how many rounds is for who runs the test to say")]
    let rounds = std::env::var("MATRICULA_CRASH_ROUNDS").map_or(3, |rounds| rounds.parse().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let mut ids: BTreeMap<String, String> = BTreeMap::new();
    let (mut acknowledged_in_all, mut unanswered_in_all) = (0, 0);
    for round in 0..rounds {
        let sandbox = Sandbox::start(folder.path(), &[]);
        let client = client_of(&sandbox);
        let acknowledged = Arc::new(AtomicUsize::new(0));
        let callers: Vec<_> = (0..CALLERS)
            .map(|caller| runtime.spawn(load(client.clone(), round, caller, Arc::clone(&acknowledged))))
            .collect();
        // At another point in each round, but never before there is something to lose.
        let enough = 20 + round * 37 % 400;
        while acknowledged.load(Ordering::Relaxed) < enough {
            std::thread::yield_now();
        }
        // SIGKILL.
        drop(sandbox);
        let sent: Vec<Sent> =
            callers.into_iter().flat_map(|caller| runtime.block_on(caller).unwrap()).collect();

        let sandbox = Sandbox::start(folder.path(), &[]);
        let client = client_of(&sandbox);
        for Sent { signed, body, answer } in sent {
            let again = runtime.block_on(client.send(PATH, &signed, body.into_bytes())).unwrap();
            match &answer {
                Some(first) => {
                    assert_eq!(
                        String::from_utf8_lossy(first),
                        String::from_utf8_lossy(&again.body),
                        "round {round}"
                    );
                    acknowledged_in_all += 1;
                }
                None => unanswered_in_all += 1,
            }
            for (address, id) in created(&again.body) {
                assert_eq!(ids.insert(address.clone(), id), None, "{address} was created twice");
            }
        }
    }

    let config = server::sandbox::config(folder.path());
    let admin = Admin::open(&config, &config.master_key().unwrap(), server::System::real()).unwrap();
    runtime.block_on(async {
        let users = admin.count_users().await.unwrap();
        assert_eq!(users, ids.len() as u64 + 1, "the administrator, and each user once");
        let reports = admin.verify_audit().await.unwrap();
        assert!(reports.iter().all(|report| report.broken.is_none()), "{reports:?}");
        let events = admin.audit().await.unwrap();
        let told =
            events.into_iter().filter(|event| event.action == "user.created").map(|event| event.target);
        let mut told: Vec<_> = told.filter(|address| ids.contains_key(address)).collect();
        told.sort();
        assert!(told.iter().eq(ids.keys()), "the audit tells of each user once");
    });
    println!(
        "rounds {rounds}, acknowledged {acknowledged_in_all}, lost 0, doubled 0, resent without an answer {unanswered_in_all}"
    );
}
