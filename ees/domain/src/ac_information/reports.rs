//! From news of application clients to notifications.

use super::{
    filters::{self, Place, Ue},
    known::{AcsKnown, Known, KnownBy},
    terms::{AcTerm, FiledSubscriptions},
    told::{self, Told},
};
use crate::{
    Ees, context,
    core_links::{By, Heard, Holder, last_location, look_at_timer, no_timer, timer},
    eec,
    event::{Event, Notification, Work},
    reporting::{self, Progress, Step},
    ue_identifier::UeNames,
};
use async_trait::async_trait;
use edgeapp_core::{
    area::{self, Position},
    collection::Resource,
    consent::{Consent, Purpose},
    error::Error,
    follow::Follower,
    kept::Kept,
    outbox::{Task, Todo},
    room::{Decision, Room, Seen, contended},
    store::{Key, Revision, Span},
};
use edgeapp_openapi::{
    app_client_information::{AcInfoNotification, AcInfoSubscription, AcInformation},
    common::{NotificationMethod, ReportingInformation},
    eec_context_relocation::EecContext,
    eec_registration::{AcProfile, EecRegistration},
    ids::{EasId, EecId, Gpsi, SubscriptionId},
};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// First part of the keys of subscriptions.
pub const PREFIX: &str = <AcInfoSubscription as Resource<Ees>>::PREFIX;
/// Registrations read at a time, when all are looked through.
const PAGE: usize = 256;
/// EECs in one report.
const AT_ONCE: usize = 1000;
/// EECs of which it is noted in one commit what was told.
const NOTED_AT_ONCE: usize = 16;

/// Why a subscriber may have to be told something although no EEC gave reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Due {
    /// It asked for what is known at once.
    Asked,
    /// Its subscription changed.
    Changed,
    /// The time of its next report has come.
    Rang,
}

/// What is to be done about subscriptions to application clients.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum AcWork {
    /// See whether news of these application clients have to be told to this subscriber.
    Tell {
        /// Key of the subscription.
        subscription: String,
        /// The application clients.
        acs: Box<AcsKnown>,
    },
    /// See what this subscriber has to be told now.
    Look {
        /// Key of the subscription.
        subscription: String,
        /// Why.
        why: Due,
    },
    /// Forget what anybody was told of this EEC.
    ForgetEec(EecId),
    /// Forget what this subscriber was told.
    ForgetSubscription(String),
}

/// What a subscriber is to be told of the application clients of one EEC.
struct News {
    acs: AcsKnown,
    /// Nothing when only the memory has to be put right.
    information: Option<AcInformation>,
    told: Told,
}

/// What follows for subscriptions to application clients.
pub struct AcReports {
    room: Room,
    filed: Arc<FiledSubscriptions>,
    mirrored: Follower,
    consent: Arc<dyn Consent>,
    names: Arc<dyn UeNames>,
}

/// Timers of subscriptions ring here. What is to be told is looked up in the outbox: it may be much.
pub struct AcTimers;

#[async_trait]
impl Holder for AcTimers {
    fn prefix(&self) -> &'static str {
        PREFIX
    }

    async fn heard(&self, _: &Key, _: By<'_>, _: Heard<'_>, _: &mut Seen) -> Result<Decision<()>, Error> {
        Ok(Decision::of(()))
    }

    async fn rang(&self, key: &Key, seen: &mut Seen) -> Result<Decision<()>, Error> {
        match seen.kept::<AcInfoSubscription>(key).await? {
            Some(_) => due(key, Due::Rang),
            None => reporting::farewell(Decision::of(()), key),
        }
    }
}

/// The decision to look what a subscriber has to be told.
pub(super) fn due(key: &Key, why: Due) -> Result<Decision<()>, Error> {
    let subscription = key.to_string();
    Decision::of(()).tell(&Event::AcReportDue { subscription, why })
}

/// What is done for one subscription is done in order, and not in the lane of its notifications: a subscriber that is away holds up
/// nothing but these.
fn todo(lane: &str, work: AcWork, guard: Option<String>) -> Todo<Work> {
    Todo {
        lane: format!("ac/{lane}"),
        task: Task {
            work: Work::AcInformation(work),
            guard,
            until: None,
        },
    }
}

fn rules_of(subscription: &AcInfoSubscription) -> Option<&ReportingInformation> {
    subscription.event_req.as_ref()
}

impl AcReports {
    /// Reports to the subscriptions in `filed`, which `mirrored` keeps in step, about UEs whose users agreed here, under these names.
    pub fn new(
        room: Room,
        filed: Arc<FiledSubscriptions>,
        mirrored: Follower,
        consent: Arc<dyn Consent>,
        names: Arc<dyn UeNames>,
    ) -> Self {
        Self {
            room,
            filed,
            mirrored,
            consent,
            names,
        }
    }

    /// Waits until every subscription is seen that was made before an event of this revision, whichever replica took it.
    ///
    /// # Errors
    /// When the state cannot be read.
    pub async fn ready(&self, revision: Revision) -> Result<(), Error> {
        let store = self.room.store();
        // Most EESs have none: then there is nothing to wait for.
        if !store.is_shared() || store.range(Span::prefix(PREFIX).limit(1)).await?.entries.is_empty() {
            return Ok(());
        }
        self.mirrored.shows_all_until(revision).await
    }

    /// A task for each subscription that these application clients may concern.
    ///
    /// # Errors
    /// When the state cannot be read.
    pub async fn known(&self, acs: AcsKnown) -> Result<Vec<Todo<Work>>, Error> {
        if self.filed.is_empty() {
            return Ok(Vec::new());
        }
        let Some(known) = acs.load(&mut self.room.look()).await? else {
            return Ok(Vec::new());
        };
        let names = match &known.ue {
            Some(ue) => self.names.all(ue).await?,
            None => Vec::new(),
        };
        let candidates = self
            .filed
            .candidates(&AcTerm::of_news(acs.trigger(), &known.profiles, &names));
        let now = self.room.now();
        let concerned = candidates.into_iter().filter(|(_, kept)| {
            let may_fit = |profile: &AcProfile| filters::may_fit(&kept.value, profile);
            kept.is_live(now) && known.profiles.iter().any(may_fit)
        });
        let tell = |(key, _): (Key, _)| {
            let (subscription, acs) = (key.to_string(), Box::new(acs.clone()));
            todo(key.as_str(), AcWork::Tell { subscription, acs }, Some(key.to_string()))
        };
        Ok(concerned.map(tell).collect())
    }

    /// The task to look what a subscriber has to be told.
    pub fn due(&self, subscription: String, why: Due) -> Vec<Todo<Work>> {
        let guard = Some(subscription.clone());
        vec![todo(&subscription.clone(), AcWork::Look { subscription, why }, guard)]
    }

    /// The task to forget what anybody was told of an EEC.
    pub fn eec_gone(&self, eec_id: EecId) -> Vec<Todo<Work>> {
        let lane = format!("eec/{eec_id}");
        vec![todo(&lane, AcWork::ForgetEec(eec_id), None)]
    }

    /// The task to forget what a subscriber was told.
    pub fn subscription_gone(&self, subscription: String) -> Vec<Todo<Work>> {
        let lane = subscription.clone();
        vec![todo(&lane, AcWork::ForgetSubscription(subscription), None)]
    }

    /// Does one task.
    ///
    /// # Errors
    /// When the state cannot be read or written: it has to be done again.
    pub async fn perform(&self, work: &AcWork) -> Result<(), Error> {
        match work {
            AcWork::Tell { subscription, acs } => self.tell(&Key::new(subscription.as_str()), acs).await,
            AcWork::Look { subscription, why } => self.look(&Key::new(subscription.as_str()), *why).await,
            // Who is back already goes on where it was.
            AcWork::ForgetEec(eec_id) if eec::registered(&self.room, eec_id).await?.is_some() => Ok(()),
            AcWork::ForgetEec(eec_id) => told::forget_eec(&self.room, eec_id).await,
            AcWork::ForgetSubscription(key) => told::forget_subscription(&self.room, &Key::new(key.as_str())).await,
        }
    }

    /// Something happened to the application clients of an EEC.
    async fn tell(&self, key: &Key, acs: &AcsKnown) -> Result<(), Error> {
        for mut seen in self.room.attempts() {
            let Some(kept) = seen.kept::<AcInfoSubscription>(key).await? else {
                return Ok(());
            };
            let Some(news) = self.news(&mut seen, key, &kept.value, acs, false).await? else {
                return Ok(());
            };
            let decision = match &news.information {
                None => {
                    let told = Decision::of(());
                    news.told.keep(told, &mut seen, key, &acs.eec_id).await?
                }
                Some(_) => {
                    let mut progress = progress_of(key, &mut seen).await?;
                    progress.held.retain(|held| held != acs);
                    let step = progress.offer(rules_of(&kept.value), vec![acs.clone()], true, seen.now());
                    self.follow(&mut seen, key, &kept.value, step, &[news], true).await?
                }
            };
            if self.room.commit(seen, decision).await?.is_some() {
                return Ok(());
            }
        }
        Err(contended())
    }

    /// A subscriber asked for what is known, changed its subscription, or its time has come.
    async fn look(&self, key: &Key, why: Due) -> Result<(), Error> {
        if why == Due::Asked {
            return self.survey(key, false).await;
        }
        for mut seen in self.room.attempts() {
            let Some(kept) = seen.kept::<AcInfoSubscription>(key).await? else {
                return Ok(());
            };
            let rules = rules_of(&kept.value);
            let mut progress = progress_of(key, &mut seen).await?;
            let overflowed = progress.is_full();
            let mut known = Vec::new();
            for held in std::mem::take(&mut progress.held) {
                // What is no longer so, or was told meanwhile, is not told.
                let news = self.news(&mut seen, key, &kept.value, &held, false).await?;
                known.extend(news.filter(|news| news.information.is_some()));
            }
            progress.held = known.iter().map(|news| news.acs.clone()).collect();
            let periodic = rules.is_some_and(|rules| rules.notif_method == Some(NotificationMethod::Periodic));
            if why == Due::Rang && progress.held.is_empty() && periodic {
                return self.survey(key, true).await;
            }
            let step = match why {
                Due::Rang => progress.ring(rules, Vec::new(), seen.now()),
                Due::Changed | Due::Asked => progress.changed(rules, seen.now()),
            };
            let more = !step.ended && (overflowed && !step.send.is_empty());
            let asks = why == Due::Changed && rules.is_some_and(|rules| rules.imm_rep);
            let few = known.len() <= NOTED_AT_ONCE;
            let decision = self.follow(&mut seen, key, &kept.value, step, &known, few).await?;
            if self.room.commit(seen, decision).await?.is_none() {
                continue;
            }
            if !few {
                self.note(key, &known).await?;
            }
            return match more || asks {
                true => self.survey(key, false).await,
                false => Ok(()),
            };
        }
        Err(contended())
    }

    /// Looks through all registered EECs. `again` tells what was told before too.
    async fn survey(&self, key: &Key, again: bool) -> Result<(), Error> {
        let mut after: Option<Key> = None;
        let mut begun = false;
        loop {
            let Some(kept) = self.room.read::<AcInfoSubscription>(key).await? else {
                return Ok(());
            };
            let (found, next) = self.gather(key, &kept.value, after.take(), again).await?;
            let goes_on = match found.is_empty() && begun {
                true => true,
                false => self.report(key, &found).await?,
            };
            begun = true;
            after = next;
            if after.is_none() || !goes_on {
                return Ok(());
            }
        }
    }

    /// News for a subscriber among the registrations after this key, as many as one report takes, and how far that got.
    async fn gather(
        &self,
        key: &Key,
        subscription: &AcInfoSubscription,
        mut after: Option<Key>,
        again: bool,
    ) -> Result<(Vec<News>, Option<Key>), Error> {
        let mut found = Vec::new();
        loop {
            let mut span = Span::prefix(<EecRegistration as Resource<Ees>>::PREFIX).limit(PAGE);
            span.after = after.take();
            let page = self.room.store().range(span).await?;
            let now = self.room.now();
            for entry in &page.entries {
                // One that cannot be read must not keep the others from being told.
                let Ok(kept) = Kept::<EecRegistration>::from_entry(entry) else {
                    continue;
                };
                let may_fit = |profile: &AcProfile| filters::may_fit(subscription, profile);
                if !kept.is_live(now) || !kept.value.ac_profs.iter().any(may_fit) {
                    continue;
                }
                let acs = AcsKnown {
                    eec_id: kept.value.eec_id,
                    by: KnownBy::Registration,
                };
                let news = self.news(&mut self.room.look(), key, subscription, &acs, again).await?;
                found.extend(news.filter(|news| news.information.is_some()));
            }
            after = page.entries.last().map(|entry| entry.key.clone()).filter(|_| page.more);
            // A page may bring a few more than asked for.
            if after.is_none() || found.len() >= AT_ONCE {
                return Ok((found, after));
            }
        }
    }

    /// One report of what is known; whether the subscriber wants more.
    async fn report(&self, key: &Key, found: &[News]) -> Result<bool, Error> {
        for mut seen in self.room.attempts() {
            let Some(kept) = seen.kept::<AcInfoSubscription>(key).await? else {
                return Ok(false);
            };
            let progress = progress_of(key, &mut seen).await?;
            let present = found.iter().map(|news| news.acs.clone()).collect();
            let step = progress.ring(rules_of(&kept.value), present, seen.now());
            let (sends, ended) = (!step.send.is_empty(), step.ended);
            let decision = self.follow(&mut seen, key, &kept.value, step, found, false).await?;
            if self.room.commit(seen, decision).await?.is_some() {
                if sends {
                    self.note(key, found).await?;
                }
                return Ok(!ended && (sends || found.is_empty()));
            }
        }
        Err(contended())
    }

    /// Notes what was told. A crash before that repeats a report at worst.
    async fn note(&self, key: &Key, news: &[News]) -> Result<(), Error> {
        for few in news.chunks(NOTED_AT_ONCE) {
            let mut noted = false;
            for mut seen in self.room.attempts() {
                if seen.entry(key).await?.is_none() {
                    return Ok(());
                }
                let mut decision = Decision::of(());
                for news in few {
                    // Of an EEC that is gone by now nothing is remembered.
                    if news.acs.load(&mut seen).await?.is_some() {
                        let before = Told::load(&mut seen, key, &news.acs.eec_id).await?;
                        if news.told.has_changed(&before) {
                            decision = news.told.keep(decision, &mut seen, key, &news.acs.eec_id).await?;
                        }
                    }
                }
                noted = self.room.commit(seen, decision).await?.is_some();
                if noted {
                    break;
                }
            }
            if !noted {
                return Err(contended());
            }
        }
        Ok(())
    }

    /// What a subscriber is to be told of these application clients; `None` when nothing. `again` tells what was told before too.
    async fn news(
        &self,
        seen: &mut Seen,
        key: &Key,
        subscription: &AcInfoSubscription,
        acs: &AcsKnown,
        again: bool,
    ) -> Result<Option<News>, Error> {
        let Some(known) = acs.load(seen).await? else {
            return Ok(None);
        };
        let may_fit = |profile: &AcProfile| filters::may_fit(subscription, profile);
        if !reporting::in_sample(rules_of(subscription), acs.eec_id.as_str()) || !known.profiles.iter().any(may_fit) {
            return Ok(None);
        }
        let ue = self.ue(&known, subscription).await?;
        let fits = |profile: &&AcProfile| filters::fits(subscription, profile, &ue);
        let fitting: Vec<&AcProfile> = known.profiles.iter().filter(fits).collect();
        let before = Told::load(seen, key, &acs.eec_id).await?;
        let (fresh, told) = before.compare(&acs.by, &known, &fitting, seen.now())?;
        let ac_profs = match again {
            true => fitting.into_iter().cloned().collect(),
            false => fresh,
        };
        if ac_profs.is_empty() {
            let (acs, information) = (acs.clone(), None);
            return Ok(told.has_changed(&before).then_some(News { acs, information, told }));
        }
        let ue_ids = match &known.ue {
            Some(ue) => self
                .names
                .for_eas(ue, &subscription.eas_id)
                .await?
                .into_iter()
                .collect(),
            None => Vec::new(),
        };
        let information = AcInformation {
            ac_profs,
            ue_ids,
            ue_loc_infs: ue.place.map(|place| place.area),
        };
        Ok(Some(News {
            acs: acs.clone(),
            information: Some(information),
            told,
        }))
    }

    /// The UE of application clients, as far as the subscriber may know it.
    async fn ue(&self, known: &Known, subscription: &AcInfoSubscription) -> Result<Ue, Error> {
        let Some(ue) = &known.ue else {
            return Ok(Ue::default());
        };
        let by_name = subscription.ac_fltrs.iter().any(|filter| !filter.ue_ids.is_empty());
        let names = match by_name {
            true => self.meant_by(ue, &subscription.eas_id).await?,
            false => Vec::new(),
        };
        Ok(Ue {
            names,
            place: self.place(ue, known).await?,
        })
    }

    async fn meant_by(&self, ue: &Gpsi, eas_id: &EasId) -> Result<Vec<Gpsi>, Error> {
        match self.consent.granted(ue, Purpose::Identifier).await {
            true => self.names.meant_by(ue, eas_id).await,
            false => Ok(Vec::new()),
        }
    }

    /// Where a UE was last: as the core network reported, or as its context says.
    async fn place(&self, ue: &Gpsi, known: &Known) -> Result<Option<Place>, Error> {
        if !self.consent.granted(ue, Purpose::Location).await {
            return Ok(None);
        }
        let last = last_location(&self.room, ue).await?;
        if let Some(seen) = last.and_then(|(report, _)| report.location) {
            let (position, area) = (Position::of_ue(&seen), area::area_of_ue(&seen));
            return Ok(area.map(|area| Place { position, area }));
        }
        let Some(context) = &known.context else { return Ok(None) };
        let context = self.room.read::<EecContext>(&context::key(context)).await?;
        Ok(context.and_then(|kept| kept.value.ue_loc).map(|area| Place {
            position: Position::of_area(&area),
            area,
        }))
    }

    /// The changes that follow from a step of the reports of a subscription. With `note` also what was told is kept.
    async fn follow(
        &self,
        seen: &mut Seen,
        key: &Key,
        subscription: &AcInfoSubscription,
        step: Step<AcsKnown>,
        known: &[News],
        note: bool,
    ) -> Result<Decision<()>, Error> {
        let Step { progress, send, ended } = step;
        let mut decision = Decision::of(());
        let mut ac_infs = Vec::new();
        for acs in &send {
            let Some(news) = known.iter().find(|news| news.acs == *acs) else {
                continue;
            };
            ac_infs.extend(news.information.clone());
            if note {
                decision = news.told.keep(decision, seen, key, &acs.eec_id).await?;
            }
        }
        if let (false, Some(destination)) = (ac_infs.is_empty(), &subscription.notification_destination) {
            let id = key.as_str().rsplit('/').next().unwrap_or_default();
            let body = AcInfoNotification {
                sub_id: SubscriptionId::try_from(id).map_err(Error::internal)?,
                ac_infs,
            };
            let notification = Box::new(Notification {
                destination: destination.clone(),
                subscription: key.to_string(),
                body: serde_json::to_value(&body).map_err(Error::internal)?,
                for_acr: None,
            });
            decision = decision.tell(&match ended {
                true => Event::TellLast(notification),
                false => Event::Tell(notification),
            })?;
        }
        scheduled(decision, key, &progress)
    }
}

/// How far the reports of a subscription have got. Its timer may be set anew.
async fn progress_of(key: &Key, seen: &mut Seen) -> Result<Progress<AcsKnown>, Error> {
    look_at_timer(seen, key).await?;
    reporting::progress_of(key, seen).await
}

/// The change that keeps how far reports have got, and sets the timer of the next one.
pub(super) fn scheduled(
    decision: Decision<()>,
    key: &Key,
    progress: &Progress<AcsKnown>,
) -> Result<Decision<()>, Error> {
    let decision = reporting::keep_progress(decision, key, progress)?;
    match progress.due {
        Some(due) => timer(decision, key, due),
        None => Ok(no_timer(decision, key)),
    }
}
