//! The promises of docs/ARCHITECTURE.md that a machine can check, and the words of code and documents.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

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
            } else if endings.iter().any(|ending| name.ends_with(ending)) {
                let text = std::fs::read_to_string(&path).unwrap();
                found.push((path.strip_prefix(root()).unwrap().to_owned(), text));
            }
        }
    }
    assert!(found.len() > 5, "the search finds files");
    found
}

#[test]
fn the_arrows_between_the_rooms_are_these_and_no_others() {
    let arrows = [
        ("auth", &["directory", "wire"][..]),
        ("bench", &["client", "server", "testkit", "wire"]),
        ("cli", &["client", "server"]),
        ("client", &["wire"]),
        ("directory", &[]),
        ("example", &["client"]),
        ("server", &["auth", "directory", "store", "wire"]),
        ("store", &["directory"]),
        // The port's clock and entropy, and the headers of a request: testkit stands in for both sides.
        ("testkit", &["client", "directory", "server", "wire"]),
        ("wire", &[]),
    ];
    let allowed: BTreeMap<&str, BTreeSet<&str>> =
        arrows.into_iter().map(|(from, to)| (from, to.iter().copied().collect())).collect();
    let metadata = MetadataCommand::new().manifest_path(root().join("Cargo.toml")).no_deps().exec().unwrap();
    let room = |name: &str| name.strip_prefix("matricula-").map(str::to_owned);
    let mut rooms = BTreeSet::new();
    for package in &metadata.packages {
        let from = room(&package.name).unwrap();
        let allowed = allowed.get(from.as_str()).unwrap_or_else(|| panic!("{from} is no room of the house"));
        for dependency in &package.dependencies {
            // Tests may stand anywhere.
            let normal = dependency.kind == DependencyKind::Normal;
            if let Some(to) = room(&dependency.name).filter(|_| normal) {
                assert!(allowed.contains(to.as_str()), "{from} → {to} is no arrow of docs/ARCHITECTURE.md");
            }
        }
        rooms.insert(from);
    }
    assert_eq!(rooms.len(), allowed.len());
}

#[test]
fn no_file_is_two_rooms_in_one() {
    for (path, text) in files(&[".rs", ".py", ".java", ".cs", ".js", ".mjs"]) {
        let lines = text.lines().count();
        assert!(lines <= 600, "{} has {lines} lines; 600 are the most", path.display());
    }
}

#[test]
fn sql_stands_in_the_store_and_callers_are_made_in_auth() {
    for (path, text) in files(&[".rs"]) {
        let test = ["tests", "tests.rs", "benches"];
        let test = path.components().any(|part| test.iter().any(|name| part.as_os_str() == *name));
        let store = path.starts_with("crates/store") || path.starts_with("bench") || test;
        for word in ["SELECT ", "INSERT INTO ", "UPDATE users", "DELETE FROM "] {
            assert!(store || !text.contains(word), "{} holds SQL: {word}", path.display());
        }
        let may = path.starts_with("crates/auth/src") || test;
        let makes = ["Caller::vouched(", "Caller::vouched_client("].iter().any(|call| text.contains(call));
        assert!(may || !makes, "{} makes a Caller", path.display());
    }
}

#[test]
fn nothing_is_left_open() {
    let words = ["TO".to_owned() + "DO", "FIX".to_owned() + "ME", "XX".to_owned() + "X"];
    for (path, text) in files(&[".rs", ".md", ".toml", ".py", ".java", ".cs", ".js", ".mjs", ".sh"]) {
        for word in &words {
            assert!(!text.contains(word.as_str()), "{} holds {word}", path.display());
        }
    }
}

/// Words and phrases that readers of the code and the documents stopped at. Plain ones are: anybody or a user, again,
/// compared with, own, disabled, already exists, does not exist, pending, ignored, fix. A bar keeps this list from finding
/// itself.
const AVOIDED: [&str; 13] = [
    "who|ever",
    "whom|ever",
    "a|new",
    "a|fresh",
    "beside| a",
    "of its| own",
    "shut| out",
    "is there| already",
    "is not| there",
    "on their| way",
    "left| aside",
    "parted| by",
    "to me|nd",
];

/// Lines that need such a word, because they quote what somebody else wrote.
const QUOTED: [&str; 0] = [];

#[test]
fn words_are_the_usual_ones() {
    let avoided = AVOIDED.map(|word| word.replace('|', ""));
    let part_of_a_word = |sign: char| sign.is_alphanumeric() || sign == '_';
    let mut found = String::new();
    for (path, text) in files(&[".rs", ".md", ".html", ".toml", ".sh"]) {
        let lines: Vec<String> = text
            .lines()
            .map(|line| line.trim().trim_start_matches(['/', '!', '#', '>']).trim_start().to_lowercase())
            .collect();
        for (at, line) in lines.iter().enumerate() {
            // A phrase may go on in the next line.
            let next = lines.get(at + 1).map(String::as_str).unwrap_or_default();
            let both = format!("{line} {next}");
            for word in &avoided {
                let here = both.match_indices(word.as_str()).any(|(start, _)| {
                    start < line.len()
                        && !both[..start].ends_with(part_of_a_word)
                        && !both[start + word.len()..].starts_with(part_of_a_word)
                });
                if here && !QUOTED.iter().any(|quoted| line.contains(quoted)) {
                    found.push_str(&format!("\n{}:{}: {word}", path.display(), at + 1));
                }
            }
        }
    }
    assert!(found.is_empty(), "words that the usual ones should replace:{found}");
}

/// Every path that a document names in backquotes exists.
#[test]
fn documents_name_files_that_exist() {
    for document in [
        "README.md",
        "docs/ARCHITECTURE.md",
        "docs/API.md",
        "docs/COMPATIBILITY.md",
        "docs/CONFIGURATION.md",
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

/// The documentation explains every code of the table.
#[test]
fn every_code_is_in_the_documentation() {
    let text = std::fs::read_to_string(root().join("docs/API.md")).unwrap();
    for code in wire::Code::ALL {
        assert!(text.contains(&format!("`{code}`")), "docs/API.md does not explain {code}");
    }
}

/// Every code of the table is asserted in a test that goes through a socket, or is in a snapshot of one.
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
