//! Replication: how the database keeps a commit, and the check that a synchronous standby has it.

use directory::port::Replication;
use jiff::Timestamp;

use crate::port::Commits;
use crate::session::{Result, Session};

/// The code with which a transaction ends if no standby would have its commit.
pub(super) const UNPROTECTED: &str = "MA001";

/// Begins a transaction and ends it at once if its commit would wait for no standby. A commit that waits is answered only
/// once a standby has it, whether one is connected at this moment or not. The setting is read in the transaction itself,
/// because a failover or a cluster manager changes it at any time.
const BEGIN_PROTECTED: &str = "BEGIN; DO $$BEGIN IF current_setting('synchronous_standby_names') = '' THEN
    RAISE EXCEPTION 'no synchronous standby' USING ERRCODE = 'MA001'; END IF; END$$";

/// What begins a transaction that writes.
pub(super) fn begin(commits: Commits) -> &'static str {
    match commits {
        Commits::OnDisk => "BEGIN",
        Commits::OnStandby => BEGIN_PROTECTED,
    }
}

/// Settings that must be on, or a crash of the database loses commits.
const MUST_BE_ON: &str =
    "SELECT name FROM pg_settings WHERE name IN ('fsync', 'full_page_writes') AND setting <> 'on'
    ORDER BY name";

/// Reads the state of replication. Other users than superusers may see that a standby is connected, but not more of it.
pub(super) fn read(session: &dyn Session) -> Result<Replication> {
    let sql =
        "SELECT current_setting('synchronous_standby_names'), (SELECT count(*) FROM pg_stat_replication),
        (extract(epoch FROM clock_timestamp()) * 1000)::bigint";
    let (waits_for, standbys, now): (String, i64, i64) =
        session.only(sql, &[], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    let now = Timestamp::from_millisecond(now).unwrap_or(Timestamp::UNIX_EPOCH);
    let unsafe_settings = session.all(MUST_BE_ON, &[], |row| row.get(0))?;
    let standbys = standbys.try_into().unwrap_or_default();
    Ok(Replication { waits_for, standbys, unsafe_settings, now })
}
