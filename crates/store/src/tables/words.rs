//! The word index, which finds users. It follows the audit: the events of a chain have no gaps and are in the order of
//! their commits, so a reader that has read up to an event has missed nothing, even if several nodes write. So creating
//! users writes nothing to it. A change that removes words deletes them; a leftover word is only a hint, because the
//! user it refers to is checked again.

use std::collections::BTreeSet;

use directory::EmailAddress;
use directory::audit::Action;
use directory::port::Indexed;
use directory::user::User;
use directory::user_query::words;

use super::batch::Batch;
use super::read::{rows, users};
use super::work::{Payload, Work};
use crate::session::{Result, Session, Value, values};

/// Rows in one statement.
const ROWS: usize = 64;

/// The chains with unread events: number, last event read, last event. Those with the fewest unread events come first,
/// so that new events do not wait for a backlog.
const UNREAD: &str = "SELECT c.chain, coalesce(r.seq, 0), c.seq
    FROM audit_chains c LEFT JOIN user_words_read r ON r.chain = c.chain
    WHERE c.seq > coalesce(r.seq, 0) ORDER BY c.seq - coalesce(r.seq, 0), c.chain";

/// The number of unread events.
pub(crate) fn left(session: &dyn Session) -> Result<u64> {
    let counts = session.all(UNREAD, &[], |row| Ok(row.get::<i64>(2)? - row.get::<i64>(1)?))?;
    Ok(u64::try_from(counts.iter().sum::<i64>()).unwrap_or(0))
}

/// Reads the next events of the audit into the index, at most so many.
pub(crate) struct Index {
    pub(crate) limit: usize,
}

impl Payload for Index {
    type Output = Indexed;

    fn size(&self) -> usize {
        self.limit
    }
}

impl Work for Index {
    fn run(&self, batch: &mut Batch<'_>) -> Result<Indexed> {
        index(batch.session, self.limit)
    }
}

/// Reads the next events, and writes the current words of the users they name.
fn index(session: &dyn Session, limit: usize) -> Result<Indexed> {
    let chains: Vec<(i64, i64, i64)> =
        session.all(UNREAD, &[], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    let mut indexed = Indexed::default();
    let mut room = rows(limit);
    let mut addresses = BTreeSet::new();
    for (chain, read, last) in chains {
        let next = last.min(read + room);
        if next > read {
            named(session, chain, read, next, &mut addresses)?;
            session.execute(
                "INSERT INTO user_words_read (chain, seq) VALUES (?1, ?2)
                 ON CONFLICT (chain) DO UPDATE SET seq = excluded.seq",
                values![chain, next],
            )?;
        }
        room -= next - read;
        indexed.read += u64::try_from(next - read).unwrap_or(0);
        indexed.left += u64::try_from(last - next).unwrap_or(0);
    }
    let keys: Vec<&str> = addresses.iter().map(String::as_str).collect();
    add(session, &users::by_keys(session, &keys)?)?;
    Ok(indexed)
}

/// Collects the address keys that events of a range may have named.
fn named(
    session: &dyn Session,
    chain: i64,
    behind: i64,
    to: i64,
    addresses: &mut BTreeSet<String>,
) -> Result<()> {
    let events = session.all(
        "SELECT action, target FROM audit_events WHERE chain = ?1 AND seq > ?2 AND seq <= ?3 ORDER BY seq",
        values![chain, behind, to],
        |row| {
            let named = Action::by_name(row.get(0)?).is_some_and(Action::may_name);
            Ok(named.then_some(row.get::<String>(1)?))
        },
    )?;
    let parsed = events.into_iter().flatten().filter_map(|target| EmailAddress::parse(&target).ok());
    addresses.extend(parsed.map(|address| address.key().to_owned()));
    Ok(())
}

/// Adds the words of users.
pub(crate) fn add(session: &dyn Session, users: &[User]) -> Result<()> {
    let words: Vec<(&User, String)> =
        users.iter().flat_map(|user| words(user).into_iter().map(move |word| (user, word))).collect();
    for some in words.chunks(ROWS) {
        // One statement serves any number of rows: the last row is repeated.
        let full = some.iter().chain(std::iter::repeat_n(&some[some.len() - 1], ROWS - some.len()));
        let values: Vec<Value<'_>> = full
            .flat_map(|(user, word)| {
                [Value::Bytes(user.account.as_bytes()), Value::Text(word), Value::Text(user.address.key())]
            })
            .collect();
        session.execute(&insert(), &values)?;
    }
    Ok(())
}

fn insert() -> String {
    let row = |n: usize| format!("(?{}, ?{}, ?{})", 3 * n + 1, 3 * n + 2, 3 * n + 3);
    let rows: Vec<String> = (0..ROWS).map(row).collect();
    format!(
        "INSERT INTO user_words (account, word, address_key) VALUES {} ON CONFLICT DO NOTHING",
        rows.join(", ")
    )
}

/// Deletes the words of a user, except those of its new state.
pub(crate) fn remove(session: &dyn Session, gone: &User, but: Option<&User>) -> Result<()> {
    let kept = but.map(words).unwrap_or_default();
    for word in words(gone).difference(&kept) {
        let sql = "DELETE FROM user_words WHERE account = ?1 AND word = ?2 AND address_key = ?3";
        session.execute(sql, values![gone.account.as_bytes(), word, gone.address.key()])?;
    }
    Ok(())
}
