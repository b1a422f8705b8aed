//! Who may call, and who may be called: what the verifier of rustls looks at, and what it does not.

use super::{
    certificate::{self, Purpose, Unfit},
    error::TlsError,
    trust::Trust,
};
use edgeapp_core::principal::{IdentityError, Role};
use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, OtherError, SignatureScheme,
    client::{
        WebPkiServerVerifier,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    },
    pki_types::{CertificateDer, ServerName, UnixTime},
    server::danger::{ClientCertVerified, ClientCertVerifier},
};
use std::{cell::RefCell, sync::Arc};

/// What we refuse beyond what rustls does.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Refusal {
    /// Its names are no identity.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// Its role has no business here.
    #[error("the role {0} is not served by this listener")]
    NotServed(Role),
    /// Its role is not the one that was called.
    #[error("a server of the role {0} is not what was called")]
    NotCalled(Role),
    /// It is not of the kind that takes part.
    #[error(transparent)]
    Unfit(#[from] Unfit),
    /// The roots of its role have come to their end while we run.
    #[error("all roots of the role {0} are past their time")]
    RootsEnded(Role),
}

impl From<Refusal> for rustls::Error {
    fn from(refusal: Refusal) -> Self {
        Self::InvalidCertificate(CertificateError::Other(OtherError(Arc::new(refusal))))
    }
}

tokio::task_local! {
    /// The serial number of the certificate that the handshake of this task was refused for.
    static REFUSED: RefCell<Option<String>>;
}

/// Does a handshake, and says which certificate it was refused for, by its serial number.
pub(crate) async fn noting_the_refused<F: Future>(handshake: F) -> (F::Output, Option<String>) {
    REFUSED
        .scope(RefCell::default(), async {
            let outcome = handshake.await;
            (outcome, REFUSED.with(RefCell::take))
        })
        .await
}

fn note(end_entity: &CertificateDer<'_>) {
    if let Ok(parsed) = certificate::parse(end_entity) {
        let serial = parsed.raw_serial_as_string();
        // Outside of a handshake nobody asks.
        let _ = REFUSED.try_with(|refused| refused.replace(Some(serial)));
    }
}

/// Verifies a client certificate against the roots of the role that it names: the role comes from the anchor as well as from the
/// name, so that no issuer of one role can make an identity of another.
#[derive(Debug)]
pub(crate) struct Callers {
    by_role: Vec<OfRole<dyn ClientCertVerifier>>,
    any: Arc<dyn ClientCertVerifier>,
    /// Whether who shows no certificate is let in.
    strangers: bool,
}

#[derive(Debug)]
struct OfRole<V: ?Sized> {
    role: Role,
    roots_end: i64,
    verifier: Arc<V>,
}

impl Callers {
    pub(super) fn new(clients: &[(Role, Trust)]) -> Result<Self, TlsError> {
        let mut by_role: Vec<OfRole<dyn ClientCertVerifier>> = Vec::new();
        for (role, trust) in clients {
            by_role.push(OfRole {
                role: *role,
                roots_end: trust.ends().1,
                verifier: trust.clients()?,
            });
        }
        let any = by_role.first().map(|first| first.verifier.clone());
        let any = any.ok_or_else(|| TlsError::Trust("no role is served".to_owned()))?;
        Ok(Self {
            by_role,
            any,
            strangers: false,
        })
    }

    /// The same, letting in who shows no certificate if `strangers` says so. What certificates are shown is looked at all the same.
    pub(super) fn and_strangers(self, strangers: bool) -> Self {
        Self { strangers, ..self }
    }

    /// Whether who shows no certificate is let in.
    pub(crate) fn admits_strangers(&self) -> bool {
        self.strangers
    }

    /// Whether this chain may call, now.
    pub(crate) fn check(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<(), rustls::Error> {
        certificate::short_enough(end_entity, intermediates).map_err(Refusal::from)?;
        let parsed = certificate::parse(end_entity).map_err(Refusal::from)?;
        let principal = certificate::named_in(&parsed).map_err(|error| Refusal::from(quoting_little(error)))?;
        certificate::fit_for(&parsed, Purpose::Client).map_err(Refusal::from)?;
        let role = principal.role();
        // A role can have a second set of roots, with lists of its own or none: the first that does decides.
        let mut refused: rustls::Error = Refusal::NotServed(role).into();
        for of_role in self.by_role.iter().filter(|of_role| of_role.role == role) {
            refused = if certificate::seconds(now) > of_role.roots_end {
                Refusal::RootsEnded(role).into()
            } else {
                match of_role.verifier.verify_client_cert(end_entity, intermediates, now) {
                    Ok(_) => return Ok(()),
                    // What one authority revoked is not made good by another one that never issued it.
                    Err(error @ rustls::Error::InvalidCertificate(CertificateError::Revoked)) => return Err(error),
                    Err(error) => error,
                }
            };
        }
        Err(refused)
    }
}

/// Names in a certificate that nobody has verified yet are repeated up to this many bytes.
const MAX_QUOTE: usize = 200;

fn quoting_little(error: IdentityError) -> IdentityError {
    match error {
        IdentityError::Malformed(mut name) => {
            name.truncate(name.floor_char_boundary(MAX_QUOTE));
            IdentityError::Malformed(name)
        }
        other => other,
    }
}

impl ClientCertVerifier for Callers {
    fn client_auth_mandatory(&self) -> bool {
        !self.strangers
    }

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
        match self.check(end_entity, intermediates, now) {
            Ok(()) => Ok(ClientCertVerified::assertion()),
            Err(error) => {
                note(end_entity);
                Err(error)
            }
        }
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

/// The same, for a listener that lets callers in who show no certificate. One that is shown has to be good.
#[derive(Debug)]
pub(super) struct UnlessNone(pub(super) Arc<Callers>);

impl ClientCertVerifier for UnlessNone {
    fn client_auth_mandatory(&self) -> bool {
        false
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.0.root_hint_subjects()
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        self.0.verify_client_cert(end_entity, intermediates, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.0.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.0.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_verify_schemes()
    }
}

/// Whom a client may find at the other end. A server that names a role in its certificate has to be of one that was called, and is
/// verified against the roots of that role; one that names none may lead to the roots of any of them. Its name is verified anyway.
#[derive(Debug)]
pub(super) struct Called {
    by_role: Vec<OfRole<WebPkiServerVerifier>>,
    any_role: bool,
}

impl Called {
    /// Servers of these roles.
    pub(super) fn of_roles(servers: &[(Role, Trust)]) -> Result<Self, TlsError> {
        let mut by_role = Vec::new();
        for (role, trust) in servers {
            by_role.push(OfRole {
                role: *role,
                roots_end: trust.ends().1,
                verifier: trust.servers()?,
            });
        }
        if by_role.is_empty() {
            return Err(TlsError::Trust("no role is called".to_owned()));
        }
        Ok(Self {
            by_role,
            any_role: false,
        })
    }

    /// Servers of any role that lead to these roots.
    pub(super) fn of_any_role(servers: &Trust) -> Result<Self, TlsError> {
        let called = Self::of_roles(&[(Role::Provider, servers.clone())])?;
        Ok(Self {
            any_role: true,
            ..called
        })
    }

    fn check(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        now: UnixTime,
    ) -> Result<(), rustls::Error> {
        certificate::short_enough(end_entity, intermediates).map_err(Refusal::from)?;
        let parsed = certificate::parse(end_entity).map_err(Refusal::from)?;
        certificate::fit_for(&parsed, Purpose::Server).map_err(Refusal::from)?;
        let named = match certificate::named_in(&parsed) {
            Ok(principal) => Some(principal.role()),
            // Names of hosts may have wildcards; only an identity of ours must be one that can be read.
            Err(IdentityError::None | IdentityError::Malformed(_)) => None,
            Err(error) => return Err(Refusal::from(error).into()),
        };
        let candidates = self
            .by_role
            .iter()
            .filter(|of_role| self.any_role || named.is_none_or(|role| role == of_role.role));
        let mut refused: Option<rustls::Error> = named.map(|role| Refusal::NotCalled(role).into());
        for of_role in candidates {
            if certificate::seconds(now) > of_role.roots_end {
                refused = Some(Refusal::RootsEnded(of_role.role).into());
                continue;
            }
            match of_role
                .verifier
                .verify_server_cert(end_entity, intermediates, server_name, &[], now)
            {
                Ok(_) => return Ok(()),
                Err(error) => refused = Some(error),
            }
        }
        Err(refused.unwrap_or(rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer)))
    }

    fn any(&self) -> &WebPkiServerVerifier {
        &self.by_role[0].verifier
    }
}

impl ServerCertVerifier for Called {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        _: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        self.check(end_entity, intermediates, server_name, now)?;
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.any().verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.any().verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.any().supported_verify_schemes()
    }
}
