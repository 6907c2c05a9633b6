//! What is known of a request besides what can be seen from outside: for its log line, the counts and the journal.

use std::time::{Duration, Instant};

use directory::Sender;

/// Fields of a request's log line that are not visible from outside.
#[derive(Clone, Default)]
pub struct Line {
    /// The code with which the request was refused as a whole.
    pub code: Option<&'static str>,
    /// The private cause of a refusal, which the caller is not told.
    pub why: Option<String>,
    /// Why a sandbox refused the signature.
    pub explanation: Option<String>,
    /// Whose signature or token holds.
    pub sender: Option<Sender>,
    /// The claimed caller before authentication: a user name and an application id.
    pub claimed: Option<(String, String)>,
    /// Codes of the items that were refused in an answer of 200.
    pub refused_items: Vec<&'static str>,
    /// What was drawn of the sender's quota, in thousandths of the limit.
    pub drawn_per_mille: u16,
    /// The request id, as the caller sent it.
    pub request_id: Option<String>,
    /// Items of the request.
    pub items: usize,
    /// Whether the answer is that of an earlier request with the same id.
    pub repeated: bool,
    /// How long it waited for the store.
    pub store: Duration,
}

impl Line {
    /// Records the sender, and what is drawn of its quota, in thousandths of the limit.
    pub fn sent_by(&mut self, sender: Option<Sender>, drawn_per_mille: u16) {
        self.drawn_per_mille = sender.as_ref().map_or(0, |_| drawn_per_mille);
        self.sender = sender;
    }

    /// The name of the caller, known or claimed.
    pub fn caller(&self) -> Option<&str> {
        let claimed = self.claimed.as_ref().map(|(name, _)| name.as_str());
        self.sender.as_ref().map(Sender::name).or(claimed)
    }

    /// The account code of a known caller.
    pub fn account(&self) -> Option<&str> {
        self.sender.as_ref().map(|sender| sender.account().code.as_str())
    }

    /// The application, known or claimed.
    pub fn application(&self) -> Option<&str> {
        let claimed = self.claimed.as_ref().map(|(_, application)| application.as_str());
        self.sender.as_ref().map(Sender::application).or(claimed)
    }
}

/// Starts measuring how long something takes.
#[expect(clippy::disallowed_methods, reason = "measures how long something takes")]
pub fn stopwatch() -> Instant {
    Instant::now()
}
