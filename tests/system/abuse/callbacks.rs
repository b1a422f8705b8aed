//! Callbacks that lead where they must not (E.5, T-11, T-12; rows 33 to 35 of the corpus).

use crate::support::{
    ACR_EVENTS, ACR_MANAGEMENT, CHESS, DISCOVERY_SUBSCRIPTIONS, EAS_REGISTRATIONS, acr_events, act_start_stop,
    availability, eas_registration, register_eec,
};
use edgeapp_core::principal::Role;
use edgeapp_system_tests::{
    caller::Caller,
    ear::{Ear, Say},
    lab::{Lab, ue_of},
    process::Process,
};
use http::Method;
use serde_json::{Value, json};
use std::time::Duration;
use tokio::{net::TcpListener, time::timeout};

const EEC: &str = "eec-caller";

/// An EES with the rule of an operator's network, and an EEC whose certificate has the name `ue.example`.
struct Strict {
    ees: Process,
    eec: Caller,
    _lab: Lab,
}

impl Strict {
    async fn open() -> Self {
        let lab = Lab::new();
        let ees = lab
            .ees("a")
            .with("[notifications]\nallow_callbacks_to_private_addresses = false\n")
            .with("[callbacks]\nallowed_hosts = [\"*.proxy.example\"]\nallowed_ports = [443, 8443]\n")
            .start()
            .await;
        let request = lab
            .pki
            .issue(Role::Eec, EEC)
            .gpsi(&ue_of(EEC))
            .host("ue.example")
            .named("eec-caller");
        let who = request.write().expect("a certificate");
        let eec = Caller::new(&lab, &who, Role::Ees, ees.root("edge1"));
        register_eec(&eec, EEC).await;
        Self { ees, eec, _lab: lab }
    }
}

/// Forms that lead inside, to metadata services, to the server itself, to strangers, or that are no callback at all.
fn forms(port: u16) -> Vec<(u16, String)> {
    let inside = [
        "127.0.0.1",
        "localhost",
        "LOCALHOST.",
        "a.localhost",
        "2130706433",
        "0x7f000001",
        "0x7f.1",
        "0177.0.0.1",
        "017700000001",
        "127.1",
        "0",
        "0.0.0.0",
        "[::1]",
        "[::]",
        "[::ffff:7f00:1]",
        "[::ffff:127.0.0.1]",
        "[64:ff9b::7f00:1]",
        "[2002:7f00:1::]",
        "[fe80::1]",
        "[fd00::1]",
        "10.0.0.1",
        "172.16.0.1",
        "192.168.0.1",
        "100.64.0.1",
        "169.254.169.254",
        "[fd00:ec2::254]",
        "metadata.google.internal",
        "224.0.0.1",
        "[ff02::1]",
        "255.255.255.255",
        "%31%32%37.0.0.1",
    ];
    let strangers = [
        "victim.example",
        "ue.example.victim.example",
        "xue.example",
        "proxy.example",
        "a.ue.example",
    ];
    let forbidden = inside
        .iter()
        .chain(&strangers)
        .map(|host| format!("https://{host}:8443/cb"));
    let ports = [
        "https://ue.example:22/".to_owned(),
        format!("https://ue.example:{port}/"),
    ];
    let never = [
        "http://ue.example:8443/",
        "https://good.example@ue.example/",
        "https://ue.example@127.0.0.1/",
        "https://@ue.example/",
        "https://ue.example/#f",
        "file:///etc/passwd",
        "gopher://ue.example/",
        "ftp://ue.example/",
        "ue.example/cb",
    ];
    let forbidden = forbidden.chain(ports).map(|uri| (403, uri));
    forbidden.chain(never.map(|uri| (400, uri.to_owned()))).collect()
}

/// T-11, rows 33 to 35: no form gets past the rule, neither when it is named first nor by a change; nothing is sent.
///
/// Proves: T-11
#[tokio::test]
async fn no_form_of_a_forbidden_address_gets_past() {
    let site = Strict::open().await;
    let inside = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = inside.local_addr().unwrap().port();
    let eec = &site.eec;
    let fine = availability(EEC, "https://ue.example:8443/cb");
    let subscription = eec.post(DISCOVERY_SUBSCRIPTIONS, &fine).await.created();
    let events = acr_events(EEC, "ACR_COMPLETE", "https://one.proxy.example/cb");
    let of_events = eec.post(ACR_EVENTS, &events).await.created();
    let forms = forms(port);
    assert!(forms.len() >= 45);
    for (status, uri) in forms {
        let answers = [
            eec.post(DISCOVERY_SUBSCRIPTIONS, &availability(EEC, &uri)).await,
            eec.put(&subscription, &availability(EEC, &uri)).await,
            eec.patch(&of_events, &json!({"notificationDestination": uri})).await,
            eec.post(ACR_EVENTS, &acr_events(EEC, "ACR_COMPLETE", &uri)).await,
        ];
        for answer in answers {
            // What is no URI at all may be refused as a member that is wrong.
            let cause = answer.body["cause"].as_str().unwrap_or_default();
            let refused = answer.status == status && cause == "CALLBACK_NOT_ALLOWED"
                || answer.status == 400 && ["MANDATORY_IE_INCORRECT", "OPTIONAL_IE_INCORRECT"].contains(&cause);
            assert!(refused, "{uri}: {} {}", answer.status, answer.body);
        }
    }
    let kept = eec.put(&subscription, &fine).await;
    assert_eq!(kept.found()["notificationDestination"], "https://ue.example:8443/cb");
    let nobody = timeout(Duration::from_millis(100), inside.accept()).await;
    assert!(nobody.is_err(), "something was sent");
    assert!(site.ees.log().len() < 10_000_000);
}

/// Also where private addresses are allowed, nobody makes a server call itself or a metadata service.
#[tokio::test]
async fn not_even_in_a_laboratory() {
    let lab = Lab::new();
    let ees = lab.ees("a").start().await;
    let eas = lab.eas("eas.chess.example#1", ees.root("edge3"));
    eas.post(EAS_REGISTRATIONS, &eas_registration(CHESS, "one", "ENABLED"))
        .await
        .created();
    let elsewhere = ees.root("edge1").replace("127.0.0.1", "localhost");
    for uri in [
        ees.root("edge3"),
        ees.root("operator"),
        &elsewhere,
        "https://169.254.169.254/latest/meta-data",
    ] {
        let answer = eas
            .post(ACR_MANAGEMENT, &act_start_stop(CHESS, &format!("{uri}/cb")))
            .await;
        answer.refused(403, "CALLBACK_NOT_ALLOWED");
    }
    let fine = act_start_stop(CHESS, "https://localhost:1/cb");
    eas.post(ACR_MANAGEMENT, &fine).await.created();
}

/// A redirect stays on the host that was named, however the subscriber asks.
#[tokio::test]
async fn a_redirect_to_another_host_is_not_followed() {
    let lab = Lab::new();
    let plan = lab.ees("a").with("[notifications]\nlongest_retry_seconds = 1\n");
    let ees = plan.start().await;
    let (eec, eas) = (
        lab.eec(EEC, ees.root("edge1")),
        lab.eas("eas.chess.example#1", ees.root("edge3")),
    );
    register_eec(&eec, EEC).await;
    let who = lab.who(Role::Eec, EEC);
    let (named, other) = (Ear::open(&lab, &who).await, Ear::open(&lab, &who).await);
    eec.post(DISCOVERY_SUBSCRIPTIONS, &availability(EEC, &named.uri("/cb")))
        .await
        .created();
    let elsewhere = format!("https://localhost:{}/cb", other.address().port());
    named.will_say([Say::MovedTo(307, elsewhere.clone()), Say::MovedTo(308, elsewhere)]);
    for name in ["one", "two", "three"] {
        let body = eas_registration(CHESS, name, "ENABLED");
        eas.post(EAS_REGISTRATIONS, &body).await.created();
    }
    // The third one comes to the host that was named, as the first two did, and the other never hears.
    named.hears_many(3).await;
    let same = format!("https://127.0.0.1:{}/cb", other.address().port());
    named.will_say([Say::MovedTo(307, same)]);
    let body: Value = eas_registration(CHESS, "four", "ENABLED");
    eas.send(Method::POST, EAS_REGISTRATIONS, "application/json", body.to_string())
        .await
        .created();
    // On the same host it is followed: only that one.
    assert_eq!(other.hears_many(1).await.len(), 1);
    assert!(
        other.heard()[0].body.to_string().contains("four"),
        "{:?}",
        other.heard()
    );
}

/// T-12: whatever is subscribed, a host that is no subscriber is called so often and not more.
///
/// Proves: T-12
#[tokio::test]
async fn a_third_party_is_not_flooded() {
    let lab = Lab::new();
    let ees = lab
        .ees("a")
        .with("[callbacks]\nconnections_per_second_per_host = 2\n[quotas]\ndiscovery_subscriptions = 1000\n")
        .start()
        .await;
    let (eec, eas) = (
        lab.eec(EEC, ees.root("edge1")),
        lab.eas("eas.chess.example#1", ees.root("edge3")),
    );
    register_eec(&eec, EEC).await;
    // It speaks no TLS: whoever connects is counted and sent away.
    let victim = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let uri = format!("https://{}/cb", victim.local_addr().unwrap());
    for _ in 0..200 {
        eec.post(DISCOVERY_SUBSCRIPTIONS, &availability(EEC, &uri))
            .await
            .created();
    }
    eas.post(EAS_REGISTRATIONS, &eas_registration(CHESS, "one", "ENABLED"))
        .await
        .created();
    let (mut calls, seconds) = (0, 3);
    let _ = timeout(Duration::from_secs(seconds), async {
        while victim.accept().await.is_ok() {
            calls += 1;
        }
    })
    .await;
    let most = 4 + 2 * seconds + 2;
    assert!(
        calls >= 4 && calls <= most,
        "{calls} calls of 200 subscriptions in {seconds} s"
    );
}
