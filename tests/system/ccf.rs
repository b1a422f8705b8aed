//! A CAPIF core function as a process: what callers do one after the other, over real TLS, with the process killed after each step.

use edgeapp_core::principal::Role;
use edgeapp_core::token::from_base64url;
use edgeapp_system_tests::{
    caller::{Answer, Caller},
    ear::Ear,
    lab::{Lab, Plan},
    process::{Process, program},
};
use eec_sim::pki::Files;
use http::{Method, StatusCode};
use rcgen::{CertificateParams, DnType, KeyPair};
use serde_json::{Value, json};
use std::fs;
use tokio::process::Command;

const FORM: &str = "application/x-www-form-urlencoded";
const CHESS: &str = "eas.chess.example";

/// A certification request that claims to be somebody else, and its key.
fn request() -> (String, KeyPair) {
    let key = KeyPair::generate().expect("a key");
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, "an operator");
    let name = "urn:edgeapp:operator:operator".try_into().expect("a name");
    params.subject_alt_names.push(rcgen::SanType::URI(name));
    let request = params.serialize_request(&key).expect("a request");
    (request.pem().expect("PEM"), key)
}

struct Site {
    lab: Lab,
    plan: Plan,
    process: Option<Process>,
    root: String,
    operator: String,
    /// Whether the process is killed after each step.
    unsteady: bool,
}

/// Somebody with a certificate of the core function.
struct Holder {
    id: String,
    files: Files,
}

impl Site {
    /// `server` is the plan of a process that is a core function, or has one within.
    async fn start(lab: Lab, plan: Plan, section: &str, unsteady: bool) -> Self {
        let process = plan.start().await;
        let root = process.root("capif").to_owned();
        // At the same address when it starts again.
        let address = root.trim_start_matches("https://");
        let plan = plan.with(&format!("[{section}]\nlisten = \"{address}\"\n"));
        let operator = process.root("operator").to_owned();
        Self {
            lab,
            plan,
            process: Some(process),
            root,
            operator,
            unsteady,
        }
    }

    async fn new(unsteady: bool) -> Self {
        let lab = Lab::new();
        let plan = lab.ccf();
        Self::start(lab, plan, "core", unsteady).await
    }

    /// Kills the process, and starts it on what it left.
    async fn step(&mut self) {
        if !self.unsteady {
            return;
        }
        if let Some(process) = self.process.take() {
            process.kill().await;
        }
        let process = self.plan.start().await;
        self.operator = process.root("operator").to_owned();
        self.process = Some(process);
    }

    fn stranger(&self) -> Caller {
        Caller::anonymous(&self.lab, Role::Ccf, &self.root)
    }

    fn caller(&self, who: &Holder) -> Caller {
        Caller::new(&self.lab, &who.files, Role::Ccf, &self.root)
    }

    /// `ees ccf <arguments>` at the operator's port; what it printed, and whether it went well.
    async fn operator(&self, arguments: &[&str]) -> (bool, String, String) {
        let operator = self.lab.pki.files("operator");
        // An EES has another authority than a core function.
        let roots = self.lab.pki.all_authorities();
        let done = Command::new(program("ees"))
            .arg("ccf")
            .args(arguments)
            .args(["--operator", &self.operator, "--certificate"])
            .arg(operator.certificate)
            .arg("--key")
            .arg(operator.key)
            .arg("--roots")
            .arg(roots)
            .output()
            .await
            .expect("the program runs");
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
        (done.status.success(), text(done.stdout), text(done.stderr))
    }

    async fn told(&self, arguments: &[&str]) -> Value {
        let (good, said, errors) = self.operator(arguments).await;
        assert!(good, "{arguments:?}: {errors}");
        serde_json::from_str(&said).unwrap_or_default()
    }

    /// A credential's secret.
    async fn credential(&self, arguments: &[&str]) -> String {
        let all: Vec<&str> = ["credential", "new"].iter().chain(arguments).copied().collect();
        self.told(&all).await["secret"].as_str().expect("a secret").to_owned()
    }

    /// Keeps a certificate that was issued for this key.
    fn keeps(&self, id: &Value, certificate: &Value, key: &KeyPair) -> Holder {
        let id = id.as_str().expect("an identifier").to_owned();
        let files = Files {
            certificate: self.lab.path().join(format!("{id}.pem")),
            key: self.lab.path().join(format!("{id}.key")),
        };
        fs::write(&files.certificate, certificate.as_str().expect("a certificate")).expect("written");
        fs::write(&files.key, key.serialize_pem()).expect("written");
        Holder { id, files }
    }

    async fn onboard(&self, secret: &str, destination: &str) -> (Answer, KeyPair) {
        let (request, key) = request();
        let body =
            json!({"onboardingInformation": {"apiInvokerPublicKey": request}, "notificationDestination": destination});
        let stranger = self.stranger().bearing(secret);
        let answer = stranger
            .post("/api-invoker-management/v1/onboardedInvokers", &body)
            .await;
        (answer, key)
    }

    async fn invoker(&self, destination: &str) -> (Holder, String) {
        let secret = self
            .credential(&["--role", "invoker", "--eas-id", CHESS, "--ttl", "1h"])
            .await;
        let (answer, key) = self.onboard(&secret, destination).await;
        let enrolment = answer.created();
        let certificate = &answer.body["onboardingInformation"]["apiInvokerCertificate"];
        (self.keeps(&answer.body["apiInvokerId"], certificate, &key), enrolment)
    }

    /// AMF, APF and AEF of a provider, and its registration.
    async fn provider(&self) -> ([Holder; 3], String) {
        let secret = self.credential(&["--role", "provider", "--uses", "1"]).await;
        let keys = ["AMF", "APF", "AEF"].map(|role| (role, request()));
        let functions: Vec<Value> = keys
            .iter()
            .map(|(role, (request, _))| json!({"apiProvFuncRole": role, "regInfo": {"apiProvPubKey": request}}))
            .collect();
        let body = json!({"regSec": secret, "apiProvFuncs": functions, "apiProvDomInfo": "the laboratory"});
        let answer = self
            .stranger()
            .post("/api-provider-management/v1/registrations", &body)
            .await;
        let registration = answer.created();
        let holder = |place: usize| {
            let function = &answer.body["apiProvFuncs"][place];
            let key = &keys[place].1.1;
            self.keeps(&function["apiProvFuncId"], &function["regInfo"]["apiProvCert"], key)
        };
        ([holder(0), holder(1), holder(2)], registration)
    }
}

fn description(aef: &str, name: &str, port: u16) -> Value {
    json!({"apiName": name, "supportedFeatures": "7", "apiSuppFeats": "1",
        "aefProfiles": [{"aefId": aef, "protocol": "HTTP_2", "dataFormat": "JSON", "securityMethods": ["OAUTH", "PKI"],
            "versions": [{"apiVersion": "v1", "resources": [{"resourceName": "registrations", "commType": "REQUEST_RESPONSE",
                "uri": "/registrations", "operations": ["POST"]}]}],
            "interfaceDescriptions": [{"ipv4Addr": "127.0.0.1", "port": port}]}]})
}

/// The claims of a token, unverified.
fn claims(token: &str) -> Value {
    let payload = token.split('.').nth(1).and_then(from_base64url).expect("a token");
    serde_json::from_slice(&payload).expect("claims")
}

/// Everything that was acknowledged is there after the process was killed, whatever step it was killed after.
async fn walks(mut site: Site) {
    let aef_server = site.lab.who(Role::Ees, "aef.example");
    let exposing = Ear::open(&site.lab, &aef_server).await;
    let eas_server = site.lab.who(Role::Eas, CHESS);
    let ear = Ear::open(&site.lab, &eas_server).await;

    // Provider and API.
    let ([amf, apf, aef], registration) = site.provider().await;
    site.step().await;
    let apis = format!("/published-apis/v1/{}/service-apis", apf.id);
    let api = description(&aef.id, "eees-easregistration", exposing.address().port());
    let published = site.caller(&apf).post(&apis, &api).await;
    let place = published.created();
    let api_id = published.body["apiId"].as_str().expect("an identifier").to_owned();
    site.step().await;
    assert_eq!(site.caller(&apf).get(&place).await.found()["apiId"], json!(api_id));

    // Invoker.
    let (invoker, enrolment) = site.invoker(&ear.uri("/invoker")).await;
    site.step().await;
    let events = format!("/capif-events/v1/{}/subscriptions", invoker.id);
    let subscription = json!({"events": ["SERVICE_API_UPDATE"], "notificationDestination": ear.uri("/events"), "supportedFeatures": "4"});
    let subscribed = site.caller(&invoker).post(&events, &subscription).await.created();
    site.step().await;
    let query = format!(
        "/service-apis/v1/allServiceAPIs?api-invoker-id={}&api-name=eees-easregistration",
        invoker.id
    );
    let found = site.caller(&invoker).get(&query).await;
    assert_eq!(found.found()["serviceAPIDescriptions"][0]["apiId"], json!(api_id));

    // Context and token.
    let context = format!("/capif-security/v1/trustedInvokers/{}", invoker.id);
    let wanted = json!({"securityInfo": [{"aefId": aef.id, "prefSecurityMethods": ["PSK", "OAUTH"]}],
        "notificationDestination": ear.uri("/revoked")});
    let agreed = site.caller(&invoker).put(&context, &wanted).await;
    agreed.created();
    assert_eq!(agreed.body["securityInfo"][0]["selSecurityMethod"], "OAUTH");
    site.step().await;
    let tokens = format!("/capif-security/v1/securities/{}/token", invoker.id);
    let form = format!("grant_type=client_credentials&client_id={}", invoker.id);
    let token = site
        .caller(&invoker)
        .send(Method::POST, &tokens, FORM, form.clone())
        .await;
    let scope = format!("3gpp#{}:eees-easregistration", aef.id);
    assert_eq!(token.found()["scope"], json!(scope));
    let claimed = claims(token.body["access_token"].as_str().expect("a token"));
    for name in ["iss", "client_id"] {
        assert_eq!(claimed[name], json!(invoker.id));
    }
    assert!(claimed["cnf"]["x5t#S256"].is_string(), "{claimed}");
    let keys = site.stranger().get("/.well-known/jwks.json").await.found().clone();
    site.step().await;
    assert_eq!(*site.stranger().get("/.well-known/jwks.json").await.found(), keys);
    let trusted = site
        .caller(&aef)
        .get(&format!("{context}?authorizationInfo=true"))
        .await;
    assert_eq!(trusted.found()["securityInfo"][0]["authorizationInfo"], json!(scope));

    // A change is told of, even when the process is killed right after it.
    let changed = site
        .caller(&apf)
        .patch(&place, &json!({"description": "changed"}))
        .await;
    assert_eq!(changed.found()["description"], "changed");
    site.step().await;
    let told = ear.hears("the change", |heard| {
        heard.iter().find(|heard| heard.target == "/events").cloned()
    });
    assert_eq!(told.await.body["events"], "SERVICE_API_UPDATE");

    // An operator takes everything back: exposing function and invoker hear of it, and it stays so.
    site.told(&["invoker", "revoke", &invoker.id]).await;
    site.step().await;
    let told = exposing.hears("the revocation", |heard| {
        heard
            .iter()
            .find(|heard| heard.target == "/aef-security/v1/revoke-authorization")
            .cloned()
    });
    let told = told.await;
    assert_eq!(told.body["revokeInfo"]["apiIds"], json!([api_id]));
    assert_eq!(told.from, "urn:edgeapp:ccf:ccf.example");
    let told = ear.hears("the revocation", |heard| {
        heard.iter().find(|heard| heard.target == "/revoked").cloned()
    });
    assert_eq!(told.await.body["apiInvokerId"], json!(invoker.id));
    let refused = site.caller(&invoker).send(Method::POST, &tokens, FORM, form).await;
    refused.refused(404, "RESOURCE_NOT_FOUND");

    // Everybody leaves; what left does not come back.
    site.caller(&invoker).delete(&subscribed).await.done();
    site.caller(&invoker).delete(&enrolment).await.done();
    site.step().await;
    site.caller(&invoker).get(&query).await.refused(401, "UNAUTHENTICATED");
    site.caller(&amf).delete(&registration).await.done();
    site.step().await;
    site.caller(&apf).get(&apis).await.refused(401, "UNAUTHENTICATED");
    let status = site.told(&["status"]).await;
    for what in ["domains", "apis", "invokers", "securityContexts", "eventSubscriptions"] {
        assert_eq!(status["counts"][what], 0, "{what}: {status}");
    }
}

/// Whatever was acknowledged is there again when the process is killed after each step.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_core_function_that_is_killed_after_each_step_loses_nothing() {
    walks(Site::new(true).await).await;
}

/// An EES that is a core function as well.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_core_function_within_an_ees_does_the_same() {
    let lab = Lab::new();
    let path = |path: &std::path::Path| path.display().to_string();
    let (own, authority) = (lab.pki.files("ccf"), lab.pki.capif_authority());
    let plan = lab.ees("a").with(&format!(
        "[capif]\nembedded = true\n[capif.core]\nccf_id = \"ccf.example\"\nlisten = \"127.0.0.1:0\"\n\
        identity = {{ certificate = {:?}, key = {:?} }}\nauthority = {{ certificate = {:?}, key = {:?} }}\n\
        store = {{ kind = \"redb\", path = {:?} }}\n",
        path(&own.certificate),
        path(&own.key),
        path(&authority.certificate),
        path(&authority.key),
        path(&lab.path().join("state/ccf.redb")),
    ));
    walks(Site::start(lab, plan, "capif.core", false).await).await;
}

/// Who may come in, and with what.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_certificates_of_its_own_count() {
    let site = Site::new(false).await;
    let nobody = site
        .stranger()
        .get("/service-apis/v1/allServiceAPIs?api-invoker-id=x")
        .await;
    nobody.refused(401, "UNAUTHENTICATED");
    // An EAS of the operator's own authority is no invoker, and its certificate opens nothing.
    let eas = Caller::new(&site.lab, &site.lab.who(Role::Eas, CHESS), Role::Ccf, &site.root);
    let path = "/service-apis/v1/allServiceAPIs?api-invoker-id=x";
    assert!(eas.try_send(Method::GET, path, "", "").await.is_err());
    // What a request claims does not count: it said that it was an operator.
    let (invoker, _) = site.invoker("https://192.0.2.9/n").await;
    let identity = invoker
        .files
        .identity()
        .expect("a certificate")
        .principal()
        .expect("an identity");
    assert_eq!((identity.role(), identity.id()), (Role::Eas, CHESS));
    assert_eq!(
        identity.owner().as_str(),
        format!("urn:edgeapp:eas:{CHESS}#{}", invoker.id)
    );
    // Over HTTP/1.1 as well.
    let http1 = Caller::http1(&site.lab, &invoker.files, Role::Ccf, &site.root);
    let path = format!("/service-apis/v1/allServiceAPIs?api-invoker-id={}", invoker.id);
    assert_eq!(*http1.get(&path).await.found(), json!({}));
}

/// Credentials: made, used up, ended, and refused with the reason.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn credentials_are_handed_out_by_operators_and_count_as_often_as_they_say() {
    let mut site = Site::new(true).await;
    let why = |answer: &Answer| {
        answer.refused(401, "CREDENTIAL_NOT_ACCEPTED");
        answer.body["detail"].as_str().expect("a reason").to_owned()
    };
    let file = site.lab.path().join("credential");
    let name = file.display().to_string();
    let told = site
        .told(&[
            "credential",
            "new",
            "--role",
            "invoker",
            "--eas-id",
            CHESS,
            "--uses",
            "2",
            "--ttl",
            "1h",
            "--note",
            "trial",
            "--out",
            &name,
        ])
        .await;
    assert!(told.get("secret").is_none(), "{told}");
    let secret = fs::read_to_string(&file).expect("a secret").trim().to_owned();
    site.step().await;
    for _ in 0..2 {
        let (answer, _) = site.onboard(&secret, "https://192.0.2.9/n").await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.body);
        site.step().await;
    }
    let (answer, _) = site.onboard(&secret, "https://192.0.2.9/n").await;
    assert!(why(&answer).contains("used up"));
    let listed = site.told(&["credential", "list"]).await;
    assert_eq!(
        (&listed[0]["usesLeft"], &listed[0]["note"]),
        (&json!(0), &json!("trial"))
    );
    let hidden = secret.split('.').nth(1).expect("a secret");
    assert!(!listed.to_string().contains(hidden));

    let provider = site.credential(&["--role", "provider"]).await;
    let (answer, _) = site.onboard(&provider, "https://192.0.2.9/n").await;
    assert!(why(&answer).contains("API providers"));
    let id = provider.split('.').next().expect("a name");
    site.told(&["credential", "revoke", id]).await;
    site.step().await;
    let (answer, _) = site.onboard(&provider, "https://192.0.2.9/n").await;
    assert!(why(&answer).contains("not known"));
    let (good, _, errors) = site.operator(&["credential", "revoke", id]).await;
    assert!(!good && errors.contains("404"), "{errors}");

    let status = site.told(&["status"]).await;
    assert_eq!(status["counts"]["invokers"], 2, "{status}");
    let failures = status["failures"].to_string();
    assert!(
        failures.contains("not known") && !failures.contains(hidden),
        "{failures}"
    );
    // Neither state nor log hold a secret.
    let state = fs::read(site.plan_state()).expect("the state");
    for text in [hidden, provider.split('.').nth(1).expect("a secret")] {
        assert!(!state.windows(text.len()).any(|window| window == text.as_bytes()));
        assert!(!fs::read_to_string(site.plan.log()).expect("a log").contains(text));
    }
}

impl Site {
    fn plan_state(&self) -> std::path::PathBuf {
        self.lab.path().join("state").join("ccf.redb")
    }
}

/// A configuration that cannot be used says which key of which file, and what to do.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_configuration_is_checked_before_it_is_used() {
    let lab = Lab::new();
    let check = async |plan: &Plan| {
        let done = Command::new(program("ees"))
            .args(["ccf", "check-config", "--config"])
            .arg(plan.write())
            .output()
            .await
            .expect("the program runs");
        let said = String::from_utf8_lossy(&done.stderr).into_owned();
        (done.status.code(), said)
    };
    let (code, said) = check(&lab.ccf()).await;
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("audit = none"), "{said}");
    let certificate = lab.pki.files("ees-a").certificate.display().to_string();
    for (change, key) in [
        ("core.token_seconds = 0".to_owned(), "key `core.token_seconds`"),
        (
            "core.api_root = \"https://ccf.example/prefix\"".to_owned(),
            "key `core.api_root`",
        ),
        (
            format!("core.authority.certificate = {certificate:?}"),
            "key `core.authority`",
        ),
        (
            format!("core.identity.certificate = {certificate:?}"),
            "key `core.identity",
        ),
        ("core.ccf_id = \"another\"".to_owned(), "key `core.identity"),
        ("core.nothing = 1".to_owned(), "core.nothing"),
    ] {
        let (code, said) = check(&lab.ccf().with(&change)).await;
        assert_eq!(code, Some(2), "{change}: {said}");
        assert!(said.contains(key), "{change}: {said}");
    }
}
