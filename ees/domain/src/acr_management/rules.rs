//! What a subscription may say: plain functions.

use crate::{Ees, ending::folder, reporting};
use edgeapp_core::{collection::Resource, error::Error, patch::PatchRules, principal::Principal};
use edgeapp_openapi::{
    acr_management_event::{
        AcrMgntEvent, AcrMgntEventFilter, AcrMgntEventSubsc, AcrMgntEventsSubscription, TargetUeIdentification,
    },
    common::{DateTime, DnaiChangeType, NotificationFlag, NotificationMethod, ReportingInformation},
    features,
};

impl Resource<Ees> for AcrMgntEventsSubscription {
    const PREFIX: &'static str = "acr-management-subscription/";
    const PATCH: PatchRules = PatchRules {
        changeable: &["eventSubscs", "evtReq", "notificationDestination"],
        clearable: &["evtReq"],
        fixed: &[
            "easId",
            "self",
            "suppFeat",
            "requestTestNotification",
            "websockNotifConfig",
        ],
    };

    fn not_found() -> Error {
        Error::subscription_not_found()
    }

    fn expiry(&mut self) -> Option<&mut Option<DateTime>> {
        None
    }

    fn may_become(&self, next: &Self) -> Result<(), Error> {
        if next.eas_id == self.eas_id {
            Ok(())
        } else {
            Err(Error::not_changeable("/easId"))
        }
    }

    fn folder(owner: &Principal) -> String {
        folder(owner.id())
    }
}

/// Whether an event is seen in the user plane paths of UEs, which the core network knows.
pub(super) fn needs_user_plane(event: &AcrMgntEvent) -> bool {
    *event == AcrMgntEvent::UpPathChg || seeks_target(event)
}

/// Whether an event comes with EASs that may be the target of a relocation.
pub(super) fn seeks_target(event: &AcrMgntEvent) -> bool {
    matches!(event, AcrMgntEvent::AcrMonitoring | AcrMgntEvent::AcrFacilitation)
}

/// The options of reporting for one of the events: its own, else those of the subscription.
pub(super) fn rules_of<'a>(
    subscription: &'a AcrMgntEventsSubscription,
    wanted: &'a AcrMgntEventSubsc,
) -> Option<&'a ReportingInformation> {
    wanted.evt_req.as_ref().or(subscription.evt_req.as_ref())
}

/// Whether the EAS wants to be asked about what an event reports.
pub(super) fn wants_to_be_asked(wanted: &AcrMgntEventSubsc) -> bool {
    wanted.eas_ack_ind || wanted.eas_ack_svc_cont
}

/// Whether the members of each event go together.
///
/// # Errors
/// With the member at fault.
pub(super) fn consistent(subscription: &AcrMgntEventsSubscription) -> Result<(), Error> {
    reporting::acceptable(subscription.evt_req.as_ref(), "/evtReq")?;
    for (n, wanted) in subscription.event_subscs.iter().enumerate() {
        event_is_consistent(wanted, &|member| format!("/eventSubscs/{n}/{member}"))?;
    }
    Ok(())
}

fn event_is_consistent(wanted: &AcrMgntEventSubsc, at: &dyn Fn(&str) -> String) -> Result<(), Error> {
    if matches!(wanted.event, AcrMgntEvent::Other(_)) {
        let known: Vec<&str> = AcrMgntEvent::KNOWN.iter().map(AcrMgntEvent::as_str).collect();
        return Err(Error::mandatory_incorrect(
            at("event"),
            format!("is not served here; served are {}", known.join(", ")),
        ));
    }
    let refuse = |member: &str, reason: &'static str| Err(Error::optional_incorrect(at(member), reason));
    if wanted.eas_ack_ind && wanted.event != AcrMgntEvent::UpPathChg {
        return refuse("easAckInd", "is possible with UP_PATH_CHG only");
    }
    if wanted.eas_ack_svc_cont && !seeks_target(&wanted.event) {
        return refuse(
            "easAckSvcCont",
            "is possible with ACR_MONITORING and ACR_FACILITATION only",
        );
    }
    if wanted.serv_cont_plan_ind && !seeks_target(&wanted.event) {
        return refuse(
            "servContPlanInd",
            "is possible with ACR_MONITORING and ACR_FACILITATION only",
        );
    }
    if matches!(wanted.event_filter, Some(AcrMgntEventFilter::Other(_))) {
        return refuse("eventFilter", "must be INTRA_EDN_MOBILITY or INTER_EDN_MOBILITY");
    }
    if matches!(wanted.dnai_chg_type, Some(DnaiChangeType::Other(_))) {
        return refuse("dnaiChgType", "must be EARLY, EARLY_LATE or LATE");
    }
    reporting::acceptable(wanted.evt_req.as_ref(), &at("evtReq"))?;
    if needs_user_plane(&wanted.event) {
        return Ok(());
    }
    match wanted.tgt_ue_id {
        None | Some(TargetUeIdentification::Gpsi(_) | TargetUeIdentification::EdgeUeId(_)) => {}
        // Who is in a group, or has an address just then, cannot be told when a relocation begins.
        Some(_) => return refuse("tgtUeId", "must be a gpsi or an edgeUeId with this event"),
    }
    let Some(rules) = &wanted.evt_req else { return Ok(()) };
    // Somebody waits for what these events lead to.
    if rules.notif_method == Some(NotificationMethod::Periodic) {
        return refuse("evtReq/notifMethod", "PERIODIC is not possible with this event");
    }
    if rules
        .notif_flag
        .as_ref()
        .is_some_and(|flag| *flag != NotificationFlag::Activate)
    {
        return refuse("evtReq/notifFlag", "must be ACTIVATE with this event");
    }
    Ok(())
}

/// What was offered and is supported; nothing is answered when nothing was offered.
pub(super) fn negotiate(subscription: &mut AcrMgntEventsSubscription) {
    subscription.supp_feat = subscription
        .supp_feat
        .map(|offered| features::acr_management_event::SERVED.common(&offered));
}
