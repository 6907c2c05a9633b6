//! Sends a batch and determines the result of its rows.

use std::collections::{BTreeSet, HashSet};
use std::hash::{BuildHasher as _, RandomState};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use client::wire::users::UpdateUser;
use client::{CallError, Client, Fault, NewUser};
use tokio::sync::{OnceCell, watch};

use super::OnExisting;
use super::batches::{Batch, Line};
use super::state::State;

/// The error code of a taken address.
const EXISTS: &str = "err_user_already_exists";

/// The error code of a hash that the server can't use.
const UNUSABLE_HASH: &str = "err_password_hash";

/// The operation for batches.
pub(super) struct Sender {
    client: Client,
    on_existing: OnExisting,
    dry_run: bool,
    without_unusable_hashes: bool,
    stopped: AtomicBool,
    /// Whether the server has check-user, and so is Matricula; unknown before it is needed.
    has_check_user: OnceCell<bool>,
    /// The batches that are being sent. Some wait for earlier ones.
    sending: watch::Sender<BTreeSet<u64>>,
    /// In a dry run: fingerprints of earlier addresses, because the server cannot find duplicates of users that are not
    /// created.
    seen: (RandomState, Mutex<HashSet<u64>>),
}

/// The result of a batch.
pub(super) enum Outcome {
    /// A result per user.
    Done(Vec<Answer>),
    /// An earlier run recorded it.
    Earlier,
    /// The call was refused, or got no response.
    Failed(CallError),
    /// It was sent; its result is unknown until the import is resumed.
    Unknown,
    /// The import had stopped before.
    NotTried,
}

/// The result of a user.
pub(super) enum Answer {
    Created(String),
    /// Created without its password hash, and why.
    CreatedWithoutHash(String, String),
    WouldBeCreated,
    Unchecked,
    Exists,
    /// The fields that were set.
    Updated(Vec<&'static str>),
    Refused(Vec<Fault>),
}

/// The result of a row.
pub(super) enum Fate<'a> {
    Answered(&'a Answer),
    /// It was not sent.
    Wrong(&'a [Fault]),
    Unknown,
    NotTried,
}

impl Sender {
    pub(super) fn new(
        client: Client,
        on_existing: OnExisting,
        dry_run: bool,
        without_unusable_hashes: bool,
    ) -> Self {
        Self {
            client,
            on_existing,
            dry_run,
            without_unusable_hashes,
            stopped: AtomicBool::new(false),
            has_check_user: OnceCell::new(),
            sending: watch::Sender::default(),
            seen: Default::default(),
        }
    }

    /// Sends no more.
    pub(super) fn stop(&self) {
        self.stopped.store(true, Ordering::Relaxed);
    }

    /// Whether the server has no endpoint for dry runs.
    pub(super) fn cant_check(&self) -> bool {
        self.has_check_user.get() == Some(&false)
    }

    pub(super) async fn send(
        &self,
        mut batch: Batch,
        done: u64,
        state: &State,
        stop: bool,
    ) -> (Batch, Outcome) {
        if batch.rows.last().is_some_and(|row| row.number <= done) {
            return (batch, Outcome::Earlier);
        }
        if stop || self.stopped.load(Ordering::Relaxed) {
            return (batch, Outcome::NotTried);
        }
        self.sending.send_modify(|sending| {
            sending.insert(batch.number);
        });
        let outcome = match self.outcome(&mut batch, state).await {
            Ok(outcome) => outcome,
            Err(error) => Outcome::Failed(error),
        };
        self.sending.send_modify(|sending| {
            sending.remove(&batch.number);
        });
        (batch, outcome)
    }

    async fn outcome(&self, batch: &mut Batch, state: &State) -> Result<Outcome, CallError> {
        if self.dry_run && !batch.aliases.is_empty() {
            let users: Vec<_> = batch.aliases.iter().map(|alias| NewUser::new(&*alias.alias)).collect();
            return self.check(&users).await.map(Outcome::Done);
        }
        // An alias needs its user, who may be in any earlier batch.
        let after = if batch.aliases.is_empty() { batch.after } else { batch.number.checked_sub(1) };
        if let Some(after) = after.filter(|_| !self.dry_run) {
            let is_done = |sending: &BTreeSet<u64>| sending.range(..=after).next().is_none();
            // The channel is not closed while `self` lives, so this ends when those batches are done.
            let _ = self.sending.subscribe().wait_for(is_done).await;
            if self.stopped.load(Ordering::Relaxed) {
                return Ok(Outcome::NotTried);
            }
        }
        match batch.aliases.is_empty() {
            true => self.answers(batch, state).await.map(Outcome::Done),
            false => self.add_aliases(batch, state).await.map(Outcome::Done),
        }
    }

    async fn answers(&self, batch: &mut Batch, state: &State) -> Result<Vec<Answer>, CallError> {
        let held = self.hold_inactive(batch).await?;
        let mut answers = self.answers_of_sent(batch, state).await?;
        for place in held {
            answers.insert(place, Answer::Refused(vec![inactive_fault()]));
        }
        Ok(answers)
    }

    async fn add_aliases(&self, batch: &Batch, state: &State) -> Result<Vec<Answer>, CallError> {
        let added = |outcome: Result<_, _>| {
            outcome.map_or_else(|faults| self.refused(faults), |_| Answer::Created(String::new()))
        };
        match self.client.alias_batch(&state.request_id(batch.number), &batch.aliases).await {
            Ok(outcomes) => Ok(outcomes.into_iter().map(added).collect()),
            // The caller may create users but not add aliases, or the server can't.
            Err(error)
                if has_no_endpoint(&error) || matches!(error, CallError::Refused { status: 403, .. }) =>
            {
                let fault = alias_fault(&error);
                Ok(batch.aliases.iter().map(|_| Answer::Refused(vec![fault.clone()])).collect())
            }
            Err(error) => Err(error),
        }
    }

    async fn answers_of_sent(&self, batch: &Batch, state: &State) -> Result<Vec<Answer>, CallError> {
        let users = &batch.users;
        if users.is_empty() {
            return Ok(Vec::new());
        }
        if self.dry_run {
            return self.check(users).await;
        }
        let mut answers = self.create(batch.number, users, state).await?;
        if self.on_existing == OnExisting::Update {
            self.update(users, &mut answers).await?;
        }
        Ok(answers)
    }

    async fn create(&self, batch: u64, users: &[NewUser], state: &State) -> Result<Vec<Answer>, CallError> {
        let outcomes = self.client.create_batch(&state.request_id(batch), users).await?;
        let answer = |outcome| match outcome {
            Ok(client::Created { id, .. }) => Answer::Created(id),
            Err(faults) => self.refused(faults),
        };
        let mut answers: Vec<Answer> = outcomes.into_iter().map(answer).collect();
        if self.without_unusable_hashes {
            self.create_without_hashes(batch, users, &mut answers, state).await?;
        }
        Ok(answers)
    }

    /// Creates the users whose hash the server refused, without it.
    async fn create_without_hashes(
        &self,
        batch: u64,
        users: &[NewUser],
        answers: &mut [Answer],
        state: &State,
    ) -> Result<(), CallError> {
        let reason = |answer: &Answer| match answer {
            Answer::Refused(faults) if faults.iter().all(|fault| fault.code == UNUSABLE_HASH) => {
                faults.first().map(|fault| fault.message.clone())
            }
            _ => None,
        };
        let reasons: Vec<(usize, String)> =
            answers.iter().enumerate().filter_map(|(place, answer)| Some((place, reason(answer)?))).collect();
        if reasons.is_empty() {
            return Ok(());
        }
        let bare: Vec<NewUser> = reasons.iter().map(|(place, _)| without_hash(&users[*place])).collect();
        // Another id than the batch's, and the same one after an interruption.
        let outcomes = self.client.create_batch(&state.request_id(u64::MAX - batch), &bare).await?;
        for ((place, reason), outcome) in reasons.into_iter().zip(outcomes) {
            answers[place] = match outcome {
                Ok(client::Created { id, .. }) => Answer::CreatedWithoutHash(id, reason),
                Err(faults) => self.refused(faults),
            };
        }
        Ok(())
    }

    /// Takes the users out that another server would create active, and gives their places.
    async fn hold_inactive(&self, batch: &mut Batch) -> Result<Vec<usize>, CallError> {
        let is_inactive =
            |user: &NewUser| user.account_disabled == Some(true) || user.account_locked == Some(true);
        let Some(user) = batch.users.iter().find(|user| is_inactive(user)) else { return Ok(Vec::new()) };
        if self.dry_run || self.creates_inactive(user).await? {
            return Ok(Vec::new());
        }
        let places = (0..batch.users.len()).filter(|place| is_inactive(&batch.users[*place])).collect();
        batch.users.retain(|user| !is_inactive(user));
        Ok(places)
    }

    fn refused(&self, faults: Vec<Fault>) -> Answer {
        match faults.as_slice() {
            [fault] if fault.code == EXISTS && self.on_existing != OnExisting::Fail => Answer::Exists,
            _ => Answer::Refused(faults),
        }
    }

    async fn update(&self, users: &[NewUser], answers: &mut [Answer]) -> Result<(), CallError> {
        let there: Vec<_> =
            (0..answers.len()).filter(|index| matches!(answers[*index], Answer::Exists)).collect();
        if there.is_empty() {
            return Ok(());
        }
        let there: Vec<_> =
            there.into_iter().filter(|index| !set_fields(&users[*index]).is_empty()).collect();
        if there.is_empty() {
            return Ok(());
        }
        let changes: Vec<_> = there.iter().map(|index| update_of(&users[*index])).collect();
        for (index, outcome) in there.into_iter().zip(self.client.update_batch(&changes).await?) {
            answers[index] = match outcome {
                Ok(_) => Answer::Updated(set_fields(&users[index])),
                Err(faults) => Answer::Refused(faults),
            };
        }
        Ok(())
    }

    /// Whether the server creates disabled and locked users: only Matricula does, and has this endpoint.
    async fn creates_inactive(&self, user: &NewUser) -> Result<bool, CallError> {
        let check = || async {
            match self.client.check_batch(std::slice::from_ref(user)).await {
                Ok(_) => Ok(true),
                Err(error) if has_no_endpoint(&error) => Ok(false),
                Err(error) => Err(error),
            }
        };
        self.has_check_user.get_or_try_init(check).await.copied()
    }

    /// Whether no earlier row has the address.
    fn is_new(&self, user: &NewUser) -> bool {
        let (hasher, seen) = &self.seen;
        let fingerprint = hasher.hash_one(user.email_address.as_deref().unwrap_or_default().to_lowercase());
        seen.lock().unwrap_or_else(PoisonError::into_inner).insert(fingerprint)
    }

    async fn check(&self, users: &[NewUser]) -> Result<Vec<Answer>, CallError> {
        // Before the first await, so that it runs in the order of the file.
        let earlier: Vec<bool> = users.iter().map(|user| !self.is_new(user)).collect();
        let answer = |earlier: bool, answer: Answer| match answer {
            Answer::WouldBeCreated | Answer::Unchecked if earlier => self.refused(vec![repeated_address()]),
            answer => answer,
        };
        let unchecked = || earlier.iter().map(|earlier| answer(*earlier, Answer::Unchecked)).collect();
        if self.cant_check() {
            return Ok(unchecked());
        }
        match self.client.check_batch(users).await {
            Ok(outcomes) => Ok(outcomes
                .into_iter()
                .zip(&earlier)
                .map(|(outcome, earlier)| {
                    let said = outcome.map_or_else(|faults| self.refused(faults), |_| Answer::WouldBeCreated);
                    answer(*earlier, said)
                })
                .collect()),
            // Only Matricula has this endpoint.
            Err(error) if has_no_endpoint(&error) => {
                // Concurrent batches find the same.
                let _ = self.has_check_user.set(false);
                Ok(unchecked())
            }
            Err(error) => Err(error),
        }
    }
}

fn inactive_fault() -> Fault {
    Fault {
        code: "err_not_supported".to_owned(),
        message: "The account is not active, and this server creates active users only: create it there and disable it"
            .to_owned(),
        retryable: false,
        field: Some("accountDisabled".to_owned()),
    }
}

/// Why no alias was added.
fn alias_fault(error: &CallError) -> Fault {
    Fault {
        code: "err_not_supported".to_owned(),
        message: format!("The server did not add the alias, and other rows are not affected: {error}"),
        retryable: false,
        field: Some("aliasOf".to_owned()),
    }
}

fn has_no_endpoint(error: &CallError) -> bool {
    matches!(error, CallError::Refused { status: 404, .. } | CallError::NoEnvelope { status: 404, .. })
}

/// The fields of an existing user that a row sets.
fn set_fields(user: &NewUser) -> Vec<&'static str> {
    [
        ("name", user.name.is_some()),
        ("password", user.password.is_some()),
        ("passwordHash", user.password_hash.is_some()),
        ("forcePasswordChange", user.force_password_change.is_some()),
        ("accountDisabled", user.account_disabled.is_some()),
        ("accountLocked", user.account_locked.is_some()),
    ]
    .into_iter()
    .filter_map(|(field, is_set)| is_set.then_some(field))
    .collect()
}

fn without_hash(user: &NewUser) -> NewUser {
    NewUser {
        email_address: user.email_address.clone(),
        password: None,
        password_hash: None,
        account_code: user.account_code.clone(),
        force_password_change: user.force_password_change,
        name: user.name.clone(),
        account_disabled: user.account_disabled,
        account_locked: user.account_locked,
    }
}

fn update_of(user: &NewUser) -> UpdateUser {
    UpdateUser {
        email_address: user.email_address.clone().unwrap_or_default(),
        name: user.name.clone(),
        password: user.password.clone(),
        password_hash: user.password_hash.clone(),
        force_password_change: user.force_password_change,
        account_disabled: user.account_disabled,
        account_locked: user.account_locked,
        ..UpdateUser::default()
    }
}

/// An address that an earlier row has.
fn repeated_address() -> Fault {
    Fault {
        code: EXISTS.to_owned(),
        message: "An earlier row of the file has this address".to_owned(),
        retryable: false,
        field: Some("emailAddress".to_owned()),
    }
}

/// The result of each row of a batch.
pub(super) fn row_outcomes<'a>(
    batch: &'a Batch,
    outcome: &'a Outcome,
) -> impl Iterator<Item = (&'a Line, Fate<'a>)> {
    let mut answers = match outcome {
        Outcome::Done(answers) => answers.iter(),
        _ => [].iter(),
    };
    batch.rows.iter().map(move |row| {
        let fate = match (outcome, &row.wrong) {
            (Outcome::NotTried, _) => Fate::NotTried,
            // Refused before anything was done.
            (Outcome::Failed(error), _) if !error.is_unknown() => Fate::NotTried,
            (Outcome::Failed(_) | Outcome::Unknown, _) => Fate::Unknown,
            (_, Some(faults)) => Fate::Wrong(faults),
            (_, None) => answers.next().map_or(Fate::Unknown, Fate::Answered),
        };
        (row, fate)
    })
}

impl Fate<'_> {
    /// The name in the result file.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Fate::Answered(Answer::Created(_) | Answer::CreatedWithoutHash(..)) => "created",
            Fate::Answered(Answer::WouldBeCreated) => "would be created",
            Fate::Answered(Answer::Unchecked) => "not checked",
            Fate::Answered(Answer::Exists) => "exists",
            Fate::Answered(Answer::Updated(_)) => "updated",
            Fate::Answered(Answer::Refused(_)) | Fate::Wrong(_) => "refused",
            Fate::Unknown => "unknown",
            Fate::NotTried => "not tried",
        }
    }

    /// The secure id of a user that was created.
    pub(super) fn id(&self) -> &str {
        match self {
            Fate::Answered(Answer::Created(id) | Answer::CreatedWithoutHash(id, _)) => id,
            _ => "",
        }
    }

    /// What happened, for a row that was not refused.
    pub(super) fn detail(&self) -> String {
        match self {
            Fate::Answered(Answer::Exists) => {
                "The address is taken: by an earlier row, or before the import".to_owned()
            }
            Fate::Answered(Answer::Updated(fields)) => format!("set {}", fields.join(", ")),
            Fate::Answered(Answer::CreatedWithoutHash(_, reason)) => {
                format!("created without the password: {reason}")
            }
            _ => String::new(),
        }
    }

    /// Why it was refused.
    pub(super) fn faults(&self) -> &[Fault] {
        match self {
            Fate::Answered(Answer::Refused(faults)) => faults,
            Fate::Wrong(faults) => faults,
            _ => &[],
        }
    }
}
