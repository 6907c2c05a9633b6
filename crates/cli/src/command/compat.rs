//! `matricula compat`

use std::fmt::Write as _;

use clap::{Args, ValueEnum};
use serde_json::json;
use server::catalogue::{Operation, State, operations};

use crate::output::{Failed, Output};

#[derive(Args)]
pub(crate) struct Arguments {
    /// Only operations that are here, that are stubs by design, or that are not here
    #[arg(long, value_enum, value_name = "STATE")]
    only: Option<Only>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Only {
    Here,
    Stub,
    Missing,
}

impl Only {
    fn state(self) -> State {
        match self {
            Only::Here => State::Here,
            Only::Stub => State::Stub,
            Only::Missing => State::Missing,
        }
    }
}

/// Columns before the path; columns of a line.
const BEFORE: usize = 16;
const WIDTH: usize = 80;

pub(crate) fn run(arguments: &Arguments, output: &Output) -> Result<(), Failed> {
    let wanted = arguments.only.map(Only::state);
    let all: Vec<_> = operations().filter(|it| wanted.is_none_or(|state| state == it.state)).collect();
    let rows: Vec<_> = all
        .iter()
        .map(|Operation { method, path, state, .. }| json!({"path": path, "method": method, "state": state.as_str()}))
        .collect();
    Ok(output.say(rows, text(&all))?)
}

fn text(all: &[Operation]) -> String {
    let mut text = String::new();
    for Operation { method, path, state, .. } in all {
        let lines = wrapped(path);
        let _ =
            writeln!(text, "{:<8}{method:<8}{}", state.as_str(), lines.join(&format!("\n{:BEFORE$}  ", "")));
    }
    // Of all operations, also if only some are listed.
    let count = |state: State| operations().filter(|it| it.state == state).count();
    let [here, stubs, missing] = State::ALL.map(count);
    let _ = write!(text, "\n{here} here, {stubs} stubs by design, {missing} not here");
    text
}

/// The path in pieces that fit into a line, each but the last ending with a slash.
fn wrapped(path: &str) -> Vec<String> {
    let mut lines = vec![String::new()];
    for segment in path.split_inclusive('/') {
        let room = WIDTH - BEFORE - if lines.len() > 1 { 2 } else { 0 };
        match lines.last_mut() {
            Some(line) if line.len() + segment.len() <= room => line.push_str(segment),
            _ => lines.push(segment.to_owned()),
        }
    }
    lines
}
