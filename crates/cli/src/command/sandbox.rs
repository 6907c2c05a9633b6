//! `matricula sandbox`

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use clap::Args;
use playground::sandbox::{Certificates, Keys, Sandbox, config};
use playground::system::{MovableClock, SeededEntropy};
use playground::test_control::TestController;
use server::System;
use server::config::{ConfigError, Ldap, LogFormat, Metrics, check_public_url};

use super::serve::{Logging, stop_signal};
use crate::output::{Failed, Output, replace_private};

/// The default folder.
const FOLDER: &str = "matricula-sandbox";

#[derive(Args)]
pub(crate) struct Arguments {
    /// Folder for keys and users, created if missing; a restart on it keeps both
    #[arg(long, value_name = "DIR", default_value = FOLDER)]
    data: PathBuf,
    /// Address and port to listen on; port 0 picks a free port
    #[arg(long, value_name = "ADDR:PORT", default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// Also write the keys to this file as a JSON object
    #[arg(long, value_name = "FILE")]
    keys: Option<PathBuf>,
    /// Serve HTTPS with a generated certificate for localhost, 127.0.0.1, ::1 and these names, kept in the folder
    #[arg(long, value_name = "NAME", num_args = 0..)]
    tls: Option<Vec<String>>,
    /// The URL at which clients reach this sandbox through a proxy that ends TLS: scheme, host and port
    #[arg(long, value_name = "URL", value_parser = public_url)]
    public_url: Option<String>,
    /// Write the port to this file once the server accepts requests
    #[arg(long, value_name = "FILE")]
    port_file: Option<PathBuf>,
    /// Enable the test-control API under /sandbox: faults, snapshots, clock (docs/TESTING.md)
    #[arg(long)]
    control: bool,
    /// Generate keys and ids from this seed; needs a new folder
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Serve Prometheus metrics on this address at /metrics; port 0 picks a free port
    #[arg(long, value_name = "ADDR:PORT")]
    metrics: Option<SocketAddr>,
    /// Serve LDAP on this address, LDAPS with --tls; default: a free port
    #[arg(long, value_name = "ADDR:PORT")]
    ldap: Option<SocketAddr>,
    /// Do not log requests
    #[arg(long)]
    quiet: bool,
    /// Disable the quota
    #[arg(long)]
    no_quota: bool,
}

pub(crate) async fn run(arguments: Arguments, output: &Output) -> Result<(), Failed> {
    let Arguments { data, listen, keys: keys_file, tls, public_url, port_file, .. } = arguments;
    let Arguments { control, seed, metrics, ldap, quiet, no_quota, .. } = arguments;
    let mut config = server::Config { listen, public_url: public_url.clone(), ..config(&data) };
    config.quota.enabled &= !no_quota;
    config.metrics = metrics.map(|listen| Metrics { listen, allow_remote: false });
    for address in [Some(listen), metrics, ldap].into_iter().flatten() {
        require_loopback(address)?;
    }
    let log = Logging::start(if quiet { LogFormat::Off } else { config.log }, None)?;
    let stop = stop_signal()?;
    let listener = server::listen(listen).with_context(|| format!("can't listen on {listen}"))?;
    let clock = Arc::new(MovableClock::default());
    let mut system = System { clock: Arc::clone(&clock) as _, ..System::real() };
    if let Some(seed) = seed {
        require_new_folder(&data)?;
        system.entropy = Arc::new(SeededEntropy::new(seed));
    }
    let names = tls.clone().unwrap_or_default();
    let certificates = tls.map(|names| Certificates::open(&data, &names, &*system.clock)).transpose()?;
    let scheme = if certificates.is_some() { "https" } else { "http" };
    let base_url = format!("{scheme}://{}", listener.local_addr()?);
    let (tls, ca_file) = certificates.map(|it| (it.tls, it.ca_file)).unzip();
    config.ldap = Some(Ldap::on_this_machine(ldap, tls.is_some()));
    config.tls = tls;
    let Sandbox { server, keys } = Sandbox::open(&data, &config, system).await?;
    server.count_dropped_lines(log.0.clone());
    server.is_called(names);
    let keys = Keys { base_url, ca_file, ..keys }.with_ldap(&server);
    let text = serde_json::to_string_pretty(&keys)?;
    let own = data.join("keys.json");
    for file in std::iter::once(&own).chain(&keys_file) {
        replace_private(file, &text)?;
    }
    if control {
        TestController::open(&server, Some(clock))?;
    }
    if let Some(address) = server.metrics_address() {
        tracing::info!("metrics at http://{address}/metrics");
    }
    if let Some(file) = &port_file {
        replace_private(file, &listener.local_addr()?.port().to_string())?;
    }
    // The keys are in their file too: a sandbox whose output is not read still serves.
    let told = banner(&keys, public_url.as_deref(), &data, keys_file.as_ref().unwrap_or(&own));
    if let Err(error) = output.say(&keys, told) {
        tracing::warn!(%error, "could not print the keys");
    }
    server.serve(listener, stop).await;
    Ok(())
}

fn require_loopback(address: SocketAddr) -> anyhow::Result<()> {
    anyhow::ensure!(
        address.ip().is_loopback(),
        "a sandbox listens only on this machine, such as on 127.0.0.1, not on {address}"
    );
    Ok(())
}

fn require_new_folder(data: &Path) -> anyhow::Result<()> {
    anyhow::ensure!(
        !data.join("keys.json").exists(),
        "--seed needs a new folder: {} already exists and would get the same ids again",
        data.display()
    );
    Ok(())
}

fn public_url(text: &str) -> Result<String, ConfigError> {
    check_public_url(text).map(|()| text.to_owned())
}

fn banner(keys: &Keys, public_url: Option<&str>, folder: &Path, keys_file: &Path) -> String {
    let Keys {
        base_url, app_id, app_key, access_key, secret_key, email, password, account_code, domain, ..
    } = keys;
    let client = match &*keys.client_id {
        // A folder of a version without this file.
        "" => String::new(),
        client_id => {
            format!(
                "\n  API 2.0     client_id      {client_id}\n              client_secret  {}",
                keys.client_secret
            )
        }
    };
    let program = std::env::args_os().next().map_or_else(|| "matricula".into(), PathBuf::from);
    let current = std::env::current_dir().unwrap_or_default();
    let program = program.strip_prefix(current).unwrap_or(&program).display();
    let (folder, keys_file) = (folder.display(), keys_file.display());
    let proxy = public_url.map(|url| format!("\n  By proxy    {url}")).unwrap_or_default();
    let here = public_url.map_or("here".to_owned(), |url| format!("to {url}"));
    let ldap = match &*keys.ldap_url {
        "" => String::new(),
        url => format!(
            "\n  LDAP        {url}\n              base     {}\n              bind DN  {}\n              password: the client_secret",
            keys.ldap_base, keys.ldap_bind_dn
        ),
    };
    let trust = keys.ca_file.as_deref().map(trust_text).unwrap_or_default();
    format!(
        "Matricula sandbox: {base_url}

  Data        {folder} (keys and users are kept; delete the folder to
              start again)
  Keys        {keys_file}
  Account     {account_code}, internal domain {domain}
  Console     {base_url}/console{proxy}
  Log-in      {email}
  Password    {password}
  app_id      {app_id}
  app_key     {app_key}
  access_key  {access_key}
  secret_key  {secret_key}{client}{ldap}

Create a user, from another terminal:

  {program} user create --keys {keys_file} \\
    --email ann@{domain} --name 'Ann Lee'
{trust}
Or point your client's base URL {here}. Stop with Ctrl-C."
    )
}

/// How clients can trust the sandbox. The path gets its own line, because it may be long.
fn trust_text(ca_file: &Path) -> String {
    format!(
        "
The certificate is signed by an authority made only for this sandbox. Clients
must trust it:

  CA='{}'

  curl      curl --cacert \"$CA\" ...
  Python    export REQUESTS_CA_BUNDLE=\"$CA\"
  Node      export NODE_EXTRA_CA_CERTS=\"$CA\"
  .NET      export SSL_CERT_FILE=\"$CA\"     (on Windows, in PowerShell:
            Import-Certificate ca.pem -CertStoreLocation Cert:\\CurrentUser\\Root)
  Java      keytool -importcert -noprompt -alias sandbox -file \"$CA\" \\
              -keystore trust.p12 -storepass changeit
            java -Djavax.net.ssl.trustStore=trust.p12 \\
              -Djavax.net.ssl.trustStorePassword=changeit ...
",
        ca_file.display()
    )
}
