//! Eees_SessionWithQoS: data sessions between UEs and an EAS with a quality (TS 29.558 clause 8.5), and what the core network reports
//! of them (TS 29.122 clause 5.14).
//!
//! ```
//! use edgeapp_openapi::session_with_qos::SessionWithQos;
//!
//! let request: SessionWithQos = serde_json::from_str(
//!     r#"{"easId": "eas.chess.example", "ueIpv4Addr": "198.51.100.4", "qosReference": "gold",
//!         "ipFlows": ["permit out ip from 192.0.2.20 443 to 198.51.100.4"]}"#,
//! )?;
//! assert_eq!(request.qos_reference.as_deref(), Some("gold"));
//! # Ok::<(), serde_json::Error>(())
//! ```

use crate::{
    acr_management_event::TrafficFilterInfo,
    common::{
        BitRate, ExternalGroupId, GroupId, Ipv4Addr, Ipv6Addr, PlmnIdNid, Snssai, SupportedFeatures, Uri,
        WebsockNotifConfig, non_empty,
    },
    ids::{Dnn, EasId, Gpsi},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A data session with a quality (clause 8.5.5.2.2).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = SessionWithQoS)]
pub struct SessionWithQos {
    /// `self`: where the session is found; only in answers.
    #[serde(rename = "self", default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub self_uri: Option<Uri>,
    /// `easId`: the EAS at one end.
    pub eas_id: EasId,
    /// `ueIpv4Addr`: the UE at the other end, by its IPv4 address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub ue_ipv4_addr: Option<Ipv4Addr>,
    /// `ueIpv6Addr`: the UE, by its IPv6 address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub ue_ipv6_addr: Option<Ipv6Addr>,
    /// `ipDomain`: the domain in which the IPv4 address means this UE.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub ip_domain: Option<String>,
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
    /// `ipFlows`: the flows, as IP filter rules (RFC 6733 clause 4.3.1), at least one.
    #[serde(deserialize_with = "non_empty")]
    #[schema(min_items = 1, example = json!(["permit in ip from 198.51.100.4 to 192.0.2.20 443"]))]
    pub ip_flows: Vec<String>,
    /// `trafFilterInfo`: the traffic, described in other ways.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub traf_filter_info: Option<TrafficFilterInfo>,
    /// `qosReference`: the quality, by a name agreed with the network.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub qos_reference: Option<String>,
    /// `altQosReference`: qualities that will do as well, the best first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub alt_qos_reference: Vec<String>,
    /// `events`: what to be told of.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<UserPlaneEvent>,
    /// `sponsorInformation`: who pays.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub sponsor_information: Option<SponsorInformation>,
    /// `qosMonInfo`: what to measure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub qos_mon_info: Option<QosMonitoringInformation>,
    /// `notificationDestination`: where to send notifications.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub notification_destination: Option<Uri>,
    /// `dnn`: the data network.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub dnn: Option<Dnn>,
    /// `snssai`: the slice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub snssai: Option<Snssai>,
    /// `maxbrUl`: most bits per second up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub maxbr_ul: Option<BitRate>,
    /// `maxbrDl`: most bits per second down.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub maxbr_dl: Option<BitRate>,
    /// `disUeNotif`: the UE is not told of changes of the quality; false when absent.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub dis_ue_notif: bool,
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

/// What may change of a session (clause 8.5.5.2.3).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = SessionWithQoSPatch)]
pub struct SessionWithQosPatch {
    /// `ipFlows`: the flows, as IP filter rules.
    #[serde(default, deserialize_with = "non_empty", skip_serializing_if = "Vec::is_empty")]
    #[schema(min_items = 1, example = json!(["permit in ip from 198.51.100.4 to 192.0.2.20 443"]))]
    pub ip_flows: Vec<String>,
    /// `trafFilterInfo`: the traffic, described in other ways.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub traf_filter_info: Option<TrafficFilterInfo>,
    /// `qosReference`: the quality, by a name agreed with the network.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub qos_reference: Option<String>,
    /// `altQosReference`: qualities that will do as well, the best first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub alt_qos_reference: Vec<String>,
    /// `events`: what to be told of.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<UserPlaneEvent>,
    /// `sponsorInformation`: who pays.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub sponsor_information: Option<SponsorInformation>,
    /// `qosMonInfo`: what to measure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub qos_mon_info: Option<QosMonitoringInformationRm>,
    /// `notificationDestination`: where to send notifications.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub notification_destination: Option<Uri>,
    /// `maxbrUl`: most bits per second up; null takes the limit away.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub maxbr_ul: Option<BitRate>,
    /// `maxbrDl`: most bits per second down; null takes the limit away.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub maxbr_dl: Option<BitRate>,
    /// `disUeNotif`: the UE is not told of changes of the quality.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub dis_ue_notif: Option<bool>,
}

/// What happened in a session (clause 8.5.5.2.4).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct UserPlaneEventNotification {
    /// `sessionId`: the session.
    pub session_id: String,
    /// `eventReports`: what happened, at least one thing.
    #[serde(deserialize_with = "non_empty")]
    #[schema(min_items = 1)]
    pub event_reports: Vec<UserPlaneEventReport>,
}

/// One thing that happened in a session (TS 29.122 clause 5.14.2.1.6).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct UserPlaneEventReport {
    /// `event`: what happened.
    pub event: UserPlaneEvent,
    /// `accumulatedUsage`: how much was used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub accumulated_usage: Option<AccumulatedUsage>,
    /// `flowIds`: the flows that are concerned; all are when absent.
    #[serde(default, deserialize_with = "non_empty", skip_serializing_if = "Vec::is_empty")]
    #[schema(min_items = 1)]
    pub flow_ids: Vec<i64>,
    /// `multiModFlows`: the flows of several media that are concerned.
    #[serde(default, deserialize_with = "non_empty", skip_serializing_if = "Vec::is_empty")]
    #[schema(min_items = 1)]
    pub multi_mod_flows: Vec<MultiModalFlows>,
    /// `appliedQosRef`: the quality that is in force now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub applied_qos_ref: Option<String>,
    /// `altQosNotSuppInd`: none of the other qualities can be had either; false when absent.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub alt_qos_not_supp_ind: bool,
    /// `plmnId`: the network that the UE is in now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub plmn_id: Option<PlmnIdNid>,
    /// `qosMonReports`: what was measured.
    #[serde(default, deserialize_with = "non_empty", skip_serializing_if = "Vec::is_empty")]
    #[schema(min_items = 1)]
    pub qos_mon_reports: Vec<QosMonitoringReport>,
    /// `pdvMonReports`: how much delays vary.
    #[serde(default, deserialize_with = "non_empty", skip_serializing_if = "Vec::is_empty")]
    #[schema(min_items = 1)]
    pub pdv_mon_reports: Vec<PdvMonitoringReport>,
    /// `ratType`: the radio access that the UE uses now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub rat_type: Option<RatType>,
    /// `batOffsetInfo`: how bursts should be shifted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub bat_offset_info: Option<BatOffsetInfo>,
    /// `rttMonReports`: round-trip times that were measured.
    #[serde(default, deserialize_with = "non_empty", skip_serializing_if = "Vec::is_empty")]
    #[schema(min_items = 1)]
    pub rtt_mon_reports: Vec<QosMonitoringReport>,
    /// `qosMonDatRateReps`: data rates that were measured.
    #[serde(default, deserialize_with = "non_empty", skip_serializing_if = "Vec::is_empty")]
    #[schema(min_items = 1)]
    pub qos_mon_dat_rate_reps: Vec<QosMonitoringReportOfFlows>,
    /// `aggrDataRateRpts`: data rates of all flows together.
    #[serde(default, deserialize_with = "non_empty", skip_serializing_if = "Vec::is_empty")]
    #[schema(min_items = 1)]
    pub aggr_data_rate_rpts: Vec<QosMonitoringReportOfFlows>,
    /// `qosMonConInfoReps`: congestion that was measured.
    #[serde(default, deserialize_with = "non_empty", skip_serializing_if = "Vec::is_empty")]
    #[schema(min_items = 1)]
    pub qos_mon_con_info_reps: Vec<QosMonitoringReport>,
}

open_enum!(
    /// What can happen in a session (TS 29.122 clause 5.14.2.2.3).
    UserPlaneEvent as "UserPlaneEvent" {
        /// The session ended.
        SessionTermination = "SESSION_TERMINATION",
        /// The bearer was lost.
        LossOfBearer = "LOSS_OF_BEARER",
        /// The bearer is back.
        RecoveryOfBearer = "RECOVERY_OF_BEARER",
        /// The bearer was released.
        ReleaseOfBearer = "RELEASE_OF_BEARER",
        /// An amount was used.
        UsageReport = "USAGE_REPORT",
        /// Resources could not be had.
        FailedResourcesAllocation = "FAILED_RESOURCES_ALLOCATION",
        /// The quality is kept again.
        QosGuaranteed = "QOS_GUARANTEED",
        /// The quality is not kept.
        QosNotGuaranteed = "QOS_NOT_GUARANTEED",
        /// Something was measured.
        QosMonitoring = "QOS_MONITORING",
        /// Resources were had.
        SuccessfulResourcesAllocation = "SUCCESSFUL_RESOURCES_ALLOCATION",
        /// The UE uses another access.
        AccessTypeChange = "ACCESS_TYPE_CHANGE",
        /// The UE is in another network.
        PlmnChg = "PLMN_CHG",
        /// Congestion is no longer marked early.
        L4sNotAvailable = "L4S_NOT_AVAILABLE",
        /// Congestion is marked early.
        L4sAvailable = "L4S_AVAILABLE",
        /// Bursts should be shifted.
        BatOffsetInfo = "BAT_OFFSET_INFO",
        /// A round trip over two flows was measured.
        RtDelayTwoQosFlows = "RT_DELAY_TWO_QOS_FLOWS",
        /// The variation of delays was measured.
        PackDelayVar = "PACK_DELAY_VAR",
    }
);

/// Who pays for a session (TS 29.122).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SponsorInformation {
    /// `sponsorId`: the sponsor.
    pub sponsor_id: String,
    /// `aspId`: the application service provider.
    pub asp_id: String,
}

/// How much was used (TS 29.122).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AccumulatedUsage {
    /// `duration`: seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub duration: Option<u64>,
    /// `totalVolume`: bytes both ways.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub total_volume: Option<i64>,
    /// `downlinkVolume`: bytes down.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub downlink_volume: Option<i64>,
    /// `uplinkVolume`: bytes up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub uplink_volume: Option<i64>,
}

/// Flows of one medium among several (TS 29.122).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct MultiModalFlows {
    /// `medCompN`: the number of the medium.
    pub med_comp_n: i64,
    /// `flowIds`: its flows.
    #[serde(default, deserialize_with = "non_empty", skip_serializing_if = "Vec::is_empty")]
    #[schema(min_items = 1)]
    pub flow_ids: Vec<i64>,
}

/// What to measure, and when to report it (TS 29.122 clause 5.14.2.1.8).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct QosMonitoringInformation {
    /// `reqQosMonParams`: what to measure, at least one thing.
    #[serde(deserialize_with = "non_empty")]
    #[schema(min_items = 1)]
    pub req_qos_mon_params: Vec<RequestedQosMonitoringParameter>,
    /// `repFreqs`: when to report, at least one way.
    #[serde(deserialize_with = "non_empty")]
    #[schema(min_items = 1)]
    pub rep_freqs: Vec<ReportingFrequency>,
    /// `repThreshDl`: milliseconds down from which to report.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub rep_thresh_dl: Option<u64>,
    /// `repThreshUl`: milliseconds up from which to report.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub rep_thresh_ul: Option<u64>,
    /// `repThreshRp`: milliseconds there and back from which to report.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub rep_thresh_rp: Option<u64>,
    /// `conThreshDl`: congestion down from which to report.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub con_thresh_dl: Option<u64>,
    /// `conThreshUl`: congestion up from which to report.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub con_thresh_ul: Option<u64>,
    /// `waitTime`: seconds between two reports at least.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub wait_time: Option<u64>,
    /// `repPeriod`: seconds from one periodic report to the next.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub rep_period: Option<u64>,
    /// `repThreshDatRateDl`: data rate down from which to report.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub rep_thresh_dat_rate_dl: Option<BitRate>,
    /// `repThreshDatRateUl`: data rate up from which to report.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub rep_thresh_dat_rate_ul: Option<BitRate>,
    /// `consDataRateThrDl`: data rate down that counts as used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub cons_data_rate_thr_dl: Option<BitRate>,
    /// `consDataRateThrUl`: data rate up that counts as used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub cons_data_rate_thr_ul: Option<BitRate>,
}

/// What to measure, as a patch says it; null takes a member away (TS 29.122 clause 5.14.2.1.9).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct QosMonitoringInformationRm {
    /// `reqQosMonParams`: what to measure.
    #[serde(default, deserialize_with = "non_empty", skip_serializing_if = "Vec::is_empty")]
    #[schema(min_items = 1)]
    pub req_qos_mon_params: Vec<RequestedQosMonitoringParameter>,
    /// `repFreqs`: when to report.
    #[serde(default, deserialize_with = "non_empty", skip_serializing_if = "Vec::is_empty")]
    #[schema(min_items = 1)]
    pub rep_freqs: Vec<ReportingFrequency>,
    /// `repThreshDl`: milliseconds down from which to report.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub rep_thresh_dl: Option<u64>,
    /// `repThreshUl`: milliseconds up from which to report.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub rep_thresh_ul: Option<u64>,
    /// `repThreshRp`: milliseconds there and back from which to report.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub rep_thresh_rp: Option<u64>,
    /// `conThreshDl`: congestion down from which to report.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub con_thresh_dl: Option<u64>,
    /// `conThreshUl`: congestion up from which to report.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub con_thresh_ul: Option<u64>,
    /// `waitTime`: seconds between two reports at least.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub wait_time: Option<u64>,
    /// `repPeriod`: seconds from one periodic report to the next.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub rep_period: Option<u64>,
    /// `repThreshDatRateDl`: data rate down from which to report.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub rep_thresh_dat_rate_dl: Option<BitRate>,
    /// `repThreshDatRateUl`: data rate up from which to report.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub rep_thresh_dat_rate_ul: Option<BitRate>,
    /// `consDataRateThrDl`: data rate down that counts as used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub cons_data_rate_thr_dl: Option<BitRate>,
    /// `consDataRateThrUl`: data rate up that counts as used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub cons_data_rate_thr_ul: Option<BitRate>,
}

open_enum!(
    /// What can be measured (TS 29.512).
    RequestedQosMonitoringParameter as "RequestedQosMonitoringParameter" {
        /// The delay down.
        Downlink = "DOWNLINK",
        /// The delay up.
        Uplink = "UPLINK",
        /// The delay there and back.
        RoundTrip = "ROUND_TRIP",
        /// The data rate down.
        DownlinkDataRate = "DOWNLINK_DATA_RATE",
        /// The data rate up.
        UplinkDataRate = "UPLINK_DATA_RATE",
        /// Congestion down.
        DownlinkCongestion = "DOWNLINK_CONGESTION",
        /// Congestion up.
        UplinkCongestion = "UPLINK_CONGESTION",
    }
);

open_enum!(
    /// When measurements are reported (TS 29.512).
    ReportingFrequency as "ReportingFrequency" {
        /// When a threshold is passed.
        EventTriggered = "EVENT_TRIGGERED",
        /// By the period.
        Periodic = "PERIODIC",
    }
);

/// What was measured (TS 29.122).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct QosMonitoringReport {
    /// `ulDelays`: milliseconds up.
    #[serde(default, deserialize_with = "non_empty", skip_serializing_if = "Vec::is_empty")]
    #[schema(min_items = 1)]
    pub ul_delays: Vec<u64>,
    /// `dlDelays`: milliseconds down.
    #[serde(default, deserialize_with = "non_empty", skip_serializing_if = "Vec::is_empty")]
    #[schema(min_items = 1)]
    pub dl_delays: Vec<u64>,
    /// `rtDelays`: milliseconds there and back.
    #[serde(default, deserialize_with = "non_empty", skip_serializing_if = "Vec::is_empty")]
    #[schema(min_items = 1)]
    pub rt_delays: Vec<u64>,
    /// `pdmf`: nothing could be measured; false when absent.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub pdmf: bool,
    /// `ulDataRate`: data rate up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub ul_data_rate: Option<BitRate>,
    /// `dlDataRate`: data rate down.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub dl_data_rate: Option<BitRate>,
    /// `ulAggrDataRate`: data rate up of all flows together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub ul_aggr_data_rate: Option<BitRate>,
    /// `dlAggrDataRate`: data rate down of all flows together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub dl_aggr_data_rate: Option<BitRate>,
    /// `ulConInfo`: congestion up, in per cent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub ul_con_info: Option<u64>,
    /// `dlConInfo`: congestion down, in per cent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub dl_con_info: Option<u64>,
}

/// What was measured of some flows (`QosMonitoringReport` of TS 29.514).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct QosMonitoringReportOfFlows {
    /// `flows`: the flows that were measured.
    #[serde(default, deserialize_with = "non_empty", skip_serializing_if = "Vec::is_empty")]
    #[schema(min_items = 1)]
    pub flows: Vec<Flows>,
    /// `ulDelays`: milliseconds up.
    #[serde(default, deserialize_with = "non_empty", skip_serializing_if = "Vec::is_empty")]
    #[schema(min_items = 1)]
    pub ul_delays: Vec<i64>,
    /// `dlDelays`: milliseconds down.
    #[serde(default, deserialize_with = "non_empty", skip_serializing_if = "Vec::is_empty")]
    #[schema(min_items = 1)]
    pub dl_delays: Vec<i64>,
    /// `rtDelays`: milliseconds there and back.
    #[serde(default, deserialize_with = "non_empty", skip_serializing_if = "Vec::is_empty")]
    #[schema(min_items = 1)]
    pub rt_delays: Vec<i64>,
    /// `pdmf`: nothing could be measured; false when absent.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub pdmf: bool,
    /// `ulConInfo`: congestion up, in per cent.
    #[serde(default, deserialize_with = "non_empty", skip_serializing_if = "Vec::is_empty")]
    #[schema(min_items = 1)]
    pub ul_con_info: Vec<i64>,
    /// `dlConInfo`: congestion down, in per cent.
    #[serde(default, deserialize_with = "non_empty", skip_serializing_if = "Vec::is_empty")]
    #[schema(min_items = 1)]
    pub dl_con_info: Vec<i64>,
    /// `ulDataRate`: data rate up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub ul_data_rate: Option<BitRate>,
    /// `dlDataRate`: data rate down.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub dl_data_rate: Option<BitRate>,
}

/// How much delays vary (TS 29.514).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PdvMonitoringReport {
    /// `flows`: the flows that are concerned.
    #[serde(default, deserialize_with = "non_empty", skip_serializing_if = "Vec::is_empty")]
    #[schema(min_items = 1)]
    pub flows: Vec<Flows>,
    /// `ulPdv`: milliseconds up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub ul_pdv: Option<i64>,
    /// `dlPdv`: milliseconds down.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub dl_pdv: Option<i64>,
    /// `rtPdv`: milliseconds there and back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub rt_pdv: Option<i64>,
}

/// How bursts should be shifted (TS 29.514).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct BatOffsetInfo {
    /// `ranBatOffsetNotif`: milliseconds by which a burst should come later.
    pub ran_bat_offset_notif: i64,
    /// `adjPeriod`: the period that would be better, in microseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub adj_period: Option<u64>,
    /// `flows`: the flows that are concerned.
    #[serde(default, deserialize_with = "non_empty", skip_serializing_if = "Vec::is_empty")]
    #[schema(min_items = 1)]
    pub flows: Vec<Flows>,
}

/// Flows of a medium (TS 29.514).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Flows {
    /// `contVers`: versions of the content.
    #[serde(default, deserialize_with = "non_empty", skip_serializing_if = "Vec::is_empty")]
    #[schema(min_items = 1)]
    pub cont_vers: Vec<i64>,
    /// `fNums`: numbers of the flows.
    #[serde(default, deserialize_with = "non_empty", skip_serializing_if = "Vec::is_empty")]
    #[schema(min_items = 1)]
    pub f_nums: Vec<i64>,
    /// `medCompN`: number of the medium.
    pub med_comp_n: i64,
}

open_enum!(
    /// The radio access of a UE (TS 29.571 clause 5.4.3.2).
    RatType as "RatType" {
        /// 5G radio.
        Nr = "NR",
        /// LTE radio.
        Eutra = "EUTRA",
        /// WLAN that is not trusted.
        Wlan = "WLAN",
        /// An access that stands for another.
        Virtual = "VIRTUAL",
        /// Narrow-band radio for things.
        Nbiot = "NBIOT",
        /// A wire.
        Wireline = "WIRELINE",
        /// A cable network.
        WirelineCable = "WIRELINE_CABLE",
        /// A broadband line.
        WirelineBbf = "WIRELINE_BBF",
        /// LTE for machines.
        LteM = "LTE-M",
        /// 5G radio in unlicensed bands.
        NrU = "NR_U",
        /// LTE radio in unlicensed bands.
        EutraU = "EUTRA_U",
        /// A trusted access that is not of 3GPP.
        TrustedN3ga = "TRUSTED_N3GA",
        /// Trusted WLAN.
        TrustedWlan = "TRUSTED_WLAN",
        /// 3G radio.
        Utra = "UTRA",
        /// 2G radio.
        Gera = "GERA",
        /// 5G radio by way of low satellites.
        NrLeo = "NR_LEO",
        /// 5G radio by way of satellites of middle height.
        NrMeo = "NR_MEO",
        /// 5G radio by way of geostationary satellites.
        NrGeo = "NR_GEO",
        /// 5G radio by way of other satellites.
        NrOtherSat = "NR_OTHER_SAT",
        /// 5G radio of reduced capability.
        NrRedcap = "NR_REDCAP",
        /// LTE radio by way of low satellites.
        WbEUtranLeo = "WB_E_UTRAN_LEO",
        /// LTE radio by way of satellites of middle height.
        WbEUtranMeo = "WB_E_UTRAN_MEO",
        /// LTE radio by way of geostationary satellites.
        WbEUtranGeo = "WB_E_UTRAN_GEO",
        /// LTE radio by way of other satellites.
        WbEUtranOthersat = "WB_E_UTRAN_OTHERSAT",
        /// Narrow-band radio for things by way of low satellites.
        NbIotLeo = "NB_IOT_LEO",
        /// Narrow-band radio for things by way of satellites of middle height.
        NbIotMeo = "NB_IOT_MEO",
        /// Narrow-band radio for things by way of geostationary satellites.
        NbIotGeo = "NB_IOT_GEO",
        /// Narrow-band radio for things by way of other satellites.
        NbIotOthersat = "NB_IOT_OTHERSAT",
        /// LTE for machines by way of low satellites.
        LteMLeo = "LTE_M_LEO",
        /// LTE for machines by way of satellites of middle height.
        LteMMeo = "LTE_M_MEO",
        /// LTE for machines by way of geostationary satellites.
        LteMGeo = "LTE_M_GEO",
        /// LTE for machines by way of other satellites.
        LteMOthersat = "LTE_M_OTHERSAT",
        /// 5G radio of further reduced capability.
        NrEredcap = "NR_EREDCAP",
    }
);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proof::{needs, refused, same};

    #[test]
    fn a_session_names_its_eas_and_its_flows() {
        let text = r#"{"easId": "e", "ueId": "extid-u@o", "ipFlows": ["permit out ip from any to any"], "qosReference": "gold",
            "altQosReference": ["silver"], "events": ["QOS_NOT_GUARANTEED"], "sponsorInformation": {"sponsorId": "s", "aspId": "a"},
            "qosMonInfo": {"reqQosMonParams": ["DOWNLINK"], "repFreqs": ["PERIODIC"], "repPeriod": 5},
            "notificationDestination": "https://eas.example/n", "maxbrUl": "1 Mbps", "disUeNotif": true, "suppFeat": "1"}"#;
        same::<SessionWithQos>(text);
        needs::<SessionWithQos>(text, &["easId", "ipFlows"]);
        refused::<SessionWithQos>(r#"{"easId": "e", "ipFlows": []}"#);
    }

    #[test]
    fn a_report_keeps_what_it_says() {
        let text = r#"{"sessionId": "s", "eventReports": [{"event": "QOS_MONITORING", "flowIds": [1], "ratType": "LTE-M",
            "qosMonReports": [{"ulDelays": [5], "pdmf": true}], "batOffsetInfo": {"ranBatOffsetNotif": 2},
            "accumulatedUsage": {"totalVolume": 9}, "multiModFlows": [{"medCompN": 1}]}]}"#;
        same::<UserPlaneEventNotification>(text);
        needs::<UserPlaneEventNotification>(text, &["sessionId", "eventReports"]);
        refused::<UserPlaneEventNotification>(r#"{"sessionId": "s", "eventReports": []}"#);
    }
}
