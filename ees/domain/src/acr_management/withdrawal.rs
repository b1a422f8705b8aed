//! A user takes back a consent: what tells where its traffic goes ends. The API has no word for that: the event stands in
//! `failEventReports` from then on, and the rest of the subscription goes on.

use super::{
    AcrManagementService,
    state::{State, available},
};
use edgeapp_core::{
    collection::Resource,
    consent::{Purpose, Withdrawal},
    error::Error,
    room::{Decision, contended},
    store::{Key, Span},
};
use edgeapp_openapi::acr_management_event::{
    AcrMgntEventFailureCode, AcrMgntEventsSubscription, FailureAcrMgntEventInfo,
};

impl AcrManagementService {
    /// Ends what runs for users who no longer agree.
    ///
    /// # Errors
    /// When the store fails; what was not ended yet has to be asked for again.
    pub async fn withdrawn(&self, withdrawal: &Withdrawal) -> Result<(), Error> {
        if withdrawal.purpose.is_some_and(|purpose| purpose != Purpose::Location) {
            return Ok(());
        }
        let prefix = <AcrMgntEventsSubscription as Resource<crate::Ees>>::PREFIX;
        for entry in self.kept.room().store().range(Span::prefix(prefix)).await?.entries {
            self.end_of_those_who_do_not_agree(&entry.key).await?;
        }
        Ok(())
    }

    async fn end_of_those_who_do_not_agree(&self, key: &Key) -> Result<(), Error> {
        let room = self.kept.room();
        for mut seen in room.attempts() {
            let Some(mut kept) = seen.kept::<AcrMgntEventsSubscription>(key).await? else {
                return Ok(());
            };
            let mut state = State::load(key, &kept.value, &mut seen).await?;
            let before = state.clone();
            for (wanted, event) in kept.value.event_subscs.iter().zip(&mut state.events) {
                let Some(ue) = event.ue.as_ref().filter(|_| !event.over) else {
                    continue;
                };
                if self.consent.granted(ue, Purpose::Location).await {
                    continue;
                }
                (event.over, event.failed) = (true, true);
                event.last = Vec::new();
                event.progress.held = Vec::new();
                let failed = FailureAcrMgntEventInfo {
                    event: wanted.event.clone(),
                    failure_code: AcrMgntEventFailureCode::OtherReasons,
                };
                if !kept.value.fail_event_reports.contains(&failed) {
                    kept.value.fail_event_reports.push(failed);
                }
            }
            let mut agreed = Vec::new();
            for planned in state.planned {
                if self.consent.granted(&planned.ue, Purpose::Location).await {
                    agreed.push(planned);
                }
            }
            state.planned = agreed;
            if state == before {
                return Ok(());
            }
            if state.events != before.events {
                kept.value.availability_info = Some(available(false));
            }
            let decision = Decision::of(()).put(key, &kept)?;
            let decision = state.keep(decision, key, &kept.value, &mut seen).await?;
            let decision = state.give_back(decision, room, key).await?;
            if room.commit(seen, decision).await?.is_some() {
                return Ok(());
            }
        }
        Err(contended())
    }
}
