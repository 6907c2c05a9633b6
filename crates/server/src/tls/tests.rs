use std::path::PathBuf;

use rcgen::{CertificateParams, KeyPair, date_time_ymd};
use rstest::rstest;
use tempfile::TempDir;

use super::*;

const NOW: Timestamp = Timestamp::constant(1_795_521_600, 0); // 24 November 2026, noon

/// A folder with a certificate and its key.
struct Files {
    folder: TempDir,
    files: config::Tls,
}

impl Files {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let files = config::Tls::new(folder.path().join("chain.pem"), folder.path().join("key.pem"));
        let files = Self { folder, files };
        files.renew((2026, 1, 1), (2027, 1, 1));
        files
    }

    /// Writes another pair.
    fn renew(&self, begins: (i32, u8, u8), ends: (i32, u8, u8)) {
        let (certificate, key) = pair(begins, ends);
        std::fs::write(&self.files.certificate, certificate).unwrap();
        std::fs::write(&self.files.key, key).unwrap();
    }

    fn load(&self) -> Result<Pair, String> {
        let loaded = Pair::load(&self.files, &aws_lc_rs::default_provider(), NOW);
        let folder = format!("{}/", self.folder.path().display());
        loaded.map_err(|error| error.to_string().replace(&folder, ""))
    }
}

fn pair(begins: (i32, u8, u8), ends: (i32, u8, u8)) -> (String, String) {
    let day = |(year, month, day)| date_time_ymd(year, month, day);
    let mut params = CertificateParams::new(["localhost".to_owned()]).unwrap();
    (params.not_before, params.not_after) = (day(begins), day(ends));
    let key = KeyPair::generate().unwrap();
    (params.self_signed(&key).unwrap().pem(), key.serialize_pem())
}

#[test]
fn a_pair_tells_how_long_it_lives() {
    let life = Files::new().load().unwrap().life;
    assert_eq!(
        (life.begins, life.ends),
        ("2026-01-01T00:00Z".parse().unwrap(), "2027-01-01T00:00Z".parse().unwrap())
    );
}

#[rstest]
#[case("", "chain.pem contains no certificate")]
#[case("hello", "chain.pem contains no certificate")]
#[case("-----BEGIN CERTIFICATE-----\nMIIB\n", "chain.pem: a PEM section is truncated")]
#[case("-----BEGIN CERTIFICATE-----\n*\n-----END CERTIFICATE-----\n", "chain.pem: a PEM section")]
#[case("-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n", "chain.pem cannot be read: ")]
fn a_certificate_that_is_none_is_named(#[case] text: &str, #[case] message: &str) {
    let files = Files::new();
    std::fs::write(&files.files.certificate, text).unwrap();
    let error = files.load().err().unwrap();
    assert!(error.contains(message), "{error}");
}

#[rstest]
#[case("", "key.pem contains no private key")]
#[case("-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----\n", "key.pem cannot be used: ")]
#[case("-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n", "key.pem: a PEM section is truncated")]
#[case(
    "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIIB\n-----END ENCRYPTED PRIVATE KEY-----\n",
    "key.pem is encrypted"
)]
#[case(
    "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\nMIIB\n-----END RSA PRIVATE KEY-----\n",
    "key.pem is encrypted"
)]
fn a_key_that_is_none_is_named_and_not_shown(#[case] text: &str, #[case] message: &str) {
    let files = Files::new();
    std::fs::write(&files.files.key, text).unwrap();
    let error = files.load().err().unwrap();
    assert!(error.contains(message) && !error.contains("c2Vj"), "{error}");
}

#[test]
fn a_key_of_another_certificate_is_named() {
    let files = Files::new();
    std::fs::write(&files.files.key, KeyPair::generate().unwrap().serialize_pem()).unwrap();
    let error = files.load().err().unwrap();
    assert!(error.contains("key.pem does not match the first certificate in chain.pem"), "{error}");
}

#[rstest]
#[case((2025, 1, 1), (2026, 1, 1), "chain.pem expired on 2026-01-01T00:00:00Z: renew it")]
#[case((2027, 1, 1), (2028, 1, 1), "chain.pem is not valid before 2027-01-01T00:00:00Z")]
fn a_certificate_that_is_not_valid_now_is_named(
    #[case] begins: (i32, u8, u8),
    #[case] ends: (i32, u8, u8),
    #[case] message: &str,
) {
    let files = Files::new();
    files.renew(begins, ends);
    let error = files.load().err().unwrap();
    assert!(error.contains(message), "{error}");
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let files = Files::new();
    std::fs::remove_file(&files.files.key).unwrap();
    assert!(files.load().err().unwrap().starts_with("key.pem: No such file"));
}

#[rstest]
#[case::long(365, 15, false)]
#[case::two_weeks(365, 13, true)]
#[case::past(365, -1, true)]
#[case::short(6, 2, false)]
#[case::a_fifth(6, 1, true)]
fn the_end_is_near_when_a_renewal_is_due(#[case] days: i64, #[case] left: i64, #[case] near: bool) {
    let day = |days: i64| SignedDuration::from_hours(days * 24);
    let ends = NOW + day(left);
    assert_eq!(ends_soon(Life { begins: ends - day(days), ends }, NOW), near);
}

struct Noon;

impl Clock for Noon {
    fn now(&self) -> Timestamp {
        NOW
    }
}

/// The certificate for the next connection.
fn in_service(tls: &Tls) -> Vec<u8> {
    tls.current.0.read().unwrap().cert[0].to_vec()
}

#[test]
fn a_changed_pair_is_taken_and_a_bad_one_is_not() {
    let files = Files::new();
    let tls = Tls::open(&files.files, Arc::new(Noon)).unwrap();
    let first = in_service(&tls);
    tls.reload_changed_files();
    assert_eq!(in_service(&tls), first);

    // A renewal replaces one file and then the other.
    let (certificate, key) = pair((2026, 6, 1), (2027, 6, 1));
    let put = |path: &PathBuf, text: &str| {
        let draft = path.with_extension("new");
        std::fs::write(&draft, text).unwrap();
        std::fs::rename(draft, path).unwrap();
    };
    put(&files.files.certificate, &certificate);
    tls.reload_changed_files();
    assert_eq!(in_service(&tls), first, "a half is no pair");
    assert!(tls.lock_watched().complaint.as_ref().unwrap().contains("does not match the first certificate"));
    put(&files.files.key, &key);
    tls.reload_changed_files();
    assert_ne!(in_service(&tls), first);
    assert_eq!(tls.lock_watched().complaint, None);

    let second = in_service(&tls);
    put(&files.files.certificate, "nothing");
    assert!(tls.reload().is_err());
    assert_eq!(in_service(&tls), second);
}
