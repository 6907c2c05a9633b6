use proptest::prelude::*;
use rstest::rstest;

use super::*;
use crate::signature::authorization;

/// The bytes 0xf0 to 0xff and four times 0xfb: their base64 has both `+` and `/`.
const SIGNATURE: [u8; 20] =
    *b"\xf0\xf1\xf2\xf3\xf4\xf5\xf6\xf7\xf8\xf9\xfa\xfb\xfc\xfd\xfe\xff\xfb\xfb\xfb\xfb";
const BASE64: &str = "8PHy8/T19vf4+fr7/P3+//v7+/s=";

#[rstest]
#[case::as_documented(format!("MC key:{BASE64}"))]
#[case::any_case(format!("mc key:{BASE64}"))]
#[case::blank_after_the_colon(format!("MC key: {BASE64}"))]
#[case::blanks_everywhere(format!("  Mc \t key  :  {BASE64}  "))]
#[case::no_padding(format!("MC key:{}", BASE64.trim_end_matches('=')))]
fn forms_of_authorization(#[case] value: String) {
    let read = Authorization::parse(value.as_bytes()).unwrap();
    assert_eq!((read.access_key(), read.signature()), ("key", &SIGNATURE));
}

#[rstest]
#[case::url_safe_key("mYtHUVLaAqW-_x")]
#[case::longest_key(&"k".repeat(1024))]
#[case::every_sign("!\"#$%&'()*+,-./;<=>?@[\\]^_`{|}~")]
fn access_keys(#[case] key: &str) {
    let read = Authorization::parse(authorization(key, &SIGNATURE).as_bytes()).unwrap();
    assert_eq!(read.access_key(), key);
}

#[rstest]
#[case::nothing("", AuthorizationError::Empty)]
#[case::blanks("  ", AuthorizationError::Empty)]
#[case::successor("Bearer abc", AuthorizationError::Bearer)]
#[case::login("Basic-Cloud abc=", AuthorizationError::Basic)]
#[case::other_scheme("MCX key:abc", AuthorizationError::Scheme)]
#[case::no_scheme("key:abc", AuthorizationError::Scheme)]
#[case::no_blank("MC:key:abc", AuthorizationError::Scheme)]
#[case::scheme_alone("MC", AuthorizationError::Colon)]
#[case::no_colon("MC key", AuthorizationError::Colon)]
#[case::no_key("MC :abc", AuthorizationError::AccessKeyEmpty)]
#[case::long_key(&format!("MC {}:abc", "k".repeat(1025)), AuthorizationError::AccessKeyLength)]
#[case::scheme_twice("MC MC key:abc", AuthorizationError::AccessKeyCharacter)]
#[case::key_beyond_ascii("MC kéy:abc", AuthorizationError::AccessKeyCharacter)]
#[case::control_character("MC k\u{7f}y:abc", AuthorizationError::AccessKeyCharacter)]
#[case::no_signature("MC key:", AuthorizationError::SignatureEmpty)]
#[case::hex("MC key:FE9e4fc4fdc7a9b805bd14e17dbd331693bf483d", AuthorizationError::SignatureHex)]
#[case::python_bytes("MC key:b'/p5PxP3HqbgFvRThfb0zFpO/SD0='", AuthorizationError::SignaturePython)]
#[case::url_safe("MC key:_p5PxP3HqbgFvRThfb0zFpO_SD0=", AuthorizationError::SignatureUrlSafe)]
#[case::second_colon("MC key:a:8PHy8/T19vf4+fr7/P3+//v7+/s=", AuthorizationError::SignatureBase64)]
#[case::stray_bits("MC key:8PHy8/T19vf4+fr7/P3+//v7+/t=", AuthorizationError::SignatureBase64)]
#[case::too_short("MC key:8PHy8/T19vf4+fr7/P3+//v7+w==", AuthorizationError::SignatureLength { bytes: 19 })]
#[case::sha256(&format!("MC key:{}=", "A".repeat(43)), AuthorizationError::SignatureLength { bytes: 32 })]
#[case::sha512(&format!("MC key:{}==", "A".repeat(86)), AuthorizationError::SignatureLength { bytes: 64 })]
#[case::endless(&format!("MC key:{}", "A".repeat(9000)), AuthorizationError::SignatureBase64)]
fn what_is_refused_as_authorization(#[case] value: &str, #[case] expected: AuthorizationError) {
    let refusal = Authorization::parse(value.as_bytes());
    assert_eq!(refusal, Err(expected));
    assert!(!format!("{expected} {expected:?}").contains("p5PxP3HqbgFvRThfb0zFpO"), "an error never quotes");
}

#[test]
fn messages_say_what_to_send() {
    use AuthorizationError as E;
    let errors = [
        E::Empty,
        E::Bearer,
        E::Basic,
        E::Scheme,
        E::Colon,
        E::AccessKeyEmpty,
        E::AccessKeyLength,
        E::AccessKeyCharacter,
        E::SignatureEmpty,
        E::SignatureHex,
        E::SignaturePython,
        E::SignatureUrlSafe,
        E::SignatureBase64,
        E::SignatureLength { bytes: 32 },
    ];
    insta::assert_snapshot!(errors.map(|error| error.to_string()).join("\n"), @r#"
    Authorization is empty: send `MC`, a blank, the access key, a colon and the signature
    Authorization has the scheme Bearer: this is API 1.0, sign the request and send `MC`
    Authorization has the scheme Basic: only login takes it, sign the request and send `MC`
    Authorization does not begin with its scheme: send `MC` and a blank before the access key
    Authorization has no colon: send a colon between the access key and the signature
    Authorization has no access key: send it between `MC` and the colon
    the access key in Authorization is too long: at most 1024 bytes are expected
    the access key in Authorization holds a blank, a control character or a character beyond ASCII: send the key as it was issued
    Authorization has no signature: send the base64 of the HMAC-SHA1 after the colon
    the signature in Authorization looks like hex: send the 20 bytes of the HMAC-SHA1 in base64
    the signature in Authorization looks like Python bytes printed as text: decode them, as in sig.decode()
    the signature in Authorization holds `-` or `_`: send standard base64, which has `+` and `/`
    the signature in Authorization is not base64: expected 28 characters, the last one `=`
    the signature in Authorization holds 32 bytes: expected the 20 bytes of an HMAC-SHA1
    "#);
}

#[test]
fn debug_shows_neither_key_nor_signature() {
    let read = Authorization::parse(format!("MC key:{BASE64}").as_bytes()).unwrap();
    assert_eq!(format!("{read:?}"), "Authorization(…)");
}

#[rstest]
#[case::documented("8578FCFC-A305-4D9A-99CB-F4D5ECEFE297")]
#[case::lower_case("8578fcfc-a305-4d9a-99cb-f4d5ecefe297")]
#[case::braces("{8578fcfc-a305-4d9a-99cb-f4d5ecefe297}")]
#[case::no_hyphens("8578fcfca3054d9a99cbf4d5ecefe297")]
#[case::urn("urn:uuid:8578fcfc-a305-4d9a-99cb-f4d5ecefe297")]
#[case::blanks(" 8578fcfc-a305-4d9a-99cb-f4d5ecefe297\t")]
fn one_request_id(#[case] value: &str) {
    let id = RequestId::parse(value.as_bytes()).unwrap();
    assert_eq!(id.to_string(), "8578fcfc-a305-4d9a-99cb-f4d5ecefe297");
    assert_eq!(id.as_bytes()[..4], [0x85, 0x78, 0xfc, 0xfc]);
}

#[rstest]
#[case("")]
#[case("1")]
#[case("8578fcfc-a305-4d9a-99cb-f4d5ecefe29")]
#[case("8578fcfc-a305-4d9a-99cb-f4d5ecefe297:")]
#[case("8578fcfc-a305-4d9a-99cb-f4d5ecefe29å")]
fn no_request_id(#[case] value: &str) {
    assert_eq!(RequestId::parse(value.as_bytes()), Err(RequestIdError));
}

proptest! {
    #[test]
    fn anything_is_answered(value in any::<Vec<u8>>()) {
        let _ = Authorization::parse(&value);
        let _ = RequestId::parse(&value);
    }

    #[test]
    fn what_is_written_is_read(key in "[!-9;-~]{1,200}", signature in any::<[u8; 20]>()) {
        let read = Authorization::parse(authorization(&key, &signature).as_bytes()).unwrap();
        prop_assert_eq!(read.access_key(), key);
        prop_assert_eq!(read.signature(), &signature);
    }
}
