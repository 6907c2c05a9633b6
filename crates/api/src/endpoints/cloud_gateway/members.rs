//! Changes of the members of a group, each of which succeeds or fails alone (spec/protocol.md 8; the results are `[ours]`).

use directory::GroupId;
use directory::change::Change;
use directory::groups::GroupChange;
use directory::role::GROUPS_EDIT;
use serde_json::{Map, Value};
use wire::body::MAX_ITEMS;
use wire::item::Entry;
use wire::rest::{ChangeMembers, ChangedMember, ChangedMembers, NamesMember};
use wire::{Code, Error, Failure};

use super::named_group;
use crate::answer;
use crate::call::{Call, Reply};
use crate::endpoints::directory::{blamed_field, judge_members};
use crate::error::CallError;
use crate::step::{Plan, Step};

/// Judges one member of a request.
pub(super) type Judge = fn(GroupId, NamesMember) -> Result<GroupChange, Vec<Error>>;

/// Changes members of the group that the path names.
pub(super) async fn change_members(mut call: Call<'_>, judge: Judge) -> Result<Reply, CallError> {
    let body = call.object::<ChangeMembers>()?;
    let scope = call.scope(&GROUPS_EDIT, None).await?;
    let group = match named_group(&mut call, scope.account().id).await? {
        Ok(group) => group.id,
        Err(refused) => return Ok(*refused),
    };
    let members = match named_members(body.item) {
        Ok(members) => members,
        Err(refused) => return Ok(*refused),
    };
    let addresses = members.iter().map(|entry| entry.item.as_ref().ok()?.email_address.as_deref());
    let permitted = judge_members(&mut call, &scope, addresses).await?;
    let step = |(Entry { key, item }, permitted): (Entry<NamesMember>, Result<(), Error>)| {
        let plan = item.and_then(|member| {
            let change = judge(group, member)?;
            permitted.map_err(|error| vec![error])?;
            let done = Plan::done("id", Change::Group(change), &Value::Object(key.clone()));
            Ok(done.blaming(blamed_field))
        });
        Step { key, plan }
    };
    let steps = members.into_iter().zip(permitted).map(step).collect();
    call.carry_out_as(scope.evidence(), steps, member_results).await
}

/// The members of a request, under the name that the client uses.
fn named_members(item: Result<ChangeMembers, Vec<Error>>) -> Result<Vec<Entry<NamesMember>>, Box<Reply>> {
    let refused =
        |code, message: String| Box::new(Reply::errors(vec![Error::in_field(code, "groupMembers", message)]));
    let ChangeMembers { group_members, data } = item.map_err(|errors| Box::new(Reply::errors(errors)))?;
    match group_members.into_iter().chain(data).flatten().collect::<Vec<_>>() {
        none if none.is_empty() => {
            let message = r#"Name at least one member, as in {"groupMembers":[{"emailAddress":"…"}]}"#;
            Err(refused(Code::Null, message.to_owned()))
        }
        many if many.len() > MAX_ITEMS => {
            let message = format!("{} members, but a request may have at most {MAX_ITEMS}", many.len());
            Err(refused(Code::ItemCount, message))
        }
        members => Ok(members),
    }
}

/// One result for each member.
fn member_results(outcomes: Vec<Result<Value, Failure>>) -> Vec<u8> {
    let refused = |Failure { key, errors, .. }: Failure| {
        let key = key.unwrap_or_default();
        let errors = Some(errors.into_iter().map(Into::into).collect());
        ChangedMember { errors, ..changed_member(&key, false) }
    };
    let result = |outcome: Result<Value, Failure>| match outcome {
        Ok(key) => changed_member(key.as_object().unwrap_or(&Map::new()), true),
        Err(failure) => refused(failure),
    };
    answer::rendered(&ChangedMembers { results: outcomes.into_iter().map(result).collect() })
}

/// The result of a member, from the item of the request.
fn changed_member(key: &Map<String, Value>, success: bool) -> ChangedMember {
    let text = |name: &str| key.get(name).and_then(Value::as_str).map(str::to_owned);
    ChangedMember { email_address: text("emailAddress"), domain: text("domain"), success, errors: None }
}
