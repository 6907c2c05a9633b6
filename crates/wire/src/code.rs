//! The table of codes. Every refusal has a code from it.

use serde::{Deserialize, Serialize};

/// Where a code may appear, and with which HTTP status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// The whole call is refused: this is the HTTP status and `meta.status`, and `data` is empty.
    Call(u16),
    /// Like `Call`, by the gateway of API 2.0: code and message are also in the entry of `fail` itself, where its
    /// clients expect them (spec/protocol.md 2e).
    Gateway(u16),
    /// No token is issued: an error code of OAuth (RFC 6749, 5.2).
    OAuth(u16),
    /// One item is refused: HTTP status and `meta.status` stay 200, and the entry has the item's `key`.
    Item,
}

macro_rules! codes {
    ($( $(#[doc = $doc:literal])* $name:ident = $text:literal, $level:expr, retryable $retryable:literal; )*) => {
        /// A machine-readable code, as in `fail[].errors[].code`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum Code { $( $(#[doc = $doc])* #[serde(rename = $text)] $name, )* }

        impl Code {
            /// Every code, in the order of the table.
            pub const ALL: &[Code] = &[ $( Code::$name, )* ];

            /// The code as sent.
            pub fn as_str(self) -> &'static str {
                match self { $( Code::$name => $text, )* }
            }

            /// Its meaning, from the doc comment in this table, without the source reference.
            pub fn meaning(self) -> String {
                let told = match self { $( Code::$name => concat!($($doc),*), )* };
                let end = [" `[ours]`", " (spec/", " (code:", " (the code is", " (RFC"];
                let end = end.into_iter().filter_map(|source| told.find(source)).min().unwrap_or(told.len());
                let told = told[..end].trim().trim_end_matches('.').replace('`', "");
                format!("{told}.")
            }

            /// Whether the call or only an item is refused, and the HTTP status.
            pub fn level(self) -> Level {
                match self { $( Code::$name => $level, )* }
            }

            /// Whether the unchanged request may succeed later.
            pub fn retryable(self) -> bool {
                match self { $( Code::$name => $retryable, )* }
            }
        }
    };
}

codes! {
    // Headers and signature.
    /// A required header is missing. `[ours]`
    MissingHeader = "err_xdk_missing_header", Level::Call(400), retryable false;
    /// A required header is malformed. `[ours]`
    MalformedHeader = "err_xdk_malformed_header", Level::Call(400), retryable false;
    /// The application id is unknown or is not the one the key belongs to. Answered with 200 (spec/protocol.md 1a,
    /// recorded).
    DeveloperKey = "err_developer_key", Level::Call(200), retryable false;
    /// Access key, secret key, application key or the signed text is wrong (spec/protocol.md 2e, recorded).
    InvalidSignature = "err_xdk_invalid_signature", Level::Call(401), retryable false;
    /// `x-mc-date` is malformed. `[ours]`
    InvalidDate = "err_xdk_invalid_date", Level::Call(401), retryable false;
    /// `x-mc-date` is outside the freshness window. `[ours]`
    RequestExpired = "err_xdk_request_expired", Level::Call(401), retryable false;
    /// The key pair has expired (spec/protocol.md 2e).
    BindingExpired = "err_xdk_binding_expired", Level::Call(418), retryable false;
    /// Wrong password, unknown user, locked or disabled; the response does not tell which. `[ours]`
    LoginRefused = "err_login_refused", Level::Call(401), retryable false;
    /// Login with a password that is not stored here. `[ours]`
    UnsupportedLogin = "err_login_type_not_supported", Level::Call(401), retryable false;
    /// The token has expired (spec/protocol.md 2e, recorded).
    TokenExpired = "token_expired", Level::Gateway(401), retryable false;
    /// The token is not from this server, or its application is disabled. `[ours]`
    InvalidToken = "token_invalid", Level::Gateway(401), retryable false;
    /// The application is not registered for a product with this endpoint (spec/protocol.md 2e, reported).
    AppForbidden = "app_forbidden", Level::Gateway(403), retryable false;
    /// The caller's role lacks the permission. `[ours]`
    PermissionDenied = "err_xdk_permission_denied", Level::Call(403), retryable false;
    /// The request id was already used with another body, and the policy is `strict`. `[ours]`
    RequestIdReused = "err_xdk_request_id_reused", Level::Call(409), retryable false;

    // The request as a whole.
    /// The body cannot be read, not even leniently (code: spec/protocol.md 1.5).
    Deserialise = "err_deserialise", Level::Call(400), retryable false;
    /// More items than a request may have. `[ours]`
    ItemCount = "err_validation_item_count", Level::Call(400), retryable false;
    /// No endpoint has this path. `[ours]`
    UnknownPath = "err_xdk_unknown_path", Level::Call(404), retryable false;
    /// The path does not allow this method. `[ours]`
    MethodNotAllowed = "err_xdk_method_not_allowed", Level::Call(405), retryable false;
    /// A plaintext HTTP request reached an HTTPS port. `[ours]`
    HttpsRequired = "err_xdk_https_required", Level::Call(400), retryable false;
    /// The request is not valid HTTP or is ambiguous. `[ours]`
    MalformedRequest = "err_xdk_malformed_request", Level::Call(400), retryable false;
    /// The request target is too long. `[ours]`
    TargetTooLong = "err_xdk_uri_too_long", Level::Call(414), retryable false;
    /// The headers are too long or too many. `[ours]`
    HeadersTooLarge = "err_xdk_headers_too_large", Level::Call(431), retryable false;
    /// A page of another site called a sandbox, or the Host header is not one of its names. `[ours]`
    ForeignOrigin = "err_xdk_foreign_origin", Level::Call(403), retryable false;
    /// The body did not arrive in time. `[ours]`
    RequestTimeout = "err_xdk_request_timeout", Level::Call(408), retryable true;
    /// The body is too large. `[ours]`
    BodyTooLarge = "err_xdk_body_too_large", Level::Call(413), retryable false;
    /// The quota is used up (spec/protocol.md 3b; the code is `[ours]`).
    QuotaExceeded = "err_xdk_quota_exceeded", Level::Call(429), retryable true;
    /// Internal error. `[ours]`
    Internal = "err_xdk_internal_error", Level::Call(500), retryable false;
    /// The server is busy or its store is unreachable; nothing was done, unless the message says that it is unknown.
    /// `[ours]`
    Unavailable = "err_xdk_unavailable", Level::Call(503), retryable true;

    // No token.
    /// A parameter of the token request is missing or sent twice (RFC 6749, 5.2).
    InvalidRequest = "invalid_request", Level::OAuth(400), retryable false;
    /// The grant type is not client_credentials (RFC 6749, 5.2).
    UnsupportedGrantType = "unsupported_grant_type", Level::OAuth(400), retryable false;
    /// The client id is unknown or disabled, or the secret is wrong; the response does not tell which (RFC 6749, 5.2).
    InvalidClient = "invalid_client", Level::OAuth(401), retryable false;

    // One item.
    /// A mandatory field is missing or null (spec/protocol.md 5).
    Null = "err_validation_null", Level::Item, retryable false;
    /// A field is blank (spec/protocol.md 5).
    Blank = "err_validation_blank", Level::Item, retryable false;
    /// The address is not an e-mail address (spec/protocol.md 5).
    InvalidEmailAddress = "err_validation_invalid_email_address", Level::Item, retryable false;
    /// The domain is not a domain name. `[ours]`
    InvalidDomain = "err_validation_invalid_domain", Level::Item, retryable false;
    /// A field has a value of the wrong type. `[ours]`
    Type = "err_validation_type", Level::Item, retryable false;
    /// A field is too long. `[ours]`
    Length = "err_validation_length", Level::Item, retryable false;
    /// A field contains invalid characters. `[ours]`
    Characters = "err_validation_characters", Level::Item, retryable false;
    /// The address belongs to no internal domain of the account (spec/protocol.md 2e).
    ForbiddenForAddress = "err_xdk_operation_forbidden_for_address", Level::Item, retryable false;
    /// The address is taken. `[ours]`
    UserAlreadyExists = "err_user_already_exists", Level::Item, retryable false;
    /// The password is right but must be changed first. `[ours]`
    PasswordChangeRequired = "err_user_password_change_required", Level::Item, retryable false;
    /// The user has the maximum number of key pairs for the application. `[ours]`
    TooManyBindings = "err_binding_limit", Level::Item, retryable false;
    /// The access key is not a valid one of the user and the application. `[ours]`
    UnknownBinding = "err_binding_not_found", Level::Item, retryable false;
    /// The address is an alias, but the endpoint expects a user. `[ours]`
    IsAlias = "err_user_is_alias", Level::Item, retryable false;
    /// The user's role, or the role to assign, has permissions that the caller does not have. `[ours]`
    RoleNotCovered = "err_role_not_covered", Level::Item, retryable false;
    /// The account would be left without a Super Administrator. `[ours]`
    LastSuperAdministrator = "err_last_super_administrator", Level::Item, retryable false;
    /// The role is held by users. `[ours]`
    RoleHeld = "err_role_held", Level::Item, retryable false;
    /// An object with this name, or this relation, already exists. `[ours]`
    AlreadyExists = "err_already_exists", Level::Item, retryable false;
    /// The group would be inside itself or nested too deep. `[ours]`
    GroupPlacement = "err_group_placement", Level::Item, retryable false;
    /// The group has subgroups. `[ours]`
    GroupHasFolders = "err_group_has_folders", Level::Item, retryable false;
    /// The member is already in the group (spec/protocol.md 5, recorded).
    MemberAlreadyExists = "err_folder_group_member_already_exists", Level::Item, retryable false;
    /// The member is not in the group (spec/protocol.md 5, recorded).
    MemberNotFound = "err_folder_email_address_not_found", Level::Item, retryable false;
    /// The domain or a parent domain is already managed by an account; the response does not tell which. `[ours]`
    DomainManaged = "err_domain_managed", Level::Item, retryable false;
    /// No TXT record of the domain contains the token. `[ours]`
    DomainNotVerified = "err_domain_not_verified", Level::Item, retryable false;
    /// The DNS lookup of the domain failed. `[ours]`
    DomainLookupFailed = "err_domain_lookup_failed", Level::Item, retryable true;
    /// The verification period of the domain has expired. `[ours]`
    VerificationExpired = "err_domain_verification_expired", Level::Item, retryable false;
    /// The named object does not exist. `[ours]`
    NotFound = "err_not_found", Level::Item, retryable false;
    /// The id is not valid in the account. `[ours]`
    InvalidId = "err_validation_invalid_id", Level::Item, retryable false;
    /// The page token is not valid for this list. `[ours]`
    InvalidPageToken = "err_validation_invalid_page_token", Level::Item, retryable false;
    /// The value is not one of those allowed. `[ours]`
    NotOneOf = "err_validation_value", Level::Item, retryable false;
    /// The password breaks the account's policy. `[ours]`
    PasswordPolicy = "err_password_policy", Level::Item, retryable false;
    /// The password hash is not supported or too expensive. `[ours]`
    PasswordHash = "err_password_hash", Level::Item, retryable false;
    /// The account is unknown, or the caller may not act in it; the response does not tell which. `[ours]`
    AccountNotPermitted = "err_account_not_permitted", Level::Item, retryable false;
}

impl Code {
    /// HTTP status and `meta.status` of a response with this code.
    pub fn status(self) -> u16 {
        match self.level() {
            Level::Call(status) | Level::Gateway(status) | Level::OAuth(status) => status,
            Level::Item => 200,
        }
    }

    /// HTTP status of a response in the style of API 2.0: it has no `meta.status`, and a refused item refuses the call
    /// (spec/protocol.md 8; the choice of status is `[ours]`).
    pub fn rest_status(self) -> u16 {
        match self {
            Code::DeveloperKey => 401,
            Code::AccountNotPermitted | Code::ForbiddenForAddress | Code::RoleNotCovered => 403,
            Code::NotFound => 404,
            Code::UserAlreadyExists | Code::AlreadyExists | Code::RoleHeld | Code::LastSuperAdministrator => {
                409
            }
            _ if self.level() == Level::Item => 400,
            _ => self.status(),
        }
    }
}

impl std::fmt::Display for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_spelt_once_and_like_a_code() {
        let mut seen = std::collections::BTreeSet::new();
        for code in Code::ALL {
            let text = code.as_str();
            assert!(seen.insert(text), "{text} stands twice in the table");
            let ours =
                text.starts_with("err_") || matches!(code.level(), Level::Gateway(_) | Level::OAuth(_));
            assert!(ours && text.bytes().all(|b| b == b'_' || b.is_ascii_lowercase()), "{text}");
            assert_eq!(serde_json::to_string(code).unwrap(), format!("\"{text}\""));
        }
    }

    #[test]
    fn a_refusal_of_a_new_style_endpoint_is_never_a_success() {
        for code in Code::ALL {
            assert!((400..=503).contains(&code.rest_status()), "{code}");
        }
    }

    #[test]
    fn what_a_code_means_is_said_without_its_source() {
        for code in Code::ALL {
            let meaning = code.meaning();
            let plain = !meaning.contains(['`', '(', ')']) && meaning.ends_with('.') && meaning.len() > 10;
            assert!(plain && !meaning.contains("  "), "{code}: {meaning}");
        }
        let told = "Access key, secret key, application key or the signed text is wrong.";
        assert_eq!(Code::InvalidSignature.meaning(), told);
    }

    #[test]
    fn only_what_later_succeeds_is_retryable() {
        let retryable: Vec<_> =
            Code::ALL.iter().filter(|code| code.retryable()).map(|code| (code.status(), *code)).collect();
        let expected = [
            (408, Code::RequestTimeout),
            (429, Code::QuotaExceeded),
            (503, Code::Unavailable),
            (200, Code::DomainLookupFailed),
        ];
        assert_eq!(retryable, expected);
    }
}
