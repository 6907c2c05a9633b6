//! The length of functions and the nesting of control flow, read off the indentation that `cargo fmt --check` enforces.

use std::path::Path;

use crate::files;

/// Lines of a function, from its signature to its closing brace.
const LONGEST: usize = 60;

/// Functions that are one `match` with an arm for every case: the compiler demands a new arm for a new case.
const TABLES: [(&str, &str); 1] = [("explain/tests/cases.rs", "sent")];

fn is_table(path: &Path, name: &str) -> bool {
    TABLES.iter().any(|(file, function)| path.ends_with(file) && name == *function)
}

/// Levels of `if`, `match` and loops within each other.
const DEEPEST: usize = 4;

fn indent(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

/// The name of the function that this line declares.
fn declared_function(line: &str) -> Option<&str> {
    let (before, after) = line.split_once("fn ")?;
    let modifiers = ["pub", "const", "async", "unsafe", "extern", "\"C\""];
    // `pub(in path)` is two words.
    let is_modifier =
        |word: &str| modifiers.contains(&word) || word.starts_with("pub(") || word.ends_with(')');
    let name = after.split(['(', '<']).next()?;
    before.split_whitespace().all(is_modifier).then_some(name)
}

/// Line number, name and length of every function with a body.
fn functions(text: &str) -> Vec<(usize, &str, usize)> {
    let lines: Vec<&str> = text.lines().collect();
    let mut found = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let Some(name) = declared_function(line) else { continue };
        let ends = |n: usize, line: &str| {
            let code = line.trim();
            // The signature may end the function: it has no body, or one without lines.
            let is_signature = n == 0 || code.starts_with(')');
            indent(line) == indent(lines[at]) && (code == "}" || (is_signature && code.ends_with(['}', ';'])))
        };
        let length =
            lines[at..].iter().enumerate().position(|(n, line)| ends(n, line)).map_or(0, |end| end + 1);
        found.push((at + 1, name, length));
    }
    found
}

/// Whether the line opens a block of control flow. The pattern of a match arm does not count.
fn opens_control_flow(line: &str) -> bool {
    let code = line.rsplit("=>").next().unwrap_or_default();
    let keywords = ["if", "else", "match", "for", "while", "loop"];
    let declares = ["impl", "unsafe impl"].iter().any(|word| code.trim_start().starts_with(word));
    !declares && code.split([' ', '(']).any(|word| keywords.contains(&word))
}

/// Line number and depth of every block of control flow.
fn nesting(text: &str) -> Vec<(usize, usize)> {
    let (mut open, mut condition, mut found) = (Vec::new(), None, Vec::new());
    for (at, line) in text.lines().enumerate() {
        let trimmed = line.trim_start();
        if trimmed.is_empty() || trimmed.starts_with("//") {
            continue;
        }
        open.retain(|block| *block < indent(line) || (*block == indent(line) && !trimmed.starts_with('}')));
        let opens = opens_control_flow(trimmed);
        // After a condition of several lines the brace is alone on its line.
        if (opens && trimmed.ends_with('{')) || (trimmed == "{" && condition == Some(indent(line))) {
            open.push(indent(line));
            found.push((at + 1, open.len()));
            condition = None;
        } else if opens {
            condition = Some(indent(line));
        }
    }
    found
}

#[test]
fn functions_are_short_and_not_deeply_nested() {
    let mut found = String::new();
    for (path, text) in files(&[".rs"]) {
        let long = |(_, name, length): &(usize, &str, usize)| *length > LONGEST && !is_table(&path, name);
        for (line, name, length) in functions(&text).into_iter().filter(long) {
            found.push_str(&format!("\n{}:{line}: {name} has {length} lines", path.display()));
        }
        for (line, depth) in nesting(&text).into_iter().filter(|(_, depth)| *depth > DEEPEST) {
            found.push_str(&format!("\n{}:{line}: nesting of depth {depth}", path.display()));
        }
    }
    assert!(found.is_empty(), "at most {LONGEST} lines and depth {DEEPEST}:{found}");
}

#[test]
fn length_and_nesting_are_measured() {
    let text = "\
impl A for B {
    pub(crate) async fn first(
        n: u8,
    ) -> u8 {
        let x = match n {
            1 if n > 0 => {
                if n == 1
                    && n == 2
                {
                    3
                } else {
                    4
                }
            }
            _ => 5,
        };
        while x {}
    }

    fn second(&self);
}

fn third() {}
";
    assert_eq!(functions(text), [(2, "first", 17), (20, "second", 1), (23, "third", 1)]);
    assert_eq!(nesting(text), [(5, 1), (9, 2), (11, 2)]);
}
