//! Objects around lists of users, and how they differ from users that have a list.
//!
//! An object is decided by its own keys. Those after the list count as well, if the object is short enough to be a row; a
//! longer one can only be a wrapper.

use super::super::Options;
use super::super::meaning::{Meaning, plain};
use super::super::words;

/// Keys of lists whose objects are users.
pub(super) const CERTAIN: &[&str] = &["users", "resources"];

/// Keys of lists whose objects may be users. Users and groups have such lists, too.
const VAGUE: &[&str] = &["data", "identities", "value", "operations", "members", "entries"];

/// Keys that a user or a group has, and an object around a list of users has not.
const IDENTITY: &[&str] = &[
    "id",
    "uid",
    "guid",
    "sub",
    "userid",
    "objectid",
    "externalid",
    "nickname",
    "provider",
    "profile",
    "credentials",
    "traits",
    "usermetadata",
    "appmetadata",
];

/// Bytes of a member that are kept: its key, and enough of its value.
const KEPT: usize = 1024;

/// The lists of users in an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lists {
    /// The key names users: only an address or a password makes a user of the object. A realm has a name and a state, too.
    Certain,
    /// Any field of a user makes a user of the object.
    Vague,
}

/// Follows brackets and quotes.
#[derive(Default)]
pub(super) struct Scan {
    open: Vec<u8>,
    quote: Option<u8>,
    escaped: bool,
}

impl Scan {
    pub(super) fn step(&mut self, byte: u8) {
        match (byte, self.quote) {
            _ if self.escaped => self.escaped = false,
            (b'\\', Some(_)) => self.escaped = true,
            (byte, Some(quote)) if byte == quote => self.quote = None,
            (_, Some(_)) => {}
            (b'"' | b'\'', None) => self.quote = Some(byte),
            (b'{' | b'[', None) => self.open.push(byte),
            (b'}' | b']', None) => drop(self.open.pop()),
            _ => {}
        }
    }

    pub(super) fn depth(&self) -> usize {
        self.open.len()
    }

    pub(super) fn is_quoted(&self) -> bool {
        self.quote.is_some()
    }

    /// Whether the next byte is one of the outermost object, and not of a text.
    pub(super) fn is_in_object(&self) -> bool {
        self.depth() == 1 && !self.is_quoted()
    }

    /// Whether the innermost bracket is that of a list.
    pub(super) fn is_in_list(&self) -> bool {
        self.open.last() == Some(&b'[')
    }
}

/// A key of an object and the beginning of its value, as they stand in the text.
pub(super) struct Member {
    pub(super) key: String,
    value: String,
}

impl Member {
    fn new(text: &[u8]) -> Option<Self> {
        let mut scan = Scan::default();
        let colon = text.iter().position(|byte| {
            scan.step(*byte);
            *byte == b':' && !scan.is_quoted()
        })?;
        let trimmed = |text: &[u8]| String::from_utf8_lossy(text).trim().to_owned();
        let key = trimmed(&text[..colon]).trim_matches(['"', '\'']).to_owned();
        Some(Self { key, value: trimmed(&text[colon + 1..]) })
    }

    fn is_list_of(&self, keys: &[&str]) -> bool {
        self.value.starts_with('[') && keys.contains(&self.key.to_ascii_lowercase().as_str())
    }

    /// Whether it says that the object is a user or a group.
    pub(super) fn is_field(&self, lists: Lists, options: &Options) -> bool {
        let text = self.value.trim_matches(['"', '\'']);
        if self.value.is_empty() || matches!(text, "" | "null" | "None") {
            return false;
        }
        if self.key == "schemas" {
            let is = |kind: &str| text.contains(kind);
            return !is("ListResponse") && !is("BulkRequest") && (is(":User") || is(":Group"));
        }
        match options.meaning(&self.key) {
            Meaning::Address(_) | Meaning::Password | Meaning::PasswordHash => true,
            _ if lists == Lists::Certain => false,
            Meaning::Name(_)
            | Meaning::FirstName
            | Meaning::LastName
            | Meaning::MustChange
            | Meaning::Active
            | Meaning::Disabled
            | Meaning::Locked
            | Meaning::LockedSince
            | Meaning::DisabledSince
            | Meaning::SambaFlags
            | Meaning::RoleOfDirectory
            | Meaning::AccountControl
            | Meaning::PasswordSetAt
            | Meaning::AliasOf => true,
            // The state of an answer, such as `ok`, is none of a user.
            Meaning::Status | Meaning::StatusOrRegion => words::state(text).is_some(),
            _ => IDENTITY.contains(&plain(&self.key).as_str()),
        }
    }
}

/// Follows the members of an object.
#[derive(Default)]
pub(super) struct Members {
    scan: Scan,
    member: Vec<u8>,
}

impl Members {
    pub(super) fn depth(&self) -> usize {
        self.scan.depth()
    }

    /// Whether a bracket that follows begins a list that may hold users.
    pub(super) fn is_at_list(&self) -> bool {
        self.scan.is_in_object() && is_list(&self.member)
    }

    /// The member that ends with this byte.
    pub(super) fn step(&mut self, byte: u8) -> Option<Member> {
        let was_inside = self.scan.depth() > 0;
        let is_end = byte == b',' && self.scan.is_in_object();
        self.scan.step(byte);
        if is_end || self.scan.depth() == 0 {
            return self.end();
        }
        if was_inside && self.member.len() < KEPT {
            self.member.push(byte);
        }
        None
    }

    fn end(&mut self) -> Option<Member> {
        let member = Member::new(&self.member);
        self.member.clear();
        member
    }
}

/// The lists of users in an object; `None`: it is a user or a group itself.
pub(super) fn lists(text: &[u8], options: &Options) -> Option<Lists> {
    let mut members = Members::default();
    let mut found: Vec<Member> = text.iter().filter_map(|byte| members.step(*byte)).collect();
    // The object may have no end.
    found.extend(members.end());
    let lists = match found.iter().any(|member| member.is_list_of(CERTAIN)) {
        true => Lists::Certain,
        false => Lists::Vague,
    };
    (!found.iter().any(|member| member.is_field(lists, options))).then_some(lists)
}

/// Whether a text ends with the key of a list that may hold users, and a colon.
pub(super) fn is_list(text: &[u8]) -> bool {
    let Some(text) = text.trim_ascii_end().strip_suffix(b":") else { return false };
    let text = text.trim_ascii_end();
    let Some((quote @ (b'"' | b'\''), text)) = text.split_last() else { return false };
    let Some(start) = text.iter().rposition(|byte| byte == quote) else { return false };
    let key = text[start + 1..].to_ascii_lowercase();
    CERTAIN.iter().chain(VAGUE).any(|list| list.as_bytes() == key)
}
