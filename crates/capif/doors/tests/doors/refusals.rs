//! Who is refused, and how.

use crate::harness::Doors;
use axum::http::{Method, header};
use serde_json::json;

#[tokio::test]
async fn without_a_certificate_only_onboarding_and_registration_are_possible() {
    let doors = Doors::new().await;
    let stranger = doors.stranger();
    for (method, path) in [
        (Method::DELETE, "/api-provider-management/v1/registrations/x"),
        (Method::PUT, "/api-provider-management/v1/registrations/x"),
        (Method::PATCH, "/api-provider-management/v1/registrations/x"),
        (Method::POST, "/published-apis/v1/x/service-apis"),
        (Method::GET, "/published-apis/v1/x/service-apis"),
        (Method::GET, "/published-apis/v1/x/service-apis/y"),
        (Method::PUT, "/published-apis/v1/x/service-apis/y"),
        (Method::PATCH, "/published-apis/v1/x/service-apis/y"),
        (Method::DELETE, "/published-apis/v1/x/service-apis/y"),
        (Method::GET, "/service-apis/v1/allServiceAPIs?api-invoker-id=x"),
        (Method::PUT, "/api-invoker-management/v1/onboardedInvokers/x"),
        (Method::PATCH, "/api-invoker-management/v1/onboardedInvokers/x"),
        (Method::DELETE, "/api-invoker-management/v1/onboardedInvokers/x"),
        (Method::PUT, "/capif-security/v1/trustedInvokers/x"),
        (Method::GET, "/capif-security/v1/trustedInvokers/x"),
        (Method::DELETE, "/capif-security/v1/trustedInvokers/x"),
        (Method::POST, "/capif-security/v1/trustedInvokers/x/update"),
        (Method::POST, "/capif-security/v1/trustedInvokers/x/delete"),
        (Method::POST, "/capif-security/v1/securities/x/token"),
        (Method::POST, "/capif-events/v1/x/subscriptions"),
        (Method::PUT, "/capif-events/v1/x/subscriptions/y"),
        (Method::PATCH, "/capif-events/v1/x/subscriptions/y"),
        (Method::DELETE, "/capif-events/v1/x/subscriptions/y"),
        (
            Method::GET,
            "/access-control-policy/v1/accessControlPolicyList/x?aef-id=y",
        ),
        (Method::POST, "/api-invocation-logs/v1/x/logs"),
        (Method::GET, "/logs/v1/apiInvocationLogs"),
        (Method::GET, "/capif-routing-info/v1/service-apis/x?aef-id=y"),
    ] {
        let answer = stranger.send(method, path, &[], String::new()).await;
        answer.refused(401, "UNAUTHENTICATED");
    }
    stranger.onboard(None).await.refused(401, "CREDENTIAL_NOT_ACCEPTED");
    stranger
        .onboard(Some("a.b"))
        .await
        .refused(401, "CREDENTIAL_NOT_ACCEPTED");
}

#[tokio::test]
async fn the_wrong_role_is_told_so() {
    let doors = Doors::new().await;
    let ([amf, apf, aef], _) = doors.provider().await;
    let (invoker, _) = doors.invoker().await;
    let apis = format!("/published-apis/v1/{}/service-apis", apf.id);
    for caller in [&amf, &aef, &invoker] {
        let answer = caller.get(&apis).await;
        answer.refused(403, "UNAUTHORIZED");
        assert!(answer.body["detail"].as_str().is_some_and(|why| why.contains("APF")));
    }
    let discovery = format!("/service-apis/v1/allServiceAPIs?api-invoker-id={}", apf.id);
    apf.get(&discovery).await.refused(403, "UNAUTHORIZED");
    let another = "/service-apis/v1/allServiceAPIs?api-invoker-id=INVx";
    invoker.get(another).await.refused(403, "OWNER_MISMATCH");
    invoker
        .get("/service-apis/v1/allServiceAPIs")
        .await
        .refused(400, "MANDATORY_QUERY_PARAM_MISSING");
    let events = format!("/capif-events/v1/{}/subscriptions", apf.id);
    let subscription = json!({"events": ["SERVICE_API_UPDATE"], "notificationDestination": "https://192.0.2.9/n"});
    invoker.post(&events, subscription).await.refused(403, "OWNER_MISMATCH");
}

#[tokio::test]
async fn bad_descriptions_are_refused_where_they_are_wrong() {
    let doors = Doors::new().await;
    let ([_, apf, aef], _) = doors.provider().await;
    let apis = format!("/published-apis/v1/{}/service-apis", apf.id);
    let both = json!({"apiName": "a", "aefProfiles": [{"aefId": aef.id, "versions": [{"apiVersion": "v1"}],
        "domainName": "ees.example", "interfaceDescriptions": [{"fqdn": "ees.example"}]}]});
    let answer = apf.post(&apis, both).await;
    answer.refused(400, "OPTIONAL_IE_INCORRECT");
    assert_eq!(answer.body["invalidParams"][0]["param"], "/aefProfiles/0");
    let foreign = json!({"apiName": "a", "aefProfiles": [{"aefId": "AEFx", "versions": [{"apiVersion": "v1"}],
        "domainName": "ees.example"}]});
    apf.post(&apis, foreign).await.refused(403, "OWNER_MISMATCH");
    let huge = json!({"apiName": "a", "description": "x".repeat(300 * 1024)});
    apf.post(&apis, huge).await.refused(413, "PAYLOAD_TOO_LARGE");
}

#[tokio::test]
async fn token_refusals_are_those_of_oauth() {
    let doors = Doors::new().await;
    let (invoker, _) = doors.invoker().await;
    let place = format!("/capif-security/v1/securities/{}/token", invoker.id);
    let json = invoker.post(&place, json!({})).await;
    assert_eq!(
        (json.status.as_u16(), &json.body["error"]),
        (400, &json!("invalid_request"))
    );
    assert_eq!(json.headers[header::CONTENT_TYPE], "application/json");
    let twice = invoker
        .form(&place, "grant_type=client_credentials&grant_type=client_credentials")
        .await;
    assert_eq!(twice.body["error"], "invalid_request");
    let other = invoker.form(&place, "grant_type=password&client_id=x").await;
    assert_eq!(other.body["error"], "unsupported_grant_type");
    let form = format!(
        "grant_type=client_credentials&client_id={}&client_secret=wrong",
        invoker.id
    );
    let secret = invoker.form(&place, &form).await;
    assert_eq!(
        (secret.status.as_u16(), &secret.body["error"]),
        (401, &json!("invalid_client"))
    );
    let ([amf, ..], _) = doors.provider().await;
    let form = format!("grant_type=client_credentials&client_id={}", amf.id);
    let provider = amf
        .form(&format!("/capif-security/v1/securities/{}/token", amf.id), &form)
        .await;
    assert_eq!(provider.body["error"], "unauthorized_client");
}
