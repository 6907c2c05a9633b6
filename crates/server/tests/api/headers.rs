//! Every header, missing and malformed in every way: status, headers and body as snapshots.

use client::SignedHeaders;
use jiff::SignedDuration;
use testkit::{Response, TestServer};
use wire::create_user::PATH;

use crate::user;

async fn send(server: &TestServer, change: impl FnOnce(&mut Vec<(String, Vec<u8>)>)) -> Response {
    let signed: SignedHeaders = server.administrator().signed(PATH);
    let mut headers: Vec<_> =
        signed.iter().map(|(name, value)| (name.to_owned(), value.as_bytes().to_vec())).collect();
    change(&mut headers);
    server.raw(PATH, &headers, user("ann@example.com")).await
}

fn set(headers: &mut [(String, Vec<u8>)], name: &str, value: impl Into<Vec<u8>>) {
    let header = headers.iter_mut().find(|(known, _)| known == name).unwrap();
    header.1 = value.into();
}

#[tokio::test]
async fn a_missing_header_is_named() {
    let server = TestServer::start().await;
    let mut all = String::new();
    for name in ["authorization", "x-mc-date", "x-mc-req-id", "x-mc-app-id"] {
        let answer = send(&server, |headers| headers.retain(|(known, _)| known != name)).await;
        all.push_str(&format!("# without {name}\n{answer}\n\n"));
    }
    insta::assert_snapshot!(all);
}

#[tokio::test]
async fn a_malformed_header_says_what_is_expected() {
    let server = TestServer::start().await;
    let hex = format!("MC key:{}", "ab".repeat(20));
    let cases: [(&str, &str); 12] = [
        ("authorization", ""),
        ("authorization", "key:c2lnbmF0dXJl"),
        ("authorization", "Basic-Cloud YTpi"),
        ("authorization", "Bearer token"),
        ("authorization", "MC keyonly"),
        ("authorization", "MC :c2lnbmF0dXJl"),
        ("authorization", "MC key:"),
        ("authorization", "MC key:c2lnbmF0dXJl"),
        ("authorization", &hex),
        ("authorization", "MC key:not base64!"),
        ("x-mc-req-id", "1234"),
        ("x-mc-req-id", ""),
    ];
    let mut all = String::new();
    for (name, value) in cases {
        let answer = send(&server, |headers| set(headers, name, value)).await;
        all.push_str(&format!("# {name}: {value}\n{answer}\n\n"));
    }
    insta::assert_snapshot!(all);
}

/// The date is part of what is signed: these are signed over what they show, and refused for what it says.
#[tokio::test]
async fn a_date_that_is_unreadable_or_off_says_how() {
    let server = TestServer::start().await;
    let mut all = String::new();
    for date in [
        "yesterday",
        "Tuesday, 24-Nov-26 12:00:00 GMT",
        "Tue, 24 Nov 2569 12:00:00 UTC",
        "1795521600",
        "Tue, 24 Nov 2026 11:44:59 UTC",
        "Tue, 24 Nov 2026 12:15:01 UTC",
        "Tue, 24 Nov 2015 12:50:11 UTC",
    ] {
        let answer =
            server.send_dated(&server.administrator(), date.as_bytes(), user("ann@example.com")).await;
        all.push_str(&format!("# {date}\n{answer}\n\n"));
    }
    insta::assert_snapshot!(all);
}

#[tokio::test]
async fn every_form_of_date_that_clients_send_is_good() {
    let server = TestServer::start().await;
    for (n, date) in [
        "Tue, 24 Nov 2026 12:00:00 UTC",
        "Tue, 24 Nov 2026 12:00:00 GMT",
        "Tue, 24 Nov 2026 12:00:00 +0000",
        "Tue, 24 Nov 2026 12:00:00 -0000",
        "Tue, 24 Nov 2026 13:00:00 CET",
        "Di., 24 Nov. 2026 12:00:00 UTC",
        "mar., 24 nov. 2026 12:00:00 UTC",
        "вт, 24 нояб. 2026 12:00:00 UTC",
        "Tue, 24 Nov 2026 12:14:59 UTC",
        "Tue, 24 Nov 2026 11:45:01 UTC",
    ]
    .into_iter()
    .enumerate()
    {
        let body = user(&format!("date{n}@example.com"));
        let answer = server.send_dated(&server.administrator(), date.as_bytes(), body).await;
        assert_eq!((answer.status, answer.rows()), (200, 1), "{date}: {answer}");
    }
}

#[tokio::test]
async fn the_window_is_a_setting() {
    let server = TestServer::start_with(|config| config.freshness_seconds = 10).await;
    let administrator = server.administrator();
    let signed = administrator.signed(PATH);
    server.clock().advance(SignedDuration::from_secs(10));
    assert_eq!(administrator.send(PATH, &signed, user("a@example.com")).await.status, 200);
    server.clock().advance(SignedDuration::from_secs(1));
    let late = administrator.send(PATH, &signed, user("b@example.com")).await;
    assert_eq!(late.codes(), ["err_xdk_request_expired"]);
}

/// PSMimecast sends a blank after the colon; header names come in every case; keys and ids too.
#[tokio::test]
async fn blanks_and_case_where_real_clients_have_them_do_not_matter() {
    let server = TestServer::start().await;
    let answer = send(&server, |headers| {
        let value = String::from_utf8(headers[0].1.clone()).unwrap();
        headers[0].1 = value.replace("MC ", "mc  ").replace(':', " : ").into_bytes();
        headers[0].0 = "AUTHORIZATION".to_owned();
        headers[1].0 = "X-Mc-Date".to_owned();
    })
    .await;
    assert_eq!((answer.status, answer.rows()), (200, 1), "{answer}");
}
