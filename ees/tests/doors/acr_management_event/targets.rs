//! `ACR_MONITORING` and `ACR_FACILITATION` (TS 23.558 clause 8.6.3.1): EASs that a relocation may go to.

use super::site::*;
use crate::{
    harness::{Doors, Settings},
    scene::{
        ACR_EVENTS, ACR_MANAGEMENT, ACR_STATUS, EAS_HEARS, EEC_HEARS, REGISTRATIONS, SOURCE, T_EES, TARGET, id_of,
        player,
    },
};
use edgeapp_core::{
    consent::Purpose,
    network::{Target, Verdict},
    notifier::NotDelivered,
};
use edgeapp_ees_domain::peers::PeerError;
use edgeapp_openapi::common::DnaiChangeType;
use edgeapp_testkit::network::FakeCore;
use serde_json::{Value, json};
use std::sync::Arc;

const NEIGHBOUR: &str = "eas.chess.example#b1";

/// The neighbour's EES has a chess EAS behind `dnai-b`, one that is not ours, and one more.
fn elsewhere(doors: &Doors) {
    doors.others.answer(
        "target-ees",
        json!({"ednCnfgInfo": [{"ednConInfo": {"dnn": "edge-b"},
            "eess": [{"eesId": T_EES, "endPt": {"uri": "https://ees-b.example"}, "eecRegConf": true}]}]}),
    );
    let eas =
        |id: &str, host: &str| json!({"eas": {"easId": id, "endPt": {"fqdn": host}, "appLocs": [place("dnai-b")]}});
    doors.others.answer(
        "discover",
        json!({"discoveredEas": [eas("eas.go.example", "go.example"), eas("eas.chess.example", SOURCE),
            eas("eas.chess.example", TARGET), eas("eas.chess.example", "chess-2.edge-b.example")]}),
    );
}

fn targets(heard: &[Value]) -> Vec<&str> {
    heard
        .iter()
        .map(|told| told["easEndPoint"]["fqdn"].as_str().unwrap_or_default())
        .collect()
}

mod monitoring {
    use super::*;

    /// One report for each EAS that sits where the path leads, found by the one selection; `easChars` count.
    #[tokio::test]
    async fn candidates_here_are_told_one_by_one() {
        let (doors, core) = site().await;
        register(&doors, NEIGHBOUR, TARGET, "dnai-b").await;
        register(&doors, "eas.chess.example#b2", "chess-2.edge-b.example", "dnai-b").await;
        register(&doors, "eas.chess.example#c1", "chess.edge-c.example", "dnai-c").await;
        let uri = subscribe(&doors, one("ACR_MONITORING", json!({}))).await;
        assert_eq!(paths(&core)[0].1.report, Some(DnaiChangeType::Early));
        moves(&doors, &core, "EARLY", AWAY, false).await;
        let heard_now = heard(&doors).await;
        assert_eq!(targets(&heard_now), [TARGET, "chess-2.edge-b.example"]);
        let mut expected = told("ACR_MONITORING", "EARLY", AWAY);
        expected["easEndPoint"] = json!({"fqdn": TARGET});
        assert_eq!(heard_now[0], expected);
        assert!(doors.others.asked().is_empty(), "who has it here asks nobody else");
        let chars = json!({"eventSubscs": [{"event": "ACR_MONITORING", "tgtUeId": {"gpsi": UE},
            "easChars": [{"easProvId": "somebody-else"}]}]});
        doors.eas(EAS).patch(&uri, chars).await.found();
        moves(&doors, &core, "EARLY", AWAY, false).await;
        let heard = heard(&doors).await;
        assert_eq!(targets(&heard), [""], "the change is told all the same");
    }

    /// Beyond, the ECS names EESs and those offer EASs; the EAS itself and other applications are none.
    #[tokio::test]
    async fn candidates_are_sought_at_other_eess_behind_the_dnai() {
        let (doors, core) = site().await;
        elsewhere(&doors);
        subscribe(&doors, one("ACR_MONITORING", json!({}))).await;
        moves(&doors, &core, "EARLY", AWAY, false).await;
        assert_eq!(targets(&heard(&doors).await), [TARGET, "chess-2.edge-b.example"]);
        let asked = doors.others.asked();
        assert_eq!(asked[0].body["target-dnai"], "dnai-b");
        assert_eq!(
            (asked[1].of.as_str(), &asked[1].body["easTDnai"]),
            (T_EES, &json!("dnai-b"))
        );
    }

    /// The other EASs of a bundle are named with what is known of them.
    #[tokio::test]
    async fn the_other_eass_of_a_bundle_are_named() {
        let (doors, core) = site().await;
        let mut registration = chess_behind(TARGET, "dnai-b");
        registration["easProf"]["easBdlInfos"] =
            json!([{"bdlType": "DIRECT", "easIdsList": ["eas.chess.example", "eas.chat.example"]}]);
        let registrations = "/eees-easregistration/v1/registrations";
        doors.eas(NEIGHBOUR).post(registrations, registration).await.created();
        let mut chat = chess_behind("chat.edge-b.example", "dnai-b");
        chat["easProf"]["easId"] = "eas.chat.example".into();
        doors
            .eas("eas.chat.example#1")
            .post(registrations, chat)
            .await
            .created();
        subscribe(&doors, one("ACR_MONITORING", json!({}))).await;
        moves(&doors, &core, "EARLY", AWAY, false).await;
        assert_eq!(
            heard(&doors).await[0]["easInBdlInfoList"],
            json!([{"easId": "eas.chat.example", "dnais": ["dnai-b"]}])
        );
    }

    /// A path that leads to where the EAS is already asks for no relocation.
    #[tokio::test]
    async fn a_path_to_the_eas_itself_is_not_told() {
        let (doors, core) = site().await;
        register(&doors, NEIGHBOUR, TARGET, "dnai-a").await;
        subscribe(&doors, one("ACR_MONITORING", json!({}))).await;
        moves(&doors, &core, "EARLY", ("dnai-b", "dnai-a"), false).await;
        assert_eq!(heard(&doors).await, [] as [Value; 0]);
    }

    /// An ECS that is away for a moment is asked again.
    #[tokio::test]
    async fn an_ecs_that_is_away_does_not_keep_the_change_from_being_told() {
        let (doors, core) = site().await;
        doors
            .others
            .fail("target-ees", PeerError::Unreachable("time-out".to_owned()));
        subscribe(&doors, one("ACR_MONITORING", json!({}))).await;
        moves(&doors, &core, "EARLY", AWAY, false).await;
        assert_eq!(targets(&heard(&doors).await), [""]);
        assert_eq!(doors.others.asked().len(), 3);
    }
}

mod facilitation {
    use super::*;

    /// The neighbour is registered here, an EEC of the UE too, which hears of its target.
    async fn scene() -> (Doors, Arc<FakeCore>) {
        let (doors, core) = site().await;
        register(&doors, NEIGHBOUR, TARGET, "dnai-b").await;
        (doors, core)
    }

    /// The EES decides: the EAS is told whom it relocates to, the traffic goes there, and what the EAS reports completes it.
    #[tokio::test]
    async fn the_ees_selects_a_target_and_steers_the_traffic_to_it() {
        let (doors, core) = scene().await;
        let uri = subscribe(&doors, one("ACR_FACILITATION", json!({}))).await;
        moves(&doors, &core, "EARLY", AWAY, false).await;
        let heard_now = heard(&doors).await;
        let mut expected = told("ACR_FACILITATION", "EARLY", AWAY);
        expected["easEndPoint"] = json!({"fqdn": TARGET});
        assert_eq!(heard_now, [expected]);
        let influence = paths(&core)
            .into_iter()
            .find(|(_, path)| path.report.is_none())
            .unwrap()
            .1;
        assert_eq!(influence.target, Target::Ue(UE.parse().unwrap()));
        assert_eq!(
            serde_json::to_value(&influence.routes).unwrap(),
            json!([place("dnai-b")])
        );
        assert_eq!(doors.keys("acr/").await.len(), 1);
        // The network tells the same again while the relocation runs: nothing is told twice.
        moves(&doors, &core, "EARLY", AWAY, false).await;
        assert_eq!(heard(&doors).await, [] as [Value; 0]);
        let done = json!({"easId": "eas.chess.example",
            "actResultInfo": {"actResult": "SUCCESSFUL", "ueId": UE, "easEndPoint": {"fqdn": TARGET}}});
        doors.eas(EAS).post(ACR_STATUS, done).await.done();
        doors.settled().await;
        assert_eq!(paths(&core).len(), 2, "the traffic stays there");
        doors.eas(EAS).delete(&uri).await.done();
        doors.settled().await;
        assert_eq!(core.runs(), []);
    }

    /// The EEC of the UE hears of the target, and its context goes to the T-EES (TS 23.558 clause 8.8.2.5).
    #[tokio::test]
    async fn the_eec_hears_of_the_target_and_its_context_moves() {
        let (doors, core) = site().await;
        elsewhere(&doors);
        doors.others.answer("push", json!({}));
        let ue = "msisdn-491700000001";
        doors.agreements.agree(ue, Purpose::Location);
        let eec = doors.eec("eec-1");
        let request = json!({"eecId": "eec-1", "ueId": ue, "acProfs": [player()]});
        eec.post(REGISTRATIONS, request).await.created();
        let request = json!({"eecId": "eec-1", "easIds": ["eas.chess.example"], "eventIds": "TARGET_INFORMATION",
            "notificationDestination": EEC_HEARS});
        let hears = eec.post(ACR_EVENTS, request).await.created();
        subscribe(
            &doors,
            of(json!([{"event": "ACR_FACILITATION", "tgtUeId": {"gpsi": ue}}])),
        )
        .await;
        moves(&doors, &core, "EARLY", AWAY, false).await;
        doors.settled().await;
        let told = doors.subscribers.told();
        let to_eec = &told.iter().find(|told| told.at == EEC_HEARS).unwrap().body;
        assert_eq!(to_eec["subId"], id_of(&hears));
        assert_eq!(to_eec["trgtInfo"]["trgetEASInfo"]["eas"]["endPt"]["fqdn"], TARGET);
        assert_eq!(to_eec["trgtInfo"]["trgetEESInfo"]["eess"][0]["eesId"], T_EES);
        assert_eq!(told.iter().filter(|told| told.at == EAS_HEARS).count(), 1);
        assert!(doors.others.asked().iter().any(|asked| asked.what == "push"));
    }

    /// Chess and go belong together, and are both here behind `dnai-a`; chess is behind `dnai-b` too, and go where it says so.
    async fn bundled(failure: &str, go_is_there: bool) -> (Doors, Arc<FakeCore>) {
        let core = Arc::new(FakeCore::default());
        let settings = Settings {
            core: core.clone(),
            ..Settings::default()
        };
        let doors = Doors::with(settings).await;
        doors.agreements.agree(UE, Purpose::Location);
        let sites = [
            (EAS, SOURCE, "dnai-a"),
            ("eas.go.example#a1", "go.edge-a.example", "dnai-a"),
            (NEIGHBOUR, TARGET, "dnai-b"),
            ("eas.go.example#b1", "go.edge-b.example", "dnai-b"),
        ];
        for (who, host, dnai) in &sites[..if go_is_there { 4 } else { 3 }] {
            let mut registration = chess_behind(host, dnai);
            registration["easProf"]["easId"] = who.split('#').next().unwrap().into();
            registration["easProf"]["easBdlInfos"] = json!([{"bdlType": "DIRECT", "bdlId": "chess-and-go",
                "easIdsList": ["eas.chess.example", "eas.go.example"],
                "easBdlReqs": {"coordinatedAcr": {"coordinatedAcrInd": true, "failureAction": failure}}}]);
            let registrations = "/eees-easregistration/v1/registrations";
            doors.eas(who).post(registrations, registration).await.created();
        }
        let orders = json!({"easId": "eas.go.example", "eventSubscs": [{"event": "ACT_START_STOP"}],
            "notificationDestination": GO_HEARS});
        doors
            .eas("eas.go.example#a1")
            .post(ACR_MANAGEMENT, orders)
            .await
            .created();
        subscribe(&doors, one("ACR_FACILITATION", json!({}))).await;
        (doors, core)
    }

    const GO_HEARS: &str = "https://go.edge-a.example/acr";

    /// What belongs together follows the path together: the one that is told and the one that is ordered (TS 23.558 clause 8.8.2.9).
    #[tokio::test]
    async fn a_bundle_follows_the_path_as_one() {
        let (doors, core) = bundled("CANCEL", true).await;
        moves(&doors, &core, "EARLY", AWAY, false).await;
        doors.settled().await;
        let told = doors.subscribers.told();
        let at = |place: &str| told.iter().filter(|told| told.at == place).collect::<Vec<_>>();
        let [facilitated] = at(EAS_HEARS)[..] else {
            panic!("{told:?}")
        };
        let report = &facilitated.body["eventReports"][0];
        assert_eq!(
            (&report["event"], &report["easEndPoint"]["fqdn"]),
            (&json!("ACR_FACILITATION"), &json!(TARGET))
        );
        let [ordered] = at(GO_HEARS)[..] else {
            panic!("{told:?}")
        };
        let report = &ordered.body["eventReports"][0];
        assert_eq!(
            (&report["actStatus"], &report["easEndPoint"]["fqdn"]),
            (&json!("ACT_START"), &json!("go.edge-b.example"))
        );
        assert_eq!(doors.keys("acr/").await.len(), 2);
        // One that fails calls off the other, and nothing is steered any more.
        let failed = json!({"easId": "eas.go.example",
            "actResultInfo": {"actResult": "FAILED", "ueId": UE, "easEndPoint": {"fqdn": "go.edge-b.example"}}});
        doors.eas("eas.go.example#a1").post(ACR_STATUS, failed).await.done();
        doors.settled().await;
        assert_eq!(paths(&core).len(), 1, "the watch");
    }

    /// One that is not where the path leads keeps the other, or stays alone.
    #[tokio::test]
    async fn a_member_that_is_not_there_keeps_the_bundle_or_stays() {
        for (failure, relocations) in [("CANCEL", 0), ("PROCEED", 1)] {
            let (doors, core) = bundled(failure, false).await;
            moves(&doors, &core, "EARLY", AWAY, false).await;
            doors.settled().await;
            assert_eq!(doors.keys("acr/").await.len(), relocations, "{failure}");
            assert_eq!(doors.subscribers.told().len(), relocations, "{failure}");
        }
    }

    /// With nobody to relocate to nothing happens, and nothing is told.
    #[tokio::test]
    async fn without_a_target_nothing_happens() {
        let (doors, core) = site().await;
        subscribe(&doors, one("ACR_FACILITATION", json!({}))).await;
        moves(&doors, &core, "EARLY", AWAY, false).await;
        assert_eq!(heard(&doors).await, [] as [Value; 0]);
        assert_eq!((doors.keys("acr/").await.len(), core.runs().len()), (0, 1));
    }

    /// The EAS is asked first (`easAckSvcCont`): its no keeps everything as it is, and the core hears it.
    #[tokio::test]
    async fn an_eas_that_rejects_keeps_everything_as_it_is() {
        for (answer, verdict, relocations) in [("REJECTED", Verdict::Rejected, 0), ("ACCEPTED", Verdict::Accepted, 1)] {
            let (doors, core) = scene().await;
            subscribe(&doors, one("ACR_FACILITATION", json!({"easAckSvcCont": true}))).await;
            assert!(paths(&core)[0].1.acknowledged);
            doors.subscribers.answer(EAS_HEARS, json!({"resCode": answer}));
            moves(&doors, &core, "EARLY", AWAY, true).await;
            assert_eq!(targets(&heard(&doors).await), [TARGET], "asked once");
            assert_eq!(
                core.acknowledged().iter().map(|(_, said)| *said).collect::<Vec<_>>(),
                [verdict]
            );
            assert_eq!(
                (doors.keys("acr/").await.len(), core.runs().len()),
                (relocations, 1 + relocations)
            );
        }
    }

    /// A relocation that fails steers no traffic any more; one whose EAS cannot be told has failed.
    #[tokio::test]
    async fn a_failed_relocation_gives_the_traffic_back() {
        let (doors, core) = scene().await;
        subscribe(&doors, one("ACR_FACILITATION", json!({}))).await;
        moves(&doors, &core, "EARLY", AWAY, false).await;
        doors.settled().await;
        assert_eq!(paths(&core).len(), 2);
        let failed = json!({"easId": "eas.chess.example",
            "actResultInfo": {"actResult": "FAILED", "ueId": UE, "easEndPoint": {"fqdn": TARGET}}});
        doors.eas(EAS).post(ACR_STATUS, failed).await.done();
        doors.settled().await;
        assert_eq!(paths(&core).len(), 1);
        doors.subscribers.refuse(EAS_HEARS, NotDelivered::Refused(403));
        moves(&doors, &core, "EARLY", AWAY, false).await;
        doors.settled().await;
        assert_eq!(paths(&core).len(), 1);
    }

    /// The path leads back to the EAS: its traffic is not steered away any more.
    #[tokio::test]
    async fn a_path_that_leads_back_ends_the_steering() {
        let (doors, core) = scene().await;
        subscribe(&doors, one("ACR_FACILITATION", json!({}))).await;
        moves(&doors, &core, "EARLY", AWAY, false).await;
        doors.settled().await;
        assert_eq!(paths(&core).len(), 2);
        moves(&doors, &core, "EARLY", ("dnai-b", "dnai-a"), false).await;
        assert_eq!(targets(&heard(&doors).await), [TARGET], "of the way there only");
        assert_eq!(paths(&core).len(), 1);
    }

    /// A core that does not steer does not keep the relocation from going on.
    #[tokio::test]
    async fn without_routes_the_relocation_goes_on() {
        let core = Arc::new(FakeCore::default());
        let doors = Doors::with(Settings {
            core: core.clone(),
            ..Settings::default()
        })
        .await;
        register(&doors, EAS, SOURCE, "dnai-a").await;
        doors.agreements.agree(UE, Purpose::Location);
        elsewhere(&doors);
        let bare = json!({"discoveredEas": [{"eas": {"easId": "eas.chess.example", "endPt": {"fqdn": TARGET}}}]});
        doors.others.answer("discover", bare);
        subscribe(&doors, one("ACR_FACILITATION", json!({}))).await;
        moves(&doors, &core, "EARLY", AWAY, false).await;
        assert_eq!(targets(&heard(&doors).await), [TARGET]);
        assert_eq!(core.runs().len(), 1);
    }
}
