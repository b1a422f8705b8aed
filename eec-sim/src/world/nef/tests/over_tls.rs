//! The running NEF, asked and answered by what behaves like an EES.

use super::{SAMPLE, UE1, influence, watch};
use crate::{
    call,
    pki::Pki,
    world::nef::{
        configuration::Configuration,
        doors::{Reply, Request},
        server::{Running, accept, start},
    },
};
use axum::http::{HeaderMap, Method, StatusCode, header};
use edgeapp_core::{clock::ManualClock, principal::Role};
use edgeapp_http::{
    client::{Answer, CallError, HttpClient},
    tls::server_config,
};
use serde_json::{Value, json};
use std::{
    fs,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::{net::TcpListener, sync::mpsc};
use tokio_util::sync::CancellationToken;

/// What an EES answers to the events of paths that wait for an acknowledgement.
type Verdict = Arc<Mutex<Option<&'static str>>>;

struct Lab {
    nef: Running,
    clock: Arc<ManualClock>,
    ees: HttpClient,
    ecs: HttpClient,
    operator: HttpClient,
    /// Where the EES hears of things, without the last part.
    ear: String,
    heard: mpsc::UnboundedReceiver<(String, Value)>,
    verdict: Verdict,
    _stop: tokio_util::sync::DropGuard,
    _dir: tempfile::TempDir,
}

/// The sample with this before it, on free ports; `secret` is a file with a secret.
async fn lab(extra: &str) -> Lab {
    let dir = tempfile::tempdir().unwrap();
    let pki = Pki::create(dir.path()).unwrap();
    let text = SAMPLE
        .replace("127.0.0.1:9402", "127.0.0.1:0")
        .replace("127.0.0.1:9408", "127.0.0.1:0");
    let file = dir.path().join("nef.toml");
    fs::write(&file, format!("{extra}\n{text}")).unwrap();
    fs::write(dir.path().join("secret"), "s3cret\n").unwrap();
    let clock = ManualClock::at(super::at(0));
    let configuration = Configuration::read(&file).unwrap();
    let nef = start(&configuration, clock.clone(), Box::new(|_| {})).await.unwrap();
    let client = |name: &str| {
        let identity = pki.files(name).identity().unwrap();
        call::client(&identity, &pki.trust(Role::Nef).unwrap(), Duration::from_secs(5)).unwrap()
    };
    let ees = client("ees-a");
    let (sender, heard) = mpsc::unbounded_channel();
    let verdict = Verdict::new(Mutex::new(Some("SUCCESS")));
    let tls = server_config(
        &pki.files("ees-a").identity().unwrap(),
        &[(Role::Nef, pki.trust(Role::Nef).unwrap())],
        true,
    )
    .unwrap();
    let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let ear = format!("https://{}/cb", socket.local_addr().unwrap());
    let stop = CancellationToken::new();
    let handler = {
        let (ees, verdict) = (ees.clone(), verdict.clone());
        move |request: Request| {
            let (ees, verdict, sender) = (ees.clone(), verdict.clone(), sender.clone());
            async move {
                let body: Value = serde_json::from_slice(&request.body).unwrap();
                let answer = *verdict.lock().unwrap();
                if let (Some(to), Some(status)) = (body["afAckUri"].as_str().map(str::to_owned), answer) {
                    let ack = json!({"afTransId": "acr-1", "ackResult": {"afStatus": status}});
                    // Apart from the answer, as an EES does.
                    tokio::spawn(async move { ees.call(Method::POST, &to, Some(&ack)).await });
                }
                sender.send((request.path, body)).unwrap();
                Some(Reply::nothing())
            }
        }
    };
    tokio::spawn(accept(socket, tls, stop.clone(), handler));
    Lab {
        nef,
        clock,
        ecs: client("ecs"),
        operator: client("operator"),
        ees,
        ear,
        heard,
        verdict,
        _stop: stop.drop_guard(),
        _dir: dir,
    }
}

impl Lab {
    async fn ask(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Answer, CallError> {
        self.ees.call(method, &format!("{}{path}", self.nef.root), body).await
    }

    async fn create(&self, path: &str, body: Value) -> (String, Value) {
        let answer = self.ask(Method::POST, path, Some(&body)).await.unwrap();
        assert_eq!(answer.status, StatusCode::CREATED);
        let body: Value = answer.json().unwrap();
        let location = answer.location.unwrap();
        assert_eq!(body["self"], location.as_str());
        (location, body)
    }

    async fn sim(&self, path: &str, body: Value) {
        let url = format!("{}/sim/{path}", self.nef.control);
        let answer = self.operator.call(Method::POST, &url, Some(&body)).await.unwrap();
        assert_eq!(answer.status, StatusCode::NO_CONTENT);
    }

    async fn shown(&self, path: &str) -> Value {
        let url = format!("{}/sim/{path}", self.nef.control);
        let answer = self.operator.call(Method::GET, &url, call::NOTHING).await.unwrap();
        answer.json().unwrap()
    }

    async fn walk(&self, cell: &str) {
        self.sim(&format!("ue/{UE1}/move"), json!({"cell": cell})).await;
    }

    /// What came so far; a move is answered only after it.
    fn heard(&mut self) -> Vec<(String, Value)> {
        std::iter::from_fn(|| self.heard.try_recv().ok()).collect()
    }

    fn refused(result: Result<Answer, CallError>) -> (StatusCode, Value) {
        match result {
            Err(CallError::Refused { status, problem, .. }) => (status, serde_json::to_value(problem).unwrap()),
            other => panic!("not refused: {other:?}"),
        }
    }
}

const LOCATIONS: &str = "/3gpp-monitoring-event/v1/ees-a.example/subscriptions";
const PATHS: &str = "/3gpp-traffic-influence/v1/ees-a.example/subscriptions";

#[tokio::test]
async fn a_move_is_reported_until_the_subscription_is_removed() {
    let mut lab = lab("").await;
    let to = json!({"notificationDestination": format!("{}/loc", lab.ear), "minimumReportInterval": 5});
    let (uri, _) = lab.create(LOCATIONS, watch(to)).await;
    lab.walk("000000002").await;
    let heard = lab.heard();
    assert_eq!(heard.len(), 1);
    assert_eq!(heard[0].0, "/cb/loc");
    assert_eq!(heard[0].1["subscription"], uri.as_str());
    lab.walk("000000001").await;
    assert!(lab.heard().is_empty(), "too early");
    lab.clock.advance(5);
    lab.nef.nef.tick().await;
    assert_eq!(lab.heard().len(), 1);
    let listed: Value = lab.ask(Method::GET, LOCATIONS, None).await.unwrap().json().unwrap();
    assert_eq!(listed.as_array().unwrap().len(), 1);
    let path = uri.strip_prefix(&lab.nef.root).unwrap();
    let patch = json!([{"op": "remove", "path": "/minimumReportInterval"}]).to_string();
    let media = "application/json-patch+json";
    let patched = lab
        .ees
        .send(Method::PATCH, &uri, media, Some(patch.into()))
        .await
        .unwrap();
    assert_eq!(patched.json::<Value>().unwrap().get("minimumReportInterval"), None);
    assert_eq!(
        lab.ask(Method::DELETE, path, None).await.unwrap().status,
        StatusCode::NO_CONTENT
    );
    lab.walk("000000003").await;
    assert!(lab.heard().is_empty());
    assert_eq!(
        Lab::refused(lab.ask(Method::DELETE, path, None).await).0,
        StatusCode::NOT_FOUND
    );
    assert_eq!(lab.shown("subscriptions").await["subscriptions"], json!([]));
    let log = lab.shown("log").await;
    let callbacks = log
        .as_array()
        .unwrap()
        .iter()
        .filter(|entry| entry["kind"] == "callback");
    assert_eq!(callbacks.filter(|entry| entry["status"] == 204).count(), 2);
    assert!(
        !log.to_string().contains("/cb/loc"),
        "whoever reads the log cannot report in the NEF's place"
    );
}

#[tokio::test]
async fn a_path_changes_after_the_acknowledgement() {
    let mut lab = lab("").await;
    let to = json!({"notificationDestination": format!("{}/path", lab.ear)});
    lab.create(PATHS, influence(to)).await;
    lab.walk("000000002").await;
    let types: Vec<_> = lab
        .heard()
        .into_iter()
        .map(|(_, body)| body["dnaiChgType"].clone())
        .collect();
    assert_eq!(types, ["EARLY", "LATE"]);
    assert_eq!(lab.shown("ue").await[0]["paths"]["eas-chess"], "edge-b");
}

#[tokio::test]
async fn a_refusal_keeps_the_path() {
    let mut lab = lab("").await;
    *lab.verdict.lock().unwrap() = Some("RELOC_NO_ALLOWED");
    let to = json!({"notificationDestination": format!("{}/path", lab.ear)});
    lab.create(PATHS, influence(to)).await;
    lab.walk("000000002").await;
    let heard = lab.heard();
    assert_eq!(heard.len(), 1);
    assert_eq!(heard[0].1["dnaiChgType"], "EARLY");
    assert_eq!(lab.shown("ue").await[0]["paths"]["eas-chess"], "edge-a");
    let late = json!({"ackResult": {"afStatus": "SUCCESS"}});
    let again = heard[0].1["afAckUri"].as_str().unwrap();
    let again = lab.ees.call(Method::POST, again, Some(&late)).await;
    assert_eq!(Lab::refused(again).0, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn silence_lets_the_path_change_when_the_time_is_over() {
    let mut lab = lab("ack_timeout_ms = 20").await;
    *lab.verdict.lock().unwrap() = None;
    let to = json!({"notificationDestination": format!("{}/path", lab.ear)});
    lab.create(PATHS, influence(to)).await;
    lab.walk("000000002").await;
    assert_eq!(lab.heard().len(), 2);
    assert_eq!(lab.shown("ue").await[0]["paths"]["eas-chess"], "edge-b");
}

#[tokio::test]
async fn a_route_steers_after_the_answer() {
    let mut lab = lab("").await;
    let steer = json!({
        "notificationDestination": format!("{}/path", lab.ear),
        "trafficRoutes": [{"dnai": "edge-b", "routeProfId": "p"}],
    });
    lab.create(PATHS, influence(steer)).await;
    let early = lab.heard.recv().await.unwrap().1;
    let late = lab.heard.recv().await.unwrap().1;
    assert_eq!(
        (&early["targetDnai"], &late["dnaiChgType"]),
        (&json!("edge-b"), &json!("LATE"))
    );
}

#[tokio::test]
async fn faults_come_as_often_as_asked() {
    let lab = lab("").await;
    let api = "3gpp-monitoring-event";
    lab.sim("faults", json!({"api": api, "status": 503, "count": 2})).await;
    lab.sim("faults", json!({"api": api, "drop": true, "done": true})).await;
    let body = watch(json!({}));
    for _ in 0..2 {
        let refused = lab.ask(Method::POST, LOCATIONS, Some(&body)).await;
        assert_eq!(Lab::refused(refused).0, StatusCode::SERVICE_UNAVAILABLE);
    }
    assert_eq!(lab.shown("subscriptions").await["subscriptions"], json!([]));
    let broken = lab.ask(Method::POST, LOCATIONS, Some(&body)).await;
    assert!(matches!(broken, Err(CallError::Unreachable(_))), "{broken:?}");
    let listed: Value = lab.ask(Method::GET, LOCATIONS, None).await.unwrap().json().unwrap();
    assert_eq!(
        listed.as_array().unwrap().len(),
        1,
        "it was carried out, only the answer was lost"
    );
}

#[tokio::test]
async fn strangers_and_wrong_bodies_are_refused() {
    let lab = lab("allowed = [\"ees-a.example\", \"ecs.example\"]").await;
    let other = LOCATIONS.replace("ees-a", "ees-z");
    let refused = lab.ask(Method::POST, &other, Some(&watch(json!({})))).await;
    assert_eq!(Lab::refused(refused).0, StatusCode::FORBIDDEN);
    let body = watch(json!({"msisdn": "491700000001"}));
    let (status, problem) = Lab::refused(lab.ask(Method::POST, LOCATIONS, Some(&body)).await);
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert_eq!(problem["invalidParams"][0]["param"], "/externalId");
    let nobody = watch(json!({"externalId": "nobody@example.org"}));
    let refused = lab.ask(Method::POST, LOCATIONS, Some(&nobody)).await;
    assert_eq!(Lab::refused(refused).0, StatusCode::NOT_FOUND);
    // An EES is no operator.
    let url = format!("{}/sim/log", lab.nef.control);
    assert!(matches!(
        lab.ees.call(Method::GET, &url, call::NOTHING).await,
        Err(CallError::Unreachable(_))
    ));
}

#[tokio::test]
async fn an_ecs_asks_once_and_an_address_tells_the_ue() {
    let lab = lab("").await;
    let once = watch(json!({"maximumNumberOfReports": 1, "monitorExpireTime": null}));
    let url = format!("{}{}", lab.nef.root, LOCATIONS.replace("ees-a", "ecs"));
    let answer = lab.ecs.call(Method::POST, &url, Some(&once)).await.unwrap();
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(
        answer.json::<Value>().unwrap()["locationInfo"]["trackingAreaId"],
        "000001"
    );
    let who = json!({"afId": "ees-a.example", "ueIpAddr": {"ipv4Addr": "198.51.100.2"}});
    let answer = lab
        .ask(Method::POST, "/3gpp-ueid/v1/retrieve", Some(&who))
        .await
        .unwrap();
    assert_eq!(
        answer.json::<Value>().unwrap(),
        json!({"externalId": "ue2@example.org"})
    );
    let ahead = json!({"analyEvent": "UE_MOBILITY", "tgtUe": {"gpsi": UE1}, "suppFeat": "0"});
    let fetch = "/3gpp-analyticsexposure/v1/ees-a.example/fetch";
    let answer = lab.ask(Method::POST, fetch, Some(&ahead)).await.unwrap();
    assert_eq!(
        answer.json::<Value>().unwrap()["ueMobilityInfos"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
}

#[tokio::test]
async fn a_trigger_is_delivered() {
    let mut lab = lab("").await;
    let body = json!({
        "externalId": "ue1@example.org", "validityPeriod": 60, "priority": "NO_PRIORITY", "applicationPortId": 9,
        "triggerPayload": "aGk=", "notificationDestination": format!("{}/wake", lab.ear),
    });
    let (uri, made) = lab
        .create("/3gpp-device-triggering/v1/ees-a.example/transactions", body)
        .await;
    assert_eq!(made["deliveryResult"], "TRIGGERED");
    let (_, told) = lab.heard.recv().await.unwrap();
    assert_eq!(told, json!({"transaction": uri, "result": "SUCCESS"}));
}

#[tokio::test]
async fn a_token_is_demanded_where_there_are_clients_for_it() {
    let lab = lab("token_client = [{ id = \"ees\", secret_file = \"secret\" }]").await;
    let ask = async |method: Method, path: &str, headers: HeaderMap, body: &str| {
        let request = Request {
            role: Role::Ees,
            method,
            path: path.to_owned(),
            headers,
            body: body.to_owned().into(),
        };
        lab.nef.nef.answer(request).await.unwrap()
    };
    let without = ask(Method::GET, LOCATIONS, HeaderMap::new(), "").await;
    assert_eq!(without.status, StatusCode::UNAUTHORIZED);
    let form = "grant_type=client_credentials&client_id=ees&client_secret=";
    let wrong = ask(Method::POST, "/oauth2/token", HeaderMap::new(), &format!("{form}guess")).await;
    assert_eq!(wrong.body, Some(json!({"error": "invalid_client"})));
    let given = ask(
        Method::POST,
        "/oauth2/token",
        HeaderMap::new(),
        &format!("{form}s3cret"),
    )
    .await;
    let token = given.body.unwrap()["access_token"].as_str().unwrap().to_owned();
    let bearer = HeaderMap::from_iter([(header::AUTHORIZATION, format!("Bearer {token}").parse().unwrap())]);
    assert_eq!(
        ask(Method::GET, LOCATIONS, bearer.clone(), "").await.status,
        StatusCode::OK
    );
    lab.clock.advance(300);
    assert_eq!(
        ask(Method::GET, LOCATIONS, bearer, "").await.status,
        StatusCode::UNAUTHORIZED
    );
}
