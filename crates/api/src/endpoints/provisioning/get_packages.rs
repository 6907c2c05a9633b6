//! `POST /api/provisioning/get-packages`: a row is `products` with `id` and `name`, as a published client reads it. The
//! catalogue of API 2.0 names no permission; that of get-account, which shows the same, is `[ours]`.

use directory::application::Product;
use directory::role::{DASHBOARD_READ, PROVISIONING};
use directory::settings::package_parts;
use wire::Answer;
use wire::account::{Nothing, Package, PackageRow};
use wire::item::{Item as _, Row as _};

use crate::call::{Call, Reply};
use crate::endpoint::{Endpoint, Method, Run, Takes};
use crate::error::CallError;

/// The endpoint.
pub const ENDPOINT: Endpoint = Endpoint {
    path: "/api/provisioning/get-packages",
    method: Method::Post,
    summary: "Lists the packages of the account.",
    permission: Some(DASHBOARD_READ),
    products: &[Product::AccountManagement],
    writes: false,
    takes: Takes::One(Nothing::FIELDS),
    row: PackageRow::FIELDS,
    codes: &[],
    run: Run::Signed(|call| Box::pin(get_packages(call))),
};

async fn get_packages(mut call: Call<'_>) -> Result<Reply, CallError> {
    let mut body = call.body()?;
    body.one::<Nothing>()?;
    // Members of the Partner Provisioning Role choose from these packages for the accounts that they create.
    let member = call.caller.role().is_some_and(|role| role.allows(&PROVISIONING));
    let permission = if member { &PROVISIONING } else { &DASHBOARD_READ };
    let scope = call.scope(permission, body.account_code.as_deref()).await?;
    let row = |package: &String| {
        let (name, id) = package_parts(package);
        PackageRow { products: Package { id: id.to_owned(), name: name.to_owned() } }
    };
    let rows: Vec<_> = scope.account().settings.packages.iter().map(row).collect();
    call.count(rows.len());
    Ok(Reply::of(&Answer::ran(rows, Vec::new())))
}
