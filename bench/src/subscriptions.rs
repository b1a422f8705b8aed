//! What it costs to find whom one event concerns, among few subscriptions and among many. The same number of them match on both sides,
//! so the ratio says what the others cost that do not.
//!
//! Three kinds stand for the ways in which subscriptions are found: those to EAS discovery and to application clients are filed in
//! memory under what they match, those to relocations lie together in the store by EEC.

use crate::{Failure, Report, arguments::Subscriptions, comparison::median, say};
use async_trait::async_trait;
use edgeapp_core::{
    clock::{Clock, SystemClock},
    collection::Resource,
    consent::{Consent, Purpose, Withdrawal},
    follow::Follower,
    kept::Kept,
    network::NoCoreNetwork,
    principal::Principal,
    room::Room,
    store::{Commit, Key, Store},
};
use edgeapp_ees_domain::{
    Ees,
    ac_information::{
        known::{AcsKnown, KnownBy},
        reports::{self, AcReports},
        terms,
    },
    acr_events::{self, AcrNews},
    discovery_subscriptions::{self, FiledSubscriptions},
    ue_identifier::{IdentifierPolicy, UeIdentifierService},
};
use edgeapp_openapi::{
    acr_events::{AcrEventIds, AcrEventsSubscription},
    common::DateTime,
    eas_discovery::EasDiscoverySubscription,
    eas_registration::EasProfile,
    ids::Gpsi,
};
use edgeapp_store::RedbStore;
use serde_json::{Value, json};
use std::{
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::sync::broadcast;

/// Subscriptions put by one commit.
const PAGE: usize = 1000;
/// The application, application client and EEC that the event is about.
const CONCERNED: &str = "concerned";

/// What is measured.
#[derive(Clone, Copy, Debug)]
enum Kind {
    EasDiscovery,
    AppClients,
    Relocations,
}

impl Kind {
    const ALL: [Self; 3] = [Self::EasDiscovery, Self::AppClients, Self::Relocations];

    fn title(self) -> &'static str {
        match self {
            Self::EasDiscovery => "EAS discovery: an EAS changes",
            Self::AppClients => "application clients: an EEC registers",
            Self::Relocations => "relocations: one is complete",
        }
    }
}

/// An EES's state with so many subscriptions of each kind.
struct Side {
    subscriptions: u32,
    matches: usize,
    room: Room,
    discovery: Arc<FiledSubscriptions>,
    clients: AcReports,
    before: EasProfile,
    after: EasProfile,
    news: AcrNews,
    acs: AcsKnown,
}

/// Nobody agrees to anything.
struct Nobody(broadcast::Sender<Withdrawal>);

#[async_trait]
impl Consent for Nobody {
    async fn granted(&self, _: &Gpsi, _: Purpose) -> bool {
        false
    }

    fn withdrawals(&self) -> broadcast::Receiver<Withdrawal> {
        self.0.subscribe()
    }
}

/// The `n`th of `all` names: so many are the one that is concerned, the others are all different.
fn name(n: u32, matches: u32) -> String {
    if n < matches {
        CONCERNED.to_owned()
    } else {
        format!("other-{n}")
    }
}

fn profile(members: Value) -> Result<EasProfile, Failure> {
    let mut profile =
        json!({"easId": CONCERNED, "endPt": {"fqdn": "a.example"}, "provId": "provider-1", "acIds": [CONCERNED]});
    if let (Some(profile), Value::Object(members)) = (profile.as_object_mut(), members) {
        profile.extend(members);
    }
    Ok(serde_json::from_value(profile)?)
}

/// The subscriptions under one number, with their keys.
fn subscriptions(n: u32, matches: u32) -> Result<[(Key, bytes::Bytes); 3], Failure> {
    let name = name(n, matches);
    let owner = Principal::from_names(["urn:edgeapp:eec:subscriber"], [])?;
    let hears = format!("https://s{n}.example/hears");
    let discovery = json!({"eecId": format!("eec-{n}"), "easEventType": "EAS_AVAILABILITY_CHANGE",
        "easDiscoveryFilter": {"easChars": [{"easId": name}]}, "notificationDestination": hears});
    let clients = json!({"easId": "eas.subscriber", "acFltrs": [{"acIds": [name]}], "notificationDestination": hears});
    let relocations =
        json!({"eecId": name, "easIds": [CONCERNED], "eventIds": "ACR_COMPLETE", "notificationDestination": hears});
    let kept = |value| Kept::<Value>::new(&owner, None, value).to_bytes();
    let discovery_prefix = <EasDiscoverySubscription as Resource<Ees>>::PREFIX;
    let relocations_prefix = <AcrEventsSubscription as Resource<Ees>>::PREFIX;
    Ok([
        (Key::from(format!("{discovery_prefix}{n}")), kept(discovery)?),
        (
            Key::from(format!("{}eas.subscriber/{n}", reports::PREFIX)),
            kept(clients)?,
        ),
        (Key::from(format!("{relocations_prefix}{name}/{n}")), kept(relocations)?),
    ])
}

impl Side {
    async fn new(folder: &Path, subscriptions: u32, matches: u32) -> Result<Self, Failure> {
        let store: Arc<dyn Store> = Arc::new(RedbStore::open(folder.join(format!("{subscriptions}.redb")))?);
        let mut numbers = 0..subscriptions;
        loop {
            let page: Vec<u32> = numbers.by_ref().take(PAGE).collect();
            if page.is_empty() {
                break;
            }
            let mut commit = Commit::new();
            for n in page {
                for (key, value) in self::subscriptions(n, matches)? {
                    commit = commit.put(key, value);
                }
            }
            store.commit(commit).await?;
        }
        let registration =
            json!({"eecId": CONCERNED, "acProfs": [{"acId": CONCERNED, "acType": "game", "prefEcsps": ["ecsp-1"]}]});
        let index = json!({"registration": "r", "context": "c"});
        let owner = Principal::from_names([format!("urn:edgeapp:eec:{CONCERNED}").as_str()], [])?;
        let commit = Commit::new()
            .put(
                format!("eec/{CONCERNED}/r"),
                Kept::<Value>::new(&owner, None, registration).to_bytes()?,
            )
            .put(
                format!("eec-by-id/{CONCERNED}"),
                Kept::<Value>::new(&owner, None, index).to_bytes()?,
            );
        store.commit(commit).await?;

        let room = Room::new(store.clone(), Arc::new(SystemClock::default()));
        let discovery = Arc::new(discovery_subscriptions::filed());
        let prefix = <EasDiscoverySubscription as Resource<Ees>>::PREFIX;
        Follower::start(store.clone(), prefix, discovery.clone()).await?;
        let filed = Arc::new(terms::filed());
        let mirrored = Follower::start(store, reports::PREFIX, filed.clone()).await?;
        let consent: Arc<dyn Consent> = Arc::new(Nobody(broadcast::Sender::new(1)));
        let names = UeIdentifierService::new(
            room.clone(),
            Arc::new(NoCoreNetwork),
            consent.clone(),
            IdentifierPolicy::default(),
        );
        Ok(Self {
            subscriptions,
            matches: usize::try_from(matches)?,
            clients: AcReports::new(room.clone(), filed, mirrored, consent, Arc::new(names)),
            room,
            discovery,
            before: profile(json!({"status": "DISABLED"}))?,
            after: profile(json!({"status": "ENABLED"}))?,
            news: AcrNews {
                eec_id: CONCERNED.parse()?,
                eas_id: CONCERNED.parse()?,
                ac_id: None,
                event: AcrEventIds::AcrComplete,
            },
            acs: AcsKnown {
                eec_id: CONCERNED.parse()?,
                by: KnownBy::Registration,
            },
        })
    }

    /// Matches one event of this kind, as the outbox does; how many subscriptions it found.
    async fn matched(&self, kind: Kind) -> Result<usize, Failure> {
        Ok(match kind {
            Kind::EasDiscovery => {
                let (before, after) = (Some(&self.before), Some(&self.after));
                let candidates = self
                    .discovery
                    .candidates(&discovery_subscriptions::terms_of_change(before, after));
                let now = DateTime(SystemClock::default().now().0);
                discovery_subscriptions::notifications_for(before, after, None, &candidates, now).len()
            }
            Kind::AppClients => self.clients.known(self.acs.clone()).await?.len(),
            Kind::Relocations => acr_events::notifications(&self.room, &self.news, |told| told)
                .await?
                .len(),
        })
    }

    /// Matches again and again; what one event costs, in microseconds.
    async fn round(&self, kind: Kind, length: Duration) -> Result<f64, Failure> {
        let begun = Instant::now();
        let mut events = 0_u32;
        while begun.elapsed() < length {
            let found = self.matched(kind).await?;
            if found != self.matches {
                return Err(format!(
                    "{kind:?}: {found} of {} match instead of {}",
                    self.subscriptions, self.matches
                )
                .into());
            }
            events += 1;
        }
        Ok(begun.elapsed().as_secs_f64() * 1e6 / f64::from(events.max(1)))
    }
}

/// What was measured of one kind: microseconds per event among few and among many, for each alternation.
struct Measured {
    kind: Kind,
    alternations: Vec<(f64, f64)>,
}

impl Measured {
    fn medians(&self) -> (f64, f64, f64) {
        let of = |value: fn(&(f64, f64)) -> f64| median(self.alternations.iter().map(value));
        (of(|both| both.0), of(|both| both.1), of(|both| both.1 / both.0))
    }
}

/// Measures.
pub(crate) async fn run(arguments: &Subscriptions) -> Result<Report, Failure> {
    if arguments.few > arguments.many || arguments.matches > arguments.few {
        return Err("there are at least as many subscriptions on the side of the many as on that of the few, and as many of these as match".into());
    }
    let folder = match &arguments.folder {
        Some(folder) => tempfile::tempdir_in(folder)?,
        None => tempfile::tempdir()?,
    };
    say(&format!(
        "making {} and {} subscriptions of each kind",
        arguments.few, arguments.many
    ));
    let few_folder = tempfile::tempdir_in(folder.path())?;
    let few = Side::new(few_folder.path(), arguments.few, arguments.matches).await?;
    let many = Side::new(folder.path(), arguments.many, arguments.matches).await?;
    let length = Duration::from_millis(u64::from(arguments.milliseconds));
    let mut all = Vec::new();
    for kind in Kind::ALL {
        let mut alternations = Vec::new();
        for _ in 0..arguments.rounds {
            alternations.push((few.round(kind, length).await?, many.round(kind, length).await?));
        }
        let measured = Measured { kind, alternations };
        say(&format!("{}: ratio {:.2}", kind.title(), measured.medians().2));
        all.push(measured);
    }
    Ok(report(arguments, &all))
}

fn report(arguments: &Subscriptions, all: &[Measured]) -> Report {
    let mut table = format!(
        "Matching one event: {} of {} and of {} subscriptions match, {} alternations\n\n{:>40} {:>10} {:>10} {:>7}\n",
        arguments.matches,
        arguments.few,
        arguments.many,
        arguments.rounds,
        "microseconds per event",
        "few",
        "many",
        "ratio"
    );
    let mut kinds = Vec::new();
    for measured in all {
        let (few, many, ratio) = measured.medians();
        let title = measured.kind.title();
        table.push_str(&format!("{title:>40} {few:>10.1} {many:>10.1} {ratio:>7.2}\n"));
        kinds.push(json!({"title": title, "fewMicros": few, "manyMicros": many, "ratio": ratio}));
    }
    table.push_str("\n(medians over the alternations; ratio: many / few)\n");
    let json = json!({"few": arguments.few, "many": arguments.many, "matches": arguments.matches, "kinds": kinds});
    Report { table, json }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arguments() -> Subscriptions {
        Subscriptions {
            few: 20,
            many: 200,
            matches: 3,
            rounds: 1,
            milliseconds: 1,
            folder: None,
            json: false,
        }
    }

    /// Every kind finds as many as match on both sides: otherwise the run fails.
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn both_sides_find_those_that_match() {
        let report = run(&arguments()).await.unwrap();
        assert_eq!(report.json["kinds"].as_array().unwrap().len(), 3);
        assert!(
            report.table.contains("3 of 20 and of 200 subscriptions match"),
            "{}",
            report.table
        );
    }

    #[test]
    fn the_ratio_is_that_of_the_many_to_the_few() {
        let measured = Measured {
            kind: Kind::EasDiscovery,
            alternations: vec![(1.0, 2.0), (2.0, 3.0), (1.0, 9.0)],
        };
        assert!((measured.medians().2 - 2.0).abs() < 1e-9);
    }
}
