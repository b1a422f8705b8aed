//! EAS discovery by name beside unbound with the same names as local data, both over TLS and in one run: CPU per query, how long a pair
//! of A and AAAA takes, memory of an idle connection, and how slow answers get while registrations change.
//!
//! Every query of the load has a client subnet that the EES takes for where its UE is, so that each answer is selected.

use crate::{
    Failure, Report,
    arguments::Dot,
    bodies,
    comparison::median,
    laboratory::Laboratory,
    load::{self, Expected, Question},
    process, say,
};
use edgeapp_core::principal::Role;
use edgeapp_dot::{
    client::{Ask, DotClient},
    proto::rr::{Name, RecordType},
    subnet::ClientSubnet,
};
use eec_sim::{pki::Files, world::process::Server};
use futures_util::{StreamExt, TryStreamExt, stream};
use http::StatusCode;
use rustls::{
    ClientConfig, RootCertStore,
    client::Resumption,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, pem::PemObject},
};
use serde_json::json;
use std::{
    fmt::Write as _,
    fs,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    path::Path,
    process::Stdio,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{
    process::{Child, Command},
    task::JoinSet,
};

const ZONE: &str = "bench.example";
/// The name in the certificates of a laboratory.
const SERVER: &str = "localhost";
const PATIENCE: Duration = Duration::from_secs(30);
/// Batches that a connection sends in turn.
const BATCHES: u32 = 16;
/// Pairs of A and AAAA that are asked for one after the other.
const PAIRS: u32 = 50;
/// Registrations that change in a second.
const CHANGES: u32 = 100;

fn name(number: u32) -> String {
    format!("n{number}.{ZONE}")
}

fn address(number: u32) -> Ipv4Addr {
    Ipv4Addr::from(u32::from(Ipv4Addr::new(198, 18, 0, 1)) + number)
}

/// A query with a client subnet, in its frame.
fn query(number: u32, kind: RecordType, id: u16, subnet: Option<u32>) -> Result<Vec<u8>, Failure> {
    let mut asked = Name::from_ascii(name(number))?;
    asked.set_fqdn(true);
    let network = |third: u32| format!("10.{}.{}.0/24", third % 256, third % 251).parse();
    let ask = Ask {
        subnet: subnet.map(network).transpose()?.map(ClientSubnet::of),
        ..Ask::new(asked, kind)
    };
    let message = ask.message(id)?;
    let mut framed = u16::try_from(message.len())?.to_be_bytes().to_vec();
    framed.extend_from_slice(&message);
    Ok(framed)
}

/// A server under load.
struct Side {
    address: SocketAddr,
    pid: u32,
    tls: ClientConfig,
}

/// What one round of load showed.
struct Round {
    load: load::Round,
    /// CPU of the server per query, in microseconds.
    cpu: f64,
}

impl Side {
    async fn connect(&self) -> Result<DotClient, Failure> {
        Ok(DotClient::connect(self.address, SERVER, self.tls.clone(), PATIENCE).await?)
    }

    /// Asks for all names in turn, over so many connections.
    async fn round(&self, arguments: &Dot, length: Duration) -> Result<Round, Failure> {
        let mut clients = Vec::new();
        for number in 0..u32::from(arguments.connections) {
            let at_a_time = u32::from(arguments.at_a_time);
            let batch = |batch: u32| {
                let queries = (0..at_a_time).map(|id| {
                    let asked = number * 7919 + batch * at_a_time + id;
                    query(asked % arguments.names, RecordType::A, u16::try_from(id)?, Some(asked))
                });
                queries
                    .collect::<Result<Vec<_>, Failure>>()
                    .map(|queries| queries.concat())
            };
            let batches: Vec<_> = (0..BATCHES).map(batch).collect::<Result<_, _>>()?;
            clients.push((self.connect().await?, batches));
        }
        let (before, began) = (process::on_cpu(self.pid), Instant::now());
        let mut workers = JoinSet::new();
        for (client, batches) in clients {
            workers.spawn(ask(client, batches, usize::from(arguments.at_a_time), began + length));
        }
        let load = load::gather(workers, began).await?;
        let used = process::on_cpu(self.pid).zip(before);
        let used = used.ok_or("the system does not tell the CPU time of the servers")?;
        let queries = u32::try_from(load.requests)?;
        let cpu = used.0.saturating_sub(used.1).as_secs_f64() * 1e6 / f64::from(queries.max(1));
        Ok(Round { load, cpu })
    }

    /// The median time of a pair of A and AAAA, each written by itself, in milliseconds.
    async fn pair(&self) -> Result<f64, Failure> {
        let mut client = self.connect().await?;
        let mut times = Vec::new();
        for number in 0..PAIRS {
            let pair = [(0, RecordType::A), (1, RecordType::AAAA)]
                .map(|(more, kind)| query(0, kind, u16::try_from(2 * number + more)?, None));
            let began = Instant::now();
            for query in pair {
                client.send_bytes(&query?).await?;
            }
            for _ in 0..2 {
                client.receive_bytes().await?;
            }
            times.push(began.elapsed().as_secs_f64() * 1e3);
        }
        Ok(median(times))
    }

    /// Resident memory per connection that has asked once and is idle since, in bytes.
    async fn idle(&self, connections: u32) -> Result<f64, Failure> {
        let resident = || process::resident(self.pid).ok_or("the system does not tell the memory of the servers");
        let before = resident()?;
        let mut clients = Vec::new();
        for number in 0..connections {
            let mut client = self.connect().await?;
            client
                .send_bytes(&query(0, RecordType::A, u16::try_from(number % 60_000)?, None)?)
                .await?;
            client.receive_bytes().await?;
            clients.push(client);
        }
        process::until_idle(self.pid).await;
        let bytes = u32::try_from(resident()?.saturating_sub(before) / 1024)?;
        Ok(f64::from(bytes) * 1024.0 / f64::from(connections))
    }
}

/// Sends batches in turn, each when the one before it is answered.
async fn ask(
    mut client: DotClient,
    batches: Vec<Vec<u8>>,
    count: usize,
    end: Instant,
) -> Result<hdrhistogram::Histogram<u64>, Failure> {
    let mut latencies = load::latencies()?;
    for batch in batches.iter().cycle() {
        let asked = Instant::now();
        if asked >= end {
            break;
        }
        client.send_bytes(batch).await?;
        for _ in 0..count {
            let answer = client.receive_bytes().await?;
            let (code, answers) = (answer.get(3).map(|flags| flags & 0x0f), answer.get(6..8));
            if code != Some(0) || answers == Some(&[0, 0]) {
                return Err(format!("an answer of {} octets with code {code:?} has no record", answer.len()).into());
            }
            load::record(&mut latencies, asked);
        }
    }
    Ok(latencies)
}

/// Sections of the EES's configuration.
fn sections(arguments: &Dot) -> String {
    let mut text = format!(
        "[dns]\nlisten = \"127.0.0.1:0\"\nzones = [\"{ZONE}\"]\nclients = [\"127.0.0.0/8\"]\n\
        trusted_forwarders = [\"127.0.0.1/32\"]\nconnections = 20000\nconnections_per_address = 20000\nidle_seconds = 3600\n\
        place = [{{ prefix = \"10.0.0.0/9\", dnai = \"dnai-a\" }}, {{ prefix = \"10.128.0.0/9\", dnai = \"dnai-b\" }}]\n[dns.names]\n"
    );
    for number in 0..arguments.names {
        let _ = writeln!(text, "\"{}\" = \"{}\"", bodies::eas_id(number), name(number));
    }
    text
}

fn registration(number: u32, last: u32) -> Result<bytes::Bytes, Failure> {
    let dnai = if number.is_multiple_of(2) { "dnai-a" } else { "dnai-b" };
    let body = json!({"easProf": {
        "easId": bodies::eas_id(number), "endPt": {"ipv4Addrs": [address(number + last)]}, "appLocs": [{"dnai": dnai, "routeProfId": "p"}],
    }});
    Ok(serde_json::to_vec(&body)?.into())
}

async fn register(laboratory: &Laboratory, ees: &Server, number: u32) -> Result<load::Connection, Failure> {
    let name = format!("eas-{number}");
    let files = laboratory
        .pki()
        .issue(Role::Eas, &format!("{}#1", bodies::eas_id(number)));
    let identity = files.named(&name).write()?.identity()?;
    let root = ees.root("edge3")?;
    let mut connection = laboratory.connect(root, &identity).await?;
    let question = Question::post(root, bodies::EAS_REGISTRATIONS, registration(number, 0)?)?;
    connection.count(&question, CREATED).await?;
    Ok(connection)
}

const CREATED: Expected = Expected {
    status: StatusCode::CREATED,
    length: None,
};

/// Unbound, with the same names as local data and the certificate of the EES.
struct Unbound(Child, SocketAddr);

impl Unbound {
    async fn start(laboratory: &Laboratory, names: u32, tls: &ClientConfig) -> Result<Self, Failure> {
        let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?;
        let config = laboratory.folder().join("unbound.conf");
        fs::write(
            &config,
            unbound(
                &laboratory.pki().files("ees-a"),
                laboratory.folder(),
                free.port(),
                names,
            ),
        )?;
        let log = fs::File::create(laboratory.folder().join("unbound.log"))?;
        let started = Command::new("unbound")
            .args(["-d", "-p", "-c"])
            .arg(&config)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .kill_on_drop(true)
            .spawn();
        let child = started.map_err(|error| format!("unbound: {error}; apt-get install unbound"))?;
        let unbound = Self(child, free);
        for _ in 0..100 {
            if DotClient::connect(free, SERVER, tls.clone(), PATIENCE).await.is_ok() {
                return Ok(unbound);
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        let said = fs::read_to_string(laboratory.folder().join("unbound.log"))?;
        Err(format!("unbound does not answer: {said}").into())
    }
}

fn unbound(files: &Files, folder: &Path, port: u16, names: u32) -> String {
    let mut text = format!(
        "server:\n  interface: 127.0.0.1@{port}\n  tls-port: {port}\n  tls-service-key: \"{}\"\n  tls-service-pem: \"{}\"\n  \
        directory: \"{}\"\n  chroot: \"\"\n  username: \"\"\n  pidfile: \"\"\n  use-syslog: no\n  logfile: \"\"\n  verbosity: 0\n  \
        num-threads: 1\n  incoming-num-tcp: 20000\n  tcp-idle-timeout: 3600000\n  module-config: \"iterator\"\n  \
        access-control: 127.0.0.0/8 allow\n  local-zone: \"{ZONE}.\" static\n",
        files.key.display(),
        files.certificate.display(),
        folder.display(),
    );
    for number in 0..names {
        let _ = writeln!(text, "  local-data: \"{}. 30 IN A {}\"", name(number), address(number));
    }
    text.push_str("remote-control:\n  control-enable: no\n");
    text
}

/// Pins the servers to the first CPU and this process to the others; says so when that cannot be.
fn pin(servers: [u32; 2]) {
    let cpus = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    if cpus < 2 {
        return say("one CPU: nothing is pinned");
    }
    let of_load = format!("1-{}", cpus - 1);
    let plans = [
        (servers[0], "0"),
        (servers[1], "0"),
        (std::process::id(), of_load.as_str()),
    ];
    for (pid, cpus) in plans {
        let pinned = std::process::Command::new("taskset")
            .args(["-a", "-p", "-c", cpus, &pid.to_string()])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        if !pinned.is_ok_and(|status| status.success()) {
            say(&format!(
                "process {pid} is not pinned to CPU {cpus}: taskset (util-linux) says no"
            ));
        }
    }
}

/// p99 of a round in milliseconds.
fn p99(round: &Round) -> f64 {
    let micros = round.load.latencies.value_at_quantile(0.99);
    u32::try_from(micros).map_or(f64::INFINITY, f64::from) / 1e3
}

/// Rounds of the EES, quiet and while so many registrations change in a second, in turn: p99 of both.
async fn churn(
    (ours, ees): (&Side, &Server),
    connections: Vec<load::Connection>,
    arguments: &Dot,
) -> Result<[f64; 2], Failure> {
    let (length, root) = (Duration::from_secs(arguments.seconds.into()), ees.root("edge3")?);
    let (mut quiet, mut changing) = (Vec::new(), Vec::new());
    let mut number = 0;
    for _ in 0..arguments.rounds {
        quiet.push(p99(&ours.round(arguments, length).await?));
        let changes = async {
            let mut due = tokio::time::interval(Duration::from_secs(1) / CHANGES);
            loop {
                due.tick().await;
                number += 1;
                let whose = number % u32::try_from(connections.len())?;
                let mut connection = connections[usize::try_from(whose)?].clone();
                let body = registration(whose, number)?;
                let question = Question::post(root, bodies::EAS_REGISTRATIONS, body)?;
                connection.count(&question, CREATED).await?;
            }
        };
        tokio::select! {
            round = ours.round(arguments, length) => changing.push(p99(&round?)),
            failed = changes => {
                let failed: Result<(), Failure> = failed;
                failed?;
            }
        }
    }
    Ok([median(quiet), median(changing)])
}

/// Measures.
pub(crate) async fn run(arguments: &Dot) -> Result<Report, Failure> {
    let laboratory = Laboratory::within(arguments.folder.as_deref())?;
    let tls = anonymous(&laboratory)?;
    let ees = laboratory.ees_with("ees-a", &sections(arguments)).await?;
    say(&format!("registering {} EASs", arguments.names));
    let registering = (0..arguments.names).map(|number| register(&laboratory, &ees, number));
    let connections: Vec<_> = stream::iter(registering).buffer_unordered(16).try_collect().await?;
    let unbound = Unbound::start(&laboratory, arguments.names, &tls).await?;
    let side = |pid: Option<u32>, address| {
        let pid = pid.ok_or("a server has ended")?;
        Ok::<_, Failure>(Side {
            address,
            pid,
            tls: tls.clone(),
        })
    };
    let ours = side(ees.pid(), ees.root("dns")?.trim_start_matches("tls://").parse()?)?;
    let theirs = side(unbound.0.id(), unbound.1)?;
    pin([ours.pid, theirs.pid]);
    let length = Duration::from_secs(arguments.seconds.into());
    say("warming up");
    for side in [&ours, &theirs] {
        process::until_idle(side.pid).await;
        side.round(arguments, length.min(Duration::from_secs(2))).await?;
    }
    let mut rounds = Vec::new();
    for number in 1..=arguments.rounds {
        let both = (
            ours.round(arguments, length).await?,
            theirs.round(arguments, length).await?,
        );
        let ratio = both.0.cpu / both.1.cpu;
        say(&format!(
            "alternation {number} of {}: ratio {ratio:.3}",
            arguments.rounds
        ));
        rounds.push(both);
    }
    let cpu = [
        median(rounds.iter().map(|both| both.0.cpu)),
        median(rounds.iter().map(|both| both.1.cpu)),
    ];
    let pair = [ours.pair().await?, theirs.pair().await?];
    say("registrations change");
    let p99 = churn((&ours, &ees), connections, arguments).await?;
    say(&format!("{} idle connections", arguments.idle));
    let idle = [ours.idle(arguments.idle).await?, theirs.idle(arguments.idle).await?];
    let ratio = median(rounds.iter().map(|both| both.0.cpu / both.1.cpu));
    Ok(report(arguments, ratio, cpu, pair, p99, idle))
}

/// A client without a certificate: with one, what is known of it would count, and not its subnet.
fn anonymous(laboratory: &Laboratory) -> Result<ClientConfig, Failure> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(laboratory.pki().ca(Role::Ees))?)?;
    let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()));
    let builder = builder.with_safe_default_protocol_versions()?;
    let mut tls = builder.with_root_certificates(roots).with_no_client_auth();
    tls.resumption = Resumption::disabled();
    Ok(tls)
}

fn report(arguments: &Dot, ratio: f64, cpu: [f64; 2], pair: [f64; 2], p99: [f64; 2], idle: [f64; 2]) -> Report {
    let title = format!(
        "DNS over TLS, {} names, {} connections with {} queries at a time, {} rounds of {} s",
        arguments.names, arguments.connections, arguments.at_a_time, arguments.rounds, arguments.seconds
    );
    let mut table = format!("{title}\n\n{:<44} {:>12} {:>12} {:>8}\n", "", "EES", "unbound", "ratio");
    let mut line = |what: &str, [ours, theirs]: [f64; 2], ratio: f64| {
        let _ = writeln!(table, "{what:<44} {ours:>12.3} {theirs:>12.3} {ratio:>8.3}");
    };
    line("CPU per query, us", cpu, ratio);
    line("pair of A and AAAA, ms", pair, pair[0] / pair[1]);
    line(
        "memory per idle connection, kB",
        idle.map(|bytes| bytes / 1000.0),
        idle[0] / idle[1],
    );
    let _ = writeln!(
        table,
        "\np99 of the EES {:.3} ms, and {:.3} ms while {CHANGES} registrations a second change: ratio {:.3}",
        p99[0],
        p99[1],
        p99[1] / p99[0]
    );
    let json = json!({
        "what": title,
        "cpu_per_query_us": {"ees": cpu[0], "unbound": cpu[1], "ratio": ratio},
        "pair_ms": {"ees": pair[0], "unbound": pair[1]},
        "bytes_per_idle_connection": {"ees": idle[0], "unbound": idle[1]},
        "p99_ms": {"quiet": p99[0], "changing": p99[1], "ratio": p99[1] / p99[0]},
    });
    Report { table, json }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_are_framed_and_have_a_subnet() {
        let framed = query(7, RecordType::A, 3, Some(300)).unwrap();
        let length = u16::from_be_bytes([framed[0], framed[1]]);
        assert_eq!(usize::from(length) + 2, framed.len());
        // Family 1, 24 bits, of 10.44.49.0.
        assert!(framed.windows(7).any(|octets| octets == [0, 1, 24, 0, 10, 44, 49]));
    }
}
