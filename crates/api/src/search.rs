//! The search for users.

use directory::AccountId;
use directory::port::{Found, Store, StoreError};
use directory::user_query::{Cursor, UserQuery};
use jiff::Timestamp;

/// Audit events that one transaction indexes. A concurrent write waits some hundredths of a second, even if the index
/// is large and every word is on a separate page.
pub const SLICE: usize = 250;

/// A search first indexes the new events if they are at most this many, so that new users are found at once. If more
/// are pending, it indexes one slice and does not wait for the rest.
const CATCH_UP: u64 = 2_000;

/// A page of the users and aliases of an account that match a query, after the end of the previous page.
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
        // Bounded, because others may write as fast as this reads.
        for _ in 0..=CATCH_UP / SLICE as u64 {
            if !(1..=CATCH_UP).contains(&store.index_users(SLICE).await?.left) {
                break;
            }
        }
    }
    store.find_users(account, query, after, limit, now).await
}
