//! Edge data networks as the operator describes them, and answers put together by them (TS 24.558 clause 8.1.5.2.7).

use crate::selection::Chosen;
use edgeapp_core::area;
use edgeapp_openapi::{
    common::Snssai,
    ees_registration::EesProfile,
    ids::Dnn,
    location::{LocationArea5G, ServiceArea},
    service_provisioning::{EdnConInfo, EdnConfigInfo, EesAuthMethod, EesInfo},
};
use serde::{Deserialize, Serialize};

/// An edge data network.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Edn {
    /// `dnn`: its data network name. EESs say with it which network they are in.
    pub dnn: Dnn,
    /// `snssai`: the slice it is in: a table with `sst` and, where there is one, `sd`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub snssai: Option<Snssai>,
    /// `area`: where UEs have to be to connect to it; anywhere when absent. A table as in TS 29.558 clause 9.1.5.2.5: `topServAr`
    /// with `tais`, `ncgis`, `ecgis`, `plmnIds`, `geoServAr` with `geoArs`, `civicAddrs`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub area: Option<ServiceArea>,
    /// `default`: EESs that name no network are in this one. At most one has it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub default: bool,
}

/// All edge data networks that were described.
#[derive(Clone, Debug, Default)]
pub struct Edns(Vec<Edn>);

/// Why descriptions of edge data networks do not fit together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EdnConflict {
    /// Two have this name.
    Twice(Dnn),
    /// Two are the default.
    TwoDefaults(Dnn, Dnn),
}

impl std::fmt::Display for EdnConflict {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Twice(dnn) => write!(f, "the dnn {dnn} is described twice; keep one description"),
            Self::TwoDefaults(one, other) => write!(f, "both {one} and {other} are the default; keep one"),
        }
    }
}

impl std::error::Error for EdnConflict {}

impl Edns {
    /// These networks.
    ///
    /// # Errors
    /// When two have the same name or two are the default.
    pub fn new(all: Vec<Edn>) -> Result<Self, EdnConflict> {
        for (n, edn) in all.iter().enumerate() {
            if all[..n].iter().any(|other| other.dnn == edn.dnn) {
                return Err(EdnConflict::Twice(edn.dnn.clone()));
            }
            if let Some(other) = all[..n].iter().find(|other| other.default && edn.default) {
                return Err(EdnConflict::TwoDefaults(other.dnn.clone(), edn.dnn.clone()));
            }
        }
        Ok(Self(all))
    }

    /// The descriptions.
    pub fn all(&self) -> &[Edn] {
        &self.0
    }

    /// The description of the network that an EES is in, if there is one.
    pub fn of(&self, profile: &EesProfile) -> Option<&Edn> {
        match &profile.edn_info_sets {
            Some(named) => self.0.iter().find(|edn| edn.dnn == named.dnn),
            None => self.0.iter().find(|edn| edn.default),
        }
    }

    fn connection(&self, profile: &EesProfile) -> EdnConInfo {
        let described = self.of(profile);
        let named = profile.edn_info_sets.as_ref().map(|edn| &edn.dnn);
        EdnConInfo {
            dnn: named.or(described.map(|edn| &edn.dnn)).cloned(),
            snssai: described.and_then(|edn| edn.snssai.clone()),
            edn_topo_srv_area: described.and_then(|edn| readable(edn.area.as_ref()?)),
        }
    }

    /// The answer that names these EESs, one entry per network. `extended` says whether the reader knows the members of EdgeApp_2.
    pub fn describe(&self, chosen: &[Chosen], extended: bool) -> Vec<EdnConfigInfo> {
        let mut answer: Vec<EdnConfigInfo> = Vec::new();
        for one in chosen {
            let edn_con_info = self.connection(one.profile());
            let ees = describe(one, extended);
            match answer.iter_mut().find(|edn| edn.edn_con_info == edn_con_info) {
                Some(edn) => {
                    edn.life_time = edn.life_time.into_iter().chain(one.ees.expires_at).min();
                    edn.eess.push(ees);
                }
                None => answer.push(EdnConfigInfo {
                    edn_con_info,
                    eess: vec![ees],
                    life_time: one.ees.expires_at,
                }),
            }
        }
        answer
    }
}

/// The area as EECs read it, if anything is left of it in that type.
fn readable(area: &ServiceArea) -> Option<LocationArea5G> {
    Some(area::to_location_area(area)).filter(|area| *area != LocationArea5G::default())
}

fn describe(chosen: &Chosen, extended: bool) -> EesInfo {
    let profile = chosen.profile();
    let of_edn = || profile.edn_info_sets.iter().flat_map(|edn| edn.dnais.clone()).collect();
    let mut ees = EesInfo {
        ees_id: profile.ees_id.clone(),
        end_pt: Some(profile.end_pt.clone()),
        eas_ids: profile
            .eas_ids
            .iter()
            .filter(|eas| chosen.wants(eas))
            .cloned()
            .collect(),
        app_group_id_list: Vec::new(),
        ecsp_info: profile.prov_id.clone(),
        svc_area: profile.svc_area.as_ref().and_then(readable),
        dnais: if profile.app_locs.is_empty() {
            of_edn()
        } else {
            profile.app_locs.clone()
        },
        ees_svc_cont_supp: profile.svc_cont_supp.clone(),
        eec_reg_conf: profile.eec_reg_conf,
        eas_inst_infos: Vec::new(),
        ees_auth_methods: Vec::new(),
        eas_bundle_infos: Vec::new(),
    };
    if extended {
        ees.app_group_id_list = chosen.group.iter().cloned().collect();
        let wanted = |eas| chosen.wants(eas);
        ees.eas_inst_infos = profile
            .eas_inst_info
            .values()
            .filter(|info| wanted(&info.eas_id))
            .cloned()
            .collect();
        ees.ees_auth_methods = vec![EesAuthMethod::TlsClientServerCertificate];
        for bundle in profile
            .eas_bdl_infos
            .iter()
            .filter(|(eas, _)| wanted(eas))
            .flat_map(|(_, bundles)| bundles)
        {
            if !ees.eas_bundle_infos.contains(bundle) {
                ees.eas_bundle_infos.push(bundle.clone());
            }
        }
    }
    ees
}
