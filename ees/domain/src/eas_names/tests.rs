use super::*;
use edgeapp_core::{follow::View, store};
use edgeapp_openapi::eas_registration::{EasProfile, EasRegistration};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::{collections::HashMap, net::IpAddr};

const NOW: &str = "2026-01-05T12:00:00Z";
const NAME: &str = "chess.edge.example";

fn now() -> DateTime {
    NOW.parse().expect("an instant")
}

fn naming() -> Naming {
    Naming {
        zones: vec!["edge.example".to_owned()],
        of_applications: HashMap::from([(id("eas.chess"), NAME.to_owned())]),
        owners: HashMap::from([(id("eas.chess"), vec!["chess-inc.edge.example".to_owned()])]),
        hosts: HashMap::from([(
            "one.chess-inc.edge.example".to_owned(),
            vec![IpAddr::from([192, 0, 2, 77])],
        )]),
        publish_loopback_addresses: false,
    }
}

fn id(text: &str) -> EasId {
    text.parse().expect("an EASID")
}

fn profile(members: Value) -> EasProfile {
    let mut profile = json!({"easId": "eas.chess", "endPt": {"ipv4Addrs": ["192.0.2.1"]}});
    let members = members.as_object().expect("members").clone();
    profile.as_object_mut().expect("an object").extend(members);
    serde_json::from_value(profile).expect("a profile")
}

/// What is registered: profiles, until when.
fn registered(all: &[(Value, Option<&str>)]) -> EasIndex {
    let index = EasIndex::new(None).named_by(Arc::new(naming()));
    let entries = all.iter().enumerate().map(|(n, (members, until))| {
        let eas = edgeapp_core::principal::Principal::from_names(
            [format!("urn:edgeapp:eas:eas.chess#{n}").as_str()],
            [] as [&str; 0],
        );
        let registration = EasRegistration {
            eas_prof: profile(members.clone()),
            exp_time: None,
            supp_feat: None,
        };
        let until = until.map(|until| until.parse().expect("an instant"));
        let kept = Kept::new(&eas.expect("a principal"), until, registration);
        store::Entry {
            key: Key::from(format!("eas/{n:04}")),
            value: serde_json::to_vec(&kept).expect("JSON").into(),
            revision: store::Revision(1),
        }
    });
    index.reset(entries.collect());
    index
}

fn address(last: u8) -> Value {
    json!({"endPt": {"ipv4Addrs": [format!("192.0.2.{last}")]}})
}

fn with(mut profile: Value, members: Value) -> Value {
    let members = members.as_object().expect("members").clone();
    profile.as_object_mut().expect("an object").extend(members);
    profile
}

fn behind(dnai: &str) -> Value {
    json!({"appLocs": [{"dnai": dnai, "routeProfId": "local"}]})
}

fn in_cell(tac: &str) -> Value {
    json!({"svcArea": {"topServAr": {"tais": [{"plmnId": {"mcc": "001", "mnc": "01"}, "tac": tac}]}}})
}

fn at(tac: &str) -> Position {
    let seen = json!({"userLocation": {"nrLocation": {
        "tai": {"plmnId": {"mcc": "001", "mnc": "01"}, "tac": tac},
        "ncgi": {"plmnId": {"mcc": "001", "mnc": "01"}, "nrCellId": "000000001"},
    }}});
    Position::of_ue(&serde_json::from_value(seen).expect("a location"))
}

struct Who<'a> {
    client: &'a str,
    dnai: Option<&'a str>,
    position: Position,
    relocations: Vec<InForce>,
}

impl Default for Who<'_> {
    fn default() -> Self {
        Self {
            client: "10.0.0.1/32",
            dnai: None,
            position: Position::default(),
            relocations: Vec::new(),
        }
    }
}

fn asked(index: &EasIndex, name: &str, who: &Who<'_>, now: DateTime) -> Answer {
    let dnai = who.dnai.map(|dnai| dnai.parse().expect("a DNAI"));
    let sought = Sought {
        name,
        client: who.client,
        dnai: dnai.as_ref(),
        position: &who.position,
        relocations: &who.relocations,
    };
    find(&index.snapshot(), &naming(), false, &sought, now)
}

fn led(index: &EasIndex, who: &Who<'_>) -> Led {
    match asked(index, NAME, who, now()) {
        Answer::Eas(led) => *led,
        other => panic!("{other:?}"),
    }
}

/// The last octet of the only address.
fn last(led: &Led) -> u8 {
    match led.reach.addresses.as_slice() {
        [IpAddr::V4(address)] => address.octets()[3],
        other => panic!("{other:?}"),
    }
}

/// Proves: DNS-S-01
#[test]
fn two_clients_at_two_places_are_led_to_two_eass() {
    let index = registered(&[
        (with(address(1), in_cell("000001")), None),
        (with(address(2), in_cell("000002")), None),
    ]);
    for (tac, expected) in [("000001", 1), ("000002", 2)] {
        let who = Who {
            position: at(tac),
            ..Who::default()
        };
        let led = led(&index, &who);
        assert_eq!((last(&led), led.by_place), (expected, true));
    }
}

/// Proves: DNS-S-02
#[test]
fn a_client_that_moves_is_led_elsewhere_at_its_next_question() {
    let index = registered(&[
        (with(address(1), in_cell("000001")), None),
        (with(address(2), in_cell("000002")), None),
    ]);
    let way = ["000001", "000001", "000002", "000001"];
    let led = way.map(|tac| {
        let who = Who {
            position: at(tac),
            ..Who::default()
        };
        last(&led(&index, &who))
    });
    assert_eq!(led, [1, 1, 2, 1]);
}

/// Proves: DNS-S-04
#[test]
fn an_eas_that_is_everywhere_comes_after_one_that_is_here() {
    let index = registered(&[
        (address(1), None),
        (with(address(2), in_cell("000002")), None),
        (with(address(3), in_cell("000003")), None),
    ]);
    for n in 0..50 {
        let client = format!("10.0.0.{n}/32");
        let at = |tac| {
            let who = Who {
                client: &client,
                position: at(tac),
                ..Who::default()
            };
            last(&led(&index, &who))
        };
        assert_eq!((at("000002"), at("000003"), at("000004")), (2, 3, 1));
    }
}

/// Proves: DNS-S-03
#[test]
fn the_exit_of_the_traffic_counts_before_the_area() {
    let index = registered(&[
        (with(address(1), in_cell("000001")), None),
        (with(address(2), behind("dnai-b")), None),
    ]);
    let who = Who {
        position: at("000001"),
        dnai: Some("dnai-b"),
        ..Who::default()
    };
    assert_eq!(last(&led(&index, &who)), 2);
    let who = Who {
        dnai: Some("dnai-unknown"),
        ..who
    };
    assert_eq!(
        last(&led(&index, &who)),
        last(&led(&index, &Who { dnai: None, ..who })),
        "nobody is there"
    );
}

/// Proves: DNS-S-05, DNS-S-06, DNS-S-08
#[test]
fn schedules_and_expiries_act_without_an_event_and_bound_what_is_kept() {
    let office = json!({"scheds": [{"timeOfDayStart": "08:00:00", "timeOfDayEnd": "18:00:00"}]});
    let index = registered(&[(with(address(1), office), Some("2026-01-06T00:00:00Z"))]);
    assert_eq!(led(&index, &Who::default()).seconds, Some(6 * 3600));
    let at = |instant: &str| asked(&index, NAME, &Who::default(), instant.parse().expect("an instant"));
    assert!(matches!(at("2026-01-05T17:59:58Z"), Answer::Eas(led) if led.seconds == Some(2)));
    assert_eq!(at("2026-01-05T18:00:00Z"), Answer::Nobody);
    assert!(matches!(at("2026-01-05T08:00:00Z"), Answer::Eas(_)));
    let index = registered(&[(address(1), Some("2026-01-05T12:00:07Z"))]);
    assert_eq!(led(&index, &Who::default()).seconds, Some(7));
    let expired = asked(
        &index,
        NAME,
        &Who::default(),
        "2026-01-05T12:00:07Z".parse().expect("an instant"),
    );
    assert_eq!(expired, Answer::Nobody);
}

/// Proves: DNS-N-03
#[test]
fn what_is_not_there_is_told_from_what_suits_nobody() {
    let index = registered(&[(with(address(1), json!({"status": "disabled"})), None)]);
    let answer = |name| asked(&index, name, &Who::default(), now());
    assert_eq!(answer(NAME), Answer::Nobody);
    assert_eq!(answer("edge.example"), Answer::OnlyBelow);
    assert_eq!(answer("other.edge.example"), Answer::Nothing);
    assert_eq!(answer("below.chess.edge.example"), Answer::Nothing);
}

#[test]
fn what_is_gone_is_not_there() {
    let index = registered(&[(address(1), None)]);
    let changes = index.snapshot().changes();
    index.apply(vec![store::Change::Deleted(
        Key::from("eas/0000".to_owned()),
        store::Revision(2),
    )]);
    assert_eq!(asked(&index, NAME, &Who::default(), now()), Answer::Nothing);
    assert_eq!(asked(&index, "edge.example", &Who::default(), now()), Answer::Nothing);
    assert_ne!(index.snapshot().changes(), changes);
}

/// Proves: DNS-S-13
#[test]
fn a_relocation_in_force_leads_to_its_target() {
    let index = registered(&[
        (with(address(1), in_cell("000001")), None),
        (with(address(2), in_cell("000002")), None),
    ]);
    let relocation = |endpoint: Value, running| InForce {
        eas_id: id("eas.chess"),
        target: serde_json::from_value(endpoint).expect("an endpoint"),
        running,
    };
    let who = |relocations| Who {
        position: at("000001"),
        relocations,
        ..Who::default()
    };
    let here = led(
        &index,
        &who(vec![relocation(json!({"ipv4Addrs": ["192.0.2.2"]}), true)]),
    );
    assert_eq!((last(&here), here.relocating), (2, true));
    let elsewhere = led(
        &index,
        &who(vec![relocation(json!({"ipv4Addrs": ["192.0.2.99"]}), false)]),
    );
    assert_eq!((last(&elsewhere), elsewhere.relocating), (99, false));
    let of_another = InForce {
        eas_id: id("eas.go"),
        ..relocation(json!({"ipv4Addrs": ["192.0.2.2"]}), true)
    };
    assert_eq!(last(&led(&index, &who(vec![of_another]))), 1);
}

/// Proves: DNS-S-09
#[test]
fn clients_are_spread_over_equals_and_stay_where_they_are() {
    let index = registered(&[(address(1), None), (address(2), None)]);
    let mut counts = [0; 2];
    for n in 0..10_000_u32 {
        let client = std::net::Ipv4Addr::from(0x0a00_0000 + n).to_string();
        let who = || Who {
            client: &client,
            ..Who::default()
        };
        let first = last(&led(&index, &who()));
        assert_eq!(first, last(&led(&index, &who())));
        counts[usize::from(first - 1)] += 1;
    }
    assert!(counts.iter().all(|count| (4_500..=5_500).contains(count)), "{counts:?}");
}

/// Proves: DNS-S-11
#[test]
fn names_belong_to_those_who_may_have_them() {
    let naming = naming();
    let names = |members: Value| naming.of(&profile(members)).names;
    let host = |name: &str| json!({"endPt": {"fqdn": name}});
    assert_eq!(
        names(host("one.chess-inc.edge.example")),
        [NAME, "one.chess-inc.edge.example"]
    );
    assert_eq!(names(host("ONE.Chess.Edge.Example")), [NAME, "one.chess.edge.example"]);
    assert_eq!(names(host("bank.edge.example")), [NAME], "of somebody else");
    assert_eq!(names(host("one.elsewhere.example")), [NAME], "not ours");
    let thief = json!({"easId": "eas.thief", "endPt": {"fqdn": "one.chess-inc.edge.example"}});
    assert_eq!(names(thief), ["eas-thief.edge.example"]);
    assert_eq!(names(json!({"easId": "go.edge.example"})), ["go.edge.example"]);
    assert_eq!(
        names(json!({"easId": "chess.edge.example"})),
        [""; 0],
        "the operator gave that name to another"
    );
    assert_eq!(
        names(json!({"easId": "edge.example"})),
        ["edge-example.edge.example"],
        "the zone itself is nobody's"
    );
    assert_eq!(names(json!({"easId": "what ever"})), [""; 0]);
    assert_eq!(names(json!({"easId": "eas-go"})), [""; 0], "eas.go could be meant");
    assert_eq!(names(json!({"easId": "Eas.go"})), [""; 0], "so it could");
}

/// Proves: DNS-S-12
#[test]
fn an_eas_is_reached_as_it_says() {
    let naming = naming();
    let reach = |endpoint: Value| naming.of(&profile(json!({"endPt": endpoint}))).reach;
    let addresses = |endpoint: Value| {
        reach(endpoint)
            .addresses
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
    };
    assert_eq!(addresses(json!({"ipv6Addrs": ["2001:db8::1"]})), ["2001:db8::1"]);
    assert_eq!(
        addresses(json!({"ipv4Addrs": ["127.0.0.1", "169.254.0.1", "224.0.0.1", "0.0.0.0", "10.0.0.1"]})),
        ["10.0.0.1"]
    );
    assert_eq!(
        addresses(json!({"ipv6Addrs": ["::1", "fe80::1", "::ffff:127.0.0.1"]})),
        [""; 0]
    );
    assert_eq!(addresses(json!({"fqdn": "one.chess-inc.edge.example"})), ["192.0.2.77"]);
    let of_uri = reach(json!({"uri": "https://one.elsewhere.example:8443/chess"}));
    assert_eq!(
        (of_uri.host.as_deref(), of_uri.port),
        (Some("one.elsewhere.example"), Some(8443))
    );
    let literal = reach(json!({"uri": "https://[2001:db8::5]/"}));
    assert_eq!(
        (literal.addresses.len(), literal.host, literal.port),
        (1, None, Some(443))
    );
    let other = reach(json!({"uri": "coap://192.0.2.5:5683"}));
    assert_eq!(
        (other.addresses.len(), other.scheme.as_deref(), other.port),
        (1, Some("coap"), Some(5683))
    );
}

fn any_eas() -> impl Strategy<Value = (Value, Option<&'static str>)> {
    let area = prop_oneof![Just(json!({})), Just(in_cell("000001")), Just(in_cell("000002")),];
    let dnai = prop_oneof![Just(json!({})), Just(behind("dnai-a")), Just(behind("dnai-b"))];
    let more = prop_oneof![
        4 => Just(json!({})),
        1 => Just(json!({"status": "disabled"})),
        1 => Just(json!({"scheds": [{"timeOfDayStart": "20:00:00", "timeOfDayEnd": "21:00:00"}]})),
        1 => Just(json!({"easId": "eas.go"})),
    ];
    let until = prop_oneof![
        Just(None),
        Just(Some("2026-01-05T11:00:00Z")),
        Just(Some("2026-01-05T13:00:00Z"))
    ];
    (1..250_u8, area, dnai, more, until)
        .prop_map(|(last, area, dnai, more, until)| (with(with(with(address(last), area), dnai), more), until))
}

proptest! {
    /// Proves: DNS-S-10
    #[test]
    fn a_name_leads_to_what_discovery_finds_first(
        all in prop::collection::vec(any_eas(), 0..12),
        tac in prop_oneof![Just(None), Just(Some("000001")), Just(Some("000002"))],
        dnai in prop_oneof![Just(None), Just(Some("dnai-a")), Just(Some("dnai-b"))],
        client in "[a-z]{1,6}",
    ) {
        let index = registered(&all);
        let who = Who { client: &client, dnai, position: tac.map(at).unwrap_or_default(), relocations: Vec::new() };
        let dnai_of_request: Option<Dnai> = dnai.map(|dnai| dnai.parse().expect("a DNAI"));
        let sought = Sought { name: NAME, client: &client, dnai: None, position: &who.position, relocations: &[] };
        let request = sought.selection(&id("eas.chess"), now());
        let known = index.snapshot();
        // What an EEC would be answered that asks for EASs at its DNAI, and then for any.
        let at_dnai = dnai_of_request.map(|dnai| Selection { dnai: Some(dnai), ..request.clone() });
        let found = at_dnai
            .map(|request| selection::select(&request, &known, now()))
            .filter(|found| !found.is_empty())
            .unwrap_or_else(|| selection::select(&request, &known, now()));
        match asked(&index, NAME, &who, now()) {
            Answer::Eas(led) => {
                let first = found.first().expect("discovery finds one too");
                let wanted = Selection { dnai: None, ..request.clone() };
                let rank = |entry: &Entry| selection::matching::judge(entry.profile(), &wanted);
                let same = found.iter().filter(|entry| rank(entry) == rank(first));
                prop_assert!(same.into_iter().any(|entry| entry.named.reach == led.reach));
            }
            _ => prop_assert!(found.is_empty()),
        }
    }
}
