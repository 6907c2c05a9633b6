//! Salted SHA, as LDAP directories and Dovecot write it.

use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use super::HashError;
use super::sha::Sha;
use crate::hasher::encoding::{base64, hex};

/// A parsed hash.
pub(in crate::hasher) struct Salted {
    digest: Sha,
    salt: Vec<u8>,
    output: Vec<u8>,
}

impl Salted {
    pub(super) fn read(text: &str) -> Result<Option<Self>, HashError> {
        let broken = HashError::Broken("salted SHA");
        let Some((name, rest)) = text.strip_prefix('{').and_then(|text| text.split_once('}')) else {
            return Ok(None);
        };
        let name = name.to_ascii_lowercase();
        // Dovecot can append the encoding.
        let (name, encoding) = name.split_once('.').unwrap_or((&name, "b64"));
        let digest = match name {
            "ssha" => Sha::One,
            "ssha256" => Sha::Two256,
            "ssha384" => Sha::Two384,
            "ssha512" => Sha::Two512,
            _ => return Ok(None),
        };
        let decoded = match encoding {
            "b64" | "base64" => base64(rest),
            "hex" => hex(rest),
            _ => return Err(HashError::Scheme),
        };
        let mut output = decoded.ok_or(broken)?;
        if output.len() < digest.length() {
            return Err(broken);
        }
        let salt = output.split_off(digest.length());
        if salt.is_empty() {
            return Err(HashError::Unsalted);
        }
        Ok(Some(Self { digest, salt, output }))
    }

    pub(super) fn matches(&self, password: &[u8]) -> bool {
        let found = Zeroizing::new(self.digest.digest(password, &self.salt));
        found.ct_eq(&self.output).into()
    }
}
