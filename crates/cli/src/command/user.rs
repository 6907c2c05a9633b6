//! `matricula user`: the signed call, against this server or the service it is compatible with.

use std::io::Read as _;
use std::path::PathBuf;

use anyhow::Context as _;
use clap::{Args, Subcommand};
use client::{Client, Keys, NewUser};
use serde_json::json;

use crate::output::{Failed, Output};

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Create a user
    Create(Create),
}

#[derive(Args)]
pub(crate) struct Create {
    /// File of keys, as `matricula sandbox` writes it
    #[arg(long, value_name = "FILE")]
    keys: PathBuf,
    /// Address of the new user
    #[arg(long, value_name = "ADDRESS")]
    email: String,
    /// Display name
    #[arg(long)]
    name: Option<String>,
    /// Read the password from standard input; without it, the user cannot log in with a password
    #[arg(long)]
    password_stdin: bool,
    /// Account to create the user in, default: the caller's own
    #[arg(long, value_name = "CODE")]
    account_code: Option<String>,
    /// The user must change the password at the next login
    #[arg(long)]
    force_password_change: bool,
}

pub(crate) async fn run(command: Command, output: &Output) -> Result<(), Failed> {
    match command {
        Command::Create(arguments) => create(arguments, output).await,
    }
}

async fn create(arguments: Create, output: &Output) -> Result<(), Failed> {
    let password = if arguments.password_stdin { Some(read_password()?.into()) } else { None };
    let user = NewUser {
        email_address: Some(arguments.email),
        name: arguments.name,
        password,
        account_code: arguments.account_code,
        force_password_change: arguments.force_password_change.then_some(true),
        ..NewUser::default()
    };
    let client = Client::new(&Keys::from_file(&arguments.keys)?)?;
    let answer = client.create_users(&[user]).await?;
    for created in &answer.data {
        output.say(created, format_args!("created {}\n     id {}", created.email_address, created.id))?;
    }
    for fault in answer.fail.iter().flat_map(|failure| &failure.errors) {
        let field = fault.field.as_ref().map(|field| format!(" ({field})")).unwrap_or_default();
        output.say(
            json!({ "fail": fault }),
            format_args!("refused{field}: {}\n   code {}", fault.message, fault.code),
        )?;
    }
    if answer.fail.is_empty() { Ok(()) } else { Err(Failed::Refused) }
}

/// The password is everything up to the end of the first line.
pub(crate) fn read_password() -> anyhow::Result<String> {
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text).context("the password on standard input")?;
    let line = text.lines().next().unwrap_or_default().to_owned();
    anyhow::ensure!(!line.is_empty(), "standard input is empty, expected a password");
    Ok(line)
}
