//! An EES tells its peers of the common EAS that was chosen here: each once, and again in time before they forget it (TS 29.558
//! clause 5.14.2.2, the calling end).

use super::{Agreement, CommonEas, CommonEasService, Origin};
use crate::{
    event::{Event, Work},
    peers::{PeerEes, PeerError},
};
use edgeapp_core::{
    error::Error,
    outbox::{Outcome, Task, Todo},
    room::{Decision, Seen},
    store::Key,
};
use edgeapp_openapi::{common_eas_announcement::CommonEasInfo, ids::EesId, target_ees_discovery::EesProfilesQuery};
use serde::{Deserialize, Serialize};

/// How often an EES that refuses is told.
const REFUSALS: u32 = 3;

/// Something that happened to a common EAS.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum CommonEasEvent {
    /// Others have to hear of it.
    ToTell {
        /// The EAS.
        common: Box<CommonEas>,
        /// Who has to hear of it, each once.
        to: Vec<PeerEes>,
        /// Whether the ECS is asked for more EESs that serve the group.
        ask_the_ecs: bool,
    },
}

/// Work that a common EAS needs.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum CommonEasWork {
    /// Tell this EES.
    Tell {
        /// Of what.
        common: Box<CommonEas>,
        /// Whom.
        ees: PeerEes,
    },
    /// Ask the ECS who else serves the group, and have those told.
    AskTheEcs {
        /// The EAS.
        common: Box<CommonEas>,
        /// Who is told already.
        except: Vec<EesId>,
    },
}

impl CommonEasService {
    /// The EESs that are told of every choice, and those that EECs named for this one.
    pub(super) fn everybody(&self, common: &CommonEas) -> Vec<PeerEes> {
        let configured = self.policy.neighbours.iter().filter(|ees| **ees != self.own.id);
        let configured = configured.map(|id| PeerEes {
            id: id.clone(),
            endpoint: None,
        });
        configured.chain(common.told.iter().cloned()).collect()
    }

    /// Whether this EES has not been told of a choice yet.
    pub(super) fn is_news_for(&self, ees: &PeerEes, common: &CommonEas) -> bool {
        ees.id != self.own.id && self.everybody(common).iter().all(|told| told.id != ees.id)
    }

    /// The work that an event asks for.
    pub fn react(&self, event: CommonEasEvent) -> Vec<Todo<Work>> {
        let CommonEasEvent::ToTell {
            common,
            to,
            ask_the_ecs,
        } = event;
        let key = common.key().to_string();
        // Who else is told is nothing that they need to know.
        let common = Box::new(CommonEas {
            told: Vec::new(),
            ..*common
        });
        // Then it is told again.
        let until = self.until(self.room.now(), &Origin::Here);
        let todo = |lane: String, work: CommonEasWork| Todo {
            lane,
            task: Task {
                work: Work::CommonEas(work),
                guard: None,
                until: Some(until),
            },
        };
        let except: Vec<EesId> = to.iter().map(|ees| ees.id.clone()).collect();
        let mut todos: Vec<Todo<Work>> = Vec::new();
        for ees in to {
            let lane = format!("{key}/{}", Key::part(ees.id.as_str()));
            let common = common.clone();
            todos.push(todo(lane, CommonEasWork::Tell { common, ees }));
        }
        if ask_the_ecs {
            todos.push(todo(key.clone(), CommonEasWork::AskTheEcs { common, except }));
        }
        todos
    }

    /// Does a piece of work. Doing it twice is harmless: who is told the same again keeps what it has.
    pub async fn perform(&self, work: &CommonEasWork, attempt: u32) -> Outcome {
        let done = match work {
            CommonEasWork::Tell { common, ees } => self.tell(common, ees, attempt).await,
            CommonEasWork::AskTheEcs { common, except } => self.ask_the_ecs(common, except).await,
        };
        done.unwrap_or_else(|error| Outcome::Again {
            reason: error.to_string(),
            after: None,
        })
    }

    async fn still_holds(&self, common: &CommonEas) -> Result<bool, Error> {
        let known = self.known(&mut self.room.look(), &common.key()).await?;
        Ok(known.is_some_and(|known| known.value.origin == Origin::Here && known.value.eas == common.eas))
    }

    async fn tell(&self, common: &CommonEas, ees: &PeerEes, attempt: u32) -> Result<Outcome, Error> {
        if !self.still_holds(common).await? {
            return Ok(Outcome::Done);
        }
        let info = CommonEasInfo {
            requestor_id: self.own.id.clone(),
            requestor_end_pt: self.own.endpoint.clone(),
            eas_id: common.eas_id.clone(),
            eas_end_pt: common.eas.clone(),
            app_grp_id: common.group.clone(),
        };
        Ok(match self.peers.announce_common_eas(ees, &info).await {
            Ok(()) => Outcome::Done,
            Err(PeerError::Unreachable(reason)) => Outcome::Again { reason, after: None },
            Err(error @ PeerError::NotFound(_)) if attempt + 1 < REFUSALS => Outcome::Again {
                reason: error.to_string(),
                after: None,
            },
            Err(error) => Outcome::Hopeless(format!("{} was not told of the common EAS of a group: {error}", ees.id)),
        })
    }

    async fn ask_the_ecs(&self, common: &CommonEas, except: &[EesId]) -> Result<Outcome, Error> {
        let query = EesProfilesQuery {
            app_grp_id: Some(common.group.clone()),
            ..EesProfilesQuery::new(self.own.id.clone(), common.eas_id.clone())
        };
        let answer = match self.peers.target_ees(&query).await {
            Ok(answer) => answer,
            Err(PeerError::Unreachable(reason)) => return Ok(Outcome::Again { reason, after: None }),
            // Nobody else serves the group, or there is no ECS: who is configured is told all the same.
            Err(_) => return Ok(Outcome::Done),
        };
        let mut to: Vec<PeerEes> = Vec::new();
        for ees in answer.edn_cnfg_info.into_iter().flat_map(|edn| edn.eess) {
            let known = ees.ees_id == self.own.id
                || except.contains(&ees.ees_id)
                || to.iter().any(|peer| peer.id == ees.ees_id);
            if !known {
                to.push(PeerEes {
                    id: ees.ees_id,
                    endpoint: ees.end_pt,
                });
            }
        }
        if to.is_empty() {
            return Ok(Outcome::Done);
        }
        let event = CommonEasEvent::ToTell {
            common: Box::new(common.clone()),
            to,
            ask_the_ecs: false,
        };
        let decision = Decision::of(()).tell(&Event::CommonEas(event))?;
        self.room.commit(self.room.look(), decision).await?;
        Ok(Outcome::Done)
    }

    /// What becomes of a common EAS whose time is over: one that was chosen here and is still registered here is announced again.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn expired(&self, key: &Key, seen: &mut Seen) -> Result<Decision<()>, Error> {
        let nothing = Decision::of(());
        let Some(kept) = seen.even_expired::<CommonEas>(key).await? else {
            return Ok(nothing);
        };
        let common = kept.value;
        let goes_on = self.policy.agreement == Agreement::Announcement
            && common.origin == Origin::Here
            && self.is_in_force(&common);
        if !goes_on {
            return Ok(nothing);
        }
        let event = CommonEasEvent::ToTell {
            to: self.everybody(&common),
            common: Box::new(common.clone()),
            ask_the_ecs: true,
        };
        nothing
            .put(key, &self.to_keep(common, seen.now()))?
            .tell(&Event::CommonEas(event))
    }
}
