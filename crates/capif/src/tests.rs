//! The rooms over a store in memory: what callers do one after the other.

use crate::{
    caller::Proof,
    certificate::{Authority, RequestedKey, new_authority},
    core_function::{CoreFunction, CoreRules, Lapses},
    credential::{Bearer, NewCredential},
    exposing::signed,
    token::NoToken,
};
use edgeapp_core::{
    callback::CallbackRule,
    clock::{Clock, ManualClock},
    collection::Change,
    error::{Cause, Error},
    evidence::NoEvidence,
    principal::Principal,
    room::Room,
    store::{Entry, Span},
    sweeper::sweep,
    token::Thumbprint,
};
use edgeapp_openapi::{
    capif::{
        ApiInvokerId, FunctionId,
        discover_service::DiscoveryQuery,
        invoker_management::ApiInvokerEnrolmentDetails,
        provider_management::ApiProviderEnrolmentDetails,
        publish_service::ServiceApiDescription,
        security::{ServiceSecurity, TokenError},
    },
    common::DateTime,
};
use edgeapp_store::MemoryStore;
use rcgen::{CertificateParams, DnType, KeyPair};
use serde_json::{Value, json};
use std::sync::Arc;
use x509_parser::{certificate::X509Certificate, prelude::FromDer};

fn now() -> DateTime {
    "2026-01-01T00:00:00Z".parse().expect("an instant")
}

fn operator() -> Principal {
    Principal::from_names(["urn:edgeapp:operator:o"], []).expect("an identity")
}

struct Lab {
    core: Arc<CoreFunction>,
    clock: Arc<ManualClock>,
}

/// Somebody with a certificate.
struct Holder {
    principal: Principal,
    thumbprint: Thumbprint,
    id: String,
}

impl Holder {
    fn of(pem: &str) -> Self {
        let block = pem::parse(pem).expect("PEM");
        let (_, parsed) = X509Certificate::from_der(block.contents()).expect("a certificate");
        let names = parsed.subject_alternative_name().expect("names").expect("names");
        let uris: Vec<&str> = names
            .value
            .general_names
            .iter()
            .filter_map(|name| match name {
                x509_parser::extensions::GeneralName::URI(uri) => Some(*uri),
                _ => None,
            })
            .collect();
        let mut digest = [0; 32];
        let sum = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, block.contents());
        digest.copy_from_slice(sum.as_ref());
        let name = parsed.subject().iter_common_name().next().expect("a common name");
        Self {
            principal: Principal::from_names(uris, []).expect("an identity"),
            thumbprint: Thumbprint::new(digest),
            id: name.as_str().expect("text").to_owned(),
        }
    }

    fn proof(&self) -> Proof<'_> {
        Proof {
            principal: &self.principal,
            thumbprint: Some(&self.thumbprint),
        }
    }
}

fn request() -> String {
    let key = KeyPair::generate().expect("a key");
    let mut params = CertificateParams::default();
    // What a request claims does not count.
    params
        .distinguished_name
        .push(DnType::CommonName, "AMF-of-somebody-else");
    params.serialize_request(&key).expect("a request").pem().expect("PEM")
}

impl Lab {
    async fn new() -> Self {
        Self::with(CoreRules::default()).await
    }

    async fn with(rules: CoreRules) -> Self {
        let clock = ManualClock::at(now());
        let (certificate, key) = new_authority("test", now(), 365).expect("an authority");
        let authority = Authority::from_pem(&certificate, &key).expect("an authority");
        let room = Room::new(Arc::new(MemoryStore::new()), clock.clone());
        let rules = CoreRules {
            callbacks: CallbackRule::anywhere(),
            ..rules
        };
        let core = CoreFunction::start(room, rules, authority, Arc::new(NoEvidence))
            .await
            .expect("a core function");
        Self { core, clock }
    }

    async fn credential(&self, bearer: Bearer, uses: u32) -> String {
        let operator = operator();
        let wanted = NewCredential {
            bearer,
            uses,
            ttl: 3600,
            note: None,
        };
        self.core
            .new_credential(&operator, &wanted)
            .await
            .expect("a credential")
            .secret
    }

    async fn provider(&self) -> [Holder; 3] {
        let secret = self.credential(Bearer::Provider, 1).await;
        let functions: Vec<Value> = ["AMF", "APF", "AEF"]
            .into_iter()
            .map(|role| json!({"regInfo": {"apiProvPubKey": request()}, "apiProvFuncRole": role}))
            .collect();
        let details = json!({"regSec": secret, "apiProvFuncs": functions, "suppFeat": "1"});
        let details: ApiProviderEnrolmentDetails = serde_json::from_value(details).expect("details");
        let (_, made) = self.core.register_domain(&details).await.expect("registered");
        assert!(made.reg_sec.is_empty() && made.fail_reason.is_none());
        let of = |place: usize| {
            Holder::of(
                made.api_prov_funcs[place]
                    .reg_info
                    .api_prov_cert
                    .as_deref()
                    .expect("a certificate"),
            )
        };
        [of(0), of(1), of(2)]
    }

    async fn invoker(&self) -> Holder {
        self.onboarded(&enrolment()).await
    }

    async fn onboarded(&self, enrolment: &ApiInvokerEnrolmentDetails) -> Holder {
        let eas_id = "eas.chess.example".parse().expect("an identifier");
        let secret = self.credential(Bearer::Invoker { eas_id }, 1).await;
        let (_, made) = self.core.onboard(Some(&secret), enrolment).await.expect("onboarded");
        Holder::of(
            made.onboarding_information
                .api_invoker_certificate
                .as_deref()
                .expect("a certificate"),
        )
    }

    async fn publish(&self, apf: &Holder, aef: &Holder, name: &str) -> Result<ServiceApiDescription, Error> {
        let apf_id: FunctionId = apf.id.parse().expect("an identifier");
        let made = self.core.publish(&apf.proof(), &apf_id, description(aef, name)).await?;
        Ok(made.1)
    }

    async fn agree(&self, invoker: &Holder, aef: &Holder) {
        let id: ApiInvokerId = invoker.id.parse().expect("an identifier");
        let security = json!({"securityInfo": [{"aefId": aef.id, "prefSecurityMethods": ["OAUTH"]}],
            "notificationDestination": "https://192.0.2.1/n"});
        let security: ServiceSecurity = serde_json::from_value(security).expect("a request");
        let agreed = self
            .core
            .agree(&invoker.proof(), &id, &security, false)
            .await
            .expect("agreed");
        assert!(agreed.security_info[0].sel_security_method.is_some());
    }

    async fn token(&self, invoker: &Holder, more: &[(&str, &str)]) -> Result<String, NoToken> {
        let mut form = vec![
            ("grant_type".to_owned(), "client_credentials".to_owned()),
            ("client_id".to_owned(), invoker.id.clone()),
        ];
        for (name, value) in more {
            form.retain(|(known, _)| known != name);
            form.push(((*name).to_owned(), (*value).to_owned()));
        }
        let issued = self
            .core
            .issue_token(&invoker.proof(), &invoker.id, &form, None)
            .await?;
        Ok(issued.access_token)
    }
}

fn enrolment() -> ApiInvokerEnrolmentDetails {
    serde_json::from_value(json!({"onboardingInformation": {"apiInvokerPublicKey": request()},
        "notificationDestination": "https://192.0.2.1/n"}))
    .expect("details")
}

fn description(aef: &Holder, name: &str) -> ServiceApiDescription {
    serde_json::from_value(
        json!({"apiName": name, "shareableInfo": {"isShareable": false}, "aefProfiles": [{"aefId": aef.id,
        "securityMethods": ["OAUTH", "PKI"], "versions": [{"apiVersion": "v1"}],
        "interfaceDescriptions": [{"fqdn": "ees.example", "port": 8443}]}]}),
    )
    .expect("a description")
}

fn error_of(refused: Result<String, NoToken>) -> TokenError {
    match refused {
        Err(NoToken::Refused(error)) => error.error,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_certificate_says_what_the_core_function_knows_and_not_what_was_claimed() {
    let lab = Lab::new().await;
    let [amf, _, aef] = lab.provider().await;
    assert!(amf.id.starts_with("AMF") && aef.id.starts_with("AEF"));
    assert_eq!(
        amf.principal.owner().as_str(),
        format!("urn:edgeapp:provider:{}", amf.id)
    );
    let invoker = lab.invoker().await;
    assert_eq!(
        invoker.principal.owner().as_str(),
        format!("urn:edgeapp:eas:eas.chess.example#{}", invoker.id)
    );
}

#[tokio::test]
async fn a_credential_is_used_once_and_for_what_it_is() {
    let lab = Lab::new().await;
    let secret = lab.credential(Bearer::Provider, 1).await;
    let why = async |credential: Option<&str>| lab.core.onboard(credential, &enrolment()).await.expect_err("refused");
    for credential in [None, Some("nonsense"), Some("a.b"), Some(secret.as_str())] {
        assert_eq!(why(credential).await.cause, Cause::CredentialNotAccepted);
    }
    let eas_id = "eas.example".parse().expect("an identifier");
    let secret = lab.credential(Bearer::Invoker { eas_id }, 1).await;
    lab.core.onboard(Some(&secret), &enrolment()).await.expect("onboarded");
    assert!(why(Some(&secret)).await.detail.contains("used up"));
    let credentials = lab.core.credentials().await.expect("credentials");
    assert_eq!(credentials.len(), 2);
    let id = secret.split('.').next().expect("a name");
    lab.core.revoke_credential(&operator(), id).await.expect("revoked");
    assert!(why(Some(&secret)).await.detail.contains("not known"));
    lab.clock.advance(1);
}

#[tokio::test]
async fn requests_that_prove_nothing_are_refused() {
    let good = request();
    let key = RequestedKey::parse(&good, "/k").expect("a key");
    let other = pem::parse(request()).expect("PEM");
    // The key of one with the signature of another.
    let mut mixed = pem::parse(&good).expect("PEM").contents().to_vec();
    let end = mixed.len() - 10;
    mixed[end..].copy_from_slice(&other.contents()[other.contents().len() - 10..]);
    let mixed = pem::encode(&pem::Pem::new("CERTIFICATE REQUEST", mixed));
    let certificate = new_authority("x", now(), 1).expect("an authority");
    let long = "x".repeat(20_000);
    for bad in ["", "key", &mixed, &certificate.0, &certificate.1, &long] {
        let error = RequestedKey::parse(bad, "/k").expect_err("refused");
        assert_eq!(
            (error.cause, error.invalid[0].param.as_str()),
            (Cause::MandatoryIeIncorrect, "/k")
        );
    }
    assert_eq!(RequestedKey::parse(&good, "/k").expect("a key").digest(), key.digest());
}

#[tokio::test]
async fn a_published_api_is_found_used_and_taken_back() {
    let lab = Lab::new().await;
    let [amf, apf, aef] = lab.provider().await;
    let invoker = lab.invoker().await;
    let api = lab.publish(&apf, &aef, "eees-easdiscovery").await.expect("published");
    let twice = lab.publish(&apf, &aef, "eees-easdiscovery").await.expect_err("refused");
    assert_eq!(twice.cause, Cause::ApiAlreadyPublished);
    let query = DiscoveryQuery::of(invoker.id.parse().expect("an identifier"));
    let found = lab.core.discover(&invoker.proof(), &query).await.expect("found");
    assert_eq!(found.service_api_descriptions[0].api_id, api.api_id);
    assert!(found.service_api_descriptions[0].shareable_info.is_none());
    // No token without a context.
    assert!(
        matches!(lab.token(&invoker, &[]).await, Err(NoToken::Problem(error)) if error.cause == Cause::ResourceNotFound)
    );
    lab.agree(&invoker, &aef).await;
    let token = lab.token(&invoker, &[]).await.expect("a token");
    let claims = signed(&token, &lab.core.jwks()).expect("claims");
    let scope = format!("3gpp#{}:eees-easdiscovery", aef.id);
    assert_eq!(
        (claims.invoker(), claims.scope.as_str()),
        (Some(invoker.id.as_str()), scope.as_str())
    );
    assert_eq!(claims.cnf.map(|cnf| cnf.x5t_s256), Some(invoker.thumbprint.to_text()));
    // The exposing function learns of the invoker, takes everything back, and there is no token any more.
    let id: ApiInvokerId = invoker.id.parse().expect("an identifier");
    let trusted = lab.core.trusted(&aef.proof(), &id, true, true).await.expect("trusted");
    assert_eq!(
        trusted.security_info[0].authorization_info.as_deref(),
        Some(scope.as_str())
    );
    lab.core.take_back(&aef.proof(), &id, None).await.expect("taken back");
    assert!(matches!(lab.token(&invoker, &[]).await, Err(NoToken::Problem(_))));
    assert!(lab.core.trusted(&aef.proof(), &id, false, false).await.is_err());
    assert!(
        lab.core
            .trusted(&amf.proof(), &id, false, false)
            .await
            .is_err_and(|error| error.cause == Cause::Unauthorized)
    );
}

#[tokio::test]
async fn the_token_operation_refuses_as_rfc_6749_says() {
    let lab = Lab::new().await;
    let [_, apf, aef] = lab.provider().await;
    let invoker = lab.invoker().await;
    lab.publish(&apf, &aef, "a").await.expect("published");
    lab.agree(&invoker, &aef).await;
    let scope = format!("3gpp#{}:b", aef.id);
    for (more, error) in [
        (("grant_type", ""), TokenError::InvalidRequest),
        (("grant_type", "password"), TokenError::UnsupportedGrantType),
        (("grant_type", "authorization_code"), TokenError::UnsupportedGrantType),
        (("client_id", ""), TokenError::InvalidRequest),
        (("client_id", "INVx"), TokenError::InvalidClient),
        (("client_secret", "wrong"), TokenError::InvalidClient),
        (("scope", "a b"), TokenError::InvalidScope),
        (("scope", "3gpp#AEFx:a"), TokenError::InvalidScope),
        (("scope", scope.as_str()), TokenError::InvalidScope),
    ] {
        assert_eq!(error_of(lab.token(&invoker, &[more]).await), error, "{more:?}");
    }
    assert_eq!(error_of(lab.token(&aef, &[]).await), TokenError::UnauthorizedClient);
    // Basic with the wrong secret is a wrong client.
    let form = [("grant_type".to_owned(), "client_credentials".to_owned())];
    let basic = Some((invoker.id.as_str(), "wrong"));
    let refused = lab.core.issue_token(&invoker.proof(), &invoker.id, &form, basic).await;
    assert_eq!(
        error_of(refused.map(|token| token.access_token)),
        TokenError::InvalidClient
    );
}

#[tokio::test]
async fn strangers_and_others_learn_nothing() {
    let lab = Lab::new().await;
    let [amf, apf, aef] = lab.provider().await;
    let [other_amf, other_apf, _] = lab.provider().await;
    let invoker = lab.invoker().await;
    let api = lab.publish(&apf, &aef, "a").await.expect("published");
    let (own, others): (FunctionId, FunctionId) = (apf.id.parse().expect("id"), other_apf.id.parse().expect("id"));
    let api_id = api.api_id.expect("an identifier");
    let cause = |error: Error| error.cause;
    // Under another's path, with another's certificate, in another's role.
    let foreign = lab.core.published(&other_apf.proof(), &own).await.map_err(cause);
    assert_eq!(foreign, Err(Cause::OwnerMismatch));
    let unknown = lab
        .core
        .published_api(&other_apf.proof(), &others, &api_id)
        .await
        .map_err(cause);
    assert_eq!(unknown, Err(Cause::ResourceNotFound));
    assert_eq!(
        lab.core.published(&amf.proof(), &own).await.map_err(cause),
        Err(Cause::Unauthorized)
    );
    assert_eq!(
        lab.core.published(&invoker.proof(), &own).await.map_err(cause),
        Err(Cause::Unauthorized)
    );
    let foreign = description(&aef, "b");
    let foreign = lab
        .core
        .publish(&other_apf.proof(), &others, foreign)
        .await
        .map_err(cause);
    assert_eq!(foreign.map(|_| ()), Err(Cause::OwnerMismatch));
    assert!(
        lab.core
            .deregister_domain(&other_amf.proof(), "x")
            .await
            .is_err_and(|error| error.cause == Cause::ResourceNotFound)
    );
    // A certificate that the record does not name does not count.
    let stolen = Holder {
        thumbprint: Thumbprint::new([7; 32]),
        ..Holder::of(&lab_certificate(&lab).await)
    };
    let refused = lab.core.invoker(&stolen.proof()).await.map_err(cause);
    assert_eq!(refused.map(|_| ()), Err(Cause::Unauthenticated));
}

async fn lab_certificate(lab: &Lab) -> String {
    let eas_id = "eas.go.example".parse().expect("an identifier");
    let secret = lab.credential(Bearer::Invoker { eas_id }, 1).await;
    let (_, made) = lab.core.onboard(Some(&secret), &enrolment()).await.expect("onboarded");
    made.onboarding_information
        .api_invoker_certificate
        .expect("a certificate")
}

#[tokio::test]
async fn a_domain_that_leaves_takes_its_apis_along() {
    let lab = Lab::new().await;
    let [amf, apf, aef] = lab.provider().await;
    lab.publish(&apf, &aef, "a").await.expect("published");
    let registration = lab
        .core
        .any_function(&amf.proof())
        .await
        .expect("a function")
        .registration;
    // An APF whose key is replaced gets another certificate; a function that is not listed is gone.
    let request = json!({"regSec": "", "apiProvFuncs": [
        {"apiProvFuncId": amf.id, "regInfo": {"apiProvPubKey": request()}, "apiProvFuncRole": "AMF"},
        {"regInfo": {"apiProvPubKey": "nonsense"}, "apiProvFuncRole": "AEF"}]});
    let change = Change::Replace(serde_json::from_value(request).expect("details"));
    let changed = lab
        .core
        .change_domain(&amf.proof(), &registration, &change)
        .await
        .expect("changed");
    assert_eq!(changed.api_prov_funcs.len(), 1);
    assert!(changed.fail_reason.is_some_and(|why| why.contains("PKCS#10")));
    assert!(lab.core.catalogue().all().is_empty());
    assert!(lab.core.any_function(&apf.proof()).await.is_err());
    // The former certificate of the management function does not count any more.
    assert!(lab.core.any_function(&amf.proof()).await.is_err());
}

#[tokio::test]
async fn an_invoker_that_leaves_loses_everything() {
    let lab = Lab::new().await;
    let [_, apf, aef] = lab.provider().await;
    let invoker = lab.invoker().await;
    lab.publish(&apf, &aef, "a").await.expect("published");
    lab.agree(&invoker, &aef).await;
    let id: ApiInvokerId = invoker.id.parse().expect("an identifier");
    lab.core
        .offboard(&invoker.proof(), &invoker.id)
        .await
        .expect("offboarded");
    assert!(lab.core.invoker(&invoker.proof()).await.is_err());
    assert!(lab.core.trusted(&aef.proof(), &id, true, true).await.is_err());
    assert!(lab.core.expel(&operator(), &invoker.id).await.is_err());
    assert!(lab.clock.now() >= now());
}

impl Lab {
    /// The revocations that wait to be told: exposing function and APIs.
    async fn told(&self) -> Vec<(String, Vec<String>)> {
        let events = self
            .core
            .room()
            .store()
            .range(Span::prefix("event/"))
            .await
            .expect("events");
        let of = |entry: Entry| {
            let event: Value = serde_json::from_slice(&entry.value).expect("JSON");
            let told = &event["Revoked"]["notification"];
            let aef = told["aefId"].as_str()?.to_owned();
            let apis = told["apiIds"]
                .as_array()?
                .iter()
                .filter_map(Value::as_str)
                .map(str::to_owned)
                .collect();
            Some((aef, apis))
        };
        events.entries.into_iter().filter_map(of).collect()
    }
}

/// An API that is published anew is the same to those who agreed on it, and to those from whom it was taken.
#[tokio::test]
async fn an_api_that_comes_back_has_its_identifier_and_its_revocations() {
    let lab = Lab::new().await;
    let [_, apf, aef] = lab.provider().await;
    let invoker = lab.invoker().await;
    let api = lab.publish(&apf, &aef, "a").await.expect("published");
    lab.publish(&apf, &aef, "b").await.expect("published");
    lab.agree(&invoker, &aef).await;
    let id: ApiInvokerId = invoker.id.parse().expect("an identifier");
    let api_id = api.api_id.clone().expect("an identifier");
    let notification =
        serde_json::from_value(json!({"apiInvokerId": invoker.id, "apiIds": [api_id], "cause": "OVERLIMIT_USAGE"}));
    let notification = notification.expect("a notification");
    lab.core
        .take_back(&aef.proof(), &id, Some(&notification))
        .await
        .expect("taken back");
    let apf_id: FunctionId = apf.id.parse().expect("an identifier");
    lab.core
        .withdraw(&apf.proof(), &apf_id, &api_id)
        .await
        .expect("withdrawn");
    let again = lab.publish(&apf, &aef, "a").await.expect("published");
    assert_eq!(again.api_id, Some(api_id));
    let token = lab.token(&invoker, &[]).await.expect("a token");
    let claims = signed(&token, &lab.core.jwks()).expect("claims");
    assert_eq!(claims.scope, format!("3gpp#{}:b", aef.id));
}

/// Whoever narrows a context first has tokens of before all the same: exposing functions are told of those too.
#[tokio::test]
async fn tokens_of_a_context_that_was_replaced_are_taken_back_too() {
    let lab = Lab::new().await;
    let [_, apf, aef] = lab.provider().await;
    let [_, other_apf, other] = lab.provider().await;
    let invoker = lab.invoker().await;
    let api = lab.publish(&apf, &aef, "a").await.expect("published");
    let other_api = lab.publish(&other_apf, &other, "b").await.expect("published");
    lab.agree(&invoker, &aef).await;
    lab.token(&invoker, &[]).await.expect("a token");
    lab.agree(&invoker, &other).await;
    let id: ApiInvokerId = invoker.id.parse().expect("an identifier");
    lab.core.revoke_all(&operator(), &id).await.expect("taken back");
    let mut told = lab.told().await;
    told.sort();
    let of = |aef: &Holder, api: &ServiceApiDescription| {
        (
            aef.id.clone(),
            vec![api.api_id.as_ref().expect("an identifier").to_string()],
        )
    };
    let mut all = [of(&aef, &api), of(&other, &other_api)];
    all.sort();
    assert_eq!(told, all);
    // The operator's word is the last one.
    let security = json!({"securityInfo": [{"aefId": aef.id, "prefSecurityMethods": ["OAUTH"]}],
        "notificationDestination": "https://192.0.2.1/n"});
    let security: ServiceSecurity = serde_json::from_value(security).expect("a request");
    let refused = lab
        .core
        .agree(&invoker.proof(), &id, &security, false)
        .await
        .expect_err("barred");
    assert_eq!(refused.cause, Cause::Unauthorized);
    assert!(lab.token(&invoker, &[]).await.is_err());
}

/// What one provider took back does not come again because another one takes back the rest.
#[tokio::test]
async fn a_context_that_is_gone_remembers_what_was_taken_back() {
    let lab = Lab::new().await;
    let [_, apf, aef] = lab.provider().await;
    let [_, other_apf, other] = lab.provider().await;
    let invoker = lab.invoker().await;
    lab.publish(&apf, &aef, "a").await.expect("published");
    lab.publish(&other_apf, &other, "b").await.expect("published");
    let id: ApiInvokerId = invoker.id.parse().expect("an identifier");
    lab.agree(&invoker, &aef).await;
    lab.core.take_back(&aef.proof(), &id, None).await.expect("taken back");
    lab.agree(&invoker, &other).await;
    lab.core.take_back(&other.proof(), &id, None).await.expect("taken back");
    assert!(
        lab.core.trusted(&other.proof(), &id, false, false).await.is_err(),
        "there is none any more"
    );
    lab.agree(&invoker, &aef).await;
    assert!(lab.token(&invoker, &[]).await.is_err(), "taken back all the same");
}

/// An enrolment that lapses is an invoker that left: its exposing functions are told, and hear of no authorization any more.
#[tokio::test]
async fn an_enrolment_that_lapses_takes_everything_along() {
    let lab = Lab::new().await;
    let [_, apf, aef] = lab.provider().await;
    let lapsing = ApiInvokerEnrolmentDetails {
        exp_time: "2026-01-01T00:01:00Z".parse().ok(),
        ..enrolment()
    };
    let invoker = lab.onboarded(&lapsing).await;
    lab.publish(&apf, &aef, "a").await.expect("published");
    lab.agree(&invoker, &aef).await;
    let id: ApiInvokerId = invoker.id.parse().expect("an identifier");
    lab.clock.advance(61);
    assert!(
        lab.core.trusted(&aef.proof(), &id, true, true).await.is_err(),
        "before it is swept"
    );
    sweep(lab.core.room(), &Lapses(lab.core.clone())).await.expect("swept");
    assert_eq!(lab.told().await.len(), 1);
}
