//! The questions of `matricula init` on a terminal. They go to standard error: the result goes to standard output.

use std::io::Write as _;

use anyhow::Context as _;
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};

/// What the questions are about.
pub(super) struct Answers {
    pub(super) domain: String,
    pub(super) name: Option<String>,
    pub(super) password: Option<String>,
}

/// Asks for what has no default. An empty answer takes the default, if there is one.
pub(super) fn ask(name: Option<String>, administrator: Option<&str>) -> anyhow::Result<Answers> {
    let domain = loop {
        match line("Internal domain, such as acme.example: ")? {
            Some(domain) => break domain,
            None => say("The account needs a domain: users are created in it.\n")?,
        }
    };
    let name = match name {
        Some(name) => Some(name),
        None => line(&format!("Name of the organisation [{domain}]: "))?,
    };
    let administrator = administrator.map_or_else(|| format!("administrator@{domain}"), str::to_owned);
    say(&format!("Password of {administrator}, to log in to the console\n"))?;
    let password = loop {
        let password = hidden("(empty: none, set it later): ")?;
        if password.is_none() || password == hidden("The same again: ")? {
            break password;
        }
        say("These were two different passwords.\n")?;
    };
    Ok(Answers { domain, name, password })
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
