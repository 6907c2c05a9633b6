//! Reads a certificate and its key from files.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use rustls::{Error as RustlsError, InconsistentKeys};
use thiserror::Error;
use x509_cert::certificate::{CertificateInner, Raw};
use x509_cert::der::Decode as _;
use x509_cert::time::Time;
use zeroize::Zeroizing;

use crate::config;

/// Why a certificate and its key cannot be used.
#[derive(Debug, Error)]
pub enum TlsError {
    /// A file cannot be read.
    #[error("{path}: {why}")]
    Read {
        /// The file.
        path: PathBuf,
        /// The cause.
        why: std::io::Error,
    },
    /// A file has an invalid PEM section.
    #[error("{0}: a PEM section is truncated or is not base64. Copy the whole file again")]
    Broken(PathBuf),
    /// The file contains no certificate.
    #[error("{0} contains no certificate: expected PEM with a line -----BEGIN CERTIFICATE-----")]
    NoCertificate(PathBuf),
    /// The file contains no key.
    #[error("{0} contains no private key: expected PEM with a line such as -----BEGIN PRIVATE KEY-----")]
    NoKey(PathBuf),
    /// The key is encrypted.
    #[error(
        "the private key in {0} is encrypted, and the server cannot ask for its password: store it unencrypted (openssl pkey -in {0} -out FILE), readable only by the server"
    )]
    Encrypted(PathBuf),
    /// The certificate is invalid.
    #[error("the first certificate in {path} cannot be read: {why}")]
    Certificate {
        /// The file.
        path: PathBuf,
        /// The cause.
        why: String,
    },
    /// The key is invalid, or of an unsupported kind.
    #[error("the private key in {path} cannot be used: {why}. Expected an RSA, ECDSA or Ed25519 key")]
    Key {
        /// The file.
        path: PathBuf,
        /// The cause.
        why: RustlsError,
    },
    /// Certificate and key do not match.
    #[error(
        "the private key in {key} does not match the first certificate in {certificate}. In a chain, the server's own certificate must come first"
    )]
    Mismatch {
        /// The file with the key.
        key: PathBuf,
        /// The file with the certificate.
        certificate: PathBuf,
    },
    /// The certificate has expired.
    #[error("the certificate in {path} expired on {ended}: renew it")]
    Expired {
        /// The file.
        path: PathBuf,
        /// The time of expiry.
        ended: Timestamp,
    },
    /// The certificate is not valid yet.
    #[error("the certificate in {path} is not valid before {begins}: is the machine's clock right?")]
    NotYet {
        /// The file.
        path: PathBuf,
        /// The start of its validity.
        begins: Timestamp,
    },
    /// The TLS settings contradict each other.
    #[error("could not set up TLS: {0}")]
    Setup(RustlsError),
}

/// The validity of a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Life {
    /// The first moment.
    pub begins: Timestamp,
    /// The last moment.
    pub ends: Timestamp,
}

/// A certificate chain with the matching key, currently valid.
pub struct Pair {
    /// Chain and key, ready to sign.
    pub key: Arc<CertifiedKey>,
    /// The validity of the certificate.
    pub life: Life,
}

impl Pair {
    /// Reads both files, and checks that they match and are currently valid.
    ///
    /// # Errors
    /// When one cannot be read or used.
    pub fn load(files: &config::Tls, provider: &CryptoProvider, now: Timestamp) -> Result<Self, TlsError> {
        let chain = chain(&files.certificate)?;
        let certificate = read_certificate(&chain, &files.certificate)?;
        let life = certificate_life(&certificate).map_err(|why| unreadable(&files.certificate, why))?;
        let key = provider
            .key_provider
            .load_private_key(private_key(&files.key)?)
            .map_err(|why| TlsError::Key { path: files.key.clone(), why })?;
        let key = CertifiedKey::new(chain, key);
        match key.keys_match() {
            Ok(()) | Err(RustlsError::InconsistentKeys(InconsistentKeys::Unknown)) => {}
            Err(RustlsError::InconsistentKeys(_)) => {
                let (key, certificate) = (files.key.clone(), files.certificate.clone());
                return Err(TlsError::Mismatch { key, certificate });
            }
            Err(why) => return Err(unreadable(&files.certificate, why)),
        }
        let path = || files.certificate.clone();
        if life.ends <= now {
            return Err(TlsError::Expired { path: path(), ended: life.ends });
        }
        if life.begins > now {
            return Err(TlsError::NotYet { path: path(), begins: life.begins });
        }
        Ok(Self { key: Arc::new(key), life })
    }
}

/// A certificate, parsed without the rules of RFC 5280 about serial numbers, which private authorities often violate.
pub type Certificate = CertificateInner<Raw>;

/// The first certificate of a file.
pub fn first_certificate(path: &Path) -> Result<Certificate, TlsError> {
    read_certificate(&chain(path)?, path)
}

fn certificate_life(certificate: &Certificate) -> Result<Life, jiff::Error> {
    let validity = &certificate.tbs_certificate.validity;
    let timestamp = |time: Time| {
        Timestamp::from_second(i64::try_from(time.to_unix_duration().as_secs()).unwrap_or(i64::MAX))
    };
    Ok(Life { begins: timestamp(validity.not_before)?, ends: timestamp(validity.not_after)? })
}

fn read_certificate(chain: &[CertificateDer<'static>], path: &Path) -> Result<Certificate, TlsError> {
    let first = chain.first().ok_or_else(|| TlsError::NoCertificate(path.to_owned()))?;
    Certificate::from_der(first).map_err(|why| unreadable(path, why))
}

fn chain(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    CertificateDer::pem_slice_iter(&read(path)?)
        .collect::<Result<_, _>>()
        .map_err(|error| malformed_pem(path, error))
}

fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>, TlsError> {
    let text = read(path)?;
    let holds = |what: &str| text.windows(what.len()).any(|bytes| bytes == what.as_bytes());
    if holds("-----BEGIN ENCRYPTED PRIVATE KEY-----") || holds("Proc-Type: 4,ENCRYPTED") {
        return Err(TlsError::Encrypted(path.to_owned()));
    }
    PrivateKeyDer::from_pem_slice(&text).map_err(|error| match error {
        pem::Error::NoItemsFound => TlsError::NoKey(path.to_owned()),
        error => malformed_pem(path, error),
    })
}

/// The parser's message is dropped: it contains bytes that may belong to a key.
fn malformed_pem(path: &Path, _: pem::Error) -> TlsError {
    TlsError::Broken(path.to_owned())
}

fn unreadable(path: &Path, why: impl ToString) -> TlsError {
    TlsError::Certificate { path: path.to_owned(), why: why.to_string() }
}

fn read(path: &Path) -> Result<Zeroizing<Vec<u8>>, TlsError> {
    let read = std::fs::read(path).map_err(|why| TlsError::Read { path: path.to_owned(), why })?;
    Ok(Zeroizing::new(read))
}
