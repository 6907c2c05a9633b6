//! A proxy that ends TLS in front of a server that speaks plaintext, as nginx or a load balancer does. It changes nothing
//! of what it forwards.

use std::net::SocketAddr;
use std::sync::Arc;

use playground::sandbox::Certificates;
use playground::system::MovableClock;
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tempfile::TempDir;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio_rustls::TlsAcceptor;

/// A proxy that has its address and certificate; ends when dropped.
pub(crate) struct TlsProxy {
    runtime: Runtime,
    listener: Option<TcpListener>,
    acceptor: TlsAcceptor,
    address: SocketAddr,
    certificates: Certificates,
    _folder: TempDir,
}

impl TlsProxy {
    /// Takes a free port. Connections wait until it forwards.
    pub(crate) fn bind() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let certificates = Certificates::open(folder.path(), &[], &MovableClock::default()).unwrap();
        let chain = CertificateDer::pem_file_iter(&certificates.tls.certificate).unwrap();
        let chain = chain.collect::<Result<Vec<_>, _>>().unwrap();
        let key = PrivateKeyDer::from_pem_file(&certificates.tls.key).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .unwrap();
        let runtime = Runtime::new().unwrap();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        Self { runtime, listener: Some(listener), acceptor, address, certificates, _folder: folder }
    }

    /// Forwards every connection to this server.
    pub(crate) fn forward_to(&mut self, server: SocketAddr) {
        let (listener, acceptor) = (self.listener.take().unwrap(), self.acceptor.clone());
        self.runtime.spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let acceptor = acceptor.clone();
                tokio::spawn(async move {
                    // A client that breaks off is its own matter.
                    let Ok(mut client) = acceptor.accept(client).await else { return };
                    let Ok(mut server) = TcpStream::connect(server).await else { return };
                    let _ = copy_bidirectional(&mut client, &mut server).await;
                });
            }
        });
    }

    /// The URL at which clients reach it.
    pub(crate) fn url(&self) -> String {
        format!("https://localhost:{}", self.address.port())
    }

    /// The certificate that clients must trust.
    pub(crate) fn ca_file(&self) -> &str {
        self.certificates.ca_file.to_str().unwrap()
    }
}
