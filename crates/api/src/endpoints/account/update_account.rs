//! `POST /api/account/update-account` (spec/protocol.md 5): for members of the Partner Provisioning Role, on accounts below
//! theirs. The row is `[ours]`.

use directory::application::Product;
use directory::change::Change;
use directory::error::ItemError;
use directory::role::PROVISIONING;
use directory::settings::{Settings, SettingsUpdate};
use directory::{Account, Scope, check, provisioning};
use wire::Code;
use wire::account::{ProvisionedAccount, UpdateAccount};
use wire::item::{Entry, Item as _, Row as _};

use crate::call::{Call, Reply};
use crate::endpoint::{Endpoint, Method, Run, Takes};
use crate::error::{CallError, wrong};
use crate::step::{Plan, Step};

/// The endpoint.
pub const ENDPOINT: Endpoint = Endpoint {
    path: "/api/account/update-account",
    method: Method::Post,
    summary: "Changes an account below the caller's. Missing fields stay as they are.",
    permission: Some(PROVISIONING),
    products: &[Product::AccountManagement],
    writes: true,
    takes: Takes::One(UpdateAccount::FIELDS),
    row: ProvisionedAccount::FIELDS,
    codes: &[
        Code::AccountNotPermitted,
        Code::InvalidEmailAddress,
        Code::Length,
        Code::Characters,
        Code::NotOneOf,
    ],
    run: Run::Signed(|call| Box::pin(update_account(call))),
};

async fn update_account(mut call: Call<'_>) -> Result<Reply, CallError> {
    let mut body = call.body()?;
    let Entry { key, item } = body.one::<UpdateAccount>()?;
    let scope = call.scope(&PROVISIONING, body.account_code.as_deref()).await?;
    let mut evidence = scope.evidence();
    let plan = match item {
        Err(errors) => Err(errors),
        Ok(item) => match named(&mut call, &scope, &item.account_code).await? {
            Err(why) => Err(vec![wrong("accountCode", &why)]),
            Ok(account) => {
                evidence.push(directory::port::Evidence::of(&account));
                judge(&scope, item).map(|update| plan(&account, update))
            }
        },
    };
    call.carry_out(evidence, vec![Step { key, plan }]).await
}

/// The account with this code, if it is below the caller's.
async fn named(
    call: &mut Call<'_>,
    scope: &Scope,
    code: &str,
) -> Result<Result<std::sync::Arc<Account>, ItemError>, CallError> {
    let code = match check::account_code(code) {
        Ok(code) => code,
        Err(why) => return Ok(Err(why)),
    };
    let codes = [code];
    let found = call.core.store.accounts(&codes);
    let found = call.timed(found).await?.pop().flatten();
    Ok(provisioning::below(scope, found))
}

fn judge(scope: &Scope, item: UpdateAccount) -> Result<SettingsUpdate, Vec<wire::Error>> {
    let packages = item.products.map(|ids| provisioning::packages(scope, &ids.0)).transpose();
    let update = SettingsUpdate {
        name: item.account_name.map(|name| name.trim().to_owned()),
        contact_name: item.contact_name,
        contact_email: item.contact_email,
        telephone: item.telephone,
        ..SettingsUpdate::default()
    };
    let mut contact = Settings::default();
    update.apply(&mut contact);
    let mut checks = contact.contact.checked();
    checks.extend(update.name.as_deref().map(|name| ("accountName", provisioning::name(name))));
    checks.push(("products", packages.as_ref().map(drop).map_err(Clone::clone)));
    let errors: Vec<_> = checks
        .into_iter()
        .filter_map(|(field, checked)| checked.err().map(|why| wrong(field, &why)))
        .collect();
    match packages {
        Ok(packages) if errors.is_empty() => Ok(SettingsUpdate { packages, ..update }),
        _ => Err(errors),
    }
}

fn plan(account: &Account, update: SettingsUpdate) -> Plan {
    let mut settings = account.settings.clone();
    update.apply(&mut settings);
    let row = ProvisionedAccount {
        account_code: account.code.to_string(),
        account_name: update.name.clone().unwrap_or_else(|| account.name.clone()),
        primary_domain: None,
        admin_email: None,
        admin_role: None,
        packages: settings.packages,
        contact_name: settings.contact.name,
        contact_email: settings.contact.email,
        telephone: settings.contact.telephone,
    };
    if update.is_empty() {
        return Plan::read(&row);
    }
    Plan::done("accountCode", Change::SetSettings(account.id, update), &row)
}
