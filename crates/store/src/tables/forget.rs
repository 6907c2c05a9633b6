//! Old requests are forgotten, so that the table does not grow: they can't be repeated, because their dates are
//! refused. A clock that was ahead and is set back would make those dates valid again, so the time up to which requests
//! were forgotten is kept, and older signatures are refused.

use jiff::{SignedDuration, Timestamp};

use super::batch::Batch;
use super::row::millis;
use super::work::{Payload, Work};
use crate::session::{Result, Session, Value, values};

/// Requests in one slice.
const SLICE: i64 = 500;

/// Forgets a slice of the requests.
pub(crate) struct Forget {
    pub(crate) now: Timestamp,
    /// How far the date of a request may be off.
    pub(crate) window: SignedDuration,
    /// The row after which the slice begins.
    pub(crate) after: i64,
}

/// The result of one slice.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Slice {
    /// Requests that were forgotten.
    pub(crate) rows: usize,
    /// The last row of the slice, when later rows may be due too.
    pub(crate) goes_on: Option<i64>,
    /// When the earliest request ran that is ahead of this clock.
    pub(crate) ahead: Option<i64>,
}

impl Payload for Forget {
    type Output = Slice;

    fn size(&self) -> usize {
        usize::try_from(SLICE).unwrap_or(1)
    }
}

impl Work for Forget {
    fn run(&self, batch: &mut Batch<'_>) -> Result<Slice> {
        slice(batch, self.now, self.window, self.after)
    }
}

/// Forgets the requests of a slice that are older than two windows, by the clock and by the newest request. The newest
/// request counts too because a clock that is ahead, while no request is valid by it, must not make requests forgotten.
///
/// Rows are in the order in which they ran, so no index is needed to find the old ones. Rows from a time when the clock
/// was ahead are skipped: their signatures become valid again when that time comes.
fn slice(batch: &mut Batch<'_>, now: Timestamp, window: SignedDuration, after: i64) -> Result<Slice> {
    let session = batch.session;
    let (now, window) = (millis(now), i64::try_from(window.as_millis()).unwrap_or(i64::MAX));
    let newest = "SELECT ran_at FROM requests ORDER BY seq DESC LIMIT 1";
    let Some(newest) = session.one(newest, &[], |row| row.get::<i64>(0))? else {
        return Ok(Slice { rows: 0, goes_on: None, ahead: None });
    };
    let before = now.min(newest).saturating_sub(window.saturating_mul(2));
    let (last, forgotten, ahead, recent) = session.only(
        "SELECT max(seq), max(CASE WHEN ran_at < ?3 THEN ran_at END), min(CASE WHEN ran_at > ?4 THEN ran_at END),
                count(CASE WHEN ran_at >= ?3 AND ran_at <= ?4 THEN 1 END)
         FROM (SELECT seq, ran_at FROM requests WHERE seq > ?1 ORDER BY seq LIMIT ?2) AS slice",
        values![after, SLICE, before, now],
        |row| {
            let (last, forgotten): (Option<i64>, Option<i64>) = (row.get(0)?, row.get(1)?);
            Ok((last, forgotten, row.get::<Option<i64>>(2)?, row.get::<i64>(3)?))
        },
    )?;
    let rows = match (last, forgotten) {
        (Some(last), Some(forgotten)) => {
            let rows = batch.forget_requests(values![after, last, before])?;
            let sql = "INSERT INTO forgotten (id, up_to) VALUES (1, ?1)
                 ON CONFLICT (id) DO UPDATE SET up_to = excluded.up_to WHERE excluded.up_to > forgotten.up_to";
            // The date of a request may be a window ahead of the clock.
            session.execute(sql, values![forgotten.saturating_add(window)])?;
            rows
        }
        _ => 0,
    };
    Ok(Slice { rows, goes_on: last.filter(|_| recent == 0), ahead })
}

impl Batch<'_> {
    /// Removes the requests after a row, up to a row, that ran before a time, and gives their number.
    fn forget_requests(&mut self, slice: &[Value<'_>]) -> Result<usize> {
        const SLICE: &str = "FROM requests WHERE seq > ?1 AND seq <= ?2 AND ran_at < ?3";
        if let Some((memory, news)) = &mut self.memory {
            let sql = format!("SELECT binding, request_id, seq {SLICE}");
            let requests =
                self.session.all(&sql, slice, |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
            memory.remove(self.session, news, requests)?;
        }
        self.session.execute(&format!("DELETE {SLICE}"), slice)
    }
}

/// The time up to which requests may have been forgotten, in milliseconds; the smallest number if none was.
pub(crate) fn up_to(session: &dyn Session) -> Result<i64> {
    let up_to = session.one("SELECT up_to FROM forgotten WHERE id = 1", &[], |row| row.get(0))?;
    Ok(up_to.unwrap_or(i64::MIN))
}
