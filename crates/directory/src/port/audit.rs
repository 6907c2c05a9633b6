//! The audit.

use jiff::Timestamp;

use super::Pending;
use crate::AccountId;
use crate::audit::{Event, Found, Search};

/// Selects events of the audit.
#[derive(Clone, Copy, Debug)]
pub struct AuditQuery {
    /// The earliest time.
    pub from: Timestamp,
    /// The latest time.
    pub to: Timestamp,
    /// (chain, number) of the event after which the page starts.
    pub after: (i64, i64),
    /// The number of events on the page.
    pub limit: usize,
}

/// A page of events.
#[derive(Clone, Debug)]
pub struct AuditPage {
    /// The events.
    pub events: Vec<Event>,
    /// Where the next page starts; `None`: this is the last page.
    pub next: Option<(i64, i64)>,
}

/// The state of one audit chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChainReport {
    /// The chain's number.
    pub chain: i64,
    /// The number of its events.
    pub events: u64,
    /// The hash of its newest event, to be kept elsewhere.
    pub head: [u8; 32],
    /// The error, if the chain is broken.
    pub broken: Option<String>,
}

/// The end of one audit chain, to be kept elsewhere: later it shows whether the end of the chain was lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChainHead {
    /// The chain's number.
    pub chain: i64,
    /// The number of its newest event, which is the number of its events.
    pub events: u64,
    /// The hash of its newest event.
    pub head: [u8; 32],
}

/// Reads of the audit.
pub trait AuditStore: Send + Sync + 'static {
    /// Events of an account between two times. Reads a bounded number of events: a page with fewer than `limit` is only
    /// the last if [`AuditPage::next`] is `None`.
    fn audit_of(&self, account: AccountId, query: AuditQuery) -> Pending<'_, AuditPage>;

    /// Events of an account, newest first: at most `limit` after those found before. Reads a bounded number of events: a
    /// page with fewer than `limit` is only the last if [`Found::rest`] is `None`.
    fn search_audit<'a>(
        &'a self,
        account: AccountId,
        search: &'a Search,
        rest: Option<Vec<(i64, i64)>>,
        limit: usize,
    ) -> Pending<'a, Found>;

    /// Events of a chain after an event, in their order.
    fn audit(&self, chain: i64, after: i64, limit: usize) -> Pending<'_, Vec<Event>>;

    /// The end of every chain, without verifying it.
    fn audit_heads(&self) -> Pending<'_, Vec<ChainHead>>;

    /// Verifies every chain.
    fn verify_audit(&self) -> Pending<'_, Vec<ChainReport>>;
}
