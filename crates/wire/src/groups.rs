//! Bodies of `/api/directory/…` (spec/protocol.md 5). A group is also called a folder.

use crate::item::{item, row};

item! {
    /// Of `/api/directory/find-groups`.
    pub struct FindGroups {
        /// Only groups whose description holds this, compared without case; all, when left out.
        query: optional String = "query",
        /// Only groups that are mastered there: `cloud` or `ldap`.
        source: optional String = "source",
    }
    /// Of `/api/directory/create-group`.
    pub struct CreateGroup {
        /// What it is called: at most 256 characters. No other group beside it is called the same, whatever the case.
        description: required String = "description",
        /// Secure id of the group it lies in; left out or empty: it lies at the top.
        parent_id: optional String = "parentId",
    }
    /// Of `/api/directory/update-group`. One with nothing but the id changes nothing, and reads.
    pub struct UpdateGroup {
        /// Secure id of the group.
        id: required String = "id",
        /// What it is called from now on.
        description: optional String = "description",
        /// Secure id of the group it lies in from now on; empty: it lies at the top.
        parent_id: optional String = "parentId",
    }
    /// An item that names a group.
    pub struct NamesGroup {
        /// Its secure id.
        id: required String = "id",
    }
    /// Of `/api/directory/add-group-member`: one of `emailAddress` and `domain`.
    pub struct AddMember {
        /// Secure id of the group.
        id: required String = "id",
        /// An address, of a user or from outside.
        email_address: optional String = "emailAddress",
        /// All addresses of this domain.
        domain: optional String = "domain",
        /// For people: at most 1,024 characters.
        notes: optional String = "notes",
    }
    /// Of `/api/directory/remove-group-member`: one of `emailAddress` and `domain`.
    pub struct RemoveMember {
        /// Secure id of the group.
        id: required String = "id",
        /// The address.
        email_address: optional String = "emailAddress",
        /// The domain.
        domain: optional String = "domain",
    }
}

row! {
    /// A page of groups: the one row of find-groups. Its keys stand in the order that is recorded of the service.
    pub struct Groups {
        /// The source that was asked for.
        source: maybe String = "source",
        /// The query that was asked for.
        query: maybe String = "query",
        /// The groups, in the order in which they were made.
        folders: always Vec<GroupRow> = "folders",
    }
    /// A group.
    pub struct GroupRow {
        /// Its secure id.
        id: always String = "id",
        /// What it is called.
        description: always String = "description",
        /// Where it is mastered: `cloud`.
        source: always String = "source",
        /// Secure id of the group it lies in; left out at the top.
        parent_id: maybe String = "parentId",
        /// How many members it has, addresses and domains.
        user_count: always u64 = "userCount",
        /// How many groups lie directly in it.
        folder_count: always u64 = "folderCount",
    }
    /// A group that is gone.
    pub struct GroupGone {
        /// Its secure id.
        id: always String = "id",
    }
    /// A member that came or went.
    pub struct MemberChanged {
        /// Secure id of the user or the domain; of the address or the domain itself when the account has none.
        id: always String = "id",
        /// Secure id of the group.
        folder_id: always String = "folderId",
        /// The address; left out when the member is a domain.
        email_address: maybe String = "emailAddress",
        /// The domain; left out when the member is an address.
        domain: maybe String = "domain",
        /// Whether the domain is an internal one of the account.
        internal: always bool = "internal",
    }
    /// A page of members: the one row of get-group-members.
    pub struct GroupMembers {
        /// The members, sorted by domain and address.
        group_members: always Vec<MemberRow> = "groupMembers",
    }
    /// A member of a group.
    pub struct MemberRow {
        /// The address; empty when the member is a domain.
        email_address: always String = "emailAddress",
        /// The domain, or that of the address.
        domain: always String = "domain",
        /// Whether the domain is an internal one of the account.
        internal: always bool = "internal",
        /// How it came to be a member: `created_manually`.
        member_type: always String = "type",
        /// Display name, when the member is a user of the account and has one.
        name: maybe String = "name",
        /// Notes.
        notes: maybe String = "notes",
    }
}
