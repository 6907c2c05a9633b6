//! Sends a batch and determines the result of its rows.

use std::collections::HashSet;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use client::wire::users::UpdateUser;
use client::{CallError, Client, Fault, NewUser};

use super::OnExisting;
use super::batches::{Batch, Line};
use super::state::State;

/// The error code of a taken address.
const EXISTS: &str = "err_user_already_exists";

/// The operation for batches.
pub(super) struct Sender {
    client: Client,
    on_existing: OnExisting,
    dry_run: bool,
    stopped: AtomicBool,
    /// The server has no endpoint for dry runs.
    cant_check: AtomicBool,
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
    WouldBeCreated,
    Unchecked,
    Exists,
    Updated,
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
    pub(super) fn new(client: Client, on_existing: OnExisting, dry_run: bool) -> Self {
        Self {
            client,
            on_existing,
            dry_run,
            stopped: AtomicBool::new(false),
            cant_check: AtomicBool::new(false),
            seen: Default::default(),
        }
    }

    /// Sends no more.
    pub(super) fn stop(&self) {
        self.stopped.store(true, Ordering::Relaxed);
    }

    /// Whether the server has no endpoint for dry runs.
    pub(super) fn cant_check(&self) -> bool {
        self.cant_check.load(Ordering::Relaxed)
    }

    pub(super) async fn send(&self, batch: Batch, done: u64, state: &State, stop: bool) -> (Batch, Outcome) {
        if batch.rows.last().is_some_and(|row| row.number <= done) {
            return (batch, Outcome::Earlier);
        }
        if stop || self.stopped.load(Ordering::Relaxed) {
            return (batch, Outcome::NotTried);
        }
        let outcome = match self.answers(&batch, state).await {
            Ok(answers) => Outcome::Done(answers),
            Err(error) => Outcome::Failed(error),
        };
        (batch, outcome)
    }

    async fn answers(&self, batch: &Batch, state: &State) -> Result<Vec<Answer>, CallError> {
        let users = &batch.users;
        if users.is_empty() {
            return Ok(Vec::new());
        }
        if self.dry_run {
            return self.check(users).await;
        }
        let outcomes = self.client.create_batch(&state.request_id(batch.number), users).await?;
        let answer = |outcome| match outcome {
            Ok(client::Created { id, .. }) => Answer::Created(id),
            Err(faults) => self.refused(faults),
        };
        let mut answers: Vec<Answer> = outcomes.into_iter().map(answer).collect();
        if self.on_existing == OnExisting::Update {
            self.update(users, &mut answers).await?;
        }
        Ok(answers)
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
        let change = |index: &usize| {
            let user = &users[*index];
            UpdateUser {
                email_address: user.email_address.clone().unwrap_or_default(),
                name: user.name.clone(),
                password: user.password.clone(),
                force_password_change: user.force_password_change,
                ..UpdateUser::default()
            }
        };
        let changes: Vec<_> = there.iter().map(change).collect();
        for (index, outcome) in there.into_iter().zip(self.client.update_batch(&changes).await?) {
            answers[index] = match outcome {
                Ok(_) => Answer::Updated,
                Err(faults) => Answer::Refused(faults),
            };
        }
        Ok(())
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
            Err(CallError::Refused { status: 404, .. } | CallError::NoEnvelope { status: 404, .. }) => {
                self.cant_check.store(true, Ordering::Relaxed);
                Ok(unchecked())
            }
            Err(error) => Err(error),
        }
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
            Fate::Answered(Answer::Created(_)) => "created",
            Fate::Answered(Answer::WouldBeCreated) => "would be created",
            Fate::Answered(Answer::Unchecked) => "not checked",
            Fate::Answered(Answer::Exists) => "exists",
            Fate::Answered(Answer::Updated) => "updated",
            Fate::Answered(Answer::Refused(_)) | Fate::Wrong(_) => "refused",
            Fate::Unknown => "unknown",
            Fate::NotTried => "not tried",
        }
    }

    /// The secure id of a user that was created.
    pub(super) fn id(&self) -> &str {
        match self {
            Fate::Answered(Answer::Created(id)) => id,
            _ => "",
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
