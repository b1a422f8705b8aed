//! A server that has too much to do: new work waits, what is there lives on.

use super::{EAS, Site};
use crate::support::{CHESS, EAS_REGISTRATIONS, EEC_REGISTRATIONS, eas_registration, register_eec};
use edgeapp_core::principal::Role;
use edgeapp_system_tests::wait::until;
use http::header::RETRY_AFTER;
use serde_json::json;
use tokio::io::AsyncWriteExt;

/// WP-41: with its places taken the server refuses new work, and still renews, changes and ends what is there; operators see it.
///
/// Proves: WP-41
#[tokio::test]
async fn new_work_is_refused_first() {
    let site = Site::open(|plan| plan.with("[limits]\nrequests_at_a_time = 8\n")).await;
    let (eas, eec) = (
        site.lab.eas(EAS, site.ees.root("edge3")),
        site.lab.eec("eec-1", site.ees.root("edge1")),
    );
    let body = eas_registration(CHESS, "one", "ENABLED");
    let registration = eas.post(EAS_REGISTRATIONS, &body).await.created();
    let eec_registration = register_eec(&eec, "eec-1").await;
    // Requests that began and do not go on: their bodies are waited for, ten seconds at most.
    let who = site.lab.who(Role::Eas, "eas.chess.example#slow");
    let mut slow = Vec::new();
    for _ in 0..6 {
        let mut stream = super::raw::connect(&site.lab, &who, site.address(), "127.0.0.1", b"http/1.1").await;
        let head = format!(
            "POST {EAS_REGISTRATIONS} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
             Content-Length: 1000\r\n\r\n{{"
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        stream.flush().await.unwrap();
        slow.push(stream);
    }
    let refused = until("all places for new work are taken", async || {
        let answer = eas.get(&registration).await;
        (answer.status != 200).then_some(answer)
    })
    .await;
    refused.refused(503, "NF_CONGESTION_RISK");
    assert_eq!(refused.headers[RETRY_AFTER], "2");
    eas.post(EAS_REGISTRATIONS, &eas_registration(CHESS, "two", "ENABLED"))
        .await
        .refused(503, "NF_CONGESTION_RISK");
    eec.post(EEC_REGISTRATIONS, &json!({"eecId": "eec-1"}))
        .await
        .refused(503, "NF_CONGESTION_RISK");
    // Renewals, changes and ends of what is there go on.
    eas.put(&registration, &body).await.found();
    eas.patch(&registration, &json!({"easProf": {"status": "DISABLED"}}))
        .await
        .found();
    eec.delete(&eec_registration).await.done();
    let operator = site.lab.operator(Role::Ees, site.ees.root("operator"));
    operator.get("/health").await.found();
    drop(slow);
    let again = until("new work is served again", async || {
        let answer = eas.get(&registration).await;
        (answer.status != 503).then_some(answer)
    })
    .await;
    again.found();
}
