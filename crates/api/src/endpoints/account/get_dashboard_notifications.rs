//! `POST /api/account/get-dashboard-notifications`, a stub by design.

use directory::application::Product;
use directory::role::DASHBOARD_READ;
use wire::account::Nothing;
use wire::item::{Item as _, Row as _};
use wire::stub::DashboardNotifications;

use crate::endpoint::{Endpoint, Method, Run, Takes};
use crate::endpoints::stub;

/// The endpoint.
pub const ENDPOINT: Endpoint = Endpoint {
    path: "/api/account/get-dashboard-notifications",
    method: Method::Post,
    summary: "Lists notices of the service to administrators.",
    permission: Some(DASHBOARD_READ),
    products: &[Product::AccountManagement, Product::UserAndGroupManagement],
    writes: false,
    takes: Takes::One(Nothing::FIELDS),
    row: DashboardNotifications::FIELDS,
    codes: &[],
    run: Run::Stub(|call| Box::pin(stub::no_rows::<Nothing>(call, DASHBOARD_READ))),
};
