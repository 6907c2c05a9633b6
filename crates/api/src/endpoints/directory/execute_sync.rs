//! `POST /api/directory/execute-sync`, a stub by design: without a connection no synchronisation starts. The service
//! returns a row for each type of connection that it starts to synchronise (spec/protocol.md 5), so no row is the
//! truth here. `[ours]`

use directory::application::Product;
use directory::role::SYNC_EDIT;
use wire::account::Nothing;
use wire::item::{Item as _, Row as _};
use wire::stub::SyncStarted;

use crate::endpoint::{Endpoint, Method, Run, Takes};
use crate::endpoints::stub;

/// The endpoint.
pub const ENDPOINT: Endpoint = Endpoint {
    path: "/api/directory/execute-sync",
    method: Method::Post,
    summary: "Starts to synchronise with other directories. There is none, so nothing starts and nothing changes.",
    permission: Some(SYNC_EDIT),
    products: &[Product::UserAndGroupManagement],
    writes: false,
    takes: Takes::One(Nothing::FIELDS),
    row: SyncStarted::FIELDS,
    codes: &[],
    run: Run::Stub(|call| Box::pin(stub::no_rows::<Nothing>(call, SYNC_EDIT))),
};
