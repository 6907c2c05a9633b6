//! Comparing texts as the schema of their attribute demands.

use std::borrow::Cow;

/// The text in lower case, character by character, so that the start of a text becomes the start of the result.
pub(super) fn lower(text: &str) -> Cow<'_, str> {
    let is_lower = |byte: u8| byte.is_ascii() && !byte.is_ascii_uppercase();
    if text.bytes().all(is_lower) {
        return Cow::Borrowed(text);
    }
    if text.is_ascii() {
        return Cow::Owned(text.to_ascii_lowercase());
    }
    Cow::Owned(text.chars().flat_map(char::to_lowercase).collect())
}

/// The form of a text in which equal texts are identical: as it is, or in lower case.
pub(super) fn comparable(text: &str, case_exact: bool) -> Cow<'_, str> {
    if case_exact { Cow::Borrowed(text) } else { lower(text) }
}

/// `true` or `false` in any letter case: Entra ID sends booleans as texts.
pub(super) fn boolean(text: &str) -> Option<bool> {
    if text.eq_ignore_ascii_case("true") {
        return Some(true);
    }
    text.eq_ignore_ascii_case("false").then_some(false)
}
