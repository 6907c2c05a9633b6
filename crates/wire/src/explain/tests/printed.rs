//! The printed text, in a terminal of 80 columns and in one line.

use super::*;

#[test]
fn one_mistake() {
    let explanation = Sent::new(with_digest(&sha1(SECRET.as_bytes(), right_text().as_bytes()))).explained();
    insta::assert_snapshot!(explanation, @r"
    The signature is wrong. These mistakes reproduce it:

    secret_not_decoded
      The secret key was used as it is written, as text.
      Fix:  Decode the secret key from base64 first, and key the HMAC with the
            bytes.

    Signed text:
      Tue, 03 Nov 2026 12:00:00 UTC:8578fcfc-a305-4d9a-99cb-f4d5ecefe297:/api/user/c
      reate-user:<application key>

    Text to sign, with colons between the four parts:
      x-mc-date        Tue, 03 Nov 2026 12:00:00 UTC
      x-mc-req-id      8578fcfc-a305-4d9a-99cb-f4d5ecefe297
      path             /api/user/create-user
      application key  the one of keys.json
    ");
    insta::assert_snapshot!(explanation.line(512), @"secret_not_decoded: The secret key was used as it is written, as text. Decode the secret key from base64 first, and key the HMAC with the bytes.");
}

#[test]
fn two_mistakes_and_a_clock() {
    let signed = text(
        "Tue, 03 Nov 2026 12:00:00 GMT",
        REQUEST_ID,
        "http://127.0.0.1:8080/api/user/create-user",
        APP_KEY,
    );
    let now = NOW + SignedDuration::from_hours(1);
    let explanation = Sent { now, ..Sent::new(over(signed)) }.explained();
    insta::assert_snapshot!(explanation, @r"
    The signature is wrong. These mistakes reproduce it:

    path_url
      The whole URL was signed instead of the path.
      Here: signed: `http://127.0.0.1:8080/api/user/create-user`
      Fix:  Sign the part after the host, such as /api/user/create-user.

    date_zone
      The date was signed with another zone at its end than it was sent with.
      Here: signed: `Tue, 03 Nov 2026 12:00:00 GMT`
      Fix:  Format the date once, and sign and send the same text.

    clock_behind
      The date is older than the server allows.
      Here: 60 minutes 5 seconds behind; 15 minutes are allowed. Nearly whole hours:
            perhaps local time with the name of another zone
      Fix:  Correct the clock of the signing machine, and sign each request when it
            is sent.

    Signed text:
      Tue, 03 Nov 2026 12:00:00 GMT:8578fcfc-a305-4d9a-99cb-f4d5ecefe297:http://127.
      0.0.1:8080/api/user/create-user:<application key>

    Text to sign, with colons between the four parts:
      x-mc-date        Tue, 03 Nov 2026 12:00:00 UTC
      x-mc-req-id      8578fcfc-a305-4d9a-99cb-f4d5ecefe297
      path             /api/user/create-user
      application key  the one of keys.json
    ");
    insta::assert_snapshot!(explanation.line(200), @"path_url, date_zone, clock_behind: The whole URL was signed instead of the path (signed: `http://127.0.0.1:8080/api/user/create-user`). Sign the part after the host, such as /api/user/create-user. ...");
}

#[test]
fn nothing_known() {
    let explanation = Sent::new(with_digest(&[7; 20])).explained();
    insta::assert_snapshot!(explanation, @r"
    The signature is wrong, and no known mistake reproduces it.

    Text to sign, with colons between the four parts:
      x-mc-date        Tue, 03 Nov 2026 12:00:00 UTC
      x-mc-req-id      8578fcfc-a305-4d9a-99cb-f4d5ecefe297
      path             /api/user/create-user
      application key  the one of keys.json

    Still to check:
    - Whether these secret and application keys were really used.
    - Whether date and request id are created once, and the same text is signed and
      sent.
    - Whether a proxy changes a header or the path: compare what is sent with what
      arrives.
    - The text, byte by byte: print it before signing and compare it with the one
      above.
    ");
    insta::assert_snapshot!(explanation.line(512), @"unexplained: The signature is wrong, and no known mistake reproduces it.");
}

#[test]
fn nothing_wrong() {
    let explanation = Sent::new(over(right_text())).explained();
    insta::assert_snapshot!(explanation, @r"
    The signature is right.

    If it is still refused, the code in the response says why: permission, quota or
    the body.
    If it is refused for its signature, the server has other keys than these, or a
    proxy changes a header or the path.
    ");
    insta::assert_snapshot!(explanation.line(512), @"right: The signature is right.");
}

#[test]
fn for_machines() {
    let explanation = Sent::new(over([DATE, REQUEST_ID, PATH, APP_ID].join(":"))).explained();
    insta::assert_snapshot!(serde_json::to_string_pretty(&explanation).unwrap(), @r#"
    {
      "signature": "wrong",
      "causes": [
        {
          "mistake": "app_key_is_app_id",
          "part": "app_key",
          "wrong": "The application id was signed instead of the application key.",
          "detail": null,
          "mend": "Sign the application key; the application id only goes into x-mc-app-id."
        }
      ],
      "keys": "keys.json",
      "signed": "Tue, 03 Nov 2026 12:00:00 UTC:8578fcfc-a305-4d9a-99cb-f4d5ecefe297:/api/user/create-user:<application id>",
      "to_sign": {
        "date": "Tue, 03 Nov 2026 12:00:00 UTC",
        "request_id": "8578fcfc-a305-4d9a-99cb-f4d5ecefe297",
        "path": "/api/user/create-user"
      },
      "left": []
    }
    "#);
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
