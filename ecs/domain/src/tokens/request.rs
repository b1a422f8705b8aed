//! From the parameters of a token request to what is granted (RFC 6749 clause 4.4, RFC 8705, RFC 8707).

use super::{
    refusal::{OauthError, Refusal},
    registry::Registry,
};
use edgeapp_core::{principal::Principal, token::scope};
use edgeapp_openapi::ids::EesId;
use std::collections::HashSet;

/// Most parameters of a request. Whoever reads them need not read on after one more.
pub const MOST_PARAMETERS: usize = 16;

/// What a client gets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// Its name.
    pub client_id: String,
    /// The EES that the token is for.
    pub audience: EesId,
    /// The scopes, with single spaces between them.
    pub scope: String,
    /// How long it lives, in seconds.
    pub lifetime: u32,
}

const fn invalid(description: &'static str) -> Refusal {
    Refusal::new(OauthError::InvalidRequest, description)
}

/// Parameters of a form: each once.
pub(super) struct Form<'a>(&'a [(String, String)]);

impl<'a> Form<'a> {
    pub(super) fn of(pairs: &'a [(String, String)]) -> Result<Self, Refusal> {
        if pairs.len() > MOST_PARAMETERS {
            return Err(invalid("there are more than 16 parameters"));
        }
        let mut seen = HashSet::with_capacity(pairs.len());
        for (name, _) in pairs {
            if seen.insert(name.as_str()) {
                continue;
            }
            if name == "resource" {
                return Err(Refusal::new(
                    OauthError::InvalidTarget,
                    "one token is for one EES; name one resource",
                ));
            }
            return Err(invalid("a parameter is there twice"));
        }
        Ok(Self(pairs))
    }

    pub(super) fn get(&self, name: &str) -> Option<&'a str> {
        self.0
            .iter()
            .find_map(|(other, value)| (other == name).then_some(value.as_str()))
    }
}

/// Whether a request for a rotation says that the keys are compromised. Anything that is not understood is refused: with a mistyped word
/// stolen keys would stay in force.
///
/// # Errors
/// See [`Refusal`].
pub fn compromised(parameters: &[(String, String)]) -> Result<bool, Refusal> {
    let form = Form::of(parameters)?;
    if parameters.iter().any(|(name, _)| name != "compromised") {
        return Err(invalid("the one parameter is compromised"));
    }
    match form.get("compromised") {
        None | Some("false") => Ok(false),
        Some("true") => Ok(true),
        Some(_) => Err(invalid("compromised is true or false")),
    }
}

/// Decides on a request for a token.
///
/// # Errors
/// See [`Refusal`]; who asks comes before what is asked for.
pub fn decide(
    registry: &Registry,
    principal: &Principal,
    parameters: &[(String, String)],
    usual_lifetime: u32,
) -> Result<Grant, Refusal> {
    let form = Form::of(parameters)?;
    if form.get("client_secret").is_some() || form.get("client_assertion").is_some() {
        return Err(invalid(
            "the certificate authenticates the client; leave secrets and assertions out",
        ));
    }
    let named = form.get("client_id").ok_or(invalid("client_id is missing"))?;
    let grant = form.get("grant_type").ok_or(invalid("grant_type is missing"))?;
    let client = registry
        .client(principal)
        .filter(|client| client.id == named)
        .ok_or(Refusal::new(
            OauthError::InvalidClient,
            "client_id is not that of a registered client with this certificate",
        ))?;
    if grant != "client_credentials" {
        return Err(Refusal::new(
            OauthError::UnsupportedGrantType,
            "the one grant is client_credentials",
        ));
    }
    let no_target = Refusal::new(
        OauthError::InvalidTarget,
        "resource has to be https://<EESID>/ of an EES that takes tokens and is open to this client",
    );
    let audience = form
        .get("resource")
        .and_then(|resource| resource.strip_prefix("https://")?.strip_suffix('/'))
        .and_then(|id| id.parse::<EesId>().ok())
        .filter(|id| client.audiences.contains(id) && registry.wants_tokens(id))
        .ok_or(no_target)?;
    Ok(Grant {
        client_id: client.id.clone(),
        audience,
        scope: granted_scope(form.get("scope"), &client.scopes, &client.default_scopes)?,
        lifetime: client.lifetime_seconds.unwrap_or(usual_lifetime),
    })
}

fn granted_scope(wanted: Option<&str>, may: &[String], usual: &[String]) -> Result<String, Refusal> {
    let refused = Refusal::new(
        OauthError::InvalidScope,
        "scope has to be some of the scopes that are registered for the client, with single spaces between them",
    );
    let Some(wanted) = wanted else {
        return Ok(usual.join(" "));
    };
    let mut granted: Vec<&str> = Vec::new();
    for word in scope::list(wanted).ok_or(refused)? {
        if !scope::is_known(word) || !scope::within(word, may.iter().map(String::as_str)) {
            return Err(refused);
        }
        if !granted.contains(&word) {
            granted.push(word);
        }
    }
    Ok(granted.join(" "))
}
