//! The shapes of answers.

/// The shape of an endpoint's responses and refusals. The path tells, so that one that can't be routed is
/// refused in the style of its neighbours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// `meta`, `data`, `fail` (spec/protocol.md 1).
    Envelope,
    /// What is asked for and no more, or `errors`; statuses are HTTP's (spec/protocol.md 8).
    Rest,
    /// Of OAuth (RFC 6749, 5).
    OAuth,
}

impl Style {
    /// The style of a path.
    pub fn of(path: &str) -> Self {
        match path.split('/').nth(1) {
            Some("oauth") => Style::OAuth,
            Some("identity") => Style::Rest,
            Some("api") => Style::Envelope,
            _ if path.contains("/cloud-gateway/") => Style::Rest,
            _ => Style::Envelope,
        }
    }
}
