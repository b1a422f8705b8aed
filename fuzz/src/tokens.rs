//! Access tokens, requests for them, and what an issuer says of its keys and of what it revoked.

use crate::Target;
use edgeapp_authz::token::{
    claims::{self, Expected},
    jws::{LONGEST_TOKEN, is_key_name, open},
    keys::KeySet,
    revocations::Revocations,
};
use edgeapp_core::{
    principal::{Owner, Principal},
    token::{ACCESS_TOKEN, AccessTokenClaims, Confirmation, LONGEST_LIFE, REVOCATIONS, RevocationList, scope},
};
use edgeapp_ecs_domain::tokens::{
    registry::Registry,
    request::{MOST_PARAMETERS, compromised, decide},
};
use std::sync::LazyLock;

/// All of them.
pub static TARGETS: &[Target] = &[
    Target {
        name: "token",
        run: token,
    },
    Target {
        name: "token-claims",
        run: claims_of_a_token,
    },
    Target {
        name: "token-keys",
        run: keys,
    },
    Target {
        name: "token-list",
        run: list,
    },
    Target {
        name: "token-request",
        run: request,
    },
];

const NOW: u64 = 1_900_000_000;
const ISSUER: &str = "https://ecs.example";
const EES: &str = "ees-a.example";

/// A key whose private half nobody here has: the base point of P-256.
static KEYS: LazyLock<KeySet> = LazyLock::new(|| {
    let key = r#"{"keys":[{"kty":"EC","crv":"P-256","use":"sig","alg":"ES256","kid":"k1",
        "x":"axfR8uEsQkf4vOblY6RA8ncDfYEt6zOg9KE5RdiYwpY","y":"T-NC4v4af5uO5-tKfA-eFivOM1drMV7Oy7ZAaDe_UfU"}]}"#;
    KeySet::parse(key.as_bytes()).expect("a key")
});

/// Nothing is signed that we did not sign.
fn token(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    for types in [&[ACCESS_TOKEN, "JWT"][..], &[REVOCATIONS]] {
        assert!(open(text, LONGEST_TOKEN, types, &KEYS).is_err(), "{text:?}");
    }
}

/// Claims that are taken have dates in order, a name, and scopes in the grammar; and are for us and for now only if they say so.
fn claims_of_a_token(bytes: &[u8]) {
    let Ok(claims) = claims::parse(bytes) else { return };
    assert!(claims.exp > claims.iat && (1..=128).contains(&claims.jti.len()));
    let scopes = scope::list(&claims.scope).expect("scopes");
    assert!(scopes.iter().all(|word| !word.is_empty()));
    let expected = Expected {
        issuer: ISSUER.to_owned(),
        audience: EES.to_owned(),
    };
    if claims::check(&claims, &expected, NOW).is_ok() {
        assert!(claims.iss == ISSUER && claims.aud == EES);
        assert!(claims.exp - claims.iat <= u64::from(LONGEST_LIFE) && claims.exp + 30 > NOW && claims.iat <= NOW + 30);
    }
}

/// Keys that are taken have plain names, and what is kept of them is read again to the same.
fn keys(bytes: &[u8]) {
    let Ok(keys) = KeySet::parse(bytes) else { return };
    assert!(keys.names().all(is_key_name) && keys.names().next().is_some());
    let kept = serde_json::to_vec(&keys.document()).expect("JSON");
    assert!(KeySet::parse(&kept).is_ok_and(|again| again == keys));
}

/// What a list revokes is revoked, also after one that leaves it out, for as long as it lives.
fn list(bytes: &[u8]) {
    let Ok(list) = serde_json::from_slice::<RevocationList>(bytes) else {
        return;
    };
    let Ok(heard) = Revocations::default().heard(&list, ISSUER, EES, NOW) else {
        return;
    };
    let later = RevocationList {
        seq: u64::MAX,
        tokens: Vec::new(),
        clients: Vec::new(),
        ..list.clone()
    };
    let heard = heard.heard(&later, ISSUER, EES, NOW).expect("a later list");
    let nobody = Owner::eec(&"nobody".parse().expect("an id"));
    for token in list.tokens.iter().filter(|token| token.exp >= NOW) {
        assert!(heard.has(&token_of("nobody", &token.jti, NOW), &nobody), "{token:?}");
    }
    for client in list.clients.iter().filter(|client| client.exp >= NOW) {
        let owner = client.identity.as_ref().unwrap_or(&nobody);
        assert!(heard.has(&token_of(&client.sub, "", client.until), owner), "{client:?}");
    }
}

fn token_of(client: &str, jti: &str, iat: u64) -> AccessTokenClaims {
    AccessTokenClaims {
        iss: ISSUER.to_owned(),
        sub: client.to_owned(),
        aud: EES.to_owned(),
        client_id: client.to_owned(),
        role: None,
        scope: String::new(),
        iat,
        nbf: None,
        exp: iat,
        jti: jti.to_owned(),
        cnf: Confirmation {
            x5t_s256: String::new(),
        },
    }
}

static REGISTRY: LazyLock<Registry> = LazyLock::new(|| {
    let text = "[[ees]]\nees_id = \"ees-a.example\"\nauthorization = \"token\"\n\
        [[client]]\nidentity = \"urn:edgeapp:eec:eec-1\"\naudiences = [\"ees-a.example\"]\n\
        scopes = [\"eees-easdiscovery\", \"eees-eecregistration:create\"]\n";
    Registry::parse(text).expect("a registry")
});

/// Nobody gets a token in another name, for another EES, or with a scope that is not registered.
fn request(bytes: &[u8]) {
    let parameters: Vec<(String, String)> = url::form_urlencoded::parse(bytes)
        .into_owned()
        .take(MOST_PARAMETERS + 1)
        .collect();
    if let Err(refusal) = compromised(&parameters) {
        assert!(refusal.description.is_ascii());
    }
    let client = Principal::from_names(["urn:edgeapp:eec:eec-1"], []).expect("an identity");
    match decide(&REGISTRY, &client, &parameters, 300) {
        Err(refusal) => assert!(refusal.description.is_ascii() && !refusal.description.contains(['"', '\\'])),
        Ok(grant) => {
            assert_eq!((grant.client_id.as_str(), grant.audience.as_str()), ("eec-1", EES));
            let granted = scope::list(&grant.scope).expect("scopes");
            let may = ["eees-easdiscovery", "eees-eecregistration:create"];
            assert!(granted.iter().all(|word| scope::within(word, may)), "{}", grant.scope);
        }
    }
}
