//! The audit has an event for every change, and detects tampering.

use crate::Engine;
use crate::engine::*;

pub(crate) async fn every_user_and_every_change_has_an_event(engine: &impl Engine) {
    let store = filled_store(engine).await;
    create(&store, request(1, 1, vec![user(2, "a@example.com"), user(3, "first@example.com")])).await;
    apply(&store, vec![disable(user_id(2))]).await;
    let reports = store.verify_audit().await.unwrap();
    let mut told = Vec::new();
    // Each writer has a separate chain, so creations may be in another chain than changes.
    for report in &reports {
        let events = store.audit(report.chain, 0, 100).await.unwrap();
        assert_eq!((report.events, &report.broken), (events.len() as u64, &None));
        if let Some(newest) = events.last() {
            assert_eq!(report.head, newest.hash);
        }
        for (event, seq) in events.iter().zip(1..) {
            assert_eq!((event.seq, event.account), (seq, Some(account_id(1))));
            told.push(format!("{} {} {}", event.actor, event.action, event.target));
        }
    }
    let expected = [
        "operator account.added C1",
        "operator domain.added example.com",
        "operator user.created first@example.com",
        "operator application.added app-1",
        "operator binding.added first@example.com",
        "operator user.disabled a@example.com",
        "first@example.com user.created a@example.com",
    ];
    let (mut told_sorted, mut expected_sorted) = (told.clone(), expected.map(str::to_owned).to_vec());
    told_sorted.sort_unstable();
    expected_sorted.sort_unstable();
    assert_eq!(told_sorted, expected_sorted);
    // Events of a chain are in the order of the changes.
    assert_eq!(told[..5], expected[..5]);
    assert_eq!(store.audit(1, 4, 1).await.unwrap()[0].seq, 5);
}

pub(crate) async fn a_changed_chain_is_broken<E: Engine>(_: &E) {
    for (how, message) in [
        (Tamper::ChangeEvent, "event 2 was changed"),
        (Tamper::DropEventInTheMiddle, "event 2 is missing"),
        (Tamper::CutOffTheEnd, "events 5 to 5 are missing"),
        (Tamper::CutOffTheEndAndItsHead, "the seal of its head is not genuine"),
        (Tamper::ForgeTheHead, "the seal of its head is not genuine"),
        (Tamper::DropTheHead, "its head is missing"),
    ] {
        let engine = E::new().unwrap();
        drop(filled_store(&engine).await);
        engine.tamper(how);
        let reports = engine.open().verify_audit().await.unwrap();
        assert_eq!(reports[0].broken.as_deref(), Some(message), "{how:?}");
    }
}
