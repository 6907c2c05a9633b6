//! Audit events: actor, action, target and time. The store chains them by hash.

use jiff::Timestamp;

use crate::{AccountId, UserId};

/// The actor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Actor {
    /// A user, through a signed request.
    User {
        /// Its id.
        id: UserId,
        /// Its address at the time.
        address: String,
    },
    /// An application of API 2.0.
    Client {
        /// Its name in the audit.
        name: String,
    },
    /// An unknown caller, as at login.
    Anonymous,
    /// The program itself, when something is due.
    Automatic,
    /// The operator, who runs commands on the machine.
    Operator,
}

impl Actor {
    /// Its name in the audit: an address, a name, or `operator`.
    pub fn name(&self) -> &str {
        match self {
            Actor::User { address, .. } => address,
            Actor::Client { name } => name,
            Actor::Anonymous => "anonymous",
            Actor::Automatic => "matricula",
            Actor::Operator => "operator",
        }
    }
}

/// Declares the actions, each with the name that is stored.
macro_rules! actions {
    ($($action:ident = $name:literal,)*) => {
        /// What an event records.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Action {
            $(#[doc = concat!("`", $name, "`")] $action,)*
        }

        impl Action {
            /// Every action.
            pub const ALL: &'static [Action] = &[$(Action::$action),*];

            /// Its name in the audit.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Action::$action => $name,)*
                }
            }
        }
    };
}

actions! {
    AccountAdded = "account.added",
    AccountDisabled = "account.disabled",
    PasswordPolicySet = "account.password_policy_set",
    AccountSettingsSet = "account.settings_set",
    LdapBaseSet = "account.ldap_base_set",
    ImportStarted = "import.started",
    AccountProfileSet = "account.authentication_profile_set",
    DomainAdded = "domain.added",
    DomainRemoved = "domain.removed",
    DomainRegistered = "domain.registered",
    DomainVerified = "domain.verified",
    RegistrationDropped = "domain.registration_dropped",
    RoleAdded = "role.added",
    RoleRemoved = "role.removed",
    UserCreated = "user.created",
    AliasAdded = "alias.added",
    UserUpdated = "user.updated",
    UserRenamed = "user.renamed",
    UserDetailsSet = "user.details_set",
    UserExternalIdSet = "user.external_id_set",
    UserNameSet = "user.user_name_set",
    UserDisabled = "user.disabled",
    UserEnabled = "user.enabled",
    UserPasswordSet = "user.password_set",
    UserRemoved = "user.removed",
    PurgePlanned = "user.purge_planned",
    PurgeCalledOff = "user.purge_called_off",
    RoleSet = "user.role_set",
    ProfileSet = "user.authentication_profile_set",
    AttributesSet = "user.attributes_set",
    LoggedIn = "user.logged_in",
    SignedOut = "user.signed_out",
    PasswordChanged = "user.password_changed",
    PasswordRefused = "user.password_refused",
    LoginRefused = "login.refused",
    DelegateAdded = "delegate.added",
    DelegateRemoved = "delegate.removed",
    GroupAdded = "group.added",
    GroupUpdated = "group.updated",
    GroupRemoved = "group.removed",
    GroupExternalIdSet = "group.external_id_set",
    MemberAdded = "group.member_added",
    MemberRemoved = "group.member_removed",
    ProfileAdded = "authentication_profile.added",
    ApplicationAdded = "application.added",
    ApplicationDisabled = "application.disabled",
    ClientAdded = "client.added",
    ClientDisabled = "client.disabled",
    ScimSettingsSet = "client.scim_settings_set",
    TokenAdded = "client.token_added",
    TokenRevoked = "client.token_revoked",
    BindingAdded = "binding.added",
    BindingRevoked = "binding.revoked",
    BindingExpirySet = "binding.expiry_set",
}

impl Action {
    /// The action with a name; `None` for one of a newer version.
    pub fn by_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|action| action.as_str() == name)
    }

    /// Whether it may add words to the user search: a user was created or renamed.
    pub fn may_name(self) -> bool {
        matches!(
            self,
            Action::UserCreated
                | Action::AliasAdded
                | Action::UserUpdated
                | Action::UserRenamed
                | Action::UserDisabled
                | Action::UserEnabled
                | Action::UserPasswordSet
        )
    }
}

/// One event, as it is read back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// The chain that contains it.
    pub chain: i64,
    /// Its number in the chain, from 1.
    pub seq: i64,
    /// When.
    pub at: Timestamp,
    /// The account of the event, if it has one.
    pub account: Option<AccountId>,
    /// The actor: an address, or `operator`.
    pub actor: String,
    /// The action: `user.created` and so on.
    pub action: String,
    /// The target: an address, a domain, an access key.
    pub target: String,
    /// Details, for people; never a secret.
    pub detail: String,
    /// The hash over this event and all before it.
    pub hash: [u8; 32],
}

/// A search for events. Each text matches a substring, without case.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Search {
    /// The earliest time.
    pub from: Option<Timestamp>,
    /// The latest time.
    pub to: Option<Timestamp>,
    /// Text in the actor.
    pub actor: String,
    /// Text in the action.
    pub action: String,
    /// Text in the target or the detail.
    pub target: String,
}

impl Search {
    /// Whether an event matches.
    pub fn finds(&self, event: &Event) -> bool {
        let holds = |text: &str, wanted: &str| {
            wanted.is_empty() || text.to_lowercase().contains(&wanted.to_lowercase())
        };
        self.from.is_none_or(|from| event.at >= from)
            && self.to.is_none_or(|to| event.at <= to)
            && holds(&event.actor, &self.actor)
            && holds(&event.action, &self.action)
            && (holds(&event.target, &self.target) || holds(&event.detail, &self.target))
    }
}

/// The matching events, newest first.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// The events.
    pub events: Vec<Event>,
    /// The event of each chain after which the search goes on; `None`: it is complete.
    pub rest: Option<Vec<(i64, i64)>>,
}
