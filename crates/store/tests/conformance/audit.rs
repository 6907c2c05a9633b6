//! The audit tells of everything, and shows when it was touched.

use crate::Engine;
use crate::engine::*;

pub(crate) async fn every_user_and_every_change_is_told(engine: &impl Engine) {
    let store = filled(engine).await;
    create(&store, request(1, 1, vec![user(2, "a@example.com"), user(3, "first@example.com")])).await;
    apply(&store, vec![disable(user_id(2))]).await;
    let events = store.audit(1, 0, 100).await.unwrap();
    let told: Vec<_> =
        events.iter().map(|event| format!("{} {} {}", event.actor, event.action, event.target)).collect();
    assert_eq!(
        told,
        [
            "operator account.added C1",
            "operator domain.added example.com",
            "operator user.created first@example.com",
            "operator application.added app-1",
            "operator binding.added first@example.com",
            "first@example.com user.created a@example.com",
            "operator user.disabled a@example.com",
        ]
    );
    assert!(
        events.iter().zip(1..).all(|(event, seq)| event.seq == seq && event.account == Some(account_id(1)))
    );
    assert_eq!(store.audit(1, 5, 1).await.unwrap()[0].seq, 6);
    let reports = store.verify_audit().await.unwrap();
    assert_eq!((reports.len(), reports[0].events, reports[0].head), (1, 7, events[6].hash));
    assert_eq!(reports[0].broken, None);
}

pub(crate) async fn a_chain_that_was_touched_is_broken<E: Engine>(_: &E) {
    for (how, message) in [
        (Tamper::ChangeEvent, "event 2 was changed"),
        (Tamper::DropEventInTheMiddle, "event 2 is missing"),
        (Tamper::CutOffTheEnd, "events 5 to 5 are missing"),
        (Tamper::CutOffTheEndAndItsHead, "the seal of its head is not genuine"),
        (Tamper::ForgeTheHead, "the seal of its head is not genuine"),
        (Tamper::DropTheHead, "its head is missing"),
    ] {
        let engine = E::new();
        drop(filled(&engine).await);
        engine.tamper(how);
        let reports = engine.open().verify_audit().await.unwrap();
        assert_eq!(reports[0].broken.as_deref(), Some(message), "{how:?}");
    }
}
