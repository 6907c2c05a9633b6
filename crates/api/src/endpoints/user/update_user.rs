//! `POST /api/user/update-user` (spec/protocol.md 5). An item with only the address is a read.

use auth::PasswordHasher;
use directory::application::Product;
use directory::change::{Change, ChangeError, Effect};
use directory::check;
use directory::error::ItemError;
use directory::port::Evidence;
use directory::role::INTERNAL_EDIT;
use directory::update_user::{Asked, Field, Planned, judge};
use directory::user::User;
use directory::{EmailAddress, UserId};
use jiff::Timestamp;
use wire::Code;
use wire::body::MAX_ITEMS;
use wire::item::{Entry, Item as _, Row as _, time};
use wire::users::{UpdateUser, UserState};

use super::find;
use crate::call::{Call, Reply};
use crate::endpoint::{Endpoint, Method, Run, Takes};
use crate::error::{CallError, wrong};
use crate::step::{Plan, Step};

/// The endpoint.
pub const ENDPOINT: Endpoint = Endpoint {
    path: "/api/user/update-user",
    method: Method::Post,
    summary: "Changes users; an item with only the address is read.",
    permission: Some(INTERNAL_EDIT),
    products: &[Product::UserAndGroupManagement],
    writes: true,
    takes: Takes::Items(UpdateUser::FIELDS),
    row: UserState::FIELDS,
    codes: &[
        Code::InvalidEmailAddress,
        Code::Length,
        Code::Characters,
        Code::ForbiddenForAddress,
        Code::IsAlias,
        Code::RoleNotCovered,
        Code::UserAlreadyExists,
        Code::LastSuperAdministrator,
        Code::PasswordPolicy,
        Code::PasswordHash,
        Code::NotOneOf,
    ],
    run: Run::Signed(|call| Box::pin(update_user(call))),
};

async fn update_user(mut call: Call<'_>) -> Result<Reply, CallError> {
    let mut body = call.body()?;
    let entries = body.items::<UpdateUser>(MAX_ITEMS)?;
    let scope = call.scope(&INTERNAL_EDIT, body.account_code.as_deref()).await?;
    let (core, now) = (call.core, call.core.clock.now());
    let mut evidence = scope.evidence();
    let moves = new_addresses(&mut call, &entries, &mut evidence).await?;
    let found = find(
        &mut call,
        entries.iter().map(|entry| entry.item.as_ref().ok().map(|item| &*item.email_address)),
    )
    .await?;

    let with_password = |item: &UpdateUser| item.password.is_some();
    let passwords = entries.iter().any(|entry| entry.item.as_ref().is_ok_and(with_password));
    let judging = scope.clone();
    let asked: Vec<_> = entries
        .into_iter()
        .zip(moves)
        .map(|(entry, new)| (entry.key, entry.item.and_then(|item| rules_item(&core.hasher, item, new))))
        .collect();
    let judge_all = move || -> Vec<_> {
        let judged = asked.into_iter().zip(found).map(|((key, item), found)| {
            let judged = item.and_then(|(item, keeps_alias)| match found {
                Some(Ok((user, role))) => judge(&judging, user, role.as_ref(), item)
                    .map(|planned| (planned, keeps_alias))
                    .map_err(|all| all.iter().map(|(field, why)| wrong(field_name(*field), why)).collect()),
                Some(Err(why)) => Err(vec![wrong("emailAddress", &why)]),
                None => Err(Vec::new()),
            });
            (key, judged)
        });
        judged.collect()
    };
    // Estimating a password's strength takes up to a millisecond, too long for a thread that serves requests.
    let judged = if passwords { core.hasher.run(judge_all).await? } else { judge_all() };
    let passwords: Vec<_> =
        judged.iter().filter_map(|(_, judged)| judged.as_ref().ok()?.0.password.clone()).collect();
    let mut hashes = Vec::new().into_iter();
    if !passwords.is_empty() {
        if let Some(reply) = call.recall().await? {
            return Ok(reply);
        }
        hashes = core.hasher.hash(passwords).await?.into_iter();
    }
    let mut step = |(key, judged): (_, Result<(Planned, bool), _>)| {
        let plan = judged.map(|(mut planned, keeps_alias)| {
            if planned.password.is_some() {
                planned.update.password = hashes.next();
            }
            let alias = keeps_alias.then(|| UserId::at(now, &core.entropy.randomness()));
            plan(planned, alias, now)
        });
        Step { key, plan }
    };
    let steps = judged.into_iter().map(&mut step).collect();
    call.carry_out(evidence, steps).await
}

/// The changes of one user, with its hashed password.
fn plan(Planned { user, address, update, .. }: Planned, alias: Option<UserId>, now: Timestamp) -> Plan {
    let renamed = address.map(|address| Change::Rename(user.id, address, alias));
    let updated = (!update.is_nothing()).then(|| Change::UpdateUser(user.id, Box::new(update)));
    let change = match (renamed, updated) {
        (None, None) => return Plan::read(&state(&user, now)),
        (Some(change), None) | (None, Some(change)) => change,
        (Some(renamed), Some(updated)) => Change::Together(vec![renamed, updated]),
    };
    let row = move |effect: &Effect| match effect {
        Effect::User(after) => state(after, now),
        _ => state(&user, now),
    };
    Plan::change("emailAddress", change, row).blaming(|why| match why {
        ChangeError::AddressTaken => "newEmailAddress",
        _ => "emailAddress",
    })
}

/// A new address with the owner of its domain, or why it is none.
type NewAddress = Result<(EmailAddress, Option<Evidence>), ItemError>;

/// The new address of each item; `None`: it stays. The owners are evidence.
async fn new_addresses(
    call: &mut Call<'_>,
    entries: &[Entry<UpdateUser>],
    evidence: &mut Vec<Evidence>,
) -> Result<Vec<Option<NewAddress>>, CallError> {
    let parsed = entries.iter().map(|entry| entry.item.as_ref().ok()?.new_email_address.as_deref());
    let parsed: Vec<_> = parsed.map(|text| text.map(check::address)).collect();
    let domains: Vec<_> = parsed.iter().flatten().flatten().map(EmailAddress::domain_name).collect();
    let store = &call.core.store;
    let owners = call.timed(store.domains(&domains)).await?;
    evidence.extend(owners.iter().flatten());
    evidence.sort_unstable();
    evidence.dedup();
    let mut owners = owners.into_iter();
    let mut with_owner = |address: EmailAddress| (address, owners.next().flatten());
    Ok(parsed.into_iter().map(|parsed| parsed.map(|parsed| parsed.map(&mut with_owner))).collect())
}

fn rules_item(
    hasher: &PasswordHasher,
    item: UpdateUser,
    new: Option<NewAddress>,
) -> Result<(Asked, bool), Vec<wire::Error>> {
    let address = new.transpose().map_err(|why| vec![wrong("newEmailAddress", &why)])?;
    let keeps_alias = item.keep_alias.unwrap_or(false);
    let asked = Asked {
        address,
        name: item.name,
        password: item.password,
        password_hash: item
            .password_hash
            .map(|hash| hasher.read_imported_hash(&hash).map_err(|why| why.to_string())),
        locked: item.account_locked,
        disabled: item.account_disabled,
        force_password_change: item.force_password_change,
        password_never_expires: item.password_never_expires,
        allow_smtp: item.allow_smtp,
        allow_pop: item.allow_pop,
        archive_start: item.archive_start_date,
    };
    Ok((asked, keeps_alias))
}

fn field_name(field: Field) -> &'static str {
    match field {
        Field::Address => "emailAddress",
        Field::NewAddress => "newEmailAddress",
        Field::Name => "name",
        Field::Password => "password",
        Field::PasswordHash => "passwordHash",
    }
}

fn state(user: &User, now: Timestamp) -> UserState {
    UserState {
        email_address: user.address.to_string(),
        name: user.name.clone(),
        force_password_change: user.must_change_password,
        password_never_expires: user.password_never_expires,
        account_locked: user.locked || user.attempts.locked_until.is_some_and(|until| now < until),
        account_disabled: user.disabled || user.purge_at.is_some(),
        allow_smtp: user.allow_smtp,
        allow_pop: user.allow_pop,
        archive_start_date: user.archive_start.map(time),
    }
}
