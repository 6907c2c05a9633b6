//! `docs/COMPATIBILITY.md`: the clients that were run, with their versions. `MATRICULA_UPDATE=1 MATRICULA_TEST_ALL=1`
//! writes it; otherwise it must name each client that is run. The versions are those of the machine that wrote it.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use crate::tools;

/// A line of the table, except for the version.
pub(crate) struct Row {
    client: &'static str,
    transport: &'static str,
    calls: &'static str,
    result: &'static str,
}

const HTTP: &str = "HTTP/1.1";
const LDAP: &str = "LDAP";
const HTTPS: &str = "HTTP/1.1, TLS";
const HTTP_2: &str = "HTTP/2, TLS";

/// The calls of most clients.
const THREE: &str = "create-user; the same again; with a wrong secret";
const THREE_RESULT: &str = "created; refused as a duplicate; refused with 401";

const fn row(
    client: &'static str,
    transport: &'static str,
    calls: &'static str,
    result: &'static str,
) -> Row {
    Row { client, transport, calls, result }
}

pub(crate) const PYTHON: Row = row("Python, requests, as the documented sample", HTTP, THREE, THREE_RESULT);
pub(crate) const RETRIES: Row = row(
    "Python, requests.Session with urllib3's Retry",
    HTTPS,
    "create-user while the server is busy; until the quota is used up",
    "created after 503, and after 429",
);
pub(crate) const COURSE: Row = row(
    "Python, requests, a script's whole course",
    HTTPS,
    "discovery, `https://` put before the host of `region.api`; login; reads; users; groups; prolonging; logout",
    "all done; after the logout refused with 401",
);
pub(crate) const COURSE_BY_PROXY: Row = row(
    "the same, through a proxy that ends TLS",
    HTTPS,
    "the same, at a plain sandbox with `--public-url`",
    "all done; discovery names the proxy",
);
pub(crate) const NEW_STYLE: Row = row(
    "Python, urllib, as a tool for infrastructure as code",
    HTTP,
    "token; account; every list to its end; a group created, filled, renamed, emptied, deleted",
    "all done; the deleted group is a 404",
);
pub(crate) const TEST_BUTTON: Row = row(
    "Python, requests, as the test button of a security platform",
    HTTP,
    "get-all-managed-urls, signed and by token, with and without a page; with wrong secrets",
    "green; with wrong secrets red, with the reason",
);
pub(crate) const ONBOARDING: Row = row(
    "Python, requests, as a runbook for people who come and go",
    HTTP,
    "get-connection, execute-sync, get-profile, create-user, get-internal-domain; find-groups, remove-group-member, get-group-members",
    "created; a missing user told from a missing permission; out of the group",
);
pub(crate) const PACKAGE: Row = row(
    "mimecast-api, as published",
    HTTPS,
    "create-user; the same again; wrong secret; wrong application id; expired keys; unknown path",
    "created; each refusal found and its code read: duplicate, 401, 200, 418, 404",
);
pub(crate) const PACKAGE_SURPRISES: Row = row(
    "mimecast-api, where it surprises",
    HTTPS,
    "a base URL with a path; two items, of which one is refused; a redirect to another port",
    "the path is neither requested nor signed, and the user is created; a failure is raised, and the created user is only in it; `Authorization` is left out, and the refusal names it",
);
pub(crate) const JAVA_REFUSED: Row = row(
    "Java, HttpURLConnection and HttpClient, refused",
    HTTP,
    "a POST with an invalid token; the same in streaming mode; with an Authenticator",
    "401 and its code; 401, but Java shows no body; Java leaves out the caller's own `Authorization`, and the refusal names it",
);
pub(crate) const NODE_RETRIES: Row = row(
    "Node.js, axios-retry, got and ky, told to repeat a POST after 429",
    HTTPS,
    "two calls where the quota allows one per second",
    "all created: each waits for `Retry-After`, in seconds",
);
pub(crate) const HTTPX_RETRIES: Row = row(
    "Python, httpx with httpx-retries, told to repeat a POST after 429",
    HTTPS,
    "two calls where the quota allows one per second",
    "all created: it waits for `Retry-After`",
);
pub(crate) const REQWEST_RETRY: Row = row(
    "Rust, reqwest-retry, with its defaults",
    HTTP,
    "create-user, refused with 503 twice; its response lost; both also with a new request id for each try",
    "created once. A lost response is repeated; with a new request id it is a duplicate",
);
pub(crate) const NODE_TOKENS: Row = row(
    "Node.js, oauth4webapi and simple-oauth2",
    HTTPS,
    "a token by `client_secret_basic`; get-account with it",
    "issued, although one encodes id and secret as a form and the other does not",
);
pub(crate) const AUTHLIB: Row = row(
    "Python, Authlib",
    HTTPS,
    "a token by `client_secret_basic` and by `client_secret_post`; get-account with it",
    "issued",
);
pub(crate) const SCHEMATHESIS: Row = row(
    "Schemathesis",
    HTTP,
    "every endpoint of `/openapi.json`, made up, good and odd",
    "no answer that the document does not name",
);
pub(crate) const SCIM2_TESTER: Row = row(
    "SCIM: scim2-tester",
    HTTP,
    "its checks of discovery, users and groups, with each attribute added, replaced and removed",
    "every check is a success",
);
pub(crate) const SCIM_SANITY: Row = row(
    "SCIM: scim-sanity, strict",
    HTTP,
    "its probes of discovery, users, groups, searches and errors",
    "none fails; those of agents are skipped",
);
pub(crate) const SCIM2_CLIENT: Row = row(
    "SCIM: Python, scim2-client",
    HTTP,
    "users and a group created, changed, replaced with `If-Match`, filtered, paged by index and by cursor, searched, sent in bulk, deleted",
    "all done; every response fits the schemas of the server; an outdated version is refused",
);
pub(crate) const SCIM_CLIENT: Row = row(
    "SCIM: Python, scim-client",
    HTTP,
    "users created, renamed, filtered, paged, deleted; null for what is absent, 0 as the first index",
    "all done",
);
pub(crate) const SCIMMY: Row = row(
    "SCIM: Node.js, SCIMMY's messages and schemas by fetch",
    HTTP,
    "users and a group created, changed, replaced, filtered, paged, searched, sent in bulk, deleted",
    "all done; the library reads every response",
);

/// What each library does by LDAP.
const LOOK_UP: &str = "bind right, wrong and by address; a walk of 2,002 users in pages; a group and a user with characters that are escaped; compare";
const LOOK_UP_RESULT: &str = "all found; a user sees itself and its groups; wrong password 49";

pub(crate) const LDAP3: Row = row("LDAP: Python, ldap3", LDAP, LOOK_UP, LOOK_UP_RESULT);
pub(crate) const PYTHON_LDAP: Row = row("LDAP: Python, python-ldap", LDAP, LOOK_UP, LOOK_UP_RESULT);
pub(crate) const NET_LDAP: Row = row("LDAP: Perl, Net::LDAP", LDAP, LOOK_UP, LOOK_UP_RESULT);
pub(crate) const LDAPTS: Row = row("LDAP: Node.js, ldapts", LDAP, LOOK_UP, LOOK_UP_RESULT);
pub(crate) const LDAPJS: Row = row("LDAP: Node.js, ldapjs", LDAP, LOOK_UP, LOOK_UP_RESULT);
pub(crate) const JNDI: Row = row("LDAP: Java, JNDI", LDAP, LOOK_UP, LOOK_UP_RESULT);
pub(crate) const SLAPD: Row = row(
    "LDAP: slapd, loaded with the same entries",
    LDAP,
    "67 searches",
    "the same entries, but for the differences in LDAP.md",
);
pub(crate) const SSSD: Row = row(
    "LDAP: sssd, with getent and id",
    LDAP,
    "a user, a group, and the groups of the user",
    "found by the name service of the machine",
);
pub(crate) const DOVECOT: Row = row(
    "LDAP: Dovecot, with doveadm",
    LDAP,
    "a right and a wrong password; a user",
    "accepted, refused, found",
);
pub(crate) const LDAPSEARCH: Row = row("LDAP: ldapsearch, ldapwhoami", LDAP, LOOK_UP, LOOK_UP_RESULT);
pub(crate) const JAVA: Row = row(
    "Java, HttpURLConnection, as the documented sample",
    HTTP,
    "create-user; the same again; with a wrong secret; in English, German, Russian and Japanese",
    THREE_RESULT,
);
pub(crate) const JAVA_TLS: Row =
    row("Java, HttpsURLConnection, as the documented sample", HTTPS, THREE, THREE_RESULT);
pub(crate) const MONO: Row =
    row("C# on mono, HttpWebRequest, as the documented sample", HTTP, THREE, THREE_RESULT);
pub(crate) const CURL: Row = row("curl, the documented template", HTTP, THREE, THREE_RESULT);
pub(crate) const CURL_HTTP_2: Row =
    row("curl, the documented template, `--http2`", HTTP_2, THREE, THREE_RESULT);
pub(crate) const GOT: Row = row("Node.js, got with `http2`", HTTP_2, THREE, THREE_RESULT);
pub(crate) const AXIOS: Row = row("Node.js, axios", HTTPS, THREE, THREE_RESULT);
pub(crate) const WINDOWS_POWERSHELL: Row = row(
    "Windows PowerShell, its bytes rebuilt",
    HTTP,
    "create-user; the same again on the same connection; with a wrong secret",
    THREE_RESULT,
);
pub(crate) const POWERSHELL: Row = row(
    "PowerShell, its bytes rebuilt",
    HTTP,
    "create-user; the same again on the same connection",
    "created; refused as a duplicate",
);

const ROWS: [&Row; 40] = [
    &PYTHON,
    &RETRIES,
    &COURSE,
    &COURSE_BY_PROXY,
    &NEW_STYLE,
    &TEST_BUTTON,
    &ONBOARDING,
    &PACKAGE,
    &PACKAGE_SURPRISES,
    &HTTPX_RETRIES,
    &AUTHLIB,
    &JAVA,
    &JAVA_TLS,
    &JAVA_REFUSED,
    &MONO,
    &CURL,
    &CURL_HTTP_2,
    &GOT,
    &AXIOS,
    &NODE_RETRIES,
    &NODE_TOKENS,
    &REQWEST_RETRY,
    &WINDOWS_POWERSHELL,
    &POWERSHELL,
    &SCHEMATHESIS,
    &SCIM2_TESTER,
    &SCIM_SANITY,
    &SCIM2_CLIENT,
    &SCIM_CLIENT,
    &SCIMMY,
    &LDAP3,
    &PYTHON_LDAP,
    &NET_LDAP,
    &LDAPTS,
    &LDAPJS,
    &JNDI,
    &LDAPSEARCH,
    &SLAPD,
    &SSSD,
    &DOVECOT,
];

const HEAD: &str = "# Compatibility

Third-party clients that the test suite runs against the real binary over real sockets, and the results.
`tests/clients/README.md` says what each one tests. Versions are those of the machine that wrote this page. The suite writes it
(`MATRICULA_UPDATE=1 MATRICULA_TEST_ALL=1 cargo test -p matricula-cli --test clients`) and fails if it does not name a client
that was run. PowerShell itself does not run: the test sends the bytes that it is known to send.

Seen with these libraries, and worth knowing:

- None of axios-retry, got, ky, httpx-retries and urllib3 repeats a POST unless it is told to. reqwest-retry does, and does
  not wait for `Retry-After`. A repeated call is carried out only once if `x-mc-req-id` stays the same.
- ky takes `X-RateLimit-Reset` for seconds where an answer has no `Retry-After`. This server always sends both.
- Names of zones are read differently: Ruby 3.1 reads `CEST` as +03:00 and `BST` as +02:00. This server reads them as
  +02:00 and +01:00. Send `UTC`.
- The PyPI package mimecast-api drops the path of a base URL, so a server below a path is not found.
- A redirect in front of the server breaks signed calls: clients drop `Authorization` on the way to another host or port.
- SCIM: the PyPI package scim-client sends back only the attributes that it knows, so its update of a user that it has read
  removes title, telephone numbers and others. It cannot read a user without `externalId` or `displayName`, nor a list with one.
- SCIM: SCIMMY makes filters from objects without escaping quotes, and without brackets, so that conditions on one element
  become conditions on several. Write such filters as texts.

| client | version | transport | calls | result |
|---|---|---|---|---|
";

impl Row {
    fn line(&self, version: &str) -> String {
        let Self { client, transport, calls, result } = self;
        format!("| {client} | {version} | {transport} | {calls} | {result} |")
    }

    /// The version in a line of the table, if the line belongs to this row.
    fn version(&self, line: &str) -> Option<String> {
        let version = line.split(" | ").nth(1)?;
        (line == self.line(version)).then(|| version.to_owned())
    }
}

fn page() -> PathBuf {
    Path::new(tools::ROOT).join("docs/COMPATIBILITY.md")
}

fn is_updating() -> bool {
    #[expect(clippy::disallowed_methods, reason = "who runs the test says whether it writes the page")]
    std::env::var("MATRICULA_UPDATE").is_ok_and(|update| update == "1")
}

/// Records that a client passed the tests of its row.
pub(crate) fn record_run(row: &Row, version: &str) {
    static WRITING: Mutex<()> = Mutex::new(());
    // A writer that panicked has already failed as a test.
    let _writing = WRITING.lock().unwrap_or_else(PoisonError::into_inner);
    let written = fs::read_to_string(page()).unwrap_or_default();
    if !is_updating() {
        let named = written.lines().any(|line| row.version(line).is_some());
        assert!(named, "docs/COMPATIBILITY.md lacks the line\n{}", row.line(version));
        return;
    }
    let lines = ROWS.map(|each| {
        let known = written.lines().find_map(|line| each.version(line));
        let version = if each.client == row.client { Some(version.to_owned()) } else { known };
        each.line(&version.unwrap_or_else(|| "not run".to_owned())) + "\n"
    });
    fs::write(page(), format!("{HEAD}{}", lines.concat())).unwrap();
}

#[test]
fn the_page_names_no_client_that_is_not_run() {
    if is_updating() {
        return;
    }
    let page = fs::read_to_string(page()).unwrap();
    let table = page.strip_prefix(HEAD).expect("the page begins as it is written");
    for line in table.lines() {
        let row = ROWS.iter().find_map(|row| row.version(line));
        assert!(row.is_some_and(|version| version != "not run"), "{line}");
    }
    assert_eq!(table.lines().count(), ROWS.len());
}
