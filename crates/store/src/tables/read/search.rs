//! User search. It reads the index range that seems shortest among those that contain all matches, row by row, and
//! stops at a bound; so the cost of a page is bounded.

use std::collections::HashMap;

use directory::port::{Found, Position};
use directory::user::User;
use directory::user_query::{Cursor, State, UserQuery};
use directory::{AccountId, DomainName};
use jiff::Timestamp;

use super::{rows, users};
use crate::session::{Result, Session, values};
use crate::tables::{user_row, words};

/// Rows read for one page, at most.
const LOOKED_AT: usize = 5_000;

/// Rows read by one statement, at most.
const SLICE: usize = 512;

/// Entries of the word index after a position.
const WORDS: &str = "SELECT word, address_key FROM user_words
    WHERE account = ?1 AND (word, address_key) > (?2, ?3) AND word < ?4 ORDER BY word, address_key LIMIT ?5";

/// The index of users in a state.
const fn in_state(state: State) -> &'static str {
    match state {
        State::Locked => "locked = 1",
        State::Disabled => "disabled_at IS NOT NULL",
        State::MustChangePassword => "must_change_password = 1",
        State::LockedOut => "locked_until IS NOT NULL",
        State::ToBePurged => "purge_at IS NOT NULL",
        State::Administrator => "role IS NOT NULL",
        State::Alias => "alias_of IS NOT NULL",
    }
}

/// Selects users in a state between two keys.
fn of_state(what: &str, state: State) -> String {
    let state = in_state(state);
    format!(
        "{what} WHERE account = ?1 AND {state} AND address_key > ?2 AND address_key < ?3
         ORDER BY address_key LIMIT ?4"
    )
}

/// Counts entries without reading rows.
const ONE: &str = "SELECT 1 FROM users";

/// The range that a search reads, in order.
enum Range {
    /// The words of a range.
    Words((String, String)),
    /// The users in a state.
    State(State),
    /// All users, domain by domain, or of one domain.
    Users,
}

struct Search<'s> {
    session: &'s dyn Session,
    account: AccountId,
    query: &'s UserQuery,
    now: Timestamp,
}

/// A row that was read: its position, and the user if it matches.
type Seen = (Cursor, Option<User>);

pub(crate) fn find(
    session: &dyn Session,
    account: AccountId,
    query: &UserQuery,
    after: Option<&Cursor>,
    limit: usize,
    now: Timestamp,
) -> Result<Found> {
    let search = Search { session, account, query, now };
    let range = search.range(after)?;
    let mut at = after.cloned();
    let mut found: Vec<(Cursor, User)> = Vec::new();
    let mut looked_at = 0;
    let next = loop {
        // One more than requested shows whether there is a next page.
        let wanted = (limit + 1).saturating_sub(found.len()).clamp(64, SLICE).min(LOOKED_AT - looked_at);
        let seen = search.look(&range, at.as_ref(), wanted)?;
        let last = seen.len() < wanted;
        looked_at += seen.len();
        at = seen.last().map(|(at, _)| at.clone()).or(at);
        found.extend(seen.into_iter().filter_map(|(at, user)| Some((at, user?))));
        if found.len() > limit {
            found.truncate(limit);
            break found.last().map(|(at, _)| at.clone());
        }
        if last {
            break None;
        }
        if looked_at >= LOOKED_AT {
            break at;
        }
    };
    let complete = next.is_none() || found.len() == limit;
    let users = found.into_iter().map(|(_, user)| user).collect();
    Ok(Found { users, next, complete, left: words::left(session)? })
}

impl Search<'_> {
    /// Chooses the range: the one of the page before; otherwise a short one; otherwise the one of the rarest word.
    fn range(&self, after: Option<&Cursor>) -> Result<Range> {
        let mut words = self.query.ranges();
        let by_key = self.query.state().map_or(Range::Users, Range::State);
        if words.is_empty() || matches!(after, Some(Cursor::Key(_))) {
            return Ok(by_key);
        }
        if let Some(Cursor::Word(word, _)) = after {
            // If it is in two ranges, one contains the other; the contained one comes first and is shorter.
            let read = words.iter().position(|(low, high)| (low..high).contains(&word)).unwrap_or(0);
            return Ok(Range::Words(words.swap_remove(read)));
        }
        if !self.is_long()? {
            return Ok(by_key);
        }
        let mut shortest = 0;
        if words.len() > 1 {
            let lengths = words.iter().map(|range| self.length(range)).collect::<Result<Vec<_>>>()?;
            shortest = (0..words.len()).min_by_key(|of| lengths[*of]).unwrap_or(0);
        }
        Ok(Range::Words(words.swap_remove(shortest)))
    }

    /// The number of words in a range, up to the limit of one page.
    fn length(&self, (low, high): &(String, String)) -> Result<usize> {
        let words = self.session.all(
            WORDS,
            values![self.account.as_bytes(), low, "", high, rows(LOOKED_AT)],
            |_| Ok(()),
        )?;
        Ok(words.len())
    }

    /// Whether there are more users in the state and domain than one page may look at.
    fn is_long(&self) -> Result<bool> {
        if let Some(domain) = self.query.domain()
            && users::count_listed(self.session, self.account, Some(domain))? < LOOKED_AT as u64
        {
            return Ok(false);
        }
        let Some(state) = self.query.state() else { return Ok(true) };
        let (low, high) = self.keys();
        let some = self.session.all(
            &of_state(ONE, state),
            values![self.account.as_bytes(), low, high, rows(LOOKED_AT)],
            |_| Ok(()),
        )?;
        Ok(some.len() == LOOKED_AT)
    }

    /// The range of address keys that contains all matches.
    fn keys(&self) -> (String, String) {
        match self.query.domain() {
            // `A` follows `@` in ASCII.
            Some(domain) => (format!("{domain}@"), format!("{domain}A")),
            None => (String::new(), "\u{10ffff}".to_owned()),
        }
    }

    fn look(&self, range: &Range, after: Option<&Cursor>, limit: usize) -> Result<Vec<Seen>> {
        match range {
            Range::Words(range) => self.look_at_words(range, after, limit),
            Range::State(state) => {
                let (mut low, high) = self.keys();
                if let Some(Cursor::Key(key)) = after {
                    low.clone_from(key);
                }
                let found = self.session.all(
                    &of_state(user_row::SELECT, *state),
                    values![self.account.as_bytes(), low, high, rows(limit)],
                    user_row::read,
                )?;
                Ok(self.judged(found))
            }
            Range::Users => {
                let from = match after {
                    Some(Cursor::Key(key)) => Position::After(key.clone()),
                    _ => Position::Start,
                };
                let found = users::list(self.session, self.account, self.query.domain(), &from, limit)?;
                Ok(self.judged(found))
            }
        }
    }

    fn judged(&self, users: Vec<User>) -> Vec<Seen> {
        let judge = |user: User| {
            let at = Cursor::Key(user.address.key().to_owned());
            (at, self.query.finds(&user, self.now).then_some(user))
        };
        users.into_iter().map(judge).collect()
    }

    fn look_at_words(
        &self,
        range: &(String, String),
        after: Option<&Cursor>,
        limit: usize,
    ) -> Result<Vec<Seen>> {
        let (word, key) = match after {
            Some(Cursor::Word(word, key)) => (word.as_str(), key.as_str()),
            // No key is empty, so everything under the word comes after this.
            _ => (range.0.as_str(), ""),
        };
        let hits: Vec<(String, String)> = self.session.all(
            WORDS,
            values![self.account.as_bytes(), word, key, range.1, rows(limit)],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )?;
        let may_be = |key: &str| self.query.domain().is_none_or(|domain| is_in(key, domain));
        let keys: Vec<&str> = hits.iter().map(|(_, key)| key.as_str()).filter(|key| may_be(key)).collect();
        let found = users::by_keys(self.session, &keys)?;
        let found: HashMap<String, User> = found
            .into_iter()
            .filter(|user| user.account == self.account && self.query.finds(user, self.now))
            .map(|user| (user.address.key().to_owned(), user))
            .collect();
        let judge = |(word, key): (String, String)| {
            // A user with several words in the range counts at the first of them.
            let user = found.get(&key).filter(|user| UserQuery::word_in(user, range).as_ref() == Some(&word));
            let user = user.cloned();
            (Cursor::Word(word, key), user)
        };
        Ok(hits.into_iter().map(judge).collect())
    }
}

fn is_in(key: &str, domain: &DomainName) -> bool {
    key.split_once('@').is_some_and(|(of, _)| of == domain.as_str())
}

/// The statements of a search, each with the index that it must read.
#[cfg(test)]
pub(super) fn statements() -> Vec<(String, &'static str)> {
    let index = |state| match state {
        State::Locked => "users_locked",
        State::Disabled => "users_disabled",
        State::MustChangePassword => "users_who_must_change",
        State::LockedOut => "users_locked_out",
        State::ToBePurged => "users_on_purge_list",
        State::Administrator => "users_in_charge",
        State::Alias => "users_of_users",
    };
    let of_states = State::ALL
        .into_iter()
        .flat_map(|state| [user_row::SELECT, ONE].map(|what| (of_state(what, state), index(state))));
    of_states.chain([(WORDS.to_owned(), "user_words")]).collect()
}
