//! Where a paged search goes on: a cookie that every node can read and nobody can make. It is bound to the search and to
//! who searches.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// Bytes of the digest in a cookie.
const DIGEST: usize = 16;

/// Makes and reads cookies.
pub(crate) struct Cookies(Hmac<Sha256>);

/// The next page: the part of the search, and the place in its list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Position {
    pub(crate) stage: u8,
    pub(crate) after: Option<String>,
}

impl Cookies {
    pub(crate) fn new(key: &[u8; 64]) -> Self {
        let mut digest = Hmac::<Sha256>::new(key.into());
        // The key has other purposes too.
        digest.update(b"cookie of LDAP\0");
        Self(digest)
    }

    fn digest(&self, search: &[&[u8]], content: &[u8]) -> Hmac<Sha256> {
        let mut digest = self.0.clone();
        for part in search.iter().chain(&[content]) {
            digest.update(&(part.len() as u64).to_be_bytes());
            digest.update(part);
        }
        digest
    }

    pub(crate) fn seal(&self, search: &[&[u8]], position: &Position) -> Vec<u8> {
        let mut content = vec![position.stage];
        content.extend_from_slice(position.after.as_deref().unwrap_or_default().as_bytes());
        let digest = self.digest(search, &content).finalize().into_bytes();
        content.extend_from_slice(&digest[..DIGEST]);
        content
    }

    /// The position in a cookie; `None`: it is not of this search.
    pub(crate) fn open(&self, search: &[&[u8]], cookie: &[u8]) -> Option<Position> {
        let (content, digest) = cookie.split_at_checked(cookie.len().checked_sub(DIGEST)?)?;
        self.digest(search, content).verify_truncated_left(digest).ok()?;
        let (stage, after) = content.split_first()?;
        let after = str::from_utf8(after).ok().filter(|after| !after.is_empty()).map(str::to_owned);
        Some(Position { stage: *stage, after })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_is_of_one_search_and_cannot_be_changed() {
        let (cookies, other) = (Cookies::new(&[1; 64]), Cookies::new(&[2; 64]));
        let position = Position { stage: 3, after: Some("example.com@ann".to_owned()) };
        let search: [&[u8]; 2] = [b"ab", b"c"];
        let cookie = cookies.seal(&search, &position);
        assert_eq!(cookies.open(&search, &cookie), Some(position));
        assert_eq!(other.open(&search, &cookie), None);
        assert_eq!(cookies.open(&[b"a", b"bc"], &cookie), None);
        for at in 0..cookie.len() {
            let mut changed = cookie.clone();
            changed[at] ^= 1;
            assert_eq!(cookies.open(&search, &changed), None);
        }
        assert_eq!(cookies.open(&search, b"short"), None);
        let start = Position { stage: 0, after: None };
        assert_eq!(cookies.open(&search, &cookies.seal(&search, &start)), Some(start));
    }
}
