//! The check after a fault: it compares the server's users and responses with the acknowledged requests.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

use client::{Client, Clock};
use serde_json::Value;

use crate::http;
use crate::load::{Outcome, PATH, Sent};

const USERS: &str = "/user/cloud-gateway/v1/users";

/// The outcomes of requests.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Tally {
    pub(crate) acknowledged: u64,
    pub(crate) refused: u64,
    pub(crate) unknown: u64,
    /// Acknowledged users that are missing or have another id.
    pub(crate) lost: u64,
    /// Users that were created more than once.
    pub(crate) doubled: u64,
    /// Existing users of refused requests.
    pub(crate) refused_wrongly: u64,
}

/// A server and a client.
pub(crate) struct Check<'a> {
    pub(crate) address: SocketAddr,
    pub(crate) client: &'a Client,
    pub(crate) clock: &'a Clock,
    /// Number of users at the start.
    pub(crate) seeded: usize,
}

impl Check<'_> {
    /// Compares the server with its responses, repeats all requests, and compares again. `known` has the users of
    /// earlier rounds and their ids.
    pub(crate) async fn check_acknowledged(
        &self,
        sent: &[Sent],
        known: &mut BTreeMap<String, String>,
    ) -> Tally {
        let mut tally = Tally::default();
        let there = self.users();
        let there: BTreeMap<_, _> = there.iter().map(|(address, id)| (&**address, &**id)).collect();
        // A later request may repeat an address, and creates it if the first was refused.
        let mut explained = BTreeSet::new();
        for Sent { body, outcome, .. } in sent {
            match outcome {
                Outcome::Acknowledged(answer) => {
                    explained.extend(created(answer).into_iter().map(|user| user.0));
                }
                Outcome::Refused(_) => {}
                Outcome::Unknown => explained.extend(addresses(body)),
            }
        }
        for Sent { body, outcome, .. } in sent {
            match outcome {
                Outcome::Acknowledged(answer) => {
                    tally.acknowledged += 1;
                    let users = created(answer);
                    let gone = users.iter().filter(|(address, id)| there.get(&**address) != Some(&&**id));
                    tally.lost += gone.count() as u64;
                }
                Outcome::Refused(_) => {
                    tally.refused += 1;
                    let there = |address: &String| there.contains_key(&**address);
                    let done = addresses(body).into_iter();
                    let done = done.filter(|address| there(address) && !explained.contains(address));
                    tally.refused_wrongly += done.count() as u64;
                }
                Outcome::Unknown => tally.unknown += 1,
            }
        }
        for Sent { signed, body, outcome, .. } in sent {
            let again = self.client.send(PATH, signed, body.clone().into_bytes()).await.unwrap();
            let text = String::from_utf8_lossy(&again.body);
            assert_eq!(again.status, 200, "{text}");
            if let Outcome::Acknowledged(first) = outcome {
                assert_eq!(text, String::from_utf8_lossy(first), "the same request, another answer");
            }
            for (address, id) in created(&again.body) {
                // A user that is created now must not exist yet, nor have been acknowledged under another id.
                let before = there.get(&*address).is_some_and(|before| *before != id);
                tally.doubled += u64::from(before || known.insert(address, id).is_some());
            }
        }
        let there = self.users();
        let names: BTreeMap<_, _> = there.iter().map(|(address, id)| (address, id)).collect();
        tally.doubled += (there.len() - names.len()) as u64;
        tally.lost += known.iter().filter(|(address, id)| names.get(address) != Some(id)).count() as u64;
        assert_eq!(there.len(), known.len() + self.seeded, "somebody is there whom nobody created");
        tally
    }

    /// The number of users.
    pub(crate) fn count(&self) -> usize {
        self.users().len()
    }

    /// Every user with its id, page by page.
    fn users(&self) -> Vec<(String, String)> {
        let (mut users, mut target) = (Vec::new(), USERS.to_owned());
        loop {
            let page = http::get(self.address, self.client, (self.clock)(), &target);
            users.extend(rows(&page["users"]));
            let Some(next) = page["meta"]["pagination"]["next"].as_str() else { return users };
            target = format!("{USERS}?pageToken={next}");
        }
    }
}

/// Addresses in `data` and the ids they got.
fn created(answer: &[u8]) -> Vec<(String, String)> {
    rows(&serde_json::from_slice::<Value>(answer).unwrap()["data"])
}

/// The addresses in a request to create users.
fn addresses(body: &str) -> Vec<String> {
    let body: Value = serde_json::from_str(body).unwrap();
    let items = body["data"].as_array().unwrap().iter();
    items.map(|item| item["emailAddress"].as_str().unwrap().to_owned()).collect()
}

fn rows(rows: &Value) -> Vec<(String, String)> {
    let text = |row: &Value, key: &str| row[key].as_str().unwrap().to_owned();
    rows.as_array().unwrap().iter().map(|row| (text(row, "emailAddress"), text(row, "id"))).collect()
}

impl std::ops::AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.acknowledged += other.acknowledged;
        self.refused += other.refused;
        self.unknown += other.unknown;
        self.lost += other.lost;
        self.doubled += other.doubled;
        self.refused_wrongly += other.refused_wrongly;
    }
}
