//! `/api/ttp/…`

pub mod url;

use crate::endpoint::Endpoint;

/// The endpoints of this family.
pub(super) const ENDPOINTS: &[Endpoint] = &[url::get_all_managed_urls::ENDPOINT];
