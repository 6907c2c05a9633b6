//! `matricula admin account`: accounts and their settings.

use clap::{ArgGroup, Subcommand, ValueEnum};
use serde_json::json;
use server::admin::Admin;

use super::print_done;
use crate::output::{Failed, Output};

#[derive(Subcommand)]
pub(super) enum Command {
    /// Create an account; creates the database if there is none
    Create {
        /// 1 to 32 letters and digits
        code: String,
        /// Display name
        #[arg(long)]
        name: String,
        /// The parent account
        #[arg(long, value_name = "CODE")]
        parent: Option<String>,
    },
    /// List the accounts; with --json also their settings
    List,
    /// Change settings of an account
    #[command(group = ArgGroup::new("settings").required(true).multiple(true).args(["packages", "basic_ad"]))]
    Set {
        /// Its code
        code: String,
        /// A package with its id in brackets; may be repeated. The list replaces the present one
        #[arg(long = "package", value_name = "NAME")]
        packages: Vec<String>,
        /// Logins with Basic-AD through the account's applications
        #[arg(long)]
        basic_ad: Option<BasicAd>,
    },
    /// Show or set the base of the account for LDAP clients (docs/LDAP.md)
    LdapBase {
        /// Its code
        code: String,
        /// A distinguished name, such as dc=example,dc=com
        #[arg(value_name = "DN", conflicts_with = "default")]
        base: Option<String>,
        /// Use the base of the account's first domain again
        #[arg(long)]
        default: bool,
    },
    /// Disable an account
    Disable {
        /// Its code
        code: String,
    },
}

#[derive(Clone, Copy, ValueEnum)]
pub(super) enum BasicAd {
    /// Check the password that is stored here, as for Basic-Cloud
    TreatAsCloud,
    /// Refuse them
    Refuse,
}

pub(super) async fn run(admin: &Admin, command: Command, output: &Output) -> Result<(), Failed> {
    match command {
        Command::Create { code, name, parent } => {
            admin.add_account(&code, &name, parent.as_deref()).await?;
            print_done(output, "created", &code)
        }
        Command::Set { code, packages, basic_ad } => {
            let packages = (!packages.is_empty()).then_some(&packages[..]);
            let as_cloud = basic_ad.map(|basic_ad| matches!(basic_ad, BasicAd::TreatAsCloud));
            admin.change_settings(&code, packages, as_cloud).await?;
            print_done(output, "changed", &code)
        }
        Command::LdapBase { code, base, default } => {
            if default || base.is_some() {
                admin.set_ldap_base(&code, base.as_deref()).await?;
            }
            let base = admin.ldap_base(&code).await?;
            let told = base.as_deref().unwrap_or("none: the account has no internal domain");
            Ok(output.say(json!({ "code": code, "ldap_base": base }), told)?)
        }
        Command::Disable { code } => {
            admin.disable_account(&code).await?;
            print_done(output, "disabled", &code)
        }
        Command::List => list(admin, output).await,
    }
}

async fn list(admin: &Admin, output: &Output) -> Result<(), Failed> {
    let accounts = admin.accounts().await?;
    let code_of =
        |id| accounts.iter().find(|account| account.id == id).map(|account| account.code.to_string());
    let (mut objects, mut rows) = (Vec::new(), Vec::new());
    for account in &accounts {
        let parent = account.above.first().copied().and_then(code_of).unwrap_or_default();
        let settings = &account.settings;
        objects.push(json!({
            "code": account.code.as_str(), "name": account.name, "parent": parent,
            "packages": settings.packages,
            "basic_ad": if settings.basic_ad_as_cloud { "treat-as-cloud" } else { "refuse" },
            "emergency_contact": settings.emergency_contact,
        }));
        rows.push(vec![account.code.to_string(), account.name.clone(), parent]);
    }
    Ok(output.say(objects, Output::table(&["code", "name", "parent"], rows))?)
}
