//! `docs/CATALOGUE.md`: which documented operations are here. The test makes the page and compares it with what is checked
//! in.

use std::path::Path;

use server::catalogue::{Operation, State, operations, same_path};

const HEAD: &str = "# The service's operations, and which are here

Every operation that the service documents around accounts, users, groups, domains and the audit. *here*: it works as in
[API.md](API.md). *stub by design*: it checks the call and its permission, and returns an empty list, so that the connection
test of an integration succeeds `[ours]`. *not here*: 404, `err_xdk_unknown_path`; or 405 where the path has another method. `matricula compat` prints the same list.

The classic and the new-style operations are those of the service's catalogue of API 2.0 of 2026-08-08, products
`accountmanagement`, `auditevents`, `domainmanagement`, `emailsecurityonboarding` and `userandgroupmanagement`. A test makes
this page from the list of operations and the table of endpoints: `MATRICULA_UPDATE=1 cargo test -p matricula-server catalogue`.

";

const PARTS: [(&str, &str); 4] = [
    ("classic", "Classic operations"),
    ("new-style", "New-style operations"),
    ("1.0 only", "Operations of API 1.0 that the catalogue does not have"),
    ("others", "Others: the token of API 2.0, and a connection test of another product"),
];

fn page() -> String {
    let all: Vec<_> = operations().collect();
    let of = |part: &'static str| all.iter().filter(move |it| it.part == part);
    let mut page =
        format!("{HEAD}| | documented | here | stub by design | not here |\n|---|---:|---:|---:|---:|\n");
    for (part, title) in PARTS {
        let [here, stubs, missing] =
            State::ALL.map(|state| of(part).filter(|operation| operation.state == state).count());
        page.push_str(&format!("| {title} | {} | {here} | {stubs} | {missing} |\n", of(part).count()));
    }
    for (part, title) in PARTS {
        page.push_str(&format!("\n## {title}\n\n| method | path | |\n|---|---|---|\n"));
        for Operation { method, path, state, .. } in of(part) {
            let state = match state {
                State::Here => "here",
                State::Stub => "*stub by design*",
                State::Missing => "not here",
            };
            page.push_str(&format!("| {method} | `{path}` | {state} |\n"));
        }
    }
    page
}

#[test]
fn the_page_of_operations_is_what_the_table_of_endpoints_says() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/CATALOGUE.md");
    #[expect(
        clippy::disallowed_methods,
        reason = "the caller of the test decides whether the file is written"
    )]
    if std::env::var("MATRICULA_UPDATE").is_ok() {
        std::fs::write(&path, page()).unwrap();
    } else {
        assert!(
            std::fs::read_to_string(&path).is_ok_and(|text| text == page()),
            "docs/CATALOGUE.md is not what the tables say: run with MATRICULA_UPDATE=1 and look at it"
        );
    }
}

/// Endpoints that no source documents.
const OURS: [&str; 7] = [
    "/api/role/assign-role",
    "/api/role/create-role",
    "/api/role/delete-role",
    "/api/role/get-roles",
    "/api/user/change-password",
    "/api/user/check-user",
    "/api/user/delete-user",
];

#[test]
fn every_endpoint_is_documented_by_the_service_or_ours() {
    for endpoint in server::endpoints() {
        let (method, path) = (endpoint.method.as_str(), endpoint.path);
        let documented = operations().any(|it| it.method == method && same_path(it.path, path));
        assert!(
            documented != OURS.contains(&path),
            "{method} {path}: add it to catalogue.txt, or to OURS if no source documents it"
        );
    }
    let stubs = operations().filter(|operation| operation.state == State::Stub).count();
    assert_eq!(stubs, server::endpoints().filter(|endpoint| endpoint.is_stub()).count());
}

#[tokio::test]
async fn what_is_not_here_is_not_found_and_what_is_here_is() {
    let server = testkit::TestServer::start().await;
    for Operation { method, path, state, .. } in operations().filter(|operation| operation.method == "POST") {
        let answer = server.unsigned(path, "").await;
        let is_missing = answer.status == 404 || answer.status == 405;
        assert_eq!(is_missing, state == State::Missing, "{method} {path}: {answer}");
    }
}
