//! `/api/directory/…`: groups and their members.

pub mod add_group_member;
pub mod create_group;
pub mod delete_group;
pub mod execute_sync;
pub mod find_groups;
pub mod get_connection;
pub mod get_group_members;
pub mod remove_group_member;
pub mod update_group;

use directory::change::ChangeError;
use directory::error::ItemError;
use directory::groups::{Description, Field, Group, Member, Subject};
use directory::user::Source;
use directory::{AccountId, GroupId, Scope};
use sha2::{Digest as _, Sha256};
use wire::Error;
use wire::groups::{GroupRow, MemberChanged};

use super::user;
use crate::call::Call;
use crate::endpoint::Endpoint;
use crate::error::{CallError, wrong};
use crate::secure_id::SecureIds;

/// The endpoints of this family.
pub(super) const ENDPOINTS: &[Endpoint] = &[
    add_group_member::ENDPOINT,
    create_group::ENDPOINT,
    delete_group::ENDPOINT,
    execute_sync::ENDPOINT,
    find_groups::ENDPOINT,
    get_connection::ENDPOINT,
    get_group_members::ENDPOINT,
    remove_group_member::ENDPOINT,
    update_group::ENDPOINT,
];

/// The kind of a group's secure id.
const KIND: &str = "group";

/// All groups are managed in the cloud.
const CLOUD: &str = Source::Cloud.as_str();

/// The group that an item names in `id`.
pub(super) fn group_id(ids: &SecureIds<'_>, account: AccountId, id: &str) -> Result<GroupId, Error> {
    ids.open_id(KIND, account, id).map(GroupId::from_bytes).map_err(|why| wrong("id", &why))
}

/// The group in an item's `parentId`; empty or the id of the account's root means the top level.
fn parent_id(ids: &SecureIds<'_>, account: AccountId, id: &str) -> Result<Option<GroupId>, Error> {
    if id.trim().is_empty() {
        return Ok(None);
    }
    let opened = ids.open_id(KIND, account, id).map_err(|why| wrong("parentId", &why))?;
    Ok((opened != *account.as_bytes()).then(|| GroupId::from_bytes(opened)))
}

fn group_name(text: &str) -> Result<Description, Error> {
    Description::parse(text).map_err(|why| wrong("description", &why))
}

/// The field to blame when a change fails.
pub(super) fn blamed_field(why: ChangeError) -> &'static str {
    use ChangeError as C;
    match why {
        C::ParentNotFound | C::GroupInItself | C::GroupTooDeep => "parentId",
        C::AlreadyExists => "description",
        C::AddressTaken | C::NotFound | C::LastSuperAdministrator | C::RoleHeld | C::GroupHasFolders => "id",
        C::DomainHasUsers | C::DomainManaged | C::DomainBelowAnothers | C::VerificationExpired => "id",
        C::Outdated | C::TooManyTokens | C::TooManyDeletions | C::BaseTaken => "id",
        C::Reserved | C::MemberAlreadyExists | C::MemberNotFound | C::MemberHasNoUser => "id",
    }
}

fn field_name(field: Field) -> &'static str {
    match field {
        Field::Address => "emailAddress",
        Field::Domain => "domain",
        Field::Notes => "notes",
    }
}

/// Checks that the caller may add or remove these members: a caller who changes a user of the account, also by an
/// alias, must hold all permissions of that user. External addresses and domains are not users.
pub(super) async fn judge_members<'t>(
    call: &mut Call<'_>,
    scope: &Scope,
    addresses: impl Iterator<Item = Option<&'t str>>,
) -> Result<Vec<Result<(), Error>>, CallError> {
    let found = user::find(call, addresses).await?;
    let judge = |found: Option<user::Found>| match found {
        Some(Ok((Some(user), role))) if user.account == scope.account().id => {
            scope.covers(role.as_ref()).map_err(|why| wrong("emailAddress", &why))
        }
        _ => Ok(()),
    };
    Ok(found.into_iter().map(judge).collect())
}

pub(super) fn item_errors(all: &[(Field, ItemError)]) -> Vec<Error> {
    all.iter().map(|(field, why)| wrong(field_name(*field), why)).collect()
}

/// The row of a group. The parent of a group at the top is the account's root, a folder that is not a group.
pub(super) fn row(ids: &SecureIds<'_>, group: &Group) -> GroupRow {
    let parent = group.parent.as_ref().map_or(group.account.as_bytes(), GroupId::as_bytes);
    GroupRow {
        id: ids.seal(KIND, group.account, group.id.as_bytes()),
        description: group.description.as_str().to_owned(),
        source: CLOUD.to_owned(),
        parent_id: ids.seal(KIND, group.account, parent),
        user_count: group.users,
        folder_count: group.folders,
    }
}

/// The row of an added or removed member. Its id is that of the membership: another one in every group.
fn changed_member(ids: &SecureIds<'_>, account: AccountId, group: GroupId, member: &Member) -> MemberChanged {
    let mut membership = Sha256::new_with_prefix(group.as_bytes());
    membership.update(member.subject.key());
    let (email_address, domain) = match &member.subject {
        Subject::Address(address) => (Some(address.to_string()), None),
        Subject::Domain(domain) => (None, Some(domain.to_string())),
    };
    MemberChanged {
        id: ids.seal("membership", account, &membership.finalize()[..16]),
        folder_id: ids.seal(KIND, account, group.as_bytes()),
        email_address,
        domain,
        internal: member.domain.is_some(),
    }
}
