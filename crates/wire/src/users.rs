//! Bodies of `/api/user/…`, but for create-user's (spec/protocol.md 5).

use jiff::Timestamp;
use secrecy::SecretString;

use crate::item::{Entry, item, row};

item! {
    /// Of `/api/user/update-user`. An item with only the address is read.
    pub struct UpdateUser {
        /// Address of the user.
        email_address: required String = "emailAddress",
        /// New address, in an internal domain of the account. The user keeps its id, password, key pairs and groups.
        /// `[ours]`
        new_email_address: optional String = "newEmailAddress",
        /// With a new address: whether the old one stays as an alias; default: no. `[ours]`
        keep_alias: optional bool = "keepAlias",
        /// Display name.
        name: optional String = "name",
        /// Cloud password. Revokes all key pairs of the user.
        password: optional SecretString = "password",
        /// A password hash from another directory, instead of the password: see create-user. Revokes all key pairs of the
        /// user. `[ours]`
        password_hash: optional SecretString = "passwordHash",
        /// Whether the user is locked; `false` also ends a lockout.
        account_locked: optional bool = "accountLocked",
        /// Whether the user is disabled.
        account_disabled: optional bool = "accountDisabled",
        /// Whether the password must be changed at the next login.
        force_password_change: optional bool = "forcePasswordChange",
        /// Whether the password never expires.
        password_never_expires: optional bool = "passwordNeverExpires",
        /// Whether the user may send by SMTP. Stored for other systems.
        allow_smtp: optional bool = "allowSmtp",
        /// Whether the user may fetch by POP. Stored for other systems.
        allow_pop: optional bool = "allowPop",
        /// Start of mail archiving. Stored for other systems.
        archive_start_date: optional Timestamp = "archiveStartDate",
    }
    /// Of `/api/user/get-internal-users`.
    pub struct GetInternalUsers {
        /// Only users of this domain, default: all.
        domain: optional String = "domain",
    }
    /// A user, or an alias if the endpoint says so.
    pub struct NamesUser {
        /// Address of the user.
        email_address: required String = "emailAddress",
    }
    /// Of `/api/user/get-profile`.
    pub struct GetProfile {
        /// Address of the user, default: the caller.
        email_address: optional String = "emailAddress",
        /// Whether to return the picture.
        show_avatar: optional bool = "showAvatar",
    }
    /// Of `/api/user/update-attributes`.
    pub struct UpdateAttributes {
        /// Address of the user.
        email_address: required String = "emailAddress",
        /// Attributes to set.
        attributes: required Vec<Entry<SetAttribute>> = "attributes",
    }
    /// An attribute to set.
    pub struct SetAttribute {
        /// Secure id from get-attributes.
        id: required String = "id",
        /// Value; null or empty removes it.
        value: stated String = "value",
    }
    /// Of `/api/user/update-alias` and `/api/user/remove-alias`.
    pub struct Alias {
        /// The user's own address.
        alias_for: required String = "aliasFor",
        /// Additional address of the user.
        alias: required String = "alias",
    }
    /// Of `/api/user/add-delegate-user`.
    pub struct AddDelegate {
        /// Address of the user who gets the right.
        primary_address: required String = "primaryAddress",
        /// Address of the user whose mail may be read.
        delegate_address: required String = "delegateAddress",
    }
    /// Of `/api/user/find-delegate-users`.
    pub struct FindDelegates {
        /// Address of the user who has the right.
        primary_address: required String = "primaryAddress",
    }
    /// Of `/api/user/remove-delegate-user`.
    pub struct RemoveDelegate {
        /// Secure id of the delegation.
        id: required String = "id",
    }
    /// Of `/api/user/add-to-purge-list` and `/api/user/remove-from-purge-list`.
    pub struct Purge {
        /// Addresses of users, at most 1,000.
        email_addresses: required Vec<String> = "emailAddresses",
    }
}

row! {
    /// A user, as update-user shows it.
    pub struct UserState {
        /// Address.
        email_address: always String = "emailAddress",
        /// Display name.
        name: always String = "name",
        /// Whether the password must be changed at the next login.
        force_password_change: always bool = "forcePasswordChange",
        /// Whether the password never expires.
        password_never_expires: always bool = "passwordNeverExpires",
        /// Whether the user is locked, also after wrong passwords.
        account_locked: always bool = "accountLocked",
        /// Whether the user is disabled.
        account_disabled: always bool = "accountDisabled",
        /// Whether the user may send by SMTP.
        allow_smtp: always bool = "allowSmtp",
        /// Whether the user may fetch by POP.
        allow_pop: always bool = "allowPop",
        /// Start of mail archiving.
        archive_start_date: maybe String = "archiveStartDate",
    }
    /// A page of users: the one row of get-internal-users.
    pub struct InternalUsers {
        /// The users.
        users: always Vec<InternalUser> = "users",
        /// Users on all pages, with `postmaster@` and `abuse@` of each domain.
        user_count: always u64 = "userCount",
    }
    /// A user in a list, its keys in the order that is recorded of the service (spec/clients.md 4.6).
    pub struct InternalUser {
        /// Display name.
        name: always String = "name",
        /// Address.
        email_address: always String = "emailAddress",
        /// Its domain.
        domain: always String = "domain",
        /// Whether it is an alias.
        alias: always bool = "alias",
        /// Origin of the address: `created_manually`.
        address_type: always String = "addressType",
        /// Source of the user: `cloud`.
        source: always String = "source",
    }
    /// A profile.
    pub struct Profile {
        /// Display name.
        name: always String = "name",
        /// Address.
        email_address: always String = "emailAddress",
        /// The address again, not a secure id.
        id: always String = "id",
        /// The account.
        account_code: always String = "accountCode",
        /// Name of the role, for administrators.
        role: maybe String = "role",
        /// Whether the user is an administrator.
        admin: always bool = "admin",
        /// Always false.
        external: always bool = "external",
        /// Whether the caller may change the user.
        editable: always bool = "editable",
        /// Whether a cloud password is set.
        local_password: always bool = "localPassword",
        /// Whether the password must be changed at the next login.
        change_password: always bool = "changePassword",
        /// Name of the account.
        company_name: always String = "companyName",
        /// `UTC`.
        server_time_zone: always String = "serverTimeZone",
        /// Attributes.
        attributes: always ProfileAttributes = "attributes",
        /// Always empty.
        links: always Vec<String> = "links",
        /// The picture in base64, if requested and present.
        avatar: maybe String = "avatar",
    }
    /// Attributes in a profile.
    pub struct ProfileAttributes {
        /// Telephone number.
        phone_number: maybe String = "phoneNumber",
    }
    /// The attributes of a user: the one row of get-attributes.
    pub struct Attributes {
        /// All attributes, with or without a value.
        attributes: always Vec<AttributeValue> = "attributes",
    }
    /// An attribute.
    pub struct AttributeValue {
        /// Its secure id.
        id: always String = "id",
        /// Its name.
        name: always String = "name",
        /// Value; empty if not set.
        value: always String = "value",
    }
    /// An alias.
    pub struct AliasRow {
        /// Its domain.
        domain: always String = "domain",
        /// Always true.
        is_internal: always bool = "isInternal",
        /// The alias.
        alias: always String = "alias",
        /// The user's display name.
        alias_display_name: always String = "aliasDisplayName",
        /// The user's own address.
        alias_for: always String = "aliasFor",
        /// Origin of the address.
        kind: always String = "type",
    }
    /// The aliases of a user: the one row of get-aliases.
    pub struct Aliases {
        /// The user's own address.
        email_address: always String = "emailAddress",
        /// The aliases.
        aliases: always Vec<AliasRow> = "aliases",
    }
    /// A delegation that was granted or revoked.
    pub struct DelegateDone {
        /// Its secure id.
        id: always String = "id",
        /// Always true.
        success: always bool = "success",
    }
    /// The users whose mail a user may read: the one row of find-delegate-users.
    pub struct DelegateUsers {
        /// The users.
        delegate_users: always Vec<DelegateUser> = "delegateUsers",
    }
    /// A user whose mail may be read.
    pub struct DelegateUser {
        /// Secure id of the delegation.
        id: always String = "id",
        /// Address.
        email_address: always String = "emailAddress",
        /// Display name.
        name: always String = "name",
        /// Source of the user.
        source: always String = "source",
    }
    /// An address that was changed.
    pub struct Done {
        /// The address.
        email_address: always String = "emailAddress",
    }
}
