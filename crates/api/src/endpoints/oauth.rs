//! `/oauth/…`: tokens for applications of API 2.0.

pub mod token;

use crate::endpoint::Endpoint;

/// The endpoints of this family.
pub(super) const ENDPOINTS: &[Endpoint] = &[token::ENDPOINT];
