//! What must hold of every text that is said to be the hash of a password.

use matricula_auth::hasher::{Cost, hashed_elsewhere};
use secrecy::SecretString;

/// Taken, and then taken again as it is kept; or refused. Reasons are written beforehand, and can hold nothing of it.
pub fn hash(text: &[u8]) {
    let Ok(text) = str::from_utf8(text) else { return };
    if let Ok(hash) = hashed_elsewhere(&SecretString::from(text), Cost::default()) {
        let again = hashed_elsewhere(&SecretString::from(hash.expose()), Cost::default());
        assert!(again.is_ok_and(|again| again.expose() == hash.expose()), "not stable");
        assert!(text.contains(hash.expose()), "invented");
    }
}
