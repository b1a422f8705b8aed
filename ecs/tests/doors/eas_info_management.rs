//! Eecs_EASInfoManagement (TS 29.558 clauses 6.4 and 9.3).

use crate::lab::{Lab, ees};
use serde_json::{Value, json};

const BINDINGS: &str = "/eecs-eim/v1/bindings";

/// Where an EES says to be when it registers.
fn endpoint(ees: &str) -> String {
    format!("https://{ees}.example:8443")
}

fn binding(by: &str, dnn: &str, eas: &str) -> Value {
    json!({"requestorId": by, "binding": {"appGroupId": "team", "easId": "eas.chess.example",
        "easEndpoints": [{"fqdn": eas}], "eesEndpoint": {"uri": endpoint(by)}, "ednInfo": {"dnn": dnn}}})
}

fn query(by: &str) -> String {
    format!("{BINDINGS}?requestor-id={by}&app-group-id=team&eas-id=eas.chess.example")
}

async fn site() -> Lab {
    site_in("edn-b").await
}

/// Two EESs: one in `edn-a`, one in this network.
async fn site_in(other: &str) -> Lab {
    let lab = Lab::new().await;
    for (id, dnn) in [("ees-a.example", "edn-a"), ("ees-b.example", other)] {
        lab.register(id, json!({"ednInfoSets": {"dnn": dnn}})).await;
    }
    lab
}

/// Clause 6.4.2.3: the first one is stored and found.
#[tokio::test]
async fn what_is_bound_is_found() {
    let lab = site().await;
    let a = ees("ees-a.example");
    assert_eq!(lab.get(&a, &query("ees-a.example")).await.is(204), Value::Null);
    let (_, made) = lab
        .post(&a, BINDINGS, binding("ees-a.example", "edn-a", "one.example"))
        .await
        .created();
    assert_eq!(made["binding"]["easEndpoints"], json!([{"fqdn": "one.example"}]));
    let found = lab.get(&ees("ees-b.example"), &query("ees-b.example")).await.is(200);
    assert_eq!(found["binding"], made["binding"]);
}

/// Clause 6.4.2.3: the second one hears which is in force.
#[tokio::test]
async fn a_second_binding_is_refused_with_the_first() {
    let lab = site_in("edn-a").await;
    let first = binding("ees-a.example", "edn-a", "one.example");
    lab.post(&ees("ees-a.example"), BINDINGS, first).await.created();
    let second = binding("ees-b.example", "edn-a", "two.example");
    let refused = lab
        .post(&ees("ees-b.example"), BINDINGS, second)
        .await
        .refused(403, "COMMON_EAS_EXISTS");
    assert_eq!(refused["easEndpoints"], json!([{"fqdn": "one.example"}]));
    assert_eq!(refused["eesEndpoint"], json!({"uri": endpoint("ees-a.example")}));
}

/// Two that race: one wins, and the other hears of it.
#[tokio::test]
async fn of_two_that_race_one_wins() {
    let lab = site_in("edn-a").await;
    let (a, b) = (ees("ees-a.example"), ees("ees-b.example"));
    let (one, two) = tokio::join!(
        lab.post(&a, BINDINGS, binding("ees-a.example", "edn-a", "one.example")),
        lab.post(&b, BINDINGS, binding("ees-b.example", "edn-a", "two.example")),
    );
    let mut statuses = [one.status.as_u16(), two.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 403]);
}

/// TS 23.558 annex E.1: each edge data network may have its own.
#[tokio::test]
async fn each_edge_data_network_has_its_own() {
    let lab = site().await;
    for (id, dnn, eas) in [
        ("ees-a.example", "edn-a", "one.example"),
        ("ees-b.example", "edn-b", "two.example"),
    ] {
        lab.post(&ees(id), BINDINGS, binding(id, dnn, eas)).await.created();
    }
    for (id, eas) in [("ees-a.example", "one.example"), ("ees-b.example", "two.example")] {
        let found = lab.get(&ees(id), &query(id)).await.is(200);
        assert_eq!(found["binding"]["easEndpoints"], json!([{"fqdn": eas}]));
    }
}

/// The EES that bound may bind anew, and when it is gone its binding is no longer in force.
#[tokio::test]
async fn a_binding_ends_with_the_registration_of_its_ees() {
    let lab = Lab::new().await;
    let here = json!({"ednInfoSets": {"dnn": "edn-a"}});
    let registration = lab.register("ees-a.example", here.clone()).await;
    lab.register("ees-b.example", here).await;
    let (a, b) = (ees("ees-a.example"), ees("ees-b.example"));
    for eas in ["one.example", "other.example"] {
        lab.post(&a, BINDINGS, binding("ees-a.example", "edn-a", eas))
            .await
            .created();
    }
    lab.delete(&a, &registration).await.is(204);
    assert_eq!(lab.get(&b, &query("ees-b.example")).await.is(204), Value::Null);
    lab.post(&b, BINDINGS, binding("ees-b.example", "edn-a", "two.example"))
        .await
        .created();
}

#[tokio::test]
async fn refusals_say_why() {
    let lab = site().await;
    let a = ees("ees-a.example");
    let other = binding("ees-b.example", "edn-a", "one.example");
    lab.post(&a, BINDINGS, other)
        .await
        .refused_at(403, "OWNER_MISMATCH", "/requestorId");
    lab.get(&a, &query("ees-b.example"))
        .await
        .refused_at(403, "OWNER_MISMATCH", "/requestorId");
    let elsewhere = binding("ees-a.example", "edn-b", "one.example");
    lab.post(&a, BINDINGS, elsewhere)
        .await
        .refused_at(403, "OWNER_MISMATCH", "/binding/ednInfo/dnn");
    let mut of_other = binding("ees-a.example", "edn-a", "one.example");
    of_other["binding"]["eesEndpoint"] = json!({"uri": endpoint("ees-b.example")});
    lab.post(&a, BINDINGS, of_other)
        .await
        .refused_at(403, "OWNER_MISMATCH", "/binding/eesEndpoint");
    let stranger = ees("ees-x.example");
    let unknown = binding("ees-x.example", "edn-a", "one.example");
    lab.post(&stranger, BINDINGS, unknown)
        .await
        .refused(403, "NOT_REGISTERED");
    for member in ["appGroupId", "easId", "easEndpoints"] {
        let mut body = binding("ees-a.example", "edn-a", "one.example");
        body["binding"].as_object_mut().expect("an object").remove(member);
        let pointer = format!("/binding/{member}");
        lab.post(&a, BINDINGS, body)
            .await
            .refused_at(400, "MANDATORY_IE_MISSING", &pointer);
    }
    let incomplete = format!("{BINDINGS}?requestor-id=ees-a.example&eas-id=eas.chess.example");
    lab.get(&a, &incomplete)
        .await
        .refused_at(400, "MANDATORY_QUERY_PARAM_MISSING", "app-group-id");
}
