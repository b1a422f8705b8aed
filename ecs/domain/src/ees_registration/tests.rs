//! What an EES may say of itself, decided without a store.

use super::*;
use edgeapp_openapi::ids::ProviderId;
use serde_json::{Value, json};

fn request(more: &Value) -> EesRegistration {
    let mut body = json!({"eesProf": {"eesId": "ees-a", "endPt": {"fqdn": "ees-a.example"}, "eecRegConf": true}});
    for (name, value) in more.as_object().expect("an object") {
        body["eesProf"][name] = value.clone();
    }
    serde_json::from_value(body).expect("a registration")
}

fn rules(allowed: Option<&[&str]>) -> RegistrationRules {
    let parse = |ids: &[&str]| ids.iter().map(|id| id.parse().expect("an id")).collect();
    RegistrationRules {
        lifetimes: Lifetimes {
            max: None,
            default: None,
            spread_percent: 0,
        },
        allowed: allowed.map(parse),
    }
}

fn caller(uris: &[&str]) -> Principal {
    Principal::from_names(uris.iter().copied(), []).expect("an identity")
}

fn refusal(rules: &RegistrationRules, caller: &Principal, more: &Value) -> Option<Cause> {
    check(rules, caller, &request(more).ees_prof)
        .err()
        .map(|error| error.cause)
}

/// Proves: WP-24, T-09
#[test]
fn only_the_ees_itself_registers_and_only_if_it_is_on_the_list() {
    let itself = caller(&["urn:edgeapp:ees:ees-a"]);
    assert_eq!(refusal(&rules(None), &itself, &json!({})), None);
    assert_eq!(refusal(&rules(Some(&["ees-a"])), &itself, &json!({})), None);
    assert_eq!(
        refusal(&rules(Some(&["ees-b"])), &itself, &json!({})),
        Some(Cause::Unauthorized)
    );
    let other = caller(&["urn:edgeapp:ees:ees-b"]);
    assert_eq!(refusal(&rules(None), &other, &json!({})), Some(Cause::OwnerMismatch));
}

/// Proves: T-23
#[test]
fn a_provider_in_the_certificate_binds() {
    let itself = caller(&["urn:edgeapp:ees:ees-a", "urn:edgeapp:asp:ecsp-1"]);
    for (said, verdict) in [(json!({}), None), (json!({"provId": "ecsp-1"}), None)] {
        assert_eq!(refusal(&rules(None), &itself, &said), verdict);
    }
    assert_eq!(
        refusal(&rules(None), &itself, &json!({"provId": "ecsp-2"})),
        Some(Cause::OwnerMismatch)
    );
}

/// Proves: T-18
#[test]
fn identity_is_what_may_not_become_another() {
    let (one, same) = (
        request(&json!({"provId": "p"})),
        request(&json!({"provId": "p", "appLocs": ["a1"]})),
    );
    assert!(Resource::<Ecs>::may_become(&one, &same).is_ok());
    let mut other = one.clone();
    other.ees_prof.prov_id = None::<ProviderId>;
    let error = Resource::<Ecs>::may_become(&one, &other).expect_err("refused");
    assert_eq!(error.invalid[0].param, "/eesProf/provId");
}

#[test]
fn keys_of_strange_names_stay_apart() {
    let key = |id: &str| by_ees_id(&id.parse().expect("an id"));
    assert_eq!(key("a/b").as_str(), "ees-by-id/a%2Fb");
    assert_ne!(key("a/b"), key("a%2Fb"));
}
