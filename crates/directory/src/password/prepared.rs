//! The form in which passwords are compared: OpaqueString (RFC 8265, 4.2). A keyboard, a file and an identity provider may
//! write the same letter in two ways, and a space in more.

use secrecy::SecretString;
use zeroize::Zeroizing;

use crate::address::composed;
use crate::characters::is_space;

/// The password with composed letters (NFC) and every space as U+0020; `None` if it has this form already.
pub fn prepare(password: &str) -> Option<SecretString> {
    if password.is_ascii() {
        return None;
    }
    let spaced: Zeroizing<String> =
        Zeroizing::new(password.chars().map(|c| if is_space(c) { ' ' } else { c }).collect());
    let prepared = composed(&spaced);
    (*prepared != *password).then(|| SecretString::from(prepared.into_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;
    use secrecy::ExposeSecret as _;

    #[rstest]
    #[case("Grün-4711", "Grün-4711")]
    #[case("Gru\u{308}n-4711", "Grün-4711")]
    #[case("Zwei\u{a0}Worte\u{3000}4711", "Zwei Worte 4711")]
    #[case("ＡＢ ﬁ ſ", "ＡＢ ﬁ ſ")]
    #[case(" Two words ", " Two words ")]
    fn the_same_password_has_one_form(#[case] typed: &str, #[case] form: &str) {
        let prepared = prepare(typed);
        assert_eq!(prepared.as_ref().map_or(typed, |prepared| prepared.expose_secret()), form);
        assert_eq!(prepared.is_none(), typed == form);
    }

    proptest! {
        #[test]
        fn a_prepared_password_stays_as_it_is(typed in "\\PC{0,30}") {
            if let Some(prepared) = prepare(&typed) {
                prop_assert!(prepare(prepared.expose_secret()).is_none());
            }
        }
    }
}
