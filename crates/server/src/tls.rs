//! TLS: the handshake and the certificate, which can be replaced while the server runs.

mod pair;

use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use directory::port::Clock;
use jiff::{SignedDuration, Timestamp};
use rustls::ServerConfig;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::version::{TLS12, TLS13};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::config;
pub use pair::{Certificate, Life, Pair, TlsError, first_certificate};

/// Protocols for negotiation, best first. Some clients offer only HTTP/1.0.
const PROTOCOLS: [&[u8]; 3] = [HTTP_2, b"http/1.1", b"http/1.0"];

const HTTP_2: &[u8] = b"h2";

/// How often the files are checked for changes.
const LOOK_EVERY: Duration = Duration::from_secs(10);

/// A certificate is reported this long before it expires, or after four fifths of its life if that is later.
const NEAR: SignedDuration = SignedDuration::from_hours(14 * 24);

/// How often a warning is repeated.
const WARN_EVERY: SignedDuration = SignedDuration::from_hours(24);

/// The TLS side of the server.
pub(crate) struct Tls {
    acceptor: TlsAcceptor,
    /// Without protocols to negotiate: LDAP has none.
    ldap: TlsAcceptor,
    provider: Arc<CryptoProvider>,
    files: config::Tls,
    clock: Arc<dyn Clock>,
    current: Arc<Current>,
    watched: Mutex<Watched>,
}

/// The pair in use. A running handshake keeps its pair.
#[derive(Debug)]
struct Current(RwLock<Arc<CertifiedKey>>);

impl ResolvesServerCert for Current {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner)))
    }
}

/// The state of the files.
struct Watched {
    stamps: [Option<Stamp>; 2],
    /// Why the files could not be used when they were last read.
    complaint: Option<String>,
    life: Life,
    warned: Option<Timestamp>,
}

/// Changes when a file is replaced: modification time, size and inode.
type Stamp = (i64, i64, u64, u64);

impl Tls {
    /// Reads certificate and key.
    pub(crate) fn open(files: &config::Tls, clock: Arc<dyn Clock>) -> Result<Self, TlsError> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let stamps = file_stamps(files);
        let Pair { key, life } = Pair::load(files, &provider, clock.now())?;
        let current = Arc::new(Current(RwLock::new(key)));
        let mut settings = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(&[&TLS13, &TLS12])
            .map_err(TlsError::Setup)?
            .with_no_client_auth()
            .with_cert_resolver(Arc::clone(&current) as _);
        let ldap = Arc::new(settings.clone()).into();
        settings.alpn_protocols = PROTOCOLS.map(<[u8]>::to_vec).into();
        let tls = Self {
            acceptor: Arc::new(settings).into(),
            ldap,
            provider,
            files: files.clone(),
            clock,
            current,
            watched: Mutex::new(Watched { stamps, complaint: None, life, warned: None }),
        };
        tls.log_certificate(life);
        tls.warn_of_end();
        Ok(tls)
    }

    /// The expiry of the certificate in use.
    pub(crate) fn expires_at(&self) -> Timestamp {
        self.lock_watched().life.ends
    }

    pub(crate) fn handshake(&self) -> Duration {
        self.files.handshake()
    }

    /// Performs a handshake.
    pub(crate) async fn accept<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        stream: S,
    ) -> std::io::Result<TlsStream<S>> {
        self.acceptor.accept(stream).await
    }

    /// Performs a handshake with an LDAP client.
    pub(crate) async fn accept_ldap<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        stream: S,
    ) -> std::io::Result<TlsStream<S>> {
        self.ldap.accept(stream).await
    }

    /// Checks the files for changes periodically, until dropped.
    pub(crate) async fn watch(self: Arc<Self>) {
        let mut ticks = tokio::time::interval(LOOK_EVERY);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        // The first tick is immediate, and the files were just read.
        ticks.tick().await;
        loop {
            ticks.tick().await;
            let tls = Arc::clone(&self);
            // The disk may be slow and must not block a thread that serves requests.
            if tokio::task::spawn_blocking(move || tls.reload_changed_files()).await.is_err() {
                tracing::error!("could not check the certificate files");
            }
        }
    }

    /// Reloads the files if they have changed or were unusable before.
    fn reload_changed_files(&self) {
        let stamps = file_stamps(&self.files);
        let unchanged = {
            let watched = self.lock_watched();
            watched.stamps == stamps && watched.complaint.is_none()
        };
        if !unchanged {
            // `reload` logs the outcome.
            let _ = self.reload();
        }
        self.warn_of_end();
    }

    /// Reads the files and uses their content for new connections. On an error the current certificate stays in use.
    pub(crate) fn reload(&self) -> Result<(), TlsError> {
        // Before reading, so that a concurrent change is detected by the next check.
        let stamps = file_stamps(&self.files);
        let loaded = Pair::load(&self.files, &self.provider, self.clock.now());
        let mut watched = self.lock_watched();
        watched.stamps = stamps;
        match loaded {
            Ok(Pair { key, life }) => {
                *self.current.0.write().unwrap_or_else(PoisonError::into_inner) = key;
                (watched.complaint, watched.life, watched.warned) = (None, life, None);
                drop(watched);
                self.log_certificate(life);
                Ok(())
            }
            Err(error) => {
                let complaint = error.to_string();
                // Retried and logged once: a renewal replaces one file after the other.
                if watched.complaint.as_ref() != Some(&complaint) {
                    let ends = watched.life.ends;
                    tracing::error!(%error, %ends, "the new certificate is unusable; the previous one stays in use");
                    watched.complaint = Some(complaint);
                }
                Err(error)
            }
        }
    }

    fn log_certificate(&self, life: Life) {
        let Life { begins, ends } = life;
        tracing::info!(certificate = %self.files.certificate.display(), %begins, %ends, "certificate in use");
        if is_open(&self.files.key) {
            tracing::warn!(key = %self.files.key.display(), "all users of this machine can read the private key: run chmod o-r");
        }
    }

    /// Warns if the certificate in use has expired or expires soon.
    fn warn_of_end(&self) {
        let now = self.clock.now();
        let mut watched = self.lock_watched();
        let ends = watched.life.ends;
        if !ends_soon(watched.life, now)
            || watched.warned.is_some_and(|at| now.duration_since(at) < WARN_EVERY)
        {
            return;
        }
        watched.warned = Some(now);
        let certificate = self.files.certificate.display();
        if ends <= now {
            tracing::error!(%certificate, %ends, "TLS certificate has expired: clients refuse it");
        } else {
            tracing::warn!(%certificate, %ends, "TLS certificate expires soon: renew it");
        }
    }

    fn lock_watched(&self) -> std::sync::MutexGuard<'_, Watched> {
        self.watched.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Reloads certificate and key on request, not only after the files have changed.
pub struct CertificateReload(pub(crate) Arc<Tls>);

impl CertificateReload {
    /// Reads the files and uses their content for new connections. The outcome is logged.
    ///
    /// # Errors
    /// When the pair cannot be used; the previous one stays in use.
    pub fn reload(&self) -> Result<(), TlsError> {
        self.0.reload()
    }

    /// Reloads only if the files have changed since they were last read.
    pub fn reload_if_changed(&self) {
        self.0.reload_changed_files();
    }
}

/// The negotiated protocol for the log, and whether it is HTTP/2.
pub(crate) fn negotiated_protocol<S>(stream: &TlsStream<S>) -> (&'static str, bool) {
    let (_, session) = stream.get_ref();
    let older = session.protocol_version() == Some(rustls::ProtocolVersion::TLSv1_2);
    match (session.alpn_protocol() == Some(HTTP_2), older) {
        (true, true) => ("HTTP/2, TLS 1.2", true),
        (true, false) => ("HTTP/2, TLS 1.3", true),
        (false, true) => ("HTTP/1, TLS 1.2", false),
        (false, false) => ("HTTP/1, TLS 1.3", false),
    }
}

/// Whether a certificate should have been renewed already.
pub(crate) fn ends_soon(Life { begins, ends }: Life, now: Timestamp) -> bool {
    ends.duration_since(now) < NEAR.min(ends.duration_since(begins) / 5)
}

fn file_stamps(files: &config::Tls) -> [Option<Stamp>; 2] {
    [&files.certificate, &files.key].map(|path| {
        let metadata = std::fs::metadata(path).ok()?;
        Some((metadata.mtime(), metadata.mtime_nsec(), metadata.len(), metadata.ino()))
    })
}

/// Whether every user of the machine can read a file.
fn is_open(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|metadata| metadata.mode() & 0o004 != 0)
}

#[cfg(test)]
mod tests;
