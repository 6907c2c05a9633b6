//! `POST /api/login/discover-authentication` (spec/protocol.md 4, spec/clients.md 6).

use directory::AccountId;
use wire::Answer;
use wire::item::{Entry, Item as _, Row as _};
use wire::login::{Discover, Discovered, Region};

use super::{application, refused_item, takes_basic_ad};
use crate::call::{Reply, Unsigned};
use crate::endpoint::{Endpoint, Method, Run, Takes};
use crate::error::CallError;

/// The endpoint.
pub const ENDPOINT: Endpoint = Endpoint {
    path: "/api/login/discover-authentication",
    method: Method::Post,
    summary: "Shows how and where a user logs in. The response is the same for unknown users.",
    permission: None,
    products: &[],
    writes: false,
    takes: Takes::One(Discover::FIELDS),
    row: Discovered::FIELDS,
    codes: &[],
    run: Run::Unsigned(|call| Box::pin(discover(call))),
};

async fn discover(mut call: Unsigned<'_>) -> Result<Reply, CallError> {
    let application = application(&mut call).await?;
    let Entry { key, item } = call.body()?.one::<Discover>()?;
    let Discover { email_address } = match item {
        Ok(item) => item,
        Err(errors) => return Ok(refused_item(key, errors)),
    };
    let nobody = AccountId::from_bytes([0; 16]);
    let email_token = call.core.secure_ids().seal("address", nobody, email_address.as_bytes());
    let mut authenticate = vec!["Basic-Cloud".to_owned()];
    if takes_basic_ad(&mut call, &application).await? {
        authenticate.push("Basic-AD".to_owned());
    }
    let discovered = Discovered {
        email_address,
        email_token,
        authenticate,
        region: Region { code: "local".to_owned(), api: call.public_url() },
    };
    Ok(Reply::of(&Answer::ran(vec![discovered], Vec::new())))
}
