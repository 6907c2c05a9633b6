//! Bodies of `/api/directory/…` (spec/protocol.md 5). A group is also called a folder.

use crate::item::{item, row};

item! {
    /// Of `/api/directory/find-groups`.
    pub struct FindGroups {
        /// Only groups whose name contains this, ignoring case; default: all.
        query: optional String = "query",
        /// Only groups of this source: `cloud` or `ldap`.
        source: optional String = "source",
    }
    /// Of `/api/directory/create-group`.
    pub struct CreateGroup {
        /// Name: at most 256 characters, unique among groups with the same parent, ignoring case.
        description: required String = "description",
        /// Secure id of the parent; empty, or that of the account's root: top level.
        parent_id: optional String = "parentId",
    }
    /// Of `/api/directory/update-group`. An item with only the id is read.
    pub struct UpdateGroup {
        /// Secure id of the group.
        id: required String = "id",
        /// New name.
        description: optional String = "description",
        /// Secure id of the new parent; empty, or that of the account's root: top level.
        parent_id: optional String = "parentId",
    }
    /// A group.
    pub struct NamesGroup {
        /// Secure id of the group.
        id: required String = "id",
    }
    /// Of `/api/directory/add-group-member`: one of `emailAddress` and `domain`.
    pub struct AddMember {
        /// Secure id of the group.
        id: required String = "id",
        /// Address of a user or an external address.
        email_address: optional String = "emailAddress",
        /// All addresses of this domain.
        domain: optional String = "domain",
        /// Notes: at most 1,024 characters.
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
    /// A page of groups: the one row of find-groups. Its keys are in the order recorded from the service.
    pub struct Groups {
        /// The requested source.
        source: maybe String = "source",
        /// The requested query.
        query: maybe String = "query",
        /// The groups, in order of creation.
        folders: always Vec<GroupRow> = "folders",
    }
    /// A group.
    pub struct GroupRow {
        /// Secure id of the group.
        id: always String = "id",
        /// Name.
        description: always String = "description",
        /// Source of the group: `cloud`.
        source: always String = "source",
        /// Secure id of the parent, or of the account's root.
        parent_id: always String = "parentId",
        /// Number of members, addresses and domains.
        user_count: always u64 = "userCount",
        /// Number of subgroups.
        folder_count: always u64 = "folderCount",
    }
    /// A deleted group.
    pub struct GroupGone {
        /// Secure id of the group.
        id: always String = "id",
    }
    /// An added or removed member.
    pub struct MemberChanged {
        /// Secure id of the membership.
        id: always String = "id",
        /// Secure id of the group.
        folder_id: always String = "folderId",
        /// The address; absent if the member is a domain.
        email_address: maybe String = "emailAddress",
        /// The domain; absent if the member is an address.
        domain: maybe String = "domain",
        /// Whether the domain is internal to the account.
        internal: always bool = "internal",
    }
    /// A page of members: the one row of get-group-members.
    pub struct GroupMembers {
        /// The members, sorted by domain and address.
        group_members: always Vec<MemberRow> = "groupMembers",
    }
    /// A member of a group.
    pub struct MemberRow {
        /// The address; empty if the member is a domain.
        email_address: always String = "emailAddress",
        /// The domain, or the domain of the address.
        domain: always String = "domain",
        /// Whether the domain is internal to the account.
        internal: always bool = "internal",
        /// Origin of the membership: `created_manually`.
        member_type: always String = "type",
        /// Display name, if the member is a user of the account and has one.
        name: maybe String = "name",
        /// Notes.
        notes: maybe String = "notes",
    }
}
