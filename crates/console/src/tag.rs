//! Tags: short texts with a style.

/// A short text with its CSS class.
pub(crate) struct Tag {
    pub(crate) text: &'static str,
    pub(crate) look: &'static str,
}
