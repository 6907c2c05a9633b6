//! `matricula admin profile`: life and number of key pairs. `matricula admin password-policy`: rules for passwords.

use clap::{Args, Subcommand};
use server::admin::Admin;

use super::print_done;
use crate::output::{Failed, Output};

#[derive(Subcommand)]
pub(crate) enum Profile {
    /// Create an authentication profile
    Create {
        /// Its name
        name: String,
        /// The account's code
        #[arg(long, value_name = "CODE")]
        account: String,
        /// Hours until a key pair expires after a login, default: never
        #[arg(long, value_name = "HOURS")]
        life: Option<u32>,
        /// Maximum key pairs per user and application
        #[arg(long, value_name = "N", default_value_t = 10)]
        max_bindings: u32,
    },
    /// List the authentication profiles
    List,
    /// Assign a profile to a user or an account
    Assign {
        /// The profile; without it, the default applies: three days, ten key pairs
        name: Option<String>,
        /// The account that owns the profile
        #[arg(long, value_name = "CODE")]
        account: String,
        /// Only this user, default: the whole account
        #[arg(long, value_name = "EMAIL")]
        user: Option<String>,
    },
}

#[derive(Args)]
pub(crate) struct Policy {
    /// The account's code
    account: String,
    /// Minimum number of characters
    #[arg(long, value_name = "N")]
    min_length: Option<usize>,
    /// How many of upper case, lower case, digit and other must occur: 0 to 4
    #[arg(long, value_name = "N")]
    min_classes: Option<usize>,
    /// Minimum zxcvbn strength: 0 to 4
    #[arg(long, value_name = "N")]
    min_strength: Option<u8>,
    /// Whether common passwords are refused
    #[arg(long, value_name = "BOOL")]
    refuse_common: Option<bool>,
    /// How many previous passwords, including the current one, cannot be reused
    #[arg(long, value_name = "N")]
    history: Option<u8>,
    /// Days until a password expires; 0: never
    #[arg(long, value_name = "N")]
    max_age_days: Option<u32>,
    /// Consecutive wrong passwords until the user is locked; 0: never lock
    #[arg(long, value_name = "N")]
    lockout_tries: Option<u32>,
    /// Minutes a user stays locked
    #[arg(long, value_name = "N")]
    lockout_minutes: Option<u32>,
}

pub(super) async fn profile(admin: &Admin, command: Profile, output: &Output) -> Result<(), Failed> {
    match command {
        Profile::Create { name, account, life, max_bindings } => {
            admin.add_profile(&account, &name, life, max_bindings).await?;
            print_done(output, "created", &name)
        }
        Profile::Assign { name, account, user } => {
            admin.assign_profile(&account, name.as_deref(), user.as_deref()).await?;
            print_done(output, "changed", user.as_deref().unwrap_or(&account))
        }
        Profile::List => {
            let accounts = admin.accounts().await?;
            let rows = admin.profiles().await?.into_iter().map(|named| {
                let account = accounts.iter().find(|account| account.id == named.account);
                let life = named.profile.binding_life;
                vec![
                    named.name,
                    account.map(|account| account.code.to_string()).unwrap_or_default(),
                    life.map_or_else(|| "for ever".to_owned(), |life| format!("{} hours", life.as_hours())),
                    named.profile.max_bindings.to_string(),
                ]
            });
            Ok(output.rows(&["profile", "account", "life", "max_bindings"], rows.collect())?)
        }
    }
}

pub(super) async fn policy(admin: &Admin, asked: Policy, output: &Output) -> Result<(), Failed> {
    let change = |policy: &mut server::admin::PasswordPolicy| {
        fn set<T>(field: &mut T, value: Option<T>) {
            if let Some(value) = value {
                *field = value;
            }
        }
        set(&mut policy.min_length, asked.min_length);
        set(&mut policy.min_classes, asked.min_classes);
        set(&mut policy.min_strength, asked.min_strength);
        set(&mut policy.common, asked.refuse_common);
        set(&mut policy.history, asked.history);
        set(&mut policy.max_age_days, asked.max_age_days.map(|days| (days > 0).then_some(days)));
        set(&mut policy.lockout_tries, asked.lockout_tries);
        set(&mut policy.lockout_minutes, asked.lockout_minutes);
    };
    let policy = admin.change_policy(&asked.account, change).await?;
    Ok(output.say(&policy, serde_json::to_string_pretty(&policy)?)?)
}
