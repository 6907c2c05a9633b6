//! Audit events: who did what to whom, and when. The store chains them by hash.

use jiff::Timestamp;

use crate::{AccountId, UserId};

/// Who acts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Actor {
    /// A user, through a signed request.
    User {
        /// Its id.
        id: UserId,
        /// Its address at the time.
        address: String,
    },
    /// An application of API 2.0.
    Client {
        /// What the audit calls it.
        name: String,
    },
    /// Whoever calls without being known, as at login.
    Anonymous,
    /// The program by itself, when something is due.
    Automatic,
    /// Whoever may start the program on the machine.
    Operator,
}

impl Actor {
    /// What the audit calls it: its address, its name, or `operator`.
    pub fn name(&self) -> &str {
        match self {
            Actor::User { address, .. } => address,
            Actor::Client { name } => name,
            Actor::Anonymous => "anonymous",
            Actor::Automatic => "matricula",
            Actor::Operator => "operator",
        }
    }
}

/// One event, as it is read back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// The chain it stands in.
    pub chain: i64,
    /// Its number in the chain, from 1.
    pub seq: i64,
    /// When.
    pub at: Timestamp,
    /// The account it happened in; none for what belongs to no account.
    pub account: Option<AccountId>,
    /// Who: an address, or `operator`.
    pub actor: String,
    /// What: `user.created` and so on.
    pub action: String,
    /// To whom: an address, a domain, an access key.
    pub target: String,
    /// More, for people; never a secret.
    pub detail: String,
    /// The hash of this event and all before it.
    pub hash: [u8; 32],
}
