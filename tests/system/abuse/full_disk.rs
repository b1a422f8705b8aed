//! A disk without room: nothing that was acknowledged is lost, nothing that was not is claimed.

use super::{EAS, Site};
use crate::support::{CHESS, EAS_REGISTRATIONS, eas_registration};
use edgeapp_core::principal::Role;
use edgeapp_system_tests::lab::Lab;
use serde_json::{Value, json};

/// A registration that takes some room.
fn large(n: usize) -> Value {
    let mut body = eas_registration(CHESS, &format!("instance-{n}"), "ENABLED");
    body["easProf"]["easFeats"] = (0..200).map(|m| format!("{m}-{}", "x".repeat(200))).collect();
    body
}

/// T-30, row 75: the state may not grow any more. Writes are refused as what they are, reads go on, the process lives; all that was
/// acknowledged is there afterwards.
#[tokio::test]
async fn nothing_acknowledged_is_lost_on_a_full_disk() {
    let lab = Lab::new();
    // Also what the process logs lies in a file: it must not be in the way.
    let plan = lab
        .ees("a")
        .with("[limits.eas]\nrequests_per_second = 10000\n[quotas]\neas_registrations = 100000\n");
    let ees = plan.start_with_small_files(8 * 1024).await;
    let site = Site { lab, ees };
    let eas = site.lab.eas(EAS, site.ees.root("edge3"));
    let (mut acknowledged, mut refused) = (Vec::new(), 0);
    for n in 0..2000 {
        let answer = eas.post(EAS_REGISTRATIONS, &large(n)).await;
        if answer.status == 201 {
            acknowledged.push((answer.created(), n));
            continue;
        }
        // Full, or not known whether it arrived: never a success.
        assert_eq!(answer.body["cause"], "INSUFFICIENT_RESOURCES", "{}", answer.body);
        assert!([500, 503].contains(&answer.status.as_u16()), "{}", answer.body);
        refused += 1;
        if refused == 5 {
            break;
        }
    }
    assert!(
        refused == 5 && acknowledged.len() > 10,
        "{refused} refused, {} not",
        acknowledged.len()
    );
    let all_there = async |eas: &edgeapp_system_tests::caller::Caller| {
        for (path, n) in &acknowledged {
            let found = eas.get(path).await;
            let name = format!("https://instance-{n}.chess.example:8443/play");
            assert_eq!(found.found()["easProf"]["endPt"]["uri"], json!(name), "{path}");
        }
    };
    all_there(&eas).await;
    let operator = site.lab.operator(Role::Ees, site.ees.root("operator"));
    operator.get("/health").await.found();
    site.ees.kill().await;
    let ees = plan.start().await;
    let eas = eas.at(ees.root("edge3"));
    all_there(&eas).await;
    eas.post(EAS_REGISTRATIONS, &large(9999)).await.created();
}
