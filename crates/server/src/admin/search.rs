//! Users that are looked for.

use directory::AccountId;
use directory::port::Found;
use directory::user_query::{Cursor, UserQuery};

use super::{Admin, AdminError};

/// Events of the audit that one transaction brings into the index: a write that comes meanwhile waits for some hundredths
/// of a second, also where the index is large and every word lands on a page of its own.
pub(crate) const SLICE: usize = 250;

/// Events that a search reads before it looks, if no more are left: so somebody who was just made is found at once. Whoever
/// searches while the index is further behind does not wait for it, and brings it on by a slice.
const CATCH_UP: u64 = 2_000;

impl Admin {
    /// A page of the users and aliases of an account that a query finds, behind the end of the page before.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn find_users(
        &self,
        account: AccountId,
        query: &UserQuery,
        after: Option<&Cursor>,
        limit: usize,
    ) -> Result<Found, AdminError> {
        // What is not looked for by words is found without the index of them.
        if !query.ranges().is_empty() && after.is_none() {
            // No longer than that takes: others may write as fast as this reads.
            for _ in 0..=CATCH_UP / SLICE as u64 {
                if !(1..=CATCH_UP).contains(&self.store.index_users(SLICE).await?.left) {
                    break;
                }
            }
        }
        Ok(self.store.find_users(account, query, after, limit, self.now()).await?)
    }

    /// Brings the index of words all the way to what users there are.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn index_users(&self) -> Result<(), AdminError> {
        while self.store.index_users(SLICE).await?.left > 0 {}
        Ok(())
    }
}
