//! A certificate and its key, read from their files.

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

/// Why a certificate and its key can't be used.
#[derive(Debug, Error)]
pub enum TlsError {
    /// A file can't be read.
    #[error("{path}: {why}")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        why: std::io::Error,
    },
    /// A file begins as PEM and does not go on so.
    #[error("{0}: a PEM section is truncated or is not base64. Copy the whole file again")]
    Broken(PathBuf),
    /// There is no certificate in its file.
    #[error("{0} contains no certificate: expected PEM with a line -----BEGIN CERTIFICATE-----")]
    NoCertificate(PathBuf),
    /// There is no key in its file.
    #[error("{0} contains no private key: expected PEM with a line such as -----BEGIN PRIVATE KEY-----")]
    NoKey(PathBuf),
    /// The key asks for a password.
    #[error(
        "the private key in {0} is encrypted, and the server cannot ask for its password: store it unencrypted (openssl pkey -in {0} -out FILE), readable only by the server"
    )]
    Encrypted(PathBuf),
    /// The certificate is none.
    #[error("the first certificate in {path} cannot be read: {why}")]
    Certificate {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// The key is none, or of a kind that is not used for TLS.
    #[error("the private key in {path} cannot be used: {why}. Expected an RSA, ECDSA or Ed25519 key")]
    Key {
        /// The file.
        path: PathBuf,
        /// Why.
        why: RustlsError,
    },
    /// Certificate and key are not of one another.
    #[error(
        "the private key in {key} does not match the first certificate in {certificate}. In a chain, the server's own certificate must come first"
    )]
    Mismatch {
        /// The file with the key.
        key: PathBuf,
        /// The file with the certificate.
        certificate: PathBuf,
    },
    /// The certificate is past its life.
    #[error("the certificate in {path} expired on {ended}: renew it")]
    Expired {
        /// The file.
        path: PathBuf,
        /// When.
        ended: Timestamp,
    },
    /// The certificate's life has not begun.
    #[error("the certificate in {path} is not valid before {begins}: is the machine's clock right?")]
    NotYet {
        /// The file.
        path: PathBuf,
        /// When it begins.
        begins: Timestamp,
    },
    /// The settings of TLS don't go together.
    #[error("could not set up TLS: {0}")]
    Setup(RustlsError),
}

/// From when to when a certificate is valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Life {
    /// The first moment.
    pub begins: Timestamp,
    /// The last moment.
    pub ends: Timestamp,
}

/// A certificate chain with its key, which belong together and can be used now.
pub struct Pair {
    /// Chain and key, ready to sign.
    pub key: Arc<CertifiedKey>,
    /// When the certificate is good.
    pub life: Life,
}

impl Pair {
    /// Reads both from their files, and checks that they belong together and can be used now.
    ///
    /// # Errors
    /// When either can not be read or used.
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

/// A certificate, read without the rules of RFC 5280 about serial numbers, which authorities of one's own break.
pub type Certificate = CertificateInner<Raw>;

/// The first certificate of a file.
pub fn first_certificate(path: &Path) -> Result<Certificate, TlsError> {
    read_certificate(&chain(path)?, path)
}

/// From when to when it is valid.
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

/// What the parser says is left out: it shows the bytes, and they may be those of a key.
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
