//! The endpoints: one file each, in folders named as their paths.

pub(crate) mod user;
