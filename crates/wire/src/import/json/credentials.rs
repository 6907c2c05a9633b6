//! Password hashes of Keycloak's realm export, as PHC strings.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use serde_json::Value;

/// The hash among the credentials of a user; `None`: none can be read.
pub(super) fn password_hash(credentials: &[Value]) -> Option<String> {
    credentials.iter().filter(|credential| credential["type"] == "password").find_map(hash)
}

/// Credentials of Keycloak that are not passwords.
const OTHERS: &[&str] = &["otp", "totp", "hotp", "webauthn", "webauthn-passwordless", "recovery-authn-codes"];

/// Whether a credential is known, and not a password.
pub(super) fn is_no_password(credential: &Value) -> bool {
    credential["type"].as_str().is_some_and(|kind| OTHERS.contains(&kind))
}

fn hash(credential: &Value) -> Option<String> {
    // Both are JSON within a text.
    let secret = inner(&credential["secretData"])?;
    let data = inner(&credential["credentialData"])?;
    let (salt, value) = (unpadded(&secret["salt"])?, unpadded(&secret["value"])?);
    let iterations = data["hashIterations"].as_u64()?;
    let parameters = &data["additionalParameters"];
    match data["algorithm"].as_str()? {
        "pbkdf2" => Some(format!("$pbkdf2$i={iterations}${salt}${value}")),
        algorithm @ ("pbkdf2-sha256" | "pbkdf2-sha512") => {
            Some(format!("${algorithm}$i={iterations}${salt}${value}"))
        }
        "argon2" => {
            let parameter = |name: &str| parameters[name].get(0).and_then(Value::as_str);
            let (kind, memory) = (parameter("type").unwrap_or("id"), parameter("memory")?);
            let parallelism = parameter("parallelism").unwrap_or("1");
            Some(format!("$argon2{kind}$v=19$m={memory},t={iterations},p={parallelism}${salt}${value}"))
        }
        _ => None,
    }
}

fn inner(text: &Value) -> Option<Value> {
    serde_json::from_str(text.as_str()?).ok()
}

fn unpadded(value: &Value) -> Option<String> {
    STANDARD.decode(value.as_str()?).ok().map(|bytes| STANDARD_NO_PAD.encode(bytes))
}
