//! The storage port over SQLite. Nothing outside this room contains SQL.

mod audit;
mod snapshot;
pub mod sqlite;
mod vault;

pub use sqlite::{OpenError, SqliteStore};
pub use vault::{MasterKey, VaultError};
