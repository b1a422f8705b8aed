//! What an EEC tells of its selections, and asks the EES to select (Eees_EASInformationProvisioning, TS 24.558 clause 6.6; TS 23.558
//! clause 8.15).
//!
//! One record per EEC, application client and application says which EAS serves, in which scenarios the session relocates, and which
//! CAS hears of it. What follows leaves from the same commit: news for the EAS, the declaration to the CAS; the session stands in the
//! EEC context and moves with it. The same message again tells nobody twice.

mod record;
mod rules;

pub(crate) use record::cas_of;
pub use record::{PREFIX, expired, is_still_selected};

use crate::{
    common_eas::{CommonEas, CommonEasService, agreement::Choice},
    discovery, eec,
    peers::PeerEes,
    scenarios, selected_ees,
    selection::Selection,
};
use async_trait::async_trait;
use edgeapp_core::{
    callback::CallbackRule,
    clock::Lifetimes,
    error::{Cause, Error, Kind},
    principal::Principal,
    room::Room,
};
use edgeapp_openapi::{
    eas_discovery::{DiscoveredEas, EasCharacteristics},
    eas_information_provisioning::{EasInfoProvReq, EasInfoProvResp, InstantiatedEasInfo},
    eas_registration::EndPoint,
    eec_registration::AcProfile,
    ees_registration::AcrScenario,
    ids::{EasId, EesId},
    problem::InvalidParam,
};
use record::{News, Selected, Sender, key};
use rules::Wish;
use std::sync::Arc;

/// Finds the EASs that are registered here and fit; the selection of EASs stands behind it.
pub trait EassHere: Send + Sync + 'static {
    /// Those that fit, best first.
    fn fitting(&self, wanted: &Selection) -> Vec<Arc<DiscoveredEas>>;
}

/// What an EES does for EECs that tell it of selections.
#[async_trait]
pub trait EasInformation: Send + Sync {
    /// Takes note of a selection, or makes one. Nothing when there is nothing to say.
    ///
    /// # Errors
    /// [`Cause::OwnerMismatch`] when it is not the caller's EECID, [`Cause::NotRegistered`]; when the message contradicts itself; 404
    /// when an EAS is not registered here or [`Cause::NoCommonAcrScenario`]. Nothing is noted then.
    async fn declare(&self, principal: &Principal, request: EasInfoProvReq) -> Result<Option<EasInfoProvResp>, Error>;
}

/// How selections are treated here.
#[derive(Clone, Debug)]
pub struct EasInformationPolicy {
    /// Only registered EECs may tell and ask.
    pub eec_registration_required: bool,
    /// How long a selection of an EEC that is not registered is kept.
    pub lifetimes: Lifetimes,
    /// The scenarios that this EES takes part in.
    pub scenarios: Vec<AcrScenario>,
    /// The addresses that EECs may name.
    pub callbacks: CallbackRule,
    /// Where a CAS reaches this EES, as EASs do.
    pub for_cas: EndPoint,
    /// This EES.
    pub own_id: EesId,
}

/// The service behind [`EasInformation`].
pub struct EasInformationService {
    room: Room,
    policy: EasInformationPolicy,
    eass: Arc<dyn EassHere>,
    groups: Arc<CommonEasService>,
}

fn not_here(n: usize) -> Error {
    let param = format!("/selEasIds/{n}");
    let reason = "no EAS of this application that fits is registered here";
    Error {
        invalid: vec![InvalidParam {
            param: param.clone(),
            reason: Some(reason.to_owned()),
        }],
        ..Error::new(Kind::NotFound, Cause::ResourceNotFound, format!("{param}: {reason}"))
    }
}

impl EasInformationService {
    /// A service over this room; EASs that are registered here stand in `eass`, common EASs in `groups`.
    pub fn new(
        room: Room,
        policy: EasInformationPolicy,
        eass: Arc<dyn EassHere>,
        groups: Arc<CommonEasService>,
    ) -> Self {
        Self {
            room,
            policy,
            eass,
            groups,
        }
    }

    async fn sender<'a>(&self, principal: &'a Principal, request: &EasInfoProvReq) -> Result<Sender<'a>, Error> {
        if !principal.is_eec(&request.eec_id) {
            return Err(Error::not_yours("/eecId", "EECID"));
        }
        let registration = eec::registered(&self.room, &request.eec_id)
            .await?
            .map(|(_, known)| known);
        if self.policy.eec_registration_required && registration.is_none() {
            return Err(discovery::registration_comes_first());
        }
        let registered_ue = registration.as_ref().and_then(|known| known.ue_id.clone());
        Ok(Sender {
            principal,
            eec_id: request.eec_id.clone(),
            ac_id: request.ac_id.clone(),
            ue_id: principal.gpsi().cloned().or(registered_ue),
            registration,
        })
    }

    async fn known(&self, sender: &Sender<'_>, eas_id: &EasId) -> Result<Option<Selected>, Error> {
        let key = key(&sender.eec_id, &sender.ac_id, eas_id);
        Ok(self.room.read::<Selected>(&key).await?.map(|kept| kept.value))
    }

    /// The EASs here that the n-th application of a message may mean: at the endpoint it names, or whichever fit.
    fn meant(&self, request: &EasInfoProvReq, n: usize) -> Vec<Arc<DiscoveredEas>> {
        let of_application = Selection::of_application(request.sel_eas_ids[n].clone());
        if let Some(endpoint) = request.sel_eas_end_points.get(n) {
            let mut all = self.eass.fitting(&of_application);
            all.retain(|found| found.eas.end_pt == *endpoint);
            return all;
        }
        let area = request.svc_area.get(n).map(|area| EasCharacteristics {
            svc_area: Some(area.clone()),
            ..EasCharacteristics::default()
        });
        self.eass.fitting(&Selection {
            dnai: request.dnais.get(n).cloned(),
            eas_chars: area.into_iter().collect(),
            ..of_application
        })
    }

    /// The EASs of a session: the one that the message names, else the one that was selected before, else all that fit.
    async fn of_session(
        &self,
        sender: &Sender<'_>,
        request: &EasInfoProvReq,
        n: usize,
    ) -> Result<Vec<Arc<DiscoveredEas>>, Error> {
        let mut meant = self.meant(request, n);
        if request.sel_eas_end_points.is_empty()
            && let Some(known) = self.known(sender, &request.sel_eas_ids[n]).await?
            && meant.iter().any(|found| known.eas.as_ref() == Some(&found.eas.end_pt))
        {
            meant.retain(|found| known.eas.as_ref() == Some(&found.eas.end_pt));
        }
        match meant.is_empty() {
            true => Err(not_here(n)),
            false => Ok(meant),
        }
    }

    async fn scenarios_selected(&self, sender: &Sender<'_>, request: &EasInfoProvReq) -> Result<(), Error> {
        self.must_know_the_ue(sender)?;
        let mut news = Vec::new();
        for (n, eas_id) in request.sel_eas_ids.iter().enumerate() {
            let meant = self.of_session(sender, request, n).await?;
            let [one] = meant.as_slice() else {
                return Err(Error::mandatory_missing(
                    "/selEasEndPoints",
                    format!("is needed: several EASs of {eas_id} are registered here"),
                ));
            };
            news.push(News {
                eas_id: eas_id.clone(),
                eas: Some(one.eas.end_pt.clone()),
                scenarios: request.sel_acr_scenarios.clone(),
                cas: None,
                selects: false,
            });
        }
        self.note(sender, &news).await
    }

    async fn select_scenarios(&self, sender: &Sender<'_>, request: &EasInfoProvReq) -> Result<EasInfoProvResp, Error> {
        let registered = sender.registration.as_ref();
        let eec = match request.eec_svc_cont_supp.as_slice() {
            [] => registered
                .map(|known| known.eec_svc_cont_supp.as_slice())
                .unwrap_or_default(),
            told => told,
        };
        let acs: Vec<&AcProfile> = match (&request.ac_prof, registered) {
            (Some(told), _) => vec![told],
            (None, Some(known)) => known.ac_profs.iter().filter(|ac| ac.ac_id == request.ac_id).collect(),
            (None, None) => Vec::new(),
        };
        let mut eass: Vec<Vec<Arc<DiscoveredEas>>> = Vec::new();
        for n in 0..request.sel_eas_ids.len() {
            eass.push(self.of_session(sender, request, n).await?);
        }
        let lists: Vec<&[AcrScenario]> = eass
            .iter()
            .flatten()
            .map(|found| found.eas.svc_cont_supp.as_slice())
            .collect();
        let common = scenarios::in_common(eec, acs.into_iter(), &self.policy.scenarios, &lists);
        if common.is_empty() {
            return Err(Error::new(
                Kind::NotFound,
                Cause::NoCommonAcrScenario,
                "no relocation scenario is common to eecSvcContSupp, acSvcContSupp of acProf, this EES, and svcContSupp of the EASs",
            ));
        }
        // Whose session it is has to be known to tell an EAS, and which EAS.
        if sender.ue_id.is_some() {
            let of_one = |(eas_id, meant): (&EasId, &Vec<Arc<DiscoveredEas>>)| match meant.as_slice() {
                [one] => Some(News {
                    eas_id: eas_id.clone(),
                    eas: Some(one.eas.end_pt.clone()),
                    scenarios: common.clone(),
                    cas: None,
                    selects: false,
                }),
                _ => None,
            };
            let news: Vec<News> = request.sel_eas_ids.iter().zip(&eass).filter_map(of_one).collect();
            self.note(sender, &news).await?;
        }
        Ok(EasInfoProvResp {
            sel_acr_scenario_list: common,
            ..EasInfoProvResp::default()
        })
    }

    async fn eas_selected(
        &self,
        sender: &Sender<'_>,
        request: &EasInfoProvReq,
    ) -> Result<Option<EasInfoProvResp>, Error> {
        if !request.sel_acr_scenarios.is_empty() {
            self.must_know_the_ue(sender)?;
        }
        if let Some(cas) = &request.cas_info {
            self.must_know_the_ue(sender)?;
            selected_ees::destination(cas, &self.policy.callbacks, "/casInfo")?;
        }
        let mut answer = EasInfoProvResp::default();
        let mut news = Vec::new();
        for (n, eas_id) in request.sel_eas_ids.iter().enumerate() {
            // A CAS that was selected serves instead of an EAS.
            let meant = match &request.cas_info {
                None => self.meant(request, n),
                Some(_) => Vec::new(),
            };
            let best = meant.first();
            let common = self.common(request, n, best.map(Arc::as_ref)).await?;
            let told = request.sel_eas_end_points.get(n).cloned();
            // Another EES has it, or the CAS serves.
            let elsewhere = common.is_some() || request.cas_info.is_some() || self.is_elsewhere(request, n);
            if best.is_none() && !elsewhere {
                return Err(not_here(n));
            }
            let selected = best.map(|found| &found.eas.end_pt).or(told.as_ref());
            let serves = match &common {
                Some(common) => Some(&common.eas),
                None => selected,
            };
            if let Some(common) = common.as_ref().filter(|common| Some(&common.eas) != selected) {
                answer.com_eas_endpoint = Some(common.eas.clone());
                answer.com_ees_endpoint.clone_from(&common.ees);
            }
            if answer.inst_eas_info.is_none() {
                let here = best.filter(|found| Some(&found.eas.end_pt) == serves);
                answer.inst_eas_info = here.map(|found| InstantiatedEasInfo {
                    eas: found.eas.clone(),
                    life_time: found.life_time,
                    ees_endpoint: found.ees_end_pt.clone(),
                });
            }
            news.push(News {
                eas_id: eas_id.clone(),
                eas: serves.filter(|_| request.cas_info.is_none()).cloned(),
                scenarios: request.sel_acr_scenarios.clone(),
                cas: request.cas_info.clone(),
                selects: true,
            });
        }
        self.note(sender, &news).await?;
        Ok((answer != EasInfoProvResp::default()).then_some(answer))
    }

    fn is_elsewhere(&self, request: &EasInfoProvReq, n: usize) -> bool {
        let of_another = |ees: &EndPoint| self.groups.own().endpoint.as_ref() != Some(ees);
        request.ass_ees_end_points.get(n).is_some_and(of_another)
    }

    /// The common EAS of the group that the message names: the one in force, else the one selected here.
    async fn common(
        &self,
        request: &EasInfoProvReq,
        n: usize,
        here: Option<&DiscoveredEas>,
    ) -> Result<Option<CommonEas>, Error> {
        let Some(group) = &request.app_grp_id else {
            return Ok(None);
        };
        let eas_id = &request.sel_eas_ids[n];
        let mut others = Vec::new();
        for (at, ees) in request.ees_list.iter().enumerate() {
            if let Some(endpoint) = &ees.end_pt {
                let pointer = format!("/eesList/{at}/endPt");
                let root = endpoint.api_root().parse();
                let root = root.map_err(|_| Error::optional_incorrect(&*pointer, "must be an absolute https URI"))?;
                self.policy.callbacks.check(&root, &pointer)?;
            }
            others.push(PeerEes {
                id: ees.ees_id.clone(),
                endpoint: ees.end_pt.clone(),
            });
        }
        match here {
            Some(here) => {
                let wish = Choice {
                    by: &request.eec_id,
                    group,
                    eas_id,
                    eas: &here.eas.end_pt,
                    also: &others,
                };
                self.groups.agree(wish).await.map(Some)
            }
            None => self.groups.in_force(group, eas_id).await,
        }
    }

    fn must_know_the_ue(&self, sender: &Sender<'_>) -> Result<(), Error> {
        match sender.ue_id {
            Some(_) => Ok(()),
            None => Err(Error::forbidden(
                Cause::UeIdNotVerified,
                "others cannot be told whose selection it is: neither the certificate of the caller nor its registration has a UE \
                 identifier",
            )),
        }
    }
}

#[async_trait]
impl EasInformation for EasInformationService {
    async fn declare(&self, principal: &Principal, request: EasInfoProvReq) -> Result<Option<EasInfoProvResp>, Error> {
        let sender = self.sender(principal, &request).await?;
        let wish = rules::wish(&request)?;
        rules::consistent(&request, wish)?;
        match wish {
            Wish::ScenariosSelected => self.scenarios_selected(&sender, &request).await.map(|()| None),
            Wish::SelectScenarios => self.select_scenarios(&sender, &request).await.map(Some),
            Wish::EasSelected => self.eas_selected(&sender, &request).await,
        }
    }
}
