//! What a provider and an invoker do one after the other.

use crate::harness::{Doors, ROOT};
use axum::http::StatusCode;
use edgeapp_capif::exposing::{check, signed};
use edgeapp_core::token::JwkSet;
use serde_json::{Value, json};

fn description(aef: &str, name: &str) -> Value {
    json!({"apiName": name, "supportedFeatures": "7", "apiSuppFeats": "1", "shareableInfo": {"isShareable": false},
        "aefProfiles": [{"aefId": aef, "protocol": "HTTP_2", "securityMethods": ["OAUTH", "PKI"],
            "versions": [{"apiVersion": "v1", "resources": [{"resourceName": "r", "commType": "REQUEST_RESPONSE", "uri": "/r",
                "operations": ["POST"]}]}],
            "interfaceDescriptions": [{"ipv4Addr": "192.0.2.1", "port": 8443}]}]})
}

#[tokio::test]
async fn from_nothing_to_a_call_and_to_its_end() {
    let doors = Doors::new().await;
    let ([amf, apf, aef], registration) = doors.provider().await;
    let apis = format!("/published-apis/v1/{}/service-apis", apf.id);
    let made = apf.post(&apis, description(&aef.id, "eees-easregistration")).await;
    let api = made.created();
    assert!(api.starts_with(&format!("{ROOT}{apis}/")));
    let api_id = made.body["apiId"].as_str().expect("an identifier").to_owned();

    // The invoker: onboarded, told of what happens, finding the API.
    let (invoker, enrolment) = doors.invoker().await;
    assert_eq!(
        enrolment,
        format!("{ROOT}/api-invoker-management/v1/onboardedInvokers/{}", invoker.id)
    );
    let events = format!("/capif-events/v1/{}/subscriptions", invoker.id);
    let subscription = json!({"events": ["SERVICE_API_UPDATE", "SERVICE_API_UNAVAILABLE"], "eventFilters": [{"apiIds": [api_id]}, {}],
        "notificationDestination": "https://192.0.2.9/events", "supportedFeatures": "4"});
    let subscribed = invoker.post(&events, subscription).await.created();
    let query = format!(
        "/service-apis/v1/allServiceAPIs?api-invoker-id={}&api-name=eees-easregistration",
        invoker.id
    );
    let found = invoker.get(&query).await.found();
    assert_eq!(found["serviceAPIDescriptions"][0]["apiId"], api_id.as_str());
    let nothing = format!(
        "/service-apis/v1/allServiceAPIs?api-invoker-id={}&api-name=other",
        invoker.id
    );
    assert_eq!(invoker.get(&nothing).await.found(), json!({}));

    // A security context and a token.
    let context = format!("/capif-security/v1/trustedInvokers/{}", invoker.id);
    let wanted = json!({"securityInfo": [{"aefId": aef.id, "prefSecurityMethods": ["OAUTH"]}],
        "notificationDestination": "https://192.0.2.9/revoked"});
    let agreed = invoker.put(&context, wanted.clone()).await;
    assert_eq!(agreed.created(), format!("{ROOT}{context}"));
    assert_eq!(agreed.body["securityInfo"][0]["selSecurityMethod"], "OAUTH");
    let place = format!("/capif-security/v1/securities/{}/token", invoker.id);
    let form = format!("grant_type=client_credentials&client_id={}", invoker.id);
    let token = invoker.form(&place, &form).await;
    assert_eq!(token.headers["cache-control"], "no-store");
    let token = token.found();
    let keys: JwkSet =
        serde_json::from_value(doors.stranger().get("/.well-known/jwks.json").await.found()).expect("keys");
    let claims = signed(token["access_token"].as_str().expect("a token"), &keys).expect("claims");
    let now = u64::try_from(doors.now()).expect("an instant");
    assert!(
        check(&claims, &aef.id, "eees-easregistration", None, now).is_err(),
        "bound to a certificate"
    );

    // The exposing function: policies, trust, logs; the management function reads them.
    let policies = format!(
        "/access-control-policy/v1/accessControlPolicyList/{api_id}?aef-id={}",
        aef.id
    );
    let policies = aef.get(&policies).await.found();
    assert_eq!(policies["apiInvokerPolicies"][0]["allowedTotalInvocations"], 10);
    let trusted = aef.get(&format!("{context}?authorizationInfo=true")).await.found();
    assert_eq!(trusted["securityInfo"][0]["authorizationInfo"], token["scope"]);
    let log = json!({"aefId": aef.id, "apiInvokerId": invoker.id, "logs": [{"apiId": api_id, "apiName": "eees-easregistration",
        "apiVersion": "v1", "resourceName": "r", "protocol": "HTTP_2", "result": "201"}]});
    aef.post(&format!("/api-invocation-logs/v1/{}/logs", aef.id), log)
        .await
        .created();
    let logs = amf
        .get(&format!("/logs/v1/apiInvocationLogs?aef-id={}", aef.id))
        .await
        .found();
    assert_eq!(logs["logs"][0]["result"], "201");
    amf.get("/logs/v1/apiInvocationLogs?result=500")
        .await
        .refused(404, "RESOURCE_NOT_FOUND");

    // A changed description is told of.
    apf.patch(&api, json!({"description": "new"})).await.found();
    let told = doors.told("https://192.0.2.9/events").await;
    assert_eq!(told[0]["events"], "SERVICE_API_UPDATE");
    assert_eq!(
        told[0]["eventDetail"]["serviceAPIDescriptions"][0]["description"],
        "new"
    );
    invoker.delete(&subscribed).await.done();

    // An operator takes everything back: the exposing function and the invoker are told.
    let authorization = format!("/capif/invokers/{}/authorization", invoker.id);
    doors.operator().delete(&authorization).await.done();
    let at_aef = doors
        .told("https://192.0.2.1:8443/aef-security/v1/revoke-authorization")
        .await;
    assert_eq!(at_aef[0]["revokeInfo"]["apiIds"], json!([api_id]));
    assert_eq!(
        doors.told("https://192.0.2.9/revoked").await[0]["apiInvokerId"],
        invoker.id.as_str()
    );
    invoker.form(&place, &form).await.refused(404, "RESOURCE_NOT_FOUND");

    // Everybody leaves.
    invoker.delete(&enrolment).await.done();
    invoker.get(&query).await.refused(401, "UNAUTHENTICATED");
    amf.delete(&registration).await.done();
    amf.delete(&registration).await.refused(401, "UNAUTHENTICATED");
}

#[tokio::test]
async fn an_exposing_function_takes_revocations_of_its_core_function() {
    let doors = Doors::new().await;
    let revoke = json!({"revokeInfo": {"apiInvokerId": "INV1", "aefId": "AEF1", "apiIds": ["a"], "cause": "UNEXPECTED_REASON"},
        "supportedFeatures": "0"});
    let answer = doors
        .ccf()
        .post("/aef-security/v1/revoke-authorization", revoke.clone())
        .await;
    assert_eq!(answer.found(), json!({"supportedFeatures": "0"}));
    let mut other = revoke;
    other["revokeInfo"]["aefId"] = json!("AEF2");
    let answer = doors.ccf().post("/aef-security/v1/revoke-authorization", other).await;
    answer.refused(400, "OPTIONAL_IE_INCORRECT");
    let check = json!({"apiInvokerId": "INV1", "supportedFeatures": "0"});
    let answer = doors.ccf().post("/aef-security/v1/check-authentication", check).await;
    answer.refused(404, "RESOURCE_NOT_FOUND");
}

#[tokio::test]
async fn a_registration_is_changed_by_its_management_function() {
    let doors = Doors::new().await;
    let ([amf, apf, _], registration) = doors.provider().await;
    let changed = amf
        .patch(&registration, json!({"apiProvDomInfo": "north"}))
        .await
        .found();
    assert_eq!(changed["apiProvDomInfo"], "north");
    assert_eq!(changed["apiProvFuncs"].as_array().map(Vec::len), Some(3));
    amf.patch(&registration, json!({"apiProvDomId": "other"}))
        .await
        .refused(403, "MODIFICATION_NOT_ALLOWED");
    apf.patch(&registration, json!({})).await.refused(403, "UNAUTHORIZED");
    let ([other, ..], _) = doors.provider().await;
    other
        .patch(&registration, json!({}))
        .await
        .refused(404, "RESOURCE_NOT_FOUND");
}

#[tokio::test]
async fn operators_see_credentials_and_no_secrets() {
    let doors = Doors::new().await;
    let secret = doors
        .credential(json!({"role": "invoker", "easId": "eas.example", "uses": 2, "ttl": 60, "note": "trial"}))
        .await;
    let listed = doors.operator().get("/capif/credentials").await.found();
    assert_eq!(
        (&listed[0]["usesLeft"], &listed[0]["note"]),
        (&json!(2), &json!("trial"))
    );
    assert!(!listed.to_string().contains(secret.split('.').nth(1).expect("a secret")));
    let wrong = doors
        .operator()
        .post("/capif/credentials", json!({"role": "queen"}))
        .await;
    assert_eq!(wrong.status, StatusCode::BAD_REQUEST);
    let place = format!("/capif/credentials/{}", listed[0]["id"].as_str().expect("a name"));
    doors.operator().delete(&place).await.done();
    doors.operator().delete(&place).await.refused(404, "RESOURCE_NOT_FOUND");
}
