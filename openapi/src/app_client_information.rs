//! Eees_AppClientInformation: which application clients there are, told to EASs (TS 29.558 clause 8.4).
//!
//! ```
//! use edgeapp_openapi::app_client_information::AcInfoSubscription;
//!
//! let request: AcInfoSubscription = serde_json::from_str(
//!     r#"{"easId": "eas.chess.example", "acFltrs": [{"acIds": ["ac.chess"]}],
//!         "notificationDestination": "https://chess.edge-a.example/clients"}"#,
//! )?;
//! assert_eq!(request.ac_fltrs[0].ac_ids.len(), 1);
//! # Ok::<(), serde_json::Error>(())
//! ```

use crate::{
    common::{
        DateTime, ReportingInformation, ScheduledCommunicationTime, SupportedFeatures, Uri, WebsockNotifConfig,
        non_empty,
    },
    eas_registration::{BdlType, EasBdlReqs},
    eec_registration::{AcProfile, AcServiceKpis},
    ids::{AcId, BundleId, EasId, Gpsi, ProviderId, SubscriptionId},
    location::{LocationArea5G, ServiceArea},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A subscription of an EAS to what is known of application clients (clause 8.4.5.2.2).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ACInfoSubscription)]
pub struct AcInfoSubscription {
    /// `easId`: the EAS that subscribes.
    pub eas_id: EasId,
    /// `acFltrs`: which application clients; each filter adds some, all are meant when absent.
    #[serde(default, deserialize_with = "non_empty", skip_serializing_if = "Vec::is_empty")]
    #[schema(min_items = 1)]
    pub ac_fltrs: Vec<AcFilters>,
    /// `expTime`: when the subscription ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub exp_time: Option<DateTime>,
    /// `eventReq`: when and how often to report.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub event_req: Option<ReportingInformation>,
    /// `notificationDestination`: where to send notifications.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub notification_destination: Option<Uri>,
    /// `requestTestNotification`: send a notification at once that only tries the way; false when absent.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub request_test_notification: bool,
    /// `websockNotifConfig`: notifications over a WebSocket instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub websock_notif_config: Option<WebsockNotifConfig>,
    /// `suppFeat`: optional features; in a request the client's, in an answer those in common.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub supp_feat: Option<SupportedFeatures>,
    /// `trigCondParams`: what sets a notification off.
    #[serde(default, deserialize_with = "non_empty", skip_serializing_if = "Vec::is_empty")]
    #[schema(min_items = 1)]
    pub trig_cond_params: Vec<TrigCondParams>,
}

/// What may change of a subscription (clause 8.4.5.2.3).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ACInfoSubscriptionPatch)]
pub struct AcInfoSubscriptionPatch {
    /// `acFltrs`: which application clients.
    #[serde(default, deserialize_with = "non_empty", skip_serializing_if = "Vec::is_empty")]
    #[schema(min_items = 1)]
    pub ac_fltrs: Vec<AcFilters>,
    /// `expTime`: when the subscription ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub exp_time: Option<DateTime>,
    /// `eventReq`: when and how often to report.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub event_req: Option<ReportingInformation>,
    /// `notificationDestination`: where to send notifications.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub notification_destination: Option<Uri>,
    /// `trigCondParams`: what sets a notification off.
    #[serde(default, deserialize_with = "non_empty", skip_serializing_if = "Vec::is_empty")]
    #[schema(min_items = 1)]
    pub trig_cond_params: Vec<TrigCondParams>,
}

/// Application clients that fit all members (clause 8.4.5.2.4).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ACFilters)]
pub struct AcFilters {
    /// `acTypes`: of one of these types.
    #[serde(default, deserialize_with = "non_empty", skip_serializing_if = "Vec::is_empty")]
    #[schema(min_items = 1)]
    pub ac_types: Vec<String>,
    /// `ecspIds`: that prefer one of these providers.
    #[serde(default, deserialize_with = "non_empty", skip_serializing_if = "Vec::is_empty")]
    #[schema(min_items = 1)]
    pub ecsp_ids: Vec<ProviderId>,
    /// `acIds`: with one of these identifiers.
    #[serde(default, deserialize_with = "non_empty", skip_serializing_if = "Vec::is_empty")]
    #[schema(min_items = 1)]
    pub ac_ids: Vec<AcId>,
    /// `svcArea`: expected within this area.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub svc_area: Option<ServiceArea>,
    /// `maxAcKpi`: that expect at most this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub max_ac_kpi: Option<AcServiceKpis>,
    /// `minAcKpi`: that expect at least this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub min_ac_kpi: Option<AcServiceKpis>,
    /// `opSchds`: in use at one of these times.
    #[serde(default, deserialize_with = "non_empty", skip_serializing_if = "Vec::is_empty")]
    #[schema(min_items = 1)]
    pub op_schds: Vec<ScheduledCommunicationTime>,
    /// `ueIds`: on one of these UEs.
    #[serde(default, deserialize_with = "non_empty", skip_serializing_if = "Vec::is_empty")]
    #[schema(min_items = 1)]
    pub ue_ids: Vec<Gpsi>,
    /// `locInfs`: on UEs within this area.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub loc_infs: Option<LocationArea5G>,
    /// `easBundInd`: with this bundle of EASs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub eas_bund_ind: Option<EasBdlInd>,
}

/// A bundle of EASs that a client expects (clause 8.4.5.2.7). At least one member is there.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(remote = "Self", rename_all = "camelCase")]
#[schema(as = EASBdlInd)]
pub struct EasBdlInd {
    /// `bdlType`: its type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub bdl_type: Option<BdlType>,
    /// `bdlId`: its identifier.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub bdl_id: Option<BundleId>,
    /// `easBdlReqs`: what is required of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub eas_bdl_reqs: Option<EasBdlReqs>,
    /// `parBundDet`: bundles that contain only some of the EASs are meant too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub par_bund_det: Option<bool>,
}

checked!(EasBdlInd, |bundle| {
    let none = bundle.bdl_type.is_none() && bundle.bdl_id.is_none() && bundle.eas_bdl_reqs.is_none();
    match none && bundle.par_bund_det.is_none() {
        true => Err("must have at least one of these members: bdlType bdlId easBdlReqs parBundDet"),
        false => Ok(()),
    }
});

/// What is known of application clients, to a subscriber (clause 8.4.5.2.5).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ACInfoNotification)]
pub struct AcInfoNotification {
    /// `subId`: the subscription.
    pub sub_id: SubscriptionId,
    /// `acInfs`: the application clients, at least one group of them.
    #[serde(deserialize_with = "non_empty")]
    #[schema(min_items = 1)]
    pub ac_infs: Vec<AcInformation>,
}

/// Application clients on the same UEs (clause 8.4.5.2.6).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ACInformation)]
pub struct AcInformation {
    /// `acProfs`: their profiles, at least one.
    #[serde(deserialize_with = "non_empty")]
    #[schema(min_items = 1)]
    pub ac_profs: Vec<AcProfile>,
    /// `ueIds`: the UEs they run on.
    #[serde(default, deserialize_with = "non_empty", skip_serializing_if = "Vec::is_empty")]
    #[schema(min_items = 1)]
    pub ue_ids: Vec<Gpsi>,
    /// `ueLocInfs`: where these UEs are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub ue_loc_infs: Option<LocationArea5G>,
}

open_enum!(
    /// What sets a notification off (clause 8.4.5.3.3).
    TrigCondParams as "TrigCondParams" {
        /// Analytics of the core network.
        AnalyticsInfo = "ANALYTICS_INFO",
        /// A registration of an EEC.
        EecRegistration = "EEC_REGISTRATION",
        /// A discovery of an EAS.
        EasDiscovery = "EAS_DISCOVERY",
        /// Whatever the EES sees.
        Unspecified = "UNSPECIFIED",
    }
);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proof::{needs, refused, same};

    #[test]
    fn filters_are_lists_that_say_something() {
        let text = r#"{"easId": "e", "acFltrs": [{"acIds": ["a"], "ueIds": ["u"], "easBundInd": {"parBundDet": true}}],
            "trigCondParams": ["EEC_REGISTRATION"], "notificationDestination": "https://eas.example/n"}"#;
        same::<AcInfoSubscription>(text);
        needs::<AcInfoSubscription>(text, &["easId"]);
        refused::<AcInfoSubscription>(r#"{"easId": "e", "acFltrs": []}"#);
        refused::<AcFilters>(r#"{"acIds": []}"#);
        refused::<EasBdlInd>("{}");
    }

    #[test]
    fn a_notification_names_clients() {
        let text = r#"{"subId": "s", "acInfs": [{"acProfs": [{"acId": "a"}], "ueIds": ["u"]}]}"#;
        same::<AcInfoNotification>(text);
        needs::<AcInfoNotification>(text, &["subId", "acInfs"]);
        refused::<AcInformation>(r#"{"acProfs": []}"#);
    }
}
