//! UEs that are expected elsewhere are watched; what a failed relocation was for ends.

use super::{PathFollowUp, PathWork, todo};
use crate::{
    acr::AcrRef,
    acr_management::{
        filed::Want,
        planned::{self, Planned},
        state::State,
        subscription::may_tell,
    },
    core_links::last_location,
    event::Work,
};
use edgeapp_core::{
    error::Error,
    network::{Asked, CoreReport, LocationWatch, Target},
    outbox::{Outcome, Todo},
    room::{Decision, contended},
    store::Key,
};
use edgeapp_openapi::{
    acr_management_event::{AcrMgntEvent, AcrMgntEventsSubscription},
    eas_registration::EndPoint,
    ids::{EasId, Gpsi},
    ue_location::Accuracy,
};

/// How many UEs one subscription expects elsewhere at a time.
const PLANNED: usize = 256;

impl PathFollowUp {
    pub(super) async fn plans(&self, planned: &Planned) -> Result<Vec<Todo<Work>>, Error> {
        let mut todos = Vec::new();
        let wanting = self.subscribers.wanting(&planned.eas_id, &[Want::Plans], &planned.ue);
        for (key, kept) in wanting.await? {
            let subscription = kept.value;
            let state = State::read(&self.room, &key, &subscription).await?;
            if !planned::wanting(&subscription, &state, planned).is_empty() {
                let work = PathWork::Plan {
                    subscription: key.to_string(),
                    planned: Box::new(planned.clone()),
                };
                todos.push(todo(
                    // Not in the lane of changes: for an answer to those the core network waits.
                    format!("path-plan/{key}/{}", planned.ue),
                    work,
                    Some(key.to_string()),
                    Some(planned.until),
                ));
            }
        }
        Ok(todos)
    }

    /// Watches for a UE that is expected elsewhere; it may be there already.
    pub(super) async fn plan(&self, key: &Key, planned: &Planned) -> Result<Outcome, Error> {
        if !may_tell(self.consent.as_ref(), Some(&planned.ue)).await {
            return Ok(Outcome::Hopeless(
                "the user does not agree that its location is told".to_owned(),
            ));
        }
        let watch = Asked::Location(LocationWatch {
            target: Target::Ue(planned.ue.clone()),
            accuracy: Some(Accuracy::CgiEcgi),
            qos: None,
            until: self.links.watch_until(),
        });
        let reported = self.links.hold(key, watch).await?;
        let at_once = reported.into_iter().find_map(|report| match report {
            CoreReport::Location(report) => report.location,
            _ => None,
        });
        let location = match at_once {
            Some(location) => Some(location),
            None => last_location(&self.room, &planned.ue)
                .await?
                .and_then(|(report, _)| report.location),
        };
        for mut seen in self.room.attempts() {
            let Some(kept) = seen.kept::<AcrMgntEventsSubscription>(key).await? else {
                return Ok(Outcome::Done);
            };
            let mut state = State::load(key, &kept.value, &mut seen).await?;
            state.planned.retain(|known| known.acr.key != planned.acr.key);
            if state.planned.len() >= PLANNED {
                return Ok(Outcome::Hopeless(format!(
                    "{PLANNED} UEs are expected elsewhere already"
                )));
            }
            if !planned::wanting(&kept.value, &state, planned).is_empty() {
                state.planned.push(planned.clone());
            }
            let decision = match &location {
                Some(location) => {
                    let there = (&planned.ue, location);
                    planned::arrived(
                        &self.room,
                        self.consent.as_ref(),
                        key,
                        &kept,
                        &mut state,
                        there,
                        &mut seen,
                    )
                    .await?
                }
                None => state.keep(Decision::of(()), key, &kept.value, &mut seen).await?,
            };
            if self.room.commit(seen, decision).await?.is_some() {
                return Ok(Outcome::Done);
            }
        }
        Err(contended())
    }

    pub(super) async fn failed(
        &self,
        acr: &AcrRef,
        eas_id: &EasId,
        ue: &Gpsi,
        target: &EndPoint,
    ) -> Result<Outcome, Error> {
        let wants = [Want::Event(AcrMgntEvent::AcrFacilitation), Want::Plans];
        for (key, _) in self.subscribers.that_may_have_wanted(eas_id, &wants, ue).await? {
            let without = |state: &mut State| {
                state
                    .steered
                    .retain(|steered| steered.ue != *ue || steered.target != *target);
                state.planned.retain(|planned| planned.acr != *acr);
            };
            self.let_go(&key, without).await?;
        }
        Ok(Outcome::Done)
    }

    /// What a change of the state makes needless is given back; nothing happens where the state stays as it is.
    pub(super) async fn let_go(&self, key: &Key, change: impl Fn(&mut State) + Send + Sync) -> Result<(), Error> {
        for mut seen in self.room.attempts() {
            let Some(kept) = seen.kept::<AcrMgntEventsSubscription>(key).await? else {
                return Ok(());
            };
            let mut state = State::load(key, &kept.value, &mut seen).await?;
            let before = state.clone();
            change(&mut state);
            if state == before {
                return Ok(());
            }
            let decision = state.keep(Decision::of(()), key, &kept.value, &mut seen).await?;
            let decision = state.give_back(decision, &self.room, key).await?;
            if self.room.commit(seen, decision).await?.is_some() {
                return Ok(());
            }
        }
        Err(contended())
    }
}
