//! Eees_EASDiscovery: which EASs are there for a UE, asked once or told whenever it changes (TS 24.558 clause 6.3).
//!
//! EECs ask on EDGE-1, EASs on EDGE-3 and other EESs on EDGE-9; the body tells which of them it is:
//!
//! ```
//! use edgeapp_openapi::eas_discovery::{EasDiscoveryReq, RequestorId};
//!
//! let request: EasDiscoveryReq = serde_json::from_str(r#"{"requestorId": {"eecId": "eec-1"}}"#)?;
//! assert!(matches!(request.requestor_id, RequestorId::Eec(_)));
//! assert!(serde_json::from_str::<EasDiscoveryReq>(r#"{"requestorId": {}}"#).is_err());
//! # Ok::<(), serde_json::Error>(())
//! ```

mod filter;
mod subscription;

pub use filter::{AcCharacteristics, EasCharacteristics, EasDiscoveryFilter};
pub use subscription::{
    EasDiscEventIds, EasDiscoveryNotification, EasDiscoverySubscription, EasDiscoverySubscriptionPatch,
    EasDynamicInfoFilter, EasDynamicInfoFilterData,
};

use crate::{
    common::{DateTime, PlmnIdNid, ScheduledCommunicationTime, SupportedFeatures, non_empty, non_empty_map},
    eas_registration::{EasProfile, EndPoint},
    ees_registration::{AcrScenario, EasInstantiationInfo},
    ids::{Dnai, EasId, EecId, EesId, Gpsi},
    location::LocationInfo,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// The question which EASs there are (clause 6.3.5.2.2).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct EasDiscoveryReq {
    /// `requestorId`: who asks.
    pub requestor_id: RequestorId,
    /// `ueId`: the UE that is to be served.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub ue_id: Option<Gpsi>,
    /// `easDiscoveryFilter`: what the EASs have to be like; absent means any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub eas_discovery_filter: Option<EasDiscoveryFilter>,
    /// `eecSvcContinuity`: the ways of relocation the EEC takes part in.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub eec_svc_continuity: Vec<AcrScenario>,
    /// `eesSvcContinuity`: the ways of relocation the asking EES takes part in.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ees_svc_continuity: Vec<AcrScenario>,
    /// `easSvcContinuity`: the ways of relocation the asking EAS takes part in.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub eas_svc_continuity: Vec<AcrScenario>,
    /// `locInf`: where the UE is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub loc_inf: Option<Box<LocationInfo>>,
    /// `easTDnai`: the DNAI behind which the EAS has to sit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub eas_t_dnai: Option<Dnai>,
    /// `easSelSupInd`: the EES is to choose for an EEC that cannot; false when absent.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    #[schema(default = false)]
    pub eas_sel_sup_ind: bool,
    /// `suppFeat`: features of this API that the requestor supports.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub supp_feat: Option<SupportedFeatures>,
    /// `easIntTrigSup`: as it came, for stage 2 and stage 3 disagree on it: here true asks the EES to start an EAS that is not
    /// running yet, in TS 23.558 it asks not to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub eas_int_trig_sup: Option<bool>,
    /// `predictExpTime`: when the UE will be where it is expected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub predict_exp_time: Option<DateTime>,
    /// `servingPLMNInfo`: the network that serves the UE.
    #[serde(rename = "servingPLMNInfo", default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub serving_plmn_info: Option<PlmnIdNid>,
    /// `svcContinuityPlanInd`: the question is part of a plan for a later relocation; false when absent.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    #[schema(default = false)]
    pub svc_continuity_plan_ind: bool,
}

impl EasDiscoveryReq {
    /// The smallest request: only who asks.
    pub fn new(requestor_id: RequestorId) -> Self {
        Self {
            requestor_id,
            ue_id: None,
            eas_discovery_filter: None,
            eec_svc_continuity: Vec::new(),
            ees_svc_continuity: Vec::new(),
            eas_svc_continuity: Vec::new(),
            loc_inf: None,
            eas_t_dnai: None,
            eas_sel_sup_ind: false,
            supp_feat: None,
            eas_int_trig_sup: None,
            predict_exp_time: None,
            serving_plmn_info: None,
            svc_continuity_plan_ind: false,
        }
    }
}

one_of!(
    /// Who asks for EASs: an EES, an EAS or an EEC (clause 6.3.5.2.13).
    #[derive(Eq, Hash)]
    RequestorId {
        /// `eesId`: an EES, for a UE that leaves it.
        Ees(EesId) = "eesId",
        /// `easId`: an EAS, for a UE that leaves it.
        Eas(EasId) = "easId",
        /// `eecId`: an EEC, for its own UE.
        Eec(EecId) = "eecId",
    }
);

/// The EASs there are (clause 6.3.5.2.3).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct EasDiscoveryResp {
    /// `discoveredEas`: the EASs; may be empty, is never absent.
    pub discovered_eas: Vec<DiscoveredEas>,
    /// `easInstInfos`: which of them run already, by EAS.
    #[serde(
        default,
        deserialize_with = "non_empty_map",
        skip_serializing_if = "BTreeMap::is_empty"
    )]
    pub eas_inst_infos: BTreeMap<EasId, EasInstantiationInfo>,
    /// `edgeLoadAnalytics`: how they have been doing and will be doing, by EAS.
    #[serde(
        default,
        deserialize_with = "non_empty_map",
        skip_serializing_if = "BTreeMap::is_empty"
    )]
    pub edge_load_analytics: BTreeMap<EasId, EdgeLoadAnalytic>,
}

/// One EAS that was found (clause 6.3.5.2.8).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DiscoveredEas {
    /// `eas`: the EAS.
    pub eas: EasProfile,
    /// `eesEndPt`: the EES it is registered at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub ees_end_pt: Option<EndPoint>,
    /// `lifeTime`: until when this may be kept and used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub life_time: Option<DateTime>,
}

/// How an EAS has been doing and will be doing (clause 6.3.5.2.14).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct EdgeLoadAnalytic {
    /// `easId`: the EAS.
    pub eas_id: EasId,
    /// `predictData`: what is expected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub predict_data: Option<PredictiveData>,
    /// `statisticData`: what was counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub statistic_data: Option<StatisticalData>,
}

/// What is expected of an EAS (clause 6.3.5.2.15).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PredictiveData {
    /// `scheds`: when it will be up, at least one window when present.
    #[serde(default, deserialize_with = "non_empty", skip_serializing_if = "Vec::is_empty")]
    #[schema(min_items = 1)]
    pub scheds: Vec<ScheduledCommunicationTime>,
    /// `status`: the state it will be in, in free words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub status: Option<String>,
}

/// What was counted of an EAS (clause 6.3.5.2.16).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct StatisticalData {
    /// `numRecPerf`: how often clients were served as well as they expected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub num_rec_perf: Option<u64>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proof::{needs, refused, same};

    #[test]
    fn every_member_of_a_request_is_kept() {
        let request: EasDiscoveryReq = same(
            r#"{"requestorId": {"eesId": "ees-a"}, "ueId": "msisdn-4915700000042",
            "easDiscoveryFilter": {"easChars": [{"easId": "eas.quiz.example"}]},
            "eecSvcContinuity": ["EEC_INITIATED"], "eesSvcContinuity": ["EEL_MANAGED_ACR"],
            "easSvcContinuity": ["SOURCE_EAS_DECIDED"], "easTDnai": "edge-b", "easSelSupInd": true, "suppFeat": "2",
            "easIntTrigSup": false, "predictExpTime": "2031-05-04T03:02:01Z", "svcContinuityPlanInd": true,
            "locInf": {"ageOfLocationInfo": 4}, "servingPLMNInfo": {"mcc": "999", "mnc": "70"}}"#,
        );
        assert_eq!(request.eas_int_trig_sup, Some(false));
    }

    #[test]
    fn every_member_of_a_response_is_kept() {
        same::<EasDiscoveryResp>(
            r#"{"discoveredEas": [{"eas": {"easId": "eas.quiz.example", "endPt": {"fqdn": "q.example"}},
                "eesEndPt": {"uri": "https://ees-a.example/edge"}, "lifeTime": "2031-05-04T03:02:01Z"}],
            "easInstInfos": {"eas.quiz.example": {"easId": "eas.quiz.example", "status": "INSTANTIATED"}},
            "edgeLoadAnalytics": {"eas.quiz.example": {"easId": "eas.quiz.example",
                "predictData": {"status": "busy"}, "statisticData": {"numRecPerf": 17}}}}"#,
        );
        same::<EasDiscoveryResp>(r#"{"discoveredEas": []}"#);
    }

    #[test]
    fn a_required_member_that_is_absent_is_refused() {
        needs::<EasDiscoveryReq>(r#"{"requestorId": {"eecId": "eec-b4"}}"#, &["requestorId"]);
        needs::<EasDiscoveryResp>(r#"{"discoveredEas": []}"#, &["discoveredEas"]);
        needs::<DiscoveredEas>(
            r#"{"eas": {"easId": "eas.quiz.example", "endPt": {"fqdn": "q.example"}}}"#,
            &["eas"],
        );
        needs::<EdgeLoadAnalytic>(r#"{"easId": "eas.quiz.example"}"#, &["easId"]);
    }

    #[test]
    fn there_is_exactly_one_requestor() {
        assert_eq!(
            same::<RequestorId>(r#"{"easId": "e"}"#),
            RequestorId::Eas("e".parse().unwrap())
        );
        for bad in [
            "{}",
            r#"{"eecId": "c", "easId": "a"}"#,
            r#"{"eesId": "s", "eecId": "c"}"#,
        ] {
            let why = refused::<RequestorId>(bad);
            assert!(why.contains("exactly one"), "{why}");
        }
        assert!(serde_json::from_str::<RequestorId>(r#"{"eecId": "c", "casId": "x"}"#).is_ok());
    }

    #[test]
    fn an_empty_list_is_refused_where_the_standard_says_so() {
        refused::<PredictiveData>(r#"{"scheds": []}"#);
        let request = r#"{"requestorId": {"eecId": "eec-b4"}, "eecSvcContinuity": [], "easSvcContinuity": []}"#;
        assert!(serde_json::from_str::<EasDiscoveryReq>(request).is_ok());
    }

    #[test]
    fn a_refusal_points_at_the_member() {
        let answer =
            r#"{"discoveredEas": [{"eas": {"easId": "e", "svcKpi": {"avail": -1}, "endPt": {"fqdn": "q.example"}}}]}"#;
        let error =
            serde_path_to_error::deserialize::<_, EasDiscoveryResp>(&mut serde_json::Deserializer::from_str(answer));
        assert_eq!(
            error.unwrap_err().path().to_string(),
            "discoveredEas[0].eas.svcKpi.avail"
        );
        let request = r#"{"requestorId": {"eecId": ""}}"#;
        let error =
            serde_path_to_error::deserialize::<_, EasDiscoveryReq>(&mut serde_json::Deserializer::from_str(request));
        assert_eq!(error.unwrap_err().path().to_string(), "requestorId.eecId");
    }
}
