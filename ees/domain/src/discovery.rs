//! EAS discovery, asked once (TS 24.558 clause 5.3.2.2, TS 29.558 clause 5.7, TS 23.558 clauses 8.5.2.2 and 8.8.3.2).

use crate::{
    ac_information::interest::AcInterest,
    common_eas::{CommonEasService, agreement::Choice},
    eec::proved_ue,
    selection::{self, EasIndex, Given, Selection},
    whereabouts::KnownPlaces,
};
use async_trait::async_trait;
use bytes::Bytes;
use edgeapp_core::{
    clock::Clock,
    error::{Cause, Error, Kind},
    principal::Principal,
};
use edgeapp_openapi::{
    eas_discovery::{DiscoveredEas, EasCharacteristics, EasDiscoveryReq, EasDiscoveryResp, RequestorId},
    eas_registration::EasProfile,
    features::eas_discovery::EDGE_APP_2,
    ids::{EasId, EecId},
    negotiation::{Agreed, as_before_release_18},
};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// What is answered when no EAS fits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EmptyDiscovery {
    /// 404 with the cause `NO_SUITABLE_EAS`.
    #[default]
    NotFound,
    /// 200 with an empty list.
    List,
}

/// The policy of discovery.
#[derive(Clone, Copy, Debug, Default)]
pub struct DiscoveryPolicy {
    /// What is answered when no EAS fits.
    pub empty: EmptyDiscovery,
    /// EECs have to register before they discover (`eecRegConf`).
    pub eec_registration_required: bool,
    /// An EAS that is not known to serve where the UE is, is left out.
    pub strict_area: bool,
}

/// What an EES does for those who look for EASs.
#[async_trait]
pub trait EasDiscovery: Send + Sync {
    /// The EASs that fit: the JSON of an `EasDiscoveryResp`.
    ///
    /// # Errors
    /// [`Cause::OwnerMismatch`] when `requestorId` is not the caller, [`Cause::UeIdNotVerified`], [`Cause::NotRegistered`],
    /// [`Cause::NoSuitableEas`].
    async fn request(&self, principal: &Principal, request: EasDiscoveryReq) -> Result<Bytes, Error>;
}

/// Tells whether an EEC is registered.
#[async_trait]
pub trait EecKnown: Send + Sync + 'static {
    /// Whether the EEC has a live registration here.
    ///
    /// # Errors
    /// When the state cannot be read.
    async fn is_registered(&self, eec: &EecId) -> Result<bool, Error>;
}

/// Finds EASs beyond this EES: at the EESs that the ECS names as targets.
#[async_trait]
pub trait TargetSearch: Send + Sync + 'static {
    /// The EASs found elsewhere; none is no error.
    ///
    /// # Errors
    /// When the search failed and its outcome is not known.
    async fn find(&self, request: &EasDiscoveryReq) -> Result<Vec<DiscoveredEas>, Error>;
}

/// An EES on its own: there is nowhere else to look.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoTargetSearch;

#[async_trait]
impl TargetSearch for NoTargetSearch {
    async fn find(&self, _: &EasDiscoveryReq) -> Result<Vec<DiscoveredEas>, Error> {
        Ok(Vec::new())
    }
}

/// The service behind [`EasDiscovery`].
pub struct DiscoveryService {
    index: Arc<EasIndex>,
    clock: Arc<dyn Clock>,
    eecs: Arc<dyn EecKnown>,
    elsewhere: Arc<dyn TargetSearch>,
    policy: DiscoveryPolicy,
    given: Given,
    places: Option<Arc<KnownPlaces>>,
    groups: Option<Arc<CommonEasService>>,
    interest: AcInterest,
}

/// The identity in a request must be the caller's, and a UE that an EEC speaks for must be its own.
fn of_caller(principal: &Principal, request: &EasDiscoveryReq) -> Result<(), Error> {
    let (is_caller, what) = match &request.requestor_id {
        RequestorId::Eec(id) => (principal.is_eec(id), "EECID"),
        RequestorId::Eas(id) => (principal.is_eas(id), "EASID"),
        RequestorId::Ees(id) => (principal.is_ees(id), "EESID"),
    };
    if !is_caller {
        return Err(Error::not_yours("/requestorId", what));
    }
    match &request.requestor_id {
        RequestorId::Eec(_) => proved_ue(principal, request.ue_id.as_ref(), "/ueId"),
        RequestorId::Eas(_) | RequestorId::Ees(_) => Ok(()),
    }
}

/// The refusal for an EEC that has to register first.
pub(crate) fn registration_comes_first() -> Error {
    Error::forbidden(
        Cause::NotRegistered,
        "this EES serves registered EECs only: register first",
    )
}

fn nothing_fits() -> Error {
    Error::new(
        Kind::NotFound,
        Cause::NoSuitableEas,
        "no EAS that is registered here fits the request",
    )
}

/// Narrows the filter to one application, so that others who are asked know which one is meant.
fn of_application(request: &mut EasDiscoveryReq, eas_id: &EasId) {
    let filter = request.eas_discovery_filter.get_or_insert_default();
    if filter.eas_chars.is_empty() {
        filter.eas_chars.push(EasCharacteristics::default());
    }
    for like in &mut filter.eas_chars {
        like.eas_id.get_or_insert_with(|| eas_id.clone());
    }
}

impl DiscoveryService {
    /// Discovery in this index; EECs that have to be registered are looked up in `eecs`, targets are looked for `elsewhere`.
    pub fn new(
        index: Arc<EasIndex>,
        clock: Arc<dyn Clock>,
        eecs: Arc<dyn EecKnown>,
        elsewhere: Arc<dyn TargetSearch>,
        policy: DiscoveryPolicy,
    ) -> Self {
        Self {
            index,
            clock,
            eecs,
            elsewhere,
            policy,
            given: Given::default(),
            places: None,
            groups: None,
            interest: AcInterest::nobody(),
        }
    }

    /// Tells of application clients that EECs discover EASs for where these could care.
    pub fn watched_by(mut self, interest: AcInterest) -> Self {
        self.interest = interest;
        self
    }

    /// An EEC that names its application clients makes them known.
    async fn makes_known(&self, eec: &EecId, request: &EasDiscoveryReq) {
        let clients = request.eas_discovery_filter.iter().flat_map(|filter| &filter.ac_chars);
        let profiles: Vec<_> = clients.map(|client| client.ac_prof.clone()).collect();
        if !profiles.is_empty() {
            // Rare, and large: it must not make the work for every other request larger.
            Box::pin(self.interest.sought(eec, request.ue_id.as_ref(), &profiles)).await;
        }
    }

    /// Asks here where a UE is when a request does not say.
    pub fn with_places(mut self, places: Arc<KnownPlaces>) -> Self {
        self.places = Some(places);
        self
    }

    /// Puts the place of its UE into a request, where that can be found out.
    async fn locate(&self, principal: &Principal, request: &mut EasDiscoveryReq) {
        if let Some(places) = &self.places
            && request.loc_inf.is_none()
            && let Some(ue) = &request.ue_id
        {
            request.loc_inf = Box::pin(places.of(principal, ue)).await.map(Box::new);
        }
    }

    /// The same; who asks for a group finds the EAS that serves it in common.
    pub fn with_groups(self, groups: Arc<CommonEasService>) -> Self {
        Self {
            groups: Some(groups),
            ..self
        }
    }

    /// What is found for groups: of an application that a common EAS serves, that one alone. An EEC that leaves the choice to the EES
    /// makes the best one the common one. `None` when no group is asked for, or none of them has a common EAS.
    async fn for_groups(&self, eec_id: &EecId, wanted: &Selection) -> Result<Option<Bytes>, Error> {
        let asked = wanted.groups();
        let Some(groups) = self.groups.as_ref().filter(|_| !asked.is_empty()) else {
            return Ok(None);
        };
        let (known, now) = (self.index.snapshot(), self.clock.now());
        let entries = selection::select(wanted, &known, now);
        let mut found: Vec<DiscoveredEas> = entries.iter().map(|entry| (*entry.discovered).clone()).collect();
        let mut common_ones = Vec::new();
        for (group, eas_id) in asked {
            let best = found.iter().find(|found| found.eas.eas_id == eas_id);
            let common = match best.filter(|_| wanted.one_per_application) {
                Some(best) => {
                    let wish = Choice {
                        by: eec_id,
                        group: &group,
                        eas_id: &eas_id,
                        eas: &best.eas.end_pt,
                        also: &[],
                    };
                    Some(groups.agree(wish).await?)
                }
                None => groups.in_force(&group, &eas_id).await?,
            };
            let Some(common) = common else { continue };
            let here = known.instances(&eas_id);
            let mut here = here.filter(|entry| entry.is_live(now) && entry.profile().end_pt == common.eas);
            let told = match here.next() {
                Some(entry) => (*entry.discovered).clone(),
                // Nothing else is known of an EAS that is registered elsewhere.
                None => DiscoveredEas {
                    eas: EasProfile::new(eas_id.clone(), common.eas),
                    ees_end_pt: common.ees,
                    life_time: None,
                },
            };
            found.retain(|found| found.eas.eas_id != eas_id);
            common_ones.push(told);
        }
        if common_ones.is_empty() {
            return Ok(None);
        }
        common_ones.extend(found);
        let answer = EasDiscoveryResp {
            discovered_eas: common_ones,
            ..EasDiscoveryResp::default()
        };
        serde_json::to_vec(&answer)
            .map(Bytes::from)
            .map(Some)
            .map_err(Error::internal)
    }

    /// What fits here, as an answer; `None` when nothing does.
    fn here(&self, wanted: &Selection) -> Option<Bytes> {
        let (known, now) = (self.index.snapshot(), self.clock.now());
        if let Some(given) = self.given.find(wanted, &known, now) {
            return Some(given);
        }
        let found = selection::select(wanted, &known, now);
        if found.is_empty() {
            return None;
        }
        let answer = selection::answer(&found);
        self.given.keep(wanted, &known, &found, &answer);
        Some(answer)
    }

    fn none(&self) -> Result<Bytes, Error> {
        match self.policy.empty {
            EmptyDiscovery::NotFound => Err(nothing_fits()),
            EmptyDiscovery::List => Ok(selection::answer(&[])),
        }
    }

    fn wanted(&self, request: EasDiscoveryReq) -> Selection {
        Selection {
            strict_area: self.policy.strict_area,
            ..Selection::of_request(request)
        }
    }

    /// A T-EAS for a UE of an S-EAS: another instance of the same application, here or, failing that, elsewhere.
    async fn target(&self, principal: &Principal, own: EasId, mut request: EasDiscoveryReq) -> Result<Bytes, Error> {
        of_application(&mut request, &own);
        let except = Some(principal.owner().clone());
        let wanted = Selection {
            eas_id: Some(own.clone()),
            except,
            ..self.wanted(request.clone())
        };
        if let Some(found) = self.here(&wanted) {
            return Ok(found);
        }
        let mut found = self.elsewhere.find(&request).await?;
        let instances = self.instances_of(principal, &own);
        found.retain(|found| {
            found.eas.eas_id == own && !instances.iter().any(|instance| instance.end_pt == found.eas.end_pt)
        });
        if found.is_empty() {
            return self.none();
        }
        if wanted.one_per_application {
            found.truncate(1);
        }
        let answer = EasDiscoveryResp {
            discovered_eas: found,
            ..EasDiscoveryResp::default()
        };
        serde_json::to_vec(&answer).map(Bytes::from).map_err(Error::internal)
    }

    /// The instances of an EAS that this principal registered here.
    fn instances_of(&self, principal: &Principal, eas_id: &EasId) -> Vec<EasProfile> {
        let known = self.index.snapshot();
        let own = known
            .instances(eas_id)
            .filter(|entry| entry.owner == *principal.owner());
        own.map(|entry| entry.profile().clone()).collect()
    }
}

#[async_trait]
impl EasDiscovery for DiscoveryService {
    async fn request(&self, principal: &Principal, mut request: EasDiscoveryReq) -> Result<Bytes, Error> {
        of_caller(principal, &request)?;
        let knows_release_18 = Agreed(request.supp_feat).counts(EDGE_APP_2);
        // In place: a request is long, and each hand it goes through by value copies it.
        self.prepare(principal, &mut request).await?;
        let answer = match &request.requestor_id {
            RequestorId::Eas(own) => {
                let own = own.clone();
                Box::pin(self.target(principal, own, request)).await?
            }
            RequestorId::Eec(eec) => {
                let eec = eec.clone();
                self.for_eec(&eec, self.wanted(request)).await?
            }
            // Who looks for a target wants another EAS than the group has now.
            RequestorId::Ees(_) => self.found(&self.wanted(request))?,
        };
        if knows_release_18 {
            return Ok(answer);
        }
        let mut answer: EasDiscoveryResp = serde_json::from_slice(&answer).map_err(Error::internal)?;
        answer.discovered_eas.iter_mut().for_each(as_before_release_18);
        serde_json::to_vec(&answer).map(Bytes::from).map_err(Error::internal)
    }
}

impl DiscoveryService {
    /// What comes before the search: who has to be registered is, what an EEC tells of its application clients is known, and so is
    /// where the UE is. An S-EES says itself where its UE is, if it knows.
    async fn prepare(&self, principal: &Principal, request: &mut EasDiscoveryReq) -> Result<(), Error> {
        match &request.requestor_id {
            RequestorId::Eec(eec) => {
                if self.policy.eec_registration_required && !self.eecs.is_registered(eec).await? {
                    return Err(registration_comes_first());
                }
                self.makes_known(eec, request).await;
                self.locate(principal, request).await;
            }
            RequestorId::Eas(_) => self.locate(principal, request).await,
            RequestorId::Ees(_) => {}
        }
        Ok(())
    }

    async fn for_eec(&self, eec: &EecId, wanted: Selection) -> Result<Bytes, Error> {
        if !wanted.groups().is_empty()
            && let Some(found) = Box::pin(self.for_groups(eec, &wanted)).await?
        {
            return Ok(found);
        }
        self.found(&wanted)
    }

    fn found(&self, wanted: &Selection) -> Result<Bytes, Error> {
        self.here(wanted).map_or_else(|| self.none(), Ok)
    }
}
