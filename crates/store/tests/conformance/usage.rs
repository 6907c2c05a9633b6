//! The use of credentials, reported by nodes in any order.

use directory::change::Change;
use directory::port::Usage;
use jiff::{SignedDuration, Timestamp};

use crate::Engine;
use crate::engine::*;

pub(crate) fn used(n: u8, minute: i64, user_agent: &str) -> Usage {
    Usage {
        credential: [n; 16],
        last_used_at: at_minute(minute),
        user_agent: user_agent.to_owned(),
        peer: "192.0.2.7".parse().unwrap(),
        requests: 10,
        refused: 0,
        last_refusal: None,
    }
}

fn at_minute(minute: i64) -> Timestamp {
    now() + SignedDuration::from_mins(minute)
}

fn with_refusals(usage: Usage, times: u64, code: &str, minute: i64) -> Usage {
    Usage { refused: times, last_refusal: Some((code.to_owned(), at_minute(minute))), ..usage }
}

pub(crate) async fn uses_add_up_and_the_newest_wins(engine: &impl Engine) {
    let (one, other) = (filled_store(engine).await, engine.open());
    assert_eq!(one.usage_of(&[[1; 16]]).await.unwrap(), [None]);
    let newest = Usage { peer: "2001:db8::1".parse().unwrap(), ..used(1, 9, "newer/2") };
    one.note_usage(vec![newest.clone()]).await.unwrap();
    other.note_usage(vec![with_refusals(used(1, 3, "older/1"), 4, "err_old", 2)]).await.unwrap();
    let both = Usage {
        requests: 20,
        refused: 4,
        last_refusal: Some(("err_old".to_owned(), at_minute(2))),
        ..newest
    };
    assert_eq!(one.usage_of(&[[7; 16], [1; 16]]).await.unwrap(), [None, Some(both.clone())]);
    // A refusal is compared with others by its time, and stays when a report has none.
    other.note_usage(vec![with_refusals(used(1, 4, "older/1"), 1, "err_new", 4)]).await.unwrap();
    one.note_usage(vec![with_refusals(used(1, 5, "older/1"), 1, "err_older", 1), used(1, 10, "newest/3")])
        .await
        .unwrap();
    let found = other.usage_of(&[[1; 16]]).await.unwrap().remove(0).unwrap();
    let expected = Usage {
        requests: 50,
        last_used_at: at_minute(10),
        user_agent: "newest/3".to_owned(),
        peer: "192.0.2.7".parse().unwrap(),
        ..with_refusals(both, 6, "err_new", 4)
    };
    assert_eq!(found, expected);
    drop((one, other));
    assert_eq!(engine.open().usage_of(&[[1; 16]]).await.unwrap(), [Some(expected)]);
}

pub(crate) async fn usage_is_deleted_with_its_credential(engine: &impl Engine) {
    let store = filled_store(engine).await;
    let second = Change::AddBinding(binding(2, user_id(2)));
    apply(&store, vec![Change::AddUser(user(2, "second@example.com")), second]).await;
    store.note_usage(vec![used(1, 1, "a"), used(2, 1, "b"), used(3, 1, "nobody's")]).await.unwrap();
    let known = async || {
        let found = store.usage_of(&[[1; 16], [2; 16], [3; 16]]).await.unwrap();
        found.iter().map(Option::is_some).collect::<Vec<_>>()
    };
    assert_eq!(known().await, [true, true, false], "nobody has the third one");
    apply(&store, vec![Change::RemoveUser(user_id(2))]).await;
    assert_eq!(known().await, [true, false, false]);
    store.note_usage(vec![used(2, 2, "late")]).await.unwrap();
    assert_eq!(known().await, [true, false, false], "a note that comes late brings nothing back");
}
