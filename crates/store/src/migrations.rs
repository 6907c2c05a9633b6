//! The migrations of both engines, in the order in which they run. Forward only: never change a released one.

/// A step from one schema to the next.
pub(crate) struct Migration {
    pub(crate) name: &'static str,
    pub(crate) sql: &'static str,
}

/// The migration in a file. A step in SQL that both engines understand can be one constant in both lists instead.
macro_rules! file {
    ($folder:literal, $name:literal) => {
        Migration { name: $name, sql: include_str!(concat!("../migrations/", $folder, "/", $name, ".sql")) }
    };
}

pub(crate) const SQLITE: &[Migration] = &[
    file!("sqlite", "0001_initial"),
    file!("sqlite", "0002_directory"),
    file!("sqlite", "0003_groups"),
    file!("sqlite", "0004_domains"),
    file!("sqlite", "0005_two_engines"),
    file!("sqlite", "0006_sessions"),
    file!("sqlite", "0007_search"),
    file!("sqlite", "0008_usage"),
    file!("sqlite", "0009_forgotten"),
    file!("sqlite", "0010_password_origin"),
    file!("sqlite", "0011_reserved_users"),
    file!("sqlite", "0012_account_settings"),
    file!("sqlite", "0013_request_index"),
    file!("sqlite", "0014_refusals"),
    file!("sqlite", "0015_scim"),
    file!("sqlite", "0016_scim_settings"),
    file!("sqlite", "0017_ldap"),
];

pub(crate) const POSTGRES: &[Migration] = &[
    file!("postgres", "0001_initial"),
    file!("postgres", "0002_sessions"),
    file!("postgres", "0003_search"),
    file!("postgres", "0004_usage"),
    file!("postgres", "0005_forgotten"),
    file!("postgres", "0006_password_origin"),
    file!("postgres", "0007_reserved_users"),
    file!("postgres", "0008_account_settings"),
    file!("postgres", "0009_refusals"),
    file!("postgres", "0010_scim"),
    file!("postgres", "0011_scim_settings"),
    file!("postgres", "0012_ldap"),
];
