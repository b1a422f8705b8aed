//! EAS discovery by name: DNS over TLS of a real EES.

use crate::support::{CHESS, DISCOVERY, EAS_REGISTRATIONS, found_in, metric};
use edgeapp_core::principal::Role;
use edgeapp_dot::{
    client::{Ask, ClientError, DotClient},
    proto::{
        op::{Message, ResponseCode},
        rr::{
            Name, RecordType,
            rdata::opt::{EdnsCode, EdnsOption},
        },
    },
};
use edgeapp_system_tests::{
    caller::{Caller, tls},
    lab::Lab,
    process::{Process, program},
    wait::{DEADLINE, until_it_is_so},
};
use rustls::ClientConfig;
use serde_json::{Value, json};
use std::{
    collections::BTreeSet,
    fs,
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    process::Command,
    time::timeout,
};
use tokio_rustls::TlsConnector;

const NAME: &str = "chess.edge.example.";
/// The name that the certificates of servers of a laboratory have.
const SERVER: &str = "localhost";

struct Site {
    lab: Lab,
    ees: Process,
    eas: Caller,
}

impl Site {
    async fn open() -> Self {
        Self::with("clients = [\"127.0.0.0/8\"]").await
    }

    /// With these keys in `[dns]`.
    async fn with(keys: &str) -> Self {
        let lab = Lab::new();
        let settings = format!(
            "eec_registration_required = false\n[dns]\nlisten = \"127.0.0.1:0\"\nzones = [\"edge.example\"]\n{keys}\n\
            [dns.names]\n\"{CHESS}\" = \"chess.edge.example\"\n"
        );
        let ees = lab.ees("a").with(&settings).start().await;
        let eas = lab.eas(&format!("{CHESS}#1"), ees.root("edge3"));
        Self { lab, ees, eas }
    }

    fn address(&self) -> SocketAddr {
        let root = self.ees.root("dns").strip_prefix("tls://");
        root.and_then(|address| address.parse().ok()).expect("an address")
    }

    /// The TLS of an EEC, or of somebody without a certificate.
    fn tls(&self, eec: Option<&str>) -> ClientConfig {
        let files = eec.map(|eec| self.lab.who(Role::Eec, eec));
        tls(&self.lab, files.as_ref(), Role::Ees)
    }

    async fn connect(&self, eec: Option<&str>) -> Result<DotClient, ClientError> {
        DotClient::connect(self.address(), SERVER, self.tls(eec), DEADLINE).await
    }

    async fn client(&self) -> DotClient {
        self.connect(None).await.expect("a connection")
    }

    /// Registers an instance; answers with the path of the registration.
    async fn register(&self, members: Value) -> String {
        let mut profile = json!({"easId": CHESS});
        let members = members.as_object().expect("members").clone();
        profile.as_object_mut().expect("an object").extend(members);
        self.eas
            .post(EAS_REGISTRATIONS, &json!({"easProf": profile}))
            .await
            .created()
    }
}

fn name(text: &str) -> Name {
    Name::from_ascii(text).expect("a name")
}

async fn ask(client: &mut DotClient, text: &str, kind: RecordType) -> Message {
    client.ask(&Ask::new(name(text), kind)).await.expect("an answer")
}

fn data(answer: &Message) -> Vec<String> {
    answer.answers.iter().map(|record| record.data.to_string()).collect()
}

/// A reason among those of RFC 8914.
fn reason(answer: &Message) -> Option<u8> {
    match answer.edns.as_ref()?.option(EdnsCode::Unknown(15)) {
        Some(EdnsOption::Unknown(_, data)) => data.get(1).copied(),
        _ => None,
    }
}

/// A registration is in the next answer, and so is its end: nobody has to wait for either.
///
/// Proves: WP-70, DNS-S-07
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_eas_is_found_as_soon_as_it_is_registered_and_no_longer() {
    let site = Site::open().await;
    let mut client = site.client().await;
    let answer = ask(&mut client, NAME, RecordType::A).await;
    assert_eq!(answer.metadata.response_code, ResponseCode::NXDomain);
    let path = site.register(json!({"endPt": {"ipv4Addrs": ["192.0.2.1"]}})).await;
    let answer = ask(&mut client, NAME, RecordType::A).await;
    assert_eq!(data(&answer), ["192.0.2.1"]);
    assert!(answer.metadata.authoritative && answer.answers[0].ttl <= 30);
    let nothing = ask(&mut client, NAME, RecordType::AAAA).await;
    assert_eq!(nothing.metadata.response_code, ResponseCode::NoError);
    assert!(nothing.answers.is_empty() && nothing.authorities.len() == 1);
    site.eas.delete(&path).await;
    let answer = ask(&mut client, NAME, RecordType::A).await;
    assert_eq!(answer.metadata.response_code, ResponseCode::NXDomain);
    let operator = site.lab.operator(Role::Ees, site.ees.root("operator"));
    assert_eq!(
        metric(&operator, "edgeapp_dns_answers_total{kind=\"answer\"}").await,
        Some(1.0)
    );
}

/// Neither an EAS that comes nor one that goes is waited for: 50 ms are more than the next answer takes.
///
/// Proves: DNS-S-07
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_changes_shows_at_once() {
    let site = Site::open().await;
    let mut client = site.client().await;
    let mut waits = Vec::new();
    for number in 1..=10 {
        let address = format!("192.0.2.{number}");
        let path = site.register(json!({"endPt": {"ipv4Addrs": [&address]}})).await;
        let answered = Instant::now();
        assert_eq!(data(&ask(&mut client, NAME, RecordType::A).await), [address]);
        waits.push(answered.elapsed());
        site.eas.delete(&path).await;
        let gone = ask(&mut client, NAME, RecordType::A).await;
        assert_eq!(gone.metadata.response_code, ResponseCode::NXDomain);
    }
    // The machine may pause a test; it does not do so each time.
    waits.sort();
    assert!(waits[waits.len() / 2] < Duration::from_millis(50), "{waits:?}");
}

/// RFC 8310: a strict client asks nobody but the server it was told of.
///
/// Proves: WP-70, T-25, DNS-D-01, DNS-D-02, DNS-D-03
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_asked_of_anybody_else() {
    let site = Site::open().await;
    let client = site.client().await;
    let session = client.stream().get_ref().1;
    assert_eq!(session.alpn_protocol(), Some(&b"dot"[..]));
    assert_eq!(session.protocol_version(), Some(rustls::ProtocolVersion::TLSv1_3));
    let wrong_name = DotClient::connect(site.address(), "dns.example", site.tls(None), DEADLINE).await;
    assert!(matches!(wrong_name, Err(ClientError::Connect { .. })));
    let wrong_authority = tls(&site.lab, None, Role::Ecs);
    let wrong_authority = DotClient::connect(site.address(), SERVER, wrong_authority, DEADLINE).await;
    assert!(matches!(wrong_authority, Err(ClientError::Connect { .. })));
}

/// RFC 7858 clause 3.1: no clear text on this port.
///
/// Proves: WP-70, T-26, DNS-D-06
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clear_text_gets_no_answer() {
    let site = Site::open().await;
    let mut stream = TcpStream::connect(site.address()).await.expect("a connection");
    let query = Ask::new(name(NAME), RecordType::A).message(7).expect("a message");
    let length = u16::try_from(query.len()).expect("short").to_be_bytes();
    stream
        .write_all(&[&length[..], &query].concat())
        .await
        .expect("written");
    let mut came = Vec::new();
    let ended = timeout(DEADLINE, stream.read_to_end(&mut came)).await;
    assert!(ended.is_ok(), "the connection is closed");
    // No more than an alert of TLS.
    assert!(came.is_empty() || (came[0] == 21 && came.len() < 16), "{came:?}");
}

/// Proves: T-26
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_neither_a_known_client_nor_an_eec_is_refused() {
    let site = Site::with("clients = [\"10.45.0.0/16\"]").await;
    site.register(json!({"endPt": {"ipv4Addrs": ["192.0.2.1"]}})).await;
    let refused = ask(&mut site.client().await, NAME, RecordType::A).await;
    assert_eq!(
        (refused.metadata.response_code, reason(&refused)),
        (ResponseCode::Refused, Some(18))
    );
    let mut eec = site.connect(Some("eec-1")).await.expect("a connection");
    assert_eq!(data(&ask(&mut eec, NAME, RecordType::A).await), ["192.0.2.1"]);
}

/// Proves: DNS-D-07
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn certificates_may_be_demanded_and_have_to_be_of_eecs() {
    let site = Site::with("client_certificates = \"required\"").await;
    let asked = async |connected: Result<DotClient, ClientError>| {
        // In TLS 1.3 a client learns only afterwards that its certificate was not taken.
        let mut client = connected.ok()?;
        client.ask(&Ask::new(name(NAME), RecordType::A)).await.ok()
    };
    assert!(asked(site.connect(Some("eec-1")).await).await.is_some());
    assert!(asked(site.connect(None).await).await.is_none());
    let eas = site.lab.who(Role::Eas, &format!("{CHESS}#1"));
    let eas = tls(&site.lab, Some(&eas), Role::Ees);
    assert!(
        asked(DotClient::connect(site.address(), SERVER, eas, DEADLINE).await)
            .await
            .is_none()
    );
}

/// TS 23.558 clause 8.5: whoever asks by name is led where discovery leads, and where it is decides.
///
/// Proves: DNS-S-01, DNS-S-10
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_name_leads_where_discovery_leads() {
    let tai = |tac: &str| json!({"plmnId": {"mcc": "001", "mnc": "01"}, "tac": tac});
    let place = |tac: &str| {
        format!(
            "location = {{ userLocation = {{ nrLocation = {{ tai = {{ plmnId = {{ mcc = \"001\", mnc = \"01\" }}, tac = \"{tac}\" }}, \
            ncgi = {{ plmnId = {{ mcc = \"001\", mnc = \"01\" }}, nrCellId = \"00000000{tac_end}\" }} }} }} }}",
            tac_end = &tac[5..]
        )
    };
    let keys = format!(
        "clients = [\"127.0.0.0/8\"]\ntrusted_forwarders = [\"127.0.0.1/32\"]\nplace = [\n\
        {{ prefix = \"10.1.0.0/16\", {} }},\n{{ prefix = \"10.2.0.0/16\", {} }},\n]",
        place("000001"),
        place("000002")
    );
    let site = Site::with(&keys).await;
    for (address, tac) in [("192.0.2.1", "000001"), ("192.0.2.2", "000002")] {
        let area = json!({"topServAr": {"tais": [tai(tac)]}});
        site.register(json!({"endPt": {"ipv4Addrs": [address]}, "svcArea": area}))
            .await;
    }
    let eec = site.lab.eec("eec-1", site.ees.root("edge1"));
    let mut client = site.client().await;
    for (network, tac) in [("10.1.2.0/24", "000001"), ("10.2.2.0/24", "000002")] {
        let request = json!({
            "requestorId": {"eecId": "eec-1"},
            "easDiscoveryFilter": {"easChars": [{"easId": CHESS}]},
            "locInf": {"userLocation": {"nrLocation": {
                "tai": tai(tac),
                "ncgi": {"plmnId": {"mcc": "001", "mnc": "01"}, "nrCellId": format!("00000000{}", &tac[5..])},
            }}},
        });
        let found = found_in(&eec.post(DISCOVERY, &request).await);
        let by_name = Ask {
            subnet: Some(edgeapp_dot::subnet::ClientSubnet::of(
                network.parse().expect("a network"),
            )),
            ..Ask::new(name(NAME), RecordType::A)
        };
        let answer = client.ask(&by_name).await.expect("an answer");
        assert_eq!(
            data(&answer),
            [found[0]["endPt"]["ipv4Addrs"][0].as_str().expect("an address")]
        );
        assert!(answer.answers[0].ttl <= 10);
    }
}

/// Proves: DNS-D-08, DNS-D-19
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_queries_at_once_are_answered_and_a_pair_does_not_wait() {
    let site = Site::open().await;
    site.register(json!({"endPt": {"uri": "https://192.0.2.1:8443/"}}))
        .await;
    let mut client = site.client().await;
    let framed = |id: u16, kind| {
        let query = Ask::new(name(NAME), kind).message(id).expect("a message");
        [&u16::try_from(query.len()).expect("short").to_be_bytes()[..], &query].concat()
    };
    let all: Vec<u8> = (0..100).flat_map(|id| framed(id, RecordType::A)).collect();
    client.send_bytes(&all).await.expect("sent");
    let mut answered = BTreeSet::new();
    for _ in 0..100 {
        let answer = client.receive().await.expect("an answer");
        assert_eq!(answer.answers.len(), 1);
        answered.insert(answer.metadata.id);
    }
    assert_eq!(answered.len(), 100);
    // The delayed acknowledgement of a first small answer would hold up the second one for 40 ms, each time.
    let mut fastest = Duration::MAX;
    for id in 0..20 {
        let began = Instant::now();
        client.send_bytes(&framed(2 * id, RecordType::A)).await.expect("sent");
        client
            .send_bytes(&framed(2 * id + 1, RecordType::AAAA))
            .await
            .expect("sent");
        for _ in 0..2 {
            client.receive().await.expect("an answer");
        }
        fastest = fastest.min(began.elapsed());
    }
    assert!(fastest < Duration::from_millis(5), "{fastest:?}");
}

/// A client that holds back small segments (RFC 896), as most do, does not wait 40 ms for the acknowledgement of its handshake.
///
/// Proves: DNS-D-19
#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_holds_back_small_segments_is_not_held_up() {
    let site = Site::open().await;
    let query = Ask::new(name(NAME), RecordType::A).message(7).expect("a message");
    let mut fastest = Duration::MAX;
    for _ in 0..10 {
        let stream = TcpStream::connect(site.address()).await.expect("a connection");
        let mut tls = site.tls(None);
        tls.alpn_protocols = vec![b"dot".to_vec()];
        let connector = TlsConnector::from(Arc::new(tls));
        let server = SERVER.try_into().expect("a name");
        let mut stream = connector.connect(server, stream).await.expect("TLS");
        let began = Instant::now();
        let length = u16::try_from(query.len()).expect("short");
        stream.write_u16(length).await.expect("sent");
        stream.flush().await.expect("sent");
        stream.write_all(&query).await.expect("sent");
        stream.flush().await.expect("sent");
        stream.read_u16().await.expect("an answer");
        fastest = fastest.min(began.elapsed());
    }
    assert!(fastest < Duration::from_millis(20), "{fastest:?}");
}

/// Proves: DNS-D-15
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_address_has_so_many_connections_and_they_go_on() {
    let site = Site::with("clients = [\"127.0.0.0/8\"]\nconnections_per_address = 2").await;
    let (mut first, mut second) = (site.client().await, site.client().await);
    assert!(site.connect(None).await.is_err());
    for client in [&mut first, &mut second] {
        ask(client, NAME, RecordType::A).await;
    }
}

/// Proves: DNS-D-12
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_asks_nothing_is_bidden_farewell() {
    let site = Site::with("clients = [\"127.0.0.0/8\"]\nidle_seconds = 1").await;
    let mut client = site.client().await;
    ask(&mut client, NAME, RecordType::A).await;
    let began = Instant::now();
    // Told in TLS: a connection that was cut would be an error of another kind.
    let ended = client.receive_bytes().await;
    assert!(
        matches!(&ended, Err(ClientError::Broken(error)) if error.to_string() == "unexpected end of file"),
        "{ended:?}"
    );
    assert!(began.elapsed() >= Duration::from_millis(900), "{:?}", began.elapsed());
}

/// Names of others are asked for where the configuration says, over TLS, and addresses of hosts that EASs are at too.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn names_of_others_are_asked_for_upstream() {
    let lab = Lab::new();
    let dns = |zone: &str, more: &str| {
        format!(
            "[dns]\nlisten = \"127.0.0.1:0\"\nzones = [\"{zone}\"]\nclients = [\"127.0.0.0/8\"]\n{more}\n[dns.names]\n"
        )
    };
    let beyond = lab.ees("b").with(&format!(
        "{}\"{CHESS}\" = \"host.other.example\"\n",
        dns("other.example", "")
    ));
    let beyond = beyond.start().await;
    let eas = lab.eas(&format!("{CHESS}#1"), beyond.root("edge3"));
    let there = json!({"easProf": {"easId": CHESS, "endPt": {"ipv4Addrs": ["192.0.2.7"]}}});
    eas.post(EAS_REGISTRATIONS, &there).await.created();
    let more = format!(
        "upstream_roots = \"{}\"\nupstream = [{{ address = \"{}\", name = \"localhost\" }}]",
        lab.pki.ca(Role::Ees).display(),
        beyond.root("dns").trim_start_matches("tls://")
    );
    let settings = format!("{}\"{CHESS}\" = \"chess.edge.example\"\n", dns("edge.example", &more));
    let ees = lab.ees("a").with(&settings).start().await;
    let eas = lab.eas(&format!("{CHESS}#1"), ees.root("edge3"));
    let site = Site { lab, ees, eas };
    site.register(json!({"endPt": {"fqdn": "host.other.example"}})).await;
    let mut client = site.client().await;
    let answer = ask(&mut client, "host.other.example.", RecordType::A).await;
    assert_eq!(data(&answer), ["192.0.2.7"]);
    assert!(answer.metadata.recursion_available && !answer.metadata.authoritative);
    assert_eq!(
        data(&ask(&mut client, NAME, RecordType::A).await),
        ["host.other.example.", "192.0.2.7"]
    );
    beyond.stop().await;
    let answer = ask(&mut client, "host.other.example.", RecordType::A).await;
    assert_eq!(
        (answer.metadata.response_code, reason(&answer)),
        (ResponseCode::ServFail, Some(22))
    );
    let answer = ask(&mut client, NAME, RecordType::A).await;
    assert_eq!(data(&answer), ["host.other.example."], "the alias is still true");
}

/// What the documents print is what happens.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_simulator_asks_by_name() {
    let site = Site::open().await;
    site.register(json!({"endPt": {"ipv4Addrs": ["192.0.2.1"]}})).await;
    let asked = async |arguments: &[&str]| {
        let output = Command::new(program("eec-sim"))
            .args(["dns", "chess.edge.example", "--pki"])
            .arg(site.lab.pki.dir())
            .args(["--server", &site.address().to_string()])
            .args(arguments)
            .output()
            .await
            .expect("it runs");
        (output.status.code(), String::from_utf8(output.stdout).expect("text"))
    };
    let (code, text) = asked(&[]).await;
    assert!(code == Some(0) && text.contains("192.0.2.1"), "{code:?} {text}");
    site.lab.who(Role::Eec, "eec-1");
    let (code, text) = asked(&["--as", "eec-1", "--json"]).await;
    let line: Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!((code, &line["records"][0]["data"]), (Some(0), &json!("192.0.2.1")));
    assert_eq!(asked(&["--type", "AAAA"]).await.0, Some(1));
    assert_eq!(asked(&["--server-name", "dns.example"]).await, (Some(1), String::new()));
}

/// So many connections in all; further ones wait, and those that stand go on.
///
/// Proves: DNS-D-15
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn so_many_connections_stand_and_others_wait_for_their_turn() {
    let site = Site::with("clients = [\"127.0.0.0/8\"]\nconnections = 2").await;
    let (mut first, mut second) = (site.client().await, site.client().await);
    let further = DotClient::connect(site.address(), SERVER, site.tls(None), Duration::from_secs(1)).await;
    assert!(further.is_err());
    for client in [&mut first, &mut second] {
        ask(client, NAME, RecordType::A).await;
    }
    drop(first);
    ask(&mut site.client().await, NAME, RecordType::A).await;
}

/// Whoever says nothing, or half a handshake, is sent away; others are served meanwhile.
///
/// Proves: DNS-D-16, T-13
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_handshake_that_does_not_come_is_not_waited_for() {
    let site = Site::open().await;
    let mut silent = TcpStream::connect(site.address()).await.expect("a connection");
    // The beginning of a record of TLS that never ends.
    silent.write_all(&[22, 3, 1, 2, 0, 1]).await.expect("written");
    let began = Instant::now();
    ask(&mut site.client().await, NAME, RecordType::A).await;
    let mut came = Vec::new();
    let ended = timeout(DEADLINE, silent.read_to_end(&mut came)).await;
    assert!(ended.is_ok(), "the connection is closed");
    assert!(began.elapsed() < Duration::from_secs(15), "{:?}", began.elapsed());
}

/// A new certificate is shown in new handshakes, and connections that stand go on.
///
/// Proves: DNS-D-18
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_certificate_is_renewed_and_no_connection_ends() {
    let site = Site::open().await;
    let shown = async || {
        let client = site.client().await;
        let chain = client.stream().get_ref().1.peer_certificates();
        chain.and_then(|chain| chain.first()).expect("a certificate").to_vec()
    };
    let mut stands = site.client().await;
    let before = shown().await;
    let in_force = site.lab.pki.files("ees-a");
    let renewed = site.lab.pki.issue(Role::Ees, "ees-a.example").named("renewed");
    let renewed = renewed.write().expect("a certificate");
    for (place, by) in [
        (&in_force.key, &renewed.key),
        (&in_force.certificate, &renewed.certificate),
    ] {
        let fresh = place.with_extension("fresh");
        fs::copy(by, &fresh).expect("copied");
        fs::rename(&fresh, place).expect("in its place");
    }
    site.ees.signal("HUP").await;
    until_it_is_so("the new one is shown", async || shown().await != before).await;
    ask(&mut stands, NAME, RecordType::A).await;
}

/// A thousand clients that come at once all get their answer, and the server is as well as before.
///
/// Proves: DNS-L-03
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_storm_of_a_thousand_connections_is_weathered() {
    let site = Site::with("clients = [\"127.0.0.0/8\"]\nconnections_per_address = 2000").await;
    site.register(json!({"endPt": {"ipv4Addrs": ["192.0.2.1"]}})).await;
    let mut storm = tokio::task::JoinSet::new();
    for _ in 0..1000 {
        let (address, tls) = (site.address(), site.tls(None));
        storm.spawn(async move {
            let mut client = DotClient::connect(address, SERVER, tls, 2 * DEADLINE).await?;
            client.ask(&Ask::new(name(NAME), RecordType::A)).await
        });
    }
    let mut answered = 0;
    while let Some(ended) = storm.join_next().await {
        answered += ended.expect("no panic").expect("an answer").answers.len();
    }
    assert_eq!(answered, 1000);
    let answer = ask(&mut site.client().await, NAME, RecordType::A).await;
    assert_eq!(data(&answer), ["192.0.2.1"]);
}

/// What is printed of the log says of nobody what was asked, and refusals are told with the address and without the name.
///
/// Proves: T-26
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_name_stands_in_the_log_beside_an_address() {
    let site = Site::with("clients = [\"10.45.0.0/16\"]").await;
    let refused = ask(&mut site.client().await, "secret-game.edge.example.", RecordType::A).await;
    assert_eq!(refused.metadata.response_code, ResponseCode::Refused);
    let mut eec = site.connect(Some("eec-1")).await.expect("a connection");
    ask(&mut eec, "secret-game.edge.example.", RecordType::A).await;
    let operator = site.lab.operator(Role::Ees, site.ees.root("operator"));
    assert!(metric(&operator, "edgeapp_dns_answers_total{kind=\"refused\"}").await >= Some(1.0));
    let log = site.lab.ees("a").log();
    until_it_is_so("the refusal is in the log", async || {
        fs::read_to_string(&log).is_ok_and(|text| text.contains("DNS_REFUSED"))
    })
    .await;
    let text = fs::read_to_string(&log).expect("a log");
    assert!(!text.contains("secret-game"), "{text}");
}
