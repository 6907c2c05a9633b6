//! The endpoints: one file each, in folders named as their paths.

pub(crate) mod login;
pub(crate) mod user;
