//! The media type of SCIM (RFC 7644, 8.1).

/// What responses declare. Lower case: a client refuses other spellings (scim2-client 0.13.2).
pub const MEDIA_TYPE: &str = "application/scim+json";

/// Whether a `Content-Type` announces a body of SCIM: `application/scim+json` or `application/json` (RFC 7644, 3.1), in
/// any letter case, with any parameters.
pub fn is_json(content_type: &str) -> bool {
    let essence = content_type.split(';').next().unwrap_or_default().trim_ascii();
    [MEDIA_TYPE, "application/json"].iter().any(|known| essence.eq_ignore_ascii_case(known))
}
