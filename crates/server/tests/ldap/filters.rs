//! Filters that programs send (docs/LDAP.md). U, D, G and B in them are a user, its name, a group and the base.

use ldap3::Scope;

use crate::{BASE, Door, group_dn, names, searched, user_dn};

const ANN: &str = "Ann.Lee@example.com";
const SALES: &str = "Sales, EMEA";

/// Who is found: users by address, groups by name, other entries by the start of their name.
fn expected(found: &[&str]) -> Vec<String> {
    let mut names: Vec<String> = found
        .iter()
        .map(|name| match name {
            name if name.contains('@') => user_dn(name),
            name if name.starts_with("ou=") => format!("{name},{BASE}"),
            name => group_dn(name),
        })
        .collect();
    names.sort();
    names
}

/// Users that each test server has.
const STAFF: [&str; 4] =
    ["admin@example.com", "plain@example.com", "reader@example.com", "partner@example.com"];

fn everybody() -> Vec<&'static str> {
    let created = [ANN, "bob@example.com", "carl@second.example", "bob@second.example"];
    STAFF.into_iter().chain(created).collect()
}

#[tokio::test]
async fn filters_of_programs_find_what_they_mean() {
    let door = Door::seeded().await;
    let mut ldap = door.service().await;
    let sales = "cn=Sales\\2c EMEA,ou=groups,dc=example,dc=com";
    let sales = sales.replace('\\', "\\5c");
    let dn = user_dn(ANN);
    let all = everybody();
    let groups = ["Staff", SALES, "Öl & Gas", "Empty"];
    let cases: Vec<(String, &[&str])> = vec![
        // Grafana, Nextcloud: a member of a group logs in.
        (format!("(&(&(objectclass=person)(memberOf={sales}))(uid=ann.lee))"), &[ANN]),
        (format!("(&(&(objectclass=person)(memberOf={sales}))(uid=carl))"), &[]),
        ("(&(|(objectclass=groupOfUniqueNames))(|(cn=Staff)(cn=empty)))".to_owned(), &["Staff", "Empty"]),
        ("(uid=*)".to_owned(), &all),
        (format!("(&(objectClass=groupOfUniqueNames)(uniqueMember={dn}))"), &["Staff", SALES]),
        (format!("(&(objectClass=person)(|(uid={ANN})(mail={ANN})))"), &[ANN]),
        ("(&(objectClass=person)(|(uid=bob)(mail=bob)))".to_owned(), &[]),
        ("(&(cn=Staff)(objectclass=groupOfNames))".to_owned(), &["Staff"]),
        ("(objectclass=groupofnames)".to_owned(), &groups),
        ("(&(objectClass=inetOrgPerson)(mail=BOB@second.example))".to_owned(), &["bob@second.example"]),
        ("(mail=*@second.example)".to_owned(), &["carl@second.example", "bob@second.example"]),
        (format!("(&(uid=carl)(memberOf={}))", group_dn("Staff")), &["carl@second.example"]),
        ("(&(objectclass=posixAccount)(uid=carl))".to_owned(), &["carl@second.example"]),
        ("(|(ou=*)(cn=Users))".to_owned(), &["ou=people", "ou=groups", "ou=applications"]),
        // A group by its bare name.
        ("(memberOf=Staff)".to_owned(), &[ANN, "bob@example.com", "carl@second.example"]),
        // A domain that is a member.
        ("(memberOf=Öl & Gas)".to_owned(), &["carl@second.example", "bob@second.example"]),
        ("(memberOf=\\c3\\96l & gas)".to_owned(), &["carl@second.example", "bob@second.example"]),
        ("(cn=bob \\c3\\b6l)".to_owned(), &["bob@example.com"]),
        ("(cn=BOB ÖL)".to_owned(), &["bob@example.com"]),
        ("(cn=*öl*)".to_owned(), &["bob@example.com", "Öl & Gas"]),
        ("(cn=Öl & Gas)".to_owned(), &["Öl & Gas"]),
        // Blanks around and letter case do not count, values come back as stored.
        ("(uid= ANN.LEE@EXAMPLE.COM )".to_owned(), &[ANN]),
        ("(mail=ann*)".to_owned(), &[ANN]),
        ("(uid=*lee*)".to_owned(), &[ANN]),
        (
            "(&(objectClass=person)(!(memberOf=Staff))(mail=*@second.example))".to_owned(),
            &["bob@second.example"],
        ),
        (
            format!("(memberOf:1.2.840.113556.1.4.1941:={})", group_dn("Staff")),
            &[ANN, "bob@example.com", "carl@second.example"],
        ),
        ("(cn:caseIgnoreMatch:=ann lee)".to_owned(), &[ANN]),
        ("(|)".to_owned(), &[]),
        ("(!(unknownAttribute=x))".to_owned(), &[]),
        ("(&(uid=ann.lee)(!(title=*)))".to_owned(), &[ANN]),
        ("(createTimestamp>=20300101000000Z)".to_owned(), &[]),
        ("(&(createTimestamp<=20300101000000Z)(uid=ann.lee))".to_owned(), &[ANN]),
    ];
    for (filter, found) in cases {
        assert_eq!(names(&mut ldap, &filter).await, expected(found), "{filter}");
    }
    let everything = names(&mut ldap, "(&)").await;
    assert_eq!(everything.len(), all.len() + groups.len() + 4 + 1, "{everything:?}");
}

#[tokio::test]
async fn ids_numbers_and_times_are_found() {
    let door = Door::seeded().await;
    let mut ldap = door.service().await;
    let (found, _) = searched(&mut ldap, BASE, Scope::Subtree, "(uid=ann.lee)", &["*", "+"]).await;
    let attributes = &found[0].attrs;
    for name in ["entryUUID", "uidNumber", "entryDN"] {
        let filter = format!("({name}={})", attributes[name][0]);
        assert_eq!(names(&mut ldap, &filter).await, expected(&[ANN]), "{filter}");
    }
    // Other names of the user, also as a member.
    let names_of_ann =
        [format!("entryUUID={}", attributes["entryUUID"][0]), "uid=Ann.Lee".to_owned(), format!("uid={ANN}")];
    for name in names_of_ann.map(|name| format!("{name},ou=People,{BASE}")) {
        let filter = format!("(entryDN={name})");
        assert_eq!(names(&mut ldap, &filter).await, expected(&[ANN]), "{filter}");
        for filter in [format!("(member={name})"), format!("(&(cn=*)(|(uniqueMember={name})(cn=no)))")] {
            assert_eq!(names(&mut ldap, &filter).await, expected(&["Staff", SALES]), "{filter}");
        }
        for (group, is_member) in [("Staff", true), ("Öl & Gas", false)] {
            let compared = ldap.compare(&group_dn(group), "member", name.as_bytes()).await.unwrap();
            assert_eq!(compared.equal().unwrap(), is_member, "{name}");
        }
    }
    for (group, is_member) in [("Staff", true), ("Öl & Gas", false), (group_dn("Staff").as_str(), true)] {
        let compared = ldap.compare(&user_dn(ANN), "memberOf", group.as_bytes()).await.unwrap();
        assert_eq!(compared.equal().unwrap(), is_member, "{group}");
    }
    let mut bob = door.connect().await;
    bob.simple_bind("bob@example.com", crate::PASSWORD).await.unwrap().success().unwrap();
    let of_ann = format!("(member=uid=Ann.Lee,ou=people,{BASE})");
    assert_eq!(names(&mut bob, &of_ann).await, Vec::<String>::new());
    let created = &attributes["createTimestamp"][0];
    let filter = format!("(&(objectClass=person)(modifyTimestamp>={created}))");
    assert!(names(&mut ldap, &filter).await.contains(&user_dn(ANN)));
    let (found, _) = searched(&mut ldap, BASE, Scope::Subtree, "(cn=Staff)", &["*", "+"]).await;
    let attributes = &found[0].attrs;
    for name in ["entryUUID", "gidNumber", "entryDN"] {
        let filter = format!("({name}={})", attributes[name][0]);
        assert_eq!(names(&mut ldap, &filter).await, expected(&["Staff"]), "{filter}");
    }
    let filter = format!("(memberOf=entryUUID={},ou=groups,{BASE})", attributes["entryUUID"][0]);
    assert_eq!(names(&mut ldap, &filter).await, names(&mut ldap, "(memberOf=Staff)").await);
}

#[tokio::test]
async fn groups_whose_names_differ_by_blanks_only_are_not_mixed_up() {
    let door = Door::seeded().await;
    door.group("VPN Users", None, &["bob@example.com"]).await;
    let id = door.group("VPN  Users", None, &["carl@second.example"]).await;
    let mut ldap = door.service().await;
    let member = |name: &str| format!("(&(objectClass=person)(memberOf={name}))");
    for name in [group_dn("VPN Users"), group_dn("VPN  Users")] {
        assert_eq!(names(&mut ldap, &member(&name)).await, expected(&["bob@example.com"]), "{name}");
        let filter = format!("(&{}(uid=carl))", member(&name));
        assert_eq!(names(&mut ldap, &filter).await, Vec::<String>::new(), "{name}");
    }
    // By name both are found, as every entry whose name compares equal; the second is named by its id.
    for filter in ["(cn=VPN Users)", "(cn=vpn   users)", "(cn=VPN*)"] {
        let found = names(&mut ldap, filter).await;
        assert_eq!(found.len(), 2, "{filter}: {found:?}");
        assert!(found.iter().any(|dn| dn.starts_with("entryUUID=")), "{found:?}");
    }
    assert!(!id.is_empty());
}

#[tokio::test]
async fn a_large_group_answers_about_its_members() {
    let door = Door::seeded().await;
    door.server.admin().seed(None, Some("second.example"), 10_001, &mut |_| {}).await.unwrap();
    let mut ldap = door.service().await;
    let group = group_dn("Öl & Gas");
    let (carl, ann) = (user_dn("carl@second.example"), user_dn(ANN));
    for (filter, is_found) in [
        (format!("(member={carl})"), true),
        (format!("(&(objectClass=groupOfNames)(cn=Öl & Gas)(member={carl}))"), true),
        (format!("(&(objectClass=groupOfNames)(cn=Öl & Gas)(uniqueMember={carl}))"), true),
        (format!("(&(objectClass=groupOfNames)(cn=Öl & Gas)(member={ann}))"), false),
        ("(&(objectClass=groupOfNames)(cn=Öl & Gas)(member=*))".to_owned(), true),
        (format!("(&(objectClass=groupOfNames)(cn=Öl & Gas)(!(member={carl})))"), false),
        (format!("(&(objectClass=groupOfNames)(!(member={ann}))(cn=Öl & Gas))"), true),
    ] {
        let found = names(&mut ldap, &filter).await;
        assert_eq!(found.contains(&group), is_found, "{filter}: {found:?}");
    }
    for (dn, is_member) in [(&carl, true), (&ann, false)] {
        let compared = ldap.compare(&group, "member", dn.as_bytes()).await.unwrap().equal().unwrap();
        assert_eq!(compared, is_member, "{dn}");
    }
    // One thing or another is found by an index for each. That of names follows, here at once.
    door.server.admin().index_users().await.unwrap();
    let (found, _) = searched(&mut ldap, BASE, Scope::Subtree, "(uid=carl)", &["entryUUID"]).await;
    let id = &found[0].attrs["entryUUID"][0];
    let filter =
        format!("(&(objectClass=person)(|(entryUUID={id})(memberOf=Staff)(cn=ann lee)(uidNumber=1)))");
    let found = names(&mut ldap, &filter).await;
    assert_eq!(found, expected(&[ANN, "bob@example.com", "carl@second.example"]));
    // The members themselves are too many to list, in this search and in one that finds more groups.
    for filter in ["(&(objectClass=groupOfNames)(cn=Öl & Gas))", "(objectClass=groupOfNames)"] {
        let (entries, result) = searched(&mut ldap, BASE, Scope::Subtree, filter, &["cn", "member"]).await;
        assert_eq!(result.rc, 11, "{filter}");
        let large = entries.iter().find(|entry| entry.dn == group).unwrap();
        assert!(!large.attrs.contains_key("member"), "{filter}");
    }
}
