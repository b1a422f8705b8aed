//! Who is asking: the authenticated peer, known by the names in its certificate.
//!
//! Identities are URIs `urn:edgeapp:<role>:<id>` among the subject alternative names; the common name means nothing. An EAS
//! carries its instance behind `#`, because all instances of an application share one EASID (TS 23.558 clause 7.2.4).

use edgeapp_openapi::ids::{EasId, EecId, EesId, Gpsi, ProviderId};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use serde::{Deserialize, Serialize};
use std::{fmt, net::IpAddr};

/// What an entity is in the architecture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Role {
    /// Edge Enabler Client.
    Eec,
    /// Edge Application Server.
    Eas,
    /// Edge Enabler Server.
    Ees,
    /// Edge Configuration Server.
    Ecs,
    /// A person or system that operates the servers.
    Operator,
    /// API provider in the sense of CAPIF.
    Provider,
    /// Network Exposure Function.
    Nef,
    /// CAPIF core function.
    Ccf,
    /// Session Management Function of the 5G core.
    Smf,
    /// Nobody yet: a caller without a certificate, where that is let in to get one. No certificate names this role.
    Stranger,
}

impl Role {
    /// All roles that a certificate can name.
    pub const ALL: [Role; 9] = [
        Self::Eec,
        Self::Eas,
        Self::Ees,
        Self::Ecs,
        Self::Operator,
        Self::Provider,
        Self::Nef,
        Self::Ccf,
        Self::Smf,
    ];

    /// The role as it stands in an identity URI.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Eec => "eec",
            Self::Eas => "eas",
            Self::Ees => "ees",
            Self::Ecs => "ecs",
            Self::Operator => "operator",
            Self::Provider => "provider",
            Self::Nef => "nef",
            Self::Ccf => "ccf",
            Self::Smf => "smf",
            Self::Stranger => "stranger",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The principal that created a resource: its identity URI.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Owner(String);

impl Owner {
    /// The identity URI of this role and name, written in one way however the certificate wrote it.
    pub(crate) fn new(role: Role, name: &str) -> Self {
        const KEEP: &AsciiSet = &NON_ALPHANUMERIC
            .remove(b'-')
            .remove(b'_')
            .remove(b'.')
            .remove(b'~')
            .remove(b':')
            .remove(b'@')
            .remove(b'#');
        Self(format!("urn:edgeapp:{role}:{}", utf8_percent_encode(name, KEEP)))
    }

    /// The owner of what an EES keeps for this EEC without the EEC having asked itself.
    pub fn eec(id: &EecId) -> Self {
        Self::new(Role::Eec, id.as_str())
    }

    /// The owner of what an EES keeps on its own account.
    pub fn ees(id: &EesId) -> Self {
        Self::new(Role::Ees, id.as_str())
    }

    /// The owner of what an ECS does on its own account.
    pub fn ecs(id: &str) -> Self {
        Self::new(Role::Ecs, id)
    }

    /// The identity URI.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// An authenticated peer.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Principal {
    role: Role,
    id: String,
    owner: Owner,
    gpsi: Option<Gpsi>,
    provider: Option<ProviderId>,
    dns_names: Vec<String>,
}

/// Why the names of a certificate are no identity.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IdentityError {
    /// There is no `urn:edgeapp:<role>:<id>` URI.
    #[error("the certificate has no urn:edgeapp:<role>:<id> among its alternative names")]
    None,
    /// There are several.
    #[error("the certificate has more than one urn:edgeapp:<role>:<id> identity")]
    Several,
    /// The URI cannot be read.
    #[error("the identity {0:?} in the certificate cannot be read")]
    Malformed(String),
}

impl Principal {
    /// The principal behind the URI and DNS names of a verified certificate.
    ///
    /// ```
    /// # use edgeapp_core::principal::{Principal, Role};
    /// let uris = ["urn:edgeapp:eas:eas.chess.example#a1", "urn:edgeapp:asp:chess-inc"];
    /// let eas = Principal::from_names(uris, ["chess.edge-a.example"])?;
    /// assert_eq!((eas.role(), eas.id()), (Role::Eas, "eas.chess.example"));
    /// assert!(Principal::from_names(["urn:edgeapp:eec:1", "urn:edgeapp:eec:2"], [] as [&str; 0]).is_err());
    /// # Ok::<(), edgeapp_core::principal::IdentityError>(())
    /// ```
    ///
    /// # Errors
    /// When there is no identity, more than one, or one that cannot be read.
    pub fn from_names<'a>(
        uris: impl IntoIterator<Item = &'a str>,
        dns_names: impl IntoIterator<Item = &'a str>,
    ) -> Result<Self, IdentityError> {
        let (mut identity, mut gpsi, mut provider) = (None, None, None);
        for uri in uris {
            let Some(rest) = uri.strip_prefix("urn:edgeapp:") else {
                continue;
            };
            let malformed = || IdentityError::Malformed(uri.to_owned());
            // A URI is ASCII; what is not is a name that looks like another one.
            if !uri.bytes().all(|byte| byte.is_ascii_graphic()) {
                return Err(malformed());
            }
            let (kind, raw) = rest.split_once(':').ok_or_else(malformed)?;
            let name = percent_decode_str(raw).decode_utf8().map_err(|_| malformed())?;
            match kind {
                "gpsi" if gpsi.is_none() => gpsi = Some(name.parse().map_err(|_| malformed())?),
                "asp" if provider.is_none() => provider = Some(name.parse().map_err(|_| malformed())?),
                "gpsi" | "asp" => return Err(malformed()),
                _ => {
                    let role = Role::ALL
                        .into_iter()
                        .find(|role| role.as_str() == kind)
                        .ok_or_else(malformed)?;
                    let id = if role == Role::Eas {
                        name.split('#').next().unwrap_or_default()
                    } else {
                        &name
                    };
                    id.parse::<EecId>().map_err(|_| malformed())?;
                    if identity
                        .replace((role, id.to_owned(), Owner::new(role, &name)))
                        .is_some()
                    {
                        return Err(IdentityError::Several);
                    }
                }
            }
        }
        let (role, id, owner) = identity.ok_or(IdentityError::None)?;
        let mut names = Vec::new();
        for name in dns_names {
            // One name, of one host: no wildcard, and nothing that would look like another name to somebody else.
            if name.is_empty()
                || !name
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte))
            {
                return Err(IdentityError::Malformed(name.to_owned()));
            }
            names.push(name.to_ascii_lowercase());
        }
        Ok(Self {
            role,
            id,
            owner,
            gpsi,
            provider,
            dns_names: names,
        })
    }

    /// Somebody at this address who proved nothing.
    pub fn stranger(address: IpAddr) -> Self {
        let id = address.to_canonical().to_string();
        Self {
            role: Role::Stranger,
            owner: Owner::new(Role::Stranger, &id),
            id,
            gpsi: None,
            provider: None,
            dns_names: Vec::new(),
        }
    }

    /// What it is.
    pub fn role(&self) -> Role {
        self.role
    }

    /// Its identifier: EECID, EASID, EESID… according to the role.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The key under which it owns what it creates.
    pub fn owner(&self) -> &Owner {
        &self.owner
    }

    /// The UE identifier that the issuer of the certificate vouched for.
    pub fn gpsi(&self) -> Option<&Gpsi> {
        self.gpsi.as_ref()
    }

    /// The provider it belongs to, where the certificate says so.
    pub fn provider(&self) -> Option<&ProviderId> {
        self.provider.as_ref()
    }

    /// Its DNS names, in lower case.
    pub fn dns_names(&self) -> &[String] {
        &self.dns_names
    }

    /// Whether this host is one of its DNS names.
    pub fn has_name(&self, host: &str) -> bool {
        let host = host.strip_suffix('.').unwrap_or(host);
        self.dns_names.iter().any(|own| own.eq_ignore_ascii_case(host))
    }

    /// Whether it is the EEC of this id.
    pub fn is_eec(&self, id: &EecId) -> bool {
        self.role == Role::Eec && self.id == id.as_str()
    }

    /// Whether it is an instance of the EAS of this id.
    pub fn is_eas(&self, id: &EasId) -> bool {
        self.role == Role::Eas && self.id == id.as_str()
    }

    /// Whether it is the EES of this id.
    pub fn is_ees(&self, id: &EesId) -> bool {
        self.role == Role::Ees && self.id == id.as_str()
    }

    /// Whether the UE identifier is one it proved.
    pub fn proved_ue(&self, ue: &Gpsi) -> bool {
        self.gpsi.as_ref() == Some(ue)
    }
}

impl fmt::Display for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.owner.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(uris: &[&str], dns_names: &[&str]) -> Result<Principal, IdentityError> {
        Principal::from_names(uris.iter().copied(), dns_names.iter().copied())
    }

    #[test]
    fn one_identity_and_no_more() {
        assert_eq!(named(&[], &["ees.example"]), Err(IdentityError::None));
        assert_eq!(
            named(&["urn:edgeapp:eec:a", "urn:edgeapp:ees:b"], &[]),
            Err(IdentityError::Several)
        );
        let twice = ["urn:edgeapp:eec:a", "urn:edgeapp:eec:a"];
        assert_eq!(named(&twice, &[]), Err(IdentityError::Several));
    }

    #[test]
    fn names_that_look_like_others_are_refused() {
        for uri in [
            "urn:edgeapp:eec:",
            "urn:edgeapp:eec",
            "urn:edgeapp:queen:a",
            "urn:edgeapp:stranger:a",
            "urn:edgeapp:eec:a\0b",
            "urn:edgeapp:eec:a%00b",
            "urn:edgeapp:eec:a%0d%0ab",
            "urn:edgeapp:eec:\u{0430}",
            "urn:edgeapp:eec:a b",
            "urn:edgeapp:eec:%ff",
        ] {
            assert!(
                matches!(named(&[uri], &[]), Err(IdentityError::Malformed(_))),
                "{uri:?}"
            );
        }
        for name in [
            "*.ees.example",
            "ees.example\0.evil.example",
            "e\u{0435}s.example",
            "",
            "a/b",
        ] {
            let refused = named(&["urn:edgeapp:ees:ees.example"], &[name]);
            assert!(matches!(refused, Err(IdentityError::Malformed(_))), "{name:?}");
        }
    }

    #[test]
    fn an_identity_is_written_in_one_way_however_it_came() {
        let owner = |uri| named(&[uri], &["EES.Example"]).map(|principal| principal.owner().clone());
        assert_eq!(owner("urn:edgeapp:eec:a%2Fb"), owner("urn:edgeapp:eec:a/b"));
        assert_ne!(owner("urn:edgeapp:eec:a%252Fb"), owner("urn:edgeapp:eec:a%2Fb"));
        assert_ne!(owner("urn:edgeapp:eec:A"), owner("urn:edgeapp:eec:a"));
        let principal = named(&["urn:edgeapp:ees:a"], &["EES.Example"]).expect("an identity");
        assert_eq!(principal.dns_names(), ["ees.example"]);
    }
}
