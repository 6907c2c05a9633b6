//! The schema of a configuration's database.

pub use store::{OpenError as StoreOpenError, Schema};

use crate::config::Config;

/// Looks at the schema of the database, and changes nothing.
///
/// # Errors
/// When there is no database, it can't be read, or a newer program made it.
pub fn schema(config: &Config) -> Result<Schema, StoreOpenError> {
    config.store.schema()
}

/// Runs the migrations that are due, all or none, and gives what was due. It needs no master key.
///
/// # Errors
/// When there is no database, it can't be written, or a newer program made it.
pub fn migrate(config: &Config) -> Result<Schema, StoreOpenError> {
    config.store.migrate()
}
