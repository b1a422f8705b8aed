//! Rows about access tokens: at an EES that demands them, and at the ECS that issues them. The forger has a signing key of that ECS:
//! what is wrong with a token is what its row says, and nothing else.

use super::{
    row::{Case, Row},
    site::{AUDIENCE, CALLED, Door, EEC, Ground, ISSUER, OTHER_EEC, OTHER_EES, Site},
};
use crate::support::{ACR_EVENTS, DISCOVERY, EEC_REGISTRATIONS};
use edgeapp_core::principal::Role;
use edgeapp_system_tests::jwt::{encoded, thumbprint};
use http::header;
use serde_json::{Value, json};

const TOKEN: &str = "/oauth2/token";
const REVOKE: &str = "/oauth2/revoke";

/// The claims of a good token of the EEC, with these members over them; null takes one away.
fn claims(site: &Site, more: &Value) -> Value {
    let now = jiff::Timestamp::now().as_second();
    let mut claims = json!({
        "iss": ISSUER, "sub": EEC, "client_id": EEC, "aud": CALLED, "scope": "eees-easdiscovery", "jti": "corpus-good",
        "iat": now, "exp": now + 300,
        "cnf": {"x5t#S256": thumbprint(&site.who(Role::Eec, EEC))},
    });
    for (name, value) in more.as_object().unwrap() {
        match value {
            Value::Null => drop(claims.as_object_mut().unwrap().remove(name)),
            value => claims[name] = value.clone(),
        }
    }
    claims
}

fn discovery(bearer: &str) -> Case {
    Case::post(DISCOVERY, &json!({"requestorId": {"eecId": EEC}}))
        .with(header::AUTHORIZATION, format!("Bearer {bearer}"))
}

/// What the EES says to a token that is none.
fn invalid(bearer: &str) -> Case {
    discovery(bearer).challenged(401, Some("invalid_token"))
}

fn with_claims(site: &Site, more: &Value) -> Case {
    invalid(&site.forger.token(&claims(site, more)))
}

fn with_header(site: &Site, more: &Value) -> Case {
    let mut head = site.forger.header();
    for (name, value) in more.as_object().unwrap() {
        match value {
            Value::Null => drop(head.as_object_mut().unwrap().remove(name)),
            value => head[name] = value.clone(),
        }
    }
    invalid(&site.forger.token_under(&head, &claims(site, &json!({}))))
}

fn asking(pairs: &[(&str, &str)]) -> Case {
    Case::form(TOKEN, pairs)
}

/// A good request for a token, with these parameters in place of the usual ones; an empty one is left out.
fn asking_with(more: &[(&'static str, &'static str)]) -> Case {
    let usual = [
        ("grant_type", "client_credentials"),
        ("client_id", EEC),
        ("scope", "eees-easdiscovery"),
        ("resource", AUDIENCE),
    ];
    let is_given = |name: &str| more.iter().any(|(given, _)| *given == name);
    let mut pairs: Vec<_> = usual.into_iter().filter(|(name, _)| !is_given(name)).collect();
    pairs.extend(more.iter().filter(|(_, value)| !value.is_empty()));
    asking(&pairs)
}

/// All of them.
pub(crate) fn rows() -> Vec<Row> {
    at_the_ees().into_iter().chain(at_the_ecs()).collect()
}

fn at_the_ees() -> Vec<Row> {
    let row = |number, tries, cases| {
        Row::new(number, tries, Door::Edge1, cases)
            .also_for(Role::Ees)
            .on(Ground::Tokens)
    };
    vec![
        row(49, "two tokens", |site: &Site| {
            let good = site.forger.token(&claims(site, &json!({})));
            let twice = discovery(&good).and(header::AUTHORIZATION, format!("Bearer {good}"));
            vec![twice.challenged(400, Some("invalid_request"))]
        }),
        row(55, "no token, or one in the query", |site: &Site| {
            let good = site.forger.token(&claims(site, &json!({})));
            let ask = json!({"requestorId": {"eecId": EEC}});
            vec![
                Case::post(DISCOVERY, &ask).challenged(401, None),
                Case::post(format!("{DISCOVERY}?access_token={good}"), &ask).challenged(401, None),
                // Who may not is not told what a body should be.
                Case::post_text(DISCOVERY, "{").challenged(401, None),
                Case::post(DISCOVERY, &json!({})).challenged(401, None),
            ]
        }),
        row(56, "another scheme, no value", |_| {
            vec![
                discovery("")
                    .with(header::AUTHORIZATION, "Basic ZWVjOmVlYw==")
                    .challenged(401, None),
                discovery("")
                    .with(header::AUTHORIZATION, "Bearer")
                    .challenged(400, Some("invalid_request")),
            ]
        }),
        row(57, "two, four and five parts, padding, blanks", |site: &Site| {
            let good = site.forger.token(&claims(site, &json!({})));
            let (front, signature) = good.rsplit_once('.').unwrap();
            let forms = [
                front.to_owned(),
                format!("{good}.e30"),
                format!("{good}.e30.e30"),
                format!("{good}=="),
                format!("{front}. {signature}"),
                format!("..{signature}"),
            ];
            forms.iter().map(|form| invalid(form)).collect()
        }),
        row(58, "another algorithm, headers that lead elsewhere", |site: &Site| {
            let front = |alg: &str| {
                let head = encoded(json!({"alg": alg, "typ": "at+jwt"}).to_string());
                format!("{head}.{}", encoded(claims(site, &json!({})).to_string()))
            };
            let mut cases: Vec<_> = ["none", "None", "nOnE"]
                .map(|alg| invalid(&format!("{}.", front(alg))))
                .into();
            cases.extend(["HS256", "ES257", "RS256"].map(|alg| with_header(site, &json!({"alg": alg}))));
            cases.push(with_header(site, &json!({"alg": null})));
            cases.push(with_header(site, &json!({"crit": ["exp"]})));
            cases.push(with_header(site, &json!({"jku": "https://evil.example/jwks"})));
            cases.push(with_header(site, &json!({"x5u": "https://evil.example/key.pem"})));
            cases.push(with_header(
                site,
                &json!({"jwk": {"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"}}),
            ));
            cases
        }),
        row(59, "names of keys that are none", |site: &Site| {
            let kids = [
                json!("../../etc/passwd"),
                json!("' OR 1=1"),
                json!("https://evil.example/key"),
                json!("x\u{0}y"),
                json!("x".repeat(4_000)),
                Value::Null,
            ];
            kids.iter().map(|kid| with_header(site, &json!({"kid": kid}))).collect()
        }),
        row(60, "times that are not now", |site: &Site| {
            let now = jiff::Timestamp::now().as_second();
            let times = [
                json!({"iat": now - 600, "exp": now - 300}),
                json!({"nbf": now + 300}),
                json!({"iat": now + 300, "exp": now + 600}),
                json!({"exp": (now + 300).to_string()}),
                json!({"exp": 300}),
                json!({"exp": -1}),
                json!({"exp": 1e300}),
                json!({"exp": null}),
            ];
            times.iter().map(|times| with_claims(site, times)).collect()
        }),
        row(
            61,
            "for another EES, from somebody else, bound to another certificate",
            |site: &Site| {
                let other = thumbprint(&site.who(Role::Eec, OTHER_EEC));
                let claims = [
                    json!({"aud": OTHER_EES}),
                    json!({"aud": format!("{CALLED}.")}),
                    json!({"aud": [CALLED, OTHER_EES]}),
                    json!({"iss": "evil.example"}),
                    json!({"sub": OTHER_EEC, "client_id": OTHER_EEC}),
                    json!({"cnf": {"x5t#S256": other}}),
                    json!({"cnf": null}),
                ];
                let mut cases: Vec<_> = claims.iter().map(|claims| with_claims(site, claims)).collect();
                // The good token of another client.
                cases.push(with_claims(site, &json!({})).by(OTHER_EEC));
                cases
            },
        ),
        row(62, "a token that was taken back", |site: &Site| {
            let token = site.forger.token(&claims(site, &json!({"jti": "corpus-taken-back"})));
            vec![
                discovery(&token).served(200),
                Case::form(REVOKE, &[("token", token.as_str()), ("client_id", EEC)])
                    .through(Door::Edge4)
                    .served(200),
                invalid(&token).sooner_or_later(),
            ]
        }),
        row(63, "a token for something else", |site: &Site| {
            let ask = json!({"eecId": EEC});
            let token = site.forger.token(&claims(site, &json!({"jti": "corpus-narrow"})));
            vec![
                Case::post(EEC_REGISTRATIONS, &ask)
                    .with(header::AUTHORIZATION, format!("Bearer {token}"))
                    .challenged(403, Some("insufficient_scope")),
                Case::post(ACR_EVENTS, &json!({}))
                    .with(header::AUTHORIZATION, format!("Bearer {token}"))
                    .challenged(403, Some("insufficient_scope")),
            ]
        }),
        row(69, "taking back the token of another", |site: &Site| {
            let token = site.forger.token(&claims(site, &json!({"jti": "corpus-kept"})));
            vec![
                Case::form(REVOKE, &[("token", token.as_str()), ("client_id", OTHER_EEC)])
                    .by(OTHER_EEC)
                    .through(Door::Edge4)
                    .served(200),
                discovery(&token).served(200),
            ]
        }),
    ]
}

fn at_the_ecs() -> Vec<Row> {
    let row = |number, tries, cases| Row::new(number, tries, Door::Edge4, cases).on(Ground::Tokens);
    vec![
        row(18, "GET of a token", |_| {
            vec![
                Case::get(TOKEN)
                    .refused(405, "METHOD_NOT_ALLOWED")
                    .saying(header::ALLOW),
            ]
        }),
        row(64, "another grant", |_| {
            let grants = [
                "password",
                "authorization_code",
                "refresh_token",
                "urn:ietf:params:oauth:grant-type:jwt-bearer",
            ];
            let refused = |grant| asking_with(&[("grant_type", grant)]).refused_as(400, "unsupported_grant_type");
            grants.map(refused).into()
        }),
        row(65, "JSON, a parameter twice, no grant", |_| {
            let json = json!({"grant_type": "client_credentials", "client_id": EEC});
            vec![
                Case::post(TOKEN, &json).refused_as(400, "invalid_request"),
                asking(&[
                    ("grant_type", "client_credentials"),
                    ("client_id", EEC),
                    ("client_id", EEC),
                    ("resource", AUDIENCE),
                ])
                .refused_as(400, "invalid_request"),
                asking_with(&[("grant_type", "")]).refused_as(400, "invalid_request"),
                asking_with(&[("client_secret", "x")]).refused_as(400, "invalid_request"),
            ]
        }),
        row(66, "in the name of another client", |_| {
            vec![
                asking_with(&[("client_id", OTHER_EEC)]).refused_as(401, "invalid_client"),
                asking_with(&[("client_id", "nobody")]).refused_as(401, "invalid_client"),
            ]
        }),
        row(67, "a scope that is none, or too wide", |_| {
            let scopes = [
                "*",
                " ",
                "eees-easdiscovery\teees-acrevents",
                "eees-nothing",
                "eees-easregistration",
            ];
            let refused = |scope| asking_with(&[("scope", scope)]).refused_as(400, "invalid_scope");
            scopes.map(refused).into()
        }),
        row(68, "for an EES that is none of the client's", |_| {
            vec![
                asking_with(&[("resource", "https://ees-nowhere.example/")]).refused_as(400, "invalid_target"),
                asking_with(&[("resource", AUDIENCE), ("resource", "https://ees-b.example/")])
                    .refused_as(400, "invalid_target"),
            ]
        }),
    ]
}
