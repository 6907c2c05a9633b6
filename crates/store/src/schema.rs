//! The schema of a database, and the migrations that it lacks.

use crate::migrations::Migration;
use crate::problem::OpenProblem;

/// The schema of a database, compared with this program's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schema {
    /// Number of the newest migration that ran.
    pub found: i64,
    /// Number of the newest migration of this program.
    pub known: i64,
    /// Number and name of the migrations that are due, in order.
    pub due: Vec<(i64, &'static str)>,
}

impl Schema {
    /// Compares a schema with this program's migrations.
    pub(crate) fn new(found: i64, migrations: &[Migration]) -> Result<Self, OpenProblem> {
        let known = i64::try_from(migrations.len()).unwrap_or(i64::MAX);
        if !(0..=known).contains(&found) {
            return Err(OpenProblem::Newer { found, known });
        }
        let numbered = (1..).zip(migrations.iter().map(|migration| migration.name));
        Ok(Self { found, known, due: numbered.filter(|(number, _)| *number > found).collect() })
    }
}
