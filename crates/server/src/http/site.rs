//! Protects a sandbox from pages of other sites. A browser on this machine can reach the sandbox from any page, also by
//! another name, because a site can point its own name at 127.0.0.1 after its page is loaded.

use std::net::IpAddr;

use http::header::{HOST, HeaderName, ORIGIN};
use http::uri::Authority;
use http::{HeaderMap, Method};

use api::error::CallError;

use crate::app::App;
use crate::control::PREFIX;

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
const SEC_FETCH_MODE: HeaderName = HeaderName::from_static("sec-fetch-mode");
const SEC_FETCH_DEST: HeaderName = HeaderName::from_static("sec-fetch-dest");

/// Why a sandbox refuses a request to its unprotected paths; `None` if it does not.
pub(super) fn refusal(app: &App, method: &Method, path: &str, headers: &HeaderMap) -> Option<CallError> {
    let is_sandbox = app.control.get().is_some() || app.core.explainer.is_some();
    let is_page = console::is_below(path);
    if !is_sandbox || !(is_page || path.starts_with(PREFIX)) {
        return None;
    }
    // Following a link shows the page to the user, not to the site with the link.
    let followed = is_page
        && method == Method::GET
        && headers.get(SEC_FETCH_MODE).is_some_and(|mode| mode == "navigate")
        && headers.get(SEC_FETCH_DEST).is_some_and(|dest| dest == "document");
    check_site(headers, followed, |host| app.core.public_url.is_own(host)).err()
}

/// `is_own` tells whether a host name that does not denote this machine belongs to the server.
fn check_site(headers: &HeaderMap, followed: bool, is_own: impl Fn(&str) -> bool) -> Result<(), CallError> {
    let text = |name: HeaderName| headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()));
    let called = text(HOST);
    if let Some(called) = &called {
        let known = host_name(called).is_some_and(|host| is_of_this_machine(&host) || is_own(&host));
        if !known {
            return Err(CallError::ForeignHost(called.chars().take(100).collect()));
        }
    }
    if text(SEC_FETCH_SITE).is_some_and(|site| site == "cross-site") && !followed {
        return Err(CallError::ForeignOrigin);
    }
    match text(ORIGIN) {
        Some(origin) if origin.split_once("://").map(|(_, from)| from) != called.as_deref() => {
            Err(CallError::ForeignOrigin)
        }
        _ => Ok(()),
    }
}

/// The host of `host:port`, in lower case.
fn host_name(called: &str) -> Option<String> {
    let authority: Authority = called.parse().ok()?;
    let plain = !authority.as_str().contains('@');
    plain.then(|| authority.host().trim_end_matches('.').to_ascii_lowercase())
}

/// Whether every resolver maps a name to this machine.
fn is_of_this_machine(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let pair = |(name, value): &(&'static str, &'static str)| {
            (HeaderName::from_static(name), http::HeaderValue::from_static(value))
        };
        pairs.iter().map(pair).collect()
    }

    #[rstest]
    #[case(&[])]
    #[case(&[("host", "localhost")])]
    #[case(&[("host", "LOCALHOST:8080"), ("origin", "http://LOCALHOST:8080")])]
    #[case(&[("host", "127.0.0.1:8080"), ("sec-fetch-site", "same-origin")])]
    #[case(&[("host", "127.1.2.3"), ("sec-fetch-site", "none")])]
    #[case(&[("host", "[::1]:8080")])]
    #[case(&[("host", "sandbox.test:8080"), ("origin", "https://sandbox.test:8080")])]
    fn programs_and_own_pages_are_let_in(#[case] sent: &[(&'static str, &'static str)]) {
        assert!(check_site(&headers(sent), false, |host| host == "sandbox.test").is_ok());
    }

    #[rstest]
    #[case(&[("host", "evil.example")])]
    #[case(&[("host", "evil.example:8080"), ("sec-fetch-site", "same-origin")])]
    #[case(&[("host", "localhost.evil.example")])]
    #[case(&[("host", "127.0.0.1.evil.example")])]
    #[case(&[("host", "127.0.0.1@evil.example")])]
    #[case(&[("host", "192.0.2.1")])]
    #[case(&[("host", "")])]
    #[case(&[("host", "a b")])]
    #[case(&[("host", "localhost:8080"), ("origin", "http://evil.example")])]
    #[case(&[("host", "localhost:8080"), ("origin", "http://localhost:3000")])]
    #[case(&[("host", "localhost:8080"), ("origin", "null")])]
    #[case(&[("host", "localhost:8080"), ("sec-fetch-site", "cross-site")])]
    #[case(&[("origin", "http://evil.example")])]
    fn pages_of_other_sites_are_not(#[case] sent: &[(&'static str, &'static str)]) {
        assert!(check_site(&headers(sent), false, |host| host == "sandbox.test").is_err());
    }

    #[test]
    fn a_link_to_a_page_may_be_followed() {
        let sent = headers(&[("host", "localhost:8080"), ("sec-fetch-site", "cross-site")]);
        assert!(check_site(&sent, true, |_| false).is_ok());
    }
}
