//! What was registered when that was last taken note of, and what of it is granted no more.

use super::{registry::Rights, revoked::AllOf};
use edgeapp_core::{
    principal::{Owner, Principal, Role},
    token::{client_id, identity_of},
};
use edgeapp_openapi::ids::EesId;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// The registry as it was taken note of last, as it is kept: what the tokens can hold that are about.
#[derive(Debug, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Registered {
    /// Clients with the same rights, each of these once: there are many clients, and few kinds of them.
    Rights {
        /// Each kind.
        rights: Vec<Kind>,
    },
    /// The names of clients in their tokens: all that earlier versions took note of.
    Names(BTreeSet<String>),
}

/// Audiences and scopes.
type Same<'a> = (&'a BTreeSet<EesId>, &'a BTreeSet<String>);

/// Clients that have the same rights.
#[derive(Debug, Serialize, Deserialize)]
pub struct Kind {
    audiences: BTreeSet<EesId>,
    scopes: BTreeSet<String>,
    clients: Vec<Owner>,
}

impl Default for Registered {
    fn default() -> Self {
        Self::Rights { rights: Vec::new() }
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
    /// What these clients can have.
    pub fn of(clients: &BTreeMap<Owner, Rights>) -> Self {
        let mut kinds: BTreeMap<Same<'_>, Vec<Owner>> = BTreeMap::new();
        for (owner, rights) in clients {
            let kind = kinds.entry((&rights.audiences, &rights.scopes)).or_default();
            kind.push(owner.clone());
        }
        let of = |((audiences, scopes), clients): (Same<'_>, Vec<Owner>)| Kind {
            audiences: audiences.clone(),
            scopes: scopes.clone(),
            clients,
        };
        Self::Rights {
            rights: kinds.into_iter().map(of).collect(),
        }
    }

    /// By identity. A name of an earlier version stands for a client of each role that could have it.
    pub fn clients(self) -> BTreeMap<Owner, Before> {
        let mut clients = BTreeMap::new();
        match self {
            Self::Rights { rights } => {
                for kind in rights {
                    for owner in kind.clients {
                        let rights = Rights {
                            client_id: name_of(&owner),
                            audiences: kind.audiences.clone(),
                            scopes: kind.scopes.clone(),
                        };
                        clients.insert(owner, Before::of(rights));
                    }
                }
            }
            Self::Names(names) => {
                for client_id in names {
                    for owner in of_any_role(&client_id) {
                        let before = Before {
                            client_id: client_id.clone(),
                            rights: None,
                        };
                        clients.insert(owner, before);
                    }
                }
            }
        }
        clients
    }
}

/// The name in the tokens of a client.
fn name_of(owner: &Owner) -> String {
    let principal = Principal::from_names([owner.as_str()], []);
    principal.map_or_else(
        |_| owner.as_str().to_owned(),
        |principal| client_id(&principal).to_owned(),
    )
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_of_many_clients_is_short_and_says_the_same() {
        let rights = |client_id: &str, scope: &str| Rights {
            client_id: client_id.to_owned(),
            audiences: ["ees-a.example".parse().expect("an id")].into(),
            scopes: [scope.to_owned()].into(),
        };
        let mut clients: BTreeMap<Owner, Rights> = BTreeMap::new();
        for (n, role) in (0..300).zip([Role::Eec, Role::Ees].into_iter().cycle()) {
            let name = format!("client {n}");
            let scope = if n % 3 == 0 {
                "eees-easdiscovery"
            } else {
                "eees-eecregistration"
            };
            clients.insert(identity_of(role, &name).expect("a client"), rights(&name, scope));
        }
        let eas = "urn:edgeapp:eas:eas.chess.example#a";
        clients.insert(
            identity_of(Role::Eas, eas).expect("a client"),
            rights(eas, "eees-easregistration"),
        );
        let kept = serde_json::to_string(&Registered::of(&clients)).expect("JSON");
        assert_eq!(kept.matches("scopes").count(), 3);
        let read: Registered = serde_json::from_str(&kept).expect("as it was written");
        let noted = read.clients();
        assert!(are(&noted, &clients) && exceeding(noted, vec![clients.clone()], &clients).is_empty());
    }
}
