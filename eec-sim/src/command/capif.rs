//! `capif`: an EAS as an API invoker of a CAPIF core function.

use super::{CommandError, Outcome};
use crate::{
    capif::{InvokerError, Kept, Site, Step, play, root_of, token_for},
    configuration,
    pki::{CHESS, Pki},
    world::{process::Server, programs},
};
use anstream::println;
use axum::http::Method;
use edgeapp_capif_client::core::{Core, Onboarding};
use edgeapp_core::principal::Role;
use edgeapp_http::{client::CallError, tls::Trust};
use edgeapp_openapi::common::Uri;
use serde_json::{Value, json};
use std::{fs, path::Path};

/// The name by which `run` plays [`capif_demo`].
pub const SCENARIO: &str = "capif";

/// The core function, and where an invoker keeps what it gave.
pub struct AtCore<'a> {
    /// `apiRoot` of the core function.
    pub url: &'a str,
    /// PEM file with the issuers of its certificate.
    pub roots: &'a Path,
    /// The folder of the invoker.
    pub folder: &'a Path,
    /// One JSON line, and nothing else.
    pub json: bool,
}

fn of(error: InvokerError) -> CommandError {
    match error {
        InvokerError::File(path, error) => CommandError::File(path, error),
        InvokerError::Pki(error) => CommandError::Pki(error),
        InvokerError::Tls(error) => CommandError::Usage(error.to_string()),
        error => CommandError::Failed(error.to_string()),
    }
}

fn trust(roots: &Path) -> Result<Trust, CommandError> {
    Trust::load(roots).map_err(|error| CommandError::Usage(error.to_string()))
}

fn uri(text: &str) -> Result<Uri, CommandError> {
    text.parse()
        .map_err(|error| CommandError::Usage(format!("{text}: {error}")))
}

impl AtCore<'_> {
    fn core(&self) -> Result<Core, CommandError> {
        let core = Core::new(self.url, trust(self.roots)?);
        core.map_err(|error| CommandError::Usage(error.to_string()))
    }

    fn kept(&self) -> Result<Kept, CommandError> {
        Kept::at(self.folder).map_err(of)
    }

    /// `capif onboard`: becomes an API invoker by the credential in a file.
    ///
    /// # Errors
    /// When the core function refuses or cannot be reached.
    pub async fn onboard(&self, credential: &Path, told_at: &str) -> Result<Outcome, CommandError> {
        let secret = fs::read_to_string(credential);
        let secret = secret.map_err(|error| CommandError::File(credential.to_owned(), error))?;
        let wanted = Onboarding::told_at(uri(told_at)?);
        let held = self.core()?.onboard(secret.trim(), &wanted).await;
        let held = held.map_err(|error| of(error.into()))?;
        self.kept()?.keep(&held).map_err(of)?;
        match self.json {
            true => println!("{}", json!({"apiInvokerId": held.id})),
            false => println!(
                "onboarded as API invoker {}; kept in {}",
                held.id,
                self.folder.display()
            ),
        }
        Ok(Outcome::Good)
    }

    /// `capif discover`: shows the APIs that fit. Good when there are any.
    ///
    /// # Errors
    /// When the core function refuses or cannot be reached.
    pub async fn discover(&self, query: &[String]) -> Result<Outcome, CommandError> {
        let pair = |text: &String| {
            let usage = || {
                CommandError::Usage(format!(
                    "{text:?} is no parameter of a query; write api-name=eees-easregistration"
                ))
            };
            text.split_once('=')
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .ok_or_else(usage)
        };
        let query: Vec<_> = query.iter().map(pair).collect::<Result<_, _>>()?;
        let query: Vec<_> = query
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        let held = self.kept()?.held().map_err(of)?;
        let invoker = self.core()?.invoker(held).map_err(|error| of(error.into()))?;
        let found = invoker.discover(&query).await.map_err(|error| of(error.into()))?;
        if self.json {
            let found = serde_json::to_string(&found).map_err(|error| CommandError::Failed(error.to_string()))?;
            println!("{found}");
        } else {
            for api in &found {
                for profile in &api.aef_profiles {
                    let root = root_of(profile).unwrap_or_default();
                    let methods: Vec<_> = profile.security_methods.iter().map(ToString::to_string).collect();
                    println!(
                        "{:<28} {root}  AEF {}  {}",
                        api.api_name,
                        profile.aef_id,
                        methods.join(" ")
                    );
                }
            }
        }
        Ok(match found.is_empty() {
            true => Outcome::Failed,
            false => Outcome::Good,
        })
    }

    /// `capif token`: agrees on tokens with the exposing functions of these APIs, and gets one.
    ///
    /// # Errors
    /// When the core function refuses or cannot be reached.
    pub async fn token(&self, apis: &[String], scope: Option<&str>, told_at: &str) -> Result<Outcome, CommandError> {
        let kept = self.kept()?;
        let held = kept.held().map_err(of)?;
        let invoker = self.core()?.invoker(held).map_err(|error| of(error.into()))?;
        let token = token_for(&invoker, apis, &uri(told_at)?, scope).await.map_err(of)?;
        kept.keep_token(&token).map_err(of)?;
        let granted = token.scope.clone().unwrap_or_default();
        match self.json {
            true => println!("{}", json!({"scope": granted, "expiresIn": token.expires_in})),
            false => println!(
                "{granted}, for {} s; kept in {}",
                token.expires_in,
                self.folder.display()
            ),
        }
        Ok(Outcome::Good)
    }

    /// `capif call`: calls an exposed API with the token that is kept. Good when the answer is a 2xx.
    ///
    /// # Errors
    /// When the server cannot be reached.
    pub async fn call(
        &self,
        method: &str,
        url: &str,
        body: Option<&Path>,
        servers: &Path,
    ) -> Result<Outcome, CommandError> {
        let method: Method = method
            .to_ascii_uppercase()
            .parse()
            .map_err(|_| CommandError::Usage(format!("{method:?} is no method")))?;
        let body: Option<Value> = match body {
            None => None,
            Some(path) => {
                let text = fs::read_to_string(path).map_err(|error| CommandError::File(path.to_owned(), error))?;
                let parsed = serde_json::from_str(&text);
                Some(parsed.map_err(|error| CommandError::Usage(format!("{}: {error}", path.display())))?)
            }
        };
        let kept = self.kept()?;
        let (held, token) = (kept.held().map_err(of)?, kept.token().map_err(of)?);
        let invoker = self.core()?.invoker(held).map_err(|error| of(error.into()))?;
        let caller = invoker.caller(&trust(servers)?).map_err(|error| of(error.into()))?;
        match caller.call(method, url, Some(&token), body.as_ref()).await {
            Ok(answer) => {
                println!("{}", answer.status);
                if let Some(location) = &answer.location {
                    println!("Location: {location}");
                }
                println!("{}", String::from_utf8_lossy(&answer.body));
                Ok(Outcome::Good)
            }
            Err(CallError::Refused { status, body, .. }) => {
                println!("{status}\n{}", String::from_utf8_lossy(&body));
                Ok(Outcome::Failed)
            }
            Err(error) => Err(CommandError::Failed(format!("{url}: {error}"))),
        }
    }
}

/// Shows a step.
pub(super) fn show(step: &Step, json: bool) {
    match json {
        true => println!("{}", json!({"type": "step", "did": step.did, "came": step.came})),
        false => println!("{:<52} {}", step.did, step.came),
    }
}

/// `capif walk`: plays the whole scenario against a core function and an EES that run. `operator` is the operator's port of the core
/// function, `pki` the folder that `pki init` made for both.
///
/// # Errors
/// When the folder has no certificates.
pub async fn capif_walk(
    pki: &Path,
    core: &str,
    operator: &str,
    embedded: bool,
    json: bool,
) -> Result<Outcome, CommandError> {
    let pki = Pki::open(pki)?;
    let site = Site {
        pki: &pki,
        core: core.trim_end_matches('/'),
        operator: operator.trim_end_matches('/'),
        operator_role: match embedded {
            true => Role::Ees,
            false => Role::Ccf,
        },
    };
    played(&site, json).await
}

/// Plays, and says how it ended.
pub(super) async fn played(site: &Site<'_>, json: bool) -> Result<Outcome, CommandError> {
    match play(site, CHESS, |step| show(&step, json)).await {
        Ok(()) => {
            match json {
                true => println!("{}", json!({"type": "verdict", "held": true})),
                false => println!("\nEverything held."),
            }
            Ok(Outcome::Good)
        }
        Err(error @ (InvokerError::Pki(_) | InvokerError::Tls(_))) => Err(of(error)),
        Err(error) => {
            match json {
                true => println!(
                    "{}",
                    json!({"type": "verdict", "held": false, "reason": error.to_string()})
                ),
                false => println!("\nDid not hold: {error}"),
            }
            Ok(Outcome::Failed)
        }
    }
}

/// `run capif`: the scenario with a core function and an EES of its own, as processes with fresh certificates in a temporary folder.
///
/// # Errors
/// When they cannot be started.
pub async fn capif_demo(json: bool) -> Result<Outcome, CommandError> {
    let said = |error: &dyn std::fmt::Display| CommandError::Failed(error.to_string());
    let say = |text: &str| {
        if !json {
            anstream::eprintln!("{text}");
        }
    };
    let programs = programs::find(say).map_err(|error| said(&error))?;
    let folder = tempfile::Builder::new().prefix("eec-sim-").tempdir();
    let folder = folder.map_err(|error| CommandError::File(std::env::temp_dir(), error))?;
    let path = |name: &str| folder.path().join(name);
    let state = path("state");
    fs::create_dir_all(&state).map_err(|error| CommandError::File(state.clone(), error))?;
    let pki = Pki::create(folder.path())?;
    let written = |name: &str, text: &str| {
        let path = path(name);
        fs::write(&path, text).map_err(|error| CommandError::File(path.clone(), error))?;
        Ok::<_, CommandError>(path)
    };
    say("Starting a CAPIF core function and an EES as processes of their own, with fresh certificates.");
    let core = configuration::Ccf {
        ports: [0; 2],
        ..configuration::core_function(folder.path())
    };
    let config = written("ccf.toml", &core.text(&pki))?;
    let core = Server::start_as(&programs.ees, "ccf", "ccf", &config, &path("ccf.log")).await;
    let core = core.map_err(|error| said(&error))?;
    let root = |server: &Server, listener: &str| server.root(listener).map(str::to_owned).map_err(|error| said(&error));
    let (capif, operator) = (root(&core, "capif")?, root(&core, "operator")?);
    let site = Site {
        pki: &pki,
        core: &capif,
        operator: &operator,
        operator_role: Role::Ccf,
    };
    let secret = site.credential(&json!({"role": "provider"})).await.map_err(of)?;
    let credential = written("capif-credential", &secret)?;
    let ees = configuration::Ees {
        id: "ees-a.example".to_owned(),
        provider: "operator.example".to_owned(),
        files: "ees-a".to_owned(),
        ports: [0; 3],
        ecs: String::new(),
        dnn: "edge-a".to_owned(),
        dnais: vec!["dnai-a".to_owned()],
        tais: Vec::new(),
        core: None,
        state: state.join("ees-a.redb"),
        tokens: configuration::Tokens::No,
        transfer_seconds: None,
        names: None,
    };
    let mut table: toml::Table = ees.text(&pki).parse().map_err(|error: toml::de::Error| said(&error))?;
    table.remove("ecs");
    let text = format!("{table}\n{}", configuration::exposure(&pki, &capif, &credential));
    let config = written("ees-a.toml", &text)?;
    let ees = Server::start(&programs.ees, "ees-a", &config, &path("ees-a.log")).await;
    let _ees = ees.map_err(|error| said(&error))?;
    played(&site, json).await
}
