//! `POST /api/user/remove-delegate-user` (spec/protocol.md 5).

use directory::DelegateId;
use directory::application::Product;
use directory::change::Change;
use directory::role::ALTERNATE_ADDRESS;
use wire::Code;
use wire::body::MAX_ITEMS;
use wire::item::{Entry, Item as _, Row as _};
use wire::users::{DelegateDone, RemoveDelegate};

use super::find_delegate_users::KIND;
use crate::call::{Call, Reply};
use crate::refusal::{Refusal, wrong};
use crate::routes::{Endpoint, Method, Run, Takes};
use crate::step::{Plan, Step};

pub(crate) const ENDPOINT: Endpoint = Endpoint {
    path: "/api/user/remove-delegate-user",
    method: Method::Post,
    summary: "Takes back that one user may read another's mail.",
    permission: Some(ALTERNATE_ADDRESS),
    product: Some(Product::UserAndGroupManagement),
    writes: true,
    takes: Takes::Items(RemoveDelegate::FIELDS),
    row: DelegateDone::FIELDS,
    codes: &[Code::InvalidId, Code::NotFound],
    run: Run::Signed(|call| Box::pin(remove_delegate_user(call))),
};

async fn remove_delegate_user(mut call: Call<'_>) -> Result<Reply, Refusal> {
    let mut body = call.body()?;
    let entries = body.items::<RemoveDelegate>(MAX_ITEMS)?;
    let scope = call.scope(&ALTERNATE_ADDRESS, body.account_code.as_deref()).await?;
    let ids = call.app.secure_ids();
    let step = |Entry { key, item }: Entry<RemoveDelegate>| {
        let plan = item.and_then(|RemoveDelegate { id }| {
            // The id is bound to the account: none of another one can be opened here.
            let delegate =
                ids.open_id(KIND, scope.account().id, &id).map_err(|why| vec![wrong("id", &why)])?;
            let change = Change::RemoveDelegate(DelegateId::from_bytes(delegate));
            Ok(Plan::done("id", change, &DelegateDone { id, success: true }))
        });
        Step { key, plan }
    };
    let steps = entries.into_iter().map(step).collect();
    call.carry_out(scope.evidence(), steps).await
}
