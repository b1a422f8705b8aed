//! Eecs_EESRegistration: an EES tells the ECS what it is, where it is and which EASs it has (TS 29.558 clause 9.1).
//!
//! ```
//! use edgeapp_openapi::ees_registration::{AcrScenario, EesRegistration};
//!
//! let request: EesRegistration = serde_json::from_str(
//!     r#"{"eesProf": {"eesId": "ees-a.example", "endPt": {"uri": "https://ees-a.example:8443"}, "eecRegConf": true,
//!         "svcContSupp": ["EEC_INITIATED"]}}"#,
//! )?;
//! assert_eq!(request.ees_prof.svc_cont_supp, [AcrScenario::EecInitiated]);
//! # Ok::<(), serde_json::Error>(())
//! ```

use crate::{
    common::{
        DateTime, ScheduledCommunicationTime, SupportedFeatures, TimeWindow, non_empty, non_empty_map, some_non_empty,
    },
    eas_registration::{EasBundleInfo, EndPoint},
    ids::{Dnai, Dnn, EasId, EesId, ProviderId},
    location::ServiceArea,
};
use serde::{Deserialize, Deserializer, Serialize};
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// A registration of an EES at the ECS (clause 9.1.5.2.2).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = EESRegistration)]
pub struct EesRegistration {
    /// `eesProf`: the EES itself.
    pub ees_prof: EesProfile,
    /// `expTime`: when the registration ends; in a request the end asked for, in an answer the end granted, never when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub exp_time: Option<DateTime>,
    /// `suppFeat`: optional features; in a request the client's, in an answer those in common.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub supp_feat: Option<SupportedFeatures>,
}

/// A change to a registration of an EES (clause 9.1.5.2.4): a merge patch, in which null removes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = EESRegistrationPatch)]
pub struct EesRegistrationPatch {
    /// `eesProf`: the EES as it is now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub ees_prof: Option<EesProfile>,
    /// `expTime`: the end asked for; null takes back an end asked for earlier.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = true)]
    pub exp_time: Option<DateTime>,
}

/// What an EES is, where it is and which EASs it has (clause 9.1.5.2.3).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(remote = "Self", rename_all = "camelCase")]
#[schema(as = EESProfile)]
pub struct EesProfile {
    /// `eesId`: its identifier.
    pub ees_id: EesId,
    /// `endPt`: where EECs, EASs and other EESs reach it.
    pub end_pt: EndPoint,
    /// `easIds`: the applications whose EASs are registered there.
    #[serde(default, deserialize_with = "non_empty", skip_serializing_if = "Vec::is_empty")]
    #[schema(min_items = 1)]
    pub eas_ids: Vec<EasId>,
    /// `easBdlInfos`: per EAS, the bundles it belongs to; `mainEasId` is not used inside.
    #[serde(default, deserialize_with = "bundles", skip_serializing_if = "BTreeMap::is_empty")]
    pub eas_bdl_infos: BTreeMap<EasId, Vec<EasBundleInfo>>,
    /// `ednInfoSets`: the edge data network it is in: one, in spite of the name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub edn_info_sets: Option<EdnInfo>,
    /// `easInstInfo`: per EAS, whether it runs or could be started, and when.
    #[serde(
        default,
        deserialize_with = "non_empty_map",
        skip_serializing_if = "BTreeMap::is_empty"
    )]
    pub eas_inst_info: BTreeMap<EasId, EasInstantiationInfo>,
    /// `provId`: the edge computing service provider that runs it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub prov_id: Option<ProviderId>,
    /// `svcArea`: where UEs have to be to use it; anywhere when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub svc_area: Option<ServiceArea>,
    /// `appLocs`: the places where user plane traffic reaches it.
    #[serde(default, deserialize_with = "non_empty", skip_serializing_if = "Vec::is_empty")]
    #[schema(min_items = 1)]
    pub app_locs: Vec<Dnai>,
    /// `svcContSupp`: the relocation scenarios it can play its part in.
    #[serde(default, deserialize_with = "non_empty", skip_serializing_if = "Vec::is_empty")]
    #[schema(min_items = 1)]
    pub svc_cont_supp: Vec<AcrScenario>,
    /// `svcContSuppExt1`: the bundles whose EASs it can relocate together; only beside `svcContSupp`.
    #[serde(default, deserialize_with = "non_empty", skip_serializing_if = "Vec::is_empty")]
    #[schema(min_items = 1)]
    pub svc_cont_supp_ext1: Vec<EasBundleInfo>,
    /// `eecRegConf`: whether an EEC has to register before it uses the EES.
    pub eec_reg_conf: bool,
}

checked!(EesProfile, |profile| {
    if profile.svc_cont_supp.is_empty() && !profile.svc_cont_supp_ext1.is_empty() {
        return Err("must have svcContSupp where it has svcContSuppExt1");
    }
    Ok(())
});

fn bundles<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeMap<EasId, Vec<EasBundleInfo>>, D::Error> {
    #[derive(Deserialize)]
    #[serde(transparent)]
    struct Bundles(#[serde(deserialize_with = "non_empty")] Vec<EasBundleInfo>);

    let map: BTreeMap<EasId, Bundles> = non_empty_map(deserializer)?;
    Ok(map.into_iter().map(|(id, Bundles(bundles))| (id, bundles)).collect())
}

/// Whether an EAS runs, or could be started (clause 9.1.5.2.8).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = EASInstantiationInfo)]
pub struct EasInstantiationInfo {
    /// `easId`: the application.
    pub eas_id: EasId,
    /// `status`: runs, or can be started.
    pub status: InstantiationStatus,
    /// `instCrit`: when it is started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub inst_crit: Option<InstantiationCriteria>,
}

one_of!(
    /// When an EAS is started (clause 9.1.5.2.9).
    #[derive(Eq)]
    InstantiationCriteria {
        /// `instantiationTime`: at this instant.
        InstantiationTime(DateTime) = "instantiationTime",
        /// `instWindows`: within these spans of time, at least one.
        InstWindows(Vec<TimeWindow>) = "instWindows" with "some_non_empty",
        /// `scheds`: at these times every week, at least one.
        Scheds(Vec<ScheduledCommunicationTime>) = "scheds" with "some_non_empty",
    }
);

/// An edge data network (clause 9.1.5.2.10).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = EDNInfo)]
pub struct EdnInfo {
    /// `dnn`: its data network name.
    pub dnn: Dnn,
    /// `dnais`: the places where user plane traffic reaches it.
    #[serde(default, deserialize_with = "non_empty", skip_serializing_if = "Vec::is_empty")]
    #[schema(min_items = 1)]
    pub dnais: Vec<Dnai>,
}

open_enum!(
    /// A way to relocate an application context: who detects, decides and executes (clause 9.1.5.3.3).
    AcrScenario as "ACRScenario" {
        /// The EEC does it all (TS 23.558 clause 8.8.2.2).
        EecInitiated = "EEC_INITIATED",
        /// The EEC executes through the source EES (TS 23.558 clause 8.8.2.3).
        EecExecutedViaSourceEes = "EEC_EXECUTED_VIA_SOURCE_EES",
        /// The EEC executes through the target EES (TS 23.558 clause 8.8.2.6).
        EecExecutedViaTargetEes = "EEC_EXECUTED_VIA_TARGET_EES",
        /// The source EAS decides (TS 23.558 clause 8.8.2.4).
        SourceEasDecided = "SOURCE_EAS_DECIDED",
        /// The source EES executes (TS 23.558 clause 8.8.2.5).
        SourceEesExecuted = "SOURCE_EES_EXECUTED",
        /// The EESs do it all, the EASs need not know (TS 23.558 clause 8.8.3.6).
        EelManagedAcr = "EEL_MANAGED_ACR",
    }
);

open_enum!(
    /// Whether an EAS runs (clause 9.1.5.3.4).
    InstantiationStatus as "InstantiationStatus" {
        /// It runs.
        Instantiated = "INSTANTIATED",
        /// It does not run yet, and can be started.
        Instantiable = "INSTANTIABLE",
    }
);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proof::{needs, only, refused, same};

    const PROFILE: &str = r#"{"eesId": "ees-a", "endPt": {"fqdn": "ees-a.example"}, "easIds": ["eas.chess"],
        "easBdlInfos": {"eas.chess": [{"bdlType": "DIRECT", "bdlId": "b1"}]},
        "ednInfoSets": {"dnn": "edge-a", "dnais": ["a1"]},
        "easInstInfo": {"eas.go": {"easId": "eas.go", "status": "INSTANTIABLE", "instCrit":
            {"instWindows": [{"startTime": "2026-01-01T12:00:00Z", "stopTime": "2026-01-01T13:00:00Z"}]}}},
        "provId": "ecsp-1", "svcArea": {"topServAr": {"plmnIds": [{"mcc": "001", "mnc": "01"}]}}, "appLocs": ["a1"],
        "svcContSupp": ["EEL_MANAGED_ACR", "NOT_YET_NAMED"], "svcContSuppExt1": [{"bdlType": "PROXY", "easIdsList": ["eas.go"]}],
        "eecRegConf": false}"#;

    #[test]
    fn registration_round_trip() {
        let text = format!(r#"{{"eesProf": {PROFILE}, "expTime": "2026-01-01T12:00:00Z", "suppFeat": "1"}}"#);
        let registration: EesRegistration = same(&text);
        assert_eq!(
            registration.ees_prof.svc_cont_supp[1],
            AcrScenario::Other("NOT_YET_NAMED".into())
        );
        needs::<EesRegistration>(&text, &["eesProf"]);
    }

    #[test]
    fn profile_needs_its_three_members() {
        let profile: EesProfile = same(PROFILE);
        assert!(!profile.eec_reg_conf);
        only::<EesProfile>(PROFILE, &["svcContSupp"], &["eesId", "endPt", "eecRegConf"]);
    }

    #[test]
    fn profile_without_continuity_cannot_have_its_extension() {
        let start = r#"{"eesId": "e", "endPt": {"fqdn": "ees-a.example"}, "eecRegConf": true"#;
        refused::<EesProfile>(&format!(
            r#"{start}, "svcContSuppExt1": [{{"bdlType": "PROXY", "bdlId": "b"}}]}}"#
        ));
        for empty in ["easIds", "appLocs", "svcContSupp", "svcContSuppExt1"] {
            refused::<EesProfile>(&format!(r#"{start}, "{empty}": []}}"#));
        }
        for empty in [
            r#""easBdlInfos": {}"#,
            r#""easInstInfo": {}"#,
            r#""easBdlInfos": {"eas.go": []}"#,
        ] {
            refused::<EesProfile>(&format!("{start}, {empty}}}"));
        }
        let twice = r#"{"easId": "eas.go", "status": "INSTANTIATED"}"#;
        refused::<EesProfile>(&format!(
            r#"{start}, "easInstInfo": {{"eas.go": {twice}, "eas.go": {twice}}}}}"#
        ));
        refused::<EesProfile>(&format!(r#"{start}, "eesId": "e"}}"#));
    }

    #[test]
    fn patch_takes_null_for_the_end() {
        let patch: EesRegistrationPatch = serde_json::from_str(r#"{"expTime": null}"#).unwrap();
        assert_eq!(patch, EesRegistrationPatch::default());
        same::<EesRegistrationPatch>(r#"{"expTime": "2026-01-01T12:00:00Z"}"#);
    }

    #[test]
    fn instantiation_has_one_criterion() {
        same::<InstantiationCriteria>(r#"{"instantiationTime": "2026-01-01T12:00:00Z"}"#);
        same::<InstantiationCriteria>(
            r#"{"scheds": [{"daysOfWeek": [1, 7], "timeOfDayStart": "08:00:00", "timeOfDayEnd": "20:15:00-08:00"}]}"#,
        );
        refused::<InstantiationCriteria>("{}");
        refused::<InstantiationCriteria>(r#"{"scheds": []}"#);
        refused::<InstantiationCriteria>(r#"{"instantiationTime": "2026-01-01T12:00:00Z", "scheds": [{}]}"#);
        needs::<EasInstantiationInfo>(r#"{"easId": "eas.go", "status": "LATER"}"#, &["easId", "status"]);
        needs::<EdnInfo>(r#"{"dnn": "edge-a", "dnais": ["a"]}"#, &["dnn"]);
        refused::<EdnInfo>(r#"{"dnn": "edge-a", "dnais": []}"#);
    }
}
