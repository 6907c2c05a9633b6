//! LDAP over a real socket, by a client library and by raw messages. Each test runs on both engines.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

extern crate matricula_server as server;

mod binds;
mod documents;
mod filters;
mod limits;
mod matrix;
mod paging;
mod raw;
mod secure;
mod tree;

use std::collections::HashMap;

use ldap3::{Ldap, LdapConnAsync, LdapResult, Scope, SearchEntry};
use serde_json::json;
use testkit::{ACCOUNT, TestServer};

const BASE: &str = "dc=example,dc=com";

/// A server with a listener for LDAP, and an application that may read.
struct Door {
    server: TestServer,
    client_id: String,
    secret: String,
}

impl Door {
    async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    async fn start_with(change: impl FnOnce(&mut server::config::Ldap)) -> Self {
        let mut ldap = server::config::Ldap::on_free_port();
        change(&mut ldap);
        let server = TestServer::start_with(|config| {
            config.quota.enabled = false;
            config.ldap = Some(ldap);
        })
        .await;
        Self::on(server).await
    }

    async fn on(server: TestServer) -> Self {
        let application = server.application("Reader", &["directory"]).await;
        Self { server, client_id: application.client_id, secret: application.client_secret }
    }

    fn bind_dn(&self) -> String {
        format!("cn={},ou=applications,{BASE}", self.client_id)
    }

    async fn connect(&self) -> Ldap {
        connect(&self.server).await
    }

    /// A connection that the application has bound.
    async fn service(&self) -> Ldap {
        let mut ldap = self.connect().await;
        ldap.simple_bind(&self.bind_dn(), &self.secret).await.unwrap().success().unwrap();
        ldap
    }

    /// Creates users by create-user, each with a name and the test password.
    async fn create(&self, users: &[(&str, &str)]) {
        for some in users.chunks(100) {
            let items: Vec<_> = some
                .iter()
                .map(|(address, name)| {
                    json!({ "emailAddress": address, "name": name, "password": PASSWORD, "forcePasswordChange": false })
                })
                .collect();
            let created = self.server.administrator().call("/api/user/create-user", json!(items)).await;
            assert_eq!(created.json()["fail"], json!([]), "{}", created.body);
        }
    }

    /// Calls an endpoint as the administrator, with one item, and gives its first row.
    async fn call(&self, path: &str, item: serde_json::Value) -> serde_json::Value {
        let answer = self.server.administrator().call(path, json!([item])).await;
        let answer = answer.json();
        assert_eq!(answer["fail"], json!([]), "{answer}");
        answer["data"][0].clone()
    }

    /// Creates a group with members; gives its id.
    async fn group(&self, name: &str, parent: Option<&str>, members: &[&str]) -> String {
        let mut item = json!({ "description": name });
        if let Some(parent) = parent {
            item["parentId"] = json!(parent);
        }
        let id = self.call("/api/directory/create-group", item).await["id"].as_str().unwrap().to_owned();
        for member in members {
            let key = if member.contains('@') { "emailAddress" } else { "domain" };
            self.call("/api/directory/add-group-member", json!({ "id": id, key: member })).await;
        }
        id
    }

    /// The users and groups of most tests.
    async fn seeded() -> Self {
        let door = Self::start().await;
        door.server.admin().add_domain(ACCOUNT, "second.example").await.unwrap();
        door.create(&[
            ("Ann.Lee@example.com", "Ann Lee"),
            ("bob@example.com", "Bob Öl"),
            ("carl@second.example", ""),
            ("bob@second.example", "Other Bob"),
        ])
        .await;
        let staff = door.group("Staff", None, &["carl@second.example"]).await;
        door.group("Sales, EMEA", Some(&staff), &["ann.lee@example.com", "bob@example.com"]).await;
        door.group("Öl & Gas", None, &["second.example"]).await;
        door.group("Empty", None, &[]).await;
        door
    }
}

const PASSWORD: &str = "Quiet river 9 stones";

async fn connect(server: &TestServer) -> Ldap {
    let address = server.server().ldap_addresses()[0].unwrap();
    let (connection, ldap) = LdapConnAsync::new(&format!("ldap://{address}")).await.unwrap();
    ldap3::drive!(connection);
    ldap
}

fn user_dn(address: &str) -> String {
    format!("uid={address},ou=people,{BASE}")
}

fn group_dn(name: &str) -> String {
    format!("cn={},ou=groups,{BASE}", name.replace(',', "\\,"))
}

/// The entries that a search finds, and its result.
async fn searched(
    ldap: &mut Ldap,
    base: &str,
    scope: Scope,
    filter: &str,
    attributes: &[&str],
) -> (Vec<SearchEntry>, LdapResult) {
    let found = ldap.search(base, scope, filter, attributes.to_vec()).await.unwrap();
    (found.0.into_iter().map(SearchEntry::construct).collect(), found.1)
}

/// The names of the entries that a search below the base finds, sorted.
async fn names(ldap: &mut Ldap, filter: &str) -> Vec<String> {
    let (entries, result) = searched(ldap, BASE, Scope::Subtree, filter, &["1.1"]).await;
    assert_eq!((result.rc, result.text.as_str()), (0, ""), "{filter}");
    let mut names: Vec<_> = entries.into_iter().map(|entry| entry.dn).collect();
    names.sort();
    names
}

/// The attributes of one entry.
async fn read(ldap: &mut Ldap, dn: &str, attributes: &[&str]) -> HashMap<String, Vec<String>> {
    let (entries, result) = searched(ldap, dn, Scope::Base, "(objectClass=*)", attributes).await;
    assert_eq!(result.rc, 0, "{dn}: {}", result.text);
    entries.into_iter().next().unwrap().attrs
}

#[test]
fn the_tests_hold_on_postgresql_too() {
    testkit::again_on_postgres("the_tests_hold_on_postgresql_too");
}
