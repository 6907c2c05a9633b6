//! Schemathesis generates valid and invalid calls from the OpenAPI document, and validates every response.

use crate::compatibility;
use crate::program::command;
use crate::sandbox::Sandbox;
use crate::tools;

const CHECK: &str = "import importlib.metadata, requests, sys; \
                     sys.exit(importlib.metadata.version('schemathesis') != '4.32.5')";

/// `MATRICULA_SCHEMATHESIS_EXAMPLES` is the number of random calls per endpoint, in addition to the fixed ones; default
/// 10.
#[test]
fn every_response_matches_the_openapi_document() {
    let what = "Schemathesis";
    let Some(python) = tools::python(what, CHECK, "python3 with schemathesis 4.32.5") else { return };
    let sandbox = Sandbox::start_with(&["--no-quota", "--quiet"]);
    let version = tools::python_version(&python, &["schemathesis"]);
    let output = command(python)
        .arg(tools::file("run_schemathesis.py"))
        .arg(sandbox.keys_with(&[]))
        // It writes a cache.
        .current_dir(sandbox.folder())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
    // A run without calls would succeed too.
    let operations = server::endpoints().count();
    assert!(
        said.contains(&format!("Selected: {operations}/{operations}\n  Tested: {operations}\n")),
        "{said}"
    );
    compatibility::record_run(&compatibility::SCHEMATHESIS, &version);
}
