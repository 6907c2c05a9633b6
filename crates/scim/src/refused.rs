//! Why a call is refused, as SCIM says it.

use api::error::CallError;
use directory::access::Denied;
use directory::change::ChangeError;
use directory::error::ItemError;
use directory::port::StoreError;
use wire::Code;
use wire::scim::{ScimError, ScimType};

/// Why a call is refused.
pub(crate) enum Refused {
    /// By SCIM or by a rule of the directory.
    Scim(ScimError),
    /// Like every other call.
    Call(CallError),
}

impl From<ScimError> for Refused {
    fn from(why: ScimError) -> Self {
        Refused::Scim(why)
    }
}

impl From<CallError> for Refused {
    fn from(why: CallError) -> Self {
        Refused::Call(why)
    }
}

impl From<StoreError> for Refused {
    fn from(why: StoreError) -> Self {
        Refused::Call(why.into())
    }
}

impl From<Denied> for Refused {
    fn from(why: Denied) -> Self {
        Refused::Call(why.into())
    }
}

impl From<auth::HasherError> for Refused {
    fn from(why: auth::HasherError) -> Self {
        Refused::Call(why.into())
    }
}

impl Refused {
    /// The resource is not found.
    pub(crate) fn not_found(what: &str) -> Self {
        ScimError::with_status(404, format!("{what} was not found. It may have been deleted.")).into()
    }

    /// A value that cannot be stored.
    pub(crate) fn invalid_value(detail: impl Into<String>) -> Self {
        ScimError::new(ScimType::InvalidValue, detail).into()
    }

    /// A rule refuses the value of an attribute.
    pub(crate) fn rule(attribute: &str, why: &ItemError) -> Self {
        match why {
            ItemError::Change(why) => Self::change(*why),
            ItemError::RoleNotCovered(_) => ScimError::with_status(403, format!("{why}.")).into(),
            why => Self::invalid_value(format!("{attribute}: {why}.")),
        }
    }

    /// The store could not make a change.
    pub(crate) fn change(why: ChangeError) -> Self {
        use ChangeError as C;
        match why {
            C::AddressTaken => ScimError::new(
                ScimType::Uniqueness,
                "An address of this user is in use. Use another one, or change the user that has it.",
            ),
            C::AlreadyExists => ScimError::new(
                ScimType::Uniqueness,
                "externalId, userName or displayName is in use by another resource of the same type.",
            ),
            C::NotFound => return Self::not_found("The resource"),
            C::MemberHasNoUser | C::MemberNotFound | C::MemberAlreadyExists => ScimError::with_status(
                409,
                "The members of this group were changed at the same time. Send the request again.",
            ),
            C::TooManyDeletions => ScimError::with_status(
                429,
                "This application has deleted as many users in the last hour as it may. Try again later; if this many are \
                 right, raise the limit: matricula admin client deletions-an-hour.",
            ),
            C::LastSuperAdministrator => ScimError::with_status(403, format!("This user {why}.")),
            why => ScimError::new(ScimType::Mutability, format!("This resource {why}.")),
        }
        .into()
    }

    /// The status, and the body's error.
    pub(crate) fn error(&self) -> ScimError {
        match self {
            Refused::Scim(why) => why.clone(),
            Refused::Call(why) => api::answer::scim_error(why),
        }
    }

    /// The code for the log and the counts.
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Refused::Scim(ScimError { scim_type: Some(scim_type), .. }) => scim_type.as_str(),
            Refused::Scim(ScimError { status: 404, .. }) => Code::NotFound.as_str(),
            Refused::Scim(_) => "refused",
            Refused::Call(why) => why.code().as_str(),
        }
    }
}
