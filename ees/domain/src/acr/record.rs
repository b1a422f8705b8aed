//! The record of a relocation and its transitions: plain functions of the record and what happened.

use super::{
    bundle::Bundled,
    decision::Reason,
    managed::Managed,
    plan::{Plan, Prediction},
    traffic::Route,
};
use crate::peers::PeerEes;
use edgeapp_core::{
    error::{Cause, Error},
    room::{Decision, Room, Seen},
    store::{Key, Span},
};
use edgeapp_openapi::{
    acr_status_update::{ActFailureCause, ActResult},
    eas_discovery::DiscoveredEas,
    eas_registration::EndPoint,
    eec_context_relocation::ImplicitRegDetails,
    ees_registration::AcrScenario,
    ids::{AcId, EasId, EecContextId, EecId, Gpsi},
    location::{LocationArea5G, LocationInfo},
    service_provisioning::EdnConfigInfo,
};
use serde::{Deserialize, Serialize};

/// First part of the keys of relocations.
pub const PREFIX: &str = "acr/";

/// Which end of a relocation this EES is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Side {
    /// The S-EES: the EAS that serves the UE until now is registered here.
    Source,
    /// The T-EES: the EAS that will serve the UE is registered here.
    Target,
}

/// What becomes of the EEC context.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum ContextMove {
    /// Nobody asked to move it.
    NotAsked,
    /// It has to go to the EES of the T-EAS, which has to be found out first.
    ToSeek,
    /// It has to go to the T-EES.
    ToPush(EecContextId, PeerEes),
    /// It has to come from the S-EES.
    ToPull(EecContextId, PeerEes),
    /// It is where it belongs; the T-EES may have registered the EEC with it.
    Moved(Option<ImplicitRegDetails>),
    /// It could not be moved; the EEC registers at the T-EES itself.
    Failed,
}

/// What is known of the transfer of the application context between the EASs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Transfer {
    /// The AC and the EASs see to it among themselves; a report is welcome.
    NotAwaited,
    /// An EAS was told to start and will report.
    Awaited,
    /// An EAS reported.
    Reported(ActResult, Option<ActFailureCause>),
    /// No report came, or the EAS could not be told.
    GivenUp(String),
}

/// A relocation of one application of one UE.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Acr {
    /// Tells it from an earlier relocation of the same application of the same UE.
    #[serde(default)]
    pub id: String,
    /// Which end this EES is.
    pub side: Side,
    /// The scenario it follows.
    pub scenario: AcrScenario,
    /// The EEC, when it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub eec_id: Option<EecId>,
    /// The UE.
    pub ue_id: Gpsi,
    /// The application.
    pub eas_id: EasId,
    /// The application client, when it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ac_id: Option<AcId>,
    /// Where the S-EAS is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub s_eas: Option<EndPoint>,
    /// Where the T-EAS is; not known while one is looked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub t_eas: Option<EndPoint>,
    /// The move of the EEC context.
    pub context: ContextMove,
    /// The transfer of the application context.
    pub transfer: Transfer,
    /// Whether everything has come to an end.
    pub complete: bool,
    /// What the S-EES has to know beside the rest when it manages the whole relocation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub managed: Option<Box<Managed>>,
    /// The prediction it rests on, until the UE is where it was expected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<Box<Plan>>,
    /// How it belongs to those of the other EASs of a bundle.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bundle: Option<Box<Bundled>>,
}

/// Something that happened to a relocation.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum AcrEvent {
    /// It began: an EAS may have to be told, a context to be moved.
    Started(Box<Acr>),
    /// It began, and the EAS has been told of its target: a context may have to be moved.
    Facilitated(Box<Acr>),
    /// The target is known, and the EEC wants to know it too.
    TargetSelected {
        /// The relocation.
        acr: Box<Acr>,
        /// The T-EAS.
        target: Box<DiscoveredEas>,
        /// The EDN and EES of the T-EAS, when they are known.
        ees: Option<Box<EdnConfigInfo>>,
    },
    /// The result of the transfer is known.
    Completed(Box<Acr>),
    /// An earlier target is not wanted any more.
    Abandoned(Box<Acr>),
    /// An S-EAS has declared the target of this record: where its EES is has to be found out.
    Declared(AcrRef),
    /// Somebody asked whether a relocation is needed, and it is: a target has to be found.
    TargetWanted(Box<Wanted>),
    /// An EAS leaves its relocation to this EES: a target has to be found for this record.
    LeftToUs(AcrRef),
    /// The prediction that it rests on was told or has changed: the EAS here hears of it.
    Predicted(Box<Acr>),
    /// The other EES has to hear of the prediction.
    PredictionToTell(Box<Prediction>),
    /// Traffic of its UE is to go to where its T-EAS sits.
    TrafficWanted(Box<Route>),
    /// Traffic of the relocation of this [`Acr::id`] goes its usual way again.
    TrafficOver(String),
}

impl AcrEvent {
    /// A relocation began; where it is facilitated, its EAS needs no order.
    pub fn begun(acr: Acr, facilitated: bool) -> Self {
        match facilitated {
            true => Self::Facilitated(Box::new(acr)),
            false => Self::Started(Box::new(acr)),
        }
    }
}

/// A relocation that still needs a target.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Wanted {
    /// The EEC, when it is known.
    pub eec_id: Option<EecId>,
    /// The UE.
    pub ue_id: Gpsi,
    /// The application.
    pub eas_id: EasId,
    /// The application client, when it is known.
    pub ac_id: Option<AcId>,
    /// Where the S-EAS is.
    pub s_eas: EndPoint,
    /// Where the UE is or will be.
    pub position: Option<Box<LocationInfo>>,
    /// The area it will be in.
    pub area: Option<LocationArea5G>,
    /// Why it relocates.
    #[serde(default)]
    pub why: Reason,
}

/// One relocation: where it is kept, and which one under that key it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AcrRef {
    /// Its key.
    pub key: String,
    /// Its [`Acr::id`].
    pub id: String,
}

/// Work that a relocation needs.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum AcrWork {
    /// Move the EEC context of this relocation.
    MoveContext(AcrRef),
    /// Find a target.
    SeekTarget(Box<Wanted>),
    /// Find a target for a relocation that this EES manages.
    SeekForManaged(AcrRef),
    /// Find the EES of a target that an S-EAS declared.
    SeekDeclared(AcrRef),
    /// Tell the other EES of the prediction.
    TellPrediction(Box<Prediction>),
    /// Look at the users of an EAS that is overloaded or shuts down.
    Leave {
        /// The application.
        eas_id: EasId,
        /// Where the EAS is.
        eas: EndPoint,
    },
    /// Nobody can be told to start: give the relocation up.
    GiveUp {
        /// Which one.
        acr: AcrRef,
        /// Why.
        reason: String,
    },
}

/// Something that a relocation takes note of.
#[derive(Clone, Debug)]
pub enum Step {
    /// The EEC context arrived where it belongs.
    ContextMoved(Option<ImplicitRegDetails>),
    /// The EEC context could not be moved.
    ContextFailed,
    /// Where the EEC context of a declared target has to go is known.
    Located(ContextMove),
    /// A target was found for a relocation that this EES manages.
    Targeted(EndPoint, ContextMove),
    /// The application context of a relocation that this EES manages lies where the T-EAS can take it.
    Stored,
    /// An EAS reported the result of the transfer.
    Reported(ActResult, Option<ActFailureCause>),
    /// No report came in time, or the EAS could not be told.
    GivenUp(String),
    /// Every EAS of its bundle has reported a success.
    AllSucceeded,
    /// Another EAS of its bundle could not relocate, so this one does not either.
    CalledOff,
}

/// The key of a relocation.
pub fn key(ue_id: &Gpsi, eas_id: &EasId, ac_id: Option<&AcId>) -> Key {
    let ac = ac_id.map_or("-".to_owned(), |ac| Key::part(ac.as_str()));
    Key::from(format!("{}{ac}", folder(ue_id, eas_id)))
}

/// Where the relocations of an application of a UE lie, one for each application client.
pub fn folder(ue_id: &Gpsi, eas_id: &EasId) -> String {
    format!("{PREFIX}{}/{}/", Key::part(ue_id.as_str()), Key::part(eas_id.as_str()))
}

/// Forgets the relocations of a UE that have come to an end, but for the one under `except`: the next one is new, even to the same
/// target.
///
/// # Errors
/// When the store fails.
pub async fn forget_finished(
    room: &Room,
    seen: &mut Seen,
    ue_id: Option<&Gpsi>,
    except: Option<&Key>,
) -> Result<Decision<()>, Error> {
    let mut decision = Decision::of(());
    let Some(ue_id) = ue_id else { return Ok(decision) };
    let prefix = format!("{PREFIX}{}/", Key::part(ue_id.as_str()));
    for entry in room.store().range(Span::prefix(prefix)).await?.entries {
        if except == Some(&entry.key) {
            continue;
        }
        if seen
            .kept::<Acr>(&entry.key)
            .await?
            .is_some_and(|kept| kept.value.complete)
        {
            decision = decision.delete(&entry.key);
        }
    }
    Ok(decision)
}

impl Acr {
    /// Its key.
    pub fn key(&self) -> Key {
        key(&self.ue_id, &self.eas_id, self.ac_id.as_ref())
    }

    /// Which relocation it is.
    pub fn reference(&self) -> AcrRef {
        AcrRef {
            key: self.key().to_string(),
            id: self.id.clone(),
        }
    }

    /// Whether an EAS that names this EAS as its peer means this relocation.
    pub fn involves(&self, eas: &EndPoint) -> bool {
        self.t_eas.as_ref() == Some(eas)
            || self.s_eas.as_ref().is_none_or(|source| source == eas)
            || self.managed.as_ref().is_some_and(|managed| managed.lies_at() == *eas)
    }

    /// Where the EAS of the pair is that is registered here.
    pub fn local_eas(&self) -> Option<&EndPoint> {
        match (self.side, &self.managed) {
            (Side::Source, None) => self.s_eas.as_ref(),
            // The S-EAS left it to us: who has to do something is the T-EAS.
            (Side::Source, Some(_)) | (Side::Target, _) => self.t_eas.as_ref(),
        }
    }

    /// The peer that the EAS here is told: the EAS at the other end, or where the context lies when no EAS is.
    pub fn peer(&self) -> Option<EndPoint> {
        match (&self.managed, self.side) {
            (Some(managed), _) => Some(managed.lies_at()),
            (None, Side::Source) => self.t_eas.clone(),
            (None, Side::Target) => self.s_eas.clone(),
        }
    }

    /// Whether it runs: it has not come to an end, and is more than what another EES predicted.
    pub fn runs(&self) -> bool {
        let only_foreseen = self.plan.is_some() && self.transfer == Transfer::NotAwaited;
        !self.complete && !only_foreseen
    }

    /// Whether the T-EAS may begin: it is known, and what it is to take is there.
    pub fn may_begin(&self) -> bool {
        self.t_eas.is_some() && self.managed.as_ref().is_none_or(|managed| managed.stored)
    }

    /// Whether the transfer succeeded, once that is known.
    pub fn result(&self) -> Option<Result<(), String>> {
        match &self.transfer {
            Transfer::NotAwaited | Transfer::Awaited => None,
            Transfer::Reported(ActResult::Successful, _) => Some(Ok(())),
            Transfer::Reported(_, cause) => {
                Some(Err(cause.as_ref().map_or("OTHER", ActFailureCause::as_str).to_owned()))
            }
            Transfer::GivenUp(reason) => Some(Err(reason.clone())),
        }
    }

    fn context_is_settled(&self) -> bool {
        !matches!(
            self.context,
            ContextMove::ToSeek | ContextMove::ToPush(..) | ContextMove::ToPull(..)
        )
    }

    /// Takes note of a step. Says what is to be told, or `None` when nothing changes.
    ///
    /// # Errors
    /// [`Cause::AcrResultConflict`] when a second report contradicts the first.
    pub fn after(mut self, step: Step) -> Result<Option<(Acr, Vec<AcrEvent>)>, Error> {
        let told_before = self.complete && self.result().is_some();
        let begun_before = self.may_begin();
        match step {
            Step::ContextMoved(registration) if !self.context_is_settled() => {
                self.context = ContextMove::Moved(registration)
            }
            Step::ContextFailed if !self.context_is_settled() => {
                self.context = ContextMove::Failed;
                // The T-EES did not hear of it, and nobody else tells the T-EAS.
                if self.managed.is_some() && self.result().is_none() {
                    self.transfer = Transfer::GivenUp("the EES of the target could not be told".to_owned());
                }
            }
            Step::Located(context) if self.context == ContextMove::ToSeek => self.context = context,
            Step::Located(_) => return Ok(None),
            Step::Targeted(..) if self.complete || self.managed.is_none() || self.t_eas.is_some() => return Ok(None),
            Step::Targeted(t_eas, context) => (self.t_eas, self.context) = (Some(t_eas), context),
            Step::Stored => match &mut self.managed {
                Some(managed) if !managed.stored && !self.complete => managed.stored = true,
                _ => return Ok(None),
            },
            Step::ContextMoved(_) | Step::ContextFailed => return Ok(None),
            Step::Reported(result, cause) => match &self.transfer {
                Transfer::Reported(earlier, _) if *earlier == result => return Ok(None),
                Transfer::NotAwaited | Transfer::Awaited if result == ActResult::Successful && !self.may_begin() => {
                    return Ok(None);
                }
                Transfer::NotAwaited | Transfer::Awaited => self.transfer = Transfer::Reported(result, cause),
                // The EAS did what it was told: it has stopped.
                Transfer::GivenUp(_) if cause == Some(ActFailureCause::AcrCancellation) => return Ok(None),
                Transfer::Reported(..) | Transfer::GivenUp(_) => {
                    return Err(Error::forbidden(
                        Cause::AcrResultConflict,
                        "the relocation has come to another result already",
                    ));
                }
            },
            Step::GivenUp(reason) => {
                if self.result().is_some() || self.complete {
                    return Ok(None);
                }
                self.transfer = Transfer::GivenUp(reason);
            }
            Step::AllSucceeded => match &mut self.bundle {
                Some(bundle) if !bundle.all_succeeded && !self.complete => bundle.all_succeeded = true,
                _ => return Ok(None),
            },
            Step::CalledOff => {
                if self.complete || self.result().is_some_and(|result| result.is_err()) {
                    return Ok(None);
                }
                self.transfer = Transfer::GivenUp(ActFailureCause::AcrCancellation.as_str().to_owned());
            }
        }
        // A failure is told at once; a success waits for the context, so that the EEC hears both in one message, and for the others of a
        // bundle that moves as a whole.
        let success_counts = self.context_is_settled() && !self.waits_for_others();
        let told = !told_before && self.result().is_some_and(|result| result.is_err() || success_counts);
        let ended = told || (self.transfer == Transfer::NotAwaited && self.context_is_settled());
        self.complete = self.complete || ended;
        let mut events = Vec::new();
        if self.may_begin() && !begun_before {
            events.push(AcrEvent::Started(Box::new(self.clone())));
        }
        if told {
            events.push(AcrEvent::Completed(Box::new(self.clone())));
        }
        Ok(Some((self, events)))
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use proptest::prelude::*;

    pub(crate) fn sample(context: ContextMove, transfer: Transfer) -> Acr {
        Acr {
            id: "acr-1".to_owned(),
            side: Side::Source,
            scenario: AcrScenario::EecExecutedViaSourceEes,
            eec_id: "eec-1".parse().ok(),
            ue_id: "msisdn-491700000001".parse().expect("a GPSI"),
            eas_id: "eas.chess.example".parse().expect("an EASID"),
            ac_id: None,
            s_eas: None,
            t_eas: serde_json::from_str(r#"{"fqdn": "chess.edge-b.example"}"#).expect("an endpoint"),
            context,
            transfer,
            complete: false,
            managed: None,
            plan: None,
            bundle: None,
        }
    }

    fn to_push() -> ContextMove {
        let ees = PeerEes {
            id: "ees-b.example".parse().expect("an EESID"),
            endpoint: None,
        };
        ContextMove::ToPush("ctx-1".parse().expect("an id"), ees)
    }

    #[test]
    fn success_waits_for_the_context() {
        let acr = sample(to_push(), Transfer::Awaited);
        let (acr, events) = acr.after(Step::Reported(ActResult::Successful, None)).unwrap().unwrap();
        assert!(events.is_empty() && !acr.complete);
        let (acr, events) = acr.after(Step::ContextMoved(None)).unwrap().unwrap();
        assert!(matches!(events.as_slice(), [AcrEvent::Completed(_)]) && acr.complete);
    }

    #[test]
    fn success_of_a_declared_target_waits_until_its_ees_is_known_and_has_the_context() {
        let acr = sample(ContextMove::ToSeek, Transfer::Awaited);
        let (acr, events) = acr.after(Step::Reported(ActResult::Successful, None)).unwrap().unwrap();
        assert!(events.is_empty() && !acr.complete);
        let (there, events) = acr.clone().after(Step::Located(to_push())).unwrap().unwrap();
        assert!(events.is_empty() && !there.complete);
        let (there, events) = there.after(Step::ContextMoved(None)).unwrap().unwrap();
        assert!(matches!(events.as_slice(), [AcrEvent::Completed(_)]) && there.complete);
        // Where nobody knows the EES, nothing has to move.
        let (nowhere, events) = acr.after(Step::Located(ContextMove::NotAsked)).unwrap().unwrap();
        assert!(matches!(events.as_slice(), [AcrEvent::Completed(_)]) && nowhere.complete);
    }

    #[test]
    fn failure_is_told_at_once() {
        let acr = sample(to_push(), Transfer::Awaited);
        let (acr, events) = acr.after(Step::Reported(ActResult::Failed, None)).unwrap().unwrap();
        assert!(matches!(events.as_slice(), [AcrEvent::Completed(_)]) && acr.complete);
        assert!(acr.after(Step::Reported(ActResult::Successful, None)).is_err());
    }

    #[test]
    fn the_same_report_twice_changes_nothing() {
        let acr = sample(ContextMove::NotAsked, Transfer::Awaited);
        let (acr, _) = acr.after(Step::Reported(ActResult::Successful, None)).unwrap().unwrap();
        assert!(
            acr.after(Step::Reported(ActResult::Successful, None))
                .unwrap()
                .is_none()
        );
    }

    /// A relocation that was left to this EES, with a place for the context that is empty yet.
    fn managed() -> Acr {
        Acr {
            scenario: AcrScenario::EelManagedAcr,
            t_eas: None,
            managed: Some(Box::new(Managed {
                wanted: Vec::new(),
                store: "https://ees-a.example/app-contexts/1".parse().expect("a URI"),
                stored: false,
            })),
            ..sample(ContextMove::NotAsked, Transfer::Awaited)
        }
    }

    fn targeted() -> Step {
        let t_eas = serde_json::from_str(r#"{"fqdn": "chess.edge-b.example"}"#).expect("an endpoint");
        Step::Targeted(t_eas, to_push())
    }

    #[test]
    fn a_managed_relocation_begins_once_both_are_there() {
        for [first, second] in [[targeted(), Step::Stored], [Step::Stored, targeted()]] {
            let (acr, events) = managed().after(first).unwrap().unwrap();
            assert!(events.is_empty());
            let success = Step::Reported(ActResult::Successful, None);
            assert!(acr.clone().after(success).unwrap().is_none(), "nothing has moved yet");
            let (acr, events) = acr.after(second.clone()).unwrap().unwrap();
            assert!(matches!(events.as_slice(), [AcrEvent::Started(_)]));
            assert!(acr.after(second).unwrap().is_none(), "it begins once");
        }
    }

    #[test]
    fn a_managed_relocation_fails_with_the_way_to_the_other_ees() {
        let (acr, _) = managed().after(Step::Stored).unwrap().unwrap();
        let (acr, _) = acr.after(targeted()).unwrap().unwrap();
        let (acr, events) = acr.after(Step::ContextFailed).unwrap().unwrap();
        assert!(matches!(events.as_slice(), [AcrEvent::Completed(_)]));
        assert!(acr.complete && acr.result().is_some_and(|result| result.is_err()));
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            Just(Step::ContextMoved(None)),
            Just(Step::ContextFailed),
            Just(Step::Located(to_push())),
            Just(Step::Reported(ActResult::Successful, None)),
            Just(Step::Reported(
                ActResult::Failed,
                Some(ActFailureCause::AcrCancellation)
            )),
            Just(Step::GivenUp("late".to_owned())),
            Just(Step::Stored),
            Just(targeted()),
        ]
    }

    proptest! {
        #[test]
        fn what_is_left_to_us_begins_and_ends_at_most_once(steps in prop::collection::vec(step(), 0..12)) {
            let mut acr = managed();
            let (mut begun, mut ended) = (0, 0);
            for step in steps {
                if let Ok(Some((next, events))) = acr.clone().after(step) {
                    begun += events.iter().filter(|event| matches!(event, AcrEvent::Started(_))).count();
                    ended += events.iter().filter(|event| matches!(event, AcrEvent::Completed(_))).count();
                    acr = next;
                }
            }
            prop_assert!(begun <= 1 && ended <= 1, "begun {begun} times, ended {ended} times");
            prop_assert_eq!(ended == 1, acr.complete);
            prop_assert!(begun == 1 || acr.result() != Some(Ok(())), "it succeeded without having begun");
        }

        #[test]
        fn completion_is_told_at_most_once(steps in prop::collection::vec(step(), 0..12), pushed: bool, awaited: bool) {
            let context = if pushed { to_push() } else { ContextMove::NotAsked };
            let mut acr = sample(context, if awaited { Transfer::Awaited } else { Transfer::NotAwaited });
            let mut told = 0;
            for step in steps {
                if let Ok(Some((next, events))) = acr.clone().after(step) {
                    told += events.len();
                    prop_assert!(!acr.complete || next.complete, "a completed relocation stays complete");
                    acr = next;
                }
            }
            prop_assert!(told <= 1, "told {told} times");
            prop_assert_eq!(told == 1, acr.complete && acr.result().is_some());
        }
    }
}
