//! `matricula sign`

use std::path::PathBuf;

use clap::Args;
use client::{Keys, Signer};
use serde_json::{Map, Value};

use crate::output::{Failed, Output};

#[derive(Args)]
pub(crate) struct Arguments {
    /// File of keys, as `matricula sandbox` writes it
    #[arg(long, value_name = "FILE")]
    keys: PathBuf,
    /// The path to sign, such as /api/user/create-user
    path: String,
}

pub(crate) fn run(Arguments { keys, path }: &Arguments, output: &Output) -> Result<(), Failed> {
    if !path.starts_with('/') {
        return Err(anyhow::anyhow!(
            "{path} is not a path: sign the part after the host, such as /api/user/create-user"
        )
        .into());
    }
    let keys = Keys::from_file(keys)?;
    let signed = Signer::new(&keys)?.sign(path, client::machine_clock(), &client::random_request_id());
    let object: Map<String, Value> =
        signed.iter().map(|(name, value)| (name.to_owned(), value.into())).collect();
    let mut text = String::new();
    let mut curl = format!("curl '{}{path}'", keys.base_url.trim_end_matches('/'));
    if let Some(file) = &keys.ca_file {
        curl.push_str(&format!(" \\\n  --cacert '{}'", file.display()));
    }
    for (name, value) in signed.iter() {
        text.push_str(&format!("{name}: {value}\n"));
        curl.push_str(&format!(" \\\n  -H '{name}: {value}'"));
    }
    text.push_str(&format!(
        "\n{curl} \\\n  -H 'content-type: application/json' \\\n  -d '{{\"data\":[{{\"emailAddress\":\"ann@example.com\"}}]}}'"
    ));
    Ok(output.say(object, text)?)
}
