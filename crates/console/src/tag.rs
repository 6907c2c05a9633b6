//! A word with a look.

/// A mark beside a user: what it says, and how it looks.
pub(crate) struct Tag {
    pub(crate) text: &'static str,
    pub(crate) look: &'static str,
}
