//! `POST /api/user/check-user` `[ours]`: the result that create-user would have, without creating users.

use std::collections::HashSet;

use directory::application::Product;
use directory::change::ChangeError;
use directory::role::INTERNAL_EDIT;
use wire::body::MAX_ITEMS;
use wire::create_user::{Checked, Item};
use wire::item::{Item as _, Row as _};
use wire::{Answer, Failure};

use super::creation::{CODES, judge_items};
use crate::call::{Call, Reply};
use crate::endpoint::{Endpoint, Method, Run, Takes};
use crate::error::{CallError, wrong};

/// The endpoint.
pub const ENDPOINT: Endpoint = Endpoint {
    path: "/api/user/check-user",
    method: Method::Post,
    summary: "Returns what create-user would return, creates nothing.",
    permission: Some(INTERNAL_EDIT),
    products: &[Product::UserAndGroupManagement],
    writes: false,
    takes: Takes::Items(Item::FIELDS),
    row: Checked::FIELDS,
    codes: CODES,
    run: Run::Signed(|call| Box::pin(check_user(call))),
};

async fn check_user(mut call: Call<'_>) -> Result<Reply, CallError> {
    let mut request = call.body()?;
    let entries = request.items::<Item>(MAX_ITEMS)?;
    let (judged, _) = judge_items(&mut call, request.account_code.as_deref(), entries).await?;
    let addresses: Vec<_> =
        judged.iter().filter_map(|(_, judged)| Some(judged.as_ref().ok()?.address.clone())).collect();
    let there = call.timed(call.core.store.users(&addresses)).await?;
    let mut there = there.into_iter();
    let (mut data, mut fail, mut seen) = (Vec::new(), Vec::new(), HashSet::new());
    for (key, judged) in judged {
        match judged {
            Err(errors) => fail.push(Failure::of(key, errors)),
            Ok(planned) => {
                let taken = there.next().flatten().is_some();
                // A second item with the same address would find the first.
                if taken || !seen.insert(planned.address.key().to_owned()) {
                    let why = ChangeError::AddressTaken.into();
                    fail.push(Failure::of(key, vec![wrong("emailAddress", &why)]));
                } else {
                    data.push(Checked { email_address: planned.address.as_str().to_owned() });
                }
            }
        }
    }
    Ok(Reply::of(&Answer::ran(data, fail)))
}
