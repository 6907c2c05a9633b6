//! Logins, their key pairs, and authentication profiles.

use std::sync::Arc;

use ::directory::change::{Change, ChangeError, Effect};
use ::directory::login::{Attempt, AuthenticationProfile, Grant, NamedProfile, Outcome};
use ::directory::port::{Freshness, Store};
use ::directory::user::{PasswordHash, Update, User};
use ::directory::{BindingId, EmailAddress, ProfileId};
use jiff::SignedDuration;

use crate::Engine;
use crate::directory::effect;
use crate::engine::*;
use crate::usage::used;

async fn log_in(store: &Arc<dyn Store>, hash: Option<&str>, grant: Grant) -> Outcome {
    let attempt = Attempt {
        user: Some(user_id(2)),
        address: "b@example.com".to_owned(),
        verified: hash.map(|hash| PasswordHash::new(hash.to_owned())),
        rehashed: None,
        grant,
    };
    match effect(store, Change::LogIn(Box::new(attempt))).await {
        Ok(Effect::LogIn(outcome)) => outcome,
        other => panic!("{other:?}"),
    }
}

/// A directory in which user 2 has the password `right`.
async fn store_with_password(engine: &impl Engine) -> Arc<dyn Store> {
    let store = filled_store(engine).await;
    let with_password = User {
        password: Some(PasswordHash::new("right".to_owned())),
        must_change_password: false,
        ..user(2, "b@example.com")
    };
    apply(&store, vec![Change::AddUser(with_password)]).await;
    store
}

/// A key pair of user 2, who may have two of them.
fn pair(n: u8) -> Grant {
    let profile = AuthenticationProfile { binding_life: None, max_bindings: 2 };
    Grant::Binding(Box::new(binding(n, user_id(2))), profile)
}

pub(crate) async fn a_login_is_decided_on_the_row_as_it_is(engine: &impl Engine) {
    let store = store_with_password(engine).await;
    for _ in 0..4 {
        assert_eq!(log_in(&store, None, Grant::Nothing).await, Outcome::Refused);
    }
    assert_eq!(log_in(&store, Some("right"), pair(10)).await, Outcome::Granted);
    assert_eq!(log_in(&store, Some("an earlier one"), pair(11)).await, Outcome::Refused);
    let new = || Grant::Password(PasswordHash::new("new".to_owned()), 5);
    assert_eq!(log_in(&store, Some("right"), new()).await, Outcome::Granted);
    let principal = store.principal(&access_key(10), Freshness::Recent).await.unwrap();
    assert!(principal.is_none(), "all pairs are revoked");
    assert_eq!(log_in(&store, Some("right"), new()).await, Outcome::Refused);
    for _ in 0..9 {
        log_in(&store, None, Grant::Nothing).await;
    }
    assert_eq!(log_in(&store, Some("new"), pair(13)).await, Outcome::Refused, "locked out");
}

pub(crate) async fn a_login_replaces_only_key_pairs_that_were_never_used(engine: &impl Engine) {
    let store = store_with_password(engine).await;
    for n in [10, 11] {
        assert_eq!(log_in(&store, Some("right"), pair(n)).await, Outcome::Granted);
    }
    store.note_usage(vec![used(10, 1, "a")]).await.unwrap();
    assert_eq!(log_in(&store, Some("right"), pair(12)).await, Outcome::Granted);
    for (n, exists) in [(10, true), (11, false), (12, true)] {
        let found = store.principal(&access_key(n), Freshness::Recent).await.unwrap();
        assert_eq!(found.is_some(), exists, "pair {n}");
    }
    store.note_usage(vec![used(12, 1, "a")]).await.unwrap();
    assert_eq!(log_in(&store, Some("right"), pair(14)).await, Outcome::TooManyBindings);
}

pub(crate) async fn a_login_prolongs_key_pairs_of_its_user(engine: &impl Engine) {
    let store = store_with_password(engine).await;
    assert_eq!(log_in(&store, Some("right"), pair(10)).await, Outcome::Granted);
    assert!(store.principal(&access_key(10), Freshness::Recent).await.unwrap().is_some());
    let until = Some(now() + SignedDuration::from_hours(1));
    let prolong = |n: u8, until| Grant::Prolong(BindingId::from_bytes([n; 16]), until);
    assert_eq!(log_in(&store, Some("right"), prolong(10, until)).await, Outcome::Granted);
    let principal = store.principal(&access_key(10), Freshness::Recent).await.unwrap().unwrap();
    assert_eq!(principal.binding.expires_at, until, "seen at once");
    let others = log_in(&store, Some("right"), prolong(1, None)).await;
    assert_eq!(others, Outcome::Refused, "another user's");
}

pub(crate) async fn a_login_with_an_unknown_address_is_in_the_audit(engine: &impl Engine) {
    let store = filled_store(engine).await;
    let unknown = Attempt {
        user: None,
        address: "x@example.com".to_owned(),
        verified: None,
        rehashed: None,
        grant: Grant::Nothing,
    };
    assert!(matches!(
        effect(&store, Change::LogIn(Box::new(unknown))).await,
        Ok(Effect::LogIn(Outcome::Refused))
    ));
    let events = store.audit(1, 0, 100).await.unwrap();
    assert_eq!(events.last().unwrap().target, "x@example.com");
    assert!(store.verify_audit().await.unwrap()[0].broken.is_none());
}

pub(crate) async fn profiles_hold_for_users_else_for_accounts(engine: &impl Engine) {
    let store = filled_store(engine).await;
    let named = |n: u8, life: Option<i64>| NamedProfile {
        id: ProfileId::from_bytes([n; 16]),
        account: account_id(1),
        name: format!("Profile {n}"),
        profile: AuthenticationProfile {
            binding_life: life.map(SignedDuration::from_hours),
            max_bindings: u32::from(n),
        },
    };
    apply(&store, vec![Change::AddProfile(named(1, Some(5))), Change::AddProfile(named(2, None))]).await;
    assert_eq!(store.list_profiles().await.unwrap(), [named(1, Some(5)), named(2, None)]);
    let address = EmailAddress::parse("first@example.com").unwrap();
    let effective = async || store.credentials(&address).await.unwrap().unwrap().profile;
    assert_eq!(effective().await, AuthenticationProfile::default());
    apply(&store, vec![Change::SetAccountProfile(account_id(1), Some(ProfileId::from_bytes([1; 16])))]).await;
    assert_eq!(effective().await, named(1, Some(5)).profile);
    apply(&store, vec![Change::SetProfile(user_id(1), Some(ProfileId::from_bytes([2; 16])))]).await;
    assert_eq!(effective().await, named(2, None).profile);
    let twice =
        NamedProfile { id: ProfileId::from_bytes([3; 16]), name: "PROFILE 1".to_owned(), ..named(1, None) };
    assert_eq!(effect(&store, Change::AddProfile(twice)).await.unwrap_err(), ChangeError::AlreadyExists);
    let unknown = Change::SetProfile(user_id(1), Some(ProfileId::from_bytes([9; 16])));
    assert_eq!(effect(&store, unknown).await.unwrap_err(), ChangeError::NotFound);
}

pub(crate) async fn a_bind_is_decided_like_a_login_and_recorded_if_asked_for(engine: &impl Engine) {
    let store = store_with_password(engine).await;
    let events = async || engine.rows("audit_events");
    let before = events().await;
    let bind = |is_recorded| Grant::Bind { is_recorded };
    assert_eq!(log_in(&store, Some("right"), bind(true)).await, Outcome::Granted);
    assert_eq!(log_in(&store, Some("right"), bind(false)).await, Outcome::Granted);
    assert_eq!(events().await, before + 1);
    let user = async || store.users_by_id(&[user_id(2)]).await.unwrap().remove(0).unwrap();
    assert_eq!(user().await.logged_in_at, Some(now()));
    // Refusals are always recorded, and a right password forgets them also if it is not.
    for _ in 0..4 {
        assert_eq!(log_in(&store, None, bind(false)).await, Outcome::Refused);
    }
    assert_eq!((events().await, user().await.attempts.failed), (before + 5, 4));
    assert_eq!(log_in(&store, Some("right"), bind(false)).await, Outcome::Granted);
    assert_eq!((events().await, user().await.attempts.failed), (before + 5, 0));
    // Nothing of what stops a login lets a bind pass.
    apply(&store, vec![update(user_id(2), Update { must_change_password: Some(true), ..Update::default() })])
        .await;
    assert_eq!(log_in(&store, Some("right"), bind(true)).await, Outcome::MustChange);
    apply(&store, vec![disable(user_id(2))]).await;
    assert_eq!(log_in(&store, Some("right"), bind(true)).await, Outcome::Refused);
}
