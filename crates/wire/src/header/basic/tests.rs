use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;
use rstest::rstest;
use secrecy::ExposeSecret as _;

use super::*;

/// `ann@example.com:pass:wörd?`, with a second colon and a letter beyond ASCII; its base64 has a `/`.
const BASE64: &str = "YW5uQGV4YW1wbGUuY29tOnBhc3M6d8O2cmQ/";

fn value(scheme: &str, text: impl AsRef<[u8]>) -> Vec<u8> {
    format!("{scheme} {}", STANDARD.encode(text)).into_bytes()
}

#[rstest]
#[case::as_documented(format!("Basic-Cloud {BASE64}"), Scheme::Cloud)]
#[case::any_case(format!("bAsIc-cLoUd {BASE64}"), Scheme::Cloud)]
#[case::domain(format!("Basic-AD {BASE64}"), Scheme::Domain)]
#[case::domain_as_some_write_it(format!("Basic-Ad {BASE64}"), Scheme::Domain)]
#[case::blanks(format!("  Basic-Cloud \t  {BASE64}  "), Scheme::Cloud)]
fn forms_of_login(#[case] value: String, #[case] scheme: Scheme) {
    let read = Basic::parse(value.as_bytes()).unwrap();
    assert_eq!(read.scheme, scheme);
    assert_eq!(read.user, "ann@example.com");
    assert_eq!(read.password.expose_secret(), "pass:wörd?");
}

#[rstest]
#[case::padded("YTpi", "b")]
#[case::one_sign_of_padding("YTpiYg==", "bb")]
#[case::without_it("YTpiYg", "bb")]
#[case::stray_bits("YTpiYh==", "bb")]
#[case::blanks_are_the_password_s("YTogIA==", "  ")]
#[case::colon_alone("YTo6", ":")]
fn forms_of_base64(#[case] base64: &str, #[case] password: &str) {
    let read = Basic::parse(format!("Basic-Cloud {base64}").as_bytes()).unwrap();
    assert_eq!((read.user.as_str(), read.password.expose_secret()), ("a", password));
}

#[test]
fn the_longest_value() {
    let text = "Basic-Cloud ".len();
    let longest = format!("Basic-Cloud YTpi{}", "YmJi".repeat((2_048 - text - 4) / 4));
    assert_eq!(longest.len(), 2_048);
    Basic::parse(longest.as_bytes()).unwrap();
    assert_eq!(Basic::parse(format!("{longest}YmJi").as_bytes()).err(), Some(BasicError::Length));
}

#[rstest]
#[case::nothing("", BasicError::Empty)]
#[case::blanks(" \t", BasicError::Empty)]
#[case::signed("MC key:/p5PxP3HqbgFvRThfb0zFpO/SD0=", BasicError::Signed)]
#[case::successor("bearer YTpi", BasicError::Bearer)]
#[case::plain("Basic YTpi", BasicError::Plain)]
#[case::other_scheme("Basic-Clouds YTpi", BasicError::Scheme)]
#[case::no_scheme("YTpi", BasicError::Scheme)]
#[case::no_blank("Basic-Cloud:YTpi", BasicError::Scheme)]
#[case::scheme_alone("Basic-Cloud", BasicError::Missing)]
#[case::in_the_clear("Basic-Cloud ann@example.com:secret", BasicError::Base64)]
#[case::url_safe("Basic-Cloud YTo_Pz8_", BasicError::Base64)]
#[case::two_parts("Basic-Cloud YTpi YTpi", BasicError::Base64)]
#[case::python_bytes("Basic-Cloud b'YTpi'", BasicError::Base64)]
#[case::latin_1("Basic-Cloud YTrk", BasicError::Utf8)]
#[case::no_colon("Basic-Cloud YWJj", BasicError::Colon)]
#[case::no_user("Basic-Cloud OmI=", BasicError::UserEmpty)]
#[case::colons("Basic-Cloud Ojo=", BasicError::UserEmpty)]
#[case::no_password("Basic-Cloud YTo=", BasicError::PasswordEmpty)]
fn what_is_refused_as_login(#[case] value: &str, #[case] expected: BasicError) {
    assert_eq!(Basic::parse(value.as_bytes()).err(), Some(expected));
}

#[test]
fn messages_say_what_to_send() {
    use BasicError as E;
    let errors = [
        E::Empty,
        E::Signed,
        E::Bearer,
        E::Plain,
        E::Scheme,
        E::Length,
        E::Missing,
        E::Base64,
        E::Utf8,
        E::Colon,
        E::UserEmpty,
        E::PasswordEmpty,
    ];
    insta::assert_snapshot!(errors.map(|error| error.to_string()).join("\n"), @r"
    Authorization is empty: send `Basic-Cloud`, a blank and the base64 of `address:password`
    Authorization has the scheme MC: login takes no signature, send `Basic-Cloud` and the password
    Authorization has the scheme Bearer: this is API 1.0, send `Basic-Cloud` and the password
    Authorization has the scheme Basic: send `Basic-Cloud`, or `Basic-AD` for the password of your own domain
    Authorization does not begin with a scheme of login: send `Basic-Cloud` and a blank first
    Authorization is too long: at most 2048 bytes are expected
    Authorization has a scheme and no more: send the base64 of `address:password` after it
    what follows the scheme in Authorization is not base64: send the standard base64 of `address:password`
    address and password in Authorization are not UTF-8: encode them as UTF-8 before the base64
    Authorization holds no colon: encode address, colon and password as one text
    Authorization holds no address: send it before the colon
    Authorization holds no password: send it after the colon
    ");
}

#[test]
fn debug_shows_nothing() {
    let read = Basic::parse(&value("Basic-AD", "ann:secret")).unwrap();
    assert_eq!(format!("{read:?}"), "Basic(…)");
}

proptest! {
    #[test]
    fn anything_is_answered(bytes in any::<Vec<u8>>()) {
        let _ = Basic::parse(&bytes);
        let _ = Basic::parse(&value("Basic-Cloud", bytes));
    }

    #[test]
    fn what_is_written_is_read(user in "[^:]{1,100}", password in "(?s).{1,100}") {
        let read = Basic::parse(&value("Basic-Cloud", format!("{user}:{password}"))).unwrap();
        prop_assert_eq!(read.user, user);
        prop_assert_eq!(read.password.expose_secret(), &password);
    }
}
