//! `POST /api/user/get-profile` (spec/protocol.md 5; which profiles a caller may read is `[ours]`).

use directory::application::Product;
use directory::attribute::Attribute;
use directory::error::ItemError;
use directory::role::{INTERNAL_EDIT, INTERNAL_READ};
use wire::item::{Entry, Item as _, Row as _};
use wire::users::{GetProfile, Profile, ProfileAttributes};
use wire::{Answer, Code};

use super::find;
use crate::call::{Call, Reply};
use crate::endpoint::{Endpoint, Method, Run, Takes};
use crate::endpoints::login::refused_item;
use crate::error::{CallError, wrong};

/// The endpoint.
pub const ENDPOINT: Endpoint = Endpoint {
    path: "/api/user/get-profile",
    method: Method::Post,
    summary: "Shows the caller's profile, or another user's with permission to read users.",
    permission: None,
    products: &[Product::UserAndGroupManagement],
    writes: false,
    takes: Takes::One(GetProfile::FIELDS),
    row: Profile::FIELDS,
    codes: &[Code::InvalidEmailAddress, Code::Length, Code::ForbiddenForAddress, Code::IsAlias],
    run: Run::Signed(|call| Box::pin(get_profile(call))),
};

async fn get_profile(mut call: Call<'_>) -> Result<Reply, CallError> {
    let mut body = call.body()?;
    let Entry { key, item } = body.one::<GetProfile>()?;
    let item = match item {
        Ok(item) => item,
        Err(errors) => return Ok(refused_item(key, errors)),
    };
    let own = call.caller.user().map(|_| call.caller.name().to_owned());
    let Some(address) = item.email_address.filter(|address| !address.trim().is_empty()).or(own) else {
        // An application of API 2.0 has no profile.
        return Ok(refused_item(key, vec![wrong("emailAddress", &ItemError::Missing)]));
    };
    let found = find(&mut call, [Some(&*address)].into_iter()).await?.pop().flatten();
    let (user, role) = match found {
        Some(Ok(found)) => found,
        Some(Err(why)) => return Ok(refused_item(key, vec![wrong("emailAddress", &why)])),
        None => (None, None),
    };
    let is_own = user.as_ref().is_some_and(|user| Some(user.id) == call.caller.user());
    let permission = if is_own { None } else { Some(&INTERNAL_READ) };
    let scope = call.scope(permission, body.account_code.as_deref()).await?;
    let user = match scope.user(user) {
        Ok(user) => user,
        Err(why) => return Ok(refused_item(key, vec![wrong("emailAddress", &why)])),
    };
    let store = &call.core.store;
    let attributes = call.timed(store.attributes(user.id)).await?;
    let attribute = |wanted: Attribute| {
        attributes.iter().find(|(attribute, _)| *attribute == wanted).map(|(_, value)| value.clone())
    };
    let editable = call.caller.require(&INTERNAL_EDIT).is_ok()
        && scope.covers(role.as_ref()).is_ok()
        && scope.changes(&user).is_ok();
    let profile = Profile {
        name: user.name.clone(),
        email_address: user.address.to_string(),
        id: user.address.to_string(),
        account_code: scope.account().code.to_string(),
        admin: role.is_some(),
        role: role.map(|role| role.name),
        external: false,
        editable,
        local_password: user.password.is_some(),
        change_password: user.must_change_password,
        company_name: scope.account().name.clone(),
        server_time_zone: "UTC".to_owned(),
        attributes: ProfileAttributes { phone_number: attribute(Attribute::PhoneNumber) },
        links: Vec::new(),
        avatar: attribute(Attribute::ThumbnailPhoto).filter(|_| item.show_avatar == Some(true)),
    };
    Ok(Reply::of(&Answer::ran(vec![profile], Vec::new())))
}
