//! `POST /api/user/create-user` (spec/create-user.txt).

use directory::application::Product;
use directory::role::INTERNAL_EDIT;
use directory::user::User;
use wire::body::MAX_ITEMS;
use wire::create_user as body;
use wire::item::{Item as _, Row as _};

use super::creation;
use crate::call::{Call, Reply};
use crate::endpoint::{Endpoint, Method, Run, Takes};
use crate::error::CallError;
use crate::secure_id::SecureIds;

/// The endpoint.
pub const ENDPOINT: Endpoint = Endpoint {
    path: body::PATH,
    method: Method::Post,
    summary: "Creates cloud users in an internal directory.",
    permission: Some(INTERNAL_EDIT),
    products: &[Product::UserAndGroupManagement],
    writes: true,
    takes: Takes::Items(body::Item::FIELDS),
    row: body::Created::FIELDS,
    codes: creation::CODES,
    run: Run::Signed(|call| Box::pin(create_user(call))),
};

async fn create_user(mut call: Call<'_>) -> Result<Reply, CallError> {
    let mut request = call.body()?;
    let entries = request.items::<body::Item>(MAX_ITEMS)?;
    let row = |ids: &SecureIds<'_>, user: &User| body::Created {
        email_address: user.address.as_str().to_owned(),
        id: ids.user(user.account, user.id),
    };
    creation::create_users(&mut call, request.account_code.as_deref(), entries, row).await
}
