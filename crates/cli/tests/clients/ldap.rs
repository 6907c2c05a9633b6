//! LDAP: libraries and programs that look users up and log them in.

use std::os::unix::fs::symlink;
use std::process::Output;

use serde_json::{Value, json};

use crate::compatibility::{self, Row};
use crate::ldap_site::{ANN_NAME, BASE, GROUP, SEEDED, STAFF, Site, on_both_engines};
use crate::program::{Client, command};
use crate::{node, tools};

fn printed(output: &Output) -> String {
    let [said, complained] =
        [&output.stdout, &output.stderr].map(|text| String::from_utf8_lossy(text).into_owned());
    assert!(output.status.success(), "{said}\n{complained}");
    said
}

/// What each program must have seen, except for what its library does differently.
fn expected(more: Value) -> Value {
    // The seeded users, the administrator, and Ann.
    let users = SEEDED + 2;
    let mut expected = json!({
        "wrong": 49, "empty": 53, "walk": [users, users], "found": [GROUP, 1], "again": GROUP,
        "user": [ANN_NAME, "Lee", 2, true], "of group": 1, "compare": [true, false],
        "own": [ANN_NAME, STAFF, GROUP], "by address": 0,
    });
    for (step, seen) in more.as_object().unwrap() {
        match seen {
            Value::Null => drop(expected.as_object_mut().unwrap().remove(step)),
            seen => expected[step] = seen.clone(),
        }
    }
    expected
}

/// Runs a program on both engines; each time it must print these steps.
fn looks_up(what: &str, client: &dyn Fn(&Site) -> Client, expected: &Value) {
    on_both_engines(what, |site| {
        let output = client(site).run(&site.settings(), &[]);
        let seen: Value = serde_json::from_str(&printed(&output)).unwrap();
        assert_eq!(seen, *expected, "{what}");
    });
}

#[test]
fn ldap3_looks_up_and_logs_in() {
    let check = "import importlib.metadata as m, ldap3, sys; sys.exit(m.version('ldap3') != '2.9.1')";
    let Some(python) = tools::python("ldap3", check, "python3 with ldap3 2.9.1") else { return };
    let version = tools::python_version(&python, &["ldap3"]);
    let client = |_: &Site| Client::new([python.clone(), tools::file("ldap/ldap3_course.py")]);
    let expected = expected(json!({
        // Refused before it is sent.
        "empty": "LDAPPasswordIsMandatoryError", "who": true, "contexts": [BASE],
        "schema": ["entryUUID", "memberOf", "uid", "uidNumber"],
    }));
    looks_up("ldap3", &client, &expected);
    compatibility::record_run(&compatibility::LDAP3, &version);
}

#[test]
fn python_ldap_looks_up_and_logs_in() {
    // The package of Debian, which belongs to Debian's Python.
    let python = "/usr/bin/python3";
    let has =
        command(python).args(["-c", "import ldap"]).output().is_ok_and(|output| output.status.success());
    if !has {
        return testkit::left_out("python-ldap", "python3-ldap");
    }
    let version = tools::version(python, &["-c", "import ldap; print('python-ldap ' + ldap.__version__)"]);
    let course = tools::file("ldap/python_ldap_course.py");
    let client = |_: &Site| Client::new([python.as_ref(), course.as_os_str()]);
    looks_up("python-ldap", &client, &expected(json!({ "who": true, "write": 53 })));
    compatibility::record_run(&compatibility::PYTHON_LDAP, &version);
}

#[test]
fn net_ldap_looks_up_and_logs_in() {
    if !tools::has_tools("Net::LDAP", &["perl"]) {
        return;
    }
    let version = tools::version("perl", &["-MNet::LDAP", "-e", "print 'Net::LDAP ', Net::LDAP->VERSION"]);
    let course = tools::file("ldap/net_ldap_course.pl");
    let client = |_: &Site| Client::new(["perl".as_ref(), course.as_os_str()]);
    // An empty password is refused before it is sent; the codes of compare are true and false.
    looks_up("Net::LDAP", &client, &expected(json!({ "empty": 48, "compare": [6, 5], "write": 53 })));
    compatibility::record_run(&compatibility::NET_LDAP, &version);
}

fn in_node(package: &str, program: &str, row: &Row, expected: &Value) {
    let Some(modules) = tools::node_modules(package) else { return };
    let client = |site: &Site| {
        symlink(&modules, site.folder().join("node_modules")).unwrap();
        let copy = site.folder().join("course.mjs");
        std::fs::copy(tools::file("node").join(program), &copy).unwrap();
        Client::new(["node".as_ref(), copy.as_os_str()])
    };
    looks_up(package, &client, expected);
    compatibility::record_run(row, &node::versions(&modules, &[package]));
}

#[test]
fn ldapts_looks_up_and_logs_in() {
    in_node("ldapts", "ldapts_course.mjs", &compatibility::LDAPTS, &expected(json!({})));
}

#[test]
fn ldapjs_looks_up_and_logs_in() {
    in_node("ldapjs", "ldapjs_course.mjs", &compatibility::LDAPJS, &expected(json!({})));
}

#[test]
fn jndi_looks_up_and_logs_in() {
    if !tools::has_tools("JNDI", &["java"]) {
        return;
    }
    let course = tools::file("ldap/LdapCourse.java");
    let client = |_: &Site| Client::new(["java".as_ref(), course.as_os_str()]);
    // It has no operation to compare.
    looks_up("JNDI", &client, &expected(json!({ "empty": null, "compare": null })));
    compatibility::record_run(&compatibility::JNDI, &tools::java_version());
}

#[test]
fn ldapsearch_looks_up_and_logs_in() {
    let what = "ldapsearch";
    if !tools::has_tools(what, &["ldapsearch", "ldapwhoami", "ldapcompare"]) {
        return;
    }
    let version = tools::version("ldapsearch", &["-VV"]);
    on_both_engines(what, |site| {
        let as_service = ["-x", "-H", &site.url(), "-D", &site.bind_dn(), "-w", site.secret()];
        let run =
            |program: &str, more: &[&str]| command(program).args(as_service).args(more).output().unwrap();
        let whole = ["-LLL", "-o", "ldif-wrap=no", "-b", BASE];
        let search = |more: &[&str]| printed(&run("ldapsearch", &[&whole[..], more].concat()));
        let walked = search(&["-E", "pr=300/noprompt", "(objectClass=inetOrgPerson)", "1.1"]);
        assert_eq!(walked.matches("dn: ").count() + walked.matches("dn:: ").count(), SEEDED + 2);
        let escaped = "(cn=\\c3\\96l, Gas & \"Co\" \\28x\\2a\\29 #1)";
        let group = search(&[escaped, "objectClass", "gidNumber"]);
        assert!(
            group.contains("objectClass: groupOfUniqueNames") && group.contains("gidNumber: "),
            "{group}"
        );
        // Without pages 500 is the most.
        let refused = run("ldapsearch", &[&whole[..], &["(uid=*)", "1.1"]].concat());
        assert_eq!(refused.status.code(), Some(4), "{refused:?}");
        let who = printed(&run("ldapwhoami", &[]));
        assert_eq!(who.trim(), format!("dn:{}", site.bind_dn()));
        let wrong = command("ldapwhoami").args(&as_service[..6]).arg("wrong").output().unwrap();
        assert_eq!(wrong.status.code(), Some(49), "{wrong:?}");
    });
    compatibility::record_run(&compatibility::LDAPSEARCH, &version);
}
