//! `POST /api/user/get-internal-users` (spec/protocol.md 5, 1c; spec/clients.md 4.4, 4.6).

use directory::DomainName;
use directory::application::Product;
use directory::error::ItemError;
use directory::port::Position;
use directory::role::INTERNAL_READ;
use directory::user::User;
use serde::{Deserialize, Serialize};
use wire::item::{Entry, Item as _, Row as _};
use wire::users::{GetInternalUsers, InternalUser, InternalUsers};
use wire::{Answer, Code};

use crate::call::{Call, Reply};
use crate::endpoint::{Endpoint, Method, Run, Takes};
use crate::endpoints::login::refused_item;
use crate::error::{CallError, wrong};
use crate::page;

const PATH: &str = "/api/user/get-internal-users";

/// The endpoint.
pub const ENDPOINT: Endpoint = Endpoint {
    path: PATH,
    method: Method::Post,
    summary: "Lists users and aliases: domain by domain, sorted by address.",
    permission: Some(INTERNAL_READ),
    products: &[Product::UserAndGroupManagement],
    writes: false,
    takes: Takes::Page(GetInternalUsers::FIELDS),
    row: InternalUsers::FIELDS,
    codes: &[Code::InvalidDomain, Code::InvalidPageToken],
    run: Run::Signed(|call| Box::pin(get_internal_users(call))),
};

/// The content of a page token.
#[derive(Serialize, Deserialize)]
struct State {
    domain: Option<String>,
    from: Position,
}

async fn get_internal_users(mut call: Call<'_>) -> Result<Reply, CallError> {
    let mut body = call.body()?;
    let Entry { key, item } = body.one::<GetInternalUsers>()?;
    let scope = call.scope(&INTERNAL_READ, body.account_code.as_deref()).await?;
    let (core, account) = (call.core, scope.account().id);
    let ids = core.secure_ids();
    let state = match ids.open_page::<State>(PATH, account, &body.page) {
        Ok(Some(state)) => state,
        Ok(None) => match item {
            Ok(item) => {
                State { domain: item.domain.filter(|domain| !domain.is_empty()), from: Position::Start }
            }
            Err(errors) => return Ok(refused_item(key, errors)),
        },
        Err(reply) => return Ok(*reply),
    };
    let domain = match state.domain.as_deref().map(DomainName::parse).transpose() {
        Ok(domain) => domain,
        Err(why) => return Ok(refused_item(key, vec![wrong("domain", &ItemError::InvalidDomain(why))])),
    };
    let (size, store) = (body.page.size, &core.store);
    let mut users = call.timed(store.list_users(account, domain.as_ref(), &state.from, size + 1)).await?;
    let total = call.timed(store.count_listed(account, domain.as_ref())).await?;
    let around = page::cut(&mut users, size, &state.from, |user: &User| user.address.key().to_owned());
    let token = |from| ids.page_token(PATH, account, &State { domain: state.domain.clone(), from });
    let pagination = around.pagination(users.len(), total, token);
    call.count(users.len());
    let row = InternalUsers { users: users.iter().map(row).collect(), user_count: total };
    Ok(Reply::of(&Answer::page(vec![row], pagination)))
}

fn row(user: &User) -> InternalUser {
    InternalUser {
        name: user.name.clone(),
        email_address: user.address.to_string(),
        domain: user.address.domain().to_owned(),
        alias: user.alias_of.is_some(),
        address_type: user.address_type.as_str().to_owned(),
        source: user.source.as_str().to_owned(),
    }
}
