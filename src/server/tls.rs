//! TLS: a certificate made at the start, which nobody has to trust, and what a client sees of it.

use std::fmt::{self, Write as _};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use rcgen::{CertificateParams, DnType, KeyPair};
use ring::digest::{SHA256, digest};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use tokio_rustls::rustls::{KeyLogFile, ServerConfig};

/// Whom the certificate names.
const NAMES: [&str; 3] = ["localhost", "127.0.0.1", "::1"];

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// How long the certificate is valid. Its clock may be a day ahead of a client's.
const VALID: Duration = Duration::from_secs(30 * DAY.as_secs());

/// What a server needs to speak TLS.
#[derive(Clone)]
pub struct Tls {
    /// Shakes hands.
    pub(super) acceptor: TlsAcceptor,
    certificate: CertificateDer<'static>,
}

/// Why there is no TLS.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The certificate could not be made.
    #[error("no certificate could be made: {0}")]
    Certificate(#[from] rcgen::Error),
    /// The certificate or the key is refused.
    #[error("TLS cannot be set up: {0}")]
    Setup(#[from] tokio_rustls::rustls::Error),
}

impl Tls {
    /// Makes a key and a certificate, signed by itself, for localhost and the loopback addresses.
    ///
    /// # Errors
    /// Where the system has no randomness.
    pub fn new() -> Result<Self, TlsError> {
        let key = KeyPair::generate()?;
        let mut params = CertificateParams::new(NAMES.map(str::to_owned))?;
        params.distinguished_name.push(DnType::CommonName, "wsdemo");
        let now = SystemTime::now();
        params.not_before = (now - DAY).into();
        params.not_after = (now + VALID).into();
        let certificate = params.self_signed(&key)?.der().clone();
        let private = PrivatePkcs8KeyDer::from(key.serialize_der());
        let mut config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(vec![certificate.clone()], private.into())?;
        // Where the environment names a file (SSLKEYLOGFILE), the keys go there, so that a capture can be read.
        config.key_log = Arc::new(KeyLogFile::new());
        // The only one that is spoken here (RFC 7301).
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self { acceptor: Arc::new(config).into(), certificate })
    }

    /// The SHA-256 of the certificate, as browsers and `openssl x509 -fingerprint` write it: `AB:CD:…`.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        let mut text = String::new();
        for (n, byte) in digest(&SHA256, &self.certificate).as_ref().iter().enumerate() {
            // Writing to a string never fails.
            let _ = write!(text, "{}{byte:02X}", if n == 0 { "" } else { ":" });
        }
        text
    }

    /// The certificate, DER.
    #[must_use]
    pub fn certificate(&self) -> &[u8] {
        &self.certificate
    }
}

/// Without the key.
impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls").field("fingerprint", &self.fingerprint()).finish()
    }
}
