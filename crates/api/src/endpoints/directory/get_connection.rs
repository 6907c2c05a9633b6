//! `POST /api/directory/get-connection`, a stub by design: this directory synchronises with no other (spec/protocol.md
//! 5).

use directory::application::Product;
use directory::role::SYNC_READ;
use wire::account::Nothing;
use wire::item::{Item as _, Row as _};
use wire::stub::Connection;

use crate::endpoint::{Endpoint, Method, Run, Takes};
use crate::endpoints::stub;

/// The endpoint.
pub const ENDPOINT: Endpoint = Endpoint {
    path: "/api/directory/get-connection",
    method: Method::Post,
    summary: "Lists connections to other directories.",
    permission: Some(SYNC_READ),
    products: &[Product::UserAndGroupManagement],
    writes: false,
    takes: Takes::One(Nothing::FIELDS),
    row: Connection::FIELDS,
    codes: &[],
    run: Run::Stub(|call| Box::pin(stub::no_rows::<Nothing>(call, SYNC_READ))),
};
