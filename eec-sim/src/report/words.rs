//! What happened, for somebody who never read the standard.

use crate::{
    milestone::{Milestone, between},
    run::Run,
};
use edgeapp_openapi::ees_registration::AcrScenario;

/// One step of the story: when, in milliseconds since the move, and what.
pub(super) struct Told {
    /// When; absent before the move.
    pub(super) when: Option<f64>,
    /// What.
    pub(super) what: String,
}

/// Tells the story of a run, as far as it came.
pub(super) fn story(run: &Run) -> Vec<Told> {
    use Milestone as M;
    let crossing = run.crossing();
    let (old, new) = (&crossing.source.edn.site, &crossing.target.edn.site);
    let mut told = Vec::new();
    let mut before = |what: String| told.push(Told { when: None, what });
    before(format!(
        "The enabler servers (EES) of {old} and {new} had enrolled in the directory (ECS), and at each site a \
         game server (EAS) had enrolled with its enabler server."
    ));
    if run.facts.source.is_some() {
        before(format!(
            "The enabler client (EEC) on the device asked the directory who serves it here, enrolled at {old}, and was told where the \
             game runs. The game started: one numbered request every {} ms, each answer with the state of the game behind it.",
            run.ac().period_ms
        ));
    }
    let eec_does_it = run.scenario.acr == AcrScenario::EecInitiated;
    let initiated = if eec_does_it {
        format!(
            "The device told the enabler server of {old} that the game relocates. It asked it not to involve the game servers."
        )
    } else {
        format!(
            "The device asked the enabler server of {old} to relocate the game. That server accepted and took over from there."
        )
    };
    let start = if eec_does_it {
        "The game itself asked its old server to hand its state over.".to_owned()
    } else {
        "The enabler server told the old game server to hand the state over, and to whom.".to_owned()
    };
    let context = if eec_does_it {
        format!(
            "The device enrolled at {new} and said where it had been. The enabler server there fetched what the old one knew of it."
        )
    } else {
        format!(
            "By now the enabler server of {old} had sent what it knew of the device to {new}, which added it to the enrolment there."
        )
    };
    let mirrored = match run.sights.mirrored {
        0 => String::new(),
        1 => " One later change was carried over as well.".to_owned(),
        n => format!(" {n} later changes were carried over as well, so that either server could answer."),
    };
    let steps = [
        (
            M::Move,
            format!("The device crossed the border: {old} no longer serves it."),
        ),
        (
            M::Detected,
            "The enabler client on the device noticed the new cell and decided that the game has to move.".to_owned(),
        ),
        (
            M::Provisioned,
            format!("The directory named the enabler server of {new}."),
        ),
        (
            M::TEasFound,
            if eec_does_it {
                format!("That server told where the game runs at {new}; the device chose it.")
            } else {
                format!("The device enrolled at {new} and was told where the game runs there; it chose that server.")
            },
        ),
        (M::InitAck, initiated),
        (M::ActStart, start),
        (
            M::ActDone,
            format!("The state of the game arrived at the new server.{mirrored}"),
        ),
        (
            M::StatusReported,
            "Both game servers had reported to their enabler servers that the state moved.".to_owned(),
        ),
        (M::EecCtxMoved, context),
        (
            M::AcrComplete,
            "The device was told that the relocation is complete.".to_owned(),
        ),
        (
            M::FirstTReply,
            format!("The first answer came from {new}. The game went on where it was."),
        ),
        (
            M::Cleaned,
            format!("The device had left {old}: no enrolment and no game state of it remained there."),
        ),
    ];
    let mut steps: Vec<_> = steps
        .into_iter()
        .filter_map(|(milestone, what)| {
            Some(Told {
                when: Some(between(&run.milestones, M::Move, milestone)?),
                what,
            })
        })
        .collect();
    steps.sort_by(|a, b| a.when.unwrap_or_default().total_cmp(&b.when.unwrap_or_default()));
    told.extend(steps);
    if let Some(broken) = &run.broken {
        told.push(Told {
            when: None,
            what: format!("Here it ended: {broken}."),
        });
    }
    told
}

/// Words of the standard, and what they mean.
pub(super) const GLOSSARY: [(&str, &str); 10] = [
    ("UE", "The device: a phone, a car, a machine."),
    (
        "AC",
        "Application client: the part of an application on the device. Here a game.",
    ),
    (
        "EEC",
        "Edge Enabler Client: finds servers near the device on behalf of its applications.",
    ),
    (
        "EAS",
        "Edge Application Server: the part of the application at an edge site.",
    ),
    (
        "EES",
        "Edge Enabler Server: knows the application servers of one edge site and helps to relocate applications.",
    ),
    (
        "ECS",
        "Edge Configuration Server: the directory; knows which enabler server serves which place.",
    ),
    (
        "S- and T-",
        "Source and target: the site that is left, and the one that is entered.",
    ),
    (
        "EDGE-1 … EDGE-9",
        "The kinds of connections between these parties, as 3GPP TS 23.558 numbers them.",
    ),
    ("ACR", "Application context relocation: what is shown here."),
    (
        "Context",
        "What a server has to know to go on: the state of the game, or the enrolment of the device.",
    ),
];
