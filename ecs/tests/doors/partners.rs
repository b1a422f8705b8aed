//! Partner ECSs in answers and notifications of Eecs_ServiceProvisioning (TS 24.558 clause 8.1.5.2, TS 23.558 clause 8.17).

use crate::lab::{Lab, REQUEST, START, SUBSCRIPTIONS, eec, ids, with};
use edgeapp_ecs::ecs::EcsRules;
use edgeapp_ecs_domain::partners::Partners;
use serde_json::{Value, json};
use std::sync::Arc;

fn plmn(mnc: &str) -> Value {
    json!({"mcc": "001", "mnc": mnc})
}

fn connected(mnc: &str) -> Value {
    json!({"connInfo": [{"plmnId": plmn(mnc)}]})
}

fn partner_b() -> Value {
    json!({"ecs_end_pt": {"uri": "https://ecs-b.example"}, "dnn": "edge-b", "snssai": {"sst": 1}, "plmn_ids": [plmn("02")]})
}

/// As EECs read it.
fn told_b() -> Value {
    json!([{"ecsEndPt": {"uri": "https://ecs-b.example"}, "dnn": "edge-b", "snssai": {"sst": 1}}])
}

fn rules(partners: Value) -> EcsRules {
    let mut rules = EcsRules::default();
    let partners = serde_json::from_value(partners).expect("partners");
    rules.answers.partners = Arc::new(Partners::new(partners).expect("fit"));
    rules
}

/// An ECS with one EES that serves its own network only.
async fn at_home(partners: Value) -> Lab {
    let lab = Lab::with(rules(partners)).await;
    lab.register("ees-a", json!({"svcArea": {"topServAr": {"plmnIds": [plmn("01")]}}}))
        .await;
    lab
}

async fn ask(lab: &Lab, more: Value) -> Value {
    let body = with(json!({"eecId": "eec-1", "suppFeat": "4"}), more);
    lab.post(&eec("eec-1"), REQUEST, body).await.is(200)
}

mod request {
    use super::*;

    #[tokio::test]
    async fn of_a_ue_in_the_network_of_a_partner_names_it() {
        let lab = at_home(json!([partner_b()])).await;
        lab.register("ees-everywhere", json!({})).await;
        let body = ask(&lab, connected("02")).await;
        assert_eq!(
            (ids(&body), &body["redirectedECS"]),
            (vec!["ees-everywhere".to_owned()], &told_b())
        );
        let at_home = ask(&lab, connected("01")).await;
        assert_eq!(at_home.get("redirectedECS"), None, "{at_home}");
        let somewhere = ask(&lab, json!({})).await;
        assert_eq!(somewhere.get("redirectedECS"), None, "nobody knows that it roams");
    }

    /// The location tells the network as well as `connInfo` does.
    #[tokio::test]
    async fn of_a_ue_that_was_seen_there_names_it() {
        let lab = at_home(json!([partner_b()])).await;
        for seen in [
            json!({"plmnId": "00102"}),
            json!({"trackingAreaId": "001-02-000001"}),
            json!({"userLocation": {"nrLocation": {"tai": {"plmnId": plmn("02"), "tac": "000001"},
                "ncgi": {"plmnId": plmn("02"), "nrCellId": "000000001"}}}}),
        ] {
            assert_eq!(
                ask(&lab, json!({"locInf": seen})).await["redirectedECS"],
                told_b(),
                "{seen}"
            );
        }
    }

    /// `ednCnfgInfo` has to name something: it says that the time of what is here is over.
    #[tokio::test]
    async fn with_nothing_here_but_a_partner_names_a_network_whose_time_is_over() {
        let lab = at_home(json!([partner_b()])).await;
        let body = ask(&lab, connected("02")).await;
        assert_eq!(ids(&body), ["ees-a"]);
        assert_eq!(body["ednCnfgInfo"][0]["lifeTime"], START);
        assert_eq!(body["redirectedECS"], told_b());
        let chess = json!({"acProfs": [{"acId": "a", "eass": [{"easId": "eas.not.here"}]}]});
        let body = ask(&lab, with(connected("02"), chess)).await;
        assert_eq!(
            (ids(&body).len(), &body["ednCnfgInfo"][0]["lifeTime"]),
            (1, &json!(START))
        );
    }

    #[tokio::test]
    async fn with_no_ees_at_all_is_204() {
        let lab = Lab::with(rules(json!([partner_b()]))).await;
        let body = with(json!({"eecId": "eec-1", "suppFeat": "4"}), connected("02"));
        lab.post(&eec("eec-1"), REQUEST, body).await.is(204);
    }

    #[tokio::test]
    async fn of_who_does_not_know_edge_app_2_names_no_partner() {
        let lab = at_home(json!([partner_b()])).await;
        for features in [json!({}), json!({"suppFeat": "3"})] {
            let body = with(with(json!({"eecId": "eec-1"}), connected("02")), features);
            lab.post(&eec("eec-1"), REQUEST, body).await.is(204);
        }
    }

    /// TS 23.558 clause 4.12: a subscriber may be served by another provider.
    #[tokio::test]
    async fn for_the_provider_of_a_partner_names_it_wherever_the_ue_is() {
        let of_provider = json!({"ecs_end_pt": {"fqdn": "ecs-c.example"}, "ecsp_ids": ["ecsp-c"]});
        let lab = at_home(json!([partner_b(), of_provider])).await;
        let told_c = json!([{"ecsEndPt": {"fqdn": "ecs-c.example"}}]);
        assert_eq!(ask(&lab, json!({"ecspIds": ["ecsp-c"]})).await["redirectedECS"], told_c);
        let both = ask(&lab, with(connected("02"), json!({"ecspIds": ["ecsp-c"]}))).await;
        assert_eq!(both["redirectedECS"].as_array().map(Vec::len), Some(2));
        assert_eq!(ask(&lab, json!({})).await.get("redirectedECS"), None);
    }
}

mod notification {
    use super::*;

    async fn subscribe(lab: &Lab, more: Value) -> String {
        let base = json!({"eecId": "eec-1", "notificationDestination": "https://ue.example/cb", "suppFeat": "4"});
        let (path, _) = lab.post(&eec("eec-1"), SUBSCRIPTIONS, with(base, more)).await.created();
        lab.settle().await;
        path
    }

    /// Network names, lifetime of the first network, partners: of each notification since the last look.
    async fn told(lab: &Lab) -> Vec<(Vec<String>, Value, Value)> {
        lab.settle().await;
        let of = |body: &Value| {
            let end = body["ednCnfgInfo"][0]["lifeTime"].clone();
            (ids(body), end, body["redirectedECS"].clone())
        };
        lab.sent().iter().map(|(_, body)| of(body)).collect()
    }

    fn names(name: &str) -> Vec<String> {
        vec![name.to_owned()]
    }

    #[tokio::test]
    async fn goes_out_when_the_ue_moves_to_the_network_of_a_partner_and_back() {
        let lab = at_home(json!([partner_b()])).await;
        let path = subscribe(&lab, connected("01")).await;
        assert_eq!(told(&lab).await, []);
        lab.patch(&eec("eec-1"), &path, connected("02")).await.is(200);
        assert_eq!(told(&lab).await, [(names("ees-a"), json!(START), told_b())]);
        lab.patch(&eec("eec-1"), &path, connected("02")).await.is(200);
        assert_eq!(told(&lab).await, [], "it knows");
        let whole = with(
            json!({"eecId": "eec-1", "notificationDestination": "https://ue.example/cb"}),
            connected("01"),
        );
        lab.put(&eec("eec-1"), &path, whole).await.is(200);
        assert_eq!(told(&lab).await, [(names("ees-a"), Value::Null, Value::Null)]);
    }

    /// Nothing was told before, nothing is here, and then not even the partner: each change can be said.
    #[tokio::test]
    async fn says_it_too_where_nothing_was_told_before() {
        let lab = at_home(json!([partner_b()])).await;
        let path = subscribe(&lab, connected("03")).await;
        lab.patch(&eec("eec-1"), &path, connected("02")).await.is(200);
        assert_eq!(told(&lab).await, [(names("ees-a"), json!(START), told_b())]);
        lab.patch(&eec("eec-1"), &path, connected("03")).await.is(200);
        assert_eq!(told(&lab).await, [(names("ees-a"), json!(START), Value::Null)]);
    }

    /// What the body cannot say yet is not forgotten.
    #[tokio::test]
    async fn waits_for_an_ees_where_none_is_registered() {
        let lab = Lab::with(rules(json!([partner_b()]))).await;
        let path = subscribe(&lab, json!({})).await;
        lab.patch(&eec("eec-1"), &path, connected("02")).await.is(200);
        assert_eq!(told(&lab).await, []);
        lab.register("ees-a", json!({"svcArea": {"topServAr": {"plmnIds": [plmn("01")]}}}))
            .await;
        assert_eq!(told(&lab).await, [(names("ees-a"), json!(START), told_b())]);
    }

    #[tokio::test]
    async fn names_partners_to_who_knows_edge_app_2_only() {
        let lab = at_home(json!([partner_b()])).await;
        let path = subscribe(&lab, with(connected("01"), json!({"suppFeat": "1"}))).await;
        lab.patch(&eec("eec-1"), &path, connected("02")).await.is(200);
        assert_eq!(told(&lab).await, [(names("ees-a"), json!(START), Value::Null)]);
    }

    /// A partner that comes with a restart is news; a restart with the same configuration is none.
    #[tokio::test]
    async fn goes_out_when_the_configuration_names_another_partner() {
        let lab = at_home(json!([])).await;
        subscribe(&lab, connected("02")).await;
        let lab = lab.restarted(rules(json!([]))).await;
        assert_eq!(told(&lab).await, []);
        let lab = lab.restarted(rules(json!([partner_b()]))).await;
        assert_eq!(told(&lab).await, [(names("ees-a"), json!(START), told_b())]);
        let lab = lab.restarted(rules(json!([partner_b()]))).await;
        assert_eq!(told(&lab).await, []);
    }
}

mod quota {
    use super::*;

    #[tokio::test]
    async fn of_subscriptions_holds_and_is_given_back() {
        let mut rules = EcsRules::default();
        rules.quotas.provisioning_subscriptions = 2.try_into().expect("a number");
        let lab = Lab::with(rules).await;
        let body = |eec: &str| json!({"eecId": eec, "notificationDestination": "https://ue.example/cb"});
        let (path, _) = lab.post(&eec("eec-1"), SUBSCRIPTIONS, body("eec-1")).await.created();
        lab.post(&eec("eec-1"), SUBSCRIPTIONS, body("eec-1")).await.created();
        let refusal = lab.post(&eec("eec-1"), SUBSCRIPTIONS, body("eec-1")).await;
        let refusal = refusal.refused(403, "QUOTA_EXCEEDED");
        let detail = refusal["detail"].as_str().expect("a detail");
        assert!(
            detail.contains("2 subscriptions") && detail.contains("quotas.provisioning_subscriptions"),
            "{detail}"
        );
        lab.post(&eec("eec-2"), SUBSCRIPTIONS, body("eec-2")).await.created();
        lab.delete(&eec("eec-1"), &path).await.is(204);
        lab.post(&eec("eec-1"), SUBSCRIPTIONS, body("eec-1")).await.created();
        lab.pass(86_401).await;
        for _ in 0..2 {
            lab.post(&eec("eec-1"), SUBSCRIPTIONS, body("eec-1")).await.created();
        }
        // An EES that registers again and again has one registration, whatever the quotas are.
        for _ in 0..3 {
            lab.register("ees-a", json!({})).await;
        }
        let registrations = lab.keys().await.into_iter().filter(|key| key.starts_with("ees/"));
        assert_eq!(registrations.count(), 1);
    }
}
