//! Applications and bindings: the records to which a signed request refers.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use secrecy::{SecretBox, SecretString};
use thiserror::Error;

use crate::scim::{ClientToken, ScimSettings};
use crate::{Account, AccountId, ApplicationId, BindingId, ClientId, Role, RoleId, UserId};

/// A registered program: knows its application id and its application key.
#[derive(Clone)]
pub struct Application {
    /// Internal id.
    pub id: ApplicationId,
    /// The account it is registered in.
    pub account: AccountId,
    /// The value of `x-mc-app-id`: a GUID in lower case.
    pub app_id: String,
    /// Its name, for people.
    pub name: String,
    /// A part of the signed text; never sent.
    pub app_key: SecretString,
    /// When it was registered.
    pub created_at: Timestamp,
}

/// A key pair of one user for one application.
pub struct Binding {
    /// Internal id.
    pub id: BindingId,
    /// The public half.
    pub access_key: AccessKey,
    /// The secret half, decoded: the HMAC key.
    pub secret: SecretBox<[u8]>,
    /// Its user.
    pub user: UserId,
    /// Its application.
    pub application: ApplicationId,
    /// When it expires; `None`: never.
    pub expires_at: Option<Timestamp>,
    /// When it was created.
    pub created_at: Timestamp,
}

/// The principal of an access key, read as of one moment: binding, application, user, role, account.
///
/// A revoked binding, a disabled user and a disabled application have no principal.
pub struct Principal {
    /// The binding.
    pub binding: Binding,
    /// Its application.
    pub application: Application,
    /// The address of its user.
    pub address: String,
    /// The account of its user.
    pub account: Arc<Account>,
    /// The role of its user; without one, it has no permission.
    pub role: Option<Role>,
}

/// An application of API 2.0: it acts with its own role (spec/protocol.md 8).
#[derive(Clone)]
pub struct Client {
    /// Internal id.
    pub id: ClientId,
    /// The account it is registered in.
    pub account: AccountId,
    /// Its client id.
    pub client_id: String,
    /// SHA-256 of its secret, which has 256 random bits and so cannot be guessed.
    pub secret_digest: [u8; 32],
    /// Its name, for people.
    pub name: String,
    /// Its role.
    pub role: RoleId,
    /// The endpoints that it may call.
    pub products: BTreeSet<Product>,
    /// How it provisions by SCIM.
    pub scim: ScimSettings,
    /// When it was registered.
    pub created_at: Timestamp,
}

/// Characters in a client id. `[ours]`
pub const CLIENT_ID: usize = 40;

/// Whether a text has the shape of a client id: 40 characters of URL-safe base64. `[ours]`
pub fn is_client_id(text: &str) -> bool {
    text.len() == CLIENT_ID && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

/// The principal of a token, read as of one moment. A disabled client has none.
pub struct ClientPrincipal {
    /// The application.
    pub client: Client,
    /// Its account.
    pub account: Arc<Account>,
    /// Its role; a deleted one gives no permission.
    pub role: Option<Role>,
    /// Its tokens that last and were not revoked.
    pub tokens: Vec<ClientToken>,
}

/// A set of endpoints that an application of API 2.0 is registered for. An endpoint may belong to several. The names are
/// the service's (spec/protocol.md 8), except for those marked `[ours]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Product {
    /// Users and groups; here also domains and the account. `[ours]`
    UserAndGroupManagement,
    /// Roles. `[ours]`
    RoleManagement,
    /// The audit.
    AuditEvents,
    /// The account.
    AccountManagement,
    /// Domains.
    DomainManagement,
    /// Setting up an account: users, roles, emergency contact.
    EmailSecurityOnboarding,
    /// The directory, for programs that read it by LDAP. `[ours]`
    Directory,
}

impl Product {
    /// All of them.
    pub const ALL: [Product; 7] = [
        Product::UserAndGroupManagement,
        Product::RoleManagement,
        Product::AuditEvents,
        Product::AccountManagement,
        Product::DomainManagement,
        Product::EmailSecurityOnboarding,
        Product::Directory,
    ];

    /// Those that have endpoints.
    pub const OF_ENDPOINTS: &'static [Product] = match (&Self::ALL as &'static [Product]).split_last() {
        Some((Product::Directory, of_endpoints)) => of_endpoints,
        _ => panic!("the directory, which has none, is last"),
    };

    /// Its name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Product::UserAndGroupManagement => "userandgroupmanagement",
            Product::RoleManagement => "rolemanagement",
            Product::AuditEvents => "auditevents",
            Product::AccountManagement => "accountmanagement",
            Product::DomainManagement => "domainmanagement",
            Product::EmailSecurityOnboarding => "emailsecurityonboarding",
            Product::Directory => "directory",
        }
    }

    /// The product of this name.
    pub fn by_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|product| product.as_str() == name)
    }
}

/// The public half of a binding: 1 to 1,024 visible ASCII characters without a colon.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct AccessKey(String);

/// A text that is not an access key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("an access key has 1 to 1,024 visible ASCII characters and no colon")]
pub struct AccessKeyError;

impl AccessKey {
    /// Reads an access key.
    ///
    /// # Errors
    /// When it is empty, too long, or contains anything but visible ASCII without a colon.
    pub fn parse(text: &str) -> Result<Self, AccessKeyError> {
        let fits =
            (1..=1_024).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic() && b != b':');
        if fits { Ok(Self(text.to_owned())) } else { Err(AccessKeyError) }
    }

    /// A new one, of random bytes: URL-safe base64 without padding, as the service's are (spec/protocol.md 2b).
    pub fn from_bytes(random: &[u8; 112]) -> Self {
        Self(URL_SAFE_NO_PAD.encode(random))
    }

    /// The text that is sent.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for AccessKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
