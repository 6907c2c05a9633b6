//! Page tokens. A token holds the complete state of a list, so that a follow-up call needs nothing else
//! (spec/clients.md 3.5). Opaque, unforgeable, bound to the endpoint and the account.

use directory::AccountId;
use directory::port::Position;
use serde::Serialize;
use serde::de::DeserializeOwned;
use wire::body::Page;
use wire::envelope::Pagination;
use wire::{Answer, Code, Error, Failure};

use crate::call::Reply;
use crate::secure_id::SecureIds;

impl SecureIds<'_> {
    /// The token of a page.
    pub fn page_token<T: Serialize>(&self, path: &'static str, account: AccountId, state: &T) -> String {
        let state = serde_json::to_vec(state)
            .unwrap_or_else(|error| unreachable!("where a list goes on is text and numbers: {error}"));
        self.seal(path, account, &state)
    }

    /// The content of a token; `None` for the first page.
    ///
    /// # Errors
    /// When the token is not of this list.
    pub fn open_page<T: DeserializeOwned>(
        &self,
        path: &'static str,
        account: AccountId,
        page: &Page,
    ) -> Result<Option<T>, Box<Reply>> {
        self.read_page(path, account, page.token.as_deref()).map_err(|_| {
            let failure = Failure::call(invalid("meta.pagination.pageToken"));
            Box::new(Reply::of(&Answer::<()>::failed(200, failure)))
        })
    }

    /// Like `open_page`, for responses without an envelope.
    ///
    /// # Errors
    /// When the token is not of this list.
    pub fn read_page<T: DeserializeOwned>(
        &self,
        path: &'static str,
        account: AccountId,
        token: Option<&str>,
    ) -> Result<Option<T>, InvalidPageToken> {
        let Some(token) = token else { return Ok(None) };
        let state =
            self.open(path, account, token).ok().and_then(|state| serde_json::from_slice(&state).ok());
        state.map(Some).ok_or(InvalidPageToken)
    }
}

/// The starts of the next and the previous page.
pub struct Around {
    /// The start of the next page, if there is one.
    pub next: Option<Position>,
    /// The start of the previous page, if there is one.
    pub previous: Option<Position>,
}

/// Cuts the rows to a page. One row more than the page was read, to detect further rows.
pub fn cut<T>(rows: &mut Vec<T>, size: usize, from: &Position, key: impl Fn(&T) -> String) -> Around {
    let more = rows.len() > size;
    let backwards = matches!(from, Position::Before(_));
    if backwards && more {
        rows.remove(0);
    }
    rows.truncate(size);
    let (first, last) = (rows.first().map(&key), rows.last().map(&key));
    Around {
        next: last.filter(|_| backwards || more).map(Position::After),
        previous: match from {
            Position::Start => None,
            Position::After(_) => first.map(Position::Before),
            Position::Before(_) => first.filter(|_| more).map(Position::Before),
        },
    }
}

impl Around {
    /// The pagination of a response: rows on this page, rows in total, tokens.
    pub fn pagination(self, rows: usize, total: u64, token: impl Fn(Position) -> String) -> Pagination {
        Pagination {
            page_size: rows as u64,
            total_count: Some(total),
            next: self.next.map(&token),
            previous: self.previous.map(&token),
        }
    }
}

/// The page token is invalid.
pub struct InvalidPageToken;

/// The error of an invalid page token.
pub fn invalid(field: &'static str) -> Error {
    let message = "Not a page token of this list; start again without one";
    Error::in_field(Code::InvalidPageToken, field, message)
}
