//! `/identity/…`

pub mod whoami;

use crate::endpoint::Endpoint;

/// The endpoints of this family.
pub(super) const ENDPOINTS: &[Endpoint] = &[whoami::ENDPOINT];
