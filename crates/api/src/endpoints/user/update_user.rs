//! `POST /api/user/update-user` (spec/protocol.md 5). An item with only the address is a read.

use auth::PasswordHasher;
use directory::application::Product;
use directory::change::{Change, Effect};
use directory::role::INTERNAL_EDIT;
use directory::update_user::{Asked, Field, Planned, judge};
use directory::user::{Update, User};
use jiff::Timestamp;
use wire::Code;
use wire::body::MAX_ITEMS;
use wire::item::{Item as _, Row as _, time};
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
        .map(|entry| (entry.key, entry.item.map(|item| rules_item(&core.hasher, item))))
        .collect();
    let judge_all = move || -> Vec<_> {
        let judged = asked.into_iter().zip(found).map(|((key, item), found)| {
            let judged = item.and_then(|item| match found {
                Some(Ok((user, role))) => judge(&judging, user, role.as_ref(), item)
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
        judged.iter().filter_map(|(_, judged)| judged.as_ref().ok()?.password.clone()).collect();
    let mut hashes = Vec::new().into_iter();
    if !passwords.is_empty() {
        if let Some(reply) = call.recall().await? {
            return Ok(reply);
        }
        hashes = core.hasher.hash(passwords).await?.into_iter();
    }
    let mut step = |(key, judged): (_, Result<Planned, _>)| {
        let plan = judged.map(|Planned { user, password, update }| {
            let new = password.and_then(|_| hashes.next());
            let update = Update { password: new.or(update.password), ..update };
            if update.is_nothing() {
                return Plan::read(&state(&user, now));
            }
            Plan::change("emailAddress", Change::UpdateUser(user.id, Box::new(update)), move |effect| {
                match effect {
                    Effect::User(after) => state(after, now),
                    _ => state(&user, now),
                }
            })
        });
        Step { key, plan }
    };
    let steps = judged.into_iter().map(&mut step).collect();
    call.carry_out(scope.evidence(), steps).await
}

fn rules_item(hasher: &PasswordHasher, item: UpdateUser) -> Asked {
    Asked {
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
    }
}

fn field_name(field: Field) -> &'static str {
    match field {
        Field::Address => "emailAddress",
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
