//! The outbox of an EES: what follows from its events.

use crate::{
    Ees,
    ac_information::reports::{self as ac_reports, AcReports},
    acr::follow_up::AcrFollowUp,
    acr_management::{self, PathEvent, PathFollowUp},
    act_status,
    common_eas::CommonEasService,
    core_links::CoreLinks,
    discovery_subscriptions::{self, FiledSubscriptions, Way},
    ending,
    event::{Event, Notification, Work},
    invocations::{self, InvocationLogs},
    reporting, selected_ees,
    waking::{Awakening, Waker},
};
use async_trait::async_trait;
use edgeapp_core::{
    collection::Resource,
    error::Error,
    follow::Follower,
    notifier::{NotDelivered, Notifier},
    outbox::{Outcome, Reactions, Task, Todo},
    room::{Decision, Room, contended},
    store::{Key, Revision},
};
use edgeapp_openapi::{
    common::{TestNotification, Uri},
    eel_managed_acr::ActStatusSubsc,
};
use std::sync::Arc;

/// How often a notification is offered to a subscriber that refuses it.
const REFUSALS: u32 = 3;

/// Who sees to what follows, each for a subject of its own.
pub struct FollowUps {
    /// Relocations.
    pub acr: AcrFollowUp,
    /// Changes of user plane paths.
    pub paths: PathFollowUp,
    /// Links to the core network.
    pub links: Arc<CoreLinks>,
    /// Common EASs.
    pub groups: Arc<CommonEasService>,
    /// EAS discovery subscriptions, as they are found by what changed.
    pub discovery: Arc<FiledSubscriptions>,
    /// What keeps these in step with the store.
    pub mirrored: Follower,
    /// What EASs hear of application clients.
    pub acs: AcReports,
    /// EECs that are woken up.
    pub waker: Arc<Waker>,
    /// The CAPIF core function that hears of invocations.
    pub invocations: Arc<dyn InvocationLogs>,
}

/// What an EES does about its events.
pub struct EesReactions {
    room: Room,
    follow: FollowUps,
    notifier: Arc<dyn Notifier>,
}

impl EesReactions {
    /// Reactions over this room that leave each subject to whom `follow` names, and send with `notifier`.
    pub fn new(room: Room, follow: FollowUps, notifier: Arc<dyn Notifier>) -> Self {
        Self { room, follow, notifier }
    }

    async fn notify(&self, notification: &Notification, attempt: u32) -> Outcome {
        let body = match serde_json::to_vec(&notification.body) {
            Ok(body) => body.into(),
            Err(error) => return Outcome::Hopeless(error.to_string()),
        };
        let hopeless = match self.notifier.notify(&notification.destination, body).await {
            Ok(delivered) => {
                if let Err(error) = acr_management::delivered(&self.room, notification).await {
                    return Outcome::Again {
                        reason: error.to_string(),
                        after: None,
                    };
                }
                let subscription = Key::new(notification.subscription.as_str());
                if let Some(moved_to) = &delivered.moved_to
                    && let Err(error) = moved(&self.room, &subscription, &notification.destination, moved_to).await
                {
                    // The next notification is redirected again: nothing is lost.
                    tracing::warn!(subscription = %edgeapp_core::pseudonym::of_key(&subscription), %error, "a new callback address could not be kept");
                }
                return Outcome::Done;
            }
            Err(NotDelivered::Later { reason, after }) => return Outcome::Again { reason, after },
            Err(NotDelivered::Refused(status)) if attempt + 1 < REFUSALS => {
                return Outcome::Again {
                    reason: format!("refused with status {status}"),
                    after: None,
                };
            }
            Err(error) => error.to_string(),
        };
        if let Some(acr) = &notification.for_acr {
            let given_up = self
                .follow
                .acr
                .give_up(acr, &format!("the EAS could not be told: {hopeless}"))
                .await;
            if let Err(error) = given_up {
                return Outcome::Again {
                    reason: error.to_string(),
                    after: None,
                };
            }
        }
        Outcome::Hopeless(hopeless)
    }
}

/// The subscriber moved for good (308) from where it was called: later notifications go to its new address.
pub(crate) async fn moved(room: &Room, key: &Key, from: &Uri, to: &Uri) -> Result<(), Error> {
    for mut seen in room.attempts() {
        let Some(mut kept) = seen.kept::<serde_json::Value>(key).await? else {
            return Ok(());
        };
        // Some notifications have an address of their own, and the subscriber may have named another one meanwhile.
        if key.as_str().starts_with(<ActStatusSubsc as Resource<Ees>>::PREFIX) {
            let Some(to) = act_status::moved(to) else {
                return Ok(());
            };
            kept.value["notificationUri"] = to.into();
        } else if kept.value["notificationDestination"] != from.as_str() {
            return Ok(());
        } else {
            kept.value["notificationDestination"] = serde_json::Value::from(to.as_str());
        }
        if room.commit(seen, Decision::of(()).put(key, &kept)?).await?.is_some() {
            return Ok(());
        }
    }
    Err(contended())
}

#[async_trait]
impl Reactions for EesReactions {
    type Event = Event;
    type Work = Work;

    async fn ready(&self, event: &Event, revision: Revision) -> Result<(), Error> {
        match event {
            // Who subscribed before the EAS changed is told, whichever replica took the subscription.
            Event::EasChanged { .. } => self.follow.mirrored.shows_all_until(revision).await,
            Event::AcsKnown(_) => self.follow.acs.ready(revision).await,
            // Neither is an order missed by an EAS that subscribed before.
            Event::Acr(_) | Event::ScenariosSelected(_) | Event::Path(PathEvent::Planned(_)) => {
                self.follow.acr.ready(revision).await
            }
            _ => Ok(()),
        }
    }

    async fn react(&self, event: Event) -> Result<Vec<Todo<Work>>, Error> {
        match event {
            Event::EasChanged {
                before,
                after,
                expires_at,
            } => {
                // Most subscriptions are for other applications: they are not even looked at.
                let terms = discovery_subscriptions::terms_of_change(before.as_deref(), after.as_deref());
                let subscriptions = self.follow.discovery.candidates(&terms);
                let told = discovery_subscriptions::notifications_for(
                    before.as_deref(),
                    after.as_deref(),
                    expires_at,
                    &subscriptions,
                    self.room.now(),
                );
                let mut todos = told
                    .into_iter()
                    .map(|told| {
                        let subscription = told.subscription.to_string();
                        let work = match told.way {
                            Way::Call(destination) => Work::Notify(Notification {
                                destination,
                                subscription: subscription.clone(),
                                body: serde_json::to_value(&told.notification).map_err(Error::internal)?,
                                for_acr: None,
                            }),
                            Way::Wake(ue) => Work::Wake(Awakening {
                                ue,
                                subscription: subscription.clone(),
                            }),
                        };
                        let task = Task {
                            work,
                            guard: Some(subscription.clone()),
                            // The guard knows when the subscription ends, also when its life was extended.
                            until: None,
                        };
                        Ok(Todo {
                            lane: subscription,
                            task,
                        })
                    })
                    .collect::<Result<Vec<_>, Error>>()?;
                todos.extend(self.follow.acr.eas_changed(before.as_deref(), after.as_deref()));
                Ok(todos)
            }
            Event::TestAsked {
                subscription,
                uri,
                destination,
            } => {
                let test = TestNotification {
                    subscription: uri.parse().map_err(Error::internal)?,
                };
                let body = serde_json::to_value(&test).map_err(Error::internal)?;
                let work = Notification {
                    destination,
                    subscription: subscription.clone(),
                    body,
                    for_acr: None,
                };
                let task = Task {
                    work: Work::Notify(work),
                    guard: Some(subscription.clone()),
                    until: None,
                };
                Ok(vec![Todo {
                    lane: subscription,
                    task,
                }])
            }
            Event::Tell(notification) => {
                let key = notification.subscription.clone();
                let task = Task {
                    work: Work::Notify(*notification),
                    guard: Some(key.clone()),
                    until: None,
                };
                Ok(vec![Todo { lane: key, task }])
            }
            Event::TellLast(notification) => {
                let key = notification.subscription.clone();
                let told = Task {
                    work: Work::Notify(*notification),
                    guard: Some(key.clone()),
                    until: None,
                };
                let ended = Task {
                    work: Work::End(key.clone()),
                    guard: Some(key.clone()),
                    until: None,
                };
                let in_lane = |task| Todo {
                    lane: key.clone(),
                    task,
                };
                Ok(vec![in_lane(told), in_lane(ended)])
            }
            Event::Farewell { notification, until } => {
                let lane = notification.subscription.clone();
                let task = Task {
                    work: Work::Notify(*notification),
                    guard: None,
                    until: Some(until),
                };
                Ok(vec![Todo { lane, task }])
            }
            Event::HolderGone { key } if key.starts_with(ac_reports::PREFIX) => {
                Ok(self.follow.acs.subscription_gone(key))
            }
            Event::HolderGone { key } => self.follow.links.after(&key, None).await,
            Event::LinksGivenBack { key, links } => self.follow.links.after(&key, Some(links)).await,
            Event::LinkLost { token } => Ok(self.follow.links.after_loss(token)),
            Event::LinkUpkeep => Ok(self.follow.links.upkeep_due()),
            Event::EasRegistrationEnded(ended) => Ok(vec![Todo {
                lane: format!(
                    "ending/{}{}",
                    ending::folder(ended.eas_id.as_str()),
                    ended.owner.as_str()
                ),
                task: Task {
                    work: Work::EndSubscriptions(ended),
                    guard: None,
                    until: None,
                },
            }]),
            Event::ScenariosSelected(selected) => self.follow.acr.selected(&selected).await,
            Event::CommonEas(event) => Ok(self.follow.groups.react(event)),
            Event::SelectedEes(declaration) => Ok(vec![selected_ees::todo(*declaration)]),
            Event::Acr(event) => self.follow.acr.react(event).await,
            Event::Path(event) => self.follow.paths.react(event).await,
            Event::AcsKnown(acs) => self.follow.acs.known(*acs).await,
            Event::AcReportDue { subscription, why } => Ok(self.follow.acs.due(subscription, why)),
            Event::Invoked(logs) => Ok(invocations::todos(logs)),
            Event::EecGone { eec_id } => Ok(self.follow.acs.eec_gone(eec_id)),
        }
    }

    /// Subscribers that are away hear the newest when they are back. Steps of relocations, and what those wait for, are never left out.
    fn may_give_way(&self, work: &Work) -> bool {
        match work {
            Work::Notify(notification) => notification.for_acr.is_none(),
            Work::Wake(_) => true,
            _ => false,
        }
    }

    async fn perform(&self, work: &Work, attempt: u32) -> Outcome {
        match work {
            Work::Notify(notification) => self.notify(notification, attempt).await,
            Work::EndSubscriptions(ended) => match ending::end_subscriptions(&self.room, ended).await {
                Ok(()) => Outcome::Done,
                Err(error) => Outcome::Again {
                    reason: error.to_string(),
                    after: None,
                },
            },
            Work::Acr(work) => self.follow.acr.perform(work, attempt).await,
            Work::CommonEas(work) => self.follow.groups.perform(work, attempt).await,
            Work::SelectedEes(declaration) => {
                selected_ees::declare(&self.room, self.notifier.as_ref(), declaration, attempt).await
            }
            Work::Path(work) => {
                self.follow
                    .paths
                    .perform(work, attempt, &self.follow.acr, self.notifier.as_ref())
                    .await
            }
            Work::Invocations(log) => self.follow.invocations.deliver(log).await,
            Work::Wake(awakening) => self.follow.waker.perform(awakening).await,
            Work::Link(work) => self.follow.links.perform(work).await,
            Work::AcInformation(work) => match self.follow.acs.perform(work).await {
                Ok(()) => Outcome::Done,
                Err(error) => Outcome::Again {
                    reason: error.to_string(),
                    after: None,
                },
            },
            Work::End(key) => match reporting::end(&self.room, &Key::new(key.as_str())).await {
                Ok(()) => Outcome::Done,
                Err(error) => Outcome::Again {
                    reason: error.to_string(),
                    after: None,
                },
            },
        }
    }
}
