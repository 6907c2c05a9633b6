//! The subcommands, one file each.

pub(crate) mod admin;
pub(crate) mod audit;
pub(crate) mod backup;
pub(crate) mod compat;
pub(crate) mod doctor;
pub(crate) mod drill;
pub(crate) mod explain;
pub(crate) mod import;
pub(crate) mod init;
pub(crate) mod migrate;
mod notify;
pub(crate) mod restore;
pub(crate) mod sandbox;
pub(crate) mod serve;
pub(crate) mod sign;
pub(crate) mod user;
