//! Times on pages: in UTC, with the exact instant for the script that shows them in the reader's time zone.

use std::fmt;

use askama::filters::HtmlSafe;
use jiff::Timestamp;

/// A time as HTML.
#[derive(Clone, Copy)]
pub(crate) struct ShownTime(pub(crate) Timestamp);

impl fmt::Display for ShownTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let exact = self.0.strftime("%Y-%m-%dT%H:%M:%S%.3fZ");
        write!(
            f,
            "<time datetime=\"{exact}\" title=\"{exact}\">{}</time>",
            self.0.strftime("%Y-%m-%d %H:%M UTC")
        )
    }
}

/// The HTML contains only digits and punctuation.
impl HtmlSafe for ShownTime {}
