//! What every request pays before anything is looked up: its signature, its date and its body.
//!
//! `cargo bench -p matricula-wire`

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use jiff::Timestamp;
use matricula_wire::date;
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

criterion_group!(benches, signatures, headers, bodies);
criterion_main!(benches);
