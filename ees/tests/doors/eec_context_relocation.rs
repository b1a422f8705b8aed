//! Eees_EECContextRelocation (TS 29.558 clauses 5.10 and 8.7).

use crate::{
    harness::{Doors, Settings},
    scene::{ACR_MANAGEMENT, CONTEXTS, EAS_HEARS, REGISTRATIONS, T_EES, UE, chess, id_of, player, register_eas},
};
use edgeapp_core::authorizer::ReferencePoint;
use edgeapp_ees_domain::context::ContextPolicy;
use serde_json::{Value, json};

const SESSION: &str = r#"{"sessCntxs": [{"easId": "eas.chess.example", "endPt": {"fqdn": "a.example"}}]}"#;

fn context() -> Value {
    json!({"eecId": "eec-1", "cntxId": "ctx-b", "ueId": UE, "acProfs": [player()],
        "sessCntxs": serde_json::from_str::<Value>(SESSION).unwrap(),
        "eecSrvContSupp": {"srvContSupp": true, "acrScenarios": ["EEC_EXECUTED_VIA_TARGET_EES", "EEC_INITIATED"]}})
}

fn push(context: Value) -> Value {
    json!({"eesId": T_EES, "eecCntx": context})
}

fn by_id(id: &str) -> String {
    format!("{CONTEXTS}?ees-id={T_EES}&eec-cntx-id={id}")
}

async fn without_registration() -> Doors {
    let contexts = ContextPolicy {
        register_implicitly: false,
        stale_seconds: 300,
    };
    Doors::with(Settings {
        contexts,
        ..Settings::default()
    })
    .await
}

mod pulled {
    use super::*;

    /// The context of a registered EEC, as often as it is asked for.
    ///
    /// Proves: T-24
    #[tokio::test]
    async fn a_context_is_handed_over_to_who_asks_in_its_own_name() {
        let doors = Doors::open().await;
        let request = json!({"eecId": "eec-1", "ueId": UE, "acProfs": [{"acId": "ac.chess"}], "eecSvcContSupp": ["EEC_INITIATED"]});
        let id = doors.eec("eec-1").post(REGISTRATIONS, request).await.body["eecCntxId"]
            .as_str()
            .unwrap()
            .to_owned();
        let expected = json!({"eecId": "eec-1", "cntxId": id, "ueId": UE, "acProfs": [{"acId": "ac.chess"}],
            "eecSrvContSupp": {"srvContSupp": true, "acrScenarios": ["EEC_INITIATED"]}});
        for _ in 0..2 {
            assert_eq!(doors.ees(T_EES).get(&by_id(&id)).await.found(), expected);
        }
        doors
            .ees("ees-c.example")
            .get(&by_id(&id))
            .await
            .refused(403, "OWNER_MISMATCH", "ees-id");
        let eec = doors.caller(ReferencePoint::Edge9, &["urn:edgeapp:eec:eec-1"]);
        eec.get(&by_id(&id)).await.refused(403, "UNAUTHORIZED", "");
    }

    /// Parameters that are missing, twice or unreadable, and contexts that are not here.
    #[tokio::test]
    async fn what_cannot_be_found_is_refused() {
        let doors = Doors::open().await;
        let ees = doors.ees(T_EES);
        ees.get(&by_id("ctx-none")).await.refused(404, "CONTEXT_NOT_FOUND", "");
        for (query, cause, parameter) in [
            ("".to_owned(), "MANDATORY_QUERY_PARAM_MISSING", "ees-id"),
            (
                format!("?ees-id={T_EES}"),
                "MANDATORY_QUERY_PARAM_MISSING",
                "eec-cntx-id",
            ),
            (
                format!("?ees-id={T_EES}&eec-cntx-id="),
                "MANDATORY_QUERY_PARAM_INCORRECT",
                "eec-cntx-id",
            ),
            (
                format!("?ees-id={T_EES}&ees-id={T_EES}&eec-cntx-id=c"),
                "MANDATORY_QUERY_PARAM_INCORRECT",
                "ees-id",
            ),
            (
                format!("?ees-id={T_EES}&eec-cntx-id=c&sess-cntxs=%7B%7D"),
                "OPTIONAL_QUERY_PARAM_INCORRECT",
                "sess-cntxs",
            ),
        ] {
            ees.get(&format!("{CONTEXTS}{query}"))
                .await
                .refused(400, cause, parameter);
        }
    }

    /// Only the sessions asked for, and the profiles they name.
    #[tokio::test]
    async fn only_the_sessions_asked_for_are_handed_over() {
        let doors = Doors::open().await;
        let mut two = context();
        let session = |ac: &str, host: &str| json!({"easId": "eas.chess.example", "endPt": {"fqdn": host}, "acId": ac});
        two["sessCntxs"] = json!({"sessCntxs": [session("ac.chess", "a.example"), session("ac.go", "b.example")]});
        two["acProfs"] = json!([{"acId": "ac.chess"}, {"acId": "ac.go"}]);
        doors.ees(T_EES).post(CONTEXTS, push(two)).await.found();
        let asked = json!({"sessCntxs": [session("ac.go", "b.example")]}).to_string();
        let asked: String = url::form_urlencoded::byte_serialize(asked.as_bytes()).collect();
        let part = doors
            .ees(T_EES)
            .get(&format!("{}&sess-cntxs={asked}", by_id("ctx-b")))
            .await
            .found();
        assert_eq!(part["acProfs"], json!([{"acId": "ac.go"}]));
        assert_eq!(part["sessCntxs"], json!({"sessCntxs": [session("ac.go", "b.example")]}));
    }
}

mod pushed {
    use super::*;

    /// Clause 5.10.2.3.2: the EEC has a registration here without having asked, and uses it as its own.
    #[tokio::test]
    async fn a_context_registers_its_eec() {
        let doors = Doors::open().await;
        let answer = doors.ees(T_EES).post(CONTEXTS, push(context())).await.found();
        assert_eq!(answer["implReg"]["expTime"], "2026-01-05T12:10:00Z");
        assert_eq!(answer["selAcrScenariosList"], Value::Null);
        let at = format!("{REGISTRATIONS}/{}", answer["implReg"]["regId"].as_str().unwrap());
        let eec = doors.eec("eec-1");
        doors
            .eec("eec-2")
            .delete(&at)
            .await
            .refused(404, "RESOURCE_NOT_FOUND", "");
        let put = eec.put(&at, json!({"eecId": "eec-1", "ueId": UE})).await.found();
        assert_eq!(put["eecCntxId"], "ctx-b");
        let kept = doors.ees(T_EES).get(&by_id("ctx-b")).await.found();
        assert_eq!(kept["sessCntxs"], context()["sessCntxs"]);
        eec.delete(&at).await.done();
    }

    /// Pushed again, the same context keeps its registration; what it says counts anew.
    #[tokio::test]
    async fn the_same_context_again_replaces_itself() {
        let doors = Doors::open().await;
        let ees = doors.ees(T_EES);
        let first = ees.post(CONTEXTS, push(context())).await.found();
        let mut later = context();
        later["acProfs"] = json!([{"acId": "ac.go"}]);
        let second = ees.post(CONTEXTS, push(later.clone())).await.found();
        assert_eq!(first["implReg"]["regId"], second["implReg"]["regId"]);
        assert_eq!(ees.get(&by_id("ctx-b")).await.found(), later);
        assert_eq!(
            (doors.keys("eec/").await.len(), doors.keys("context/").await.len()),
            (1, 1)
        );
    }

    /// A registration that the EEC made itself is not overwritten: it only learns of the sessions.
    ///
    /// Proves: T-24
    #[tokio::test]
    async fn a_registration_that_the_eec_made_itself_stays() {
        let doors = Doors::open().await;
        let eec = doors.eec("eec-1");
        let request =
            json!({"eecId": "eec-1", "ueId": UE, "acProfs": [{"acId": "ac.own"}], "expTime": "2026-01-05T12:50:00Z"});
        let made = eec.post(REGISTRATIONS, request).await;
        let answer = doors.ees(T_EES).post(CONTEXTS, push(context())).await.found();
        let expected = json!({"regId": id_of(&made.created()), "expTime": "2026-01-05T12:50:00Z"});
        assert_eq!(answer["implReg"], expected);
        assert_eq!(eec.patch(&made.created(), json!({})).await.found(), made.body);
        let kept = doors
            .ees(T_EES)
            .get(&by_id(made.body["eecCntxId"].as_str().unwrap()))
            .await
            .found();
        assert_eq!(
            (&kept["acProfs"][0]["acId"], &kept["sessCntxs"]),
            (&json!("ac.own"), &context()["sessCntxs"])
        );
    }

    /// Who pushes does so in its own name, and takes nothing away from an EEC.
    ///
    /// Proves: T-24, H-73
    #[tokio::test]
    async fn what_is_of_somebody_else_is_refused() {
        let doors = Doors::open().await;
        doors
            .ees("ees-c.example")
            .post(CONTEXTS, push(context()))
            .await
            .refused(403, "OWNER_MISMATCH", "/eesId");
        doors.ees(T_EES).post(CONTEXTS, push(context())).await.found();
        let mut stolen = context();
        stolen["eecId"] = "eec-2".into();
        doors
            .ees(T_EES)
            .post(CONTEXTS, push(stolen))
            .await
            .refused(403, "OWNER_MISMATCH", "/eecCntx/cntxId");
        let ees = doors.ees(T_EES);
        ees.post(CONTEXTS, json!({"eesId": T_EES}))
            .await
            .refused(400, "MANDATORY_IE_MISSING", "/eecCntx");
        let bad = json!({"eecId": "eec-1", "cntxId": "c", "acProfs": []});
        ees.post(CONTEXTS, push(bad))
            .await
            .refused(400, "OPTIONAL_IE_INCORRECT", "/eecCntx/acProfs");
    }

    /// The scenarios that EEC, ACs, this EES and the T-EAS have in common, where they were asked for.
    #[tokio::test]
    async fn scenarios_are_selected_when_asked_for() {
        let doors = Doors::open().await;
        let mut asked = push(context());
        asked["acrScenariosSelReq"] = true.into();
        let answer = doors.ees(T_EES).post(CONTEXTS, asked.clone()).await.found();
        assert_eq!(answer["selAcrScenariosList"], json!(["EEC_EXECUTED_VIA_TARGET_EES"]));
        // The T-EAS supports none of them.
        register_eas(&doors.eas("eas.chess.example#a1"), "a.example").await;
        asked["tgtEas"] = json!({"fqdn": "a.example"});
        let answer = doors.ees(T_EES).post(CONTEXTS, asked).await.found();
        assert_eq!(answer["selAcrScenariosList"], Value::Null);
    }

    /// Clause 5.10.2.3.2: the T-EAS that listens hears which scenarios were selected, for each AC.
    #[tokio::test]
    async fn the_t_eas_hears_of_the_scenarios_selected() {
        let doors = Doors::open().await;
        let eas = doors.eas("eas.chess.example#a1");
        let mut chess = chess("a.example");
        chess["easProf"]["svcContSupp"] = json!(["EEC_EXECUTED_VIA_TARGET_EES"]);
        eas.post("/eees-easregistration/v1/registrations", chess)
            .await
            .created();
        let events = json!([{"event": "ACR_SELECTION"}]);
        let wish = json!({"easId": "eas.chess.example", "eventSubscs": events, "notificationDestination": EAS_HEARS});
        let at = eas.post(ACR_MANAGEMENT, wish).await.created();
        let mut asked = push(context());
        asked["acrScenariosSelReq"] = true.into();
        asked["tgtEas"] = json!({"fqdn": "a.example"});
        doors.ees(T_EES).post(CONTEXTS, asked).await.found();
        doors.settled().await;
        let selected = json!([{"acrList": ["EEC_EXECUTED_VIA_TARGET_EES"], "acId": "ac.chess", "ueId": UE}]);
        let report = json!({"event": "ACR_SELECTION", "timeStamp": "2026-01-05T12:00:00Z", "selACRScen": selected});
        let told = json!({"subpId": id_of(&at), "eventReports": [report]});
        assert_eq!(doors.subscribers.told_at(EAS_HEARS), [told]);
    }

    /// Where EECs register themselves, a context waits for its EEC and goes when nobody comes.
    #[tokio::test]
    async fn a_context_without_a_registration_is_kept_for_a_while() {
        let doors = without_registration().await;
        doors.ees(T_EES).post(CONTEXTS, push(context())).await.done();
        assert!(doors.keys("eec/").await.is_empty());
        doors.ees(T_EES).get(&by_id("ctx-b")).await.found();
        doors.pass(301).await;
        assert!(doors.keys("").await.is_empty());
    }

    /// Where EECs register themselves, a context that came first is found by the EEC, and one that comes later does not expire
    /// under the registration.
    #[tokio::test]
    async fn a_registered_eec_keeps_its_context() {
        let doors = without_registration().await;
        doors.others.answer("pull", context());
        let request = json!({"eecId": "eec-1", "ueId": UE, "eecCntxId": "ctx-b", "srcEesId": T_EES});
        doors.eec("eec-1").post(REGISTRATIONS, request).await.created();
        doors.ees(T_EES).post(CONTEXTS, push(context())).await.done();
        doors.pass(400).await;
        doors.ees(T_EES).get(&by_id("ctx-b")).await.found();
    }
}
