//! Classes of characters, by their properties in Unicode.

use icu_properties::props::{
    DefaultIgnorableCodePoint, GeneralCategory, PrependedConcatenationMark, VariationSelector,
};
use icu_properties::{CodePointMapData, CodePointSetData};

/// Whether a character cannot be seen or changes the order of others: control and format characters (bidirectional ones
/// among them), separators of lines, and what Unicode calls default ignorable, such as the zero-width space and fillers.
fn is_hidden(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_control();
    }
    match CodePointMapData::<GeneralCategory>::new().get(c) {
        GeneralCategory::Control | GeneralCategory::LineSeparator | GeneralCategory::ParagraphSeparator => {
            true
        }
        // The number signs of Arabic are format characters, and visible.
        GeneralCategory::Format => !CodePointSetData::new::<PrependedConcatenationMark>().contains(c),
        _ => CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(c),
    }
}

/// Whether a text contains a hidden character.
pub(crate) fn has_hidden(text: &str) -> bool {
    match text.is_ascii() {
        true => text.bytes().any(|byte| byte.is_ascii_control()),
        false => text.contains(is_hidden),
    }
}

/// Whether a text contains a hidden character that its language does not need. Joiners and variation selectors behind
/// other characters than ASCII belong to Persian, to the scripts of India, and to symbols.
pub(crate) fn hides(text: &str) -> bool {
    if text.is_ascii() {
        return has_hidden(text);
    }
    let mut before = None;
    text.chars().any(|c| {
        let before = before.replace(c);
        is_hidden(c) && !(is_joiner(c) && before.is_some_and(|c| !c.is_ascii() && !is_zero_width_joiner(c)))
    })
}

/// Whether a character is a space of any script.
pub(crate) fn is_space(c: char) -> bool {
    CodePointMapData::<GeneralCategory>::new().get(c) == GeneralCategory::SpaceSeparator
}

fn is_joiner(c: char) -> bool {
    is_zero_width_joiner(c) || CodePointSetData::new::<VariationSelector>().contains(c)
}

fn is_zero_width_joiner(c: char) -> bool {
    matches!(c, '\u{200c}' | '\u{200d}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hidden_characters_are_found_by_class() {
        let hidden = "\0\t\u{7f}\u{85}\u{ad}\u{34f}\u{61c}\u{115f}\u{17b4}\u{180e}\u{200b}\u{200e}\u{2028}\u{202e}\u{2066}\u{3164}\
                      \u{feff}\u{ffa0}\u{fff9}\u{1bca0}\u{1d173}\u{e0001}\u{e0041}";
        for c in hidden.chars() {
            assert!(
                is_hidden(c) && hides(&format!("A{c}n")) && hides(&format!("é{c}")),
                "{:x}",
                u32::from(c)
            );
        }
        for c in "a é\u{301}\u{600}\u{a0}\u{3000}王\u{fffd}".chars() {
            assert!(!is_hidden(c), "{:x}", u32::from(c));
        }
    }

    #[test]
    fn joiners_are_allowed_where_a_language_needs_them() {
        for name in ["می\u{200c}خواهم", "क्\u{200d}ष", "❤\u{fe0f}", "🏳\u{fe0f}\u{200d}🌈"]
        {
            assert!(!hides(name), "{name}");
        }
        for name in ["\u{200d}Ann", "An\u{200d}n", "A\u{fe0f}", "é\u{200d}\u{200d}"] {
            assert!(hides(name), "{name:?}");
        }
    }
}
