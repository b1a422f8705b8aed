//! An EES whose EDGE-3 is exposed through a CAPIF core function: both as processes, over real TLS. Who comes in and who does not, what is
//! taken back in mid-connection, what a core function that is away changes, and that nothing is lost by restarts.

use edgeapp_core::{
    principal::Role,
    store::{Key, Store},
};
use edgeapp_system_tests::{
    caller::Caller,
    lab::{Lab, Plan},
    process::{Process, program},
    wait::{until, until_it_is_so},
};
use eec_sim::{configuration, pki::Files};
use http::{Method, StatusCode, header};
use rcgen::{CertificateParams, KeyPair};
use serde_json::{Value, json};
use std::fs;
use tokio::process::Command;

const FORM: &str = "application/x-www-form-urlencoded";
const CHESS: &str = "eas.chess.example";
const REGISTRATIONS: &str = "/eees-easregistration/v1/registrations";

struct Site {
    lab: Lab,
    core_plan: Plan,
    ees_plan: Plan,
    /// Where the core function is, also when it starts again.
    core_root: String,
}

/// An onboarded invoker.
struct Invoker {
    id: String,
    files: Files,
}

fn registration() -> Value {
    json!({"easProf": {"easId": CHESS, "endPt": {"uri": "https://eas.chess.example"}}})
}

impl Site {
    /// A core function with these policies, and an EES that will register at it.
    async fn new(core: &str, exposure: &str) -> (Self, Process, Process) {
        let lab = Lab::new();
        let core_plan = lab.ccf().with(core);
        let core = core_plan.start().await;
        let core_root = core.root("capif").to_owned();
        let address = core_root.trim_start_matches("https://").to_owned();
        let operator = core.root("operator").trim_start_matches("https://").to_owned();
        let core_plan = core_plan.with(&format!(
            "[core]\nlisten = \"{address}\"\n[operator]\nlisten = \"{operator}\"\n"
        ));
        let credential = lab.path().join("capif-credential");
        let section = configuration::exposure(&lab.pki, &core_root, &credential);
        let ees_plan = lab
            .ees("a")
            .with(&format!("{section}longest_retry_seconds = 1\n{exposure}"));
        let mut site = Self {
            lab,
            core_plan,
            ees_plan,
            core_root,
        };
        let secret = site.credential(&core, json!({"role": "provider"})).await;
        fs::write(&credential, secret).expect("written");
        let ees = site.ees_plan.start().await;
        let address = ees.root("edge3").trim_start_matches("https://").to_owned();
        site.ees_plan = site
            .ees_plan
            .clone()
            .with(&format!("[edge3]\nlisten = \"{address}\"\n"));
        (site, core, ees)
    }

    fn operator_of_core(&self, core: &Process) -> Caller {
        self.lab.operator(Role::Ccf, core.root("operator"))
    }

    async fn credential(&self, core: &Process, wanted: Value) -> String {
        let made = self.operator_of_core(core).post("/capif/credentials", &wanted).await;
        made.created();
        made.body["secret"].as_str().expect("a secret").to_owned()
    }

    async fn invoker(&self, core: &Process) -> Invoker {
        let secret = self.credential(core, json!({"role": "invoker", "easId": CHESS})).await;
        let key = KeyPair::generate().expect("a key");
        let request = CertificateParams::default().serialize_request(&key).expect("a request");
        let body = json!({"onboardingInformation": {"apiInvokerPublicKey": request.pem().expect("PEM")},
            "notificationDestination": "https://127.0.0.1:9/capif"});
        let stranger = Caller::anonymous(&self.lab, Role::Ccf, &self.core_root).bearing(&secret);
        let made = stranger
            .post("/api-invoker-management/v1/onboardedInvokers", &body)
            .await;
        made.created();
        let id = made.body["apiInvokerId"].as_str().expect("an identifier").to_owned();
        let certificate = &made.body["onboardingInformation"]["apiInvokerCertificate"];
        let files = Files {
            certificate: self.lab.path().join(format!("{id}.pem")),
            key: self.lab.path().join(format!("{id}.key")),
        };
        fs::write(&files.certificate, certificate.as_str().expect("a certificate")).expect("written");
        fs::write(&files.key, key.serialize_pem()).expect("written");
        Invoker { id, files }
    }

    fn at_core(&self, invoker: &Invoker) -> Caller {
        Caller::new(&self.lab, &invoker.files, Role::Ccf, &self.core_root)
    }

    fn at_ees(&self, invoker: &Invoker, ees: &Process) -> Caller {
        Caller::new(&self.lab, &invoker.files, Role::Ees, ees.root("edge3"))
    }

    /// The description of an API of EDGE-3, once it is published.
    async fn published(&self, invoker: &Invoker, name: &str) -> Value {
        let query = format!(
            "/service-apis/v1/allServiceAPIs?api-invoker-id={}&api-name={name}",
            invoker.id
        );
        let core = self.at_core(invoker);
        until("the API is published", async || {
            let found = core.get(&query).await;
            found.body["serviceAPIDescriptions"].get(0).cloned()
        })
        .await
    }

    async fn agree(&self, invoker: &Invoker, aef: &str, method: &str) {
        let body = json!({"securityInfo": [{"aefId": aef, "prefSecurityMethods": [method]}],
            "notificationDestination": "https://127.0.0.1:9/revoked"});
        let place = format!("/capif-security/v1/trustedInvokers/{}", invoker.id);
        let agreed = self.at_core(invoker).put(&place, &body).await;
        agreed.created();
        assert_eq!(agreed.body["securityInfo"][0]["selSecurityMethod"], method);
    }

    async fn token(&self, invoker: &Invoker, scope: &str) -> String {
        let place = format!("/capif-security/v1/securities/{}/token", invoker.id);
        let form = format!(
            "grant_type=client_credentials&client_id={}&scope={}",
            invoker.id,
            scope.replace('#', "%23")
        );
        let told = self.at_core(invoker).send(Method::POST, &place, FORM, form).await;
        told.found()["access_token"].as_str().expect("a token").to_owned()
    }

    /// The certificate of the management function of an EES that does not run.
    async fn amf(&self) -> Files {
        let store = edgeapp_store::RedbStore::open(self.ees_plan.state()).expect("a store");
        let kept = store
            .get(&Key::new("capif-provider/domain"))
            .await
            .expect("read")
            .expect("a domain");
        let domain: Value = serde_json::from_slice(&kept.value).expect("JSON");
        let files = Files {
            certificate: self.lab.path().join("amf.pem"),
            key: self.lab.path().join("amf.key"),
        };
        fs::write(&files.certificate, domain["amf"]["certificate"].as_str().expect("text")).expect("written");
        fs::write(&files.key, domain["amf"]["key"].as_str().expect("text")).expect("written");
        files
    }

    /// What the EES says of the core function at its operator's port.
    async fn link(&self, ees: &Process) -> Value {
        let ready = self.lab.operator(Role::Ees, ees.root("operator")).get("/ready").await;
        let needs = ready.body["needs"].as_array().cloned().unwrap_or_default();
        let found = needs.into_iter().find(|need| need["name"] == "capif");
        found.unwrap_or_default()
    }
}

fn aef_of(api: &Value) -> String {
    api["aefProfiles"][0]["aefId"].as_str().expect("an AEF").to_owned()
}

/// From onboarding to the refusal on the live connection; a token for another API, of somebody else, and none.
///
/// Proves: WP-26
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_let_in_and_what_is_taken_back() {
    let (site, core, ees) = Site::new("", "").await;
    let invoker = site.invoker(&core).await;
    let api = site.published(&invoker, "eees-easregistration").await;
    let aef = aef_of(&api);
    let interface = &api["aefProfiles"][0]["interfaceDescriptions"][0];
    assert_eq!(format!("https://127.0.0.1:{}", interface["port"]), ees.root("edge3"));
    assert_eq!(api["apiSuppFeats"], "1");
    assert_eq!(api["aefProfiles"][0]["aefLocation"]["dcId"], "dnai-a");
    let resources = &api["aefProfiles"][0]["versions"][0]["resources"];
    assert!(
        resources
            .as_array()
            .is_some_and(|all| all.iter().any(|one| one["uri"] == "/registrations/{registrationId}")),
        "{resources}"
    );

    let eas = site.at_ees(&invoker, &ees);
    let without = eas.post(REGISTRATIONS, &registration()).await;
    without.refused(401, "UNAUTHENTICATED");
    assert_eq!(
        without.headers[header::WWW_AUTHENTICATE],
        "Bearer realm=\"ees-a.example\""
    );
    site.agree(&invoker, &aef, "OAUTH").await;
    let token = site.token(&invoker, &format!("3gpp#{aef}:eees-easregistration")).await;
    let eas = eas.bearing(&token);
    let made = eas.post(REGISTRATIONS, &registration()).await;
    let place = made.created();
    let other = eas.get("/eees-uelocation/v1/subscriptions/1").await;
    other.refused(403, "UNAUTHORIZED");
    let challenge = other.headers[header::WWW_AUTHENTICATE].to_str().expect("text");
    assert!(
        challenge.contains(&format!("insufficient_scope\", scope=\"3gpp#{aef}:eees-uelocation\"")),
        "{challenge}"
    );

    // Somebody else's certificate: that of another invoker, and that of an EAS of the operator's own authority.
    let thief = site.invoker(&core).await;
    let stolen = site.at_ees(&thief, &ees).bearing(&token).get(&place).await;
    stolen.refused(401, "UNAUTHENTICATED");
    let own = site.lab.eas(&format!("{CHESS}#a"), ees.root("edge3"));
    own.get(&place).await.refused(401, "UNAUTHENTICATED");
    own.bearing(&token).get(&place).await.refused(401, "UNAUTHENTICATED");
    for bad in ["x", "a.b.c", &token[..token.len() - 4]] {
        let refused = eas.bearing(bad).get(&place).await;
        refused.refused(401, "UNAUTHENTICATED");
        let challenge = refused.headers[header::WWW_AUTHENTICATE].to_str().expect("text");
        assert!(challenge.contains("error=\"invalid_token\""), "{challenge}");
    }
    eas.get(&place).await.found();

    // Taken back in mid-connection.
    let authorization = format!("/capif/invokers/{}/authorization", invoker.id);
    site.operator_of_core(&core).delete(&authorization).await.done();
    until_it_is_so("the EES refuses the token", async || {
        eas.get(&place).await.status == StatusCode::UNAUTHORIZED
    })
    .await;

    // And it stays so when the EES starts again.
    ees.kill().await;
    let ees = site.ees_plan.start().await;
    let eas = site.at_ees(&invoker, &ees).bearing(&token);
    eas.get(&place).await.refused(401, "UNAUTHENTICATED");
}

/// A core function that is away stops no token that was issued; the operator's port tells of it; what was invoked meanwhile is told when
/// it is back, also when both were killed in between.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_core_function_that_is_away_changes_nothing_for_tokens() {
    let (site, core, ees) = Site::new("", "").await;
    let invoker = site.invoker(&core).await;
    let aef = aef_of(&site.published(&invoker, "eees-easregistration").await);
    site.agree(&invoker, &aef, "OAUTH").await;
    let token = site.token(&invoker, &format!("3gpp#{aef}:eees-easregistration")).await;
    let eas = site.at_ees(&invoker, &ees).bearing(&token);
    let place = eas.post(REGISTRATIONS, &registration()).await.created();

    core.kill().await;
    until_it_is_so("the EES tells that the core function is away", async || {
        let link = site.link(&ees).await;
        link["ready"] == true && link["detail"].is_string()
    })
    .await;
    eas.get(&place).await.found();
    ees.kill().await;
    let amf = site.amf().await;
    let ees = site.ees_plan.start().await;
    let eas = site.at_ees(&invoker, &ees).bearing(&token);
    eas.get(&place).await.found();

    let core = site.core_plan.start().await;
    until_it_is_so("the EES is at peace with the core function", async || {
        site.link(&ees).await["detail"].is_null()
    })
    .await;
    let amf = Caller::new(&site.lab, &amf, Role::Ccf, &site.core_root);
    let logs = format!("/logs/v1/apiInvocationLogs?aef-id={aef}&api-invoker-id={}", invoker.id);
    let all = until("all three invocations are told", async || {
        let told = amf.get(&logs).await.body["logs"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        (told.len() >= 3).then_some(told)
    })
    .await;
    assert_eq!(
        (&all[0]["operation"], &all[0]["result"]),
        (&json!("POST"), &json!("201"))
    );
    assert_eq!(all[1]["resourceName"], "/registrations/{registrationId}");
    drop(core);
}

/// Whatever was acknowledged is there again when both sides are killed after each step, from the registration of the EES to a revocation
/// that nobody was told of yet.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_sides_are_killed_after_each_step_and_nothing_is_lost() {
    let (site, mut core, mut ees) = Site::new("", "").await;
    let again = async |core: Process, ees: Process| {
        core.kill().await;
        ees.kill().await;
        (site.core_plan.start().await, site.ees_plan.start().await)
    };
    let invoker = site.invoker(&core).await;
    let api = site.published(&invoker, "eees-easregistration").await;
    (core, ees) = again(core, ees).await;
    let same = site.published(&invoker, "eees-easregistration").await;
    assert_eq!((aef_of(&same), &same["apiId"]), (aef_of(&api), &api["apiId"]));
    let aef = aef_of(&api);
    site.agree(&invoker, &aef, "OAUTH").await;
    (core, ees) = again(core, ees).await;
    let token = site.token(&invoker, &format!("3gpp#{aef}:eees-easregistration")).await;
    (core, ees) = again(core, ees).await;
    let eas = site.at_ees(&invoker, &ees).bearing(&token);
    let place = eas.post(REGISTRATIONS, &registration()).await.created();
    (core, ees) = again(core, ees).await;
    let eas = site.at_ees(&invoker, &ees).bearing(&token);
    eas.get(&place).await.found();
    let authorization = format!("/capif/invokers/{}/authorization", invoker.id);
    site.operator_of_core(&core).delete(&authorization).await.done();
    (core, ees) = again(core, ees).await;
    let eas = site.at_ees(&invoker, &ees).bearing(&token);
    until_it_is_so("the EES refuses the token", async || {
        eas.get(&place).await.status == StatusCode::UNAUTHORIZED
    })
    .await;

    // What was served is written down at the core function, and by no other names than before.
    ees.kill().await;
    let amf = site.amf().await;
    ees = site.ees_plan.start().await;
    let amf = Caller::new(&site.lab, &amf, Role::Ccf, &site.core_root);
    let logs = format!("/logs/v1/apiInvocationLogs?aef-id={aef}&api-invoker-id={}", invoker.id);
    until_it_is_so("both invocations are told", async || {
        let told = amf.get(&logs).await;
        let told = told.body["logs"].as_array().cloned().unwrap_or_default();
        let was = |method: &str, result: &str| {
            told.iter()
                .any(|log| log["operation"] == method && log["result"] == result && log["apiId"] == api["apiId"])
        };
        was("POST", "201") && was("GET", "200")
    })
    .await;
    drop((core, ees));
}

/// Publications follow the configuration, are the same after a restart, and go when the EES stops.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_published_follows_the_configuration() {
    let (site, core, ees) = Site::new("", "").await;
    let invoker = site.invoker(&core).await;
    let before = site.published(&invoker, "eees-easregistration").await;
    site.published(&invoker, "eees-uelocation").await;
    ees.kill().await;
    let plan = site.ees_plan.clone();
    let ees = plan
        .clone()
        .with("[capif.exposure]\napis = [\"eees-easregistration\"]\ndata_centre = \"dc-north-1\"\n")
        .start()
        .await;
    let core_caller = site.at_core(&invoker);
    let query = format!("/service-apis/v1/allServiceAPIs?api-invoker-id={}", invoker.id);
    let now = until("one API is left, described anew", async || {
        let found = core_caller.get(&query).await;
        let all = found.body["serviceAPIDescriptions"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        (all.len() == 1 && all[0]["aefProfiles"][0]["aefLocation"]["dcId"] == "dc-north-1").then(|| all[0].clone())
    })
    .await;
    assert_eq!(now["apiId"], before["apiId"], "the same API, not another one");
    ees.stop().await;
    let found = core_caller.get(&query).await;
    assert_eq!(*found.found(), json!({}), "nothing is published by an EES that stopped");
    let ees = plan.start().await;
    let again = site.published(&invoker, "eees-easregistration").await;
    assert_eq!(
        aef_of(&again),
        aef_of(&before),
        "the same domain: it did not register anew"
    );
    drop(ees);
}

/// Policies of the core function bound what an invoker uses, and what was used is remembered.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn access_control_policies_are_obeyed() {
    let policy = "[[core.policy]]\napi_name = \"eees-easregistration\"\ntotal = 3\n";
    let (site, core, ees) = Site::new(policy, "").await;
    let invoker = site.invoker(&core).await;
    let aef = aef_of(&site.published(&invoker, "eees-easregistration").await);
    site.agree(&invoker, &aef, "OAUTH").await;
    let token = site.token(&invoker, &format!("3gpp#{aef}:eees-easregistration")).await;
    // The EES asks for policies each second.
    tokio::time::sleep(std::time::Duration::from_millis(2500)).await;
    let eas = site.at_ees(&invoker, &ees).bearing(&token);
    let place = eas.post(REGISTRATIONS, &registration()).await.created();
    eas.get(&place).await.found();
    ees.kill().await;
    let ees = site.ees_plan.start().await;
    let eas = site.at_ees(&invoker, &ees).bearing(&token);
    eas.get(&place).await.found();
    eas.get(&place).await.refused(429, "QUOTA_EXCEEDED");
}

/// A policy counts as soon as the core function has it, not when the EES asks for policies next.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_policy_that_changed_counts_at_once() {
    let (site, core, ees) = Site::new("", "").await;
    let invoker = site.invoker(&core).await;
    let aef = aef_of(&site.published(&invoker, "eees-easregistration").await);
    site.agree(&invoker, &aef, "OAUTH").await;
    let token = site.token(&invoker, &format!("3gpp#{aef}:eees-easregistration")).await;
    ees.kill().await;
    let seldom = site.ees_plan.clone().with("[capif.exposure]\ncheck_seconds = 3600\n");
    let ees = seldom.start().await;
    until_it_is_so("the EES asked once", async || site.link(&ees).await["detail"].is_null()).await;
    let eas = site.at_ees(&invoker, &ees).bearing(&token);
    let place = eas.post(REGISTRATIONS, &registration()).await.created();
    core.kill().await;
    let policy = "[[core.policy]]\napi_name = \"eees-easregistration\"\ntotal = 1\n";
    let core = site.core_plan.clone().with(policy).start().await;
    until_it_is_so("the policy counts", async || {
        eas.get(&place).await.status == StatusCode::TOO_MANY_REQUESTS
    })
    .await;
    // A subscription is kept, and ended with the EES.
    let subscriptions = async || {
        let status = site.operator_of_core(&core).get("/capif").await;
        status.found()["counts"]["eventSubscriptions"].clone()
    };
    assert_eq!(subscriptions().await, 1);
    ees.stop().await;
    assert_eq!(subscriptions().await, 0);
}

/// With PKI the certificate is enough, as long as the core function says so.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_pki_the_core_function_is_asked() {
    let (site, core, ees) = Site::new("", "").await;
    let invoker = site.invoker(&core).await;
    let aef = aef_of(&site.published(&invoker, "eees-easregistration").await);
    let eas = site.at_ees(&invoker, &ees);
    let check = json!({"apiInvokerId": invoker.id, "supportedFeatures": "0"});
    let unknown = eas.post("/aef-security/v1/check-authentication", &check).await;
    unknown.refused(404, "RESOURCE_NOT_FOUND");
    site.agree(&invoker, &aef, "PKI").await;
    eas.post("/aef-security/v1/check-authentication", &check).await.found();
    let place = eas.post(REGISTRATIONS, &registration()).await.created();
    let revoke = json!({"revokeInfo": {"apiInvokerId": invoker.id, "apiIds": ["a"], "cause": "UNEXPECTED_REASON"}, "supportedFeatures": "0"});
    let refused = eas.post("/aef-security/v1/revoke-authorization", &revoke).await;
    refused.refused(403, "UNAUTHORIZED");
    let authorization = format!("/capif/invokers/{}/authorization", invoker.id);
    site.operator_of_core(&core).delete(&authorization).await.done();
    until_it_is_so("the EES refuses the certificate", async || {
        eas.get(&place).await.status == StatusCode::UNAUTHORIZED
    })
    .await;
}

/// One box: the EES exposes its APIs at the core function within it, without being told where that is.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_ees_is_exposed_at_the_core_function_within_it() {
    let lab = Lab::new();
    let (own, authority) = (lab.pki.files("ccf"), lab.pki.capif_authority());
    let credential = lab.path().join("capif-credential");
    let quoted = |path: &std::path::Path| format!("{:?}", path.display().to_string());
    let plan = lab.ees("a").with(&format!(
        "[capif]\nembedded = true\n[capif.core]\nccf_id = \"ccf.example\"\nlisten = \"127.0.0.1:0\"\n\
        identity = {{ certificate = {}, key = {} }}\nauthority = {{ certificate = {}, key = {} }}\n\
        store = {{ kind = \"redb\", path = {} }}\n[capif.exposure]\nroots = {}\ncredential_file = {}\ncheck_seconds = 1\n",
        quoted(&own.certificate),
        quoted(&own.key),
        quoted(&authority.certificate),
        quoted(&authority.key),
        quoted(&lab.path().join("state/ccf.redb")),
        quoted(&lab.pki.ca(Role::Ccf)),
        quoted(&credential),
    ));
    let ees = plan.start().await;
    let operator = lab.operator(Role::Ees, ees.root("operator"));
    let made = operator.post("/capif/credentials", &json!({"role": "provider"})).await;
    made.created();
    fs::write(&credential, made.body["secret"].as_str().expect("a secret")).expect("written");
    let done = Command::new(program("eec-sim"))
        .args(["capif", "walk", "--embedded", "--json", "--ccf", ees.root("capif")])
        .args(["--operator", ees.root("operator"), "--pki"])
        .arg(lab.path().join("pki"))
        .output()
        .await
        .expect("the program runs");
    let said = String::from_utf8_lossy(&done.stdout).into_owned();
    assert!(
        done.status.success(),
        "{said}\n{}",
        String::from_utf8_lossy(&done.stderr)
    );
    assert!(said.contains("refused on the same connection"), "{said}");
    assert_eq!(ees.stop().await.code(), Some(0));
    let log = fs::read_to_string(plan.log()).expect("a log");
    assert!(!log.contains("could not be withdrawn"), "it was still heard: {log}");
}

/// The shipped scenario.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_shipped_scenario_holds() {
    let done = Command::new(program("eec-sim"))
        .args(["run", "capif", "--json"])
        .output()
        .await;
    let done = done.expect("the program runs");
    let said = String::from_utf8_lossy(&done.stdout).into_owned();
    assert!(
        done.status.success(),
        "{said}\n{}",
        String::from_utf8_lossy(&done.stderr)
    );
    assert!(said.contains("refused on the same connection"), "{said}");
}
