//! `matricula sign`

use std::path::PathBuf;

use clap::Args;
use client::{Keys, Signer};
use serde_json::{Map, Value};
use server::{Method, Takes};

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
    if let Some((content_type, body)) = body_for(path) {
        curl.push_str(&format!(" \\\n  -H 'content-type: {content_type}' \\\n  {body}"));
    }
    text.push_str(&format!("\n{curl}"));
    Ok(output.say(object, text)?)
}

/// The Content-Type and an option of curl for the body of a call; `None`: the path is read with GET.
fn body_for(path: &str) -> Option<(&'static str, &'static str)> {
    let path = path.split('?').next().unwrap_or_default();
    let of_path = || server::endpoints().filter(|endpoint| is_path_of(path, endpoint.path));
    if of_path().any(|endpoint| endpoint.method == Method::Get) {
        return None;
    }
    Some(match of_path().next().map(|endpoint| endpoint.takes) {
        Some(Takes::File(_)) => ("text/csv", "--data-binary @users.csv"),
        None => ("application/json", USER),
        Some(_) if path == "/api/user/create-user" => ("application/json", USER),
        Some(Takes::Object(_)) => ("application/json", "-d '{}'"),
        Some(_) => ("application/json", "-d '{\"data\":[]}'"),
    })
}

const USER: &str = r#"-d '{"data":[{"emailAddress":"ann@example.com"}]}'"#;

/// Whether a path is that of an endpoint, whose segment in braces is a parameter.
fn is_path_of(path: &str, endpoint: &str) -> bool {
    let (path, endpoint): (Vec<_>, Vec<_>) = (path.split('/').collect(), endpoint.split('/').collect());
    path.len() == endpoint.len()
        && path.iter().zip(&endpoint).all(|(one, other)| one == other || other.starts_with('{'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_curl_line_has_the_body_of_its_endpoint() {
        let body = |path| body_for(path).map(|(_, body)| body);
        assert_eq!(body("/api/user/create-user"), Some(USER));
        assert_eq!(body("/api/account/get-account"), Some("-d '{\"data\":[]}'"));
        assert_eq!(body("/api/user/import-users"), Some("--data-binary @users.csv"));
        let groups = "/directory/cloud-gateway/v1/groups";
        let remove = format!("{groups}/x/remove-members");
        assert_eq!(body(&remove), Some("-d '{}'"));
        let second = format!("{groups}?pageSize=2");
        let members = format!("{groups}/x/members");
        for read in [groups, &second, &members, "/identity/whoami"] {
            assert_eq!(body(read), None, "{read}");
        }
    }
}
