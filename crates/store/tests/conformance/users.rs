//! Users are created only on valid evidence, and each address once.

use directory::change::Change;
use directory::port::{Evidence, Written};
use directory::user::PasswordHash;
use directory::{DomainId, EmailAddress};

use crate::Engine;
use crate::engine::*;

async fn find_user(
    store: &std::sync::Arc<dyn directory::port::Store>,
    address: &str,
) -> Option<directory::user::User> {
    store.users(&[EmailAddress::parse(address).unwrap()]).await.unwrap().remove(0)
}

pub(crate) async fn a_user_is_found_again_also_after_reopening(engine: &impl Engine) {
    let store = filled_store(engine).await;
    let hash = PasswordHash::new("$argon2id$…".to_owned());
    let new = directory::user::User { password: Some(hash), ..user(3, "Åsa@Bücher.example") };
    assert_eq!(create(&store, request(1, 1, vec![new.clone()])).await, written_text("[Created]"));
    drop(store);
    let store = engine.open();
    let found = find_user(&store, "åsa@xn--bcher-kva.EXAMPLE").await.unwrap();
    assert_eq!(format!("{found:?}"), format!("{new:?}"));
    assert_eq!(found.password.unwrap().expose(), "$argon2id$…");
    assert!(find_user(&store, "nobody@example.com").await.is_none());
    assert_eq!(store.count_users().await.unwrap(), FILLED + 1);
}

pub(crate) async fn an_address_is_given_once(engine: &impl Engine) {
    let store = filled_store(engine).await;
    let twice = vec![user(2, "a@example.com"), user(3, "A@EXAMPLE.COM"), user(4, "first@example.com")];
    assert_eq!(
        create(&store, request(1, 1, twice)).await,
        written_text("[Created, AddressTaken, AddressTaken]")
    );
    assert_eq!(
        create(&store, request(2, 2, vec![user(5, "a@example.com")])).await,
        written_text("[AddressTaken]")
    );
    assert_eq!(find_user(&store, "a@example.com").await.unwrap().id, user_id(2));
}

pub(crate) async fn a_request_may_hold_many_users(engine: &impl Engine) {
    let store = filled_store(engine).await;
    let many = (0..5_000).map(|n| user(100 + n, &format!("user{n}@example.com"))).collect();
    let Written::Ran(answer) = create(&store, request(1, 1, many)).await else { panic!("did not run") };
    assert_eq!(String::from_utf8(answer).unwrap().matches("Created").count(), 5_000);
    assert_eq!(store.count_users().await.unwrap(), FILLED + 5_000);
    assert_eq!(create(&store, request(2, 1, Vec::new())).await, written_text("[]"));
}

/// 64 writers at once ask for the same ten addresses. Each address goes to exactly one of them.
pub(crate) async fn concurrent_writers_agree_on_the_first(engine: &impl Engine) {
    let store = filled_store(engine).await;
    let mut tasks = Vec::new();
    for task in 0..64_u8 {
        let store = std::sync::Arc::clone(&store);
        tasks.push(tokio::spawn(async move {
            let mut won = 0;
            for n in 0..10_u8 {
                let id = 1_000 + u32::from(task) * 10 + u32::from(n);
                let mut request = request(task, n, vec![user(id, &format!("wanted{n}@example.com"))]);
                request.once.as_mut().unwrap().0.request_id[0] = n;
                won += u32::from(create(&store, request).await == written_text("[Created]"));
            }
            won
        }));
    }
    let mut won = 0;
    for task in tasks {
        won += task.await.unwrap();
    }
    assert_eq!(won, 10);
    assert_eq!(store.count_users().await.unwrap(), FILLED + 10);
    assert!(store.verify_audit().await.unwrap().iter().all(|report| report.broken.is_none()));
}

pub(crate) async fn stale_evidence_stops_the_write(engine: &impl Engine) {
    let store = filled_store(engine).await;
    apply(&store, vec![Change::AddAccount(account(2, &[1]))]).await;
    let with = |id: u8, evidence: &[(u8, u64)]| {
        let evidence = evidence.iter().map(|(n, epoch)| Evidence { account: account_id(*n), epoch: *epoch });
        directory::port::Write {
            evidence: evidence.collect(),
            ..request(id, id, vec![user(100 + u32::from(id), &format!("user{id}@example.com"))])
        }
    };
    assert_eq!(create(&store, with(1, &[(1, 0), (2, 0)])).await, written_text("[Created]"));
    for (id, evidence) in [(2, [(1, 1), (2, 0)]), (3, [(1, 0), (2, 1)]), (4, [(1, 0), (99, 0)])] {
        assert_eq!(create(&store, with(id, &evidence)).await, Written::Stale);
    }
    apply(&store, vec![Change::RemoveDomain(DomainId::from_bytes([1; 16]))]).await;
    assert_eq!(create(&store, with(5, &[(1, 0), (2, 0)])).await, Written::Stale);
    assert_eq!(create(&store, with(5, &[(1, 1), (2, 0)])).await, written_text("[Created]"));
    apply(&store, vec![Change::DisableAccount(account_id(2))]).await;
    assert_eq!(create(&store, with(6, &[(1, 1), (2, 1)])).await, Written::Stale);
    assert_eq!(store.count_users().await.unwrap(), 3);
}
