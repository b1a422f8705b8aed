//! Eees_AppContextRelocation: an EES is asked to relocate an application, or told that one relocates (TS 24.558 clause 6.5).
//!
//! ```
//! use edgeapp_openapi::app_context_relocation::AcrInitReq;
//!
//! let request: AcrInitReq = serde_json::from_str(
//!     r#"{"requestorId": "eec-1", "tEasEndpoint": {"fqdn": "chess.edge-b.example"}, "easNotifInd": true}"#,
//! )?;
//! assert!(request.eas_notif_ind && !request.prev_eas_notif_ind);
//! # Ok::<(), serde_json::Error>(())
//! ```

use crate::{
    common::{DateTime, RouteToLocation, non_empty},
    eas_registration::{EasBundleInfo, EndPoint},
    ids::{AcId, EasId, EecContextId, EesId, Gpsi, RequestorName},
    location::{LocationArea5G, LocationInfo},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Asks an EES to find out whether an application has to relocate, and to do it if so (clause 6.5.5.2.2).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AcrDetermReq {
    /// `requestorId`: the EEC or EAS that asks.
    pub requestor_id: RequestorName,
    /// `ueId`: the UE that moves. A sender always tells it; the standard lets it be absent for the sake of older ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub ue_id: Option<Gpsi>,
    /// `acId`: the application client on that UE.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub ac_id: Option<AcId>,
    /// `easId`: the application.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub eas_id: Option<EasId>,
    /// `sEasEndpoint`: the EAS that serves the UE now.
    pub s_eas_endpoint: EndPoint,
    /// `expectedLocArea`: where the UE is expected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub expected_loc_area: Option<ExpectedLocationArea>,
}

/// Asks an EES to relocate an application to a given EAS (clause 6.5.5.2.3).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AcrInitReq {
    /// `requestorId`: the EEC or EAS that asks.
    pub requestor_id: RequestorName,
    /// `ueId`: the UE that moves. A sender always tells it; the standard lets it be absent for the sake of older ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub ue_id: Option<Gpsi>,
    /// `acId`: the application client on that UE.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub ac_id: Option<AcId>,
    /// `easId`: the application.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub eas_id: Option<EasId>,
    /// `tEasEndpoint`: the EAS that is to serve the UE.
    pub t_eas_endpoint: EndPoint,
    /// `sEasEndpoint`: the EAS that serves it now; expected where an EAS is to be notified.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub s_eas_endpoint: Option<EndPoint>,
    /// `prevTEasEndpoint`: the target of an earlier relocation that this one replaces.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub prev_t_eas_endpoint: Option<EndPoint>,
    /// `routeReq`: the way traffic is to take to the target; absent leaves routing alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub route_req: Option<RouteToLocation>,
    /// `simInactTime`: how long the application client can do without the network meanwhile, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub sim_inact_time: Option<u64>,
    /// `easNotifInd`: the EAS is to be notified. Always present, although the standard gives it a default.
    pub eas_notif_ind: bool,
    /// `prevEasNotifInd`: the target of the earlier relocation is to be notified too; false when absent.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    #[schema(default = false)]
    pub prev_eas_notif_ind: bool,
    /// `eecCtxtReloc`: the EEC context moves as well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub eec_ctxt_reloc: Option<EecCtxtReloc>,
    /// `expectedLocArea`: where the UE is expected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub expected_loc_area: Option<ExpectedLocationArea>,
    /// `acrParams`: for a relocation planned ahead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub acr_params: Option<AcrParameters>,
    /// `acrModificationParams`: changes to a relocation asked for before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub acr_modification_params: Option<AcrModificationParams>,
    /// `easBundleInfo`: the bundle that relocates together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub eas_bundle_info: Option<EasBundleInfo>,
    /// `tEasEndPointBundleList`: where the EASs of the bundle go, at least one when present.
    #[serde(default, deserialize_with = "non_empty", skip_serializing_if = "Vec::is_empty")]
    #[schema(min_items = 1)]
    pub t_eas_end_point_bundle_list: Vec<EndPoint>,
}

/// Tells an EES which EAS was chosen as target (clause 6.5.5.2.4).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AcrDecReq {
    /// `ueId`: the UE that moves.
    pub ue_id: Gpsi,
    /// `acId`: the application client on that UE.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub ac_id: Option<AcId>,
    /// `tEasId`: the application.
    pub t_eas_id: EasId,
    /// `tEasEndpoint`: the EAS that is to serve the UE.
    pub t_eas_endpoint: EndPoint,
    /// `expectedLocArea`: where the UE is expected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub expected_loc_area: Option<ExpectedLocationArea>,
    /// `easBundleInfo`: the bundle that relocates together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub eas_bundle_info: Option<EasBundleInfo>,
    /// `tEasEndPointBundleList`: where the EASs of the bundle go, at least one when present.
    #[serde(default, deserialize_with = "non_empty", skip_serializing_if = "Vec::is_empty")]
    #[schema(min_items = 1)]
    pub t_eas_end_point_bundle_list: Vec<EndPoint>,
}

/// An EEC context that moves, and the other EES (clause 6.5.5.2.5): the source when asked of the target, the target when
/// asked of the source.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct EecCtxtReloc {
    /// `eecCtxtId`: the context.
    pub eec_ctxt_id: EecContextId,
    /// `sEesId`: the EES it comes from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub s_ees_id: Option<EesId>,
    /// `sEecEndpoint`: where that EES is reached.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub s_eec_endpoint: Option<EndPoint>,
    /// `tEesId`: the EES it goes to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub t_ees_id: Option<EesId>,
    /// `tEecEndpoint`: where that EES is reached.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub t_eec_endpoint: Option<EndPoint>,
}

/// Where a UE is expected (clause 6.5.5.2.6).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ExpectedLocationArea {
    /// `locInfo`: as a location.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub loc_info: Option<Box<LocationInfo>>,
    /// `svcArea`: as an area.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub svc_area: Option<LocationArea5G>,
}

/// What matters to a relocation planned ahead (clause 6.5.5.2.7).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AcrParameters {
    /// `predictExpTime`: when the UE will be where it is expected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub predict_exp_time: Option<DateTime>,
}

/// Changes to a relocation asked for before (clause 6.5.5.2.8).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AcrModificationParams {
    /// `sEasEndpoint`: the EAS that serves the UE now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub s_eas_endpoint: Option<EndPoint>,
    /// `tEasEndpoint`: the EAS that is to serve it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub t_eas_endpoint: Option<EndPoint>,
    /// `acrParams`: what now matters to the plan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub acr_params: Option<AcrParameters>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proof::{needs, refused, same};

    const DETERMINE: &str = r#"{"requestorId": "eec-b4", "sEasEndpoint": {"fqdn": "quiz.edge-a.example"}}"#;
    const INITIATE: &str =
        r#"{"requestorId": "eec-b4", "tEasEndpoint": {"fqdn": "quiz.edge-b.example"}, "easNotifInd": false}"#;
    const DECLARE: &str = r#"{"ueId": "msisdn-4915700000042", "tEasId": "eas.quiz.example",
        "tEasEndpoint": {"ipv6Addrs": ["2001:db8::7"]}}"#;

    #[test]
    fn the_required_members_are_enough() {
        same::<AcrDetermReq>(DETERMINE);
        same::<AcrInitReq>(INITIATE);
        same::<AcrDecReq>(DECLARE);
    }

    #[test]
    fn a_required_member_that_is_absent_is_refused() {
        needs::<AcrDetermReq>(DETERMINE, &["requestorId", "sEasEndpoint"]);
        needs::<AcrInitReq>(INITIATE, &["requestorId", "tEasEndpoint", "easNotifInd"]);
        needs::<AcrDecReq>(DECLARE, &["ueId", "tEasId", "tEasEndpoint"]);
        needs::<EecCtxtReloc>(r#"{"eecCtxtId": "ctx-b4"}"#, &["eecCtxtId"]);
    }

    #[test]
    fn every_member_is_kept() {
        same::<AcrDetermReq>(
            r#"{"requestorId": "eec-b4", "ueId": "msisdn-4915700000042", "acId": "ac.quiz", "easId": "eas.quiz.example",
            "sEasEndpoint": {"fqdn": "quiz.edge-a.example"}, "expectedLocArea": {"locInfo": {"ageOfLocationInfo": 1}}}"#,
        );
        same::<AcrInitReq>(
            r#"{"requestorId": "eec-b4", "ueId": "msisdn-4915700000042", "acId": "ac.quiz", "easId": "eas.quiz.example",
            "tEasEndpoint": {"fqdn": "quiz.edge-b.example"}, "sEasEndpoint": {"fqdn": "quiz.edge-a.example"},
            "prevTEasEndpoint": {"fqdn": "quiz.edge-c.example"}, "routeReq": {"dnai": "edge-b", "routeProfId": "p-3"},
            "simInactTime": 2, "easNotifInd": true, "prevEasNotifInd": true,
            "eecCtxtReloc": {"eecCtxtId": "ctx-b4", "sEesId": "ees-a", "sEecEndpoint": {"fqdn": "ees-a.example"},
                "tEesId": "ees-b", "tEecEndpoint": {"fqdn": "ees-b.example"}},
            "expectedLocArea": {}, "acrParams": {"predictExpTime": "2031-05-04T03:02:01Z"},
            "acrModificationParams": {"sEasEndpoint": {"fqdn": "quiz.edge-a.example"},
                "tEasEndpoint": {"fqdn": "quiz.edge-d.example"}, "acrParams": {}},
            "easBundleInfo": {"bdlType": "DIRECT", "bdlId": "bundle-4"},
            "tEasEndPointBundleList": [{"fqdn": "chat.edge-b.example"}]}"#,
        );
        same::<AcrDecReq>(
            r#"{"ueId": "msisdn-4915700000042", "acId": "ac.quiz", "tEasId": "eas.quiz.example",
            "tEasEndpoint": {"fqdn": "quiz.edge-b.example"}, "expectedLocArea": {},
            "easBundleInfo": {"bdlType": "DIRECT", "bdlId": "bundle-4"},
            "tEasEndPointBundleList": [{"fqdn": "chat.edge-b.example"}]}"#,
        );
    }

    #[test]
    fn an_empty_list_is_refused() {
        refused::<AcrInitReq>(&INITIATE.replacen('{', r#"{"tEasEndPointBundleList": [], "#, 1));
        refused::<AcrDecReq>(&DECLARE.replacen('{', r#"{"tEasEndPointBundleList": [], "#, 1));
    }

    #[test]
    fn a_requestor_in_an_object_is_refused() {
        refused::<AcrDetermReq>(&DETERMINE.replace(r#""eec-b4""#, r#"{"eecId": "eec-b4"}"#));
    }

    #[test]
    fn an_unknown_member_is_ignored() {
        let more = INITIATE.replacen('{', r#"{"mood": "good", "#, 1);
        assert!(serde_json::from_str::<AcrInitReq>(&more).is_ok());
    }
}
