//! TLS in the process: the handshake, and the certificate in service, which is exchanged while the server runs.

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

/// What clients may ask for over TLS, best first. Some still offer HTTP/1.0 by its name, and nothing else.
const PROTOCOLS: [&[u8]; 3] = [HTTP_2, b"http/1.1", b"http/1.0"];

const HTTP_2: &[u8] = b"h2";

/// How often there is a look at whether the files were changed.
const LOOK_EVERY: Duration = Duration::from_secs(10);

/// How long before its end a certificate is warned of, if a fifth of its life is not shorter.
const NEAR: SignedDuration = SignedDuration::from_hours(14 * 24);

/// How often the same warning is given.
const WARN_EVERY: SignedDuration = SignedDuration::from_hours(24);

/// TLS as the server speaks it.
pub(crate) struct Tls {
    acceptor: TlsAcceptor,
    provider: Arc<CryptoProvider>,
    files: config::Tls,
    clock: Arc<dyn Clock>,
    current: Arc<Current>,
    watched: Mutex<Watched>,
}

/// The pair in service. Who is in a handshake keeps the one it began with.
#[derive(Debug)]
struct Current(RwLock<Arc<CertifiedKey>>);

impl ResolvesServerCert for Current {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner)))
    }
}

/// What is known of the files.
struct Watched {
    stamps: [Option<Stamp>; 2],
    /// Why they were not taken when they were last read.
    complaint: Option<String>,
    life: Life,
    warned: Option<Timestamp>,
}

/// What changes when a file does: time, size, and which file it is that has the name.
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
        settings.alpn_protocols = PROTOCOLS.map(<[u8]>::to_vec).into();
        let tls = Self {
            acceptor: Arc::new(settings).into(),
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

    /// When the certificate in service ends.
    pub(crate) fn expires_at(&self) -> Timestamp {
        self.lock_watched().life.ends
    }

    /// Longest time for a handshake.
    pub(crate) fn handshake(&self) -> Duration {
        self.files.handshake()
    }

    /// Shakes hands.
    pub(crate) async fn accept<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        stream: S,
    ) -> std::io::Result<TlsStream<S>> {
        self.acceptor.accept(stream).await
    }

    /// Looks from time to time whether the files were changed, for as long as it is awaited.
    pub(crate) async fn watch(self: Arc<Self>) {
        let mut ticks = tokio::time::interval(LOOK_EVERY);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        // The first is at once, and the files were just read.
        ticks.tick().await;
        loop {
            ticks.tick().await;
            let tls = Arc::clone(&self);
            // The disk may be slow, and those who are served should not wait for it.
            if tokio::task::spawn_blocking(move || tls.reload_changed_files()).await.is_err() {
                tracing::error!("could not check the certificate files");
            }
        }
    }

    /// Takes the files if they were changed, or were no good before.
    fn reload_changed_files(&self) {
        let stamps = file_stamps(&self.files);
        let unchanged = {
            let watched = self.lock_watched();
            watched.stamps == stamps && watched.complaint.is_none()
        };
        if !unchanged {
            // What it comes to is logged.
            let _ = self.reload();
        }
        self.warn_of_end();
    }

    /// Reads the files, and puts what they hold into service; the next connection gets it. What can't be used changes
    /// nothing.
    pub(crate) fn reload(&self) -> Result<(), TlsError> {
        // Before they are read: a change meanwhile is seen the next time.
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
                // It is tried again and again, because a pair is put in its place one file after the other.
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

    /// Warns when the certificate in service is past its end or near it.
    fn warn_of_end(&self) {
        let now = self.clock.now();
        let mut watched = self.lock_watched();
        let ends = watched.life.ends;
        if !is_near(watched.life, now) || watched.warned.is_some_and(|at| now.duration_since(at) < WARN_EVERY)
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
    /// Puts what the files hold into service; connections from now on get it. What it comes to is logged.
    ///
    /// # Errors
    /// When the pair can't be used; the one before stays in service.
    pub fn reload(&self) -> Result<(), TlsError> {
        self.0.reload()
    }

    /// Does so only if the files were changed since they were last read.
    pub fn reload_if_changed(&self) {
        self.0.reload_changed_files();
    }
}

/// What was agreed on with a client, as the log shows it, and whether it is HTTP/2.
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

/// Whether a certificate should have been renewed by now.
fn is_near(Life { begins, ends }: Life, now: Timestamp) -> bool {
    ends.duration_since(now) < NEAR.min(ends.duration_since(begins) / 5)
}

fn file_stamps(files: &config::Tls) -> [Option<Stamp>; 2] {
    [&files.certificate, &files.key].map(|path| {
        let metadata = std::fs::metadata(path).ok()?;
        Some((metadata.mtime(), metadata.mtime_nsec(), metadata.len(), metadata.ino()))
    })
}

/// Whether everybody on the machine can read a file.
fn is_open(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|metadata| metadata.mode() & 0o004 != 0)
}

#[cfg(test)]
mod tests;
