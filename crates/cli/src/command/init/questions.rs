//! The questions of `matricula init` on a terminal. They go to standard error: the result goes to standard output.

use std::io::Write as _;

use anyhow::Context as _;
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use server::admin::{AdminError, Beginning};

/// What the questions are about.
pub(super) struct Answers {
    pub(super) beginning: Beginning,
    pub(super) password: Option<String>,
}

/// Asks for what has no default. An empty answer takes the default, if there is one; one that cannot be used is asked
/// for again.
pub(super) async fn ask<P>(parse: P, name: Option<String>) -> anyhow::Result<Answers>
where
    P: Fn(&str, Option<&str>) -> Result<Beginning, AdminError> + Send + 'static,
{
    let before = tcgetattr(std::io::stdin()).context("the terminal")?;
    let answers = tokio::task::spawn_blocking(move || ask_all(&parse, name));
    tokio::select! {
        answers = answers => answers?,
        _ = tokio::signal::ctrl_c() => {
            // The thread that reads cannot be stopped, and it may have silenced the terminal.
            let _ = tcsetattr(std::io::stdin(), OptionalActions::Now, &before);
            say("\nNothing was changed.\n")?;
            std::process::exit(130)
        }
    }
}

fn ask_all(
    parse: &impl Fn(&str, Option<&str>) -> Result<Beginning, AdminError>,
    name: Option<String>,
) -> anyhow::Result<Answers> {
    let domain = loop {
        match line("Internal domain, such as acme.example: ")? {
            None => say("The account needs a domain: users are created in it.\n")?,
            Some(domain) => match parse(&domain, name.as_deref()) {
                Err(error @ AdminError::Domain(_)) => say(&format!("{error}\n"))?,
                parsed => break parsed.map(|_| domain)?,
            },
        }
    };
    let beginning = loop {
        let name = match &name {
            Some(name) => Some(name.clone()),
            None => line(&format!("Name of the organisation [{domain}]: "))?,
        };
        match parse(&domain, name.as_deref()) {
            Err(error @ AdminError::Name(_)) => say(&format!("{error}\n"))?,
            parsed => break parsed?,
        }
    };
    say(&format!("Password of {}, to log in to the console\n", beginning.administrator()))?;
    let password = loop {
        let Some(password) = hidden("(empty: none, set it later): ")? else { break None };
        if let Err(error) = beginning.check_password(&password) {
            say(&format!("{error}\n"))?;
        } else if hidden("The same again: ")?.as_deref() == Some(&password) {
            break Some(password);
        } else {
            say("These were two different passwords.\n")?;
        }
    };
    Ok(Answers { beginning, password })
}

fn say(text: &str) -> anyhow::Result<()> {
    Ok(write!(std::io::stderr(), "{text}")?)
}

fn line(question: &str) -> anyhow::Result<Option<String>> {
    let answer = read(question)?;
    let answer = answer.trim();
    Ok((!answer.is_empty()).then(|| answer.to_owned()))
}

/// Reads a line, without its end.
fn read(question: &str) -> anyhow::Result<String> {
    say(question)?;
    let mut answer = String::new();
    let read = std::io::stdin().read_line(&mut answer).context("the answer")?;
    anyhow::ensure!(read > 0, "the input ended before all questions were answered; nothing was changed");
    Ok(answer.trim_end_matches(['\r', '\n']).to_owned())
}

/// Reads a line that the terminal does not show. It stops showing before the question, so that nobody types too early.
fn hidden(question: &str) -> anyhow::Result<Option<String>> {
    let _silence = Silence::begin().context("the terminal")?;
    let answer = read(question)?;
    say("\n")?;
    Ok((!answer.is_empty()).then_some(answer))
}

/// While it exists, the terminal does not show what is typed.
struct Silence(Termios);

impl Silence {
    fn begin() -> std::io::Result<Self> {
        let before = tcgetattr(std::io::stdin())?;
        let mut silent = before.clone();
        silent.local_modes.remove(LocalModes::ECHO);
        tcsetattr(std::io::stdin(), OptionalActions::Now, &silent)?;
        Ok(Self(before))
    }
}

impl Drop for Silence {
    fn drop(&mut self) {
        let _ = tcsetattr(std::io::stdin(), OptionalActions::Now, &self.0);
    }
}
