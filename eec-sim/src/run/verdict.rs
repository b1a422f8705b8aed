//! What had to hold in a run, and whether it did. Pure: looks only at what was written down.

use super::{Run, effects::has_the_session};
use crate::{
    call::url_of,
    milestone::{Good, Milestone, Reply, milliseconds},
    record::Part,
};
use edgeapp_openapi::{acr_events::AcrEventIds, ees_registration::AcrScenario};
use serde::Serialize;

/// Something that had to hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Assertion {
    /// Its name, for machines.
    pub id: &'static str,
    /// What had to hold.
    pub text: String,
    /// Whether it did.
    pub held: bool,
    /// What was seen.
    pub seen: String,
}

fn assertion(id: &'static str, text: impl Into<String>, held: bool, seen: impl Into<String>) -> Assertion {
    Assertion {
        id,
        text: text.into(),
        held,
        seen: seen.into(),
    }
}

/// Judges a run.
pub fn judge(run: &Run) -> Vec<Assertion> {
    let mut all = vec![the_end(run), milestones(run)];
    all.extend(application(run));
    all.push(order(run));
    all.extend(if run.scenario.acr == AcrScenario::EecInitiated {
        by_the_eec(run)
    } else {
        via_source_ees(run)
    });
    all.extend(contexts(run));
    if run.scenario.core.is_some() {
        all.push(located(run));
    }
    all
}

/// The EAS that subscribed to the location of the UE heard of every cell on its way, in order, each once.
fn located(run: &Run) -> Assertion {
    let way: Vec<_> = run
        .scenario
        .way()
        .into_iter()
        .map(|cell| cell.nr_cell_id.as_str())
        .collect();
    let told = &run.sights.located;
    let cells: Vec<_> = told.iter().map(|located| located.cell.as_str()).collect();
    let named = told.iter().all(|located| located.ue == run.scenario.ue.gpsi.as_str());
    let seen = match (cells.is_empty(), named) {
        (true, _) => "it heard of none".to_owned(),
        (false, false) => "another UE was named".to_owned(),
        (false, true) => cells.join(", "),
    };
    let text = "The S-EAS heard from the core network, through its EES, of every cell on the UE's way, in order.";
    assertion("located", text, named && cells == way, seen)
}

/// The milestones that a scenario has to pass.
pub fn required(acr: &AcrScenario) -> Vec<Milestone> {
    use Milestone as M;
    let mut required = vec![
        M::Move,
        M::Detected,
        M::Decided,
        M::Provisioned,
        M::TEasFound,
        M::TEasSelected,
        M::InitAck,
        M::ActStart,
        M::EecCtxMoved,
        M::ActDone,
        M::FirstTReply,
        M::LastSReply,
        M::Cleaned,
    ];
    if *acr == AcrScenario::EecExecutedViaSourceEes {
        required.extend([M::StatusReported, M::AcrComplete]);
    }
    required.sort();
    required
}

fn the_end(run: &Run) -> Assertion {
    let seen = run.broken.clone().unwrap_or_else(|| "it did".to_owned());
    assertion(
        "completed",
        "The relocation came to its end.",
        run.broken.is_none(),
        seen,
    )
}

fn milestones(run: &Run) -> Assertion {
    let required = required(&run.scenario.acr);
    let missing: Vec<_> = required
        .iter()
        .filter(|milestone| !run.milestones.contains_key(milestone))
        .collect();
    let seen = if missing.is_empty() {
        format!("{} of {}", required.len(), required.len())
    } else {
        format!(
            "missing: {}",
            missing
                .iter()
                .map(|milestone| format!("{} {}", milestone.id(), milestone.name()))
                .collect::<Vec<_>>()
                .join(", ")
        )
    };
    assertion(
        "milestones",
        "Every milestone that this way of relocation has was passed.",
        missing.is_empty(),
        seen,
    )
}

fn good(replies: &[Reply]) -> Vec<&Good> {
    replies.iter().filter_map(|reply| reply.good.as_ref()).collect()
}

fn application(run: &Run) -> Vec<Assertion> {
    let (limits, derived) = (run.scenario.limits, &run.derived);
    let good = good(&run.replies);
    let crossing = run.scenario.crossing();
    let target = &crossing.target.eas.instance;
    let allowed = if limits.lost_requests == 0 {
        "No request".to_owned()
    } else {
        format!("At most {} requests", limits.lost_requests)
    };
    let mut all = vec![assertion(
        "no_request_lost",
        format!("{allowed} of the application was lost."),
        derived.requests > 0 && derived.lost_requests <= limits.lost_requests,
        format!("{} of {} lost", derived.lost_requests, derived.requests),
    )];
    let broken = good.windows(2).find(|pair| pair[1].counter != pair[0].counter + 1);
    let seen = match (broken, good.first(), good.last()) {
        (Some(pair), ..) => format!("{} was followed by {}", pair[0].counter, pair[1].counter),
        (None, Some(first), Some(last)) => format!("{} to {} without a gap", first.counter, last.counter),
        _ => "no reply".to_owned(),
    };
    all.push(assertion(
        "state_continuous",
        "The state counter in the replies never went back or skipped.",
        broken.is_none() && !good.is_empty(),
        seen,
    ));
    if let Some(limit) = limits.interruption_ms {
        #[allow(clippy::cast_precision_loss, reason = "milliseconds of a run are far below 2^52")]
        let held = derived
            .interruption_ms
            .is_some_and(|interruption| interruption <= limit as f64);
        let seen = derived
            .interruption_ms
            .map_or_else(|| "no replies".to_owned(), |value| format!("{value:.1} ms"));
        all.push(assertion(
            "interruption",
            format!("The service was interrupted for at most {limit} ms."),
            held,
            seen,
        ));
    }
    let changes = good
        .windows(2)
        .filter(|pair| pair[0].instance != pair[1].instance)
        .count();
    let last = good.last().map(|good| good.instance.as_str());
    all.push(assertion(
        "moved_once",
        format!("The application changed its server once, to instance {target:?}."),
        changes == 1 && last == Some(target.as_str()),
        format!("{changes} change(s), last served by {:?}", last.unwrap_or("nobody")),
    ));
    let (named, wanted) = (run.facts.target_ees.as_deref(), crossing.target.edn.ees.as_str());
    all.push(assertion(
        "ecs_named_target",
        format!("The ECS named {wanted} for the new place."),
        named == Some(wanted),
        named.unwrap_or("nobody"),
    ));
    all
}

/// The order in which milestones have to come.
fn order(run: &Run) -> Assertion {
    use Milestone as M;
    let wanted: &[(M, M)] = &[
        (M::Move, M::Detected),
        (M::Decided, M::Provisioned),
        (M::Provisioned, M::TEasFound),
        (M::TEasSelected, M::InitAck),
        (M::TEasSelected, M::ActStart),
        (M::ActStart, M::ActDone),
        (M::ActDone, M::AcrComplete),
        (M::ActDone, M::FirstTReply),
        (M::AcrComplete, M::FirstTReply),
        (M::LastSReply, M::FirstTReply),
        (M::FirstTReply, M::Cleaned),
    ];
    let wrong = wanted.iter().find(|(first, second)| {
        matches!((run.milestones.get(first), run.milestones.get(second)), (Some(first), Some(second)) if first > second)
    });
    let moved = run.milestones.contains_key(&M::Move);
    let seen = match wrong {
        None if !moved => "there were no steps".to_owned(),
        Some((first, second)) => format!(
            "{} {} came before {} {}",
            second.id(),
            second.name(),
            first.id(),
            first.name()
        ),
        None => "they did".to_owned(),
    };
    assertion(
        "order",
        "The steps came in the order of the standard.",
        moved && wrong.is_none(),
        seen,
    )
}

fn initiations(run: &Run) -> usize {
    let initiation = |path: &str| path.ends_with("/initiate");
    run.messages
        .iter()
        .filter(|message| initiation(&message.path) && message.status == Some(204))
        .count()
}

/// Scenario A (clause 8.8.2.2).
fn by_the_eec(run: &Run) -> Vec<Assertion> {
    let told = run.sights.told.len();
    let initiations = initiations(run);
    vec![
        assertion(
            "one_initiation",
            "The EEC asked the S-EES once, without letting it notify an EAS.",
            initiations == 1,
            format!("{initiations} initiation(s)"),
        ),
        assertion(
            "no_act_start",
            "No EAS was told by an EES to start a transfer.",
            told == 0,
            format!("{told} order(s)"),
        ),
    ]
}

/// Scenario B (clause 8.8.2.3).
fn via_source_ees(run: &Run) -> Vec<Assertion> {
    let (scenario, sights) = (&run.scenario, &run.sights);
    let initiations = initiations(run);
    let mut all = vec![assertion(
        "one_initiation",
        "The EEC asked the S-EES once to relocate.",
        initiations == 1,
        format!("{initiations} initiation(s)"),
    )];
    let starts: Vec<_> = sights.told.iter().filter(|told| told.status == "ACT_START").collect();
    let named = |told: &crate::witness::Told| {
        told.eas == Part::SEas
            && told.end_point.is_some()
            && told.end_point == run.facts.target
            && told.ue.as_deref() == Some(scenario.ue.gpsi.as_str())
            && told.ac.as_deref() == Some(scenario.ac.ac_id.as_str())
    };
    let seen = match starts.first() {
        None => "no ACT_START".to_owned(),
        Some(told) => format!(
            "{} told of {}, UE {}, AC {}",
            told.eas,
            told.end_point.as_deref().unwrap_or("no EAS"),
            told.ue.as_deref().unwrap_or("none"),
            told.ac.as_deref().unwrap_or("none")
        ),
    };
    all.push(assertion(
        "act_start_names_target",
        "ACT_START went to the S-EAS and named the chosen T-EAS, the UE and the application client.",
        !starts.is_empty() && starts.iter().all(|told| named(told)),
        seen,
    ));
    let reports: Vec<_> = [Part::SEas, Part::TEas]
        .into_iter()
        .map(|eas| {
            (
                eas,
                sights.reported.iter().any(|report| report.eas == eas && report.taken),
            )
        })
        .collect();
    let seen = reports
        .iter()
        .map(|(eas, taken)| format!("{eas}: {}", if *taken { "taken" } else { "no" }))
        .collect::<Vec<_>>()
        .join(", ");
    let held = reports.iter().all(|(_, taken)| *taken);
    all.push(assertion(
        "both_reported",
        "Both EASs reported the transfer to their EES.",
        held,
        seen,
    ));
    let complete: Vec<_> = sights
        .notified
        .iter()
        .filter(|notified| notified.notification.event_id == AcrEventIds::AcrComplete)
        .collect();
    let successful = complete.iter().all(|notified| {
        let status = notified.notification.acr_status.as_ref();
        status.is_some_and(|status| status.acr_res && Some(url_of(&status.t_eas_endpoint)) == run.facts.target)
    });
    all.push(assertion(
        "one_acr_complete",
        "Exactly one ACR_COMPLETE came, successful, for the chosen T-EAS.",
        complete.len() == 1 && successful,
        format!(
            "{} came{}",
            complete.len(),
            if successful {
                ""
            } else {
                ", not all successful for the chosen T-EAS"
            }
        ),
    ));
    let used = run.facts.implicit_used;
    all.push(assertion(
        "implicit_registration_usable",
        "The registration that the T-EES named for the pushed context (implReg) can be used.",
        used,
        if used { "it could be changed" } else { "it was not used" },
    ));
    let report = run
        .messages
        .iter()
        .find(|message| message.from == Part::SEas && message.operation == "ACR status update");
    let held = match (report, complete.first()) {
        (Some(report), Some(complete)) => report.at < complete.at,
        _ => false,
    };
    let seen = match (report, complete.first()) {
        (Some(report), Some(complete)) => {
            format!("{:.1} ms apart", milliseconds(complete.at) - milliseconds(report.at))
        }
        _ => "one of them did not come".to_owned(),
    };
    all.push(assertion(
        "report_before_complete",
        "ACR_COMPLETE came after the report of the S-EAS.",
        held,
        seen,
    ));
    all
}

fn contexts(run: &Run) -> Vec<Assertion> {
    let (facts, sights) = (&run.facts, &run.sights);
    let mut all = Vec::new();
    let by_the_eec = run.scenario.acr == AcrScenario::EecInitiated;
    let (same, seen) = match (&facts.at_source, &facts.at_target) {
        (Some(source), Some(target)) => {
            let different: Vec<_> = [
                ("eecId", source.eec_id == target.eec_id),
                ("ueId", source.ue_id == target.ue_id),
                ("acProfs", source.ac_profs == target.ac_profs),
                ("eecSrvContSupp", source.eec_srv_cont_supp == target.eec_srv_cont_supp),
                ("ueMobSuppInd", source.ue_mob_supp_ind == target.ue_mob_supp_ind),
                // Pulled, it keeps its id; pushed, it brings the session that only the S-EES knew of.
                ("cntxId", !by_the_eec || source.cntx_id == target.cntx_id),
                ("sessCntxs without the S-EAS", by_the_eec || has_the_session(facts)),
            ]
            .into_iter()
            .filter_map(|(member, same)| (!same).then_some(member))
            .collect();
            let seen = match different.as_slice() {
                [] => format!("context {}, looked at over EDGE-9", target.cntx_id),
                different => format!("different: {}", different.join(", ")),
            };
            (different.is_empty(), seen)
        }
        _ => (false, "the T-EES told nothing".to_owned()),
    };
    let text = "The EEC context at the T-EES is the one of the S-EES.";
    all.push(assertion("eec_context_moved", text, same, seen));
    let (made, arrived) = (sights.made.as_ref(), sights.arrived.last());
    all.push(assertion(
        "app_context_moved",
        "The application context at the T-EAS is the one that the S-EAS made.",
        made.is_some() && arrived.is_some_and(|arrived| arrived.eas == Part::TEas && Some(&arrived.origin) == made),
        arrived.map_or_else(
            || "none arrived".to_owned(),
            |arrived| format!("context {} arrived at the {}", arrived.origin, arrived.eas),
        ),
    ));
    let still = facts.still_at_source;
    all.push(assertion(
        "source_forgot_eec",
        "The S-EES has no live registration of the EEC after the clean-up.",
        still == Some(false),
        match still {
            Some(false) => "404 for the old registration",
            Some(true) => "it still had one",
            None => "not looked at",
        },
    ));
    let holders: Vec<_> = sights.holders.keys().map(|part| part.name()).collect();
    all.push(assertion(
        "one_holder",
        "Exactly one EAS holds the application context: the T-EAS.",
        holders == [Part::TEas.name()],
        if holders.is_empty() {
            "nobody".to_owned()
        } else {
            holders.join(", ")
        },
    ));
    all
}

#[cfg(test)]
mod tests;
