//! EECs ask which edge data networks and EESs there are for them (TS 24.558 clause 7.2), once or as subscribers.
//!
//! A subscriber is taken to know the answer that held when it subscribed. From then on it is told whenever its answer differs from what
//! it was told last ([`crate::reactions`]). What it was told is kept beside the subscription, as [`Told`].

use crate::{
    Ecs,
    edn::Edns,
    event::Event,
    known::{KnownEes, KnownEess},
    selection::{Need, Wish, select},
};
use async_trait::async_trait;
use bytes::Bytes;
use edgeapp_core::{
    area::{Place, Position},
    callback::CallbackRule,
    clock::Lifetimes,
    collection::{Change, Collection, Resource},
    error::{Cause, Error},
    patch::PatchRules,
    principal::Principal,
    room::{Decision, Room, Seen},
    store::Key,
    whereabouts::Whereabouts,
};
use edgeapp_openapi::{
    common::{DateTime, SupportedFeatures, Uri},
    eec_registration::AcProfile,
    ees_registration::AcrScenario,
    ids::{EecId, Gpsi, ProviderId, SubscriptionId},
    service_provisioning::{ConnectivityInfo, EcsServProvReq, EcsServProvResp, EcsServProvSubscription, EdnConfigInfo},
};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Where subscriptions are kept.
pub const PREFIX: &str = "provisioning/";

/// The features of Eecs_ServiceProvisioning that are supported (clause 8.1.7): Notification_test_event and EdgeApp_2.
pub const FEATURES: SupportedFeatures = SupportedFeatures::of(&[TEST_NOTIFICATION, EDGE_APP_2]);

const TEST_NOTIFICATION: u32 = 1;
const EDGE_APP_2: u32 = 3;

/// What the ECS does for EECs (TS 24.558 clause 7.2).
#[async_trait]
pub trait ServiceProvisioning: Send + Sync {
    /// The EESs for this EEC; `None` when there are none.
    async fn request(&self, principal: &Principal, request: EcsServProvReq) -> Result<Option<EcsServProvResp>, Error>;

    /// Keeps a subscription; its owner is `principal`. Its URI will be its id below `home`.
    async fn subscribe(
        &self,
        principal: &Principal,
        request: EcsServProvSubscription,
        home: &str,
    ) -> Result<Subscribed, Error>;

    /// Replaces or patches the subscription of this id.
    async fn change(
        &self,
        principal: &Principal,
        id: &SubscriptionId,
        change: Change<EcsServProvSubscription>,
    ) -> Result<EcsServProvSubscription, Error>;

    /// Removes the subscription of this id.
    async fn unsubscribe(&self, principal: &Principal, id: &SubscriptionId) -> Result<(), Error>;
}

/// A subscription as it was granted.
#[derive(Clone, Debug, PartialEq)]
pub struct Subscribed {
    /// Its identifier.
    pub id: String,
    /// What is subscribed to.
    pub subscription: EcsServProvSubscription,
}

/// How provisioning behaves.
#[derive(Clone, Debug)]
pub struct ProvisioningRules {
    /// How long subscriptions live.
    pub lifetimes: Lifetimes,
    /// Where notifications may go.
    pub callbacks: CallbackRule,
}

impl Resource<Ecs> for EcsServProvSubscription {
    const PREFIX: &'static str = PREFIX;
    const PATCH: PatchRules = PatchRules {
        changeable: &["acProfs", "expTime", "eecSvcContSupp", "connInfo"],
        clearable: &[],
        fixed: &[
            "eecId",
            "ueId",
            "notificationDestination",
            "requestTestNotification",
            "websockNotifConfig",
            "ecspIds",
            "eecTriggerRequest",
            "suppFeat",
        ],
    };

    fn not_found() -> Error {
        Error::subscription_not_found()
    }

    fn expiry(&mut self) -> Option<&mut Option<DateTime>> {
        Some(&mut self.exp_time)
    }

    fn may_become(&self, next: &Self) -> Result<(), Error> {
        if self.eec_id != next.eec_id {
            return Err(Error::not_changeable("/eecId"));
        }
        if self.ue_id != next.ue_id {
            return Err(Error::not_changeable("/ueId"));
        }
        Ok(())
    }
}

/// What a subscriber was told, or is taken to know.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Told {
    /// The answer, without lifetimes; empty when there was none.
    pub answer: Vec<EdnConfigInfo>,
    /// Whether a task that compares it with the present answer waits in the outbox and has not looked yet.
    #[serde(default)]
    pub due: bool,
}

impl Told {
    /// Where it is kept, for the subscription under this key.
    pub(crate) fn key(subscription: &Key) -> Key {
        Key::from(format!("told/{subscription}"))
    }

    /// As the store keeps it.
    pub(crate) fn to_bytes(&self) -> Result<Bytes, Error> {
        serde_json::to_vec(self).map(Bytes::from).map_err(Error::internal)
    }
}

/// How answers come about: the same for a request, a subscription and a notification.
#[derive(Clone, Debug)]
pub struct Answers {
    /// The edge data networks.
    pub edns: Arc<Edns>,
    /// Leaves out EESs of which the position of the UE does not tell whether they serve it.
    pub strict_areas: bool,
}

/// The parts of a request or subscription that say what is wanted.
struct Asked<'a> {
    ac_profs: &'a [AcProfile],
    scenarios: &'a [AcrScenario],
    networks: &'a [ConnectivityInfo],
    ecsps: &'a [ProviderId],
    features: Option<SupportedFeatures>,
}

impl Answers {
    /// The answer to a request, with the instant until which it is known to hold.
    pub fn to_request(&self, request: &EcsServProvReq, known: &[KnownEes]) -> Vec<EdnConfigInfo> {
        let asked = Asked {
            ac_profs: &request.ac_profs,
            scenarios: &request.eec_svc_cont_supp,
            networks: &request.conn_info,
            ecsps: &request.ecsp_ids,
            features: request.supp_feat,
        };
        let mut wish = self.wish(
            &asked,
            request.loc_inf.as_deref().map(Position::of_ue).unwrap_or_default(),
        );
        if let Some(group) = &request.app_group_profile {
            let area = group.expected_svc_area.as_ref();
            wish.needs.push(Need {
                eas_ids: vec![&group.eas_id],
                area,
                ..Need::default()
            });
        }
        self.find(&wish, &asked, known)
    }

    /// The answer to a subscription. Its subscriber hears of changes, so it has no end of its own.
    pub fn to_subscription(&self, subscription: &EcsServProvSubscription, known: &[KnownEes]) -> Vec<EdnConfigInfo> {
        let asked = Asked {
            ac_profs: &subscription.ac_profs,
            scenarios: &subscription.eec_svc_cont_supp,
            networks: &subscription.conn_info,
            ecsps: &subscription.ecsp_ids,
            features: subscription.supp_feat,
        };
        let mut answer = self.find(&self.wish(&asked, Position::default()), &asked, known);
        for edn in &mut answer {
            edn.life_time = None;
        }
        answer
    }

    fn find(&self, wish: &Wish<'_>, asked: &Asked<'_>, known: &[KnownEes]) -> Vec<EdnConfigInfo> {
        let extended = asked.features.is_some_and(|features| features.has(EDGE_APP_2));
        self.edns.describe(&select(wish, &self.edns, known), extended)
    }

    fn wish<'a>(&self, asked: &Asked<'a>, mut position: Position) -> Wish<'a> {
        if position.places.is_empty() {
            let networks = asked.networks.iter().filter_map(|network| network.plmn_id.clone());
            position.places = networks
                .map(|plmn| Place {
                    network: Some(plmn),
                    ..Place::default()
                })
                .collect();
        }
        // An attribute of EdgeApp_2 counts unless the features were told and it is not among them.
        let ecsps_count = asked.features.is_none_or(|features| features.has(EDGE_APP_2));
        Wish {
            needs: asked.ac_profs.iter().map(need).collect(),
            scenarios: vec![asked.scenarios],
            ecsps: if ecsps_count { asked.ecsps } else { &[] },
            position,
            strict_areas: self.strict_areas,
            ..Wish::default()
        }
    }
}

fn need(profile: &AcProfile) -> Need<'_> {
    let in_bundles = profile.eas_bundle_infos.iter().flat_map(|bundle| &bundle.eas_ids_list);
    Need {
        eas_ids: profile.eass.iter().map(|eas| &eas.eas_id).chain(in_bundles).collect(),
        bundles: profile
            .eas_bundle_infos
            .iter()
            .filter_map(|bundle| bundle.bdl_id.as_ref())
            .collect(),
        scenarios: &profile.ac_svc_cont_supp,
        preferred: &profile.pref_ecsps,
        area: profile.exp_ac_geo_serv_area.as_ref(),
    }
}

/// Pure: whether the caller may say this of itself.
fn identify(principal: &Principal, eec: &EecId, ue: Option<&Gpsi>) -> Result<(), Error> {
    if !principal.is_eec(eec) {
        return Err(Error::not_yours("/eecId", "EECID"));
    }
    if ue.is_some_and(|ue| !principal.proved_ue(ue)) {
        let mut error = Error::not_yours("/ueId", "UE identifier");
        error.cause = Cause::UeIdNotVerified;
        return Err(error);
    }
    Ok(())
}

/// Pure: what is kept of a subscription that is made or put whole. Takes away what belongs to features that were not agreed on.
fn agree(mut request: EcsServProvSubscription) -> EcsServProvSubscription {
    request.supp_feat = request.supp_feat.map(|theirs| FEATURES.common(&theirs));
    let has = |feature| request.supp_feat.is_some_and(|common| common.has(feature));
    request.request_test_notification &= has(TEST_NOTIFICATION);
    request.websock_notif_config = None;
    if request.supp_feat.is_some() && !has(EDGE_APP_2) {
        request.ecsp_ids.clear();
        request.eec_trigger_request = false;
    }
    request
}

/// Pure: the one way in which this subscriber can be reached.
fn destination<'a>(request: &'a EcsServProvSubscription, callbacks: &CallbackRule) -> Result<&'a Uri, Error> {
    const NO_TRIGGER: &str = "cannot be granted: this ECS reaches no core network that would wake up the EEC";
    match &request.notification_destination {
        Some(_) if request.eec_trigger_request => Err(Error::optional_incorrect(
            "/eecTriggerRequest",
            "excludes notificationDestination",
        )),
        None if request.eec_trigger_request => Err(Error::optional_incorrect("/eecTriggerRequest", NO_TRIGGER)),
        None => Err(Error::mandatory_missing(
            "/notificationDestination",
            "is needed: this ECS notifies by calls to the subscriber alone",
        )),
        Some(destination) => callbacks
            .check(destination, "/notificationDestination")
            .map(|_| destination),
    }
}

/// Service provisioning over the read model and the subscriptions in a store.
#[derive(Clone)]
pub struct ProvisioningService {
    kept: Collection<EcsServProvSubscription, Ecs>,
    rules: ProvisioningRules,
    answers: Answers,
    known: KnownEess,
    whereabouts: Arc<Whereabouts>,
}

impl ProvisioningService {
    /// The service over this room and these EESs; where UEs are is asked of `whereabouts` when a request does not say.
    pub fn new(
        room: Room,
        rules: ProvisioningRules,
        answers: Answers,
        known: KnownEess,
        whereabouts: Arc<Whereabouts>,
    ) -> Self {
        Self {
            kept: Collection::new(room, rules.lifetimes),
            rules,
            answers,
            known,
            whereabouts,
        }
    }
}

#[async_trait]
impl ServiceProvisioning for ProvisioningService {
    async fn request(
        &self,
        principal: &Principal,
        mut request: EcsServProvReq,
    ) -> Result<Option<EcsServProvResp>, Error> {
        identify(principal, &request.eec_id, request.ue_id.as_ref())?;
        if let Some(ue) = request.ue_id.as_ref().filter(|_| request.loc_inf.is_none()) {
            request.loc_inf = self.whereabouts.of(ue).await.map(Box::new);
        }
        let answer = self
            .answers
            .to_request(&request, &self.known.live(self.kept.room().now()));
        let found = !answer.is_empty();
        Ok(found.then(|| EcsServProvResp {
            edn_cnfg_info: answer,
            redirected_ecs: Vec::new(),
        }))
    }

    async fn subscribe(
        &self,
        principal: &Principal,
        request: EcsServProvSubscription,
        home: &str,
    ) -> Result<Subscribed, Error> {
        identify(principal, &request.eec_id, request.ue_id.as_ref())?;
        let request = agree(request);
        let destination = destination(&request, &self.rules.callbacks)?.clone();
        let also = |id: &str, subscription: &mut EcsServProvSubscription, seen: &mut Seen| {
            let key = Key::from(format!("{PREFIX}{id}"));
            let answer = self.answers.to_subscription(subscription, &self.known.live(seen.now()));
            let told = Told { answer, due: false }.to_bytes()?;
            // The read model may be a moment behind: the outbox looks at the store once more.
            let news = Event::NewsDue {
                subscription: key.to_string(),
            };
            let decision = Decision::of(()).put_bytes(&Told::key(&key), told, None).tell(&news)?;
            if !subscription.request_test_notification {
                return Ok(decision);
            }
            let uri = format!("{home}/{id}").parse().map_err(Error::internal)?;
            decision.tell(&Event::TestAsked {
                subscription: key.to_string(),
                uri,
                destination: destination.clone(),
            })
        };
        let (id, made) = self.kept.create(principal, request, also).await?;
        Ok(Subscribed {
            id,
            subscription: made.value,
        })
    }

    async fn change(
        &self,
        principal: &Principal,
        id: &SubscriptionId,
        change: Change<EcsServProvSubscription>,
    ) -> Result<EcsServProvSubscription, Error> {
        let change = match change {
            Change::Replace(request) => {
                let request = agree(request);
                destination(&request, &self.rules.callbacks)?;
                Change::Replace(request)
            }
            Change::Patch(patch) => Change::Patch(patch),
        };
        let also = |before: &EcsServProvSubscription, after: &mut EcsServProvSubscription| {
            let renewed = EcsServProvSubscription {
                exp_time: after.exp_time,
                ..before.clone()
            };
            if renewed == *after {
                return Ok(Decision::of(()));
            }
            let subscription = format!("{PREFIX}{}", Key::part(id.as_str()));
            Decision::of(()).tell(&Event::NewsDue { subscription })
        };
        Ok(self.kept.change(principal, id.as_str(), &change, also).await?.value)
    }

    async fn unsubscribe(&self, principal: &Principal, id: &SubscriptionId) -> Result<(), Error> {
        let told = Told::key(&Key::from(format!("{PREFIX}{}", Key::part(id.as_str()))));
        self.kept
            .remove(principal, id.as_str(), |_| Ok(Decision::of(()).delete(&told)))
            .await
            .map(|_| ())
    }
}

#[cfg(test)]
mod tests;
