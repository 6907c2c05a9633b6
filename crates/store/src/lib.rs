//! The storage port over two engines, SQLite and PostgreSQL. Nothing outside this room contains SQL.

mod audit;
mod backup;
mod draft;
mod location;
mod port;
mod postgres;
mod schema;
mod session;
mod snapshot;
mod sqlite;
mod tables;
mod vault;
mod work;

pub use backup::{BackedUp, BackupError, Restored, Step};
pub use location::{Left, Location, OpenError, OpenProblem};
pub use schema::Schema;
pub use sqlite::Kept;
pub use vault::{MasterKey, VaultError};
