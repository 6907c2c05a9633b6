//! TLS: LDAPS, StartTLS, and what is refused before it.

use std::sync::Arc;

use rcgen::{CertificateParams, KeyPair};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use testkit::TestServer;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::raw::{Raw, bind, element, equal, message, search};
use crate::{Door, PASSWORD};

/// A server with a certificate, and both listeners.
struct Secure {
    door: Door,
    folder: tempfile::TempDir,
}

/// Writes a new certificate, which signs itself.
fn renew(folder: &std::path::Path) {
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(["localhost".to_owned()]).unwrap().self_signed(&key).unwrap();
    std::fs::write(folder.join("chain.pem"), certificate.pem()).unwrap();
    std::fs::write(folder.join("key.pem"), key.serialize_pem()).unwrap();
}

impl Secure {
    async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        renew(folder.path());
        let server = TestServer::start_with(|config| {
            config.quota.enabled = false;
            config.tls = Some(server::config::Tls::new(
                folder.path().join("chain.pem"),
                folder.path().join("key.pem"),
            ));
            let listen = server::config::Ldap::on_free_port();
            config.ldap = Some(server::config::Ldap { listen_tls: listen.listen, ..listen });
        })
        .await;
        Self { door: Door::on(server).await, folder }
    }

    async fn shake_hands(&self, stream: TcpStream) -> std::io::Result<TlsStream<TcpStream>> {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(self.folder.path().join("chain.pem")).unwrap()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let name = ServerName::try_from("localhost").unwrap();
        TlsConnector::from(Arc::new(config)).connect(name, stream).await
    }

    async fn ldaps(&self) -> Raw<TlsStream<TcpStream>> {
        let address = self.door.server.server().ldap_addresses()[1].unwrap();
        Raw::on(self.shake_hands(TcpStream::connect(address).await.unwrap()).await.unwrap())
    }
}

fn start_tls(id: u8) -> Vec<u8> {
    message(id, &element(0x77, &element(0x80, b"1.3.6.1.4.1.1466.20037")), &[])
}

#[tokio::test]
async fn ldaps_serves_with_the_certificate_in_use() {
    let secure = Secure::start().await;
    let mut raw = secure.ldaps().await;
    let (name, secret) = (secure.door.bind_dn(), secure.door.secret.clone());
    assert_eq!(raw.ask(&bind(1, &name, secret.as_bytes())).await.1.code(), 0);
    // TLS within TLS makes no sense.
    assert_eq!(raw.ask(&start_tls(2)).await.1.code(), 1);
    renew(secure.folder.path());
    secure.door.server.certificate_reload().reload().unwrap();
    // New connections get the new certificate; the one that is open stays.
    let mut renewed = secure.ldaps().await;
    assert_eq!(renewed.ask(&bind(1, &name, secret.as_bytes())).await.1.code(), 0);
    assert_eq!(raw.ask(&search(3, &equal("uid", b"admin"), "1.1", &[])).await.1.code(), 0);
}

#[tokio::test]
async fn no_password_is_accepted_before_start_tls() {
    let secure = Secure::start().await;
    let mut raw = secure.door.raw().await;
    let name = secure.door.bind_dn();
    let (_, refused) = raw.ask(&bind(1, &name, secure.door.secret.as_bytes())).await;
    assert_eq!(refused.code(), 13);
    assert!(refused.has("StartTLS"));
    let modify =
        [element(0x80, b"admin@example.com"), element(0x81, PASSWORD.as_bytes()), element(0x82, b"x")];
    let modify = element(0x81, &element(0x30, &modify.concat()));
    let modify = element(0x77, &[element(0x80, b"1.3.6.1.4.1.4203.1.11.1"), modify].concat());
    assert_eq!(raw.ask(&message(2, &modify, &[])).await.1.code(), 13);
    // Nobody is bound, so nothing is read but the root.
    assert_eq!(raw.ask(&bind(3, "", b"")).await.1.code(), 0);
    assert_eq!(raw.ask(&search(4, &equal("uid", b"admin"), "1.1", &[])).await.1.code(), 50);

    assert_eq!(raw.ask(&start_tls(5)).await.1.code(), 0);
    let mut raw = Raw::on(secure.shake_hands(raw.stream).await.unwrap());
    assert_eq!(raw.ask(&bind(1, &name, secure.door.secret.as_bytes())).await.1.code(), 0);
    assert_eq!(raw.ask(&search(2, &equal("uid", b"admin"), "1.1", &[])).await.1.code(), 0);
}

#[tokio::test]
async fn nothing_may_follow_start_tls_in_plaintext() {
    let secure = Secure::start().await;
    let mut raw = secure.door.raw().await;
    let both = [start_tls(1), bind(2, "admin@example.com", PASSWORD.as_bytes())].concat();
    raw.send(&both).await;
    assert_eq!(raw.response().await.unwrap().code(), 0);
    let told = raw.response().await.unwrap();
    assert_eq!((told.tag, told.code()), (0x78, 2));
    assert!(raw.response().await.is_none());
}
