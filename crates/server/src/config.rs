//! The configuration of `matricula serve`: a TOML file. Unknown keys are errors.

mod backup;
mod ldap;
mod observation;
mod tls;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use auth::{Cost, PasswordHasher};
use directory::port::{Clock, Entropy, RequestIds, Store};
use directory::session::SessionLimits;
use serde::{Deserialize, Serialize};
use store::{Commits, Location, MasterKey, Opening, VaultError};
use thiserror::Error;

pub use api::dns::{Domains, Verification};
pub use api::limits::Limits;
pub use backup::Backup;
pub use ldap::Ldap;
pub use observation::{Journal, Metrics, Traces};
pub use tls::Tls;

/// The environment variable that may hold the master key.
pub const MASTER_KEY_VARIABLE: &str = "MATRICULA_MASTER_KEY";

/// The environment variable that may name the file with the master key; it takes precedence over the setting.
pub const MASTER_KEY_FILE_VARIABLE: &str = "MATRICULA_MASTER_KEY_FILE";

/// Settings of a server.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Address and port to listen on. Port 0 chooses a free port.
    pub listen: SocketAddr,
    /// The database: a file, or `postgres://…` for one that several nodes share.
    #[serde(alias = "database")]
    pub store: Location,
    /// Whether writes are refused while PostgreSQL waits for no synchronous standby: then no failover loses an
    /// acknowledged write.
    pub require_synchronous_replication: bool,
    /// The file with the master key: 64 hexadecimal digits, readable only by its owner. Alternatively the variable
    /// `MATRICULA_MASTER_KEY_FILE` names the file, or `MATRICULA_MASTER_KEY` contains the key.
    pub master_key_file: Option<PathBuf>,
    /// Whether plaintext HTTP may be served to other machines, because a proxy terminates TLS.
    pub allow_plaintext: bool,
    /// The certificate for HTTPS; without it the server uses plaintext HTTP.
    pub tls: Option<Tls>,
    /// The URL of the server: scheme, host and port. discover-authentication returns it; many clients take its host and
    /// prepend `https://`. Default: `http://` and `listen`; with [`tls`](Self::tls): `https://` and the host that the
    /// client called.
    pub public_url: Option<String>,
    /// How to treat a reused request id with another body.
    pub request_ids: RequestIds,
    /// Allowed difference between `x-mc-date` and the server's time, in seconds.
    pub freshness_seconds: u32,
    /// The limit of calls per user.
    pub quota: Quota,
    /// How passwords are hashed.
    pub passwords: Passwords,
    /// How an account proves ownership of a domain.
    pub domains: Domains,
    /// The console.
    pub console: Console,
    /// The limits of a request.
    pub limits: Limits,
    /// How long the server still answers calls after it was told to stop, in seconds. `/readyz` says so meanwhile, so that
    /// a load balancer sends calls elsewhere before the port is closed.
    pub drain_seconds: u64,
    /// The format of log lines.
    pub log: LogFormat,
    /// The log file; default: standard error.
    pub log_file: Option<PathBuf>,
    /// Backups that the server makes; none by default.
    pub backup: Option<Backup>,
    /// The listener for Prometheus; none by default.
    pub metrics: Option<Metrics>,
    /// The listeners for LDAP clients; none by default.
    pub ldap: Option<Ldap>,
    /// Whether the last requests are recorded.
    pub journal: Journal,
    /// Where traces of calls are sent; nowhere by default.
    pub traces: Option<Traces>,
    /// The file that these settings are from; it is no setting.
    #[serde(skip)]
    pub file: Option<PathBuf>,
}

/// Calls per user and window (spec/protocol.md 3b).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Quota {
    /// Whether calls are limited.
    pub enabled: bool,
    /// Calls per window.
    pub calls: u32,
    /// Length of the window, in milliseconds.
    pub window_ms: u32,
}

/// Password hashing with Argon2id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Passwords {
    /// Memory of one hash, in KiB.
    pub memory_kib: u32,
    /// Passes over the memory.
    pub iterations: u32,
    /// Parallel lanes.
    pub parallelism: u32,
    /// Hashing threads; 0: one per core.
    pub threads: usize,
    /// Most passwords that may wait. A request with more passwords is always refused.
    pub queue: usize,
}

/// The console: pages for administrators, below `/console`. `[ours]`
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Console {
    /// Whether the console is enabled.
    pub enabled: bool,
    /// Idle timeout of a session, in minutes.
    pub idle_minutes: u32,
    /// Longest life of a session, in hours.
    pub session_hours: u32,
}

/// The format of log lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// One JSON object per line.
    #[default]
    Json,
    /// Text for people.
    Text,
    /// No log.
    Off,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            store: Location::Sqlite(PathBuf::from("matricula.db")),
            require_synchronous_replication: false,
            master_key_file: None,
            allow_plaintext: false,
            tls: None,
            public_url: None,
            request_ids: RequestIds::Strict,
            freshness_seconds: 15 * 60,
            quota: Quota::default(),
            passwords: Passwords::default(),
            domains: Domains::default(),
            console: Console::default(),
            limits: Limits::default(),
            drain_seconds: 0,
            log: LogFormat::default(),
            log_file: None,
            backup: None,
            metrics: None,
            ldap: None,
            journal: Journal::default(),
            traces: None,
            file: None,
        }
    }
}

impl Default for Quota {
    /// 800 calls in 5 seconds, as recorded from the service.
    fn default() -> Self {
        Self { enabled: true, calls: 800, window_ms: 5_000 }
    }
}

impl Default for Passwords {
    fn default() -> Self {
        let Cost { memory_kib, iterations, parallelism } = Cost::default();
        Self { memory_kib, iterations, parallelism, threads: 0, queue: 2_048 }
    }
}

impl Default for Console {
    fn default() -> Self {
        Self { enabled: true, idle_minutes: 30, session_hours: 12 }
    }
}

impl Console {
    pub(crate) fn limits(&self) -> SessionLimits {
        SessionLimits {
            idle: jiff::SignedDuration::from_mins(i64::from(self.idle_minutes)),
            whole: jiff::SignedDuration::from_hours(i64::from(self.session_hours)),
        }
    }
}

/// Why a configuration cannot be used.
#[derive(Debug, Error)]
pub enum ConfigError {
    /// A file cannot be read.
    #[error("{path}: {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// The file is not a valid configuration.
    #[error("{path}, line {line}: {}", .why.message())]
    Parse {
        /// The file.
        path: PathBuf,
        /// The line, from 1. The line itself is not shown: it may have a password.
        line: usize,
        /// The cause. It is not the error's source, which would be shown with the line.
        why: Box<toml::de::Error>,
    },
    /// Plaintext HTTP would be reachable from other machines.
    #[error(
        "listen = \"{0}\" would serve plaintext HTTP to other machines: passwords could be read in transit. Configure a certificate ([tls] in docs/CONFIGURATION.md), or listen on 127.0.0.1 behind a TLS proxy, or set \
         allow_plaintext = true"
    )]
    Plaintext(SocketAddr),
    /// Plaintext LDAP would be reachable from other machines.
    #[error(
        "ldap.listen = \"{0}\" would serve LDAP in plaintext to other machines: passwords could be read in transit. Configure a certificate ([tls] in docs/CONFIGURATION.md), then clients use StartTLS; or listen on 127.0.0.1"
    )]
    PlaintextLdap(SocketAddr),
    /// Metrics would be reachable from other machines.
    #[error(
        "metrics.listen = \"{0}\" would show request counts per application to other machines, in plaintext and without authentication. Listen on 127.0.0.1, or, if only the collector can reach the address, set allow_remote = true in [metrics]"
    )]
    Metrics(SocketAddr),
    /// The master key is missing.
    #[error(
        "no master key: set master_key_file, or one of the variables {MASTER_KEY_FILE_VARIABLE} and {MASTER_KEY_VARIABLE}. `matricula admin new-master-key FILE` creates one"
    )]
    NoMasterKey,
    /// Other users can read the master key.
    #[error("{0} is readable by other users: run chmod 600 {0}")]
    Readable(PathBuf),
    /// The master key is malformed.
    #[error("the master key in {place}: {source}")]
    MasterKey {
        /// Its source.
        place: String,
        /// The cause.
        source: VaultError,
    },
    /// A setting is invalid.
    #[error("{0}")]
    Setting(&'static str),
}

/// Checks a value of [`Config::public_url`].
///
/// # Errors
/// When it is not `http` or `https` and a host, with or without a port and a path, or ends with a slash.
pub fn check_public_url(url: &str) -> Result<(), ConfigError> {
    let host = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://")).unwrap_or_default();
    let is_foreign = |c: char| c.is_whitespace() || c.is_control() || "@?#".contains(c);
    if host.is_empty() || host.starts_with([':', '/']) || host.ends_with('/') || host.contains(is_foreign) {
        return Err(ConfigError::Setting(
            "public_url must be http:// or https:// and a host, such as https://directory.example.com, without a slash \
             at the end, a user, a query or a fragment",
        ));
    }
    Ok(())
}

impl Config {
    /// Reads a configuration file. Relative paths are relative to the file.
    ///
    /// # Errors
    /// When the file cannot be read, or contains an unknown key or an invalid setting.
    pub fn from_file(path: &Path) -> Result<Self, ConfigError> {
        let text = read(path)?;
        let mut config: Config = toml::from_str(&text).map_err(|why| {
            let before = why.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
            let line = before.matches('\n').count() + 1;
            ConfigError::Parse { path: path.to_owned(), line, why: Box::new(why) }
        })?;
        let folder = path.parent().unwrap_or(Path::new("."));
        config.file = Some(path.to_owned());
        config.store = config.store.below(folder);
        config.master_key_file = config.master_key_file.map(|file| folder.join(file));
        config.tls = config.tls.map(|tls| tls.below(folder));
        config.backup = config.backup.map(|backup| backup.below(folder));
        config.log_file = config.log_file.map(|file| folder.join(file));
        config.check()?;
        Ok(config)
    }

    fn check_store(&self) -> Result<(), ConfigError> {
        if let Location::Sqlite(file) = &self.store {
            // A mistyped address is no file; it may have a password and is not shown.
            let text = file.to_string_lossy();
            if text.contains("://") || text.contains("postgres:") || text.contains("password=") {
                return Err(ConfigError::Setting(
                    "store must be the path of a file, or an address that begins with postgres://",
                ));
            }
        }
        if self.require_synchronous_replication && matches!(self.store, Location::Sqlite(_)) {
            return Err(ConfigError::Setting(
                "require_synchronous_replication = true needs PostgreSQL: `store` names a file, which has no standby",
            ));
        }
        Ok(())
    }

    fn check(&self) -> Result<(), ConfigError> {
        if !self.listen.ip().is_loopback() && !self.allow_plaintext && self.tls.is_none() {
            return Err(ConfigError::Plaintext(self.listen));
        }
        if let Some(Metrics { listen, allow_remote: false }) = self.metrics
            && !listen.ip().is_loopback()
        {
            return Err(ConfigError::Metrics(listen));
        }
        self.check_store()?;
        self.ldap.as_ref().map_or(Ok(()), |ldap| ldap.check(self.tls.as_ref()))?;
        self.backup.as_ref().map_or(Ok(()), Backup::check)?;
        self.traces.as_ref().map_or(Ok(()), Traces::check)?;
        if self.journal.keep == 0 || self.journal.keep > Journal::MOST {
            return Err(ConfigError::Setting("journal.keep must be between 1 and 100000"));
        }
        self.public_url.as_deref().map_or(Ok(()), check_public_url)?;
        let Limits { body_bytes, header_seconds, body_seconds, request_seconds, answer_seconds, .. } =
            self.limits;
        let least = [body_bytes, self.limits.in_flight, self.passwords.queue].into_iter().min();
        let shortest = [header_seconds, body_seconds, request_seconds, answer_seconds].into_iter().min();
        if least == Some(0) || shortest == Some(0) {
            return Err(ConfigError::Setting("limits and passwords.queue must be at least 1"));
        }
        if self.limits.bodies_bytes < body_bytes {
            return Err(ConfigError::Setting(
                "limits.bodies_bytes is the limit for all bodies together: it must be at least limits.body_bytes",
            ));
        }
        if self.tls.as_ref().is_some_and(|tls| tls.handshake_seconds == 0) {
            return Err(ConfigError::Setting("tls.handshake_seconds must be at least 1"));
        }
        if self.domains.timeout_seconds == 0 {
            return Err(ConfigError::Setting(
                "domains.timeout_seconds must be at least 1; to use no resolver, set domains.verification = \"offline\"",
            ));
        }
        if self.console.enabled && (self.console.idle_minutes == 0 || self.console.session_hours == 0) {
            return Err(ConfigError::Setting(
                "console sessions cannot last 0 seconds: to disable the console, set console.enabled = false",
            ));
        }
        if self.quota.enabled && (self.quota.calls == 0 || self.quota.window_ms == 0) {
            return Err(ConfigError::Setting(
                "the quota cannot be 0: to disable it, set quota.enabled = false",
            ));
        }
        Ok(())
    }

    /// The master key, from the environment or from its file, which the environment may name.
    ///
    /// # Errors
    /// When it is missing, malformed, or readable by other users.
    pub fn master_key(&self) -> Result<MasterKey, ConfigError> {
        #[expect(clippy::disallowed_methods, reason = "the environment is read here")]
        if let Ok(digits) = std::env::var(MASTER_KEY_VARIABLE) {
            let place = format!("the variable {MASTER_KEY_VARIABLE}");
            return MasterKey::parse(&digits).map_err(|source| ConfigError::MasterKey { place, source });
        }
        #[expect(clippy::disallowed_methods, reason = "the environment is read here")]
        let named = std::env::var_os(MASTER_KEY_FILE_VARIABLE).map(PathBuf::from);
        let file = named.as_deref().or(self.master_key_file.as_deref());
        read_master_key(file.ok_or(ConfigError::NoMasterKey)?)
    }

    /// Opens the configured store.
    pub(crate) fn open_store(
        &self,
        serves: bool,
        master_key: &MasterKey,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Result<Arc<dyn Store>, store::OpenError> {
        let commits = if self.require_synchronous_replication { Commits::OnStandby } else { Commits::OnDisk };
        self.store.open_with(Opening { serves, commits }, master_key, clock, entropy)
    }

    pub(crate) fn freshness(&self) -> jiff::SignedDuration {
        jiff::SignedDuration::from_secs(i64::from(self.freshness_seconds))
    }
}

/// Whether a variable has the master key or names its file: then the configuration need not name one.
pub fn key_is_in_environment() -> bool {
    #[expect(clippy::disallowed_methods, reason = "the environment is read here")]
    let is_set = |name: &&str| std::env::var_os(name).is_some();
    [MASTER_KEY_VARIABLE, MASTER_KEY_FILE_VARIABLE].iter().any(is_set)
}

/// Reads a master key from a file that no other user can read.
///
/// # Errors
/// When the file cannot be read, other users can read it, or it contains no key.
pub fn read_master_key(path: &Path) -> Result<MasterKey, ConfigError> {
    use std::os::unix::fs::MetadataExt as _;
    let failed = |source| ConfigError::Read { path: path.to_owned(), source };
    let file = std::fs::metadata(path).map_err(failed)?;
    if is_exposed(file.mode(), file.uid(), rustix::process::geteuid().as_raw()) {
        return Err(ConfigError::Readable(path.to_owned()));
    }
    let digits = zeroize::Zeroizing::new(read(path)?);
    let place = path.display().to_string();
    MasterKey::parse(&digits).map_err(|source| ConfigError::MasterKey { place, source })
}

/// Whether a file with a secret is open to users other than its reader. The group of a file of root may read it, but only
/// if the reader is not root: systemd passes a credential to the user of a service in this way, and Kubernetes a secret.
fn is_exposed(mode: u32, owner: u32, reader: u32) -> bool {
    let allowed = if owner == 0 && reader != 0 { 0o740 } else { 0o700 };
    mode & 0o777 & !allowed != 0
}

/// Writes a new file that only its owner can read. Never overwrites a file.
///
/// # Errors
/// When the file exists or cannot be written.
pub fn write_private(path: &Path, text: &str) -> std::io::Result<()> {
    use std::io::Write as _;
    use std::os::unix::fs::OpenOptionsExt as _;
    let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    // A half file would be in the way of the next attempt.
    file.write_all(text.as_bytes())
        .and_then(|()| file.sync_all())
        .inspect_err(|_| drop(std::fs::remove_file(path)))
}

fn read(path: &Path) -> Result<String, ConfigError> {
    std::fs::read_to_string(path).map_err(|source| ConfigError::Read { path: path.to_owned(), source })
}

impl Passwords {
    pub(crate) fn hasher(
        &self,
        entropy: Arc<dyn Entropy>,
    ) -> Result<PasswordHasher, auth::hasher::CostError> {
        let cost = auth::Cost {
            memory_kib: self.memory_kib,
            iterations: self.iterations,
            parallelism: self.parallelism,
        };
        let cores = || std::thread::available_parallelism().map_or(1, usize::from);
        let threads = if self.threads == 0 { cores() } else { self.threads };
        PasswordHasher::start(cost, threads, self.queue, entropy)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn from(text: &str) -> Result<Config, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("matricula.toml");
        std::fs::write(&path, text).unwrap();
        let config = Config::from_file(&path).map_err(|error| error.to_string());
        config.map_err(|error| error.replace(&folder.path().display().to_string(), ""))
    }

    #[rstest]
    #[case("https://directory.example.com", true)]
    #[case("http://10.0.0.1:8080/below", true)]
    #[case("https://directory.example.com/", false)]
    #[case("directory.example.com", false)]
    #[case("ftp://directory.example.com", false)]
    #[case("https://:8443", false)]
    #[case("https://ann:secret@directory.example.com", false)]
    #[case("https://directory.example.com?a=b", false)]
    #[case("https://directory.example.com#top", false)]
    #[case("https://directory.example.com\u{a}", false)]
    fn a_public_url_is_where_clients_can_call(#[case] url: &str, #[case] is_right: bool) {
        assert_eq!(check_public_url(url).is_ok(), is_right);
    }

    #[test]
    fn defaults_are_those_of_production() {
        let config = from("").unwrap();
        assert_eq!(config.request_ids, RequestIds::Strict);
        assert_eq!(config.quota, Quota { enabled: true, calls: 800, window_ms: 5_000 });
        assert_eq!(config.domains.verification, Verification::Dns);
        assert!(matches!(&config.store, Location::Sqlite(path) if path.is_absolute()));
    }

    #[rstest]
    #[case("lisen = 1", "unknown field `lisen`")]
    #[case("[quota]\ncals = 1", "unknown field `cals`")]
    #[case("listen = \"0.0.0.0:80\"", "would serve plaintext HTTP to other machines")]
    #[case("request_ids = \"lax\"", "expected `strict` or `compatible`")]
    #[case("require_synchronous_replication = true", "needs PostgreSQL")]
    #[case("store = \"POSTGRES://u:canary@h/x\"", "begins with postgres://")]
    #[case("store = \"host=h user=u password=canary\"", "begins with postgres://")]
    #[case("store = \"postgres://u:canary@h/x", "line 1: ")]
    #[case("# 1\nstor = \"postgres://u:canary@h/x\"", "line 2: unknown field `stor`")]
    #[case("store = [\"postgres://u:canary@h/x\"]", "line 1: ")]
    #[case("[limits]\nbody_bytes = 0", "must be at least 1")]
    #[case("[limits]\nanswer_seconds = 0", "must be at least 1")]
    #[case("[limits]\nbodies_bytes = 1000", "must be at least limits.body_bytes")]
    #[case("[quota]\ncalls = 0", "quota.enabled = false")]
    #[case("[tls]\ncertificate = \"chain.pem\"", "missing field `key`")]
    #[case("[tls]\ncertificate = \"a\"\nkey = \"b\"\nciphers = 1", "unknown field `ciphers`")]
    #[case("[tls]\ncertificate = \"a\"\nkey = \"b\"\nhandshake_seconds = 0", "must be at least 1")]
    #[case("[metrics]\nlisten = \"0.0.0.0:9464\"", "allow_remote = true")]
    #[case("[metrics]\nlisten = \"127.0.0.1:9464\"\npath = \"/\"", "unknown field `path`")]
    #[case("[backup]\nkeep = 3", "missing field `folder`")]
    #[case("[backup]\nfolder = \"b\"\nkeep = 0", "at least 1")]
    #[case("[backup]\nfolder = \"b\"\nevery_hours = 0", "at least 1")]
    #[case("[traces]\nsample = 0.5", "missing field `endpoint`")]
    #[case("[traces]\nendpoint = \"http://a\"\nsample = 2.0", "between 0 and 1")]
    #[case("[traces]\nendpoint = \"127.0.0.1:4318\"", "must be a URL")]
    #[case("[journal]\nkeep = 0", "journal.keep must be between")]
    #[case("[domains]\nverification = \"no\"", "expected `dns` or `offline`")]
    #[case("[domains]\nresolvers = [\"9.9.9.9\"]", "invalid socket address")]
    #[case("[domains]\ntimeout_seconds = 0", "at least 1")]
    fn what_can_t_be_says_so(#[case] text: &str, #[case] message: &str) {
        let error = from(text).unwrap_err();
        assert!(error.contains(message) && !error.contains("canary"), "{error}");
    }

    #[test]
    fn the_wait_for_running_requests_has_an_older_name() {
        let config = from("drain_seconds = 5\n[limits]\ndrain_seconds = 7").unwrap();
        assert_eq!((config.drain_seconds, config.limits.stop_seconds), (5, 7));
        assert_eq!(from("[limits]\nstop_seconds = 8").unwrap().limits.stop_seconds, 8);
    }

    #[test]
    fn plaintext_to_other_machines_must_be_asked_for() {
        from("listen = \"0.0.0.0:80\"\nallow_plaintext = true").unwrap();
    }

    #[test]
    fn metrics_and_journal_must_be_asked_for() {
        let config = from("").unwrap();
        assert_eq!((config.metrics, config.journal.enabled, config.journal.keep), (None, false, 1_000));
        let config =
            from("[metrics]\nlisten = \"0.0.0.0:9464\"\nallow_remote = true\n[journal]\nenabled = true");
        let config = config.unwrap();
        assert!(config.metrics.unwrap().allow_remote && config.journal.enabled);
    }

    #[test]
    fn a_certificate_lets_the_server_listen_anywhere() {
        let text = "listen = \"0.0.0.0:443\"\n[tls]\ncertificate = \"chain.pem\"\nkey = \"/etc/key.pem\"";
        let tls = from(text).unwrap().tls.unwrap();
        assert!(tls.certificate.is_absolute() && tls.certificate.ends_with("chain.pem"));
        assert_eq!((tls.key, tls.handshake_seconds), (PathBuf::from("/etc/key.pem"), 10));
    }

    #[rstest]
    #[case::own_file(0o600, 1000, 1000, false)]
    #[case::own_file_that_the_group_reads(0o640, 1000, 1000, true)]
    #[case::credential(0o440, 0, 61_184, false)]
    #[case::secret_that_the_group_writes(0o460, 0, 1000, true)]
    #[case::file_of_root_that_everybody_reads(0o444, 0, 1000, true)]
    #[case::file_of_root_for_root(0o640, 0, 0, true)]
    #[case::file_of_a_third_user(0o440, 33, 1000, true)]
    fn a_group_may_read_only_a_file_of_root_for_another_user(
        #[case] mode: u32,
        #[case] owner: u32,
        #[case] reader: u32,
        #[case] exposed: bool,
    ) {
        assert_eq!(is_exposed(mode | 0o100_000, owner, reader), exposed);
    }

    #[test]
    fn a_master_key_others_can_read_is_refused() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("master.key");
        write_private(&path, &"0f".repeat(32)).unwrap();
        read_master_key(&path).ok().unwrap();
        assert!(write_private(&path, "other").is_err(), "a key that is there is never overwritten");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
        let error = read_master_key(&path).err().unwrap().to_string();
        assert_eq!(error, format!("{0} is readable by other users: run chmod 600 {0}", path.display()));
    }
}
