//! The cost that every request has before any lookup: signature, date and body.
//!
//! `cargo bench -p matricula-wire`

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use jiff::{SignedDuration, Timestamp};
use matricula_wire::date;
use matricula_wire::explain::{KeySet, KeyStatus, Known, Received, explain};
use matricula_wire::header::Authorization;
use matricula_wire::reader::{Limits, read};
use matricula_wire::signature::{Parts, SigningKey, authorization};

const PARTS: Parts<'_> = Parts {
    date: b"Tue, 24 Nov 2015 12:50:11 UTC",
    request_id: b"8578FCFC-A305-4D9A-99CB-F4D5ECEFE297",
    application_key: b"f0c2a4bd-5a3b-4a0e-8c0c-2f3d5b1d9e77",
};
const URI: &[u8] = b"/api/user/create-user";

fn signatures(c: &mut Criterion) {
    let key = SigningKey::from_bytes(&[7; 64]);
    let signature = key.sign(&PARTS, URI);
    c.bench_function("sign", |b| b.iter(|| key.sign(black_box(&PARTS), URI)));
    c.bench_function("verify", |b| b.iter(|| key.verify(black_box(&PARTS), URI, &signature)));
    c.bench_function("verify, eight spellings", |b| {
        b.iter(|| key.verify(black_box(&PARTS), b"//api/user/create-user/?q", &signature));
    });
}

fn headers(c: &mut Criterion) {
    let value = authorization(&"k".repeat(150), &[7; 20]);
    c.bench_function("authorization", |b| b.iter(|| Authorization::parse(black_box(value.as_bytes()))));
    let now = Timestamp::constant(1_448_369_460, 0);
    for date in
        ["Tue, 24 Nov 2015 12:50:11 UTC", "Di., 24 Dez. 2015 12:50:11 UTC", "Τρί, 24 Νοε 2015 12:50:11 UTC"]
    {
        c.bench_function(&format!("date: {date}"), |b| {
            b.iter(|| date::parse(black_box(date.as_bytes()), now));
        });
    }
}

fn bodies(c: &mut Criterion) {
    let limits = Limits::default();
    for items in [1, 100] {
        let item = |index| {
            format!(
                "{{\"emailAddress\": \"user{index}@example.com\", \"password\": \"O'Brien-{index}\", \
                 \"accountCode\": \"C0A0\", \"forcePasswordChange\": false, \"name\": \"User {index}\"}}"
            )
        };
        let json = format!("{{\"data\": [{}]}}", (0..items).map(item).collect::<Vec<_>>().join(", "));
        let python = json.replace("false", "False");
        let mut group = c.benchmark_group(format!("read, {items} items"));
        group.throughput(Throughput::Bytes(json.len() as u64));
        group.bench_function("strict", |b| b.iter(|| read(black_box(json.as_bytes()), &limits)));
        group.bench_function("lenient", |b| b.iter(|| read(black_box(python.as_bytes()), &limits)));
        group.finish();
    }
}

/// The most expensive searches: no mistake explains the signature.
fn explanations(c: &mut Criterion) {
    let set = |number: u8| KeySet {
        name: format!("set {number}"),
        app_id: format!("f0c2a4bd-5a3b-4a0e-8c0c-2f3d5b1d9e{number:02x}"),
        app_key: format!("0f2ca4bd-5a3b-4a0e-8c0c-2f3d5b1d9e{number:02x}").into(),
        access_key: format!("key-{number}"),
        secret_key: Some(
            format!("+/8Pq+/zGg1x9kTt2m0b7QeYw4uHc6Jn3rLpVsXaDf8+A/bC5Z+9kM1oNq7EiR{number:02x}").into(),
        ),
        status: KeyStatus::Live,
    };
    let now = Timestamp::constant(1_448_369_460, 0);
    for (what, access_key, sets) in
        [("one set", "key-0", 1), ("64 sets", "key-0", 64), ("unknown access key, 64 sets", "nobody's", 64)]
    {
        let keys: Vec<KeySet> = (0..sets).map(set).collect();
        let value = authorization(access_key, &[7; 20]);
        let received = Received {
            method: "POST",
            target: URI,
            authorization: Some(value.as_bytes()),
            date: Some(PARTS.date),
            request_id: Some(PARTS.request_id),
            app_id: Some(keys[0].app_id.as_bytes()),
            host: Some(b"127.0.0.1:8080"),
            body: Some(br#"{"data":[{"emailAddress":"ann@example.com"}]}"#),
        };
        let paths: Vec<String> = (0..45).map(|number| format!("/api/user/endpoint-{number}")).collect();
        let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
        let known = Known { keys: &keys, paths: &paths, window: SignedDuration::from_mins(15) };
        c.bench_function(&format!("explain nothing: {what}"), |b| {
            b.iter(|| explain(black_box(&received), &known, now));
        });
    }
}

criterion_group!(benches, signatures, headers, bodies, explanations);
criterion_main!(benches);
