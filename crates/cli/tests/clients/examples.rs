//! The examples in `examples/`, run like by their readers. The one in Rust is a package of the workspace.

use std::path::Path;
use std::process::{Command, Output};

use crate::tools;

const MATRICULA: &str = env!("CARGO_BIN_EXE_matricula");

fn example(name: &str) -> std::path::PathBuf {
    Path::new(tools::ROOT).join("examples").join(name)
}

/// The output of a successful program.
fn output_of(output: &Output) -> String {
    let said =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{said}");
    said
}

#[test]
fn pytest() {
    let check = "import pytest, requests";
    let Some(python) = tools::python("the example for pytest", check, "python3 with pytest and requests")
    else {
        return;
    };
    let mut command = Command::new(python);
    command.args(["-m", "pytest", "-q", "-p", "no:cacheprovider"]).arg(example("pytest"));
    let output = command.env("MATRICULA", MATRICULA).env("PYTHONDONTWRITEBYTECODE", "1").output().unwrap();
    assert!(output_of(&output).contains("5 passed"), "{}", output_of(&output));
}

#[test]
fn junit() {
    let what = "the example for JUnit";
    let jars = ["/usr/share/java/junit4.jar", "/usr/share/java/hamcrest-core.jar"];
    if !tools::has_tools(what, &["java", "javac"])
        || !jars.iter().all(|jar| tools::has_file(what, Path::new(jar)))
    {
        return;
    }
    let classes = tempfile::tempdir().unwrap();
    let path = format!("{}:{}", classes.path().display(), jars.join(":"));
    let mut compiler = Command::new("javac");
    compiler.args(["-cp", &path, "-d"]).arg(classes.path()).arg(example("junit/OnboardingTest.java"));
    output_of(&compiler.output().unwrap());
    let mut java = Command::new("java");
    java.args(["-cp", &path, "org.junit.runner.JUnitCore", "OnboardingTest"]).env("MATRICULA", MATRICULA);
    let said = output_of(&java.output().unwrap());
    assert!(said.contains("OK (3 tests)"), "{said}");
}
