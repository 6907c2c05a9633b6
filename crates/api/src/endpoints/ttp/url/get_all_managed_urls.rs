//! `POST /api/ttp/url/get-all-managed-urls`, a stub by design. The service's catalogue has it in a product that no
//! application can be registered for here, so an application with any product of endpoints may call it. `[ours]`

use directory::application::Product;
use directory::role::URL_PROTECT_EDIT;
use wire::Code;
use wire::item::{Item as _, Row as _};
use wire::stub::{GetManagedUrls, ManagedUrl};

use crate::endpoint::{Endpoint, Method, Run, Takes};
use crate::endpoints::stub;

/// The endpoint.
pub const ENDPOINT: Endpoint = Endpoint {
    path: "/api/ttp/url/get-all-managed-urls",
    method: Method::Post,
    summary: "Lists managed URLs. The connection test of integrations such as Splunk SOAR and Cortex XSOAR.",
    permission: Some(URL_PROTECT_EDIT),
    products: Product::OF_ENDPOINTS,
    writes: false,
    takes: Takes::Page(GetManagedUrls::FIELDS),
    row: ManagedUrl::FIELDS,
    codes: &[Code::InvalidPageToken],
    run: Run::Stub(|call| Box::pin(stub::no_page::<GetManagedUrls>(call, URL_PROTECT_EDIT))),
};
