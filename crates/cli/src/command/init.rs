//! `matricula init`: from nothing to the first signed call.

mod questions;

use std::io::IsTerminal as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Args;
use client::explain::request::shell_word;
use serde_json::json;
use server::admin::{Admin, Beginning, NewApplication, NewBinding};
use server::config::{ConfigError, key_is_in_environment, write_private};
use server::{Config, Server, System};

use super::user::read_password;
use crate::output::{Failed, Output};
use questions::Answers;

#[derive(Args)]
pub(crate) struct Arguments {
    /// The configuration file; it is written if there is none
    #[arg(long, value_name = "FILE", default_value = "matricula.toml")]
    config: PathBuf,
    /// The internal domain of the first account; asked for on a terminal
    #[arg(long, value_name = "DOMAIN")]
    domain: Option<String>,
    /// Name of the account, default: the domain
    #[arg(long)]
    name: Option<String>,
    /// Code of the account, default: one from the domain, such as CACME00001
    #[arg(long, value_name = "CODE")]
    account: Option<String>,
    /// Address of the administrator, default: administrator@DOMAIN
    #[arg(long, value_name = "ADDRESS")]
    administrator: Option<String>,
    /// Read the administrator's password from standard input; without it, the administrator calls with keys only
    #[arg(long)]
    password_stdin: bool,
    /// Name of the application that the keys are for
    #[arg(long, value_name = "NAME", default_value = "First application")]
    application: String,
    /// The file of keys to write, default: keys.json next to the configuration
    #[arg(long, value_name = "FILE")]
    keys: Option<PathBuf>,
    /// Address and port to listen on, for a new configuration
    #[arg(long, value_name = "ADDR:PORT")]
    listen: Option<SocketAddr>,
    /// The database, for a new configuration: a file or postgres://USER@HOST/NAME
    #[arg(long, value_name = "STORE")]
    store: Option<String>,
}

pub(crate) async fn run(arguments: Arguments, output: &Output) -> Result<(), Failed> {
    let Answers { beginning, password } = answers(&arguments).await?;
    let keys = arguments.keys.clone().unwrap_or_else(|| arguments.config.with_file_name("keys.json"));
    refuse_what_exists(&arguments.config, &keys).await?;
    let mut made = Made::default();
    let config = configuration(&arguments, &mut made)?;
    let master_key = master_key(&config, &mut made)?;
    if Server::create(&config, &master_key, &System::real())? {
        // From now on the key belongs to a database: the next run goes on with both.
        made.0.clear();
    }
    let admin = Admin::open(&config, &master_key, System::real())?;
    let hasher = server::admin::hasher(&config, &System::real())?;
    let password = password.map(Into::into);
    let url = base_url(&config);
    admin
        .begin(&beginning, password.as_ref().map(|password| (password, &hasher)), |application, binding| {
            write_private(&keys, &keys_text(&url, application, binding)?)
                .with_context(|| keys.display().to_string())?;
            made.0.push(keys.clone());
            Ok::<_, anyhow::Error>(())
        })
        .await?;
    made.0.clear();
    report(&arguments.config, &config, &keys, &beginning, password.is_some(), output)
}

/// A directory that has an account is complete; and the keys of another system may be in an existing file.
async fn refuse_what_exists(file: &Path, keys: &Path) -> anyhow::Result<()> {
    if file.exists() {
        let config = Config::from_file(file)?;
        if server::admin::schema(&config).is_ok() {
            let admin = Admin::open(&config, &config.master_key()?, System::real())?;
            let account = admin.accounts().await?.into_iter().next();
            anyhow::ensure!(
                account.is_none(),
                "{} is a directory already: `matricula admin --config {}` changes it",
                config.store,
                file.display()
            );
        }
    }
    anyhow::ensure!(
        !keys.exists(),
        "{} already exists and is not overwritten: name another file with --keys",
        keys.display()
    );
    Ok(())
}

/// Files of this run. What is left when it fails is removed, so that the next run finds what this one found.
#[derive(Default)]
struct Made(Vec<PathBuf>);

impl Drop for Made {
    fn drop(&mut self) {
        for file in &self.0 {
            let _ = std::fs::remove_file(file);
        }
    }
}

async fn answers(arguments: &Arguments) -> anyhow::Result<Answers> {
    let Arguments { domain, name, account, administrator, application, password_stdin, .. } = arguments;
    let (account, administrator) = (account.clone(), administrator.clone());
    let application = application.clone();
    let parse = move |domain: &str, name: Option<&str>| {
        Beginning::parse(domain, name, account.as_deref(), administrator.as_deref(), &application)
    };
    match domain {
        Some(domain) => {
            let beginning = parse(domain, name.as_deref())?;
            let password = password_stdin.then(read_password).transpose()?;
            if let Some(password) = &password {
                beginning.check_password(password)?;
            }
            Ok(Answers { beginning, password })
        }
        None if std::io::stdin().is_terminal() && !password_stdin => {
            questions::ask(parse, name.clone()).await
        }
        None => anyhow::bail!(
            "no domain given: use --domain DOMAIN for the internal domain of the first account, such as acme.example"
        ),
    }
}

/// Reads the configuration, or writes a new one.
fn configuration(arguments: &Arguments, made: &mut Made) -> anyhow::Result<Config> {
    let Arguments { config: file, listen, store, .. } = arguments;
    if file.exists() {
        anyhow::ensure!(
            listen.is_none() && store.is_none(),
            "{} already exists: --listen and --store are for a new configuration; change the file instead",
            file.display()
        );
        return Ok(Config::from_file(file)?);
    }
    let default = Config::default();
    let listen = listen.unwrap_or(default.listen).to_string();
    let store = store.clone().unwrap_or_else(|| default.store.into());
    // A JSON string is a TOML string, except for a delete character, which no path has.
    let text = format!(
        "# docs/CONFIGURATION.md lists every setting.\nlisten = {}\nstore = {}\n{}",
        json!(listen),
        json!(store),
        if key_is_in_environment() { "" } else { "master_key_file = \"master.key\"\n" }
    );
    if let Some(folder) = file.parent() {
        std::fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    }
    write_private(file, &text).with_context(|| file.display().to_string())?;
    made.0.push(file.clone());
    Ok(Config::from_file(file)?)
}

/// Reads the master key, or writes a new one where the configuration expects it. An existing file is never changed.
fn master_key(config: &Config, made: &mut Made) -> anyhow::Result<server::admin::MasterKey> {
    match (config.master_key(), &config.master_key_file) {
        (Err(ConfigError::Read { source, .. }), Some(file))
            if source.kind() == std::io::ErrorKind::NotFound =>
        {
            // Where there is a database, a new key would be the wrong one.
            anyhow::ensure!(
                server::admin::schema(config).is_err(),
                "{} was not found, and the database {} exists: restore its master key first",
                file.display(),
                config.store
            );
            let digits = server::admin::new_master_key(&System::real());
            write_private(file, &digits).with_context(|| file.display().to_string())?;
            made.0.push(file.clone());
            Ok(config.master_key()?)
        }
        (key, _) => Ok(key?),
    }
}

/// Where programs on this machine reach the server.
fn base_url(config: &Config) -> String {
    match (&config.public_url, &config.tls) {
        (Some(url), _) => url.clone(),
        (None, Some(_)) => format!("https://localhost:{}", config.listen.port()),
        (None, None) => format!("http://{}", server::reachable(config.listen)),
    }
}

fn keys_text(url: &str, application: &NewApplication, binding: &NewBinding) -> anyhow::Result<String> {
    let keys = json!({
        "base_url": url,
        "app_id": application.app_id,
        "app_key": application.app_key(),
        "access_key": binding.access_key,
        "secret_key": binding.secret_key(),
    });
    Ok(serde_json::to_string_pretty(&keys)?)
}

fn report(
    file: &Path,
    config: &Config,
    keys: &Path,
    beginning: &Beginning,
    has_password: bool,
    output: &Output,
) -> Result<(), Failed> {
    let program = std::env::args_os().next().map_or_else(|| "matricula".into(), PathBuf::from);
    let in_shell = |path: &Path| shell_word(&path.to_string_lossy());
    let (program, file_word, keys_word) = (in_shell(&program), in_shell(file), in_shell(keys));
    let (file, keys) = (file.display(), keys.display());
    let file_of_key = config.master_key_file.as_ref().filter(|_| !key_is_in_environment());
    let master = file_of_key.map(|file| file.display().to_string());
    let (code, domain, administrator) = (beginning.code(), beginning.domain(), beginning.administrator());
    let url = base_url(config);
    let login = match has_password {
        true => format!("Log in at {url}/console as {administrator}."),
        false => format!(
            "To log in at {url}/console, set a password first:\n\n  {program} admin --config {file_word} administrator set-password \\\n    --keep-keys {administrator} < password.txt"
        ),
    };
    let text = format!(
        "A new directory is ready: {store}

  Configuration  {file}
  Master key     {key}
                 Keep a copy in another place: without it nobody can open
                 the database or its backups.
  Account        {code}, internal domain {domain}
  Administrator  {administrator}, Super Administrator
  Keys           {keys}
                 Secret: with them a program may do all that the
                 administrator may.

Start the server:

  {program} serve --config {file_word}

Make the first signed call, from another terminal:

  {program} user create --keys {keys_word} \\
    --email ann@{domain} --name 'Ann Lee'

{login}",
        store = config.store,
        key = master.as_deref().unwrap_or("in the environment, as it was given"),
    );
    Ok(output.say(
        json!({
            "config": file.to_string(), "store": config.store.to_string(), "master_key_file": master,
            "account_code": code.as_str(), "domain": domain.as_str(), "administrator": administrator.as_str(),
            "keys": keys.to_string(), "base_url": url,
        }),
        text,
    )?)
}
