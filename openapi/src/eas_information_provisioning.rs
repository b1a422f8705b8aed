//! Eees_EASInformationProvisioning: an EEC tells what it selected, and asks the EES to select (TS 24.558 clause 6.6).

use crate::{
    common::{DateTime, non_empty},
    eas_registration::{EasProfile, EndPoint},
    eec_registration::AcProfile,
    ees_registration::AcrScenario,
    ids::{AcId, AppGroupId, Dnai, EasId, EecId},
    location::LocationArea5G,
    service_provisioning::EesInfo,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What an EEC selected, or wants selected (clause 6.6). Lists that describe the selected EASs one by one are as long as `selEasIds`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = EASInfoProvReq)]
pub struct EasInfoProvReq {
    /// `eecId`: the EEC; its certificate says the same.
    pub eec_id: EecId,
    /// `acId`: the application client.
    pub ac_id: AcId,
    /// `selEasIds`: the applications that were selected, at least one, each once.
    #[serde(deserialize_with = "non_empty")]
    #[schema(min_items = 1)]
    pub sel_eas_ids: Vec<EasId>,
    /// `appGrpId`: the group of UEs that the EAS shall serve in common; one application only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub app_grp_id: Option<AppGroupId>,
    /// `eesList`: EESs that serve members of the group; they are told which EAS it is.
    #[serde(default, deserialize_with = "non_empty", skip_serializing_if = "Vec::is_empty")]
    #[schema(min_items = 1)]
    pub ees_list: Vec<EesInfo>,
    /// `reqType`: what is told or asked; an EAS is told when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub req_type: Option<EasInfoProvReqType>,
    /// `selAcrScenarios`: the relocation scenarios that were selected; needed to announce them.
    #[serde(default, deserialize_with = "non_empty", skip_serializing_if = "Vec::is_empty")]
    #[schema(min_items = 1)]
    pub sel_acr_scenarios: Vec<AcrScenario>,
    /// `selEasEndPoints`: where the selected EASs are reached, one for each of `selEasIds`.
    #[serde(default, deserialize_with = "non_empty", skip_serializing_if = "Vec::is_empty")]
    #[schema(min_items = 1)]
    pub sel_eas_end_points: Vec<EndPoint>,
    /// `dnais`: where the traffic to each of the selected EASs leaves the network, one for each of `selEasIds`.
    #[serde(default, deserialize_with = "non_empty", skip_serializing_if = "Vec::is_empty")]
    #[schema(min_items = 1)]
    pub dnais: Vec<Dnai>,
    /// `svcArea`: where each of the selected EASs is to serve, one for each of `selEasIds`.
    #[serde(default, deserialize_with = "non_empty", skip_serializing_if = "Vec::is_empty")]
    #[schema(min_items = 1)]
    pub svc_area: Vec<LocationArea5G>,
    /// `assEesEndPoints`: where the EESs of the selected EASs are reached, one for each of `selEasIds`.
    #[serde(default, deserialize_with = "non_empty", skip_serializing_if = "Vec::is_empty")]
    #[schema(min_items = 1)]
    pub ass_ees_end_points: Vec<EndPoint>,
    /// `casInfo`: the cloud application server that was selected; it is told which EES serves the UE.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub cas_info: Option<EndPoint>,
    /// `acProf`: the profile of the application client; the registered one when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub ac_prof: Option<AcProfile>,
    /// `eecSvcContSupp`: the relocation scenarios that the EEC supports, in the order in which it prefers them; the registered ones when absent.
    #[serde(default, deserialize_with = "non_empty", skip_serializing_if = "Vec::is_empty")]
    #[schema(min_items = 1)]
    pub eec_svc_cont_supp: Vec<AcrScenario>,
}

/// What the EES selected (clause 6.6).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = EASInfoProvResp)]
pub struct EasInfoProvResp {
    /// `selAcrScenarioList`: the relocation scenarios, in the order of preference.
    #[serde(default, deserialize_with = "non_empty", skip_serializing_if = "Vec::is_empty")]
    #[schema(min_items = 1)]
    pub sel_acr_scenario_list: Vec<AcrScenario>,
    /// `instEasInfo`: the EAS that serves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub inst_eas_info: Option<InstantiatedEasInfo>,
    /// `comEasEndpoint`: where the EAS is reached that serves the group in common.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub com_eas_endpoint: Option<EndPoint>,
    /// `comEesEndpoint`: where the EES of that EAS is reached.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub com_ees_endpoint: Option<EndPoint>,
}

/// An EAS that serves the request (clause 6.6).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = InstantiatedEASInfo)]
pub struct InstantiatedEasInfo {
    /// `eas`: its profile.
    pub eas: EasProfile,
    /// `lifeTime`: until when what is said of it holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub life_time: Option<DateTime>,
    /// `eesEndpoint`: where its EES is reached.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub ees_endpoint: Option<EndPoint>,
}

open_enum!(
    /// What an EEC tells or asks (clause 6.6).
    EasInfoProvReqType as "EasInfoProvReqType" {
        /// It tells which relocation scenarios it selected.
        AcrScenarioSelectionAnnouncement = "ACR_SCENARIO_SELECTION_ANNOUNCEMENT",
        /// It asks the EES to select relocation scenarios.
        AcrScenarioSelectionRequest = "ACR_SCENARIO_SELECTION_REQUEST",
        /// It tells which EAS it selected.
        EasSelection = "EAS_SELECTION",
    }
);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proof::{needs, refused, same};

    #[test]
    fn an_eec_names_what_it_selected() {
        let text = r#"{"eecId": "c", "acId": "a", "selEasIds": ["e"], "reqType": "EAS_SELECTION", "appGrpId": "g",
            "selAcrScenarios": ["EEC_INITIATED"], "casInfo": {"fqdn": "cas.example"}}"#;
        same::<EasInfoProvReq>(text);
        needs::<EasInfoProvReq>(text, &["eecId", "acId", "selEasIds"]);
        refused::<EasInfoProvReq>(r#"{"eecId": "c", "acId": "a", "selEasIds": []}"#);
        same::<EasInfoProvResp>(r#"{"comEasEndpoint": {"fqdn": "eas.example"}}"#);
    }
}
