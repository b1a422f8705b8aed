//! The work on a change: whom it concerns, which targets there are, what the EAS says, and what follows.

use super::{PENDING, PathEvent, PathFollowUp, Pending};
use crate::{
    acr::{Acr, decision::Reason, follow_up::AcrFollowUp, record::Wanted},
    acr_management::{
        naming, orders,
        reports::{finish, in_sample},
        rules::wants_to_be_asked,
        state::{State, Steered},
        subscription::may_tell,
        targets::{self, Candidate, Sought},
        watch,
    },
    eec,
    event::Event,
    peers::PeerError,
    reactions,
};
use edgeapp_core::{
    error::Error,
    kept::Kept,
    network::{AddressAsk, Asked, PathInfluence, Target, Verdict},
    notifier::{Delivered, Notifier},
    outbox::Outcome,
    room::{Decision, contended},
    store::Key,
};
use edgeapp_openapi::{
    acr_management_event::{
        AcrMgntEvent, AcrMgntEventReport, AcrMgntEventSubsc, AcrMgntEventsSubscription, EasAckInformation, ResultCode,
        UpPathChangeInfo,
    },
    ids::Gpsi,
};
use std::{sync::Arc, time::Duration};

/// How often the ECS is asked for targets.
const SEARCHES: u32 = 3;

/// What is told, for one event.
struct Told {
    wanted: AcrMgntEventSubsc,
    reports: Vec<AcrMgntEventReport>,
    /// For `ACR_FACILITATION`: the target.
    target: Option<Candidate>,
}

/// What was told or is to be, for one event.
struct Settled {
    wanted: AcrMgntEventSubsc,
    reports: Vec<AcrMgntEventReport>,
    /// It went with the question already.
    asked: bool,
}

impl PathFollowUp {
    /// Does what is to be done about the change under `key`.
    pub(super) async fn work_on(
        &self,
        key: &Key,
        attempt: u32,
        relocations: &AcrFollowUp,
        notifier: &dyn Notifier,
    ) -> Result<Outcome, Error> {
        let Some(kept) = self.room.read::<Pending>(key).await? else {
            return Ok(Outcome::Done);
        };
        let mut pending = kept.value.clone();
        let subscription = Key::new(pending.subscription.as_str());
        let Some(subscribed) = self.room.read::<AcrMgntEventsSubscription>(&subscription).await? else {
            // Unsubscribed meanwhile: nobody is there to be asked.
            return self.settle(key, Verdict::Accepted, &subscription, &[], None).await;
        };
        if pending.ue.is_none() {
            pending.ue = self.identified(&pending.change).await;
        }
        if !may_tell(self.consent.as_ref(), pending.ue.as_ref()).await {
            return self.settle(key, Verdict::Accepted, &subscription, &[], None).await;
        }
        if self.leads_back(&subscribed, &pending) {
            let gone = |state: &mut State| state.steered.retain(|steered| Some(&steered.ue) != pending.ue.as_ref());
            self.let_go(&subscription, gone).await?;
        }
        let patient = attempt + 1 < SEARCHES && pending.acknowledge.is_none();
        let told = match &pending.planned {
            Some(planned) => of_plan(&subscribed.value, &pending, &planned.0),
            None => {
                let told = self.told(&subscription, &subscribed, &pending, patient);
                match tokio::time::timeout(self.remaining(&kept), told).await {
                    Ok(Ok(told)) => told?,
                    Ok(Err(later)) => {
                        return Ok(Outcome::Again {
                            reason: later.to_string(),
                            after: None,
                        });
                    }
                    // What is overdue is swept, and who waits hears of it then.
                    Err(_) => return Ok(Outcome::Hopeless("the time for a change of path is over".to_owned())),
                }
            }
        };
        let mut told = told;
        self.keep_still(&subscription, &subscribed.value, &mut told).await?;
        let asks = pending.acknowledge.is_some()
            || pending.planned.is_some()
            || told
                .iter()
                .any(|told| told.target.is_some() && wants_to_be_asked(&told.wanted));
        let mut verdict = Verdict::Accepted;
        if asks {
            let patience = self.remaining(&kept);
            verdict = self
                .ask(&subscription, &subscribed.value, &told, patience, notifier)
                .await?;
        }
        if let (Some(planned), Verdict::Rejected) = (&pending.planned, verdict) {
            relocations
                .give_up(&planned.1, "the EAS rejects what was planned")
                .await?;
        }
        let mut steered = None;
        for told in told.iter_mut().filter(|_| verdict == Verdict::Accepted) {
            let Some(target) = told.target.take() else { continue };
            let id = key.as_str()[PENDING.len()..].to_owned();
            let begun = self
                .relocate(&subscribed, &pending, target.clone(), id, relocations)
                .await?;
            match begun {
                Some(acr) => steered = Some((self.steer(&subscription, told, &pending, &target).await, acr)),
                // One runs already; what it is has been told.
                None => told.reports.clear(),
            }
        }
        let told: Vec<Settled> = told
            .into_iter()
            .map(|told| Settled {
                wanted: told.wanted,
                reports: told.reports,
                asked: asks,
            })
            .collect();
        self.settle(key, verdict, &subscription, &told, steered).await
    }

    fn remaining(&self, kept: &Kept<Pending>) -> Duration {
        let now = self.room.now();
        let left = kept.expires_at.map(|end| end.0.duration_since(now.0));
        left.and_then(|left| Duration::try_from(left).ok())
            .unwrap_or(Duration::ZERO)
    }

    /// Whether the path leads to where the EAS of the subscription is.
    fn leads_back(&self, subscribed: &Kept<AcrMgntEventsSubscription>, pending: &Pending) -> bool {
        let own = self.eass.registered_by(&subscribed.owner, &subscribed.value.eas_id);
        watch::target_dnai(&pending.change).is_some_and(|dnai| targets::sits_behind(&own, dnai))
    }

    async fn identified(&self, change: &UpPathChangeInfo) -> Option<Gpsi> {
        let ask = AddressAsk {
            address: naming::address_of(change)?,
            port: None,
            application_port: None,
        };
        let external = self.links.core().identify(&ask).await.ok()?;
        format!("extid-{external}").parse().ok()
    }

    /// What is told of a change, for each event that it is worked on for. Who is patient asks again where the ECS cannot be reached.
    async fn told(
        &self,
        key: &Key,
        subscribed: &Kept<AcrMgntEventsSubscription>,
        pending: &Pending,
        patient: bool,
    ) -> Result<Result<Vec<Told>, Error>, PeerError> {
        let subscription = &subscribed.value;
        let state = match State::read(&self.room, key, subscription).await {
            Ok(state) => state,
            Err(error) => return Ok(Err(error)),
        };
        let dnai = watch::target_dnai(&pending.change);
        let mut all = Vec::new();
        for n in watch::concerned(subscription, &state, &pending.watch, &pending.change, &self.eass) {
            let wanted = &subscription.event_subscs[n];
            let ue = pending.ue.as_ref();
            let is_meant =
                pending.events.contains(&wanted.event) && in_sample(subscription, &state, n, ue.map(|ue| ue.as_str()));
            let Some(plain) = is_meant
                .then(|| naming::path_report(wanted, ue, &pending.change, pending.at))
                .flatten()
            else {
                continue;
            };
            let mut told = Told {
                wanted: wanted.clone(),
                reports: Vec::new(),
                target: None,
            };
            if wanted.event == AcrMgntEvent::UpPathChg {
                told.reports.push(plain);
            } else if !self.leads_back(subscribed, pending) {
                let sought = Sought {
                    owner: &subscribed.owner,
                    eas_id: &subscription.eas_id,
                    chars: &wanted.eas_chars,
                    dnai,
                    ue,
                };
                let found = match self.eass.find(sought).await {
                    Ok(found) => found,
                    Err(error @ PeerError::Unreachable(_)) if patient => return Err(error),
                    Err(error) => {
                        tracing::warn!(%error, "no targets could be sought");
                        Vec::new()
                    }
                };
                let with = |candidate: &Candidate| AcrMgntEventReport {
                    eas_end_point: Some(candidate.eas.eas.end_pt.clone()),
                    eas_in_bdl_info_list: candidate.bundle.clone(),
                    ..plain.clone()
                };
                if wanted.event == AcrMgntEvent::AcrMonitoring {
                    told.reports = found.iter().map(with).collect();
                    if found.is_empty() {
                        // That the path moves matters to the EAS all the same.
                        told.reports.push(plain);
                    }
                } else if let Some(best) = found.into_iter().next().filter(|_| ue.is_some()) {
                    told.reports.push(with(&best));
                    told.target = Some(best);
                }
            }
            all.push(told);
        }
        Ok(Ok(all))
    }

    /// Nothing is relocated of which the EAS does not hear now, because its options hold the report back.
    async fn keep_still(
        &self,
        key: &Key,
        subscription: &AcrMgntEventsSubscription,
        told: &mut [Told],
    ) -> Result<(), Error> {
        let mut state = State::read(&self.room, key, subscription).await?;
        for told in told.iter_mut().filter(|told| told.target.is_some()) {
            let place = place_of(subscription, &told.wanted);
            let sent = place.map(|n| state.offer(n, subscription, told.reports.clone(), self.room.now()));
            if sent.is_none_or(|sent| sent.is_empty()) {
                told.target = None;
            }
        }
        Ok(())
    }

    /// Asks the EAS; it agrees only if it agrees to all of it. What its options hold back is not asked about.
    async fn ask(
        &self,
        key: &Key,
        subscription: &AcrMgntEventsSubscription,
        told: &[Told],
        patience: Duration,
        notifier: &dyn Notifier,
    ) -> Result<Verdict, Error> {
        let mut state = State::read(&self.room, key, subscription).await?;
        let mut sends = Vec::new();
        for told in told {
            if let Some(n) = place_of(subscription, &told.wanted) {
                sends.extend(state.offer(n, subscription, told.reports.clone(), self.room.now()));
            }
        }
        if sends.is_empty() {
            return Ok(Verdict::Accepted);
        }
        let notification = orders::notification(key, subscription, sends, None)?;
        let body = serde_json::to_vec(&notification.body).map_err(Error::internal)?;
        let answered = notifier.notify(&notification.destination, body.into());
        match tokio::time::timeout(patience, answered).await {
            Ok(Ok(delivered)) => {
                if let Some(moved_to) = &delivered.moved_to {
                    reactions::moved(&self.room, key, &notification.destination, moved_to).await?;
                }
                Ok(verdict_of(&delivered))
            }
            Ok(Err(error)) => {
                tracing::info!(key = %edgeapp_core::pseudonym::of_key(key), %error, "an EAS could not be asked: that counts as no");
                Ok(Verdict::Rejected)
            }
            Err(_) => {
                tracing::info!(key = %edgeapp_core::pseudonym::of_key(key), "an EAS did not answer in time: that counts as no");
                Ok(Verdict::Rejected)
            }
        }
    }

    /// Begins the relocation to a target; `None` when another one of the same UE runs.
    async fn relocate(
        &self,
        subscribed: &Kept<AcrMgntEventsSubscription>,
        pending: &Pending,
        target: Candidate,
        id: String,
        relocations: &AcrFollowUp,
    ) -> Result<Option<Acr>, Error> {
        let eas_id = &subscribed.value.eas_id;
        let own = self.eass.registered_by(&subscribed.owner, eas_id);
        let from = pending.change.source_dnai.as_ref();
        let (Some(ue), Some(s_eas)) = (&pending.ue, targets::source(&own, from)) else {
            return Ok(None);
        };
        let registered: Vec<_> = own.iter().cloned().map(Arc::new).collect();
        let wanted = Wanted {
            eec_id: eec::eec_of_ue(&self.room, ue).await?,
            ue_id: ue.clone(),
            eas_id: eas_id.clone(),
            ac_id: relocations.only_user(&registered, ue).await?,
            s_eas,
            position: None,
            area: None,
            why: Reason::LeavesArea,
        };
        relocations.facilitate(&wanted, id, target.eas, target.edn).await
    }

    /// Steers the traffic of the UE to the target, where it is known how. The relocation goes on without.
    async fn steer(&self, key: &Key, told: &Told, pending: &Pending, target: &Candidate) -> Option<Steered> {
        let ue = pending.ue.clone()?;
        let places = &target.eas.eas.app_locs;
        let dnai = watch::target_dnai(&pending.change);
        let mut routes: Vec<_> = places
            .iter()
            .filter(|place| Some(&place.dnai) == dnai)
            .cloned()
            .collect();
        if routes.is_empty() {
            routes.clone_from(places);
        }
        if routes.is_empty() {
            return None;
        }
        let asked = Asked::Path(Box::new(PathInfluence {
            target: Target::Ue(ue.clone()),
            eas_id: target.eas.eas.eas_id.clone(),
            traffic: told.wanted.traf_filter_info.clone(),
            report: None,
            acknowledged: false,
            routes,
            both_paths_seconds: None,
        }));
        match self.links.hold_what_can_be(key, std::slice::from_ref(&asked)).await {
            Ok(answers) if answers.iter().all(Result::is_ok) => Some(Steered {
                ue,
                target: target.eas.eas.end_pt.clone(),
                asked,
            }),
            _ => {
                tracing::warn!(key = %edgeapp_core::pseudonym::of_key(key), "the core network does not steer traffic to the target of a relocation");
                None
            }
        }
    }

    /// The end of the work: what was found out is told, the core network hears the answer, the record goes.
    async fn settle(
        &self,
        key: &Key,
        verdict: Verdict,
        subscription: &Key,
        told: &[Settled],
        relocated: Option<(Option<Steered>, Acr)>,
    ) -> Result<Outcome, Error> {
        for mut seen in self.room.attempts() {
            let Some(pending) = seen.even_expired::<Pending>(key).await? else {
                return Ok(Outcome::Done);
            };
            let mut decision = Decision::of(()).delete(key);
            if let Some(to) = pending.value.acknowledge {
                decision = decision.tell(&Event::Path(PathEvent::Acknowledge { to, verdict }))?;
            }
            if let Some(kept) = seen.kept::<AcrMgntEventsSubscription>(subscription).await? {
                let mut state = State::load(subscription, &kept.value, &mut seen).await?;
                let mut sends = Vec::new();
                for told in told {
                    let Some(n) = place_of(&kept.value, &told.wanted) else {
                        continue;
                    };
                    let send = state.offer(n, &kept.value, told.reports.clone(), seen.now());
                    if !told.asked {
                        sends.extend(send);
                    }
                }
                let returned = |steered: &Steered| match &relocated {
                    // A new target takes the place of the one before.
                    Some((_, acr)) => steered.ue == acr.ue_id,
                    None => false,
                };
                state.steered.retain(|steered| !returned(steered));
                state
                    .steered
                    .extend(relocated.iter().filter_map(|(steered, _)| steered.clone()));
                let for_acr = relocated.as_ref().map(|(_, acr)| acr.reference());
                if !told.is_empty() || relocated.is_some() {
                    decision = finish(
                        &self.room,
                        subscription,
                        &kept.value,
                        &state,
                        (sends, for_acr),
                        decision,
                        &mut seen,
                    )
                    .await?;
                }
            }
            if self.room.commit(seen, decision).await?.is_some() {
                return Ok(Outcome::Done);
            }
        }
        Err(contended())
    }
}

/// Where an event stands in a subscription that may have changed meanwhile.
fn place_of(subscription: &AcrMgntEventsSubscription, wanted: &AcrMgntEventSubsc) -> Option<usize> {
    subscription.event_subscs.iter().position(|now| now == wanted)
}

fn of_plan(subscription: &AcrMgntEventsSubscription, pending: &Pending, report: &AcrMgntEventReport) -> Vec<Told> {
    let wanted = subscription.event_subscs.iter().find(|wanted| {
        wanted.serv_cont_plan_ind && wants_to_be_asked(wanted) && pending.events.contains(&wanted.event)
    });
    let told = |wanted: &AcrMgntEventSubsc| Told {
        wanted: wanted.clone(),
        reports: vec![report.clone()],
        target: None,
    };
    wanted.map(told).into_iter().collect()
}

/// Pure: what an EAS says by its answer. Without a word it agrees.
fn verdict_of(answer: &Delivered) -> Verdict {
    if answer.body.is_empty() {
        return Verdict::Accepted;
    }
    match serde_json::from_slice::<EasAckInformation>(&answer.body) {
        Ok(EasAckInformation {
            res_code: ResultCode::Accepted,
        }) => Verdict::Accepted,
        _ => Verdict::Rejected,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// TS 29.558 clause 8.6.5.2: 200 with `EasAckInformation`; 204 is a yes, what cannot be understood is a no.
    #[test]
    fn only_a_clear_yes_or_silence_is_a_yes() {
        let said = |body: &str| {
            verdict_of(&Delivered {
                status: 200,
                body: body.as_bytes().to_vec().into(),
                moved_to: None,
            })
        };
        assert_eq!(said(""), Verdict::Accepted);
        assert_eq!(said(r#"{"resCode": "ACCEPTED"}"#), Verdict::Accepted);
        for no in [r#"{"resCode": "REJECTED"}"#, r#"{"resCode": "PERHAPS"}"#, "{}", "yes"] {
            assert_eq!(said(no), Verdict::Rejected, "{no}");
        }
    }
}
