//! What the simulated NEF knows and decides: resources, paths, consent. Nothing here waits or sends; what has to be sent comes back as
//! [`Callback`]s, and the time is an argument.

mod location;
mod path;
mod session;

pub use path::{Change, Moment};

use super::{
    model::{Network, Target, Ue, unknown_ue},
    want::{Api, Want},
};
use edgeapp_core::error::{Cause, Error};
use edgeapp_openapi::common::DateTime;
use location::{report, seen};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// Something to be sent.
#[derive(Clone, Debug, PartialEq)]
pub struct Callback {
    /// The resource it is about.
    pub of: (Api, u64),
    /// Where it goes.
    pub to: String,
    /// What it says.
    pub body: Value,
    /// In a few words.
    pub what: String,
    /// The resource is over with it, so that it goes out although the resource is gone.
    pub last: bool,
}

/// What a UE was last told to be, to one resource.
#[derive(Clone, Debug, Default)]
struct Told {
    reports: u32,
    at: Option<DateTime>,
    seen: Option<String>,
    /// A report waits for the interval to pass.
    held: bool,
}

/// A resource of a client.
#[derive(Clone, Debug)]
pub struct Resource {
    /// The client, as it named itself in the path.
    pub scs_as: String,
    /// Its absolute URI.
    pub uri: String,
    /// Its representation.
    pub body: Value,
    /// What of it the simulation acts on.
    pub want: Want,
    told: BTreeMap<String, Told>,
}

impl Resource {
    /// How many reports went out.
    pub fn reports(&self) -> u32 {
        self.told.values().map(|told| told.reports).sum()
    }
}

/// What became of a request to create.
#[derive(Clone, Debug, PartialEq)]
pub enum Made {
    /// One answer was all that was wanted.
    Answer(Value),
    /// A resource.
    Resource(u64),
}

/// All that is known.
#[derive(Debug, Default)]
pub struct State {
    /// Cells and UEs.
    pub network: Network,
    resources: BTreeMap<(Api, u64), Resource>,
    paths: BTreeMap<(String, String), String>,
    /// External identifiers and numbers whose users took back their consent.
    revoked: BTreeSet<String>,
    last: u64,
}

impl State {
    /// Nobody asked for anything yet.
    pub fn new(network: Network) -> Self {
        Self {
            network,
            ..Self::default()
        }
    }

    /// Creates a resource under `at`, or answers at once.
    ///
    /// # Errors
    /// 400 for a body against the rules, 403 without consent, 404 when no UE is meant.
    pub fn create(&mut self, api: Api, scs_as: &str, at: &str, body: Value, now: DateTime) -> Result<Made, Error> {
        let want = Want::read(api, &body, now)?;
        self.check_targets(&want)?;
        if let Want::Watch(watch) = &want
            && watch.is_one_shot()
        {
            return self.located(watch, now).map(Made::Answer);
        }
        self.last += 1;
        let id = self.last;
        let resource = Resource {
            scs_as: scs_as.to_owned(),
            uri: format!("{at}/{id}"),
            body,
            want,
            told: BTreeMap::new(),
        };
        self.resources.insert((api, id), resource);
        self.settle(api, id, now);
        Ok(Made::Resource(id))
    }

    /// Gives a resource another representation.
    ///
    /// # Errors
    /// As [`State::create`]; 403 when a member would change that never does.
    pub fn replace(&mut self, api: Api, id: u64, body: Value, now: DateTime) -> Result<(), Error> {
        let want = Want::read(api, &body, now)?;
        self.check_targets(&want)?;
        let Some(resource) = self.resources.get_mut(&(api, id)) else {
            return Err(Error::subscription_not_found());
        };
        let fixed: &[&str] = match api {
            Api::Influence => &[
                "afAppId",
                "gpsi",
                "externalGroupId",
                "anyUeInd",
                "ipv4Addr",
                "ipv6Addr",
                "dnn",
                "snssai",
                "subscribedEvents",
            ],
            _ => &[],
        };
        if let Some(name) = fixed.iter().find(|name| resource.body.get(**name) != body.get(**name)) {
            return Err(Error::not_changeable(format!("/{name}")));
        }
        resource.body = body;
        resource.want = want;
        self.settle(api, id, now);
        Ok(())
    }

    /// What a resource says about itself beside what its client sent.
    fn settle(&mut self, api: Api, id: u64, now: DateTime) {
        let Some(resource) = self.resources.get_mut(&(api, id)) else {
            return;
        };
        resource.body["self"] = json!(resource.uri);
        if let Want::Watch(watch) = &resource.want
            && watch.immediate
            && let Some(ue) = self.network.meant(&watch.target).next()
            && !watch.target.is_many()
        {
            let cell = self.network.cell_of(ue);
            resource.body["monitoringEventReport"] = report(ue, cell, watch, now);
            let told = resource.told.entry(ue.gpsi.to_string()).or_default();
            told.reports += 1;
            told.at = Some(now);
            told.seen = Some(seen(cell, watch));
        }
        if let Want::Trigger(_) = &resource.want {
            resource.body["deliveryResult"] = json!("TRIGGERED");
        }
        let mut watched = Vec::new();
        if let Want::Influence(influence) = &resource.want {
            for ue in self.network.meant(&influence.target) {
                watched.push((
                    ue.gpsi.to_string(),
                    influence.traffic.clone(),
                    self.network.natural_path(ue),
                ));
            }
        }
        for (gpsi, traffic, natural) in watched {
            if let Some(natural) = natural {
                self.paths.entry((gpsi, traffic)).or_insert_with(|| natural.to_string());
            }
        }
        // Where UEs are when the watch begins is no news: it begins with the next change.
        if let Some(resource) = self.resources.get_mut(&(api, id))
            && let Want::Watch(watch) = &resource.want
        {
            for ue in self.network.meant(&watch.target) {
                let told = resource.told.entry(ue.gpsi.to_string()).or_default();
                let cell = self.network.cell_of(ue);
                told.seen.get_or_insert_with(|| seen(cell, watch));
            }
        }
    }

    fn check_targets(&self, want: &Want) -> Result<(), Error> {
        for target in want.targets() {
            let mut meant = self.network.meant(target).peekable();
            if meant.peek().is_none() && *target != Target::Any {
                return Err(unknown_ue());
            }
            if matches!(want, Want::Watch(_)) && !target.is_many() && meant.any(|ue| self.is_revoked(ue)) {
                return Err(no_consent());
            }
        }
        Ok(())
    }

    fn is_revoked(&self, ue: &Ue) -> bool {
        self.revoked.contains(&ue.named().1)
    }

    /// A resource.
    pub fn resource(&self, api: Api, id: u64) -> Option<&Resource> {
        self.resources.get(&(api, id))
    }

    /// All resources.
    pub fn resources(&self) -> impl Iterator<Item = (Api, u64, &Resource)> {
        self.resources.iter().map(|((api, id), resource)| (*api, *id, resource))
    }

    /// Removes a resource; whether it was there.
    pub fn remove(&mut self, api: Api, id: u64) -> bool {
        self.resources.remove(&(api, id)).is_some()
    }

    /// Forgets what expired.
    pub fn forget(&mut self, now: DateTime) {
        self.resources.retain(|_, resource| match &resource.want {
            Want::Watch(watch) => watch.expires.is_none_or(|at| now < at),
            _ => true,
        });
    }

    /// What is known of the way ahead of a UE, to those who subscribed to it.
    pub fn predictions(&mut self, gpsi: &str, now: DateTime) -> Vec<Callback> {
        let Some(ue) = self.network.ue(gpsi) else {
            return Vec::new();
        };
        let ahead = self.network.ahead(ue, now.0);
        if ahead.is_empty() {
            return Vec::new();
        }
        let mut callbacks = Vec::new();
        for (key, resource) in &mut self.resources {
            let Want::Prediction(wanted) = &resource.want else {
                continue;
            };
            if !wanted.targets.iter().any(|target| target.is(ue)) {
                continue;
            }
            resource.told.entry(gpsi.to_owned()).or_default().reports += 1;
            let event = json!({"analyEvent": "UE_MOBILITY", "timeStamp": now.0.to_string(), "ueMobilityInfos": ahead});
            callbacks.push(Callback {
                of: *key,
                to: wanted.to.clone(),
                body: json!({"notifId": wanted.id, "analyEventNotifs": [event]}),
                what: format!("prediction for {gpsi}"),
                last: false,
            });
        }
        callbacks
    }

    /// What became of a trigger.
    pub fn delivered(&mut self, id: u64) -> Option<Callback> {
        let resource = self.resources.get_mut(&(Api::Triggering, id))?;
        let Want::Trigger(trigger) = &resource.want else {
            return None;
        };
        let awake = self
            .network
            .meant(&trigger.target)
            .any(|ue| self.network.cell_of(ue).is_some());
        let result = if awake { "SUCCESS" } else { "FAILURE" };
        resource.body["deliveryResult"] = json!(result);
        Some(Callback {
            of: (Api::Triggering, id),
            to: trigger.to.clone(),
            body: json!({"transaction": resource.uri, "result": result}),
            what: format!("trigger: {result}"),
            last: false,
        })
    }
}

fn no_consent() -> Error {
    Error::forbidden(
        Cause::UserConsentNotGranted,
        "the user did not agree that the location is told",
    )
}
