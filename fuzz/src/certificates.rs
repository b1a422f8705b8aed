//! Certificates as a stranger shows them before anything is verified, and lists of revoked ones as an issuer publishes them.

use crate::Target;
use edgeapp_core::principal::Role;
use edgeapp_http::tls::principal_of;
use rustls::pki_types::{CertificateRevocationListDer, pem::PemObject};
use x509_parser::{prelude::FromDer, revocation_list::CertificateRevocationList};

/// What is read before and beside the verification of rustls.
pub static TARGETS: &[Target] = &[
    Target {
        name: "certificate",
        run: certificate,
    },
    Target {
        name: "revocation-list",
        run: revocation_list,
    },
];

/// An identity has a role and a name; a refusal does not repeat the whole certificate.
fn certificate(der: &[u8]) {
    match principal_of(der) {
        Ok(principal) => {
            assert!(!principal.id().is_empty() && principal.id().len() <= 256, "{principal}");
            assert!(Role::ALL.contains(&principal.role()), "{principal}");
        }
        Err(error) => assert!(error.to_string().len() <= der.len() + 256),
    }
}

/// In PEM or DER: what is read has a time, and its entries can be walked.
fn revocation_list(bytes: &[u8]) {
    let lists = CertificateRevocationListDer::pem_slice_iter(bytes).filter_map(Result::ok);
    for der in lists.map(|list| list.to_vec()).chain([bytes.to_vec()]) {
        if let Ok((rest, list)) = CertificateRevocationList::from_der(&der) {
            assert!(rest.len() < der.len());
            let revoked = list
                .iter_revoked_certificates()
                .filter(|entry| !entry.raw_serial().is_empty());
            assert!(revoked.count() <= der.len());
            let _ = (
                list.next_update(),
                list.last_update().timestamp(),
                list.crl_number().is_some(),
            );
        }
    }
}
