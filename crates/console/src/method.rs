//! The methods of pages.

/// The method of a page; a form has no others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Shows a page.
    Get,
    /// Takes a form.
    Post,
}
