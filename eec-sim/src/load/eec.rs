//! One UE of many: what its EEC knows between two conversations, and how it talks.

use super::{
    ground::{AC, cell},
    wish::Wish,
};
use crate::{
    call::{Caller, Failed, PATIENCE, client, url_of},
    configuration::Tai,
    edge1, edge4,
    pki::CHESS,
    record::{Part, Recorder, Watcher},
    scenario::Scenario,
    world::{
        callbacks::Callbacks,
        eas::{Answered, Application, Numbered},
        tracks::{Track, Tracks},
    },
};
use axum::http::Method;
use edgeapp_http::{
    client::HttpClient,
    tls::{Identity, TlsError, Trust},
};
use edgeapp_openapi::{
    eas_discovery::EasDiscoveryReq, eas_registration::EndPoint, eec_registration::EecRegistration, ids::EesId,
    service_provisioning::EesInfo,
};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

/// How long the application waits for a reply before it counts the request as lost.
pub(super) const LOST_AFTER: Duration = Duration::from_secs(5);

/// Why a UE does not go on.
#[derive(Debug)]
pub(super) struct Stuck(pub(super) String);

impl From<Failed> for Stuck {
    fn from(failed: Failed) -> Self {
        Self(failed.to_string())
    }
}

impl From<String> for Stuck {
    fn from(reason: String) -> Self {
        Self(reason)
    }
}

impl From<TlsError> for Stuck {
    fn from(error: TlsError) -> Self {
        Self(error.to_string())
    }
}

/// A message of the EEC, made of its JSON form.
pub(super) fn message<T: DeserializeOwned>(value: Value) -> Result<T, String> {
    serde_json::from_value(value).map_err(|error| format!("a message cannot be made: {error}"))
}

/// Counts the messages that the simulator sends and gets.
#[derive(Default)]
pub(super) struct Counted(pub(super) AtomicU64);

impl Watcher for Counted {
    fn hear(&self, news: &crate::record::News<'_>) {
        if let crate::record::News::Message(_) = news {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// A site, as its UEs see it.
#[derive(Clone)]
pub(super) struct Seen {
    pub(super) tai: Tai,
    pub(super) ees: EesId,
}

/// What all UEs share.
pub(super) struct Common {
    pub(super) wish: Wish,
    pub(super) scenario: Arc<Scenario>,
    pub(super) ecs: String,
    pub(super) sites: Vec<Seen>,
    pub(super) tracks: Arc<Tracks>,
    pub(super) callbacks: Callbacks,
    pub(super) trusts: Trusts,
    pub(super) began: Instant,
    pub(super) counted: Arc<Counted>,
    pub(super) recorder: Arc<Recorder>,
}

/// Whom an EEC trusts in which role.
pub(super) struct Trusts {
    pub(super) ecs: Trust,
    pub(super) ees: Trust,
    pub(super) eas: Trust,
}

/// What an EEC has at a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Held {
    pub(super) root: String,
    pub(super) subscription: bool,
    pub(super) id: String,
}

/// Where an EES is.
#[derive(Clone, Debug)]
pub(super) struct AtEes {
    pub(super) id: EesId,
    pub(super) end_pt: EndPoint,
}

impl AtEes {
    pub(super) fn of(info: EesInfo) -> Result<Self, String> {
        let end_pt = info
            .end_pt
            .ok_or_else(|| format!("nobody told where {} is", info.ees_id))?;
        Ok(Self {
            id: info.ees_id,
            end_pt,
        })
    }

    pub(super) fn root(&self) -> String {
        url_of(&self.end_pt)
    }
}

/// What a UE has where it is served.
#[derive(Clone, Debug)]
pub(super) struct Home {
    pub(super) ees: AtEes,
    pub(super) context: String,
    /// The application server.
    pub(super) eas: EndPoint,
}

/// A UE: all that is kept of it between two conversations.
pub(super) struct Ue {
    pub(super) number: u32,
    pub(super) identity: Identity,
    pub(super) gpsi: String,
    pub(super) eec_id: String,
    pub(super) site: usize,
    /// How often it has set out.
    pub(super) set_out: u32,
    pub(super) home: Option<Home>,
    pub(super) held: Vec<Held>,
    /// Something went wrong: it stays where it is.
    pub(super) stuck: bool,
}

impl Ue {
    pub(super) fn new(number: u32, identity: Identity, site: usize) -> Self {
        Self {
            number,
            identity,
            gpsi: gpsi(number),
            eec_id: eec_id(number),
            site,
            set_out: 0,
            home: None,
            held: Vec::new(),
            stuck: false,
        }
    }

    pub(super) fn hold(&mut self, root: &str, subscription: bool, id: &str) {
        let held = Held {
            root: root.to_owned(),
            subscription,
            id: id.to_owned(),
        };
        if !self.held.contains(&held) {
            self.held.push(held);
        }
    }
}

pub(super) fn gpsi(number: u32) -> String {
    format!("msisdn-4917{number:08}")
}

pub(super) fn eec_id(number: u32) -> String {
    format!("eec-load-{number:08}")
}

/// A UE that talks: its clients, each of which trusts the authority of one role only. Connections end with it.
pub(super) struct Eec<'a> {
    pub(super) common: &'a Common,
    pub(super) eass: HttpClient,
    eess: HttpClient,
    ecs: edge4::Ecs,
}

impl<'a> Eec<'a> {
    pub(super) fn of(ue: &Ue, common: &'a Common) -> Result<Self, TlsError> {
        let to = |trust, patience| client(&ue.identity, trust, patience);
        let parts = (Part::Ue, Part::Ecs);
        let ecs = to(&common.trusts.ecs, PATIENCE)?;
        Ok(Self {
            common,
            eass: to(&common.trusts.eas, LOST_AFTER)?,
            eess: to(&common.trusts.ees, PATIENCE)?,
            ecs: edge4::Ecs(Caller::new(ecs, &common.recorder, parts, "EDGE-4", &common.ecs)),
        })
    }

    pub(super) fn ees(&self, root: &str) -> edge1::Ees {
        let parts = (Part::Ue, Part::TEes);
        edge1::Ees(Caller::new(
            self.eess.clone(),
            &self.common.recorder,
            parts,
            "EDGE-1",
            root,
        ))
    }

    pub(super) fn application(&self, ue: &Ue, eas: &EndPoint) -> Application {
        let parts = (Part::Ue, Part::SEas);
        let caller = Caller::new(self.eass.clone(), &self.common.recorder, parts, "app", &url_of(eas));
        Application::new(caller, &ue.gpsi)
    }

    pub(super) fn location(&self, site: usize) -> Value {
        let tai = self.common.sites[site].tai.on_the_wire();
        let ncgi = json!({"plmnId": tai.plmn_id, "nrCellId": cell(site)});
        json!({"userLocation": {"nrLocation": {"tai": tai, "ncgi": ncgi}}})
    }

    fn ac_profiles(&self) -> Value {
        json!([{"acId": AC, "acSvcContSupp": [self.common.scenario.acr], "eass": [{"easId": CHESS}]}])
    }

    /// Asks the ECS which EES is in charge at a site.
    pub(super) async fn provision(&self, ue: &Ue, site: usize) -> Result<AtEes, Stuck> {
        let request = message(json!({
            "eecId": ue.eec_id, "ueId": ue.gpsi, "acProfs": self.ac_profiles(),
            "eecSvcContSupp": [self.common.scenario.acr], "locInf": self.location(site),
        }))?;
        let found = self.ecs.service_provisioning(&request).await?;
        let info = found.and_then(|found| found.edn_cnfg_info.into_iter().next()?.eess.into_iter().next());
        let wanted = &self.common.sites[site].ees;
        match info {
            Some(info) if info.ees_id == *wanted => Ok(AtEes::of(info)?),
            Some(info) => Err(Stuck(format!(
                "the ECS named {} where {wanted} is in charge",
                info.ees_id
            ))),
            None => Err(Stuck(format!("the ECS named no EES where {wanted} is in charge"))),
        }
    }

    /// Registers the EEC; with the context that it left at another EES, where there is one. Answers with the id of the registration
    /// and that of the context.
    pub(super) async fn register(
        &self,
        ue: &mut Ue,
        at: &AtEes,
        left: Option<&Home>,
    ) -> Result<(String, String), Stuck> {
        let mut request = json!({
            "eecId": ue.eec_id, "ueId": ue.gpsi, "acProfs": self.ac_profiles(),
            "eecSvcContSupp": [self.common.scenario.acr], "ueMobilityReq": true, "expTime": self.common.scenario.expires_at(),
        });
        if let Some(left) = left {
            request["eecCntxId"] = json!(left.context);
            request["srcEesId"] = json!(left.ees.id);
            request["endPt"] = json!(left.ees.end_pt);
        }
        let request: EecRegistration = message(request)?;
        let root = at.root();
        let (id, made) = self.ees(&root).register(&request).await?;
        ue.hold(&root, false, &id);
        Ok((id, made.eec_cntx_id.map(|id| id.to_string()).unwrap_or_default()))
    }

    /// Asks an EES where the application runs.
    pub(super) async fn discover(&self, ue: &Ue, at: &AtEes, site: usize) -> Result<EndPoint, Stuck> {
        let acr = &self.common.scenario.acr;
        let request: EasDiscoveryReq = message(json!({
            "requestorId": {"eecId": ue.eec_id}, "ueId": ue.gpsi, "eecSvcContinuity": [acr], "locInf": self.location(site),
            "easDiscoveryFilter": {"easChars": [{"easId": CHESS, "easSvcContinuity": [acr]}]},
        }))?;
        let found = self.ees(&at.root()).discover(&request).await?.discovered_eas;
        let eas = found
            .into_iter()
            .find(|found| found.eas.eas_id.as_str() == CHESS && found.eas.supports(acr));
        Ok(eas.ok_or_else(|| format!("{} found no EAS", at.id))?.eas.end_pt)
    }

    /// Subscribes to what it has to hear of its relocations.
    pub(super) async fn subscribe(&self, ue: &mut Ue, at: &AtEes) -> Result<(), Stuck> {
        let events: &[&str] = match self.common.wish.way {
            super::Way::B => &["ACR_COMPLETE"],
            super::Way::D => &["TARGET_INFORMATION", "ACR_COMPLETE"],
            super::Way::None => &[],
        };
        let root = at.root();
        for event in events {
            let request = message(json!({
                "eecId": ue.eec_id, "ueId": ue.gpsi, "easIds": [CHESS], "acIds": [AC], "eventIds": event,
                "notificationDestination": self.common.callbacks.destination_of(&ue.gpsi),
                "expTime": self.common.scenario.expires_at(),
            }))?;
            let id = self.ees(&root).subscribe(&request).await?;
            ue.hold(&root, true, &id);
        }
        Ok(())
    }

    /// Settles at a site for the first time: registered, subscribed, and served by the application.
    pub(super) async fn settle(&self, ue: &mut Ue) -> Result<(), Stuck> {
        let common = self.common;
        let site = ue.site;
        let ees = self.provision(ue, site).await?;
        let (_, context) = self.register(ue, &ees, None).await?;
        let eas = self.discover(ue, &ees, site).await?;
        self.subscribe(ue, &ees).await?;
        if common.wish.way.relocates() {
            let instance = super::ground::instance(site);
            let track = Track::new(
                (&ue.gpsi, AC),
                (&instance, ees.id.as_str()),
                None,
                common.fresh_recorder(),
            );
            common.tracks.begin(CHESS, track);
            let url = format!("{}/sessions/{}/requests", url_of(&eas), crate::call::segment(&ue.gpsi));
            let request = Numbered {
                number: 0,
                ac: AC.to_owned(),
            };
            let answered = self.eass.call(Method::POST, &url, Some(&request)).await;
            let answered = answered.and_then(|answer| answer.json::<Answered>());
            let answered = answered.map_err(|error| format!("the application is not served: {error}"))?;
            if answered.instance != instance {
                return Err(Stuck(format!("{} answers where {instance} has to", answered.instance)));
            }
        }
        ue.home = Some(Home { ees, context, eas });
        Ok(())
    }

    /// Ends what it has at a server, and looks whether it is gone. Whether it was there until then, and is not any more.
    async fn end(&self, held: &Held) -> Result<bool, Failed> {
        let ees = self.ees(&held.root);
        let was_gone = async || {
            let ended = match held.subscription {
                true => ees.unsubscribe(&held.id).await,
                false => ees.deregister(&held.id).await,
            };
            match ended {
                Ok(()) => Ok(false),
                Err(failed) if failed.error.status().is_some_and(|status| status == 404) => Ok(true),
                Err(failed) => Err(failed),
            }
        };
        Ok(!was_gone().await? && was_gone().await?)
    }

    /// Ends all that it has at an EES, or everywhere. Answers with how much of it was not there any more, or did not go.
    pub(super) async fn let_go(&self, ue: &mut Ue, root: Option<&str>) -> Result<usize, Stuck> {
        let (going, staying): (Vec<_>, Vec<_>) = std::mem::take(&mut ue.held)
            .into_iter()
            .partition(|held| root.is_none_or(|root| held.root == root));
        ue.held = staying;
        let mut wrong = 0;
        let mut failed = None;
        // Subscriptions first: an EES may end those of an EEC that has left.
        for subscription in [true, false] {
            for held in going.iter().filter(|held| held.subscription == subscription) {
                match self.end(held).await {
                    Ok(good) => wrong += usize::from(!good),
                    Err(error) => {
                        ue.held.push(held.clone());
                        failed = Some(error);
                    }
                }
            }
        }
        match failed {
            Some(error) => Err(error.into()),
            None => Ok(wrong),
        }
    }

    /// Leaves for good: the application's context, subscriptions and the registration.
    pub(super) async fn leave(&self, ue: &mut Ue) -> Result<usize, Stuck> {
        if let Some(home) = ue.home.take()
            && self.common.wish.way.relocates()
        {
            self.application(ue, &home.eas).leave().await?;
        }
        self.let_go(ue, None).await
    }
}

impl Common {
    /// A recorder of one relocation: its milestones only.
    pub(super) fn fresh_recorder(&self) -> Arc<Recorder> {
        Recorder::brief(self.began, self.counted.clone())
    }
}
