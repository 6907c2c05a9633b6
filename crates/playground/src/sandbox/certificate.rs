//! The TLS certificate of a sandbox, for this machine, signed by an authority that signs nothing else.

use std::collections::BTreeSet;
use std::io;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use directory::port::Clock;
use jiff::{SignedDuration, Timestamp};
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer,
    KeyPair, KeyUsagePurpose, date_time_ymd,
};
use rustls::crypto::aws_lc_rs;
use x509_cert::ext::pkix::SubjectAltName;
use x509_cert::ext::pkix::name::GeneralName;

use super::SandboxError;
use server::config::{Tls, write_private};
use server::tls::{Certificate, Pair, first_certificate};

/// Names that every certificate contains.
const ALWAYS: [&str; 3] = ["localhost", "127.0.0.1", "::1"];

const LIFE: SignedDuration = SignedDuration::from_hours(365 * 24);

/// A certificate that expires sooner is replaced.
const LEAST: SignedDuration = SignedDuration::from_hours(24);

/// The certificates of a sandbox as files.
pub struct Certificates {
    /// Certificate and key of the server.
    pub tls: Tls,
    /// The certificate of the authority, which a client must trust. An absolute path.
    pub ca_file: PathBuf,
}

impl Certificates {
    /// The certificates in the folder of a sandbox, for this machine and the `given` names. They are created if missing, and
    /// replaced if they expire soon or are for other names; otherwise clients keep trusting them.
    ///
    /// The authority's key is never stored: it signs one certificate, and nobody can misuse it later.
    ///
    /// # Errors
    /// When a name is invalid, or a file cannot be written.
    pub fn open(folder: &Path, given: &[String], clock: &dyn Clock) -> Result<Self, SandboxError> {
        let folder = std::path::absolute(folder.join("tls")).map_err(file_error(folder))?;
        let file = |name: &str| folder.join(name);
        let certificates =
            Self { tls: Tls::new(file("server.pem"), file("server.key")), ca_file: file("ca.pem") };
        let names = ALWAYS.into_iter().map(|name| Ok(name.to_owned()));
        let names =
            names.chain(given.iter().map(|name| canonical(name))).collect::<Result<BTreeSet<_>, _>>()?;
        if !certificates.serve(&names, clock.now()) {
            std::fs::create_dir_all(&folder).map_err(file_error(&folder))?;
            certificates.make(&names, clock.now())?;
        }
        Ok(certificates)
    }

    /// Whether the existing files can be used.
    fn serve(&self, names: &BTreeSet<String>, now: Timestamp) -> bool {
        let Ok(pair) = Pair::load(&self.tls, &aws_lc_rs::default_provider(), now) else { return false };
        let (Ok(server), Ok(ca)) =
            (first_certificate(&self.tls.certificate), first_certificate(&self.ca_file))
        else {
            return false;
        };
        pair.life.ends.duration_since(now) > LEAST
            && server.tbs_certificate.issuer == ca.tbs_certificate.subject
            && self::names(&server).as_ref() == Some(names)
    }

    fn make(&self, names: &BTreeSet<String>, now: Timestamp) -> Result<(), SandboxError> {
        let mut ca = params(BTreeSet::new(), "Matricula sandbox CA", now)?;
        ca.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        ca.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let ca_key = KeyPair::generate().map_err(certificate_error)?;
        let ca_certificate = ca.self_signed(&ca_key).map_err(certificate_error)?;

        let mut server = params(names.clone(), "Matricula sandbox", now)?;
        server.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        server.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        server.use_authority_key_identifier_extension = true;
        let key = KeyPair::generate().map_err(certificate_error)?;
        let certificate = server.signed_by(&key, &Issuer::new(ca, ca_key)).map_err(certificate_error)?;

        // The files are written one after the other: after an interruption they do not match, and are replaced.
        replace(&self.tls.key, |path| write_private(path, &key.serialize_pem()))?;
        replace(&self.tls.certificate, |path| std::fs::write(path, certificate.pem()))?;
        replace(&self.ca_file, |path| std::fs::write(path, ca_certificate.pem()))
    }
}

/// Valid from the day before, because clocks differ.
fn params(
    names: BTreeSet<String>,
    common_name: &str,
    now: Timestamp,
) -> Result<CertificateParams, SandboxError> {
    let date = |at: Timestamp| {
        let date = jiff::tz::Offset::UTC.to_datetime(at).date();
        date_time_ymd(date.year().into(), date.month().unsigned_abs(), date.day().unsigned_abs())
    };
    let mut params = CertificateParams::new(Vec::from_iter(names)).map_err(certificate_error)?;
    params.not_before = date(now - SignedDuration::from_hours(24));
    params.not_after = date(now + LIFE);
    params.distinguished_name = DistinguishedName::new();
    // The date distinguishes several authorities that a machine has come to trust.
    params.distinguished_name.push(DnType::CommonName, format!("{common_name} {now:.0}"));
    Ok(params)
}

/// The canonical form of a name in a certificate.
fn canonical(name: &str) -> Result<String, SandboxError> {
    if let Ok(address) = name.parse::<IpAddr>() {
        return Ok(address.to_string());
    }
    let host = name.strip_prefix("*.").unwrap_or(name);
    let label = |label: &str| {
        !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
    };
    if host.len() > 253 || !host.split('.').all(label) {
        return Err(SandboxError::Name(name.to_owned()));
    }
    Ok(name.to_ascii_lowercase())
}

/// The names in a certificate, if they are readable.
fn names(certificate: &Certificate) -> Option<BTreeSet<String>> {
    let (_, names) = certificate.tbs_certificate.get::<SubjectAltName>().ok()??;
    let name = |name: &GeneralName| match name {
        GeneralName::DnsName(name) => Some(name.to_string()),
        GeneralName::IpAddress(address) => match address.as_bytes().len() {
            4 => <[u8; 4]>::try_from(address.as_bytes()).ok().map(|bytes| IpAddr::from(bytes).to_string()),
            _ => <[u8; 16]>::try_from(address.as_bytes()).ok().map(|bytes| IpAddr::from(bytes).to_string()),
        },
        _ => None,
    };
    names.0.iter().map(name).collect()
}

fn replace(path: &Path, write: impl FnOnce(&Path) -> io::Result<()>) -> Result<(), SandboxError> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => write(path),
    }
    .map_err(file_error(path))
}

fn file_error(path: &Path) -> impl FnOnce(io::Error) -> SandboxError {
    let path = path.to_owned();
    move |source| SandboxError::File { path, source }
}

fn certificate_error(error: rcgen::Error) -> SandboxError {
    SandboxError::Certificate(error.to_string())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;
    use std::sync::Mutex;

    use super::*;

    struct Calendar(Mutex<Timestamp>);

    impl Clock for Calendar {
        fn now(&self) -> Timestamp {
            *self.0.lock().unwrap()
        }
    }

    #[test]
    fn certificates_stay_as_long_as_they_serve() {
        let calendar = Calendar(Mutex::new("2026-11-24T12:00Z".parse().unwrap()));
        let folder = tempfile::tempdir().unwrap();
        let open = |names: &[&str]| {
            let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
            let opened = Certificates::open(folder.path(), &names, &calendar).unwrap();
            (std::fs::read_to_string(&opened.ca_file).unwrap(), opened)
        };
        let (first, opened) = open(&[]);
        assert!(opened.ca_file.is_absolute());
        assert_eq!(std::fs::metadata(&opened.tls.key).unwrap().permissions().mode() & 0o777, 0o600);
        let kept: Vec<_> = std::fs::read_dir(folder.path().join("tls")).unwrap().collect();
        assert_eq!(kept.len(), 3, "the authority's key is not kept");
        assert_eq!(open(&[]).0, first);
        assert_eq!(open(&["LOCALHOST", "::1"]).0, first, "the same names");

        let (second, _) = open(&["Directory.test", "*.directory.test", "10.0.0.7", "fe80::0:7"]);
        assert_ne!(second, first);
        assert_eq!(open(&["fe80::7", "10.0.0.7", "directory.test", "*.directory.test"]).0, second);

        *calendar.0.lock().unwrap() += SignedDuration::from_hours(364 * 24);
        let (third, opened) = open(&["directory.test"]);
        let pair = Pair::load(&opened.tls, &aws_lc_rs::default_provider(), calendar.now()).unwrap();
        assert_eq!(pair.life.ends, "2028-11-22T00:00Z".parse().unwrap());
        std::fs::remove_file(&opened.tls.key).unwrap();
        assert_ne!(open(&["directory.test"]).0, third);
    }

    #[test]
    fn a_name_that_is_none_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let calendar = Calendar(Mutex::new("2026-11-24T12:00Z".parse().unwrap()));
        for name in ["", "a b", "https://x", "x:8080", "a..b", "bücher.example", "a.*"] {
            let refused = Certificates::open(folder.path(), &[name.to_owned()], &calendar).err().unwrap();
            assert!(refused.to_string().contains("is neither a host name nor an IP address"), "{refused}");
        }
    }
}
