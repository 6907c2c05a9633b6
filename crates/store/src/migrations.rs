//! The migrations of both engines, in the order in which they run. Forward only: never change a released one.

/// A step from one schema to the next.
pub(crate) struct Migration {
    pub(crate) name: &'static str,
    pub(crate) sql: &'static str,
}

/// The migrations in the files of a folder, by name. A step in SQL that both engines understand can be one constant in
/// both lists.
macro_rules! files {
    ($folder:literal: $($name:literal),* $(,)?) => {
        &[$(Migration {
            name: $name,
            sql: include_str!(concat!("../migrations/", $folder, "/", $name, ".sql")),
        }),*]
    };
}

pub(crate) const SQLITE: &[Migration] = files![
    "sqlite":
    "0001_initial",
    "0002_directory",
    "0003_groups",
    "0004_domains",
    "0005_two_engines",
    "0006_sessions",
    "0007_search",
    "0008_usage",
    "0009_forgotten",
    "0010_password_origin",
];

pub(crate) const POSTGRES: &[Migration] = files![
    "postgres":
    "0001_initial",
    "0002_sessions",
    "0003_search",
    "0004_usage",
    "0005_forgotten",
    "0006_password_origin",
];
