//! `matricula admin profile`: how long key pairs live, and how many there may be. `matricula admin password-policy`: what
//! passwords must satisfy.

use clap::{Args, Subcommand};
use server::admin::Admin;

use super::done;
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
        /// Hours a key pair lives after a login; for ever, when left out
        #[arg(long, value_name = "HOURS")]
        life: Option<u32>,
        /// Key pairs one user may have for one application
        #[arg(long, value_name = "N", default_value_t = 10)]
        max_bindings: u32,
    },
    /// List the authentication profiles
    List,
    /// Give a user or a whole account a profile
    Assign {
        /// The profile's name; without one, back to the default: three days, ten key pairs
        name: Option<String>,
        /// The account whose profile it is
        #[arg(long, value_name = "CODE")]
        account: String,
        /// Only for this user
        #[arg(long, value_name = "EMAIL")]
        user: Option<String>,
    },
}

#[derive(Args)]
pub(crate) struct Policy {
    /// The account's code
    account: String,
    /// Fewest characters
    #[arg(long, value_name = "N")]
    min_length: Option<usize>,
    /// Classes that must occur, of upper case, lower case, digit, other: 0 to 4
    #[arg(long, value_name = "N")]
    min_classes: Option<usize>,
    /// How hard to guess, by the scale of zxcvbn: 0 to 4
    #[arg(long, value_name = "N")]
    min_strength: Option<u8>,
    /// Whether common passwords are refused
    #[arg(long, value_name = "BOOL")]
    refuse_common: Option<bool>,
    /// Passwords that may not come again, the present one included
    #[arg(long, value_name = "N")]
    history: Option<u8>,
    /// Days until a password must be changed; 0: never
    #[arg(long, value_name = "N")]
    max_age_days: Option<u32>,
    /// Wrong passwords in a row that lock a user out; 0: none do
    #[arg(long, value_name = "N")]
    lockout_tries: Option<u32>,
    /// Minutes a user stays locked out
    #[arg(long, value_name = "N")]
    lockout_minutes: Option<u32>,
}

pub(super) async fn profile(admin: &Admin, command: Profile, output: &Output) -> Result<(), Failed> {
    match command {
        Profile::Create { name, account, life, max_bindings } => {
            admin.add_profile(&account, &name, life, max_bindings).await?;
            done(output, "created", &name)
        }
        Profile::Assign { name, account, user } => {
            admin.assign_profile(&account, name.as_deref(), user.as_deref()).await?;
            done(output, "changed", user.as_deref().unwrap_or(&account))
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
