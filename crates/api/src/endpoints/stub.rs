//! The response of a stub by design: an empty list. `[ours]`
//!
//! Shipped integrations call these endpoints to test a connection. A stub authenticates and authorises like every
//! endpoint, so that a test that succeeds means that keys, application and permission are right.

use directory::Permission;
use wire::Answer;
use wire::envelope::Pagination;
use wire::item::{Entry, Item};

use super::login::refused_item;
use crate::call::{Call, Reply};
use crate::error::CallError;

/// The response to an item of this type: no row.
pub(super) async fn no_rows<I: Item>(mut call: Call<'_>, permission: Permission) -> Result<Reply, CallError> {
    let mut body = call.body()?;
    let Entry { key, item } = body.one::<I>()?;
    call.scope(&permission, body.account_code.as_deref()).await?;
    match item {
        Ok(_) => Ok(Reply::of(&Answer::<()>::ran(Vec::new(), Vec::new()))),
        Err(errors) => Ok(refused_item(key, errors)),
    }
}

/// The same with pages: `meta.pagination` only if a page was requested. No page has a next one, so every token is
/// invalid.
pub(super) async fn no_page<I: Item>(mut call: Call<'_>, permission: Permission) -> Result<Reply, CallError> {
    let mut body = call.body()?;
    let Entry { key, item } = body.one::<I>()?;
    let scope = call.scope(&permission, body.account_code.as_deref()).await?;
    let ids = call.core.secure_ids();
    if let Err(reply) = ids.open_page::<()>(call.path, scope.account().id, &body.page) {
        return Ok(*reply);
    }
    let none = Pagination { page_size: 0, total_count: Some(0), next: None, previous: None };
    match item {
        Ok(_) if body.page.asked => Ok(Reply::of(&Answer::<()>::page(Vec::new(), none))),
        Ok(_) => Ok(Reply::of(&Answer::<()>::ran(Vec::new(), Vec::new()))),
        Err(errors) => Ok(refused_item(key, errors)),
    }
}
