//! Lists of revoked certificates (RFC 5280 clause 5): reading them, and how fresh they are.

use super::{certificate::Validity, error::TlsError};
use rustls::pki_types::{CertificateRevocationListDer, pem::PemObject};
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
};
use x509_parser::{
    certificate::X509Certificate, extensions::ParsedExtension, prelude::FromDer,
    revocation_list::CertificateRevocationList,
};

/// A list, read.
#[derive(Clone)]
pub(super) struct Crl {
    pub(super) der: CertificateRevocationListDer<'static>,
    pub(super) path: Arc<Path>,
    /// The name of its issuer, as it is encoded.
    issuer: Vec<u8>,
    /// Which part of the issuer's certificates it is about; empty when it is about all.
    scope: Vec<u8>,
    /// Its number, where it has one (RFC 5280 clause 5.2.3): bytes from the greatest on, without zeros before.
    number: Option<Vec<u8>>,
    pub(super) validity: Validity,
}

impl Crl {
    /// Whether another list of the same issuer about the same certificates came after this one.
    fn is_older_than(&self, other: &Self) -> bool {
        if (&self.issuer, &self.scope) != (&other.issuer, &other.scope) {
            return false;
        }
        match (&self.number, &other.number) {
            (Some(number), Some(another)) if number != another => (number.len(), number) < (another.len(), another),
            _ => self.validity.from < other.validity.from,
        }
    }
}

/// The first of these lists that is older than the one of its issuer that is in force. Taking it would let in again who was revoked since.
pub(super) fn older<'l>(lists: &'l [Crl], in_force: &[Crl]) -> Option<&'l Crl> {
    lists
        .iter()
        .find(|list| in_force.iter().any(|other| list.is_older_than(other)))
}

/// How fresh a list is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Freshness {
    /// The next one is not due for long.
    Fresh,
    /// Half of its time is over: there should be a newer one by now.
    Ageing,
    /// The next one is overdue: it says nothing any more.
    Past,
}

/// Pure: how fresh a list of this validity is.
pub(super) fn freshness(validity: Validity, now: i64) -> Freshness {
    let half = validity.from.midpoint(validity.until);
    if now > validity.until {
        Freshness::Past
    } else if now >= half {
        Freshness::Ageing
    } else {
        Freshness::Fresh
    }
}

/// The lists in a file, in PEM or DER.
pub(super) fn parse(path: &Path, bytes: &[u8]) -> Result<Vec<Crl>, TlsError> {
    let wrong = |reason: String| TlsError::Revocations {
        path: path.to_owned(),
        reason,
    };
    // DER begins with a SEQUENCE, which no text does.
    let ders = if bytes.first() == Some(&0x30) {
        vec![CertificateRevocationListDer::from(bytes.to_vec())]
    } else {
        let lists: Result<Vec<_>, _> = CertificateRevocationListDer::pem_slice_iter(bytes).collect();
        lists.map_err(|error| wrong(format!("is neither PEM nor DER: {error}")))?
    };
    if ders.is_empty() {
        return Err(wrong("holds no list of revoked certificates".to_owned()));
    }
    let shared: Arc<Path> = path.into();
    ders.into_iter().map(|der| read(der, &shared, wrong)).collect()
}

fn read(
    der: CertificateRevocationListDer<'static>,
    path: &Arc<Path>,
    wrong: impl Fn(String) -> TlsError,
) -> Result<Crl, TlsError> {
    let (issuer, scope, number, validity) = {
        let (rest, parsed) = CertificateRevocationList::from_der(&der)
            .map_err(|_| wrong("is no list of revoked certificates that can be read".to_owned()))?;
        if !rest.is_empty() {
            return Err(wrong("holds more than one list, or something behind it".to_owned()));
        }
        let next = parsed
            .next_update()
            .ok_or_else(|| wrong("does not say when the next one is due (nextUpdate)".to_owned()))?;
        let scope = parsed.extensions().iter().find(|extension| {
            matches!(
                extension.parsed_extension(),
                ParsedExtension::IssuingDistributionPoint(_)
            )
        });
        (
            parsed.issuer().as_raw().to_vec(),
            scope.map(|scope| scope.value.to_vec()).unwrap_or_default(),
            parsed.crl_number().map(|number| number.to_bytes_be()),
            Validity::of(parsed.last_update(), next),
        )
    };
    Ok(Crl {
        der,
        path: path.clone(),
        issuer,
        scope,
        number,
        validity,
    })
}

/// Of several lists of the same issuer about the same certificates the newest: a newer file may lie beside the older one.
pub(super) fn newest(all: Vec<Crl>) -> Vec<Crl> {
    let mut newest: BTreeMap<(Vec<u8>, Vec<u8>), Crl> = BTreeMap::new();
    for crl in all {
        let key = (crl.issuer.clone(), crl.scope.clone());
        match newest.get(&key) {
            Some(known) if !known.is_older_than(&crl) => {}
            _ => drop(newest.insert(key, crl)),
        }
    }
    newest.into_values().collect()
}

/// Whether these lists can do for the certificates of these roots: each root has one, and signed it. Without one everything that the
/// root issued would be refused. That a list is past its time is found in handshakes.
pub(super) fn cover(crls: &[Crl], roots: &[(PathBuf, Vec<u8>)]) -> Result<(), TlsError> {
    for (path, root) in roots {
        let Ok((_, root)) = X509Certificate::from_der(root) else {
            continue;
        };
        let mut of_root = crls
            .iter()
            .filter(|crl| crl.issuer == root.subject().as_raw())
            .peekable();
        if of_root.peek().is_none() {
            return Err(TlsError::Revocations {
                path: path.clone(),
                reason: format!("there is no list of what {} revoked", root.subject()),
            });
        }
        for crl in of_root {
            if !signed_by(crl, &root) {
                return Err(TlsError::Revocations {
                    path: crl.path.to_path_buf(),
                    reason: format!("was not signed by {}", root.subject()),
                });
            }
        }
    }
    Ok(())
}

/// Whether a list was signed by the key of this root. Which algorithm it names is looked at in handshakes: here it only matters that
/// nothing in it has been changed.
fn signed_by(crl: &Crl, root: &X509Certificate<'_>) -> bool {
    let Ok((_, list)) = CertificateRevocationList::from_der(&crl.der) else {
        return false;
    };
    let (key, signature) = (&root.public_key().subject_public_key.data, &list.signature_value.data);
    let algorithms = super::crypto().signature_verification_algorithms.all;
    algorithms.iter().any(|algorithm| {
        algorithm
            .verify_signature(key, list.tbs_cert_list.as_ref(), signature)
            .is_ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_ages_at_half_its_time() {
        let validity = Validity { from: 100, until: 200 };
        for (now, wanted) in [
            (100, Freshness::Fresh),
            (149, Freshness::Fresh),
            (150, Freshness::Ageing),
            (200, Freshness::Ageing),
            (201, Freshness::Past),
        ] {
            assert_eq!(freshness(validity, now), wanted, "{now}");
        }
    }

    #[test]
    fn the_newest_of_an_issuer_counts() {
        let crl = |issuer: &str, scope: &str, from: i64| Crl {
            der: Vec::new().into(),
            path: Path::new("list").into(),
            issuer: issuer.as_bytes().to_vec(),
            scope: scope.as_bytes().to_vec(),
            number: None,
            validity: Validity { from, until: from + 10 },
        };
        let all = vec![
            crl("a", "", 1),
            crl("a", "", 3),
            crl("a", "", 2),
            crl("b", "", 1),
            crl("b", "x", 1),
        ];
        let kept: Vec<_> = newest(all)
            .iter()
            .map(|crl| (crl.issuer.clone(), crl.validity.from))
            .collect();
        assert_eq!(kept, [(b"a".to_vec(), 3), (b"b".to_vec(), 1), (b"b".to_vec(), 1)]);
    }

    /// The number counts before the date, as a number and not as bytes; lists of others do not matter.
    ///
    /// Proves: WP-43, T-22
    #[test]
    fn a_list_is_older_by_its_number_and_then_by_its_date() {
        let crl = |issuer: &str, number: Option<&[u8]>, from: i64| Crl {
            der: Vec::new().into(),
            path: Path::new("list").into(),
            issuer: issuer.as_bytes().to_vec(),
            scope: Vec::new(),
            number: number.map(<[u8]>::to_vec),
            validity: Validity { from, until: from + 10 },
        };
        let in_force = [crl("a", Some(&[1, 0]), 50), crl("b", None, 50)];
        for (list, is_older) in [
            (crl("a", Some(&[255]), 60), true),
            (crl("a", Some(&[1, 1]), 40), false),
            (crl("a", Some(&[1, 0]), 50), false),
            (crl("a", Some(&[1, 0]), 49), true),
            (crl("a", None, 49), true),
            (crl("b", Some(&[1]), 51), false),
            (crl("b", None, 49), true),
            (crl("c", Some(&[0]), 1), false),
        ] {
            let lists = [list];
            assert_eq!(older(&lists, &in_force).is_some(), is_older, "{:?}", lists[0].number);
        }
    }

    #[test]
    fn what_is_no_list_is_refused() {
        for bytes in [
            &b""[..],
            b"no list",
            b"\x30\x03\x02\x01\x01",
            b"-----BEGIN X509 CRL-----\n!!\n-----END X509 CRL-----\n",
            b"-----BEGIN X509 CRL-----\nMAMCAQE=\n-----END X509 CRL-----\n",
        ] {
            assert!(matches!(
                parse(Path::new("list.crl"), bytes),
                Err(TlsError::Revocations { .. })
            ));
        }
    }
}
