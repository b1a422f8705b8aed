//! Every subscription and every event: what happens is what really happens, and the subscriber is told at its own server, with the right
//! body, once. The tests here are those of no other file:
//!
//! | API | event or notification | test |
//! |---|---|---|
//! | Eees_EASDiscovery | `EAS_AVAILABILITY_CHANGE` | `notifications::a_change_reaches_its_subscriber_once_at_its_exact_address` |
//! | | `EAS_DYNAMIC_INFO_CHANGE` | `events::discovery::a_watched_member_of_an_eas_changes` |
//! | | test notification | `notifications::a_test_notification_comes_when_it_is_negotiated` |
//! | Eees_ACREvents | `ACR_COMPLETE` | `notifications::a_relocation_is_told_to_eas_and_eec` |
//! | | `TARGET_INFORMATION` | `relocation::determined::a_target_is_found_and_the_relocation_executed` |
//! | | test notification | `notifications::a_test_notification_comes_when_it_is_negotiated` |
//! | Eees_ACRManagementEvent | `ACT_START_STOP` | `notifications::a_relocation_is_told_to_eas_and_eec` |
//! | | `UP_PATH_CHG` | `core_network::an_eas_is_asked_before_a_path_changes` |
//! | | `ACR_MONITORING` | `events::relocation_management::a_path_leads_to_another_eas` |
//! | | `ACR_FACILITATION` | `events::relocation_management::a_path_leads_to_an_eas_that_the_ees_selects` |
//! | | `ACR_SELECTION` | `events::relocation_management::scenarios_are_selected` |
//! | | `AvailabilityNotif` | `events::relocation_management::paths_are_not_watched_for_a_while` |
//! | | test notification | `notifications::a_test_notification_comes_when_it_is_negotiated` |
//! | Eees_UELocation | `LocationNotification` | `core_network::a_walking_ue_is_reported_step_by_step` |
//! | | `ConsentRevocNotif` | `events::location::a_consent_is_taken_back` |
//! | | test notification | `events::test_notification::subscribers_are_tested` |
//! | Eees_SessionWithQoS | every `UserPlaneEvent` | `events::session_with_qos::events_of_a_session` |
//! | | test notification | `events::test_notification::subscribers_are_tested` |
//! | Eees_AppClientInformation | `ACInfoNotification` | `events::application_clients::an_application_client_comes` |
//! | | test notification | `events::test_notification::subscribers_are_tested` |
//! | Eees_EELManagedACR | `ACTStatusNotif` | `managed::ends_with_the_context_at_the_target` |
//! | Eecs_ServiceProvisioning | `ServProvNotification` | `link::a_subscriber_of_the_ecs_hears_of_applications` |
//! | | test notification | `events::test_notification::subscribers_are_tested` |
//! | Ecas_SelectedEES | declaration | `common_eas::a_cas_hears_of_the_selected_ees_once` |

use crate::{
    core_network::{SUBSCRIPTIONS as LOCATIONS, Site, UE},
    network::{PROVISIONING_SUBSCRIPTIONS, eec_at, lasting_address},
    support::{
        ACR_MANAGEMENT, CHESS, DISCOVERY_SUBSCRIPTIONS, EAS_REGISTRATIONS, EEC_REGISTRATIONS, eas_registration, end_pt,
        nothing_waits, register_eec,
    },
};
use edgeapp_core::principal::Role;
use edgeapp_system_tests::{
    caller::Caller,
    ear::Ear,
    lab::{Lab, ue_of},
    network::{CELLS, Network},
    process::Process,
    wait::until_it_is_so,
};
use serde_json::{Value, json};
use std::fs;

const EEC: &str = "eec-player";
const SESSIONS: &str = "/eees-session-with-qos/v1/sessions";
const CLIENTS: &str = "/eees-appclientinformation/v1/subscriptions";
const DECLARE: &str = "/eees-easinfoprov/v1/declare";

fn id_of(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or_default()
}

/// Waits for so many notifications, and until nothing more is to come. What came in all: where, and what.
async fn came(lab: &Lab, ees: &Process, ear: &Ear, count: usize) -> Vec<(String, Value)> {
    ear.hears_many(count).await;
    nothing_waits(lab, Role::Ees, ees).await;
    let heard = ear.heard();
    assert!(heard.iter().all(|heard| heard.method == "POST"), "{heard:#?}");
    heard.into_iter().map(|heard| (heard.target, heard.body)).collect()
}

/// The only report in a notification of relocation management, without its instant.
fn only_report((target, mut body): (String, Value), subscription: &str) -> Value {
    assert_eq!(
        (target.as_str(), &body["subpId"]),
        ("/acr?s=1", &json!(id_of(subscription)))
    );
    let mut reports = body["eventReports"].take();
    let report = reports[0].as_object_mut().expect("a report");
    let at = report.remove("timeStamp").unwrap_or_default();
    assert!(at.as_str().is_some_and(|at| at.ends_with('Z')), "{at}");
    assert_eq!(reports.as_array().map(Vec::len), Some(1), "{reports}");
    reports[0].take()
}

/// Subscribes the EAS of the site to one event of relocation management, with these members.
async fn subscribe(site: &Site, event: Value) -> String {
    let subscription =
        json!({"easId": CHESS, "eventSubscs": [event], "notificationDestination": site.ear.uri("/acr?s=1")});
    site.eas.post(ACR_MANAGEMENT, &subscription).await.created()
}

/// Waits until the network watches the way of the UE, in its first cell.
async fn the_path_is_watched(network: &Network) {
    until_it_is_so("the path is watched", async || network.places_of(UE) == ["dnai-a"]).await;
}

mod discovery {
    use super::*;

    /// TS 24.558 clause 5.3.2.5: of the members of a profile those that were named are told of, with the profile as it is then.
    #[tokio::test]
    async fn a_watched_member_of_an_eas_changes() {
        let lab = Lab::new();
        let ees = lab.ees("a").start().await;
        let (eec, eas) = (
            lab.eec(EEC, ees.root("edge1")),
            lab.eas(&format!("{CHESS}#1"), ees.root("edge3")),
        );
        register_eec(&eec, EEC).await;
        let ear = Ear::open(&lab, &lab.who(Role::Eec, EEC)).await;
        let registration = eas
            .post(EAS_REGISTRATIONS, &eas_registration(CHESS, "one", "ENABLED"))
            .await
            .created();
        // The standard calls the identifier of the EAS `eecId` in this place.
        let watched = json!([{"eecId": CHESS, "easFeature": true}]);
        let subscription = json!({"eecId": EEC, "easEventType": "EAS_DYNAMIC_INFO_CHANGE",
            "notificationDestination": ear.uri("/eas?d=1"), "easDynInfoFilter": {"dynInfoFilter": watched}});
        let subscription = eec.post(DISCOVERY_SUBSCRIPTIONS, &subscription).await.created();
        let change = async |members: Value| {
            let changed = eas.patch(&registration, &json!({"easProf": members})).await;
            changed.found().clone()
        };
        change(json!({"status": "DISABLED"})).await;
        let now = change(json!({"easFeats": ["blitz"]})).await;
        let profile = json!({"easId": CHESS, "endPt": end_pt("one"), "status": "DISABLED", "easFeats": ["blitz"]});
        let expected = json!({"subId": id_of(&subscription), "eventType": "EAS_DYNAMIC_INFO_CHANGE",
            "discoveredEas": [{"eas": profile, "lifeTime": now["expTime"]}]});
        assert_eq!(came(&lab, &ees, &ear, 1).await, [("/eas?d=1".to_owned(), expected)]);
    }
}

mod relocation_management {
    use super::*;

    /// Registers the instance `two`, which sits behind the other DNAI.
    async fn neighbour(site: &Site) {
        let eas = site.lab.eas(&format!("{CHESS}#2"), site.ees.root("edge3"));
        let mut registration = eas_registration(CHESS, "two", "ENABLED");
        registration["easProf"]["appLocs"] = json!([{"dnai": "dnai-b", "routeProfId": "to-b"}]);
        eas.post(EAS_REGISTRATIONS, &registration).await.created();
    }

    /// The report of the way from the one DNAI to the other.
    fn away(event: &str, moment: &str) -> Value {
        json!({"event": event, "ueId": {"gpsi": UE}, "upPathChgInfo": {"ueId": {"gpsi": UE},
            "dnaiChgType": moment, "sourceDnai": "dnai-a", "targetDnai": "dnai-b"}})
    }

    /// A UE walks away, and its EAS hears of this event once. The site, for more, and the report.
    async fn walked_away(event: &str) -> (Site, Value) {
        let site = Site::open().await;
        neighbour(&site).await;
        let subscription = subscribe(&site, json!({"event": event, "tgtUeId": {"gpsi": UE}})).await;
        the_path_is_watched(&site.network).await;
        site.network.move_ue(UE, CELLS[1]).await;
        let [told] = &came(&site.lab, &site.ees, &site.ear, 1).await[..] else {
            panic!("told more than once: {:#?}", site.ear.heard())
        };
        let report = only_report(told.clone(), &subscription);
        (site, report)
    }

    /// TS 23.558 clause 8.6.3.1: the EAS is told of an EAS where the path leads, and does the rest.
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_path_leads_to_another_eas() {
        let (site, report) = walked_away("ACR_MONITORING").await;
        let mut expected = away("ACR_MONITORING", "EARLY");
        expected["easEndPoint"] = end_pt("two");
        assert_eq!(report, expected);
        assert_eq!(site.network.runs(), 1, "nobody's traffic is steered");
    }

    /// The same, and the EES selects: the traffic goes there, and nobody is told of that again.
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_path_leads_to_an_eas_that_the_ees_selects() {
        let (site, report) = walked_away("ACR_FACILITATION").await;
        let mut expected = away("ACR_FACILITATION", "EARLY");
        expected["easEndPoint"] = end_pt("two");
        assert_eq!(report, expected);
        until_it_is_so("the traffic is steered", async || site.network.runs() == 2).await;
        assert_eq!(came(&site.lab, &site.ees, &site.ear, 1).await.len(), 1);
    }

    /// TS 24.558 clause 5.7.2.2: an EEC announces its scenarios, and the EAS hears of them; of the same again it does not.
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn scenarios_are_selected() {
        let site = Site::open().await;
        let subscription = subscribe(&site, json!({"event": "ACR_SELECTION"})).await;
        let eec = site.lab.eec(EEC, site.ees.root("edge1"));
        let scenarios = json!(["EEC_EXECUTED_VIA_TARGET_EES", "EEC_EXECUTED_VIA_SOURCE_EES"]);
        let client = json!({"acId": "ac.chess", "eass": [{"easId": CHESS}]});
        let registration = json!({"eecId": EEC, "ueId": ue_of(EEC), "acProfs": [client]});
        eec.post(EEC_REGISTRATIONS, &registration).await.created();
        let announcement = json!({"eecId": EEC, "acId": "ac.chess", "selEasIds": [CHESS], "selEasEndPoints": [end_pt("one")],
            "reqType": "ACR_SCENARIO_SELECTION_ANNOUNCEMENT", "selAcrScenarios": scenarios});
        for _ in 0..2 {
            eec.post(DECLARE, &announcement).await.done();
        }
        let mut told = came(&site.lab, &site.ees, &site.ear, 1).await;
        let selected = json!([{"acrList": scenarios, "acId": "ac.chess", "ueId": ue_of(EEC)}]);
        assert_eq!(
            only_report(told.remove(0), &subscription),
            json!({"event": "ACR_SELECTION", "selACRScen": selected})
        );
        assert_eq!(told, []);
    }

    /// TS 29.558 clause 5.8.2.5.3: while the network is away paths are not watched; afterwards they are, and what changes is told.
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn paths_are_not_watched_for_a_while() {
        let lab = Lab::new();
        let network = Network::open_at(&lab, &[UE], lasting_address()).await;
        let site = Site::of(lab, network, "").await;
        let late = json!({"event": "UP_PATH_CHG", "tgtUeId": {"gpsi": UE}, "dnaiChgType": "LATE"});
        let subscription = subscribe(&site, late).await;
        let Site {
            lab, network, ees, ear, ..
        } = site;
        let says = |status: &str| {
            let body = json!({"availabilityStatus": status});
            ("/acr/report-availability?s=1".to_owned(), body)
        };
        let network = network.stop();
        ear.hears_many(1).await;
        let network = network.start().await;
        ear.hears_many(2).await;
        the_path_is_watched(&network).await;
        network.move_ue(UE, CELLS[1]).await;
        let mut told = came(&lab, &ees, &ear, 3).await;
        assert_eq!(told[..2], [says("NOT_AVAILABLE"), says("AVAILABLE")]);
        assert_eq!(only_report(told.remove(2), &subscription), away("UP_PATH_CHG", "LATE"));
        assert_eq!(told.len(), 2, "{told:#?}");
    }
}

mod location {
    use super::*;

    /// TS 29.558 clause 5.3.2.4.3: the user takes the consent back, where the operator keeps it; the EAS hears it where it wanted to.
    ///
    /// Proves: WP-30
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_consent_is_taken_back() {
        let lab = Lab::new();
        let network = Network::open(&lab, &[UE]).await;
        let file = lab.path().join("consent.toml");
        fs::write(&file, format!("[[user]]\nue = \"{UE}\"\npurposes = [\"location\"]\n")).expect("a file");
        let quoted = toml::Value::String(file.to_string_lossy().into_owned());
        let consent = format!("[consent]\nevery_user_agreed_by_other_means = false\nfile = {quoted}\n");
        let site = Site::of(lab, network, &consent).await;
        let mut subscription = site.subscription();
        subscription["revocationNotifUri"] = json!(site.ear.uri("/revoked?l=1"));
        let uri = site.eas.post(LOCATIONS, &subscription).await.created();
        fs::write(&file, "").expect("a file");
        let expected = json!({"subscriptionId": id_of(&uri),
            "consentsRevoked": [{"ucPurpose": "EDGEAPP_UE_LOCATION", "ueId": UE}]});
        assert_eq!(
            came(&site.lab, &site.ees, &site.ear, 1).await,
            [("/revoked?l=1".to_owned(), expected)]
        );
        site.eas.get(&uri).await.refused(404, "SUBSCRIPTION_NOT_FOUND");
        until_it_is_so("nobody is watched", async || site.network.runs() == 0).await;
        site.network.move_ue(UE, CELLS[1]).await;
        assert_eq!(came(&site.lab, &site.ees, &site.ear, 1).await.len(), 1);
    }
}

mod session_with_qos {
    use super::*;

    /// What can happen in a session, its end last.
    const EVENTS: [&str; 17] = [
        "QOS_NOT_GUARANTEED",
        "QOS_GUARANTEED",
        "LOSS_OF_BEARER",
        "RECOVERY_OF_BEARER",
        "RELEASE_OF_BEARER",
        "USAGE_REPORT",
        "FAILED_RESOURCES_ALLOCATION",
        "SUCCESSFUL_RESOURCES_ALLOCATION",
        "QOS_MONITORING",
        "ACCESS_TYPE_CHANGE",
        "PLMN_CHG",
        "L4S_NOT_AVAILABLE",
        "L4S_AVAILABLE",
        "BAT_OFFSET_INFO",
        "RT_DELAY_TWO_QOS_FLOWS",
        "PACK_DELAY_VAR",
        "SESSION_TERMINATION",
    ];

    /// TS 29.558 clause 5.6.2.5: each event in the network is told, once and in order, with the flow it is about.
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn events_of_a_session() {
        let site = Site::open().await;
        let session = json!({"easId": CHESS, "ueId": UE, "ipFlows": ["permit out ip from any to any"], "qosReference": "gold",
            "events": EVENTS, "notificationDestination": site.ear.uri("/qos?q=1")});
        let uri = site.eas.post(SESSIONS, &session).await.created();
        for event in EVENTS {
            site.network.session_event(UE, event).await;
        }
        let expected = EVENTS.map(|event| {
            let body = json!({"sessionId": id_of(&uri), "eventReports": [{"event": event, "flowIds": [1]}]});
            ("/qos?q=1".to_owned(), body)
        });
        assert_eq!(came(&site.lab, &site.ees, &site.ear, EVENTS.len()).await, expected);
    }
}

mod application_clients {
    use super::*;

    /// TS 29.558 clause 5.5.2.5: an EEC registers, and the EAS hears of the client that it asked for, not of the other.
    #[tokio::test]
    async fn an_application_client_comes() {
        let lab = Lab::new();
        let ees = lab.ees("a").start().await;
        let (eec, eas) = (
            lab.eec(EEC, ees.root("edge1")),
            lab.eas(&format!("{CHESS}#1"), ees.root("edge3")),
        );
        eas.post(EAS_REGISTRATIONS, &eas_registration(CHESS, "one", "ENABLED"))
            .await
            .created();
        let ear = Ear::open(&lab, &lab.who(Role::Eas, &format!("{CHESS}#1"))).await;
        let subscription = json!({"easId": CHESS, "acFltrs": [{"acIds": ["ac.chess"]}],
            "notificationDestination": ear.uri("/clients?c=1")});
        let subscription = eas.post(CLIENTS, &subscription).await.created();
        let chess = json!({"acId": "ac.chess", "acType": "game", "eass": [{"easId": CHESS}]});
        let registration = json!({"eecId": EEC, "ueId": ue_of(EEC), "acProfs": [chess, {"acId": "ac.mail"}]});
        for _ in 0..2 {
            eec.post(EEC_REGISTRATIONS, &registration).await.created();
        }
        let expected = json!({"subId": id_of(&subscription), "acInfs": [{"acProfs": [chess]}]});
        assert_eq!(came(&lab, &ees, &ear, 1).await, [("/clients?c=1".to_owned(), expected)]);
    }
}

mod test_notification {
    use super::*;

    /// TS 29.122 clause 5.2.5.3, for the APIs that `notifications` does not try: who asks for it is told at once which subscription it is.
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn subscribers_are_tested() {
        let site = Site::open().await;
        let ecs = site.lab.ecs().start().await;
        let eec = eec_at(&site.lab, &ecs, EEC);
        let eec_ear = Ear::open(&site.lab, &site.lab.who(Role::Eec, EEC)).await;
        let session =
            json!({"easId": CHESS, "ueId": UE, "ipFlows": ["permit out ip from any to any"], "qosReference": "gold"});
        let cases: [(&Caller, &Ear, &str, Value); 4] = [
            (&site.eas, &site.ear, LOCATIONS, site.subscription()),
            (&site.eas, &site.ear, SESSIONS, session),
            (&site.eas, &site.ear, CLIENTS, json!({"easId": CHESS})),
            (&eec, &eec_ear, PROVISIONING_SUBSCRIPTIONS, json!({"eecId": EEC})),
        ];
        for (caller, ear, api, mut subscription) in cases {
            let before = ear.heard().len();
            subscription["notificationDestination"] = json!(ear.uri("/test?t=1"));
            subscription["requestTestNotification"] = json!(true);
            subscription["suppFeat"] = json!("1");
            let uri = caller.post(api, &subscription).await.created();
            ear.hears_many(before + 1).await;
            nothing_waits(&site.lab, Role::Ees, &site.ees).await;
            nothing_waits(&site.lab, Role::Ecs, &ecs).await;
            let [test] = &ear.since(before)[..] else {
                panic!("{api}: tested more than once: {:#?}", ear.heard())
            };
            assert_eq!(
                (test.target.as_str(), &test.body),
                ("/test?t=1", &json!({"subscription": format!("{}{uri}", caller.root())})),
                "{api}"
            );
        }
    }
}
