//! Users that are looked for.

use directory::AccountId;
use directory::port::Found;
use directory::user_query::{Cursor, UserQuery};

use super::{Admin, AdminError};

/// Events of the audit that a search reads before it looks: so somebody who was just made is found at once, and whoever
/// searches while the index is far behind does not wait for it.
const CATCH_UP: usize = 2_000;

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
        if query.range().is_some() && after.is_none() {
            self.store.index_users(CATCH_UP).await?;
        }
        Ok(self.store.find_users(account, query, after, limit, self.now()).await?)
    }
}
