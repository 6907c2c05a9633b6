//! Schemathesis makes calls up out of the OpenAPI document, good ones and bad ones, and holds every answer against it.

use crate::compatibility;
use crate::program::command;
use crate::sandbox::Sandbox;
use crate::tools;

const CHECK: &str = "import importlib.metadata, requests, sys; \
                     sys.exit(importlib.metadata.version('schemathesis') != '4.32.5')";

/// `MATRICULA_SCHEMATHESIS_EXAMPLES` says how many calls each endpoint gets beside the odd ones it always gets; 10, when
/// nobody says.
#[test]
fn no_answer_is_other_than_the_document_says() {
    let what = "Schemathesis";
    let Some(python) = tools::python(what, CHECK, "python3 with schemathesis 4.32.5") else { return };
    let sandbox = Sandbox::start_with(&["--no-quota", "--quiet"]);
    let version = tools::python_version(&python, &["schemathesis"]);
    let output = command(python)
        .arg(tools::file("run_schemathesis.py"))
        .arg(sandbox.keys_with(&[]))
        // It leaves behind what it would remember.
        .current_dir(sandbox.folder())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
    // One that tried nothing would have nothing to complain of either.
    let operations = server::ENDPOINTS.len();
    assert!(
        said.contains(&format!("Selected: {operations}/{operations}\n  Tested: {operations}\n")),
        "{said}"
    );
    compatibility::record_run(&compatibility::SCHEMATHESIS, &version);
}
