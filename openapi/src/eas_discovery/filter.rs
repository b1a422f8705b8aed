//! What an EAS has to be like to be found.

use crate::{
    common::{TimeWindow, non_empty},
    eas_registration::{EasBundleInfo, EasCategory},
    eec_registration::AcProfile,
    ees_registration::AcrScenario,
    ids::{AppGroupId, EasId, ProviderId},
    location::LocationArea5G,
    service_provisioning::AppGroupProfile,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What EASs have to be like (clause 6.3.5.2.6): the standard lets each list be absent.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct EasDiscoveryFilter {
    /// `acChars`: the application clients one of which the EAS has to serve, at least one when present.
    #[serde(default, deserialize_with = "non_empty", skip_serializing_if = "Vec::is_empty")]
    #[schema(min_items = 1)]
    pub ac_chars: Vec<AcCharacteristics>,
    /// `appGroupProfile`: the group of UEs that are to share an EAS.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub app_group_profile: Option<AppGroupProfile>,
    /// `easChars`: descriptions of which the EAS has to meet one, at least one when present.
    #[serde(default, deserialize_with = "non_empty", skip_serializing_if = "Vec::is_empty")]
    #[schema(min_items = 1)]
    pub eas_chars: Vec<EasCharacteristics>,
}

/// One description of an EAS (clause 6.3.5.2.7). Not both `stdEasType` and `easType`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(remote = "Self", rename_all = "camelCase")]
pub struct EasCharacteristics {
    /// `easId`: the application.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub eas_id: Option<EasId>,
    /// `appGrpId`: the group of UEs that use the application together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub app_grp_id: Option<AppGroupId>,
    /// `easSyncInd`: it has to keep its content in step with other instances; false when absent.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    #[schema(default = false)]
    pub eas_sync_ind: bool,
    /// `easProvId`: its application service provider.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub eas_prov_id: Option<ProviderId>,
    /// `stdEasType`: its category, one of the standard's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub std_eas_type: Option<EasCategory>,
    /// `easType`: its category in the provider's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub eas_type: Option<String>,
    /// `easSched`: when it has to be up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub eas_sched: Option<TimeWindow>,
    /// `svcArea`: where it has to serve.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub svc_area: Option<LocationArea5G>,
    /// `easSvcContinuity`: ways of relocation one of which it has to take part in; empty means that it does not matter.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub eas_svc_continuity: Vec<AcrScenario>,
    /// `svcPermLevel`: the level of service it has to offer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub svc_perm_level: Option<String>,
    /// `svcFeats`: features it has to have, at least one when present.
    #[serde(default, deserialize_with = "non_empty", skip_serializing_if = "Vec::is_empty")]
    #[schema(min_items = 1)]
    pub svc_feats: Vec<String>,
    /// `easBundleInfo`: the bundle it has to be part of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub eas_bundle_info: Option<EasBundleInfo>,
}

impl EasCharacteristics {
    fn check(&self) -> Result<(), &'static str> {
        if self.std_eas_type.is_some() && self.eas_type.is_some() {
            return Err("must not have both stdEasType and easType");
        }
        Ok(())
    }
}

checked!(EasCharacteristics, EasCharacteristics::check);

/// An application client that an EAS has to serve (clause 6.3.5.2.11).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ACCharacteristics)]
pub struct AcCharacteristics {
    /// `acProf`: the application client.
    pub ac_prof: AcProfile,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proof::{needs, refused, same};

    #[test]
    fn every_member_is_kept() {
        same::<EasDiscoveryFilter>(
            r#"{"acChars": [{"acProf": {"acId": "ac.quiz"}}],
            "easChars": [
                {"easId": "eas.quiz.example", "appGrpId": "team-1", "easSyncInd": true, "easProvId": "quiz-gmbh",
                 "stdEasType": "SEAL_SEALDD_SERVERS", "svcPermLevel": "GOLD", "svcFeats": ["voice"],
                 "easSched": {"startTime": "2031-05-04T03:00:00Z", "stopTime": "2031-05-04T04:00:00Z"},
                 "easSvcContinuity": ["EEC_EXECUTED_VIA_TARGET_EES"],
                 "easBundleInfo": {"bdlType": "DIRECT", "bdlId": "bundle-4"}},
                {"easType": "pub quiz"}]}"#,
        );
    }

    #[test]
    fn both_types_are_refused() {
        let why = refused::<EasDiscoveryFilter>(r#"{"easChars": [{"stdEasType": "V2X", "easType": "quiz"}]}"#);
        assert!(why.contains("both stdEasType and easType"), "{why}");
    }

    #[test]
    fn an_object_in_place_of_a_list_is_refused() {
        refused::<EasDiscoveryFilter>(r#"{"easChars": {"easId": "eas.quiz.example"}}"#);
    }

    #[test]
    fn an_empty_list_is_refused_where_the_standard_says_so() {
        for bad in [
            r#"{"acChars": []}"#,
            r#"{"easChars": []}"#,
            r#"{"easChars": [{"svcFeats": []}]}"#,
        ] {
            let why = refused::<EasDiscoveryFilter>(bad);
            assert!(why.contains("at least one"), "{why}");
        }
        assert!(serde_json::from_str::<EasCharacteristics>(r#"{"easSvcContinuity": []}"#).is_ok());
    }

    #[test]
    fn a_client_without_profile_is_refused() {
        needs::<AcCharacteristics>(r#"{"acProf": {"acId": "ac.quiz"}}"#, &["acProf"]);
    }

    #[test]
    fn a_filter_may_be_empty() {
        assert_eq!(same::<EasDiscoveryFilter>("{}"), EasDiscoveryFilter::default());
    }
}
