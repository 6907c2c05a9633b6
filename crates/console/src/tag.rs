//! A word with a look.

/// A tag of a user: its text and its look.
pub(crate) struct Tag {
    pub(crate) text: &'static str,
    pub(crate) look: &'static str,
}
