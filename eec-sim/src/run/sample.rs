//! A good run, for tests of what is made of runs.

use super::{Facts, Run, effects, verdict};
use crate::{
    milestone::{Good, Milestone, Reply, derive},
    record::{Message, Part, Seen},
    scenario::{Ending, Scenario, shipped},
    witness::{Arrived, Located, Notified, Reported, Sights, Told},
};
use edgeapp_openapi::{eec_context_relocation::EecContext, ees_registration::AcrScenario};
use serde_json::json;
use std::time::Duration;

const SOURCE: &str = "https://127.0.0.1:1001";
const TARGET: &str = "https://127.0.0.1:1002";

fn ms(time: u64) -> Duration {
    Duration::from_millis(time)
}

fn message(
    at: u64,
    (from, to): (Part, Part),
    point: &'static str,
    operation: &str,
    path: &str,
    status: u16,
) -> Message {
    Message {
        at: ms(at),
        took: ms(2),
        from,
        to,
        point,
        operation: operation.to_owned(),
        method: "POST".to_owned(),
        path: path.to_owned(),
        status: Some(status),
        error: None,
        seen: Seen::AtAnEnd,
    }
}

/// A good run of scenario A (0), B (1), or A with a core network (2).
pub(crate) fn good(index: usize) -> Run {
    good_run(["a-eec-initiated", "b-eec-executed-via-s-ees", "located"][index])
}

/// A shipped scenario as it goes when all is well. The move is at 1000 ms, the switch at 1080 ms.
fn good_run(name: &str) -> Run {
    use Milestone as M;
    let scenario = Scenario::parse(shipped(name).unwrap().text, name).unwrap();
    let by_ees = scenario.acr == AcrScenario::EecExecutedViaSourceEes;
    let mut milestones: Vec<_> = [
        (M::Move, 1000),
        (M::Detected, 1030),
        (M::Decided, 1030),
        (M::Provisioned, 1034),
        (M::EecCtxMoved, 1040),
        (M::TEasFound, 1045),
        (M::TEasSelected, 1045),
        (M::InitAck, 1050),
        (M::ActStart, 1055),
        (M::ActDone, 1058),
        (M::LastSReply, 1061),
        (M::FirstTReply, 1081),
        (M::Cleaned, 1090),
    ]
    .into();
    if by_ees {
        milestones.extend([(M::StatusReported, 1064), (M::AcrComplete, 1070)]);
    }
    let milestones = milestones
        .into_iter()
        .map(|(milestone, at)| (milestone, ms(at)))
        .collect();
    let replies: Vec<_> = (1..=100)
        .map(|number| {
            let instance = if number <= 53 { "a" } else { "b" }.to_owned();
            let sent = number * 20;
            Reply {
                number,
                sent: ms(sent),
                done: ms(sent + 1),
                good: Some(Good {
                    instance,
                    counter: number,
                }),
            }
        })
        .collect();
    let mut messages = vec![
        message(
            10,
            (Part::SEas, Part::SEes),
            "EDGE-3",
            "EAS registration",
            "/eees-easregistration/v1/registrations",
            201,
        ),
        message(
            1031,
            (Part::Ue, Part::Ecs),
            "EDGE-4",
            "Service provisioning",
            "/eecs-serviceprovisioning/v1/request",
            200,
        ),
        message(
            1035,
            (Part::Ue, Part::TEes),
            "EDGE-1",
            "EEC registration",
            "/eees-eecregistration/v1/registrations",
            201,
        ),
        message(
            1047,
            (Part::Ue, Part::SEes),
            "EDGE-1",
            "ACR initiation",
            "/eees-appctxtreloc/v1/initiate",
            204,
        ),
        message(
            1056,
            (Part::SEas, Part::TEas),
            "app",
            "Application context transfer",
            "/sessions/ue",
            204,
        ),
    ];
    let mut sights = Sights {
        made: Some("00ff".to_owned()),
        mirrored: 1,
        ..Sights::default()
    };
    sights.arrived.push(Arrived {
        at: ms(1058),
        eas: Part::TEas,
        origin: "00ff".to_owned(),
    });
    sights.holders.insert(Part::TEas, "00ff".to_owned());
    if scenario.core.is_some() {
        for (at, cell) in [10, 500, 1001].into_iter().zip(scenario.way(0)) {
            let operation = format!("Notification: UE in cell {}", cell.nr_cell_id);
            messages.push(message(
                at,
                (Part::Nef, Part::SEes),
                "EDGE-2",
                &operation,
                "/edge2/reports/…",
                204,
            ));
            messages.push(message(
                at + 1,
                (Part::SEes, Part::SEas),
                "EDGE-3",
                &operation,
                "/locations",
                204,
            ));
            sights.located.push(Located {
                at: ms(at + 1),
                eas: Part::SEas,
                ue: scenario.ue[0].gpsi.to_string(),
                cell: cell.nr_cell_id.to_string(),
            });
        }
    }
    if by_ees {
        sights.told.push(Told {
            at: ms(1055),
            eas: Part::SEas,
            status: "ACT_START".to_owned(),
            end_point: Some(TARGET.to_owned()),
            ue: Some(scenario.ue[0].gpsi.to_string()),
            ac: Some(scenario.ac[0].ac_id.to_string()),
        });
        for eas in [Part::SEas, Part::TEas] {
            sights.reported.push(Reported {
                at: ms(1064),
                eas,
                taken: true,
            });
        }
        let status = "/eees-acrstatus-update/v1/request-acrupdate";
        messages.push(message(
            1060,
            (Part::SEas, Part::SEes),
            "EDGE-3",
            "ACR status update",
            status,
            204,
        ));
        let notification = serde_json::from_value(json!({
            "subId": "s-1", "easId": scenario.ac[0].eas_id, "eventId": "ACR_COMPLETE",
            "acrStatus": {"acrRes": true, "tEasEndpoint": {"uri": TARGET}}, "eecCtxtReloc": {"implReg": {"regId": "r-1"}},
        }));
        sights.notified.push(Notified {
            at: ms(1070),
            from: Part::SEes,
            notification: notification.unwrap(),
        });
    }
    let known = |sessions: Option<&str>| -> Option<EecContext> {
        let mut known = json!({"eecId": scenario.ue[0].eec_id, "ueId": scenario.ue[0].gpsi, "acProfs": [{"acId": "ac.chess"}], "cntxId": "c-1"});
        if let Some(end_point) = sessions {
            known["sessCntxs"] = json!({"sessCntxs": [{"easId": scenario.ac[0].eas_id, "endPt": {"uri": end_point}}]});
        }
        serde_json::from_value(known).ok()
    };
    let facts = Facts {
        source: Some(SOURCE.to_owned()),
        target: Some(TARGET.to_owned()),
        target_ees: Some("ees-b.example".to_owned()),
        at_source: known(None),
        at_target: known(Some(SOURCE)),
        implicit_used: by_ees,
        still_at_source: Some(false),
        left_source: true,
        ..Facts::default()
    };
    let derived = derive(&milestones, &replies, scenario.ac[0].period());
    let began = "2026-01-02T03:04:05Z".parse().unwrap();
    let mut run = Run {
        scenario: std::sync::Arc::new(scenario),
        ue: 0,
        ac: 0,
        number: 0,
        source: "a".to_owned(),
        target: "b".to_owned(),
        stay: 2,
        began,
        milestones,
        messages,
        replies,
        derived,
        sights,
        facts,
        ending: Ending::Complete,
        faults: Vec::new(),
        broken: None,
        assertions: Vec::new(),
    };
    run.messages.extend(effects::traces(&run));
    run.messages.sort_by_key(|message| message.at);
    run.assertions = verdict::judge(&run);
    run
}
