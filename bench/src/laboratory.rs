//! What a measurement runs in: a folder of its own with certificates and state, and the real `ees` as a process.

use crate::{
    Failure,
    arguments::Common,
    bare, bodies,
    load::{Connection, Expected, Question},
    process, say,
};
use edgeapp_core::principal::Role;
use edgeapp_http::tls::Identity;
use eec_sim::{
    call::{PATIENCE, client},
    configuration,
    pki::{Files, Pki},
    tokens::TokenAnswer,
    world::{process::Server, programs},
};
use futures_util::{StreamExt, TryStreamExt, stream};
use http::{Method, StatusCode};
use std::{fs, path::Path};
use tempfile::TempDir;

/// EASs of one application register one after the other on its connection; so many applications do so at a time.
const APPLICATIONS_AT_A_TIME: usize = 16;
/// Most applications: each is an identity with a certificate and a connection.
const MOST_APPLICATIONS: u32 = 1000;

/// The folder with its certificates. Everything in it goes when this value does.
pub(crate) struct Laboratory {
    folder: TempDir,
    pki: Pki,
}

impl Laboratory {
    /// A new folder.
    pub(crate) fn new(common: &Common) -> Result<Self, Failure> {
        Self::within(common.folder.as_deref())
    }

    /// A new folder in this one, or in the system's for temporary files.
    pub(crate) fn within(folder: Option<&Path>) -> Result<Self, Failure> {
        let mut builder = tempfile::Builder::new();
        builder.prefix("edgeapp-bench-");
        let folder = match folder {
            Some(folder) => builder.tempdir_in(folder)?,
            None => builder.tempdir()?,
        };
        let pki = Pki::create(&folder.path().join("pki"))?;
        Ok(Self { folder, pki })
    }

    /// The folder.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The certificates.
    pub(crate) fn pki(&self) -> &Pki {
        &self.pki
    }

    /// The identity of an EEC of this name.
    pub(crate) fn eec(&self, id: &str) -> Result<Identity, Failure> {
        Ok(self.pki.issue(Role::Eec, id).write()?.identity()?)
    }

    /// An identity that every laboratory has.
    pub(crate) fn identity(&self, name: &str) -> Result<Identity, Failure> {
        Ok(self.pki.files(name).identity()?)
    }

    /// A connection to a server that has an EES's certificate.
    pub(crate) async fn connect(&self, root: &str, identity: &Identity) -> Result<Connection, Failure> {
        Ok(Connection::open(root, identity, &self.pki.trust(Role::Ees)?).await?)
    }

    /// Starts the EES; the program is built first where it is missing or older than the sources.
    pub(crate) async fn ees(&self) -> Result<Server, Failure> {
        self.ees_with("ees-a", "").await
    }

    /// Starts the EES that has these files, with these further sections in its configuration.
    pub(crate) async fn ees_with(&self, files: &str, sections: &str) -> Result<Server, Failure> {
        let program = programs::find(say)?.ees;
        let config = self.folder().join(format!("{files}.toml"));
        let state = self.folder().join(format!("{files}.redb"));
        let text = ees_config(&self.pki, files, &state);
        fs::write(&config, format!("{text}{sections}"))?;
        let log = self.folder().join(format!("{files}.log"));
        Ok(Server::start(&program, "ees", &config, &log).await?)
    }

    /// Starts an ECS that issues tokens for `ees-a.example` to this EEC, for an hour each.
    pub(crate) async fn ecs(&self, eec: &str) -> Result<Server, Failure> {
        let program = programs::find(say)?.ecs;
        let registry = self.folder().join(configuration::REGISTRY);
        fs::write(&registry, configuration::registry_of(["ees-a.example"], true, [eec]))?;
        let ecs = configuration::Ecs {
            id: "ecs.example".to_owned(),
            files: "ecs".to_owned(),
            ports: [0; 3],
            dnns: Vec::new(),
            state: self.folder().join("ecs.redb"),
            registry: Some(registry),
        };
        let text = ecs
            .text(&self.pki)
            .replace("[tokens]", "[tokens]\nlifetime_seconds = 3600");
        let config = self.folder().join("ecs.toml");
        fs::write(&config, text)?;
        Ok(Server::start(&program, "ecs", &config, &self.folder().join("ecs.log")).await?)
    }

    /// An access token of this EEC for `ees-a.example`.
    pub(crate) async fn token(&self, ecs: &Server, eec: &str) -> Result<String, Failure> {
        let client = client(&self.identity(eec)?, &self.pki.trust(Role::Ecs)?, PATIENCE)?;
        let url = format!("{}/oauth2/token", ecs.root("edge4")?);
        let form = format!("grant_type=client_credentials&client_id={eec}&resource=https%3A%2F%2Fees-a.example%2F");
        let media = "application/x-www-form-urlencoded";
        let answer = client.send(Method::POST, &url, media, Some(form.into())).await?;
        Ok(answer.json::<TokenAnswer>()?.access_token)
    }

    /// Starts the bare server with the same certificate. It answers these bytes.
    pub(crate) async fn bare(&self, answer: &[u8], gathered: bool) -> Result<Server, Failure> {
        let Files { certificate, key } = self.pki.files("ees-a");
        let (config, file) = (self.folder().join("bare.toml"), self.folder().join("answer.json"));
        fs::write(&file, answer)?;
        fs::write(
            &config,
            toml::to_string(&bare::Config {
                certificate,
                key,
                eec: self.pki.ca(Role::Eec),
                answer: file,
                gathered,
            })?,
        )?;
        let program = std::env::current_exe()?;
        Ok(Server::start(&program, "bare", &config, &self.folder().join("bare.log")).await?)
    }

    /// Registers `eas` EASs over EDGE-3: `of_first` instances of application 0, the others spread over further applications.
    pub(crate) async fn register_eass(&self, ees: &Server, eas: u32, of_first: u32) -> Result<(), Failure> {
        let root = ees.root("edge3")?;
        say(&format!("registering {eas} EASs"));
        let instances = stream::iter(spread(eas, of_first).into_iter().enumerate().map(Ok::<_, Failure>));
        let registered =
            instances.try_for_each_concurrent(APPLICATIONS_AT_A_TIME, |(application, instances)| async move {
                let application = u32::try_from(application)?;
                let name = format!("eas-{application}");
                let files = self.pki.files(&name);
                if !files.certificate.exists() {
                    let id = format!("{}#1", bodies::eas_id(application));
                    self.pki.issue(Role::Eas, &id).named(&name).write()?;
                }
                let connection = self.connect(root, &files.identity()?).await?;
                let registering = (0..instances).map(|instance| {
                    let mut connection = connection.clone();
                    async move {
                        let body = bodies::eas_registration(application, instance);
                        let question = Question::post(root, bodies::EAS_REGISTRATIONS, body)?;
                        connection
                            .count(
                                &question,
                                Expected {
                                    status: StatusCode::CREATED,
                                    length: None,
                                },
                            )
                            .await
                    }
                });
                stream::iter(registering)
                    .buffer_unordered(8)
                    .try_collect::<()>()
                    .await
                    .map_err(Failure::from)
            });
        registered.await?;
        if let Some(pid) = ees.pid() {
            process::until_idle(pid).await;
        }
        Ok(())
    }
}

/// How many instances each application has.
fn spread(eas: u32, of_first: u32) -> Vec<u32> {
    let others = eas.saturating_sub(of_first);
    let applications = others.min(MOST_APPLICATIONS - 1);
    // Not asked when there are no others: then there are no further applications either.
    let share = |number: u32| others / applications + u32::from(number < others % applications);
    std::iter::once(of_first).chain((0..applications).map(share)).collect()
}

/// What is measured is the server and not its limits, which a load generator with one identity would meet at once.
const UNLIMITED: &str = "[limits]\nunlimited_rates_for_load_tests = true\nconnections_per_address = 10000\n\
    handshakes_per_address = 10000\nconnections_per_caller = 10000\nrequests_at_a_time = 100000\n\
    requests_at_a_time_per_caller = 100000\n[quotas]\neas_registrations = 10000000\n";

fn ees_config(pki: &Pki, files: &str, state: &Path) -> String {
    let identity = pki.files(files);
    let text = |path: &Path| toml::Value::String(path.to_string_lossy().into_owned()).to_string();
    let trust: String = eec_sim::pki::ROLES
        .iter()
        .map(|role| format!("{role} = {}\n", text(&pki.ca(*role))))
        .collect();
    let listeners: String = ["edge1", "edge3", "operator"]
        .iter()
        .map(|name| format!("[{name}]\nlisten = \"127.0.0.1:0\"\n"))
        .collect();
    format!(
        "ees_id = \"{files}.example\"\neec_registration_required = false\n\
        [identity]\ncertificate = {}\nkey = {}\n\
        [tls]\nallow_test_certificates = true\n\
        [trust]\n{trust}{listeners}\
        [store]\nkind = \"redb\"\npath = {}\n{UNLIMITED}",
        text(&identity.certificate),
        text(&identity.key),
        text(state)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_application_has_the_matches_and_all_are_registered() {
        assert_eq!(spread(1, 1), [1]);
        assert_eq!(spread(3, 1), [1, 1, 1]);
        assert_eq!(spread(1000, 1000), [1000]);
        for (eas, matches) in [(1000, 1), (1001, 1), (100_000, 1), (100_000, 1000)] {
            let spread = spread(eas, matches);
            assert_eq!((spread.iter().sum::<u32>(), spread[0]), (eas, matches));
            assert!(spread.len() <= 1000 && spread.iter().all(|instances| *instances > 0));
        }
    }
}
