//! Names of EASs, and to whom a name leads a client: what DNS asks (TS 23.548 clause 6.2, TS 23.558 clause 8.5).
//!
//! A registration says where an EAS is by a name, by addresses or by a URI, never by several of them. So an application has a *service
//! name*, which all its instances share, and an instance that is at a host of its own has that name too. Which EAS a name leads to is
//! decided by the selection that answers Eees_EASDiscovery: [`Sought::selection`] is the request that would find it.

mod naming;

pub use naming::{Named, Naming, Reach};

use crate::{
    acr::record::{Acr, PREFIX, Transfer},
    selection::{self, EasIndex, Entry, Selection, Snapshot, next_change},
    whereabouts::KnownPlaces,
};
use edgeapp_core::{
    area::Position,
    clock::Clock,
    kept::Kept,
    principal::Principal,
    room::Room,
    store::{Key, Span},
};
use edgeapp_openapi::{
    acr_status_update::ActResult,
    common::{DateTime, TimeWindow},
    eas_discovery::EasCharacteristics,
    eas_registration::EndPoint,
    ids::{Dnai, EasId, Gpsi},
};
use jiff::SignedDuration;
use std::{
    hash::{DefaultHasher, Hash, Hasher},
    sync::Arc,
};

/// A relocation that leads a client to its target, whatever else would be best.
#[derive(Clone, Debug, PartialEq)]
pub struct InForce {
    /// The application.
    pub eas_id: EasId,
    /// The T-EAS.
    pub target: EndPoint,
    /// It has not come to its end yet.
    pub running: bool,
}

/// What a client asks for.
#[derive(Clone, Copy, Debug)]
pub struct Sought<'a> {
    /// The name: small letters, without its last dot.
    pub name: &'a str,
    /// The same for the same client: of EASs that are equally good each client is led to one, and all of them to all alike.
    pub client: &'a str,
    /// Where its traffic reaches the edge data network.
    pub dnai: Option<&'a Dnai>,
    /// Where it is.
    pub position: &'a Position,
    /// Its relocations.
    pub relocations: &'a [InForce],
}

/// The EAS that a client is led to.
#[derive(Clone, Debug, PartialEq)]
pub struct Led {
    /// How it is reached.
    pub reach: Reach,
    /// For how many seconds that is so at most.
    pub seconds: Option<u32>,
    /// Another place could lead to another EAS.
    pub by_place: bool,
    /// The client is on its way to this EAS right now.
    pub relocating: bool,
}

/// What there is under a name.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// Nothing, and nothing below it.
    Nothing,
    /// Nothing, but names below it.
    OnlyBelow,
    /// An application none of whose EASs suits the client now.
    Nobody,
    /// This EAS.
    Eas(Box<Led>),
}

impl Sought<'_> {
    /// The question that finds the EASs of an application at `now`: those that are up, for where the client is.
    pub fn selection(&self, eas_id: &EasId, now: DateTime) -> Selection {
        // A whole second, so that an EAS is not told that ends in this very instant.
        let stop_time = now.0.checked_add(SignedDuration::from_secs(1)).map_or(now, DateTime);
        Selection {
            eas_id: Some(eas_id.clone()),
            eas_chars: vec![EasCharacteristics {
                eas_sched: Some(TimeWindow {
                    start_time: now,
                    stop_time,
                }),
                ..EasCharacteristics::default()
            }],
            position: self.position.clone(),
            ..Selection::default()
        }
    }
}

/// The same number for the same client and EAS, evenly spread over all of them.
fn weight(client: &str, eas: &Key) -> u64 {
    let mut hasher = DefaultHasher::new();
    (client, eas.as_str()).hash(&mut hasher);
    hasher.finish()
}

/// Of EASs that are equally good, the one of this client: it changes for few clients when one of them comes or goes.
fn of_client<'a>(client: &str, equals: Vec<&'a Entry>) -> Option<&'a Entry> {
    equals.into_iter().max_by_key(|entry| weight(client, &entry.key))
}

fn seconds_until(end: Option<DateTime>, now: DateTime) -> Option<u32> {
    end.map(|end| u32::try_from(end.0.duration_since(now.0).as_secs()).unwrap_or(if end > now { u32::MAX } else { 0 }))
}

/// Whether another place could lead somewhere else: there are several EASs, or the only one is not everywhere.
fn depends_on_place(instances: &[&Entry]) -> bool {
    match instances {
        [only] => only.profile().svc_area.is_some(),
        several => !several.is_empty(),
    }
}

/// Pure: what this client finds under a name.
pub fn find(known: &Snapshot, naming: &Naming, strict_area: bool, sought: &Sought<'_>, now: DateTime) -> Answer {
    let instances: Vec<&Entry> = known.of_name(sought.name).collect();
    if instances.is_empty() {
        return match known.is_above_names(sought.name) {
            true => Answer::OnlyBelow,
            false => Answer::Nothing,
        };
    }
    let mut applications: Vec<&EasId> = Vec::new();
    for entry in &instances {
        if !applications.contains(&&entry.profile().eas_id) {
            applications.push(&entry.profile().eas_id);
        }
    }
    if applications.len() > 1 {
        // The one whose name it is counts before those that share it by accident or by a host in common.
        applications.sort_by_key(|eas_id| {
            let named = naming.service_name(eas_id).is_some_and(|name| name == sought.name);
            (!named, eas_id.as_str() != sought.name)
        });
    }
    let changes = instances
        .iter()
        .filter_map(|entry| next_change(&entry.profile().scheds, now));
    let change = changes.min().and_then(|seconds| u32::try_from(seconds).ok());
    if let Some(led) = relocated(&instances, naming, sought, now) {
        return Answer::Eas(Box::new(led));
    }
    let chosen = applications.iter().find_map(|eas_id| {
        let wanted = Selection {
            strict_area,
            ..sought.selection(eas_id, now)
        };
        let best = |wanted: &Selection| {
            let mut best = selection::best(wanted, known, now);
            best.retain(|entry| entry.named.names.iter().any(|name| name == sought.name));
            // Of equals, who says that it serves this place comes before who serves any.
            if best.iter().any(|entry| entry.profile().svc_area.is_some()) {
                best.retain(|entry| entry.profile().svc_area.is_some());
            }
            of_client(sought.client, best)
        };
        // Who sits where the traffic comes out is better than anybody whose area is right.
        let there = sought.dnai.and_then(|dnai| {
            best(&Selection {
                dnai: Some(dnai.clone()),
                ..wanted.clone()
            })
        });
        there.or_else(|| best(&wanted))
    });
    let Some(chosen) = chosen else {
        return Answer::Nobody;
    };
    let expiry = seconds_until(chosen.discovered.life_time, now);
    Answer::Eas(Box::new(Led {
        reach: chosen.named.reach.clone(),
        seconds: expiry.into_iter().chain(change).min(),
        by_place: depends_on_place(&instances),
        relocating: false,
    }))
}

/// The target of a relocation of this client, if one is in force for an application of this name.
fn relocated(instances: &[&Entry], naming: &Naming, sought: &Sought<'_>, now: DateTime) -> Option<Led> {
    let in_force = sought.relocations.iter().find(|relocation| {
        instances
            .iter()
            .any(|entry| entry.profile().eas_id == relocation.eas_id)
    })?;
    let here = instances.iter().find(|entry| {
        let profile = entry.profile();
        entry.is_live(now) && profile.eas_id == in_force.eas_id && profile.end_pt == in_force.target
    });
    let reach = match here {
        Some(entry) => entry.named.reach.clone(),
        // Registered elsewhere: it is reached where the relocation says.
        None => naming.reach(&in_force.target),
    };
    reach.leads_somewhere().then(|| Led {
        reach,
        seconds: here.and_then(|entry| seconds_until(entry.discovered.life_time, now)),
        by_place: true,
        relocating: in_force.running,
    })
}

/// Pure: what a relocation says of where its client is led; `None` when it has no target yet, has failed, or is only expected.
fn in_force(acr: &Acr) -> Option<InForce> {
    let failed = match &acr.transfer {
        Transfer::GivenUp(_) => true,
        Transfer::Reported(result, _) => *result != ActResult::Successful,
        Transfer::NotAwaited | Transfer::Awaited => false,
    };
    let target = acr.t_eas.clone().filter(|_| !failed && acr.plan.is_none())?;
    Some(InForce {
        eas_id: acr.eas_id.clone(),
        target,
        running: !acr.complete,
    })
}

/// What is known of a client that showed who it is.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct KnownClient {
    /// Where it is.
    pub position: Option<Position>,
    /// Its relocations.
    pub relocations: Vec<InForce>,
}

/// Finds EASs by their names.
pub struct EasNames {
    index: Arc<EasIndex>,
    naming: Arc<Naming>,
    clock: Arc<dyn Clock>,
    room: Room,
    places: Arc<KnownPlaces>,
    strict_area: bool,
    first_serial: u32,
}

impl EasNames {
    /// Names in this index, which goes by the same naming; where clients are is looked up in `places`.
    pub fn new(
        index: Arc<EasIndex>,
        naming: Arc<Naming>,
        clock: Arc<dyn Clock>,
        room: Room,
        places: Arc<KnownPlaces>,
        strict_area: bool,
    ) -> Self {
        // After a start the numbers go on above those from before it.
        let seconds = clock.now().0.as_second().rem_euclid(i64::from(u32::MAX));
        Self {
            index,
            naming,
            clock,
            room,
            places,
            strict_area,
            first_serial: u32::try_from(seconds).unwrap_or_default(),
        }
    }

    /// What this client finds under a name now.
    pub fn find(&self, sought: &Sought<'_>) -> Answer {
        find(
            &self.index.snapshot(),
            &self.naming,
            self.strict_area,
            sought,
            self.clock.now(),
        )
    }

    /// The number of what is known.
    pub fn serial(&self) -> u32 {
        self.first_serial.wrapping_add(self.index.snapshot().changes())
    }

    /// What is known of this client: of an EEC that speaks for a UE, where that is and where its applications move.
    pub async fn known(&self, principal: &Principal) -> KnownClient {
        let Some(ue) = principal.gpsi() else {
            return KnownClient::default();
        };
        let place = self.places.of(principal, ue).await;
        let relocations = self.relocations(ue).await.unwrap_or_else(|error| {
            tracing::warn!(%error, "relocations cannot be read: a name is answered without them");
            Vec::new()
        });
        KnownClient {
            position: place.as_ref().map(Position::of_ue),
            relocations,
        }
    }

    async fn relocations(&self, ue: &Gpsi) -> Result<Vec<InForce>, edgeapp_core::error::Error> {
        let prefix = format!("{PREFIX}{}/", Key::part(ue.as_str()));
        let entries = self.room.store().range(Span::prefix(prefix)).await?.entries;
        let now = self.room.now();
        let kept = entries.iter().filter_map(|entry| Kept::<Acr>::from_entry(entry).ok());
        let mut found: Vec<InForce> = kept
            .filter(|kept| kept.is_live(now))
            .filter_map(|kept| in_force(&kept.value))
            .collect();
        // What goes on now counts before what has come to its end.
        found.sort_by_key(|relocation| !relocation.running);
        Ok(found)
    }
}

#[cfg(test)]
mod tests;
