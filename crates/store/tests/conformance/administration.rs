//! Changes by administrators, and which secrets and rows become readable or unreadable.

use directory::audit::Actor;
use directory::change::{Change, ChangeError, Changed};
use directory::domains::DomainChange;
use directory::port::Freshness;
use directory::role::{BuiltIn, INTERNAL_READ};
use directory::settings::{EmergencyContact, Settings, SettingsUpdate};
use directory::user::{PasswordHash, Update, User};
use directory::{ApplicationId, BindingId, DomainId, DomainName, Role, RoleId};
use secrecy::ExposeSecret;

use crate::Engine;
use crate::engine::*;

pub(crate) async fn all_changes_are_made_or_none(engine: &impl Engine) {
    let store = filled_store(engine).await;
    let told = store.audit(1, 0, 100).await.unwrap().len();
    let lists = [
        (
            vec![Change::AddAccount(account(2, &[])), Change::AddAccount(account(1, &[]))],
            ChangeError::AlreadyExists,
        ),
        (
            vec![Change::AddAccount(account(4, &[])), Change::AddDomain(domain(7, "x.example"))],
            ChangeError::NotFound,
        ),
        (vec![disable(user_id(1)), disable(user_id(99))], ChangeError::NotFound),
        (
            vec![Change::AddUser(user(5, "e@example.com")), Change::AddUser(user(6, "first@example.com"))],
            ChangeError::AddressTaken,
        ),
        (
            vec![Change::AddAccount(account(3, &[])), Change::AddBinding(binding(5, user_id(99)))],
            ChangeError::NotFound,
        ),
    ];
    for (changes, why) in lists {
        let outcome = store.apply(changes, Actor::Operator, now()).await.unwrap();
        assert_eq!(outcome, Changed::Refused { index: 1, why });
    }
    assert_eq!(store.list_accounts().await.unwrap().len(), 1);
    assert_eq!(store.list_domains().await.unwrap().len(), 1);
    assert_eq!(store.count_users().await.unwrap(), FILLED);
    assert!(store.principal(&access_key(1), Freshness::Now).await.unwrap().is_some());
    assert_eq!(store.audit(1, 0, 100).await.unwrap().len(), told, "what was not done is not told");
    assert!(store.verify_audit().await.unwrap()[0].broken.is_none());
    // The refused list did not raise the epoch.
    assert_eq!(
        create(&store, request(1, 1, vec![user(8, "h@example.com")])).await,
        written_text("[Created]")
    );
}

pub(crate) async fn revocations_raise_the_epoch(engine: &impl Engine) {
    let store = filled_store(engine).await;
    let role = Role {
        id: RoleId::from_bytes([5; 16]),
        account: Some(account_id(1)),
        name: "Reader".to_owned(),
        permissions: [INTERNAL_READ].into(),
        partner: false,
    };
    let idle = user_id(7);
    let changes = [
        (Change::AddUser(user(7, "idle@example.com")), false),
        (disable(idle), false), // nobody who could have called
        (Change::RemoveUser(idle), false),
        (Change::AddRole(role), false),
        (Change::SetRole(user_id(1), Some(RoleId::from_bytes([5; 16]))), true),
        (update(user_id(1), Update::password(PasswordHash::new("$…".to_owned()), 5)), true),
        (Change::AddBinding(binding(2, user_id(1))), false),
        (Change::RevokeBinding(BindingId::from_bytes([2; 16])), true),
        (Change::RemoveDomain(DomainId::from_bytes([1; 16])), true),
        (disable(user_id(1)), true),
        (update(user_id(1), Update::disabled(false)), false),
        (Change::DisableApplication(ApplicationId::from_bytes([1; 16])), true),
        (Change::RemoveUser(user_id(1)), true),
        (Change::RemoveRole(RoleId::from_bytes([5; 16])), true),
    ];
    for (change, takes_away) in changes {
        let action = change.action();
        let epoch = async || store.list_accounts().await.unwrap()[0].epoch;
        let before = epoch().await;
        apply(&store, vec![change]).await;
        assert_eq!(epoch().await > before, takes_away, "{action:?}");
    }
}

pub(crate) async fn a_principal_is_all_or_nothing<E: Engine>(engine: &E) {
    let store = filled_store(engine).await;
    apply(&store, vec![Change::SetRole(user_id(1), Some(BuiltIn::BasicAdministrator.id()))]).await;
    // Key pairs issued before the user got a role do not get its rights.
    assert!(store.principal(&access_key(1), Freshness::Now).await.unwrap().is_none());
    apply(&store, vec![Change::AddBinding(binding(2, user_id(1)))]).await;
    let principal = store.principal(&access_key(2), Freshness::Now).await.unwrap().unwrap();
    assert_eq!(principal.binding.secret.expose_secret(), SECRET);
    assert_eq!(principal.application.app_key.expose_secret(), APP_KEY);
    assert_eq!((principal.address.as_str(), principal.account.code.as_str()), ("first@example.com", "C1"));
    assert_eq!(principal.role.as_ref().unwrap().name, "Basic Administrator");
    assert!(store.principal(&access_key(9), Freshness::Now).await.unwrap().is_none());

    for gone in [
        Change::RevokeBinding(BindingId::from_bytes([1; 16])),
        disable(user_id(1)),
        Change::DisableApplication(ApplicationId::from_bytes([1; 16])),
        Change::DisableAccount(account_id(1)),
    ] {
        let engine = E::new().unwrap();
        let store = filled_store(&engine).await;
        let action = gone.action();
        apply(&store, vec![gone]).await;
        for freshness in [Freshness::Now, Freshness::Recent] {
            assert!(store.principal(&access_key(1), freshness).await.unwrap().is_none(), "{action:?}");
        }
    }
}

pub(crate) async fn accounts_know_what_is_above_them(engine: &impl Engine) {
    let store = engine.open();
    let changes = vec![
        Change::AddAccount(account(1, &[])),
        Change::AddAccount(account(2, &[1])),
        Change::AddAccount(account(3, &[2, 1])),
        Change::AddDomain(domain(3, "three.example")),
    ];
    apply(&store, changes).await;
    let found =
        store.accounts(&[account(3, &[]).code, account(9, &[]).code, account(1, &[]).code]).await.unwrap();
    assert_eq!(found[0].as_ref().unwrap().above, [account_id(2), account_id(1)]);
    assert!(found[1].is_none());
    assert!(found[2].as_ref().unwrap().above.is_empty());
    let names = ["three.example", "four.example"].map(|name| DomainName::parse(name).unwrap());
    let owners = store.domains(&names).await.unwrap();
    assert_eq!((owners[0].unwrap().account, owners[1]), (account_id(3), None));
}

pub(crate) async fn secrets_are_nowhere_to_be_read(engine: &impl Engine) {
    let store = filled_store(engine).await;
    assert_eq!(
        create(&store, request(1, 1, vec![user(2, "visible@example.com")])).await,
        written_text("[Created]")
    );
    drop(store);
    let bytes = engine.bytes();
    let holds = |text: &[u8]| bytes.windows(text.len()).any(|window| window == text);
    assert!(holds(b"visible@example.com"), "the search finds what is there");
    assert!(!holds(SECRET) && !holds(APP_KEY.as_bytes()));
}

pub(crate) async fn another_master_key_is_refused(engine: &impl Engine) {
    drop(filled_store(engine).await);
    let error = engine.open_with_other_key();
    assert!(error.contains("the database was created with the master key"), "{error}");
    assert!(engine.open().principal(&access_key(1), Freshness::Now).await.unwrap().is_some());
}

pub(crate) async fn settings_change_one_by_one(engine: &impl Engine) {
    let store = filled_store(engine).await;
    let packages = vec!["Mail [2]".to_owned(), "Ä, \"B\"".to_owned()];
    let contact = EmergencyContact { email: "ann@example.net".to_owned(), ..EmergencyContact::default() };
    for (update, detail) in [
        (
            SettingsUpdate { packages: Some(packages.clone()), ..SettingsUpdate::default() },
            "packages Mail [2], Ä, \"B\"",
        ),
        (
            SettingsUpdate {
                basic_ad_as_cloud: Some(true),
                emergency_contact: Some(contact.clone()),
                ..SettingsUpdate::default()
            },
            "Basic-AD treated as Basic-Cloud; emergency contact ann@example.net",
        ),
    ] {
        let change = Change::SetSettings(account_id(1), update);
        assert_eq!(store.apply(vec![change], Actor::Operator, now()).await.unwrap(), Changed::Done);
        let event = store.audit(1, 0, 100).await.unwrap().pop().unwrap();
        assert_eq!(
            (event.action.as_str(), event.target.as_str(), event.detail.as_str()),
            ("account.settings_set", "C1", detail)
        );
    }
    let settings = Settings {
        packages,
        basic_ad_as_cloud: true,
        emergency_contact: Some(contact),
        ..Settings::default()
    };
    let principal = store.principal(&access_key(1), Freshness::Now).await.unwrap().unwrap();
    assert_eq!(principal.account.settings, settings);
    let found = store.account_by_id(account_id(1)).await.unwrap().unwrap();
    assert_eq!(found.settings, settings);
    assert_eq!(store.list_accounts().await.unwrap(), [found]);
    assert!(store.account_by_id(account_id(9)).await.unwrap().is_none());
    let nowhere = Change::SetSettings(account_id(9), SettingsUpdate::default());
    let refused = store.apply(vec![nowhere], Actor::Operator, now()).await.unwrap();
    assert_eq!(refused, Changed::Refused { index: 0, why: ChangeError::NotFound });
}

pub(crate) async fn changes_together_are_made_or_none(engine: &impl Engine) {
    let store = filled_store(engine).await;
    let told = async || {
        let mut told = 0;
        for report in store.verify_audit().await.unwrap() {
            assert!(report.broken.is_none());
            told += store.audit(report.chain, 0, 100).await.unwrap().len();
        }
        told
    };
    let before = told().await;
    let new = |n: u8, domain_name: &str, by: u8| {
        let first = user(u32::from(n) * 1_000, &format!("first@{domain_name}"));
        Change::Together(vec![
            Change::AddAccount(account(n, &[1])),
            Change::Domain(DomainChange::Provide { domain: domain(n, domain_name), by: account_id(by) }),
            Change::AddUser(User { account: account_id(n), ..first }),
        ])
    };
    // Between others in one list: only what is refused is undone.
    let around = |n: u32| Change::AddUser(user(n, &format!("{n}@example.com")));
    for (number, (change, outcome)) in (20..).zip([
        (new(2, "example.com", 1), Err(ChangeError::DomainManaged)),
        (new(2, "sub.example.com", 9), Err(ChangeError::DomainBelowAnothers)),
        (new(1, "new.example", 1), Err(ChangeError::AlreadyExists)),
        (new(2, "sub.example.com", 1), Ok(())),
        (new(3, "new.example", 1), Ok(())),
    ]) {
        let effect = crate::directory::effect(&store, change).await;
        assert_eq!(effect.map(drop), outcome);
        assert!(crate::directory::effect(&store, around(number)).await.is_ok());
    }
    let codes: Vec<_> =
        store.list_accounts().await.unwrap().into_iter().map(|account| account.code.to_string()).collect();
    assert_eq!(codes, ["C1", "C2", "C3"]);
    for n in [2, 3] {
        assert_eq!(store.count_listed(account_id(n), None).await.unwrap(), 3, "with postmaster and abuse");
    }
    assert_eq!(store.count_users().await.unwrap(), FILLED + 5 + 6);
    assert_eq!(told().await, before + 5 + 6, "what was not done is not told");
    let list = vec![around(40), new(2, "other.example", 1)];
    let refused = store.apply(list, Actor::Operator, now()).await.unwrap();
    assert_eq!(refused, Changed::Refused { index: 1, why: ChangeError::AlreadyExists });
    assert_eq!(store.count_users().await.unwrap(), FILLED + 5 + 6);
}
