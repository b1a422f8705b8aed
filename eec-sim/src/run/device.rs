//! The EEC on the UE: what it asks of which server.

use crate::{
    call::{Caller, Failed, PATIENCE, client, url_of},
    edge1, edge4,
    names::{Located, Names},
    pki::Pki,
    record::{Part, Recorder},
    scenario::{Ac, Cell, Scenario, Ue},
    tokens::Tokens,
    world::World,
};
use axum::http::Method;
use edgeapp_core::principal::Role;
use edgeapp_http::{
    client::HttpClient,
    tls::{TlsError, client_config},
};
use edgeapp_openapi::{
    eas_discovery::DiscoveredEas, eas_registration::EndPoint, eec_registration::EecRegistration, ids::EesId,
    service_provisioning::EesInfo,
};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::time::sleep;

/// How long the application waits for a reply before it counts the request as lost.
const LOST_AFTER: Duration = Duration::from_secs(1);
/// How often a relocation is asked for again of an EES that cannot be reached, and how long after the last time.
const AGAIN: u32 = 20;
const PAUSE: Duration = Duration::from_millis(500);

/// The clients of one UE; each trusts the authority of one role only.
pub(super) struct Device {
    scenario: Arc<Scenario>,
    ue: usize,
    recorder: Arc<Recorder>,
    eess: HttpClient,
    eass: HttpClient,
    ecs: edge4::Ecs,
    held: Mutex<Vec<Held>>,
    names: Names,
    /// Where each EES is asked for names.
    asked: BTreeMap<EesId, SocketAddr>,
    /// The tokens for each EES that was asked about; none for those that want none.
    tokens: tokio::sync::Mutex<BTreeMap<EesId, Option<Arc<Tokens>>>>,
}

/// What the EEC has at a server.
enum Held {
    Registration(edge1::Ees, String),
    Subscription(edge1::Ees, String),
}

/// An EES that provisioning named, and the way to it.
#[derive(Clone)]
pub(super) struct Site {
    pub(super) info: EesInfo,
    pub(super) ees: edge1::Ees,
}

/// A message of the EEC, made of its JSON form; wrong is what the scenario's values cannot be.
fn message<T: DeserializeOwned>(value: Value) -> Result<T, String> {
    serde_json::from_value(value).map_err(|error| format!("a message cannot be made of this scenario: {error}"))
}

impl Device {
    pub(super) fn new(
        scenario: &Arc<Scenario>,
        ue: usize,
        world: &World,
        recorder: &Arc<Recorder>,
    ) -> Result<Self, TlsError> {
        let identity = world.pki.files(&scenario.ue[ue].certificate).identity()?;
        let to = |pki: &Pki, role, patience| client(&identity, &pki.trust(role)?, patience);
        let ecs = to(&world.pki, Role::Ecs, PATIENCE)?;
        let ecs = edge4::Ecs(Caller::new(ecs, recorder, (Part::Ue, Part::Ecs), "EDGE-4", &world.ecs));
        Ok(Self {
            scenario: scenario.clone(),
            ue,
            recorder: recorder.clone(),
            eess: to(&world.pki, Role::Ees, PATIENCE)?,
            eass: to(&world.pki, Role::Eas, LOST_AFTER)?,
            ecs,
            held: Mutex::default(),
            names: Names::new(client_config(&identity, &world.pki.trust(Role::Ees)?)?),
            asked: world.names.clone(),
            tokens: tokio::sync::Mutex::default(),
        })
    }

    fn ue(&self) -> &Ue {
        &self.scenario.ue[self.ue]
    }

    /// The client for the application's own protocol.
    pub(super) fn application(&self) -> HttpClient {
        self.eass.clone()
    }

    /// The application's own way to a server.
    pub(super) fn application_at(
        &self,
        recorder: &Arc<Recorder>,
        part: Part,
        root: &str,
    ) -> crate::world::eas::Application {
        let caller = Caller::new(self.eass.clone(), recorder, (Part::Ue, part), "app", root);
        crate::world::eas::Application::new(caller, self.ue().gpsi.as_str())
    }

    fn location(&self, cell: &Cell) -> Value {
        let tai = cell.tai.on_the_wire();
        let ncgi = json!({"plmnId": tai.plmn_id, "nrCellId": cell.nr_cell_id});
        json!({"userLocation": {"nrLocation": {"tai": tai, "ncgi": ncgi}}})
    }

    fn ac_profiles(&self) -> Vec<Value> {
        if self.scenario.bundle.is_some() {
            // One client that uses all of them.
            let acs = self.scenario.acs_of(self.ue);
            let eass: Vec<_> = acs
                .iter()
                .map(|n| json!({"easId": self.scenario.ac[*n].eas_id}))
                .collect();
            let first = acs.first().map(|n| &self.scenario.ac[*n].ac_id);
            return vec![json!({"acId": first, "acSvcContSupp": [self.scenario.acr], "eass": eass})];
        }
        let profile = |n: usize| {
            let ac = &self.scenario.ac[n];
            json!({"acId": ac.ac_id, "acSvcContSupp": [self.scenario.acr], "eass": [{"easId": ac.eas_id}]})
        };
        self.scenario.acs_of(self.ue).into_iter().map(profile).collect()
    }

    /// Asks the ECS which EES is in charge in this cell; where nobody is told of it, it is not written down.
    pub(super) async fn provision(
        &self,
        cell: &Cell,
        told: Option<(&Arc<Recorder>, Part)>,
    ) -> Result<Option<Site>, Broken> {
        let ue = self.ue();
        let request = message(json!({
            "eecId": ue.eec_id, "ueId": ue.gpsi, "acProfs": self.ac_profiles(),
            "eecSvcContSupp": [self.scenario.acr], "locInf": self.location(cell),
        }))?;
        let ecs = match told {
            None => edge4::Ecs(self.ecs.0.quietly()),
            Some((recorder, _)) => edge4::Ecs(self.ecs.0.written_down_by(recorder)),
        };
        let found = ecs.service_provisioning(&request).await?;
        let Some(info) = found.and_then(|found| found.edn_cnfg_info.into_iter().next()?.eess.into_iter().next()) else {
            return Ok(None);
        };
        // Who only looks needs no tokens.
        let (recorder, part) = told.unwrap_or((&self.recorder, Part::TEes));
        self.site(info, recorder, part, told.is_some()).await.map(Some)
    }

    /// The way to an EES that somebody named.
    pub(super) async fn site(
        &self,
        info: EesInfo,
        recorder: &Arc<Recorder>,
        part: Part,
        with_tokens: bool,
    ) -> Result<Site, Broken> {
        let root = info
            .end_pt
            .as_ref()
            .map(url_of)
            .ok_or_else(|| format!("nobody told where {} is", info.ees_id))?;
        let tokens = match with_tokens {
            false => None,
            true => self.tokens_for(&info.ees_id).await?,
        };
        let caller = Caller::new(self.eess.clone(), recorder, (Part::Ue, part), "EDGE-1", &root).with_tokens(tokens);
        Ok(Site {
            info,
            ees: edge1::Ees(caller),
        })
    }

    /// The tokens to present to an EES, if it takes any: the ECS knows.
    async fn tokens_for(&self, ees: &EesId) -> Result<Option<Arc<Tokens>>, Broken> {
        let mut known = self.tokens.lock().await;
        if let Some(tokens) = known.get(ees) {
            return Ok(tokens.clone());
        }
        let first = Tokens::first(&self.ecs, self.ue().eec_id.as_str(), ees).await?;
        Ok(known.entry(ees.clone()).or_insert(first.map(Arc::new)).clone())
    }

    /// Registers the EEC; with a context that it left at another EES, where there is one.
    pub(super) async fn register(
        &self,
        site: &Site,
        left: Option<&Left<'_>>,
    ) -> Result<(String, EecRegistration), Broken> {
        let ue = self.ue();
        let mut request = json!({
            "eecId": ue.eec_id, "ueId": ue.gpsi, "acProfs": self.ac_profiles(), "eecSvcContSupp": [self.scenario.acr],
            "ueMobilityReq": true, "expTime": self.scenario.expires_at(),
        });
        if let Some(left) = left {
            request["eecCntxId"] = json!(left.context);
            request["srcEesId"] = json!(left.ees.ees_id);
            request["endPt"] = json!(left.ees.end_pt);
        }
        let made = site.ees.register(&message(request)?).await?;
        self.hold(Held::Registration(site.ees.clone(), made.0.clone()));
        Ok(made)
    }

    /// The name of an application, where it is found by that and by nothing else.
    pub(super) fn name_of(&self, ac: &Ac) -> Option<&str> {
        let names = &self.scenario.dns.as_ref()?.names;
        names.get(&ac.eas_id).map(String::as_str)
    }

    /// Forgets where an application was: its EAS changes.
    pub(super) fn forget(&self, ac: &Ac) {
        if let Some(name) = self.name_of(ac) {
            self.names.flush(name);
        }
    }

    /// Asks the name server of a site where the application of a name runs.
    pub(super) async fn locate(&self, site: &Site, name: &str) -> Result<Option<Located>, Broken> {
        let ees = &site.info.ees_id;
        let server = self.asked.get(ees);
        let server = server.ok_or_else(|| format!("nobody told where {ees} is asked for names"))?;
        let at = site.ees.0.now();
        let located = self.names.locate(*server, name).await;
        if !matches!(&located, Ok(Some(located)) if located.kept) {
            site.ees
                .0
                .asked_for(name, at, located.as_ref().err().map(ToString::to_string));
        }
        located.map_err(|error| Broken(format!("{name} at {ees}: {error}")))
    }

    /// Asks an EES where the application runs.
    pub(super) async fn discover(&self, site: &Site, ac: &Ac, cell: &Cell) -> Result<Option<DiscoveredEas>, Broken> {
        if let Some(name) = self.name_of(ac) {
            let located = self.locate(site, name).await?;
            let eas = |located: Located| message(json!({"eas": {"easId": ac.eas_id, "endPt": {"uri": located.root}}}));
            return Ok(located.map(eas).transpose()?);
        }
        let (ue, acr) = (self.ue(), &self.scenario.acr);
        let request = message(json!({
            "requestorId": {"eecId": ue.eec_id}, "ueId": ue.gpsi, "eecSvcContinuity": [acr], "locInf": self.location(cell),
            "easDiscoveryFilter": {"easChars": [{"easId": ac.eas_id, "easSvcContinuity": [acr]}]},
        }))?;
        let found = site.ees.discover(&request).await?.discovered_eas;
        Ok(found
            .into_iter()
            .find(|found| found.eas.eas_id == ac.eas_id && found.eas.supports(acr)))
    }

    /// Subscribes to one event of relocations of its applications.
    pub(super) async fn subscribe(&self, site: &Site, event: &str, destination: &str) -> Result<String, Broken> {
        let ue = self.ue();
        let acs = self.scenario.acs_of(self.ue);
        let eass: Vec<_> = acs.iter().map(|n| &self.scenario.ac[*n].eas_id).collect();
        let mut acs: Vec<_> = acs.iter().map(|n| &self.scenario.ac[*n].ac_id).collect();
        acs.dedup();
        let request = message(json!({
            "eecId": ue.eec_id, "ueId": ue.gpsi, "easIds": eass, "acIds": acs, "eventIds": event,
            "notificationDestination": destination, "expTime": self.scenario.expires_at(),
        }))?;
        let id = site.ees.subscribe(&request).await?;
        self.hold(Held::Subscription(site.ees.clone(), id.clone()));
        Ok(id)
    }

    /// Asks an EES to relocate an application.
    pub(super) async fn initiate(&self, site: &Site, ac: &Ac, wish: &Wish<'_>) -> Result<(), Broken> {
        let ue = self.ue();
        let context = match wish.other_ees {
            Other::Nobody => Value::Null,
            Other::Target(ees) => json!({
                "eecCtxtId": wish.context, "tEesId": ees.info.ees_id, "tEecEndpoint": ees.info.end_pt,
            }),
            Other::Source(ees) => json!({
                "eecCtxtId": wish.context, "sEesId": ees.info.ees_id, "sEecEndpoint": ees.info.end_pt,
            }),
        };
        let mut request = json!({
            "requestorId": ue.eec_id, "ueId": ue.gpsi, "acId": ac.ac_id, "easId": ac.eas_id,
            "sEasEndpoint": wish.source, "tEasEndpoint": wish.target, "easNotifInd": wish.notify_eas,
        });
        if !context.is_null() {
            request["eecCtxtReloc"] = context;
        }
        if let Some(predicted) = &wish.predicted {
            request["acrParams"] = json!({"predictExpTime": predicted.until});
            request["expectedLocArea"] = json!({"locInfo": self.location(predicted.cell)});
        }
        if let Some((info, targets)) = &wish.bundle {
            request["easBundleInfo"] = info.clone();
            request["tEasEndPointBundleList"] = json!(targets);
        }
        if let Some(earlier) = wish.instead_of {
            request["prevTEasEndpoint"] = json!(earlier);
            request["prevEasNotifInd"] = json!(true);
        }
        let request = message(request)?;
        let mut again = AGAIN;
        loop {
            match site.ees.initiate(&request).await {
                // Nobody knows whether an EES that went away has taken it: it is asked again, which changes nothing if it has.
                Err(failed) if failed.error.status().is_none() && again > 0 => {
                    again -= 1;
                    sleep(PAUSE).await;
                }
                done => return Ok(done?),
            }
        }
    }

    /// Asks an EES whether a relocation is needed, because the UE is elsewhere now.
    pub(super) async fn determine(&self, site: &Site, ac: &Ac, source: &EndPoint, cell: &Cell) -> Result<(), Broken> {
        let ue = self.ue();
        let request = message(json!({
            "requestorId": ue.eec_id, "ueId": ue.gpsi, "acId": ac.ac_id, "easId": ac.eas_id, "sEasEndpoint": source,
            "expectedLocArea": {"locInfo": self.location(cell)},
        }))?;
        Ok(site.ees.determine(&request).await?)
    }

    /// Tells an EES which server in the cloud takes over where no EAS does: that one hears which EES serves the UE.
    pub(super) async fn select_cloud(&self, site: &Site, ac: &Ac, cloud: &EndPoint) -> Result<(), Broken> {
        let request = message(json!({
            "eecId": self.ue().eec_id, "acId": ac.ac_id, "selEasIds": [ac.eas_id], "reqType": "EAS_SELECTION",
            "casInfo": cloud,
        }))?;
        Ok(site.ees.declare_selection(&request).await?)
    }

    /// The server in the cloud, which its application knows by itself.
    pub(super) fn in_the_cloud(&self, ac: &Ac, root: &str) -> Result<DiscoveredEas, Broken> {
        Ok(message(json!({"eas": {"easId": ac.eas_id, "endPt": {"uri": root}}}))?)
    }

    /// Uses a registration that the EES made by itself: renews it, and reads what the EES knows.
    pub(super) async fn use_registration(&self, site: &Site, id: &str) -> Result<EecRegistration, Broken> {
        let patch = message(json!({"ueMobilityReq": true}))?;
        Ok(site.ees.update(id, &patch).await?)
    }

    /// Ends a registration without writing it down; whether there was one.
    pub(super) async fn end(&self, site: &Site, id: &str) -> Result<bool, Broken> {
        match edge1::Ees(site.ees.0.quietly()).deregister(id).await {
            Ok(()) => Ok(true),
            Err(failed) if failed.error.status().is_some_and(|status| status == 404) => Ok(false),
            Err(failed) => Err(failed.into()),
        }
    }

    /// A registration that the EES made by itself ends with the UE as others do.
    pub(super) fn hold_registration(&self, site: &Site, id: &str) {
        self.hold(Held::Registration(site.ees.clone(), id.to_owned()));
    }

    fn hold(&self, held: Held) {
        self.held.lock().unwrap_or_else(PoisonError::into_inner).push(held);
    }

    /// Ends whatever it has at servers, as far as it can be ended.
    pub(super) async fn let_go(&self) {
        let held = std::mem::take(&mut *self.held.lock().unwrap_or_else(PoisonError::into_inner));
        for held in held {
            let _ = match held {
                Held::Registration(ees, id) => edge1::Ees(ees.0.quietly()).deregister(&id).await,
                Held::Subscription(ees, id) => edge1::Ees(ees.0.quietly()).unsubscribe(&id).await,
            };
        }
    }

    /// Opens the connection to a server before it is needed.
    pub(super) async fn connect(&self, root: &str) {
        // Whatever it answers, the connection stands.
        let _ = self
            .eass
            .call(Method::GET, &format!("{root}/"), crate::call::NOTHING)
            .await;
    }
}

impl Site {
    /// The same way, written down elsewhere and as another part.
    pub(super) fn seen_by(&self, recorder: &Arc<Recorder>, part: Part) -> Self {
        Self {
            info: self.info.clone(),
            ees: edge1::Ees(self.ees.0.written_down_by(recorder).towards(part)),
        }
    }
}

/// A context that an EEC left at an EES.
pub(super) struct Left<'a> {
    /// The context.
    pub(super) context: String,
    /// The EES.
    pub(super) ees: &'a EesInfo,
}

/// What is asked of the EES in an initiation.
pub(super) struct Wish<'a> {
    /// The EAS that serves now.
    pub(super) source: &'a EndPoint,
    /// The EAS that is to serve.
    pub(super) target: &'a EndPoint,
    /// Whether the EES is to tell the EAS.
    pub(super) notify_eas: bool,
    /// The context that moves.
    pub(super) context: &'a str,
    /// The EES that it goes to or comes from.
    pub(super) other_ees: Other<'a>,
    /// Where the UE is expected, when it is not there yet.
    pub(super) predicted: Option<Predicted<'a>>,
    /// The target that is given up for this one.
    pub(super) instead_of: Option<&'a EndPoint>,
    /// The bundle that goes with it, and where its EASs go.
    pub(super) bundle: Option<(Value, Vec<EndPoint>)>,
}

/// The EES at the other end.
pub(super) enum Other<'a> {
    /// There is none: the context stays where it is.
    Nobody,
    /// It is the one that is entered.
    Target(&'a Site),
    /// It is the one that is left.
    Source(&'a Site),
}

/// A prediction of where the UE will be.
pub(super) struct Predicted<'a> {
    /// The cell.
    pub(super) cell: &'a Cell,
    /// Until when it is expected there.
    pub(super) until: String,
}

/// Why a run did not come to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Broken(pub(super) String);

impl From<String> for Broken {
    fn from(reason: String) -> Self {
        Self(reason)
    }
}

impl From<Failed> for Broken {
    fn from(failed: Failed) -> Self {
        Self(failed.to_string())
    }
}
