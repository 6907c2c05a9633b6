//! Many users: in concurrent batches, with one outcome per user.

use std::collections::{HashMap, HashSet};

use futures_util::Stream;
use futures_util::stream::{self, StreamExt as _};
use wire::create_user::{Checked, Created, Item as NewUser, PATH};
use wire::header::RequestId;
use wire::users::{Alias, AliasRow, UpdateUser, UserState};
use wire::{Answer, Error as Fault};

use crate::call::Client;
use crate::envelope::body_of;
use crate::error::CallError;

/// The path of update-alias.
const ALIAS_PATH: &str = "/api/user/update-alias";

/// The size and number of batches.
#[derive(Clone, Copy, Debug)]
pub struct Bulk {
    /// Users in one request, 1 to 1,000.
    pub batch: usize,
    /// Concurrent requests.
    pub concurrency: usize,
}

impl Default for Bulk {
    /// 100 users per request, four concurrent requests.
    fn default() -> Self {
        Self { batch: 100, concurrency: 4 }
    }
}

/// The outcome of one user.
pub type Outcome = Result<Created, Vec<Fault>>;

/// The outcomes of a batch, one per user in order; or why none is known.
pub struct Batch {
    /// The users.
    pub users: Vec<NewUser>,
    /// Their results.
    pub outcomes: Result<Vec<Outcome>, CallError>,
}

impl Client {
    /// Creates users in one request, and gives one outcome per user. Addresses must differ, without case: otherwise
    /// outcomes could not be matched to users.
    ///
    /// # Errors
    /// When there is no answer, or the call as a whole was refused.
    pub async fn create_batch(
        &self,
        request_id: &RequestId,
        users: &[NewUser],
    ) -> Result<Vec<Outcome>, CallError> {
        let answer = self.call_as::<Created>(request_id, PATH, false, body_of(users, None)?).await?;
        Ok(outcomes_by("emailAddress", users.iter().map(address), answer, |created| &created.email_address))
    }

    /// Checks for each user whether it could be created, and creates none. Addresses must differ. `[ours]`
    ///
    /// # Errors
    /// When there is no answer, or the call as a whole was refused.
    pub async fn check_batch(
        &self,
        users: &[NewUser],
    ) -> Result<Vec<Result<Checked, Vec<Fault>>>, CallError> {
        let answer = self.check_users(users).await?;
        Ok(outcomes_by("emailAddress", users.iter().map(address), answer, |checked| &checked.email_address))
    }

    /// Changes users in one request, and gives one outcome per user. Addresses must differ.
    ///
    /// # Errors
    /// When there is no answer, or the call as a whole was refused.
    pub async fn update_batch(
        &self,
        users: &[UpdateUser],
    ) -> Result<Vec<Result<UserState, Vec<Fault>>>, CallError> {
        let answer = self.update_users(users).await?;
        let addresses = users.iter().map(|user| user.email_address.as_str());
        Ok(outcomes_by("emailAddress", addresses, answer, |state| &state.email_address))
    }

    /// Adds aliases in one request, and gives one outcome per alias. Aliases must differ, without case.
    ///
    /// # Errors
    /// When there is no answer, or the call as a whole was refused.
    pub async fn alias_batch(
        &self,
        request_id: &RequestId,
        aliases: &[Alias],
    ) -> Result<Vec<Result<AliasRow, Vec<Fault>>>, CallError> {
        let body = body_of(aliases, None)?;
        let answer = self.call_as::<AliasRow>(request_id, ALIAS_PATH, false, body).await?;
        let addresses = aliases.iter().map(|alias| alias.alias.as_str());
        Ok(outcomes_by("alias", addresses, answer, |row| &row.alias))
    }

    /// Creates any number of users in batches; outcomes come in the users' order. A batch ends early before an address
    /// that it already contains. Dropping the stream loses nothing, but the outcomes of unfinished batches are unknown.
    ///
    /// ```no_run
    /// # async fn example(client: matricula_client::Client) {
    /// use futures_util::StreamExt as _;
    /// use matricula_client::{Bulk, NewUser};
    ///
    /// let users = (1..=5_000).map(|n| NewUser::new(format!("user{n}@example.com")));
    /// let mut batches = std::pin::pin!(client.create_all(users, Bulk::default()));
    /// while let Some(batch) = batches.next().await {
    ///     for (user, outcome) in batch.users.iter().zip(batch.outcomes.expect("an answer")) {
    ///         match outcome {
    ///             Ok(created) => println!("{} is {}", created.email_address, created.id),
    ///             Err(faults) => println!("{:?}: {}", user.email_address, faults[0].message),
    ///         }
    ///     }
    /// }
    /// # }
    /// ```
    pub fn create_all(&self, users: impl Iterator<Item = NewUser>, bulk: Bulk) -> impl Stream<Item = Batch> {
        stream::iter(batches(users, bulk.batch.max(1)))
            .map(move |users| async move {
                let outcomes = self.create_batch(&crate::random_request_id(), &users).await;
                Batch { users, outcomes }
            })
            .buffered(bulk.concurrency.max(1))
    }
}

/// Splits users into batches without duplicate addresses.
fn batches(users: impl Iterator<Item = NewUser>, size: usize) -> impl Iterator<Item = Vec<NewUser>> {
    let mut users = users.peekable();
    let mut addresses = HashSet::new();
    std::iter::from_fn(move || {
        addresses.clear();
        let mut batch = Vec::new();
        while batch.len() < size
            && let Some(user) = users.next_if(|user| addresses.insert(address(user).to_lowercase()))
        {
            batch.push(user);
        }
        (!batch.is_empty()).then_some(batch)
    })
}

fn address(user: &NewUser) -> &str {
    user.email_address.as_deref().unwrap_or_default()
}

/// The outcome of each address, which refused items have in a field. Does not rely on the order of the response, unless
/// addresses come back in another form.
fn outcomes_by<'a, R>(
    field: &str,
    addresses: impl Iterator<Item = &'a str>,
    answer: Answer<R>,
    address_of: fn(&R) -> &str,
) -> Vec<Result<R, Vec<Fault>>> {
    let rows = answer.data.into_iter().enumerate();
    let mut done: HashMap<String, (usize, R)> =
        rows.map(|(place, row)| (address_of(&row).to_lowercase(), (place, row))).collect();
    let mut refused: HashMap<String, Vec<Fault>> = HashMap::new();
    for failure in answer.fail {
        let address = failure.key.as_ref().and_then(|key| key.get(field)?.as_str());
        refused.insert(address.unwrap_or_default().to_lowercase(), failure.errors);
    }
    let mut outcomes: Vec<Option<Result<R, Vec<Fault>>>> = addresses
        .map(|address| {
            let address = address.to_lowercase();
            let created = done.remove(&address).map(|(_, row)| Ok(row));
            created.or_else(|| refused.remove(&address).map(Err))
        })
        .collect();
    // An address may come back in another form, such as composed letters; then the order decides.
    let missing = outcomes.iter().filter(|outcome| outcome.is_none()).count();
    if missing == done.len() {
        let mut rest: Vec<_> = done.into_values().collect();
        rest.sort_by_key(|(place, _)| *place);
        let mut rest = rest.into_iter().map(|(_, row)| Ok(row));
        outcomes.iter_mut().filter(|outcome| outcome.is_none()).for_each(|outcome| *outcome = rest.next());
    }
    outcomes.into_iter().map(|outcome| outcome.unwrap_or_else(|| Err(vec![not_answered()]))).collect()
}

/// The error when a response does not mention a user.
fn not_answered() -> Fault {
    Fault {
        code: "client_no_answer_for_item".to_owned(),
        message: "The response does not mention this user".to_owned(),
        retryable: true,
        field: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    #[test]
    fn an_outcome_belongs_to_its_address_also_in_another_form() {
        let row = |address: &str| json!({"emailAddress": address, "id": address});
        let outcomes = |data: Value, fail: Value| -> Vec<String> {
            let answer = json!({"meta": {"status": 200}, "data": data, "fail": fail});
            let answer: Answer<Created> = serde_json::from_value(answer).unwrap();
            let sent = ["A@x", "a\u{30a}@x", "c@x", "o\u{308}@x"];
            let outcomes = outcomes_by("emailAddress", sent.into_iter(), answer, |row| &row.email_address);
            outcomes
                .into_iter()
                .map(|outcome| outcome.map_or_else(|faults| faults[0].code.clone(), |row| row.id))
                .collect()
        };
        let refused = json!([{"key": {"emailAddress": "c@x"}, "errors": [{"code": "no", "message": "no", "retryable": false}]}]);
        let found = outcomes(json!([row("\u{e5}@x"), row("\u{f6}@x"), row("a@X")]), refused.clone());
        assert_eq!(found, ["a@X", "\u{e5}@x", "no", "\u{f6}@x"]);
        // With one row too few, nobody knows whose it is.
        let found = outcomes(json!([row("\u{e5}@x"), row("a@X")]), refused);
        assert_eq!(found, ["a@X", "client_no_answer_for_item", "no", "client_no_answer_for_item"]);
    }

    #[test]
    fn a_batch_ends_when_it_is_full_and_before_an_address_it_holds() {
        let addresses = ["a@x", "b@x", "A@X", "c@x", "d@x", "d@x"].map(NewUser::new);
        let sizes: Vec<_> = batches(addresses.into_iter(), 3).map(|batch| batch.len()).collect();
        assert_eq!(sizes, [2, 3, 1]);
    }
}
