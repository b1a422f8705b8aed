//! Eees_EECRegistration: an EEC tells an EES which application clients it works for (TS 24.558 clause 6.2).
//!
//! ```
//! use edgeapp_openapi::eec_registration::EecRegistration;
//!
//! let answer: EecRegistration = serde_json::from_str(
//!     r#"{"eecId": "eec-1", "unfulfilledAcProfs": {"acId": "ac.chess", "reason": "EAS_NOT_AVAILABLE"}}"#,
//! )?;
//! assert_eq!(answer.unfulfilled().len(), 1);
//! # Ok::<(), serde_json::Error>(())
//! ```

use crate::{
    common::{BitRate, DateTime, ScheduledCommunicationTime, bounded, non_empty},
    eas_discovery::DiscoveredEas,
    eas_registration::{EasBundleInfo, EndPoint},
    ees_registration::AcrScenario,
    ids::{AcId, EasId, EecContextId, EecId, EesId, Gpsi, ProviderId},
    location::LocationArea5G,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A registration of an EEC at an EES, as asked for and as granted (clause 6.2.5.2.2).
///
/// Not both `unfulfilledAcProfs` and `unfulfillAcProfs`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(remote = "Self", rename_all = "camelCase")]
#[schema(as = EECRegistration)]
pub struct EecRegistration {
    /// `eecId`: the EEC.
    pub eec_id: EecId,
    /// `ueId`: the UE it runs on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub ue_id: Option<Gpsi>,
    /// `acProfs`: the application clients it works for.
    #[serde(default, deserialize_with = "bounded", skip_serializing_if = "Vec::is_empty")]
    pub ac_profs: Vec<AcProfile>,
    /// `expTime`: when the registration ends. A request proposes, the response decides.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub exp_time: Option<DateTime>,
    /// `eecSvcContSupp`: the ways of relocation the EEC takes part in; empty means none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub eec_svc_cont_supp: Vec<AcrScenario>,
    /// `eecCntxId`: in a request, the EEC context kept elsewhere; in a response, the one kept here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub eec_cntx_id: Option<EecContextId>,
    /// `srcEesId`: the EES that keeps the context named in a request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub src_ees_id: Option<EesId>,
    /// `endPt`: where that EES is reached.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub end_pt: Option<EndPoint>,
    /// `ueMobilityReq`: the EES is to follow the UE's moves; false when absent.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    #[schema(default = false)]
    pub ue_mobility_req: bool,
    /// `easSelReqInd`: the EES is to choose EASs and tell them in `discoveredEas`; false when absent.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    #[schema(default = false)]
    pub eas_sel_req_ind: bool,
    /// `ueType`: what the UE can afford.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub ue_type: Option<DeviceType>,
    /// `discoveredEas`: in a response, the EASs chosen, at least one when present.
    #[serde(default, deserialize_with = "non_empty", skip_serializing_if = "Vec::is_empty")]
    #[schema(min_items = 1)]
    pub discovered_eas: Vec<DiscoveredEas>,
    /// `unfulfillAcProfs`: in a response, the profiles nothing here can serve, at least one when present.
    #[serde(default, deserialize_with = "non_empty", skip_serializing_if = "Vec::is_empty")]
    #[schema(min_items = 1)]
    pub unfulfill_ac_profs: Vec<UnfulfilledAcProfile>,
    /// `unfulfilledAcProfs`: in a response, the only profile nothing here can serve.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub unfulfilled_ac_profs: Option<UnfulfilledAcProfile>,
}

impl EecRegistration {
    /// The profiles nothing at the EES can serve, whichever of the two members told them.
    pub fn unfulfilled(&self) -> &[UnfulfilledAcProfile] {
        match &self.unfulfilled_ac_profs {
            Some(only) => std::slice::from_ref(only),
            None => &self.unfulfill_ac_profs,
        }
    }

    /// Tells these profiles in the member that fits their number, and in no other: one alone in `unfulfilledAcProfs`,
    /// several in `unfulfillAcProfs`.
    pub fn tell_unfulfilled(&mut self, mut profiles: Vec<UnfulfilledAcProfile>) {
        self.unfulfilled_ac_profs = if profiles.len() == 1 { profiles.pop() } else { None };
        self.unfulfill_ac_profs = profiles;
    }

    fn check(&self) -> Result<(), &'static str> {
        if self.unfulfilled_ac_profs.is_some() && !self.unfulfill_ac_profs.is_empty() {
            return Err("must not have both unfulfilledAcProfs and unfulfillAcProfs");
        }
        Ok(())
    }
}

checked!(EecRegistration, EecRegistration::check);

/// An application client and what it needs (clause 6.2.5.2.3).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ACProfile)]
pub struct AcProfile {
    /// `acId`: the application client.
    pub ac_id: AcId,
    /// `acType`: what kind of application it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub ac_type: Option<String>,
    /// `prefEcsps`: the edge computing providers it would rather use, for an ECS to know.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pref_ecsps: Vec<ProviderId>,
    /// `acSchedule`: when it will be in use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub ac_schedule: Option<ScheduledCommunicationTime>,
    /// `expAcGeoServArea`: where it will be in use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub exp_ac_geo_serv_area: Option<LocationArea5G>,
    /// `acSvcContSupp`: the ways of relocation it takes part in; empty means none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ac_svc_cont_supp: Vec<AcrScenario>,
    /// `simInactTime`: how long it can do without the network while it moves from one EAS to another, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub sim_inact_time: Option<u64>,
    /// `eass`: the EASs it can work with, at least one when present.
    #[serde(default, deserialize_with = "non_empty", skip_serializing_if = "Vec::is_empty")]
    #[schema(min_items = 1)]
    pub eass: Vec<EasDetail>,
    /// `easBundleInfos`: the bundles these belong to, at least one when present.
    #[serde(default, deserialize_with = "non_empty", skip_serializing_if = "Vec::is_empty")]
    #[schema(min_items = 1)]
    pub eas_bundle_infos: Vec<EasBundleInfo>,
}

/// An EAS that an application client can work with, and how well it has to serve (clause 6.2.5.2.4).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct EasDetail {
    /// `easId`: the application.
    pub eas_id: EasId,
    /// `expectedSvcKPIs`: what would be good to have.
    #[serde(rename = "expectedSvcKPIs", default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub expected_svc_kpis: Option<AcServiceKpis>,
    /// `minimumReqSvcKPIs`: what it cannot do without.
    #[serde(rename = "minimumReqSvcKPIs", default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub minimum_req_svc_kpis: Option<AcServiceKpis>,
}

/// What an application client wants of an EAS (clause 6.2.5.2.5).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ACServiceKPIs)]
pub struct AcServiceKpis {
    /// `connBand`: bandwidth of a connection.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub conn_band: Option<BitRate>,
    /// `reqRate`: requests it will send per second.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub req_rate: Option<u64>,
    /// `respTime`: the longest an answer may take, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub resp_time: Option<u64>,
    /// `avail`: how much of the time the EAS has to be there, in percent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub avail: Option<u64>,
    /// `reqComp`: compute resources, in free words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub req_comp: Option<String>,
    /// `reqGrapComp`: graphical compute resources, in free words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub req_grap_comp: Option<String>,
    /// `reqMem`: memory, in free words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub req_mem: Option<String>,
    /// `reqStrg`: storage, in free words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub req_strg: Option<String>,
}

/// What a merge patch may change in an EEC registration (clause 6.2.5.2.6).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = EECRegistrationPatch)]
pub struct EecRegistrationPatch {
    /// `acProfs`: all the application clients the EEC now works for; an empty list leaves none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub ac_profs: Option<Vec<AcProfile>>,
    /// `expTime`: when the registration is to end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub exp_time: Option<DateTime>,
    /// `ueMobilityReq`: whether the EES is to follow the UE's moves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub ue_mobility_req: Option<bool>,
    /// `easSelReqInd`: whether the EES is to choose EASs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub eas_sel_req_ind: Option<bool>,
    /// `ueType`: what the UE can afford.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub ue_type: Option<DeviceType>,
}

/// A profile nothing at the EES can serve (clause 6.2.5.2.7).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct UnfulfilledAcProfile {
    /// `acId`: whose profile it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub ac_id: Option<AcId>,
    /// `reason`: what is lacking.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub reason: Option<UnfulfillAcProfRsn>,
}

open_enum!(
    /// Why nothing at the EES can serve a profile (clause 6.2.5.3).
    UnfulfillAcProfRsn as "UnfulfillACProfRsn" {
        /// None of the EASs it names is here.
        EasNotAvailable = "EAS_NOT_AVAILABLE",
        /// They are here and do not serve well enough.
        ReqUnfulfilled = "REQ_UNFULFILLED",
    }
);

open_enum!(
    /// What a UE can afford (clause 6.2.5.3).
    DeviceType as "DeviceType" {
        /// Short of power, computing or the like.
        ConstrainedUe = "CONSTRAINED_UE",
        /// Not short of anything.
        NormalUe = "NORMAL_UE",
    }
);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proof::{needs, refused, same};

    fn unfulfilled(id: &str) -> UnfulfilledAcProfile {
        UnfulfilledAcProfile {
            ac_id: Some(id.parse().unwrap()),
            reason: Some(UnfulfillAcProfRsn::ReqUnfulfilled),
        }
    }

    #[test]
    fn every_member_is_kept() {
        let registration: EecRegistration = same(
            r#"{"eecId": "eec-b4", "ueId": "msisdn-4915700000042", "expTime": "2031-05-04T03:02:01Z",
            "eecSvcContSupp": ["EEC_EXECUTED_VIA_SOURCE_EES"], "eecCntxId": "ctx-b4", "srcEesId": "ees-old",
            "endPt": {"uri": "https://ees-old.example/edge"}, "ueMobilityReq": true, "easSelReqInd": true,
            "ueType": "CONSTRAINED_UE",
            "discoveredEas": [{"eas": {"easId": "eas.quiz.example", "endPt": {"fqdn": "q.example"}}}],
            "unfulfillAcProfs": [{"acId": "ac.go", "reason": "EAS_NOT_AVAILABLE"}, {"reason": "TOO_LATE"}],
            "acProfs": [{"acId": "ac.quiz", "acType": "game", "prefEcsps": ["ecsp-7"], "simInactTime": 3,
                "acSvcContSupp": ["EEC_INITIATED"], "easBundleInfos": [{"bdlType": "DIRECT", "bdlId": "bundle-4"}],
                "eass": [{"easId": "eas.quiz.example", "expectedSvcKPIs": {"connBand": "1.5 Gbps", "reqComp": "lots"},
                    "minimumReqSvcKPIs": {"reqRate": 9, "respTime": 2, "avail": 90, "reqGrapComp": "1",
                        "reqMem": "2", "reqStrg": "3"}}]}]}"#,
        );
        assert_eq!(
            registration.unfulfilled()[1].reason,
            Some(UnfulfillAcProfRsn::Other("TOO_LATE".to_owned()))
        );
    }

    #[test]
    fn a_required_member_that_is_absent_is_refused() {
        needs::<EecRegistration>(r#"{"eecId": "eec-b4"}"#, &["eecId"]);
        needs::<AcProfile>(r#"{"acId": "ac.quiz"}"#, &["acId"]);
        needs::<EasDetail>(r#"{"easId": "eas.quiz.example"}"#, &["easId"]);
    }

    #[test]
    fn both_reports_are_refused() {
        let why = refused::<EecRegistration>(
            r#"{"eecId": "eec-b4", "unfulfilledAcProfs": {"acId": "a"}, "unfulfillAcProfs": [{"acId": "b"}]}"#,
        );
        assert!(why.contains("both unfulfilledAcProfs and unfulfillAcProfs"), "{why}");
    }

    #[test]
    fn a_report_goes_where_its_length_says() {
        let mut registration: EecRegistration = same(r#"{"eecId": "eec-b4"}"#);
        for (profiles, member) in [
            (vec![], None),
            (vec![unfulfilled("a")], Some("unfulfilledAcProfs")),
            (vec![unfulfilled("a"), unfulfilled("b")], Some("unfulfillAcProfs")),
        ] {
            registration.tell_unfulfilled(profiles.clone());
            assert_eq!(registration.unfulfilled(), profiles);
            let written = serde_json::to_value(&registration).unwrap();
            let members: Vec<_> = written
                .as_object()
                .unwrap()
                .keys()
                .filter(|name| name.starts_with("unf"))
                .collect();
            assert_eq!(members, Vec::from_iter(member));
        }
    }

    #[test]
    fn an_empty_list_is_refused_where_the_standard_says_so() {
        for member in ["discoveredEas", "unfulfillAcProfs"] {
            refused::<EecRegistration>(&format!(r#"{{"eecId": "eec-b4", "{member}": []}}"#));
        }
        for member in ["eass", "easBundleInfos"] {
            refused::<AcProfile>(&format!(r#"{{"acId": "ac.quiz", "{member}": []}}"#));
        }
        let registration = r#"{"eecId": "eec-b4", "acProfs": [], "eecSvcContSupp": []}"#;
        assert!(serde_json::from_str::<EecRegistration>(registration).is_ok());
    }

    #[test]
    fn an_unknown_member_is_ignored() {
        let more = r#"{"eecId": "eec-b4", "shoeSize": {"eu": 43}}"#;
        assert!(serde_json::from_str::<EecRegistration>(more).is_ok());
    }

    #[test]
    fn patch_tells_an_empty_list_from_none() {
        assert_eq!(same::<EecRegistrationPatch>("{}"), EecRegistrationPatch::default());
        assert_eq!(
            same::<EecRegistrationPatch>(r#"{"acProfs": []}"#).ac_profs,
            Some(vec![])
        );
        same::<EecRegistrationPatch>(
            r#"{"expTime": "2031-05-04T03:02:01Z", "ueMobilityReq": false, "easSelReqInd": true, "ueType": "NORMAL_UE",
            "acProfs": [{"acId": "ac.quiz"}]}"#,
        );
    }
}
