//! Properties of every text that may be the hash of a password.

use matricula_auth::hasher::{Cost, read_imported_hash};
use secrecy::SecretString;

/// A hash is refused, or its stored form is accepted unchanged. Reasons are constant texts, so they cannot reveal it.
pub fn hash(text: &[u8]) {
    let Ok(text) = str::from_utf8(text) else { return };
    if let Ok(hash) = read_imported_hash(&SecretString::from(text), Cost::default()) {
        let again = read_imported_hash(&SecretString::from(hash.expose()), Cost::default());
        assert!(again.is_ok_and(|again| again.expose() == hash.expose()), "not stable");
        assert!(text.contains(hash.expose()), "invented");
    }
}
