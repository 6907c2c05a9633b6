//! The same searches against OpenLDAP's slapd, loaded with the same entries and the same schema: the same entries are found.

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tempfile::TempDir;

use crate::ldap_site::{BASE, Site, on_both_engines};
use crate::program::command;
use crate::{compatibility, tools};

/// Attribute types and object classes that slapd has by itself.
const BUILT_IN: &[&str] = &[
    "objectClass",
    "cn",
    "uid",
    "description",
    "uidNumber",
    "gidNumber",
    "entryUUID",
    "entryDN",
    "createTimestamp",
    "modifyTimestamp",
    "structuralObjectClass",
    "hasSubordinates",
    "subschemaSubentry",
    "namingContexts",
    "supportedControl",
    "supportedExtension",
    "supportedFeatures",
    "supportedLDAPVersion",
    "vendorName",
    "vendorVersion",
    "attributeTypes",
    "objectClasses",
    "matchingRules",
    "ldapSyntaxes",
    "top",
    "subschema",
];

/// Attributes that slapd makes by itself.
const MADE: &[&str] = &["entryDN", "subschemaSubentry", "hasSubordinates", "structuralObjectClass"];

/// Filters, all below the base. `{ann}` and `{group}` are names of the user and of the group with special characters.
const FILTERS: &[&str] = &[
    "(objectClass=*)",
    "(objectclass=PERSON)",
    "(objectClass=groupOfNames)",
    "(objectClass=groupOfUniqueNames)",
    "(objectClass=posixAccount)",
    "(objectClass=unknown)",
    "(uid=user0000007@example.com)",
    "(uid=USER0000007@Example.Com)",
    "(uid=user0000007)",
    "(uid= user0000007@example.com )",
    "(uid=user000000*)",
    "(uid=*0000077*)",
    "(uid=*7@example.com)",
    "(uid=u*00*77@*)",
    "(uid=*)",
    "(uid=nobody@example.com)",
    "(mail=user0000009@example.com)",
    "(mail=*@example.com)",
    "(mail=*@other.example)",
    "(mail=ann.o'neil\\2bx@example.com)",
    "(mail=ann*)",
    "(cn=Staff)",
    "(cn=staff)",
    "(cn=sta*)",
    "(cn=*)",
    "(cn=\\c3\\96l, gas & \"co\" \\28x\\2a\\29 #1)",
    "(cn=*\\c3\\b6l*)",
    "(cn=ann \"\\c3\\b6l\" lee)",
    "(cn=ann  \"\\c3\\b6l\"   lee)",
    "(displayName=*)",
    "(sn=Lee)",
    "(givenName=*)",
    "(memberOf={group})",
    "(isMemberOf={group})",
    "(memberOf=*)",
    "(member={ann})",
    "(uniqueMember={ann})",
    "(member=uid=nobody@example.com,ou=people,dc=example,dc=com)",
    "(member=*)",
    "(&(objectClass=person)(uid=user0000011@example.com))",
    "(&(objectClass=person)(memberOf={group}))",
    "(&(objectClass=groupOfNames)(member={ann}))",
    "(&(|(objectClass=groupOfUniqueNames))(|(cn=Staff)(cn=none)))",
    "(&(objectClass=person)(|(uid=user0000011@example.com)(mail=user0000012@example.com)))",
    "(|(uid=user0000011@example.com)(cn=Staff)(ou=groups))",
    "(!(objectClass=person))",
    "(&(objectClass=person)(!(mail=user*)))",
    "(!(!(cn=Staff)))",
    "(&(objectClass=person)(!(title=*)))",
    "(title=Chief)",
    "(!(title=Chief))",
    "(unknownAttribute=x)",
    "(!(unknownAttribute=x))",
    "(|(unknownAttribute=x)(cn=Staff))",
    "(&(unknownAttribute=x)(cn=Staff))",
    "(uidNumber=100003)",
    "(uidNumber>=101990)",
    "(uidNumber<=100010)",
    "(createTimestamp>=20200101000000Z)",
    "(createTimestamp<=20200101000000Z)",
    "(entryUUID=*)",
    "(|(ou=*)(cn=Users))",
    "(ou=people)",
    "(dc=example)",
    "(cn:caseExactMatch:=Staff)",
    "(cn:caseExactMatch:=staff)",
    "(uid~=user0000007@example.com)",
];

/// Where another number of entries is found here, and with slapd (docs/LDAP.md).
const RULED: &[(&str, usize, usize)] = &[
    // The base, the folders and the application have no times and no UUID here.
    ("(createTimestamp>=20200101000000Z)", 2_004, 2_009),
    ("(entryUUID=*)", 2_004, 2_009),
    // A rule that is not the attribute's own is undefined here.
    ("(cn:caseExactMatch:=Staff)", 0, 1),
    // slapd compares how words sound.
    ("(uid~=user0000007@example.com)", 1, 2_000),
];

/// slapd in its own folder; ends when dropped.
struct Slapd {
    process: Child,
    folder: TempDir,
}

impl Slapd {
    fn url(&self) -> String {
        format!("ldapi://{}", self.folder.path().join("socket").display().to_string().replace('/', "%2F"))
    }
}

impl Drop for Slapd {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Lines of LDIF of a search as the application.
fn ldif(site: &Site, words: &[&str]) -> String {
    searched(&["-H", &site.url(), "-D", &site.bind_dn(), "-w", site.secret()], words)
}

fn searched(server: &[&str], words: &[&str]) -> String {
    let output = command("ldapsearch")
        .args(["-x", "-LLL", "-o", "ldif-wrap=no", "-E", "pr=500/noprompt"])
        .args(server)
        .args(words)
        .output()
        .unwrap();
    assert!(output.status.success(), "{words:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// The names of the entries that a filter finds. Servers escape them differently.
fn names(server: &[&str], filter: &str) -> BTreeSet<String> {
    let found = searched(server, &["-b", BASE, filter, "1.1"]);
    found.lines().filter(|line| line.starts_with("dn:")).map(|line| unescaped(&decoded(line))).collect()
}

/// A name without its escapes (RFC 4514).
fn unescaped(name: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = name.as_bytes();
    while let Some((byte, after)) = rest.split_first() {
        let digits = after.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
        let escaped = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
        rest = match (byte, escaped) {
            (b'\\', Some(escaped)) => {
                bytes.push(escaped);
                &after[2..]
            }
            (b'\\', None) => {
                bytes.extend(after.first());
                after.get(1..).unwrap_or_default()
            }
            _ => {
                bytes.push(*byte);
                after
            }
        };
    }
    String::from_utf8(bytes).unwrap()
}

/// The published schema as slapd reads it: classes are auxiliary, because an entry here has several structural ones.
fn schema(site: &Site) -> String {
    let published = searched(
        &["-H", &site.url()],
        &["-b", "cn=Subschema", "-s", "base", "(objectClass=subschema)", "attributeTypes", "objectClasses"],
    );
    let (mut lines, mut operational) = (Vec::new(), Vec::new());
    for line in published.lines() {
        let Some((kind, definition)) = line.split_once(": ") else { continue };
        let name = definition.split('\'').nth(1).unwrap_or_default();
        if kind == "dn" || BUILT_IN.contains(&name) {
            continue;
        }
        if definition.contains("USAGE directoryOperation") {
            operational.push(name);
        }
        let definition = definition.replace(" STRUCTURAL", " AUXILIARY");
        let definition = definition.replace(" NO-USER-MODIFICATION USAGE directoryOperation", "");
        let kind = if kind == "attributeTypes" { "attributetype" } else { "objectclass" };
        lines.push(format!("{kind} {definition}"));
    }
    // The one structural class of each entry, which may have what is operational here.
    let thing = "objectclass ( 1.3.6.1.4.1.9999.9.1 NAME 'thing' SUP top STRUCTURAL MAY";
    lines.push(format!("{thing} ( {} ) )", operational.join(" $ ")));
    lines.join("\n")
}

/// All entries as slapd takes them.
fn entries(site: &Site) -> String {
    let all = ldif(site, &["-b", BASE, "(objectClass=*)", "*", "+"]);
    let mut kept = String::new();
    for line in all.lines() {
        let name = line.split(':').next().unwrap_or_default();
        if line.starts_with('#') || MADE.contains(&name) {
            continue;
        }
        kept.push_str(line);
        kept.push('\n');
        if name == "dn" {
            kept.push_str("objectClass: thing\n");
        }
    }
    kept
}

fn slapd(site: &Site) -> Slapd {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::create_dir(at("data")).unwrap();
    let settings = format!(
        "{}\nmodulepath /usr/lib/ldap\nmoduleload back_mdb\nsizelimit unlimited\nsizelimit size.prtotal=unlimited\n\
         pidfile {}\ndatabase mdb\nmaxsize 1073741824\nsuffix \"{BASE}\"\nrootdn \"cn=root,{BASE}\"\nrootpw test\ndirectory {}\n",
        schema(site),
        at("pid").display(),
        at("data").display()
    );
    fs::write(at("slapd.conf"), settings).unwrap();
    fs::write(at("entries.ldif"), entries(site)).unwrap();
    let run = |program: &str, words: &[&Path]| {
        let output = command(program).arg("-f").arg(at("slapd.conf")).args(words).output().unwrap();
        assert!(output.status.success(), "{program}: {output:?}");
    };
    run("/usr/sbin/slapadd", &[Path::new("-q"), Path::new("-l"), &at("entries.ldif")]);
    let socket = format!("ldapi://{}", at("socket").display().to_string().replace('/', "%2F"));
    // With a level for its log it stays in the foreground.
    let mut process = Command::new("/usr/sbin/slapd")
        .args(["-d", "none", "-h", &socket, "-f"])
        .arg(at("slapd.conf"))
        .stdin(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(process.stderr.take().unwrap()).lines().map(Result::unwrap);
    let mut said = Vec::new();
    while !said.last().is_some_and(|line: &String| line.contains("slapd starting")) {
        said.push(lines.next().unwrap_or_else(|| panic!("slapd does not start: {said:?}")));
    }
    // An unread log would block it in the end.
    std::thread::spawn(move || lines.for_each(drop));
    Slapd { process, folder }
}

#[test]
fn slapd_finds_the_same_entries() {
    let what = "the same searches against slapd";
    if !tools::has_tools(what, &["ldapsearch"]) || !tools::has_file(what, Path::new("/usr/sbin/slapd")) {
        return;
    }
    let version = tools::version("/usr/sbin/slapd", &["-VV"]);
    on_both_engines(what, |site| {
        let slapd = slapd(site);
        let (url, root) = (slapd.url(), format!("cn=root,{BASE}"));
        let theirs = ["-H", &url, "-D", &root, "-w", "test"];
        let (own_url, bind_dn) = (site.url(), site.bind_dn());
        let ours = ["-H", &own_url, "-D", &bind_dn, "-w", site.secret()];
        let name = |filter: &str| {
            let found = searched(&ours, &["-b", BASE, filter, "entryDN"]);
            let line = found.lines().find(|line| line.starts_with("entryDN:")).unwrap().to_owned();
            escaped(&decoded(&line))
        };
        let (ann, group) = (name("(sn=Lee)"), name("(cn=\\c3\\96l*)"));
        let mut differences = Vec::new();
        for filter in FILTERS {
            let sent = filter.replace("{ann}", &ann).replace("{group}", &group);
            let (here, there) = (names(&ours, &sent), names(&theirs, &sent));
            if here != there {
                differences.push((*filter, here.len(), there.len()));
            }
        }
        assert_eq!(differences, RULED);
    });
    compatibility::record_run(&compatibility::SLAPD, &version);
}

/// The value of a line of LDIF.
fn decoded(line: &str) -> String {
    match line.split_once(":: ") {
        Some((_, encoded)) => String::from_utf8(STANDARD.decode(encoded).unwrap()).unwrap(),
        None => line.split_once(": ").unwrap().1.to_owned(),
    }
}

/// A value for a filter (RFC 4515).
fn escaped(value: &str) -> String {
    value.chars().fold(String::new(), |mut escaped, c| {
        match c {
            '*' | '(' | ')' | '\\' => escaped.push_str(&format!("\\{:02x}", u32::from(c))),
            c => escaped.push(c),
        }
        escaped
    })
}
