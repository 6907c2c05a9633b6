//! Clients like those of other people, run against the real binary: it understands the requests of the documented
//! samples and their libraries, and they understand its responses (spec/clients.md 7).
//!
//! The programs are in `tests/clients` of the repository. A test without its tools is skipped and says so; with
//! `MATRICULA_TEST_ALL=1` it fails. `scripts/test-tools` installs them.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking, also in what tests share"
)]
#![expect(
    clippy::print_stdout,
    reason = "the harness shows what a test prints when it fails, or when asked to"
)]

mod compatibility;
mod course;
mod examples;
mod java;
mod ldap;
mod ldap_servers;
mod ldap_site;
mod ldap_slapd;
mod mono;
mod node;
mod package;
mod powershell;
mod program;
mod proxy;
mod python;
mod relay;
mod reqwest_retry;
mod retries;
mod sample;
mod sandbox;
mod schemathesis;
mod scim;
mod scim_site;
mod served;
mod shell;
mod tls_proxy;
mod tools;
mod walks;
mod wrong;
