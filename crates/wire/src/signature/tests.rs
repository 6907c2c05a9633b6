use proptest::prelude::*;
use rstest::rstest;

use super::*;

/// Base64 of the bytes 0 to 63: as long as a real secret key.
const SECRET: &str =
    "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4vMDEyMzQ1Njc4OTo7PD0+Pw==";
const REQUEST_ID: &[u8] = b"8578FCFC-A305-4D9A-99CB-F4D5ECEFE297";
const URI: &[u8] = b"/api/user/create-user";

fn key() -> SigningKey {
    SigningKey::from_secret(SECRET).unwrap()
}

fn parts(date: &str) -> Parts<'_> {
    Parts {
        date: date.as_bytes(),
        request_id: REQUEST_ID,
        application_key: b"f0c2a4bd-5a3b-4a0e-8c0c-2f3d5b1d9e77",
    }
}

// Computed with hmac and hashlib of Python 3.11.
#[rstest]
#[case::documented_form("Tue, 24 Nov 2015 12:50:11 UTC", "/p5PxP3HqbgFvRThfb0zFpO/SD0=")]
#[case::russian_java("вт, 24 нояб. 2026 12:50:11 UTC", "pBIQFNoSYqZVKgeYzSkItiecP4Y=")]
fn signs_as_python_does(#[case] date: &str, #[case] expected: &str) {
    let signature = key().sign(&parts(date), URI);
    assert_eq!(authorization("key", &signature), format!("MC key:{expected}"));
}

#[rstest]
#[case::shorter_than_a_block(b"short".as_slice(), "/api/user/create-user?x=1&y", "y82Jfd0a1kdRUPmFQbqKq+cZl60=")]
#[case::longer_than_a_block(&[b'k'; 200], "/api/user/create-user", "qwRMVH4mw2+KvBfXrQ9gSLcoKy8=")]
fn keys_of_any_length(#[case] key: &[u8], #[case] uri: &str, #[case] expected: &str) {
    let parts = Parts { application_key: b"key", ..parts("Tue, 24 Nov 2015 12:50:11 UTC") };
    let signature = SigningKey::from_bytes(key).sign(&parts, uri.as_bytes());
    assert_eq!(STANDARD.encode(signature), expected);
}

#[rstest]
#[case::as_sent("/api/x", &["/api/x"])]
#[case::query_signed_or_not("/api/x?a=/b/?c", &["/api/x?a=/b/?c", "/api/x"])]
#[case::empty_query("/api/x?", &["/api/x?", "/api/x"])]
#[case::trailing_slash("/api/x/", &["/api/x/", "/api/x"])]
#[case::doubled_slash("//api/x", &["//api/x", "/api/x"])]
#[case::many_slashes("///api/x//", &["///api/x//", "///api/x", "/api/x//", "/api/x"])]
#[case::all_of_it("//api/x/?q", &["//api/x/?q", "//api/x/", "//api/x?q", "//api/x", "/api/x/?q", "/api/x/", "/api/x?q", "/api/x"])]
#[case::root("/", &["/"])]
#[case::only_slashes("//", &["//", "/", "/"])]
#[case::nothing("", &[""])]
fn spellings_of_a_target(#[case] target: &str, #[case] expected: &[&str]) {
    let found: Vec<String> =
        spellings(target.as_bytes()).map(|pieces| String::from_utf8(pieces.concat()).unwrap()).collect();
    assert_eq!(found, expected);
}

#[rstest]
#[case::newline_joined("/api/x\n")]
#[case::another_path("/api/y")]
#[case::a_slash_that_was_not_sent("/api/x/")]
#[case::a_query_that_was_not_sent("/api/x?a=b")]
#[case::another_case("/API/x")]
fn other_uris_do_not_pass(#[case] signed: &str) {
    let parts = parts("Tue, 24 Nov 2015 12:50:11 UTC");
    let signature = key().sign(&parts, signed.as_bytes());
    assert!(!key().verify(&parts, b"/api/x", &signature));
}

#[rstest]
#[case::no_padding(SECRET.trim_end_matches('='))]
#[case::pasted_with_blanks(&format!("  {SECRET}\r\n"))]
#[case::stray_bits_at_the_end(&SECRET.replace("Pw==", "Px=="))]
fn forgiven_in_a_secret(#[case] secret: &str) {
    let parts = parts("Tue, 24 Nov 2015 12:50:11 UTC");
    let signature = SigningKey::from_secret(secret).unwrap().sign(&parts, URI);
    assert!(key().verify(&parts, URI, &signature));
}

#[rstest]
#[case("", SecretKeyError::Empty)]
#[case(" \n", SecretKeyError::Empty)]
#[case("abc-_w==", SecretKeyError::UrlSafe)]
#[case("not base64", SecretKeyError::Base64)]
#[case("ab=c", SecretKeyError::Base64)]
#[case("å", SecretKeyError::Base64)]
#[case("a", SecretKeyError::Base64)]
fn refused_as_a_secret(#[case] secret: &str, #[case] expected: SecretKeyError) {
    assert_eq!(SigningKey::from_secret(secret).err(), Some(expected));
}

#[rstest]
#[case("/api/x", "/api/x")]
#[case("//api/x/", "/api/x")]
#[case("////api//x///", "/api//x")]
#[case("/", "/")]
#[case("//", "/")]
#[case("", "/")]
#[case("x/", "x")]
fn paths_to_route_by(#[case] path: &str, #[case] expected: &str) {
    assert_eq!(canonical_path(path), expected);
}

proptest! {
    #[test]
    fn a_signature_over_any_spelling_holds(
        slashes in 1..4usize, path in "[a-z/]{0,20}", query in "(\\?[a-z=&?]{0,10})?", date in "\\PC{0,30}",
    ) {
        let target = format!("{:/<slashes$}{path}{query}", "");
        let parts = parts(&date);
        for pieces in spellings(target.as_bytes()) {
            let signature = key().sign(&parts, &pieces.concat());
            prop_assert!(key().verify(&parts, target.as_bytes(), &signature));
        }
        let routed = key().sign(&parts, canonical_path(target.split('?').next().unwrap()).as_bytes());
        prop_assert!(key().verify(&parts, target.as_bytes(), &routed), "the path that is routed by can be signed");
    }

    #[test]
    fn a_signature_with_a_flipped_bit_fails(bit in 0..SIGNATURE_BYTES * 8) {
        let parts = parts("Tue, 24 Nov 2015 12:50:11 UTC");
        let mut signature = key().sign(&parts, URI);
        signature[bit / 8] ^= 1 << (bit % 8);
        prop_assert!(!key().verify(&parts, URI, &signature));
    }

    #[test]
    fn a_flipped_bit_in_any_part_fails(part in 0..4usize, at in any::<prop::sample::Index>(), bit in 0..8u8) {
        let date = b"Tue, 24 Nov 2015 12:50:11 UTC";
        let mut fields = [date.to_vec(), REQUEST_ID.to_vec(), b"app key".to_vec(), URI.to_vec()];
        let sign = |fields: &[Vec<u8>; 4]| {
            let [date, request_id, application_key, uri] = fields;
            key().sign(&Parts { date, request_id, application_key }, uri)
        };
        let signature = sign(&fields);
        let at = at.index(fields[part].len());
        fields[part][at] ^= 1 << bit;
        prop_assert_ne!(sign(&fields), signature);
    }
}
