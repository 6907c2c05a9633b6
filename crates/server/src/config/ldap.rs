//! `[ldap]`: listeners for LDAP clients.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{ConfigError, Tls};

const FREE_PORT: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// Listeners for programs that look users up and log them in by LDAP. `[ours]`
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Ldap {
    /// Address and port for plaintext that StartTLS secures; without [`Tls`], for plaintext on this machine. Port 0 chooses
    /// a free port.
    pub listen: Option<SocketAddr>,
    /// Address and port for LDAPS.
    pub listen_tls: Option<SocketAddr>,
    /// Most open connections.
    pub max_connections: usize,
    /// How long a connection may be idle, in seconds.
    pub idle_seconds: u64,
    /// Longest search, in seconds.
    pub search_seconds: u64,
    /// How long a client may take to read a part of a response, in seconds.
    pub answer_seconds: u64,
    /// Longest message, in bytes.
    pub message_bytes: usize,
}

impl Default for Ldap {
    fn default() -> Self {
        Self {
            listen: None,
            listen_tls: None,
            max_connections: 10_000,
            idle_seconds: 900,
            search_seconds: 30,
            answer_seconds: 30,
            message_bytes: 256 << 10,
        }
    }
}

impl Ldap {
    /// A listener on a free port of this machine.
    pub fn on_free_port() -> Self {
        Self { listen: Some(FREE_PORT), ..Self::default() }
    }

    /// A listener on an address of this machine, else on a free port. With TLS it is for LDAPS, and a free port is for
    /// StartTLS.
    pub fn on_this_machine(address: Option<SocketAddr>, is_tls: bool) -> Self {
        let address = address.unwrap_or(FREE_PORT);
        let (listen, listen_tls) = if is_tls { (FREE_PORT, Some(address)) } else { (address, None) };
        Self { listen: Some(listen), listen_tls, ..Self::default() }
    }

    pub(super) fn check(&self, tls: Option<&Tls>) -> Result<(), ConfigError> {
        if self.listen.is_none() && self.listen_tls.is_none() {
            return Err(ConfigError::Setting(
                "[ldap] has no listener: set ldap.listen_tls for LDAPS, or ldap.listen for StartTLS",
            ));
        }
        if self.listen_tls.is_some() && tls.is_none() {
            return Err(ConfigError::Setting(
                "ldap.listen_tls needs a certificate: configure [tls] (docs/CONFIGURATION.md)",
            ));
        }
        if let (Some(listen), None) = (self.listen, tls)
            && !listen.ip().is_loopback()
        {
            return Err(ConfigError::PlaintextLdap(listen));
        }
        let least = [self.idle_seconds, self.search_seconds, self.answer_seconds].into_iter().min();
        if least == Some(0) || self.max_connections == 0 {
            return Err(ConfigError::Setting("the limits of [ldap] must be at least 1"));
        }
        if self.message_bytes < 4_096 {
            return Err(ConfigError::Setting("ldap.message_bytes must be at least 4096"));
        }
        Ok(())
    }

    pub(crate) fn limits(&self) -> ldap::Limits {
        ldap::Limits {
            message_bytes: self.message_bytes,
            idle: Duration::from_secs(self.idle_seconds),
            search: Duration::from_secs(self.search_seconds),
            answer: Duration::from_secs(self.answer_seconds),
            connections: self.max_connections,
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use crate::config::Config;

    fn checked(text: &str) -> Result<Config, String> {
        let config: Config = toml::from_str(text).map_err(|why| why.to_string())?;
        config.check().map_err(|why| why.to_string())?;
        Ok(config)
    }

    #[rstest]
    #[case("[ldap]", "has no listener")]
    #[case("[ldap]\nlisten = \"0.0.0.0:389\"", "in plaintext to other machines")]
    #[case("[ldap]\nlisten_tls = \"0.0.0.0:636\"", "needs a certificate")]
    #[case("[ldap]\nlisten = \"127.0.0.1:389\"\nidle_seconds = 0", "at least 1")]
    #[case("[ldap]\nlisten = \"127.0.0.1:389\"\nmessage_bytes = 10", "at least 4096")]
    #[case("[ldap]\nport = 389", "unknown field `port`")]
    fn what_cannot_be_says_so(#[case] text: &str, #[case] message: &str) {
        let error = checked(text).unwrap_err();
        assert!(error.contains(message), "{error}");
    }

    #[test]
    fn plaintext_is_for_this_machine_and_tls_for_all() {
        let local = checked("[ldap]\nlisten = \"127.0.0.1:389\"").unwrap().ldap.unwrap();
        assert_eq!((local.max_connections, local.idle_seconds), (10_000, 900));
        let tls = "[tls]\ncertificate = \"c\"\nkey = \"k\"";
        checked(&format!("[ldap]\nlisten = \"0.0.0.0:389\"\nlisten_tls = \"0.0.0.0:636\"\n{tls}")).unwrap();
    }
}
