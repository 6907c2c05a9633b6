//! The codes that an endpoint can return, and the form of a response with one.

use wire::Code;
use wire::code::Level;

use crate::endpoint::{Endpoint, Takes};
use crate::style::Style;

/// The codes that an endpoint can return, in the order of the table.
pub(super) fn possible_codes(endpoint: &Endpoint) -> Vec<Code> {
    Code::ALL.iter().copied().filter(|code| can_answer(endpoint, *code)).collect()
}

/// Whether `Authorization` has a password.
pub(super) fn takes_password(endpoint: &Endpoint) -> bool {
    endpoint.style() == Style::Envelope && !endpoint.is_signed() && endpoint.writes
}

/// Exhaustive, so that a new code must be placed here.
fn can_answer(endpoint: &Endpoint, code: Code) -> bool {
    let (signed, oauth) = (endpoint.is_signed(), endpoint.style() == Style::OAuth);
    let for_applications = endpoint.style() == Style::Rest && endpoint.products.is_empty();
    match code {
        Code::MissingHeader | Code::MalformedHeader | Code::DeveloperKey => !oauth,
        Code::InvalidSignature | Code::InvalidDate | Code::RequestExpired | Code::BindingExpired => signed,
        Code::LoginRefused | Code::UnsupportedLogin => takes_password(endpoint),
        Code::TokenExpired | Code::InvalidToken => !oauth,
        Code::AppForbidden => !oauth && !for_applications,
        Code::PermissionDenied => endpoint.permission.is_some(),
        Code::RequestIdReused => signed && endpoint.writes,
        Code::Deserialise => !oauth,
        Code::ItemCount => {
            matches!(endpoint.takes, Takes::Items(_) | Takes::One(_) | Takes::Page(_) | Takes::File(_))
        }
        Code::MethodNotAllowed
        | Code::RequestTimeout
        | Code::BodyTooLarge
        | Code::QuotaExceeded
        | Code::Internal
        | Code::Unavailable => true,
        Code::InvalidRequest | Code::UnsupportedGrantType | Code::InvalidClient => oauth,
        // Returned for paths without an endpoint, and by ports.
        Code::UnknownPath
        | Code::HttpsRequired
        | Code::MalformedRequest
        | Code::TargetTooLong
        | Code::HeadersTooLarge
        | Code::ForeignOrigin => false,
        // From `meta.accountCode`.
        Code::AccountNotPermitted if endpoint.style() == Style::Envelope && signed => true,
        Code::Null | Code::Blank | Code::Type if !oauth => match endpoint.takes {
            Takes::Items(fields) | Takes::One(fields) | Takes::Page(fields) | Takes::Object(fields) => {
                !fields.is_empty()
            }
            Takes::Query(fields) => !fields.is_empty() && code == Code::Type,
            Takes::File(_) => code == Code::Type,
            Takes::Form(_) | Takes::Other => false,
        },
        _ => endpoint.codes.contains(&code),
    }
}

/// Status and schema of a response with a code.
pub(super) fn answer(endpoint: &Endpoint, code: Code) -> (u16, &'static str) {
    match (endpoint.style(), code.level()) {
        (Style::Envelope, _) | (Style::Rest | Style::Scim, Level::Gateway(_)) => (code.status(), "Refused"),
        (Style::Rest | Style::Scim, _) => (code.rest_status(), "Errors"),
        (Style::OAuth, _) => (code.status(), "OAuthError"),
    }
}
