//! The formats of responses.

/// The format of an endpoint's responses. It follows from the path, so a path without an endpoint is refused in the
/// format of similar paths.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// `meta`, `data`, `fail` (spec/protocol.md 1).
    Envelope,
    /// The requested data or `errors`, with HTTP statuses (spec/protocol.md 8).
    Rest,
    /// OAuth (RFC 6749, 5).
    OAuth,
    /// SCIM (RFC 7644, 3.12). Its calls are in the crate `scim`.
    Scim,
}

impl Style {
    /// The style of a path.
    pub fn of(path: &str) -> Self {
        match path.split('/').nth(1) {
            Some("oauth") => Style::OAuth,
            Some("identity") => Style::Rest,
            Some("scim") => Style::Scim,
            Some("api") => Style::Envelope,
            _ if path.contains("/cloud-gateway/") => Style::Rest,
            _ => Style::Envelope,
        }
    }
}
