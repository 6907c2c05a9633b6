//! A directory to measure: a folder, a configuration, an account with an administrator and keys.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use client::Keys;
use server::admin::Admin;
use server::config::write_private;
use server::system::System;
use server::{Config, Server};
use tempfile::TempDir;

use crate::Settings;
use crate::process::Process;
use crate::request::DOMAIN;

/// The name of the configuration file.
pub(crate) const CONFIG: &str = "matricula.toml";

/// Production's settings without a quota, because one caller makes all the calls. `request_ids` stays `strict`.
const SETTINGS: &str = "master_key_file = \"master.key\"\n[quota]\nenabled = false\n";

/// The account of the created users.
pub(crate) const ACCOUNT: &str = "CBENCH01";

/// A seeded directory in its own folder, which is deleted on drop.
pub(crate) struct Site {
    folder: TempDir,
    config: Config,
    pub(crate) keys: Keys,
}

impl Site {
    pub(crate) fn new(settings: &Settings) -> anyhow::Result<Self> {
        Self::with_settings(settings, "", "")
    }

    /// With more configuration: keys before the first section, and sections.
    pub(crate) fn with_settings(settings: &Settings, keys: &str, sections: &str) -> anyhow::Result<Self> {
        let folder = folder(settings)?;
        let system = System::real();
        write_private(&folder.path().join("master.key"), &server::admin::new_master_key(&system))?;
        let path = folder.path().join(CONFIG);
        std::fs::write(&path, format!("{keys}{SETTINGS}{sections}"))?;
        let config = Config::from_file(&path)?;
        Server::create(&config, &config.master_key()?, &system)?;
        let server = Server::open(&config, &config.master_key()?, system)?;
        let keys = runtime()?.block_on(seed(&server))?;
        Ok(Self { folder, config, keys })
    }

    /// Runs administration, also while a server is running.
    pub(crate) fn admin<T>(&self, run: impl AsyncFnOnce(&Admin) -> anyhow::Result<T>) -> anyhow::Result<T> {
        let admin = Admin::open(&self.config, &self.config.master_key()?, System::real())?;
        runtime()?.block_on(run(&admin))
    }

    /// The password hasher.
    pub(crate) fn hasher(&self) -> anyhow::Result<server::PasswordHasher> {
        Ok(server::admin::hasher(&self.config, &System::real())?)
    }

    /// The keys as a JSON file, for clients of a server at this address.
    pub(crate) fn keys_json(&self, address: SocketAddr) -> anyhow::Result<String> {
        let mut keys = self.keys.clone();
        keys.base_url = format!("http://{address}");
        Ok(serde_json::to_string(&keys)?)
    }

    /// Bytes of the database and its log.
    pub(crate) fn size(&self) -> anyhow::Result<u64> {
        let log = self.file("matricula.db-wal");
        let log = log.metadata().map_or(0, |log| log.len());
        Ok(self.file("matricula.db").metadata()?.len() + log)
    }

    /// Keeps the folder, and returns its path.
    pub(crate) fn keep(self) -> PathBuf {
        self.folder.keep()
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Starts the server under test.
    pub(crate) fn serve(&self) -> anyhow::Result<Process> {
        Process::start("serve-matricula", self.path(), self.file("matricula.log"))
    }

    /// Starts the bare server with this response.
    pub(crate) fn serve_bare(&self, answer: &[u8]) -> anyhow::Result<Process> {
        let path = self.file("answer.json");
        std::fs::write(&path, answer)?;
        Process::start("serve-bare", &path, self.file("bare.log"))
    }

    /// Compares the database with the acknowledged creations. The server must have stopped.
    pub(crate) fn verify(&self, acknowledged: u64) -> anyhow::Result<()> {
        self.admin(async |admin| {
            // Administrators are users too, and each domain has two.
            let administrators = admin.administrators().await?.len() as u64;
            let of_domains = 2 * admin.domains().await?.len() as u64;
            let users = admin.count_users().await?.saturating_sub(administrators + of_domains);
            anyhow::ensure!(
                users == acknowledged,
                "{acknowledged} creations were acknowledged, but the database has {users} users"
            );
            let chains = admin.verify_audit().await?;
            for chain in &chains {
                anyhow::ensure!(chain.broken.is_none(), "the audit is broken: {:?}", chain.broken);
            }
            let events: u64 = chains.iter().map(|chain| chain.events).sum();
            anyhow::ensure!(events >= acknowledged, "the audit tells of {events} events only");
            Ok(())
        })
    }
}

/// The folder on the disk to measure.
pub(crate) fn beside(settings: &Settings) -> anyhow::Result<PathBuf> {
    Ok(match &settings.folder {
        Some(folder) => folder.clone(),
        // The folder for temporary files is often in memory, where nothing is forced to disk.
        None => std::env::current_exe()?.parent().context("this program stands in no folder")?.to_owned(),
    })
}

/// A new folder on the disk to measure.
pub(crate) fn folder(settings: &Settings) -> anyhow::Result<TempDir> {
    let beside = beside(settings)?;
    tempfile::Builder::new()
        .prefix("matricula-bench-")
        .tempdir_in(&beside)
        .with_context(|| beside.display().to_string())
}

async fn seed(server: &Server) -> anyhow::Result<Keys> {
    let (admin, email) = (server.admin(), format!("administrator@{DOMAIN}"));
    admin.add_account(ACCOUNT, "Bench", None).await?;
    admin.add_domain(ACCOUNT, DOMAIN).await?;
    admin.add_administrator(ACCOUNT, &email, "Administrator", "Super Administrator", None).await?;
    let application = admin.add_application(ACCOUNT, "Bench").await?;
    let binding = admin.add_binding(&email, &application.app_id, None).await?;
    Ok(Keys {
        base_url: String::new(),
        ca_file: None,
        app_id: application.app_id.clone(),
        app_key: application.app_key().to_owned(),
        access_key: binding.access_key.clone(),
        secret_key: binding.secret_key().to_owned(),
    })
}

/// A runtime for work that is not measured.
fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()
}
