//! Pages: tokens that say all there is to say about where a list goes on, so that a follow-up call needs nothing else
//! (spec/clients.md 3.5). Opaque, unforgeable, bound to the endpoint and the account.

use directory::AccountId;
use serde::Serialize;
use serde::de::DeserializeOwned;
use wire::body::Page;
use wire::{Answer, Code, Error, Failure};

use crate::call::Reply;
use crate::secure_id::SecureIds;

impl SecureIds<'_> {
    /// The token of a page.
    pub(crate) fn page_token<T: Serialize>(
        &self,
        path: &'static str,
        account: AccountId,
        state: &T,
    ) -> String {
        self.seal(path, account, &serde_json::to_vec(state).unwrap_or_default())
    }

    /// What a token says; `None` for the first page.
    ///
    /// # Errors
    /// When it is no token of this list.
    pub(crate) fn open_page<T: DeserializeOwned>(
        &self,
        path: &'static str,
        account: AccountId,
        page: &Page,
    ) -> Result<Option<T>, Box<Reply>> {
        let Some(token) = &page.token else { return Ok(None) };
        let state =
            self.open(path, account, token).ok().and_then(|state| serde_json::from_slice(&state).ok());
        state.map(Some).ok_or_else(|| Box::new(invalid()))
    }
}

/// The token leads nowhere.
fn invalid() -> Reply {
    let message = "This is no page token of this list: begin again without one";
    let error = Error::in_field(Code::InvalidPageToken, "meta.pagination.pageToken", message);
    Reply::of(&Answer::<()>::failed(200, Failure::call(error)))
}
