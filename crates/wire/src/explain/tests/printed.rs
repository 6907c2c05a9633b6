//! What is printed, as it stands in a terminal of 80 columns and in one line.

use super::*;

#[test]
fn one_mistake() {
    let explanation = Sent::new(with_digest(&sha1(SECRET.as_bytes(), right_text().as_bytes()))).explained();
    insta::assert_snapshot!(explanation, @"");
    insta::assert_snapshot!(explanation.line(512), @"");
}

#[test]
fn two_mistakes_and_a_clock() {
    let signed = text("Tue, 03 Nov 2026 12:00:00 GMT", REQUEST_ID, "http://127.0.0.1:8080/api/user/create-user", APP_KEY);
    let now = NOW + SignedDuration::from_hours(1);
    let explanation = Sent { now, ..Sent::new(over(signed)) }.explained();
    insta::assert_snapshot!(explanation, @"");
    insta::assert_snapshot!(explanation.line(200), @"");
}

#[test]
fn nothing_known() {
    let explanation = Sent::new(with_digest(&[7; 20])).explained();
    insta::assert_snapshot!(explanation, @"");
    insta::assert_snapshot!(explanation.line(512), @"");
}

#[test]
fn nothing_wrong() {
    let explanation = Sent::new(over(right_text())).explained();
    insta::assert_snapshot!(explanation, @"");
    insta::assert_snapshot!(explanation.line(512), @"");
}

#[test]
fn for_machines() {
    let explanation = Sent::new(over([DATE, REQUEST_ID, PATH, APP_ID].join(":"))).explained();
    insta::assert_snapshot!(serde_json::to_string_pretty(&explanation).unwrap(), @"");
}

#[test]
fn everything_fits_into_80_columns() {
    let long = "x".repeat(300);
    let sent = Sent { request_id: Some(long), ..Sent::new(over(right_text())) };
    for line in sent.explained().to_string().lines() {
        assert!(line.chars().count() <= 80, "{line}");
    }
}

#[test]
fn a_line_is_visible_ascii_and_bounded() {
    let sent = Sent { date: Some("вт, \u{1b}[31m\n03".into()), ..Sent::new(over(right_text())) };
    for bytes in [20, 100, 4_000] {
        let line = sent.explained().line(bytes);
        assert!(line.len() <= bytes && line.bytes().all(|byte| matches!(byte, b' '..=b'~')), "{line}");
    }
}
