//! Each mistake, made on purpose with an independent hash, is reported, and nothing else.

mod cases;
mod corruption;

mod printed;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::{SignedDuration, Timestamp};
use secrecy::SecretString;
use sha1::{Digest, Sha1};

use super::*;

pub(super) const DATE: &str = "Tue, 03 Nov 2026 12:00:00 UTC";
pub(super) const NOW: Timestamp = Timestamp::constant(1_793_707_205, 0);
pub(super) const REQUEST_ID: &str = "8578fcfc-a305-4d9a-99cb-f4d5ecefe297";
pub(super) const PATH: &str = "/api/user/create-user";
pub(super) const HOST: &str = "127.0.0.1:8080";
pub(super) const BODY: &str = r#"{"data":[{"emailAddress":"ann@example.com"}]}"#;
pub(super) const PATHS: [&str; 3] = [PATH, "/api/user/get-profile", "/api/account/get-account"];

pub(super) const APP_ID: &str = "3c1f5a2e-7d6b-4f0a-8e9d-2b4c6d8e0f1a";
pub(super) const APP_KEY: &str = "9b7e5d3c-1a2f-4b6d-8c0e-f1a3b5c7d9e1";
pub(super) const ACCESS_KEY: &str = "mYtHUVLaAqWx_3fP-0kQe5rT7uV9wXyZ";
/// 48 bytes whose base64 has both characters that the URL-safe alphabet lacks.
pub(super) const SECRET: &str = "+/8Pq+/zGg1x9kTt2m0b7QeYw4uHc6Jn3rLpVsXaDf8+A/bC5Z+9kM1oNq7EiR2t";

pub(super) const OTHER_APP_ID: &str = "5d8b2c10-94e7-4a3b-b1f6-07c9d2e4a685";
pub(super) const OTHER_APP_KEY: &str = "e2c4a6b8-0d1f-4e3c-9a5b-7d9f1b3c5e7a";
pub(super) const OTHER_ACCESS_KEY: &str = "Zq8RfWn2-bT4yL6c_JvK0sHd3gPx1mUo";
pub(super) const OTHER_SECRET: &str = "7hJ/kQ2+pX9wZs4vB6nM1cR8tY3uL5aE0iD/gF+oTqWbNzVyKxHjCmGlUfSrPe1A";

pub(super) fn keys() -> Vec<KeySet> {
    let set = |name: &str, app_id: &str, app_key: &str, access_key: &str, secret_key: &str| KeySet {
        name: name.to_owned(),
        app_id: app_id.to_owned(),
        app_key: SecretString::from(app_key),
        access_key: access_key.to_owned(),
        secret_key: Some(SecretString::from(secret_key)),
        status: KeyStatus::Live,
    };
    vec![
        set("keys.json", APP_ID, APP_KEY, ACCESS_KEY, SECRET),
        set("other.json", OTHER_APP_ID, OTHER_APP_KEY, OTHER_ACCESS_KEY, OTHER_SECRET),
    ]
}

#[derive(Clone)]
pub(super) struct Sent {
    pub(super) authorization: Option<String>,
    pub(super) date: Option<Vec<u8>>,
    pub(super) request_id: Option<String>,
    pub(super) app_id: Option<String>,
    pub(super) target: String,
    pub(super) now: Timestamp,
}

impl Sent {
    pub(super) fn new(authorization: impl Into<String>) -> Self {
        Self {
            authorization: Some(authorization.into()),
            date: Some(DATE.into()),
            request_id: Some(REQUEST_ID.into()),
            app_id: Some(APP_ID.into()),
            target: PATH.into(),
            now: NOW,
        }
    }

    pub(super) fn explained_with(&self, keys: &[KeySet]) -> Explanation {
        let received = Received {
            method: "POST",
            target: self.target.as_bytes(),
            authorization: self.authorization.as_ref().map(String::as_bytes),
            date: self.date.as_deref(),
            request_id: self.request_id.as_ref().map(String::as_bytes),
            app_id: self.app_id.as_ref().map(String::as_bytes),
            host: Some(HOST.as_bytes()),
            body: Some(BODY.as_bytes()),
        };
        let known = Known { keys, paths: &PATHS, window: SignedDuration::from_mins(15) };
        explain(&received, &known, self.now)
    }

    pub(super) fn explained(&self) -> Explanation {
        self.explained_with(&keys())
    }
}

/// HMAC from RFC 2104, implemented independently: the tested code must not check itself.
pub(super) fn hmac<D: Digest>(block: usize, key: &[u8], text: &[u8]) -> Vec<u8> {
    let mut padded = if key.len() > block { D::digest(key).to_vec() } else { key.to_vec() };
    padded.resize(block, 0);
    let pad = |with: u8| padded.iter().map(|byte| byte ^ with).collect::<Vec<_>>();
    let inner = D::digest([&pad(0x36)[..], text].concat());
    D::digest([&pad(0x5c)[..], &inner].concat()).to_vec()
}

pub(super) fn sha1(key: &[u8], text: &[u8]) -> Vec<u8> {
    hmac::<Sha1>(64, key, text)
}

pub(super) fn secret() -> Vec<u8> {
    STANDARD.decode(SECRET).unwrap()
}

/// The value of `Authorization` with a digest.
pub(super) fn with_digest(digest: &[u8]) -> String {
    format!("MC {ACCESS_KEY}:{}", STANDARD.encode(digest))
}

/// The value of `Authorization` with the right signature of a text.
pub(super) fn over(text: impl AsRef<[u8]>) -> String {
    with_digest(&sha1(&secret(), text.as_ref()))
}

pub(super) fn text(date: &str, request_id: &str, path: &str, app_key: &str) -> String {
    format!("{date}:{request_id}:{path}:{app_key}")
}

pub(super) fn right_text() -> String {
    text(DATE, REQUEST_ID, PATH, APP_KEY)
}

pub(super) fn names(explanation: &Explanation) -> Vec<&'static str> {
    explanation.causes.iter().map(|cause| cause.mistake.name()).collect()
}
