//! Which schema a database has, and which migrations it lacks.

use crate::problem::OpenProblem;

/// The schema of a database beside what this program knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schema {
    /// Number of the newest migration that ran.
    pub found: i64,
    /// Number of the newest one that this program knows.
    pub known: i64,
    /// Number and name of those that are due, in the order in which they run.
    pub due: Vec<(i64, &'static str)>,
}

impl Schema {
    /// By the names of the migrations that this program knows.
    pub(crate) fn new(found: i64, names: &[&'static str]) -> Result<Self, OpenProblem> {
        let known = i64::try_from(names.len()).unwrap_or(i64::MAX);
        if !(0..=known).contains(&found) {
            return Err(OpenProblem::Newer { found, known });
        }
        let numbered = (1..).zip(names.iter().copied());
        Ok(Self { found, known, due: numbered.filter(|(number, _)| *number > found).collect() })
    }
}
