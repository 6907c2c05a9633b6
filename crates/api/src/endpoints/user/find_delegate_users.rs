//! `POST /api/user/find-delegate-users` (spec/protocol.md 5).

use directory::application::Product;
use directory::role::ALTERNATE_ADDRESS;
use wire::Answer;
use wire::item::{Entry, Item as _, Row as _};
use wire::users::{DelegateUser, DelegateUsers, FindDelegates};

use super::{NAMES_USER, find};
use crate::call::{Call, Reply};
use crate::endpoint::{Endpoint, Method, Run, Takes};
use crate::endpoints::login::refused_item;
use crate::error::{CallError, wrong};

/// The kind of a delegation's secure id.
pub(super) const KIND: &str = "delegate";

/// The endpoint.
pub const ENDPOINT: Endpoint = Endpoint {
    path: "/api/user/find-delegate-users",
    method: Method::Post,
    summary: "Lists the users whose mail a user may read.",
    permission: Some(ALTERNATE_ADDRESS),
    products: &[Product::UserAndGroupManagement],
    writes: false,
    takes: Takes::One(FindDelegates::FIELDS),
    row: DelegateUsers::FIELDS,
    codes: NAMES_USER,
    run: Run::Signed(|call| Box::pin(find_delegate_users(call))),
};

async fn find_delegate_users(mut call: Call<'_>) -> Result<Reply, CallError> {
    let mut body = call.body()?;
    let Entry { key, item } = body.one::<FindDelegates>()?;
    let scope = call.scope(&ALTERNATE_ADDRESS, body.account_code.as_deref()).await?;
    let item = match item {
        Ok(item) => item,
        Err(errors) => return Ok(refused_item(key, errors)),
    };
    let found = find(&mut call, [Some(&*item.primary_address)].into_iter()).await?.pop().flatten();
    let primary = match found.unwrap_or(Ok((None, None))).and_then(|(user, _)| scope.user(user)) {
        Ok(user) => user,
        Err(why) => return Ok(refused_item(key, vec![wrong("primaryAddress", &why)])),
    };
    let (ids, account) = (call.core.secure_ids(), scope.account().id);
    let delegates = call.timed(call.core.store.delegates(primary.id)).await?;
    let row = |(delegate, user): &(directory::change::Delegate, directory::user::User)| DelegateUser {
        id: ids.seal(KIND, account, delegate.id.as_bytes()),
        email_address: user.address.to_string(),
        name: user.name.clone(),
        source: user.source.as_str().to_owned(),
    };
    let row = DelegateUsers { delegate_users: delegates.iter().map(row).collect() };
    Ok(Reply::of(&Answer::ran(vec![row], Vec::new())))
}
