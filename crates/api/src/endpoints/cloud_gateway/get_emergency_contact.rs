//! `GET /account/cloud-gateway/v1/emergency-contact`: fields as a published client of API 2.0 reads them, permission and
//! products from its catalogue.

use directory::Account;
use directory::application::Product;
use directory::role::SETTINGS_READ;
use directory::settings;
use wire::item::{Item as _, Row as _};
use wire::rest::{EmergencyContact, NoQuery};

use super::EMERGENCY_CONTACT;
use crate::call::{Call, Reply};
use crate::endpoint::{Endpoint, Method, Run, Takes};
use crate::error::CallError;

/// The endpoint.
pub const ENDPOINT: Endpoint = Endpoint {
    path: EMERGENCY_CONTACT,
    method: Method::Get,
    summary: "Shows the emergency contact of the account.",
    permission: Some(SETTINGS_READ),
    products: &[Product::AccountManagement, Product::EmailSecurityOnboarding],
    writes: false,
    takes: Takes::Query(NoQuery::FIELDS),
    row: EmergencyContact::FIELDS,
    codes: &[],
    run: Run::Signed(|call| Box::pin(get(call))),
};

async fn get(call: Call<'_>) -> Result<Reply, CallError> {
    let scope = call.scope(&SETTINGS_READ, None).await?;
    Ok(Reply::bare(&row(scope.account(), scope.account().settings.emergency_contact.as_ref())))
}

/// An empty field is left out (spec/protocol.md 1.10).
pub(super) fn row(account: &Account, contact: Option<&settings::EmergencyContact>) -> EmergencyContact {
    let text = |text: fn(&settings::EmergencyContact) -> &String| {
        contact.map(text).filter(|text| !text.is_empty()).cloned()
    };
    EmergencyContact {
        account_code: account.code.to_string(),
        contact_name: text(|contact| &contact.name),
        contact_email_address: text(|contact| &contact.email),
        mobile_phone: text(|contact| &contact.mobile),
        telephone: text(|contact| &contact.telephone),
        alternate_email_addresses: contact
            .map(|contact| contact.alternates.clone())
            .filter(|alternates| !alternates.is_empty()),
    }
}
