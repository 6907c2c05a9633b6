//! The API through a real socket: what callers of every kind get to see.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

extern crate matricula_server as server;

mod account;
mod audit;
mod authority;
mod backups;
mod bulk;
mod catalogue;
mod clock;
mod cloud_gateway;
mod create_user;
mod delegation;
mod domains;
#[path = "../explore/mod.rs"]
mod explore;
mod explorer;
mod front_door;
mod groups;
mod headers;
mod history;
mod http;
mod imports;
mod journal;
mod lifecycle;
mod login;
mod matrix;
mod metrics;
mod monitoring;
mod nodes;
mod once_only;
mod pages;
mod provisioning;
mod quota;
mod reference;
mod refusals;
mod replication;
mod reserved;
mod roles;
mod room;
mod search;
mod staleness;
mod story;
mod stubs;
mod telemetry;
mod test_control;
mod tls;
mod traces;
mod usage;
mod users;

#[test]
fn again_on_postgres() {
    testkit::again_on_postgres("again_on_postgres");
}

/// A JSON body with one item.
fn item(fields: &str) -> String {
    format!(r#"{{"data":[{{{fields}}}]}}"#)
}

/// A JSON body with one user.
fn user(address: &str) -> String {
    item(&format!(r#""emailAddress":"{address}""#))
}
