//! Being told whenever the EASs of a UE change.

use super::{DiscoveredEas, EasDiscoveryFilter, EdgeLoadAnalytic};
use crate::{
    common::{DateTime, SupportedFeatures, Uri, WebsockNotifConfig, non_empty, non_empty_map},
    eas_registration::EndPoint,
    ees_registration::{AcrScenario, EasInstantiationInfo},
    ids::{EasId, EecId, Gpsi, SubscriptionId},
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// A wish to be told whenever the EASs of a UE change (clause 6.3.5.2.4).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct EasDiscoverySubscription {
    /// `eecId`: who wants to be told.
    pub eec_id: EecId,
    /// `ueId`: the UE it runs on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub ue_id: Option<Gpsi>,
    /// `easEventType`: what kind of change matters.
    pub eas_event_type: EasDiscEventIds,
    /// `easDiscoveryFilter`: which EASs matter, for changes of availability.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub eas_discovery_filter: Option<EasDiscoveryFilter>,
    /// `easDynInfoFilter`: what matters of which EASs, for changes of information.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub eas_dyn_info_filter: Option<EasDynamicInfoFilter>,
    /// `easSvcContinuity`: the ways of relocation the EEC takes part in.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub eas_svc_continuity: Vec<AcrScenario>,
    /// `expTime`: when the subscription ends. A request proposes, the response decides.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub exp_time: Option<DateTime>,
    /// `notificationDestination`: where to send notifications.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub notification_destination: Option<Uri>,
    /// `requestTestNotification`: a test notification is to be sent first; false when absent.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    #[schema(default = false)]
    pub request_test_notification: bool,
    /// `websockNotifConfig`: notifications over a WebSocket instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub websock_notif_config: Option<WebsockNotifConfig>,
    /// `suppFeat`: features of this API: the EEC's in a request, the common ones in a response.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub supp_feat: Option<SupportedFeatures>,
    /// `easIntTrigSup`: as it came; it means what it means in a request for discovery.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub eas_int_trig_sup: Option<bool>,
    /// `eecTriggerRequest`: the EEC is to be woken by application triggering; false when absent.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    #[schema(default = false)]
    pub eec_trigger_request: bool,
}

/// What a merge patch may change in a discovery subscription (clause 6.3.5.2.12).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct EasDiscoverySubscriptionPatch {
    /// `easDiscoveryFilter`: which EASs now matter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub eas_discovery_filter: Option<EasDiscoveryFilter>,
    /// `easDynInfoFilter`: what now matters of which EASs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub eas_dyn_info_filter: Option<EasDynamicInfoFilter>,
    /// `easSvcContinuity`: the ways of relocation the EEC now takes part in; an empty list leaves none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub eas_svc_continuity: Option<Vec<AcrScenario>>,
    /// `expTime`: when the subscription is to end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub exp_time: Option<DateTime>,
    /// `easEventType`: what kind of change now matters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub eas_event_type: Option<EasDiscEventIds>,
}

/// The EASs that changed (clause 6.3.5.2.5).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct EasDiscoveryNotification {
    /// `subId`: the subscription that asked for this.
    pub sub_id: SubscriptionId,
    /// `eventType`: what kind of change it was.
    pub event_type: EasDiscEventIds,
    /// `discoveredEas`: the EASs as they now are, at least one.
    #[serde(deserialize_with = "non_empty")]
    #[schema(min_items = 1)]
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

/// What matters of which EASs (clause 6.3.5.2.9).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct EasDynamicInfoFilter {
    /// `dynInfoFilter`: one entry for each EAS, at least one.
    #[serde(deserialize_with = "non_empty")]
    #[schema(min_items = 1)]
    pub dyn_info_filter: Vec<EasDynamicInfoFilterData>,
}

/// What matters of one EAS (clause 6.3.5.2.10). A flag that is absent is false.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct EasDynamicInfoFilterData {
    /// `eecId`: the application. The standard's name for it is misleading.
    #[serde(rename = "eecId")]
    pub eas_id: EasId,
    /// `easStatus`: its state.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    #[schema(default = false)]
    pub eas_status: bool,
    /// `easAcIds`: the application clients it serves.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    #[schema(default = false)]
    pub eas_ac_ids: bool,
    /// `easDesc`: its description, which no EAS profile of this version of the standard has.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    #[schema(default = false)]
    pub eas_desc: bool,
    /// `easPt`: its address.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    #[schema(default = false)]
    pub eas_pt: bool,
    /// `easEndPoint`: the one instance that matters; absent means all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub eas_end_point: Option<EndPoint>,
    /// `easFeature`: its features.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    #[schema(default = false)]
    pub eas_feature: bool,
    /// `easSchedule`: when it is up.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    #[schema(default = false)]
    pub eas_schedule: bool,
    /// `svcArea`: where it serves.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    #[schema(default = false)]
    pub svc_area: bool,
    /// `svcKpi`: what it can deliver.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    #[schema(default = false)]
    pub svc_kpi: bool,
    /// `svcCont`: the ways of relocation it takes part in.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    #[schema(default = false)]
    pub svc_cont: bool,
}

open_enum!(
    /// What kind of change matters to a subscriber (clause 6.3.5.3.3).
    EasDiscEventIds as "EASDiscEventIDs" {
        /// An EAS comes or goes.
        EasAvailabilityChange = "EAS_AVAILABILITY_CHANGE",
        /// Something about an EAS is different.
        EasDynamicInfoChange = "EAS_DYNAMIC_INFO_CHANGE",
    }
);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proof::{needs, refused, same};

    #[test]
    fn every_member_of_a_subscription_is_kept() {
        let subscription: EasDiscoverySubscription = same(
            r#"{"eecId": "eec-b4", "ueId": "msisdn-4915700000042", "easEventType": "EAS_DYNAMIC_INFO_CHANGE",
            "easDiscoveryFilter": {"easChars": [{"easProvId": "quiz-gmbh"}]},
            "easDynInfoFilter": {"dynInfoFilter": [{"eecId": "eas.quiz.example", "easStatus": true, "easAcIds": true,
                "easDesc": true, "easPt": true, "easEndPoint": {"fqdn": "q.example"}, "easFeature": true,
                "easSchedule": true, "svcArea": true, "svcKpi": true, "svcCont": true}]},
            "easSvcContinuity": ["EEC_INITIATED"], "expTime": "2031-05-04T03:02:01Z",
            "notificationDestination": "https://ue-42.example/told", "requestTestNotification": true,
            "websockNotifConfig": {"requestWebsocketUri": true}, "suppFeat": "2", "easIntTrigSup": true,
            "eecTriggerRequest": true}"#,
        );
        let watched = subscription.eas_dyn_info_filter.unwrap().dyn_info_filter;
        assert_eq!(watched[0].eas_id.as_str(), "eas.quiz.example");
    }

    #[test]
    fn a_notification_is_kept() {
        same::<EasDiscoveryNotification>(
            r#"{"subId": "s-5", "eventType": "EAS_MOOD_CHANGE",
            "discoveredEas": [{"eas": {"easId": "eas.quiz.example", "endPt": {"fqdn": "q.example"}}}],
            "easInstInfos": {"eas.quiz.example": {"easId": "eas.quiz.example", "status": "INSTANTIABLE"}},
            "edgeLoadAnalytics": {"eas.quiz.example": {"easId": "eas.quiz.example"}}}"#,
        );
    }

    #[test]
    fn a_required_member_that_is_absent_is_refused() {
        needs::<EasDiscoverySubscription>(
            r#"{"eecId": "eec-b4", "easEventType": "EAS_AVAILABILITY_CHANGE"}"#,
            &["eecId", "easEventType"],
        );
        needs::<EasDiscoveryNotification>(
            r#"{"subId": "s-5", "eventType": "EAS_AVAILABILITY_CHANGE",
            "discoveredEas": [{"eas": {"easId": "eas.quiz.example", "endPt": {"fqdn": "q.example"}}}]}"#,
            &["subId", "eventType", "discoveredEas"],
        );
        needs::<EasDynamicInfoFilter>(r#"{"dynInfoFilter": [{"eecId": "a"}]}"#, &["dynInfoFilter"]);
        needs::<EasDynamicInfoFilterData>(r#"{"eecId": "eas.quiz.example"}"#, &["eecId"]);
    }

    #[test]
    fn an_empty_list_is_refused() {
        refused::<EasDynamicInfoFilter>(r#"{"dynInfoFilter": []}"#);
        refused::<EasDiscoveryNotification>(
            r#"{"subId": "s-5", "eventType": "EAS_AVAILABILITY_CHANGE", "discoveredEas": []}"#,
        );
    }

    #[test]
    fn patch_keeps_what_it_says_and_no_more() {
        assert_eq!(
            same::<EasDiscoverySubscriptionPatch>("{}"),
            EasDiscoverySubscriptionPatch::default()
        );
        same::<EasDiscoverySubscriptionPatch>(
            r#"{"easDiscoveryFilter": {}, "easDynInfoFilter": {"dynInfoFilter": [{"eecId": "a", "svcKpi": true}]},
            "easSvcContinuity": [], "expTime": "2031-05-04T03:02:01Z", "easEventType": "EAS_AVAILABILITY_CHANGE"}"#,
        );
    }

    #[test]
    fn an_unknown_member_is_ignored() {
        let more = r#"{"eecId": "eec-b4", "easEventType": "EAS_AVAILABILITY_CHANGE", "mood": "good"}"#;
        assert!(serde_json::from_str::<EasDiscoverySubscription>(more).is_ok());
    }
}
