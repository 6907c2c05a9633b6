//! Remembered requests run only once.

use std::sync::Arc;

use directory::port::{Recalled, RequestIds, Store, Write, Written};
use jiff::{SignedDuration, Timestamp};

use crate::Engine;
use crate::engine::*;

fn compatible(request: Write) -> Write {
    Write { once: Some((key(&request), RequestIds::Compatible)), ..request }
}

pub(crate) async fn a_repeated_request_gets_its_first_response(engine: &impl Engine) {
    let store = filled_store(engine).await;
    let one = || request(1, 1, vec![user(2, "a@example.com"), user(3, "first@example.com")]);
    let first = create(&store, one()).await;
    assert_eq!(first, written_text("[Created, AddressTaken]"));
    let Written::Ran(answer) = first else { panic!("did not run") };
    drop(store);
    // Also after a restart, and when both arrive at once.
    let store = engine.open();
    let again = store.write(vec![one(), one()]).await.unwrap();
    assert!(again.iter().all(|outcome| *outcome == Written::Repeated(answer.clone())), "{again:?}");
    assert_eq!(store.recall(&key(&one()), RequestIds::Strict).await.unwrap(), Recalled::Ran(answer));
    assert_eq!(store.count_users().await.unwrap(), FILLED + 1);

    let twins = || request(2, 2, vec![user(4, "b@example.com")]);
    let both = store.write(vec![twins(), twins()]).await.unwrap();
    assert_eq!(both, [written_text("[Created]"), Written::Repeated(b"[Created]".to_vec())]);
}

pub(crate) async fn another_body_under_the_same_id(engine: &impl Engine) {
    let store = filled_store(engine).await;
    assert_eq!(
        create(&store, request(1, 1, vec![user(2, "a@example.com")])).await,
        written_text("[Created]")
    );
    let other = || request(1, 2, vec![user(3, "b@example.com")]);
    assert_eq!(create(&store, other()).await, Written::RequestIdReused);
    assert_eq!(store.recall(&key(&other()), RequestIds::Strict).await.unwrap(), Recalled::OtherBody);
    assert_eq!(store.recall(&key(&other()), RequestIds::Compatible).await.unwrap(), Recalled::Unknown);
    assert_eq!(store.count_users().await.unwrap(), FILLED + 1);

    assert_eq!(create(&store, compatible(other())).await, written_text("[Created]"));
    assert_eq!(create(&store, compatible(other())).await, Written::Repeated(b"[Created]".to_vec()));
    assert_eq!(store.count_users().await.unwrap(), FILLED + 2);
}

pub(crate) async fn ids_belong_to_the_binding(engine: &impl Engine) {
    let store = filled_store(engine).await;
    assert_eq!(
        create(&store, request(1, 1, vec![user(2, "a@example.com")])).await,
        written_text("[Created]")
    );
    let mut other = request(1, 1, vec![user(3, "b@example.com")]);
    other.once.as_mut().unwrap().0.credential = [2; 16];
    assert_eq!(create(&store, other).await, written_text("[Created]"));
}

pub(crate) async fn only_old_requests_are_forgotten(engine: &impl Engine) {
    let store = filled_store(engine).await;
    for n in 0..100_u8 {
        run_at(&store, n, seconds(n.into())).await;
    }
    assert_eq!(store.forgotten_up_to(), None);
    // More than two windows before the newest one, however late it is by the clock.
    let window = SignedDuration::from_secs(20);
    let forget = |now| store.forget_requests(now, window);
    assert_eq!(forget(seconds(99)).await.unwrap(), 59);
    assert_eq!(forget(seconds(9_999)).await.unwrap(), 0);
    assert_eq!(recall_request(&store, 58).await, Recalled::Unknown);
    assert_eq!(recall_request(&store, 59).await, Recalled::Ran(b"[Created]".to_vec()));
    // A forgotten request may have been dated a window later than it ran.
    assert_eq!(store.forgotten_up_to(), Some(seconds(58 + 20)));
    drop(store);
    assert_eq!(engine.open().forgotten_up_to(), Some(seconds(58 + 20)), "also after a restart");
}

pub(crate) async fn a_clock_that_was_ahead_neither_stops_forgetting_nor_is_forgotten(engine: &impl Engine) {
    let store = filled_store(engine).await;
    let (window, days) = (SignedDuration::from_secs(20), 10 * 86_400);
    let forget = async |now| store.forget_requests(now, window).await.unwrap();
    run_at(&store, 1, seconds(0)).await;
    // No call arrives while the clock is ahead, so nothing is forgotten.
    assert_eq!((forget(seconds(days)).await, store.forgotten_up_to()), (0, None));
    // A call moves the newest request, and so the window.
    run_at(&store, 2, seconds(days)).await;
    assert_eq!((forget(seconds(days)).await, store.forgotten_up_to()), (1, Some(seconds(20))));
    // The clock is set back. Later requests are forgotten in time, although the one from the future comes first.
    for n in 3..6 {
        run_at(&store, n, seconds(100 * i64::from(n))).await;
    }
    assert_eq!(forget(seconds(500)).await, 2);
    assert_eq!(forget(seconds(500)).await, 0);
    assert_eq!(store.forgotten_up_to(), Some(seconds(420)));
    // The signature is valid again when the clock gets there; the request is still remembered.
    run_at(&store, 6, seconds(days + 30)).await;
    assert_eq!(forget(seconds(days + 30)).await, 1);
    assert_eq!(recall_request(&store, 2).await, Recalled::Ran(b"[Created]".to_vec()));
    run_at(&store, 7, seconds(days + 50)).await;
    assert_eq!(forget(seconds(days + 50)).await, 1, "and not for longer than others");
    assert_eq!(recall_request(&store, 2).await, Recalled::Unknown);
    assert_eq!(store.forgotten_up_to(), Some(seconds(days + 20)));
}

fn seconds(n: i64) -> Timestamp {
    now() + SignedDuration::from_secs(n)
}

/// Runs a request at this time that creates a user.
async fn run_at(store: &Arc<dyn Store>, n: u8, now: Timestamp) {
    let users = vec![user(100 + u32::from(n), &format!("user{n}@example.com"))];
    assert_eq!(create(store, Write { now, ..request(n, n, users) }).await, written_text("[Created]"));
}

async fn recall_request(store: &Arc<dyn Store>, n: u8) -> Recalled {
    store.recall(&key(&request(n, n, Vec::new())), RequestIds::Strict).await.unwrap()
}
