//! Every operation by every kind of bind: the table of operations is what happens.

use ldap::{Access, Kind, OPERATIONS};
use tokio::net::TcpStream;

use crate::raw::{Raw, bind, element, equal, message, split};
use crate::{BASE, Door, PASSWORD, group_dn, user_dn};

const ANN: &str = "Ann.Lee@example.com";

/// Who is bound.
fn name(door: &Door, kind: Kind) -> Option<(String, String)> {
    match kind {
        Kind::Anonymous => None,
        Kind::User => Some((user_dn(ANN), PASSWORD.to_owned())),
        Kind::Administrator => Some((user_dn("reader@example.com"), testkit::PASSWORD.to_owned())),
        Kind::Service => Some((door.bind_dn(), door.secret.clone())),
    }
}

async fn bound(door: &Door, kind: Kind) -> Raw<TcpStream> {
    let mut raw = door.raw().await;
    if let Some((name, password)) = name(door, kind) {
        assert_eq!(raw.ask(&bind(1, &name, password.as_bytes())).await.1.code(), 0, "{kind:?}");
    }
    raw
}

fn search_at(base: &str, scope: u8) -> Vec<u8> {
    let head =
        [&element(4, base.as_bytes())[..], &[10, 1, scope, 10, 1, 0, 2, 1, 0, 2, 1, 0, 1, 1, 0]].concat();
    let all = element(0x30, &[element(4, b"*"), element(4, b"+")].concat());
    message(2, &element(0x63, &[&head[..], &element(0x87, b"objectClass"), &all].concat()), &[])
}

fn compare(dn: &str, name: &str, value: &str) -> Vec<u8> {
    let pair = [element(4, name.as_bytes()), element(4, value.as_bytes())].concat();
    message(2, &element(0x6e, &[element(4, dn.as_bytes()), element(0x30, &pair)].concat()), &[])
}

fn extended(name: &str, value: Option<&[u8]>) -> Vec<u8> {
    let value = value.map(|value| element(0x81, value)).unwrap_or_default();
    message(2, &element(0x77, &[element(0x80, name.as_bytes()), value].concat()), &[])
}

/// The names of entries that were found.
fn found(entries: &[crate::raw::Response]) -> Vec<String> {
    entries.iter().map(|entry| String::from_utf8(split(&entry.content).1.to_vec()).unwrap()).collect()
}

async fn search_matches(raw: &mut Raw<TcpStream>, access: Access) {
    let (entries, result) = raw.ask(&search_at(BASE, 2)).await;
    let (names, code) = (found(&entries), result.code());
    match access {
        Access::Nothing => assert_eq!((names.len(), code), (0, 50)),
        Access::All => {
            assert_eq!(code, 0);
            for name in [user_dn(ANN), user_dn("carl@second.example"), group_dn("Empty")] {
                assert!(names.contains(&name), "{names:?}");
            }
        }
        Access::Own => {
            // Itself, its groups, and what is above them.
            let mut own = vec![user_dn(ANN), group_dn("Staff"), group_dn("Sales, EMEA"), BASE.to_owned()];
            own.extend(["people", "groups", "applications"].map(|branch| format!("ou={branch},{BASE}")));
            own.sort();
            let mut names = names;
            names.sort();
            assert_eq!((names, code), (own, 0));
            let group = entries.iter().find(|entry| entry.has("groupOfNames")).unwrap();
            assert!(
                group.has(&user_dn(ANN))
                    && !group.has("bob@example.com")
                    && !group.has("carl@second.example")
            );
            for hidden in [user_dn("carl@second.example"), group_dn("Empty"), group_dn("Öl & Gas")] {
                let (entries, result) = raw.ask(&search_at(&hidden, 0)).await;
                assert_eq!((entries.len(), result.code()), (0, 32), "{hidden}");
            }
        }
    }
}

async fn compare_matches(raw: &mut Raw<TcpStream>, access: Access) {
    let (all, own) = match access {
        Access::Nothing => (50, 50),
        Access::Own => (32, 6),
        Access::All => (6, 6),
    };
    let carl = user_dn("carl@second.example");
    assert_eq!(raw.ask(&compare(&carl, "mail", "CARL@second.example")).await.1.code(), all);
    assert_eq!(raw.ask(&compare(&user_dn(ANN), "memberOf", &group_dn("Staff"))).await.1.code(), own);
    assert_eq!(raw.ask(&compare(&group_dn("Staff"), "member", &user_dn(ANN))).await.1.code(), own);
    if access == Access::All {
        for (name, value, code) in
            [("mail", "x@y", 5), ("title", "x", 16), ("userPassword", "x", 17), ("uidNumber", "x", 21)]
        {
            assert_eq!(raw.ask(&compare(&carl, name, value)).await.1.code(), code, "{name}");
        }
    }
    if access == Access::Own {
        // The others of its group do not show.
        let bob = user_dn("bob@example.com");
        assert_eq!(raw.ask(&compare(&group_dn("Staff"), "member", &bob)).await.1.code(), 5);
    }
}

async fn password_modify_matches(door: &Door, raw: &mut Raw<TcpStream>, kind: Kind, access: Access) {
    let modify = |user: &str| {
        let parts = [
            element(0x80, user.as_bytes()),
            element(0x81, b"wrong"),
            element(0x82, b"Another river 8 stones"),
        ];
        extended("1.3.6.1.4.1.4203.1.11.1", Some(&element(0x30, &parts.concat())))
    };
    let own = name(door, kind).map_or(user_dn(ANN), |(name, _)| name);
    let code = raw.ask(&modify(&own)).await.1.code();
    match access {
        // The present password decides, and it is wrong here.
        Access::All | Access::Own => assert_eq!(code, 49, "{kind:?}"),
        Access::Nothing => assert_eq!(code, 53, "{kind:?}"),
    }
    if matches!(kind, Kind::User | Kind::Administrator) {
        assert_eq!(raw.ask(&modify(&user_dn("carl@second.example"))).await.1.code(), 50);
    }
}

#[tokio::test]
async fn every_operation_is_as_the_table_says() {
    let door = Door::seeded().await;
    for operation in OPERATIONS {
        for (kind, access) in Kind::ALL.into_iter().zip(operation.access) {
            let mut raw = bound(&door, kind).await;
            let (request, expected) = match operation.name {
                "bind" => (bind(2, "", b""), 0),
                "root dse" => (search_at("", 0), 0),
                "schema" => (search_at("cn=Subschema", 0), 0),
                "who am i" => (extended("1.3.6.1.4.1.4203.1.11.3", None), 0),
                // Without a certificate.
                "start tls" => (extended("1.3.6.1.4.1.1466.20037", None), 1),
                "other extended" => (extended("1.2.3", None), 2),
                "modify" => (message(2, &element(0x66, &element(4, b"dc=x")), &[]), 53),
                "add" => (message(2, &element(0x68, &element(4, b"dc=x")), &[]), 53),
                "delete" => (message(2, &element(0x4a, user_dn(ANN).as_bytes()), &[]), 53),
                "modify dn" => (message(2, &element(0x6c, &element(4, b"dc=x")), &[]), 53),
                "search" => {
                    search_matches(&mut raw, access).await;
                    continue;
                }
                "compare" => {
                    compare_matches(&mut raw, access).await;
                    continue;
                }
                "password modify" => {
                    password_modify_matches(&door, &mut raw, kind, access).await;
                    continue;
                }
                "abandon" => {
                    raw.send(&message(2, &element(0x50, &[9]), &[])).await;
                    (bind(3, "", b""), 0)
                }
                "unbind" => {
                    raw.send(&message(2, &[0x42, 0], &[])).await;
                    assert!(raw.response().await.is_none());
                    continue;
                }
                other => panic!("{other} has no case here"),
            };
            let (entries, result) = raw.ask(&request).await;
            assert_eq!(result.code(), expected, "{} {kind:?}", operation.name);
            // Nothing but what the table gives, for writes with the way to do it.
            assert_eq!(access == Access::Nothing, matches!(expected, 2 | 53), "{}", operation.name);
            assert!(expected != 53 || result.has("SCIM"));
            assert_eq!(
                entries.len(),
                usize::from(operation.name == "root dse" || operation.name == "schema")
            );
        }
    }
}

#[tokio::test]
async fn an_application_needs_its_product_and_the_permission() {
    let door = Door::seeded().await;
    for (role, product, says) in [
        ("Reader", "userandgroupmanagement", "the product directory"),
        ("Basic Administrator", "directory", ""),
    ] {
        let application = door.server.application(role, &[product]).await;
        let mut raw = door.raw().await;
        let dn = format!("cn={},ou=applications,{BASE}", application.client_id);
        assert_eq!(raw.ask(&bind(1, &dn, application.client_secret.as_bytes())).await.1.code(), 0);
        let (_, result) = raw.ask(&crate::raw::search(2, &equal("uid", b"carl"), "1.1", &[])).await;
        match says {
            "" => assert_eq!(result.code(), 0, "{role}"),
            says => assert!(result.code() == 50 && result.has(says), "{role}"),
        }
    }
    door.server.admin().add_role(testkit::ACCOUNT, "Nothing", &[]).await.unwrap();
    let application = door.server.application("Nothing", &["directory"]).await;
    let mut raw = door.raw().await;
    let dn = format!("cn={},ou=applications,{BASE}", application.client_id);
    assert_eq!(raw.ask(&bind(1, &dn, application.client_secret.as_bytes())).await.1.code(), 0);
    let (_, result) = raw.ask(&crate::raw::search(2, &equal("uid", b"carl"), "1.1", &[])).await;
    assert!(result.code() == 50 && result.has("Directories | Internal | Read"));
}
