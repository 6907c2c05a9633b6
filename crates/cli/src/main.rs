//! `matricula`: the one binary.

mod command;
mod output;
mod place;
mod progress;
mod traces;

use std::path::PathBuf;

use clap::{CommandFactory as _, Parser, Subcommand};

use output::Failed;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// A self-hosted internal directory whose provisioning API speaks the Mimecast API 1.0.
///
/// Independent of Mimecast and not affiliated with it.
#[derive(Parser)]
#[command(name = "matricula", version, max_term_width = 80)]
#[command(
    after_help = "Exit codes: 0 success, 1 error, 2 wrong usage, 3 the server refused some or all items, explain found a mistake, or doctor a failure, 4 migrations are pending (migrate --plan), 5 stopped before the end (import --resume)."
)]
struct Arguments {
    /// Print JSON
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Start a working server with a seeded account and printed keys
    Sandbox(command::sandbox::Arguments),
    /// Set up a directory for production: configuration, keys, account, administrator
    Init(command::init::Arguments),
    /// Run the server in production
    Serve(command::serve::Arguments),
    /// Check an installation, and say what to do
    Doctor(command::doctor::Arguments),
    /// Administer the directory locally, directly on its database
    Admin(command::admin::Arguments),
    /// Verify or export the audit log
    Audit(command::audit::Arguments),
    /// Back up the database to a file; safe while the server is running
    Backup(command::backup::Arguments),
    /// Restore the database from a backup; stop the server first
    Restore(command::restore::Arguments),
    /// Show that a backup can be restored: restore, verify and open a copy of it
    Drill(command::drill::Arguments),
    /// Migrate the database to the schema of this version, as serve does
    Migrate(command::migrate::Arguments),
    /// Call the API about users
    #[command(subcommand)]
    User(command::user::Command),
    /// Create users from a file and report the result of every row
    Import(Box<command::import::Arguments>),
    /// Sign a request and print its headers and a curl line
    Sign(command::sign::Arguments),
    /// Show which part of a request's signature is wrong and how to fix it
    Explain(command::explain::Arguments),
    /// List the documented operations of the service, and which are here
    Compat(command::compat::Arguments),
    /// Print a completion script for a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Write the manual pages of all commands to a folder
    #[command(hide = true)]
    ManPages {
        /// The folder; must exist
        folder: PathBuf,
    },
}

fn main() -> std::process::ExitCode {
    let Arguments { json, command } = Arguments::parse();
    let output = output::Output { json };
    match run(command, &output) {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(failed) => output.failed(&failed),
    }
}

fn run(command: Command, output: &output::Output) -> Result<(), Failed> {
    // Files contain secrets: other users of the machine must not read them.
    if !matches!(
        command,
        Command::User(_)
            | Command::Import(_)
            | Command::Sign(_)
            | Command::Explain(_)
            | Command::Compat(_)
            | Command::Completions { .. }
            | Command::ManPages { .. }
    ) {
        rustix::process::umask(rustix::fs::Mode::RWXG | rustix::fs::Mode::RWXO);
    }
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(anyhow::Error::from)?;
    match command {
        Command::Sandbox(arguments) => runtime.block_on(command::sandbox::run(arguments, output)),
        Command::Init(arguments) => runtime.block_on(command::init::run(arguments, output)),
        Command::Serve(arguments) => runtime.block_on(command::serve::run(arguments, output)),
        Command::Doctor(arguments) => runtime.block_on(command::doctor::run(arguments, output)),
        Command::Admin(arguments) => runtime.block_on(command::admin::run(arguments, output)),
        Command::Audit(arguments) => runtime.block_on(command::audit::run(arguments, output)),
        Command::Backup(arguments) => command::backup::run(&arguments, output),
        Command::Restore(arguments) => command::restore::run(arguments, output),
        Command::Drill(arguments) => runtime.block_on(command::drill::run(arguments, output)),
        Command::Migrate(arguments) => command::migrate::run(&arguments, output),
        Command::User(command) => runtime.block_on(command::user::run(command, output)),
        Command::Import(arguments) => runtime.block_on(command::import::run(*arguments, output)),
        Command::Sign(arguments) => command::sign::run(&arguments, output),
        Command::Explain(arguments) => command::explain::run(&arguments, output),
        Command::Compat(arguments) => command::compat::run(&arguments, output),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Arguments::command(), "matricula", &mut script);
            // Writing to standard output directly would panic when a pipe is closed.
            Ok(std::io::Write::write_all(&mut std::io::stdout(), &script)?)
        }
        Command::ManPages { folder } => Ok(clap_mangen::generate_to(Arguments::command(), folder)?),
    }
}
