//! Real EESs with a simulated core network behind them (EDGE-2): what EASs hear of UEs that move, and what is left when something dies.

use crate::support::{ACR_MANAGEMENT, CHESS, EAS_REGISTRATIONS, eas_registration, nothing_waits};
use edgeapp_core::principal::Role;
use edgeapp_system_tests::{
    caller::Caller,
    ear::{Ear, Say},
    lab::{Lab, Plan},
    network::{CELLS, Network},
    process::Process,
    wait::until_it_is_so,
};
use serde_json::{Value, json};

pub(crate) const UE: &str = "msisdn-491700000001";
const FETCH: &str = "/eees-uelocation/v1/fetch";
pub(crate) const SUBSCRIPTIONS: &str = "/eees-uelocation/v1/subscriptions";

/// An EES with a simulated core network, and an instance of the application with its ear.
pub(crate) struct Site {
    pub(crate) lab: Lab,
    pub(crate) network: Network,
    plan: Plan,
    pub(crate) ees: Process,
    pub(crate) eas: Caller,
    pub(crate) ear: Ear,
}

impl Site {
    pub(crate) async fn open() -> Self {
        let lab = Lab::new();
        let network = Network::open(&lab, &[UE]).await;
        Self::of(lab, network, "").await
    }

    /// With these keys in the configuration of the EES.
    pub(crate) async fn of(lab: Lab, network: Network, settings: &str) -> Self {
        let plan = network.behind(lab.ees("a"), &lab).with(settings);
        let ees = plan.start().await;
        let eas = lab.eas(&format!("{CHESS}#1"), ees.root("edge3"));
        eas.post(EAS_REGISTRATIONS, &eas_registration(CHESS, "one", "ENABLED"))
            .await
            .created();
        let ear = Ear::open(&lab, &lab.who(Role::Eas, &format!("{CHESS}#1"))).await;
        Self {
            lab,
            network,
            plan,
            ees,
            eas,
            ear,
        }
    }

    pub(crate) fn subscription(&self) -> Value {
        json!({"easId": CHESS, "ueId": UE, "locGran": "CGI_ECGI", "notificationDestination": self.ear.uri("/locations")})
    }
}

fn cell_of(told: &Value) -> &str {
    told["locEvs"][0]["locInf"]["cellId"].as_str().unwrap_or_default()
}

/// TS 29.558 clause 5.3.2.4: the UE walks, and each step reaches the EAS's own server, once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_walking_ue_is_reported_step_by_step() {
    let site = Site::open().await;
    let uri = site.eas.post(SUBSCRIPTIONS, &site.subscription()).await.created();
    for cell in [CELLS[1], CELLS[0], CELLS[1]] {
        site.network.move_ue(UE, cell).await;
    }
    site.ear.hears_many(3).await;
    nothing_waits(&site.lab, Role::Ees, &site.ees).await;
    let heard = site.ear.heard();
    let cells: Vec<_> = heard.iter().map(|heard| cell_of(&heard.body)).collect();
    assert_eq!(cells, [CELLS[1], CELLS[0], CELLS[1]]);
    for heard in heard {
        assert_eq!((heard.method.as_str(), heard.target.as_str()), ("POST", "/locations"));
        assert!(
            uri.ends_with(heard.body["subId"].as_str().expect("a subscription")),
            "{uri}: {}",
            heard.body
        );
        assert_eq!(heard.body["locEvs"][0]["ueId"], UE);
    }
}

/// Clause 5.3.2.2.2 and 5.4.2.2: questions that are answered at once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_and_who_a_ue_is_comes_from_the_network() {
    let site = Site::open().await;
    let found = site
        .eas
        .post(FETCH, &json!({"ueId": UE, "gran": "CGI_ECGI"}))
        .await
        .found()
        .clone();
    assert_eq!(found["ueLocation"]["cellId"], CELLS[0]);
    let asked = json!({"ipAddr": {"ipv4Addr": "198.51.100.1"}});
    let found = site.eas.post("/eees-ueidentifier/v1/get", &asked).await.found().clone();
    assert_eq!(found["ueIds"][0]["afSpecUeId"], "extid-ue1@operator.example");
}

/// T-27: an EAS that goes through ten thousand addresses in search of UEs gets as far as its rate lets it, and no other EAS notices.
///
/// Proves: T-27
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_addresses_are_not_gone_through_at_once() {
    const ADDRESSES: u32 = 10_000;
    const RATE: u32 = 20;
    const BURST: u32 = 40;
    let lab = Lab::new();
    let network = Network::open(&lab, &[UE]).await;
    let limits = format!("[limits.eas]\nrequests_per_second = {RATE}\nburst = {BURST}\n");
    let site = Site::of(lab, network, &limits).await;
    let began = std::time::Instant::now();
    let mut searching = tokio::task::JoinSet::new();
    for part in 0..8 {
        let eas = site.eas.clone();
        searching.spawn(async move {
            let mut looked_up = 0;
            for n in (part..ADDRESSES).step_by(8) {
                let address = format!("10.77.{}.{}", n / 250, n % 250 + 1);
                let asked = json!({"ipAddr": {"ipv4Addr": address}});
                let answer = eas.post("/eees-ueidentifier/v1/get", &asked).await;
                if answer.status == 429 {
                    assert!(answer.headers.contains_key("retry-after"));
                } else {
                    answer.is_a_problem();
                    looked_up += 1;
                }
            }
            looked_up
        });
    }
    let mut looked_up: u32 = 0;
    while let Some(part) = searching.join_next().await {
        looked_up += part.expect("it ends");
    }
    let seconds = u32::try_from(began.elapsed().as_secs()).expect("not so long") + 1;
    assert!(looked_up <= BURST + RATE * seconds, "{looked_up} in {seconds} s");
    assert!(looked_up < ADDRESSES / 4, "{looked_up} in {seconds} s");
    let other = site.lab.eas("eas.go.example#1", site.ees.root("edge3"));
    other
        .post(EAS_REGISTRATIONS, &eas_registration("eas.go.example", "go", "ENABLED"))
        .await
        .created();
}

/// What the network forgot is made again, and what was subscribed goes on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_network_that_lost_its_state_is_reminded() {
    let site = Site::open().await;
    site.eas.post(SUBSCRIPTIONS, &site.subscription()).await.created();
    site.network.forget_everything();
    until_it_is_so("the watch is there again", async || site.network.runs() == 1).await;
    site.network.move_ue(UE, CELLS[1]).await;
    assert_eq!(cell_of(&site.ear.hears_many(1).await[0].body), CELLS[1]);
}

/// A killed EES finds what runs for it, and ends what nobody needs.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_ees_leaks_nothing() {
    let site = Site::open().await;
    let uri = site.eas.post(SUBSCRIPTIONS, &site.subscription()).await.created();
    let Site {
        lab,
        network,
        plan,
        ees,
        ..
    } = site;
    ees.kill().await;
    assert_eq!(network.runs(), 1);
    let ees = plan.start().await;
    let eas = lab.eas(&format!("{CHESS}#1"), ees.root("edge3"));
    eas.delete(&uri).await.done();
    until_it_is_so("nothing runs at the network", async || network.runs() == 0).await;
}

/// Many megabytes are too much, and the sender can read that: over either version of HTTP, and the connection lives on.
///
/// Proves: T-16
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_report_of_many_megabytes_gets_a_readable_refusal() {
    let site = Site::open().await;
    let (nef, root) = (site.lab.who(Role::Nef, "nef.example"), site.ees.root("edge2"));
    let callers = [
        Caller::new(&site.lab, &nef, Role::Ees, root),
        Caller::http1(&site.lab, &nef, Role::Ees, root),
    ];
    for nef in callers {
        for megabytes in [1, 10] {
            let body = json!({"padding": "x".repeat(megabytes * 1024 * 1024)});
            let answer = nef.post("/edge2/reports/guess", &body).await;
            answer.refused(413, "PAYLOAD_TOO_LARGE");
        }
        let answer = nef.post("/edge2/reports/guess", &json!({})).await;
        answer.refused(404, "SUBSCRIPTION_NOT_FOUND");
    }
}

/// The listener is for the core network: others are not let in, whatever they know.
///
/// Proves: WP-07, WP-05
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_else_gets_into_the_listener_of_the_core_network() {
    let site = Site::open().await;
    let root = site.ees.root("edge2");
    for (role, id) in [
        (Role::Eas, format!("{CHESS}#1")),
        (Role::Ees, "ees-b.example".to_owned()),
    ] {
        let other = Caller::new(&site.lab, &site.lab.who(role, &id), Role::Ees, root);
        let sent = other
            .try_send(http::Method::POST, "/edge2/reports/guess", "application/json", "{}")
            .await;
        assert!(sent.is_err(), "{sent:?}");
    }
}

fn path_of(told: &Value) -> (&str, &str, &str) {
    let change = &told["eventReports"][0]["upPathChgInfo"];
    let word = |member: &str| change[member].as_str().unwrap_or_default();
    (word("dnaiChgType"), word("sourceDnai"), word("targetDnai"))
}

/// TS 29.558 clause 5.8.2.5: before the path of a UE's traffic changes its EAS is asked, afterwards it is told; its no keeps the path.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_eas_is_asked_before_a_path_changes() {
    let site = Site::open().await;
    let wanted = json!({"event": "UP_PATH_CHG", "tgtUeId": {"gpsi": UE}, "easAckInd": true});
    let subscription =
        json!({"easId": CHESS, "eventSubscs": [wanted], "notificationDestination": site.ear.uri("/paths")});
    site.eas.post(ACR_MANAGEMENT, &subscription).await.created();
    site.ear.will_say([
        Say::Answer(json!({"resCode": "ACCEPTED"})),
        Say::Thanks,
        // A no stays one, however long it is.
        Say::Answer(json!({"resCode": "REJECTED", "why": "x".repeat(10_000)})),
    ]);
    site.network.move_ue(UE, CELLS[1]).await;
    let heard = site.ear.hears_many(2).await;
    let told: Vec<_> = heard.iter().map(|heard| path_of(&heard.body)).collect();
    assert_eq!(told, [("EARLY", "dnai-a", "dnai-b"), ("LATE", "dnai-a", "dnai-b")]);
    assert_eq!(site.network.places_of(UE), ["dnai-b"]);
    site.network.move_ue(UE, CELLS[0]).await;
    let heard = site.ear.hears_many(3).await;
    assert_eq!(path_of(&heard[2].body), ("EARLY", "dnai-b", "dnai-a"));
    nothing_waits(&site.lab, Role::Ees, &site.ees).await;
    let heard = site.ear.heard();
    assert_eq!(heard.len(), 3, "{heard:#?}");
    assert!(heard.iter().all(|heard| heard.target == "/paths"), "{heard:#?}");
    assert_eq!(site.network.places_of(UE), ["dnai-b"], "the EAS said no");
}

/// A watch on paths ends with the subscription, whatever was killed in between.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_ees_leaves_no_watch_on_paths() {
    let site = Site::open().await;
    let subscription = json!({"easId": CHESS, "eventSubscs": [{"event": "UP_PATH_CHG", "tgtUeId": {"gpsi": UE}}],
        "notificationDestination": site.ear.uri("/paths")});
    let uri = site.eas.post(ACR_MANAGEMENT, &subscription).await.created();
    let Site {
        lab,
        network,
        plan,
        ees,
        ..
    } = site;
    ees.kill().await;
    assert_eq!(network.runs(), 1);
    let ees = plan.start().await;
    let eas = lab.eas(&format!("{CHESS}#1"), ees.root("edge3"));
    eas.delete(&uri).await.done();
    until_it_is_so("nothing runs at the network", async || network.runs() == 0).await;
}
