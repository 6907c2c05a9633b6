//! The location of a directory: given by its configuration or by the folder of a sandbox.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use clap::Args;
use server::admin::Admin;
use server::{Config, Server, System};

#[derive(Args)]
pub(crate) struct Place {
    /// The server's configuration file
    #[arg(long, value_name = "FILE", global = true)]
    config: Option<PathBuf>,
    /// The folder of a sandbox, instead of --config
    #[arg(long, value_name = "DIR", global = true, conflicts_with = "config")]
    data: Option<PathBuf>,
}

impl Place {
    /// The settings of that server.
    pub(crate) fn config(&self) -> anyhow::Result<Config> {
        match (&self.config, &self.data) {
            (Some(config), _) => read(config),
            (None, Some(folder)) => Ok(playground::sandbox::config(folder)),
            (None, None) => Err(anyhow::anyhow!(
                "no directory given: use --config FILE for a server's configuration or --data DIR for a sandbox's folder"
            )),
        }
    }

    /// Creates an empty directory if none exists, and says so.
    pub(crate) fn create(&self) -> anyhow::Result<()> {
        create(&self.config()?)
    }

    /// Opens the directory, even while a server uses it.
    pub(crate) fn open(&self) -> anyhow::Result<Admin> {
        let config = self.config()?;
        Ok(Admin::open(&config, &config.master_key()?, System::real())?)
    }
}

/// The settings in a configuration file.
pub(crate) fn read(file: &Path) -> anyhow::Result<Config> {
    let config = Config::from_file(file)?;
    crate::traces::check(&config)?;
    Ok(config)
}

/// Creates an empty directory at the configured store if none exists, and says so.
pub(crate) fn create(config: &Config) -> anyhow::Result<()> {
    if Server::create(config, &config.master_key()?, &System::real())? {
        // Standard error may be closed.
        let _ = writeln!(std::io::stderr(), "created a new, empty database: {}", config.store);
    }
    Ok(())
}
