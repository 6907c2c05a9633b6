//! Binds: the gate of login, and what is recorded.

use jiff::SignedDuration;
use ldap3::exop::{PasswordModify, WhoAmI};
use ldap3::{Ldap, LdapResult, Scope};
use serde_json::json;
use testkit::OTHER_ACCOUNT;

use crate::raw::{bind, control, element, message};
use crate::{BASE, Door, PASSWORD, connect, names, searched, user_dn};

const ANN: &str = "ann.lee@example.com";
const REFUSED: &str = "the name or the password is wrong, or the user may not log in";

async fn tries(door: &Door, name: &str, password: &str) -> LdapResult {
    door.connect().await.simple_bind(name, password).await.unwrap()
}

async fn name_of(ldap: &mut Ldap) -> String {
    let (answer, result) = ldap.extended(WhoAmI).await.unwrap().success().map(|it| (it.0, it.1)).unwrap();
    assert_eq!(result.rc, 0);
    String::from_utf8(answer.val.unwrap_or_default()).unwrap()
}

#[tokio::test]
async fn a_user_binds_by_name_and_by_address() {
    let door = Door::seeded().await;
    for name in [
        user_dn("Ann.Lee@example.com"),
        user_dn("ann.lee"),
        "UID=ANN.LEE , OU=People , DC=example , DC=COM".to_owned(),
        "Ann.Lee@Example.com".to_owned(),
    ] {
        let mut ldap = door.connect().await;
        let bound = ldap.simple_bind(&name, PASSWORD).await.unwrap();
        assert_eq!((bound.rc, bound.text.as_str()), (0, ""), "{name}");
        assert_eq!(name_of(&mut ldap).await, format!("dn:{}", user_dn("Ann.Lee@example.com")));
        // A bind that fails leaves nobody bound.
        assert_eq!(ldap.simple_bind(&name, "wrong").await.unwrap().rc, 49);
        assert_eq!(name_of(&mut ldap).await, "");
    }
    // Two users are called bob; an alias and a name that is none name nobody.
    let alias = json!({ "aliasFor": ANN, "alias": "lee@example.com" });
    door.call("/api/user/update-alias", alias).await;
    for name in
        [user_dn("bob"), "lee@example.com".to_owned(), user_dn("lee@example.com"), "ann.lee".to_owned()]
    {
        let refused = tries(&door, &name, PASSWORD).await;
        assert_eq!((refused.rc, refused.text.as_str()), (49, REFUSED), "{name}");
    }
}

#[tokio::test]
async fn every_refusal_has_one_text() {
    let door = Door::seeded().await;
    door.call(
        "/api/user/update-user",
        json!({ "emailAddress": "carl@second.example", "accountDisabled": true }),
    )
    .await;
    for (name, password) in [
        (user_dn(ANN), "wrong"),
        (ANN.to_owned(), "wrong"),
        (user_dn("nobody@example.com"), PASSWORD),
        (user_dn("nobody"), PASSWORD),
        ("nobody@nowhere.example".to_owned(), PASSWORD),
        (user_dn("carl@second.example"), PASSWORD),
        (format!("uid={ANN},ou=people,dc=other,dc=example"), PASSWORD),
        (format!("uid={ANN},ou=people,dc=nowhere"), PASSWORD),
        (format!("cn={},ou=applications,{BASE}", "a".repeat(40)), "secret"),
        (format!("cn=x,ou=applications,{BASE}"), "secret"),
        (door.bind_dn(), "wrong"),
        (format!("cn={},ou=applications,dc=other,dc=example", door.client_id), &*door.secret),
        (BASE.to_owned(), "x"),
    ] {
        let refused = tries(&door, &name, password).await;
        assert_eq!((refused.rc, refused.text.as_str()), (49, REFUSED), "{name}");
    }
    for (name, password, code, says) in [
        (user_dn(ANN).as_str(), "", 53, "needs a password"),
        ("", "x", 49, REFUSED),
        ("cn=a,", "x", 34, "comma"),
        ("", "", 0, ""),
    ] {
        let refused = tries(&door, name, password).await;
        assert_eq!(refused.rc, code, "{name}");
        assert!(refused.text.contains(says), "{}", refused.text);
    }
    // Another version of the protocol, another method.
    let mut raw = door.raw().await;
    let of_version_2 = [&[2, 1, 2][..], &element(4, b"cn=a"), &element(0x80, b"x")].concat();
    assert_eq!(raw.ask(&message(1, &element(0x60, &of_version_2), &[])).await.1.code(), 2);
    let sasl = [&[2, 1, 3][..], &element(4, b""), &element(0xa3, &element(4, b"PLAIN"))].concat();
    assert_eq!(raw.ask(&message(2, &element(0x60, &sasl), &[])).await.1.code(), 7);
    // Octets that are no text are a wrong password.
    assert_eq!(raw.ask(&bind(3, ANN, b"\xff\xfe")).await.1.code(), 49);
}

#[tokio::test]
async fn wrong_passwords_lock_out_here_and_at_login() {
    let door = Door::seeded().await;
    for _ in 0..5 {
        assert_eq!(tries(&door, ANN, "wrong").await.rc, 49);
    }
    assert_eq!(tries(&door, ANN, PASSWORD).await.text, REFUSED);
    assert_eq!(door.server.log_in(ANN, PASSWORD).await.status, 401);
    door.server.clock().advance(SignedDuration::from_mins(16));
    assert_eq!(tries(&door, ANN, PASSWORD).await.rc, 0);
}

#[tokio::test]
async fn binds_are_recorded_at_most_once_a_minute() {
    let door = Door::seeded().await;
    let before = door.server.admin().audit().await.unwrap();
    let mut ldap = door.connect().await;
    for _ in 0..3 {
        ldap.simple_bind(ANN, PASSWORD).await.unwrap().success().unwrap();
        assert_eq!(tries(&door, ANN, PASSWORD).await.rc, 0);
    }
    assert_eq!(tries(&door, ANN, "wrong").await.rc, 49);
    assert_eq!(tries(&door, "nobody@example.com", "wrong").await.rc, 49);
    door.server.clock().advance(SignedDuration::from_secs(61));
    assert_eq!(tries(&door, ANN, PASSWORD).await.rc, 0);
    let events = door.server.events_since(&before).await;
    let mut told: Vec<_> = events
        .iter()
        .map(|event| format!("{} {} {} {}", event.actor, event.action, event.target, event.detail))
        .collect();
    told.sort();
    let shown = "Ann.Lee@example.com";
    let expected = [
        "anonymous login.refused Ann.Lee@example.com LDAP: wrong password".to_owned(),
        "anonymous login.refused nobody@example.com LDAP: unknown user".to_owned(),
        format!("{shown} user.logged_in {shown} LDAP"),
        format!("{shown} user.logged_in {shown} LDAP"),
    ];
    let mut expected = expected.to_vec();
    expected.sort();
    assert_eq!(told, expected);
    // A right password forgets wrong ones, recorded or not.
    for _ in 0..3 {
        for _ in 0..4 {
            assert_eq!(tries(&door, ANN, "wrong").await.rc, 49);
        }
        assert_eq!(tries(&door, ANN, PASSWORD).await.rc, 0);
    }
}

#[tokio::test]
async fn a_remembered_password_ends_with_the_password() {
    let door = Door::seeded().await;
    let mut ldap = door.connect().await;
    ldap.simple_bind(ANN, PASSWORD).await.unwrap().success().unwrap();
    let changed = door.server.change_password(ANN, PASSWORD, "Another river 8 stones").await;
    assert_eq!(changed.json()["fail"], json!([]), "{}", changed.body);
    // The bind from before is no longer valid, and the former password is not remembered.
    assert_eq!(searched(&mut ldap, BASE, Scope::Base, "(objectClass=*)", &[]).await.1.rc, 50);
    assert_eq!(ldap.simple_bind(ANN, PASSWORD).await.unwrap().rc, 49);
    ldap.simple_bind(ANN, "Another river 8 stones").await.unwrap().success().unwrap();
    ldap.simple_bind(ANN, "Another river 8 stones").await.unwrap().success().unwrap();
    door.call("/api/user/update-user", json!({ "emailAddress": ANN, "accountDisabled": true })).await;
    assert_eq!(ldap.simple_bind(ANN, "Another river 8 stones").await.unwrap().rc, 49);
}

/// A password policy control in a response: its error.
fn policy(controls: &[u8]) -> Option<u8> {
    let name = b"1.3.6.1.4.1.42.2.27.8.5.1";
    assert!(controls.windows(name.len()).any(|part| part == name));
    (controls[controls.len() - 3..controls.len() - 1] == [0x81, 1]).then(|| controls[controls.len() - 1])
}

#[tokio::test]
async fn a_password_that_must_be_changed_is_changed_without_a_bind() {
    let door = Door::seeded().await;
    let item = json!({ "emailAddress": ANN, "forcePasswordChange": true });
    door.call("/api/user/update-user", item).await;
    let refused = tries(&door, ANN, PASSWORD).await;
    assert_eq!(refused.rc, 49);
    assert!(refused.text.contains("must be changed"), "{}", refused.text);
    let mut raw = door.raw().await;
    let asks = control("1.3.6.1.4.1.42.2.27.8.5.1", false, None);
    let tried = |password: &str| {
        let content = [&[2, 1, 3][..], &element(4, ANN.as_bytes()), &element(0x80, password.as_bytes())];
        message(1, &element(0x60, &content.concat()), std::slice::from_ref(&asks))
    };
    assert_eq!(policy(&raw.ask(&tried(PASSWORD)).await.1.controls), Some(2));
    // A wrong password says nothing about it.
    assert_eq!(policy(&raw.ask(&tried("wrong")).await.1.controls), None);

    let new = "Another river 8 stones";
    let mut ldap = door.connect().await;
    for (user, present, new, code) in [
        (Some(ANN), Some("wrong"), Some(new), 49),
        (Some("nobody@example.com"), Some(PASSWORD), Some(new), 49),
        (Some(ANN), None, Some(new), 53),
        (Some(ANN), Some(PASSWORD), None, 53),
        (None, Some(PASSWORD), Some(new), 53),
        (Some(ANN), Some(PASSWORD), Some("short"), 19),
        (Some(ANN), Some(PASSWORD), Some(PASSWORD), 19),
    ] {
        let asked = PasswordModify { user_id: user, old_pass: present, new_pass: new };
        let result = ldap.extended(asked).await.unwrap().1;
        assert_eq!(result.rc, code, "{user:?} {present:?}: {}", result.text);
    }
    let dn = user_dn(ANN);
    let asked = PasswordModify { user_id: Some(&dn), old_pass: Some(PASSWORD), new_pass: Some(new) };
    ldap.extended(asked).await.unwrap().success().unwrap();
    assert_eq!(tries(&door, ANN, new).await.rc, 0);
    assert_eq!(tries(&door, ANN, PASSWORD).await.rc, 49);
}

#[tokio::test]
async fn a_user_changes_its_own_password_only() {
    let door = Door::seeded().await;
    let mut ldap = door.connect().await;
    ldap.simple_bind(ANN, PASSWORD).await.unwrap().success().unwrap();
    let new = "Another river 8 stones";
    let of = |user| PasswordModify { user_id: user, old_pass: Some(PASSWORD), new_pass: Some(new) };
    // One answer for all other names, whether somebody has them or not.
    let (carl, nobody) = (user_dn("carl"), user_dn("nobody@example.com"));
    for name in ["bob@example.com", "nobody@example.com", &carl, &nobody, "dc=x", "entryUUID=1,dc=x"] {
        let refused = ldap.extended(of(Some(name))).await.unwrap().1;
        assert_eq!(
            (refused.rc, refused.text.as_str()),
            (50, "a user changes its own password only"),
            "{name}"
        );
    }
    ldap.extended(of(None)).await.unwrap().success().unwrap();
    // The connection proved the former password.
    assert_eq!(name_of(&mut ldap).await, "");
    let mut ldap = door.service().await;
    assert_eq!(ldap.extended(of(Some(ANN))).await.unwrap().1.rc, 53);
}

#[tokio::test]
async fn an_application_binds_with_its_secret_or_a_token() {
    let door = Door::seeded().await;
    let (id, token) = door.server.admin().add_token(&door.client_id, None).await.unwrap();
    let token = secrecy::ExposeSecret::expose_secret(&token).to_owned();
    let mut by_token = door.connect().await;
    by_token.simple_bind(&door.bind_dn(), &token).await.unwrap().success().unwrap();
    let mut by_secret = door.service().await;
    assert_eq!(name_of(&mut by_secret).await, format!("dn:{}", door.bind_dn()));
    let own = searched(&mut by_secret, &door.bind_dn(), Scope::Base, "(objectClass=*)", &[]).await.0;
    assert_eq!(own[0].attrs["description"], ["A program"]);

    // A second later a revoked token, and a disabled application, are out.
    door.server.admin().revoke_token(&door.client_id, id).await.unwrap();
    let later = || door.server.clock().advance(SignedDuration::from_secs(2));
    later();
    assert_eq!(searched(&mut by_token, BASE, Scope::Base, "(objectClass=*)", &[]).await.1.rc, 50);
    assert_eq!(searched(&mut by_secret, BASE, Scope::Base, "(objectClass=*)", &[]).await.1.rc, 0);
    door.server.admin().disable_client(&door.client_id).await.unwrap();
    later();
    assert_eq!(searched(&mut by_secret, BASE, Scope::Base, "(objectClass=*)", &[]).await.1.rc, 50);
    assert_eq!(tries(&door, &door.bind_dn(), &door.secret).await.rc, 49);
}

#[tokio::test]
async fn a_user_created_on_one_node_binds_on_the_other() {
    let door = Door::seeded().await;
    if !door.server.is_shared() {
        return;
    }
    let other = door.server.node().await;
    door.create(&[("new@example.com", "New")]).await;
    let mut ldap = connect(&other).await;
    ldap.simple_bind("new@example.com", PASSWORD).await.unwrap().success().unwrap();
    let mut service = connect(&other).await;
    service.simple_bind(&door.bind_dn(), &door.secret).await.unwrap().success().unwrap();
    let found = searched(&mut service, BASE, Scope::Subtree, "(uid=new)", &[]).await.0;
    assert_eq!(found.len(), 1);
    door.call("/api/user/update-user", json!({ "emailAddress": "new@example.com", "accountDisabled": true }))
        .await;
    assert_eq!(connect(&other).await.simple_bind("new@example.com", PASSWORD).await.unwrap().rc, 49);
    // What was bound before reads nothing any more.
    assert_eq!(searched(&mut ldap, BASE, Scope::Base, "(objectClass=*)", &[]).await.1.rc, 50);
}

#[tokio::test]
async fn an_account_never_sees_another() {
    let door = Door::seeded().await;
    let other = door.server.admin().add_client(OTHER_ACCOUNT, "Other", "Super Administrator", &["directory"]);
    let other = other.await.unwrap();
    let base = "dc=other,dc=example";
    let mut ldap = door.connect().await;
    let dn = format!("cn={},ou=applications,{base}", other.client_id);
    ldap.simple_bind(&dn, other.client_secret()).await.unwrap().success().unwrap();
    assert_eq!(searched(&mut ldap, BASE, Scope::Subtree, "(objectClass=*)", &[]).await.1.rc, 32);
    for filter in [
        "(uid=ann.lee)",
        "(mail=ann.lee@example.com)",
        "(mail=*@example.com)",
        "(cn=Staff)",
        "(memberOf=Staff)",
        "(uidNumber>=1)",
        "(createTimestamp>=20200101000000Z)",
    ] {
        let (found, result) = searched(&mut ldap, base, Scope::Subtree, filter, &["*", "+"]).await;
        let foreign = found.iter().filter(|entry| !entry.dn.ends_with(base)).count();
        assert_eq!((foreign, result.rc), (0, 0), "{filter}");
        assert!(found.iter().all(|entry| !entry.dn.contains("example.com")), "{filter}");
    }
}

#[tokio::test]
async fn a_bind_that_was_lost_does_not_come_back() {
    let door = Door::seeded().await;
    let mut ldap = door.connect().await;
    ldap.simple_bind(&user_dn("bob@example.com"), PASSWORD).await.unwrap().success().unwrap();
    for (disabled, code) in [(true, 50), (false, 50)] {
        let item = json!({ "emailAddress": "bob@example.com", "accountDisabled": disabled });
        door.call("/api/user/update-user", item).await;
        let (_, result) = searched(&mut ldap, BASE, Scope::Subtree, "(uid=bob@example.com)", &["1.1"]).await;
        assert_eq!(result.rc, code, "{disabled}");
    }
    ldap.simple_bind(&user_dn("bob@example.com"), PASSWORD).await.unwrap().success().unwrap();
    assert_eq!(names(&mut ldap, "(uid=bob@example.com)").await.len(), 1);
}

#[tokio::test]
async fn a_renamed_user_changes_its_password_and_an_address_may_have_an_equals_sign() {
    let door = Door::seeded().await;
    let mut ldap = door.connect().await;
    ldap.simple_bind("bob@example.com", PASSWORD).await.unwrap().success().unwrap();
    let item = json!({ "emailAddress": "bob@example.com", "newEmailAddress": "a=bob@example.com" });
    door.call("/api/user/update-user", item).await;
    let new = "Another river 7 stones";
    let modify = PasswordModify { user_id: None, old_pass: Some(PASSWORD), new_pass: Some(new) };
    ldap.extended(modify).await.unwrap().success().unwrap();
    ldap.simple_bind("a=bob@example.com", new).await.unwrap().success().unwrap();
    ldap.simple_bind(&user_dn("a=bob@example.com"), new).await.unwrap().success().unwrap();
}
