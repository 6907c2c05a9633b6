//! `POST /api/user/get-attributes` (spec/protocol.md 5; which attributes there are is `[ours]`).

use directory::application::Product;
use directory::attribute::Attribute;
use directory::role::INTERNAL_EDIT;
use wire::item::{Item as _, Row as _};
use wire::users::{AttributeValue, Attributes, NamesUser};

use super::{NAMES_USER, Named, named_users};
use crate::call::{Call, Reply};
use crate::endpoint::{Endpoint, Method, Run, Takes};
use crate::error::CallError;
use crate::step::{Plan, Step};

/// The kind of an attribute's secure id.
pub(super) const KIND: &str = "attribute";

/// The endpoint.
pub const ENDPOINT: Endpoint = Endpoint {
    path: "/api/user/get-attributes",
    method: Method::Post,
    summary: "Shows the attributes of users.",
    permission: Some(INTERNAL_EDIT),
    products: &[Product::UserAndGroupManagement],
    writes: false,
    takes: Takes::Items(NamesUser::FIELDS),
    row: Attributes::FIELDS,
    codes: NAMES_USER,
    run: Run::Signed(|call| Box::pin(get_attributes(call))),
};

async fn get_attributes(mut call: Call<'_>) -> Result<Reply, CallError> {
    let (scope, named) =
        named_users::<NamesUser>(&mut call, &INTERNAL_EDIT, "emailAddress", |item| &item.email_address)
            .await?;
    let (ids, account) = (call.core.secure_ids(), scope.account().id);
    let mut steps = Vec::with_capacity(named.len());
    for Named { key, named } in named {
        let plan = match named {
            Ok((_, user)) => {
                let set = call.timed(call.core.store.attributes(user.id)).await?;
                let value = |attribute: &Attribute| AttributeValue {
                    id: ids.seal(KIND, account, &[attribute.number()]),
                    name: attribute.name().to_owned(),
                    value: set
                        .iter()
                        .find(|(of, _)| of == attribute)
                        .map(|(_, value)| value.clone())
                        .unwrap_or_default(),
                };
                Ok(Plan::read(&Attributes { attributes: Attribute::ALL.iter().map(value).collect() }))
            }
            Err(errors) => Err(errors),
        };
        steps.push(Step { key, plan });
    }
    call.carry_out(scope.evidence(), steps).await
}
