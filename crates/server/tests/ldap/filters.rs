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
    let created = &attributes["createTimestamp"][0];
    let filter = format!("(&(objectClass=person)(modifyTimestamp>={created}))");
    assert!(names(&mut ldap, &filter).await.contains(&user_dn(ANN)));
    let (found, _) = searched(&mut ldap, BASE, Scope::Subtree, "(cn=Staff)", &["*", "+"]).await;
    let attributes = &found[0].attrs;
    for name in ["entryUUID", "gidNumber", "entryDN"] {
        let filter = format!("({name}={})", attributes[name][0]);
        assert_eq!(names(&mut ldap, &filter).await, expected(&["Staff"]), "{filter}");
    }
}
