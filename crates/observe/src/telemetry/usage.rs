//! The use of credentials, collected until it is recorded in the store.

use std::collections::HashMap;

use directory::port::Usage;
use jiff::Timestamp;

use super::Request;

/// Most credentials that are collected at a time. Use of further ones is not recorded.
const CREDENTIALS: usize = 4_096;

/// Longest recorded User-Agent, in characters.
const USER_AGENT: usize = 200;

#[derive(Default)]
pub(super) struct Gathered(HashMap<[u8; 16], Usage>);

impl Gathered {
    pub(super) fn count(&mut self, credential: [u8; 16], request: &Request<'_>, now: Timestamp) {
        let full = self.0.len() >= CREDENTIALS;
        let usage = match self.0.entry(credential) {
            std::collections::hash_map::Entry::Vacant(_) if full => return,
            entry => entry.or_insert_with(|| Usage {
                credential,
                last_used_at: now,
                user_agent: String::new(),
                peer: request.peer,
                requests: 0,
                refused: 0,
                last_refusal: None,
            }),
        };
        usage.requests += 1;
        usage.last_used_at = now;
        usage.peer = request.peer;
        let user_agent = request.user_agent.unwrap_or_default();
        // Usually unchanged, so that no memory is allocated.
        if usage.user_agent.as_bytes() != user_agent {
            usage.user_agent = printable_user_agent(user_agent);
        }
        if let Some(code) = request.line.code {
            usage.refused += 1;
            usage.last_refusal = Some((code.to_owned(), now));
        }
    }

    pub(super) fn take(&mut self) -> Vec<Usage> {
        std::mem::take(&mut self.0).into_values().collect()
    }

    /// Returns use that could not be recorded. Use collected since then is newer.
    pub(super) fn return_unsent(&mut self, older: Vec<Usage>) {
        for older in older {
            if let Some(newer) = self.0.get_mut(&older.credential) {
                newer.requests += older.requests;
                newer.refused += older.refused;
                newer.last_refusal = newer.last_refusal.take().or(older.last_refusal);
            } else if self.0.len() < CREDENTIALS {
                self.0.insert(older.credential, older);
            }
        }
    }
}

/// A User-Agent without control characters, truncated.
fn printable_user_agent(user_agent: &[u8]) -> String {
    let text = String::from_utf8_lossy(user_agent);
    text.chars().filter(|c| !c.is_control()).take(USER_AGENT).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::line::Line;
    use std::time::Duration;

    fn request<'a>(line: &'a Line, user_agent: Option<&'a [u8]>) -> Request<'a> {
        let peer = std::net::IpAddr::from([192, 0, 2, 1]);
        Request { path: "/", status: 200, took: Duration::ZERO, peer, app_id: None, user_agent, line }
    }

    const NOW: Timestamp = Timestamp::constant(1_795_521_600, 0);

    #[test]
    fn what_could_not_be_noted_is_added_to_what_came_since() {
        let (fine, refused) = (Line::default(), Line { code: Some("err_one"), ..Line::default() });
        let mut gathered = Gathered::default();
        gathered.count([1; 16], &request(&refused, Some(b"old\x1b/1")), NOW);
        let taken = gathered.take();
        assert_eq!((taken[0].user_agent.as_str(), taken[0].refused), ("old/1", 1));
        gathered.count([1; 16], &request(&fine, Some(b"new/2")), NOW);
        gathered.return_unsent(taken);
        let Usage { requests, refused, user_agent, last_refusal, .. } = gathered.take().remove(0);
        assert_eq!((requests, refused, user_agent.as_str()), (2, 1, "new/2"));
        assert_eq!(last_refusal, Some(("err_one".to_owned(), NOW)));
        assert!(gathered.take().is_empty());
    }

    #[test]
    fn it_stays_within_bounds() {
        let (line, long) = (Line::default(), "ä".repeat(10_000));
        let mut gathered = Gathered::default();
        for n in 0..CREDENTIALS as u128 + 5 {
            gathered.count(n.to_be_bytes(), &request(&line, Some(long.as_bytes())), NOW);
        }
        let taken = gathered.take();
        assert_eq!((taken.len(), taken[0].user_agent.chars().count()), (CREDENTIALS, 200));
    }
}
