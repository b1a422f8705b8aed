//! Certificates, keys and trust: the TLS profile of TS 33.210 clause 6.2 on rustls.
//!
//! A server loads all of it into a [`Keyring`], whose files are followed while it runs: listeners ([`ServerTls`]) and clients
//! ([`ClientTls`]) take for each new connection what is in force then. Programs without a configuration make settings that stay as
//! they are: [`server_config`], [`client_config`].
//!
//! | module | what it holds |
//! |---|---|
//! | `identity` | a certificate with its key |
//! | `trust` | the roots of a role |
//! | `crl` | lists of revoked certificates |
//! | `certificate` | what a certificate says, and whether it is of the right kind |
//! | `verifier` | who may call, who may be called |
//! | `handshakes` | settings of rustls: versions, suites, ALPN, no resumption |
//! | `keyring`, `reload` | all files of a server, and following them |
//! | `refusal` | why a handshake failed, as an event and in words |
//! | `settings` | `[tls]` and `[crl]` |

mod certificate;
mod crl;
#[cfg(all(test, unix))]
mod documented;
mod error;
mod handshakes;
mod identity;
mod keyring;
mod refusal;
mod reload;
mod settings;
mod trust;
mod verifier;

pub(crate) use certificate::end_of;
pub use certificate::{principal_of, thumbprint_of};
pub use error::TlsError;
pub use handshakes::{ClientCertificates, ClientTls, ServerTls, Speaks, client_config, server_config};
pub use identity::{Identity, readable_by_its_owner_only};
pub use keyring::{IdentityFiles, KeyFiles, Keyring, KeyringError};
pub use refusal::Refused;
pub(crate) use reload::Hangup;
pub use settings::{CrlFiles, TlsSettings, TlsVersion};
pub use trust::{TEST_CERTIFICATES, Trust};
pub(crate) use verifier::{Callers, noting_the_refused};

use rustls::crypto::CryptoProvider;
use std::sync::Arc;

fn crypto() -> Arc<CryptoProvider> {
    // Named, not taken from the process: nothing else that is linked in can change it.
    Arc::new(rustls::crypto::aws_lc_rs::default_provider())
}
