//! Audit events: who did what to whom, and when. The store chains them by hash.

use jiff::Timestamp;

use crate::{AccountId, UserId};

/// The actor.
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
        /// Its name in the audit.
        name: String,
    },
    /// An unknown caller, as at login.
    Anonymous,
    /// The program by itself, when something is due.
    Automatic,
    /// The operator, who can start the program on the machine.
    Operator,
}

impl Actor {
    /// Its name in the audit: an address, a name, or `operator`.
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
    /// The chain that contains it.
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

/// Which events are looked for. Texts are looked for anywhere in theirs, without case.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Search {
    /// Not before.
    pub from: Option<Timestamp>,
    /// Not after.
    pub to: Option<Timestamp>,
    /// In who did it.
    pub actor: String,
    /// In what was done.
    pub action: String,
    /// In what it was done to, or in what else is said.
    pub target: String,
}

impl Search {
    /// Whether an event is one of those.
    pub fn finds(&self, event: &Event) -> bool {
        let holds = |text: &str, wanted: &str| {
            wanted.is_empty() || text.to_lowercase().contains(&wanted.to_lowercase())
        };
        self.from.is_none_or(|from| event.at >= from)
            && self.to.is_none_or(|to| event.at <= to)
            && holds(&event.actor, &self.actor)
            && holds(&event.action, &self.action)
            && (holds(&event.target, &self.target) || holds(&event.detail, &self.target))
    }
}

/// Events that were found, the newest first.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// The events.
    pub events: Vec<Event>,
    /// Behind which event of each chain the search goes on; `None`: there is nothing more.
    pub rest: Option<Vec<(i64, i64)>>,
}
