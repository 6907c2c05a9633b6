//! The sandbox: a directory in its own folder, ready for the first call.

mod certificate;

use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use directory::port::RequestIds;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use store::{Location, MasterKey};
use thiserror::Error;

use server::admin::{AdminError, products};
use server::config::{Config, ConfigError, Domains, LogFormat, Verification, read_master_key, write_private};
use server::{OpenError, Server, System};

pub use certificate::Certificates;

const ACCOUNT_CODE: &str = "CSANDBOX01";
const DOMAIN: &str = "example.com";
const EMAIL: &str = "administrator@example.com";

/// Why a sandbox could not be opened.
#[derive(Debug, Error)]
pub enum SandboxError {
    /// A file or folder cannot be used.
    #[error("{path}: {source}")]
    File {
        /// The file or folder.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// The keys of an earlier start cannot be read.
    #[error("{path}: {source}. Delete the folder to start again")]
    Keys {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: serde_json::Error,
    },
    /// The database exists, but its keys are missing.
    #[error("{0} is missing, and secrets cannot be read from the database. Delete the folder to start again")]
    KeysLost(PathBuf),
    /// The server cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The master key cannot be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A certificate cannot contain this name.
    #[error(
        "{0:?} is neither a host name nor an IP address; write non-ASCII names in their xn-- form, and leave out the port"
    )]
    Name(String),
    /// A certificate could not be created.
    #[error("could not create the certificate: {0}")]
    Certificate(String),
    /// The directory could not be seeded.
    #[error(transparent)]
    Admin(#[from] AdminError),
}

/// The keys to call the sandbox, as a JSON object.
#[derive(Clone, Serialize, Deserialize)]
pub struct Keys {
    /// Scheme, host and port.
    pub base_url: String,
    /// The CA certificate that a client must trust if the sandbox serves HTTPS, in PEM.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_file: Option<PathBuf>,
    /// The value of `x-mc-app-id`.
    pub app_id: String,
    /// Part of the signed text.
    pub app_key: String,
    /// The access key in `Authorization`.
    pub access_key: String,
    /// The key of the HMAC, base64.
    pub secret_key: String,
    /// The administrator.
    pub email: String,
    /// The administrator's password.
    pub password: String,
    /// The account.
    pub account_code: String,
    /// The account's internal domain.
    pub domain: String,
    /// The client id of an application of API 2.0; empty in a folder of a version without such applications.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub client_id: String,
    /// The client secret.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub client_secret: String,
    /// The URL for LDAP clients; empty if the sandbox does not serve LDAP.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub ldap_url: String,
    /// The base of the account for LDAP clients.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub ldap_base: String,
    /// The distinguished name with which the application binds; its password is the client secret.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub ldap_bind_dn: String,
}

impl Keys {
    /// With what LDAP clients need, if the sandbox serves LDAP.
    #[must_use]
    pub fn with_ldap(self, server: &Server) -> Self {
        let [plain, secure] = server.ldap_addresses();
        let url = match (secure, plain) {
            (Some(address), _) => format!("ldaps://{address}"),
            (None, Some(address)) => format!("ldap://{address}"),
            (None, None) => return self,
        };
        let base = format!("dc={}", self.domain.replace('.', ",dc="));
        let bind_dn = match self.client_id.is_empty() {
            true => String::new(),
            false => format!("cn={},ou=applications,{base}", self.client_id),
        };
        Self { ldap_url: url, ldap_base: base, ldap_bind_dn: bind_dn, ..self }
    }
}

/// An open sandbox.
pub struct Sandbox {
    /// The server.
    pub server: Server,
    /// Its keys; the program that starts it sets `base_url` and `ca_file`.
    pub keys: Keys,
}

/// The settings of a sandbox: those of production, but lenient for experiments.
pub fn config(folder: &Path) -> Config {
    Config {
        store: Location::Sqlite(folder.join("matricula.db")),
        master_key_file: Some(folder.join("master.key")),
        request_ids: RequestIds::Compatible,
        domains: Domains { verification: Verification::Offline, ..Domains::default() },
        log: LogFormat::Text,
        ..Config::default()
    }
}

impl Sandbox {
    /// Opens the sandbox in a folder, and seeds a new one. Keys and users of an earlier start are kept.
    ///
    /// # Errors
    /// When the folder cannot be used, or the keys of an earlier start are missing.
    pub async fn open(folder: &Path, config: &Config, system: System) -> Result<Self, SandboxError> {
        let file = |path: &Path| {
            let path = path.to_owned();
            move |source| SandboxError::File { path, source }
        };
        std::fs::create_dir_all(folder).map_err(file(folder))?;
        let (master, keys) = (folder.join("master.key"), folder.join("keys.json"));
        if !master.exists() {
            let key = MasterKey::generate(&*system.entropy);
            write_private(&master, &key.to_digits()).map_err(file(&master))?;
        }
        let master_key = read_master_key(&master)?;
        // Where keys exist, the database exists as well.
        if !keys.exists() {
            Server::create(config, &master_key, &system)?;
        }
        let server = Server::open_sandbox(config, &master_key, system.clone())?;
        if keys.exists() {
            let text = std::fs::read_to_string(&keys).map_err(file(&keys))?;
            let keys =
                serde_json::from_str(&text).map_err(|source| SandboxError::Keys { path: keys, source })?;
            return Ok(Self { server, keys });
        }
        if !server.admin().accounts().await?.is_empty() {
            return Err(SandboxError::KeysLost(keys));
        }
        let seeded = seed(&server, &system).await?;
        // The keys are written last: after an interrupted start, the next one fails with an error that says so.
        let text = serde_json::to_string_pretty(&seeded)
            .map_err(|source| SandboxError::Keys { path: keys.clone(), source })?;
        write_private(&keys, &text).map_err(file(&keys))?;
        Ok(Self { server, keys: seeded })
    }
}

async fn seed(server: &Server, system: &System) -> Result<Keys, AdminError> {
    let admin = server.admin();
    let mut random = [0; 15];
    system.entropy.fill(&mut random);
    let password = SecretString::from(format!("Sandbox-1-{}", URL_SAFE_NO_PAD.encode(random)));
    admin.add_account(ACCOUNT_CODE, "Sandbox", None).await?;
    admin.add_domain(ACCOUNT_CODE, DOMAIN).await?;
    let credentials = Some((&password, server.hasher()));
    admin.add_administrator(ACCOUNT_CODE, EMAIL, "Administrator", "Super Administrator", credentials).await?;
    let application = admin.add_application(ACCOUNT_CODE, "Sandbox application").await?;
    let binding = admin.add_binding(EMAIL, &application.app_id, None).await?;
    let client =
        admin.add_client(ACCOUNT_CODE, "Sandbox application", "Super Administrator", &products()).await?;
    Ok(Keys {
        base_url: String::new(),
        ca_file: None,
        app_id: application.app_id.clone(),
        app_key: application.app_key().to_owned(),
        access_key: binding.access_key.clone(),
        secret_key: binding.secret_key().to_owned(),
        email: EMAIL.to_owned(),
        password: password.expose_secret().to_owned(),
        account_code: ACCOUNT_CODE.to_owned(),
        domain: DOMAIN.to_owned(),
        client_id: client.client_id.clone(),
        client_secret: client.client_secret().to_owned(),
        ldap_url: String::new(),
        ldap_base: String::new(),
        ldap_bind_dn: String::new(),
    })
}
