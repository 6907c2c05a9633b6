//! `POST /api/login/logout` (spec/protocol.md 4). A form as body counts as an empty body (spec/clients.md 6).

use directory::AccessKey;
use directory::change::Change;
use directory::port::Freshness;
use wire::item::{Entry, Item as _, Row as _};
use wire::login::{LogOut, LoggedOut};
use wire::{Answer, Code, Error};

use super::refused_item;
use crate::answer;
use crate::call::{Call, Reply};
use crate::endpoint::{Endpoint, Method, Run, Takes};
use crate::error::CallError;

/// The endpoint.
pub const ENDPOINT: Endpoint = Endpoint {
    path: "/api/login/logout",
    method: Method::Post,
    summary: "Revokes a key pair.",
    permission: None,
    products: &[],
    writes: true,
    takes: Takes::One(LogOut::FIELDS),
    row: LoggedOut::FIELDS,
    codes: &[Code::UnknownBinding],
    run: Run::Signed(|call| Box::pin(log_out(call))),
};

async fn log_out(mut call: Call<'_>) -> Result<Reply, CallError> {
    let Entry { key, item } = match call.body() {
        Ok(mut body) => body.one::<LogOut>()?,
        Err(CallError::Read(_)) => Entry { key: Default::default(), item: Ok(LogOut { access_key: None }) },
        Err(refusal) => return Err(refusal),
    };
    let item = match item {
        Ok(item) => item,
        Err(errors) => return Ok(refused_item(key, errors)),
    };
    let unknown = || {
        let message = "Not a key pair of the caller";
        Ok(refused_item(key, vec![Error::in_field(Code::UnknownBinding, "accessKey", message)]))
    };
    let named = item.access_key.filter(|key| !key.is_empty());
    let access_key = match (named.as_deref().map(AccessKey::parse), call.caller.access_key()) {
        (Some(Ok(named)), _) => named,
        (None, Some(own)) => own.clone(),
        (Some(Err(_)), _) | (None, None) => return unknown(),
    };
    let principal = call.core.store.principal(&access_key, Freshness::Now);
    let found = call.timed(principal).await?;
    let Some(found) = found.filter(|found| Some(found.binding.user) == call.caller.user()) else {
        return unknown();
    };
    let row = LoggedOut { access_key: access_key.as_str().to_owned() };
    let answer = answer::rendered(&Answer::ran(vec![row], Vec::new()));
    call.write(Vec::new(), vec![Change::RevokeBinding(found.binding.id)], Box::new(move |_| answer.clone()))
        .await
}
