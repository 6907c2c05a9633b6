//! The version of the database server.

use crate::session::{Error, Kind, Result};

/// The oldest major version with `plan_cache_mode` and `WITH … AS MATERIALIZED`, which the statements need.
const OLDEST: u32 = 12;

/// Refuses servers that are too old. `version` is their `server_version`, such as `15.18 (Debian 15.18-0+deb12u1)`.
pub(super) fn check(version: &str) -> Result<()> {
    let digits = version.split(|sign: char| !sign.is_ascii_digit()).next().unwrap_or_default();
    match digits.parse::<u32>() {
        Ok(major) if major >= OLDEST => Ok(()),
        Ok(_) => Err(refusal(format!(
            "this is PostgreSQL {version}, and PostgreSQL {OLDEST} or newer is needed: upgrade it, or name another \
             server in `store`"
        ))),
        Err(_) => Err(refusal(format!(
            "the server calls its version \"{version}\", and PostgreSQL {OLDEST} or newer is needed"
        ))),
    }
}

fn refusal(what: String) -> Error {
    Error::new(Kind::Other, what)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_from_12_on_are_used() {
        for version in ["12.22", "12beta1", "15.18 (Debian 15.18-0+deb12u1)", "18.4", "19devel", "100.1"] {
            check(version).unwrap();
        }
        for version in ["11.22", "11.22 (Ubuntu 11.22-1)", "10.23", "9.6.24", "8.4.22", "11beta2"] {
            let told = check(version).unwrap_err().to_string();
            assert!(told.starts_with(&format!("this is PostgreSQL {version}, and PostgreSQL 12")), "{told}");
        }
        assert!(check("").unwrap_err().to_string().contains("12 or newer"));
    }
}
