//! `matricula explain`

use std::io::Read as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow};
use clap::Args;
use client::explain::request::{Request, read};
use client::explain::{Explanation, KeySet, KeyStatus, Known, explain};
use client::{Keys, KeysError};
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use crate::output::{Failed, Output};

/// Longest input, in bytes; HAR files are large.
const INPUT: u64 = 256 << 20;

#[derive(Args)]
#[command(
    after_help = "The request is a curl command (typed, or copied from a browser), a HAR file, a raw HTTP request (also from curl -v), or only headers, as lines or as a JSON object. \
                  Nothing is sent, and no secret is printed.\n\n\
                  Exit codes: 0 no mistake, 1 the input cannot be read, 2 wrong usage, 3 a mistake was found."
)]
pub(crate) struct Arguments {
    /// The request; - or none: standard input
    file: Option<PathBuf>,
    /// A file of keys, as `matricula sandbox` writes it; repeat it to check the keys of several applications
    #[arg(long, value_name = "FILE", required = true)]
    keys: Vec<PathBuf>,
    /// The called path, such as /api/user/create-user, if the input has only headers
    #[arg(long)]
    path: Option<String>,
    /// The time to compare x-mc-date with, such as 2026-11-24T12:00:00Z; default: the time in the HAR file, else now
    #[arg(long, value_name = "TIME")]
    at: Option<Timestamp>,
}

/// The JSON output for a request.
#[derive(Serialize)]
struct Explained {
    method: String,
    path: String,
    #[serde(flatten)]
    explanation: Explanation,
}

pub(crate) fn run(Arguments { file, keys, path, at }: &Arguments, output: &Output) -> Result<(), Failed> {
    let files: Vec<(&Path, Keys)> = keys
        .iter()
        .map(|file| Ok((file.as_path(), Keys::from_file(file)?)))
        .collect::<Result<_, KeysError>>()?;
    let sets: Vec<KeySet> = files.iter().map(|(file, keys)| set(file, keys)).collect::<Result<_, _>>()?;
    let paths: Vec<&str> = server::endpoints().map(|endpoint| endpoint.path).collect();
    let window = SignedDuration::from_secs(server::Config::default().freshness_seconds.into());
    let known = Known { keys: &sets, paths: &paths, window };
    let mut requests = read(&input(file.as_deref())?)?;
    for request in &mut requests {
        complete(request, path.as_deref(), files.first().map(|(_, keys)| keys.base_url.as_str()))?;
    }
    let explained: Vec<Explained> = requests
        .iter()
        .map(|request| {
            let now = at.or(request.sent_at).unwrap_or_else(client::machine_clock);
            let path = request.target.split(|&byte| byte == b'?').next().unwrap_or_default();
            Explained {
                method: request.method.clone(),
                path: String::from_utf8_lossy(path).into_owned(),
                explanation: explain(&request.received(), &known, now),
            }
        })
        .collect();
    output.say(&explained, text(&explained))?;
    let good = explained.iter().all(|one| one.explanation.is_good());
    if good { Ok(()) } else { Err(Failed::Refused) }
}

fn set(file: &Path, keys: &Keys) -> anyhow::Result<KeySet> {
    let set = KeySet {
        name: file.display().to_string(),
        app_id: keys.app_id.clone(),
        app_key: keys.app_key.clone().into(),
        access_key: keys.access_key.clone(),
        secret_key: Some(keys.secret_key.clone().into()),
        status: KeyStatus::Live,
    };
    set.check().with_context(|| file.display().to_string())?;
    Ok(set)
}

fn input(file: Option<&Path>) -> anyhow::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let (name, read) = match file.filter(|file| *file != Path::new("-")) {
        Some(file) => {
            let name = file.display().to_string();
            let opened = std::fs::File::open(file).with_context(|| name.clone())?;
            (name, opened.take(INPUT + 1).read_to_end(&mut bytes))
        }
        None => {
            ("standard input".to_owned(), std::io::stdin().lock().take(INPUT + 1).read_to_end(&mut bytes))
        }
    };
    if read.with_context(|| name.clone())? as u64 > INPUT {
        return Err(anyhow!("{name} is larger than 256 MiB: save only the request"));
    }
    Ok(bytes)
}

/// Defaults for what the input does not contain: the called path, and headers that nearly all requests have.
fn complete(request: &mut Request, path: Option<&str>, base_url: Option<&str>) -> anyhow::Result<()> {
    match path {
        Some(path) if path.starts_with('/') => request.target = path.as_bytes().to_vec(),
        Some(path) => {
            return Err(anyhow!(
                "{path} is not a path: give the part after the host, such as /api/user/create-user"
            ));
        }
        None if request.target.is_empty() => {
            return Err(anyhow!(
                "the input has only headers, but the path is signed too: add --path, such as --path /api/user/create-user"
            ));
        }
        None => {}
    }
    if request.method.is_empty() {
        request.method = "POST".to_owned();
    }
    if request.authority.is_none() {
        let host = base_url.and_then(|url| url.split_once("://")?.1.split('/').next());
        request.authority = host.map(|host| host.as_bytes().to_vec());
    }
    Ok(())
}

fn text(explained: &[Explained]) -> String {
    let one = |(number, one): (usize, &Explained)| {
        let Explained { method, path, explanation } = one;
        match explained.len() {
            1 => explanation.to_string(),
            of => format!("# {} of {of}: {method} {path}\n\n{explanation}", number + 1),
        }
    };
    explained.iter().enumerate().map(one).collect::<Vec<_>>().join("\n\n")
}
