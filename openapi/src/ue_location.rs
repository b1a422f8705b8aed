//! Eees_UELocation: where UEs are, at once or by subscription (TS 29.558 clause 8.2).
//!
//! ```
//! use edgeapp_openapi::ue_location::LocationSubscription;
//!
//! let request: LocationSubscription = serde_json::from_str(
//!     r#"{"easId": "eas.chess.example", "ueId": "extid-ue1@operator.example",
//!         "notificationDestination": "https://chess.edge-a.example/locations"}"#,
//! )?;
//! assert!(request.event_req.is_none());
//! assert!(serde_json::from_str::<LocationSubscription>(r#"{"easId": "eas.chess.example"}"#).is_err());
//! # Ok::<(), serde_json::Error>(())
//! ```

use crate::{
    common::{
        DateTime, ExternalGroupId, GroupId, ReportingInformation, SupportedFeatures, Uri, WebsockNotifConfig,
        non_empty, within,
    },
    ids::{EasId, ExternalId, Gpsi, SubscriptionId},
    location::{CivicAddress, GeographicArea, LocationArea5G, LocationInfo, MinorLocationQoS, UserLocation},
    schedule::ScheduledCommunicationTime,
};
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;

/// A question for the location of a UE (clause 8.2.5.2.8).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct LocationRequest {
    /// `ueId`: the UE, by its GPSI or an Edge UE ID.
    pub ue_id: Gpsi,
    /// `gran`: how fine the answer has to be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub gran: Option<Accuracy>,
    /// `locQos`: the quality of the location that is asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub loc_qos: Option<LocationQos>,
    /// `suppFeat`: optional features that the caller supports.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub supp_feat: Option<SupportedFeatures>,
}

/// The location of a UE (clause 8.2.5.2.9).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct LocationResponse {
    /// `ueLocation`: where the UE is, or was last.
    pub ue_location: LocationInfo,
    /// `suppFeat`: optional features that both sides support.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub supp_feat: Option<SupportedFeatures>,
}

/// A subscription of an EAS to the location of a UE or of a group of UEs (clause 8.2.5.2.2). Exactly one of `ueId`, `intGrpId` and `extGrpId` is there.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(remote = "Self", rename_all = "camelCase")]
pub struct LocationSubscription {
    /// `easId`: the EAS that subscribes.
    pub eas_id: EasId,
    /// `ueId`: the UE, by its GPSI or an Edge UE ID.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub ue_id: Option<Gpsi>,
    /// `intGrpId`: a group of UEs by its internal name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub int_grp_id: Option<GroupId>,
    /// `extGrpId`: a group of UEs by its external name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub ext_grp_id: Option<ExternalGroupId>,
    /// `expTime`: when the subscription ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub exp_time: Option<DateTime>,
    /// `locGran`: how fine reports have to be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub loc_gran: Option<Accuracy>,
    /// `locQos`: the quality of the locations that is asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub loc_qos: Option<LocationQos>,
    /// `eventReq`: when and how often to report.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub event_req: Option<ReportingInformation>,
    /// `notificationDestination`: where to send reports.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub notification_destination: Option<Uri>,
    /// `requestTestNotification`: send a notification at once that only tries the way; false when absent.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub request_test_notification: bool,
    /// `revocationNotifUri`: where to send word that a user took back the consent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub revocation_notif_uri: Option<Uri>,
    /// `websockNotifConfig`: notifications over a WebSocket instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub websock_notif_config: Option<WebsockNotifConfig>,
    /// `suppFeat`: optional features; in a request the client's, in an answer those in common.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub supp_feat: Option<SupportedFeatures>,
}

checked!(LocationSubscription, |subscription| {
    let targets = [
        subscription.ue_id.is_some(),
        subscription.int_grp_id.is_some(),
        subscription.ext_grp_id.is_some(),
    ];
    match targets.into_iter().filter(|target| *target).count() {
        1 => Ok(()),
        _ => Err("must have exactly one of these members: ueId intGrpId extGrpId"),
    }
});

/// What may change of a subscription (clause 8.2.5.2.3).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct LocationSubscriptionPatch {
    /// `eventReq`: when and how often to report.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub event_req: Option<ReportingInformation>,
    /// `expTime`: when the subscription ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub exp_time: Option<DateTime>,
    /// `notificationDestination`: where to send reports.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub notification_destination: Option<Uri>,
    /// `revocationNotifUri`: where to send word that a user took back the consent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub revocation_notif_uri: Option<Uri>,
    /// `locGran`: how fine reports have to be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub loc_gran: Option<Accuracy>,
    /// `locQos`: the quality of the locations that is asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub loc_qos: Option<LocationQos>,
}

/// Reports to a subscriber (clause 8.2.5.2.4).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct LocationNotification {
    /// `subId`: the subscription.
    pub sub_id: SubscriptionId,
    /// `locEvs`: the reports, at least one.
    #[serde(deserialize_with = "non_empty")]
    #[schema(min_items = 1)]
    pub loc_evs: Vec<LocationEvent>,
}

/// Where one UE is or will be (clause 8.2.5.2.5). Exactly one of `locInf` and `locInfPred` is there.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(remote = "Self", rename_all = "camelCase")]
pub struct LocationEvent {
    /// `ueId`: the UE, as the subscriber names it.
    pub ue_id: Gpsi,
    /// `locInf`: where it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub loc_inf: Option<LocationInfo>,
    /// `locInfPred`: where it will probably be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub loc_inf_pred: Option<UeMobilityExposure>,
}

checked!(LocationEvent, |event| match (&event.loc_inf, &event.loc_inf_pred) {
    (Some(_), None) | (None, Some(_)) => Ok(()),
    _ => Err("must have exactly one of these members: locInf locInfPred"),
});

/// Word that users took back their consent (clause 8.2.5.2.6).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ConsentRevocNotif {
    /// `subscriptionId`: the subscription.
    pub subscription_id: SubscriptionId,
    /// `consentsRevoked`: the consents that were taken back, at least one.
    #[serde(deserialize_with = "non_empty")]
    #[schema(min_items = 1)]
    pub consents_revoked: Vec<ConsentRevoked>,
}

/// A consent that was taken back (clause 8.2.5.2.7). Exactly one of `externalId` and `ueId` is there.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(remote = "Self", rename_all = "camelCase")]
pub struct ConsentRevoked {
    /// `ucPurpose`: what the consent was for.
    pub uc_purpose: UcPurpose,
    /// `externalId`: the UE, by its external identifier.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub external_id: Option<ExternalId>,
    /// `ueId`: the UE, by its GPSI.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub ue_id: Option<Gpsi>,
}

checked!(ConsentRevoked, |revoked| match (&revoked.external_id, &revoked.ue_id) {
    (Some(_), None) | (None, Some(_)) => Ok(()),
    _ => Err("must have exactly one of these members: externalId ueId"),
});

open_enum!(
    /// How fine a location is, and in which form (TS 29.122 clause 5.3.2.4.7).
    Accuracy as "Accuracy" {
        /// The cell.
        CgiEcgi = "CGI_ECGI",
        /// The base station.
        Enodeb = "ENODEB",
        /// The tracking or routing area.
        TaRa = "TA_RA",
        /// The network.
        Plmn = "PLMN",
        /// The trusted WLAN.
        TwanId = "TWAN_ID",
        /// A shape on the earth.
        GeoArea = "GEO_AREA",
        /// A civic address.
        CivicAddr = "CIVIC_ADDR",
    }
);

open_enum!(
    /// What a user consents to (TS 29.503).
    UcPurpose as "UcPurpose" {
        /// Analytics about the user.
        Analytics = "ANALYTICS",
        /// The training of models.
        ModelTraining = "MODEL_TRAINING",
        /// Exposure of capabilities of the network.
        NwCapExposure = "NW_CAP_EXPOSURE",
        /// The location of the UE, told to edge applications.
        EdgeappUeLocation = "EDGEAPP_UE_LOCATION",
    }
);

/// The quality of a location (TS 29.572).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = LocationQoS)]
pub struct LocationQos {
    /// `hAccuracy`: metres in the plane.
    #[serde(default, deserialize_with = "metres", skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, minimum = 0)]
    pub h_accuracy: Option<f64>,
    /// `vAccuracy`: metres in height.
    #[serde(default, deserialize_with = "metres", skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, minimum = 0)]
    pub v_accuracy: Option<f64>,
    /// `verticalRequested`: a height is asked for too; false when absent.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub vertical_requested: bool,
    /// `responseTime`: how soon the answer has to come.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub response_time: Option<ResponseTime>,
    /// `minorLocQoses`: lesser qualities that will do as well, at most two.
    #[serde(default, deserialize_with = "one_or_two", skip_serializing_if = "Vec::is_empty")]
    #[schema(min_items = 1, max_items = 2)]
    pub minor_loc_qoses: Vec<MinorLocationQoS>,
    /// `lcsQosClass`: how strictly the quality is meant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub lcs_qos_class: Option<LcsQosClass>,
}

fn one_or_two<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<MinorLocationQoS>, D::Error> {
    let qualities = non_empty(deserializer)?;
    if qualities.len() > 2 {
        return Err(serde::de::Error::custom("must have at most two items"));
    }
    Ok(qualities)
}

fn metres<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<f64>, D::Error> {
    within(deserializer, 0.0, f64::MAX)
}

open_enum!(
    /// How soon a location has to come (TS 29.572).
    ResponseTime as "ResponseTime" {
        /// As soon as possible.
        LowDelay = "LOW_DELAY",
        /// The quality matters more.
        DelayTolerant = "DELAY_TOLERANT",
        /// At once, whatever is known.
        NoDelay = "NO_DELAY",
    }
);

open_enum!(
    /// How strictly a quality is meant (TS 29.572).
    LcsQosClass as "LcsQosClass" {
        /// As well as it goes.
        BestEffort = "BEST_EFFORT",
        /// Not at all rather than worse.
        Assured = "ASSURED",
        /// The lesser qualities will do too.
        MultipleQos = "MULTIPLE_QOS",
    }
);

/// Where a UE will probably be, or was (TS 29.522 clause 5.6.3.3.8).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct UeMobilityExposure {
    /// `ts`: from when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub ts: Option<DateTime>,
    /// `recurringTime`: at which times again and again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub recurring_time: Option<ScheduledCommunicationTime>,
    /// `duration`: for how many seconds.
    pub duration: u32,
    /// `durationVariance`: how much that varies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub duration_variance: Option<f64>,
    /// `locInfo`: the places, at least one.
    #[serde(deserialize_with = "non_empty")]
    #[schema(min_items = 1)]
    pub loc_info: Vec<UeLocationInfo>,
    /// `directionInfos`: which way UEs go.
    #[serde(default, deserialize_with = "non_empty", skip_serializing_if = "Vec::is_empty")]
    #[schema(min_items = 1)]
    pub direction_infos: Vec<DirectionInfo>,
}

/// One place where a UE may be (TS 29.522).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct UeLocationInfo {
    /// `loc`: the place.
    pub loc: LocationArea5G,
    /// `geoLoc`: the place on the earth.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub geo_loc: Option<GeographicalArea>,
    /// `ratio`: per cent of the UEs of a group.
    #[serde(default, deserialize_with = "per_cent", skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, minimum = 1, maximum = 100)]
    pub ratio: Option<u8>,
    /// `confidence`: how sure that is, in per cent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub confidence: Option<u64>,
    /// `geoDistrInfos`: which UEs are where.
    #[serde(default, deserialize_with = "non_empty", skip_serializing_if = "Vec::is_empty")]
    #[schema(min_items = 1)]
    pub geo_distr_infos: Vec<GeoDistributionInfo>,
}

fn per_cent<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u8>, D::Error> {
    within(deserializer, 1.0, 100.0)
}

/// A place on the earth (TS 29.522).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct GeographicalArea {
    /// `civicAddress`: by its civic address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub civic_address: Option<CivicAddress>,
    /// `shapes`: by its shape.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub shapes: Option<GeographicArea>,
}

/// UEs at a place (TS 29.520).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct GeoDistributionInfo {
    /// `loc`: the place.
    pub loc: UserLocation,
    /// `supis`: the UEs, by their SUPIs.
    #[serde(default, deserialize_with = "non_empty", skip_serializing_if = "Vec::is_empty")]
    #[schema(min_items = 1)]
    pub supis: Vec<String>,
    /// `gpsis`: the UEs, by their GPSIs.
    #[serde(default, deserialize_with = "non_empty", skip_serializing_if = "Vec::is_empty")]
    #[schema(min_items = 1)]
    pub gpsis: Vec<Gpsi>,
}

/// Which way a UE or a group goes (TS 29.520).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DirectionInfo {
    /// `supi`: the UE, by its SUPI.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub supi: Option<String>,
    /// `gpsi`: the UE, by its GPSI.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub gpsi: Option<Gpsi>,
    /// `numOfUe`: how many UEs go that way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub num_of_ue: Option<u64>,
    /// `avrSpeed`: how fast on average.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub avr_speed: Option<f64>,
    /// `ratio`: per cent of the UEs that go that way.
    #[serde(default, deserialize_with = "per_cent", skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, minimum = 1, maximum = 100)]
    pub ratio: Option<u8>,
    /// `direction`: the way.
    pub direction: Direction,
}

open_enum!(
    /// A way to go (TS 29.520).
    Direction as "Direction" {
        /// North.
        North = "NORTH",
        /// South.
        South = "SOUTH",
        /// East.
        East = "EAST",
        /// West.
        West = "WEST",
        /// North-west.
        Northwest = "NORTHWEST",
        /// North-east.
        Northeast = "NORTHEAST",
        /// South-west.
        Southwest = "SOUTHWEST",
        /// South-east.
        Southeast = "SOUTHEAST",
    }
);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proof::{refused, same};

    #[test]
    fn a_subscription_is_about_one_ue_or_one_group() {
        let text = r#"{"easId": "e", "ueId": "extid-u@o", "locGran": "CGI_ECGI", "locQos": {"hAccuracy": 5.0},
            "eventReq": {"immRep": true}, "notificationDestination": "https://eas.example/n",
            "revocationNotifUri": "https://eas.example/r", "suppFeat": "5"}"#;
        same::<LocationSubscription>(text);
        refused::<LocationSubscription>(r#"{"ueId": "u"}"#);
        same::<LocationSubscription>(r#"{"easId": "e", "extGrpId": "extgroupid-g@o.example"}"#);
        refused::<LocationSubscription>(r#"{"easId": "e"}"#);
        refused::<LocationSubscription>(r#"{"easId": "e", "ueId": "u", "extGrpId": "extgroupid-g@o.example"}"#);
    }

    #[test]
    fn an_event_tells_what_is_or_what_will_be() {
        let place = r#"{"loc": {"nwAreaInfo": {"tais": [{"plmnId": {"mcc": "001", "mnc": "01"}, "tac": "0002"}]}}, "confidence": 80}"#;
        same::<LocationEvent>(r#"{"ueId": "u", "locInf": {"cellId": "1"}}"#);
        same::<LocationEvent>(&format!(
            r#"{{"ueId": "u", "locInfPred": {{"duration": 300, "locInfo": [{place}]}}}}"#
        ));
        refused::<LocationEvent>(r#"{"ueId": "u"}"#);
        refused::<LocationNotification>(r#"{"subId": "s", "locEvs": []}"#);
    }

    #[test]
    fn a_withdrawal_names_one_user() {
        same::<ConsentRevocNotif>(
            r#"{"subscriptionId": "s", "consentsRevoked": [{"ucPurpose": "EDGEAPP_UE_LOCATION", "ueId": "u"}]}"#,
        );
        refused::<ConsentRevoked>(r#"{"ucPurpose": "ANALYTICS"}"#);
        refused::<ConsentRevoked>(r#"{"ucPurpose": "ANALYTICS", "ueId": "u", "externalId": "x"}"#);
    }
}
