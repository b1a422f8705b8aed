//! The life of a subscription, with what it holds at the core network.

use super::{
    AcrManagementService, memory, naming,
    rules::{consistent, needs_user_plane, negotiate, rules_of},
    state::{State, available},
    wishes::{Watched, Wish},
};
use crate::{
    Ees,
    event::Event,
    reporting::{Progress, progress_key},
};
use edgeapp_core::{
    collection::{Change, Resource, key_of},
    consent::Purpose,
    error::Error,
    network::{Asked, CoreReport, Target},
    patch,
    principal::Principal,
    room::{Decision, Seen, contended, fresh_id},
    store::Key,
};
use edgeapp_openapi::{
    acr_management_event::{AcrMgntEventReport, AcrMgntEventSubsc, AcrMgntEventsSubscription},
    common::{DateTime, Uri},
    features,
    ids::Gpsi,
};

/// How often a change is tried anew when others change the same subscription.
const TURNS: usize = 8;

impl AcrManagementService {
    fn acceptable(&self, principal: &Principal, subscription: &AcrMgntEventsSubscription) -> Result<(), Error> {
        if !principal.is_eas(&subscription.eas_id) {
            return Err(Error::not_yours("/easId", "EASID"));
        }
        consistent(subscription)?;
        self.may_call(
            principal,
            &subscription.notification_destination,
            "/notificationDestination",
        )
    }

    /// What is known at once of the events that asked for it.
    async fn known(
        &self,
        subscription: &AcrMgntEventsSubscription,
        watched: &Watched,
    ) -> Result<Vec<Vec<AcrMgntEventReport>>, Error> {
        let mut all = Vec::new();
        for ((wanted, state), at_once) in subscription
            .event_subscs
            .iter()
            .zip(&watched.events)
            .zip(&watched.at_once)
        {
            let mut known = Vec::new();
            let asked_for = rules_of(subscription, wanted).is_some_and(|rules| rules.imm_rep);
            if let Some(asked) = state.watch.as_ref().filter(|_| asked_for) {
                let now = self.kept.room().now();
                let mut changes = Vec::new();
                for report in at_once {
                    if let CoreReport::Path(report) = report {
                        let ue = naming::ue_of(asked, Some(state), &report.change);
                        changes.push((ue, report.change.clone(), now));
                    }
                }
                // What is remembered is about all traffic with the application, and no group knows its members.
                let whole = matches!(asked, Asked::Path(path) if path.traffic.is_none()
                    && !matches!(path.target, Target::Group(_)));
                if changes.is_empty() && whole {
                    for last in memory::last(self.kept.room(), &subscription.eas_id, state.ue.as_ref()).await? {
                        changes.push((Some(last.ue), last.change, last.at));
                    }
                }
                for (ue, change, at) in changes {
                    if may_tell(self.consent.as_ref(), ue.as_ref()).await {
                        known.extend(naming::path_report(wanted, ue.as_ref(), &change, at));
                    }
                }
            }
            all.push(known);
        }
        Ok(all)
    }

    /// A new subscription. What has to be watched is watched before it is kept.
    pub(super) async fn begin(
        &self,
        principal: &Principal,
        mut request: AcrMgntEventsSubscription,
        uri_of: &(dyn for<'a> Fn(&'a str) -> String + Send + Sync),
    ) -> Result<(String, AcrMgntEventsSubscription), Error> {
        self.acceptable(principal, &request)?;
        self.kept.allow_another(principal).await?;
        negotiate(&mut request);
        let id = fresh_id();
        let key = key_of::<AcrMgntEventsSubscription, Ees>(principal, &id);
        let uri = uri_of(&id);
        request.self_uri = Some(uri.parse::<Uri>().map_err(Error::internal)?);
        let wishes = self.wishes(principal, &request).await?;
        match self.keep_new(principal, &id, &key, request, wishes).await {
            Ok(made) => Ok((id, made)),
            Err(error) => {
                self.links.give_back(&key).await;
                Err(error)
            }
        }
    }

    async fn keep_new(
        &self,
        principal: &Principal,
        id: &str,
        key: &Key,
        mut request: AcrMgntEventsSubscription,
        wishes: Vec<Wish>,
    ) -> Result<AcrMgntEventsSubscription, Error> {
        let watched = self.watched(key, &request, wishes).await?;
        let known = self.known(&request, &watched).await?;
        let mut state = State {
            events: watched.events.clone(),
            ..State::default()
        };
        complete(&mut request, &watched, &state);
        let test = request.request_test_notification
            && request
                .supp_feat
                .is_some_and(|common| common.has(features::NOTIFICATION_TEST_EVENT));
        let at_once = begun(&mut state, &request, known, self.kept.room().now());
        let also = |_: &str, subscription: &mut AcrMgntEventsSubscription, seen: &mut Seen| {
            let mut decision = Decision::of(());
            if state.keeps_account(subscription) {
                seen.fresh(&progress_key(key));
                decision = state.written(decision, key, subscription)?;
            }
            match (test, &subscription.self_uri) {
                (true, Some(uri)) => decision.tell(&Event::TestAsked {
                    subscription: key.to_string(),
                    uri: uri.to_string(),
                    destination: subscription.notification_destination.clone(),
                }),
                _ => Ok(decision),
            }
        };
        let created = self.kept.create_as(principal, id, request, also).await?;
        self.subscribers.caught_up(created.revision).await;
        let mut made = created.value;
        made.event_reports = at_once;
        Ok(made)
    }

    /// A changed subscription: the core network agrees first.
    pub(super) async fn alter(
        &self,
        principal: &Principal,
        id: &str,
        change: Change<AcrMgntEventsSubscription>,
    ) -> Result<AcrMgntEventsSubscription, Error> {
        let key = key_of::<AcrMgntEventsSubscription, Ees>(principal, id);
        for _ in 0..TURNS {
            let before = self.kept.read(principal, id).await?;
            let mut next = match &change {
                Change::Replace(next) => {
                    let mut next = next.clone();
                    negotiate(&mut next);
                    next
                }
                Change::Patch(patch) => {
                    patch::apply(&before, patch, &<AcrMgntEventsSubscription as Resource<Ees>>::PATCH)?
                }
            };
            Resource::<Ees>::may_become(&before, &next)?;
            next.self_uri.clone_from(&before.self_uri);
            self.acceptable(principal, &next)?;
            let wishes = self.wishes(principal, &next).await?;
            let made = match self.watched(&key, &next, wishes).await {
                Ok(watched) => self.keep_changed(principal, &key, &before, next, watched).await,
                Err(error) => Err(error),
            };
            match made {
                Ok(Some(after)) => {
                    self.hold_again(&key, &after).await;
                    return Ok(after);
                }
                // Somebody else changed it meanwhile.
                Ok(None) => {}
                Err(error) => {
                    self.links.give_back(&key).await;
                    return Err(error);
                }
            }
        }
        Err(contended())
    }

    /// Keeps the changed subscription, unless it is another one by now.
    async fn keep_changed(
        &self,
        principal: &Principal,
        key: &Key,
        before: &AcrMgntEventsSubscription,
        mut next: AcrMgntEventsSubscription,
        watched: Watched,
    ) -> Result<Option<AcrMgntEventsSubscription>, Error> {
        let known = self.known(&next, &watched).await?;
        let room = self.kept.room();
        for mut seen in room.attempts() {
            let kept = seen.kept::<AcrMgntEventsSubscription>(key).await?;
            let Some(mut kept) = kept.filter(|kept| kept.is_of(principal)) else {
                return Err(<AcrMgntEventsSubscription as Resource<Ees>>::not_found());
            };
            if kept.value != *before {
                return Ok(None);
            }
            let old = State::load(key, before, &mut seen).await?;
            let (mut state, sends, at_once) = succeeded(&old, before, &next, &watched, known.clone(), seen.now());
            state.keep_what_is_planned(&old, &next);
            complete(&mut next, &watched, &state);
            kept.value = next.clone();
            let mut decision = Decision::of(()).put(key, &kept)?;
            if !sends.is_empty() {
                let notification = super::orders::notification(key, &next, sends, None)?;
                decision = decision.tell(&super::orders::telling(notification, state.is_over()))?;
            }
            decision = state.keep(decision, key, &next, &mut seen).await?;
            decision = state.give_back(decision, room, key).await?;
            if let Some(((), revision)) = room.commit(seen, decision).await? {
                self.subscribers.caught_up(revision).await;
                next.event_reports = at_once;
                return Ok(Some(next));
            }
        }
        Err(contended())
    }

    /// What was given back while the change was under way, because nobody needed it then, is begun again.
    async fn hold_again(&self, key: &Key, after: &AcrMgntEventsSubscription) {
        let Ok(state) = State::read(self.kept.room(), key, after).await else {
            return;
        };
        let needed: Vec<Asked> = state
            .events
            .iter()
            .filter(|event| !event.over)
            .filter_map(|event| event.watch.clone())
            .collect();
        if let Err(error) = self.links.hold_what_can_be(key, &needed).await {
            tracing::warn!(%error, key = %edgeapp_core::pseudonym::of_key(key), "what a subscription needs at the core network was not looked at");
        }
    }
}

/// The reports that are told at once in the answer; the progress of new events begins with them.
fn begun(
    state: &mut State,
    subscription: &AcrMgntEventsSubscription,
    known: Vec<Vec<AcrMgntEventReport>>,
    now: DateTime,
) -> Vec<AcrMgntEventReport> {
    let mut at_once = Vec::new();
    for (n, known) in known.into_iter().enumerate() {
        at_once.extend(begun_one(state, n, subscription, known, now));
    }
    at_once
}

fn begun_one(
    state: &mut State,
    n: usize,
    subscription: &AcrMgntEventsSubscription,
    known: Vec<AcrMgntEventReport>,
    now: DateTime,
) -> Vec<AcrMgntEventReport> {
    let wanted = &subscription.event_subscs[n];
    if state.events[n].over || !needs_user_plane(&wanted.event) {
        return Vec::new();
    }
    state.events[n].last.clone_from(&known);
    let step = Progress::begin(rules_of(subscription, wanted), known, now);
    state.took(n, step)
}

/// Pure: the state after a change, what was held back and goes now, and what is told in the answer.
fn succeeded(
    old: &State,
    before: &AcrMgntEventsSubscription,
    next: &AcrMgntEventsSubscription,
    watched: &Watched,
    known: Vec<Vec<AcrMgntEventReport>>,
    now: DateTime,
) -> (State, Vec<AcrMgntEventReport>, Vec<AcrMgntEventReport>) {
    let mut state = State {
        events: watched.events.clone(),
        ..State::default()
    };
    let (mut sends, mut at_once) = (Vec::new(), Vec::new());
    let mut taken: Vec<usize> = Vec::new();
    let without_rules = |wanted: &AcrMgntEventSubsc| AcrMgntEventSubsc {
        evt_req: None,
        ..wanted.clone()
    };
    for (n, known) in known.into_iter().enumerate() {
        let wanted = &next.event_subscs[n];
        let same = (0..before.event_subscs.len()).find(|m| {
            !taken.contains(m)
                && !old.events[*m].failed
                && without_rules(&before.event_subscs[*m]) == without_rules(wanted)
        });
        let Some(m) = same.filter(|_| !state.events[n].failed) else {
            at_once.extend(begun_one(&mut state, n, next, known, now));
            continue;
        };
        taken.push(m);
        let earlier = &old.events[m];
        let (rules, rules_before) = (rules_of(next, wanted), rules_of(before, &before.event_subscs[m]));
        let event = &mut state.events[n];
        event.progress = earlier.progress.clone();
        event.last.clone_from(&earlier.last);
        event.lost = earlier.lost;
        if rules == rules_before {
            event.over = earlier.over;
        } else if needs_user_plane(&wanted.event) {
            let step = event.progress.clone().changed(rules, now);
            sends.extend(state.took(n, step));
        }
    }
    (state, sends, at_once)
}

/// Completes a subscription with what the answer reports.
fn complete(subscription: &mut AcrMgntEventsSubscription, watched: &Watched, state: &State) {
    subscription.fail_event_reports.clone_from(&watched.failed);
    subscription.availability_info = match watched.failed.is_empty() {
        true => state.availability(),
        false => Some(available(false)),
    };
    subscription.event_reports = Vec::new();
    subscription.websock_notif_config = None;
}

/// Whether the user of this UE, whoever it is, agreed that it is told where its traffic goes.
pub(super) async fn may_tell(consent: &dyn edgeapp_core::consent::Consent, ue: Option<&Gpsi>) -> bool {
    match ue {
        Some(ue) => consent.granted(ue, Purpose::Location).await,
        None => consent.everybody_granted(Purpose::Location).await,
    }
}
