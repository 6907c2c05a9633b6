//! The schema of the configured database.

pub use store::{OpenError as StoreOpenError, Schema};

use crate::config::Config;

/// The state of the schema. Changes nothing.
///
/// # Errors
/// When the database does not exist, cannot be read, or was created by a newer program.
pub fn schema(config: &Config) -> Result<Schema, StoreOpenError> {
    config.store.schema()
}

/// Runs all pending migrations or none, and returns which were pending. Needs no master key.
///
/// # Errors
/// When the database does not exist, cannot be written, or was created by a newer program.
pub fn migrate(config: &Config) -> Result<Schema, StoreOpenError> {
    config.store.migrate()
}
