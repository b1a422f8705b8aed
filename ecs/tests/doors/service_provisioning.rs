//! Eecs_ServiceProvisioning (TS 24.558 clauses 7.2 and 8.1): requests and subscriptions. Notifications have a file of their own.

use crate::lab::{Lab, REQUEST, SUBSCRIPTIONS, after, eec, ees, ids, with};
use serde_json::{Value, json};

fn subscription(more: Value) -> Value {
    with(
        json!({"eecId": "eec-1", "notificationDestination": "https://ue.example/cb?x=1"}),
        more,
    )
}

fn tai(tac: &str) -> Value {
    json!({"plmnId": {"mcc": "001", "mnc": "01"}, "tac": tac})
}

fn at(tac: &str) -> Value {
    let cell = json!({"plmnId": {"mcc": "001", "mnc": "01"}, "nrCellId": "000000001"});
    json!({"userLocation": {"nrLocation": {"tai": tai(tac), "ncgi": cell}}})
}

fn area(tac: &str) -> Value {
    json!({"topServAr": {"tais": [tai(tac)]}})
}

/// A profile of an application client.
fn ac(more: Value) -> Value {
    json!({"acProfs": [with(json!({"acId": "ac.chess"}), more)]})
}

mod request {
    use super::*;

    #[tokio::test]
    async fn with_nothing_registered_is_204() {
        let lab = Lab::new().await;
        lab.post(&eec("eec-1"), REQUEST, json!({"eecId": "eec-1"}))
            .await
            .is(204);
    }

    #[tokio::test]
    async fn answers_what_the_ees_said_of_itself() {
        let networks = json!([{"dnn": "edge-a", "snssai": {"sst": 1, "sd": "00000a"}, "area": area("000001")}]);
        let lab = Lab::with_networks(networks).await;
        let more = json!({"provId": "ecsp-1", "svcArea": area("000001"), "appLocs": ["a1"], "svcContSupp": ["EEC_INITIATED"],
            "easInstInfo": {"eas.go": {"easId": "eas.go", "status": "INSTANTIABLE"}},
            "easBdlInfos": {"eas.chess.example": [{"bdlType": "DIRECT", "bdlId": "b1"}]}});
        let profile = crate::lab::profile("ees-a", more);
        let path = crate::lab::REGISTRATIONS;
        lab.post(&ees("ees-a"), path, json!({"eesProf": profile, "suppFeat": "1"}))
            .await
            .created();
        let area = json!({"nwAreaInfo": {"tais": [tai("000001")]}});
        let base = json!({"eesId": "ees-a", "endPt": {"uri": "https://ees-a.example:8443"}, "easIds": ["eas.chess.example"],
            "ecspInfo": "ecsp-1", "svcArea": area, "dnais": ["a1"], "eesSvcContSupp": ["EEC_INITIATED"], "eecRegConf": true});
        let connection = json!({"dnn": "edge-a", "snssai": {"sst": 1, "sd": "00000a"}, "ednTopoSrvArea": area});
        let body = lab
            .post(&eec("eec-1"), REQUEST, json!({"eecId": "eec-1"}))
            .await
            .is(200);
        assert_eq!(
            body,
            json!({"ednCnfgInfo": [{"ednConInfo": connection, "eess": [base], "lifeTime": after(3600)}]})
        );
        let extended = with(
            base,
            json!({"easInstInfos": [{"easId": "eas.go", "status": "INSTANTIABLE"}],
            "eesAuthMethods": ["TLS_CLIENT_SERVER_CERTIFICATE"], "easBundleInfos": [{"bdlType": "DIRECT", "bdlId": "b1"}]}),
        );
        let body = lab
            .post(&eec("eec-1"), REQUEST, json!({"eecId": "eec-1", "suppFeat": "4"}))
            .await
            .is(200);
        assert_eq!(body["ednCnfgInfo"][0]["eess"][0], extended, "EdgeApp_2 was agreed on");
    }

    #[tokio::test]
    async fn groups_by_network() {
        let lab = Lab::with_networks(json!([{"dnn": "edge-b", "default": true}])).await;
        lab.register("ees-1", json!({})).await;
        lab.register("ees-2", json!({"ednInfoSets": {"dnn": "edge-b"}})).await;
        lab.register("ees-3", json!({"ednInfoSets": {"dnn": "edge-a"}})).await;
        lab.post(
            &ees("ees-4"),
            crate::lab::REGISTRATIONS,
            json!({"eesProf": {"eesId": "ees-4", "endPt": {"fqdn": "ees-4.example"}, "eecRegConf": false}}),
        )
        .await
        .created();
        let body = lab
            .post(&eec("eec-1"), REQUEST, json!({"eecId": "eec-1"}))
            .await
            .is(200);
        let networks = body["ednCnfgInfo"].as_array().unwrap();
        let names: Vec<_> = networks
            .iter()
            .map(|edn| edn["ednConInfo"]["dnn"].as_str().unwrap())
            .collect();
        assert_eq!(names, ["edge-a", "edge-b"]);
        assert_eq!(ids(&body), ["ees-1", "ees-3", "ees-2", "ees-4"]);
    }

    #[tokio::test]
    async fn in_the_name_of_somebody_else_is_refused() {
        let lab = Lab::new().await;
        let reply = lab.post(&eec("eec-2"), REQUEST, json!({"eecId": "eec-1"})).await;
        reply.refused_at(403, "OWNER_MISMATCH", "/eecId");
        let reply = lab
            .post(
                &eec("eec-1"),
                REQUEST,
                json!({"eecId": "eec-1", "ueId": "msisdn-491700000002"}),
            )
            .await;
        reply.refused_at(403, "UE_ID_NOT_VERIFIED", "/ueId");
        lab.post(
            &eec("eec-1"),
            REQUEST,
            json!({"eecId": "eec-1", "ueId": "msisdn-491700000001"}),
        )
        .await
        .is(204);
        lab.post(&ees("eec-1"), REQUEST, json!({"eecId": "eec-1"}))
            .await
            .refused(403, "UNAUTHORIZED");
        lab.post(&eec("eec-1"), REQUEST, json!({}))
            .await
            .refused_at(400, "MANDATORY_IE_MISSING", "/eecId");
        let reply = lab
            .post(&eec("eec-1"), REQUEST, json!({"eecId": "eec-1", "ecspIds": []}))
            .await;
        reply.refused_at(400, "OPTIONAL_IE_INCORRECT", "/ecspIds");
    }

    #[tokio::test]
    async fn by_application() {
        let lab = Lab::new().await;
        lab.register("ees-a", json!({"easIds": ["eas.chess", "eas.quiz"]}))
            .await;
        lab.register(
            "ees-b",
            json!({"easInstInfo": {"eas.go": {"easId": "eas.go", "status": "INSTANTIABLE"}}}),
        )
        .await;
        let eass = |id: &str| ac(json!({"eass": [{"easId": id}]}));
        assert_eq!(lab.found(eass("eas.chess")).await, ["ees-a"]);
        assert_eq!(lab.found(eass("eas.go")).await, ["ees-b"]);
        assert_eq!(lab.found(eass("eas.none")).await, [""; 0]);
        let both = json!({"acProfs": [{"acId": "1", "eass": [{"easId": "eas.chess"}]}, {"acId": "2", "eass": [{"easId": "eas.go"}]}]});
        assert_eq!(
            lab.found(both).await,
            ["ees-a", "ees-b"],
            "each profile is judged alone"
        );
        assert_eq!(lab.found(json!({"acProfs": [{"acId": "1"}]})).await.len(), 2);
        let body = lab
            .post(
                &eec("eec-1"),
                REQUEST,
                with(json!({"eecId": "eec-1"}), eass("eas.chess")),
            )
            .await
            .is(200);
        assert_eq!(
            body["ednCnfgInfo"][0]["eess"][0]["easIds"],
            json!(["eas.chess"]),
            "what was not asked for is left out"
        );
    }

    #[tokio::test]
    async fn by_scenario() {
        let lab = Lab::new().await;
        lab.register("ees-a", json!({"svcContSupp": ["EEC_INITIATED"]})).await;
        lab.register("ees-b", json!({"svcContSupp": ["EEC_EXECUTED_VIA_TARGET_EES"]}))
            .await;
        lab.register("ees-c", json!({})).await;
        assert_eq!(
            lab.found(ac(json!({"acSvcContSupp": ["EEC_INITIATED", "SOURCE_EAS_DECIDED"]})))
                .await,
            ["ees-a"]
        );
        assert_eq!(
            lab.found(json!({"eecSvcContSupp": ["EEC_EXECUTED_VIA_TARGET_EES"]}))
                .await,
            ["ees-b"]
        );
        assert_eq!(lab.found(json!({"eecSvcContSupp": ["NOT_YET_NAMED"]})).await, [""; 0]);
        assert_eq!(lab.found(json!({})).await.len(), 3);
    }

    #[tokio::test]
    async fn by_provider() {
        let lab = Lab::new().await;
        lab.register("ees-a", json!({"provId": "ecsp-1"})).await;
        lab.register("ees-b", json!({"provId": "ecsp-2"})).await;
        assert_eq!(lab.found(json!({"ecspIds": ["ecsp-2", "ecsp-3"]})).await, ["ees-b"]);
        assert_eq!(
            lab.found(json!({"ecspIds": ["ecsp-2"], "suppFeat": "4"})).await,
            ["ees-b"]
        );
        assert_eq!(
            lab.found(json!({"ecspIds": ["ecsp-2"], "suppFeat": "1"})).await.len(),
            2,
            "without EdgeApp_2 it is ignored"
        );
        assert_eq!(
            lab.found(ac(json!({"prefEcsps": ["ecsp-2"]}))).await,
            ["ees-b", "ees-a"],
            "preferred ones come first"
        );
    }

    #[tokio::test]
    async fn by_area_of_ees_and_network() {
        let lab = Lab::with_networks(json!([{"dnn": "edge-b", "area": area("000002")}])).await;
        lab.register("ees-a", json!({"svcArea": area("000001")})).await;
        lab.register("ees-b", json!({"ednInfoSets": {"dnn": "edge-b"}})).await;
        lab.register("ees-c", json!({})).await;
        assert_eq!(lab.found(json!({"locInf": at("000001")})).await, ["ees-a", "ees-c"]);
        assert_eq!(lab.found(json!({"locInf": at("000002")})).await, ["ees-b", "ees-c"]);
        assert_eq!(
            lab.found(json!({})).await.len(),
            3,
            "an unknown position excludes nobody"
        );
        let elsewhere = json!({"connInfo": [{"plmnId": {"mcc": "999", "mnc": "99"}}]});
        assert_eq!(
            lab.found(elsewhere).await,
            ["ees-c"],
            "the network that serves the UE is a position too"
        );
        let expected = json!({"expAcGeoServArea": {"nwAreaInfo": {"tais": [tai("000003")]}}});
        assert_eq!(
            lab.found(ac(expected)).await,
            ["ees-c"],
            "where it will be, while nobody knows where it is"
        );
    }

    #[tokio::test]
    async fn by_area_when_areas_are_strict() {
        let mut rules = edgeapp_ecs::ecs::EcsRules::default();
        rules.answers.strict_areas = true;
        let lab = Lab::with(rules).await;
        lab.register("ees-a", json!({"svcArea": area("000001")})).await;
        lab.register("ees-c", json!({})).await;
        assert_eq!(lab.found(json!({})).await, ["ees-c"]);
        assert_eq!(lab.found(json!({"locInf": at("000001")})).await, ["ees-a", "ees-c"]);
    }

    #[tokio::test]
    async fn for_a_group_finds_its_application() {
        let lab = Lab::new().await;
        lab.register("ees-a", json!({"easIds": ["eas.chess"]})).await;
        lab.register("ees-b", json!({"easIds": ["eas.go"]})).await;
        assert_eq!(
            lab.found(json!({"appGroupProfile": {"appGrpId": "g1", "easId": "eas.go"}}))
                .await,
            ["ees-b"]
        );
    }
}

mod create {
    use super::*;

    #[tokio::test]
    async fn answers_what_is_kept_and_where() {
        let lab = Lab::new().await;
        let asked = subscription(json!({"acProfs": [{"acId": "ac.chess"}], "suppFeat": "F"}));
        let (path, body) = lab.post(&eec("eec-1"), SUBSCRIPTIONS, asked.clone()).await.created();
        assert!(path.starts_with(SUBSCRIPTIONS));
        assert_eq!(body, with(asked, json!({"suppFeat": "5", "expTime": after(86_400)})));
    }

    #[tokio::test]
    async fn without_required_member_is_refused() {
        let lab = Lab::new().await;
        let reply = lab.post(&eec("eec-1"), SUBSCRIPTIONS, json!({})).await;
        reply.refused_at(400, "MANDATORY_IE_MISSING", "/eecId");
        let reply = lab.post(&eec("eec-1"), SUBSCRIPTIONS, json!({"eecId": "eec-1"})).await;
        reply.refused_at(400, "MANDATORY_IE_MISSING", "/notificationDestination");
    }

    #[tokio::test]
    async fn in_the_name_of_somebody_else_is_refused() {
        let lab = Lab::new().await;
        let reply = lab.post(&eec("eec-2"), SUBSCRIPTIONS, subscription(json!({}))).await;
        reply.refused_at(403, "OWNER_MISMATCH", "/eecId");
        let reply = lab
            .post(
                &eec("eec-1"),
                SUBSCRIPTIONS,
                subscription(json!({"ueId": "extid-x@example.org"})),
            )
            .await;
        reply.refused_at(403, "UE_ID_NOT_VERIFIED", "/ueId");
    }

    #[tokio::test]
    async fn by_trigger_is_refused_because_it_could_never_fire() {
        let lab = Lab::new().await;
        let reply = lab
            .post(
                &eec("eec-1"),
                SUBSCRIPTIONS,
                subscription(json!({"eecTriggerRequest": true})),
            )
            .await;
        reply.refused_at(400, "OPTIONAL_IE_INCORRECT", "/eecTriggerRequest");
        let reply = lab
            .post(
                &eec("eec-1"),
                SUBSCRIPTIONS,
                json!({"eecId": "eec-1", "eecTriggerRequest": true}),
            )
            .await;
        reply.refused_at(400, "OPTIONAL_IE_INCORRECT", "/eecTriggerRequest");
        let ignored = subscription(json!({"eecTriggerRequest": true, "suppFeat": "1"}));
        let (_, body) = lab.post(&eec("eec-1"), SUBSCRIPTIONS, ignored).await.created();
        assert_eq!(body["eecTriggerRequest"], Value::Null, "its feature was not agreed on");
    }

    /// Proves: T-11
    #[tokio::test]
    async fn with_a_callback_that_leads_inside_is_refused() {
        let lab = Lab::new().await;
        for (destination, status) in [
            ("https://127.0.0.1/cb", 403),
            ("https://10.0.0.1/", 403),
            ("http://ue.example/", 400),
        ] {
            let body = subscription(json!({"notificationDestination": destination}));
            let reply = lab.post(&eec("eec-1"), SUBSCRIPTIONS, body).await;
            reply.refused_at(status, "CALLBACK_NOT_ALLOWED", "/notificationDestination");
        }
    }

    #[tokio::test]
    async fn without_their_features_members_are_ignored() {
        let lab = Lab::new().await;
        let asked = json!({"requestTestNotification": true, "websockNotifConfig": {"requestWebsocketUri": true}, "suppFeat": "2"});
        let (_, body) = lab
            .post(&eec("eec-1"), SUBSCRIPTIONS, subscription(asked))
            .await
            .created();
        assert_eq!(body["suppFeat"], "0");
        assert_eq!(
            (&body["requestTestNotification"], &body["websockNotifConfig"]),
            (&Value::Null, &Value::Null)
        );
    }

    #[tokio::test]
    async fn lifetime_is_granted_up_to_the_maximum() {
        let lab = Lab::new().await;
        let (_, body) = lab
            .post(
                &eec("eec-1"),
                SUBSCRIPTIONS,
                subscription(json!({"expTime": after(700_000)})),
            )
            .await
            .created();
        assert_eq!(body["expTime"], after(604_800));
        let reply = lab
            .post(
                &eec("eec-1"),
                SUBSCRIPTIONS,
                subscription(json!({"expTime": after(-5)})),
            )
            .await;
        reply.refused_at(400, "OPTIONAL_IE_INCORRECT", "/expTime");
    }
}

mod update {
    use super::*;

    #[tokio::test]
    async fn replaces_all_but_identity() {
        let lab = Lab::new().await;
        let asked = subscription(json!({"ueId": "msisdn-491700000001", "acProfs": [{"acId": "ac.chess"}]}));
        let (path, _) = lab.post(&eec("eec-1"), SUBSCRIPTIONS, asked).await.created();
        let body =
            subscription(json!({"ueId": "msisdn-491700000001", "notificationDestination": "https://new.example/"}));
        let body = lab.put(&eec("eec-1"), &path, body).await.is(200);
        assert_eq!(
            (&body["acProfs"], &body["notificationDestination"]),
            (&Value::Null, &json!("https://new.example/"))
        );
        let reply = lab
            .put(&eec("eec-1"), &path, subscription(json!({"eecId": "eec-2"})))
            .await;
        reply.refused_at(403, "MODIFICATION_NOT_ALLOWED", "/eecId");
        let reply = lab
            .put(
                &eec("eec-1"),
                &path,
                subscription(json!({"ueId": "msisdn-491700000002"})),
            )
            .await;
        reply.refused_at(403, "MODIFICATION_NOT_ALLOWED", "/ueId");
        let inside = subscription(json!({"notificationDestination": "https://localhost/"}));
        lab.put(&eec("eec-1"), &path, inside)
            .await
            .refused(403, "CALLBACK_NOT_ALLOWED");
        lab.put(&eec("eec-2"), &path, subscription(json!({})))
            .await
            .refused(404, "SUBSCRIPTION_NOT_FOUND");
    }
}

mod modify {
    use super::*;

    #[tokio::test]
    async fn leaves_what_it_does_not_name() {
        let lab = Lab::new().await;
        let asked =
            subscription(json!({"acProfs": [{"acId": "a"}], "eecSvcContSupp": ["EEC_INITIATED"], "suppFeat": "4"}));
        let (path, made) = lab.post(&eec("eec-1"), SUBSCRIPTIONS, asked).await.created();
        let body = lab
            .patch(&eec("eec-1"), &path, json!({"acProfs": [{"acId": "b"}, {"acId": "c"}]}))
            .await
            .is(200);
        assert_eq!(
            body,
            with(made.clone(), json!({"acProfs": [{"acId": "b"}, {"acId": "c"}]}))
        );
        let body = lab
            .patch(&eec("eec-1"), &path, json!({"expTime": after(60), "eecId": "eec-1"}))
            .await
            .is(200);
        assert_eq!(body["expTime"], after(60));
        for (member, value) in [
            ("eecId", json!("eec-2")),
            ("ueId", json!("x")),
            ("ecspIds", json!(["e"])),
            ("suppFeat", json!("1")),
            ("notificationDestination", json!("https://new.example/")),
        ] {
            let reply = lab.patch(&eec("eec-1"), &path, json!({member: value})).await;
            reply.refused_at(403, "MODIFICATION_NOT_ALLOWED", &format!("/{member}"));
        }
        let reply = lab.patch(&eec("eec-1"), &path, json!({"expTime": null})).await;
        reply.refused_at(400, "OPTIONAL_IE_INCORRECT", "/expTime");
        lab.patch(&eec("eec-2"), &path, json!({}))
            .await
            .refused(404, "SUBSCRIPTION_NOT_FOUND");
    }

    #[tokio::test]
    async fn before_the_end_extends_and_after_it_finds_nothing() {
        let lab = Lab::new().await;
        let (path, _) = lab
            .post(
                &eec("eec-1"),
                SUBSCRIPTIONS,
                subscription(json!({"expTime": after(60)})),
            )
            .await
            .created();
        lab.clock.advance(59);
        lab.patch(&eec("eec-1"), &path, json!({"expTime": after(120)}))
            .await
            .is(200);
        lab.pass(60).await;
        lab.patch(&eec("eec-1"), &path, json!({})).await.is(200);
        lab.clock.advance(1);
        lab.patch(&eec("eec-1"), &path, json!({}))
            .await
            .refused(404, "SUBSCRIPTION_NOT_FOUND");
        lab.pass(1).await;
        lab.settle().await;
        assert_eq!(lab.keys().await, [""; 0], "nothing is left behind");
    }
}

mod delete {
    use super::*;

    #[tokio::test]
    async fn removes_it_for_its_owner_only() {
        let lab = Lab::new().await;
        let (path, _) = lab
            .post(&eec("eec-1"), SUBSCRIPTIONS, subscription(json!({})))
            .await
            .created();
        lab.delete(&eec("eec-2"), &path)
            .await
            .refused(404, "SUBSCRIPTION_NOT_FOUND");
        lab.delete(&eec("eec-1"), &path).await.is(204);
        lab.delete(&eec("eec-1"), &path)
            .await
            .refused(404, "SUBSCRIPTION_NOT_FOUND");
        lab.settle().await;
        assert_eq!(lab.keys().await, [""; 0], "nothing is left behind");
        lab.get(&eec("eec-1"), &path).await.refused(405, "METHOD_NOT_ALLOWED");
    }
}

/// TS 24.558 clause 7.2.2.2.2, TS 23.558 clause 8.3.3.3: the ECS may ask the core network where the UE is.
mod a_ue_whose_place_is_not_told {
    use super::*;
    use edgeapp_authz::consent::AgreedByOtherMeans;
    use edgeapp_core::network::{LocationReport, NetworkError};
    use edgeapp_ecs::ecs::EcsRules;
    use edgeapp_testkit::network::FakeCore;
    use std::sync::Arc;

    const UE: &str = "msisdn-491700000001";

    fn in_area(tac: &str) -> LocationReport {
        LocationReport {
            ue: None,
            location: Some(serde_json::from_value(at(tac)).expect("a location")),
            failure: None,
            at: None,
        }
    }

    /// Two EESs, for one tracking area each, and the UE in the second.
    async fn site(agreed: bool) -> (Lab, Arc<FakeCore>) {
        let core = Arc::new(FakeCore::default());
        let lab = Lab::behind(EcsRules::default(), |builder| match agreed {
            true => builder
                .core_network(core.clone())
                .consent(Arc::new(AgreedByOtherMeans::default())),
            false => builder.core_network(core.clone()),
        })
        .await;
        for (id, tac) in [("ees-a", "000001"), ("ees-b", "000002")] {
            lab.register(id, json!({"svcArea": area(tac)})).await;
        }
        core.place(UE.parse().expect("a GPSI"), in_area("000002"));
        (lab, core)
    }

    #[tokio::test]
    async fn is_asked_for_at_the_core_network() {
        let (lab, core) = site(true).await;
        assert_eq!(lab.found(json!({"ueId": UE})).await, ["ees-b"]);
        assert_eq!(lab.found(json!({"ueId": UE, "locInf": at("000001")})).await, ["ees-a"]);
        assert_eq!(core.questions(), 1, "what the request says is not asked for");
    }

    #[tokio::test]
    async fn is_not_asked_for_without_consent() {
        let (lab, core) = site(false).await;
        assert_eq!(lab.found(json!({"ueId": UE})).await, ["ees-a", "ees-b"]);
        assert_eq!(core.questions(), 0);
    }

    #[tokio::test]
    async fn is_left_open_while_the_core_network_does_not_serve() {
        let (lab, core) = site(true).await;
        core.fail_next(NetworkError::Unavailable {
            reason: "down".to_owned(),
            after: None,
        });
        assert_eq!(lab.found(json!({"ueId": UE})).await, ["ees-a", "ees-b"]);
        assert_eq!(lab.found(json!({"ueId": UE})).await, ["ees-a", "ees-b"]);
        assert_eq!(core.questions(), 1);
        lab.pass(10).await;
        assert_eq!(lab.found(json!({"ueId": UE})).await, ["ees-b"]);
    }

    /// TS 29.558 clause 6.3.2.2.2: the same for an EES that looks for a target.
    #[tokio::test]
    async fn is_asked_for_a_target_too() {
        let (lab, _core) = site(true).await;
        lab.register("ees-c", json!({})).await;
        let path = format!(
            "{}?ees-id=ees-c&eas-id=eas.chess.example&ue-id={UE}",
            crate::lab::TARGETS
        );
        assert_eq!(ids(&lab.get(&ees("ees-c"), &path).await.is(200)), ["ees-b"]);
    }
}
