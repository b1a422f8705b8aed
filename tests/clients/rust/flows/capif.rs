//! A provider and an API invoker at a core function (TS 29.222), and the invoker at an EES that is exposed there: from a credential to a call.

use crate::world::{CHESS, made, read, refused};
use edgeapp_client_tests::{
    Refusal, access_control_policy, aef_security, api_invocation_logs, api_invoker_management, api_provider_management,
    capif_events, capif_routing_info, capif_security, eees_easregistration, logs, published_apis, service_apis,
};
use edgeapp_core::principal::Role;
use edgeapp_system_tests::{
    caller::tls,
    lab::Lab,
    process::Process,
    wait::{until, until_it_is_so},
};
use eec_sim::{configuration, pki::Files};
use rcgen::{CertificateParams, KeyPair};
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use serde_json::json;
use std::{fs, time::Duration};

const NAME: &str = "eees-easregistration";
const METHODS: [&str; 1] = ["OAUTH"];

/// A core function.
struct Site {
    lab: Lab,
    core: Process,
}

/// Whom the core function knows: an identifier and a certificate.
struct Holder {
    id: String,
    files: Files,
}

/// A certification request, and its key.
fn request() -> (String, KeyPair) {
    let key = KeyPair::generate().expect("a key");
    let request = CertificateParams::default().serialize_request(&key);
    (request.and_then(|request| request.pem()).expect("a request"), key)
}

impl Site {
    async fn open() -> Self {
        let lab = Lab::new();
        let core = lab.ccf().start().await;
        Self { lab, core }
    }

    /// What a generated client needs: where an API of the core function is, and somebody's way to it. Who has no certificate shows a
    /// credential.
    fn way(&self, who: Option<&Holder>, secret: Option<&str>, api: &str) -> (String, reqwest::Client) {
        let files = who.map(|holder| &holder.files);
        let client = client(&self.lab, files, Role::Ccf, secret);
        (format!("{}/{api}/v1", self.core.root("capif")), client)
    }

    /// The secret of an onboarding credential, as the operator of the core function hands it out.
    async fn credential(&self, wanted: serde_json::Value) -> String {
        let operator = self.lab.operator(Role::Ccf, self.core.root("operator"));
        let told = operator.post("/capif/credentials", &wanted).await;
        told.body["secret"].as_str().expect("a secret").to_owned()
    }

    /// Keeps what the core function made of a key.
    fn keeps(&self, id: &str, certificate: &str, key: &KeyPair) -> Holder {
        let files = Files {
            certificate: self.lab.path().join(format!("{id}.pem")),
            key: self.lab.path().join(format!("{id}.key")),
        };
        fs::write(&files.certificate, certificate).expect("written");
        fs::write(&files.key, key.serialize_pem()).expect("written");
        Holder {
            id: id.to_owned(),
            files,
        }
    }

    /// AMF, APF and AEF of a provider, and the identifier of its registration.
    async fn provider(&self) -> ([Holder; 3], String) {
        let (base, client) = self.way(None, None, "api-provider-management");
        let client = api_provider_management::Client::new_with_client(&base, client);
        let secret = self.credential(json!({"role": "provider"})).await;
        let keys = ["AMF", "APF", "AEF"].map(|role| (role, request()));
        let functions = keys
            .each_ref()
            .map(|(role, (request, _))| json!({"apiProvFuncRole": role, "regInfo": {"apiProvPubKey": request}}));
        let wanted = read(json!({"regSec": secret, "apiProvFuncs": functions}));
        let answer = client.register_provider_domain(&wanted).await.expect("registered");
        let (registration, _) = made(answer.headers());
        let functions = answer.into_inner().api_prov_funcs;
        let holder = |place: usize| {
            let function = &functions[place];
            let id = function.api_prov_func_id.as_deref().expect("an identifier");
            let certificate = function.reg_info.api_prov_cert.as_deref().expect("a certificate");
            self.keeps(id, certificate, &keys[place].1.1)
        };
        ([holder(0), holder(1), holder(2)], registration)
    }

    /// An onboarded invoker.
    async fn invoker(&self) -> Holder {
        let secret = self.credential(json!({"role": "invoker", "easId": CHESS})).await;
        let (asked, key) = request();
        let wanted = read(json!({"onboardingInformation": {"apiInvokerPublicKey": asked},
            "notificationDestination": "https://127.0.0.1:9/n"}));
        let (base, nobody) = self.way(None, Some("a.b"), "api-invoker-management");
        let nobody = api_invoker_management::Client::new_with_client(&base, nobody);
        refused!(nobody.onboard_api_invoker(&wanted), 401);
        let (base, client) = self.way(None, Some(&secret), "api-invoker-management");
        let client = api_invoker_management::Client::new_with_client(&base, client);
        let answer = client.onboard_api_invoker(&wanted).await.expect("onboarded");
        let (id, _) = made(answer.headers());
        assert_eq!(answer.api_invoker_id.as_deref(), Some(&id));
        let certificate = answer.onboarding_information.api_invoker_certificate.as_deref();
        self.keeps(&id, certificate.expect("a certificate"), &key)
    }

    /// The APIs of this name that an invoker finds.
    async fn found(&self, invoker: &Holder) -> Vec<service_apis::types::ServiceApiDescription> {
        let (base, client) = self.way(Some(invoker), None, "service-apis");
        let client = service_apis::Client::new_with_client(&base, client);
        let id = &invoker.id;
        let found = client
            .discover_service_ap_is(None, None, id, Some(NAME), None, None, None, None, None, None, None)
            .await;
        found.expect("an answer").into_inner().service_api_descriptions
    }

    /// A token for all that an exposing function offers.
    async fn token(&self, invoker: &Holder, aef: &str) -> String {
        let (base, client) = self.way(Some(invoker), None, "capif-security");
        let client = capif_security::Client::new_with_client(&base, client);
        let entry = json!({"aefId": aef, "prefSecurityMethods": METHODS});
        let wanted = read(json!({"securityInfo": [entry], "notificationDestination": "https://127.0.0.1:9/r"}));
        let agreed = client
            .create_security_context(&invoker.id, &wanted)
            .await
            .expect("agreed");
        assert!(agreed.security_info[0].sel_security_method.is_some(), "{agreed:?}");
        let scope = format!("3gpp#{aef}:{NAME}");
        let form = json!({"grant_type": "client_credentials", "client_id": invoker.id, "scope": scope});
        let token = client
            .obtain_access_token(&invoker.id, &read(form))
            .await
            .expect("a token");
        assert_eq!(token.scope.as_deref(), Some(scope.as_str()));
        token.into_inner().access_token
    }
}

/// Somebody's way to servers of this role, with what it bears on it.
fn client(lab: &Lab, who: Option<&Files>, server: Role, bears: Option<&str>) -> reqwest::Client {
    let bears = bears.map(|secret| HeaderValue::try_from(format!("Bearer {secret}")).expect("a header"));
    let headers: HeaderMap = bears.map(|value| (AUTHORIZATION, value)).into_iter().collect();
    reqwest::Client::builder()
        .tls_backend_preconfigured(tls(lab, who, server))
        .default_headers(headers)
        .timeout(Duration::from_secs(20))
        .build()
        .expect("a client")
}

/// All that the APIs of CAPIF are for: every one of them is called.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn from_a_credential_to_a_token_and_to_its_end() {
    let site = Site::open().await;
    let ([amf, apf, aef], registration) = site.provider().await;
    let (base, apfs) = site.way(Some(&apf), None, "published-apis");
    let apfs = published_apis::Client::new_with_client(&base, apfs);
    let resource = json!({"resourceName": "registrations", "commType": "REQUEST_RESPONSE", "uri": "/registrations", "operations": ["POST"]});
    let profile = json!({"aefId": aef.id, "protocol": "HTTP_2", "dataFormat": "JSON", "securityMethods": METHODS,
        "domainName": "ees.example", "versions": [{"apiVersion": "v1", "resources": [resource]}]});
    let description = read(json!({"apiName": NAME, "aefProfiles": [profile]}));
    let published = apfs
        .publish_service_api(&apf.id, &description)
        .await
        .expect("published");
    let (api_id, _) = made(published.headers());

    let invoker = site.invoker().await;
    let found = site.found(&invoker).await;
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0].api_id.as_deref(), Some(&api_id));
    let (base, events) = site.way(Some(&invoker), None, "capif-events");
    let events = capif_events::Client::new_with_client(&base, events);
    let wanted = read(json!({"events": ["SERVICE_API_UPDATE"], "notificationDestination": "https://127.0.0.1:9/e"}));
    let subscribed = events
        .create_event_subscription(&invoker.id, &wanted)
        .await
        .expect("subscribed");
    let (subscription, _) = made(subscribed.headers());
    let token = site.token(&invoker, &aef.id).await;
    assert_eq!(token.split('.').count(), 3);

    // The exposing function: what the invoker may do, how much of it, by which way; and what it did.
    let (base, client) = site.way(Some(&aef), None, "capif-security");
    let security = capif_security::Client::new_with_client(&base, client);
    let context = security
        .read_security_context(&invoker.id, None, Some(true))
        .await
        .expect("a context");
    let scope = format!("3gpp#{}:{NAME}", aef.id);
    assert_eq!(
        context.security_info[0].authorization_info.as_deref(),
        Some(scope.as_str())
    );
    let (base, client) = site.way(Some(&aef), None, "access-control-policy");
    let policies = access_control_policy::Client::new_with_client(&base, client);
    let policies = policies
        .read_access_control_policies(&api_id, &aef.id, None, None)
        .await;
    assert!(policies.expect("policies").api_invoker_policies.is_empty());
    let (base, client) = site.way(Some(&aef), None, "capif-routing-info");
    let routing = capif_routing_info::Client::new_with_client(&base, client);
    refused!(routing.read_routing_info(&api_id, &aef.id, None), 404);
    let (base, client) = site.way(Some(&aef), None, "api-invocation-logs");
    let logging = api_invocation_logs::Client::new_with_client(&base, client);
    let invocation = json!({"apiId": api_id, "apiName": NAME, "apiVersion": "v1", "resourceName": "registrations", "protocol": "HTTP_2",
        "uri": "https://ees.example/registrations", "result": "201"});
    let log = read(json!({"aefId": aef.id, "apiInvokerId": invoker.id, "logs": [invocation]}));
    logging.create_invocation_log(&aef.id, &log).await.expect("written");
    let (base, client) = site.way(Some(&amf), None, "logs");
    let audit = logs::Client::new_with_client(&base, client);
    let told = audit
        .read_invocation_logs(
            Some(&aef.id),
            None,
            None,
            None,
            None,
            None,
            None,
            None,
            None,
            None,
            None,
            None,
        )
        .await;
    let told = serde_json::to_value(told.expect("logs").into_inner()).expect("JSON");
    assert!(told.to_string().contains("\"201\""), "{told}");

    // Everybody leaves.
    security.delete_security_context(&invoker.id).await.expect("taken back");
    let (base, client) = site.way(Some(&invoker), None, "capif-security");
    let client = capif_security::Client::new_with_client(&base, client);
    let form = json!({"grant_type": "client_credentials", "client_id": invoker.id});
    let again = client.obtain_access_token(&invoker.id, &read(form)).await;
    assert!(
        matches!(&again, Err(Refusal::UnexpectedResponse(answer)) if answer.status() == 404),
        "{again:?}"
    );
    events
        .delete_event_subscription(&invoker.id, &subscription)
        .await
        .expect("ended");
    apfs.withdraw_published_api(&apf.id, &api_id).await.expect("withdrawn");
    assert!(site.found(&invoker).await.is_empty());
    let (base, client) = site.way(Some(&invoker), None, "api-invoker-management");
    let management = api_invoker_management::Client::new_with_client(&base, client);
    management.offboard_api_invoker(&invoker.id).await.expect("offboarded");
    let (base, client) = site.way(Some(&amf), None, "api-provider-management");
    let provider = api_provider_management::Client::new_with_client(&base, client);
    provider
        .deregister_provider_domain(&registration)
        .await
        .expect("deregistered");
}

/// An EES that exposes EDGE-3 through the core function is found there, and called with a token of it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_ees_is_found_and_called() {
    let site = Site::open().await;
    let credential = site.lab.path().join("provider.credential");
    fs::write(&credential, site.credential(json!({"role": "provider"})).await).expect("written");
    let exposure = configuration::exposure(&site.lab.pki, site.core.root("capif"), &credential);
    let ees = site.lab.ees("a").with(&exposure).start().await;
    let invoker = site.invoker().await;
    let found = until("the EES is found", async || site.found(&invoker).await.pop()).await;
    let profile = &found.aef_profiles[0];
    let aef = profile.aef_id.to_string();
    let token = site.token(&invoker, &aef).await;

    let calls = |token| client(&site.lab, Some(&invoker.files), Role::Ees, token);
    let base = format!("{}/{NAME}/v1", ees.root("edge3"));
    let registration = read(json!({"easProf": {"easId": CHESS, "endPt": {"fqdn": "chess.edge-a.example"}}}));
    let without = eees_easregistration::Client::new_with_client(&base, calls(None));
    refused!(without.create_eas_registration(&registration), 401);
    let registrations = eees_easregistration::Client::new_with_client(&base, calls(Some(&token)));
    let answer = registrations
        .create_eas_registration(&registration)
        .await
        .expect("registered");
    let (id, _) = made(answer.headers());
    registrations
        .read_ind_eas_registration(&id)
        .await
        .expect("the registration");

    let base = format!("{}/aef-security/v1", ees.root("edge3"));
    let security = aef_security::Client::new_with_client(&base, calls(None));
    let wanted = read(json!({"apiInvokerId": invoker.id, "supportedFeatures": "0"}));
    refused!(security.check_authentication(&wanted), 404); // tokens were agreed on, not certificates

    let operator = site.lab.operator(Role::Ccf, site.core.root("operator"));
    operator
        .delete(&format!("/capif/invokers/{}/authorization", invoker.id))
        .await
        .done();
    until_it_is_so("the token is refused", async || {
        let answer = registrations.read_ind_eas_registration(&id).await;
        matches!(&answer, Err(Refusal::ErrorResponse(problem)) if problem.status() == 401)
    })
    .await;
}
