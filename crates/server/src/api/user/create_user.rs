//! `POST /api/user/create-user` (spec/create-user.txt).

use std::collections::HashMap;

use directory::audit::Actor;
use directory::create_user::{Drafts, Item, Planned, State};
use directory::port::{CreateUsers, Created, Creation, Recalled, RequestKey};
use directory::user::{AddressType, PasswordHash, Source, User};
use directory::{Caller, UserId};
use jiff::Timestamp;
use serde_json::{Map, Value};
use wire::body::Field;
use wire::create_user::{self as body, field};
use wire::{Answer, Code, Failure};

use crate::app::App;
use crate::call::{Call, Reply};
use crate::refusal::{Refusal, item_error};
use crate::routes::Endpoint;
use crate::secure_id::SecureIds;

pub(crate) const ENDPOINT: Endpoint = Endpoint {
    path: body::PATH,
    permission: "Directories | Internal | Edit",
    run: |call| Box::pin(create_user(call)),
};

/// One item of the answer, waiting for what the store says.
enum Row {
    Refused(Failure),
    /// Whether it was created is the next outcome of the store.
    Planned {
        key: Map<String, Value>,
        created: body::Created,
    },
}

async fn create_user(mut call: Call<'_>) -> Result<Reply, Refusal> {
    let request = body::Request::from_value(call.json()?)?;
    call.count(request.items.len());
    let (app, caller) = (call.app, call.caller.clone());

    // What is mistyped is not judged; what is judged comes back in the same order.
    let (mut slots, mut items) = (Vec::with_capacity(request.items.len()), Vec::new());
    for item in request.items {
        let (key, typed) = typed(item);
        slots.push((key, typed.map(|item| items.push(item))));
    }
    let drafts = Drafts::read(&caller, request.account_code.as_deref(), items)?;
    let state = state(app, &drafts).await?;
    let judgement = match drafts.have_passwords() {
        // To guess at a password takes up to a millisecond: not on a thread that serves requests.
        true => app.gate.run(move || drafts.judge(&state)).await?,
        false => drafts.judge(&state),
    };

    let now = app.clock.now();
    let secure_ids = SecureIds::new(&app.store.keys().secure_id);
    let (mut rows, mut planned) = (Vec::with_capacity(slots.len()), Vec::new());
    let mut judged = judgement.items.into_iter();
    for (key, typed) in slots {
        let judged = typed.and_then(|()| match judged.next() {
            Some(judged) => judged.map_err(|refusals| refusals.iter().map(item_error).collect()),
            None => Err(Vec::new()),
        });
        rows.push(match judged {
            Err(errors) => Row::Refused(Failure { key: Some(key), errors }),
            Ok(plan) => {
                let id = UserId::at(now, &app.entropy.randomness());
                let created = body::Created {
                    email_address: plan.address.as_str().to_owned(),
                    id: secure_ids.user(plan.account, id),
                };
                planned.push((id, plan));
                Row::Planned { key, created }
            }
        });
    }

    let key = call.key();
    let users = match hash_passwords(&mut call, &key, planned, now).await? {
        Hashed::Users(users) => users,
        Hashed::Repeated(answer) => return Ok(Reply::repeated(answer)),
    };
    let write = CreateUsers {
        request: key,
        request_ids: app.request_ids,
        evidence: judgement.evidence,
        actor: actor(&caller),
        now,
        users,
        render: Box::new(move |creations| render(rows, creations)),
    };
    let created = call.timed(app.store.create_users(vec![write])).await?;
    match created.into_iter().next() {
        Some(Created::Ran(answer)) => Ok(Reply::ran(answer)),
        Some(Created::Repeated(answer)) => Ok(Reply::repeated(answer)),
        Some(Created::RequestIdReused) => Err(Refusal::RequestIdReused),
        Some(Created::Stale) | None => Err(Refusal::Stale),
    }
}

/// What the rules take, and the key; or the errors of fields that hold a value of another type.
fn typed(item: body::Item) -> (Map<String, Value>, Result<Item, Vec<wire::Error>>) {
    let mut errors = Vec::new();
    let address = take(item.email_address, field::EMAIL_ADDRESS, "text", &mut errors);
    let name = take(item.name, field::NAME, "text", &mut errors);
    let password = take(item.password, field::PASSWORD, "text", &mut errors);
    let account_code = take(item.account_code, field::ACCOUNT_CODE, "text", &mut errors);
    let force_password_change =
        take(item.force_password_change, field::FORCE_PASSWORD_CHANGE, "true or false", &mut errors);
    let typed = Item { address, name, password, account_code, force_password_change };
    (item.key, if errors.is_empty() { Ok(typed) } else { Err(errors) })
}

fn take<T>(field: Field<T>, name: &str, expected: &str, errors: &mut Vec<wire::Error>) -> Option<T> {
    match field {
        Field::Absent => None,
        Field::Value(value) => Some(value),
        Field::WrongType { found } => {
            errors.push(wire::Error::in_field(
                Code::Type,
                name,
                format!("Expected {expected}, found {found}"),
            ));
            None
        }
    }
}

async fn state(app: &App, drafts: &Drafts) -> Result<State, Refusal> {
    let (codes, names) = (drafts.account_codes(), drafts.domains());
    let accounts = if codes.is_empty() { Vec::new() } else { app.store.accounts(&codes).await? };
    let domains = app.store.domains(&names).await?;
    Ok(State { accounts: known(codes, accounts), domains: known(names, domains) })
}

fn known<K: Eq + std::hash::Hash, V>(keys: Vec<K>, values: Vec<Option<V>>) -> HashMap<K, V> {
    keys.into_iter().zip(values).filter_map(|(key, value)| Some((key, value?))).collect()
}

enum Hashed {
    Users(Vec<User>),
    Repeated(Vec<u8>),
}

/// Sends the passwords through the gate. A request that ran before is answered before that: nobody should wait, or make
/// others wait, for hashes that are thrown away.
async fn hash_passwords(
    call: &mut Call<'_>,
    key: &RequestKey,
    mut planned: Vec<(UserId, Planned)>,
    now: Timestamp,
) -> Result<Hashed, Refusal> {
    let app = call.app;
    let with_password: Vec<_> = planned.iter_mut().map(|(_, plan)| plan.password.take()).collect();
    let passwords: Vec<_> = with_password.iter().flatten().cloned().collect();
    let mut hashes = Vec::new();
    if !passwords.is_empty() {
        match call.timed(app.store.recall(key, app.request_ids)).await? {
            Recalled::Unknown => {}
            Recalled::Ran(answer) => return Ok(Hashed::Repeated(answer)),
            Recalled::OtherBody => return Err(Refusal::RequestIdReused),
        }
        hashes = app.gate.hash(passwords).await?;
    }
    let mut hashes = hashes.into_iter();
    let users = planned.into_iter().zip(with_password).map(|((id, plan), password)| {
        let hash: Option<PasswordHash> = password.and_then(|_| hashes.next());
        User {
            id,
            account: plan.account,
            address: plan.address,
            name: plan.name,
            password: hash,
            must_change_password: plan.must_change_password,
            role: None,
            address_type: AddressType::CreatedManually,
            source: Source::Cloud,
            disabled: false,
            created_at: now,
        }
    });
    Ok(Hashed::Users(users.collect()))
}

fn actor(caller: &Caller) -> Actor {
    Actor::User { id: caller.user(), address: caller.address().to_owned() }
}

fn render(rows: Vec<Row>, creations: &[Creation]) -> Vec<u8> {
    let mut creations = creations.iter();
    let (mut data, mut fail) = (Vec::new(), Vec::new());
    for row in rows {
        match row {
            Row::Refused(failure) => fail.push(failure),
            Row::Planned { key, created } => match creations.next() {
                Some(Creation::Created) => data.push(created),
                Some(Creation::AddressTaken) | None => fail.push(taken(key)),
            },
        }
    }
    // The answer is text and numbers: it can't fail to serialise.
    serde_json::to_vec(&Answer::ran(data, fail)).unwrap_or_default()
}

fn taken(key: Map<String, Value>) -> Failure {
    let message = "A user with this address already exists";
    let error = wire::Error::in_field(Code::UserAlreadyExists, field::EMAIL_ADDRESS, message);
    Failure { key: Some(key), errors: vec![error] }
}
