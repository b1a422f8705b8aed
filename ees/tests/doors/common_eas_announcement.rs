//! Eees_CommonEASAnnouncement (TS 29.558 clauses 5.14 and 8.11), both ends, and what becomes of the EAS that was agreed on.

use crate::{
    harness::{Doors, OWN_ID, ROOT, Settings},
    scene::{T_EES, chess, register_eas},
};
use edgeapp_ees_domain::{
    common_eas::{Agreement, CommonEasPolicy},
    peers::PeerError,
};
use serde_json::{Value, json};

const DECLARE: &str = "/eees-cea/v1/declare";
const DISCOVERY: &str = "/eees-easdiscovery/v1/eas-profiles/request-discovery";
const CHESS: &str = "eas.chess.example";
const GROUP: &str = "team-1";
const THIRD: &str = "ees-c.example";

/// What an EES announces: the EAS at this host.
fn announcement(ees: &str, host: &str) -> Value {
    json!({"requestorId": ees, "requestorEndPt": {"uri": "https://ees-b.example"}, "easId": CHESS, "easEndPt": {"fqdn": host},
        "appGrpId": GROUP})
}

/// A question for the EAS of the group.
fn question() -> Value {
    json!({"requestorId": {"eecId": "registered-1"},
        "easDiscoveryFilter": {"appGroupProfile": {"appGrpId": GROUP, "easId": CHESS}}})
}

/// The same, with the choice left to the EES.
fn choose() -> Value {
    let mut question = question();
    question["easSelSupInd"] = json!(true);
    question
}

/// Where the EASs are that an EEC finds.
async fn found(doors: &Doors, question: Value) -> Vec<String> {
    let answer = doors.eec("registered-1").post(DISCOVERY, question).await;
    if answer.status == 404 {
        return Vec::new();
    }
    let host = |found: &Value| found["eas"]["endPt"]["fqdn"].as_str().unwrap().to_owned();
    answer.found()["discoveredEas"]
        .as_array()
        .unwrap()
        .iter()
        .map(host)
        .collect()
}

async fn agreeing(common_eas: CommonEasPolicy) -> Doors {
    let doors = Doors::with(Settings {
        common_eas,
        ..Settings::default()
    })
    .await;
    for (instance, host) in [("a1", "a.example"), ("a2", "b.example")] {
        register_eas(&doors.eas(&format!("{CHESS}#{instance}")), host).await;
    }
    doors
}

/// Who was told of which host.
fn announced(doors: &Doors) -> Vec<(String, String)> {
    let asked = doors
        .others
        .asked()
        .into_iter()
        .filter(|asked| asked.what == "announce");
    let mut told: Vec<_> = asked
        .map(|asked| (asked.of, asked.body["easEndPt"]["fqdn"].as_str().unwrap().to_owned()))
        .collect();
    told.sort();
    told
}

fn pair(ees: &str, host: &str) -> (String, String) {
    (ees.to_owned(), host.to_owned())
}

mod declared {
    use super::*;

    /// Annex E of TS 23.558: EECs of the group that look for the application are led to the EAS that was announced.
    #[tokio::test]
    async fn the_group_finds_the_eas_that_was_announced() {
        let doors = agreeing(CommonEasPolicy::default()).await;
        doors
            .ees(T_EES)
            .post(DECLARE, announcement(T_EES, "t.example"))
            .await
            .done();
        let answer = doors.eec("registered-1").post(DISCOVERY, question()).await.found();
        let expected = json!([{"eas": {"easId": CHESS, "endPt": {"fqdn": "t.example"}},
            "eesEndPt": {"uri": "https://ees-b.example"}}]);
        assert_eq!(answer["discoveredEas"], expected);
        let described = json!({"requestorId": {"eecId": "registered-1"},
            "easDiscoveryFilter": {"easChars": [{"easId": CHESS, "appGrpId": GROUP}]}});
        assert_eq!(found(&doors, described).await, ["t.example"]);
        // Others find what is here.
        let mut other = question();
        other["easDiscoveryFilter"]["appGroupProfile"]["appGrpId"] = json!("team-2");
        assert_eq!(found(&doors, other).await, ["a.example", "b.example"]);
    }

    /// An EAS that is registered here is told of with all that it registered.
    #[tokio::test]
    async fn an_eas_that_is_registered_here_is_told_of_as_a_whole() {
        let doors = agreeing(CommonEasPolicy::default()).await;
        doors
            .ees(T_EES)
            .post(DECLARE, announcement(T_EES, "b.example"))
            .await
            .done();
        let answer = doors.eec("registered-1").post(DISCOVERY, question()).await.found();
        let expected = chess("b.example")["easProf"].clone();
        assert_eq!(
            (&answer["discoveredEas"][0]["eas"], answer["discoveredEas"][1].is_null()),
            (&expected, true)
        );
    }

    /// The first counts; the EES that announced it may announce another, and the same again is no conflict.
    #[tokio::test]
    async fn another_eas_of_another_ees_is_refused() {
        let doors = agreeing(CommonEasPolicy::default()).await;
        let (ees, third) = (doors.ees(T_EES), doors.ees(THIRD));
        ees.post(DECLARE, announcement(T_EES, "t.example")).await.done();
        let late = third.post(DECLARE, announcement(THIRD, "u.example")).await;
        late.refused(403, "COMMON_EAS_EXISTS", "");
        third.post(DECLARE, announcement(THIRD, "t.example")).await.done();
        ees.post(DECLARE, announcement(T_EES, "v.example")).await.done();
        assert_eq!(found(&doors, question()).await, ["v.example"]);
    }

    /// Clause 5.14.2.2: an EES speaks for itself, and EECs do not announce.
    #[tokio::test]
    async fn who_speaks_for_another_ees_is_refused() {
        let doors = Doors::open().await;
        let answer = doors.ees(THIRD).post(DECLARE, announcement(T_EES, "t.example")).await;
        answer.refused(403, "OWNER_MISMATCH", "/requestorId");
        let eec = doors.caller(
            edgeapp_core::authorizer::ReferencePoint::Edge9,
            &["urn:edgeapp:eec:eec-1"],
        );
        let answer = eec.post(DECLARE, announcement(T_EES, "t.example")).await;
        answer.refused(403, "UNAUTHORIZED", "");
        assert!(doors.keys("").await.is_empty());
    }

    /// Each mandatory member, and an endpoint that is none.
    #[tokio::test]
    async fn bad_messages_are_refused() {
        let doors = Doors::open().await;
        for member in ["requestorId", "easId", "easEndPt", "appGrpId"] {
            let mut without = announcement(T_EES, "t.example");
            without.as_object_mut().unwrap().remove(member);
            let answer = doors.ees(T_EES).post(DECLARE, without).await;
            answer.refused(400, "MANDATORY_IE_MISSING", &format!("/{member}"));
        }
        let mut both = announcement(T_EES, "t.example");
        both["easEndPt"]["uri"] = json!("https://t.example");
        let answer = doors.ees(T_EES).post(DECLARE, both).await;
        answer.refused(400, "MANDATORY_IE_INCORRECT", "/easEndPt");
    }

    /// Names of other levels of the standard: of the API, and of a member.
    #[tokio::test]
    async fn names_of_other_levels_of_the_standard_are_understood() {
        let doors = agreeing(CommonEasPolicy::default()).await;
        let mut earlier = announcement(T_EES, "t.example");
        let endpoint = earlier.as_object_mut().unwrap().remove("easEndPt").unwrap();
        earlier["endPt"] = endpoint;
        let ees = doors.ees(T_EES);
        ees.post("/eees-ceas/v1/declare", earlier).await.done();
        assert_eq!(found(&doors, question()).await, ["t.example"]);
        ees.post("/eees-common-eas/v1/declare", announcement(T_EES, "t.example"))
            .await
            .refused(404, "RESOURCE_URI_STRUCTURE_NOT_FOUND", "");
    }

    /// What is not announced again is forgotten.
    #[tokio::test]
    async fn an_announcement_ages() {
        let doors = agreeing(CommonEasPolicy::default()).await;
        doors
            .ees(T_EES)
            .post(DECLARE, announcement(T_EES, "t.example"))
            .await
            .done();
        doors.pass(599).await;
        assert_eq!(found(&doors, question()).await, ["t.example"]);
        doors.clock.advance(3001);
        doors
            .ees(THIRD)
            .post(DECLARE, announcement(THIRD, "u.example"))
            .await
            .done();
        doors.pass(3601).await;
        assert!(doors.keys("common-eas/").await.is_empty());
    }

    /// An EAS or EES that looks for a target wants another EAS than the group has now.
    #[tokio::test]
    async fn who_looks_for_a_target_is_not_led_to_the_common_eas() {
        let doors = agreeing(CommonEasPolicy::default()).await;
        doors
            .ees(T_EES)
            .post(DECLARE, announcement(T_EES, "t.example"))
            .await
            .done();
        let mut of_ees = question();
        of_ees["requestorId"] = json!({"eesId": T_EES});
        let answer = doors.ees(T_EES).post(DISCOVERY, of_ees).await.found();
        assert_eq!(answer["discoveredEas"][0]["eas"]["endPt"]["fqdn"], "a.example");
    }
}

mod announced_to_others {
    use super::*;

    fn to_neighbours() -> CommonEasPolicy {
        CommonEasPolicy {
            neighbours: vec![T_EES.parse().unwrap(), OWN_ID.parse().unwrap()],
            ..CommonEasPolicy::default()
        }
    }

    /// TS 23.558 clause 8.19.2: an EES that chooses tells its neighbours and those that the ECS names, each once.
    #[tokio::test]
    async fn a_choice_is_told_to_every_peer_once() {
        let doors = agreeing(to_neighbours()).await;
        let ees = |id: &str| json!({"eesId": id, "endPt": {"uri": format!("https://{id}")}, "eecRegConf": true});
        let edn = json!({"ednConInfo": {"dnn": "edge-c"}, "eess": [ees(T_EES), ees(THIRD), ees(OWN_ID)]});
        doors.others.answer("target-ees", json!({"ednCnfgInfo": [edn]}));
        doors.others.answer("announce", Value::Null);
        assert_eq!(
            found(&doors, question()).await,
            ["a.example", "b.example"],
            "nothing is chosen yet"
        );
        assert_eq!(found(&doors, choose()).await, ["a.example"]);
        doors.settled().await;
        let asked = doors.others.asked();
        let query = asked.iter().find(|asked| asked.what == "target-ees").unwrap();
        assert_eq!(
            query.body,
            json!({"ees-id": OWN_ID, "eas-id": CHESS, "app-grp-id": GROUP})
        );
        let mut told: Vec<_> = asked.into_iter().filter(|asked| asked.what == "announce").collect();
        told.sort_by(|a, b| a.of.cmp(&b.of));
        let said = json!({"requestorId": OWN_ID, "requestorEndPt": {"uri": ROOT}, "easId": CHESS,
            "easEndPt": {"fqdn": "a.example"}, "appGrpId": GROUP});
        assert_eq!(
            told.iter()
                .map(|told| (told.of.as_str(), &told.body))
                .collect::<Vec<_>>(),
            [(T_EES, &said), (THIRD, &said)]
        );
        // Everybody of the group gets the same from now on, and nobody is told again.
        assert_eq!(found(&doors, question()).await, ["a.example"]);
        assert_eq!(found(&doors, choose()).await, ["a.example"]);
        doors.settled().await;
        assert_eq!(announced(&doors), []);
    }

    /// A choice stands against announcements of others, for as long as the EAS is registered.
    #[tokio::test]
    async fn a_choice_lasts_as_long_as_its_eas() {
        let doors = agreeing(CommonEasPolicy::default()).await;
        let eas = doors.eas(&format!("{CHESS}#a1"));
        let registration = register_eas(&eas, "a.example").await;
        assert_eq!(found(&doors, choose()).await, ["b.example"], "registered before");
        let late = announcement(T_EES, "t.example");
        doors
            .ees(T_EES)
            .post(DECLARE, late.clone())
            .await
            .refused(403, "COMMON_EAS_EXISTS", "");
        let other = register_eas(&doors.eas(&format!("{CHESS}#a2")), "b.example").await;
        doors.eas(&format!("{CHESS}#a2")).delete(&other).await.done();
        doors.ees(T_EES).post(DECLARE, late).await.done();
        assert_eq!(found(&doors, question()).await, ["t.example"]);
        eas.delete(&registration).await.done();
    }

    /// A peer that is away is told when it is back; one that refuses is left alone.
    #[tokio::test]
    async fn an_ees_that_is_away_is_told_later() {
        let doors = agreeing(to_neighbours()).await;
        doors.others.fail("announce", PeerError::Unreachable("away".to_owned()));
        assert_eq!(found(&doors, choose()).await, ["a.example"]);
        let back = async {
            let mut attempts = 0;
            while attempts < 2 {
                attempts += announced(&doors).len();
                tokio::task::yield_now().await;
            }
            doors.others.answer("announce", Value::Null);
        };
        tokio::join!(doors.settled(), back);
        assert_eq!(announced(&doors).last(), Some(&pair(T_EES, "a.example")));

        let doors = agreeing(to_neighbours()).await;
        doors
            .others
            .fail("announce", PeerError::Refused("another EAS".to_owned()));
        assert_eq!(found(&doors, choose()).await, ["a.example"]);
        doors.settled().await;
        assert_eq!(announced(&doors), [pair(T_EES, "a.example")]);
        assert_eq!(found(&doors, question()).await, ["a.example"]);
    }

    /// Before the others forget it, it is announced again, as long as the EAS is there.
    #[tokio::test]
    async fn a_choice_is_announced_again_in_time() {
        let doors = agreeing(to_neighbours()).await;
        doors.others.answer("announce", Value::Null);
        let at = register_eas(&doors.eas(&format!("{CHESS}#a1")), "a.example").await;
        let renewal = json!({"expTime": "2026-01-05T13:00:00Z"});
        doors.eas(&format!("{CHESS}#a1")).patch(&at, renewal).await.found();
        doors.clock.advance(601);
        assert_eq!(
            found(&doors, choose()).await,
            ["a.example"],
            "the other one has expired"
        );
        doors.settled().await;
        assert_eq!(announced(&doors), [pair(T_EES, "a.example")]);
        doors.pass(1801).await;
        assert_eq!(found(&doors, question()).await, ["a.example"]);
        doors.settled().await;
        assert_eq!(announced(&doors), [pair(T_EES, "a.example")]);
        // It is gone, and so is what was agreed.
        doors.pass(1801).await;
        doors.settled().await;
        assert_eq!(announced(&doors), []);
        assert!(doors.keys("common-eas/").await.is_empty());
    }
}

mod kept_by_the_ecs {
    use super::*;
    use edgeapp_openapi::ees_registration::EdnInfo;

    fn by_the_ecs(edn: Option<&str>) -> CommonEasPolicy {
        let edn = edn.map(|dnn| EdnInfo {
            dnn: dnn.parse().unwrap(),
            dnais: Vec::new(),
        });
        CommonEasPolicy {
            agreement: Agreement::Repository(edn),
            neighbours: vec![T_EES.parse().unwrap()],
            ..CommonEasPolicy::default()
        }
    }

    fn binding(host: &str, ees: &str) -> Value {
        json!({"appGroupId": GROUP, "easId": CHESS, "easEndpoints": [{"fqdn": host}], "eesEndpoint": {"uri": ees}})
    }

    /// TS 23.558 clause 8.20 and Annex E.2.3: a choice is stored at the ECS, and nobody is told of it otherwise.
    #[tokio::test]
    async fn a_choice_is_stored_at_the_ecs() {
        let doors = agreeing(by_the_ecs(None)).await;
        doors.others.answer("binding", Value::Null);
        doors.others.answer("bind", Value::Null);
        assert_eq!(found(&doors, choose()).await, ["a.example"]);
        doors.settled().await;
        let asked = doors.others.asked();
        let bound: Vec<_> = asked.iter().filter(|asked| asked.what == "bind").collect();
        assert_eq!(bound.len(), 1);
        assert_eq!(
            bound[0].body,
            json!({"requestorId": OWN_ID, "binding": binding("a.example", ROOT)})
        );
        assert!(asked.iter().all(|asked| asked.what != "announce"));
    }

    /// Who comes second uses the binding that the refusal carries.
    #[tokio::test]
    async fn the_binding_in_force_is_used() {
        let doors = agreeing(by_the_ecs(None)).await;
        doors.others.answer("binding", Value::Null);
        doors
            .others
            .answer("bind", binding("t.example", "https://ees-b.example"));
        assert_eq!(found(&doors, choose()).await, ["t.example"]);
        // What the ECS says later counts as well, and what it said last while it is away.
        doors
            .others
            .answer("binding", binding("u.example", "https://ees-b.example"));
        assert_eq!(found(&doors, question()).await, ["u.example"]);
        doors.others.fail("binding", PeerError::Unreachable("away".to_owned()));
        assert_eq!(found(&doors, question()).await, ["u.example"]);
        doors.others.answer("binding", Value::Null);
        assert_eq!(found(&doors, question()).await, ["a.example", "b.example"]);
        assert!(doors.keys("common-eas/").await.is_empty());
    }

    /// Without the ECS nobody knows who was first: nothing is chosen.
    #[tokio::test]
    async fn without_the_ecs_nothing_is_chosen() {
        let doors = agreeing(by_the_ecs(None)).await;
        for error in [
            PeerError::Unreachable("away".to_owned()),
            PeerError::Refused("not registered".to_owned()),
            PeerError::NotFound("no such API".to_owned()),
        ] {
            doors.others.fail("bind", error);
            let answer = doors.eec("registered-1").post(DISCOVERY, choose()).await;
            answer.refused(503, "INSUFFICIENT_RESOURCES", "");
            assert!(doors.keys("common-eas/").await.is_empty());
        }
        // Who leaves the choice to itself is served.
        assert_eq!(found(&doors, question()).await, ["a.example", "b.example"]);
    }

    /// An ECS that forgot what this EES bound hears of it again.
    #[tokio::test]
    async fn what_the_ecs_forgot_is_bound_again() {
        let doors = agreeing(by_the_ecs(None)).await;
        doors.others.answer("binding", Value::Null);
        doors.others.answer("bind", Value::Null);
        assert_eq!(found(&doors, choose()).await, ["a.example"]);
        doors.others.asked();
        assert_eq!(found(&doors, question()).await, ["a.example"]);
        let bound: Vec<_> = doors
            .others
            .asked()
            .into_iter()
            .filter(|asked| asked.what == "bind")
            .collect();
        assert_eq!(bound[0].body["binding"], binding("a.example", ROOT));
    }

    /// Of an EAS that this EES bound and that is gone, another takes the place.
    #[tokio::test]
    async fn a_bound_eas_that_is_gone_is_replaced() {
        let doors = agreeing(by_the_ecs(None)).await;
        doors.others.answer("binding", binding("gone.example", ROOT));
        doors.others.answer("bind", Value::Null);
        assert_eq!(found(&doors, question()).await, ["a.example", "b.example"]);
        assert_eq!(found(&doors, choose()).await, ["a.example"]);
    }

    /// Where each edge data network has a common EAS of its own, that of another does not count.
    #[tokio::test]
    async fn each_network_may_have_its_own() {
        let doors = agreeing(by_the_ecs(Some("edge-a"))).await;
        let mut elsewhere = binding("t.example", "https://ees-b.example");
        elsewhere["ednInfo"] = json!({"dnn": "edge-b"});
        doors.others.answer("binding", elsewhere);
        doors.others.answer("bind", Value::Null);
        assert_eq!(found(&doors, question()).await, ["a.example", "b.example"]);
        assert_eq!(found(&doors, choose()).await, ["a.example"]);
        let asked = doors.others.asked();
        let bound = asked.iter().find(|asked| asked.what == "bind").unwrap();
        assert_eq!(bound.body["binding"]["ednInfo"], json!({"dnn": "edge-a"}));
    }
}
