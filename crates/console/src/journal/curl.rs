//! A curl command that sends the same request, quoted for a POSIX shell.

use std::fmt::Write as _;

use observe::journal::Entry;
use wire::explain::request::shell_word;

/// Headers that curl generates from the URL and the body.
const MADE_BY_CURL: [&str; 3] = ["host", "content-length", "transfer-encoding"];

/// Headers that curl adds by default.
const ADDED_BY_CURL: [&str; 3] = ["accept", "user-agent", "content-type"];

/// The command. `url` is the base URL of the server.
pub(super) fn curl(url: &str, entry: &Entry, body: &[u8]) -> String {
    let mut command = String::new();
    let has = |name: &str| entry.headers.iter().any(|(own, _)| own == name);
    let as_text = str::from_utf8(body).ok().filter(|text| !text.contains('\0'));
    if as_text.is_none() {
        let bytes: String = body.iter().map(|byte| format!("\\{byte:03o}")).collect();
        // Every printf understands octal, and an argument can't hold a null byte.
        let _ = write!(command, "printf '{bytes}' | ");
    }
    command.push_str("curl -i -g --path-as-is");
    match entry.method.as_str() {
        "HEAD" => command.push_str(" --head"),
        method => {
            let _ = write!(command, " -X {}", shell_word(method));
        }
    }
    let _ = write!(command, " {}", shell_word(&format!("{url}{}", entry.target)));
    let mut option = |name: &str, value: &str| {
        let _ = write!(command, " \\\n  {name} {}", shell_word(value));
    };
    for (name, value) in entry.headers.iter().filter(|(name, _)| !MADE_BY_CURL.contains(&name.as_str())) {
        // curl omits a header with nothing after the colon.
        let header = if value.is_empty() { format!("{name};") } else { format!("{name}: {value}") };
        option("-H", &header);
    }
    for name in ADDED_BY_CURL.into_iter().filter(|name| !has(name)) {
        option("-H", &format!("{name}:"));
    }
    match as_text {
        None => option("--data-binary", "@-"),
        Some("") if !has("content-length") => {}
        // Not --data, which reads a file if the text begins with @.
        Some(text) => option("--data-raw", text),
    }
    command
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    /// The arguments and the input of curl, as the shell passes them.
    fn run_in_shell(command: &str) -> (Vec<String>, Vec<u8>) {
        let script = format!(
            "curl() {{ for word; do printf '%s\\0' \"$word\"; done; \
             case \"$*\" in *'--data-binary @-') printf '\\0'; cat;; esac; }}\n{command}\n"
        );
        let output = Command::new("sh").args(["-c", &script]).output().unwrap();
        assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
        let said = output.stdout;
        let end = said.windows(2).position(|pair| pair == b"\0\0").filter(|_| command.starts_with("printf"));
        let (words, read) = said.split_at(end.unwrap_or(said.len()));
        let words = words.split(|byte| *byte == 0).map(|word| String::from_utf8(word.to_vec()).unwrap());
        (words.filter(|word| !word.is_empty()).collect(), read.get(2..).unwrap_or_default().to_vec())
    }

    fn entry(method: &str, target: &str, headers: &[(&str, &str)]) -> Entry {
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Entry {
            method: method.to_owned(),
            target: target.to_owned(),
            headers: headers.collect(),
            ..Entry::default()
        }
    }

    const HARMFUL: &str = "@it's \"$(touch /tmp/x)\" `id` \\ ${HOME} !! %s\n;&|<>*?[a]{b,c}~#\té";

    #[test]
    fn a_shell_passes_every_argument_unchanged() {
        let target = "/api/x?a='$(id)'&b={1,2}[3]";
        let headers = [
            ("host", "example.com"),
            ("authorization", "MC a'b:c=="),
            ("x-odd", "`id` $HOME \"'"),
            ("x-empty", ""),
            ("user-agent", "it's; rm -rf /"),
            ("content-length", "3"),
        ];
        let sent = entry("PO'ST", target, &headers);
        let (words, _) = run_in_shell(&curl("http://127.0.0.1:8080", &sent, HARMFUL.as_bytes()));
        let url = format!("http://127.0.0.1:8080{target}");
        let expected = [
            "-i",
            "-g",
            "--path-as-is",
            "-X",
            "PO'ST",
            &url,
            "-H",
            "authorization: MC a'b:c==",
            "-H",
            "x-odd: `id` $HOME \"'",
            "-H",
            "x-empty;",
            "-H",
            "user-agent: it's; rm -rf /",
            "-H",
            "accept:",
            "-H",
            "content-type:",
            "--data-raw",
            HARMFUL,
        ];
        assert_eq!(words, expected);
    }

    #[test]
    fn every_byte_of_a_body_arrives() {
        let all: Vec<u8> = (0..=255).chain(*b"%s\\n'\n\n").collect();
        let (words, read) = run_in_shell(&curl("http://h", &entry("POST", "/", &[]), &all));
        assert_eq!(words[words.len() - 2..], ["--data-binary", "@-"]);
        assert_eq!(read, all);
    }

    #[test]
    fn an_empty_body_stays_empty() {
        let get = curl("http://h", &entry("GET", "/a", &[("accept", "*/*")]), b"");
        assert!(!get.contains("--data"), "{get}");
        let head = curl("http://h", &entry("HEAD", "/a", &[]), b"");
        assert!(head.starts_with("curl -i -g --path-as-is --head http://h/a"), "{head}");
        let empty = curl("http://h", &entry("POST", "/a", &[("content-length", "0")]), b"");
        assert!(empty.ends_with("--data-raw ''"), "{empty}");
    }
}
