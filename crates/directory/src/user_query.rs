//! User search: by words of addresses and names, by domain and by state. `[ours]`
//!
//! The store keeps an index of the words of every user. This module defines what is indexed, looked up and found, so
//! that the three agree.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::DomainName;
use crate::address::fold;
use crate::user::User;

/// Words indexed per address and per name, and words of a query that are used.
const MAX_WORDS: usize = 8;

/// Characters of a word that are indexed.
const MAX_WORD: usize = 32;

/// A state of a user, to search for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// Locked by an administrator.
    Locked,
    /// Disabled by an administrator.
    Disabled,
    /// Must change the password at the next login.
    MustChangePassword,
    /// Locked after too many wrong passwords.
    LockedOut,
    /// On the purge list.
    ToBePurged,
    /// Has a role.
    Administrator,
    /// An alias.
    Alias,
}

impl State {
    /// All of them.
    pub const ALL: [State; 7] = [
        State::Locked,
        State::Disabled,
        State::MustChangePassword,
        State::LockedOut,
        State::ToBePurged,
        State::Administrator,
        State::Alias,
    ];

    /// Whether a user is in this state.
    pub fn is_of(self, user: &User, now: Timestamp) -> bool {
        match self {
            State::Locked => user.locked,
            State::Disabled => user.disabled,
            State::MustChangePassword => user.must_change_password,
            State::LockedOut => user.attempts.locked_until.is_some_and(|until| until > now),
            State::ToBePurged => user.purge_at.is_some(),
            State::Administrator => user.role.is_some(),
            State::Alias => user.alias_of.is_some(),
        }
    }
}

/// A search: all conditions must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UserQuery {
    /// Folded. With an `@`: the start of an address; otherwise the start of a word.
    words: Vec<String>,
    domain: Option<DomainName>,
    state: Option<State>,
}

/// The end of a page of results, where the next one starts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Cursor {
    /// After this address key, in the order of keys.
    Key(String),
    /// After this address key under this word, in the order of words.
    Word(String, String),
}

impl UserQuery {
    /// Reads a typed query: words, each the start of a word of the user's name or address; or the start of an address;
    /// or `@` and a domain.
    pub fn new(text: &str, domain: Option<DomainName>, state: Option<State>) -> Self {
        let mut query = Self { words: Vec::new(), domain, state };
        let text = plain(text);
        let tokens = text.split(|c: char| c.is_whitespace() || c.is_control());
        for token in tokens.filter(|token| !token.is_empty()).take(MAX_WORDS) {
            match token.strip_prefix('@').and_then(|name| DomainName::parse(name).ok()) {
                Some(name) if query.domain.as_ref().is_none_or(|domain| *domain == name) => {
                    query.domain = Some(name);
                }
                _ if token.contains('@') => query.words.push(token.to_owned()),
                _ => query.words.push(cut(trimmed(token))),
            }
        }
        query
    }

    /// The domain of the users.
    pub fn domain(&self) -> Option<&DomainName> {
        self.domain.as_ref()
    }

    /// The state of the users.
    pub fn state(&self) -> Option<State> {
        self.state
    }

    /// Whether the user matches.
    pub fn finds(&self, user: &User, now: Timestamp) -> bool {
        self.domain.as_ref().is_none_or(|domain| domain.as_str() == user.address.domain())
            && self.state.is_none_or(|state| state.is_of(user, now))
            && self.finds_words(user)
    }

    fn finds_words(&self, user: &User) -> bool {
        if self.words.is_empty() {
            return true;
        }
        let words = words(user);
        self.words.iter().all(|word| match word.contains('@') {
            true => starts_address(user, word),
            false => words.iter().any(|of| of.starts_with(word)),
        })
    }

    /// The ranges of the word index that contain all matches, from the first key up to the second; one range per word,
    /// the most selective first. Empty if the query has no word.
    pub fn ranges(&self) -> Vec<(String, String)> {
        let mut words: Vec<&String> = self.words.iter().collect();
        words.sort_by_key(|word| (!word.contains('@'), std::cmp::Reverse(word.chars().count())));
        let range = |word: &String| match word.split_once('@') {
            // A word contains no control character, so this key is unique.
            Some((local, _)) => (cut(local), format!("{}\u{1}", cut(local))),
            // The last code point, which is not a character.
            None => (word.clone(), format!("{word}\u{10ffff}")),
        };
        words.into_iter().map(range).collect()
    }

    /// The word of the range under which the user is found: one, so that each user is found once.
    pub fn word_in(user: &User, range: &(String, String)) -> Option<String> {
        words(user).range(range.0.clone()..range.1.clone()).next().cloned()
    }
}

/// The words of a user: the part of its address before the `@`, whole and split; and those of its name.
pub fn words(user: &User) -> BTreeSet<String> {
    let key = user.address.key();
    let local = plain(key.split_once('@').map_or(key, |(_, local)| local));
    let of_address = [cut(&local)].into_iter().chain(in_parts(&[&local]));
    let name = plain(&user.name);
    let of_name = in_parts(&name.split_whitespace().collect::<Vec<_>>());
    distinct(of_address).into_iter().chain(distinct(of_name.into_iter())).collect()
}

/// The first distinct ones.
fn distinct(words: impl Iterator<Item = String>) -> Vec<String> {
    let mut few: Vec<String> = Vec::new();
    for word in words {
        if few.len() < MAX_WORDS && !few.contains(&word) {
            few.push(word);
        }
    }
    few
}

/// Each word as typed, then all split into parts.
fn in_parts(tokens: &[&str]) -> Vec<String> {
    let whole = tokens.iter().map(|token| trimmed(token));
    let parts = tokens.iter().flat_map(|token| token.split(|c: char| !c.is_alphanumeric()));
    whole.chain(parts).filter(|word| !word.is_empty()).map(cut).collect()
}

fn starts_address(user: &User, text: &str) -> bool {
    let key = user.address.key();
    let (domain, local) = key.split_once('@').unwrap_or(("", key));
    // The domain as given, or in ASCII.
    plain(user.address.as_str()).starts_with(text) || format!("{}@{domain}", plain(local)).starts_with(text)
}

/// Folded like addresses.
fn plain(text: &str) -> String {
    fold(text).replace(['\u{2019}', '\u{2bc}'], "'")
}

/// Without surrounding punctuation, unless the word consists of it.
fn trimmed(token: &str) -> &str {
    match token.trim_matches(|c: char| !c.is_alphanumeric()) {
        "" => token,
        word => word,
    }
}

fn cut(word: &str) -> String {
    word.chars().take(MAX_WORD).collect()
}

#[cfg(test)]
mod tests;
