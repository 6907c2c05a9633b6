//! Users.

use jiff::Timestamp;

use crate::{AccountId, EmailAddress, RoleId, UserId};

/// Longest display name, in characters. `[ours]`
pub const MAX_NAME: usize = 256;

/// The origin of an address, in the service's words (spec/clients.md 4.6).
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

/// The system that owns a user, in the service's words (spec/clients.md 4.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// This directory.
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

/// A stored user; or an alias, which is another address of a user and must be unique like one.
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
    /// The hash of the cloud password as a PHC string; `None`: no login with a password.
    pub password: Option<PasswordHash>,
    /// When the password was set; `None`: when the user was created.
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
    /// Whether an administrator locked the user.
    pub locked: bool,
    /// Whether the user is disabled.
    pub disabled: bool,
    /// Whether the user may send by SMTP. Stored for other systems; this one does not use it.
    pub allow_smtp: bool,
    /// Whether the user may fetch by POP. Stored for other systems; this one does not use it.
    pub allow_pop: bool,
    /// When archiving of mail started. Stored for other systems; this one does not use it.
    pub archive_start: Option<Timestamp>,
    /// Failed logins, and the lockout they caused.
    pub attempts: Attempts,
    /// The last login with the password; a signed call is not a login.
    pub logged_in_at: Option<Timestamp>,
    /// When the user will be deleted, if it is on the purge list; until then it cannot log in.
    pub purge_at: Option<Timestamp>,
    /// The user whose alias this is.
    pub alias_of: Option<UserId>,
    /// Whether the user belongs to its domain: it comes and goes with the domain, and nobody can change it.
    pub reserved: bool,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was last changed; `None`: never.
    pub updated_at: Option<Timestamp>,
}

/// Failed logins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Attempts {
    /// The number since the last success or lockout.
    pub failed: u32,
    /// The end of the lockout.
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
            reserved: false,
            created_at,
            updated_at: None,
        }
    }

    /// Whether the user is locked, disabled or on the purge list.
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
    /// The number of passwords to remember, the new one included.
    pub history: u8,
    /// Whether the user's key pairs stay valid although the password changes.
    pub keep_keys: bool,
    /// Whether the password must be changed at the next login.
    pub must_change_password: Option<bool>,
    /// Whether the password never expires.
    pub password_never_expires: Option<bool>,
    /// Whether the user is locked.
    pub locked: Option<bool>,
    /// Whether the user is disabled.
    pub disabled: Option<bool>,
    /// Whether the user may send by SMTP.
    pub allow_smtp: Option<bool>,
    /// Whether the user may fetch by POP.
    pub allow_pop: Option<bool>,
    /// When archiving of mail started.
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

    /// Whether it revokes the user's key pairs.
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
