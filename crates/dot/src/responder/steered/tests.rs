use super::*;
use crate::{
    directory::{Asked, Chosen, Directory, Found, Known, Reach},
    responder::Outcome,
    settings::{DnsSettings, UpstreamSettings},
};
use async_trait::async_trait;
use edgeapp_core::{evidence::NoEvidence, principal::Principal};
use hickory_proto::{
    op::{Edns as HickoryEdns, Message, MessageType, OpCode, Query},
    rr::{
        Name,
        rdata::opt::{EdnsCode, EdnsOption},
    },
};
use rcgen::{CertificateParams, KeyPair};
use rustls::{ServerConfig, crypto::aws_lc_rs::default_provider, pki_types::PrivateKeyDer};
use std::net::SocketAddr;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    sync::mpsc,
};
use tokio_rustls::TlsAcceptor;

/// Leads clients to an EAS by their DNAI.
struct TwoSites;

#[async_trait]
impl Directory for TwoSites {
    fn find(&self, asked: &Asked<'_>) -> Found {
        if asked.name != "chess.edge.example" {
            return Found::Nothing;
        }
        let dnai = asked.place.and_then(|place| place.dnai.as_ref());
        let last = match dnai.map(|dnai| dnai.as_str()) {
            Some("b") => 2,
            _ => 1,
        };
        Found::Eas(Chosen {
            reach: Reach {
                addresses: vec![IpAddr::from([192, 0, 2, last])],
                ..Reach::default()
            },
            by_place: true,
            ..Chosen::default()
        })
    }

    fn serial(&self) -> u32 {
        42
    }

    async fn known(&self, _: &Principal) -> Known {
        Known::default()
    }
}

/// Decides as it was told, for the UE at 10.45.0.7.
struct Rules {
    query: Verdict,
    responses: Mutex<Vec<Verdict>>,
    seen: Mutex<Vec<Vec<IpAddr>>>,
}

impl Rules {
    fn new(query: Verdict, responses: &[Verdict]) -> Arc<Self> {
        Arc::new(Self {
            query,
            responses: Mutex::new(responses.to_vec()),
            seen: Mutex::default(),
        })
    }
}

const UE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 45, 0, 7));

#[async_trait]
impl Steering for Rules {
    fn context_of(&self, from: IpAddr) -> Option<Arc<str>> {
        (from == UE).then(|| Arc::from("context"))
    }

    async fn query(&self, context: &str, query: SteeredQuery<'_>) -> Verdict {
        assert_eq!((context, query.from), ("context", UE));
        self.query.clone()
    }

    async fn response(&self, _: &str, response: SteeredResponse<'_>) -> Verdict {
        self.seen.lock().unwrap().push(response.addresses.to_vec());
        let mut responses = self.responses.lock().unwrap();
        match responses.is_empty() {
            true => Verdict::NoRule(Way::default()),
            false => responses.remove(0),
        }
    }
}

fn query(name: &str, kind: RecordType, subnet: Option<&str>) -> Vec<u8> {
    let mut message = Message::new(7, MessageType::Query, OpCode::Query);
    message.add_query(Query::query(Name::from_ascii(name).expect("a name"), kind));
    let mut edns = HickoryEdns::new();
    if let Some(subnet) = subnet {
        let subnet = ClientSubnet::of(subnet.parse().expect("a network"));
        edns.options_mut().insert(EdnsOption::Unknown(8, subnet.data(0)));
    }
    message.set_edns(edns);
    message.to_vec().expect("a message")
}

async fn answer(rules: Arc<Rules>, from: IpAddr, message: Vec<u8>) -> Vec<u8> {
    answer_with(rules, BTreeMap::new(), from, message).await
}

/// The same, with these servers to which rules may send questions.
async fn answer_with(
    rules: Arc<Rules>,
    servers: BTreeMap<IpAddr, Upstream>,
    from: IpAddr,
    message: Vec<u8>,
) -> Vec<u8> {
    let settings: DnsSettings = serde_json::from_value(serde_json::json!({
        "listen": "192.0.2.53:853",
        "zones": ["edge.example"],
        "place": [{"prefix": "10.1.0.0/16", "dnai": "a"}, {"prefix": "10.2.0.0/16", "dnai": "b"}],
    }))
    .expect("settings");
    let responder = Responder::new(
        settings.rules(settings.listen),
        Arc::new(TwoSites),
        Arc::new(NoEvidence),
    );
    let responder = Arc::new(responder.steered_by(rules, servers));
    let client = Arc::new(responder.client(from, None));
    match responder.answer(&message, &client) {
        Outcome::Now(answer) => answer,
        Outcome::Later(answer) => answer.await,
        _ => panic!("no answer"),
    }
}

async fn asked(rules: Arc<Rules>, name: &str, kind: RecordType) -> Message {
    let bytes = answer(rules, UE, query(name, kind, None)).await;
    Message::from_vec(&bytes).expect("a message")
}

fn data(answer: &Message) -> Vec<String> {
    answer.answers.iter().map(|record| record.data.to_string()).collect()
}

fn reason(answer: &Message) -> Option<u8> {
    match answer.edns.as_ref()?.option(EdnsCode::Unknown(15)) {
        Some(EdnsOption::Unknown(_, data)) => data.get(1).copied(),
        _ => None,
    }
}

fn forward(network: Option<&str>) -> Verdict {
    Verdict::Forward(Way {
        network: network.map(|network| network.parse().expect("a network")),
        servers: Vec::new(),
    })
}

const NAME: &str = "chess.edge.example.";

#[tokio::test]
async fn who_has_rules_may_ask_and_nobody_else() {
    let rules = || Rules::new(Verdict::NoRule(Way::default()), &[]);
    assert_eq!(data(&asked(rules(), NAME, RecordType::A).await), ["192.0.2.1"]);
    let bytes = answer(rules(), IpAddr::from([10, 45, 0, 8]), query(NAME, RecordType::A, None)).await;
    let other = Message::from_vec(&bytes).expect("a message");
    assert_eq!(other.metadata.response_code, ResponseCode::Refused);
}

/// TS 23.548 clause 6.2.3.2.2 option A: the network of the rule decides, whatever the UE said; it gets back what it said, with scope 0.
#[tokio::test]
async fn the_network_of_a_rule_decides_and_is_not_told() {
    for (network, eas) in [("10.1.2.0/24", "192.0.2.1"), ("10.2.2.0/24", "192.0.2.2")] {
        let rules = Rules::new(forward(Some(network)), &[]);
        let answered = asked(rules.clone(), NAME, RecordType::A).await;
        assert_eq!(data(&answered), [eas]);
        let edns = answered.edns.expect("an OPT record");
        assert!(edns.option(EdnsCode::Subnet).is_none(), "the UE asked for none");
        assert_eq!(rules.seen.lock().unwrap().len(), 1);
        let bytes = answer(rules, UE, query(NAME, RecordType::A, Some("10.1.0.0/16"))).await;
        let own = ClientSubnet::of("10.1.0.0/16".parse().unwrap()).data(0);
        assert!(
            bytes.windows(own.len()).any(|window| window == own),
            "echoed with scope 0"
        );
    }
}

#[tokio::test]
async fn rules_answer_drop_and_fail() {
    let respond = Verdict::Respond(vec![IpAddr::from([192, 0, 2, 9])]);
    let answered = asked(Rules::new(respond.clone(), &[]), NAME, RecordType::A).await;
    assert_eq!(
        (data(&answered), answered.answers[0].ttl),
        (vec!["192.0.2.9".to_owned()], 10)
    );
    let other_type = asked(Rules::new(respond.clone(), &[]), NAME, RecordType::AAAA).await;
    assert!(other_type.answers.is_empty() && other_type.authorities.len() == 1);
    let elsewhere = asked(Rules::new(respond, &[]), "host.other.example.", RecordType::A).await;
    assert!(data(&elsewhere) == ["192.0.2.9"] && !elsewhere.metadata.authoritative);
    let dropped = asked(Rules::new(Verdict::Discard, &[]), NAME, RecordType::A).await;
    assert_eq!(
        (dropped.metadata.response_code, reason(&dropped)),
        (ResponseCode::Refused, Some(15))
    );
    let gone = asked(Rules::new(Verdict::Gone, &[]), NAME, RecordType::A).await;
    assert_eq!(gone.metadata.response_code, ResponseCode::ServFail);
    let no_server = Verdict::Forward(Way {
        network: None,
        servers: vec![IpAddr::from([192, 0, 2, 53])],
    });
    let unreachable = asked(Rules::new(no_server, &[]), NAME, RecordType::A).await;
    assert_eq!(
        (unreachable.metadata.response_code, reason(&unreachable)),
        (ResponseCode::ServFail, Some(22))
    );
}

#[tokio::test]
async fn responses_are_dropped_replaced_and_asked_for_again_but_once() {
    let usual = || forward(None);
    let bytes = answer(
        Rules::new(usual(), &[Verdict::Discard]),
        UE,
        query(NAME, RecordType::A, None),
    )
    .await;
    assert!(bytes.is_empty(), "no answer at all");
    let replaced = Rules::new(usual(), &[Verdict::Respond(vec![IpAddr::from([192, 0, 2, 9])])]);
    assert_eq!(data(&asked(replaced, NAME, RecordType::A).await), ["192.0.2.9"]);
    let there = Way {
        network: "10.2.0.0/16".parse().ok(),
        servers: Vec::new(),
    };
    let again = Rules::new(
        usual(),
        &[Verdict::Again(there.clone()), Verdict::Again(Way::default())],
    );
    assert_eq!(data(&asked(again.clone(), NAME, RecordType::A).await), ["192.0.2.2"]);
    let seen = again.seen.lock().unwrap();
    assert_eq!(
        *seen,
        [vec![IpAddr::from([192, 0, 2, 1])], vec![IpAddr::from([192, 0, 2, 2])]]
    );
}

/// What no rule is about goes the baseline way only where nothing here is served.
#[tokio::test]
async fn registrations_come_before_baseline_ways() {
    let baseline = Verdict::NoRule(Way {
        network: "10.2.0.0/16".parse().ok(),
        servers: vec![IpAddr::from([192, 0, 2, 53])],
    });
    assert_eq!(
        data(&asked(Rules::new(baseline.clone(), &[]), NAME, RecordType::A).await),
        ["192.0.2.1"]
    );
    let elsewhere = asked(Rules::new(baseline, &[]), "host.other.example.", RecordType::A).await;
    assert_eq!(reason(&elsewhere), Some(22), "the server was meant to be asked");
}

/// A resolver that answers each question with no record, and tells what it was asked.
async fn resolver() -> (Upstream, SocketAddr, mpsc::UnboundedReceiver<Vec<u8>>) {
    let key = KeyPair::generate().expect("a key");
    let params = CertificateParams::new(vec!["dns.local.example".to_owned()]).expect("parameters");
    let certificate = params.self_signed(&key).expect("a certificate");
    let folder = tempfile::tempdir().expect("a folder");
    let roots = folder.path().join("roots.pem");
    std::fs::write(&roots, certificate.pem()).expect("written");
    let key = PrivateKeyDer::try_from(key.serialize_der()).expect("a key");
    let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)
        .expect("a certificate");
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a listener");
    let address = listener.local_addr().expect("an address");
    let (tell, told) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.expect("a connection");
        let mut stream = TlsAcceptor::from(Arc::new(config)).accept(stream).await.expect("TLS");
        while let Ok(length) = stream.read_u16().await {
            let mut message = vec![0; usize::from(length)];
            stream.read_exact(&mut message).await.expect("a message");
            tell.send(message.clone()).expect("somebody listens");
            // The question comes back as an answer.
            message[2] |= 0x80;
            stream.write_u16(length).await.expect("sent");
            stream.write_all(&message).await.expect("sent");
            stream.flush().await.expect("sent");
        }
    });
    let settings = UpstreamSettings {
        address,
        name: "dns.local.example".to_owned(),
    };
    let upstream = Upstream::new(&[settings], &roots).expect("an upstream");
    (upstream, address, told)
}

/// TS 23.548 clause 6.2.3.2.2: what goes to a local server is for the network of the rule, without a bit beyond its length, and says of
/// the UE neither its address nor what it said itself.
///
/// Proves: DNS-E-08
#[tokio::test]
async fn what_is_forwarded_says_nothing_of_the_ue() {
    let (upstream, address, mut told) = resolver().await;
    let way = Way {
        network: Some("10.1.3.77/23".parse().expect("a network")),
        servers: vec![address.ip()],
    };
    let rules = Rules::new(Verdict::Forward(way), &[]);
    let servers = BTreeMap::from([(address.ip(), upstream)]);
    let message = query("host.local.example.", RecordType::A, Some("10.45.0.7/32"));
    let answer = answer_with(rules, servers, UE, message).await;
    let read = Message::from_vec(&answer).expect("a message");
    assert_eq!(read.metadata.response_code, ResponseCode::NoError);
    let asked = told.recv().await.expect("a question");
    let has = |octets: &[u8]| asked.windows(octets.len()).any(|window| window == octets);
    assert!(has(&[0, 8, 0, 7, 0, 1, 23, 0, 10, 1, 2]), "{asked:?}");
    assert!(!has(&[10, 45, 0]), "{asked:?}");
    // It gets back what it said, with scope 0.
    let own = ClientSubnet::of("10.45.0.7/32".parse().unwrap()).data(0);
    assert!(answer.windows(own.len()).any(|window| window == own), "{answer:?}");
}
