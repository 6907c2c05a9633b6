//! The rules of login: key pairs, their lifetime, and lockouts (spec/protocol.md 4; the numbers are `[ours]`).

use jiff::{SignedDuration, Timestamp};

use crate::application::Binding;
use crate::password::Policy;
use crate::session::Session;
use crate::user::{Attempts, PasswordHash, User};
use crate::{Account, AccountId, BindingId, ProfileId, UserId};

/// The life and the number of key pairs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthenticationProfile {
    /// The life of a key pair; `None`: it never expires.
    pub binding_life: Option<SignedDuration>,
    /// Maximum number of valid key pairs of one user for one application.
    pub max_bindings: u32,
}

/// A named profile of an account, which can be assigned to users.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedProfile {
    /// Internal id.
    pub id: ProfileId,
    /// The account that created it.
    pub account: AccountId,
    /// Its name.
    pub name: String,
    /// Its content.
    pub profile: AuthenticationProfile,
}

impl Default for AuthenticationProfile {
    /// Three days, as integrators expect (spec/protocol.md 4), and ten key pairs.
    fn default() -> Self {
        Self { binding_life: Some(SignedDuration::from_hours(72)), max_bindings: 10 }
    }
}

/// The data to verify a login.
pub struct Credentials {
    /// The user.
    pub user: User,
    /// Its account.
    pub account: Account,
    /// The profile in effect.
    pub profile: AuthenticationProfile,
    /// Hashes of earlier passwords, newest first.
    pub history: Vec<PasswordHash>,
}

/// A login attempt: a password, and the request. The store decides it with [`decide`] on the current row, so concurrent
/// attempts cannot exceed the number of failures that the policy allows.
pub struct Attempt {
    /// The user; `None` when no user has the address.
    pub user: Option<UserId>,
    /// The given address, for the audit.
    pub address: String,
    /// The hash that matched the password; `None`: the password is wrong.
    pub verified: Option<PasswordHash>,
    /// The password hashed with the current cost, if the stored hash has another one.
    pub rehashed: Option<PasswordHash>,
    /// The request.
    pub grant: Grant,
}

/// The purpose of a login.
pub enum Grant {
    /// A new key pair.
    Binding(Box<Binding>, AuthenticationProfile),
    /// A session of the console.
    Session(Session),
    /// A later expiry for a key pair, which keeps its secret.
    Prolong(BindingId, Option<Timestamp>),
    /// A new password, which satisfies the policy; and the number of passwords to remember.
    Password(PasswordHash, u8),
    /// A bind by LDAP. It is recorded unless another one of the user was a moment ago.
    Bind {
        /// Whether it is recorded.
        is_recorded: bool,
    },
    /// Only verify the password: the request itself can't be granted.
    Nothing,
}

/// The result of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Granted.
    Granted,
    /// Wrong password, unknown user, locked or disabled: the caller is not told which.
    Refused,
    /// The password is right and must be changed first.
    MustChange,
    /// The password is right and too old: it must be changed first.
    Expired,
    /// The password is right, but the user has the maximum number of key pairs for the application.
    TooManyBindings,
}

/// The decision about an attempt, before key pairs are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decision {
    /// The result.
    pub outcome: Outcome,
    /// The failed logins from now on.
    pub attempts: Attempts,
    /// Its text in the audit.
    pub why: &'static str,
}

/// The latest end of a lockout that began before now, by a clock that is off by at most five minutes. A later end was
/// written while the clock was far ahead, and would lock the user out too long.
fn latest(now: Timestamp, policy: &Policy) -> Timestamp {
    let minutes = i64::from(policy.lockout_minutes).saturating_add(5);
    now.checked_add(SignedDuration::from_mins(minutes)).unwrap_or(Timestamp::MAX)
}

/// Decides an attempt. `verified`: the password is the user's current one.
pub fn decide(user: &User, policy: &Policy, verified: bool, grant: &Grant, now: Timestamp) -> Decision {
    let decision = |outcome, attempts, why| Decision { outcome, attempts, why };
    if user.is_blocked() {
        return decision(Outcome::Refused, user.attempts, "the user is locked or disabled");
    }
    if user.attempts.locked_until.is_some_and(|until| now < until && until <= latest(now, policy)) {
        return decision(Outcome::Refused, user.attempts, "locked out after wrong passwords");
    }
    if !verified {
        let failed = user.attempts.failed.saturating_add(1);
        return match policy.lockout_tries {
            tries if tries > 0 && failed >= tries => {
                let until =
                    now.checked_add(SignedDuration::from_mins(i64::from(policy.lockout_minutes))).ok();
                let attempts = Attempts { failed: 0, locked_until: until };
                decision(Outcome::Refused, attempts, "wrong password; locked out from now on")
            }
            _ => {
                let attempts = Attempts { failed, locked_until: None };
                decision(Outcome::Refused, attempts, "wrong password")
            }
        };
    }
    let (outcome, why) = if matches!(grant, Grant::Password(..) | Grant::Nothing) {
        (Outcome::Granted, "")
    } else if user.must_change_password {
        (Outcome::MustChange, "the password must be changed first")
    } else if !user.password_never_expires
        && policy.expired(user.password_changed_at.unwrap_or(user.created_at), now)
    {
        (Outcome::Expired, "the password is too old")
    } else {
        (Outcome::Granted, "")
    };
    decision(outcome, Attempts::default(), why)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::EmailAddress;

    fn at(minutes: i64) -> Timestamp {
        Timestamp::constant(1_795_521_600, 0) + SignedDuration::from_mins(minutes)
    }

    fn pair() -> Grant {
        Grant::Prolong(BindingId::from_bytes([3; 16]), None)
    }

    fn user() -> User {
        let address = EmailAddress::parse("ann@example.com").unwrap();
        User::new(UserId::from_bytes([1; 16]), AccountId::from_bytes([2; 16]), address, at(0))
    }

    #[test]
    fn five_wrong_passwords_lock_for_fifteen_minutes_and_a_right_one_forgets_them() {
        let (mut user, policy) = (user(), Policy::default());
        let mut attempt = |verified, minute| {
            let decision = decide(&user, &policy, verified, &pair(), at(minute));
            user.attempts = decision.attempts;
            (decision.outcome, decision.why)
        };
        for _ in 0..4 {
            assert_eq!(attempt(false, 0), (Outcome::Refused, "wrong password"));
        }
        assert_eq!(attempt(true, 0), (Outcome::Granted, ""));
        for _ in 0..4 {
            attempt(false, 1);
        }
        assert_eq!(attempt(false, 1), (Outcome::Refused, "wrong password; locked out from now on"));
        for minute in [1, 15] {
            assert_eq!(attempt(true, minute), (Outcome::Refused, "locked out after wrong passwords"));
        }
        assert_eq!(attempt(true, 16), (Outcome::Granted, ""));
    }

    #[test]
    fn a_lockout_of_a_clock_far_ahead_ends_when_the_clock_is_set_back() {
        let (mut user, policy) = (user(), Policy::default());
        user.attempts.locked_until = Some(at(365 * 24 * 60));
        assert_eq!(decide(&user, &policy, true, &pair(), at(0)).outcome, Outcome::Granted);
        // Clocks may be off by five minutes.
        user.attempts.locked_until = Some(at(15 + 4));
        assert_eq!(decide(&user, &policy, true, &pair(), at(0)).outcome, Outcome::Refused);
    }

    #[test]
    fn who_is_shut_out_is_refused_whatever_the_password() {
        for shut in [
            |u: &mut User| u.locked = true,
            |u: &mut User| u.disabled = true,
            |u: &mut User| u.purge_at = Some(at(9)),
        ] {
            let mut user = user();
            shut(&mut user);
            let decision = decide(&user, &Policy::default(), true, &pair(), at(1));
            assert_eq!((decision.outcome, decision.attempts.failed), (Outcome::Refused, 0));
        }
    }

    #[test]
    fn a_forced_change_and_age_stop_everything_but_the_change() {
        let new = Grant::Password(PasswordHash::new("x".to_owned()), 1);
        let (mut user, policy) = (user(), Policy { max_age_days: Some(30), ..Policy::default() });
        let month = 31 * 24 * 60;
        let outcome =
            |user: &User, grant: &Grant, minute| decide(user, &policy, true, grant, at(minute)).outcome;
        assert_eq!(outcome(&user, &pair(), month), Outcome::Expired);
        assert_eq!(outcome(&user, &new, month), Outcome::Granted);
        user.password_never_expires = true;
        assert_eq!(outcome(&user, &pair(), month), Outcome::Granted);
        user.must_change_password = true;
        assert_eq!(outcome(&user, &pair(), 0), Outcome::MustChange);
        assert_eq!(outcome(&user, &new, 0), Outcome::Granted);
    }
}
