//! `/api/ttp/url/…`

pub mod get_all_managed_urls;
