use super::*;
use rstest::rstest;

const STRENGTH: &str = "be harder to guess: longer, without common words, names, dates or rows of keys";
const COMMON: &str = "not be a common password";
const CLASSES: &str = "hold at least 3 of: upper case, lower case, digit, other character";
const LENGTH: &str = "have at least 8 characters";
const OTHER: &str = "differ from the address and the name";

/// A policy with only the given settings.
const NOTHING: Policy = Policy {
    min_length: 0,
    min_classes: 0,
    min_strength: 0,
    common: false,
    history: 0,
    max_age_days: None,
    lockout_tries: 0,
    lockout_minutes: 0,
};

#[rstest]
#[case("correct Horse 7 battery", &[])]
#[case("Zx9!", &[LENGTH, STRENGTH])]
#[case("Password1", &[COMMON, STRENGTH])]
#[case("Password1Password1", &[STRENGTH])]
#[case("qwertyuiop", &[CLASSES, COMMON, STRENGTH])]
#[case("aaaaaaaaaaaaaaaa", &[CLASSES, STRENGTH])]
#[case("Ann.Lee@Example.com", &[OTHER, STRENGTH])]
fn every_rule_a_password_breaks_is_named(#[case] password: &str, #[case] unmet: &[&str]) {
    assert_eq!(Policy::default().unmet(password, &["ann.lee@example.com", "Ann Lee"]), unmet);
}

#[rstest]
#[case("P@ssw0rd", &[COMMON])]
#[case("TRUSTNO1", &[COMMON])]
#[case("trustno1 ", &[])]
#[case("ann", &[])]
fn common_passwords_are_refused_whatever_the_strength(#[case] password: &str, #[case] unmet: &[&str]) {
    assert_eq!(Policy { common: true, ..NOTHING }.unmet(password, &[]), unmet);
    assert!(NOTHING.unmet(password, &[]).is_empty());
}

#[test]
fn a_policy_of_nothing_takes_anything_short_of_the_upper_bound() {
    assert!(NOTHING.unmet("x", &[]).is_empty());
    assert_eq!(NOTHING.unmet(&"x".repeat(MAX_PASSWORD + 1), &[]), ["have at most 1024 bytes"]);
}

#[rstest]
#[case::never(None, i32::MAX, false)]
#[case::a_second_before(Some(90), 90 * 86_400 - 1, false)]
#[case::the_moment(Some(90), 90 * 86_400, true)]
#[case::at_once(Some(0), 0, true)]
#[case::clock_set_back(Some(0), -1, false)]
#[case::the_longest(Some(u32::MAX), i32::MAX, false)]
fn a_password_expires_when_its_days_are_over(
    #[case] max_age_days: Option<u32>,
    #[case] seconds: i32,
    #[case] expired: bool,
) {
    let changed_at = Timestamp::constant(1_795_524_900, 0);
    let now = changed_at + SignedDuration::from_secs(seconds.into());
    assert_eq!(Policy { max_age_days, ..NOTHING }.expired(changed_at, now), expired);
}

#[test]
fn a_policy_reads_from_settings_and_refuses_what_it_does_not_know() {
    let policy: Policy = serde_json::from_str(r#"{"min_length": 12}"#).unwrap();
    assert_eq!(policy, Policy { min_length: 12, ..Policy::default() });
    assert!(serde_json::from_str::<Policy>(r#"{"minimum": 12}"#).is_err());
}

#[test]
fn a_policy_that_was_stored_before_it_grew_still_reads() {
    let old = r#"{"min_length":10,"min_classes":2,"min_strength":3}"#;
    let policy: Policy = serde_json::from_str(old).unwrap();
    let kept = Policy { min_length: 10, min_classes: 2, min_strength: 3, ..Policy::default() };
    assert_eq!(policy, kept);
    let stored = serde_json::to_string(&policy).unwrap();
    assert_eq!(serde_json::from_str::<Policy>(&stored).unwrap(), policy);
}
