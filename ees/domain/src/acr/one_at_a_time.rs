//! One relocation of an application context at a time, whoever asks for it (TS 23.558 clause 8.8).
//!
//! The key of a relocation carries the name of its AC, and not everybody names it: an EEC that leaves it out and an S-EAS that does not
//! mean the same application context under two keys. [`meeting`] says what the second of two becomes. That both look before either
//! is written is ruled out by a *turn*: an entry for each UE and application that every beginning loads before it lists what runs, and
//! writes with its record. Of two who decide at the same time one commits, and the other looks again.

use super::{
    record::{Acr, Transfer, Wanted, folder},
    relocation::AcrService,
};
use edgeapp_core::{
    error::{Cause, Error},
    kept::Kept,
    room::{Decision, Seen},
    store::{Key, Span},
};
use edgeapp_openapi::{
    common::DateTime,
    ees_registration::AcrScenario,
    ids::{EasId, Gpsi},
};
use serde::{Deserialize, Serialize};

/// First part of the keys of turns.
const TURN: &str = "acr-turn/";

/// The relocation of an application of a UE that began last.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Turn {
    /// Its [`Acr::id`].
    acr: String,
    /// When it began.
    at: DateTime,
}

/// Who may begin a relocation of this application of this UE next: whoever saw this entry as it is.
fn turn(ue_id: &Gpsi, eas_id: &EasId) -> Key {
    Key::from(format!(
        "{TURN}{}/{}",
        Key::part(ue_id.as_str()),
        Key::part(eas_id.as_str())
    ))
}

/// What a relocation that is asked for becomes beside one that is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Meeting {
    /// They have nothing to do with each other: it may begin.
    Apart,
    /// It is the one that runs.
    Joined,
    /// Another one runs.
    Refused,
}

/// Pure: whether two relocations are about one application context. Who names no AC may mean any.
fn same_context(one: &Acr, other: &Acr) -> bool {
    let same_client = one.ac_id == other.ac_id || one.ac_id.is_none() || other.ac_id.is_none();
    same_client && (&one.ue_id, &one.eas_id) == (&other.ue_id, &other.eas_id)
}

/// Pure: what `next` becomes beside `known`. It joins one that runs to the same target, unless an EAS would have to be told for it
/// that was not told for the one that runs.
pub(super) fn meeting(known: &Acr, next: &Acr) -> Meeting {
    if !known.runs() || !same_context(known, next) {
        return Meeting::Apart;
    }
    let transfers = known.transfer != Transfer::NotAwaited;
    let needs_nothing_more =
        transfers || next.transfer == Transfer::NotAwaited || next.scenario == AcrScenario::SourceEasDecided;
    match next.t_eas.is_some() && known.t_eas == next.t_eas && needs_nothing_more {
        true => Meeting::Joined,
        false => Meeting::Refused,
    }
}

/// What is answered to who asks for another relocation than the one that runs.
pub(super) fn in_progress() -> Error {
    Error::forbidden(
        Cause::AcrInProgress,
        "a relocation of this application of this UE to another target is running",
    )
}

/// Keeps a relocation that begins. [`AcrService::turn_of`] has to have been called before.
pub(super) fn begins(decision: Decision<()>, kept: &Kept<Acr>, now: DateTime) -> Result<Decision<()>, Error> {
    let acr = &kept.value;
    let taken = Kept {
        owner: kept.owner.clone(),
        expires_at: kept.expires_at,
        value: Turn {
            acr: acr.id.clone(),
            at: now,
        },
    };
    decision
        .put(&acr.key(), kept)?
        .put(&turn(&acr.ue_id, &acr.eas_id), &taken)
}

impl AcrService {
    /// Before a look at what runs: whoever begins a relocation from now on changes this entry, and our commit does not hold.
    ///
    /// # Errors
    /// When the store fails.
    pub(super) async fn turn_of(&self, seen: &mut Seen, next: &Acr) -> Result<(), Error> {
        seen.entry(&turn(&next.ue_id, &next.eas_id)).await.map(|_| ())
    }

    /// Seconds since a relocation of this application of the UE began here last, while that is remembered.
    ///
    /// # Errors
    /// When the store fails.
    pub(super) async fn since_last(&self, ue_id: &Gpsi, eas_id: &EasId) -> Result<Option<u32>, Error> {
        let last = self.room.read::<Turn>(&turn(ue_id, eas_id)).await?;
        let since = |turn: Kept<Turn>| self.room.now().0.duration_since(turn.value.at.0).as_secs();
        Ok(last.map(|turn| u32::try_from(since(turn).max(0)).unwrap_or(u32::MAX)))
    }

    /// Whether a relocation runs of the application context that one is wanted for.
    ///
    /// # Errors
    /// When the store fails.
    pub(super) async fn runs(&self, wanted: &Wanted) -> Result<bool, Error> {
        let span = Span::prefix(folder(&wanted.ue_id, &wanted.eas_id));
        let mut seen = self.room.look();
        for entry in self.room.store().range(span).await?.entries {
            let known = seen.kept::<Acr>(&entry.key).await?.map(|kept| kept.value);
            let same = |known: &Acr| known.ac_id == wanted.ac_id || known.ac_id.is_none() || wanted.ac_id.is_none();
            if known.is_some_and(|known| known.runs() && same(&known)) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// What a relocation that is asked for becomes beside those that run under other keys.
    ///
    /// # Errors
    /// When the store fails.
    pub(super) async fn beside(&self, seen: &mut Seen, next: &Acr) -> Result<Meeting, Error> {
        self.turn_of(seen, next).await?;
        let own = next.key();
        let span = Span::prefix(folder(&next.ue_id, &next.eas_id));
        for entry in self.room.store().range(span).await?.entries {
            if entry.key == own {
                continue;
            }
            let known = seen.kept::<Acr>(&entry.key).await?;
            match known.map_or(Meeting::Apart, |known| meeting(&known.value, next)) {
                Meeting::Apart => {}
                other => return Ok(other),
            }
        }
        Ok(Meeting::Apart)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::acr::record::{ContextMove, Step, tests::sample};
    use edgeapp_openapi::acr_status_update::ActResult;
    use proptest::prelude::*;

    /// Who asks, of which AC if it is named, to which of a few targets.
    fn asked() -> impl Strategy<Value = Acr> {
        let scenario = prop_oneof![
            Just((AcrScenario::EecInitiated, Transfer::NotAwaited)),
            Just((AcrScenario::EecExecutedViaSourceEes, Transfer::Awaited)),
            Just((AcrScenario::SourceEasDecided, Transfer::Awaited)),
            Just((AcrScenario::SourceEesExecuted, Transfer::Awaited)),
        ];
        let ac = prop::option::of(0_u8..2);
        (scenario, ac, 0_u8..3, any::<bool>()).prop_map(|((scenario, transfer), ac, target, other_ue)| {
            let ue = if other_ue {
                "msisdn-491700000002"
            } else {
                "msisdn-491700000001"
            };
            Acr {
                scenario,
                ue_id: ue.parse().expect("a GPSI"),
                ac_id: ac.map(|ac| format!("ac.{ac}").parse().expect("an ACID")),
                t_eas: serde_json::from_value(serde_json::json!({"fqdn": format!("chess.edge-{target}.example")})).ok(),
                ..sample(ContextMove::ToSeek, transfer)
            }
        })
    }

    proptest! {
        /// Whatever is asked for in whatever order, and whatever ends in between: of one application context one relocation runs.
        #[test]
        fn of_one_context_one_relocation_runs(asked in prop::collection::vec((asked(), any::<bool>()), 1..24)) {
            let mut running: Vec<Acr> = Vec::new();
            for (next, first_ends) in asked {
                if first_ends && let Some(first) = running.first().cloned() {
                    let failed = first.after(Step::Reported(ActResult::Failed, None)).expect("no contradiction");
                    running[0] = failed.expect("news").0;
                    running.retain(Acr::runs);
                }
                let met: Vec<Meeting> = running.iter().map(|known| meeting(known, &next)).collect();
                if met.iter().all(|met| *met == Meeting::Apart) {
                    running.push(next);
                }
                for (n, one) in running.iter().enumerate() {
                    for other in &running[n + 1..] {
                        prop_assert!(!same_context(one, other), "{one:?} beside {other:?}");
                    }
                }
            }
        }

        /// Who is refused would have been in the way of the one that runs as well: it does not matter who comes first.
        #[test]
        fn the_first_one_wins(one in asked(), other in asked()) {
            let apart = |one, other| meeting(one, other) == Meeting::Apart;
            prop_assert_eq!(apart(&one, &other), apart(&other, &one));
            prop_assert_eq!(apart(&one, &other), !same_context(&one, &other));
        }

        /// What joins goes to the same target, and leaves nobody untold.
        #[test]
        fn only_the_same_target_is_joined(one in asked(), other in asked()) {
            if meeting(&one, &other) == Meeting::Joined {
                prop_assert_eq!(&one.t_eas, &other.t_eas);
                let told = one.transfer == Transfer::Awaited || other.scenario == AcrScenario::SourceEasDecided;
                prop_assert!(told || other.transfer == Transfer::NotAwaited);
            }
        }
    }
}
