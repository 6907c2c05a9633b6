//! The schema of groups (RFC 7643, 4.2).

use super::{Attribute, ResourceType, Schema};

/// Most members of a group. `[ours]`
const MAX_MEMBERS: usize = 100_000;

/// Groups.
pub static GROUP: ResourceType = ResourceType {
    name: "Group",
    description: "Group",
    endpoint: "/Groups",
    schema: &GROUP_SCHEMA,
    extensions: &[],
};

/// The core schema of groups.
pub static GROUP_SCHEMA: Schema = Schema {
    id: "urn:ietf:params:scim:schemas:core:2.0:Group",
    name: "Group",
    description: "Group",
    attributes: &[
        Attribute::text("displayName", "Name of the group.").needed(),
        Attribute {
            max_elements: MAX_MEMBERS,
            ..Attribute::list("members", MEMBER, "Members of the group.")
        },
    ],
};

const MEMBER: &[Attribute] = &[
    Attribute::text("value", "Id of the member.").exact().needed().immutable(),
    Attribute::reference("$ref", &["User", "Group"], "URI of the member.").immutable(),
    Attribute::text("type", "Resource type of the member.").canonical(&["User", "Group"]).immutable(),
    Attribute::text("display", "Name of the member.").read_only(),
];
