//! Bodies and queries of endpoints in the style of API 2.0 (spec/protocol.md 8): no envelope, and HTTP statuses. Fields
//! beyond the known names are `[ours]`.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::Error;
use crate::domains::{InternalDomain, RegisteredDomain};
use crate::envelope::Pagination;
use crate::groups::GroupRow;
use crate::item::{Entry, Item, Kind, item, row};

/// Default and largest number of rows on a page (spec/protocol.md 8).
pub const MAX_PAGE: usize = 100;

/// The requested number of rows on a page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PageSize(pub usize);

impl Kind for PageSize {
    const EXPECTED: &'static str = "a number from 1 to 100";

    fn read(value: Value) -> Option<Self> {
        let size = usize::try_from(value.as_u64()?).ok()?;
        (1..=MAX_PAGE).contains(&size).then_some(Self(size))
    }

    fn send<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(self.0 as u64)
    }

    fn schema() -> Value {
        json!({ "type": "integer", "minimum": 1, "maximum": MAX_PAGE })
    }
}

item! {
    /// The query of a list.
    pub struct PageQuery {
        /// Rows per page, default: 100.
        page_size: optional PageSize = "pageSize",
        /// `next` of an earlier response, default: the first page.
        page_token: optional String = "pageToken",
    }
    /// Of `POST …/groups/{id}/members` and `…/remove-members`. Clients send the list under either name.
    pub struct ChangeMembers {
        /// The members: at most 1,000.
        group_members: optional Vec<Entry<NamesMember>> = "groupMembers",
        /// The same.
        data: optional Vec<Entry<NamesMember>> = "data",
    }
    /// A member: one of `emailAddress` and `domain`.
    pub struct NamesMember {
        /// Address of a user or an external address.
        email_address: optional String = "emailAddress",
        /// All addresses of this domain.
        domain: optional String = "domain",
        /// Notes of a new member: at most 1,024 characters.
        note: optional String = "note",
    }
    /// The query of an endpoint that takes none.
    pub struct NoQuery {}
    /// An emergency contact. It replaces the present one as a whole.
    pub struct SetEmergencyContact {
        /// The account code; if it is sent, it must be the caller's own.
        account_code: optional String = "accountCode",
        /// Name.
        contact_name: required String = "contactName",
        /// Address.
        contact_email_address: required String = "contactEmailAddress",
        /// Mobile number, at most 64 characters.
        mobile_phone: optional String = "mobilePhone",
        /// Telephone number, at most 64 characters.
        telephone: optional String = "telephone",
        /// Further addresses, at most 20.
        alternate_email_addresses: optional Vec<String> = "alternateEmailAddresses",
    }
}

row! {
    /// A refusal.
    pub struct Errors {
        /// The errors; never empty.
        errors: always Vec<RestError> = "errors",
    }
    /// An error.
    pub struct RestError {
        /// Machine-readable code.
        code: always String = "code",
        /// Human-readable text.
        message: always String = "message",
        /// The wrong field or parameter.
        field: maybe String = "field",
    }
    /// Metadata of a list.
    pub struct PageMeta {
        /// Position of this page.
        pagination: always Pagination = "pagination",
    }
    /// A page of users.
    pub struct Users {
        /// Users and aliases.
        users: always Vec<User> = "users",
        /// The next page.
        meta: always PageMeta = "meta",
    }
    /// A user or an alias.
    pub struct User {
        /// Secure id: opaque, URL-safe, stable; the same as create-user's.
        id: always String = "id",
        /// Address.
        email_address: always String = "emailAddress",
        /// Display name; empty if not set.
        name: always String = "name",
        /// Its domain.
        domain: always String = "domain",
        /// Origin of the address: `created_manually`.
        kind: always String = "type",
        /// Always true.
        internal: always bool = "internal",
        /// Whether the user is disabled.
        disabled: always bool = "disabled",
        /// Creation time, in RFC 3339.
        created_date_time: always String = "createdDateTime",
        /// Time of the last change, else of creation, in RFC 3339.
        updated_date_time: always String = "updatedDateTime",
        /// The same as `type`.
        address_type: always String = "addressType",
        /// Whether it is an alias.
        is_alias: always bool = "isAlias",
    }
    /// A page of groups.
    pub struct Groups {
        /// The groups, in order of creation.
        groups: always Vec<GroupRow> = "groups",
        /// The next page.
        meta: always PageMeta = "meta",
    }
    /// A created object.
    pub struct Created {
        /// Its secure id.
        id: always String = "id",
    }
    /// A page of members.
    pub struct GroupMembers {
        /// The members, sorted by domain and address.
        group_members: always Vec<Member> = "groupMembers",
        /// The next page.
        meta: always PageMeta = "meta",
    }
    /// A member of a group.
    pub struct Member {
        /// The address; absent if the member is a domain.
        email_address: maybe String = "emailAddress",
        /// The domain, or the domain of the address.
        domain: always String = "domain",
        /// Display name, if the member is a user of the account and has one.
        name: maybe String = "name",
        /// Whether the domain is internal to the account.
        internal: always bool = "internal",
        /// Origin of the membership: `created_manually`.
        kind: always String = "type",
        /// Notes.
        note: maybe String = "note",
    }
    /// What became of the members of a request.
    pub struct ChangedMembers {
        /// One result for each member, in the order of the request.
        results: always Vec<ChangedMember> = "results",
    }
    /// What became of a member.
    pub struct ChangedMember {
        /// The address, as sent.
        email_address: maybe String = "emailAddress",
        /// The domain, as sent.
        domain: maybe String = "domain",
        /// Whether it was added or removed.
        success: always bool = "success",
        /// Why it was not.
        errors: maybe Vec<RestError> = "errors",
    }
    /// A page of internal domains.
    pub struct InternalDomains {
        /// The domains, sorted by name.
        domains: always Vec<InternalDomain> = "domains",
        /// The next page.
        meta: always PageMeta = "meta",
    }
    /// A page of pending and expired domains.
    pub struct PendingDomains {
        /// The domains, sorted by name.
        domains: always Vec<RegisteredDomain> = "domains",
        /// The next page.
        meta: always PageMeta = "meta",
    }
    /// A page of external domains.
    pub struct ExternalDomains {
        /// The domains, sorted by name.
        domains: always Vec<ExternalDomain> = "domains",
        /// The next page.
        meta: always PageMeta = "meta",
    }
    /// The domain of members of groups that is not internal.
    pub struct ExternalDomain {
        /// Secure id of the domain.
        id: always String = "id",
        /// Its name.
        domain: always String = "domain",
    }
    /// A page of roles.
    pub struct Roles {
        /// Built-in roles and the account's own.
        roles: always Vec<Role> = "roles",
        /// The next page.
        meta: always PageMeta = "meta",
    }
    /// A role.
    pub struct Role {
        /// Secure id: opaque, URL-safe, stable.
        id: always String = "id",
        /// Its name.
        role_name: always String = "roleName",
    }
    /// The emergency contact of an account. Without one, only the account code.
    pub struct EmergencyContact {
        /// The account code.
        account_code: always String = "accountCode",
        /// Name.
        contact_name: maybe String = "contactName",
        /// Address.
        contact_email_address: maybe String = "contactEmailAddress",
        /// Mobile number.
        mobile_phone: maybe String = "mobilePhone",
        /// Telephone number.
        telephone: maybe String = "telephone",
        /// Further addresses.
        alternate_email_addresses: maybe Vec<String> = "alternateEmailAddresses",
    }
    /// The caller.
    pub struct WhoAmI {
        /// Version of this response: `1`.
        version: always String = "version",
        /// `application` for a token, `user` for a key pair.
        kind: always String = "type",
        /// Account in which the caller acts.
        account_codes: always AccountCodes = "account-codes",
        /// Account in which the caller is registered: the same.
        home_account: always AccountCodes = "home-account",
        /// Id of the application, or address of the user.
        id: always String = "id",
        /// Name of the application.
        application: always String = "application",
        /// Name of the caller's role.
        role: maybe String = "role",
        /// Permissions of the role.
        permissions: always Vec<String> = "permissions",
        /// Products of the application; all, for a key pair.
        products: always Vec<String> = "products",
    }
    /// Codes of one account.
    pub struct AccountCodes {
        /// Its code.
        cg: always String = "cg",
    }
}

impl From<Error> for RestError {
    fn from(Error { code, message, field, .. }: Error) -> Self {
        Self { code, message, field }
    }
}

/// Reads a query as an item: each parameter is a field, and one without a value counts as missing.
pub fn query<I: Item>(query: &str) -> Entry<I> {
    let mut fields = Map::new();
    for (name, value) in form_urlencoded::parse(query.as_bytes()).filter(|(_, value)| !value.is_empty()) {
        let number =
            I::FIELDS.iter().any(|field| field.name == name && (field.schema)()["type"] == "integer");
        let value = match value.parse::<u64>() {
            Ok(digits) if number => digits.into(),
            _ => Value::String(value.into_owned()),
        };
        fields.insert(name.into_owned(), value);
    }
    Entry::read(Value::Object(fields))
}

/// Formats a time for endpoints in the style of API 2.0. `[ours]`
pub fn time(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("", None, None)]
    #[case("pageSize=&pageToken=", None, None)]
    #[case("pageSize=1&pageToken=007", Some(1), Some("007"))]
    #[case("page%53ize=100&other=%ff&pageToken=a%2Bb", Some(100), Some("a+b"))]
    fn a_query_is_an_item(#[case] text: &str, #[case] size: Option<usize>, #[case] token: Option<&str>) {
        let read = query::<PageQuery>(text).item.ok().unwrap();
        assert_eq!(read.page_size.map(|size| size.0), size);
        assert_eq!(read.page_token.as_deref(), token);
    }

    #[rstest]
    #[case("0", "Expected a number from 1 to 100, found another number")]
    #[case("101", "Expected a number from 1 to 100, found another number")]
    #[case("-1", "Expected a number from 1 to 100, found text")]
    #[case("ten", "Expected a number from 1 to 100, found text")]
    fn a_page_size_that_is_none_says_so(#[case] size: &str, #[case] message: &str) {
        let errors = query::<PageQuery>(&format!("pageSize={size}")).item.err().unwrap();
        assert_eq!((errors[0].field.as_deref(), errors[0].message.as_str()), (Some("pageSize"), message));
    }

    #[test]
    fn a_list_of_something_else_says_so() {
        for members in [json!([null]), json!([1])] {
            let entry: Entry<ChangeMembers> = Entry::read(json!({ "groupMembers": members }));
            let errors = entry.item.err().unwrap();
            assert_eq!(errors[0].message, "Expected a list of objects, found a list of something else");
        }
    }

    #[test]
    fn times_are_those_of_rfc_3339() {
        assert_eq!(time(Timestamp::constant(1_795_521_600, 999_000_000)), "2026-11-24T12:00:00Z");
    }
}
