//! Dates of the documented Java sample, in every language of the installed Java.

#![expect(clippy::disallowed_methods, reason = "a test reads its own settings from the environment")]

use std::process::{Command, Stdio};

use jiff::{SignedDuration, Timestamp};
use matricula_wire::date;

/// Languages whose months `date/month.rs` knows by name or number. Parsing their dates does not depend on the current
/// time.
const KNOWN: [&str; 19] = [
    "en", "de", "fr", "es", "it", "pt", "nl", "da", "nb", "sv", "fi", "pl", "cs", "tr", "ru", "zh", "ja",
    "ko", "vi",
];

/// Unknown month names in known languages: other months in Croatian, and a Moroccan June that could be a July.
const AMBIGUOUS: [&str; 4] = [" lip ", " lis ", " srp ", " jui. "];

#[test]
fn a_date_of_the_java_sample_in_every_language_is_read_or_refused_but_hardly_ever_misread() {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/JavaDates.java");
    let java = Command::new("java").arg(script).stderr(Stdio::inherit()).output();
    let dates = match java {
        Ok(output) if output.status.success() => String::from_utf8(output.stdout).unwrap(),
        _ if std::env::var("MATRICULA_TEST_ALL").is_ok_and(|all| all == "1") => {
            panic!("needs java 11 or later")
        }
        _ => return left_out("left out: dates of the Java sample: needs java 11 or later"),
    };

    let (mut read, mut refused, mut misread, mut unread) = (0, 0, Vec::new(), Vec::new());
    for line in dates.lines() {
        let mut fields = line.split('\t');
        let (seconds, text, tag) = (fields.next().unwrap(), fields.next().unwrap(), fields.next().unwrap());
        let signed_at = Timestamp::from_second(seconds.parse().unwrap()).unwrap();

        let is_known = KNOWN.contains(&tag.split('-').next().unwrap())
            && !tag.contains("-u-")
            && !AMBIGUOUS.iter().any(|month| text.contains(month));
        let now = signed_at
            + if is_known { SignedDuration::from_hours(24 * 200) } else { SignedDuration::from_mins(5) };
        match date::parse(text.as_bytes(), now) {
            Ok(found) if found == signed_at => read += 1,
            other if is_known => unread.push((line, other)),
            Ok(_) => misread.push(line),
            Err(_) => refused += 1,
        }
    }
    println!("{read} read, {refused} refused, misread: {misread:#?}");
    assert!(unread.is_empty(), "of a known language: {unread:#?}");
    assert!(read > 5 * refused, "{read} read, {refused} refused");
    assert!(read > 200 * misread.len(), "{read} read, misread: {misread:#?}");
}

/// Written to standard error directly, because the harness shows captured output only on failure.
fn left_out(what: &str) {
    let _ = std::io::Write::write_all(&mut std::io::stderr(), format!("{what}\n").as_bytes());
}
