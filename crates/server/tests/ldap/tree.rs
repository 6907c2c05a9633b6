//! The entries: their names, attributes, and what a search reaches.

use ldap3::Scope;
use serde_json::json;
use testkit::ACCOUNT;

use crate::{BASE, Door, group_dn, names, read, searched, user_dn};

#[tokio::test]
async fn a_user_has_the_attributes_that_programs_look_for() {
    let door = Door::seeded().await;
    let mut ldap = door.service().await;
    let ann = user_dn("Ann.Lee@example.com");
    let who = json!({ "emailAddress": "ann.lee@example.com" });
    let all = door.call("/api/user/get-attributes", who).await;
    let is_title = |attribute: &&serde_json::Value| attribute["name"] == "title";
    let id = &all["attributes"].as_array().unwrap().iter().find(is_title).unwrap()["id"];
    let title = json!([{ "id": id, "value": "Head" }]);
    let item = json!({ "emailAddress": "ann.lee@example.com", "attributes": title });
    door.call("/api/user/update-attributes", item).await;
    let entry = read(&mut ldap, &ann, &["*"]).await;
    let one = |name: &str| entry[name].join("|");
    assert_eq!(one("objectClass"), "top|person|organizationalPerson|inetOrgPerson|mailAccount|posixAccount");
    assert_eq!(one("uid"), "Ann.Lee@example.com|Ann.Lee");
    assert_eq!((one("cn"), one("sn"), one("givenName")), ("Ann Lee".into(), "Lee".into(), "Ann".into()));
    assert_eq!(
        (one("displayName"), one("title"), one("mail")),
        ("Ann Lee".into(), "Head".into(), "Ann.Lee@example.com".into())
    );
    assert_eq!(
        (one("homeDirectory"), one("loginShell")),
        ("/home/ann.lee@example.com".into(), "/bin/bash".into())
    );
    assert_eq!(one("uidNumber"), one("gidNumber"));
    assert!(!entry.contains_key("memberOf") && !entry.contains_key("userPassword"));

    let entry = read(&mut ldap, &ann, &["+"]).await;
    // Also the group above the one that it is in, the oldest first.
    assert_eq!(entry["memberOf"], [group_dn("Staff"), group_dn("Sales, EMEA")]);
    assert_eq!(entry["memberOf"], entry["isMemberOf"]);
    assert_eq!(entry["pwdChangedTime"], entry["createTimestamp"]);
    assert_eq!(entry["entryDN"][0], ann);
    assert!(!entry.contains_key("cn") && !entry.contains_key("nsAccountLock"));

    // A name that two users have names neither.
    let entry = read(&mut ldap, &user_dn("bob@example.com"), &["UID", "commonname"]).await;
    assert_eq!((entry["uid"].join("|"), entry["cn"].join("|")), ("bob@example.com".into(), "Bob Öl".into()));
    let (found, result) = searched(&mut ldap, &user_dn("bob"), Scope::Base, "(objectClass=*)", &[]).await;
    assert_eq!((found.len(), result.rc, result.matched.as_str()), (0, 32, BASE));
    // Without a name the part before the @ is shown.
    let carl = read(&mut ldap, &user_dn("carl"), &[]).await;
    assert_eq!((carl["cn"].join("|"), carl["sn"].join("|")), ("carl".into(), "carl".into()));
}

#[tokio::test]
async fn aliases_are_addresses_of_their_user() {
    let door = Door::seeded().await;
    door.server.clock().advance(jiff::SignedDuration::from_secs(2));
    door.call(
        "/api/user/update-alias",
        json!({ "aliasFor": "bob@example.com", "alias": "robert@second.example" }),
    )
    .await;
    let mut ldap = door.service().await;
    let bob = user_dn("bob@example.com");
    assert_eq!(names(&mut ldap, "(mail=Robert@second.example)").await.join(" "), bob);
    assert_eq!(names(&mut ldap, "(uid=robert@second.example)").await, <[String; 0]>::default());
    let of_domain = names(&mut ldap, "(mail=*@second.example)").await;
    assert_eq!(of_domain.len(), 3, "{of_domain:?}");
    let entry = read(&mut ldap, &bob, &["mail", "memberOf"]).await;
    assert_eq!(entry["mail"], ["bob@example.com", "robert@second.example"]);
    // An alias changes its user.
    let times = read(&mut ldap, &bob, &["createTimestamp", "modifyTimestamp"]).await;
    assert!(times["modifyTimestamp"] > times["createTimestamp"], "{times:?}");
    // By the domain of its alias it is in a group too.
    assert!(entry["memberOf"].contains(&group_dn("Öl & Gas")));
}

#[tokio::test]
async fn a_group_lists_members_of_groups_in_it() {
    let door = Door::seeded().await;
    let mut ldap = door.service().await;
    let entry = read(&mut ldap, &group_dn("Staff"), &[]).await;
    let members = ["Ann.Lee@example.com", "bob@example.com", "carl@second.example"].map(user_dn);
    assert_eq!((&entry["member"], &entry["uniqueMember"]), (&members.to_vec(), &members.to_vec()));
    assert_eq!(entry["objectClass"].join("|"), "top|groupOfNames|groupOfUniqueNames|posixGroup");
    assert!(!read(&mut ldap, &group_dn("Empty"), &[]).await.contains_key("member"));

    // A second group of one name has another distinguished name, by which it is found.
    let (staff, _) = searched(&mut ldap, BASE, Scope::Subtree, "(cn=Öl & Gas)", &["entryUUID"]).await;
    assert_eq!(staff.len(), 1);
    let id = door.group("Folder", None, &[]).await;
    door.group("Staff", Some(&id), &["bob@second.example"]).await;
    let both = names(&mut ldap, "(cn=staff)").await;
    let other = both.iter().find(|name| name.starts_with("entryUUID=")).unwrap();
    assert_eq!(both.len(), 2);
    assert_eq!(read(&mut ldap, other, &["member"]).await["member"], [user_dn("bob@second.example")]);
    assert_eq!(names(&mut ldap, &format!("(memberOf={other})")).await, [user_dn("bob@second.example")]);
    assert!(!names(&mut ldap, "(memberOf=Staff)").await.contains(&user_dn("bob@second.example")));
}

#[tokio::test]
async fn a_search_reaches_what_its_scope_says() {
    let door = Door::seeded().await;
    let mut ldap = door.service().await;
    let people = format!("ou=people,{BASE}");
    for (base, scope, count) in [
        (BASE, Scope::Base, 1),
        (BASE, Scope::OneLevel, 3),
        (BASE, Scope::Subtree, 17),
        ("", Scope::Subtree, 17),
        (&people, Scope::Base, 1),
        (&people, Scope::OneLevel, 8),
        (&people, Scope::Subtree, 9),
        (&user_dn("carl"), Scope::Base, 1),
        (&user_dn("carl"), Scope::OneLevel, 0),
        (&user_dn("carl"), Scope::Subtree, 1),
        ("DC=Example, DC=COM", Scope::Base, 1),
    ] {
        let (found, result) = searched(&mut ldap, base, scope, "(objectClass=*)", &["1.1"]).await;
        assert_eq!((found.len(), result.rc), (count, 0), "{base} {scope:?}");
    }
    for (base, code) in [
        ("dc=other,dc=example", 32),
        ("uid=nobody,ou=people,dc=example,dc=com", 32),
        ("cn=ann,ou=people,dc=example,dc=com", 32),
        ("ou=nothing,dc=example,dc=com", 32),
        ("no name", 34),
        ("dc=example,,dc=com", 34),
    ] {
        let (found, result) = searched(&mut ldap, base, Scope::Subtree, "(objectClass=*)", &[]).await;
        assert_eq!((found.len(), result.rc), (0, code), "{base}");
    }
    // A name with escaped octets finds its entry, in whatever form it comes.
    for name in ["cn=Sales\\, EMEA", "CN=sales\\2C emea", "commonName=Sales\\2c\\20EMEA"] {
        read(&mut ldap, &format!("{name},ou=groups,{BASE}"), &[]).await;
    }
    let entry = read(&mut ldap, "cn=\\c3\\96l & Gas,ou=groups,dc=example,dc=com", &["cn"]).await;
    assert_eq!(entry["cn"], ["Öl & Gas"]);
    let entry = read(&mut ldap, "cn=\"Sales, EMEA\",ou=groups,dc=example,dc=com", &["cn"]).await;
    assert_eq!(entry["cn"], ["Sales, EMEA"]);
}

#[tokio::test]
async fn an_account_may_have_another_base() {
    let door = Door::seeded().await;
    let admin = door.server.admin();
    assert_eq!(admin.ldap_base(ACCOUNT).await.unwrap().as_deref(), Some(BASE));
    admin.set_ldap_base(ACCOUNT, Some("O=Acme, C=de")).await.unwrap();
    for (base, says) in [
        ("", "at least one part"),
        ("acme", "ATTRIBUTE=VALUE"),
        ("dc=other,dc=example", "another account"),
        ("dc=x,ou=people,dc=other,dc=example", "are mixed"),
        ("dc=nobody,dc=example", "does not own"),
        ("o=\u{202e}x", "visible text"),
    ] {
        let error = admin.set_ldap_base(ACCOUNT, Some(base)).await.unwrap_err().to_string();
        assert!(error.contains(says), "{error}");
    }
    let mut ldap = door.connect().await;
    let dn = format!("cn={},ou=applications,o=acme,c=DE", door.client_id);
    // A tree that was read is used for a second.
    door.server.clock().advance(jiff::SignedDuration::from_secs(2));
    ldap.simple_bind(&dn, &door.secret).await.unwrap().success().unwrap();
    let carl = "uid=carl@second.example,ou=people,O=Acme,C=de";
    let (found, result) = searched(&mut ldap, "o=acme,c=de", Scope::Subtree, "(uid=carl)", &["o"]).await;
    assert_eq!((found[0].dn.as_str(), result.rc), (carl, 0));
    let refused = door.connect().await.simple_bind(&door.bind_dn(), &door.secret).await.unwrap();
    assert_eq!(refused.rc, 49);
}

#[tokio::test]
async fn the_root_and_the_schema_are_for_everybody() {
    let door = Door::seeded().await;
    let mut ldap = door.connect().await;
    for attributes in [&["*", "+"][..], &[], &["supportedControl", "namingContexts", "subschemaSubentry"]] {
        let root = read(&mut ldap, "", attributes).await;
        assert!(root["supportedControl"].contains(&"1.2.840.113556.1.4.319".to_owned()));
        assert_eq!(root["subschemaSubentry"], ["cn=Subschema"]);
        // Several accounts: none is shown to a client that nobody knows.
        assert!(!root.contains_key("namingContexts"));
    }
    let schema = read(&mut ldap, "cn=subschema", &["attributeTypes", "objectClasses", "ldapSyntaxes"]).await;
    assert!(schema["attributeTypes"].iter().any(|text| text.contains("NAME ( 'memberOf' )")));
    assert!(
        schema["objectClasses"]
            .iter()
            .any(|text| text.contains("NAME 'inetOrgPerson' SUP organizationalPerson"))
    );
    let mut ldap = door.service().await;
    let root = read(&mut ldap, "", &["+"]).await;
    assert_eq!(
        (&root["namingContexts"], &root["defaultNamingContext"]),
        (&vec![BASE.to_owned()], &vec![BASE.to_owned()])
    );
}

#[tokio::test]
async fn an_equals_sign_in_a_name_is_escaped() {
    let door = Door::seeded().await;
    door.create(&[("prvs=1=ann@example.com", "A = B")]).await;
    let mut ldap = door.service().await;
    let shown = format!("uid=prvs\\3D1\\3Dann@example.com,ou=people,{BASE}");
    assert_eq!(names(&mut ldap, "(uid=prvs=1=ann@example.com)").await.join(" "), shown);
    for name in [shown, user_dn("prvs=1=ann@example.com"), user_dn("prvs\\=1\\=ann@example.com")] {
        assert_eq!(read(&mut ldap, &name, &["cn"]).await["cn"], ["A = B"], "{name}");
    }
}
