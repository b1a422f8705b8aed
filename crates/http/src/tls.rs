//! Certificates, keys and trust: the TLS profile of TS 33.210 clause 6.2 on rustls.

use edgeapp_core::principal::{IdentityError, Principal, Role};
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, DistinguishedName, OtherError, RootCertStore, ServerConfig,
    SignatureScheme,
    client::danger::HandshakeSignatureValid,
    crypto::CryptoProvider,
    pki_types::{CertificateDer, PrivateKeyDer, UnixTime, pem::PemObject},
    server::{
        WebPkiClientVerifier,
        danger::{ClientCertVerified, ClientCertVerifier},
    },
};
use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
};
use x509_parser::{extensions::GeneralName, prelude::FromDer, prelude::X509Certificate};

/// Why certificates or keys cannot be used. Names the file, never its content.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The file cannot be read as PEM.
    #[error("{path}: {reason}")]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The parts do not fit together.
    #[error("certificate {certificate}: {reason}")]
    Mismatch {
        /// The certificate's file.
        certificate: PathBuf,
        /// What does not fit.
        reason: String,
    },
    /// The certificates that the peers must be issued by cannot be used.
    #[error("trusted certificates: {0}")]
    Trust(String),
}

impl TlsError {
    /// What to do about it, for who wrote the configuration.
    pub fn remedy(&self) -> &'static str {
        match self {
            Self::File { .. } => "name a PEM file that can be read and holds it",
            Self::Mismatch { .. } => "name a certificate of this server, with the key that belongs to it",
            Self::Trust(_) => "name a PEM file with the certificates that the callers' lead to",
        }
    }
}

fn crypto() -> Arc<CryptoProvider> {
    // Named, not taken from the process: nothing else that is linked in can change it.
    Arc::new(rustls::crypto::aws_lc_rs::default_provider())
}

/// A certificate chain with its private key, from PEM files.
pub struct Identity {
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
    certificate: PathBuf,
}

impl Identity {
    /// Reads both files.
    ///
    /// # Errors
    /// When one cannot be read or holds nothing usable.
    pub fn load(certificate: &Path, key: &Path) -> Result<Self, TlsError> {
        let chain = certificates(certificate)?;
        let key = PrivateKeyDer::from_pem_file(key).map_err(|error| TlsError::File {
            path: key.to_owned(),
            reason: format!("no private key in PEM: {error}"),
        })?;
        Ok(Self {
            chain,
            key,
            certificate: certificate.to_owned(),
        })
    }

    /// Who this certificate says we are.
    ///
    /// # Errors
    /// When it has no identity of ours.
    pub fn principal(&self) -> Result<Principal, TlsError> {
        principal_of(&self.chain[0]).map_err(|error| TlsError::Mismatch {
            certificate: self.certificate.clone(),
            reason: error.to_string(),
        })
    }

    fn mismatch(&self, error: impl ToString) -> TlsError {
        TlsError::Mismatch {
            certificate: self.certificate.clone(),
            reason: error.to_string(),
        }
    }
}

/// The certificates that peers must be issued by, from a PEM file.
#[derive(Clone)]
pub struct Trust(Arc<RootCertStore>);

impl Trust {
    /// Reads the file.
    ///
    /// # Errors
    /// When it cannot be read or holds no certificate.
    pub fn load(path: impl AsRef<Path>) -> Result<Self, TlsError> {
        let path = path.as_ref();
        let mut roots = RootCertStore::empty();
        for certificate in certificates(path)? {
            roots.add(certificate).map_err(|error| TlsError::File {
                path: path.to_owned(),
                reason: error.to_string(),
            })?;
        }
        Ok(Self(Arc::new(roots)))
    }
}

impl Trust {
    /// Whoever one of these trusts.
    pub fn union<'a>(all: impl IntoIterator<Item = &'a Trust>) -> Self {
        let mut roots = RootCertStore::empty();
        for trust in all {
            roots.extend(trust.0.roots.iter().cloned());
        }
        Self(Arc::new(roots))
    }
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let file = |reason: String| TlsError::File {
        path: path.to_owned(),
        reason,
    };
    let chain: Result<Vec<_>, _> = CertificateDer::pem_file_iter(path)
        .map_err(|error| file(error.to_string()))?
        .collect();
    let chain = chain.map_err(|error| file(error.to_string()))?;
    if chain.is_empty() {
        Err(file("no certificate in PEM".to_owned()))
    } else {
        Ok(chain)
    }
}

/// Verifies a client certificate against the roots of the role that it names: the role comes from the anchor as well as from the
/// name, so that no issuer of one role can make an identity of another.
#[derive(Debug)]
struct RoleVerifier {
    by_role: Vec<(Role, Arc<dyn ClientCertVerifier>)>,
    any: Arc<dyn ClientCertVerifier>,
}

impl ClientCertVerifier for RoleVerifier {
    // Naming the issuers would tell strangers whom we work with.
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        let refuse = |reason: String| {
            rustls::Error::InvalidCertificate(CertificateError::Other(OtherError(Arc::new(io::Error::other(reason)))))
        };
        let principal = principal_of(end_entity).map_err(|error| refuse(short(error.to_string())))?;
        meant_for_clients(end_entity).map_err(|reason| refuse(reason.to_owned()))?;
        let (_, verifier) = self
            .by_role
            .iter()
            .find(|(role, _)| *role == principal.role())
            .ok_or_else(|| refuse(format!("this listener does not serve the role {}", principal.role())))?;
        verifier.verify_client_cert(end_entity, intermediates, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.any.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.any.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.any.supported_verify_schemes()
    }
}

/// The settings of a listener: its identity, the roots of each role it serves, whether HTTP/1.1 is offered beside HTTP/2.
///
/// # Errors
/// When key and certificate do not fit, or nobody is trusted.
pub fn server_config(
    identity: &Identity,
    clients: &[(Role, Trust)],
    http1: bool,
) -> Result<Arc<ServerConfig>, TlsError> {
    let provider = crypto();
    let mut by_role: Vec<(Role, Arc<dyn ClientCertVerifier>)> = Vec::new();
    for (role, roots) in clients {
        let verifier = WebPkiClientVerifier::builder_with_provider(roots.0.clone(), provider.clone())
            .build()
            .map_err(|error| TlsError::Trust(format!("for the role {role}: {error}")))?;
        by_role.push((*role, verifier));
    }
    let any = by_role
        .first()
        .ok_or_else(|| TlsError::Trust("no role is served".to_owned()))?
        .1
        .clone();
    let builder = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
        .map_err(|error| identity.mismatch(error))?
        .with_client_cert_verifier(Arc::new(RoleVerifier { by_role, any }));
    let mut config = builder
        .with_single_cert(identity.chain.clone(), identity.key.clone_key())
        .map_err(|error| identity.mismatch(error))?;
    config.alpn_protocols = if http1 {
        vec![b"h2".to_vec(), b"http/1.1".to_vec()]
    } else {
        vec![b"h2".to_vec()]
    };
    // A resumed session would keep the old client certificate without another look at it.
    config.session_storage = Arc::new(rustls::server::NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    config.max_early_data_size = 0;
    config.require_ems = true;
    Ok(Arc::new(config))
}

/// The settings of our client: its identity and the servers it trusts.
///
/// # Errors
/// When key and certificate do not fit.
pub fn client_config(identity: &Identity, servers: &Trust) -> Result<ClientConfig, TlsError> {
    let mut config = ClientConfig::builder_with_provider(crypto())
        .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
        .map_err(|error| identity.mismatch(error))?
        .with_root_certificates(servers.0.clone())
        .with_client_auth_cert(identity.chain.clone(), identity.key.clone_key())
        .map_err(|error| identity.mismatch(error))?;
    config.require_ems = true;
    Ok(config)
}

/// Names in a certificate that nobody has verified yet are repeated in the log up to this many bytes.
const MAX_QUOTE: usize = 200;

fn short(mut text: String) -> String {
    text.truncate(text.floor_char_boundary(MAX_QUOTE));
    text
}

/// What the verifier of rustls takes for granted when a certificate does not say it: that it was issued to authenticate clients.
fn meant_for_clients(certificate: &[u8]) -> Result<(), &'static str> {
    let (_, parsed) = X509Certificate::from_der(certificate).map_err(|_| "the certificate cannot be read")?;
    let purposes = parsed
        .extended_key_usage()
        .map_err(|_| "the extended key usage cannot be read")?;
    if !purposes.is_some_and(|purposes| purposes.value.client_auth) {
        return Err("the certificate does not name client authentication among its extended key usages");
    }
    let usage = parsed.key_usage().map_err(|_| "the key usage cannot be read")?;
    if usage.is_some_and(|usage| !usage.value.digital_signature()) {
        return Err("the key of the certificate is not meant for signatures");
    }
    Ok(())
}

/// The principal that a verified certificate names.
///
/// # Errors
/// When its alternative names hold no identity, several, or one that cannot be read.
pub fn principal_of(certificate: &[u8]) -> Result<Principal, IdentityError> {
    let unreadable = || IdentityError::Malformed("certificate".to_owned());
    let (_, parsed) = X509Certificate::from_der(certificate).map_err(|_| unreadable())?;
    let names = parsed
        .subject_alternative_name()
        .map_err(|_| unreadable())?
        .ok_or(IdentityError::None)?;
    let (mut uris, mut dns_names) = (Vec::new(), Vec::new());
    for name in &names.value.general_names {
        match name {
            GeneralName::URI(uri) => uris.push(*uri),
            GeneralName::DNSName(name) => dns_names.push(*name),
            _ => {}
        }
    }
    Principal::from_names(uris, dns_names)
}
