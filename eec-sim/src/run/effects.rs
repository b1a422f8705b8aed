//! Messages between two servers: the simulator is at neither end and knows them by what came of them only.

use super::{Facts, Run};
use crate::{
    call::url_of,
    milestone::Milestone,
    record::{Message, Part, Seen},
};
use edgeapp_openapi::ees_registration::AcrScenario;
use std::time::Duration;

fn effect(
    at: Duration,
    (from, to): (Part, Part),
    point: &'static str,
    operation: &str,
    (method, path): (&str, &str),
) -> Message {
    Message {
        at,
        took: Duration::ZERO,
        from,
        to,
        point,
        operation: operation.to_owned(),
        method: method.to_owned(),
        path: path.to_owned(),
        status: None,
        error: None,
        seen: Seen::InEffect,
    }
}

/// Whether the T-EES took the context under the id that the S-EES gave it.
fn has_the_same_id(facts: &Facts) -> bool {
    matches!((&facts.at_source, &facts.at_target), (Some(source), Some(target)) if source.cntx_id == target.cntx_id)
}

/// Whether the T-EES knows of the session with the S-EAS, of which only the S-EES could tell it.
pub(super) fn has_the_session(facts: &Facts) -> bool {
    let sessions = facts.at_target.as_ref().and_then(|context| context.sess_cntxs.as_ref());
    sessions.is_some_and(|sessions| {
        sessions
            .sess_cntxs
            .iter()
            .any(|session| Some(url_of(&session.end_pt)) == facts.source)
    })
}

/// The messages that left traces.
pub(super) fn traces(run: &Run) -> Vec<Message> {
    let mut traces = Vec::new();
    // The ECS named both EESs, so both had registered.
    if run.facts.target_ees.is_some() {
        for ees in [Part::SEes, Part::TEes] {
            let way = ("POST", "/eecs-eesregistration/v1/registrations");
            traces.push(effect(
                Duration::ZERO,
                (ees, Part::Ecs),
                "EDGE-6",
                "EES registration",
                way,
            ));
        }
    }
    const CONTEXTS: &str = "/eees-eeccontextreloc/v1/eec-contexts";
    let pulled = matches!(
        run.way(),
        AcrScenario::EecInitiated | AcrScenario::EecExecutedViaTargetEes
    );
    let managed = run.way() == AcrScenario::EelManagedAcr;
    let moved = if pulled || managed {
        has_the_same_id(&run.facts)
    } else {
        has_the_session(&run.facts)
    };
    if moved {
        let registered = run
            .messages
            .iter()
            .find(|message| message.to == Part::TEes && message.operation == "EEC registration");
        let told = run.milestones.get(&Milestone::AcrComplete);
        match (pulled, registered, told) {
            (true, Some(registered), _) => {
                let at = registered.at + registered.took / 2;
                traces.push(effect(
                    at,
                    (Part::TEes, Part::SEes),
                    "EDGE-9",
                    "EEC context pull",
                    ("GET", CONTEXTS),
                ));
            }
            (false, _, Some(told)) => {
                let at = told.saturating_sub(Duration::from_micros(1));
                traces.push(effect(
                    at,
                    (Part::SEes, Part::TEes),
                    "EDGE-9",
                    "EEC context push",
                    ("POST", CONTEXTS),
                ));
            }
            _ => {}
        }
    }
    let told = run
        .messages
        .iter()
        .find(|message| message.operation == "Notification: TARGET_INFORMATION");
    let found = run
        .messages
        .iter()
        .find(|message| message.operation == "T-EAS discovery");
    // An EAS of another EES was told: the S-EES had asked for it.
    // Of the cloud nobody told it.
    let told = told.filter(|_| !run.falls_back());
    let asked = match (run.scenario.acr == AcrScenario::SourceEasDecided, told, found) {
        (true, Some(_), Some(found)) => Some(found.at + found.took / 2),
        (false, Some(told), _) => Some(told.at.saturating_sub(Duration::from_micros(3))),
        _ => None,
    };
    if let Some(at) = asked {
        let way = ("GET", "/eecs-targeteesdiscovery/v1/ees-profiles");
        traces.push(effect(
            at,
            (Part::SEes, Part::Ecs),
            "EDGE-6",
            "Target EES discovery",
            way,
        ));
        let way = ("POST", "/eees-easdiscovery/v1/eas-profiles/request-discovery");
        let then = at + Duration::from_micros(1);
        traces.push(effect(then, (Part::SEes, Part::TEes), "EDGE-9", "T-EAS discovery", way));
    }
    traces
}
