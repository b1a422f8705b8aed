//! State at rest: what is read by somebody who has its file and no key, and what comes of changing it.

use crate::{
    audit::records,
    support::{CHESS, DISCOVERY_SUBSCRIPTIONS, EAS_REGISTRATIONS, EEC_REGISTRATIONS, availability, eas_registration},
};
use edgeapp_core::store::{Commit, Span, Store};
use edgeapp_store::RedbStore;
use edgeapp_system_tests::lab::{Lab, Plan, ue_of};
use serde_json::json;
use std::fs;

const EEC: &str = "alice-in-edgeland";

fn encrypted(lab: &Lab) -> Plan {
    lab.ees("a").with(
        "[store]\nencryption_key_file = \"pki/state.key\"\n[audit]\nfolder = \"audit\"\nkey = \"pki/audit.key\"\n",
    )
}

/// WP-46: the file of a server with a user in it does not name the user, whether the server stopped or was killed; with the key
/// everything is there, without it nothing starts.
///
/// Proves: WP-46, T-31
#[tokio::test]
async fn the_file_of_the_state_names_nobody() {
    let lab = Lab::new();
    let plan = encrypted(&lab);
    let ees = plan.start().await;
    let eec = lab.eec(EEC, ees.root("edge1"));
    let registration = json!({"eecId": EEC, "ueId": ue_of(EEC), "acProfs": [{"acId": "ac.chess.example"}]});
    let path = eec.post(EEC_REGISTRATIONS, &registration).await.created();
    eec.post(DISCOVERY_SUBSCRIPTIONS, &availability(EEC, "https://127.0.0.1:1/x"))
        .await
        .created();
    let names_nobody = || {
        let file = fs::read(plan.state()).expect("the state");
        for name in [EEC, &ue_of(EEC), "ac.chess.example"] {
            let there = file.windows(name.len()).any(|bytes| bytes == name.as_bytes());
            assert!(!there, "{name} stands in the file");
        }
    };
    ees.kill().await;
    names_nobody();
    let ees = plan.start().await;
    let again = eec.at(ees.root("edge1"));
    again.put(&path, &registration).await.found();
    assert!(ees.stop().await.success());
    names_nobody();

    let mut without = lab.ees("a").try_start().await.expect_err("there is no key");
    without.push_str(&fs::read_to_string(plan.log()).expect("a log"));
    assert!(without.contains("encryption_key_file"), "{without}");
}

/// WP-46: one byte of the state that changed keeps the server from starting on it, and the audit log says why.
///
/// Proves: WP-46
#[tokio::test]
async fn a_changed_byte_of_the_state_is_noticed() {
    let lab = Lab::new();
    let plan = encrypted(&lab);
    let ees = plan.start().await;
    let eas = lab.eas(&format!("{CHESS}#a"), ees.root("edge3"));
    eas.post(EAS_REGISTRATIONS, &eas_registration(CHESS, "a", "ENABLED"))
        .await
        .created();
    assert!(ees.stop().await.success());
    let store = RedbStore::open(plan.state()).expect("the state");
    let of_eass = store.range(Span::prefix("eas/")).await.expect("read").entries;
    let [entry] = &of_eass[..] else {
        panic!("one EAS is registered: {of_eass:?}");
    };
    let mut value = entry.value.to_vec();
    let last = value.len() - 1;
    value[last] ^= 1;
    let change = Commit::new().put(entry.key.clone(), value);
    store.commit(change).await.expect("changed");
    drop(store);
    let refused = plan.try_start().await.expect_err("the state is not what was written");
    let log = fs::read_to_string(plan.log()).expect("a log");
    assert!(log.contains("is not what was sealed"), "{refused}\n{log}");
    let told = records(&lab.path().join("audit"));
    let told = told.iter().filter(|record| record["event"] == "STATE_CORRUPT").count();
    assert_eq!(told, 1);
}
