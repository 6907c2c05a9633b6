//! The storage port over two engines, SQLite and PostgreSQL. Nothing outside this room contains SQL.

mod audit;
mod location;
mod port;
mod postgres;
mod session;
mod snapshot;
mod sqlite;
mod tables;
mod vault;
mod work;

pub use location::{Location, OpenError, OpenProblem};
pub use vault::{MasterKey, VaultError};
