//! A CAPIF core function: discovery among many published APIs beside a bare server that answers the same bytes, and the issue of tokens
//! beside a loop that only signs.

use crate::{
    Failure, Report,
    arguments::Capif,
    comparison::{Alternation, Comparison, Round},
    laboratory::Laboratory,
    load::{self, Connection, Expected, Load, LoadError, Question},
    process, say,
};
use edgeapp_core::principal::Role;
use edgeapp_http::tls::{Identity, Trust};
use eec_sim::{
    call::{PATIENCE, client},
    configuration,
    world::{process::Server, programs},
};
use futures_util::{StreamExt, TryStreamExt, stream};
use http::{Method, StatusCode};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use rcgen::{CertificateParams, KeyPair};
use serde_json::{Value, json};
use std::{
    fs,
    num::NonZeroUsize,
    thread,
    time::{Duration, Instant},
};
use tokio::task::JoinSet;

const EEC: &str = "eec-of-the-bench.example";

/// A core function with what was published there, and an invoker that may use all of it.
struct Site {
    laboratory: Laboratory,
    server: Server,
    invoker: Identity,
    invoker_id: String,
    scope: String,
}

/// A certification request and its key.
fn request() -> Result<(String, KeyPair), Failure> {
    let key = KeyPair::generate()?;
    let request = CertificateParams::default().serialize_request(&key)?;
    Ok((request.pem()?, key))
}

fn text(value: &Value) -> Result<&str, Failure> {
    value.as_str().ok_or_else(|| format!("{value} is no text").into())
}

fn created() -> Expected {
    Expected {
        status: StatusCode::CREATED,
        length: None,
    }
}

fn ok(length: Option<usize>) -> Expected {
    Expected {
        status: StatusCode::OK,
        length,
    }
}

impl Site {
    /// Keeps a certificate that was issued for this key.
    fn keeps(laboratory: &Laboratory, name: &str, certificate: &Value, key: &KeyPair) -> Result<Identity, Failure> {
        let place = |ending| laboratory.folder().join(format!("{name}.{ending}"));
        fs::write(place("pem"), text(certificate)?)?;
        fs::write(place("key"), key.serialize_pem())?;
        Ok(Identity::load(&place("pem"), &place("key"))?)
    }

    async fn open(arguments: &Capif) -> Result<Self, Failure> {
        let laboratory = Laboratory::new(&arguments.common)?;
        let mut settings = configuration::core_function(laboratory.folder());
        settings.ports = [0; 2];
        settings.state = laboratory.folder().join("ccf.redb");
        let unlimited = "\n[limits]\nunlimited_rates_for_load_tests = true\nconnections_per_caller = 10000\n\
            requests_at_a_time = 100000\nrequests_at_a_time_per_caller = 100000\n[core.quotas]\napis = 1000000\n";
        let config = laboratory.folder().join("ccf.toml");
        fs::write(&config, format!("{}{unlimited}", settings.text(laboratory.pki())))?;
        let log = laboratory.folder().join("ccf.log");
        let program = programs::find(say)?.ees;
        let server = Server::start_as(&program, "ccf", "ccf", &config, &log).await?;
        let root = server.root("capif")?.to_owned();
        let servers = laboratory.pki().trust(Role::Ccf)?;
        let operator = client(&laboratory.identity("operator")?, &servers, PATIENCE)?;
        let credentials = format!("{}/capif/credentials", server.root("operator")?);
        let credential = async |wanted: Value| -> Result<String, Failure> {
            let told = operator.call(Method::POST, &credentials, Some(&wanted)).await?;
            Ok(text(&told.json::<Value>()?["secret"])?.to_owned())
        };
        let mut stranger = Connection::anonymous(&root, &laboratory.pki().ca(Role::Ccf)).await?;

        let secret = credential(json!({"role": "provider"})).await?;
        let keys = [request()?, request()?, request()?];
        let functions = ["AMF", "APF", "AEF"].into_iter().zip(&keys);
        let functions: Vec<Value> = functions
            .map(|(role, (request, _))| json!({"apiProvFuncRole": role, "regInfo": {"apiProvPubKey": request}}))
            .collect();
        let body = json!({"regSec": secret, "apiProvFuncs": functions}).to_string();
        let path = "/api-provider-management/v1/registrations";
        let made = stranger
            .ask(&Question::post(&root, path, body.into())?, created())
            .await?;
        let made: Value = serde_json::from_slice(&made.body)?;
        let certificate = |place: usize| &made["apiProvFuncs"][place]["regInfo"]["apiProvCert"];
        let apf = Self::keeps(&laboratory, "apf", certificate(1), &keys[1].1)?;
        let id = |place: usize| text(&made["apiProvFuncs"][place]["apiProvFuncId"]);
        let (apf_id, aef_id) = (id(1)?, id(2)?);
        Self::publish(&root, &apf, &servers, (apf_id, aef_id), arguments.apis).await?;

        let secret = credential(json!({"role": "invoker", "easId": "eas.chess.example"})).await?;
        let (request, key) = request()?;
        let body = json!({"onboardingInformation": {"apiInvokerPublicKey": request},
            "notificationDestination": "https://127.0.0.1:9/n"});
        let path = "/api-invoker-management/v1/onboardedInvokers";
        let question = Question::post(&root, path, body.to_string().into())?.bearing(&secret)?;
        let made: Value = serde_json::from_slice(&stranger.ask(&question, created()).await?.body)?;
        let certificate = &made["onboardingInformation"]["apiInvokerCertificate"];
        let invoker = Self::keeps(&laboratory, "invoker", certificate, &key)?;
        let invoker_id = text(&made["apiInvokerId"])?.to_owned();
        // A context about one API of many: a token names what it allows.
        let entry = json!({"aefId": aef_id, "apiId": Self::one_api(&root, &invoker, &servers, &invoker_id).await?,
            "prefSecurityMethods": ["OAUTH"]});
        let body = json!({"securityInfo": [entry], "notificationDestination": "https://127.0.0.1:9/r", "supportedFeatures": "4"});
        let path = format!("/capif-security/v1/trustedInvokers/{invoker_id}");
        let question = Question::put(&root, &path, body.to_string().into())?;
        let mut connection = Connection::open(&root, &invoker, &servers).await?;
        connection.ask(&question, created()).await?;
        if let Some(pid) = server.pid() {
            process::until_idle(pid).await;
        }
        let scope = format!("3gpp#{aef_id}:api-0");
        Ok(Self {
            laboratory,
            server,
            invoker,
            invoker_id,
            scope,
        })
    }

    async fn publish(
        root: &str,
        apf: &Identity,
        servers: &Trust,
        (apf_id, aef_id): (&str, &str),
        apis: u32,
    ) -> Result<(), Failure> {
        say(&format!("publishing {apis} APIs"));
        let connection = Connection::open(root, apf, servers).await?;
        let path = format!("/published-apis/v1/{apf_id}/service-apis");
        let publishing = (0..apis).map(|number| {
            let (mut connection, path) = (connection.clone(), &path);
            async move {
                let body = json!({"apiName": format!("api-{number}"), "apiSuppFeats": "1", "aefProfiles": [{"aefId": aef_id,
                    "protocol": "HTTP_2", "dataFormat": "JSON", "securityMethods": ["OAUTH", "PKI"],
                    "versions": [{"apiVersion": "v1", "resources": [{"resourceName": "registrations", "commType": "REQUEST_RESPONSE",
                        "uri": "/registrations", "operations": ["POST", "GET"]}]}],
                    "interfaceDescriptions": [{"fqdn": "ees.example", "port": 8443}]}]});
                let question = Question::post(root, path, body.to_string().into())?;
                connection.count(&question, created()).await
            }
        });
        let published = stream::iter(publishing).buffer_unordered(64);
        published.try_collect::<()>().await.map_err(Failure::from)
    }

    async fn one_api(root: &str, invoker: &Identity, servers: &Trust, id: &str) -> Result<String, Failure> {
        let mut connection = Connection::open(root, invoker, servers).await?;
        let found = connection.ask(&discovery(root, id)?, ok(None)).await?;
        let found: Value = serde_json::from_slice(&found.body)?;
        Ok(text(&found["serviceAPIDescriptions"][0]["apiId"])?.to_owned())
    }

    fn trust(&self) -> Result<Trust, Failure> {
        Ok(self.laboratory.pki().trust(Role::Ccf)?)
    }

    async fn load(&self, question: &Question, expected: Expected, arguments: &Capif) -> Result<Load, Failure> {
        let (root, servers) = (self.server.root("capif")?, self.trust()?);
        let mut lines = Vec::new();
        for _ in 0..arguments.common.connections {
            lines.push((Connection::open(root, &self.invoker, &servers).await?, question.clone()));
        }
        Ok(Load::new(lines, arguments.common.streams, expected))
    }
}

/// The question for one API of many.
fn discovery(root: &str, id: &str) -> Result<Question, LoadError> {
    let path = format!("/service-apis/v1/allServiceAPIs?api-invoker-id={id}&api-name=api-0");
    Question::get(root, &path)
}

async fn round(server: &Server, load: &Load, length: Duration) -> Result<Round, Failure> {
    let cpu = || server.pid().and_then(process::cpu_time);
    let before = cpu();
    let load = load.round(length).await?;
    Ok(Round {
        load,
        cpu: cpu().zip(before).map(|(after, before)| after.saturating_sub(before)),
    })
}

/// Signs the claims of a token again and again, on all cores.
async fn signing(claims: &Value, length: Duration) -> Result<Round, Failure> {
    let pair = KeyPair::generate()?;
    let key = EncodingKey::from_ec_der(pair.serialized_der());
    let mut header = Header::new(Algorithm::ES256);
    header.kid = Some("a-key-of-the-bench".to_owned());
    let began = Instant::now();
    let mut workers = JoinSet::new();
    for _ in 0..thread::available_parallelism().map_or(1, NonZeroUsize::get) {
        let (claims, key, header) = (claims.clone(), key.clone(), header.clone());
        workers.spawn_blocking(move || {
            let mut latencies = load::latencies()?;
            while began.elapsed() < length {
                let asked = Instant::now();
                jsonwebtoken::encode(&header, &claims, &key).map_err(|error| LoadError::Defect(error.to_string()))?;
                load::record(&mut latencies, asked);
            }
            Ok::<_, LoadError>(latencies)
        });
    }
    let load = load::gather(workers, began).await?;
    Ok(Round { load, cpu: None })
}

/// Measures.
pub(crate) async fn run(arguments: &Capif) -> Result<Report, Failure> {
    let site = Site::open(arguments).await?;
    match arguments.tokens {
        true => tokens(arguments, &site).await,
        false => discoveries(arguments, &site).await,
    }
}

async fn discoveries(arguments: &Capif, site: &Site) -> Result<Report, Failure> {
    let root = site.server.root("capif")?;
    let question = discovery(root, &site.invoker_id)?;
    let mut connection = Connection::open(root, &site.invoker, &site.trust()?).await?;
    let answer = connection.ask(&question, ok(None)).await?;
    let length = answer.body.len();
    let eec = site.laboratory.eec(EEC)?;
    let bare = site.laboratory.bare(&answer.body, false).await?;
    let bare_root = bare.root("edge1")?;
    let mut lines = Vec::new();
    for _ in 0..arguments.common.connections {
        let connection = site.laboratory.connect(bare_root, &eec).await?;
        lines.push((connection, discovery(bare_root, &site.invoker_id)?));
    }
    let at_bare = Load::new(lines, arguments.common.streams, ok(Some(length)));
    let at_core = site.load(&question, ok(Some(length)), arguments).await?;
    say("warming up");
    let short = arguments.common.round().min(Duration::from_secs(2));
    round(&site.server, &at_core, short).await?;
    round(&bare, &at_bare, short).await?;
    let mut alternations = Vec::new();
    for number in 1..=arguments.common.rounds {
        let both = Alternation {
            ees: round(&site.server, &at_core, arguments.common.round()).await?,
            reference: round(&bare, &at_bare, arguments.common.round()).await?,
        };
        told(arguments, number, &both);
        alternations.push(both);
    }
    let title = format!(
        "CAPIF discovery by name among {} published APIs, answer of {length} bytes, {}",
        arguments.apis,
        load_of(arguments)
    );
    Ok(Comparison {
        title,
        reference: "bare",
        alternations,
    }
    .report())
}

async fn tokens(arguments: &Capif, site: &Site) -> Result<Report, Failure> {
    let root = site.server.root("capif")?;
    let path = format!("/capif-security/v1/securities/{}/token", site.invoker_id);
    let form = format!("grant_type=client_credentials&client_id={}", site.invoker_id);
    let question = Question::form(root, &path, form.into())?;
    let load = site.load(&question, ok(None), arguments).await?;
    let claims = json!({"iss": site.invoker_id, "client_id": site.invoker_id, "scope": site.scope, "exp": 4_000_000_000_u64,
        "iat": 1_900_000_000_u64, "jti": "0123456789abcdef0123456789abcdef",
        "cnf": {"x5t#S256": "0123456789abcdef0123456789abcdef0123456789a"}});
    say("warming up");
    round(
        &site.server,
        &load,
        arguments.common.round().min(Duration::from_secs(2)),
    )
    .await?;
    let mut alternations = Vec::new();
    for number in 1..=arguments.common.rounds {
        let both = Alternation {
            ees: round(&site.server, &load, arguments.common.round()).await?,
            reference: signing(&claims, arguments.common.round()).await?,
        };
        told(arguments, number, &both);
        alternations.push(both);
    }
    let title = format!(
        "CAPIF tokens among {} published APIs, {}",
        arguments.apis,
        load_of(arguments)
    );
    Ok(Comparison {
        title,
        reference: "sign",
        alternations,
    }
    .report())
}

fn told(arguments: &Capif, number: u16, both: &Alternation) {
    let of = arguments.common.rounds;
    say(&format!("alternation {number} of {of}: ratio {:.3}", both.ratio()));
}

fn load_of(arguments: &Capif) -> String {
    let common = &arguments.common;
    let (connections, streams, seconds) = (common.connections, common.streams, common.seconds);
    format!("{connections} connections x {streams} streams, rounds of {seconds} s")
}
