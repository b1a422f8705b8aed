//! What callers send that is wrong, and what they are told.

use crate::harness::{Caller, Doors, request};
use axum::http::{Method, StatusCode, header};
use rcgen::{
    CertificateParams, CustomExtension, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    PKCS_ECDSA_P384_SHA384, PKCS_ED25519, SanType,
};
use serde_json::{Value, json};

const KEY: &str = "/onboardingInformation/apiInvokerPublicKey";

async fn onboard(doors: &Doors, key: Value) -> crate::harness::Answer {
    let secret = doors
        .credential(json!({"role": "invoker", "easId": "eas.example"}))
        .await;
    let body = json!({"onboardingInformation": {"apiInvokerPublicKey": key},
        "notificationDestination": "https://192.0.2.9/invoker"});
    let bearer = format!("Bearer {secret}");
    let headers = [
        (header::CONTENT_TYPE, "application/json"),
        (header::AUTHORIZATION, bearer.as_str()),
    ];
    let path = "/api-invoker-management/v1/onboardedInvokers";
    doors
        .stranger()
        .send(Method::POST, path, &headers, body.to_string())
        .await
}

/// Requests that are none are refused where they stand, and the credential is not used up by them.
#[tokio::test]
async fn odd_certification_requests_are_refused() {
    let doors = Doors::new().await;
    let good = request();
    let truncated = &good[..good.len() / 2];
    let twice = format!("{good}{good}");
    let renamed = good.replace("CERTIFICATE REQUEST", "PRIVATE KEY");
    let der = pem::parse(&good).expect("PEM").into_contents();
    let mut longer = der.clone();
    longer.push(0);
    let longer = pem::encode(&pem::Pem::new("CERTIFICATE REQUEST", longer));
    let empty = pem::encode(&pem::Pem::new("CERTIFICATE REQUEST", Vec::new()));
    let long = "A".repeat(17 * 1024);
    for bad in ["", " ", "AAAA", truncated, &renamed, &longer, &empty, &long] {
        let answer = onboard(&doors, json!(bad)).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{bad:.40}: {}", answer.body);
        assert_eq!(answer.body["invalidParams"][0]["param"], KEY, "{bad:.40}");
        assert!(!answer.body.to_string().contains("PRIVATE KEY-----"));
    }
    for bad in [json!(null), json!(7), json!(["a"]), json!({})] {
        let answer = onboard(&doors, bad).await;
        assert_eq!(answer.body["invalidParams"][0]["param"], KEY, "{}", answer.body);
    }
    // The first of two is taken, as PEM has it.
    assert_eq!(onboard(&doors, json!(twice)).await.status, StatusCode::CREATED);
    let secret = doors
        .credential(json!({"role": "invoker", "easId": "eas.example"}))
        .await;
    let mut body = json!({"onboardingInformation": {"apiInvokerPublicKey": "AAAA"},
        "notificationDestination": "https://192.0.2.9/invoker"});
    let path = "/api-invoker-management/v1/onboardedInvokers";
    let bearer = format!("Bearer {secret}");
    let headers = [
        (header::CONTENT_TYPE, "application/json"),
        (header::AUTHORIZATION, bearer.as_str()),
    ];
    let refused = doors
        .stranger()
        .send(Method::POST, path, &headers, body.to_string())
        .await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    body["onboardingInformation"]["apiInvokerPublicKey"] = json!(good);
    let made = doors
        .stranger()
        .send(Method::POST, path, &headers, body.to_string())
        .await;
    made.created();
}

/// A credential that cannot be used says why, and a secret that is none does not say that the credential is there.
#[tokio::test]
async fn credentials_say_why_they_do_not_count() {
    let doors = Doors::new().await;
    let invoker = || json!({"role": "invoker", "easId": "eas.example", "uses": 1, "ttl": 60});
    let shows = async |secret: &str| {
        let answer = doors.stranger().onboard(Some(secret)).await;
        answer.refused(401, "CREDENTIAL_NOT_ACCEPTED");
        answer.body["detail"].as_str().expect("a reason").to_owned()
    };
    let used = doors.credential(invoker()).await;
    doors.stranger().onboard(Some(&used)).await.created();
    assert!(shows(&used).await.contains("used up"));
    let provider = doors.credential(json!({"role": "provider"})).await;
    assert!(shows(&provider).await.contains("API providers"));
    let ended = doors.credential(invoker()).await;
    let (id, _) = ended.split_once('.').expect("a name and a secret");
    doors
        .operator()
        .delete(&format!("/capif/credentials/{id}"))
        .await
        .done();
    let unknown = shows(&ended).await;
    assert_eq!(shows("nobody.knows").await, unknown);
    let late = doors.credential(invoker()).await;
    let (id, _) = late.split_once('.').expect("a name and a secret");
    assert_eq!(shows(&format!("{id}.guessed")).await, unknown);
    doors.clock.advance(61);
    assert!(shows(&late).await.contains("expired"));
}

/// What a request asks for beyond its key does not come into the certificate: no names, no authority, no purpose.
#[tokio::test]
async fn what_a_request_claims_does_not_count() {
    let doors = Doors::new().await;
    for algorithm in [&PKCS_ED25519, &PKCS_ECDSA_P384_SHA384] {
        let key = KeyPair::generate_for(algorithm).expect("a key");
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, "an operator");
        params.subject_alt_names = vec![
            SanType::URI("urn:edgeapp:operator:operator".try_into().expect("a name")),
            SanType::DnsName("ees.example".try_into().expect("a name")),
        ];
        params.is_ca = IsCa::NoCa;
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let claimed = CustomExtension::from_oid_content(&[1, 3, 6, 1, 4, 1, 99_999, 1], vec![5, 0]);
        params.custom_extensions = vec![claimed];
        let asked = params.serialize_request(&key).expect("a request").pem().expect("PEM");
        let answer = onboard(&doors, json!(asked)).await;
        answer.created();
        let certificate = &answer.body["onboardingInformation"]["apiInvokerCertificate"];
        let holder = doors.holder(certificate, &answer.body["apiInvokerId"]);
        let path = format!("/service-apis/v1/allServiceAPIs?api-invoker-id={}", holder.id);
        assert_eq!(holder.get(&path).await.found(), json!({}));
        let block = pem::parse(certificate.as_str().expect("a certificate")).expect("PEM");
        let text = String::from_utf8_lossy(block.contents()).into_owned();
        for claimed in ["operator", "ees.example"] {
            assert!(!text.contains(claimed), "{claimed}");
        }
    }
}

#[tokio::test]
async fn a_foreign_publisher_learns_nothing() {
    let doors = Doors::new().await;
    let ([_, apf, aef], _) = doors.provider().await;
    let ([_, other, _], _) = doors.provider().await;
    let api = json!({"apiName": "a", "aefProfiles": [{"aefId": aef.id, "versions": [{"apiVersion": "v1"}],
        "domainName": "ees.example"}]});
    let apis = |apf: &Caller| format!("/published-apis/v1/{}/service-apis", apf.id);
    let place = apf.post(&apis(&apf), api.clone()).await.created();
    // Under the identifier of another, and as if it were its own.
    other
        .post(&apis(&apf), api.clone())
        .await
        .refused(403, "OWNER_MISMATCH");
    other.get(&place).await.refused(403, "OWNER_MISMATCH");
    let own = place.replace(&apf.id, &other.id);
    let there = other.get(&own).await;
    there.refused(404, "RESOURCE_NOT_FOUND");
    let nowhere = other.get(&format!("{}/nothing", apis(&other))).await;
    assert_eq!(
        there.body["detail"], nowhere.body["detail"],
        "what is another's looks like nothing"
    );
    other.put(&own, api.clone()).await.refused(404, "RESOURCE_NOT_FOUND");
    other.delete(&own).await.refused(404, "RESOURCE_NOT_FOUND");
    other
        .post(&apis(&other), api.clone())
        .await
        .refused(403, "OWNER_MISMATCH");
    apf.post(&apis(&apf), api).await.refused(403, "API_ALREADY_PUBLISHED");
}

#[tokio::test]
async fn descriptions_that_contradict_themselves_are_refused() {
    let doors = Doors::new().await;
    let ([_, apf, aef], _) = doors.provider().await;
    let apis = format!("/published-apis/v1/{}/service-apis", apf.id);
    let profile = |more: Value| {
        let mut profile = json!({"aefId": aef.id, "versions": [{"apiVersion": "v1"}]});
        if let (Some(profile), Some(more)) = (profile.as_object_mut(), more.as_object()) {
            profile.extend(more.clone());
        }
        json!({"apiName": "a", "aefProfiles": [profile]})
    };
    for (wrong, at) in [
        (profile(json!({})), "/aefProfiles/0"),
        (
            profile(json!({"domainName": "a.example", "interfaceDescriptions": [{"fqdn": "a.example"}]})),
            "/aefProfiles/0",
        ),
        (
            profile(json!({"interfaceDescriptions": []})),
            "/aefProfiles/0/interfaceDescriptions",
        ),
        (
            profile(json!({"interfaceDescriptions": [{"port": 1}]})),
            "/aefProfiles/0/interfaceDescriptions/0",
        ),
        (
            profile(json!({"interfaceDescriptions": [{"fqdn": "a.example", "port": 65536}]})),
            "/aefProfiles/0/interfaceDescriptions/0/port",
        ),
        (json!({"apiName": "a"}), "/aefProfiles"),
        (json!({"apiName": "a", "aefProfiles": []}), "/aefProfiles"),
        (
            json!({"apiName": "a", "apiId": "mine", "aefProfiles": profile(json!({"domainName": "a.example"}))["aefProfiles"]}),
            "/apiId",
        ),
    ] {
        let answer = apf.post(&apis, wrong.clone()).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{wrong}: {}", answer.body);
        assert_eq!(answer.body["invalidParams"][0]["param"], at, "{wrong}: {}", answer.body);
    }
    let many: Vec<Value> = (0..5000)
        .map(|number| json!({"apiVersion": format!("v{number}")}))
        .collect();
    let many = json!({"apiName": "a", "aefProfiles": [{"aefId": aef.id, "domainName": "a.example", "versions": many}]});
    let answer = apf.post(&apis, many).await;
    assert!(answer.status.is_client_error(), "{}", answer.status);
}

#[tokio::test]
async fn event_filters_go_with_their_events() {
    let doors = Doors::new().await;
    let (invoker, _) = doors.invoker().await;
    let ([amf, ..], _) = doors.provider().await;
    let subscribe = async |caller: &Caller, more: Value| {
        let mut body = json!({"notificationDestination": "https://192.0.2.9/n", "supportedFeatures": "4"});
        if let (Some(body), Some(more)) = (body.as_object_mut(), more.as_object()) {
            body.extend(more.clone());
        }
        caller
            .post(&format!("/capif-events/v1/{}/subscriptions", caller.id), body)
            .await
    };
    for (wrong, at) in [
        (json!({}), "/events"),
        (json!({"events": []}), "/events"),
        (json!({"events": ["NO_SUCH_EVENT"]}), "/events/0"),
        (
            json!({"events": ["API_INVOKER_ONBOARDED"], "eventFilters": [{"apiIds": ["a"]}]}),
            "/eventFilters/0/apiIds",
        ),
        (
            json!({"events": ["SERVICE_API_AVAILABLE"], "eventFilters": [{"apiInvokerIds": ["a"]}]}),
            "/eventFilters/0/apiInvokerIds",
        ),
        (json!({"events": ["SERVICE_API_UPDATE"], "eventFilters": [{}, {}]}), ""),
        (
            json!({"events": ["SERVICE_API_UPDATE"], "eventReq": {"notifMethod": "PERIODIC", "repPeriod": 1}}),
            "/eventReq/notifMethod",
        ),
        (
            json!({"events": ["SERVICE_API_UPDATE"], "notificationDestination": "http://192.0.2.9/n"}),
            "/notificationDestination",
        ),
    ] {
        let answer = subscribe(&amf, wrong.clone()).await;
        assert!(answer.status.is_client_error(), "{wrong}: {}", answer.status);
        assert_eq!(answer.body["invalidParams"][0]["param"], at, "{wrong}: {}", answer.body);
    }
    let invocations = subscribe(&invoker, json!({"events": ["SERVICE_API_INVOCATION_SUCCESS"]})).await;
    invocations.refused(403, "UNAUTHORIZED");
}

/// What a security context does not grant, no token says.
#[tokio::test]
async fn scopes_lie_within_the_context() {
    let doors = Doors::new().await;
    let ([_, apf, aef], _) = doors.provider().await;
    let ([_, _, elsewhere], _) = doors.provider().await;
    let api = json!({"apiName": "a", "aefProfiles": [{"aefId": aef.id, "versions": [{"apiVersion": "v1"}],
        "domainName": "ees.example", "securityMethods": ["OAUTH"]}]});
    apf.post(&format!("/published-apis/v1/{}/service-apis", apf.id), api)
        .await
        .created();
    let (invoker, _) = doors.invoker().await;
    let (other, _) = doors.invoker().await;
    let context = format!("/capif-security/v1/trustedInvokers/{}", invoker.id);
    let tokens = format!("/capif-security/v1/securities/{}/token", invoker.id);
    let form = |scope: &str| {
        let scope: String = url::form_urlencoded::byte_serialize(scope.as_bytes()).collect();
        format!("grant_type=client_credentials&client_id={}&scope={scope}", invoker.id)
    };
    // Before there is a context, and for what is not published.
    invoker
        .form(&tokens, &form("3gpp#x:a"))
        .await
        .refused(404, "RESOURCE_NOT_FOUND");
    for (entry, at) in [
        (
            json!({"aefId": "AEFx", "prefSecurityMethods": ["OAUTH"]}),
            "/securityInfo/0/aefId",
        ),
        (
            json!({"aefId": aef.id, "apiId": "x", "prefSecurityMethods": ["OAUTH"]}),
            "/securityInfo/0/apiId",
        ),
        (
            json!({"aefId": aef.id, "prefSecurityMethods": ["PSK"]}),
            "/securityInfo/0/prefSecurityMethods",
        ),
        (
            json!({"aefId": aef.id, "prefSecurityMethods": []}),
            "/securityInfo/0/prefSecurityMethods",
        ),
        (json!({"prefSecurityMethods": ["OAUTH"]}), "/securityInfo/0"),
    ] {
        let wanted = json!({"securityInfo": [entry], "notificationDestination": "https://192.0.2.9/r"});
        let answer = invoker.put(&context, wanted).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{}", answer.body);
        assert_eq!(answer.body["invalidParams"][0]["param"], at, "{}", answer.body);
    }
    let wanted = json!({"securityInfo": [{"aefId": aef.id, "prefSecurityMethods": ["OAUTH"]}],
        "notificationDestination": "https://192.0.2.9/r"});
    other.put(&context, wanted.clone()).await.refused(403, "OWNER_MISMATCH");
    invoker.put(&context, wanted).await.created();
    for scope in [
        format!("3gpp#{}:b", aef.id),
        format!("3gpp#{}:a", elsewhere.id),
        format!("3gpp#{}:a;{}:a", aef.id, elsewhere.id),
        format!("{}:a", aef.id),
        "3gpp#".to_owned(),
        "everything".to_owned(),
    ] {
        let answer = invoker.form(&tokens, &form(&scope)).await;
        let said = (answer.status, &answer.body["error"]);
        assert_eq!(said, (StatusCode::BAD_REQUEST, &json!("invalid_scope")), "{scope}");
        assert_eq!(answer.headers[header::CONTENT_TYPE], "application/json");
    }
    let granted = invoker.form(&tokens, &form(&format!("3gpp#{}:a", aef.id))).await;
    assert_eq!(granted.found()["scope"], format!("3gpp#{}:a", aef.id));
    // For somebody else's context, and by an exposing function that it is not about.
    let of_other = format!("/capif-security/v1/securities/{}/token", other.id);
    let answer = invoker.form(&of_other, &form(&format!("3gpp#{}:a", aef.id))).await;
    answer.refused(404, "RESOURCE_NOT_FOUND");
    elsewhere.get(&context).await.refused(404, "RESOURCE_NOT_FOUND");
    elsewhere.delete(&context).await.refused(404, "RESOURCE_NOT_FOUND");
}

/// Operators see what was refused, and no secret.
#[tokio::test]
async fn failures_are_told_to_operators() {
    let doors = Doors::new().await;
    doors
        .stranger()
        .onboard(Some("nonsense.secret-word"))
        .await
        .refused(401, "CREDENTIAL_NOT_ACCEPTED");
    let (invoker, _) = doors.invoker().await;
    let tokens = format!("/capif-security/v1/securities/{}/token", invoker.id);
    invoker.form(&tokens, "grant_type=password").await;
    let status = doors.operator().get("/capif").await.found();
    let failures: Vec<&str> = status["failures"]
        .as_array()
        .expect("failures")
        .iter()
        .filter_map(|failure| failure["what"].as_str())
        .collect();
    assert_eq!(failures, ["onboarding", "token"]);
    assert!(!status.to_string().contains("secret-word"));
    assert_eq!(
        (&status["counts"]["invokers"], &status["invokers"][0]["easId"]),
        (&json!(1), &json!("eas.chess.example"))
    );
}
