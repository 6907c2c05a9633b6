//! `PUT /account/cloud-gateway/v1/emergency-contact`: replaces the contact as a whole. Which fields are mandatory and how
//! long they may be is `[ours]`.

use directory::application::Product;
use directory::change::Change;
use directory::error::ItemError;
use directory::role::SETTINGS_EDIT;
use directory::settings::{EmergencyContact, SettingsUpdate};
use wire::Code;
use wire::item::{Entry, Item as _, Row as _};
use wire::rest::{self, SetEmergencyContact};

use super::{EMERGENCY_CONTACT, get_emergency_contact};
use crate::call::{Call, Reply};
use crate::endpoint::{Endpoint, Method, Run, Takes};
use crate::error::{CallError, wrong};
use crate::step::{Plan, Step};

/// The endpoint.
pub const ENDPOINT: Endpoint = Endpoint {
    path: EMERGENCY_CONTACT,
    method: Method::Put,
    summary: "Replaces the emergency contact of the account.",
    permission: Some(SETTINGS_EDIT),
    products: &[Product::AccountManagement, Product::EmailSecurityOnboarding],
    writes: true,
    takes: Takes::Object(SetEmergencyContact::FIELDS),
    row: rest::EmergencyContact::FIELDS,
    codes: &[Code::InvalidEmailAddress, Code::Length, Code::Characters, Code::AccountNotPermitted],
    run: Run::Signed(|call| Box::pin(set(call))),
};

async fn set(mut call: Call<'_>) -> Result<Reply, CallError> {
    let Entry { key, item } = call.object::<SetEmergencyContact>()?;
    let scope = call.scope(&SETTINGS_EDIT, None).await?;
    let account = scope.account();
    let plan = item.and_then(|item| {
        // The service's tools send back what they read: the contact of one account must not become that of another.
        let is_other = |code: &String| !code.trim().eq_ignore_ascii_case(account.code.as_str());
        if item.account_code.as_ref().is_some_and(is_other) {
            return Err(vec![wrong("accountCode", &ItemError::AccountNotPermitted)]);
        }
        let contact = EmergencyContact {
            name: item.contact_name,
            email: item.contact_email_address,
            mobile: item.mobile_phone.unwrap_or_default(),
            telephone: item.telephone.unwrap_or_default(),
            alternates: item.alternate_email_addresses.unwrap_or_default(),
        };
        if let Err(all) = contact.checked() {
            return Err(all.iter().map(|(field, why)| wrong(field, why)).collect());
        }
        let row = get_emergency_contact::row(account, Some(&contact));
        let update = SettingsUpdate { emergency_contact: Some(contact), ..SettingsUpdate::default() };
        Ok(Plan::done("contactName", Change::SetSettings(account.id, update), &row))
    });
    let reply = call.carry_out(scope.evidence(), vec![Step { key, plan }]).await?;
    Ok(reply.unwrapped(200))
}
