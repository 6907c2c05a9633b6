//! Users that are looked for.

use directory::AccountId;
use directory::port::{Found, Store, StoreError};
use directory::user_query::{Cursor, UserQuery};
use jiff::Timestamp;

/// Events of the audit that one transaction brings into the index: a write that comes meanwhile waits for some hundredths
/// of a second, also if the index is large and every word is on its own page.
pub const SLICE: usize = 250;

/// Events that a search reads before it looks, if no more are left, so that a new user is found at once. A search while the
/// index is further behind indexes one slice and does not wait for the rest.
const CATCH_UP: u64 = 2_000;

/// A page of the users and aliases of an account that a query finds, behind the end of the page before.
///
/// # Errors
/// When the store fails.
pub async fn find_users(
    store: &dyn Store,
    account: AccountId,
    query: &UserQuery,
    after: Option<&Cursor>,
    limit: usize,
    now: Timestamp,
) -> Result<Found, StoreError> {
    // A search without words does not need the word index.
    if !query.ranges().is_empty() && after.is_none() {
        // No longer than that takes: others may write as fast as this reads.
        for _ in 0..=CATCH_UP / SLICE as u64 {
            if !(1..=CATCH_UP).contains(&store.index_users(SLICE).await?.left) {
                break;
            }
        }
    }
    store.find_users(account, query, after, limit, now).await
}
