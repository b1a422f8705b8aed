//! Eecs_TargetEESDiscovery (TS 29.558 clauses 6.3 and 9.2).

use crate::lab::{Lab, Reply, eec, ees, ids};
use serde_json::{Value, json};

async fn ask(lab: &Lab, more: &[(&str, &str)]) -> Reply {
    let pairs = [("ees-id", "ees-s"), ("eas-id", "eas.chess.example")]
        .iter()
        .chain(more);
    let pairs: Vec<String> = pairs
        .map(|(name, value)| format!("{name}={}", encoded(value)))
        .collect();
    lab.get(
        &ees("ees-s"),
        &format!("/eecs-targeteesdiscovery/v1/ees-profiles?{}", pairs.join("&")),
    )
    .await
}

fn encoded(value: &str) -> String {
    value
        .bytes()
        .map(|byte| {
            if byte.is_ascii_alphanumeric() {
                char::from(byte).to_string()
            } else {
                format!("%{byte:02X}")
            }
        })
        .collect()
}

async fn found(lab: &Lab, more: &[(&str, &str)]) -> Vec<String> {
    ids(&ask(lab, more).await.is(200))
}

/// Two that could take over, and the one that asks.
async fn two(first: Value, second: Value) -> Lab {
    let lab = Lab::new().await;
    lab.register("ees-s", json!({})).await;
    lab.register("ees-1", first).await;
    lab.register("ees-2", second).await;
    lab
}

mod fetch {
    use super::*;

    /// The common EAS of a group is where the group goes, if it can: its EES comes first, for EESs and for EECs alike.
    #[tokio::test]
    async fn of_a_group_puts_the_ees_with_its_common_eas_first() {
        let lab = two(json!({}), json!({})).await;
        let group = ("app-grp-id", "team");
        assert_eq!(found(&lab, &[group]).await, ["ees-1", "ees-2"]);
        let binding = json!({"requestorId": "ees-2", "binding": {"appGroupId": "team", "easId": "eas.chess.example",
            "easEndpoints": [{"fqdn": "eas.example"}], "ednInfo": {"dnn": "edge-a"}}});
        lab.post(&ees("ees-2"), "/eecs-eim/v1/bindings", binding)
            .await
            .created();
        assert_eq!(found(&lab, &[group]).await, ["ees-2", "ees-1"]);
        assert_eq!(found(&lab, &[("app-grp-id", "others")]).await, ["ees-1", "ees-2"]);
        assert_eq!(found(&lab, &[]).await, ["ees-1", "ees-2"]);
        let request = |features: &str| {
            json!({"eecId": "eec-1", "suppFeat": features,
                "appGroupProfile": {"appGrpId": "team", "easId": "eas.chess.example"}})
        };
        let body = lab.post(&eec("eec-1"), crate::lab::REQUEST, request("4")).await.is(200);
        assert_eq!(ids(&body), ["ees-2", "ees-1", "ees-s"]);
        let groups = |n: usize| body["ednCnfgInfo"][0]["eess"][n]["appGroupIdList"].clone();
        assert_eq!((groups(0), groups(1)), (json!(["team"]), Value::Null));
        let body = lab.post(&eec("eec-1"), crate::lab::REQUEST, request("1")).await.is(200);
        assert_eq!(
            ids(&body),
            ["ees-1", "ees-2", "ees-s"],
            "without EdgeApp_2 the group is ignored"
        );
    }

    /// `svcContSuppExt1` (clause 9.1.5.2.3): who can relocate the bundle as a whole comes first.
    #[tokio::test]
    async fn of_a_bundle_puts_who_relocates_it_as_a_whole_first() {
        let bundle = json!([{"bdlType": "DIRECT", "bdlId": "b1"}]);
        let carries = json!({"easBdlInfos": {"eas.chess.example": bundle}, "svcContSupp": ["EEC_INITIATED"]});
        let mut moves = carries.clone();
        moves["svcContSuppExt1"] = bundle;
        let lab = two(carries, moves).await;
        assert_eq!(found(&lab, &[("bdl-id", "b1")]).await, ["ees-2", "ees-1"]);
        assert_eq!(found(&lab, &[]).await, ["ees-1", "ees-2"]);
    }

    #[tokio::test]
    async fn leaves_out_who_asks_and_who_has_not_the_application() {
        let lab = two(json!({}), json!({"easIds": ["eas.go"]})).await;
        assert_eq!(found(&lab, &[]).await, ["ees-1"]);
        lab.register(
            "ees-2",
            json!({"easInstInfo": {"eas.chess.example": {"easId": "eas.chess.example", "status": "INSTANTIABLE"}}}),
        )
        .await;
        assert_eq!(found(&lab, &[]).await, ["ees-1", "ees-2"]);
    }

    #[tokio::test]
    async fn finding_nothing_is_404() {
        let lab = Lab::new().await;
        lab.register("ees-s", json!({})).await;
        ask(&lab, &[]).await.refused(404, "NO_SUITABLE_EES");
    }

    #[tokio::test]
    async fn in_the_name_of_somebody_else_is_refused() {
        let lab = Lab::new().await;
        let path = "/eecs-targeteesdiscovery/v1/ees-profiles?ees-id=ees-s&eas-id=eas.chess.example";
        lab.get(&ees("ees-1"), path)
            .await
            .refused_at(403, "OWNER_MISMATCH", "ees-id");
        lab.get(&eec("ees-s"), path).await.refused(403, "UNAUTHORIZED");
    }

    /// Proves: H-43, H-45, H-46
    #[tokio::test]
    async fn bad_queries_name_the_parameter() {
        let lab = Lab::new().await;
        let path = "/eecs-targeteesdiscovery/v1/ees-profiles";
        lab.get(&ees("ees-s"), path)
            .await
            .refused_at(400, "MANDATORY_QUERY_PARAM_MISSING", "ees-id");
        let reply = lab.get(&ees("ees-s"), &format!("{path}?ees-id=ees-s&eas-id=")).await;
        reply.refused_at(400, "MANDATORY_QUERY_PARAM_INCORRECT", "eas-id");
        ask(&lab, &[("ue-location", "{")])
            .await
            .refused_at(400, "OPTIONAL_QUERY_PARAM_INCORRECT", "ue-location");
        ask(&lab, &[("ens-ind", "perhaps")])
            .await
            .refused_at(400, "OPTIONAL_QUERY_PARAM_INCORRECT", "ens-ind");
    }

    #[tokio::test]
    async fn by_place_of_traffic() {
        let lab = two(
            json!({"appLocs": ["a1"]}),
            json!({"ednInfoSets": {"dnn": "edge-b", "dnais": ["b1"]}}),
        )
        .await;
        assert_eq!(found(&lab, &[("target-dnai", "a1")]).await, ["ees-1"]);
        assert_eq!(found(&lab, &[("target-dnai", "b1")]).await, ["ees-2"]);
        ask(&lab, &[("target-dnai", "c1")])
            .await
            .refused(404, "NO_SUITABLE_EES");
    }

    #[tokio::test]
    async fn by_area() {
        let area = |tac: &str| json!({"svcArea": {"topServAr": {"tais": [{"plmnId": {"mcc": "001", "mnc": "01"}, "tac": tac}]}}});
        let lab = two(area("000001"), area("000002")).await;
        let place = r#"{"nwAreaInfo":{"tais":[{"plmnId":{"mcc":"001","mnc":"01"},"tac":"000002"}]}}"#;
        assert_eq!(found(&lab, &[("ue-location", place)]).await, ["ees-2"]);
        assert_eq!(found(&lab, &[]).await.len(), 2);
    }

    #[tokio::test]
    async fn by_scenario_of_eec_and_client() {
        let lab = two(
            json!({"svcContSupp": ["EEC_INITIATED"]}),
            json!({"svcContSupp": ["EEL_MANAGED_ACR", "EEC_INITIATED"]}),
        )
        .await;
        let managed = ("ac-svc-cont-supp", "EEL_MANAGED_ACR");
        assert_eq!(found(&lab, &[managed]).await, ["ees-2"]);
        assert_eq!(
            found(&lab, &[managed, ("ac-svc-cont-supp", "EEC_INITIATED")])
                .await
                .len(),
            2
        );
        let support = r#"{"srvContSupp":true,"acrScenarios":["EEL_MANAGED_ACR"]}"#;
        assert_eq!(found(&lab, &[("eec-srv-cont-supp", support)]).await, ["ees-2"]);
        let none = r#"{"srvContSupp":false,"acrScenarios":["EEL_MANAGED_ACR"]}"#;
        assert_eq!(
            found(&lab, &[("eec-srv-cont-supp", none)]).await.len(),
            2,
            "an EEC without continuity constrains nobody"
        );
        assert_eq!(
            found(&lab, &[("srvContSupp", "true"), ("acrScenarios", "EEL_MANAGED_ACR")]).await,
            ["ees-2"]
        );
    }

    #[tokio::test]
    async fn by_bundle_named_or_by_its_members() {
        let bundle = json!({"easBdlInfos": {"eas.chess.example": [{"bdlType": "DIRECT", "bdlId": "b1"}]}});
        let members = json!({"easIds": ["eas.chess.example", "eas.clock"]});
        let lab = two(bundle, members).await;
        assert_eq!(found(&lab, &[("bdl-id", "b1")]).await, ["ees-1"]);
        assert_eq!(
            found(&lab, &[("bdl-id", "b1"), ("bdl-type", "DIRECT")]).await,
            ["ees-1"]
        );
        ask(&lab, &[("bdl-id", "b1"), ("bdl-type", "PROXY")])
            .await
            .refused(404, "NO_SUITABLE_EES");
        let told = json!({"bdlType": "DIRECT", "bdlId": "b1", "easIdsList": ["eas.chess.example", "eas.clock"]});
        lab.register("ees-s", json!({"easBdlInfos": {"eas.chess.example": [told]}}))
            .await;
        assert_eq!(
            found(&lab, &[("bdl-id", "b1")]).await,
            ["ees-1", "ees-2"],
            "who asks knows the members"
        );
    }

    #[tokio::test]
    async fn who_expired_is_not_found() {
        let lab = two(json!({}), json!({})).await;
        lab.clock.advance(3600);
        ask(&lab, &[]).await.refused(404, "NO_SUITABLE_EES");
    }
}
