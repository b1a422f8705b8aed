//! What was registered when that was last taken note of, and what of it is granted no more.

use super::{registry::Rights, revoked::AllOf};
use edgeapp_core::{
    principal::{Owner, Role},
    token::identity_of,
};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};

/// The registry as it was taken note of last: what the tokens can hold that are about.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub enum Registered {
    /// What each client could have.
    Rights(BTreeMap<Owner, Rights>),
    /// The names of clients in their tokens: all that earlier versions took note of.
    Names(BTreeSet<String>),
}

impl Default for Registered {
    fn default() -> Self {
        Self::Rights(BTreeMap::new())
    }
}

/// A client that was registered when that was last taken note of.
pub struct Before {
    /// Its name in tokens.
    pub client_id: String,
    /// What it could have; not known where an earlier version took note.
    pub rights: Option<Rights>,
}

impl Before {
    /// One whose rights are known.
    pub fn of(rights: Rights) -> Self {
        Self {
            client_id: rights.client_id.clone(),
            rights: Some(rights),
        }
    }

    /// All that it has.
    pub fn all(self) -> AllOf {
        AllOf {
            client_id: self.client_id,
            audiences: self.rights.map(|rights| rights.audiences),
        }
    }
}

impl Registered {
    /// By identity. A name of an earlier version stands for a client of each role that could have it.
    pub fn clients(self) -> BTreeMap<Owner, Before> {
        match self {
            Self::Rights(rights) => rights
                .into_iter()
                .map(|(owner, rights)| (owner, Before::of(rights)))
                .collect(),
            Self::Names(names) => names
                .iter()
                .flat_map(|name| of_any_role(name).map(|owner| (owner, name.clone())))
                .map(|(owner, client_id)| {
                    let before = Before {
                        client_id,
                        rights: None,
                    };
                    (owner, before)
                })
                .collect(),
        }
    }
}

/// The clients that a name in tokens can stand for, whatever they have to do with the registry.
pub fn of_any_role(name: &str) -> impl Iterator<Item = Owner> + '_ {
    let is_uri = name.starts_with("urn:edgeapp:");
    let roles = [Role::Eec, Role::Eas, Role::Ees];
    roles
        .into_iter()
        .filter(move |role| is_uri == (*role == Role::Eas))
        .filter_map(|role| identity_of(role, name))
}

/// Whether these are the clients of the registry, with these rights.
pub fn are(noted: &BTreeMap<Owner, Before>, rights: &BTreeMap<Owner, Rights>) -> bool {
    let is_there = |(owner, before): (&Owner, &Before)| {
        before
            .rights
            .as_ref()
            .is_some_and(|before| rights.get(owner) == Some(before))
    };
    noted.len() == rights.len() && noted.iter().all(is_there)
}

/// The clients whose tokens may hold more than they may have now. `noted` is what was taken note of last, by whichever replica; `issued_by` what
/// this one issued by since then.
pub fn exceeding(
    noted: BTreeMap<Owner, Before>,
    issued_by: Vec<BTreeMap<Owner, Rights>>,
    rights: &BTreeMap<Owner, Rights>,
) -> BTreeMap<Owner, AllOf> {
    let issued_by = issued_by.into_iter().flatten();
    let issued_by = issued_by.map(|(owner, rights)| (owner, Before::of(rights)));
    let named: BTreeSet<&str> = rights.values().map(|rights| rights.client_id.as_str()).collect();
    let mut gone: BTreeMap<Owner, AllOf> = BTreeMap::new();
    for (owner, before) in noted.into_iter().chain(issued_by) {
        let exceeds = match (&before.rights, rights.get(&owner)) {
            (Some(before), Some(now)) => before.exceed(now),
            (Some(_), None) => true,
            // Nothing but the name is known: as long as a client has it, that is the one.
            (None, _) => !named.contains(before.client_id.as_str()),
        };
        if exceeds {
            let all = before.all();
            let all = match gone.remove(&owner) {
                Some(other) => all.and_for(other.audiences.as_ref()),
                None => all,
            };
            gone.insert(owner, all);
        }
    }
    gone
}
