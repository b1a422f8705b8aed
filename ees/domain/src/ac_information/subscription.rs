//! The life of a subscription to application clients.

use super::{
    AcInformation, AcInformationService, filters,
    known::AcsKnown,
    reports::{Due, due, scheduled},
};
use crate::{
    Ees, eas,
    event::Event,
    reporting::{self, Progress, progress_key},
};
use async_trait::async_trait;
use edgeapp_core::{
    collection::{Change, Changed, Resource, key_of},
    error::Error,
    patch::{self, PatchRules},
    principal::Principal,
    room::{Decision, Seen},
};
use edgeapp_openapi::{
    app_client_information::{AcFilters, AcInfoSubscription, TrigCondParams},
    common::DateTime,
    features,
};

impl Resource<Ees> for AcInfoSubscription {
    const PREFIX: &'static str = "ac-information-subscription/";
    const PATCH: PatchRules = PatchRules {
        changeable: &[
            "acFltrs",
            "expTime",
            "eventReq",
            "notificationDestination",
            "trigCondParams",
        ],
        clearable: &[],
        fixed: &["easId", "requestTestNotification", "websockNotifConfig", "suppFeat"],
    };

    fn not_found() -> Error {
        Error::subscription_not_found()
    }

    fn expiry(&mut self) -> Option<&mut Option<DateTime>> {
        Some(&mut self.exp_time)
    }

    fn may_become(&self, next: &Self) -> Result<(), Error> {
        match next.eas_id == self.eas_id {
            true => Ok(()),
            false => Err(Error::not_changeable("/easId")),
        }
    }

    fn folder(owner: &Principal) -> String {
        crate::ending::folder(owner.id())
    }
}

impl AcInformationService {
    /// What the caller may ask for, and where notifications go.
    fn acceptable(&self, principal: &Principal, wanted: &AcInfoSubscription) -> Result<(), Error> {
        if !principal.is_eas(&wanted.eas_id) {
            return Err(Error::not_yours("/easId", "EASID"));
        }
        let Some(destination) = &wanted.notification_destination else {
            return Err(Error::mandatory_missing(
                "/notificationDestination",
                "is needed, because notifications over WebSocket are not served",
            ));
        };
        self.callbacks
            .check_of(principal, destination, "/notificationDestination")?;
        reporting::acceptable(wanted.event_req.as_ref(), "/eventReq")?;
        for (n, trigger) in wanted.trig_cond_params.iter().enumerate() {
            served(trigger, n)?;
        }
        for (n, filter) in wanted.ac_fltrs.iter().enumerate() {
            if let Some(member) = filters::contradiction(filter) {
                return Err(Error::optional_incorrect(
                    format!("/acFltrs/{n}/minAcKpi/{member}"),
                    "must not be above the one in maxAcKpi: nothing could ever match",
                ));
            }
        }
        Ok(())
    }

    /// Only a registered EAS is told about UEs, and those that its filters name have to be known under these names.
    async fn known(&self, principal: &Principal, filters: &[AcFilters]) -> Result<(), Error> {
        eas::registered(self.kept.room(), principal).await?;
        for (n, filter) in filters.iter().enumerate() {
            for (m, named) in filter.ue_ids.iter().enumerate() {
                self.ues
                    .ue(principal, named, &format!("/acFltrs/{n}/ueIds/{m}"))
                    .await?;
            }
        }
        Ok(())
    }

    async fn shown(&self, changed: Changed<AcInfoSubscription>) -> AcInfoSubscription {
        self.matched_by.caught_up(changed.revision).await;
        changed.value
    }
}

/// Whether this can set off a report here.
fn served(trigger: &TrigCondParams, n: usize) -> Result<(), Error> {
    let reason = match trigger {
        TrigCondParams::EecRegistration | TrigCondParams::EasDiscovery | TrigCondParams::Unspecified => return Ok(()),
        TrigCondParams::AnalyticsInfo => {
            "ANALYTICS_INFO is not served here: this EES asks no core network for analytics of application clients"
                .to_owned()
        }
        TrigCondParams::Other(other) => {
            format!("{other} is not known; served are EEC_REGISTRATION, EAS_DISCOVERY, UNSPECIFIED")
        }
    };
    Err(Error::optional_incorrect(format!("/trigCondParams/{n}"), reason))
}

/// The common features; who negotiated and did not ask for Release 18 gets no Release 18 members.
fn negotiate(subscription: &mut AcInfoSubscription) {
    subscription.supp_feat = subscription
        .supp_feat
        .map(|offered| features::app_client_information::SERVED.common(&offered));
    subscription.websock_notif_config = None;
    let has = |feature| subscription.supp_feat.is_none_or(|common| common.has(feature));
    if !has(features::app_client_information::EDGE_APP_2) {
        subscription.trig_cond_params.clear();
        for filter in &mut subscription.ac_fltrs {
            filter.eas_bund_ind = None;
        }
    }
}

/// Reports end with the monitoring duration; so does the subscription.
fn shorten(subscription: &mut AcInfoSubscription) {
    let end = subscription.event_req.as_ref().and_then(|rules| rules.mon_dur);
    subscription.exp_time = match (subscription.exp_time, end) {
        (Some(asked), Some(end)) => Some(asked.min(end)),
        (asked, end) => asked.or(end),
    };
}

#[async_trait]
impl AcInformation for AcInformationService {
    async fn subscribe(
        &self,
        principal: &Principal,
        mut request: AcInfoSubscription,
        uri_of: &(dyn for<'a> Fn(&'a str) -> String + Send + Sync),
    ) -> Result<(String, AcInfoSubscription), Error> {
        negotiate(&mut request);
        self.acceptable(principal, &request)?;
        self.known(principal, &request.ac_fltrs).await?;
        shorten(&mut request);
        let common = request.supp_feat;
        request.request_test_notification &= common.is_some_and(|common| common.has(features::NOTIFICATION_TEST_EVENT));
        let also = |id: &str, subscription: &mut AcInfoSubscription, seen: &mut Seen| {
            let key = key_of::<AcInfoSubscription, Ees>(principal, id);
            let rules = subscription.event_req.as_ref();
            let mut decision = Decision::of(());
            if let (true, Some(destination)) = (
                subscription.request_test_notification,
                &subscription.notification_destination,
            ) {
                decision = decision.tell(&Event::TestAsked {
                    subscription: key.to_string(),
                    uri: uri_of(id),
                    destination: destination.clone(),
                })?;
            }
            if rules.is_some_and(|rules| rules.imm_rep) {
                decision = decision.and(due(&key, Due::Asked)?);
            }
            seen.fresh(&progress_key(&key));
            let begun = Progress::<AcsKnown>::begin(rules, Vec::new(), seen.now());
            scheduled(decision, &key, &begun.progress)
        };
        let (id, made) = self.kept.create(principal, request, also).await?;
        Ok((id, self.shown(made).await))
    }

    async fn read(&self, principal: &Principal, id: &str) -> Result<AcInfoSubscription, Error> {
        self.kept.read(principal, id).await
    }

    async fn change(
        &self,
        principal: &Principal,
        id: &str,
        change: Change<AcInfoSubscription>,
    ) -> Result<AcInfoSubscription, Error> {
        let before = self.kept.read(principal, id).await?;
        let wanted = match &change {
            Change::Replace(next) => next.clone(),
            Change::Patch(patch) => patch::apply(&before, patch, &AcInfoSubscription::PATCH)?,
        };
        before.may_become(&wanted)?;
        // A name that has ended meanwhile is in nobody's way as long as the filters stay as they are.
        let same = wanted.ac_fltrs == before.ac_fltrs;
        self.known(principal, if same { &[] } else { &wanted.ac_fltrs }).await?;
        let key = key_of::<AcInfoSubscription, Ees>(principal, id);
        let also = |before: &AcInfoSubscription, after: &mut AcInfoSubscription| {
            if matches!(change, Change::Patch(_)) {
                after.supp_feat = before.supp_feat;
            }
            negotiate(after);
            self.acceptable(principal, after)?;
            shorten(after);
            let renewed = AcInfoSubscription {
                exp_time: before.exp_time,
                notification_destination: before.notification_destination.clone(),
                ..after.clone()
            };
            match renewed == *before {
                true => Ok(Decision::of(())),
                false => due(&key, Due::Changed),
            }
        };
        Ok(self.shown(self.kept.change(principal, id, &change, also).await?).await)
    }

    async fn unsubscribe(&self, principal: &Principal, id: &str) -> Result<(), Error> {
        let key = key_of::<AcInfoSubscription, Ees>(principal, id);
        let also = |_: &AcInfoSubscription| reporting::farewell(Decision::of(()), &key);
        let ended = self.kept.remove(principal, id, also).await?;
        self.matched_by.caught_up(ended).await;
        Ok(())
    }
}
