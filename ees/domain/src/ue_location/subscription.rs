//! The life of a location subscription.

use super::{UeLocationService, named_target, reports::event_about};
use crate::{
    Ees,
    core_links::{look_at_timer, no_timer, timer},
    eas,
    event::{Event, Notification},
    reporting::{self, Progress, Step, progress_key},
};
use edgeapp_core::{
    collection::{Change, Resource, key_of},
    consent::Purpose,
    error::{Cause, Error},
    network::{Asked, CoreReport, LocationAsk, LocationWatch, Target},
    patch::PatchRules,
    principal::Principal,
    room::{Decision, Seen, fresh_id},
    store::Key,
};
use edgeapp_openapi::{
    common::{DateTime, Uri},
    ids::SubscriptionId,
    negotiation::{negotiate, negotiate_again},
    ue_location::{LocationEvent, LocationNotification, LocationSubscription},
};

impl Resource<Ees> for LocationSubscription {
    const PREFIX: &'static str = "location-subscription/";
    const PATCH: PatchRules = PatchRules {
        changeable: &[
            "eventReq",
            "expTime",
            "notificationDestination",
            "revocationNotifUri",
            "locGran",
            "locQos",
        ],
        clearable: &[],
        fixed: &[
            "easId",
            "ueId",
            "intGrpId",
            "extGrpId",
            "requestTestNotification",
            "websockNotifConfig",
            "suppFeat",
        ],
    };

    fn not_found() -> Error {
        Error::subscription_not_found()
    }

    fn expiry(&mut self) -> Option<&mut Option<DateTime>> {
        Some(&mut self.exp_time)
    }

    fn may_become(&self, next: &Self) -> Result<(), Error> {
        let same = [
            ("/easId", next.eas_id == self.eas_id),
            ("/ueId", next.ue_id == self.ue_id),
            ("/intGrpId", next.int_grp_id == self.int_grp_id),
            ("/extGrpId", next.ext_grp_id == self.ext_grp_id),
        ];
        match same.iter().find(|(_, same)| !same) {
            Some((member, _)) => Err(Error::not_changeable(*member)),
            None => Ok(()),
        }
    }

    fn folder(owner: &Principal) -> String {
        crate::ending::folder(owner.id())
    }
}

impl UeLocationService {
    /// What the caller may ask for, whom it is about, and where notifications go.
    async fn acceptable(&self, principal: &Principal, wanted: &LocationSubscription) -> Result<Target, Error> {
        if !principal.is_eas(&wanted.eas_id) {
            return Err(Error::not_yours("/easId", "EASID"));
        }
        eas::registered(self.kept.room(), principal).await?;
        let Some(destination) = &wanted.notification_destination else {
            return Err(Error::mandatory_missing(
                "/notificationDestination",
                "is needed, because notifications over WebSocket are not served",
            ));
        };
        self.callbacks
            .check_of(principal, destination, "/notificationDestination")?;
        if let Some(uri) = &wanted.revocation_notif_uri {
            self.callbacks.check_of(principal, uri, "/revocationNotifUri")?;
        }
        reporting::acceptable(wanted.event_req.as_ref(), "/eventReq")?;
        if let Some(named) = named_target(wanted) {
            return Ok(Target::Ue(self.ue(principal, named, "/ueId").await?));
        }
        let group = match (&wanted.ext_grp_id, &wanted.int_grp_id) {
            (Some(group), _) => group.clone(),
            (None, Some(internal)) => self.policy.groups.get(internal).cloned().ok_or_else(|| {
                Error::forbidden(
                    Cause::CoreNetworkRefused,
                    "/intGrpId: the core network takes external groups, and none is configured for this internal one",
                )
            })?,
            (None, None) => return Err(Error::mandatory_missing("/ueId", "or a group is needed")),
        };
        // Members are not known before the core reports on them: each one's consent is asked for then.
        Ok(Target::Group(group))
    }

    fn watch(&self, target: Target, wanted: &LocationSubscription) -> Asked {
        Asked::Location(LocationWatch {
            target,
            accuracy: wanted.loc_gran.clone(),
            qos: wanted.loc_qos.clone(),
            until: self.links.watch_until(),
        })
    }

    /// A new subscription. The watch at the core comes first: what cannot be watched is refused.
    pub(super) async fn begin(
        &self,
        principal: &Principal,
        mut request: LocationSubscription,
        uri_of: &(dyn for<'a> Fn(&'a str) -> String + Send + Sync),
    ) -> Result<(String, LocationSubscription), Error> {
        negotiate(&mut request);
        let target = self.acceptable(principal, &request).await?;
        self.kept.allow_another(principal).await?;
        shorten(&mut request);
        let id = fresh_id();
        let key = key_of::<LocationSubscription, Ees>(principal, &id);
        let reported = self.links.hold(&key, self.watch(target.clone(), &request)).await?;
        let known = match self.known(&target, &request, reported).await {
            Ok(known) => known,
            Err(error) => {
                self.links.give_back(&key).await;
                return Err(error);
            }
        };
        let test = request.request_test_notification;
        let also = |id: &str, subscription: &mut LocationSubscription, seen: &mut Seen| {
            let mut decision = Decision::of(());
            if let (true, Some(destination)) = (test, &subscription.notification_destination) {
                decision = decision.tell(&Event::TestAsked {
                    subscription: key.to_string(),
                    uri: uri_of(id),
                    destination: destination.clone(),
                })?;
            }
            seen.fresh(&progress_key(&key));
            let step = Progress::begin(subscription.event_req.as_ref(), known.clone(), seen.now());
            follow(decision, &key, subscription, step)
        };
        match self.kept.create_as(principal, &id, request, also).await {
            Ok(made) => Ok((id, made.value)),
            Err(error) => {
                self.links.give_back(&key).await;
                Err(error)
            }
        }
    }

    /// What is known at once, where the subscriber asked for that.
    async fn known(
        &self,
        target: &Target,
        request: &LocationSubscription,
        reported: Vec<CoreReport>,
    ) -> Result<Vec<LocationEvent>, Error> {
        if !request.event_req.as_ref().is_some_and(|rules| rules.imm_rep) {
            return Ok(Vec::new());
        }
        let mut known = Vec::new();
        for report in reported {
            if let CoreReport::Location(report) = report {
                let ue = match (&report.ue, target) {
                    (Some(ue), _) | (None, Target::Ue(ue)) => ue.clone(),
                    (None, _) => continue,
                };
                if self.consent.granted(&ue, Purpose::Location).await {
                    known.extend(event_about(request, &ue, report.location));
                }
            }
        }
        let Target::Ue(ue) = target else { return Ok(known) };
        if known.is_empty() {
            let ask = LocationAsk {
                ue: ue.clone(),
                accuracy: request.loc_gran.clone(),
                qos: request.loc_qos.clone(),
            };
            // That nobody knows where it is just now is no reason to refuse what is to come.
            match self.links.core().locate(&ask).await {
                Ok(report) => known.extend(event_about(request, ue, report.location)),
                Err(error) => tracing::info!(%error, "no immediate report"),
            }
        }
        Ok(known)
    }

    /// A changed subscription: the core agrees first.
    pub(super) async fn alter(
        &self,
        principal: &Principal,
        id: &str,
        change: Change<LocationSubscription>,
    ) -> Result<LocationSubscription, Error> {
        // The core is asked for one change after the other, so that it has in the end what is kept.
        let key = key_of::<LocationSubscription, Ees>(principal, id);
        let _turn = self.turns.turn(key.as_str()).await;
        let before = self.kept.read(principal, id).await?;
        let mut wanted = match &change {
            Change::Replace(next) => next.clone(),
            Change::Patch(patch) => edgeapp_core::patch::apply(&before, patch, &LocationSubscription::PATCH)?,
        };
        before.may_become(&wanted)?;
        negotiate_again(&mut wanted, before.supp_feat);
        let target = self.acceptable(principal, &wanted).await?;
        if wanted.loc_gran != before.loc_gran || wanted.loc_qos != before.loc_qos {
            self.links.alter(&key, self.watch(target, &wanted)).await?;
        }
        shorten(&mut wanted);
        let also = |before: &LocationSubscription, after: &mut LocationSubscription| {
            negotiate_again(after, before.supp_feat);
            shorten(after);
            Ok(Decision::of(()))
        };
        let rules_changed = wanted.event_req != before.event_req;
        let changed = self.kept.change(principal, id, &change, also).await?.value;
        if rules_changed {
            self.restart(&key, &changed).await?;
        }
        Ok(changed)
    }

    /// The reporting options changed: periods begin anew, what was held back may go.
    async fn restart(&self, key: &Key, subscription: &LocationSubscription) -> Result<(), Error> {
        for mut seen in self.kept.room().attempts() {
            if seen.kept::<LocationSubscription>(key).await?.is_none() {
                return Ok(());
            }
            let progress: Progress<LocationEvent> = reporting::progress_of(key, &mut seen).await?;
            look_at_timer(&mut seen, key).await?;
            let step = progress.changed(subscription.event_req.as_ref(), seen.now());
            let decision = follow(Decision::of(()), key, subscription, step)?;
            if self.kept.room().commit(seen, decision).await?.is_some() {
                return Ok(());
            }
        }
        Err(edgeapp_core::room::contended())
    }

    /// The owner wants no more.
    pub(super) async fn end(&self, principal: &Principal, id: &str) -> Result<(), Error> {
        let key = key_of::<LocationSubscription, Ees>(principal, id);
        let also = |_: &LocationSubscription| reporting::farewell(Decision::of(()), &key);
        self.kept.remove(principal, id, also).await.map(|_| ())
    }
}

/// The changes that follow from a step of the reports of `subscription`, which lies under `key`.
pub(super) fn follow(
    decision: Decision<()>,
    key: &Key,
    subscription: &LocationSubscription,
    step: Step<LocationEvent>,
) -> Result<Decision<()>, Error> {
    let Step { progress, send, ended } = step;
    let mut decision = decision;
    if let (false, Some(destination)) = (send.is_empty(), &subscription.notification_destination) {
        let notification = Box::new(notification(key, destination, send)?);
        decision = decision.tell(&match ended {
            true => Event::TellLast(notification),
            false => Event::Tell(notification),
        })?;
    }
    decision = reporting::keep_progress(decision, key, &progress)?;
    match progress.due {
        Some(due) => timer(decision, key, due),
        None => Ok(no_timer(decision, key)),
    }
}

fn notification(key: &Key, destination: &Uri, loc_evs: Vec<LocationEvent>) -> Result<Notification, Error> {
    let id = key.as_str().rsplit('/').next().unwrap_or_default();
    let body = LocationNotification {
        sub_id: SubscriptionId::try_from(id).map_err(Error::internal)?,
        loc_evs,
    };
    Ok(Notification {
        destination: destination.clone(),
        subscription: key.to_string(),
        body: serde_json::to_value(&body).map_err(Error::internal)?,
        for_acr: None,
    })
}

/// Reports end with the monitoring duration; so does the subscription.
fn shorten(subscription: &mut LocationSubscription) {
    let end = subscription.event_req.as_ref().and_then(|rules| rules.mon_dur);
    subscription.exp_time = match (subscription.exp_time, end) {
        (Some(asked), Some(end)) => Some(asked.min(end)),
        (asked, end) => asked.or(end),
    };
}
