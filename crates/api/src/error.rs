//! Why a whole call is refused: one exhaustive mapping to code, message and HTTP status. The message is for the caller;
//! the private cause is logged where the error is handled.

use auth::{HasherError, HasherFull, ProofError};
use directory::access::Denied;
use directory::caller::PermissionDenied;
use directory::error as rules;
use directory::port::StoreError;
use thiserror::Error;
use wire::Code;
use wire::body::BodyError;
use wire::header;
use wire::oauth::RequestError;
use wire::reader::ReadError;

/// Why a call is refused.
#[derive(Debug, Error)]
pub enum CallError {
    /// The signature, the token or the quota.
    #[error("{0}")]
    Auth(#[from] auth::AuthError),
    /// The caller lacks a permission.
    #[error("Permission denied: {0}")]
    Permission(#[from] PermissionDenied),
    /// The account that the call names.
    #[error("The account code is unknown, or the caller may not act in that account")]
    Account,
    /// Wrong password, unknown user, locked or disabled.
    #[error("The address or the password is wrong, or the user is locked")]
    Login,
    /// This kind of password is not supported.
    #[error("Passwords of other directories are not stored here: send Basic-Cloud and the cloud password")]
    UnsupportedLogin,
    /// No product of the application includes the endpoint.
    #[error("Resource or method requested does not exist in any product assigned to the application")]
    AppForbidden,
    /// The body is neither JSON nor a known variant of it.
    #[error("The body cannot be read: {0}")]
    Read(#[from] ReadError),
    /// The body does not have the shape of a request.
    #[error("The body cannot be read: {0}")]
    Body(#[from] BodyError),
    /// The header with the arguments of an endpoint whose body is a file cannot be read.
    #[error(
        "The header {} cannot be read: send JSON, as in {{\"data\":[{{\"fileType\":\"csv\"}}]}}: {why}",
        header::ARGUMENT
    )]
    Argument {
        /// Its code.
        code: Code,
        /// What is wrong with it.
        why: String,
    },
    /// The file cannot be imported.
    #[error("The file cannot be imported: {0}")]
    File(String),
    /// The body took longer than this many seconds.
    #[error("The body did not arrive within {0} seconds")]
    BodyTimeout(u64),
    /// The connection ended before the body did.
    #[error("The body ended too early")]
    BodyBroken,
    /// The body is longer than this many bytes.
    #[error("The body is larger than {0} bytes: send fewer items per request")]
    BodyTooLarge(usize),
    /// The password queue is full.
    #[error("Too many passwords are waiting to be hashed; nothing was done")]
    PasswordHasher(#[from] HasherFull),
    /// The store failed.
    #[error("{}", store_message(.0))]
    Store(#[from] StoreError),
    /// The request id was used with another body.
    #[error(
        "This request id was already used with another body. Send a new GUID in x-mc-req-id with every request, or ask \
         the operator for request_ids = \"compatible\""
    )]
    RequestIdReused,
    /// The evidence is stale: the call must be judged again. The caller sees this only after several attempts.
    #[error("The directory is being changed; nothing was done")]
    Stale,
    /// No endpoint has this path; the endpoint whose path is nearest.
    #[error("No endpoint has the path {0}{nearest}", nearest = .1.map(|path| format!("; the nearest is {path}")).unwrap_or_default())]
    UnknownPath(String, Option<&'static str>),
    /// The endpoint has another method: the one found, the ones expected.
    #[error("{0} is not allowed here: call it with {1}")]
    Method(String, String),
    /// Plaintext HTTP on a port that speaks HTTPS.
    #[error("This port serves HTTPS, but the request was plaintext HTTP: use https:// instead of http://")]
    Plaintext,
    /// The head of the request violates HTTP/1.1.
    #[error("The request is not valid HTTP/1.1: {0}")]
    Malformed(&'static str),
    /// The target is longer than this many bytes.
    #[error("The request target is longer than {0} bytes")]
    TargetTooLong(usize),
    /// The headers are longer than this many bytes, or more than this many.
    #[error("The headers are longer than {0} bytes, or there are more than {1}")]
    HeadersTooLarge(usize, usize),
    /// The Host header has a name that any site can point at this machine.
    #[error(
        "The sandbox was called as {0:?}, which is not one of its names: call it as localhost, 127.0.0.1 or [::1]. This protects it from pages of other sites"
    )]
    ForeignHost(String),
    /// A page of another site called the sandbox.
    #[error("The request comes from a page of another site; the sandbox refuses those")]
    ForeignOrigin,
    /// The request for a token is malformed.
    #[error(transparent)]
    TokenRequest(#[from] RequestError),
    /// Too many requests are running.
    #[error("The server is busy; nothing was done")]
    Busy,
    /// There is no room for another import.
    #[error("Too many imports are running: try again when one has finished; nothing was done")]
    TooManyImports,
    /// The request took longer than this many seconds.
    #[error(
        "The request took longer than {0} seconds. It may or may not have been carried out; the same request can safely be sent again"
    )]
    Timeout(u64),
    /// A server fault.
    #[error("Internal error. Details are in the server log")]
    Panic,
}

impl CallError {
    /// The error of an injected fault with this status: 401, 418, 429, 500 or 503.
    pub fn with_status(status: u16) -> Option<Self> {
        match status {
            401 => Some(CallError::Auth(auth::AuthError::InvalidSignature)),
            418 => Some(CallError::Auth(auth::AuthError::BindingExpired)),
            429 => Some(CallError::Auth(auth::AuthError::QuotaExceeded { limit: 1, reset_ms: 1_000 })),
            500 => Some(CallError::Panic),
            503 => Some(CallError::Busy),
            _ => None,
        }
    }

    /// The same error about the header [`header::ARGUMENT`] instead of the body.
    pub fn argument(self) -> Self {
        let why = match &self {
            CallError::Read(why) => why.to_string(),
            CallError::Body(why) => why.to_string(),
            _ => return self,
        };
        CallError::Argument { code: self.code(), why: why.replace("the body", "the header") }
    }

    /// The code in the response.
    pub fn code(&self) -> Code {
        match self {
            CallError::Auth(refused) => Self::code_of_auth(refused),
            CallError::Permission(_) => Code::PermissionDenied,
            CallError::Account => Code::AccountNotPermitted,
            CallError::Login => Code::LoginRefused,
            CallError::UnsupportedLogin => Code::UnsupportedLogin,
            CallError::AppForbidden => Code::AppForbidden,
            CallError::Body(BodyError::TooManyItems { .. }) => Code::ItemCount,
            CallError::Argument { code, .. } => *code,
            CallError::Read(_) | CallError::Body(_) | CallError::File(_) | CallError::BodyBroken => {
                Code::Deserialise
            }
            CallError::BodyTimeout(_) => Code::RequestTimeout,
            CallError::BodyTooLarge(_) => Code::BodyTooLarge,
            CallError::RequestIdReused => Code::RequestIdReused,
            CallError::Plaintext => Code::HttpsRequired,
            CallError::Malformed(_) => Code::MalformedRequest,
            CallError::TargetTooLong(_) => Code::TargetTooLong,
            CallError::HeadersTooLarge(..) => Code::HeadersTooLarge,
            CallError::ForeignHost(_) | CallError::ForeignOrigin => Code::ForeignOrigin,
            CallError::TokenRequest(why) => why.code(),
            CallError::UnknownPath(..) => Code::UnknownPath,
            CallError::Method(..) => Code::MethodNotAllowed,
            CallError::PasswordHasher(_)
            | CallError::Store(_)
            | CallError::Stale
            | CallError::Busy
            | CallError::TooManyImports
            | CallError::Timeout(_) => Code::Unavailable,
            CallError::Panic => Code::Internal,
        }
    }

    /// The code of a request that was refused before its body was read.
    pub(crate) fn code_of_auth(refused: &auth::AuthError) -> Code {
        match refused {
            auth::AuthError::MissingHeader { .. } => Code::MissingHeader,
            auth::AuthError::MalformedHeader { .. } => Code::MalformedHeader,
            auth::AuthError::InvalidSignature => Code::InvalidSignature,
            auth::AuthError::UnknownApplication { .. } => Code::DeveloperKey,
            auth::AuthError::InvalidDate { .. } => Code::InvalidDate,
            auth::AuthError::Expired { .. } | auth::AuthError::Forgotten { .. } => Code::RequestExpired,
            auth::AuthError::BindingExpired => Code::BindingExpired,
            auth::AuthError::TokenExpired => Code::TokenExpired,
            auth::AuthError::InvalidToken => Code::InvalidToken,
            auth::AuthError::InvalidClient => Code::InvalidClient,
            auth::AuthError::QuotaExceeded { .. } => Code::QuotaExceeded,
            auth::AuthError::Store(_) => Code::Unavailable,
        }
    }

    /// Seconds after which the same request may succeed.
    pub fn retry_after(&self) -> Option<u64> {
        match self {
            CallError::Auth(auth::AuthError::QuotaExceeded { reset_ms, .. }) => {
                Some(u64::from(*reset_ms).div_ceil(1_000).max(1))
            }
            CallError::PasswordHasher(full) => Some(full.retry_after_seconds),
            CallError::Store(StoreError::Unavailable { retry_after_seconds, .. })
            | CallError::Auth(auth::AuthError::Store(StoreError::Unavailable {
                retry_after_seconds, ..
            })) => Some(*retry_after_seconds),
            _ => (self.code() == Code::Unavailable).then_some(1),
        }
    }

    /// The cause for the operator. Never shown to the caller.
    pub fn private(&self) -> Option<String> {
        match self {
            CallError::Store(error) | CallError::Auth(auth::AuthError::Store(error)) => {
                let cause = std::error::Error::source(error).map(|cause| format!(": {cause}"));
                Some(format!("{error}{}", cause.unwrap_or_default()))
            }
            _ => None,
        }
    }
}

fn store_message(error: &StoreError) -> &'static str {
    match error {
        StoreError::Unavailable { .. } => {
            "The directory's database is unreachable. The request may or may not have been carried out; it can safely be sent again"
        }
        StoreError::Unprotected => {
            "The directory's database has no second copy at the moment, and this installation requires one; nothing was done"
        }
        StoreError::Overloaded | StoreError::Failed(_) => "The directory is unreachable; nothing was done",
    }
}

impl From<Denied> for CallError {
    fn from(denied: Denied) -> Self {
        match denied {
            Denied::Permission(denied) => CallError::Permission(denied),
            Denied::Account => CallError::Account,
        }
    }
}

impl From<HasherError> for CallError {
    fn from(error: HasherError) -> Self {
        match error {
            HasherError::Full(full) => CallError::PasswordHasher(full),
            HasherError::Broken => CallError::Panic,
        }
    }
}

impl From<ProofError> for CallError {
    fn from(error: ProofError) -> Self {
        match error {
            ProofError::PasswordHasher(error) => error.into(),
            ProofError::Store(error) => CallError::Store(error),
        }
    }
}

/// The error of an item that the rules refused in a field.
pub fn wrong(field: &'static str, why: &rules::ItemError) -> wire::Error {
    use directory::change::ChangeError as C;
    use rules::ItemError as R;
    let code = match why {
        R::Missing => Code::Null,
        R::Blank => Code::Blank,
        R::TooLong { .. } => Code::Length,
        R::Characters => Code::Characters,
        R::InvalidAddress(_) => Code::InvalidEmailAddress,
        R::InvalidDomain(_) => Code::InvalidDomain,
        R::AccountNotPermitted => Code::AccountNotPermitted,
        R::ForbiddenForDomain | R::ForbiddenForAddress(_) => Code::ForbiddenForAddress,
        R::IsAlias => Code::IsAlias,
        R::PasswordPolicy(_) => Code::PasswordPolicy,
        R::PasswordHash(_) => Code::PasswordHash,
        R::RoleNotCovered(_) => Code::RoleNotCovered,
        // Only the console issues keys to users, so no endpoint returns this.
        R::UserBlocked => Code::ForbiddenForAddress,
        R::NotFound(_) => Code::NotFound,
        R::InvalidId(_) => Code::InvalidId,
        R::VerificationExpired | R::Change(C::VerificationExpired) => Code::VerificationExpired,
        R::NotVerified { .. } => Code::DomainNotVerified,
        R::Change(C::DomainManaged | C::DomainBelowAnothers) => Code::DomainManaged,
        R::NotOneOf(_) | R::NotBoth(_) => Code::NotOneOf,
        R::Change(C::AddressTaken) => {
            return wire::Error::in_field(
                Code::UserAlreadyExists,
                field,
                "A user with this address already exists",
            );
        }
        R::Change(
            C::AlreadyExists
            | C::DomainHasUsers
            | C::Outdated
            | C::TooManyTokens
            | C::TooManyDeletions
            | C::BaseTaken,
        ) => Code::AlreadyExists,
        R::Change(C::NotFound | C::ParentNotFound) => Code::NotFound,
        R::Change(C::GroupHasFolders) => Code::GroupHasFolders,
        R::Change(C::GroupInItself | C::GroupTooDeep) => Code::GroupPlacement,
        // Without a field, as recorded from the service.
        R::Change(why @ C::MemberAlreadyExists) => {
            return wire::Error::new(Code::MemberAlreadyExists, why.to_string());
        }
        R::Change(why @ (C::MemberNotFound | C::MemberHasNoUser)) => {
            return wire::Error::new(Code::MemberNotFound, why.to_string());
        }
        // The recorded words, then the reason.
        R::Change(why @ C::Reserved) => {
            let message = format!("0003 Forbidden To Perform Operation For Address: this user {why}");
            return wire::Error::in_field(Code::ForbiddenForAddress, field, message);
        }
        R::Change(C::LastSuperAdministrator) => Code::LastSuperAdministrator,
        R::Change(C::RoleHeld) => Code::RoleHeld,
    };
    wire::Error::in_field(code, field, why.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_that_could_not_be_hashed_is_a_fault_of_the_server_and_a_full_queue_is_none() {
        let full = HasherError::Full(HasherFull { retry_after_seconds: 7 });
        let (full, broken) = (CallError::from(full), CallError::from(HasherError::Broken));
        assert_eq!((full.code(), full.retry_after()), (Code::Unavailable, Some(7)));
        assert_eq!((broken.code(), broken.retry_after()), (Code::Internal, None));
    }
}
