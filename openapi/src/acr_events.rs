//! Eees_ACREvents: an EEC is told how the relocation of its applications goes (TS 24.558 clause 6.4).
//!
//! ```
//! use edgeapp_openapi::acr_events::{AcrEventIds, AcrEventsSubscription};
//!
//! let request: AcrEventsSubscription = serde_json::from_str(
//!     r#"{"eecId": "eec-1", "easIds": ["eas.chess.example"], "eventIds": "ACR_COMPLETE",
//!         "notificationDestination": "https://ue.example/acr"}"#,
//! )?;
//! assert_eq!(request.event_ids, AcrEventIds::AcrComplete);
//! # Ok::<(), serde_json::Error>(())
//! ```

use crate::{
    common::{DateTime, SupportedFeatures, Uri, WebsockNotifConfig, non_empty},
    eas_discovery::DiscoveredEas,
    eas_registration::{EasBundleInfo, EndPoint},
    eec_context_relocation::ImplicitRegDetails,
    ees_registration::AcrScenario,
    ids::{AcId, EasId, EecId, Gpsi, SubscriptionId},
    service_provisioning::EdnConfigInfo,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A wish to be told about relocations (clause 6.4.5.2.2).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ACREventsSubscription)]
pub struct AcrEventsSubscription {
    /// `eecId`: who wants to be told.
    pub eec_id: EecId,
    /// `ueId`: the UE it runs on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub ue_id: Option<Gpsi>,
    /// `expTime`: when the subscription ends. A request proposes, the response decides.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub exp_time: Option<DateTime>,
    /// `easIds`: the applications that matter, at least one.
    #[serde(deserialize_with = "non_empty")]
    #[schema(min_items = 1)]
    pub eas_ids: Vec<EasId>,
    /// `acIds`: the application clients that matter; empty means all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ac_ids: Vec<AcId>,
    /// `eventIds`: the event that matters: one, in spite of the name.
    pub event_ids: AcrEventIds,
    /// `notificationDestination`: where to send notifications.
    pub notification_destination: Uri,
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
}

/// What a merge patch may change in a subscription (clause 6.4.5.2.5).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ACREventsSubscriptionPatch)]
pub struct AcrEventsSubscriptionPatch {
    /// `expTime`: when the subscription is to end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub exp_time: Option<DateTime>,
    /// `easIds`: all the applications that now matter, at least one when present.
    #[serde(default, deserialize_with = "non_empty", skip_serializing_if = "Vec::is_empty")]
    #[schema(min_items = 1)]
    pub eas_ids: Vec<EasId>,
    /// `eventIds`: the event that now matters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub event_ids: Option<AcrEventIds>,
    /// `notificationDestination`: where to send notifications from now on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub notification_destination: Option<Uri>,
}

/// News of a relocation (clause 6.4.5.2.3).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ACRInfoNotification)]
pub struct AcrInfoNotification {
    /// `subId`: the subscription that asked for this.
    pub sub_id: SubscriptionId,
    /// `easId`: the application that relocates.
    pub eas_id: EasId,
    /// `acId`: the application client that relocates.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub ac_id: Option<AcId>,
    /// `eventId`: what happened.
    pub event_id: AcrEventIds,
    /// `trgtInfo`: where it goes, with `TARGET_INFORMATION`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub trgt_info: Option<TargetInfo>,
    /// `acrStatus`: how it ended, with `ACR_COMPLETE`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub acr_status: Option<AcrCompleteEventInfo>,
    /// `eecCtxtReloc`: what became of the EEC context.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub eec_ctxt_reloc: Option<EecCtxtRelocStatus>,
    /// `acrScenarioList`: the ways of relocation chosen.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub acr_scenario_list: Vec<AcrScenario>,
    /// `easBundleInfo`: the bundle that relocates together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub eas_bundle_info: Option<EasBundleInfo>,
    /// `tEasEndPointBundleList`: where the EASs of the bundle go, at least one when present.
    #[serde(default, deserialize_with = "non_empty", skip_serializing_if = "Vec::is_empty")]
    #[schema(min_items = 1)]
    pub t_eas_end_point_bundle_list: Vec<EndPoint>,
}

/// Where a relocation goes (clause 6.4.5.2.4). The wire names lack a letter.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TargetInfo {
    /// `trgetEASInfo`: the target EAS.
    #[serde(rename = "trgetEASInfo", default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub target_eas_info: Option<DiscoveredEas>,
    /// `trgetEESInfo`: the target EES and how to connect to its network.
    #[serde(rename = "trgetEESInfo", default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub target_ees_info: Option<EdnConfigInfo>,
}

/// What became of an EEC context (clause 6.4.5.2.6).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct EecCtxtRelocStatus {
    /// `implReg`: the registration that the target EES made of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub impl_reg: Option<ImplicitRegDetails>,
}

/// How a relocation ended (clause 6.4.5.2.7).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ACRCompleteEventInfo)]
pub struct AcrCompleteEventInfo {
    /// `acrRes`: whether it succeeded.
    pub acr_res: bool,
    /// `tEasEndpoint`: where it went, or was to go.
    pub t_eas_endpoint: EndPoint,
    /// `failReason`: why it failed, in free words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub fail_reason: Option<String>,
}

open_enum!(
    /// What happens to a relocation (clause 6.4.5.3.3).
    AcrEventIds as "ACREventIDs" {
        /// Its target is known.
        TargetInformation = "TARGET_INFORMATION",
        /// It is over.
        AcrComplete = "ACR_COMPLETE",
    }
);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proof::{needs, refused, same};

    const SMALLEST: &str = r#"{"eecId": "eec-b4", "easIds": ["eas.quiz.example"], "eventIds": "TARGET_INFORMATION",
        "notificationDestination": "https://ue-42.example/told"}"#;

    #[test]
    fn every_member_of_a_subscription_is_kept() {
        same::<AcrEventsSubscription>(SMALLEST);
        let subscription: AcrEventsSubscription = same(
            r#"{"eecId": "eec-b4", "ueId": "msisdn-4915700000042", "expTime": "2031-05-04T03:02:01Z",
            "easIds": ["eas.quiz.example"], "acIds": ["ac.quiz"], "eventIds": "ACR_REGRETTED",
            "notificationDestination": "https://ue-42.example/told", "requestTestNotification": true,
            "websockNotifConfig": {"requestWebsocketUri": true}, "suppFeat": "1"}"#,
        );
        assert_eq!(subscription.event_ids, AcrEventIds::Other("ACR_REGRETTED".to_owned()));
    }

    #[test]
    fn every_member_of_a_notification_is_kept() {
        same::<AcrInfoNotification>(
            r#"{"subId": "s-5", "easId": "eas.quiz.example", "acId": "ac.quiz", "eventId": "ACR_COMPLETE",
            "trgtInfo": {"trgetEASInfo": {"eas": {"easId": "eas.quiz.example", "endPt": {"fqdn": "q.example"}}}},
            "acrStatus": {"acrRes": false, "tEasEndpoint": {"fqdn": "q.example"}, "failReason": "too slow"},
            "eecCtxtReloc": {"implReg": {"regId": "r-9", "expTime": "2031-05-04T03:02:01Z"}},
            "acrScenarioList": ["SOURCE_EES_EXECUTED"],
            "easBundleInfo": {"bdlType": "DIRECT", "bdlId": "bundle-4"},
            "tEasEndPointBundleList": [{"fqdn": "q.example"}, {"ipv4Addrs": ["198.51.100.7"]}]}"#,
        );
    }

    #[test]
    fn a_required_member_that_is_absent_is_refused() {
        needs::<AcrEventsSubscription>(SMALLEST, &["eecId", "easIds", "eventIds", "notificationDestination"]);
        needs::<AcrInfoNotification>(
            r#"{"subId": "s-5", "easId": "eas.quiz.example", "eventId": "ACR_COMPLETE"}"#,
            &["subId", "easId", "eventId"],
        );
        needs::<AcrCompleteEventInfo>(
            r#"{"acrRes": true, "tEasEndpoint": {"fqdn": "q.example"}}"#,
            &["acrRes", "tEasEndpoint"],
        );
    }

    #[test]
    fn several_events_in_one_subscription_are_refused() {
        refused::<AcrEventsSubscription>(&SMALLEST.replace(r#""TARGET_INFORMATION""#, r#"["TARGET_INFORMATION"]"#));
    }

    #[test]
    fn an_empty_list_is_refused_where_the_standard_says_so() {
        refused::<AcrEventsSubscription>(&SMALLEST.replace(r#"["eas.quiz.example"]"#, "[]"));
        refused::<AcrEventsSubscriptionPatch>(r#"{"easIds": []}"#);
        refused::<AcrInfoNotification>(
            r#"{"subId": "s", "easId": "e", "eventId": "ACR_COMPLETE", "tEasEndPointBundleList": []}"#,
        );
        let subscription = SMALLEST.replacen('{', r#"{"acIds": [], "#, 1);
        assert!(serde_json::from_str::<AcrEventsSubscription>(&subscription).is_ok());
    }

    #[test]
    fn an_unknown_member_is_ignored() {
        let more = SMALLEST.replacen('{', r#"{"mood": "good", "#, 1);
        assert!(serde_json::from_str::<AcrEventsSubscription>(&more).is_ok());
    }

    #[test]
    fn patch_keeps_what_it_says_and_no_more() {
        assert_eq!(
            same::<AcrEventsSubscriptionPatch>("{}"),
            AcrEventsSubscriptionPatch::default()
        );
        same::<AcrEventsSubscriptionPatch>(
            r#"{"expTime": "2031-05-04T03:02:01Z", "easIds": ["a", "b"], "eventIds": "ACR_COMPLETE",
            "notificationDestination": "https://ue-42.example/elsewhere"}"#,
        );
    }
}
