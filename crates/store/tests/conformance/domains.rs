//! How accounts get domains: registered, verified, below their domains, and never another account's.

use std::sync::Arc;

use directory::audit::Actor;
use directory::change::{Change, ChangeError, Changed};
use directory::domains::{DomainChange, InboundType, LIFE, PendingDomain};
use directory::port::{Position, Store};
use directory::{DomainId, DomainName, PendingDomainId};
use jiff::Timestamp;

use crate::Engine;
use crate::engine::*;

fn name(text: &str) -> DomainName {
    DomainName::parse(text).unwrap()
}

fn pending(n: u8, account: u8, text: &str) -> PendingDomain {
    let id = PendingDomainId::from_bytes([n; 16]);
    PendingDomain::new(id, account_id(account), name(text), InboundType::Smtp, &[n; 16], now())
}

fn register(n: u8, account: u8, text: &str) -> Change {
    Change::Domain(DomainChange::Register(pending(n, account, text), DomainId::from_bytes([100 + n; 16])))
}

fn verify(n: u8) -> Change {
    let (pending, id) = (PendingDomainId::from_bytes([n; 16]), DomainId::from_bytes([200 + n; 16]));
    Change::Domain(DomainChange::Verify { pending, id, inbound_type: InboundType::Any })
}

fn drop_pending(n: u8) -> Change {
    Change::Domain(DomainChange::Drop(PendingDomainId::from_bytes([n; 16])))
}

async fn assert_refused_at(store: &Arc<dyn Store>, change: Change, why: ChangeError, at: Timestamp) {
    let outcome = store.apply(vec![change], Actor::Operator, at).await.unwrap();
    assert_eq!(outcome, Changed::Refused { index: 0, why });
}

async fn assert_refused(store: &Arc<dyn Store>, change: Change, why: ChangeError) {
    assert_refused_at(store, change, why, now()).await;
}

async fn owner_of(store: &Arc<dyn Store>, text: &str) -> Option<directory::AccountId> {
    store.domains(&[name(text)]).await.unwrap()[0].map(|evidence| evidence.account)
}

/// Accounts 1 and 2; account 1 has `example.com`.
async fn two_accounts(engine: &impl Engine) -> Arc<dyn Store> {
    let store = filled_store(engine).await;
    apply(&store, vec![Change::AddAccount(account(2, &[]))]).await;
    store
}

pub(crate) async fn the_first_account_that_verifies_a_domain_gets_it(engine: &impl Engine) {
    let store = two_accounts(engine).await;
    apply(&store, vec![register(1, 1, "new.example"), register(2, 2, "new.example")]).await;
    assert_refused(&store, register(3, 1, "new.example"), ChangeError::AlreadyExists).await;
    assert_eq!(owner_of(&store, "new.example").await, None, "registered is not internal");
    assert_eq!(
        store.pending_domain(account_id(1), &name("new.example")).await.unwrap(),
        Some(pending(1, 1, "new.example"))
    );

    apply(&store, vec![verify(2)]).await;
    assert_eq!(owner_of(&store, "new.example").await, Some(account_id(2)));
    let domain = store.domain_of(account_id(2), &name("new.example")).await.unwrap().unwrap();
    assert_eq!((domain.inbound_type, domain.send_only, domain.local), (InboundType::Any, false, true));
    assert!(store.domain_of(account_id(1), &name("new.example")).await.unwrap().is_none());
    assert!(store.pending_domain(account_id(2), &name("new.example")).await.unwrap().is_none());

    assert_refused(&store, verify(1), ChangeError::DomainManaged).await;
    assert_refused(&store, verify(2), ChangeError::NotFound).await;
    assert_refused(&store, register(4, 1, "new.example"), ChangeError::DomainManaged).await;
    assert_refused(&store, register(4, 2, "new.example"), ChangeError::DomainManaged).await;
    apply(&store, vec![drop_pending(1)]).await;
    assert_refused(&store, drop_pending(1), ChangeError::NotFound).await;
    assert!(store.pending_domain(account_id(1), &name("new.example")).await.unwrap().is_none());
}

pub(crate) async fn subdomains_go_to_the_owner_of_the_domain(engine: &impl Engine) {
    let store = two_accounts(engine).await;
    apply(&store, vec![register(1, 1, "a.b.example.com")]).await;
    let below = store.domain_of(account_id(1), &name("a.b.example.com")).await.unwrap().unwrap();
    assert_eq!((below.id, below.inbound_type), (DomainId::from_bytes([101; 16]), InboundType::Smtp));
    assert_eq!(store.pending_domains_of(account_id(1), &Position::Start, 9).await.unwrap().total, 0);
    assert_refused(&store, register(2, 2, "b.example.com"), ChangeError::DomainBelowAnothers).await;
    // A name that only ends alike is not below the domain.
    apply(&store, vec![register(3, 2, "anexample.com"), register(4, 2, "sub.late.example")]).await;

    // A pending domain that is below another account's domain by now cannot be verified.
    apply(&store, vec![register(5, 1, "late.example"), verify(5)]).await;
    assert_refused(&store, verify(4), ChangeError::DomainBelowAnothers).await;
    // Verification of the parent domain settles the account's pending domain.
    apply(&store, vec![register(6, 1, "sub.own.example"), register(7, 1, "own.example"), verify(7)]).await;
    apply(&store, vec![register(8, 1, "sub.own.example")]).await;
    assert!(store.pending_domain(account_id(1), &name("sub.own.example")).await.unwrap().is_none());
    assert_eq!(owner_of(&store, "sub.own.example").await, Some(account_id(1)));
}

pub(crate) async fn a_registration_expires_and_can_be_repeated(engine: &impl Engine) {
    let store = two_accounts(engine).await;
    apply(&store, vec![register(1, 1, "new.example")]).await;
    let late = now() + LIFE;
    assert_refused_at(&store, verify(1), ChangeError::VerificationExpired, late).await;
    let again = PendingDomain { created_at: late, expires_at: late + LIFE, ..pending(2, 1, "new.example") };
    let change = Change::Domain(DomainChange::Register(again.clone(), DomainId::from_bytes([102; 16])));
    assert_eq!(store.apply(vec![change], Actor::Operator, late).await.unwrap(), Changed::Done);
    assert_eq!(store.pending_domain(account_id(1), &name("new.example")).await.unwrap(), Some(again));
    assert_eq!(store.apply(vec![verify(2)], Actor::Operator, late).await.unwrap(), Changed::Done);
    assert!(store.verify_audit().await.unwrap().iter().all(|report| report.broken.is_none()));
}

pub(crate) async fn domains_are_listed_by_account(engine: &impl Engine) {
    let store = two_accounts(engine).await;
    let change = |n: u8| register(n, 1 + n % 2, &format!("{n:02}.example"));
    apply(&store, (0..20).map(change).collect()).await;
    apply(&store, (0..20).step_by(2).map(verify).collect()).await;
    let one = account_id(1);
    let names = |rows: &[directory::Domain]| rows.iter().map(|row| row.name.to_string()).collect::<Vec<_>>();
    let first = store.domains_of(one, &Position::Start, 3).await.unwrap();
    assert_eq!(
        (names(&first.rows), first.total),
        (["00", "02", "04"].map(|n| n.to_owned() + ".example").into(), 11)
    );
    let rest = store.domains_of(one, &Position::After("04.example".to_owned()), 100).await.unwrap();
    assert_eq!(rest.rows.len(), 8);
    let before = store.domains_of(one, &Position::Before("04.example".to_owned()), 1).await.unwrap();
    assert_eq!(names(&before.rows), ["02.example"]);

    let pending = store.pending_domains_of(account_id(2), &Position::Start, 100).await.unwrap();
    assert_eq!((pending.rows.len(), pending.total), (10, 10));
    let after = Position::After("17.example".to_owned());
    let pending = store.pending_domains_of(account_id(2), &after, 100).await.unwrap();
    assert_eq!(pending.rows[0].name.as_str(), "19.example");
    assert_eq!(store.pending_domains_of(one, &Position::Start, 100).await.unwrap().total, 0);
}

/// Users created in the same transaction also keep a domain from another account.
pub(crate) async fn a_domain_is_not_taken_from_under_a_new_user(engine: &impl Engine) {
    let store = two_accounts(engine).await;
    apply(&store, vec![register(1, 2, "moving.example")]).await;
    let moving = directory::Domain { id: DomainId::from_bytes([50; 16]), ..domain(1, "moving.example") };
    apply(&store, vec![Change::AddDomain(moving.clone())]).await;
    for take in [verify(1), Change::AddDomain(domain(2, "moving.example"))] {
        let changes =
            vec![Change::AddUser(user(40, "ann@moving.example")), Change::RemoveDomain(moving.id), take];
        let outcome = store.apply(changes, Actor::Operator, now()).await.unwrap();
        assert_eq!(outcome, Changed::Refused { index: 2, why: ChangeError::DomainHasUsers });
    }
}
