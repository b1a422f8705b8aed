//! Eees_EASInformationProvisioning (TS 24.558 clauses 5.7 and 6.6).

use crate::{
    harness::{Answer, Doors, OWN_ID, ROOT, Settings},
    scene::{ACR_MANAGEMENT, CONTEXTS, EAS_HEARS, REGISTRATIONS, T_EES, UE, chess, id_of, player},
};
use edgeapp_core::{authorizer::ReferencePoint, store::Span};
use edgeapp_ees_domain::{
    acr::relocation::AcrPolicy,
    common_eas::{Agreement, CommonEasPolicy, agreement::CHOICES_PER_EEC},
    peers::PeerError,
};
use serde_json::{Value, json};

const DECLARE: &str = "/eees-easinfoprov/v1/declare";
const CHESS: &str = "eas.chess.example";
const GO: &str = "eas.go.example";
const VIA_SOURCE: &str = "EEC_EXECUTED_VIA_SOURCE_EES";
const VIA_TARGET: &str = "EEC_EXECUTED_VIA_TARGET_EES";

/// A site with two EASs of chess, `a.example` and `b.example`, and an EEC that is registered.
struct Site {
    doors: Doors,
    context: String,
}

async fn register(doors: &Doors, who: &str, host: &str, scenarios: &[&str]) {
    let mut profile = chess(host);
    profile["easProf"]["easId"] = json!(who.split('#').next().unwrap());
    if !scenarios.is_empty() {
        profile["easProf"]["svcContSupp"] = json!(scenarios);
    }
    let at = "/eees-easregistration/v1/registrations";
    doors.eas(who).post(at, profile).await.created();
}

impl Site {
    async fn open() -> Self {
        Self::with(Settings::default()).await
    }

    async fn with(settings: Settings) -> Self {
        let doors = Doors::with(settings).await;
        register(&doors, "eas.chess.example#a1", "a.example", &[VIA_TARGET, VIA_SOURCE]).await;
        register(&doors, "eas.chess.example#a2", "b.example", &[VIA_TARGET]).await;
        let mut ac = player();
        ac["acSvcContSupp"] = json!([VIA_SOURCE, VIA_TARGET]);
        let request = json!({"eecId": "eec-1", "ueId": UE, "acProfs": [ac],
            "eecSvcContSupp": ["EEC_INITIATED", VIA_SOURCE, VIA_TARGET]});
        let made = doors.eec("eec-1").post(REGISTRATIONS, request).await;
        made.created();
        let context = made.body["eecCntxId"].as_str().unwrap().to_owned();
        Self { doors, context }
    }

    async fn declare(&self, more: Value) -> Answer {
        self.doors.eec("eec-1").post(DECLARE, about(more)).await
    }

    /// The sessions in the context that moves with the EEC.
    async fn sessions(&self) -> Value {
        let path = format!("{CONTEXTS}?ees-id={T_EES}&eec-cntx-id={}", self.context);
        self.doors.ees(T_EES).get(&path).await.found()["sessCntxs"]["sessCntxs"].clone()
    }

    /// The EAS at `a.example` wants to hear which scenarios are selected.
    async fn listens(&self) -> String {
        let events = json!([{"event": "ACR_SELECTION"}]);
        let wish = json!({"easId": CHESS, "eventSubscs": events, "notificationDestination": EAS_HEARS});
        let at = self
            .doors
            .eas("eas.chess.example#a1")
            .post(ACR_MANAGEMENT, wish)
            .await
            .created();
        id_of(&at).to_owned()
    }

    /// The scenarios that the EAS heard of since the last look.
    async fn heard(&self) -> Vec<Value> {
        self.doors.settled().await;
        let told = self.doors.subscribers.told_at(EAS_HEARS);
        told.iter()
            .map(|told| told["eventReports"][0]["selACRScen"].clone())
            .collect()
    }

    /// Everything that is stored, with what it is.
    async fn stored(&self) -> Vec<(String, Vec<u8>)> {
        let all = self.doors.store.range(Span::prefix("")).await.unwrap().entries;
        all.into_iter()
            .map(|entry| (entry.key.to_string(), entry.value.to_vec()))
            .collect()
    }
}

/// A message about chess with these members too.
fn about(more: Value) -> Value {
    let mut request = json!({"eecId": "eec-1", "acId": "ac.chess", "selEasIds": [CHESS]});
    for (name, value) in more.as_object().unwrap() {
        request[name] = value.clone();
    }
    request
}

fn at(host: &str) -> Value {
    json!([{"fqdn": host}])
}

fn session(host: &str, scenarios: &[&str]) -> Value {
    let mut session = json!({"easId": CHESS, "endPt": {"fqdn": host}, "acId": "ac.chess"});
    if !scenarios.is_empty() {
        session["acrList"] = json!(scenarios);
    }
    json!([session])
}

mod anybody {
    use super::*;

    /// An EEC speaks for itself, and registers first where that is the rule.
    #[tokio::test]
    async fn who_is_not_the_eec_or_not_registered_is_refused() {
        let site = Site::open().await;
        let other = site.doors.eec("eec-2");
        other
            .post(DECLARE, about(json!({})))
            .await
            .refused(403, "OWNER_MISMATCH", "/eecId");
        let own = about(json!({"eecId": "eec-2"}));
        other
            .post(DECLARE, own.clone())
            .await
            .refused(403, "NOT_REGISTERED", "");
        let eas = site.doors.caller(ReferencePoint::Edge1, &["urn:edgeapp:eas:eec-1"]);
        eas.post(DECLARE, about(json!({})))
            .await
            .refused(403, "UNAUTHORIZED", "");

        let acr = AcrPolicy {
            eec_registration_required: false,
            ..Settings::default().acr
        };
        let open = Site::with(Settings {
            acr,
            ..Settings::default()
        })
        .await;
        open.doors.eec("eec-2").post(DECLARE, own).await.found();
    }

    /// What contradicts itself is refused with a pointer, and nothing is noted.
    #[tokio::test]
    async fn messages_that_contradict_themselves_are_refused() {
        let site = Site::open().await;
        let before = site.stored().await;
        let two = json!([{"fqdn": "a.example"}, {"fqdn": "b.example"}]);
        for (more, cause, pointer) in [
            (
                json!({"selEasEndPoints": two}),
                "OPTIONAL_IE_INCORRECT",
                "/selEasEndPoints",
            ),
            (json!({"dnais": ["x", "y"]}), "OPTIONAL_IE_INCORRECT", "/dnais"),
            (json!({"svcArea": [{}, {}]}), "OPTIONAL_IE_INCORRECT", "/svcArea"),
            (
                json!({"assEesEndPoints": two}),
                "OPTIONAL_IE_INCORRECT",
                "/assEesEndPoints",
            ),
            (
                json!({"acProf": {"acId": "ac.go"}}),
                "OPTIONAL_IE_INCORRECT",
                "/acProf/acId",
            ),
            (json!({"reqType": "GUESS"}), "OPTIONAL_IE_INCORRECT", "/reqType"),
            (json!({"selEasIds": []}), "MANDATORY_IE_INCORRECT", "/selEasIds"),
            (
                json!({"selEasIds": [CHESS, CHESS]}),
                "MANDATORY_IE_INCORRECT",
                "/selEasIds/1",
            ),
            (
                json!({"appGrpId": "g", "selEasIds": [CHESS, GO]}),
                "OPTIONAL_IE_INCORRECT",
                "/appGrpId",
            ),
            (
                json!({"appGrpId": "g", "casInfo": {"fqdn": "cas.example"}}),
                "OPTIONAL_IE_INCORRECT",
                "/casInfo",
            ),
            (
                json!({"reqType": "ACR_SCENARIO_SELECTION_ANNOUNCEMENT"}),
                "MANDATORY_IE_MISSING",
                "/selAcrScenarios",
            ),
            (
                json!({"reqType": "ACR_SCENARIO_SELECTION_REQUEST", "selAcrScenarios": [VIA_SOURCE]}),
                "OPTIONAL_IE_INCORRECT",
                "/selAcrScenarios",
            ),
        ] {
            site.declare(more).await.refused(400, cause, pointer);
        }
        for member in ["eecId", "acId", "selEasIds"] {
            let mut without = about(json!({}));
            without.as_object_mut().unwrap().remove(member);
            let answer = site.doors.eec("eec-1").post(DECLARE, without).await;
            answer.refused(400, "MANDATORY_IE_MISSING", &format!("/{member}"));
        }
        assert_eq!(site.stored().await, before);
    }
}

mod scenarios_announced {
    use super::*;

    fn announcement(scenarios: &[&str]) -> Value {
        json!({"reqType": "ACR_SCENARIO_SELECTION_ANNOUNCEMENT", "selAcrScenarios": scenarios, "selEasEndPoints": at("a.example")})
    }

    /// The EAS hears it once, and the session remembers it for as long as the EEC is here and beyond.
    #[tokio::test]
    async fn the_eas_hears_of_the_scenarios_and_the_context_remembers_them() {
        let site = Site::open().await;
        let subscription = site.listens().await;
        site.declare(announcement(&[VIA_TARGET, VIA_SOURCE])).await.done();
        site.doors.settled().await;
        let selected = json!([{"acrList": [VIA_TARGET, VIA_SOURCE], "acId": "ac.chess", "ueId": UE}]);
        let report = json!({"event": "ACR_SELECTION", "timeStamp": "2026-01-05T12:00:00Z", "selACRScen": selected});
        let told = json!({"subpId": subscription, "eventReports": [report]});
        assert_eq!(site.doors.subscribers.told_at(EAS_HEARS), [told]);
        assert_eq!(site.sessions().await, session("a.example", &[VIA_TARGET, VIA_SOURCE]));
        // The same again, as after a lost answer, is no news; another choice is.
        site.declare(announcement(&[VIA_TARGET, VIA_SOURCE])).await.done();
        assert_eq!(site.heard().await, [Value::Null; 0]);
        site.declare(announcement(&[VIA_SOURCE])).await.done();
        assert_eq!(site.heard().await[0][0]["acrList"], json!([VIA_SOURCE]));
        assert_eq!(
            site.doors.keys("eas-selection/").await,
            ["eas-selection/eec-1/ac.chess/eas.chess.example"]
        );
    }

    /// Where nobody can be told it is refused whole.
    #[tokio::test]
    async fn an_eas_that_cannot_be_told_is_refused() {
        let site = Site::open().await;
        let mut unknown = announcement(&[VIA_SOURCE]);
        unknown["selEasEndPoints"] = at("nowhere.example");
        site.declare(unknown)
            .await
            .refused(404, "RESOURCE_NOT_FOUND", "/selEasIds/0");
        let mut any = announcement(&[VIA_SOURCE]);
        any.as_object_mut().unwrap().remove("selEasEndPoints");
        site.declare(any.clone())
            .await
            .refused(400, "MANDATORY_IE_MISSING", "/selEasEndPoints");
        // The EAS that was selected before is meant where none is named.
        site.declare(json!({"selEasEndPoints": at("b.example")})).await.found();
        site.declare(any).await.done();
        assert_eq!(site.sessions().await, session("b.example", &[VIA_SOURCE]));
    }

    /// Others cannot be told whose scenarios they are when nobody vouches for the UE.
    #[tokio::test]
    async fn without_a_ue_it_is_refused() {
        let site = Site::open().await;
        let nobody = site.doors.caller(ReferencePoint::Edge1, &["urn:edgeapp:eec:eec-9"]);
        nobody.post(REGISTRATIONS, json!({"eecId": "eec-9"})).await.created();
        let mut request = announcement(&[VIA_SOURCE]);
        request["eecId"] = json!("eec-9");
        let answer = nobody.post(DECLARE, about(request)).await;
        answer.refused(403, "UE_ID_NOT_VERIFIED", "");
        assert!(site.doors.keys("eas-selection/").await.is_empty());
    }

    /// A selection lives as long as the registration of its EEC, renewed or not.
    #[tokio::test]
    async fn a_selection_lives_with_the_registration() {
        let site = Site::open().await;
        site.declare(announcement(&[VIA_SOURCE])).await.done();
        site.doors.clock.advance(590);
        let eec = site.doors.eec("eec-1");
        let again = eec
            .post(REGISTRATIONS, json!({"eecId": "eec-1", "ueId": UE}))
            .await
            .created();
        site.doors.pass(20).await;
        assert_eq!(site.doors.keys("eas-selection/").await.len(), 1);
        eec.delete(&again).await.done();
        site.doors.pass(600).await;
        assert!(site.doors.keys("eas-selection/").await.is_empty());
    }
}

mod scenarios_requested {
    use super::*;

    fn request(more: Value) -> Value {
        let mut request = more;
        request["reqType"] = json!("ACR_SCENARIO_SELECTION_REQUEST");
        request
    }

    /// What EEC, AC, EES and EAS have in common, in the order of the EEC; the EAS hears of it.
    #[tokio::test]
    async fn common_scenarios_are_selected_in_the_order_of_the_eec() {
        let site = Site::open().await;
        site.listens().await;
        let all = json!([VIA_TARGET, VIA_SOURCE, "EEC_INITIATED"]);
        let ac = json!({"acId": "ac.chess", "acSvcContSupp": [VIA_SOURCE, VIA_TARGET, "EEC_INITIATED"]});
        let asked = request(json!({"eecSvcContSupp": all, "acProf": ac, "selEasEndPoints": at("a.example")}));
        let answer = site.declare(asked.clone()).await.found();
        assert_eq!(answer, json!({"selAcrScenarioList": [VIA_TARGET, VIA_SOURCE]}));
        assert_eq!(site.heard().await[0][0]["acrList"], json!([VIA_TARGET, VIA_SOURCE]));
        assert_eq!(site.sessions().await, session("a.example", &[VIA_TARGET, VIA_SOURCE]));
        // The AC narrows it.
        let mut narrow = asked;
        narrow["acProf"]["acSvcContSupp"] = json!([VIA_SOURCE]);
        let answer = site.declare(narrow).await.found();
        assert_eq!(answer["selAcrScenarioList"], json!([VIA_SOURCE]));
    }

    /// What the EEC registered counts where it says nothing; where several EASs may be meant, all of them have to take part.
    #[tokio::test]
    async fn what_was_registered_counts_where_nothing_is_said() {
        let site = Site::open().await;
        let one = site
            .declare(request(json!({"selEasEndPoints": at("a.example")})))
            .await
            .found();
        assert_eq!(one["selAcrScenarioList"], json!([VIA_SOURCE, VIA_TARGET]));
        // The one of the session is meant now.
        let again = site.declare(request(json!({}))).await.found();
        assert_eq!(again, one);
        let mut other = about(request(json!({})));
        other["acId"] = json!("ac.other");
        let any = site.doors.eec("eec-1").post(DECLARE, other).await.found();
        assert_eq!(any["selAcrScenarioList"], json!([VIA_TARGET]));
    }

    /// Nothing in common: 404 with a cause of its own, and nobody hears anything.
    #[tokio::test]
    async fn nothing_in_common_is_refused() {
        let site = Site::open().await;
        site.listens().await;
        let none = request(json!({"eecSvcContSupp": ["EEC_INITIATED"], "selEasEndPoints": at("a.example")}));
        site.declare(none).await.refused(404, "NO_COMMON_ACR_SCENARIO", "");
        let ac = json!({"acId": "ac.chess", "acSvcContSupp": ["SOURCE_EAS_DECIDED"]});
        let none = request(json!({"acProf": ac, "selEasEndPoints": at("a.example")}));
        site.declare(none).await.refused(404, "NO_COMMON_ACR_SCENARIO", "");
        let nowhere = request(json!({"selEasIds": [CHESS, GO]}));
        site.declare(nowhere)
            .await
            .refused(404, "RESOURCE_NOT_FOUND", "/selEasIds/1");
        assert_eq!(site.heard().await, [Value::Null; 0]);
        assert!(site.doors.keys("eas-selection/").await.is_empty());
    }
}

mod selected {
    use super::*;

    /// An EAS that is known here is told of in whole, and stands in the context of the EEC.
    #[tokio::test]
    async fn an_eas_that_is_known_here_is_answered() {
        let site = Site::open().await;
        for request in [
            json!({"reqType": "EAS_SELECTION", "selEasEndPoints": at("b.example")}),
            // As clients of the time before there were several kinds.
            json!({"selEasEndPoints": at("b.example")}),
        ] {
            let answer = site.declare(request).await.found();
            let mut profile = chess("b.example")["easProf"].clone();
            profile["svcContSupp"] = json!([VIA_TARGET]);
            assert_eq!(
                answer,
                json!({"instEasInfo": {"eas": profile, "lifeTime": "2026-01-05T12:10:00Z"}})
            );
            assert_eq!(site.sessions().await, session("b.example", &[]));
        }
        let best = site.declare(json!({})).await.found();
        assert_eq!(best["instEasInfo"]["eas"]["endPt"]["fqdn"], "a.example");
        assert_eq!(site.sessions().await, session("a.example", &[]));
        let elsewhere = json!({"dnais": ["dnai-z"]});
        site.declare(elsewhere)
            .await
            .refused(404, "RESOURCE_NOT_FOUND", "/selEasIds/0");
    }

    /// An EAS that is not registered here is another EES's, or there is none.
    #[tokio::test]
    async fn an_eas_that_is_nowhere_is_refused() {
        let site = Site::open().await;
        let none = json!({"selEasEndPoints": at("nowhere.example")});
        site.declare(none.clone())
            .await
            .refused(404, "RESOURCE_NOT_FOUND", "/selEasIds/0");
        let mut ours = none.clone();
        ours["assEesEndPoints"] = json!([{"uri": ROOT}]);
        site.declare(ours)
            .await
            .refused(404, "RESOURCE_NOT_FOUND", "/selEasIds/0");
        assert_eq!(site.sessions().await, Value::Null);
        let mut theirs = none;
        theirs["assEesEndPoints"] = json!([{"uri": "https://ees-b.example"}]);
        site.declare(theirs).await.done();
        assert_eq!(site.sessions().await, session("nowhere.example", &[]));
    }

    /// Both at once: an EAS is selected, and the scenarios of the session with it.
    #[tokio::test]
    async fn scenarios_may_come_along() {
        let site = Site::open().await;
        site.listens().await;
        let both = json!({"selEasEndPoints": at("a.example"), "selAcrScenarios": [VIA_SOURCE]});
        site.declare(both).await.found();
        assert_eq!(site.heard().await[0][0]["acrList"], json!([VIA_SOURCE]));
        // With another EAS the scenarios are not known any more.
        site.declare(json!({"selEasEndPoints": at("b.example")})).await.found();
        assert_eq!(site.sessions().await, session("b.example", &[]));
        assert_eq!(site.heard().await, [Value::Null; 0]);
    }
}

mod for_a_group {
    use super::*;

    fn to_neighbours() -> Settings {
        Settings {
            common_eas: CommonEasPolicy {
                neighbours: vec![T_EES.parse().unwrap()],
                ..CommonEasPolicy::default()
            },
            ..Settings::default()
        }
    }

    fn told(doors: &Doors) -> Vec<(String, Value)> {
        let asked = doors
            .others
            .asked()
            .into_iter()
            .filter(|asked| asked.what == "announce");
        let mut told: Vec<_> = asked.map(|asked| (asked.of, asked.body["easEndPt"].clone())).collect();
        told.sort_by(|a, b| a.0.cmp(&b.0));
        told
    }

    fn selection(host: &str, eess: &[(&str, &str)]) -> Value {
        let mut selection = json!({"appGrpId": "team-1", "selEasEndPoints": at(host)});
        let ees = |(id, root): &(&str, &str)| json!({"eesId": id, "endPt": {"uri": root}, "eecRegConf": true});
        if !eess.is_empty() {
            selection["eesList"] = eess.iter().map(ees).collect();
        }
        selection
    }

    /// Annex E of TS 23.558: the EAS becomes the common one, and the EESs that the EEC names hear of it besides the neighbours.
    #[tokio::test]
    async fn the_selected_eas_becomes_the_common_one() {
        let site = Site::with(to_neighbours()).await;
        site.doors.others.answer("announce", Value::Null);
        let named = [
            ("ees-c.example", "https://ees-c.example"),
            (OWN_ID, ROOT),
            (T_EES, "https://ees-b.example"),
        ];
        let answer = site.declare(selection("b.example", &named)).await.found();
        assert_eq!(answer["instEasInfo"]["eas"]["endPt"]["fqdn"], "b.example");
        assert_eq!(answer["comEasEndpoint"], Value::Null);
        site.doors.settled().await;
        let b = json!({"fqdn": "b.example"});
        assert_eq!(
            told(&site.doors),
            [(T_EES.to_owned(), b.clone()), ("ees-c.example".to_owned(), b.clone())]
        );
        // Another EES that is named later hears of it, and nobody twice.
        let more = [
            ("ees-c.example", "https://ees-c.example"),
            ("ees-d.example", "https://ees-d.example"),
        ];
        site.declare(selection("b.example", &more)).await.found();
        site.doors.settled().await;
        assert_eq!(told(&site.doors), [("ees-d.example".to_owned(), b)]);
    }

    /// Where another EAS is the common one, the EEC is told which, and its session is with that.
    #[tokio::test]
    async fn the_common_eas_in_force_is_told() {
        let site = Site::with(to_neighbours()).await;
        let common = json!({"requestorId": T_EES, "requestorEndPt": {"uri": "https://ees-b.example"}, "easId": CHESS,
            "easEndPt": {"fqdn": "t.example"}, "appGrpId": "team-1"});
        site.doors.ees(T_EES).post("/eees-cea/v1/declare", common).await.done();
        let expected =
            json!({"comEasEndpoint": {"fqdn": "t.example"}, "comEesEndpoint": {"uri": "https://ees-b.example"}});
        assert_eq!(site.declare(selection("a.example", &[])).await.found(), expected);
        assert_eq!(site.sessions().await, session("t.example", &[]));
        // Who has selected that one already has nothing to learn.
        site.declare(selection("t.example", &[])).await.done();
        // A group without a common EAS, and an EAS that nobody knows.
        let mut unknown = selection("nowhere.example", &[]);
        unknown["appGrpId"] = json!("team-2");
        site.declare(unknown)
            .await
            .refused(404, "RESOURCE_NOT_FOUND", "/selEasIds/0");
        site.doors.settled().await;
        assert_eq!(told(&site.doors), []);
    }

    /// Two EECs of a group at one EES: the second is told of the choice of the first.
    #[tokio::test]
    async fn the_first_choice_counts() {
        let site = Site::open().await;
        site.declare(selection("b.example", &[])).await.found();
        let answer = site.declare(selection("a.example", &[])).await.found();
        assert_eq!(
            (
                &answer["comEasEndpoint"],
                &answer["comEesEndpoint"],
                &answer["instEasInfo"]
            ),
            (&json!({"fqdn": "b.example"}), &json!({"uri": ROOT}), &Value::Null)
        );
    }

    /// One EEC cannot have common EASs chosen without end; others can.
    #[tokio::test]
    async fn too_many_groups_of_one_eec_are_refused() {
        let site = Site::open().await;
        let of = |group: usize| json!({"appGrpId": format!("team-{group}"), "selEasEndPoints": at("a.example")});
        for group in 0..CHOICES_PER_EEC {
            site.declare(of(group)).await.found();
        }
        site.declare(of(CHOICES_PER_EEC))
            .await
            .refused(429, "QUOTA_EXCEEDED", "");
        // Those that it has are no more than they were.
        site.declare(of(0)).await.found();
        let other = site.doors.eec("eec-2");
        other.post(REGISTRATIONS, json!({"eecId": "eec-2"})).await.created();
        let mut own = about(of(CHOICES_PER_EEC));
        own["eecId"] = json!("eec-2");
        other.post(DECLARE, own).await.found();
    }

    /// An EEC cannot make the EES call into its own network.
    ///
    /// Proves: T-11
    #[tokio::test]
    async fn an_ees_list_that_leads_inside_is_refused() {
        let site = Site::open().await;
        let before = site.stored().await;
        for (inside, status) in [("https://10.0.0.1", 403), ("http://ees-c.example", 400)] {
            let answer = site.declare(selection("b.example", &[("ees-c.example", inside)])).await;
            answer.refused(status, "CALLBACK_NOT_ALLOWED", "/eesList/0/endPt");
        }
        assert_eq!(site.stored().await, before);
    }

    /// Where the ECS keeps the choice, the EES that comes second leads to the one of the first; without the ECS nothing is noted.
    #[tokio::test]
    async fn the_binding_at_the_ecs_is_told() {
        let site = Site::with(Settings {
            common_eas: CommonEasPolicy {
                agreement: Agreement::Repository(None),
                ..CommonEasPolicy::default()
            },
            ..Settings::default()
        })
        .await;
        site.doors
            .others
            .fail("bind", PeerError::Unreachable("away".to_owned()));
        let before = site.stored().await;
        let answer = site.declare(selection("b.example", &[])).await;
        answer.refused(503, "INSUFFICIENT_RESOURCES", "");
        assert_eq!(site.stored().await, before);
        let binding = json!({"appGroupId": "team-1", "easId": CHESS, "easEndpoints": [{"fqdn": "t.example"}],
            "eesEndpoint": {"uri": "https://ees-b.example"}});
        site.doors.others.answer("binding", Value::Null);
        site.doors.others.answer("bind", binding);
        let expected =
            json!({"comEasEndpoint": {"fqdn": "t.example"}, "comEesEndpoint": {"uri": "https://ees-b.example"}});
        assert_eq!(site.declare(selection("b.example", &[])).await.found(), expected);
    }
}
