//! Notifications that nobody asked for, sent to the simulated EEC: by nobody, by other roles, by an EES of another issuer, and by an EES
//! that is certified and was not asked.

use edgeapp_core::principal::Role;
use edgeapp_system_tests::{caller::Caller, lab::Lab};
use eec_sim::{
    pki::Files,
    record::{Recorder, Unwatched},
    world::{
        callbacks::Callbacks,
        tracks::{Track, Tracks},
    },
};
use serde_json::json;
use std::sync::Arc;

/// Proves: T-38
#[tokio::test]
async fn a_forged_notification_is_not_believed() {
    let lab = Lab::new();
    let recorder = Recorder::new(Arc::new(Unwatched));
    let (tracks, ue) = (Arc::new(Tracks::default()), "msisdn-491700000001");
    let track = Track::new((ue, "ac.chess"), ("a", "ees-a.example"), None, recorder);
    tracks.begin("eas.chess.example", track.clone());
    let witness = &track.witness;
    let files = lab.who(Role::Eec, "eec-1");
    let callbacks = Callbacks::start(&files, &lab.pki, ue, &tracks).await.unwrap();
    let destination = callbacks.destination();
    let (root, secret) = destination.rsplit_once("/acr-events/").unwrap();
    let told = json!({"subId": "sub-1", "easId": "eas.chess.example", "eventId": "ACR_COMPLETE", "acrStatus": {"acrRes": true, "tEasEndpoint": {"uri": "https://chess.example/play"}}});
    let path = format!("/acr-events/{secret}");
    let as_one = |files: &Files| Caller::new(&lab, files, Role::Eec, root);
    // Even the right address is of no use to who is no EES.
    let nobody = Caller::anonymous(&lab, Role::Eec, root);
    assert!(nobody.try_call(http::Method::POST, &path, &told).await.is_err());
    for (role, id) in [
        (Role::Eec, "eec-2"),
        (Role::Eas, "eas.chess.example#1"),
        (Role::Ecs, "ecs.example"),
    ] {
        let other = as_one(&lab.who(role, id));
        assert!(
            other.try_call(http::Method::POST, &path, &told).await.is_err(),
            "{role}"
        );
    }
    let forged = lab
        .pki
        .issue(Role::Ees, "ees-a.example")
        .issued_by(Role::Eas)
        .named("forged")
        .write()
        .unwrap();
    assert!(
        as_one(&forged)
            .try_call(http::Method::POST, &path, &told)
            .await
            .is_err()
    );
    // An EES that was not asked does not know where to.
    let uninvited = as_one(&lab.who(Role::Ees, "ees-other.example"));
    for guess in [
        "/acr-events",
        "/acr-events/",
        "/acr-events/0123456789abcdef0123456789abcdef",
    ] {
        let answer = uninvited.post(guess, &told).await;
        answer.refused(404, "RESOURCE_URI_STRUCTURE_NOT_FOUND");
    }
    assert!(
        witness.sights().notified.is_empty(),
        "a forged notification was believed"
    );
    // The one that was asked is heard.
    as_one(&lab.who(Role::Ees, "ees-a.example"))
        .post(&path, &told)
        .await
        .done();
    assert_eq!(witness.sights().notified.len(), 1);
}
