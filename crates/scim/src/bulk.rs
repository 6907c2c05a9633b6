//! `/Bulk` (RFC 7644, 3.7): many changes in one request. Each succeeds or fails alone.
//!
//! Changes that do not need each other run at the same time, so that the store commits them together. One that refers to
//! another by `bulkId:…` runs after it, wherever it stands in the list.

use std::collections::{BTreeSet, HashMap};

use api::error::CallError;
use directory::port::RequestKey;
use directory::{Caller, Scope, Sender};
use futures_util::future::join_all;
use http::HeaderMap;
use http::header::{HeaderValue, IF_MATCH};
use observe::Line;
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};
use wire::printable::printable;
use wire::scim::{ScimError, ScimType};

use crate::answer::Answer;
use crate::call::{Body, Call, Query};
use crate::refused::Refused;
use crate::serve::{ATTEMPTS, needs_token};
use crate::{Method, PREFIX, ROUTES, Route};

/// Most operations of a request. `[ours]`
pub(crate) const MAX_OPERATIONS: usize = 1_000;

/// Operations that run at the same time. `[ours]`
const AT_ONCE: usize = 100;

/// The mark of a reference to another operation.
const REFERENCE: &str = "bulkId:";

struct Operation {
    method: String,
    path: String,
    bulk_id: Option<String>,
    version: Option<String>,
    data: Value,
    /// The operations it refers to.
    needs: BTreeSet<String>,
}

pub(crate) async fn run(call: &mut Call<'_>) -> Result<Answer, Refused> {
    let (operations, fail_on_errors) = read(call.json()?)?;
    call.line.items = operations.len();
    let mut done: Vec<Option<Value>> = operations.iter().map(|_| None).collect();
    let mut ids: HashMap<String, Option<String>> = HashMap::new();
    let mut errors = 0;
    // One by one, if the caller wants to stop: at once, more might fail than it allows.
    let at_once = if fail_on_errors.is_some() { 1 } else { AT_ONCE };
    loop {
        let named: BTreeSet<&str> =
            operations.iter().filter_map(|operation| operation.bulk_id.as_deref()).collect();
        let is_ready = |index: &usize| {
            let needs = &operations[*index].needs;
            done[*index].is_none()
                && needs.iter().all(|id| ids.contains_key(id) || !named.contains(id.as_str()))
        };
        let mut ready = independent(&operations, (0..operations.len()).filter(is_ready), at_once);
        if ready.is_empty() {
            // What is left waits for itself.
            let left = (0..operations.len()).filter(|index| done[*index].is_none());
            ready = independent(&operations, left, at_once);
        }
        if ready.is_empty() || fail_on_errors.is_some_and(|most| errors >= most) {
            break;
        }
        let mut lines: Vec<Line> = ready.iter().map(|_| Line::default()).collect();
        let running = ready
            .iter()
            .zip(&mut lines)
            .map(|(index, line)| one(call, &operations[*index], *index, &ids, line));
        let outcomes = join_all(running).await;
        call.line.store += lines.iter().map(|line| line.store).max().unwrap_or_default();
        call.line.near_misses.extend(lines.into_iter().flat_map(|line| line.near_misses));
        for (index, outcome) in ready.into_iter().zip(outcomes) {
            let (id, response) = rendered(&operations[index], outcome);
            errors += usize::from(id.is_none());
            if let Some(bulk_id) = &operations[index].bulk_id {
                ids.insert(bulk_id.clone(), id);
            }
            done[index] = Some(response);
        }
    }
    Ok(Answer::ok(json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkResponse"],
        "Operations": done.into_iter().flatten().collect::<Vec<_>>(),
    })))
}

/// The first operations that may run at the same time: they do the same to different resources of one type. Others run
/// before or after them, in the order of the list.
fn independent(
    operations: &[Operation],
    candidates: impl Iterator<Item = usize>,
    at_once: usize,
) -> Vec<usize> {
    let mut together: Vec<usize> = Vec::new();
    let mut touched = BTreeSet::new();
    for index in candidates.take(at_once) {
        let operation = &operations[index];
        let first = together.first().map_or(operation, |first| &operations[*first]);
        if operation.kind() != first.kind() || !touched.insert(operation.target()) {
            break;
        }
        together.push(index);
    }
    together
}

impl Operation {
    /// What it does, and the type of the resource.
    fn kind(&self) -> (bool, bool, &str) {
        let path = self.path.strip_prefix(PREFIX).unwrap_or(&self.path);
        let endpoint = path.trim_start_matches('/').split('/').next().unwrap_or_default();
        (self.method == "POST", self.method == "DELETE", endpoint)
    }

    /// The resource, by its path; of a new one, by its name.
    fn target(&self) -> String {
        let name = |field: &str| self.data.get(field).and_then(Value::as_str).map(str::to_lowercase);
        match self.method.as_str() {
            "POST" => name("userName").or_else(|| name("displayName")).unwrap_or_default(),
            _ => self.path.clone(),
        }
    }
}

fn invalid(detail: impl Into<String>) -> Refused {
    ScimError::new(ScimType::InvalidSyntax, detail).into()
}

/// The operations, and the number of errors after which no further one runs.
fn read(body: Value) -> Result<(Vec<Operation>, Option<usize>), Refused> {
    let Value::Object(body) = body else { return Err(invalid("Expected the body to be an object.")) };
    let field =
        |name: &str| body.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value);
    let Some(Value::Array(list)) = field("Operations") else {
        return Err(invalid("Expected Operations to be a list."));
    };
    if list.len() > MAX_OPERATIONS {
        let detail = format!(
            "A request may have at most {MAX_OPERATIONS} operations, and this one has {}.",
            list.len()
        );
        return Err(Refused::Scim(ScimError { status: 413, ..ScimError::new(ScimType::TooMany, detail) }));
    }
    let most = field("failOnErrors").filter(|most| !most.is_null()).map(|most| {
        let text = most.as_str().map_or_else(|| most.to_string(), str::to_owned);
        text.trim().parse::<u64>()
    });
    let most = most.transpose().map_err(|_| {
        Refused::invalid_value("failOnErrors must be a whole number, such as 1; 0 means no limit.")
    })?;
    let most = most.filter(|most| *most > 0);
    let operations = list.iter().map(operation).collect::<Result<_, _>>()?;
    Ok((operations, most.map(|most| usize::try_from(most).unwrap_or(usize::MAX))))
}

fn operation(value: &Value) -> Result<Operation, Refused> {
    let Value::Object(fields) = value else { return Err(invalid("Expected an operation to be an object.")) };
    let field =
        |name: &str| fields.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value);
    let text = |name: &str| field(name).and_then(Value::as_str).map(str::to_owned);
    let (Some(method), Some(path)) = (text("method"), text("path")) else {
        return Err(invalid("An operation needs a method, such as POST, and a path, such as /Users."));
    };
    let data = field("data").cloned().unwrap_or(Value::Null);
    let mut needs = BTreeSet::new();
    references(&Value::from(path.as_str()), &mut needs);
    references(&data, &mut needs);
    let method = method.to_ascii_uppercase();
    Ok(Operation { method, path, bulk_id: text("bulkId"), version: text("version"), data, needs })
}

/// Collects the operations that a value refers to. The nesting of a body is bounded.
fn references(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::String(text) => {
            found.extend(
                text.split_once(REFERENCE).map(|(_, id)| id.split('/').next().unwrap_or_default().to_owned()),
            );
        }
        Value::Array(list) => list.iter().for_each(|value| references(value, found)),
        Value::Object(fields) => fields.values().for_each(|value| references(value, found)),
        _ => {}
    }
}

/// Puts the ids of created resources in place of references.
fn resolved(value: &Value, ids: &HashMap<String, Option<String>>) -> Value {
    match value {
        Value::String(text) => match text.split_once(REFERENCE) {
            Some((before, id)) => match ids.get(id) {
                Some(Some(id)) => format!("{before}{id}").into(),
                _ => value.clone(),
            },
            None => value.clone(),
        },
        Value::Array(list) => list.iter().map(|value| resolved(value, ids)).collect(),
        Value::Object(fields) => {
            let fields = fields.iter().map(|(key, value)| (key.clone(), resolved(value, ids)));
            Value::Object(fields.collect::<Map<_, _>>())
        }
        _ => value.clone(),
    }
}

async fn one(
    call: &Call<'_>,
    operation: &Operation,
    index: usize,
    ids: &HashMap<String, Option<String>>,
    line: &mut Line,
) -> Result<Answer, Refused> {
    if let Some(missing) = operation.needs.iter().find(|id| !matches!(ids.get(*id), Some(Some(_)))) {
        let shown = printable(missing);
        return Err(ScimError {
            status: 409,
            ..ScimError::new(ScimType::InvalidValue, format!("No operation has created bulkId \"{shown}\"."))
        }
        .into());
    }
    let path = resolved(&Value::from(operation.path.as_str()), ids);
    let path = path.as_str().unwrap_or_default();
    let (route, id) = route(&operation.method, path)?;
    let data = resolved(&operation.data, ids);
    let version = operation.version.as_deref().and_then(|version| HeaderValue::from_str(version).ok());
    let headers: HeaderMap = version.into_iter().map(|version| (IF_MATCH, version)).collect();
    let mut caller = call.scope.caller().clone();
    for attempt in 1.. {
        let scope = Scope::enter(&caller, route.permission.as_ref(), None)?;
        let Sender::Client(principal, _) = caller.sender() else { return Err(needs_token()) };
        let mut inner = Call {
            core: call.core,
            scope,
            client: call.client,
            settings: principal.client.scim.clone(),
            id,
            query: Query::default(),
            headers: &headers,
            body: Body::Read(data.clone()),
            base: call.base.clone(),
            key: call.key.map(|key| key_of(&key, index)),
            line: &mut *line,
        };
        if let Some(answer) = inner.recall().await? {
            return Ok(answer);
        }
        match (route.run)(&mut inner).await {
            Err(Refused::Call(CallError::Stale)) if attempt < ATTEMPTS => {
                caller = renewed(call, &caller).await?;
            }
            // The same request may have run meanwhile.
            Err(refused) => return inner.recall().await?.ok_or(refused),
            outcome => return outcome,
        }
    }
    Err(CallError::Stale.into())
}

/// The caller as it is now.
async fn renewed(call: &Call<'_>, caller: &Caller) -> Result<Caller, Refused> {
    let renewed = call.core.authenticator.renewed(caller).await.map_err(CallError::from)?;
    renewed.ok_or_else(|| CallError::from(auth::AuthError::InvalidToken).into())
}

/// The identity of one operation of a request.
fn key_of(request: &RequestKey, index: usize) -> RequestKey {
    let mut digest = Sha256::new_with_prefix(request.request_id);
    digest.update(index.to_be_bytes());
    let digest: [u8; 32] = digest.finalize().into();
    let mut request_id = [0; 16];
    request_id.copy_from_slice(&digest[..16]);
    RequestKey { request_id, ..*request }
}

/// The route of an operation, and the id in its path.
fn route<'p>(method: &str, path: &'p str) -> Result<(&'static Route, &'p str), Refused> {
    let path = path.split('?').next().unwrap_or_default();
    let path = path.strip_prefix(PREFIX).unwrap_or(path);
    let is_it = |route: &&'static Route| {
        let below = route.path.strip_prefix(PREFIX).unwrap_or_default();
        let changes =
            route.method != Method::Get && !below.starts_with("/Bulk") && !below.ends_with(".search");
        changes
            && route.method.as_str() == method
            && match below.split_once("{id}") {
                Some((before, _)) => {
                    path.strip_prefix(before).is_some_and(|id| !id.is_empty() && !id.contains('/'))
                }
                None => below == path,
            }
    };
    let route = ROUTES.iter().find(is_it).ok_or_else(|| {
        let shown = printable(path);
        Refused::invalid_value(format!(
            "No operation of Bulk is {} {shown}: use POST, PUT, PATCH or DELETE of /Users or /Groups.",
            method.chars().filter(char::is_ascii_alphabetic).take(10).collect::<String>()
        ))
    })?;
    let before = route.path.strip_prefix(PREFIX).and_then(|below| below.split_once("{id}"));
    let id = before.and_then(|(before, _)| path.strip_prefix(before)).unwrap_or_default();
    Ok((route, id))
}

/// The id of the resource, if the operation succeeded, and the response.
fn rendered(operation: &Operation, outcome: Result<Answer, Refused>) -> (Option<String>, Value) {
    let answer = outcome.unwrap_or_else(|refused| Answer::refusal(&refused.error()));
    let mut response = json!({ "method": operation.method, "status": answer.status.to_string() });
    for (name, value) in [
        ("bulkId", operation.bulk_id.as_deref()),
        ("version", answer.version.as_deref()),
        ("location", answer.location.as_deref()),
    ] {
        if let Some(value) = value {
            response[name] = value.into();
        }
    }
    if answer.status >= 400 {
        response["response"] = answer.body.unwrap_or_default();
        return (None, response);
    }
    let id = answer.body.as_ref().and_then(|body| body["id"].as_str()).unwrap_or_default();
    (Some(id.to_owned()), response)
}
