//! Cells of CSV files.

use wire::import::looks_like_formula;

/// A quoted cell. Spreadsheets run a text that begins like a formula, so such a text gets an apostrophe, which
/// `matricula import` removes.
pub(super) fn cell(text: &str) -> String {
    let guard = if looks_like_formula(text) { "'" } else { "" };
    format!("\"{guard}{}\"", text.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cell_is_a_formula() {
        for (text, written) in [
            ("Ann \"A\" Lee", "\"Ann \"\"A\"\" Lee\""),
            ("=1+1", "\"'=1+1\""),
            ("+49@example.com", "\"'+49@example.com\""),
            ("-1", "\"'-1\""),
            ("@SUM(A1)", "\"'@SUM(A1)\""),
            ("\t=1", "\"'\t=1\""),
            ("", "\"\""),
        ] {
            assert_eq!(cell(text), written);
        }
    }
}
