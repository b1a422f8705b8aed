//! What a request for a relocation has to be like, and what it means beside what is known: plain functions of both.

use super::record::{Acr, Transfer};
use edgeapp_core::{
    error::{Cause, Error},
    principal::Principal,
};
use edgeapp_openapi::{app_context_relocation::AcrInitReq, ids::RequestorName};

/// The requestor of a message is who sends it.
pub(super) fn requested_by(principal: &Principal, requestor: &RequestorName) -> Result<(), Error> {
    if requestor.as_str() == principal.id() {
        Ok(())
    } else {
        Err(Error::not_yours("/requestorId", "identifier"))
    }
}

/// Pure: members of an initiation that need each other.
pub(super) fn consistent(request: &AcrInitReq) -> Result<(), Error> {
    if request.prev_eas_notif_ind && request.prev_t_eas_endpoint.is_none() {
        return Err(Error::optional_incorrect(
            "/prevTEasEndpoint",
            "is needed when prevEasNotifInd is true",
        ));
    }
    if (request.eas_notif_ind || request.prev_eas_notif_ind) && request.s_eas_endpoint.is_none() {
        return Err(Error::optional_incorrect(
            "/sEasEndpoint",
            "is needed when easNotifInd or prevEasNotifInd is true",
        ));
    }
    let changed = request.acr_modification_params.as_ref();
    for (pointer, changed, of_request) in [
        (
            "/acrModificationParams/tEasEndpoint",
            changed.and_then(|change| change.t_eas_endpoint.as_ref()),
            Some(&request.t_eas_endpoint),
        ),
        (
            "/acrModificationParams/sEasEndpoint",
            changed.and_then(|change| change.s_eas_endpoint.as_ref()),
            request.s_eas_endpoint.as_ref(),
        ),
    ] {
        if changed.is_some_and(|changed| of_request.is_some_and(|named| named != changed)) {
            return Err(Error::optional_incorrect(
                pointer,
                "contradicts the member of the same name in the request",
            ));
        }
    }
    Ok(())
}

/// Pure: what an initiation means when a record of the same relocation exists.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Repeat {
    /// Begin, in place of what was known.
    New,
    /// The same again: nothing to do.
    Same,
    /// The same, but the UE is expected until another time.
    Changed,
}

pub(super) fn repeat(known: Option<&Acr>, next: &Acr, request: &AcrInitReq) -> Result<Repeat, Error> {
    let Some(known) = known else { return Ok(Repeat::New) };
    let prediction = |acr: &Acr| acr.plan.as_ref().map(|plan| plan.predict_exp_time);
    if known.t_eas == next.t_eas {
        match (prediction(known), prediction(next)) {
            // A relocation that failed is not changed, but begun anew.
            _ if known.result().is_some_and(|result| result.is_err()) => {}
            (Some(before), Some(now)) if before != now => return Ok(Repeat::Changed),
            (Some(_), Some(_)) => return Ok(Repeat::Same),
            (Some(_), None) if request.acr_modification_params.is_some() => return Ok(Repeat::Same),
            // The UE has arrived.
            (Some(_), None) => return Ok(Repeat::New),
            (None, _) => {}
        }
        let failed = known.result().is_some_and(|result| result.is_err());
        let under_way = !known.complete && known.transfer != Transfer::NotAwaited;
        let same = !failed && (under_way || known.scenario == next.scenario);
        return Ok(if same { Repeat::Same } else { Repeat::New });
    }
    let replaces = request
        .prev_t_eas_endpoint
        .as_ref()
        .is_some_and(|earlier| Some(earlier) == known.t_eas.as_ref());
    // What the S-EAS left to us is not an EEC's to replace.
    let replaces = known.managed.is_none() && (replaces || request.acr_modification_params.is_some());
    if !known.runs() || replaces {
        return Ok(Repeat::New);
    }
    Err(Error::forbidden(
        Cause::AcrInProgress,
        "a relocation of this application to another target is running; name that target in prevTEasEndpoint to replace it",
    ))
}

/// Pure: the earlier target that an EAS is to be told to forget.
pub(super) fn abandoned(next: &Acr, request: &AcrInitReq) -> Option<Acr> {
    let earlier = request
        .prev_t_eas_endpoint
        .as_ref()
        .filter(|earlier| request.prev_eas_notif_ind && Some(*earlier) != next.t_eas.as_ref())?;
    Some(Acr {
        t_eas: Some(earlier.clone()),
        ..next.clone()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::acr::{
        plan::Plan,
        record::{ContextMove, tests::sample},
    };
    use edgeapp_openapi::{acr_status_update::ActResult, ees_registration::AcrScenario};

    fn request(earlier: Option<&str>) -> AcrInitReq {
        let mut request: AcrInitReq =
            serde_json::from_value(serde_json::json!({"requestorId": "eec-1", "easNotifInd": true,
            "prevEasNotifInd": true, "tEasEndpoint": {"fqdn": "chess.edge-c.example"}}))
            .expect("a request");
        request.prev_t_eas_endpoint = earlier.map(at);
        request
    }

    fn at(host: &str) -> edgeapp_openapi::eas_registration::EndPoint {
        serde_json::from_value(serde_json::json!({"fqdn": host})).expect("an endpoint")
    }

    fn known(transfer: Transfer, complete: bool) -> Acr {
        Acr {
            complete,
            ..sample(ContextMove::NotAsked, transfer)
        }
    }

    #[test]
    fn the_same_target_again_is_the_same_until_it_failed() {
        let next = known(Transfer::Awaited, false);
        let meaning = |known: Acr| repeat(Some(&known), &next, &request(None)).expect("no refusal");
        assert_eq!(meaning(known(Transfer::Awaited, false)), Repeat::Same);
        assert_eq!(
            meaning(known(Transfer::Reported(ActResult::Successful, None), true)),
            Repeat::Same
        );
        assert_eq!(
            meaning(known(Transfer::Reported(ActResult::Failed, None), true)),
            Repeat::New
        );
        assert_eq!(meaning(known(Transfer::GivenUp("late".into()), true)), Repeat::New);
        let without_eas = Acr {
            scenario: AcrScenario::EecInitiated,
            ..known(Transfer::NotAwaited, true)
        };
        assert_eq!(meaning(without_eas), Repeat::New);
    }

    #[test]
    fn another_target_has_to_name_the_one_that_runs() {
        let running = known(Transfer::Awaited, false);
        let next = Acr {
            t_eas: Some(at("chess.edge-c.example")),
            ..running.clone()
        };
        let meaning = |earlier: Option<&str>| repeat(Some(&running), &next, &request(earlier)).ok();
        assert_eq!(meaning(None), None);
        assert_eq!(meaning(Some("chess.edge-z.example")), None);
        assert_eq!(meaning(Some("chess.edge-b.example")), Some(Repeat::New));
        let ended = known(Transfer::Reported(ActResult::Successful, None), true);
        assert_eq!(repeat(Some(&ended), &next, &request(None)).ok(), Some(Repeat::New));
    }

    fn planned(known: Acr, until: &str) -> Acr {
        let plan = Plan {
            predict_exp_time: until.parse().expect("an instant"),
            peer: None,
            eas_told: true,
        };
        Acr {
            plan: Some(Box::new(plan)),
            ..known
        }
    }

    #[test]
    fn a_prediction_changes_or_comes_true() {
        let (soon, later) = ("2026-01-05T12:10:00Z", "2026-01-05T12:20:00Z");
        let copied = known(Transfer::Reported(ActResult::Successful, None), true);
        let before = planned(copied.clone(), soon);
        let meaning = |next: &Acr, request: &AcrInitReq| repeat(Some(&before), next, request).expect("no refusal");
        let plain = request(None);
        assert_eq!(meaning(&planned(copied.clone(), soon), &plain), Repeat::Same);
        assert_eq!(meaning(&planned(copied.clone(), later), &plain), Repeat::Changed);
        assert_eq!(meaning(&copied, &plain), Repeat::New);
        let mut nothing_changed = request(None);
        nothing_changed.acr_modification_params = Some(Default::default());
        assert_eq!(meaning(&copied, &nothing_changed), Repeat::Same);
        let failed = planned(known(Transfer::Reported(ActResult::Failed, None), true), soon);
        let again = repeat(Some(&failed), &planned(copied, later), &plain);
        assert_eq!(again.ok(), Some(Repeat::New));
    }

    #[test]
    fn an_earlier_target_is_abandoned_unless_it_is_the_new_one() {
        let next = Acr {
            t_eas: Some(at("chess.edge-c.example")),
            ..known(Transfer::Awaited, false)
        };
        let earlier = abandoned(&next, &request(Some("chess.edge-b.example"))).and_then(|acr| acr.t_eas);
        assert_eq!(earlier, Some(at("chess.edge-b.example")));
        assert_eq!(abandoned(&next, &request(Some("chess.edge-c.example"))), None);
        assert_eq!(abandoned(&next, &request(None)), None);
    }
}
