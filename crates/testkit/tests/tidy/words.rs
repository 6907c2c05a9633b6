//! Words that plain ones replace, in code, comments and documents.

use crate::files;

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

/// More words to avoid in comments. Plain ones are: next to or while, repair, available, the result of, means, becomes,
/// the n-th, compared with.
const AVOIDED_IN_COMMENTS: [&str; 14] = [
    "who|m",
    "be|side",
    "me|nd",
    "me|nds",
    "me|nded",
    "is ha|d",
    "are ha|d",
    "to be ha|d",
    "what came| of",
    "what comes| of",
    "stands| for",
    "stand| for",
    "how many-|eth",
    "held| against",
];

/// Lines that need such a word, because they quote what somebody else wrote.
const QUOTED: [&str; 0] = [];

/// The words of a line that match the list, also when they go on in the next line.
fn avoided_words<'a>(line: &str, next: &str, avoided: &'a [String]) -> impl Iterator<Item = &'a String> {
    let part_of_a_word = |sign: char| sign.is_alphanumeric() || sign == '_';
    let (both, length) = (format!("{line} {next}"), line.len());
    avoided.iter().filter(move |word| {
        both.match_indices(word.as_str()).any(|(start, _)| {
            start < length
                && !both[..start].ends_with(part_of_a_word)
                && !both[start + word.len()..].starts_with(part_of_a_word)
        })
    })
}

fn without_bar(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| word.replace('|', "")).collect()
}

/// Lines with a number, in lower case and without the signs of comments and headings.
fn plain_lines<'a>(lines: impl Iterator<Item = (usize, &'a str)>) -> Vec<(usize, String)> {
    let signs = ['/', '!', '#', '>'];
    lines.map(|(at, line)| (at, line.trim().trim_start_matches(signs).trim_start().to_lowercase())).collect()
}

/// Path, line number and word of everything that matches the list.
fn find_avoided(path: &str, lines: &[(usize, String)], avoided: &[String]) -> String {
    let mut found = String::new();
    for (n, (at, line)) in lines.iter().enumerate() {
        let next = lines.get(n + 1).filter(|(next, _)| *next == at + 1).map_or("", |(_, line)| line);
        if !QUOTED.iter().any(|quoted| line.contains(quoted)) {
            for word in avoided_words(line, next, avoided) {
                found.push_str(&format!("\n{path}:{}: {word}", at + 1));
            }
        }
    }
    found
}

#[test]
fn no_text_has_avoided_words() {
    let avoided = without_bar(&AVOIDED);
    let mut found = String::new();
    for (path, text) in files(&[".rs", ".md", ".html", ".toml", ".sh"]) {
        let lines = plain_lines(text.lines().enumerate());
        found.push_str(&find_avoided(&path.display().to_string(), &lines, &avoided));
    }
    assert!(found.is_empty(), "words that the usual ones should replace:{found}");
}

#[test]
fn no_comment_has_avoided_words() {
    let avoided = without_bar(&AVOIDED_IN_COMMENTS);
    let mut found = String::new();
    for (path, text) in files(&[".rs"]) {
        let comments = text.lines().enumerate().filter(|(_, line)| line.trim_start().starts_with("//"));
        let lines = plain_lines(comments);
        found.push_str(&find_avoided(&path.display().to_string(), &lines, &avoided));
    }
    assert!(found.is_empty(), "words of comments that the usual ones should replace:{found}");
}

#[test]
fn a_phrase_is_found_across_lines_and_only_as_a_whole_word() {
    let lines = plain_lines("/// Red\n/// wine\nfn x()\n// wine, redder".lines().enumerate());
    let found = find_avoided("a.rs", &lines, &["red wine", "wine", "red"].map(str::to_owned));
    assert_eq!(found, "\na.rs:1: red wine\na.rs:1: red\na.rs:2: wine\na.rs:4: wine");
}
