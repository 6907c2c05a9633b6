//! The storage port over two engines, SQLite and PostgreSQL. No other crate contains SQL.

mod audit;
mod backup;
mod database;
mod draft;
mod figures;
mod location;
mod migrations;
mod port;
mod postgres;
mod problem;
mod schema;
mod session;
mod snapshot;
mod sqlite;
mod tables;
mod vault;
mod work;

pub use backup::{BackedUp, BackupError, Checked, Restored, Step, remove_unfinished};
pub use database::OpenError;
pub use location::Location;
pub use port::{Commits, Opening};
pub use problem::{Left, OpenProblem};
pub use schema::Schema;
pub use sqlite::SavedState;
pub use vault::{MasterKey, VaultError};
