//! `/api/user/…`

pub(crate) mod create_user;
