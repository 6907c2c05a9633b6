//! The URL at which clients reach the server, for discover-authentication (spec/clients.md 6).

use std::net::{IpAddr, SocketAddr};
use std::sync::OnceLock;

use http::uri::Authority;

/// The URL at which clients reach the server: scheme, host and port.
pub struct PublicUrl {
    configured: Option<String>,
    secure: bool,
    listens: OnceLock<SocketAddr>,
    names: OnceLock<Vec<String>>,
}

impl PublicUrl {
    /// The configured URL, or one that is derived.
    pub fn new(configured: Option<String>, secure: bool) -> Self {
        Self { configured, secure, listens: OnceLock::new(), names: OnceLock::new() }
    }

    /// Sets the listening address.
    pub fn listens(&self, address: SocketAddr) {
        self.listens.get_or_init(|| address);
    }

    /// Sets further host names of the server.
    pub fn is_called(&self, names: Vec<String>) {
        self.names.get_or_init(|| names);
    }

    /// Whether a lower-case host belongs to the server: by its configuration, as a further name, or as the listening
    /// address.
    pub fn is_own(&self, host: &str) -> bool {
        let configured = self.configured.as_deref().and_then(|url| url.split_once("://"));
        let configured = configured.and_then(|(_, host)| host.split('/').next());
        let configured = configured.and_then(|host| Authority::try_from(host).ok());
        let named =
            || self.names.get().is_some_and(|names| names.iter().any(|name| name.eq_ignore_ascii_case(host)));
        let listens = || {
            let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
            address.is_ok_and(|address| self.listens.get().is_some_and(|listens| listens.ip() == address))
        };
        configured.is_some_and(|own| own.host().eq_ignore_ascii_case(host)) || named() || listens()
    }

    /// The URL for a client that sent this Host header.
    ///
    /// Over TLS it contains that host: the certificate vouches for it, and the listening address may be `0.0.0.0`. Over
    /// plaintext the host is not trusted, because a proxy may have set it. `Forwarded` and `X-Forwarded-…` are never read:
    /// every client and every page can send them, and the result would lead passwords elsewhere. Who runs a proxy
    /// configures the URL.
    pub fn for_host(&self, host: Option<&[u8]>) -> String {
        if let Some(configured) = &self.configured {
            return configured.clone();
        }
        let scheme = if self.secure { "https" } else { "http" };
        let called = host.filter(|_| self.secure).and_then(|host| Authority::try_from(host).ok());
        match called.filter(|called| !called.as_str().contains('@')) {
            Some(called) => format!("{scheme}://{called}"),
            None => self.listens.get().map(|address| format!("{scheme}://{address}")).unwrap_or_default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::plaintext(None, false, Some("x"), "http://127.0.0.1:8080")]
    #[case::called(None, true, Some("directory.example.com"), "https://directory.example.com")]
    #[case::with_a_port(None, true, Some("[::1]:8443"), "https://[::1]:8443")]
    #[case::no_host(None, true, None, "https://127.0.0.1:8080")]
    #[case::empty(None, true, Some(""), "https://127.0.0.1:8080")]
    #[case::no_host_name(None, true, Some("a/b"), "https://127.0.0.1:8080")]
    #[case::somebody_at_a_host(None, true, Some("a@b"), "https://127.0.0.1:8080")]
    #[case::configured(Some("https://d.example"), true, Some("x"), "https://d.example")]
    #[case::behind_a_proxy(Some("https://d.example"), false, Some("x"), "https://d.example")]
    fn a_client_is_told_where_it_can_call(
        #[case] configured: Option<&str>,
        #[case] secure: bool,
        #[case] host: Option<&str>,
        #[case] url: &str,
    ) {
        let public = PublicUrl::new(configured.map(str::to_owned), secure);
        public.listens(SocketAddr::from(([127, 0, 0, 1], 8080)));
        assert_eq!(public.for_host(host.map(str::as_bytes)), url);
    }

    #[test]
    fn a_server_knows_its_own_names() {
        let public = PublicUrl::new(Some("https://Directory.example:8443".to_owned()), true);
        public.listens(SocketAddr::from(([192, 0, 2, 7], 8443)));
        public.is_called(vec!["sandbox.test".to_owned()]);
        let own = ["directory.example", "sandbox.test", "192.0.2.7"];
        let below = PublicUrl::new(Some("https://directory.example/below".to_owned()), false);
        assert!(below.is_own("directory.example") && !below.is_own("below"));
        assert!(own.iter().all(|host| public.is_own(host)));
        assert!(["example", "192.0.2.8", "", "[::1]"].iter().all(|host| !public.is_own(host)));
    }
}
