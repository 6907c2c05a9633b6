//! The endpoints that pages call, each with the types of its items and rows.

use std::marker::PhantomData;

use api::Endpoint;
use api::endpoints::directory::{
    add_group_member, create_group, delete_group, remove_group_member, update_group,
};
use api::endpoints::domain::{create_domain, delete_pending_domain, verify_domain};
use api::endpoints::role::{assign_role, create_role, delete_role};
use api::endpoints::user::{
    add_to_purge_list, create_user, delete_user, remove_alias, remove_from_purge_list, update_alias,
    update_user,
};
use wire::create_user::{Created, Item as NewUser};
use wire::domains::{
    CreateDomain, DeletePendingDomain, InternalDomain, PendingDomainGone, RegisteredDomain, VerifyDomain,
};
use wire::groups::{
    AddMember, CreateGroup, GroupGone, GroupRow, MemberChanged, NamesGroup, RemoveMember, UpdateGroup,
};
use wire::roles::{AssignRole, CreateRole, DeleteRole, RoleAssigned, RoleGone, RoleRow};
use wire::users::{Alias, AliasRow, Done, NamesUser, Purge, UpdateUser, UserState};

/// An endpoint with the types of its items and rows.
pub(crate) struct TypedEndpoint<Item, Row> {
    pub(crate) endpoint: &'static Endpoint,
    types: PhantomData<fn(Item) -> Row>,
}

macro_rules! endpoints {
    ($( $NAME:ident: $endpoint:path, $Item:ty => $Row:ty; )+) => {
        $(
            pub(crate) const $NAME: TypedEndpoint<$Item, $Row> =
                TypedEndpoint { endpoint: &$endpoint, types: PhantomData };
        )+

        /// The declared fields of each endpoint's items and rows.
        #[cfg(test)]
        const DECLARED: &[(&Endpoint, &[wire::item::FieldSpec], &[wire::item::FieldSpec])] = &[
            $( (&$endpoint, <$Item as wire::item::Item>::FIELDS, <$Row as wire::item::Row>::FIELDS), )+
        ];
    };
}

endpoints! {
    CREATE_USER: create_user::ENDPOINT, NewUser => Created;
    UPDATE_USER: update_user::ENDPOINT, UpdateUser => UserState;
    DELETE_USER: delete_user::ENDPOINT, NamesUser => Done;
    UPDATE_ALIAS: update_alias::ENDPOINT, Alias => AliasRow;
    REMOVE_ALIAS: remove_alias::ENDPOINT, Alias => AliasRow;
    ADD_TO_PURGE_LIST: add_to_purge_list::ENDPOINT, Purge => Done;
    REMOVE_FROM_PURGE_LIST: remove_from_purge_list::ENDPOINT, Purge => Done;

    CREATE_GROUP: create_group::ENDPOINT, CreateGroup => GroupRow;
    UPDATE_GROUP: update_group::ENDPOINT, UpdateGroup => GroupRow;
    DELETE_GROUP: delete_group::ENDPOINT, NamesGroup => GroupGone;
    ADD_GROUP_MEMBER: add_group_member::ENDPOINT, AddMember => MemberChanged;
    REMOVE_GROUP_MEMBER: remove_group_member::ENDPOINT, RemoveMember => MemberChanged;

    CREATE_DOMAIN: create_domain::ENDPOINT, CreateDomain => RegisteredDomain;
    VERIFY_DOMAIN: verify_domain::ENDPOINT, VerifyDomain => InternalDomain;
    DELETE_PENDING_DOMAIN: delete_pending_domain::ENDPOINT, DeletePendingDomain => PendingDomainGone;

    CREATE_ROLE: create_role::ENDPOINT, CreateRole => RoleRow;
    DELETE_ROLE: delete_role::ENDPOINT, DeleteRole => RoleGone;
    ASSIGN_ROLE: assign_role::ENDPOINT, AssignRole => RoleAssigned;
}

#[cfg(test)]
mod tests {
    use super::*;
    use api::endpoint::Takes;
    use wire::item::FieldSpec;

    #[test]
    fn items_and_rows_are_those_of_the_endpoint() {
        let names = |fields: &[FieldSpec]| fields.iter().map(|field| field.name).collect::<Vec<_>>();
        for (endpoint, item, row) in DECLARED {
            let (Takes::Items(takes) | Takes::One(takes)) = endpoint.takes else {
                panic!("{} takes no items", endpoint.path)
            };
            assert_eq!(names(takes), names(item), "{}", endpoint.path);
            assert_eq!(names(endpoint.row), names(row), "{}", endpoint.path);
        }
    }
}
