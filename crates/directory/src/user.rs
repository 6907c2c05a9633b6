//! Users.

use jiff::Timestamp;

use crate::{AccountId, EmailAddress, RoleId, UserId};

/// Longest display name, in characters. `[ours]`
pub const MAX_NAME: usize = 256;

/// How an address came to be; the words are the service's (spec/clients.md 4.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AddressType {
    /// By an administrator or through the API.
    CreatedManually,
}

impl AddressType {
    /// The word on the wire and in the store.
    pub const fn as_str(self) -> &'static str {
        match self {
            AddressType::CreatedManually => "created_manually",
        }
    }
}

/// Where a user is mastered; the words are the service's (spec/clients.md 4.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// Here.
    Cloud,
}

impl Source {
    /// The word on the wire and in the store.
    pub const fn as_str(self) -> &'static str {
        match self {
            Source::Cloud => "cloud",
        }
    }
}

/// A user as it is stored; or an alias, which is one more address of a user and shares its uniqueness.
#[derive(Clone, Debug)]
pub struct User {
    /// Internal id.
    pub id: UserId,
    /// The account it belongs to.
    pub account: AccountId,
    /// Its address.
    pub address: EmailAddress,
    /// Display name; empty when none was given.
    pub name: String,
    /// The hash of the cloud password as a PHC string; `None` when it has none and can't log in with one.
    pub password: Option<PasswordHash>,
    /// When the password was set; `None`: when the user was made.
    pub password_changed_at: Option<Timestamp>,
    /// Whether the password must be changed at the next login.
    pub must_change_password: bool,
    /// Whether the password stays valid beyond the age that the account's policy sets.
    pub password_never_expires: bool,
    /// The role, for administrators.
    pub role: Option<RoleId>,
    /// How the address came to be.
    pub address_type: AddressType,
    /// Where the user is mastered.
    pub source: Source,
    /// Whether an administrator has shut the user out for a while.
    pub locked: bool,
    /// Whether the user is disabled.
    pub disabled: bool,
    /// Whether the user may send by SMTP. Kept for other systems; nothing here looks at it.
    pub allow_smtp: bool,
    /// Whether the user may fetch by POP. Kept for other systems; nothing here looks at it.
    pub allow_pop: bool,
    /// Since when mail is archived. Kept for other systems; nothing here looks at it.
    pub archive_start: Option<Timestamp>,
    /// Wrong passwords since the last right one, and until when nobody is let in for their number.
    pub attempts: Attempts,
    /// When the user logged in last, with the password; a signed call is no login.
    pub logged_in_at: Option<Timestamp>,
    /// When the user is deleted, if it is on the purge list: until then it is disabled.
    pub purge_at: Option<Timestamp>,
    /// The user whose alias this is.
    pub alias_of: Option<UserId>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was changed last; `None`: never.
    pub updated_at: Option<Timestamp>,
}

/// Wrong passwords.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Attempts {
    /// How many since the last right one, or since the last lockout.
    pub failed: u32,
    /// Until when nobody is let in.
    pub locked_until: Option<Timestamp>,
}

impl User {
    /// A user with an address and nothing else.
    pub fn new(id: UserId, account: AccountId, address: EmailAddress, created_at: Timestamp) -> Self {
        Self {
            id,
            account,
            address,
            name: String::new(),
            password: None,
            password_changed_at: None,
            must_change_password: false,
            password_never_expires: false,
            role: None,
            address_type: AddressType::CreatedManually,
            source: Source::Cloud,
            locked: false,
            disabled: false,
            allow_smtp: false,
            allow_pop: false,
            archive_start: None,
            attempts: Attempts::default(),
            logged_in_at: None,
            purge_at: None,
            alias_of: None,
            created_at,
            updated_at: None,
        }
    }

    /// Whether an administrator has shut the user out in whatever way.
    pub fn is_blocked(&self) -> bool {
        self.locked || self.disabled || self.purge_at.is_some()
    }
}

/// The changes of a user: `None` leaves a field unchanged.
#[derive(Clone, Debug, Default)]
pub struct Update {
    /// Display name.
    pub name: Option<String>,
    /// Password.
    pub password: Option<PasswordHash>,
    /// How many passwords, the present one included, are remembered when this one is set.
    pub history: u8,
    /// Whether the user's key pairs go on working although the password is set.
    pub keep_keys: bool,
    /// Whether the password must be changed at the next login.
    pub must_change_password: Option<bool>,
    /// Whether the password stays valid for good.
    pub password_never_expires: Option<bool>,
    /// Whether the user is locked.
    pub locked: Option<bool>,
    /// Whether the user is disabled.
    pub disabled: Option<bool>,
    /// Whether the user may send by SMTP.
    pub allow_smtp: Option<bool>,
    /// Whether the user may fetch by POP.
    pub allow_pop: Option<bool>,
    /// Since when mail is archived.
    pub archive_start: Option<Timestamp>,
}

impl Update {
    /// A new password, set by an administrator.
    pub fn password(hash: PasswordHash, history: u8) -> Self {
        let must_change_password = Some(false);
        Self { password: Some(hash), history, must_change_password, ..Self::default() }
    }

    /// Disabled or enabled.
    pub fn disabled(disabled: bool) -> Self {
        Self { disabled: Some(disabled), ..Self::default() }
    }

    /// Whether it changes nothing.
    pub fn is_nothing(&self) -> bool {
        let Self {
            name,
            password,
            history: _,
            keep_keys: _,
            must_change_password,
            password_never_expires,
            locked,
            disabled,
            ..
        } = self;
        name.is_none()
            && password.is_none()
            && [
                must_change_password,
                password_never_expires,
                locked,
                disabled,
                &self.allow_smtp,
                &self.allow_pop,
            ]
            .iter()
            .all(|flag| flag.is_none())
            && self.archive_start.is_none()
    }

    /// Whether it takes something away: the user's key pairs stop working.
    pub fn takes_away(&self) -> bool {
        (self.password.is_some() && !self.keep_keys)
            || self.locked == Some(true)
            || self.disabled == Some(true)
    }

    /// The changed fields, for the audit; never secret values.
    pub fn detail(&self) -> String {
        let flag = |name: &str, flag: Option<bool>| flag.map(|flag| format!("{name}={flag}"));
        let parts = [
            self.name.as_ref().map(|_| "name".to_owned()),
            self.password.as_ref().map(|_| "password".to_owned()),
            self.keep_keys.then(|| "key pairs kept".to_owned()),
            flag("forcePasswordChange", self.must_change_password),
            flag("passwordNeverExpires", self.password_never_expires),
            flag("accountLocked", self.locked),
            flag("accountDisabled", self.disabled),
            flag("allowSmtp", self.allow_smtp),
            flag("allowPop", self.allow_pop),
            self.archive_start.map(|at| format!("archiveStartDate={at}")),
        ];
        parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
    }
}

/// A hash in PHC form. It has no `Display`, and its `Debug` shows nothing: a hash can be guessed at offline.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(String);

impl PasswordHash {
    /// Wraps a PHC string.
    pub fn new(phc: String) -> Self {
        Self(phc)
    }

    /// The PHC string, for the store and for verification.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PasswordHash")
    }
}
