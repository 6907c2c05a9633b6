//! One request for each mistake of the table. The match is exhaustive, so that none is forgotten.

use std::collections::BTreeSet;

use sha2::{Sha256, Sha512};

use super::*;
use crate::explain::spelling::{hex_text, percent_encoded};

fn dated(signed: &str) -> Sent {
    Sent::new(over(text(signed, REQUEST_ID, PATH, APP_KEY)))
}

fn identified(signed: &str) -> Sent {
    Sent::new(over(text(DATE, signed, PATH, APP_KEY)))
}

fn to(path: &str) -> Sent {
    Sent::new(over(text(DATE, REQUEST_ID, path, APP_KEY)))
}

fn with_app_key(app_key: &str) -> Sent {
    Sent::new(over(text(DATE, REQUEST_ID, PATH, app_key)))
}

fn keyed(key: &[u8]) -> Sent {
    Sent::new(with_digest(&sha1(key, right_text().as_bytes())))
}

fn written(signature: &str) -> Sent {
    Sent::new(format!("MC {ACCESS_KEY}:{signature}"))
}

fn joined(separator: &str) -> Sent {
    Sent::new(over([DATE, REQUEST_ID, PATH, APP_KEY].join(separator)))
}

fn sent(mistake: Mistake) -> Sent {
    use Mistake as M;
    let right = right_text();
    let good = Sent::new(over(&right));
    let digest = sha1(&secret(), right.as_bytes());
    let base64 = STANDARD.encode(&digest);
    match mistake {
        M::HeaderMissing => Sent { app_id: None, ..good },
        M::SchemeMissing => Sent::new(format!("{ACCESS_KEY}:{base64}")),
        M::SchemeTwice => Sent::new(format!("MC MC {ACCESS_KEY}:{base64}")),
        M::SchemeBearer => Sent::new("Bearer abc"),
        M::SchemeBasic => Sent::new("Basic-Cloud YTpi"),
        M::AuthorizationMalformed => written("nonsense"),
        M::RequestIdMalformed => Sent { request_id: Some("17".into()), ..identified("17") },
        M::DateMalformed => Sent { date: Some("yesterday".into()), ..dated("yesterday") },
        M::AccessKeyUnknown => Sent::new(good.authorization.unwrap().replace("mYtH", "mYtI")),
        M::AccessKeyOther => {
            let key = STANDARD.decode(OTHER_SECRET).unwrap();
            Sent::new(with_digest(&sha1(&key, text(DATE, REQUEST_ID, PATH, OTHER_APP_KEY).as_bytes())))
        }
        M::AccessKeyRevoked | M::AccessKeyExpired => good,
        M::SecretNotDecoded => keyed(SECRET.as_bytes()),
        M::SecretThroughText => keyed(String::from_utf8_lossy(&secret()).as_bytes()),
        M::SecretLineBreak => keyed(&[&secret()[..], b"\n"].concat()),
        M::SecretUrlSafe => {
            keyed(&STANDARD.decode(&SECRET.replace(['+', '/'], "").as_bytes()[..56]).unwrap())
        }
        M::SecretHex => keyed(hex_text(&secret()).as_bytes()),
        M::SecretUtf16 => keyed(&SECRET.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>()),
        M::SecretUnset => keyed(b"undefined"),
        M::SecretIsAppKey => keyed(APP_KEY.as_bytes()),
        M::SecretIsAccessKey => keyed(ACCESS_KEY.as_bytes()),
        M::SecretOther => keyed(&STANDARD.decode(OTHER_SECRET).unwrap()),
        M::AppKeyIsAppId => with_app_key(APP_ID),
        M::AppKeyIsAccessKey => with_app_key(ACCESS_KEY),
        M::AppKeyIsSecret => with_app_key(SECRET),
        M::AppKeyCase => with_app_key(&APP_KEY.to_uppercase()),
        M::AppKeyForm => with_app_key(&format!("{{{APP_KEY}}}")),
        M::AppKeyUnset => with_app_key("None"),
        M::AppKeyOther => with_app_key(OTHER_APP_KEY),
        M::PathUrl => to(&format!("https://127.0.0.1{PATH}")),
        M::PathHost => to(&format!("{HOST}{PATH}")),
        M::PathTrailingSlash => to("/api/user/create-user/"),
        M::PathLeadingSlash => to("api/user/create-user"),
        M::PathCase => Sent { target: "/api/user/Create-User".into(), ..to(PATH) },
        M::PathEncoded => to("%2fapi%2fuser%2fcreate-user"),
        M::PathPrefix => to("/user/create-user"),
        M::PathQuery => to("/api/user/create-user?"),
        M::PathOther => to("/api/account/get-account"),
        M::DateZone => dated("Tue, 03 Nov 2026 12:00:00 GMT"),
        M::DateDayDigits => dated("Tue, 3 Nov 2026 12:00:00 UTC"),
        M::DateWeekday => dated("03 Nov 2026 12:00:00 UTC"),
        M::DateIso8601 => dated("2026-11-03T12:00:00.417Z"),
        M::DateEpoch => dated("1793707200123"),
        M::DateOtherForm => dated("Tue Nov  3 12:00:00 2026"),
        M::DateLocalTime => dated("Tue, 03 Nov 2026 13:00:00 CET"),
        M::DateCase => dated("TUE, 03 NOV 2026 12:00:00 UTC"),
        M::DateEncoding => {
            let date = "вт, 03 нояб. 2026 12:00:00 UTC";
            Sent { date: Some(date.into()), ..dated("??, 03 ????. 2026 12:00:00 UTC") }
        }
        M::DateMoment => dated("Tue, 03 Nov 2026 11:59:58 UTC"),
        M::RequestIdCase => identified(&REQUEST_ID.to_uppercase()),
        M::RequestIdForm => identified(&REQUEST_ID.replace('-', "")),
        M::RequestIdIsOther => identified(APP_ID),
        M::NewlineJoined => joined("\n"),
        M::CommaJoined => joined(","),
        M::NoSeparator => joined(""),
        M::OtherSeparator => joined("|"),
        M::TrailingLineBreak => Sent::new(over(format!("{right}\n"))),
        M::TrailingSeparator => Sent::new(over(format!("{right}:"))),
        M::Quotes => Sent::new(over(format!("\"{right}\""))),
        M::PartBlank => identified(&format!("{REQUEST_ID}\n")),
        M::PartUnset => identified("undefined"),
        M::PartLeftOut => Sent::new(over([DATE, REQUEST_ID, PATH].join(":"))),
        M::Order => Sent::new(over([REQUEST_ID, DATE, PATH, APP_KEY].join(":"))),
        M::MethodInText => Sent::new(over(["POST", DATE, REQUEST_ID, PATH, APP_KEY].join(":"))),
        M::BodyInText => Sent::new(over([DATE, REQUEST_ID, PATH, APP_KEY, BODY].join(":"))),
        M::HostInText => Sent::new(over([DATE, REQUEST_ID, HOST, PATH, APP_KEY].join(":"))),
        M::KeyInText => Sent::new(over([ACCESS_KEY, DATE, REQUEST_ID, PATH, APP_KEY].join(":"))),
        M::TextCase => Sent::new(over(right.to_lowercase())),
        M::TextUtf16 => Sent::new(over(right.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>())),
        M::TextByteOrderMark => Sent::new(over(format!("\u{feff}{right}"))),
        M::TextEncoded => Sent::new(over(percent_encoded(right.as_bytes(), b""))),
        M::TextHashed => Sent::new(over(hex_text(&Sha1::digest(&right)))),
        M::TextPythonBytes => Sent::new(over(format!("b'{right}'"))),
        M::Sha256 => Sent::new(with_digest(&hmac::<Sha256>(64, &secret(), right.as_bytes()))),
        M::Sha512 => Sent::new(with_digest(&hmac::<Sha512>(128, &secret(), right.as_bytes()))),
        M::Md5 => Sent::new(with_digest(&hmac::<md5::Md5>(64, &secret(), right.as_bytes()))),
        M::PlainHash => Sent::new(with_digest(&Sha1::digest([right.as_bytes(), &secret()].concat()))),
        M::KeyAndTextSwapped => Sent::new(with_digest(&sha1(right.as_bytes(), &secret()))),
        M::SignatureHex => written(&hex_text(&digest)),
        M::SignatureBase64OfHex => written(&STANDARD.encode(hex_text(&digest))),
        M::SignatureBase64Twice => written(&STANDARD.encode(&base64)),
        // These need a signature with characters that differ between base64 and URLs.
        M::SignatureUrlSafe => special(|base64| base64.replace('+', "-").replace('/', "_")),
        M::SignaturePercentEncoded => {
            special(|base64| String::from_utf8(percent_encoded(base64.as_bytes(), b"")).unwrap())
        }
        M::SignaturePlusLost => special(|base64| base64.replace('+', " ")),
        M::SignaturePythonBytes => written(&format!("b'{base64}'")),
        M::SignatureQuotes => written(&format!("\"{base64}\"")),
        M::ClockBehind => Sent { now: NOW + SignedDuration::from_mins(20), ..good },
        M::ClockAhead => Sent { now: NOW - SignedDuration::from_hours(2), ..good },
        M::AppIdOther => Sent { app_id: Some(OTHER_APP_ID.into()), ..good },
        M::AppIdIsAppKey => Sent { app_id: Some(APP_KEY.into()), ..good },
    }
}

/// A request whose signature has both `+` and `/`, in another encoding.
fn special(write: impl Fn(&str) -> String) -> Sent {
    let (request_id, base64) = (0_u32..)
        .map(|number| format!("{number:08x}-a305-4d9a-99cb-f4d5ecefe297"))
        .map(|id| (id.clone(), STANDARD.encode(sha1(&secret(), text(DATE, &id, PATH, APP_KEY).as_bytes()))))
        .find(|(_, base64)| base64.contains('+') && base64.contains('/'))
        .unwrap();
    Sent { request_id: Some(request_id), ..written(&write(&base64)) }
}

fn keys_of(mistake: Mistake) -> Vec<KeySet> {
    let mut keys = keys();
    match mistake {
        Mistake::AccessKeyExpired => keys[0].status = KeyStatus::Expired,
        Mistake::AccessKeyRevoked => {
            keys[0].status = KeyStatus::Revoked;
            keys[0].secret_key = None;
        }
        _ => {}
    }
    keys
}

#[test]
fn every_mistake_is_named_and_no_other() {
    for &mistake in Mistake::ALL {
        let explanation = sent(mistake).explained_with(&keys_of(mistake));
        assert_eq!(names(&explanation), [mistake.name()], "{explanation}");
        let signature = match (mistake, mistake.part()) {
            (Mistake::SchemeBearer | Mistake::SchemeBasic | Mistake::AuthorizationMalformed, _) => {
                Signature::Unread
            }
            (Mistake::AccessKeyRevoked, _) => Signature::Unexplained,
            (_, Part::Header | Part::AccessKey | Part::Clock | Part::AppId) => Signature::Right,
            _ => Signature::Wrong,
        };
        let signature = if mistake == Mistake::AccessKeyOther { Signature::Right } else { signature };
        assert_eq!(explanation.signature, signature, "{mistake}");
        assert!(!explanation.is_good());
    }
}

#[test]
fn a_right_signature_is_said_to_be_right() {
    for target in [PATH, "//api/user/create-user", "/api/user/create-user/", "/api/user/create-user?a=b"] {
        let sent = Sent { target: target.into(), ..Sent::new(over(right_text())) };
        let explanation = sent.explained();
        assert!(explanation.is_good(), "{target}: {explanation}");
    }
    let with_query = Sent { target: format!("{PATH}?a=b"), ..to("/api/user/create-user?a=b") };
    assert!(with_query.explained().is_good());
    let unpadded = Sent::new(over(right_text()).trim_end_matches('='));
    assert!(unpadded.explained().is_good());
}

#[test]
fn two_mistakes_are_found_together() {
    let date = "Tue, 03 Nov 2026 12:00:00 GMT";
    let both = text(date, REQUEST_ID, PATH, APP_ID);
    let cases = [
        (Sent::new(over(&both)), vec!["app_key_is_app_id", "date_zone"]),
        (
            Sent::new(with_digest(&sha1(SECRET.as_bytes(), format!("{}\n", right_text()).as_bytes()))),
            vec!["secret_not_decoded", "trailing_line_break"],
        ),
        (
            Sent::new(with_digest(&sha1(&[SECRET.as_bytes(), b"\n"].concat(), right_text().as_bytes()))),
            vec!["secret_not_decoded", "secret_line_break"],
        ),
        (
            Sent::new(over([DATE, &REQUEST_ID.to_uppercase(), PATH, APP_KEY].join("\n"))),
            vec!["request_id_case", "newline_joined"],
        ),
        // Mistakes of the encoding and the hash function are recognised in addition.
        (
            Sent::new(format!(
                "MC {ACCESS_KEY}:{}",
                hex_text(&hmac::<sha2::Sha256>(64, SECRET.as_bytes(), both.as_bytes()))
            )),
            vec!["secret_not_decoded", "app_key_is_app_id", "date_zone", "signature_hex", "sha_256"],
        ),
        (dated("03 Nov 2026 12:00:00 GMT"), vec!["date_zone", "date_weekday"]),
        (dated("2026-11-03T12:00:00Z"), vec!["date_iso_8601"]),
    ];
    for (sent, expected) in cases {
        if expected.len() == 5 {
            // Three mistakes in the signed text are too many: no mistake is reported.
            let explanation = sent.explained();
            assert_eq!(explanation.signature, Signature::Unexplained);
            assert_eq!(names(&explanation), ["signature_hex", "sha_256"]);
            continue;
        }
        let explanation = sent.explained();
        assert_eq!(names(&explanation), expected, "{explanation}");
        assert_eq!(explanation.signature, Signature::Wrong);
    }
}

#[test]
fn keys_of_another_application_are_found_with_a_mistake_too() {
    let key = OTHER_SECRET.as_bytes();
    let text = text(DATE, REQUEST_ID, PATH, OTHER_APP_KEY);
    let signature = STANDARD.encode(sha1(key, text.as_bytes()));
    let unknown = Sent::new(format!("MC somebody:{signature}"));
    assert_eq!(names(&unknown.explained()), ["secret_not_decoded", "access_key_unknown", "app_id_other"]);
    let other = Sent::new(format!("MC {ACCESS_KEY}:{signature}")).explained();
    // With the keys of the access key, it takes the other secret and the other application key, one of them undecoded.
    assert_eq!(names(&other), ["secret_not_decoded", "access_key_other"], "{other}");
}

#[test]
fn what_is_not_a_known_mistake_is_not_explained() {
    let explanation = keyed(b"something else").explained();
    assert_eq!((explanation.signature, explanation.causes.len()), (Signature::Unexplained, 0));
    assert!(explanation.to_sign.is_some() && explanation.signed.is_none());
    let nothing = Sent::new("MC somebody:8PHy8/T19vf4+fr7/P3+//v7+/s=").explained();
    assert_eq!((nothing.signature, names(&nothing)), (Signature::Unexplained, vec!["access_key_unknown"]));
}

#[test]
fn headers_that_are_missing_are_named_together() {
    let nothing = Sent { authorization: None, date: None, request_id: None, app_id: None, ..Sent::new("") };
    let explanation = nothing.explained();
    assert_eq!((explanation.signature, names(&explanation)), (Signature::Unread, vec!["header_missing"]));
    let detail = explanation.causes[0].detail.as_deref();
    assert_eq!(detail, Some("authorization, x-mc-date, x-mc-req-id, x-mc-app-id"));
}

#[test]
fn login_needs_no_signature() {
    for authorization in [None, Some("Basic-Cloud YTpi".to_owned())] {
        let sent = Sent { authorization, target: "/api/login/login".into(), ..Sent::new("") };
        let explanation = sent.explained();
        assert!(explanation.is_good() && explanation.signature == Signature::NotNeeded);
    }
}

#[test]
fn no_secret_is_said_whatever_a_client_puts_where() {
    let secrets = [SECRET, APP_KEY, OTHER_SECRET, OTHER_APP_KEY];
    let right = STANDARD.encode(sha1(&secret(), right_text().as_bytes()));
    let mut all: Vec<(Sent, Vec<KeySet>)> =
        Mistake::ALL.iter().map(|&mistake| (sent(mistake), keys_of(mistake))).collect();
    for secret in secrets {
        for value in [secret.to_owned(), secret.to_lowercase()] {
            let good = Sent::new(over(right_text()));
            all.push((Sent { app_id: Some(value.clone()), ..good.clone() }, keys()));
            all.push((Sent { date: Some(value.clone().into()), ..good.clone() }, keys()));
            all.push((Sent { request_id: Some(value.clone()), ..good.clone() }, keys()));
            all.push((Sent { target: format!("/{value}?{value}"), ..good.clone() }, keys()));
            all.push((Sent::new(format!("MC {value}:{}", STANDARD.encode([7; 20]))), keys()));
            all.push((Sent::new(format!("MC {ACCESS_KEY}:{value}")), keys()));
        }
    }
    for (sent, keys) in all {
        let explanation = sent.explained_with(&keys);
        let json = serde_json::to_string(&explanation).unwrap();
        let said = format!("{explanation}\n{}\n{json}", explanation.line(4_000)).to_lowercase();
        for secret in secrets {
            assert!(!said.contains(&secret.to_lowercase()), "{secret} in {said}");
        }
        assert!(!said.contains(&right.to_lowercase()), "the right signature in {said}");
    }
}

#[test]
fn names_are_unique_and_sentences_are_sentences() {
    let names: BTreeSet<_> = Mistake::ALL.iter().map(|mistake| mistake.name()).collect();
    assert_eq!(names.len(), Mistake::ALL.len());
    for mistake in Mistake::ALL {
        assert!(mistake.name().bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_'));
        for sentence in [mistake.wrong(), mistake.mend()] {
            assert!(sentence.ends_with('.') && sentence.starts_with(|sign: char| sign.is_ascii_uppercase()));
        }
    }
}
