//! SCIM 2.0: two testers of servers, and libraries that provision.

use std::os::unix::fs::symlink;
use std::process::Output;

use serde_json::{Value, json};

use crate::compatibility::{self, Row};
use crate::program::{Client, command};
use crate::scim_site::{Site, on_both_engines};
use crate::{node, tools};

/// The versions that `scripts/test-tools` installs.
const CHECK: &str = "import importlib.metadata as m, scim2_client, scim2_tester, scim_client, scim_sanity, sys; \
                     sys.exit([m.version(n) for n in ('scim2-tester', 'scim-sanity')] != ['0.5.2', '0.7.4'])";

fn python(what: &str) -> Option<std::path::PathBuf> {
    tools::python(
        what,
        CHECK,
        "python3 with scim2-cli, scim2-tester 0.5.2, scim2-client, scim-client and scim-sanity 0.7.4",
    )
}

fn printed(output: &Output) -> String {
    let [said, complained] =
        [&output.stdout, &output.stderr].map(|text| String::from_utf8_lossy(text).into_owned());
    assert!(output.status.success(), "{said}\n{complained}");
    said
}

#[test]
fn every_check_of_scim2_tester_is_a_success() {
    let what = "scim2-tester";
    let Some(python) = python(what) else { return };
    let version = tools::python_version(&python, &["scim2-tester", "scim2-cli"]);
    on_both_engines(what, |site| {
        let output = command(python.with_file_name("scim2"))
            .env("SCIM_CLI_HEADERS", format!("Authorization: Bearer {}", site.token()))
            .args(["--url", &site.url(), "test"])
            .output()
            .unwrap();
        let said = printed(&output);
        // The result of a check is a word in capitals at the beginning of a line.
        let result = |line: &&str| line.split(' ').next().is_some_and(is_result);
        let (good, bad): (Vec<_>, Vec<_>) =
            said.lines().filter(result).partition(|line| line.starts_with("SUCCESS "));
        assert_eq!(bad, Vec::<&str>::new(), "{said}");
        assert!(good.len() >= 130, "only {} checks ran:\n{said}", good.len());
        for check in ["object_creation", "object_deletion", "check_add_attribute", "check_remove_attribute"] {
            assert!(good.contains(&format!("SUCCESS {check}").as_str()), "{check} did not run:\n{said}");
        }
    });
    compatibility::record_run(&compatibility::SCIM2_TESTER, &version);
}

/// One of the words for results: `SUCCESS`, `ERROR`, `SKIPPED` and others.
fn is_result(word: &str) -> bool {
    const METHODS: [&str; 5] = ["GET", "POST", "PUT", "PATCH", "DELETE"];
    word.len() > 2
        && word.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_')
        && !METHODS.contains(&word)
}

#[test]
fn scim_sanity_finds_no_fault() {
    let what = "scim-sanity";
    let Some(python) = python(what) else { return };
    let version = tools::python_version(&python, &["scim-sanity"]);
    on_both_engines(what, |site| {
        let output = command(python.with_file_name("scim-sanity"))
            .args(["probe", &site.url(), "--token", site.token(), "--user-domain", "example.com"])
            .args(["--i-accept-side-effects", "--json-output"])
            .output()
            .unwrap();
        let report: Value = serde_json::from_str(&printed(&output)).unwrap();
        assert_eq!((&report["mode"], &report["issues"]), (&json!("strict"), &json!([])), "{report:#}");
        let results = report["results"].as_array().unwrap();
        let with =
            |status: &str| results.iter().filter(|result| result["status"] == status).collect::<Vec<_>>();
        // Agents and applications of agents are a draft, which the server does not have.
        let skipped = with("skip");
        assert!(
            skipped.iter().all(|result| result["name"].as_str().unwrap().starts_with("Agent")),
            "{skipped:?}"
        );
        let passed = with("pass").len();
        assert_eq!(passed + skipped.len(), results.len(), "{report:#}");
        assert!(passed >= 28, "only {passed} checks ran: {report:#}");
    });
    compatibility::record_run(&compatibility::SCIM_SANITY, &version);
}

/// Runs a program on both engines; each time it must print these steps, and leave this behind.
fn provisions(what: &str, client: &dyn Fn(&Site) -> Client, expected: &Value, left: &dyn Fn(&Site)) {
    on_both_engines(what, |site| {
        let output = client(site).run(&site.keys(), &[]);
        let seen: Value = serde_json::from_str(&printed(&output)).unwrap();
        for (step, expected) in expected.as_object().unwrap() {
            assert_eq!(seen[step], *expected, "{what}: {step}");
        }
        assert_eq!(seen.as_object().unwrap().len(), expected.as_object().unwrap().len(), "{seen:#}");
        left(site);
    });
}

fn provisions_in_python(program: &str, package: &str, row: &Row, expected: &Value, left: &dyn Fn(&Site)) {
    let Some(python) = python(package) else { return };
    let version = tools::python_version(&python, &[package]);
    let client = |_: &Site| Client::new([python.clone(), tools::file(program)]);
    provisions(package, &client, expected, left);
    compatibility::record_run(row, &version);
}

fn numbered(numbers: &[u8]) -> Vec<String> {
    numbers.iter().map(|number| format!("u{number}@example.com")).collect()
}

#[test]
fn scim2_client_provisions() {
    let pages = [numbered(&[0, 1, 2]), numbered(&[3, 4, 5]), numbered(&[6])];
    let (ann, both) = ("Ann.Lee@example.com", ["Sales"]);
    let emails = json!([
        [ann, "work", false],
        ["ann@home.example", "home", null],
        ["a.ray@example.com", "other", true]
    ]);
    let expected = json!({
        "created": [ann, "Sales", true], "again": "uniqueness",
        "patched": ["Ann Ray", "Ann", "Ray", false, null, emails],
        "replaced": ["Chief", true, "7", 3], "late": [412, "Chief"],
        "filters": [[ann], [ann], [ann], numbered(&[0, 1, 2, 5, 6])],
        "by index": [7, pages], "by cursor": pages, "searched": [["u5@example.com"], 1],
        "bulk": [["g", 201], ["b", 201], ["x", 400]], "members": 2, "left": [true],
        "groups of": [both, []], "gone": [404, 404],
    });
    provisions_in_python(
        "scim2_client_course.py",
        "scim2-client",
        &compatibility::SCIM2_CLIENT,
        &expected,
        &|site| {
            assert_eq!(site.user("ann.lee@example.com"), json!([ann, "Ann Ray", false]));
            let attributes = json!({ "title": "Chief", "department": "Sales", "employeeId": "7" });
            assert_eq!(site.attributes("ann.lee@example.com"), attributes);
            let aliases = site.stored("/api/user/get-aliases", "ann.lee@example.com").to_string();
            assert!(aliases.contains("a.ray@example.com") && !aliases.contains("home.example"), "{aliases}");
            assert_eq!(site.user("u3@example.com"), json!(["u3@example.com", "Number 3", false]));
            assert_eq!(site.user("bob@example.com"), Value::Null);
        },
    );
}

#[test]
fn scim_client_provisions() {
    let created: Vec<_> = (0..5)
        .map(|n| json!([format!("u{n}@example.com"), format!("E-{n}"), format!("Number {n}")]))
        .collect();
    let schemas = [
        "urn:ietf:params:scim:schemas:core:2.0:User",
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User",
    ];
    let error = "application/scim+json";
    let expected = json!({
        "created": created, "again": [409, "uniqueness", error],
        "extended": [schemas, { "department": "Sales", "cost_center": "7" }],
        "changed": [true, "U0.Renamed@example.com", false, "Somebody", "Body"],
        "found": [1, 1, true], "inactive": ["U0.Renamed@example.com"], "pages": [[1, 4, 6], [5, 2, 6]],
        "gone": [204, [404, null, error], [404, null, error]],
    });
    provisions_in_python(
        "scim_client_course.py",
        "scim-client",
        &compatibility::SCIM_CLIENT,
        &expected,
        &|site| {
            let renamed = json!(["U0.Renamed@example.com", "Somebody", true]);
            assert_eq!(site.user("u0.renamed@example.com"), renamed);
            for gone in ["u0@example.com", "u2@example.com"] {
                assert_eq!(site.user(gone), Value::Null, "{gone}");
            }
            assert_eq!(site.attributes("u5@example.com"), json!({ "department": "Sales" }));
        },
    );
}

#[test]
fn scimmy_builds_requests_and_reads_responses() {
    let what = "SCIMMY";
    let Some(modules) = tools::node_modules(what) else { return };
    let client = |site: &Site| {
        let program = site.folder().join("scimmy_course.mjs");
        symlink(&modules, site.folder().join("node_modules")).unwrap();
        std::fs::copy(tools::file("node/scimmy_course.mjs"), &program).unwrap();
        Client::new(["node".as_ref(), program.as_os_str()])
    };
    let ann = "Ann.Lee@example.com";
    let emails = [[ann, "work"], ["ann@home.example", "home"]];
    let expected = json!({
        "created": [ann, "E-1", "Sales"], "again": [409, "uniqueness"],
        "patched": ["Ann Ray", "Ray", false, "Support", emails], "path": [400, "noTarget"],
        "replaced": ["Head", true, 2],
        "filters": [
            ["userName eq \"ANN.LEE@example.com\"", [ann]],
            ["externalId eq \"E-1\" and active eq true", [ann]],
            ["name.familyName sw \"R\" and emails.type eq \"home\"", [ann]],
            ["userName sw \"u\" and id pr", numbered(&[0, 1, 2, 3, 4])],
        ],
        "pages": [[1, 2, 5], [3, 2, 5], [5, 1, 5]], "searched": [["u3@example.com", null]],
        "bulk": [["g", "201"], ["b", "201"], ["x", "400"]],
        "resolved": [["g", true], ["b", true], ["x", false]],
        "members": [2, true], "left": [true], "gone": [[404, null], [404, null]],
    });
    provisions(what, &client, &expected, &|site| {
        assert_eq!(site.user("ann.lee@example.com"), json!([ann, "Ann Ray", false]));
        let attributes = json!({ "title": "Head", "department": "Support" });
        assert_eq!(site.attributes("ann.lee@example.com"), attributes);
        assert_eq!(site.user("bob@example.com"), Value::Null);
    });
    compatibility::record_run(&compatibility::SCIMMY, &node::versions(&modules, &["scimmy"]));
}
