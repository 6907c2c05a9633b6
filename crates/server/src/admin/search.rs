//! The search for users.

use directory::AccountId;
use directory::port::Found;
use directory::user_query::{Cursor, UserQuery};

use super::{Admin, AdminError};
use api::search::SLICE;

impl Admin {
    /// A page of the users and aliases of an account that match a query, after the end of the previous page.
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
        Ok(api::search::find_users(&*self.store, account, query, after, limit, self.now()).await?)
    }

    /// Completes the index of words.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn index_users(&self) -> Result<(), AdminError> {
        while self.store.index_users(SLICE).await?.left > 0 {}
        Ok(())
    }
}
