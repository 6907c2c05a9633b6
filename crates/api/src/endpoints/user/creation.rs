//! Creating users, for the endpoints that create or check them: items → rules → hashed passwords → store.

use std::collections::HashMap;

use auth::PasswordHasher;
use directory::UserId;
use directory::change::{Change, ChangeError, Effect};
use directory::create_user::{Drafts, Field, Item, Planned, State};
use directory::error::ItemError;
use directory::port::Evidence;
use directory::user::User;
use secrecy::SecretString;
use serde::Serialize;
use serde_json::{Map, Value};
use wire::create_user as body;
use wire::item::{Entry, Item as _};
use wire::near_miss::near_miss;
use wire::{Answer, Code, Error, Failure};

use crate::answer;
use crate::call::{Call, Reply};
use crate::core::Core;
use crate::error::{CallError, wrong};
use crate::secure_id::SecureIds;

/// The codes of a refused item.
pub(in crate::endpoints) const CODES: &[Code] = &[
    Code::InvalidEmailAddress,
    Code::Length,
    Code::Characters,
    Code::AccountNotPermitted,
    Code::ForbiddenForAddress,
    Code::UserAlreadyExists,
    Code::PasswordPolicy,
    Code::PasswordHash,
    Code::NotOneOf,
];

/// One item of the response, before the store's outcomes are known.
enum Waiting<T> {
    Refused(Failure),
    /// Its outcome is the next one of the store.
    Planned {
        key: Map<String, Value>,
        created: T,
    },
}

/// Creates users. The response is an envelope with a row for each.
pub(in crate::endpoints) async fn create_users<T: Serialize + Send + 'static>(
    call: &mut Call<'_>,
    account_code: Option<&str>,
    entries: Vec<Entry<body::Item>>,
    row: fn(&SecureIds<'_>, &User) -> T,
) -> Result<Reply, CallError> {
    let (judged, evidence) = judge_items(call, account_code, entries).await?;
    let core = call.core;
    let now = core.clock.now();
    let secure_ids = core.secure_ids();
    let (mut rows, mut users) = (Vec::with_capacity(judged.len()), Vec::with_capacity(judged.len()));
    let mut passwords = Vec::with_capacity(judged.len());
    for (key, judged) in judged {
        rows.push(match judged {
            Err(errors) => Waiting::Refused(Failure::of(key, errors)),
            Ok(planned) => {
                let id = UserId::at(now, &core.entropy.randomness());
                let (user, password) = planned.into_user(id, now);
                let created = row(&secure_ids, &user);
                users.push(user);
                passwords.push(password);
                Waiting::Planned { key, created }
            }
        });
    }

    if let Some(repeated) = hash_passwords(call, &mut users, passwords).await? {
        return Ok(repeated);
    }
    let changes = users.into_iter().map(Change::AddUser).collect();
    call.write(evidence, changes, Box::new(move |effects| render(&rows, effects))).await
}

/// An entry with its verdict.
pub(super) type Judged = (Map<String, Value>, Result<Planned, Vec<Error>>);

/// The verdict on each entry, and its evidence.
pub(super) async fn judge_items(
    call: &mut Call<'_>,
    account_code: Option<&str>,
    entries: Vec<Entry<body::Item>>,
) -> Result<(Vec<Judged>, Vec<Evidence>), CallError> {
    call.count(entries.len());
    let (core, caller) = (call.core, call.caller.clone());

    // Entries with type errors are skipped; verdicts keep the input order.
    let (mut slots, mut items) = (Vec::with_capacity(entries.len()), Vec::with_capacity(entries.len()));
    for Entry { key, item } in entries {
        slots.push((key, item.map(|item| items.push(rules_item(&core.hasher, item)))));
    }
    let drafts = Drafts::read(&caller, account_code, items)?;
    let state = read_state(core, &drafts).await?;
    let judgement = match drafts.have_passwords() {
        // Estimating a password's strength takes up to a millisecond, too long for a thread that serves requests.
        true => core.hasher.run(move || drafts.judge(&state)).await?,
        false => drafts.judge(&state),
    };

    let mut verdicts = judgement.items.into_iter();
    let judged = slots.into_iter().map(|(key, typed)| {
        let judged = typed.and_then(|()| match verdicts.next() {
            Some(verdict) => {
                verdict.map_err(|all| all.iter().map(|(field, why)| item_error(&key, *field, why)).collect())
            }
            None => Err(Vec::new()),
        });
        (key, judged)
    });
    Ok((judged.collect(), judgement.evidence))
}

/// The error of a field. If a mandatory field is missing, it names the field that was probably meant.
fn item_error(key: &Map<String, Value>, field: Field, why: &ItemError) -> Error {
    let name = field_name(field);
    let mut error = wrong(name, why);
    if *why == ItemError::Missing
        && let Some(sent) = key.keys().find(|sent| near_miss(sent, body::Item::FIELDS) == Some(name))
    {
        error.message.push_str(&format!(". The item has \"{sent}\": send it as \"{name}\""));
    }
    error
}

fn rules_item(hasher: &PasswordHasher, item: body::Item) -> Item {
    Item {
        address: item.email_address,
        name: item.name,
        password: item.password,
        password_hash: item
            .password_hash
            .map(|hash| hasher.read_imported_hash(&hash).map_err(|why| why.to_string())),
        account_code: item.account_code,
        force_password_change: item.force_password_change,
        disabled: item.account_disabled,
        locked: item.account_locked,
    }
}

fn field_name(field: Field) -> &'static str {
    match field {
        Field::Address => "emailAddress",
        Field::Name => "name",
        Field::Password => "password",
        Field::PasswordHash => "passwordHash",
        Field::AccountCode => "accountCode",
    }
}

async fn read_state(core: &Core, drafts: &Drafts) -> Result<State, CallError> {
    let (codes, names) = (drafts.account_codes(), drafts.domains());
    let accounts = if codes.is_empty() { Vec::new() } else { core.store.accounts(&codes).await? };
    let domains = core.store.domains(&names).await?;
    Ok(State { accounts: found_by_key(codes, accounts), domains: found_by_key(names, domains) })
}

fn found_by_key<K: Eq + std::hash::Hash, V>(keys: Vec<K>, values: Vec<Option<V>>) -> HashMap<K, V> {
    keys.into_iter().zip(values).filter_map(|(key, value)| Some((key, value?))).collect()
}

/// Hashes the passwords. A repeated request gets its earlier response instead.
async fn hash_passwords(
    call: &mut Call<'_>,
    users: &mut [User],
    passwords: Vec<Option<SecretString>>,
) -> Result<Option<Reply>, CallError> {
    let core = call.core;
    let with_password: Vec<_> =
        passwords.iter().zip(users).filter_map(|(password, user)| password.as_ref().map(|_| user)).collect();
    if with_password.is_empty() {
        return Ok(None);
    }
    if let Some(reply) = call.recall().await? {
        return Ok(Some(reply));
    }
    let hashes = core.hasher.hash(passwords.into_iter().flatten().collect()).await?;
    for (user, hash) in with_password.into_iter().zip(hashes) {
        user.password = Some(hash);
    }
    Ok(None)
}

fn render<T: Serialize>(rows: &[Waiting<T>], effects: &[Result<Effect, ChangeError>]) -> Vec<u8> {
    let mut effects = effects.iter();
    let (mut data, mut fail) = (Vec::with_capacity(rows.len()), Vec::new());
    for row in rows {
        match row {
            Waiting::Refused(failure) => fail.push(failure.clone()),
            Waiting::Planned { key, created } => match effects.next() {
                Some(Err(why)) => {
                    fail.push(Failure::of(key.clone(), vec![wrong("emailAddress", &(*why).into())]));
                }
                Some(Ok(_)) => data.push(created),
                // No outcome, no row.
                None => {}
            },
        }
    }
    answer::rendered(&Answer::ran(data, fail))
}
