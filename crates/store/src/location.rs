//! The location of a database.

use std::fmt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// The location of a database: `postgres://…`, or the path of an SQLite file.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum Location {
    /// A file.
    Sqlite(PathBuf),
    /// A server: a connection string as libpq reads it.
    Postgres(String),
}

impl From<String> for Location {
    fn from(text: String) -> Self {
        if text.starts_with("postgres://") || text.starts_with("postgresql://") {
            Self::Postgres(text)
        } else {
            Self::Sqlite(text.into())
        }
    }
}

impl From<Location> for String {
    fn from(location: Location) -> Self {
        match location {
            Location::Sqlite(path) => path.to_string_lossy().into_owned(),
            Location::Postgres(url) => url,
        }
    }
}

/// Shows the location without the password.
impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => path.display().fmt(f),
            Self::Postgres(url) => {
                let rest = url.split_once("://").map_or("", |(_, rest)| rest);
                let place = rest.rsplit_once('@').map_or(rest, |(_, place)| place);
                write!(f, "postgres://{}", place.split('?').next().unwrap_or_default())
            }
        }
    }
}

impl fmt::Debug for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl Location {
    /// The same, with its path relative to a folder.
    #[must_use]
    pub fn below(self, folder: &Path) -> Self {
        match self {
            Self::Sqlite(path) => Self::Sqlite(folder.join(path)),
            postgres @ Self::Postgres(_) => postgres,
        }
    }
}
