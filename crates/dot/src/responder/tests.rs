use super::*;
use crate::{
    directory::{Chosen, Found, Reach},
    settings::DnsSettings,
};
use async_trait::async_trait;
use edgeapp_core::evidence::NoEvidence;
use hickory_proto::{
    op::{Edns, Message, MessageType, OpCode, Query},
    rr::{
        Name, RData, Record,
        rdata::opt::{EdnsCode, EdnsOption},
    },
};

/// Leads clients to an EAS by their DNAI.
struct TwoSites;

fn reach(last: u8) -> Reach {
    Reach {
        addresses: vec![
            IpAddr::from([192, 0, 2, last]),
            IpAddr::from([0x2001, 0xdb8, 0, 0, 0, 0, 0, u16::from(last)]),
        ],
        host: None,
        scheme: Some("https".to_owned()),
        port: Some(8443),
    }
}

#[async_trait]
impl Directory for TwoSites {
    fn find(&self, asked: &Asked<'_>) -> Found {
        let dnai = asked
            .place
            .and_then(|place| place.dnai.as_ref())
            .map(|dnai| dnai.as_str());
        let chosen = |reach| {
            Found::Eas(Chosen {
                reach,
                by_place: true,
                ..Chosen::default()
            })
        };
        match (asked.name, dnai) {
            ("chess.edge.example", Some("b")) => chosen(reach(2)),
            ("chess.edge.example", _) => chosen(reach(1)),
            ("four.edge.example", _) => chosen(Reach {
                addresses: vec![IpAddr::from([192, 0, 2, 4])],
                ..Reach::default()
            }),
            ("alias.edge.example", _) => chosen(Reach {
                host: Some("host.elsewhere.example".to_owned()),
                addresses: vec![IpAddr::from([192, 0, 2, 9])],
                ..Reach::default()
            }),
            ("gone.edge.example", _) => Found::Nobody,
            ("between.edge.example", _) => Found::OnlyBelow,
            ("soon.edge.example", _) => Found::Eas(Chosen {
                reach: reach(1),
                seconds: Some(3),
                ..Chosen::default()
            }),
            _ => Found::Nothing,
        }
    }

    fn serial(&self) -> u32 {
        42
    }

    async fn known(&self, _: &Principal) -> Known {
        Known {
            place: Some(Whereabouts {
                dnai: Some("b".parse().expect("a DNAI")),
                ..Whereabouts::default()
            }),
            relocations: Vec::new(),
        }
    }
}

fn responder() -> Arc<Responder> {
    let settings: DnsSettings = serde_json::from_value(serde_json::json!({
        "listen": "192.0.2.53:853",
        "zones": ["Edge.example."],
        "clients": ["10.0.0.0/8", "2001:db8::/32", "198.51.100.53/32"],
        "trusted_forwarders": ["198.51.100.53/32"],
        "place": [
            {"prefix": "10.1.0.0/16", "dnai": "a"},
            {"prefix": "10.2.0.0/16", "dnai": "b"},
            {"prefix": "10.2.128.0/17", "dnai": "a"},
            {"prefix": "2001:db8:2::/48", "dnai": "b"},
        ],
    }))
    .expect("settings");
    assert_eq!(settings.wrong(), []);
    let rules = settings.rules(settings.listen);
    Arc::new(Responder::new(rules, Arc::new(TwoSites), Arc::new(NoEvidence)))
}

fn query(name: &str, kind: RecordType, options: &[(u16, Vec<u8>)]) -> Message {
    let mut message = Message::new(7, MessageType::Query, OpCode::Query);
    message.add_query(Query::query(Name::from_ascii(name).expect("a name"), kind));
    let mut edns = Edns::new();
    for (code, data) in options {
        edns.options_mut().insert(EdnsOption::Unknown(*code, data.clone()));
    }
    message.set_edns(edns);
    message
}

fn answer(from: &str, message: &Message) -> Message {
    let responder = responder();
    let client = Arc::new(responder.client(from.parse().expect("an address"), None));
    match responder.answer(&message.to_vec().expect("a message"), &client) {
        Outcome::Now(answer) => Message::from_vec(&answer).expect("a message"),
        _ => panic!("no answer"),
    }
}

fn ask(from: &str, name: &str, kind: RecordType) -> Message {
    answer(from, &query(name, kind, &[]))
}

fn data(answer: &Message) -> Vec<String> {
    answer.answers.iter().map(|record| record.data.to_string()).collect()
}

fn soa(answer: &Message) -> &Record {
    let [soa] = answer.authorities.as_slice() else {
        panic!("no SOA: {answer:?}")
    };
    assert!(matches!(&soa.data, RData::SOA(soa) if soa.serial == 42 && soa.minimum == 5));
    soa
}

const HERE: &str = "10.1.0.9";

/// Proves: DNS-N-01
#[test]
fn all_types_are_of_one_eas() {
    for (from, last) in [(HERE, 1), ("10.2.0.9", 2)] {
        assert_eq!(
            data(&ask(from, "chess.edge.example.", RecordType::A)),
            [format!("192.0.2.{last}")]
        );
        assert_eq!(
            data(&ask(from, "chess.edge.example.", RecordType::AAAA)),
            [format!("2001:db8::{last}")]
        );
        let https = ask(from, "chess.edge.example.", RecordType::HTTPS);
        let RData::HTTPS(binding) = &https.answers[0].data else {
            panic!("{https:?}")
        };
        let told = format!("{:?}", binding.0.svc_params);
        assert!(
            told.contains(&format!("192.0.2.{last}")) && told.contains("Port(8443)"),
            "{told}"
        );
        assert!(binding.0.target_name.is_root());
        let srv = ask(from, "_https._tcp.chess.edge.example.", RecordType::SRV);
        assert_eq!(data(&srv), ["0 0 8443 chess.edge.example."]);
        let also: Vec<_> = srv.additionals.iter().map(|record| record.data.to_string()).collect();
        assert_eq!(also, [format!("192.0.2.{last}"), format!("2001:db8::{last}")]);
        let by_port = ask(from, "_8443._https.chess.edge.example.", RecordType::HTTPS);
        assert!(matches!(&by_port.answers[0].data, RData::HTTPS(binding) if !binding.0.target_name.is_root()));
    }
}

/// Proves: DNS-N-02, DNS-N-03, DNS-N-04
#[test]
fn what_is_not_there_is_told_apart() {
    let code = |name, kind| {
        let answer = ask(HERE, name, kind);
        assert!(answer.answers.is_empty() && answer.metadata.authoritative);
        assert_eq!(soa(&answer).ttl, 5);
        answer.metadata.response_code
    };
    assert_eq!(code("four.edge.example.", RecordType::AAAA), ResponseCode::NoError);
    assert_eq!(code("chess.edge.example.", RecordType::TXT), ResponseCode::NoError);
    assert_eq!(code("gone.edge.example.", RecordType::A), ResponseCode::NoError);
    assert_eq!(code("between.edge.example.", RecordType::A), ResponseCode::NoError);
    assert_eq!(code("_tcp.chess.edge.example.", RecordType::A), ResponseCode::NoError);
    assert_eq!(
        code("_other._tcp.chess.edge.example.", RecordType::SRV),
        ResponseCode::NoError
    );
    assert_eq!(code("four.edge.example.", RecordType::HTTPS), ResponseCode::NoError);
    assert_eq!(code("nobody.edge.example.", RecordType::A), ResponseCode::NXDomain);
    assert_eq!(
        code("_https._tcp.nobody.edge.example.", RecordType::SRV),
        ResponseCode::NXDomain
    );
    assert_eq!(code("edge.example.", RecordType::A), ResponseCode::NoError);
}

#[test]
fn a_name_that_no_host_has_is_not_there() {
    let mut message = query("edge.example.", RecordType::A, &[]);
    let labels = [&b"we ird"[..], b"edge", b"example"];
    message.queries[0].set_name(Name::from_labels(labels).expect("a name"));
    assert_eq!(answer(HERE, &message).metadata.response_code, ResponseCode::NXDomain);
}

#[test]
fn the_zone_and_its_server_are_told() {
    assert!(matches!(
        ask(HERE, "edge.example.", RecordType::SOA).answers[0].data,
        RData::SOA(_)
    ));
    assert_eq!(data(&ask(HERE, "edge.example.", RecordType::NS)), ["ns.edge.example."]);
    assert_eq!(data(&ask(HERE, "ns.edge.example.", RecordType::A)), ["192.0.2.53"]);
}

/// Proves: DNS-S-12
#[test]
fn an_alias_is_followed() {
    let answer = ask(HERE, "alias.edge.example.", RecordType::A);
    assert_eq!(data(&answer), ["host.elsewhere.example.", "192.0.2.9"]);
    assert_eq!(answer.answers[0].ttl, answer.answers[1].ttl);
    assert_eq!(
        data(&ask(HERE, "alias.edge.example.", RecordType::AAAA)),
        ["host.elsewhere.example."]
    );
}

/// Proves: DNS-N-10, DNS-N-12, T-26
#[test]
fn what_is_not_for_us_is_refused_with_its_reason() {
    let error = |answer: &Message| match answer.edns.as_ref().and_then(|edns| edns.option(EdnsCode::Unknown(15))) {
        Some(EdnsOption::Unknown(_, data)) => Some(data[1]),
        _ => None,
    };
    for (from, name, kind, code, reason) in [
        (HERE, "www.example.", RecordType::A, ResponseCode::Refused, Some(20)),
        (HERE, "notedge.example.", RecordType::A, ResponseCode::Refused, Some(20)),
        (
            "203.0.113.1",
            "chess.edge.example.",
            RecordType::A,
            ResponseCode::Refused,
            Some(18),
        ),
        (HERE, "edge.example.", RecordType::AXFR, ResponseCode::Refused, Some(18)),
        (HERE, "edge.example.", RecordType::OPT, ResponseCode::FormErr, None),
    ] {
        let answer = ask(from, name, kind);
        assert_eq!(
            (answer.metadata.response_code, error(&answer)),
            (code, reason),
            "{name} {kind}"
        );
        assert!(!answer.metadata.authoritative);
    }
    let mut chaos = query("version.bind.", RecordType::TXT, &[]);
    chaos.queries[0].set_query_class(DNSClass::CH);
    assert_eq!(answer(HERE, &chaos).metadata.response_code, ResponseCode::Refused);
}

/// Proves: DNS-N-11, T-26
#[test]
fn a_question_for_any_type_gets_little() {
    assert_eq!(ask(HERE, "chess.edge.example.", RecordType::ANY).answers.len(), 1);
    assert!(matches!(
        ask(HERE, "chess.edge.example.", RecordType::ANY).answers[0].data,
        RData::HINFO(_)
    ));
}

/// Proves: DNS-S-08
#[test]
fn no_answer_outlives_what_it_says() {
    assert_eq!(ask(HERE, "chess.edge.example.", RecordType::A).answers[0].ttl, 10);
    assert_eq!(ask(HERE, "soon.edge.example.", RecordType::A).answers[0].ttl, 3);
}

fn with_subnet(from: &str, name: &str, subnet: &[u8]) -> (Vec<String>, Option<Vec<u8>>) {
    let answer = answer(from, &query(name, RecordType::A, &[(8, subnet.to_vec())]));
    let echoed = answer.edns.as_ref().and_then(|edns| edns.option(EdnsCode::Subnet));
    let echoed = echoed.map(|option| Vec::try_from(option).expect("an option"));
    (data(&answer), echoed)
}

/// Proves: DNS-E-01, DNS-E-02, DNS-E-05
#[test]
fn a_trusted_forwarder_says_where_its_client_is() {
    const FORWARDER: &str = "198.51.100.53";
    let (told, echoed) = with_subnet(FORWARDER, "chess.edge.example.", &[0, 1, 24, 0, 10, 2, 9]);
    assert_eq!(told, ["192.0.2.2"]);
    assert_eq!(echoed, Some(vec![0, 1, 24, 17, 10, 2, 9]));
    let (told, echoed) = with_subnet(FORWARDER, "chess.edge.example.", &[0, 1, 24, 0, 10, 2, 200]);
    assert_eq!(told, ["192.0.2.1"]);
    assert_eq!(echoed, Some(vec![0, 1, 24, 17, 10, 2, 200]));
    let (_, echoed) = with_subnet(FORWARDER, "chess.edge.example.", &[0, 1, 0, 0]);
    assert_eq!(echoed, Some(vec![0, 1, 0, 0]));
    let (_, echoed) = with_subnet(FORWARDER, "nobody.edge.example.", &[0, 1, 24, 0, 10, 2, 9]);
    assert_eq!(
        echoed,
        Some(vec![0, 1, 24, 0, 10, 2, 9]),
        "what is not there is so for everybody"
    );
    assert!(
        answer(FORWARDER, &query("chess.edge.example.", RecordType::A, &[]))
            .edns
            .expect("EDNS")
            .options()
            .options
            .is_empty()
    );
}

/// Proves: DNS-E-07
#[test]
fn a_network_of_ipv6_is_looked_up_by_its_bits() {
    const FORWARDER: &str = "198.51.100.53";
    let ask = |third: u8, fourth: u8| [0, 2, 56, 0, 0x20, 0x01, 0x0d, 0xb8, 0, third, fourth];
    let (told, echoed) = with_subnet(FORWARDER, "chess.edge.example.", &ask(2, 0xab));
    assert_eq!(told, ["192.0.2.2"]);
    let mut expected = ask(2, 0xab).to_vec();
    expected[3] = 48;
    assert_eq!(echoed, Some(expected));
    let (told, echoed) = with_subnet(FORWARDER, "chess.edge.example.", &ask(3, 0xab));
    assert_eq!(told, ["192.0.2.1"]);
    let scope = echoed.expect("a subnet")[3];
    // 2001:db8:3 parts from 2001:db8:2 at its last bit.
    assert_eq!(scope, 48);
}

/// Proves: DNS-E-06, T-26
#[test]
fn anybody_else_learns_nothing_by_a_subnet() {
    let (told, echoed) = with_subnet(HERE, "chess.edge.example.", &[0, 1, 24, 0, 10, 2, 9]);
    assert_eq!(told, ["192.0.2.1"], "its own place counts");
    assert_eq!(echoed, Some(vec![0, 1, 24, 0, 10, 2, 9]));
}

/// Proves: DNS-D-07
#[tokio::test]
async fn an_eec_is_answered_by_where_it_is_known_to_be() {
    let responder = responder();
    let eec = Principal::from_names(["urn:edgeapp:eec:eec-1"], [] as [&str; 0]).expect("a principal");
    // Neither its address nor its network say anything.
    let client = Arc::new(responder.client("203.0.113.1".parse().expect("an address"), Some(Arc::new(eec))));
    let message = query("chess.edge.example.", RecordType::A, &[])
        .to_vec()
        .expect("a message");
    let Outcome::Later(first) = responder.answer(&message, &client) else {
        panic!("it is not known yet")
    };
    assert_eq!(
        data(&Message::from_vec(&first.await).expect("a message")),
        ["192.0.2.2"]
    );
    assert!(
        matches!(responder.answer(&message, &client), Outcome::Now(_)),
        "now it is"
    );
}
