//! `/api/provisioning/…`

pub mod get_packages;

use crate::endpoint::Endpoint;

/// The endpoints of this family.
pub(super) const ENDPOINTS: &[Endpoint] = &[get_packages::ENDPOINT];
