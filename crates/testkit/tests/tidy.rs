//! The rules of docs/ARCHITECTURE.md and CONTRIBUTING.md that a program can check.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "tidy/functions.rs"]
mod functions;
#[path = "tidy/words.rs"]
mod words;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use cargo_metadata::{DependencyKind, MetadataCommand};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// The files of this repository with one of these endings.
fn files(endings: &[&str]) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    let mut folders = vec![root()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            let others = ["target", "artifacts", "corpus", "snapshots", "node_modules"];
            let ours = !name.starts_with('.') && !others.contains(&&*name);
            if path.is_dir() && ours {
                folders.push(path);
            } else if path.is_file() && endings.iter().any(|ending| name.ends_with(ending)) {
                let text = std::fs::read_to_string(&path).unwrap();
                found.push((path.strip_prefix(root()).unwrap().to_owned(), text));
            }
        }
    }
    assert!(found.len() > 5, "the search finds files");
    found
}

#[test]
fn crates_depend_only_on_the_allowed_ones() {
    let arrows = [
        ("api", &["auth", "directory", "observe", "wire"][..]),
        ("argon2", &[]),
        ("auth", &["argon2", "directory", "wire"]),
        ("bench", &["argon2", "client", "server", "testkit", "wire"]),
        ("cli", &["client", "playground", "server"]),
        ("client", &["wire"]),
        ("console", &["api", "auth", "directory", "observe", "wire"]),
        ("directory", &[]),
        ("example", &["client"]),
        ("ldap", &["auth", "directory", "observe"]),
        ("observe", &["directory", "wire"]),
        ("playground", &["api", "console", "directory", "observe", "server", "store"]),
        ("scim", &["api", "auth", "directory", "observe", "wire"]),
        ("server", &["api", "auth", "console", "directory", "ldap", "observe", "scim", "store", "wire"]),
        ("store", &["directory", "vfs"]),
        // testkit uses the clock and entropy of the port, and the headers of requests.
        ("testkit", &["client", "directory", "playground", "server", "wire"]),
        ("vfs", &[]),
        ("wire", &[]),
    ];
    let allowed: BTreeMap<&str, BTreeSet<&str>> =
        arrows.into_iter().map(|(from, to)| (from, to.iter().copied().collect())).collect();
    let metadata = MetadataCommand::new().manifest_path(root().join("Cargo.toml")).no_deps().exec().unwrap();
    let room = |name: &str| name.strip_prefix("matricula-").map(str::to_owned);
    let mut rooms = BTreeSet::new();
    for package in &metadata.packages {
        let from = room(&package.name).unwrap();
        let allowed =
            allowed.get(from.as_str()).unwrap_or_else(|| panic!("{from} is not in the list of crates"));
        for dependency in &package.dependencies {
            // Tests may depend on any crate.
            let normal = dependency.kind == DependencyKind::Normal;
            if let Some(to) = room(&dependency.name).filter(|_| normal) {
                assert!(
                    allowed.contains(to.as_str()),
                    "{from} → {to} is not allowed by docs/ARCHITECTURE.md"
                );
            }
        }
        rooms.insert(from);
    }
    assert_eq!(rooms.len(), allowed.len());
}

/// The modules that a file uses by `crate::`, or by `super::` from its depth.
fn uses(text: &str, depth: usize, modules: &BTreeSet<String>) -> BTreeSet<String> {
    let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    let code: String = code.lines().map(|line| line.split("//").next().unwrap_or_default()).collect();
    let root = "super::".repeat(depth);
    let mut found = BTreeSet::new();
    for start in ["crate::", root.as_str()] {
        for (at, _) in code.match_indices(start) {
            if code[..at].ends_with(':') {
                continue;
            }
            let rest = &code[at + start.len()..];
            let named = match rest.strip_prefix('{') {
                Some(list) => list.split('}').next().unwrap_or_default(),
                None => rest.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or_default(),
            };
            let words = named.split(|c: char| !c.is_alphanumeric() && c != '_');
            found.extend(words.map(str::to_owned).filter(|word| modules.contains(word)));
        }
    }
    found
}

/// Removes modules without dependencies until none is left to remove. The rest is on a circle or depends on one.
fn circles(mut arrows: BTreeMap<String, BTreeSet<String>>) -> BTreeMap<String, BTreeSet<String>> {
    loop {
        let done: Vec<_> =
            arrows.iter().filter(|(_, to)| to.is_empty()).map(|(from, _)| from.clone()).collect();
        if done.is_empty() {
            return arrows;
        }
        for module in done {
            arrows.remove(&module);
            arrows.values_mut().for_each(|to| {
                to.remove(&module);
            });
        }
    }
}

#[test]
fn modules_of_a_crate_form_no_circle() {
    let mut crates: BTreeMap<String, Vec<(Vec<String>, String)>> = BTreeMap::new();
    for (path, text) in files(&[".rs"]) {
        let parts: Vec<_> = path.iter().map(|part| part.to_string_lossy().into_owned()).collect();
        if let [first, name, src, rest @ ..] = &parts[..]
            && (first.as_str(), src.as_str()) == ("crates", "src")
        {
            crates.entry(name.clone()).or_default().push((rest.to_vec(), text));
        }
    }
    for (name, files) in crates {
        let module = |path: &[String]| path[0].trim_end_matches(".rs").to_owned();
        let inner = |path: &[String]| !path.iter().any(|part| part.starts_with("tests"));
        let modules: BTreeSet<_> = files.iter().map(|(path, _)| module(path)).collect();
        let mut arrows: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for (path, text) in files.iter().filter(|(path, _)| inner(path)) {
            let own = module(path);
            if !["lib", "main"].contains(&own.as_str()) {
                let mut to = uses(text, path.len(), &modules);
                to.remove(&own);
                arrows.entry(own).or_default().extend(to);
            }
        }
        assert!(!arrows.is_empty(), "the search finds the modules of {name}");
        let left = circles(arrows);
        assert!(left.is_empty(), "modules of {name} use each other in a circle: {left:?}");
    }
}

#[test]
fn a_circle_is_found() {
    let arrows = [("a", vec!["b"]), ("b", vec!["c"]), ("c", vec!["b"]), ("d", vec![])];
    let arrows = arrows.map(|(from, to)| (from.to_owned(), to.into_iter().map(str::to_owned).collect()));
    assert_eq!(circles(arrows.into()).into_keys().collect::<Vec<_>>(), ["a", "b", "c"]);
    let modules = ["x", "y", "z"].map(str::to_owned).into();
    let code = "use crate::x::A; // crate::z\nuse super::y;\nuse super::super::z;";
    assert_eq!(uses(code, 1, &modules), ["x", "y"].map(str::to_owned).into());
}

#[test]
fn files_have_at_most_600_lines() {
    for (path, text) in files(&[".rs", ".py", ".java", ".cs", ".js", ".mjs"]) {
        let lines = text.lines().count();
        assert!(lines <= 600, "{} has {lines} lines, at most 600 are allowed", path.display());
    }
}

#[test]
fn only_the_store_has_sql_and_only_auth_constructs_callers() {
    for (path, text) in files(&[".rs"]) {
        let test = ["tests", "tests.rs", "benches"];
        let test = path.components().any(|part| test.iter().any(|name| part.as_os_str() == *name));
        let store =
            ["crates/store", "bench", "fuzz/src/vfs.rs"].iter().any(|place| path.starts_with(place)) || test;
        for word in ["SELECT ", "INSERT INTO ", "UPDATE users", "DELETE FROM "] {
            assert!(store || !text.contains(word), "{} contains SQL: {word}", path.display());
        }
        let may = path.starts_with("crates/auth/src") || test;
        let makes = ["Caller::vouched(", "Caller::vouched_client(", "Caller::vouched_session("]
            .iter()
            .any(|call| text.contains(call));
        assert!(may || !makes, "{} constructs a Caller", path.display());
    }
}

#[test]
fn no_markers_of_unfinished_work_are_left() {
    let words = ["TO".to_owned() + "DO", "FIX".to_owned() + "ME", "XX".to_owned() + "X"];
    for (path, text) in files(&[".rs", ".md", ".toml", ".py", ".java", ".cs", ".js", ".mjs", ".sh"]) {
        for word in &words {
            assert!(!text.contains(word.as_str()), "{} contains {word}", path.display());
        }
    }
}

/// Every path in backquotes in a document exists.
/// Whether a line of a script pipes into a command that stops before the end of its input.
fn pipes_into_an_early_end(line: &str) -> bool {
    line.split('#').next().unwrap_or_default().split('|').skip(1).any(|command| {
        let words: Vec<_> = command.split_whitespace().collect();
        let flag = |letter: char| {
            words
                .iter()
                .skip(1)
                .any(|word| word.starts_with('-') && !word.starts_with("--") && word.contains(letter))
        };
        match words.first().copied() {
            Some("head") => true,
            Some("grep") => flag('q') || flag('m'),
            Some("sed") => words.iter().any(|word| word.trim_matches(['\'', '"']).ends_with('q')),
            Some("awk") => command.contains("exit"),
            _ => false,
        }
    })
}

#[test]
fn scripts_read_a_pipe_to_its_end() {
    for early in ["sort -rn x | head", "a | grep -q b", "a | sed 3q", "a | awk '{ print; exit }'"] {
        assert!(pipes_into_an_early_end(early), "{early}");
    }
    for whole in ["sort -rn x | sed -n 1,10p", "head x", "grep -q b x", "a | grep -oE 'b|head'"] {
        assert!(!pipes_into_an_early_end(whole), "{whole}");
    }
    let scripts = ["run", "check", "test", "test-tools", ".sh"];
    for (path, text) in files(&scripts).into_iter().filter(|(_, text)| text.contains("pipefail")) {
        for line in text.lines() {
            assert!(!pipes_into_an_early_end(line), "{}: pipefail fails at times: {line}", path.display());
        }
    }
}

#[test]
fn documents_name_files_that_exist() {
    for document in [
        "README.md",
        "docs/ARCHITECTURE.md",
        "docs/API.md",
        "docs/COMPATIBILITY.md",
        "docs/CONFIGURATION.md",
        "docs/HIGH-AVAILABILITY.md",
        "docs/OPERATIONS.md",
        "docs/SIGNATURES.md",
        "docs/STATUS-CODES.md",
        "CHANGELOG.md",
        "CONTRIBUTING.md",
        "RELEASING.md",
        "SECURITY.md",
    ] {
        let text = std::fs::read_to_string(root().join(document)).unwrap();
        for word in text.split('`').skip(1).step_by(2) {
            let path = ["crates/", "docs/", "scripts/", "bench/", "fuzz/", "tests/"]
                .iter()
                .any(|start| word.starts_with(start))
                && !word.contains([' ', '*', '{', '…']);
            assert!(!path || root().join(word).exists(), "{document} names {word}, which does not exist");
        }
    }
}

/// A document shows every picture below docs.
#[test]
fn documents_show_every_picture() {
    let documents: String = files(&[".md"]).into_iter().map(|(_, text)| text).collect();
    let mut pictures = 0;
    let mut folders = vec![root().join("docs")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if path.is_dir() {
                folders.push(path);
            } else if [".png", ".svg", ".jpg"].iter().any(|ending| name.ends_with(ending)) {
                assert!(documents.contains(&format!("{name})")), "no document shows {name}");
                pictures += 1;
            }
        }
    }
    assert!(pictures > 0, "the search finds pictures");
}

/// The documentation explains every code of the table.
#[test]
fn every_code_is_in_the_documentation() {
    let text = std::fs::read_to_string(root().join("docs/API.md")).unwrap();
    for code in wire::Code::ALL {
        assert!(text.contains(&format!("`{code}`")), "docs/API.md does not explain {code}");
    }
}

/// Every code is in a test that uses a socket, or in a snapshot of one.
#[test]
fn every_code_is_produced_by_a_test() {
    let mut seen = String::new();
    let mut folders = vec![root().join("crates/server/tests")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => folders.push(path),
                false => seen.push_str(&std::fs::read_to_string(&path).unwrap()),
            }
        }
    }
    let missing: Vec<_> =
        wire::Code::ALL.iter().filter(|code| !seen.contains(&format!("\"{code}\""))).collect();
    assert!(missing.is_empty(), "no test produces {missing:?}");
}
