//! Pages of lists.

/// The start of a page.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Position {
    /// At the first row.
    Start,
    /// After the row with this key.
    After(String),
    /// So that the page ends before the row with this key.
    Before(String),
}

/// A page of rows, and the number of rows on all pages.
#[derive(Clone, Debug)]
pub struct Listed<T> {
    /// The rows.
    pub rows: Vec<T>,
    /// The number of rows on all pages.
    pub total: u64,
}
