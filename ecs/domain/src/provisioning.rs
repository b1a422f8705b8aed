//! EECs ask which edge data networks and EESs there are for them (TS 24.558 clause 7.2), once or as subscribers.
//!
//! A subscriber is taken to know the answer that held when it subscribed. From then on it is told whenever its answer differs from what
//! it was told last ([`crate::reactions`]). What it was told is kept beside the subscription, as [`Told`].

use crate::{
    Ecs, eas_info,
    edn::Edns,
    event::Event,
    known::{KnownEes, KnownEess},
    partners::{Partner, Partners},
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
    features::service_provisioning::EDGE_APP_2,
    ids::{EecId, EesId, Gpsi, ProviderId, SubscriptionId},
    negotiation::{Agreed, negotiate, negotiate_again},
    service_provisioning::{
        ConnectivityInfo, EcsRedirectInfo, EcsServProvReq, EcsServProvResp, EcsServProvSubscription, EdnConfigInfo,
    },
};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Where subscriptions are kept.
pub const PREFIX: &str = "provisioning/";

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

/// What there is for somebody: edge data networks here, and other ECSs to ask.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Answer {
    /// The networks with their EESs.
    pub edns: Vec<EdnConfigInfo>,
    /// The partners.
    pub redirected: Vec<EcsRedirectInfo>,
}

impl Answer {
    /// Whether there is nothing.
    pub fn is_empty(&self) -> bool {
        self.edns.is_empty() && self.redirected.is_empty()
    }
}

/// What a subscriber was told, or is taken to know.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Told {
    /// The networks, without lifetimes; empty when there were none.
    pub answer: Vec<EdnConfigInfo>,
    /// The partners.
    #[serde(default)]
    pub redirected: Vec<EcsRedirectInfo>,
    /// Whether a task that compares it with the present answer waits in the outbox and has not looked yet.
    #[serde(default)]
    pub due: bool,
}

impl Told {
    /// This answer, with nothing due.
    pub(crate) fn of(answer: Answer) -> Self {
        Self {
            answer: answer.edns,
            redirected: answer.redirected,
            due: false,
        }
    }

    /// Whether it was this answer.
    pub(crate) fn is(&self, answer: &Answer) -> bool {
        self.answer == answer.edns && self.redirected == answer.redirected
    }

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
#[derive(Clone, Debug, Default)]
pub struct Answers {
    /// The edge data networks.
    pub edns: Arc<Edns>,
    /// The other ECSs.
    pub partners: Arc<Partners>,
    /// Leaves out EESs of which the position of the UE does not tell whether they serve it.
    pub strict_areas: bool,
}

/// The parts of a request or subscription that say what is wanted. Members of features that were not agreed on are not in there.
struct Asked<'a> {
    ac_profs: &'a [AcProfile],
    scenarios: &'a [AcrScenario],
    networks: &'a [ConnectivityInfo],
    ecsps: &'a [ProviderId],
    position: Position,
    features: Option<SupportedFeatures>,
}

impl<'a> Asked<'a> {
    fn of_request(request: &'a EcsServProvReq) -> Self {
        Self {
            ac_profs: &request.ac_profs,
            scenarios: &request.eec_svc_cont_supp,
            networks: &request.conn_info,
            ecsps: &request.ecsp_ids,
            position: request.loc_inf.as_deref().map(Position::of_ue).unwrap_or_default(),
            features: request.supp_feat,
        }
    }

    fn of_subscription(subscription: &'a EcsServProvSubscription) -> Self {
        Self {
            ac_profs: &subscription.ac_profs,
            scenarios: &subscription.eec_svc_cont_supp,
            networks: &subscription.conn_info,
            ecsps: &subscription.ecsp_ids,
            position: Position::default(),
            features: subscription.supp_feat,
        }
    }

    /// Whether it knows what Release 18 added to answers: only who says so does.
    fn is_extended(&self) -> bool {
        Agreed(self.features).is_asked(EDGE_APP_2)
    }

    /// The places where the UE is said to be, each alone: the networks that it is connected to, and where it was seen.
    fn places(&self) -> Vec<Position> {
        let networks = self.networks.iter().filter_map(|network| network.plmn_id.clone());
        let seen = self.position.places.iter().map(|place| Position {
            places: vec![place.clone()],
            ..Position::default()
        });
        networks.map(Position::of_network).chain(seen).collect()
    }
}

impl Answers {
    /// All of it as JSON: equal configurations have equal texts.
    pub(crate) fn to_json(&self) -> Result<Vec<u8>, Error> {
        let partners: Vec<&Partner> = self.partners.all().collect();
        serde_json::to_vec(&(self.edns.all(), partners, self.strict_areas)).map_err(Error::internal)
    }

    /// The answer to a request, with the instant until which it is known to hold. `holders` have the common EAS of the group asked for.
    pub fn to_request(&self, request: &EcsServProvReq, holders: &[EesId], known: &[KnownEes]) -> Answer {
        let asked = Asked::of_request(request);
        self.find(&self.wish_of_request(request, &asked, holders), &asked, known)
    }

    /// The answer to a subscription. Its subscriber hears of changes, so it has no end of its own.
    pub fn to_subscription(&self, subscription: &EcsServProvSubscription, known: &[KnownEes]) -> Answer {
        let asked = Asked::of_subscription(subscription);
        let mut answer = self.find(&self.wish(&asked), &asked, known);
        for edn in &mut answer.edns {
            edn.life_time = None;
        }
        answer
    }

    /// The networks as the body of the answer to a request can say them. It has to name one, also when there is nothing here but a
    /// partner: then it names one whose time is over.
    fn speakable(&self, request: &EcsServProvReq, answer: Answer, known: &[KnownEes], now: DateTime) -> Answer {
        if !answer.edns.is_empty() || answer.redirected.is_empty() {
            return answer;
        }
        let asked = Asked::of_request(request);
        let edns = self.out_of_date(&self.wish_of_request(request, &asked, &[]), &asked, known, now);
        Answer { edns, ..answer }
    }

    /// As for a request, for the notification of a subscriber that was told of nothing here before.
    pub(crate) fn nothing_here(
        &self,
        subscription: &EcsServProvSubscription,
        known: &[KnownEes],
        now: DateTime,
    ) -> Vec<EdnConfigInfo> {
        let asked = Asked::of_subscription(subscription);
        self.out_of_date(&self.wish(&asked), &asked, known, now)
    }

    /// A network with an EES that would do if the UE were elsewhere, else any that is known here, in force no longer: it says no more than
    /// that there is none.
    fn out_of_date(&self, wish: &Wish<'_>, asked: &Asked<'_>, known: &[KnownEes], now: DateTime) -> Vec<EdnConfigInfo> {
        let elsewhere = Wish {
            position: Position::default(),
            strict_areas: false,
            ..wish.clone()
        };
        let mut chosen = select(&elsewhere, &self.edns, known);
        if chosen.is_empty() {
            chosen = select(&Wish::default(), &self.edns, known);
        }
        chosen.truncate(1);
        let mut edns = self.edns.describe(&chosen, asked.is_extended());
        for edn in &mut edns {
            edn.life_time = Some(now);
        }
        edns
    }

    fn find(&self, wish: &Wish<'_>, asked: &Asked<'_>, known: &[KnownEes]) -> Answer {
        let extended = asked.is_extended();
        Answer {
            edns: self.edns.describe(&select(wish, &self.edns, known), extended),
            redirected: match extended {
                true => self.partners.serving(wish, &asked.places()),
                false => Vec::new(),
            },
        }
    }

    fn wish_of_request<'a>(&self, request: &'a EcsServProvReq, asked: &Asked<'a>, holders: &'a [EesId]) -> Wish<'a> {
        let mut wish = self.wish(asked);
        if let Some(group) = &request.app_group_profile {
            wish.needs.push(Need {
                eas_ids: vec![&group.eas_id],
                area: group.expected_svc_area.as_ref(),
                ..Need::default()
            });
            wish.group = Some((&group.app_grp_id, holders));
        }
        wish
    }

    fn wish<'a>(&self, asked: &Asked<'a>) -> Wish<'a> {
        let mut position = asked.position.clone();
        if position.places.is_empty() {
            let networks = asked.networks.iter().filter_map(|network| network.plmn_id.clone());
            position.places = networks
                .map(|plmn| Place {
                    network: Some(plmn),
                    ..Place::default()
                })
                .collect();
        }
        Wish {
            needs: asked.ac_profs.iter().map(need).collect(),
            scenarios: vec![asked.scenarios],
            ecsps: asked.ecsps,
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

/// Pure: the one way in which this subscriber can be reached.
fn destination<'a>(
    principal: &Principal,
    request: &'a EcsServProvSubscription,
    callbacks: &CallbackRule,
) -> Result<&'a Uri, Error> {
    const NO_TRIGGER: &str = "cannot be granted: this ECS wakes up no EECs";
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
            .check_of(principal, destination, "/notificationDestination")
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
        negotiate(&mut request);
        let room = self.kept.room();
        let holders = match &request.app_group_profile {
            Some(group) => eas_info::holders(room, &group.app_grp_id, &group.eas_id).await?,
            None => Vec::new(),
        };
        let (now, answers) = (room.now(), &self.answers);
        let known = self.known.live(now);
        let answer = answers.to_request(&request, &holders, &known);
        let answer = answers.speakable(&request, answer, &known, now);
        if answer.edns.is_empty() {
            if !answer.redirected.is_empty() {
                tracing::info!(eec = %edgeapp_core::pseudonym::of_text(principal), "a partner serves this UE; it cannot be named as long as no EES is registered here");
            }
            return Ok(None);
        }
        Ok(Some(EcsServProvResp {
            edn_cnfg_info: answer.edns,
            redirected_ecs: answer.redirected,
        }))
    }

    async fn subscribe(
        &self,
        principal: &Principal,
        mut request: EcsServProvSubscription,
        home: &str,
    ) -> Result<Subscribed, Error> {
        identify(principal, &request.eec_id, request.ue_id.as_ref())?;
        negotiate(&mut request);
        let destination = destination(principal, &request, &self.rules.callbacks)?.clone();
        let also = |id: &str, subscription: &mut EcsServProvSubscription, seen: &mut Seen| {
            let key = Key::from(format!("{PREFIX}{id}"));
            let answer = self.answers.to_subscription(subscription, &self.known.live(seen.now()));
            let told = Told::of(answer).to_bytes()?;
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
            Change::Replace(mut request) => {
                let before = self.kept.read(principal, id.as_str()).await?;
                negotiate_again(&mut request, before.supp_feat);
                Change::Replace(request)
            }
            Change::Patch(patch) => Change::Patch(patch),
        };
        let also = |before: &EcsServProvSubscription, after: &mut EcsServProvSubscription| {
            negotiate_again(after, before.supp_feat);
            destination(principal, after, &self.rules.callbacks)?;
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
