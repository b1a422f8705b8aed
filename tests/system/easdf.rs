//! The core network steers the discovery of EASs by name: an SMF over N88, a UE over DNS over TLS, a real EES between them (TS 23.548
//! clause 6.2.3.2.2, TS 29.556).

use crate::support::{CHESS, EAS_REGISTRATIONS, metric};
use edgeapp_core::principal::Role;
use edgeapp_dot::{
    client::{Ask, DotClient},
    proto::{
        op::{Message, ResponseCode},
        rr::{Name, RecordType},
    },
};
use edgeapp_system_tests::{
    caller::{Answer, Caller, tls},
    ear::{Ear, Say},
    lab::{Lab, Plan},
    process::{Process, program},
    wait::DEADLINE,
};
use http::Method;
use serde_json::{Value, json};
use std::{net::SocketAddr, process::Stdio, time::Duration};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::Command,
    time::{Instant, timeout},
};

const CONTEXTS: &str = "/neasdf-dnscontext/v1/dns-contexts";
const PATTERN: &str =
    "/neasdf-baselinednspattern/v1/base-dns-patterns/smfInstanceId=4ace9d34-2c69-4f99-92d5-a73a3fe8e23b/edge/a";
const NAME: &str = "chess.edge.example.";
const OTHER: &str = "host.other.example.";

struct Site {
    lab: Lab,
    plan: Plan,
    ees: Process,
    eas: Caller,
    smf: Caller,
}

fn address(ees: &Process) -> SocketAddr {
    let root = ees.root("dns").strip_prefix("tls://");
    root.and_then(|address| address.parse().ok()).expect("an address")
}

fn name(text: &str) -> Name {
    Name::from_ascii(text).expect("a name")
}

fn data(answer: &Message) -> Vec<String> {
    answer.answers.iter().map(|record| record.data.to_string()).collect()
}

impl Site {
    async fn open() -> Self {
        let lab = Lab::new();
        Self::with(lab, "").await
    }

    /// No address may ask unless an SMF has rules for it.
    async fn with(lab: Lab, keys: &str) -> Self {
        let settings = format!(
            "eec_registration_required = false\n[notifications]\ntimeout_seconds = 1\n[trust]\nsmf = \"{}\"\n[dns]\nlisten = \"127.0.0.1:0\"\nzones = [\"edge.example\"]\n\
            place = [{{ prefix = \"10.1.0.0/16\", dnai = \"dnai-1\" }}, {{ prefix = \"10.2.0.0/16\", dnai = \"dnai-2\" }}]\n\
            [dns.names]\n\"{CHESS}\" = \"chess.edge.example\"\n[easdf]\nlisten = \"127.0.0.1:0\"\n{keys}\n",
            lab.pki.ca(Role::Smf).display()
        );
        let plan = lab.ees("a").with(&settings);
        let ees = plan.start().await;
        let eas = lab.eas(&format!("{CHESS}#1"), ees.root("edge3"));
        let smf = Caller::new(&lab, &lab.who(Role::Smf, "smf-1"), Role::Ees, ees.root("n88"));
        Self {
            lab,
            plan,
            ees,
            eas,
            smf,
        }
    }

    async fn ear(&self) -> Ear {
        Ear::open(&self.lab, &self.lab.who(Role::Smf, "smf-1")).await
    }

    async fn ue(&self) -> DotClient {
        let connected = DotClient::connect(
            address(&self.ees),
            "localhost",
            tls(&self.lab, None, Role::Ees),
            DEADLINE,
        );
        connected.await.expect("a connection")
    }

    async fn register(&self, endpoint: &str, dnai: &str) {
        let profile = json!({"easId": CHESS, "endPt": {"ipv4Addrs": [endpoint]},
            "appLocs": [{"dnai": dnai, "routeProfId": "p"}]});
        self.eas
            .post(EAS_REGISTRATIONS, &json!({"easProf": profile}))
            .await
            .created();
    }

    async fn create(&self, notify: Option<&Ear>, rules: Value) -> String {
        let mut context = json!({"ueIpv4Addr": "127.0.0.1", "dnn": "edge", "sNssai": {"sst": 1}, "dnsRules": rules});
        if let Some(ear) = notify {
            context["notifyUri"] = ear.uri("/n").into();
        }
        let answer = self.smf.post(CONTEXTS, &context).await;
        assert_eq!(answer.body["easdfIpv4Addr"], "127.0.0.1");
        answer.created()
    }

    async fn patch(&self, path: &str, patch: Value) -> Answer {
        let media = "application/json-patch+json";
        self.smf.send(Method::PATCH, path, media, patch.to_string()).await
    }
}

async fn ask(ue: &mut DotClient, text: &str, kind: RecordType) -> Message {
    ue.ask(&Ask::new(name(text), kind)).await.expect("an answer")
}

fn for_network(address: &str) -> Value {
    json!({"applyAction": "FORWARD", "fwdParas": {"ecsOptionInfo": {"ecsOption":
        {"sourcePrefixLength": 24, "ipAddr": {"ipv4Addr": address}}}}})
}

fn reports(ear: &Ear) -> Vec<Value> {
    let bodies = ear.heard().into_iter().map(|heard| heard.body);
    bodies
        .flat_map(|body| body["eventreportList"].as_array().cloned().unwrap_or_default())
        .collect()
}

async fn report(ear: &Ear, number: usize) -> Value {
    ear.hears("a report", |_| reports(ear).get(number).cloned()).await
}

/// A1, A4, A7, A13 with option A: the SMF says where a UE is, and the name leads to the EAS that is best there.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_network_of_a_rule_decides_which_eas_a_name_leads_to() {
    let site = Site::open().await;
    site.register("192.0.2.1", "dnai-1").await;
    site.register("192.0.2.2", "dnai-2").await;
    let mut ue = site.ue().await;
    let refused = ask(&mut ue, NAME, RecordType::A).await;
    assert_eq!(
        refused.metadata.response_code,
        ResponseCode::Refused,
        "nobody knows this UE"
    );
    let rules = json!({"r": {"actionList": {"a": for_network("10.1.2.3")}}});
    let context = site.create(None, rules).await;
    // The connection that stood before is steered too.
    let answer = ask(&mut ue, NAME, RecordType::A).await;
    assert_eq!(data(&answer), ["192.0.2.1"]);
    assert!(answer.metadata.authoritative && answer.edns.is_some_and(|edns| edns.option(8_u16.into()).is_none()));
    let patch = json!([{"op": "replace", "path": "/dnsRules/r/actionList/a", "value": for_network("10.2.2.3")}]);
    site.patch(&context, patch).await.done();
    assert_eq!(data(&ask(&mut ue, NAME, RecordType::A).await), ["192.0.2.2"]);
    let pinned = json!([{"op": "replace", "path": "/dnsRules/r/actionList/a", "value":
        {"applyAction": "RESPOND", "respParas": {"easIpv4Addresses": ["192.0.2.9"]}}}]);
    site.patch(&context, pinned).await.done();
    assert_eq!(data(&ask(&mut ue, NAME, RecordType::A).await), ["192.0.2.9"]);
    let other_type = ask(&mut ue, NAME, RecordType::AAAA).await;
    assert!(other_type.answers.is_empty() && other_type.authorities.len() == 1);
    site.smf.delete(&context).await.done();
    let refused = ask(&mut ue, NAME, RecordType::A).await;
    assert_eq!(refused.metadata.response_code, ResponseCode::Refused);
}

/// A8, A9, A10, A11: reports over real TLS, a response that is held, let go, dropped, forgotten.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_response_is_held_until_the_smf_decides() {
    let site = Site::with(Lab::new(), "hold_milliseconds = 1500").await;
    site.register("192.0.2.1", "dnai-1").await;
    let ear = site.ear().await;
    let rules = json!({
        "all": {"actionList": {"a": {"applyAction": "FORWARD"}}},
        "7": {"dnsRspMdtList": {"m": {"mdtId": "m", "easIpv4AddrRanges": [{"start": "192.0.2.0", "end": "192.0.2.255"}]}},
            "actionList": {"a": {"applyAction": "REPORT"}, "b": {"applyAction": "BUFFER"}}},
    });
    let context = site.create(Some(&ear), rules).await;
    let mut ue = site.ue().await;
    let once = |message: &Value, action: &str| {
        json!([{"op": "add", "path": "/dnsRules/once", "value":
            {"dnsMsgId": message, "actionList": {"x": {"applyAction": action}}}}])
    };
    let let_go = async {
        let told = report(&ear, 0).await;
        assert_eq!(told["dnsRuleId"], 7);
        assert_eq!(told["dnsRspReport"]["fqdn"], "chess.edge.example");
        assert_eq!(told["dnsRspReport"]["easIpv4Addresses"], json!(["192.0.2.1"]));
        site.patch(&context, once(&told["dnsMsgId"], "FORWARD")).await.done();
        told
    };
    let began = Instant::now();
    let (answer, told) = tokio::join!(ask(&mut ue, NAME, RecordType::A), let_go);
    assert_eq!(data(&answer), ["192.0.2.1"]);
    assert!(
        began.elapsed() < Duration::from_millis(1500),
        "nobody waited for the end"
    );
    assert!(ear.heard()[0].from.contains("ees-a.example"));
    // Nobody waits for it any more: taken, and without effect.
    site.patch(&context, once(&told["dnsMsgId"], "DISCARD")).await.done();

    // While one is held, others are answered; one that is dropped gets no answer at all.
    let query = Ask::new(name(NAME), RecordType::A).message(1).expect("a message");
    ue.send(&query).await.expect("sent");
    let told = report(&ear, 1).await;
    let other = Ask::new(name("none.edge.example."), RecordType::A)
        .message(2)
        .expect("a message");
    ue.send(&other).await.expect("sent");
    assert_eq!(ue.receive().await.expect("an answer").metadata.id, 2);
    site.patch(&context, once(&told["dnsMsgId"], "DISCARD")).await.done();
    let other = Ask::new(name("none.edge.example."), RecordType::A)
        .message(3)
        .expect("a message");
    ue.send(&other).await.expect("sent");
    assert_eq!(ue.receive().await.expect("an answer").metadata.id, 3);

    // One that nobody decides about goes on by itself.
    let began = Instant::now();
    assert_eq!(data(&ask(&mut ue, NAME, RecordType::A).await), ["192.0.2.1"]);
    let took = began.elapsed();
    assert!(
        took >= Duration::from_millis(1400) && took < Duration::from_secs(4),
        "{took:?}"
    );

    // One whose context goes fails.
    let end = async {
        report(&ear, 3).await;
        site.smf.delete(&context).await.done();
    };
    let (answer, ()) = tokio::join!(ask(&mut ue, NAME, RecordType::A), end);
    assert_eq!(answer.metadata.response_code, ResponseCode::ServFail);
}

/// A12, A17, A18: an SMF that moved is followed, one that is away holds up nobody.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reports_follow_an_smf_and_never_hold_up_an_answer() {
    let site = Site::open().await;
    let (ear, new) = (site.ear().await, site.ear().await);
    ear.will_say([
        Say::MovedTo(307, ear.uri("/here")),
        Say::Thanks,
        Say::MovedTo(308, ear.uri("/there")),
        Say::Thanks,
    ]);
    let rules = json!({"1": {"actionList": {"a": {"applyAction": "REPORT"},
        "b": {"applyAction": "RESPOND", "respParas": {"easIpv4Addresses": ["192.0.2.9"]}}}}});
    let context = site.create(Some(&ear), rules).await;
    let mut ue = site.ue().await;
    for (asked, target) in [(2, "/here"), (4, "/there")] {
        assert_eq!(data(&ask(&mut ue, NAME, RecordType::A).await), ["192.0.2.9"]);
        let heard = ear.hears_many(asked).await;
        assert_eq!(heard[asked - 1].target, target);
        assert_eq!(heard[asked - 1].body["eventreportList"][0]["dnsRuleId"], 1);
    }
    // It moved for good: once that is kept, reports go there at once.
    let mut asked = 4;
    while ear.heard()[asked - 1].target == "/n" || asked == 4 {
        assert_eq!(data(&ask(&mut ue, NAME, RecordType::A).await), ["192.0.2.9"]);
        asked += 1;
        ear.hears_many(asked).await;
        assert!(asked < 100, "the new address is not kept");
    }
    assert_eq!(ear.heard()[asked - 1].target, "/there");
    let patch = json!([{"op": "replace", "path": "/notifyUri", "value": new.uri("/n")}]);
    site.patch(&context, patch).await.done();
    new.will_say([Say::Status(503, None), Say::Silence]);
    let began = Instant::now();
    for _ in 0..50 {
        assert_eq!(data(&ask(&mut ue, NAME, RecordType::A).await), ["192.0.2.9"]);
    }
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
    new.hears("all reports", |heard| {
        let told = heard
            .iter()
            .map(|heard| heard.body["eventreportList"].as_array().map_or(0, Vec::len));
        (told.sum::<usize>() >= 50).then_some(())
    })
    .await;
}

/// A13 with option B, A15, A16: to the server that a rule names, for the network of a baseline pattern, and what is gone does nothing.
///
/// Proves: DNS-E-08
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn queries_go_to_local_servers_and_patterns_move_all_contexts() {
    let lab = Lab::new();
    let beyond = lab.ees("b").with(&format!(
        "[dns]\nlisten = \"127.0.0.1:0\"\nzones = [\"other.example\"]\nclients = [\"127.0.0.0/8\"]\n\
        trusted_forwarders = [\"127.0.0.0/8\"]\n\
        place = [{{ prefix = \"10.1.0.0/16\", dnai = \"dnai-1\" }}, {{ prefix = \"10.2.0.0/16\", dnai = \"dnai-2\" }}]\n\
        [dns.names]\n\"{CHESS}\" = \"host.other.example\"\n"
    ));
    let beyond = beyond.start().await;
    let eas = lab.eas(&format!("{CHESS}#1"), beyond.root("edge3"));
    for (address, dnai) in [("192.0.2.11", "dnai-1"), ("192.0.2.12", "dnai-2")] {
        let profile = json!({"easId": CHESS, "endPt": {"ipv4Addrs": [address]},
            "appLocs": [{"dnai": dnai, "routeProfId": "p"}]});
        eas.post(EAS_REGISTRATIONS, &json!({"easProf": profile}))
            .await
            .created();
    }
    let keys = format!(
        "server_roots = \"{}\"\nserver = [{{ address = \"{}\", name = \"localhost\" }}]",
        lab.pki.ca(Role::Ees).display(),
        address(&beyond)
    );
    let site = Site::with(lab, &keys).await;
    let pattern = |network: &str| {
        json!({
            "baseDnsMdtList": {"m": {"mdtId": "m", "dnsQueryMdtList": {"q": {"mdtId": "q", "fqdnPatternList": [
                {"stringMatchingRule": {"stringMatchingConditions": [
                    {"matchingOperator": "ENDS_WITH", "matchingString": ".other.example"}]}}]}}}},
            "baseDnsAitList": {"a": {"aitId": "a", "dnsServerAddressList": [{"ipv4Addr": "127.0.0.1"}],
                "ecsOption": {"sourcePrefixLength": 24, "ipAddr": {"ipv4Addr": network}}}},
        })
    };
    let other = json!({"r": {"dnsQueryMdtList": {"m": {"mdtId": "m", "fqdnPatternList": [{"regex": "^plain[.]"}]}},
        "actionList": {"a": {"applyAction": "FORWARD", "fwdParas": {"dnsServerAddressInfo":
            {"dnsServerAddressList": [{"ipv4Addr": "127.0.0.1"}]}}}}}});
    let context = site.create(None, other).await;
    let mut ue = site.ue().await;
    let refused = ask(&mut ue, OTHER, RecordType::A).await;
    assert_eq!(
        refused.metadata.response_code,
        ResponseCode::Refused,
        "no rule, no pattern, nobody upstream"
    );
    let none = ask(&mut ue, "plain.other.example.", RecordType::A).await;
    assert_eq!(
        none.metadata.response_code,
        ResponseCode::NXDomain,
        "the local server was asked"
    );
    site.smf.put(PATTERN, &pattern("10.1.2.0")).await.created();
    assert_eq!(data(&ask(&mut ue, OTHER, RecordType::A).await), ["192.0.2.11"]);
    site.smf.put(PATTERN, &pattern("10.2.2.0")).await.done();
    let answer = ask(&mut ue, OTHER, RecordType::A).await;
    assert_eq!(data(&answer), ["192.0.2.12"]);
    assert!(
        answer.edns.is_some_and(|edns| edns.option(8_u16.into()).is_none()),
        "the UE said nothing of a network"
    );
    site.smf.delete(PATTERN).await.done();
    let refused = ask(&mut ue, OTHER, RecordType::A).await;
    assert_eq!(refused.metadata.response_code, ResponseCode::Refused);
    let elsewhere = json!([{"op": "replace", "path": "/dnsRules/r/actionList/a/fwdParas/dnsServerAddressInfo/dnsServerAddressList",
        "value": [{"ipv4Addr": "127.0.0.2"}]}]);
    site.patch(&context, elsewhere)
        .await
        .refused(400, "OPTIONAL_IE_INCORRECT");
}

/// What was answered with 2xx is there after a kill, and at work.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn contexts_survive_a_kill() {
    let site = Site::open().await;
    let rules = json!({"1": {"actionList": {"b": {"applyAction": "RESPOND",
        "respParas": {"easIpv4Addresses": ["192.0.2.9"]}}}}});
    let context = site.create(None, rules).await;
    site.ees.kill().await;
    let site = Site {
        ees: site.plan.start().await,
        ..site
    };
    let mut ue = site.ue().await;
    assert_eq!(data(&ask(&mut ue, NAME, RecordType::A).await), ["192.0.2.9"]);
    let smf = site.smf.at(site.ees.root("n88"));
    smf.delete(&context).await.done();
    let operator = site.lab.operator(Role::Ees, site.ees.root("operator"));
    let answered = "edgeapp_easdf_messages_total{message=\"query\",action=\"respond\"}";
    assert_eq!(metric(&operator, answered).await, Some(1.0));
}

/// What the documents print is what happens: the simulated SMF says where its UE is, is told of its messages, lets go what it held, and
/// takes it all back in the end.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_simulated_smf_steers_and_lets_go() {
    let site = Site::open().await;
    site.register("192.0.2.1", "dnai-1").await;
    site.register("192.0.2.2", "dnai-2").await;
    let smf = Command::new(program("eec-sim"))
        .args(["smf", "--json", "--network", "10.2.2.0/24", "--hold", "300", "--easdf"])
        .arg(site.ees.root("n88"))
        .arg("--pki")
        .arg(site.lab.pki.dir())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn();
    let mut smf = smf.expect("it runs");
    let mut lines = BufReader::new(smf.stdout.take().expect("its output")).lines();
    let mut line = async || {
        let line = timeout(DEADLINE, lines.next_line()).await.expect("a line in time");
        let line = line.expect("text").expect("a line");
        serde_json::from_str::<Value>(&line).expect("JSON")
    };
    assert_eq!(line().await["type"], "context");
    let mut ue = site.ue().await;
    let began = Instant::now();
    assert_eq!(data(&ask(&mut ue, NAME, RecordType::A).await), ["192.0.2.2"]);
    assert!(began.elapsed() >= Duration::from_millis(300), "it was held");
    let (query, response) = (line().await, line().await);
    assert_eq!(query["about"]["dnsQueryReport"]["fqdn"], "chess.edge.example");
    assert_eq!(
        response["about"]["dnsRspReport"]["easIpv4Addresses"],
        json!(["192.0.2.2"])
    );
    let pid = smf.id().expect("it runs").to_string();
    let told = Command::new("kill").args(["-TERM", &pid]).status().await;
    assert!(told.is_ok_and(|status| status.success()));
    assert!(smf.wait().await.is_ok_and(|status| status.success()));
    let refused = ask(&mut ue, NAME, RecordType::A).await;
    assert_eq!(refused.metadata.response_code, ResponseCode::Refused);
}

/// Nobody but an SMF comes in by this door, and the configuration says what it lacks.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn others_do_not_come_in() {
    let site = Site::open().await;
    for role in [Role::Eec, Role::Eas, Role::Nef] {
        let other = Caller::new(&site.lab, &site.lab.who(role, "other"), Role::Ees, site.ees.root("n88"));
        let answer = other.try_call(Method::POST, CONTEXTS, &json!({})).await;
        assert!(
            answer.is_err()
                || answer.is_ok_and(|answer| answer.status.as_u16() == 401 || answer.status.as_u16() == 403)
        );
    }
}
