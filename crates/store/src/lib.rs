//! The storage port over SQLite. Nothing outside this room contains SQL.

mod audit;
mod snapshot;
pub mod sqlite;
mod vault;

pub use sqlite::{
    BackedUp, BackupError, OpenError, Restored, Schema, SqliteStore, Step, backup, migrate, restore, schema,
};
pub use vault::{MasterKey, VaultError};
