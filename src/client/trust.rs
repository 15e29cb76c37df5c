//! Whom a client of TLS believes: one server, by the certificate that it was started with.

use std::fmt;
use std::sync::Arc;

use tokio_rustls::rustls::client::Resumption;
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

/// How many sessions a client knows that it could resume.
const SESSIONS: usize = 4;

/// A client's side of TLS.
#[derive(Clone)]
pub struct Trust {
    config: Arc<ClientConfig>,
}

impl Trust {
    /// In the server that has this certificate (DER), and in no other.
    ///
    /// # Errors
    /// Where that is no certificate.
    pub fn new(certificate: &[u8]) -> Result<Self, tokio_rustls::rustls::Error> {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from(certificate.to_vec()))?;
        Self::in_roots(roots)
    }

    /// In no server: for a client that speaks no TLS.
    pub(super) fn nobody() -> Result<Self, tokio_rustls::rustls::Error> {
        Self::in_roots(RootCertStore::empty())
    }

    fn in_roots(roots: RootCertStore) -> Result<Self, tokio_rustls::rustls::Error> {
        let mut config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        // The only one that is spoken here (RFC 7301).
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self { config: Arc::new(config) })
    }

    /// The same for one more client, which resumes no sessions but its own.
    pub(super) fn of_its_own(&self) -> Self {
        let mut config = (*self.config).clone();
        config.resumption = Resumption::in_memory_sessions(SESSIONS);
        Self { config: Arc::new(config) }
    }

    /// For a library that shakes hands itself.
    pub(super) fn config(&self) -> &Arc<ClientConfig> {
        &self.config
    }
}

impl fmt::Debug for Trust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Trust").finish_non_exhaustive()
    }
}
