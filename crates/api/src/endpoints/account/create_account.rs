//! `POST /api/account/create-account` (spec/protocol.md 5): for members of the Partner Provisioning Role. The first
//! administrator, the row and the code of the account are `[ours]`.

use directory::application::Product;
use directory::change::{Change, ChangeError};
use directory::domains::DomainChange;
use directory::error::ItemError;
use directory::password::Policy;
use directory::role::{BuiltIn, PROVISIONING};
use directory::settings::Contact;
use directory::user::User;
use directory::{
    Account, AccountCode, AccountId, Domain, DomainId, DomainName, EmailAddress, Scope, UserId, check,
    provisioning,
};
use secrecy::{ExposeSecret, SecretString};
use wire::account::{CreateAccount, ProvisionedAccount};
use wire::item::{Entry, Item as _, Row as _};
use wire::{Code, Error};

use crate::call::{Call, Reply};
use crate::core::Core;
use crate::endpoint::{Endpoint, Method, Run, Takes};
use crate::error::{CallError, wrong};
use crate::step::{Plan, Step};

/// The endpoint.
pub const ENDPOINT: Endpoint = Endpoint {
    path: "/api/account/create-account",
    method: Method::Post,
    summary: "Creates an account below the caller's, with a domain and a first administrator.",
    permission: Some(PROVISIONING),
    products: &[Product::AccountManagement],
    writes: true,
    takes: Takes::One(CreateAccount::FIELDS),
    row: ProvisionedAccount::FIELDS,
    codes: &[
        Code::InvalidDomain,
        Code::InvalidEmailAddress,
        Code::Length,
        Code::Characters,
        Code::NotOneOf,
        Code::PasswordPolicy,
        Code::RoleNotCovered,
        Code::DomainManaged,
        Code::UserAlreadyExists,
        Code::AlreadyExists,
    ],
    run: Run::Signed(|call| Box::pin(create_account(call))),
};

/// An account to be created.
struct Draft {
    name: String,
    domain: DomainName,
    address: EmailAddress,
    role: BuiltIn,
    packages: Option<Vec<String>>,
    contact: Contact,
    password: Option<SecretString>,
    must_change: bool,
}

async fn create_account(mut call: Call<'_>) -> Result<Reply, CallError> {
    let mut body = call.body()?;
    let Entry { key, item } = body.one::<CreateAccount>()?;
    let scope = call.scope(&PROVISIONING, body.account_code.as_deref()).await?;
    let judging = scope.clone();
    // Estimating a password's strength takes up to a millisecond, too long for a thread that serves requests.
    let judged = call.core.hasher.run(move || item.and_then(|item| judge(&judging, item))).await?;
    let plan = match judged {
        Err(errors) => Err(errors),
        Ok(mut draft) => {
            let hash = match draft.password.take() {
                None => None,
                // A repeated request must not occupy the hasher.
                Some(password) => match call.recall().await? {
                    Some(reply) => return Ok(reply),
                    None => call.core.hasher.hash(vec![password]).await?.pop(),
                },
            };
            let (account, domain, user, row) = made(call.core, &scope, draft);
            let changes = vec![
                Change::AddAccount(account),
                Change::Domain(DomainChange::Provide { domain, by: scope.account().id }),
                Change::AddUser(User { password: hash, ..user }),
            ];
            Ok(Plan::done("accountName", Change::Together(changes), &row).blaming(field))
        }
    };
    call.carry_out(scope.evidence(), vec![Step { key, plan }]).await
}

/// The field to blame when the changes fail.
fn field(why: ChangeError) -> &'static str {
    match why {
        ChangeError::AddressTaken => "contactEmail",
        ChangeError::DomainManaged | ChangeError::DomainBelowAnothers | ChangeError::DomainHasUsers => {
            "primaryDomain"
        }
        _ => "accountName",
    }
}

fn judge(scope: &Scope, item: CreateAccount) -> Result<Draft, Vec<Error>> {
    let mut errors = Vec::new();
    let contact = Contact {
        name: item.contact_name.unwrap_or_default(),
        email: item.contact_email.unwrap_or_default(),
        telephone: item.telephone.unwrap_or_default(),
    };
    let mut check = |field, checked: Result<(), ItemError>| {
        errors.extend(checked.err().map(|why| wrong(field, &why)));
    };
    check("accountName", provisioning::name(&item.account_name));
    contact.checked().into_iter().for_each(|(field, checked)| check(field, checked));
    let role = provisioning::administrator_role(scope, item.admin_role.as_deref());
    check("adminRole", role.as_ref().map(drop).map_err(Clone::clone));
    let packages = item.products.map(|ids| provisioning::packages(scope, &ids.0)).transpose();
    check("products", packages.as_ref().map(drop).map_err(Clone::clone));
    let domain = DomainName::parse(&item.primary_domain).map_err(ItemError::InvalidDomain);
    check("primaryDomain", domain.as_ref().map(drop).map_err(Clone::clone));
    let address = domain.as_ref().ok().map(|domain| administrator(domain, &contact.email));
    if let Some(address) = &address {
        check("primaryDomain", address.as_ref().map(drop).map_err(Clone::clone));
    }
    if let (Some(password), Some(Ok(address))) = (&item.admin_password, &address) {
        let unmet = Policy::default().unmet(password.expose_secret(), &[address.as_str(), &contact.name]);
        check("adminPassword", if unmet.is_empty() { Ok(()) } else { Err(ItemError::PasswordPolicy(unmet)) });
    }
    match (role, packages, domain, address) {
        (Ok(role), Ok(packages), Ok(domain), Some(Ok(address))) if errors.is_empty() => Ok(Draft {
            name: item.account_name.trim().to_owned(),
            domain,
            address,
            role,
            packages,
            contact,
            password: item.admin_password,
            must_change: item.force_password_change.unwrap_or(false),
        }),
        _ => Err(errors),
    }
}

/// The address of the first administrator: the contact's, if it is in the domain, else `admin@`.
fn administrator(domain: &DomainName, contact: &str) -> Result<EmailAddress, ItemError> {
    match check::address(contact).ok().filter(|address| address.domain_name() == *domain) {
        Some(address) => Ok(address),
        None => check::address(&format!("admin@{domain}")),
    }
}

fn made(core: &Core, scope: &Scope, draft: Draft) -> (Account, Domain, User, ProvisionedAccount) {
    let now = core.clock.now();
    let mut random = [0; 16];
    core.entropy.fill(&mut random);
    let code = AccountCode::parse(&provisioning::code(&random))
        .unwrap_or_else(|_| unreachable!("a new code has letters and digits only"));
    let id = AccountId::at(now, &core.entropy.randomness());
    let account = Account {
        settings: provisioning::settings(draft.packages, draft.contact),
        ..Account::new(id, code, draft.name, provisioning::above(scope), now)
    };
    let domain = Domain::new(DomainId::at(now, &core.entropy.randomness()), account.id, draft.domain, now);
    let row = ProvisionedAccount {
        account_code: account.code.to_string(),
        account_name: account.name.clone(),
        primary_domain: Some(domain.name.to_string()),
        admin_email: Some(draft.address.to_string()),
        admin_role: Some(draft.role.name().to_owned()),
        packages: account.settings.packages.clone(),
        contact_name: account.settings.contact.name.clone(),
        contact_email: account.settings.contact.email.clone(),
        telephone: account.settings.contact.telephone.clone(),
    };
    let user = User {
        name: account.settings.contact.name.clone(),
        role: Some(draft.role.id()),
        must_change_password: draft.must_change,
        ..User::new(UserId::at(now, &core.entropy.randomness()), account.id, draft.address, now)
    };
    (account, domain, user, row)
}
