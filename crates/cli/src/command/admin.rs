//! `matricula admin`: works directly on the store, even while a server uses it.

mod accounts;
mod calibrate;
mod clients;
mod profile;
mod seed;

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::{Args, Subcommand};
use serde_json::json;
use server::System;
use server::admin::{Admin, BindingRow, NewBinding, Timestamp};

use super::user::read_password;
use crate::output::{Failed, Output};
use crate::place::Place;

#[derive(Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    place: Place,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Write a new master key to a file
    NewMasterKey {
        /// The file; must not exist
        file: PathBuf,
    },
    /// Replace the master key; stop the server first
    RotateMasterKey {
        /// The file with the new key
        #[arg(long, value_name = "FILE")]
        new: PathBuf,
    },
    /// Measure hashes on this machine and suggest a cost for passwords
    Calibrate(calibrate::Calibrate),
    /// Accounts
    #[command(subcommand)]
    Account(accounts::Command),
    /// Internal domains
    #[command(subcommand)]
    Domain(Domain),
    /// Users with a role
    #[command(subcommand)]
    Administrator(Administrator),
    /// Roles
    #[command(subcommand)]
    Role(Role),
    /// Applications
    #[command(subcommand)]
    Application(Application),
    /// Applications of API 2.0
    #[command(subcommand)]
    Client(clients::Command),
    /// Key pairs
    #[command(subcommand)]
    Binding(Binding),
    /// Authentication profiles: lifetime and number of key pairs
    #[command(subcommand)]
    Profile(profile::Profile),
    /// Show or change an account's password policy
    PasswordPolicy(profile::Policy),
    /// Generate test users
    Seed(seed::Seed),
}

#[derive(Subcommand)]
enum Domain {
    /// Make a domain internal to an account
    Create {
        /// The domain
        domain: String,
        /// The account's code
        #[arg(long, value_name = "CODE")]
        account: String,
    },
    /// List the domains
    List,
    /// Make a domain no longer internal; its users stay
    Disable {
        /// The domain
        domain: String,
    },
}

#[derive(Subcommand)]
enum Administrator {
    /// Create a user with a role
    Create {
        /// Address; its domain must be internal to the account
        email: String,
        /// The account's code
        #[arg(long, value_name = "CODE")]
        account: String,
        /// Display name
        #[arg(long, default_value = "")]
        name: String,
        /// A built-in role or one of the account's own
        #[arg(long, default_value = "Basic Administrator")]
        role: String,
    },
    /// List the users with a role
    List,
    /// Set or remove a user's role
    SetRole {
        /// Address
        email: String,
        /// The role; without it, the user's role is removed
        role: Option<String>,
    },
    /// Set a user's password, read from standard input, and revoke the user's key pairs
    SetPassword {
        /// Address
        email: String,
        /// Do not revoke the user's key pairs: programs that use them keep working
        #[arg(long)]
        keep_keys: bool,
    },
    /// Disable a user and revoke all its key pairs
    Disable {
        /// Address
        email: String,
    },
    /// Enable a user again; its key pairs stay revoked
    Enable {
        /// Address
        email: String,
    },
}

#[derive(Subcommand)]
enum Role {
    /// Create a role in an account
    Create {
        /// Its name
        name: String,
        /// The account's code
        #[arg(long, value_name = "CODE")]
        account: String,
        /// A permission such as "Directories | Internal | Edit"; may be repeated
        #[arg(long = "permission", value_name = "PERMISSION")]
        permissions: Vec<String>,
    },
    /// List the roles and their permissions
    List,
}

#[derive(Subcommand)]
enum Application {
    /// Register an application and print its keys, which cannot be shown again
    Create {
        /// Display name
        name: String,
        /// The account's code
        #[arg(long, value_name = "CODE")]
        account: String,
    },
    /// List the applications
    List,
    /// Disable an application
    Disable {
        /// Its application id
        app_id: String,
    },
}

#[derive(Subcommand)]
enum Binding {
    /// Issue a key pair and print it; the secret key cannot be shown again
    Create {
        /// The user's address
        email: String,
        /// The application's id
        #[arg(long, value_name = "GUID")]
        app_id: String,
        /// Days until it expires, default: never
        #[arg(long, value_name = "N")]
        days: Option<u32>,
    },
    /// List the key pairs
    List {
        /// Only the key pairs of this user
        email: Option<String>,
    },
    /// Revoke a key pair at once
    Disable {
        /// Its access key
        #[arg(allow_hyphen_values = true)] // one key in 64 begins with a hyphen
        access_key: String,
    },
    /// Issue a new key pair and revoke the old one
    Reissue {
        /// Access key of the old key pair
        #[arg(allow_hyphen_values = true)]
        access_key: String,
        /// Days until the new one expires, default: never
        #[arg(long, value_name = "N")]
        days: Option<u32>,
    },
}

pub(crate) async fn run(arguments: Arguments, output: &Output) -> Result<(), Failed> {
    let Arguments { place, command } = arguments;
    if let Command::NewMasterKey { file } = &command {
        return new_master_key(file, output);
    }
    if let Command::Calibrate(asked) = &command {
        return calibrate::run(asked, output);
    }
    if let Command::RotateMasterKey { new } = &command {
        server::admin::rotate_master_key(&place.config()?, new)?;
        return Ok(output.say(
            json!({ "rotated": true }),
            format_args!("master key replaced: the database now opens with {}", new.display()),
        )?);
    }
    // The only command that creates a directory, because every other needs an account.
    if let Command::Account(accounts::Command::Create { .. }) = &command {
        place.create()?;
    }
    let admin = place.open()?;
    match command {
        Command::NewMasterKey { .. } | Command::RotateMasterKey { .. } | Command::Calibrate(_) => Ok(()),
        Command::Account(command) => accounts::run(&admin, command, output).await,
        Command::Domain(command) => domain(&admin, command, output).await,
        Command::Administrator(command) => administrator(&place, &admin, command, output).await,
        Command::Role(command) => role(&admin, command, output).await,
        Command::Application(command) => application(&admin, command, output).await,
        Command::Client(command) => clients::run(&admin, command, output).await,
        Command::Binding(command) => binding(&admin, command, output).await,
        Command::Profile(command) => profile::profile(&admin, command, output).await,
        Command::PasswordPolicy(asked) => profile::policy(&admin, asked, output).await,
        Command::Seed(asked) => seed::run(&admin, asked, output).await,
    }
}

fn new_master_key(file: &Path, output: &Output) -> Result<(), Failed> {
    let digits = server::admin::new_master_key(&System::real());
    server::config::write_private(file, &digits).with_context(|| file.display().to_string())?;
    let file = file.display();
    Ok(output.say(
        json!({ "file": file.to_string() }),
        format_args!("wrote {file}; keep a copy elsewhere: without it the database cannot be opened"),
    )?)
}

fn print_done(output: &Output, what: &str, name: &str) -> Result<(), Failed> {
    Ok(output.say(json!({ "done": what, "name": name }), format_args!("{what}: {name}"))?)
}

async fn domain(admin: &Admin, command: Domain, output: &Output) -> Result<(), Failed> {
    match command {
        Domain::Create { domain, account } => {
            admin.add_domain(&account, &domain).await?;
            print_done(output, "created", &domain)
        }
        Domain::Disable { domain } => {
            admin.remove_domain(&domain).await?;
            print_done(output, "disabled", &domain)
        }
        Domain::List => {
            let accounts = admin.accounts().await?;
            let rows = admin.domains().await?.into_iter().map(|domain| {
                let account = accounts.iter().find(|account| account.id == domain.account);
                vec![
                    domain.name.to_string(),
                    account.map(|account| account.code.to_string()).unwrap_or_default(),
                ]
            });
            Ok(output.rows(&["domain", "account"], rows.collect())?)
        }
    }
}

async fn administrator(
    place: &Place,
    admin: &Admin,
    command: Administrator,
    output: &Output,
) -> Result<(), Failed> {
    match command {
        Administrator::Create { email, account, name, role } => {
            admin.add_administrator(&account, &email, &name, &role, None).await?;
            print_done(output, "created", &email)
        }
        Administrator::SetRole { email, role } => {
            admin.set_role(&email, role.as_deref()).await?;
            print_done(output, "changed", &email)
        }
        Administrator::SetPassword { email, keep_keys } => {
            let hasher = server::admin::hasher(&place.config()?, &System::real())?;
            let programs = programs(admin, &email).await?;
            if !programs.is_empty() {
                let what = if keep_keys { "keep working" } else { "stop working; --keep-keys keeps them" };
                note(&format!("key pairs that {what}: {}", programs.join(", ")));
            }
            admin.set_password_and(&email, &read_password()?.into(), &hasher, keep_keys).await?;
            print_done(output, "changed", &email)
        }
        Administrator::Disable { email } => {
            admin.disable_user(&email).await?;
            print_done(output, "disabled", &email)
        }
        Administrator::Enable { email } => {
            admin.enable_user(&email).await?;
            print_done(output, "enabled", &email)
        }
        Administrator::List => {
            let roles = admin.roles().await?;
            let rows = admin.administrators().await?.into_iter().map(|user| {
                let role = roles.iter().find(|role| Some(role.id) == user.role);
                vec![
                    user.address.to_string(),
                    user.name,
                    role.map(|role| role.name.clone()).unwrap_or_default(),
                    if user.disabled { "disabled" } else { "" }.to_owned(),
                ]
            });
            Ok(output.rows(&["email", "name", "role", "state"], rows.collect())?)
        }
    }
}

async fn role(admin: &Admin, command: Role, output: &Output) -> Result<(), Failed> {
    match command {
        Role::Create { name, account, permissions } => {
            admin.add_role(&account, &name, &permissions).await?;
            print_done(output, "created", &name)
        }
        Role::List => {
            let rows = admin.roles().await?.into_iter().map(|role| {
                let permissions: Vec<_> = role.permissions.iter().map(ToString::to_string).collect();
                vec![role.name, permissions.join("\n")]
            });
            Ok(output.rows(&["role", "permissions"], rows.collect())?)
        }
    }
}

async fn application(admin: &Admin, command: Application, output: &Output) -> Result<(), Failed> {
    match command {
        Application::Create { name, account } => {
            let new = admin.add_application(&account, &name).await?;
            let app_key = new.app_key();
            Ok(output.say(
                json!({ "app_id": new.app_id, "app_key": app_key }),
                format_args!("app_id   {}\napp_key  {app_key}", new.app_id),
            )?)
        }
        Application::Disable { app_id } => {
            admin.disable_application(&app_id).await?;
            print_done(output, "disabled", &app_id)
        }
        Application::List => {
            let rows = admin.applications().await?.into_iter().map(|application| {
                let state = if application.disabled_at.is_some() { "disabled" } else { "" };
                vec![application.app_id, application.name, state.to_owned()]
            });
            Ok(output.rows(&["app_id", "name", "state"], rows.collect())?)
        }
    }
}

async fn binding(admin: &Admin, command: Binding, output: &Output) -> Result<(), Failed> {
    match command {
        Binding::Create { email, app_id, days } => {
            print_binding(&admin.add_binding(&email, &app_id, in_days(days)).await?, output)
        }
        Binding::Reissue { access_key, days } => {
            print_binding(&admin.reissue_binding(&access_key, in_days(days)).await?, output)
        }
        Binding::Disable { access_key } => {
            admin.revoke_binding(&access_key).await?;
            print_done(output, "revoked", &access_key)
        }
        Binding::List { email } => {
            let rows = admin.bindings(email.as_deref()).await?.into_iter().map(|binding| {
                let state = match (binding.revoked_at, binding.expires_at) {
                    (Some(at), _) => format!("revoked {at:.0}"),
                    (None, Some(at)) => format!("until {at:.0}"),
                    (None, None) => String::new(),
                };
                vec![binding.address, binding.app_id, state, binding.access_key.as_str().to_owned()]
            });
            Ok(output.rows(&["email", "app_id", "state", "access_key"], rows.collect())?)
        }
    }
}

/// The applications that call with a user's key pairs, and the number of valid pairs.
async fn programs(admin: &Admin, email: &str) -> Result<Vec<String>, Failed> {
    let now = client::machine_clock();
    let (pairs, applications) = (admin.bindings(Some(email)).await?, admin.applications().await?);
    let live = |pair: &&BindingRow| pair.revoked_at.is_none() && pair.expires_at.is_none_or(|at| now < at);
    let mut programs = BTreeMap::<_, usize>::new();
    for pair in pairs.iter().filter(live) {
        let found = applications.iter().find(|application| application.app_id == pair.app_id);
        *programs.entry(found.map_or(&*pair.app_id, |found| &*found.name)).or_default() += 1;
    }
    Ok(programs.into_iter().map(|(name, pairs)| format!("{name} ({pairs})")).collect())
}

/// Prints a message that is not a result, on standard error.
fn note(text: &str) {
    // Standard error may be closed.
    let _ = writeln!(std::io::stderr(), "{text}");
}

fn in_days(days: Option<u32>) -> Option<Timestamp> {
    let hours = i64::from(days?) * 24;
    Some(client::machine_clock() + server::admin::hours(hours))
}

fn print_binding(new: &NewBinding, output: &Output) -> Result<(), Failed> {
    let secret_key = new.secret_key();
    let expires_at = new.expires_at.map(|at| at.to_string());
    Ok(output.say(
        json!({ "access_key": new.access_key, "secret_key": secret_key, "expires_at": expires_at }),
        format_args!("access_key  {}\nsecret_key  {secret_key}", new.access_key),
    )?)
}
