//! What had to hold in a run, and whether it did. Pure: looks only at what was written down.

use super::{Run, effects::has_the_session, life::Travelled};
use crate::{
    call::url_of,
    milestone::{Good, Milestone, Reply, milliseconds},
    record::{Message, Part},
    scenario::{Ending, FaultName, Scenario},
    witness::Told,
};
use edgeapp_openapi::{
    acr_events::AcrEventIds,
    eas_registration::{Affinity, FailureAction},
    ees_registration::AcrScenario,
};
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

/// Judges a relocation.
pub fn judge(run: &Run) -> Vec<Assertion> {
    let wanted = run.wanted();
    // One that broke off is not settled.
    let held = match wanted {
        Ending::Settled => matches!(run.ending, Ending::Complete | Ending::Failed),
        wanted => run.ending == wanted,
    };
    let mut all = vec![the_end(run, held)];
    if run.ending != Ending::Complete {
        all.extend(stayed(run));
        return all;
    }
    all.push(milestones(run));
    all.extend(application(run));
    all.push(order(run));
    all.extend(match run.way() {
        AcrScenario::EecInitiated => by_the_eec(run),
        AcrScenario::EecExecutedViaSourceEes => via_source_ees(run),
        AcrScenario::SourceEasDecided => by_the_source_eas(run),
        AcrScenario::SourceEesExecuted => by_the_source_ees(run),
        AcrScenario::EecExecutedViaTargetEes => via_target_ees(run),
        _ => by_the_enabler_layer(run),
    });
    all.extend(contexts(run));
    let locations = run.scenario.core.as_ref().is_some_and(|core| core.locations);
    if locations && run.scenario.acr == AcrScenario::EecInitiated {
        all.push(located(run));
    }
    if was_foreseen(run) {
        all.extend(planned(run));
    }
    if run.scenario.dns.is_some() {
        all.extend(by_name(run));
    }
    if run.scenario.bundle.is_some() {
        all.push(bundle_told(run));
    }
    if is_led(run) {
        // Another application of the bundle asked, and brought the context of the EEC.
        const OF_THE_FIRST: [&str; 3] = ["one_initiation", "implicit_registration_usable", "eec_context_moved"];
        all.retain(|assertion| !OF_THE_FIRST.contains(&assertion.id));
    }
    if run.falls_back() || run.comes_back() {
        // What an EES in the cloud would do, or an EAS there tell an EES.
        const BETWEEN_EDGES: [&str; 4] = [
            "both_reported",
            "implicit_registration_usable",
            "target_information_whole",
            "ecs_named_target",
        ];
        all.retain(|assertion| !BETWEEN_EDGES.contains(&assertion.id));
        let another = run.facts.left_source;
        all.retain(|assertion| match assertion.id {
            "eec_context_moved" => run.comes_back(),
            "subscribed_before" => another,
            _ => true,
        });
        all.extend(with_the_cloud(run));
    }
    all
}

/// What had to hold of a relocation with one end in the cloud (clause 8.8.2A).
fn with_the_cloud(run: &Run) -> Vec<Assertion> {
    let edge = if run.falls_back() { Part::SEas } else { Part::TEas };
    let reports = run.sights.reported.iter().filter(|report| report.taken);
    let reporters: Vec<_> = reports.map(|report| report.eas.name()).collect();
    let mut all = vec![assertion(
        "edge_reported",
        "The EAS at the edge reported the transfer to its EES; nobody else did.",
        reporters == [edge.name()],
        if reporters.is_empty() {
            "nobody reported".to_owned()
        } else {
            reporters.join(", ")
        },
    )];
    let crossing = run.crossing();
    if run.comes_back() {
        let (named, wanted) = (run.facts.target_ees.as_deref(), crossing.target.edn.ees.as_str());
        all.push(assertion(
            "ecs_named_target",
            format!("The ECS named {wanted} for the new place."),
            named == Some(wanted),
            named.unwrap_or("nobody"),
        ));
        return all;
    }
    all.push(assertion(
        "nobody_in_charge",
        "Nobody named an EES for the new place.",
        run.facts.target_ees.is_none(),
        run.facts.target_ees.as_deref().unwrap_or("nobody did"),
    ));
    let wanted = crossing.source.edn.ees.as_str();
    let heard = run.facts.declared.iter().filter(|by| *by == wanted).count();
    // Who was killed before it knew that it was heard says it again.
    let most = 1 + usize::from(run.faults.contains(&FaultName::SeesRestart));
    all.push(assertion(
        "cloud_told",
        format!("The server in the cloud heard once that {wanted} is the EES of the UE."),
        (1..=most).contains(&heard),
        format!("told by: {}", run.facts.declared.join(", ")),
    ));
    if is_told_of_target(&run.way()) {
        let told = targets_told(run);
        let named = told.first().and_then(|notified| {
            let info = notified.notification.trgt_info.as_ref()?;
            Some((
                url_of(&info.target_eas_info.as_ref()?.eas.end_pt),
                info.target_ees_info.is_some(),
            ))
        });
        let held = named
            .as_ref()
            .is_some_and(|(at, with_ees)| Some(at) == run.facts.target.as_ref() && !with_ees);
        all.push(assertion(
            "cloud_is_the_target",
            "The EEC was told once that the server in the cloud takes over, which no EES stands beside.",
            told.len() == 1 && held,
            format!(
                "{} told of {}",
                told.len(),
                named.map_or("no EAS".to_owned(), |(at, _)| at)
            ),
        ));
    }
    all
}

/// Whether another application of the bundle may have brought the context of the EEC: the first one asks for all, and where the S-EES
/// decides, whichever it looked at first.
fn is_led(run: &Run) -> bool {
    let decided_there = run.scenario.bundle.is_some() && run.scenario.acr == AcrScenario::SourceEesExecuted;
    decided_there || run.scenario.is_led(run.ue, run.ac)
}

/// The EEC hears of the end together with the bundle, and where all its EASs have gone.
fn bundle_told(run: &Run) -> Assertion {
    let wanted = run.scenario.bundle.as_ref().map(|bundle| bundle.id.clone());
    let members = run.scenario.ac.len();
    let told = completes(run);
    let whole = told.iter().all(|notified| {
        let notification = &notified.notification;
        let named = notification
            .eas_bundle_info
            .as_ref()
            .and_then(|info| info.bdl_id.clone());
        named == wanted && notification.t_eas_end_point_bundle_list.len() == members
    });
    assertion(
        "bundle_told",
        "ACR_COMPLETE named the bundle, and where all its EASs go.",
        whole && !told.is_empty(),
        format!(
            "{} came{}",
            told.len(),
            if whole { "" } else { ", not all with the whole bundle" }
        ),
    )
}

/// What had to hold of the applications that belong together, each time that their UE moved.
pub fn of_bundles(scenario: &Scenario, runs: &[Run]) -> Vec<Assertion> {
    let Some(bundle) = &scenario.bundle else {
        return Vec::new();
    };
    let mut all = Vec::new();
    let moves: std::collections::BTreeSet<_> = runs.iter().map(|run| (run.ue, run.number)).collect();
    for (ue, number) in moves {
        let of: Vec<&Run> = runs.iter().filter(|run| (run.ue, run.number) == (ue, number)).collect();
        let name = &scenario.ue[ue].eec_id;
        let moved = of.iter().filter(|run| run.ending == Ending::Complete).count();
        let seen = format!("{moved} of {} moved", of.len());
        let together = bundle.failure == FailureAction::Cancel;
        all.push(match together {
            true => assertion(
                "bundle_together",
                format!("All applications of {name} relocated, or none."),
                moved == 0 || moved == scenario.ac.len(),
                seen,
            ),
            false => {
                // What goes wrong on purpose hits the first one.
                let hit = usize::from(of.iter().any(|run| {
                    run.faults
                        .iter()
                        .any(|fault| fault.ending_in(scenario) == Ending::Failed)
                }));
                assertion(
                    "bundle_proceeds",
                    format!("Of the applications of {name} only what failed stayed."),
                    moved + hit == scenario.ac.len(),
                    seen,
                )
            }
        });
        let places: std::collections::BTreeSet<_> = of
            .iter()
            .filter(|run| run.ending == Ending::Complete)
            .map(|run| run.crossing().target.edn.dnn.as_str().to_owned())
            .collect();
        if bundle.affinity == Affinity::Strong {
            all.push(assertion(
                "bundle_affinity",
                format!("Applications of {name} that relocated did so to one edge data network."),
                places.len() <= 1,
                places.into_iter().collect::<Vec<_>>().join(", "),
            ));
        }
    }
    all
}

/// The world was ready.
pub fn prepared(why_not: Option<&str>) -> Assertion {
    let text = "The application servers were there and registered.";
    assertion("prepared", text, why_not.is_none(), why_not.unwrap_or("they were"))
}

/// Everybody could leave.
pub fn left(why_not: &str) -> Assertion {
    let text = "The application servers took their registrations and subscriptions back.";
    assertion("left", text, false, why_not)
}

/// What still runs at the core network when everybody has left.
pub fn nothing_left(lives: &[String]) -> Assertion {
    let seen = match lives {
        [] => "nothing".to_owned(),
        lives => lives.join("; "),
    };
    let text = "Nothing runs at the core network when everybody has left: no watch, no steered traffic.";
    assertion("nothing_leaked", text, lives.is_empty(), seen)
}

/// What had to hold of a UE on the whole.
pub(super) fn of_ue(scenario: &Scenario, ue: usize, travelled: &Travelled, hit: &[FaultName]) -> Vec<Assertion> {
    let name = &scenario.ue[ue].eec_id;
    let mut all = Vec::new();
    if let Some(broken) = &travelled.broken {
        let text = format!("{name} went its way.");
        all.push(assertion("travelled", text, false, broken));
    }
    for (ac, replies) in &travelled.replies {
        let count = travelled.drafts.iter().filter(|draft| draft.ac == *ac).count();
        let wanted = scenario.expect.relocations.unwrap_or(scenario.crossings(ue, *ac).len());
        let ac = &scenario.ac[*ac];
        // Who is held back where it is has less far to go later on.
        let held_back = hit.iter().any(|fault| fault.ending_in(scenario) != Ending::Complete);
        let (text, held) = match wanted {
            2.. if held_back => (
                format!("{} of {name} relocated or tried to, at most {wanted} times.", ac.ac_id),
                (1..=wanted).contains(&count),
            ),
            _ => (
                format!("{} of {name} relocated {wanted} time(s).", ac.ac_id),
                count == wanted,
            ),
        };
        all.push(assertion("relocations", text, held, format!("{count}")));
        if wanted == 0 {
            let good = good(replies);
            let servers: std::collections::BTreeSet<_> = good.iter().map(|good| good.instance.as_str()).collect();
            let lost = replies.len() - good.len();
            let text = format!(
                "{name} was left alone: one server all the time, which alone holds the context, and nobody was told of a target."
            );
            let told = travelled.unasked;
            // Who was expected elsewhere and did not come was told of that.
            let alone = servers.len() == 1 && lost == 0 && (told == 0 || scenario.plan.is_some());
            let seen = format!(
                "{} server(s), {lost} request(s) lost, told {told} time(s)",
                servers.len()
            );
            all.push(assertion("left_alone", text, alone, seen));
        }
    }
    all
}

/// Where it did not relocate, the application goes on where it was.
fn stayed(run: &Run) -> Vec<Assertion> {
    let good = good(&run.replies);
    let last = good.last().map(|good| good.instance.as_str());
    let full = run.scenario.plan.is_some() && run.faults.contains(&FaultName::SeesDiskFull);
    let deaf = full || run.faults.contains(&FaultName::SeasDead);
    let allowed = run.scenario.limits.lost_requests;
    let mut all = vec![
        assertion(
            "served_where_it_was",
            format!("The application is still served by instance {:?}.", run.source),
            last == Some(run.source.as_str()),
            last.unwrap_or("nobody"),
        ),
        assertion(
            "no_request_lost",
            format!("At most {allowed} requests of the application were lost."),
            run.derived.requests > 0 && run.derived.lost_requests <= allowed,
            format!("{} of {} lost", run.derived.lost_requests, run.derived.requests),
        ),
        continuous(&good),
    ];
    let holders: Vec<_> = run.sights.holders.keys().map(|part| part.name()).collect();
    // Who does not hear that it is over keeps its copy no longer than the client needs it: nobody can tell it.
    let held = if deaf {
        holders.contains(&Part::SEas.name())
    } else {
        holders == [Part::SEas.name()]
    };
    all.push(assertion(
        "one_holder",
        "Exactly one EAS holds the application context: the S-EAS.",
        held,
        if holders.is_empty() {
            "nobody".to_owned()
        } else {
            holders.join(", ")
        },
    ));
    let by_the_eec = matches!(
        run.scenario.acr,
        AcrScenario::EecExecutedViaSourceEes | AcrScenario::EecExecutedViaTargetEes
    );
    // Whose request was refused has heard that.
    let refused = by_the_eec && !is_led(run) && !run.milestones.contains_key(&Milestone::InitAck);
    if run.ending == Ending::Failed && run.scenario.acr != AcrScenario::EecInitiated && !refused {
        let told: Vec<_> = run
            .sights
            .notified
            .iter()
            .filter_map(|notified| notified.notification.acr_status.as_ref())
            // That a copy was complete which was made beforehand is other news.
            .filter(|status| !status.acr_res || run.scenario.plan.is_none())
            .collect();
        let reasons: Vec<_> = told.iter().filter_map(|status| status.fail_reason.clone()).collect();
        let held = told.len() == 1 && told.iter().all(|status| !status.acr_res) && reasons.len() == 1;
        let seen = format!("{} came; reasons: {}", told.len(), reasons.join(", "));
        let text = "The EEC was told once that it failed, and why.";
        all.push(assertion("failure_told", text, held, seen));
    }
    all
}

fn continuous(good: &[&Good]) -> Assertion {
    let broken = good.windows(2).find(|pair| pair[1].counter != pair[0].counter + 1);
    let seen = match (broken, good.first(), good.last()) {
        (Some(pair), ..) => format!("{} was followed by {}", pair[0].counter, pair[1].counter),
        (None, Some(first), Some(last)) => format!("{} to {} without a gap", first.counter, last.counter),
        _ => "no reply".to_owned(),
    };
    assertion(
        "state_continuous",
        "The state counter in the replies never went back or skipped.",
        broken.is_none() && !good.is_empty(),
        seen,
    )
}

/// Whether it had to be prepared before the UE moved: a site that nobody finds, or a prediction that is over by the server's clock,
/// leaves nothing to prepare.
fn was_foreseen(run: &Run) -> bool {
    let hindered = [FaultName::ClockSkew, FaultName::EcsHasNoTees];
    let excused = run.facts.copied_at.is_none() && run.faults.iter().any(|fault| hindered.contains(fault));
    run.scenario.plan.is_some() && !excused
}

/// Of a relocation that was foreseen: the copy was there before the UE was, and the traffic was not.
fn planned(run: &Run) -> Vec<Assertion> {
    let moved = run.milestones.get(&Milestone::Move).copied();
    let copied = run.facts.copied_at;
    let before = matches!((copied, moved), (Some(copied), Some(moved)) if copied < moved);
    let target = run.target.as_str();
    let early = run.replies.iter().filter(|reply| Some(reply.done) < moved);
    let early = early
        .filter(|reply| reply.good.as_ref().is_some_and(|good| good.instance == target))
        .count();
    let starts = run
        .sights
        .told
        .iter()
        .filter(|told| told.status == "ACT_START" && told.eas == Part::SEas)
        .count();
    vec![
        assertion(
            "copied_before",
            "The copy was at the T-EAS before the UE was there.",
            before,
            copied.map_or("never".to_owned(), |at| format!("{:.0} ms", milliseconds(at))),
        ),
        assertion(
            "not_served_before",
            "The T-EAS served nobody before the UE was there.",
            early == 0,
            format!("{early} request(s)"),
        ),
        assertion(
            "told_twice",
            "The S-EAS was told to begin when the move was foreseen, and again when it came true.",
            starts >= 2,
            format!("{starts} order(s)"),
        ),
    ]
}

/// The application was found by its name and by nothing else, and its name led to the new server everywhere.
fn by_name(run: &Run) -> Vec<Assertion> {
    let discoveries = asked(run, "/request-discovery")
        .filter(|message| message.from == Part::Ue)
        .count();
    let led = |part: Part| {
        let roots = run.facts.named.iter().filter(move |(asked, _)| *asked == part);
        roots.map(|(_, root)| root.as_str()).collect::<Vec<_>>()
    };
    let target = run.facts.target.as_deref();
    let leads = |part| matches!(led(part).as_slice(), [root] if Some(*root) == target);
    let led = |part| match led(part).as_slice() {
        [] => "nowhere".to_owned(),
        roots => roots.join(", "),
    };
    vec![
        assertion(
            "found_by_name",
            "The UE asked for the name of its application and for nothing else; the new site led it to the T-EAS.",
            discoveries == 0 && leads(Part::TEes),
            format!("{discoveries} EAS discoveries; {}", led(Part::TEes)),
        ),
        assertion(
            "name_follows_relocation",
            "While the relocation was in force the old site led the name to the T-EAS too.",
            leads(Part::SEes),
            led(Part::SEes),
        ),
    ]
}

/// The EAS that subscribed to the location of the UE heard of every cell on its way, in order, each once.
fn located(run: &Run) -> Assertion {
    let way: Vec<_> = run
        .scenario
        .way(run.ue)
        .into_iter()
        .map(|cell| cell.nr_cell_id.as_str())
        .collect();
    // The T-EAS subscribes as soon as it has the UE, and hears where it is.
    let of_source = run.sights.located.iter().filter(|located| located.eas == Part::SEas);
    let told: Vec<_> = of_source.collect();
    let cells: Vec<_> = told.iter().map(|located| located.cell.as_str()).collect();
    let named = told.iter().all(|located| located.ue == run.ue().gpsi.as_str());
    let seen = match (cells.is_empty(), named) {
        (true, _) => "it heard of none".to_owned(),
        (false, false) => "another UE was named".to_owned(),
        (false, true) => cells.join(", "),
    };
    let text = "The S-EAS heard from the core network, through its EES, of every cell on the UE's way, in order.";
    // Who goes deaf on the way heard its beginning.
    let deaf = run.faults.contains(&FaultName::SeasDead);
    let heard = if deaf { way.starts_with(&cells) } else { cells == way };
    assertion("located", text, named && heard, seen)
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
        M::ActStart,
        M::EecCtxMoved,
        M::ActDone,
        M::FirstTReply,
        M::LastSReply,
        M::Cleaned,
    ];
    match acr {
        AcrScenario::EecInitiated => {}
        AcrScenario::EelManagedAcr => required.push(M::AcrComplete),
        _ => required.extend([M::StatusReported, M::AcrComplete]),
    }
    if *acr != AcrScenario::SourceEesExecuted {
        required.push(M::InitAck);
    }
    if is_told_of_target(acr) {
        required.push(M::TargetNotified);
    }
    required.sort();
    required
}

/// Whether the EEC hears of the target from an EES.
fn is_told_of_target(acr: &AcrScenario) -> bool {
    matches!(
        acr,
        AcrScenario::SourceEasDecided | AcrScenario::SourceEesExecuted | AcrScenario::EelManagedAcr
    )
}

fn the_end(run: &Run, held: bool) -> Assertion {
    let (text, as_wanted) = match run.wanted() {
        Ending::Complete => ("The relocation came to its end.", "it did"),
        Ending::Failed => ("The relocation failed, and that was told.", "it failed"),
        Ending::Cancelled => ("The relocation was given up.", "it was"),
        Ending::Stays => ("No relocation came of the move.", "none did"),
        Ending::Settled => ("The relocation came to an end, one or the other.", "it did"),
    };
    let seen = run.broken.clone().unwrap_or_else(|| as_wanted.to_owned());
    assertion("completed", text, held, seen)
}

fn milestones(run: &Run) -> Assertion {
    let mut required = required(&run.way());
    if run.falls_back() {
        required.retain(|milestone| *milestone != Milestone::EecCtxMoved);
    }
    if is_led(run) {
        required.retain(|milestone| !matches!(milestone, Milestone::InitAck | Milestone::EecCtxMoved));
    }
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
    let crossing = run.crossing();
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
    all.push(continuous(&good));
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
    let mut wanted = vec![
        (M::Move, M::Detected),
        (M::Decided, M::Provisioned),
        (M::Provisioned, M::TEasFound),
        (M::TEasSelected, M::ActStart),
        (M::ActStart, M::ActDone),
        (M::ActDone, M::AcrComplete),
        (M::ActDone, M::FirstTReply),
        (M::AcrComplete, M::FirstTReply),
        (M::LastSReply, M::FirstTReply),
        (M::FirstTReply, M::Cleaned),
        (M::EecCtxMoved, M::Cleaned),
    ];
    if run.scenario.plan.is_some() {
        // The search came before the move, and the copy where one could be made.
        wanted = vec![
            (M::Move, M::FirstTReply),
            (M::ActStart, M::ActDone),
            (M::FirstTReply, M::Cleaned),
        ];
    }
    if !run.faults.contains(&FaultName::NotificationLost) {
        wanted.push((M::TargetNotified, M::AcrComplete));
    }
    if run.scenario.acr != AcrScenario::EelManagedAcr && !was_foreseen(run) {
        // Who leaves a relocation to the enabler layer knows no target yet.
        wanted.push((M::TEasSelected, M::InitAck));
    }
    if run.scenario.acr == AcrScenario::SourceEasDecided {
        // The transfer is the S-EAS's own: it waits for nobody but its EES.
        wanted.push((M::InitAck, M::ActStart));
    }
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

fn asked<'a>(run: &'a Run, what: &'a str) -> impl Iterator<Item = &'a Message> {
    let good = |message: &&Message| message.status.is_some_and(|status| status < 300);
    run.messages
        .iter()
        .filter(move |message| message.path.ends_with(what))
        .filter(good)
}

fn initiations(run: &Run) -> usize {
    asked(run, "/initiate")
        .filter(|message| message.to == Part::SEes)
        .count()
}

/// How many initiations there have to be: one more where the move was foreseen, or the EEC asks twice on purpose.
fn due(run: &Run) -> usize {
    let twice = run.faults.contains(&FaultName::DuplicateInit);
    let foreseen = run
        .scenario
        .plan
        .as_ref()
        .filter(|_| was_foreseen(run))
        .map_or(0, |plan| 1 + usize::from(plan.renewed_ms.is_some()));
    1 + usize::from(twice) + foreseen
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
    let (initiations, due) = (initiations(run), due(run));
    let mut all = vec![assertion(
        "one_initiation",
        format!("The EEC asked the S-EES to relocate, {due} time(s)."),
        initiations == due,
        format!("{initiations} initiation(s)"),
    )];
    all.push(order_names(
        run,
        "act_start_names_target",
        "ACT_START went to the S-EAS and named the chosen T-EAS, the UE and the application client.",
        ("ACT_START", Part::SEas),
        run.facts.target.as_deref(),
    ));
    all.push(both_reported(run));
    all.push(one_complete(run, Part::SEes));
    all.push(implicit(run));
    all.push(report_before_complete(run, Part::SEas));
    all
}

/// Scenario C (clause 8.8.2.4).
fn by_the_source_eas(run: &Run) -> Vec<Assertion> {
    let mut all = vec![no_initiation(run)];
    let declared = asked(run, "/declare").count();
    let named = run.sights.declared.first() == run.facts.target.as_ref() && run.facts.target.is_some();
    all.push(assertion(
        "target_declared",
        "The S-EAS found a target through its EES, declared it once, and the EEC was told that one.",
        declared == 1 && named && asked(run, "/request-discovery").any(|message| message.from == Part::SEas),
        format!("{declared} declaration(s) of {}", run.sights.declared.join(", ")),
    ));
    all.push(target_whole(run));
    all.push(target_before_complete(run));
    all.push(both_reported(run));
    all.push(one_complete(run, Part::SEes));
    all.push(implicit(run));
    all.push(report_before_complete(run, Part::SEas));
    if run.scenario.core.as_ref().is_some_and(|core| core.acknowledge) && run.faults.is_empty() {
        let acknowledged = run.facts.acknowledgements;
        all.push(assertion(
            "path_acknowledged",
            "The network heard that the EAS agrees before it moved the path.",
            acknowledged > 0,
            format!("{acknowledged} acknowledgement(s)"),
        ));
    }
    all
}

/// Scenario D (clause 8.8.2.5).
fn by_the_source_ees(run: &Run) -> Vec<Assertion> {
    let mut all = vec![no_initiation(run)];
    let moved = run.milestones.get(&Milestone::Move).copied().unwrap_or_default();
    let served = run.milestones.get(&Milestone::FirstTReply).copied().unwrap_or_default();
    let provisioned = asked(run, "/eecs-serviceprovisioning/v1/request")
        .filter(|message| message.at > moved && message.at < served)
        .count();
    all.push(assertion(
        "no_provisioning",
        "The EEC did not ask the ECS for the way.",
        provisioned == 0,
        format!("{provisioned} question(s)"),
    ));
    let order = if run.sights.told.iter().any(|told| told.status == "ACR_FACILITATION") {
        "ACR_FACILITATION"
    } else {
        "ACT_START"
    };
    all.push(order_names(
        run,
        "eas_and_eec_hear_the_same",
        "The S-EAS was told the same target as the EEC.",
        (order, Part::SEas),
        run.facts.target.as_deref(),
    ));
    let arrived = run.sights.arrived.len();
    all.push(assertion(
        "one_target",
        "Exactly one T-EAS got the context.",
        arrived == 1,
        format!("{arrived} did"),
    ));
    all.push(target_whole(run));
    all.push(target_before_complete(run));
    all.push(both_reported(run));
    all.push(one_complete(run, Part::SEes));
    all.push(implicit(run));
    all
}

/// Scenario E (clause 8.8.2.6).
fn via_target_ees(run: &Run) -> Vec<Assertion> {
    let at_target = asked(run, "/initiate")
        .filter(|message| message.to == Part::TEes)
        .count();
    let (at_source, due) = (initiations(run), due(run));
    let mut all = vec![assertion(
        "one_initiation",
        format!("The EEC asked the T-EES to relocate, {due} time(s), and not the S-EES."),
        at_target == due && at_source == 0,
        format!("{at_target} at the T-EES, {at_source} at the S-EES"),
    )];
    all.push(order_names(
        run,
        "act_start_names_source",
        "ACT_START went to the T-EAS and named the S-EAS, the UE and the application client.",
        ("ACT_START", Part::TEas),
        run.facts.source.as_deref(),
    ));
    let pulled = transfers(run).all(|message| (message.from, message.to) == (Part::TEas, Part::SEas));
    let any = transfers(run).next().is_some();
    all.push(assertion(
        "pulled",
        "The T-EAS fetched the context from the S-EAS.",
        pulled && any,
        if any { "it did" } else { "nothing was transferred" },
    ));
    let asked_at = asked(run, "/initiate").next().map(|message| message.at);
    let subscribed = run
        .messages
        .iter()
        .find(|message| message.to == Part::TEes && message.operation.contains("ACR_COMPLETE"))
        .map(|message| message.at);
    all.push(assertion(
        "subscribed_before",
        "The EEC had subscribed at the T-EES before it asked.",
        matches!((subscribed, asked_at), (Some(first), Some(then)) if first < then),
        if subscribed.is_some() { "it had" } else { "it never did" },
    ));
    all.push(both_reported(run));
    all.push(one_complete(run, Part::TEes));
    all.push(report_before_complete(run, Part::TEas));
    all
}

/// Scenario F (clause 8.8.3.6).
fn by_the_enabler_layer(run: &Run) -> Vec<Assertion> {
    let sights = &run.sights;
    let mut all = vec![no_initiation(run)];
    let left = asked(run, "/request-eelacr").count();
    all.push(assertion(
        "left_to_the_ees",
        "The S-EAS left the relocation to its EES, once.",
        left == 1,
        format!("{left} time(s)"),
    ));
    let same = sights.stored.is_some() && sights.stored == sights.taken;
    let length = |bytes: &Option<Vec<u8>>| {
        bytes
            .as_ref()
            .map_or("nothing".to_owned(), |bytes| format!("{} bytes", bytes.len()))
    };
    all.push(assertion(
        "bytes_equal",
        "The T-EAS took the very bytes that the S-EAS stored.",
        same,
        format!("{} stored, {} taken", length(&sights.stored), length(&sights.taken)),
    ));
    let between = run
        .messages
        .iter()
        .filter(|message| {
            matches!(
                (message.from, message.to),
                (Part::SEas, Part::TEas) | (Part::TEas, Part::SEas)
            )
        })
        .count();
    all.push(assertion(
        "eass_do_not_meet",
        "The EASs exchanged nothing with each other.",
        between == 0,
        format!("{between} message(s)"),
    ));
    let told: Vec<_> = [Part::SEas, Part::TEas]
        .into_iter()
        .filter(|part| {
            sights
                .ended
                .iter()
                .any(|ended| ended.eas == *part && ended.result == "SUCCESSFUL")
        })
        .map(|part| part.name())
        .collect();
    all.push(assertion(
        "end_told",
        "Both EASs were told that it was successful.",
        told.len() == 2,
        told.join(", "),
    ));
    all.push(target_whole(run));
    all.push(target_before_complete(run));
    all.push(one_complete(run, Part::SEes));
    all.push(implicit(run));
    all
}

fn transfers(run: &Run) -> impl Iterator<Item = &Message> {
    run.messages
        .iter()
        .filter(|message| message.operation == "Application context transfer")
}

fn no_initiation(run: &Run) -> Assertion {
    let asked = asked(run, "/initiate").count();
    assertion(
        "no_initiation",
        "The EEC asked for no relocation.",
        asked == 0,
        format!("{asked} initiation(s)"),
    )
}

/// An order to an EAS names its peer, the UE and the application client.
fn order_names(run: &Run, id: &'static str, text: &str, (order, to): (&str, Part), peer: Option<&str>) -> Assertion {
    // Of a move that was foreseen the EAS at the other end hears by the same words.
    let foreseen = run.scenario.plan.is_some();
    let meant = |told: &&Told| told.status == order && (told.eas == to || !foreseen);
    let orders: Vec<_> = run.sights.told.iter().filter(meant).collect();
    let named = |told: &&Told| {
        told.eas == to
            && told.end_point.is_some()
            && told.end_point.as_deref() == peer
            && told.ue.as_deref() == Some(run.ue().gpsi.as_str())
            // A report of a path names no application client.
            && (order == "ACR_FACILITATION" || told.ac.as_deref() == Some(run.ac().ac_id.as_str()))
    };
    let seen = match orders.first() {
        None => format!("no {order}"),
        Some(told) => format!(
            "{} told of {}, UE {}, AC {}",
            told.eas,
            told.end_point.as_deref().unwrap_or("no EAS"),
            told.ue.as_deref().unwrap_or("none"),
            told.ac.as_deref().unwrap_or("none")
        ),
    };
    assertion(id, text, !orders.is_empty() && orders.iter().all(named), seen)
}

fn both_reported(run: &Run) -> Assertion {
    let taken = |eas: Part| {
        run.sights
            .reported
            .iter()
            .any(|report| report.eas == eas && report.taken)
    };
    let reports = [Part::SEas, Part::TEas].map(|eas| (eas, taken(eas)));
    let seen = reports
        .iter()
        .map(|(eas, taken)| format!("{eas}: {}", if *taken { "taken" } else { "no" }))
        .collect::<Vec<_>>()
        .join(", ");
    assertion(
        "both_reported",
        "Both EASs reported the transfer to their EES.",
        reports.iter().all(|(_, taken)| *taken),
        seen,
    )
}

fn completes(run: &Run) -> Vec<&crate::witness::Notified> {
    let complete = |notified: &&crate::witness::Notified| notified.notification.event_id == AcrEventIds::AcrComplete;
    run.sights.notified.iter().filter(complete).collect()
}

fn one_complete(run: &Run, from: Part) -> Assertion {
    let complete = completes(run);
    let successful = complete.iter().all(|notified| {
        let status = notified.notification.acr_status.as_ref();
        status.is_some_and(|status| status.acr_res && Some(url_of(&status.t_eas_endpoint)) == run.facts.target)
    });
    let by = complete.iter().all(|notified| notified.from == from);
    // Of a move that was foreseen the EEC hears twice: when the copy is there, and when it came true.
    let due = 1 + usize::from(was_foreseen(run));
    assertion(
        "one_acr_complete",
        format!("Exactly {due} ACR_COMPLETE came from the {from}, successful, for the chosen T-EAS."),
        complete.len() == due && successful && by,
        format!(
            "{} came{}",
            complete.len(),
            if successful && by {
                ""
            } else {
                ", not all successful, from there and for the chosen T-EAS"
            }
        ),
    )
}

fn implicit(run: &Run) -> Assertion {
    let used = run.facts.implicit_used;
    assertion(
        "implicit_registration_usable",
        "The registration that the T-EES named for the pushed context (implReg) can be used.",
        used,
        if used { "it could be changed" } else { "it was not used" },
    )
}

fn report_before_complete(run: &Run, by: Part) -> Assertion {
    let report = run
        .messages
        .iter()
        .find(|message| message.from == by && message.operation == "ACR status update");
    let complete = completes(run);
    let pair = report.zip(complete.first());
    assertion(
        "report_before_complete",
        format!("ACR_COMPLETE came after the report of the {by}."),
        pair.is_some_and(|(report, complete)| report.at < complete.at),
        pair.map_or("one of them did not come".to_owned(), |(report, complete)| {
            format!("{:.1} ms apart", milliseconds(complete.at) - milliseconds(report.at))
        }),
    )
}

fn targets_told(run: &Run) -> Vec<&crate::witness::Notified> {
    let told = |notified: &&crate::witness::Notified| notified.notification.event_id == AcrEventIds::TargetInformation;
    run.sights.notified.iter().filter(told).collect()
}

/// TARGET_INFORMATION names the T-EAS by its profile and its EES by its endpoint, and the T-EAS takes part in this way of relocation.
fn target_whole(run: &Run) -> Assertion {
    let told = targets_told(run);
    let info = told
        .first()
        .and_then(|notified| notified.notification.trgt_info.as_ref());
    let eas = info.and_then(|info| info.target_eas_info.as_ref());
    let ees = info.and_then(|info| info.target_ees_info.as_ref()?.eess.first());
    let takes_part = eas.is_some_and(|eas| eas.eas.supports(&run.scenario.acr));
    let wanted = &run.crossing().target;
    let there = ees.is_some_and(|ees| ees.end_pt.is_some() && ees.ees_id == wanted.edn.ees);
    let seen = format!(
        "{} told; EAS {}, EES {}",
        told.len(),
        eas.map_or("none".to_owned(), |eas| url_of(&eas.eas.end_pt)),
        ees.map_or("none".to_owned(), |ees| ees.ees_id.to_string())
    );
    assertion(
        "target_information_whole",
        "The EEC was told once of the T-EAS, with its profile that takes part in this way of relocation, and where its EES is.",
        told.len() == 1 && takes_part && there,
        seen,
    )
}

fn target_before_complete(run: &Run) -> Assertion {
    let (told, complete) = (targets_told(run), completes(run));
    let pair = told.first().zip(complete.first());
    assertion(
        "target_before_complete",
        "The EEC was told of the target before it was told of the end.",
        // One that got lost may be overtaken.
        pair.is_some_and(|(told, complete)| told.at < complete.at || run.faults.contains(&FaultName::NotificationLost)),
        pair.map_or("one of them did not come".to_owned(), |(told, complete)| {
            format!("{:.1} ms apart", milliseconds(complete.at) - milliseconds(told.at))
        }),
    )
}

fn contexts(run: &Run) -> Vec<Assertion> {
    let (facts, sights) = (&run.facts, &run.sights);
    let mut all = Vec::new();
    let by_the_eec = matches!(
        run.way(),
        AcrScenario::EecInitiated | AcrScenario::EecExecutedViaTargetEes
    );
    // Several applications of one UE come one after the other: what one brought the next may have changed.
    let managed = run.scenario.acr == AcrScenario::EelManagedAcr;
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
                (
                    "sessCntxs without the S-EAS",
                    by_the_eec || managed || has_the_session(facts),
                ),
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
        still == Some(false) || !facts.left_source,
        match still {
            Some(false) => "404 for the old registration",
            Some(true) => "it still had one",
            None if !facts.left_source => "another application of the UE is still there",
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
