//! The schema and its migrations, without opening the database for anything else.

use std::path::Path;

use super::migrate::{self};
use super::{found, hold, open_reader, open_writer};
use crate::migrations::SQLITE;
use crate::problem::OpenProblem;
use crate::schema::Schema;

/// The schema of a database. Changes nothing.
pub(crate) fn schema(path: &Path) -> Result<Schema, OpenProblem> {
    found::look(path)?;
    let schema = migrate::schema_of(&open_reader(path)?)?;
    Schema::new(schema.ok_or(OpenProblem::Foreign)?, SQLITE)
}

/// Runs the migrations that are due, all or none, and gives the schema before.
pub(crate) fn migrate(path: &Path) -> Result<Schema, OpenProblem> {
    let _in_use = hold(path)?;
    let schema = schema(path)?;
    migrate::run(&mut open_writer(path)?)?;
    Ok(schema)
}
