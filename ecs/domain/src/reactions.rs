//! Who is told when EESs come, change and go (TS 24.558 clause 7.2.2.4).
//!
//! Every change of an EES, and a restart with another configuration, makes one task `Compare`. It walks over the live subscriptions, and where the answer differs from what was
//! told it marks the subscription as due, in one transaction with the event that leads to a task `Notify` in the subscription's lane.
//! That task takes the mark away first, then looks at the EESs, then sends what differs, then notes what was told. So whoever finds a
//! mark may rely on a look that is still to come; news that pile up while a subscriber is away go out as one notification, with the
//! newest state; and a crash at any point repeats a notification at worst.

use crate::{
    event::{Event, Work},
    known::{KnownEes, from_store},
    provisioning::{Answer, Answers, PREFIX, Told},
};
use async_trait::async_trait;
use bytes::Bytes;
use edgeapp_core::{
    error::Error,
    kept::Kept,
    notifier::{NotDelivered, Notifier},
    outbox::{Outcome, Reactions, Task, Todo},
    room::{Decision, Room, Seen, contended},
    store::{Key, Span},
};
use edgeapp_openapi::{
    common::{TestNotification, Uri},
    service_provisioning::{EcsServProvSubscription, EdnConfigInfo, ServProvNotification},
};
use std::sync::Arc;

/// Refusals after which a notification is given up.
const REFUSALS: u32 = 3;
/// Subscriptions read at a time.
const PAGE: usize = 256;

/// What an ECS does about its events.
#[derive(Clone)]
pub struct EcsReactions {
    room: Room,
    answers: Answers,
    notifier: Arc<dyn Notifier>,
}

/// Something that a subscriber is to be told.
struct News {
    /// What goes to it.
    body: ServProvNotification,
    /// Where.
    destination: Uri,
    /// What it knows afterwards.
    answer: Answer,
}

impl EcsReactions {
    /// Reactions over this room; what is to be sent goes out by `notifier`.
    pub fn new(room: Room, answers: Answers, notifier: Arc<dyn Notifier>) -> Self {
        Self {
            room,
            answers,
            notifier,
        }
    }

    /// Marks every subscription whose answer differs from what was told.
    async fn compare(&self) -> Result<(), Error> {
        let known = from_store(&self.room).await?;
        let mut after: Option<Key> = None;
        loop {
            let mut span = Span::prefix(PREFIX).limit(PAGE);
            span.after = after.take();
            let page = self.room.store().range(span).await?;
            for entry in &page.entries {
                // One that cannot be read is in the log already; it must not keep the others from their news.
                let Ok(kept) = Kept::<EcsServProvSubscription>::from_entry(entry) else {
                    continue;
                };
                if kept.is_live(self.room.now()) {
                    let answer = self.answers.to_subscription(&kept.value, &known);
                    self.mark(&entry.key, &answer).await?;
                }
            }
            after = page.entries.last().map(|entry| entry.key.clone());
            if !page.more {
                return Ok(());
            }
        }
    }

    async fn mark(&self, subscription: &Key, answer: &Answer) -> Result<(), Error> {
        for mut seen in self.room.attempts() {
            let told = told(&mut seen, subscription).await?;
            if told.due || told.is(answer) || seen.entry(subscription).await?.is_none() {
                return Ok(());
            }
            let news = Event::NewsDue {
                subscription: subscription.to_string(),
            };
            let decision = note(subscription, &Told { due: true, ..told })?.tell(&news)?;
            if self.room.commit(seen, decision).await?.is_some() {
                return Ok(());
            }
        }
        Err(contended())
    }

    /// Takes the mark away, then looks. Nothing when the subscriber knows it all.
    async fn news(&self, subscription: &Key) -> Result<Option<News>, Error> {
        for mut seen in self.room.attempts() {
            let Some(kept) = seen.kept::<EcsServProvSubscription>(subscription).await? else {
                return Ok(None);
            };
            let mut told = told(&mut seen, subscription).await?;
            if told.due {
                told.due = false;
                if self.room.commit(seen, note(subscription, &told)?).await?.is_none() {
                    continue;
                }
            }
            let known = from_store(&self.room).await?;
            let answer = self.answers.to_subscription(&kept.value, &known);
            if told.is(&answer) {
                return Ok(None);
            }
            let edn_cnfg_info = self.speakable(&kept.value, &answer, told.answer, &known);
            // What cannot be said now is not noted: it goes out with the next change, when an EES is registered.
            let (Some(destination), false) = (kept.value.notification_destination, edn_cnfg_info.is_empty()) else {
                return Ok(None);
            };
            let Some(id) = subscription
                .as_str()
                .strip_prefix(PREFIX)
                .and_then(|id| id.parse().ok())
            else {
                return Err(Error::internal(format_args!(
                    "{subscription} is no key of a subscription"
                )));
            };
            let body = ServProvNotification {
                sub_id: id,
                edn_cnfg_info,
                redirected_ecs: answer.redirected.clone(),
            };
            return Ok(Some(News {
                body,
                destination,
                answer,
            }));
        }
        Err(contended())
    }

    /// The networks as a notification can say them. "None" cannot be said: then it says that what was told has ended, or else that
    /// something here has.
    fn speakable(
        &self,
        subscription: &EcsServProvSubscription,
        answer: &Answer,
        told: Vec<EdnConfigInfo>,
        known: &[KnownEes],
    ) -> Vec<EdnConfigInfo> {
        if !answer.edns.is_empty() {
            return answer.edns.clone();
        }
        let now = self.room.now();
        if told.is_empty() {
            return self.answers.nothing_here(subscription, known, now);
        }
        told.into_iter()
            .map(|edn| EdnConfigInfo {
                life_time: Some(now),
                ..edn
            })
            .collect()
    }

    async fn notify(&self, subscription: &Key, attempt: u32) -> Result<Outcome, Error> {
        let Some(news) = self.news(subscription).await? else {
            return Ok(Outcome::Done);
        };
        let body = serde_json::to_vec(&news.body).map_err(Error::internal)?;
        match self.notifier.notify(&news.destination, Bytes::from(body)).await {
            Ok(delivered) => {
                self.delivered(subscription, &news.answer, delivered.moved_to).await?;
                Ok(Outcome::Done)
            }
            Err(NotDelivered::Later { reason, after }) => Ok(Outcome::Again { reason, after }),
            Err(refused @ NotDelivered::Refused(_)) if attempt + 1 < REFUSALS => Ok(Outcome::Again {
                reason: refused.to_string(),
                after: None,
            }),
            Err(refused) => Ok(Outcome::Hopeless(refused.to_string())),
        }
    }

    /// Notes what was told, and where later notifications go when the subscriber moved. A mark set meanwhile stays.
    async fn delivered(&self, subscription: &Key, answer: &Answer, moved_to: Option<Uri>) -> Result<(), Error> {
        for mut seen in self.room.attempts() {
            let Some(mut kept) = seen.kept::<EcsServProvSubscription>(subscription).await? else {
                return Ok(());
            };
            let told = told(&mut seen, subscription).await?;
            let mut decision = note(
                subscription,
                &Told {
                    due: told.due,
                    ..Told::of(answer.clone())
                },
            )?;
            if let Some(destination) = &moved_to {
                kept.value.notification_destination = Some(destination.clone());
                decision = decision.put(subscription, &kept)?;
            }
            if self.room.commit(seen, decision).await?.is_some() {
                return Ok(());
            }
        }
        Err(contended())
    }

    async fn test(&self, uri: &Uri, destination: &Uri) -> Result<Outcome, Error> {
        let body = serde_json::to_vec(&TestNotification {
            subscription: uri.clone(),
        })
        .map_err(Error::internal)?;
        // One request at most, whatever comes of it.
        Ok(match self.notifier.notify(destination, Bytes::from(body)).await {
            Ok(_) => Outcome::Done,
            Err(error) => Outcome::Hopeless(error.to_string()),
        })
    }
}

/// Where it is kept what answers came about by last.
const CONFIGURATION: &str = "configuration/answers";

/// Makes sure that subscribers hear when a restart with other edge data networks or partners changes their answers.
///
/// # Errors
/// When the store fails.
pub async fn configured(room: &Room, answers: &Answers) -> Result<(), Error> {
    let key = Key::new(CONFIGURATION);
    let now = Bytes::from(answers.to_json()?);
    for mut seen in room.attempts() {
        let before = seen.entry(&key).await?;
        if before.as_ref().is_some_and(|entry| entry.value == now) {
            return Ok(());
        }
        let mut decision = Decision::of(()).put_bytes(&key, now.clone(), None);
        if before.is_some() {
            decision = decision.tell(&Event::ConfigurationChanged)?;
        }
        if room.commit(seen, decision).await?.is_some() {
            return Ok(());
        }
    }
    Err(contended())
}

async fn told(seen: &mut Seen, subscription: &Key) -> Result<Told, Error> {
    let entry = seen.entry(&Told::key(subscription)).await?;
    let told = entry.map(|entry| serde_json::from_slice(&entry.value)).transpose();
    Ok(told.map_err(Error::internal)?.unwrap_or_default())
}

fn note(subscription: &Key, told: &Told) -> Result<Decision<()>, Error> {
    Ok(Decision::of(()).put_bytes(&Told::key(subscription), told.to_bytes()?, None))
}

fn todo(lane: &str, work: Work, guard: Option<&str>) -> Vec<Todo<Work>> {
    // The guard holds as long as the subscription lives, however often its life is extended: no instant is needed beside it.
    vec![Todo {
        lane: lane.to_owned(),
        task: Task {
            work,
            guard: guard.map(str::to_owned),
            until: None,
        },
    }]
}

#[async_trait]
impl Reactions for EcsReactions {
    type Event = Event;
    type Work = Work;

    async fn react(&self, event: Event) -> Result<Vec<Todo<Work>>, Error> {
        Ok(match event {
            Event::EesChanged { .. } | Event::ConfigurationChanged => todo("compare", Work::Compare, None),
            Event::NewsDue { subscription } => todo(
                &subscription,
                Work::Notify {
                    subscription: subscription.clone(),
                },
                Some(&subscription),
            ),
            Event::TestAsked {
                subscription,
                uri,
                destination,
            } => todo(&subscription, Work::Test { uri, destination }, Some(&subscription)),
        })
    }

    async fn perform(&self, work: &Work, attempt: u32) -> Outcome {
        let done = match work {
            Work::Compare => self.compare().await.map(|()| Outcome::Done),
            Work::Notify { subscription } => self.notify(&Key::new(subscription.as_str()), attempt).await,
            Work::Test { uri, destination } => self.test(uri, destination).await,
        };
        done.unwrap_or_else(|error| Outcome::Again {
            reason: error.to_string(),
            after: None,
        })
    }
}

#[cfg(test)]
mod tests;
