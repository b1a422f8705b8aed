//! An EAS as an API invoker (TS 29.558 clause 10.1): what it keeps between two commands, and a whole life with a core function, from
//! onboarding to the refusal after its authorization was taken back.

use crate::pki::{Pki, PkiError};
use axum::http::{Method, StatusCode};
use edgeapp_capif_client::{
    CapifError,
    core::{Core, Onboarding},
    held::Held,
    invoker::{Invoker, Token},
};
use edgeapp_core::{callback::CallbackRule, principal::Role};
use edgeapp_http::{
    client::{Answer, CallError, HttpClient},
    tls::TlsError,
};
use edgeapp_openapi::{
    capif::publish_service::{AefProfile, SecurityMethod},
    common::Uri,
};
use serde_json::{Value, json};
use std::{
    fs::{self, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

/// The API that the EAS of the scenario uses.
const REGISTRATION: &str = "eees-easregistration";
/// An API that it has no token for.
const LOCATION: &str = "eees-uelocation";
/// How long what was changed may take to be known everywhere.
const PATIENCE: Duration = Duration::from_secs(30);

/// Why an invoker cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum InvokerError {
    /// The core function.
    #[error(transparent)]
    Core(#[from] CapifError),
    /// An exposing function, or the operator's port.
    #[error("{what}: {source}")]
    Call {
        /// What was asked for.
        what: String,
        /// What came of it.
        source: CallError,
    },
    /// Certificates or roots.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The laboratory.
    #[error(transparent)]
    Pki(#[from] PkiError),
    /// A file.
    #[error("{0}: {1}")]
    File(PathBuf, io::Error),
    /// Something did not hold.
    #[error("{0}")]
    Failed(String),
}

fn failed(what: impl Into<String>) -> InvokerError {
    InvokerError::Failed(what.into())
}

/// What an invoker keeps in a folder between two commands: what the core function gave it, and its last token.
#[derive(Clone, Debug)]
pub struct Kept(PathBuf);

impl Kept {
    /// In this folder, which is made when it is not there.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn at(folder: &Path) -> Result<Self, InvokerError> {
        fs::create_dir_all(folder).map_err(|error| InvokerError::File(folder.to_owned(), error))?;
        Ok(Self(folder.to_owned()))
    }

    /// Writes a file that nobody else can read.
    fn write(&self, name: &str, text: &str) -> Result<(), InvokerError> {
        let path = self.0.join(name);
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let written = options.open(&path).and_then(|mut file| file.write_all(text.as_bytes()));
        written.map_err(|error| InvokerError::File(path, error))
    }

    fn read(&self, name: &str, remedy: &str) -> Result<String, InvokerError> {
        let path = self.0.join(name);
        fs::read_to_string(&path).map_err(|error| failed(format!("{}: {error}; {remedy}", path.display())))
    }

    /// Keeps what the core function gave.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn keep(&self, held: &Held) -> Result<(), InvokerError> {
        let text = serde_json::to_string_pretty(held).map_err(|error| failed(error.to_string()))?;
        self.write("invoker.json", &text)
    }

    /// What the core function gave.
    ///
    /// # Errors
    /// When nothing was given yet.
    pub fn held(&self) -> Result<Held, InvokerError> {
        let text = self.read("invoker.json", "be onboarded first: eec-sim capif onboard")?;
        // What serde says could quote the key.
        serde_json::from_str(&text).map_err(|_| failed(format!("{}: invoker.json is damaged", self.0.display())))
    }

    /// Keeps a token.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn keep_token(&self, token: &Token) -> Result<(), InvokerError> {
        self.write("token", token.secret())
    }

    /// The last token.
    ///
    /// # Errors
    /// When there is none.
    pub fn token(&self) -> Result<Token, InvokerError> {
        let text = self.read("token", "get one first: eec-sim capif token")?;
        Ok(Token::of(text.trim())?)
    }
}

/// Agrees on `OAUTH` with the exposing functions of these APIs, and gets a token for the scope, or for all of it.
///
/// # Errors
/// When the core function refuses, or has none of the APIs.
pub async fn token_for(
    invoker: &Invoker,
    apis: &[String],
    told_at: &Uri,
    scope: Option<&str>,
) -> Result<Token, InvokerError> {
    let mut aefs = Vec::new();
    for api in apis {
        let found = invoker.discover(&[("api-name", api)]).await?;
        if found.is_empty() {
            return Err(failed(format!("the core function has no API {api:?} for this invoker")));
        }
        for profile in found.iter().flat_map(|api| &api.aef_profiles) {
            if !aefs.contains(&profile.aef_id) {
                aefs.push(profile.aef_id.clone());
            }
        }
    }
    let agreed = invoker.agree(&aefs, &[SecurityMethod::Oauth], told_at).await?;
    if let Some(none) = agreed
        .security_info
        .iter()
        .find(|entry| entry.sel_security_method.is_none())
    {
        let aef = none.aef_id.as_ref().map(ToString::to_string).unwrap_or_default();
        return Err(failed(format!("{aef} does not take tokens: no method in common")));
    }
    Ok(invoker.token(scope).await?)
}

/// The `apiRoot` behind a profile.
pub fn root_of(profile: &AefProfile) -> Option<String> {
    match (&profile.domain_name, profile.interface_descriptions.first()) {
        (Some(name), _) => Some(format!("https://{name}")),
        (None, Some(interface)) => Some(interface.api_root()),
        (None, None) => None,
    }
}

/// A laboratory with a core function and an EES that is exposed at it.
#[derive(Clone, Debug)]
pub struct Site<'a> {
    /// The certificates.
    pub pki: &'a Pki,
    /// `apiRoot` of the core function.
    pub core: &'a str,
    /// `apiRoot` of the operator's port of the core function.
    pub operator: &'a str,
    /// Of which role the certificate of that port is: `ccf`, or `ees` where the core function is embedded.
    pub operator_role: Role,
}

impl Site<'_> {
    /// Trust in the core function.
    ///
    /// # Errors
    /// When its authority is missing.
    pub fn core(&self) -> Result<Core, InvokerError> {
        Ok(Core::new(self.core, self.pki.trust(Role::Ccf)?)?)
    }

    async fn operate(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Answer, InvokerError> {
        let identity = self.pki.files("operator").identity()?;
        let roots = self.pki.trust(self.operator_role)?;
        let client = HttpClient::new(&identity, &roots, CallbackRule::anywhere(), Duration::from_secs(10))?;
        let url = format!("{}{path}", self.operator);
        let answer = client.call(method, &url, body).await;
        answer.map_err(|source| InvokerError::Call {
            what: format!("the operator's port, {path}"),
            source,
        })
    }

    /// Makes an onboarding credential, as an operator does: its secret.
    ///
    /// # Errors
    /// When the operator's port refuses.
    pub async fn credential(&self, wanted: &Value) -> Result<String, InvokerError> {
        let made = self.operate(Method::POST, "/capif/credentials", Some(wanted)).await?;
        let told: Value = made.json().map_err(|source| InvokerError::Call {
            what: "the operator's port".to_owned(),
            source,
        })?;
        let secret = told["secret"].as_str();
        secret
            .map(str::to_owned)
            .ok_or_else(|| failed("the operator's port made a credential without a secret"))
    }

    /// Takes back all that an invoker may do, as an operator does.
    ///
    /// # Errors
    /// When the operator's port refuses.
    pub async fn revoke(&self, invoker: &str) -> Result<(), InvokerError> {
        let path = format!("/capif/invokers/{invoker}/authorization");
        self.operate(Method::DELETE, &path, None).await.map(drop)
    }
}

/// One step of the scenario, as it is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// What the EAS did.
    pub did: String,
    /// What came of it.
    pub came: String,
}

/// The status code of an answer or a refusal.
fn status(what: &str, answer: Result<Answer, CallError>) -> Result<StatusCode, InvokerError> {
    match answer {
        Ok(answer) => Ok(answer.status),
        Err(error) => match error.status() {
            Some(status) => Ok(status),
            None => Err(InvokerError::Call {
                what: what.to_owned(),
                source: error,
            }),
        },
    }
}

fn wanted(what: &str, is: StatusCode, should_be: StatusCode) -> Result<(), InvokerError> {
    match is == should_be {
        true => Ok(()),
        false => Err(failed(format!("{what}: {is}, and it should have been {should_be}"))),
    }
}

/// Plays the scenario: an EAS is onboarded, finds the EES, gets a token, registers over EDGE-3, loses its authorization, and is refused on
/// the connection that it holds. Each step is told as it is done.
///
/// # Errors
/// At the first thing that does not hold.
pub async fn play(site: &Site<'_>, eas_id: &str, mut tell: impl FnMut(Step)) -> Result<(), InvokerError> {
    let mut tell = |did: &str, came: String| {
        tell(Step {
            did: did.to_owned(),
            came,
        });
    };
    let secret = site.credential(&json!({"role": "invoker", "easId": eas_id})).await?;
    tell(
        "the operator of the core function makes a credential",
        format!("for {eas_id}, once"),
    );

    let told_at: Uri = "https://127.0.0.1:9/capif"
        .parse()
        .map_err(|error| failed(format!("{error}")))?;
    let core = site.core()?;
    let held = core.onboard(&secret, &Onboarding::told_at(told_at.clone())).await?;
    let id = held.id.clone();
    tell(
        "the EAS is onboarded",
        format!("as API invoker {id}, with a certificate"),
    );
    let again = core.onboard(&secret, &Onboarding::told_at(told_at.clone())).await;
    match again {
        Err(error) if error.status().is_some_and(|status| status.is_client_error()) => {
            tell("the same credential is shown again", error.to_string());
        }
        Err(error) => return Err(error.into()),
        Ok(_) => return Err(failed("a credential for one use was taken twice")),
    }

    let invoker = core.invoker(held)?;
    let since = Instant::now();
    let found = loop {
        let found = invoker.discover(&[("api-name", REGISTRATION)]).await?;
        if !found.is_empty() {
            break found;
        }
        if since.elapsed() > PATIENCE {
            return Err(failed(format!("no EES publishes {REGISTRATION} at the core function")));
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    };
    let profile = found.iter().flat_map(|api| &api.aef_profiles).next();
    let profile = profile.ok_or_else(|| failed("the API that was found is exposed nowhere"))?;
    let root = root_of(profile).ok_or_else(|| failed("the API that was found is reached nowhere"))?;
    tell(
        "it discovers the EES",
        format!("{REGISTRATION} at {root}, AEF {}", profile.aef_id),
    );

    let scope = format!("3gpp#{}:{REGISTRATION}", profile.aef_id);
    let token = token_for(&invoker, &[REGISTRATION.to_owned()], &told_at, Some(&scope)).await?;
    tell("it gets a token", format!("{scope}, for {} s", token.expires_in));

    let ees = invoker.caller(&site.pki.trust(Role::Ees)?)?;
    let registrations = format!("{root}/{REGISTRATION}/v1/registrations");
    let body = json!({"easProf": {"easId": eas_id, "endPt": {"uri": "https://eas.example"}}});
    let without = ees.call(Method::POST, &registrations, None, Some(&body)).await;
    let without = status("registration without a token", without)?;
    wanted("registration without a token", without, StatusCode::UNAUTHORIZED)?;
    tell("it calls without the token", without.to_string());
    let other = format!("{root}/{LOCATION}/v1/subscriptions/1");
    let other = status("a call of another API", ees.get(&other, &token).await)?;
    wanted("a call of another API", other, StatusCode::FORBIDDEN)?;
    tell("it calls another API with the token", other.to_string());
    let made = ees.call(Method::POST, &registrations, Some(&token), Some(&body)).await;
    let made = made.map_err(|source| InvokerError::Call {
        what: "registration over EDGE-3".to_owned(),
        source,
    })?;
    wanted("registration over EDGE-3", made.status, StatusCode::CREATED)?;
    let registration = made.location.ok_or_else(|| failed("registered without a Location"))?;
    tell("it registers over EDGE-3", registration.clone());

    site.revoke(&id).await?;
    let since = Instant::now();
    loop {
        let now = status("its registration", ees.get(&registration, &token).await)?;
        if now == StatusCode::UNAUTHORIZED {
            break;
        }
        wanted("its registration", now, StatusCode::OK)?;
        if since.elapsed() > PATIENCE {
            return Err(failed(
                "the EES still takes the token, long after the authorization was taken back",
            ));
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let after = since.elapsed().as_millis();
    tell(
        "its authorization is taken back",
        format!("refused on the same connection after {after} ms"),
    );
    match invoker.token(None).await {
        Err(error) if error.status().is_some_and(|status| status.is_client_error()) => {
            tell("it asks for another token", error.to_string());
        }
        Err(error) => return Err(error.into()),
        Ok(_) => {
            return Err(failed(
                "the core function issued another token after the authorization was taken back",
            ));
        }
    }
    invoker.offboard().await?;
    tell("it leaves", "offboarded".to_owned());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn what_is_kept_is_read_by_its_owner_only() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().expect("a folder");
        let kept = Kept::at(&folder.path().join("eas")).expect("a folder");
        assert!(kept.held().expect_err("nothing").to_string().contains("capif onboard"));
        let held = Held {
            id: "INV1".to_owned(),
            certificate: "c".to_owned(),
            key: "k".to_owned(),
            secret: None,
        };
        kept.keep(&held).expect("kept");
        assert_eq!(kept.held().expect("held"), held);
        kept.keep_token(&Token::of("t").expect("a token")).expect("kept");
        assert_eq!(kept.token().expect("a token").secret(), "t");
        for name in ["invoker.json", "token"] {
            let mode = fs::metadata(folder.path().join("eas").join(name))
                .expect("a file")
                .permissions()
                .mode();
            assert_eq!(mode & 0o077, 0, "{name}");
        }
    }
}
