//! One method per endpoint, declared once for both clients: path, whether it only reads, its item and its row.

use wire::Answer;
use wire::account::{
    AccountRow, CreateAccount, Nothing, PackageRow, ProvisionedAccount, SupportInfo, UpdateAccount,
};
use wire::audit::{AuditCategories, AuditEvent, GetAuditEvents};
use wire::create_user::{Checked, Created, Item as NewUser};
use wire::domains::{
    CreateDomain, DeletePendingDomain, GetInternalDomain, InternalDomain, NamesDomain, PendingDomainGone,
    ProvisionStatus, RegisteredDomain, VerificationCode, VerifyDomain,
};
use wire::groups::{
    AddMember, CreateGroup, FindGroups, GroupGone, GroupMembers, GroupRow, Groups, MemberChanged, NamesGroup,
    RemoveMember, UpdateGroup,
};
use wire::import_users::{ImportStatus, NamesImport};
use wire::login::{LogOut, LoggedOut};
use wire::roles::{AssignRole, CreateRole, DeleteRole, GetRoles, RoleAssigned, RoleGone, RoleRow};
use wire::stub::{Connection, DashboardNotifications, GetManagedUrls, ManagedUrl, SyncStarted};
use wire::users::{
    AddDelegate, Alias, AliasRow, Aliases, Attributes, DelegateDone, DelegateUsers, Done, FindDelegates,
    GetInternalUsers, GetProfile, InternalUsers, NamesUser, Profile, Purge, RemoveDelegate, UpdateAttributes,
    UpdateUser, UserState,
};

use crate::blocking;
use crate::call::Client;
use crate::envelope::{Page, body_of};
use crate::error::CallError;

/// An endpoint.
pub struct Endpoint {
    /// The path, as it is signed.
    pub path: &'static str,
    /// Whether it changes nothing, so that a call can always be retried.
    pub reads: bool,
}

macro_rules! endpoints {
    (@reads reads) => { true };
    (@reads writes) => { false };
    (
        items { $( $(#[doc = $doc:literal])+ $name:ident: $reads:ident $path:literal, $Item:ty => $Row:ty; )+ }
        pages { $( $(#[doc = $page_doc:literal])+ $page_name:ident: $page_path:literal, $PageItem:ty => $PageRow:ty; )+ }
    ) => {
        /// All endpoints.
        pub const ENDPOINTS: &[Endpoint] = &[
            $( Endpoint { path: $path, reads: endpoints!(@reads $reads) }, )+
            $( Endpoint { path: $page_path, reads: true }, )+
        ];

        impl Client {
            $(
                $(#[doc = $doc])+
                ///
                /// # Errors
                /// When there is no answer, or the call as a whole was refused.
                pub async fn $name(&self, items: &[$Item]) -> Result<Answer<$Row>, CallError> {
                    self.call($path, endpoints!(@reads $reads), items).await
                }
            )+
            $(
                $(#[doc = $page_doc])+
                ///
                /// One page: `pagination.next` of the answer is the token of the next one.
                ///
                /// # Errors
                /// When there is no answer, or the call as a whole was refused.
                pub async fn $page_name(&self, item: $PageItem, page: &Page) -> Result<Answer<$PageRow>, CallError> {
                    let body = body_of(&[item], Some(page))?;
                    self.call_as(&crate::random_request_id(), $page_path, true, body).await
                }
            )+
        }

        impl blocking::Client {
            $(
                $(#[doc = $doc])+
                ///
                /// # Errors
                /// When there is no answer, or the call as a whole was refused.
                pub fn $name(&self, items: &[$Item]) -> Result<Answer<$Row>, CallError> {
                    self.wait(self.client().$name(items))
                }
            )+
            $(
                $(#[doc = $page_doc])+
                ///
                /// One page: `pagination.next` of the answer is the token of the next one.
                ///
                /// # Errors
                /// When there is no answer, or the call as a whole was refused.
                pub fn $page_name(&self, item: $PageItem, page: &Page) -> Result<Answer<$PageRow>, CallError> {
                    self.wait(self.client().$page_name(item, page))
                }
            )+
        }
    };
}

endpoints! {
    items {
        /// The caller's account.
        account: reads "/api/account/get-account", Nothing => AccountRow;
        /// Support contacts.
        support_info: reads "/api/account/get-support-info", Nothing => SupportInfo;
        /// Creates accounts below the caller's: for partners.
        create_accounts: writes "/api/account/create-account", CreateAccount => ProvisionedAccount;
        /// Changes accounts below the caller's: for partners.
        update_accounts: writes "/api/account/update-account", UpdateAccount => ProvisionedAccount;
        /// The packages of the account.
        packages: reads "/api/provisioning/get-packages", Nothing => PackageRow;
        /// Notices to administrators; Matricula has none.
        dashboard_notifications: reads "/api/account/get-dashboard-notifications", Nothing => DashboardNotifications;
        /// The categories of audit events.
        audit_categories: reads "/api/audit/get-categories", Nothing => AuditCategories;

        /// Creates users: `data` of the answer has the created ones, `fail` the refused ones.
        create_users: writes "/api/user/create-user", NewUser => Created;
        /// Checks whether these users could be created, and creates none. `[ours]`
        check_users: reads "/api/user/check-user", NewUser => Checked;
        /// Changes users. An item with only the address reads the user.
        update_users: writes "/api/user/update-user", UpdateUser => UserState;
        /// Deletes users. `[ours]`
        delete_users: writes "/api/user/delete-user", NamesUser => Done;
        /// The profile of a user.
        profile: reads "/api/user/get-profile", GetProfile => Profile;
        /// The attributes of users.
        attributes: reads "/api/user/get-attributes", NamesUser => Attributes;
        /// Sets attributes.
        update_attributes: writes "/api/user/update-attributes", UpdateAttributes => Done;
        /// Aliases of users.
        aliases: reads "/api/user/get-aliases", NamesUser => Aliases;
        /// Adds aliases to users.
        update_aliases: writes "/api/user/update-alias", Alias => AliasRow;
        /// Removes aliases.
        remove_aliases: writes "/api/user/remove-alias", Alias => AliasRow;
        /// Lets users read the mail of others.
        add_delegate_users: writes "/api/user/add-delegate-user", AddDelegate => DelegateDone;
        /// The users whose mail a user may read.
        delegate_users: reads "/api/user/find-delegate-users", FindDelegates => DelegateUsers;
        /// Removes that right.
        remove_delegate_users: writes "/api/user/remove-delegate-user", RemoveDelegate => DelegateDone;
        /// Puts users on the purge list.
        add_to_purge_list: writes "/api/user/add-to-purge-list", Purge => Done;
        /// Takes users off the purge list.
        remove_from_purge_list: writes "/api/user/remove-from-purge-list", Purge => Done;

        /// The state of imports.
        import_status: reads "/api/user/get-import-status", NamesImport => ImportStatus;

        /// Creates groups.
        create_groups: writes "/api/directory/create-group", CreateGroup => GroupRow;
        /// Changes groups.
        update_groups: writes "/api/directory/update-group", UpdateGroup => GroupRow;
        /// Deletes groups.
        delete_groups: writes "/api/directory/delete-group", NamesGroup => GroupGone;
        /// Adds addresses or domains to groups.
        add_group_members: writes "/api/directory/add-group-member", AddMember => MemberChanged;
        /// Removes addresses or domains from groups.
        remove_group_members: writes "/api/directory/remove-group-member", RemoveMember => MemberChanged;

        /// Connections to other directories; Matricula has none.
        directory_connections: reads "/api/directory/get-connection", Nothing => Connection;
        /// Starts to synchronise with other directories; in Matricula nothing starts.
        execute_sync: reads "/api/directory/execute-sync", Nothing => SyncStarted;

        /// Registers domains, which must then be verified.
        create_domains: writes "/api/domain/create-domain", CreateDomain => RegisteredDomain;
        /// The required value of a domain's TXT record.
        verification_codes: reads "/api/domain/get-verification-code", NamesDomain => VerificationCode;
        /// Verifies the TXT record, and makes the domain internal.
        verify_domains: writes "/api/domain/verify-domain", VerifyDomain => InternalDomain;
        /// The status of domains.
        provision_status: reads "/api/domain/get-provision-status", NamesDomain => ProvisionStatus;
        /// Drops pending domains.
        delete_pending_domains: writes "/api/domain/delete-pending-domain", DeletePendingDomain => PendingDomainGone;

        /// Roles of the account. `[ours]`
        roles: reads "/api/role/get-roles", GetRoles => RoleRow;
        /// Creates roles. `[ours]`
        create_roles: writes "/api/role/create-role", CreateRole => RoleRow;
        /// Deletes roles. `[ours]`
        delete_roles: writes "/api/role/delete-role", DeleteRole => RoleGone;
        /// Assigns roles to users, or removes them. `[ours]`
        assign_roles: writes "/api/role/assign-role", AssignRole => RoleAssigned;

        /// Revokes a key pair: the signing one, if the item names none.
        log_out: writes "/api/login/logout", LogOut => LoggedOut;
    }
    pages {
        /// Users and aliases, sorted by address.
        internal_users: "/api/user/get-internal-users", GetInternalUsers => InternalUsers;
        /// Groups.
        groups: "/api/directory/find-groups", FindGroups => Groups;
        /// The members of a group.
        group_members: "/api/directory/get-group-members", NamesGroup => GroupMembers;
        /// Internal domains.
        internal_domains: "/api/domain/get-internal-domain", GetInternalDomain => InternalDomain;
        /// Pending domains.
        pending_domains: "/api/domain/get-pending-domain", Nothing => RegisteredDomain;
        /// Managed URLs; Matricula has none.
        managed_urls: "/api/ttp/url/get-all-managed-urls", GetManagedUrls => ManagedUrl;
        /// Audit events.
        audit_events: "/api/audit/get-audit-events", GetAuditEvents => AuditEvent;
    }
}
