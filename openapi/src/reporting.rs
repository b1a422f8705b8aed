//! How often, how long and for whom events are reported (TS 29.523, TS 29.571): re-exported from [`crate::common`].

use crate::common::{DateTime, non_empty, within};
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;

/// When and how often to report events (`ReportingInformation`, TS 29.523).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReportingInformation {
    /// `immRep`: report at once what is known when the subscription is made; false when absent.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub imm_rep: bool,
    /// `notifMethod`: by period, once, or at each event; at each event when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub notif_method: Option<NotificationMethod>,
    /// `maxReportNbr`: after this many reports the subscription ends; no limit when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub max_report_nbr: Option<u64>,
    /// `monDur`: the instant the subscription ends; no end when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub mon_dur: Option<DateTime>,
    /// `repPeriod`: seconds from one periodic report to the next.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub rep_period: Option<u64>,
    /// `sampRatio`: per cent of the UEs to report about, 1 to 100; all of them when absent.
    #[serde(default, deserialize_with = "per_cent", skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, minimum = 1, maximum = 100)]
    pub samp_ratio: Option<u8>,
    /// `partitionCriteria`: what to part the UEs by before the sample is taken.
    #[serde(default, deserialize_with = "non_empty", skip_serializing_if = "Vec::is_empty")]
    #[schema(min_items = 1)]
    pub partition_criteria: Vec<PartitioningCriteria>,
    /// `grpRepTime`: seconds during which reports about members of a group are gathered into one; none are when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub grp_rep_time: Option<u64>,
    /// `notifFlag`: hold reports back, let them go again, or fetch those held back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub notif_flag: Option<NotificationFlag>,
    /// `notifFlagInstruct`: what to do when reports cannot be held back any longer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub notif_flag_instruct: Option<MutingExceptionInstructions>,
    /// `mutingSetting`: how much the reporter can hold back; it answers with this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub muting_setting: Option<MutingNotificationsSettings>,
}

fn per_cent<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u8>, D::Error> {
    within(deserializer, 1.0, 100.0)
}

open_enum!(
    /// What sets a report off (TS 29.508).
    NotificationMethod as "NotificationMethod" {
        /// The reporting period.
        Periodic = "PERIODIC",
        /// The first occurrence, and no other.
        OneTime = "ONE_TIME",
        /// Every occurrence.
        OnEventDetection = "ON_EVENT_DETECTION",
    }
);

open_enum!(
    /// What UEs are parted by before a sample is taken (TS 29.571 clause 5.4.3).
    PartitioningCriteria as "PartitioningCriteria" {
        /// Tracking area code.
        Tac = "TAC",
        /// Part of a PLMN.
        Subplmn = "SUBPLMN",
        /// Geographical area.
        Geoarea = "GEOAREA",
        /// Slice.
        Snssai = "SNSSAI",
        /// Data network.
        Dnn = "DNN",
    }
);

open_enum!(
    /// Whether reports flow or are held back (TS 29.571 clause 5.4.3).
    NotificationFlag as "NotificationFlag" {
        /// Reports flow.
        Activate = "ACTIVATE",
        /// Reports are held back and kept.
        Deactivate = "DEACTIVATE",
        /// What was held back is sent now, and holding back goes on.
        Retrieval = "RETRIEVAL",
    }
);

open_enum!(
    /// What to do with reports held back when holding back has to end (TS 29.571 clause 5.4.3).
    BufferedNotificationsAction as "BufferedNotificationsAction" {
        /// Send them all.
        SendAll = "SEND_ALL",
        /// Throw them all away.
        DiscardAll = "DISCARD_ALL",
        /// Throw the oldest away, as many as needed.
        DropOld = "DROP_OLD",
    }
);

open_enum!(
    /// What to do with the subscription when holding back has to end (TS 29.571 clause 5.4.3).
    SubscriptionAction as "SubscriptionAction" {
        /// End it.
        Close = "CLOSE",
        /// Keep it, and go on holding back.
        ContinueWithMuting = "CONTINUE_WITH_MUTING",
        /// Keep it, and let reports flow.
        ContinueWithoutMuting = "CONTINUE_WITHOUT_MUTING",
    }
);

/// What to do when reports cannot be held back any longer (TS 29.571 clause 5.4.4).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct MutingExceptionInstructions {
    /// `bufferedNotifs`: what happens to the reports held back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub buffered_notifs: Option<BufferedNotificationsAction>,
    /// `subscription`: what happens to the subscription.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub subscription: Option<SubscriptionAction>,
}

/// How much a reporter can hold back (TS 29.571 clause 5.4.4).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct MutingNotificationsSettings {
    /// `maxNoOfNotif`: how many reports.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub max_no_of_notif: Option<u64>,
    /// `durationBufferedNotif`: for how many seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub duration_buffered_notif: Option<u64>,
}
