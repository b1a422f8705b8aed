//! The client registry: a file that an operator keeps.
//!
//! ```toml
//! [[ees]]                                # how each EES decides: by tokens, or by its local policy
//! ees_id = "ees-a.example"
//! authorization = "token"
//!
//! [[client]]
//! identity = "urn:edgeapp:eec:eec-1"     # as in the certificate of the client
//! audiences = ["ees-a.example"]          # the EESs that it may have tokens for
//! scopes = ["eees-eecregistration", "eees-easdiscovery:request"]
//! ```

use edgeapp_core::{
    principal::{Owner, Principal, Role},
    token::{LONGEST_LIFE, client_id, scope},
};
use edgeapp_openapi::ids::EesId;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// The registry as written.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    #[serde(default)]
    ees: Vec<EesRow>,
    #[serde(default)]
    client: Vec<ClientRow>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct EesRow {
    ees_id: EesId,
    authorization: Authorization,
}

/// How an EES decides what EECs may use (TS 33.558 clause 6.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Authorization {
    /// By access tokens.
    Token,
    /// By its local policy: there are no tokens for it.
    LocalPolicy,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ClientRow {
    /// Its identity URI.
    identity: String,
    /// The EESs that it may have tokens for.
    audiences: BTreeSet<EesId>,
    /// The scopes that it may have.
    scopes: Vec<String>,
    /// The scopes that it gets when it asks for none; all that it may have when not given.
    #[serde(default)]
    default_scopes: Option<Vec<String>>,
    /// How long its tokens live, in seconds; as `tokens.lifetime_seconds` says when not given.
    #[serde(default)]
    lifetime_seconds: Option<u32>,
}

/// A client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Client {
    /// Its name in tokens.
    pub id: String,
    /// The EESs that it may have tokens for.
    pub audiences: BTreeSet<EesId>,
    /// The scopes that it may have.
    pub scopes: Vec<String>,
    /// The scopes that it gets when it asks for none.
    pub default_scopes: Vec<String>,
    /// How long its tokens live, where that differs from the usual.
    pub lifetime_seconds: Option<u32>,
}

/// What the tokens of a client can hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rights {
    /// Its name in tokens.
    pub client_id: String,
    /// The EESs that it gets tokens for.
    pub audiences: BTreeSet<EesId>,
    /// The scopes that it may have.
    pub scopes: BTreeSet<String>,
}

impl Rights {
    /// Whether a token that was issued by these may hold what those do not grant.
    pub fn exceed(&self, those: &Self) -> bool {
        let granted = |wanted: &String| scope::within(wanted, those.scopes.iter().map(String::as_str));
        !self.audiences.is_subset(&those.audiences) || !self.scopes.iter().all(granted)
    }
}

/// Who may have tokens, and for whom.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Registry {
    ees: BTreeMap<EesId, Authorization>,
    clients: BTreeMap<Owner, Client>,
}

impl Registry {
    /// Reads a registry.
    ///
    /// # Errors
    /// Says where, what and the remedy.
    pub fn parse(text: &str) -> Result<Self, String> {
        let written: Written = toml::from_str(text).map_err(|error| error.to_string())?;
        let mut registry = Self::default();
        for EesRow { ees_id, authorization } in written.ees {
            if registry.ees.insert(ees_id.clone(), authorization).is_some() {
                return Err(format!("[[ees]] {ees_id} is there twice; keep one"));
            }
        }
        for row in written.client {
            let name = row.identity.clone();
            let (owner, client) = client(row, &registry.ees).map_err(|why| format!("[[client]] {name:?}: {why}"))?;
            if registry.clients.insert(owner, client).is_some() {
                return Err(format!("[[client]] {name:?} is there twice; keep one"));
            }
        }
        Ok(registry)
    }

    /// The client that proved this identity.
    pub fn client(&self, principal: &Principal) -> Option<&Client> {
        self.clients.get(principal.owner())
    }

    /// Whether there are tokens for this EES.
    pub fn wants_tokens(&self, ees: &EesId) -> bool {
        self.ees.get(ees) == Some(&Authorization::Token)
    }

    /// What each client may have now.
    pub fn rights(&self) -> BTreeMap<Owner, Rights> {
        let of = |(owner, client): (&Owner, &Client)| {
            let audiences = client.audiences.iter().filter(|ees| self.wants_tokens(ees));
            let rights = Rights {
                client_id: client.id.clone(),
                audiences: audiences.cloned().collect(),
                scopes: client.scopes.iter().cloned().collect(),
            };
            (owner.clone(), rights)
        };
        self.clients.iter().map(of).collect()
    }
}

fn client(row: ClientRow, ees: &BTreeMap<EesId, Authorization>) -> Result<(Owner, Client), String> {
    let principal = Principal::from_names([row.identity.as_str()], [])
        .map_err(|_| "is no identity; write it as the certificate has it: urn:edgeapp:eec:<EECID>".to_owned())?;
    if !matches!(principal.role(), Role::Eec | Role::Eas | Role::Ees) {
        return Err(format!(
            "the role {} calls no EES; name an eec, eas or ees",
            principal.role()
        ));
    }
    if let Some(unknown) = row.audiences.iter().find(|audience| !ees.contains_key(audience)) {
        return Err(format!(
            "the audience {unknown} is no [[ees]] above; add it there or correct it"
        ));
    }
    let default_scopes = row.default_scopes.unwrap_or_else(|| row.scopes.clone());
    if let Some(unknown) = row
        .scopes
        .iter()
        .chain(&default_scopes)
        .find(|word| !scope::is_known(word))
    {
        return Err(format!(
            "{unknown:?} is no scope; use names of APIs such as eees-easdiscovery, or operations such as eees-easdiscovery:request"
        ));
    }
    let granted = || row.scopes.iter().map(String::as_str);
    if let Some(wide) = default_scopes.iter().find(|word| !scope::within(word, granted())) {
        return Err(format!(
            "the default scope {wide} is not within its scopes; add it there"
        ));
    }
    if row.scopes.is_empty() || default_scopes.is_empty() {
        return Err("has no scopes; name some, or remove the client".to_owned());
    }
    if row
        .lifetime_seconds
        .is_some_and(|life| !(1..=LONGEST_LIFE).contains(&life))
    {
        return Err(format!("lifetime_seconds is at least 1 and at most {LONGEST_LIFE}"));
    }
    let client = Client {
        id: client_id(&principal).to_owned(),
        audiences: row.audiences,
        scopes: row.scopes,
        default_scopes,
        lifetime_seconds: row.lifetime_seconds,
    };
    Ok((principal.owner().clone(), client))
}
