//! Times on a page: in UTC with the exact instant, which the script of the console shows in the reader's own zone.

use std::fmt;

use askama::filters::HtmlSafe;
use jiff::Timestamp;

/// A time, as HTML.
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

/// It contains only digits and punctuation.
impl HtmlSafe for ShownTime {}
