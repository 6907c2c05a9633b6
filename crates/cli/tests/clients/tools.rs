//! The tools that the clients need, and what happens when one is missing.

#![expect(clippy::disallowed_methods, reason = "a test reads its own settings from the environment")]

use std::env;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The root of the repository.
pub(crate) const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

/// A file of `tests/clients`.
pub(crate) fn file(name: &str) -> PathBuf {
    Path::new(ROOT).join("tests/clients").join(name)
}

/// Whether all of these can be started. If not, the caller must return: the test is skipped, or has failed here if none
/// may be skipped.
pub(crate) fn has_tools(what: &str, tools: &[&str]) -> bool {
    match tools.iter().find(|tool| !is_on_path(tool)) {
        None => true,
        Some(tool) => left_out(what, tool),
    }
}

/// Like [`has_tools`], for a file that is not a program.
pub(crate) fn has_file(what: &str, file: &Path) -> bool {
    file.exists() || left_out(what, &file.display().to_string())
}

/// A Python for which the statement `check` succeeds.
///
/// `MATRICULA_TEST_PYTHON` names it; the default is the one of `scripts/test-tools`, then the machine's.
pub(crate) fn python(what: &str, check: &str, needed: &str) -> Option<PathBuf> {
    let made = Path::new(ROOT).join(".test-tools/venv/bin/python");
    let candidates = match env::var_os("MATRICULA_TEST_PYTHON") {
        Some(named) => vec![PathBuf::from(named)],
        None => vec![made, PathBuf::from("python3")],
    };
    let found = candidates.into_iter().find(|python| {
        let mut command = Command::new(python);
        command.args(["-c", check]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    });
    if found.is_none() {
        left_out(what, needed);
    }
    found
}

/// The folder of packages for Node.js, made by `scripts/test-tools`.
pub(crate) fn node_modules(what: &str) -> Option<PathBuf> {
    let modules = Path::new(ROOT).join(".test-tools/node/node_modules");
    (has_tools(what, &["node"]) && has_file(what, &modules)).then(|| modules.canonicalize().unwrap())
}

/// The version of a tool: the first line of its output.
pub(crate) fn version(program: impl AsRef<OsStr>, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said).into_owned();
    // The text in brackets is about its parts and the time of its build.
    said.lines().next().unwrap_or_default().split(" (").next().unwrap_or_default().trim().to_owned()
}

/// The version of Java, which prints it in quotes.
pub(crate) fn java_version() -> String {
    version("java", &["-version"])
        .replace(" version \"", " ")
        .split('"')
        .next()
        .unwrap_or_default()
        .to_owned()
}

/// The versions of Python and of some of its packages.
pub(crate) fn python_version(python: &Path, packages: &[&str]) -> String {
    let script = "import importlib.metadata as m, platform, sys; \
                  print(', '.join(['Python ' + platform.python_version()] + \
                  [name + ' ' + m.version(name) for name in sys.argv[1:]]))";
    version(python, &[&["-c", script], packages].concat())
}

/// The versions of crates in the lock file.
pub(crate) fn locked(crates: &[&str]) -> String {
    let lock = std::fs::read_to_string(Path::new(ROOT).join("Cargo.lock")).unwrap();
    let version = |name: &&str| {
        let entry = lock.split_once(&format!("name = \"{name}\"\nversion = \"")).unwrap().1;
        format!("{name} {}", entry.split('"').next().unwrap())
    };
    crates.iter().map(version).collect::<Vec<_>>().join(", ")
}

/// Skips a test. Always false.
fn left_out(what: &str, tool: &str) -> bool {
    testkit::left_out(what, tool);
    false
}

fn is_on_path(tool: &str) -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).any(|folder| folder.join(OsStr::new(tool)).is_file())
}
