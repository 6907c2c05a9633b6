//! The items of an endpoint that writes: each is a change with its row, or a refusal. Create-user has a separate,
//! faster implementation.

use directory::change::{Change, ChangeError, Effect};
use directory::port::Evidence;
use serde::Serialize;
use serde_json::{Map, Value};
use wire::{Answer, Error, Failure};

use crate::answer;
use crate::call::{Call, Reply};
use crate::error::{CallError, wrong};

pub(crate) struct Step {
    /// The item, for `fail[].key`.
    pub(crate) key: Map<String, Value>,
    pub(crate) plan: Result<Plan, Vec<Error>>,
}

/// Renders the row of a change. Rows contain text and numbers, which can be rendered.
type Row = Box<dyn Fn(&Effect) -> serde_json::Result<Value> + Send>;

/// The outcome of an item.
pub(crate) struct Plan {
    change: Option<Change>,
    row: Row,
    field: Blamed,
}

/// The field to blame when a change fails.
enum Blamed {
    Always(&'static str),
    By(fn(ChangeError) -> &'static str),
}

impl Plan {
    /// A change with its row. `field` is blamed when the change fails.
    pub(crate) fn change<T: Serialize>(
        field: &'static str,
        change: Change,
        row: impl Fn(&Effect) -> T + Send + 'static,
    ) -> Self {
        Self {
            change: Some(change),
            row: Box::new(move |effect| serde_json::to_value(row(effect))),
            field: Blamed::Always(field),
        }
    }

    /// A change with a row that is known beforehand.
    pub(crate) fn done<T: Serialize>(field: &'static str, change: Change, row: &T) -> Self {
        Self { change: Some(change), field: Blamed::Always(field), ..Self::read(row) }
    }

    /// Chooses the blamed field by the error.
    pub(crate) fn blaming(self, field: fn(ChangeError) -> &'static str) -> Self {
        Self { field: Blamed::By(field), ..self }
    }

    /// No change.
    pub(crate) fn read<T: Serialize>(row: &T) -> Self {
        let row = serde_json::to_value(row).map_err(|error| error.to_string());
        let row = move |_: &Effect| row.clone().map_err(serde::ser::Error::custom);
        Self { change: None, row: Box::new(row), field: Blamed::Always("") }
    }
}

/// Renders the response from the row or the failure of each item, in the order of the request.
type Finish = fn(Vec<Result<Value, Failure>>) -> Vec<u8>;

enum Waiting {
    Refused(Failure),
    Read(Row),
    /// Its result is the next effect.
    Changed {
        key: Map<String, Value>,
        row: Row,
        field: Blamed,
    },
}

impl Call<'_> {
    /// Makes the changes; each succeeds or fails alone. A request without changes is a read, and its response is not
    /// stored.
    pub(crate) async fn carry_out(
        &mut self,
        evidence: Vec<Evidence>,
        steps: Vec<Step>,
    ) -> Result<Reply, CallError> {
        self.carry_out_as(evidence, steps, envelope).await
    }

    /// Like `carry_out`, with another response than the envelope.
    pub(crate) async fn carry_out_as(
        &mut self,
        evidence: Vec<Evidence>,
        steps: Vec<Step>,
        finish: Finish,
    ) -> Result<Reply, CallError> {
        self.count(steps.len());
        let (mut changes, mut waiting) = (Vec::new(), Vec::with_capacity(steps.len()));
        for Step { key, plan } in steps {
            waiting.push(match plan {
                Err(errors) => Waiting::Refused(Failure::of(key, errors)),
                Ok(Plan { change: None, row, .. }) => Waiting::Read(row),
                Ok(Plan { change: Some(change), row, field }) => {
                    changes.push(change);
                    Waiting::Changed { key, row, field }
                }
            });
        }
        if changes.is_empty() {
            // An earlier run of this request may be the reason that no change is left.
            return match self.recall().await {
                Ok(Some(reply)) => Ok(reply),
                Ok(None) | Err(CallError::RequestIdReused) => Ok(Reply::ran(render(&waiting, &[], finish))),
                Err(refusal) => Err(refusal),
            };
        }
        self.write(evidence, changes, Box::new(move |effects| render(&waiting, effects, finish))).await
    }
}

fn envelope(outcomes: Vec<Result<Value, Failure>>) -> Vec<u8> {
    let (mut data, mut fail) = (Vec::new(), Vec::new());
    for outcome in outcomes {
        match outcome {
            Ok(row) => data.push(row),
            Err(failure) => fail.push(failure),
        }
    }
    answer::rendered(&Answer::ran(data, fail))
}

fn render(waiting: &[Waiting], effects: &[Result<Effect, ChangeError>], finish: Finish) -> Vec<u8> {
    let mut effects = effects.iter();
    let outcomes = waiting.iter().filter_map(|item| match item {
        Waiting::Refused(failure) => Some(Ok(Err(failure.clone()))),
        Waiting::Read(row) => Some(row(&Effect::Done).map(Ok)),
        Waiting::Changed { key, row, field } => effects.next().map(|effect| match effect {
            Ok(effect) => row(effect).map(Ok),
            Err(why) => {
                let field = match field {
                    Blamed::Always(field) => field,
                    Blamed::By(field) => field(*why),
                };
                Ok(Err(Failure::of(key.clone(), vec![wrong(field, &(*why).into())])))
            }
        }),
    });
    match outcomes.collect::<serde_json::Result<Vec<_>>>() {
        Ok(outcomes) => finish(outcomes),
        Err(error) => {
            tracing::error!(%error, "could not render a row of a response");
            Vec::new()
        }
    }
}
