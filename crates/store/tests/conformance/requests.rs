//! Once only: what is remembered of requests.

use directory::port::{Recalled, RequestIds, Write, Written};
use jiff::SignedDuration;

use crate::Engine;
use crate::engine::*;

fn compatible(request: Write) -> Write {
    Write { once: Some((key(&request), RequestIds::Compatible)), ..request }
}

pub(crate) async fn a_request_that_comes_again_gets_its_first_answer(engine: &impl Engine) {
    let store = filled(engine).await;
    let one = || request(1, 1, vec![user(2, "a@example.com"), user(3, "first@example.com")]);
    let first = create(&store, one()).await;
    assert_eq!(first, ran("[Created, AddressTaken]"));
    let Written::Ran(answer) = first else { panic!("did not run") };
    drop(store);
    // Also after a restart, and when the two come at once.
    let store = engine.open();
    let again = store.write(vec![one(), one()]).await.unwrap();
    assert!(again.iter().all(|outcome| *outcome == Written::Repeated(answer.clone())), "{again:?}");
    assert_eq!(store.recall(&key(&one()), RequestIds::Strict).await.unwrap(), Recalled::Ran(answer));
    assert_eq!(store.count_users().await.unwrap(), 2);

    let twins = || request(2, 2, vec![user(4, "b@example.com")]);
    let both = store.write(vec![twins(), twins()]).await.unwrap();
    assert_eq!(both, [ran("[Created]"), Written::Repeated(b"[Created]".to_vec())]);
}

pub(crate) async fn another_body_under_the_same_id(engine: &impl Engine) {
    let store = filled(engine).await;
    assert_eq!(create(&store, request(1, 1, vec![user(2, "a@example.com")])).await, ran("[Created]"));
    let other = || request(1, 2, vec![user(3, "b@example.com")]);
    assert_eq!(create(&store, other()).await, Written::RequestIdReused);
    assert_eq!(store.recall(&key(&other()), RequestIds::Strict).await.unwrap(), Recalled::OtherBody);
    assert_eq!(store.recall(&key(&other()), RequestIds::Compatible).await.unwrap(), Recalled::Unknown);
    assert_eq!(store.count_users().await.unwrap(), 2);

    assert_eq!(create(&store, compatible(other())).await, ran("[Created]"));
    assert_eq!(create(&store, compatible(other())).await, Written::Repeated(b"[Created]".to_vec()));
    assert_eq!(store.count_users().await.unwrap(), 3);
}

pub(crate) async fn ids_belong_to_the_binding(engine: &impl Engine) {
    let store = filled(engine).await;
    assert_eq!(create(&store, request(1, 1, vec![user(2, "a@example.com")])).await, ran("[Created]"));
    let mut other = request(1, 1, vec![user(3, "b@example.com")]);
    other.once.as_mut().unwrap().0.credential = [2; 16];
    assert_eq!(create(&store, other).await, ran("[Created]"));
}

pub(crate) async fn only_old_requests_are_forgotten(engine: &impl Engine) {
    let store = filled(engine).await;
    for n in 0..100_u8 {
        let mut request = request(n, n, vec![user(100 + u32::from(n), &format!("user{n}@example.com"))]);
        request.now += SignedDuration::from_secs(i64::from(n));
        assert_eq!(create(&store, request).await, ran("[Created]"));
    }
    let before = now() + SignedDuration::from_secs(60);
    assert_eq!(store.forget_requests(before).await.unwrap(), 60);
    assert_eq!(store.forget_requests(before).await.unwrap(), 0);
    let recalled = |n: u8| {
        let (store, request) = (&store, key(&request(n, n, Vec::new())));
        async move { store.recall(&request, RequestIds::Strict).await.unwrap() }
    };
    assert_eq!(recalled(59).await, Recalled::Unknown);
    assert_eq!(recalled(60).await, Recalled::Ran(b"[Created]".to_vec()));
}
