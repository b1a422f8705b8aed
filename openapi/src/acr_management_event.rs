//! Eees_ACRManagementEvent: an EAS subscribes to what it has to know about relocations (TS 29.558 clause 8.6).
//!
//! ```
//! use edgeapp_openapi::acr_management_event::{AcrMgntEvent, AcrMgntEventsSubscription};
//!
//! let request: AcrMgntEventsSubscription = serde_json::from_str(
//!     r#"{"easId": "eas.chess.example", "eventSubscs": [{"event": "ACT_START_STOP"}],
//!         "notificationDestination": "https://chess.edge-a.example/acr"}"#,
//! )?;
//! assert_eq!(request.event_subscs[0].event, AcrMgntEvent::ActStartStop);
//! # Ok::<(), serde_json::Error>(())
//! ```

use crate::{
    common::{
        DateTime, DnaiChangeType, ExternalGroupId, GroupId, IpAddr, Ipv4Addr, Ipv6Prefix, ReportingInformation,
        RouteToLocation, SupportedFeatures, Uri, WebsockNotifConfig, non_empty,
    },
    eas_discovery::EasCharacteristics,
    eas_registration::EndPoint,
    ees_registration::AcrScenario,
    ids::{AcId, Dnai, EasId, EdgeUeId, ExternalId, Gpsi, SubscriptionId},
    location::ServiceArea,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A subscription of an EAS (clause 8.6.5.2).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AcrMgntEventsSubscription {
    /// `self`: where the subscription is found; only in answers.
    #[serde(rename = "self", default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub self_uri: Option<Uri>,
    /// `easId`: the EAS that subscribes.
    pub eas_id: EasId,
    /// `eventSubscs`: the events it subscribes to, at least one.
    #[serde(deserialize_with = "non_empty")]
    #[schema(min_items = 1)]
    pub event_subscs: Vec<AcrMgntEventSubsc>,
    /// `evtReq`: when and how often to report, for all events that do not say it themselves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub evt_req: Option<ReportingInformation>,
    /// `notificationDestination`: where to send notifications.
    pub notification_destination: Uri,
    /// `eventReports`: what is known at once; only in answers.
    #[serde(default, deserialize_with = "non_empty", skip_serializing_if = "Vec::is_empty")]
    #[schema(min_items = 1)]
    pub event_reports: Vec<AcrMgntEventReport>,
    /// `availabilityInfo`: whether the network tells about user plane paths; only in answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub availability_info: Option<AvailabilityNotif>,
    /// `failEventReports`: the events that cannot be reported; only in answers.
    #[serde(default, deserialize_with = "non_empty", skip_serializing_if = "Vec::is_empty")]
    #[schema(min_items = 1)]
    pub fail_event_reports: Vec<FailureAcrMgntEventInfo>,
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
}

/// One event of a subscription, and what about it (clause 8.6.5.2).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AcrMgntEventSubsc {
    /// `event`: the event.
    pub event: AcrMgntEvent,
    /// `eventFilter`: only with this kind of mobility.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub event_filter: Option<AcrMgntEventFilter>,
    /// `evtReq`: when and how often to report this event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub evt_req: Option<ReportingInformation>,
    /// `tgtUeId`: only about this UE or group; about any UE when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub tgt_ue_id: Option<TargetUeIdentification>,
    /// `dnaiChgType`: before or after the user plane path changes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub dnai_chg_type: Option<DnaiChangeType>,
    /// `easAckInd`: for `UP_PATH_CHG`: the EAS will answer whether it accepts the change; false when absent.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub eas_ack_ind: bool,
    /// `easChars`: what a target EAS has to be like.
    #[serde(default, deserialize_with = "non_empty", skip_serializing_if = "Vec::is_empty")]
    #[schema(min_items = 1)]
    pub eas_chars: Vec<EasCharacteristics>,
    /// `trafFilterInfo`: only about this traffic.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub traf_filter_info: Option<TrafficFilterInfo>,
    /// `servContPlanInd`: watch whether the UE comes to where it is expected; false when absent.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub serv_cont_plan_ind: bool,
    /// `easAckSvcCont`: for `ACR_MONITORING` and `ACR_FACILITATION`: the EAS will answer; false when absent.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub eas_ack_svc_cont: bool,
}

/// A change to a subscription (clause 8.6.5.2): a merge patch.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AcrMgntEventsSubscriptionPatch {
    /// `eventSubscs`: the events it subscribes to now.
    #[serde(default, deserialize_with = "non_empty", skip_serializing_if = "Vec::is_empty")]
    #[schema(min_items = 1)]
    pub event_subscs: Vec<AcrMgntEventSubsc>,
    /// `evtReq`: when and how often to report from now on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub evt_req: Option<ReportingInformation>,
    /// `notificationDestination`: where to send notifications from now on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub notification_destination: Option<Uri>,
}

/// Events that happened (clause 8.6.5.2).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AcrMgntEventsNotification {
    /// `subpId`: the subscription.
    pub subp_id: SubscriptionId,
    /// `eventReports`: the events, at least one.
    #[serde(deserialize_with = "non_empty")]
    #[schema(min_items = 1)]
    pub event_reports: Vec<AcrMgntEventReport>,
}

/// One event that happened (clause 8.6.5.2).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AcrMgntEventReport {
    /// `event`: the event.
    pub event: AcrMgntEvent,
    /// `timeStamp`: when it happened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub time_stamp: Option<DateTime>,
    /// `upPathChgInfo`: for `UP_PATH_CHG`: the change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub up_path_chg_info: Option<UpPathChangeInfo>,
    /// `easEndPoint`: the EAS at the other side of the relocation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub eas_end_point: Option<EndPoint>,
    /// `actStatus`: for `ACT_START_STOP`: start or stop.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub act_status: Option<ActStatus>,
    /// `acrParams`: what else to know for the relocation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub acr_params: Option<AcrParameters>,
    /// `acId`: the application client.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub ac_id: Option<AcId>,
    /// `ueId`: the UE.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub ue_id: Option<TargetUeIdentification>,
    /// `selACRScen`: for `ACR_SELECTION`: the scenarios selected.
    #[serde(
        rename = "selACRScen",
        default,
        deserialize_with = "non_empty",
        skip_serializing_if = "Vec::is_empty"
    )]
    #[schema(min_items = 1)]
    pub sel_acr_scen: Vec<SelectedAcrScenarios>,
    /// `easInBdlInfoList`: the other EASs of the bundle.
    #[serde(default, deserialize_with = "non_empty", skip_serializing_if = "Vec::is_empty")]
    #[schema(min_items = 1)]
    pub eas_in_bdl_info_list: Vec<EasInBundleInfo>,
    /// `servContPlanInd`: the EES watches whether the UE comes to where it is expected; false when absent.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub serv_cont_plan_ind: bool,
}

/// What else to know for a relocation (clause 8.6.5.2).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ACRParameters)]
pub struct AcrParameters {
    /// `predictExpTime`: until when the UE is expected to come to the predicted place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub predict_exp_time: Option<DateTime>,
}

/// An event that cannot be reported (clause 8.6.5.2).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct FailureAcrMgntEventInfo {
    /// `event`: the event.
    pub event: AcrMgntEvent,
    /// `failureCode`: why not.
    pub failure_code: AcrMgntEventFailureCode,
}

one_of!(
    /// A UE or a group of UEs, named in one of five ways (clause 8.6.5.2).
    #[derive(Eq, Hash)]
    TargetUeIdentification {
        /// `gpsi`: a UE by its GPSI.
        Gpsi(Gpsi) = "gpsi",
        /// `edgeUeId`: a UE by the identifier that an EES made for it.
        EdgeUeId(EdgeUeId) = "edgeUeId",
        /// `intGrpId`: a group as the network knows it.
        IntGrpId(GroupId) = "intGrpId",
        /// `extGrpId`: a group as the outside knows it.
        ExtGrpId(ExternalGroupId) = "extGrpId",
        /// `ueIpAddr`: a UE by its address.
        UeIpAddr(IpAddr) = "ueIpAddr",
    }
);

/// Whether the network tells about user plane paths (clause 8.6.5.2).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AvailabilityNotif {
    /// `availabilityStatus`: whether it does.
    pub availability_status: AvailabilityStatus,
}

/// A change of a UE's user plane path (clause 8.6.5.2).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct UpPathChangeInfo {
    /// `ueId`: the UE.
    pub ue_id: IndUeIdentification,
    /// `dnaiChgType`: whether the change is to come or over.
    pub dnai_chg_type: DnaiChangeType,
    /// `sourceTrafficRoute`: the route before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub source_traffic_route: Option<RouteToLocation>,
    /// `targetTrafficRoute`: the route after.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub target_traffic_route: Option<RouteToLocation>,
    /// `sourceDnai`: the place before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub source_dnai: Option<Dnai>,
    /// `targetDnai`: the place after.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub target_dnai: Option<Dnai>,
    /// `srcUeIpv4Addr`: the UE's IPv4 address before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub src_ue_ipv4_addr: Option<Ipv4Addr>,
    /// `srcUeIpv6Prefix`: the UE's IPv6 prefix before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub src_ue_ipv6_prefix: Option<Ipv6Prefix>,
    /// `tgtUeIpv4Addr`: the UE's IPv4 address after.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub tgt_ue_ipv4_addr: Option<Ipv4Addr>,
    /// `tgtUeIpv6Prefix`: the UE's IPv6 prefix after.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub tgt_ue_ipv6_prefix: Option<Ipv6Prefix>,
}

one_of!(
    /// One UE, named in one of three ways (clause 8.6.5.2).
    #[derive(Eq, Hash)]
    IndUeIdentification {
        /// `gpsi`: by its GPSI.
        Gpsi(Gpsi) = "gpsi",
        /// `externalId`: by its external identifier.
        ExternalId(ExternalId) = "externalId",
        /// `ueIpAddr`: by its address.
        UeIpAddr(IpAddr) = "ueIpAddr",
    }
);

/// Traffic to report about (clause 8.6.5.2): at least one of the three lists is there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(remote = "Self", rename_all = "camelCase")]
pub struct TrafficFilterInfo {
    /// `ipFlows`: IP filter rules, as in RFC 6733 clause 4.3.1.
    #[serde(default, deserialize_with = "non_empty", skip_serializing_if = "Vec::is_empty")]
    #[schema(min_items = 1)]
    pub ip_flows: Vec<String>,
    /// `uris`: patterns of URIs.
    #[serde(default, deserialize_with = "non_empty", skip_serializing_if = "Vec::is_empty")]
    #[schema(min_items = 1)]
    pub uris: Vec<String>,
    /// `domainNames`: patterns of domain names.
    #[serde(default, deserialize_with = "non_empty", skip_serializing_if = "Vec::is_empty")]
    #[schema(min_items = 1)]
    pub domain_names: Vec<String>,
    /// `dnProtocol`: in which protocol the domain names are looked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub dn_protocol: Option<DomainNameProtocol>,
}

checked!(TrafficFilterInfo, |filter| {
    if filter.ip_flows.is_empty() && filter.uris.is_empty() && filter.domain_names.is_empty() {
        return Err("must have at least one of these members: ipFlows uris domainNames");
    }
    Ok(())
});

/// The relocation scenarios selected for an application client on a UE (clause 8.6.5.2).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = SelectedACRScenarios)]
pub struct SelectedAcrScenarios {
    /// `acrList`: the scenarios, perhaps none.
    pub acr_list: Vec<AcrScenario>,
    /// `acId`: the application client.
    pub ac_id: AcId,
    /// `ueId`: the UE.
    pub ue_id: Gpsi,
}

/// What an EAS answers to a notification (clause 8.6.5.2).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct EasAckInformation {
    /// `resCode`: yes or no.
    pub res_code: ResultCode,
}

/// Another EAS of a bundle (clause 8.6.5.2).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct EasInBundleInfo {
    /// `easId`: the application.
    pub eas_id: EasId,
    /// `dnais`: the places where user plane traffic reaches it.
    #[serde(default, deserialize_with = "non_empty", skip_serializing_if = "Vec::is_empty")]
    #[schema(min_items = 1)]
    pub dnais: Vec<Dnai>,
    /// `svcArea`: where UEs have to be to use it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub svc_area: Option<ServiceArea>,
}

open_enum!(
    /// What an EAS has to know about relocations (clause 8.6.5.3).
    AcrMgntEvent as "AcrMgntEvent" {
        /// The user plane path of a UE changes.
        UpPathChg = "UP_PATH_CHG",
        /// A relocation seems due, the EAS does the rest.
        AcrMonitoring = "ACR_MONITORING",
        /// A relocation is due, and the EES has found the target.
        AcrFacilitation = "ACR_FACILITATION",
        /// The transfer of an application context starts or stops.
        ActStartStop = "ACT_START_STOP",
        /// Relocation scenarios were selected.
        AcrSelection = "ACR_SELECTION",
    }
);

open_enum!(
    /// A kind of mobility (clause 8.6.5.3).
    AcrMgntEventFilter as "AcrMgntEventFilter" {
        /// Within an edge data network.
        IntraEdnMobility = "INTRA_EDN_MOBILITY",
        /// From one edge data network to another.
        InterEdnMobility = "INTER_EDN_MOBILITY",
    }
);

open_enum!(
    /// Start or stop of the transfer of an application context (clause 8.6.5.3).
    ActStatus as "ActStatus" {
        /// Start.
        ActStart = "ACT_START",
        /// Stop.
        ActStop = "ACT_STOP",
    }
);

open_enum!(
    /// Why an event cannot be reported (clause 8.6.5.3).
    AcrMgntEventFailureCode as "AcrMgntEventFailureCode" {
        /// The 3GPP network does not tell about user plane paths.
        UpPathChangeMonNotAvailable = "3GPP_UP_PATH_CHANGE_MON_NOT_AVAILABLE",
        /// Anything else.
        OtherReasons = "OTHER_REASONS",
    }
);

open_enum!(
    /// Whether something is available (clause 8.6.5.3).
    AvailabilityStatus as "AvailabilityStatus" {
        /// It is.
        Available = "AVAILABLE",
        /// It is not.
        NotAvailable = "NOT_AVAILABLE",
    }
);

open_enum!(
    /// What an EAS says to a relocation (clause 8.6.5.3).
    ResultCode as "ResultCode" {
        /// Yes.
        Accepted = "ACCEPTED",
        /// No.
        Rejected = "REJECTED",
    }
);

open_enum!(
    /// Where a domain name is read (TS 29.122, PfdManagement). The last value is spelt as the standard has it.
    DomainNameProtocol as "DomainNameProtocol" {
        /// The name asked for in DNS.
        DnsQname = "DNS_QNAME",
        /// The server name that a TLS client asks for.
        TlsSni = "TLS_SNI",
        /// The alternative names in the server's certificate.
        TlsSan = "TLS_SAN",
        /// The common name in the server's certificate.
        TlsScn = "TSL_SCN",
    }
);

#[cfg(test)]
mod tests;
