use proptest::prelude::*;
use rstest::rstest;

use super::*;
use crate::user::Attempts;
use crate::{AccountId, EmailAddress, RoleId, UserId};

fn now() -> Timestamp {
    Timestamp::constant(1_795_521_600, 0)
}

fn user(address: &str, name: &str) -> User {
    let address = EmailAddress::parse(address).unwrap();
    let user = User::new(UserId::from_bytes([1; 16]), AccountId::from_bytes([1; 16]), address, now());
    User { name: name.to_owned(), ..user }
}

#[rstest]
#[case("ann@example.com", "", "ann")]
#[case("Ann.Lee@example.com", "Ann Lee", "ann ann.lee lee")]
#[case("ann_lee-x+tag@example.com", "", "ann ann_lee-x+tag lee tag x")]
#[case("_ann@example.com", "", "_ann ann")]
#[case("a@example.com", "Anne-Marie O’Brien", "a anne anne-marie brien marie o o'brien")]
#[case("a@example.com", "LEE, (Ann)", "a ann lee")]
#[case("a@example.com", "A\u{30a}SA", "a åsa")]
#[case("a@example.com", "李 小龍", "a 小龍 李")]
#[case("a@example.com", " – ", "a –")]
#[case("a@example.com", "1 2 3 4 5 6 7 8 9", "1 2 3 4 5 6 7 8 a")]
#[case("a@example.com", "Donaudampfschifffahrtsgesellschaft", "a donaudampfschifffahrtsgesellscha")]
fn a_user_has_the_words_of_its_address_and_name(
    #[case] address: &str,
    #[case] name: &str,
    #[case] expected: &str,
) {
    let found: Vec<String> = words(&user(address, name)).into_iter().collect();
    assert_eq!(found.join(" "), expected);
}

#[rstest]
#[case("", true)]
#[case("ann", true)]
#[case("LE", true)]
#[case("lee ann", true)]
#[case("lee, ann", true)]
#[case("ann.l", true)]
#[case("ann.", true)]
#[case("nn", false)]
#[case("ann bob", false)]
#[case("o'brien", true)]
#[case("O’BRIEN", true)]
#[case("brien", true)]
#[case("example", false)]
#[case("ann.lee@", true)]
#[case("Ann.Lee@Büch", true)]
#[case("ann.lee@xn--bcher-kva.example", true)]
#[case("ann.lee@bücher.example obrien", false)]
#[case("ann.lee@bücher.example brien", true)]
#[case("ann@", false)]
#[case("lee@bücher.example", false)]
#[case("@bücher.example", true)]
#[case("@xn--bcher-kva.example lee", true)]
#[case("@other.example", false)]
#[case("@", false)]
#[case("–", false)]
fn every_word_of_a_query_begins_one_of_the_user_s(#[case] text: &str, #[case] found: bool) {
    let ann = user("Ann.Lee@bücher.example", "Ann O'Brien-Lee");
    assert_eq!(UserQuery::new(text, None, None).finds(&ann, now()), found);
    let (here, elsewhere) =
        ["bücher.example", "other.example"].map(|name| DomainName::parse(name).unwrap()).into();
    assert_eq!(UserQuery::new(text, Some(here), None).finds(&ann, now()), found);
    assert!(!UserQuery::new(text, Some(elsewhere), None).finds(&ann, now()));
}

#[test]
fn a_state_is_told_from_the_others() {
    let plain = || user("ann@example.com", "");
    let until = |seconds| Some(now() + jiff::SignedDuration::from_secs(seconds));
    let locked_out =
        |seconds| User { attempts: Attempts { failed: 0, locked_until: until(seconds) }, ..plain() };
    let in_state = |state| match state {
        State::Locked => User { locked: true, ..plain() },
        State::Disabled => User { disabled: true, ..plain() },
        State::MustChangePassword => User { must_change_password: true, ..plain() },
        State::LockedOut => locked_out(1),
        State::ToBePurged => User { purge_at: until(9), ..plain() },
        State::Administrator => User { role: Some(RoleId::from_bytes([1; 16])), ..plain() },
        State::Alias => User { alias_of: Some(UserId::from_bytes([2; 16])), ..plain() },
    };
    for state in State::ALL {
        let query = UserQuery::new("an", None, Some(state));
        assert!(!query.finds(&plain(), now()));
        assert!(!query.finds(&locked_out(0), now()), "a lockout ends");
        for other in State::ALL {
            assert_eq!(query.finds(&in_state(other), now()), state == other);
        }
    }
}

#[test]
fn what_says_most_comes_first() {
    let ranges = |text| UserQuery::new(text, None, None).ranges();
    let pair = |low: &str, high: &str| (low.to_owned(), high.to_owned());
    let (a, lee) = (pair("a", "a\u{10ffff}"), pair("lee", "lee\u{10ffff}"));
    assert_eq!(ranges(""), []);
    assert_eq!(ranges("@example.com"), []);
    assert_eq!(ranges("a lee"), [lee, a.clone()]);
    assert_eq!(ranges("a b@example.com"), [pair("b", "b\u{1}"), a]);
}

proptest! {
    /// Every match is in the range of one word, and any beginning of a word of a user finds that user.
    #[test]
    fn the_index_finds_whoever_the_query_finds(
        local in "[a-cåÅ._+-]{1,6}", name in "[a-cé'’ .-]{0,12}", text in "[a-cåé'’@. ]{0,6}",
        taken in 0_usize..8,
    ) {
        let Ok(address) = EmailAddress::parse(&format!("{local}@example.com")) else { return Ok(()) };
        let user = user(address.as_str(), &name);
        let query = UserQuery::new(&text, None, None);
        for range in query.ranges().iter().filter(|_| query.finds(&user, now())) {
            prop_assert!(UserQuery::word_in(&user, range).is_some());
        }
        for word in words(&user) {
            let typed: String = word.chars().take(taken.max(1)).collect();
            prop_assert!(UserQuery::new(&typed, None, None).finds(&user, now()), "{:?} of {:?}", typed, word);
        }
        for end in address.as_str().char_indices().map(|(at, _)| at).skip(1) {
            let typed = &address.as_str()[..end];
            prop_assert!(UserQuery::new(typed, None, None).finds(&user, now()), "{:?}", typed);
        }
    }
}
