//! The storage port over SQLite. Nothing outside this room contains SQL.

mod audit;
mod snapshot;
pub mod sqlite;
mod vault;

pub use sqlite::{BackedUp, BackupError, OpenError, Restored, SqliteStore, Step, backup, restore};
pub use vault::{MasterKey, VaultError};
