//! Texts of files and requests, made safe to print: they could move the cursor, hide characters or reverse a line.

/// A text for a message: short, in one line, without control characters and other invisible ones.
pub fn printable(text: &str) -> String {
    printable_start(text, 200)
}

/// The first characters of a text, at most so many.
pub(crate) fn printable_start(text: &str, most: usize) -> String {
    let shown: String =
        text.chars().take(most).map(|c| if is_unprintable(c) { '\u{fffd}' } else { c }).collect();
    if text.chars().nth(most).is_some() { shown + "…" } else { shown }
}

/// Whether a character is a control, format or other character that is not shown, or a space other than U+0020.
pub fn is_unprintable(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_control();
    }
    // The standard library knows the classes. Behind another character it leaves marks such as accents as they are.
    let mut text = [b'a'; 5];
    c.encode_utf8(&mut text[1..]);
    let text = str::from_utf8(&text[..=c.len_utf8()]).unwrap_or_default();
    text.escape_debug().nth(2).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_shown_is_replaced() {
        for hidden in "\n\t\u{1b}\u{7f}\u{85}\u{a0}\u{ad}\u{200b}\u{200e}\u{2028}\u{202e}\u{2066}\u{feff}\u{e000}\u{e0041}".chars() {
            assert_eq!(printable(&format!("a{hidden}b")), "a\u{fffd}b", "{:x}", u32::from(hidden));
        }
        for shown in ["Ann \"Lee\" \\", "é e\u{301} 王 🏳\u{fe0f}", "می"] {
            assert_eq!(printable(shown), shown);
        }
        assert_eq!(printable(&"x".repeat(201)), "x".repeat(200) + "…");
    }
}
