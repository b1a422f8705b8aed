//! What operators do with a core function from a terminal: make an authority, and, over the operator's port of one that runs, look at it,
//! hand out onboarding credentials, and take back what invokers may do.

use axum::http::Method;
use clap::{Args, Subcommand, ValueEnum};
use edgeapp_capif::{
    certificate::new_authority,
    credential::{Bearer, NewCredential},
};
use edgeapp_core::{
    callback::CallbackRule,
    clock::{Clock, SystemClock},
};
use edgeapp_http::{
    client::{CallError, HttpClient},
    tls::{Identity, Trust},
};
use edgeapp_openapi::ids::EasId;
use serde::Serialize;
use serde_json::Value;
use std::{
    fs::OpenOptions,
    io::Write,
    path::{Path, PathBuf},
    time::Duration,
};

/// How long an operator's port may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// What is done apart from serving.
#[derive(Subcommand)]
pub enum CcfCommand {
    /// Check a configuration file and what it names, print the settings that it leads to, and say what is weaker than the hardened
    /// reference. Exit status 1 when anything is, 2 when the file cannot be used.
    CheckConfig {
        /// The configuration file.
        #[arg(long)]
        config: PathBuf,
    },
    /// Print the policies that a core function comes with, to begin with.
    Policies {
        /// The folder to write them to, with the schema for editors; without it they are printed.
        #[arg(long, value_name = "DIR")]
        out: Option<PathBuf>,
        /// Print the schema: what policies can speak of.
        #[arg(long, conflicts_with = "out")]
        schema: bool,
    },
    /// Make the authority of a new core function: its certificate, and its key, readable by its owner alone.
    Authority {
        /// The file of the certificate.
        #[arg(long, value_name = "FILE")]
        certificate: PathBuf,
        /// The file of the key.
        #[arg(long, value_name = "FILE")]
        key: PathBuf,
        /// The common name.
        #[arg(long, default_value = "CAPIF authority")]
        name: String,
        /// How many days it lives.
        #[arg(long, default_value_t = 3650, value_parser = clap::value_parser!(u32).range(1..=36_500))]
        days: u32,
    },
    /// Onboarding credentials: who has one can become an API invoker, or register an API provider.
    #[command(subcommand)]
    Credential(CredentialCommand),
    /// API invokers: take back what they may do.
    #[command(subcommand)]
    Invoker(InvokerCommand),
    /// Show provider domains, published APIs, invokers, and what went wrong lately.
    Status {
        /// The core function.
        #[command(flatten)]
        at: At,
    },
}

/// What is done with credentials.
#[derive(Subcommand)]
pub enum CredentialCommand {
    /// Make one. Its secret is told once: printed, or written to a file.
    New {
        /// Whom it is for.
        #[arg(long, value_enum)]
        role: Role,
        /// The EASID that certificates of the invokers will name; with `--role invoker`.
        #[arg(long, value_name = "EASID", required_if_eq("role", "invoker"))]
        eas_id: Option<EasId>,
        /// How often it can be used.
        #[arg(long, default_value_t = 1)]
        uses: u32,
        /// How long it can be used, such as 90s, 15m, 12h or 7d.
        #[arg(long, default_value = "1d", value_parser = seconds)]
        ttl: u32,
        /// What it is for, in words.
        #[arg(long)]
        note: Option<String>,
        /// The file to write the secret to, readable by its owner alone; without it the secret is printed.
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
        /// The core function.
        #[command(flatten)]
        at: At,
    },
    /// List those that there are, without their secrets.
    List {
        /// The core function.
        #[command(flatten)]
        at: At,
    },
    /// End one: it counts no more.
    Revoke {
        /// Its name, as `list` shows it.
        id: String,
        /// The core function.
        #[command(flatten)]
        at: At,
    },
}

/// What is done with invokers.
#[derive(Subcommand)]
pub enum InvokerCommand {
    /// Take back all that an invoker may call; it may negotiate anew.
    Revoke {
        /// The API invoker identifier, as `status` shows it.
        id: String,
        /// The core function.
        #[command(flatten)]
        at: At,
    },
    /// Offboard an invoker: its certificate counts no more.
    Offboard {
        /// The API invoker identifier, as `status` shows it.
        id: String,
        /// The core function.
        #[command(flatten)]
        at: At,
    },
}

/// Whom a credential is for.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Role {
    /// API invokers.
    Invoker,
    /// API providers.
    Provider,
}

/// The operator's port of a running core function, and who calls.
#[derive(Args)]
pub struct At {
    /// Where the operator's port is, such as https://127.0.0.1:9448.
    #[arg(long, value_name = "URL")]
    operator: String,
    /// The operator's certificate (PEM).
    #[arg(long, value_name = "FILE")]
    certificate: PathBuf,
    /// Its key (PEM).
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// The certificates (PEM) that the server's certificate leads to.
    #[arg(long, value_name = "FILE")]
    roots: PathBuf,
}

/// Why a command did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// Wrong usage: files, names, addresses.
    #[error("{0}")]
    Usage(String),
    /// It failed, or was refused.
    #[error("{0}")]
    Failed(String),
}

/// A span of time as people write it, in seconds.
///
/// # Errors
/// When it is none.
pub fn seconds(text: &str) -> Result<u32, String> {
    let wrong = || "write a number with s, m, h or d, such as 15m".to_owned();
    let (number, unit) = match text.find(|letter: char| !letter.is_ascii_digit()) {
        None => (text, 1),
        Some(end) => {
            let unit = match &text[end..] {
                "s" => 1,
                "m" => 60,
                "h" => 3600,
                "d" => 86_400,
                _ => return Err(wrong()),
            };
            (&text[..end], unit)
        }
    };
    let number: u32 = number.parse().map_err(|_| wrong())?;
    number
        .checked_mul(unit)
        .ok_or_else(|| "that is longer than a century".to_owned())
}

impl At {
    fn client(&self) -> Result<HttpClient, CommandError> {
        let usage = |error: edgeapp_http::tls::TlsError| CommandError::Usage(format!("{error}; {}", error.remedy()));
        if !self.operator.starts_with("https://") {
            return Err(CommandError::Usage(format!(
                "--operator {}: must begin with https://",
                self.operator
            )));
        }
        let identity = Identity::load(&self.certificate, &self.key).map_err(usage)?;
        let roots = Trust::load(&self.roots).map_err(usage)?;
        // Where the server is, the operator says.
        HttpClient::new(&identity, &roots, CallbackRule::anywhere(), PATIENCE).map_err(usage)
    }

    async fn call<B: Serialize>(&self, method: Method, path: &str, body: Option<&B>) -> Result<Value, CommandError> {
        let url = format!("{}{path}", self.operator.trim_end_matches('/'));
        let failed = |error: CallError| CommandError::Failed(format!("{url}: {error}"));
        let answer = self.client()?.call(method, &url, body).await.map_err(failed)?;
        match answer.body.is_empty() {
            true => Ok(Value::Null),
            false => answer.json().map_err(failed),
        }
    }

    async fn get(&self, path: &str) -> Result<String, CommandError> {
        pretty(&self.call::<()>(Method::GET, path, None).await?)
    }

    async fn delete(&self, path: &str) -> Result<String, CommandError> {
        self.call::<()>(Method::DELETE, path, None).await?;
        Ok(String::new())
    }
}

fn pretty(value: &Value) -> Result<String, CommandError> {
    let text = serde_json::to_string_pretty(value).map_err(|error| CommandError::Failed(error.to_string()))?;
    Ok(format!("{text}\n"))
}

/// Writes a file that was not there, readable by its owner alone if it is a secret.
fn write(path: &Path, text: &str, secret: bool) -> Result<(), CommandError> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, if secret { 0o600 } else { 0o644 });
    #[cfg(not(unix))]
    let _ = secret;
    let written = options.open(path).and_then(|mut file| file.write_all(text.as_bytes()));
    written.map_err(|error| CommandError::Usage(format!("{}: {error}", path.display())))
}

/// A part of a path that holds an identifier: those of a core function are plain.
fn plain(id: &str) -> Result<&str, CommandError> {
    match !id.is_empty()
        && id
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
    {
        true => Ok(id),
        false => Err(CommandError::Usage(format!(
            "{id:?} is no identifier of a core function"
        ))),
    }
}

impl CredentialCommand {
    async fn run(self) -> Result<String, CommandError> {
        match self {
            Self::New {
                role,
                eas_id,
                uses,
                ttl,
                note,
                out,
                at,
            } => {
                let bearer = match (role, eas_id) {
                    (Role::Invoker, Some(eas_id)) => Bearer::Invoker { eas_id },
                    (Role::Provider, None) => Bearer::Provider,
                    (Role::Invoker, None) => return Err(CommandError::Usage("--eas-id is missing".to_owned())),
                    (Role::Provider, Some(_)) => {
                        return Err(CommandError::Usage("--eas-id goes with --role invoker".to_owned()));
                    }
                };
                if let Some(taken) = out.as_ref().filter(|out| out.exists()) {
                    let reason = "is there already and is left as it is; name another file";
                    return Err(CommandError::Usage(format!("{}: {reason}", taken.display())));
                }
                let wanted = NewCredential {
                    bearer,
                    uses,
                    ttl,
                    note,
                };
                let mut told = at.call(Method::POST, "/capif/credentials", Some(&wanted)).await?;
                if let Some(out) = out {
                    let members = told.as_object_mut();
                    let secret = members.and_then(|members| members.remove("secret"));
                    let secret = secret.as_ref().and_then(Value::as_str).map(str::to_owned);
                    let secret = secret.ok_or_else(|| CommandError::Failed("the answer has no secret".to_owned()))?;
                    write(&out, &format!("{secret}\n"), true)?;
                }
                pretty(&told)
            }
            Self::List { at } => at.get("/capif/credentials").await,
            Self::Revoke { id, at } => at.delete(&format!("/capif/credentials/{}", plain(&id)?)).await,
        }
    }
}

impl CcfCommand {
    /// Does what is asked, but what needs a configuration; says what to print.
    ///
    /// # Errors
    /// See [`CommandError`].
    pub async fn run(self) -> Result<String, CommandError> {
        match self {
            Self::CheckConfig { .. } | Self::Policies { .. } => Ok(String::new()),
            Self::Authority {
                certificate,
                key,
                name,
                days,
            } => {
                let now = SystemClock::default().now();
                let made = new_authority(&name, now, days).map_err(|error| CommandError::Failed(error.to_string()))?;
                write(&key, &made.1, true)?;
                write(&certificate, &made.0, false)?;
                Ok(format!("{}\n{}\n", certificate.display(), key.display()))
            }
            Self::Credential(command) => command.run().await,
            Self::Invoker(InvokerCommand::Revoke { id, at }) => {
                at.delete(&format!("/capif/invokers/{}/authorization", plain(&id)?))
                    .await
            }
            Self::Invoker(InvokerCommand::Offboard { id, at }) => {
                at.delete(&format!("/capif/invokers/{}", plain(&id)?)).await
            }
            Self::Status { at } => at.get("/capif").await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_of_time_are_read_as_people_write_them() {
        for (text, wanted) in [("90", 90), ("90s", 90), ("15m", 900), ("12h", 43_200), ("7d", 604_800)] {
            assert_eq!(seconds(text), Ok(wanted));
        }
        for text in ["", "d", "1w", "-1s", "1.5h", "99999999999", "4294967295d"] {
            assert!(seconds(text).is_err(), "{text}");
        }
    }

    #[test]
    fn identifiers_that_would_change_the_path_are_refused() {
        assert!(plain("INV0123456789").is_ok());
        for id in ["", "a/b", "a?b", "a#b", "a%2fb", "a b"] {
            assert!(plain(id).is_err(), "{id}");
        }
    }
}
