//! The endpoints: one file each, in folders named as their paths.

pub(crate) mod account;
pub(crate) mod audit;
pub(crate) mod cloud_gateway;
pub(crate) mod directory;
pub(crate) mod domain;
pub(crate) mod identity;
pub(crate) mod login;
pub(crate) mod oauth;
pub(crate) mod role;
pub(crate) mod user;
