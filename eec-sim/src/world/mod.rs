//! The world of a run: servers as processes of their own, application servers and the UE as tasks of this one.

pub mod ac;
pub mod callbacks;
pub mod cas;
pub mod collector;
pub mod eas;
pub mod nef;
pub mod network;
pub mod process;
pub mod programs;
mod served;
pub mod tracks;

use crate::{
    configuration,
    pki::{Pki, PkiError},
    scenario::{Edn, FaultName, Scenario},
};
use edgeapp_core::principal::Role;
use edgeapp_openapi::{ees_registration::AcrScenario, ids::EesId};
use network::Network;
use process::{NotStarted, Server};
use programs::Programs;
use serde::Deserialize;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    net::SocketAddr,
    path::{Path, PathBuf},
};

/// Why there is no world to play in.
#[derive(Debug, thiserror::Error)]
pub enum NoWorld {
    /// A server does not run.
    #[error(transparent)]
    NotStarted(#[from] NotStarted),
    /// There are no certificates.
    #[error(transparent)]
    Pki(#[from] PkiError),
    /// A file cannot be written or read.
    #[error("{0}: {1}")]
    File(PathBuf, io::Error),
    /// A configuration in the folder of the certificates cannot be read.
    #[error("{0}: {1}")]
    Configuration(PathBuf, String),
    /// The core network cannot be simulated.
    #[error("the simulated core network: {0}")]
    Network(#[from] nef::configuration::BadNef),
    /// Servers that somebody else runs have another core network behind them.
    #[error(
        "{0} shows what a simulated core network tells, and servers that run have one of their own; run it without --ecs and --pki"
    )]
    OwnNetwork(String),
    /// Something goes wrong that can only be done to servers of one's own.
    #[error(
        "{0}: for {1} {2}, which is not done to servers that run already; leave the fault out, or run it without --ecs and --pki"
    )]
    OwnServers(String, FaultName, &'static str),
    /// Nobody told where an EES listens.
    #[error("where {0} listens is unknown: no .toml file in {1} has `ees_id = \"{0}\"`")]
    UnknownEes(EesId, PathBuf),
    /// An EES does not answer questions for names.
    #[error("{0} is asked by name, and its configuration in {1} has no section [dns]")]
    NoNames(EesId, PathBuf),
}

/// The servers and certificates that a scenario is played with.
#[derive(Debug)]
pub struct World {
    /// The certificates.
    pub pki: Pki,
    /// The `apiRoot` of the ECS on EDGE-4.
    pub ecs: String,
    /// The `apiRoot` of each EES on EDGE-3: what EASs have in their configuration. EECs ask the ECS.
    pub eess: BTreeMap<EesId, String>,
    /// Where each EES answers questions for names, where it does.
    pub names: BTreeMap<EesId, SocketAddr>,
    /// The core network behind the EESs, where a scenario has one.
    pub network: Option<Network>,
    servers: Vec<(String, PathBuf)>,
    running: tokio::sync::Mutex<BTreeMap<String, Server>>,
    /// EESs whose disks were made full.
    full: tokio::sync::Mutex<BTreeSet<EesId>>,
    plans: BTreeMap<EesId, Plan>,
}

/// How an EES was started, to start it again.
#[derive(Debug)]
struct Plan {
    ees: configuration::Ees,
    program: PathBuf,
    config: PathBuf,
    log: PathBuf,
}

impl World {
    /// Starts an ECS and the EESs of the first of these scenarios in a folder, with certificates of their own, and a core network behind
    /// them where one of the scenarios has one. With `tokens`, EECs need access tokens. The EES `without` is left out: that
    /// is a fault.
    ///
    /// # Errors
    /// When one does not start.
    pub async fn start(
        scenario: &Scenario,
        scenarios: &[Scenario],
        programs: &Programs,
        folder: &Path,
        logs: &Path,
        tokens: bool,
        without: Option<&EesId>,
    ) -> Result<Self, NoWorld> {
        let file = |path: &Path, error| NoWorld::File(path.to_owned(), error);
        let pki = Pki::create(&folder.join("pki"))?;
        for scenario in scenarios {
            complete(&pki, scenario)?;
        }
        let state = folder.join("state");
        for dir in [&state, &logs.to_owned()] {
            fs::create_dir_all(dir).map_err(|error| file(dir, error))?;
        }
        let start = async |program: &Path, name: &str, text: String| {
            let config = folder.join(format!("{name}.toml"));
            fs::write(&config, text).map_err(|error| file(&config, error))?;
            Ok::<_, NoWorld>(Server::start(program, name, &config, &logs.join(format!("{name}.log"))).await?)
        };
        let network = Network::of(scenarios, &pki).await?;
        let consent = folder.join("consent.toml");
        let users = scenarios
            .iter()
            .filter(|scenario| scenario.core.is_some())
            .flat_map(|scenario| &scenario.ue);
        let users: BTreeSet<String> = users
            .flat_map(|ue| {
                let external = ue.external_id.as_ref().map(|id| format!("extid-{id}"));
                std::iter::once(ue.gpsi.to_string()).chain(external)
            })
            .collect();
        let text = configuration::consent_of(users.iter().map(String::as_str));
        fs::write(&consent, text).map_err(|error| file(&consent, error))?;
        let (mut ecs, eess) = configuration::servers(scenario, &state);
        if tokens {
            let registry = folder.join(configuration::REGISTRY);
            let eecs: BTreeSet<&str> = scenarios
                .iter()
                .flat_map(|scenario| &scenario.ue)
                .map(|ue| ue.eec_id.as_str())
                .collect();
            let text = configuration::registry_of(eess.iter().map(|ees| ees.id.as_str()), true, eecs);
            fs::write(&registry, text).map_err(|error| file(&registry, error))?;
            ecs.registry = Some(registry);
        }
        let ecs = start(&programs.ecs, "ecs", ecs.text(&pki)).await?;
        let root = ecs.root("edge4")?.to_owned();
        let (mut roots, mut asked) = (BTreeMap::new(), BTreeMap::new());
        let (mut running, mut plans, mut names) = (BTreeMap::new(), BTreeMap::new(), Vec::new());
        for (mut ees, edn) in eess.into_iter().zip(&scenario.edn) {
            ecs.root("edge6")?.clone_into(&mut ees.ecs);
            if tokens {
                ees.tokens = configuration::Tokens::Yes;
            }
            ees.core = network.as_ref().map(|network| configuration::Core {
                api_root: network.root().to_owned(),
                port: 0,
                consent: consent.clone(),
            });
            if without == Some(&edn.ees) {
                continue;
            }
            let server = start(&programs.ees, &ees.files, ees.text(&pki)).await?;
            roots.insert(edn.ees.clone(), server.root("edge3")?.to_owned());
            // Started again, it listens where it was.
            let port = |name: &str| {
                server
                    .root(name)
                    .ok()
                    .and_then(|root| root.rsplit(':').next()?.parse().ok())
            };
            ees.ports = ["edge1", "edge3", "operator"].map(|name| port(name).unwrap_or_default());
            if let Some(core) = &mut ees.core {
                core.port = port("edge2").unwrap_or_default();
            }
            if let Some(names) = &mut ees.names {
                names.port = port("dns").unwrap_or_default();
                asked.insert(edn.ees.clone(), SocketAddr::from(([127, 0, 0, 1], names.port)));
            }
            let name = ees.files.clone();
            let plan = Plan {
                program: programs.ees.clone(),
                config: folder.join(format!("{name}.toml")),
                log: logs.join(format!("{name}.log")),
                ees,
            };
            plans.insert(edn.ees.clone(), plan);
            names.push((name.clone(), server.log().to_owned()));
            running.insert(name, server);
        }
        names.push(("ecs".to_owned(), ecs.log().to_owned()));
        running.insert("ecs".to_owned(), ecs);
        Ok(Self {
            pki,
            ecs: root,
            eess: roots,
            names: asked,
            network,
            servers: names,
            running: tokio::sync::Mutex::new(running),
            full: tokio::sync::Mutex::default(),
            plans,
        })
    }

    /// Servers that somebody else runs, with certificates and configurations of `pki init`.
    ///
    /// # Errors
    /// When the folder lacks something.
    pub fn given(scenario: &Scenario, ecs: &str, dir: &Path) -> Result<Self, NoWorld> {
        if scenario.core.as_ref().is_some_and(|core| core.locations) && scenario.acr == AcrScenario::EecInitiated {
            return Err(NoWorld::OwnNetwork(scenario.name.clone()));
        }
        for name in scenario.fault.iter().map(|fault| fault.name) {
            if let Some(why) = name.needs_own_servers() {
                return Err(NoWorld::OwnServers(scenario.name.clone(), name, why));
            }
        }
        let pki = Pki::open(dir)?;
        let (mut eess, mut names) = (BTreeMap::new(), BTreeMap::new());
        for entry in fs::read_dir(dir)
            .map_err(|error| NoWorld::File(dir.to_owned(), error))?
            .flatten()
        {
            let path = entry.path();
            if path.extension().is_some_and(|ending| ending == "toml") {
                let text = fs::read_to_string(&path).map_err(|error| NoWorld::File(path.clone(), error))?;
                if let Some((id, root, dns)) = known(&text).map_err(|reason| NoWorld::Configuration(path, reason))? {
                    names.extend(dns.map(|address| (id.clone(), address)));
                    eess.insert(id, root);
                }
            }
        }
        for Edn { ees, .. } in &scenario.edn {
            if !eess.contains_key(ees) {
                return Err(NoWorld::UnknownEes(ees.clone(), dir.to_owned()));
            }
            if scenario.dns.is_some() && !names.contains_key(ees) {
                return Err(NoWorld::NoNames(ees.clone(), dir.to_owned()));
            }
        }
        Ok(Self {
            pki,
            ecs: ecs.trim_end_matches('/').to_owned(),
            eess,
            names,
            network: None,
            servers: Vec::new(),
            running: tokio::sync::Mutex::default(),
            full: tokio::sync::Mutex::default(),
            plans: BTreeMap::new(),
        })
    }

    /// Whether this world started the servers, and may end them.
    pub fn is_own(&self) -> bool {
        !self.plans.is_empty()
    }

    /// Kills the process of an EES that this world started.
    ///
    /// # Errors
    /// When there is none, or it cannot be killed.
    pub async fn kill_ees(&self, ees: &EesId) -> Result<(), String> {
        let plan = self
            .plans
            .get(ees)
            .ok_or_else(|| format!("{ees} is not ours to kill"))?;
        let mut running = self.running.lock().await;
        match running.get_mut(&plan.ees.files) {
            Some(server) => server
                .kill()
                .await
                .map_err(|error| format!("{ees} cannot be killed: {error}")),
            None => Ok(()),
        }
    }

    /// Starts an EES again that was killed, where it was and with what it knew.
    ///
    /// # Errors
    /// When it does not start.
    pub async fn restart_ees(&self, ees: &EesId) -> Result<(), String> {
        let plan = self
            .plans
            .get(ees)
            .ok_or_else(|| format!("{ees} is not ours to start"))?;
        let name = plan.ees.files.clone();
        let mut running = self.running.lock().await;
        running.remove(&name);
        fs::write(&plan.config, plan.ees.text(&self.pki)).map_err(|error| error.to_string())?;
        let server = Server::start(&plan.program, &name, &plan.config, &plan.log).await;
        running.insert(name, server.map_err(|error| error.to_string())?);
        Ok(())
    }

    /// From now on an EES that this world started cannot write anything to its disk. For that it is killed and started again first.
    ///
    /// # Errors
    /// When it does not start, or the operating system knows no such limit.
    pub async fn fill_disk_of(&self, ees: &EesId) -> Result<(), String> {
        self.kill_ees(ees).await?;
        let plan = self
            .plans
            .get(ees)
            .ok_or_else(|| format!("{ees} is not ours to start"))?;
        let name = plan.ees.files.clone();
        let mut running = self.running.lock().await;
        running.remove(&name);
        fs::write(&plan.config, plan.ees.text(&self.pki)).map_err(|error| error.to_string())?;
        let server = Server::start_to_be_filled(&plan.program, &name, &plan.config, &plan.log).await;
        let server = server.map_err(|error| error.to_string())?;
        let filled = server.fill_disk().await;
        running.insert(name, server);
        self.full.lock().await.insert(ees.clone());
        filled.map_err(|error| format!("the disk of {ees} cannot be filled: {error}"))
    }

    /// EESs whose disks were full are started again, with room: a store that could not write has to be opened anew.
    pub async fn empty_disks(&self) {
        let full = std::mem::take(&mut *self.full.lock().await);
        for ees in full {
            if let Err(error) = self.restart_ees(&ees).await {
                tracing::warn!(%ees, error, "an EES could not be started again");
            }
        }
    }

    /// The process of an EES that this world started.
    pub async fn pid_of(&self, ees: &EesId) -> Option<u32> {
        let plan = self.plans.get(ees)?;
        self.running.lock().await.get(&plan.ees.files)?.pid()
    }

    /// The logs of the servers that this world started, by name.
    pub fn logs(&self) -> Vec<(String, PathBuf)> {
        self.servers.clone()
    }
}

/// Issues what a scenario needs beyond the usual identities.
fn complete(pki: &Pki, scenario: &Scenario) -> Result<(), PkiError> {
    let missing = |name: &str| !pki.files(name).certificate.exists();
    for edn in scenario.edn.iter().filter(|edn| missing(&edn.certificate)) {
        pki.issue(Role::Ees, edn.ees.as_str()).named(&edn.certificate).write()?;
    }
    let in_the_cloud = scenario.cloud.iter().map(|cloud| &cloud.eas);
    for eas in scenario
        .eas
        .iter()
        .chain(in_the_cloud)
        .filter(|eas| missing(&eas.certificate))
    {
        let id = format!("{}#{}", eas.eas_id, eas.instance);
        pki.issue(Role::Eas, &id).named(&eas.certificate).write()?;
    }
    for ue in scenario.ue.iter().filter(|ue| missing(&ue.certificate)) {
        pki.issue(Role::Eec, ue.eec_id.as_str())
            .gpsi(ue.gpsi.as_str())
            .named(&ue.certificate)
            .write()?;
    }
    Ok(())
}

/// The id, the EDGE-3 root and the address of names in a configuration of an EES; `None` when it is one of something else.
fn known(text: &str) -> Result<Option<(EesId, String, Option<SocketAddr>)>, String> {
    #[derive(Deserialize)]
    struct Listener {
        listen: SocketAddr,
        api_root: Option<String>,
    }
    #[derive(Deserialize)]
    struct Ees {
        ees_id: Option<EesId>,
        edge3: Option<Listener>,
        dns: Option<Listener>,
    }
    let root = |listener: Listener| {
        listener
            .api_root
            .unwrap_or_else(|| format!("https://{}", listener.listen))
    };
    let ees: Ees = toml::from_str(text).map_err(|error| error.to_string())?;
    let dns = ees.dns.map(|listener| listener.listen);
    Ok(ees.ees_id.zip(ees.edge3.map(root)).map(|(id, root)| (id, root, dns)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::{Fault, SHIPPED, shipped};

    #[test]
    fn identities_that_a_scenario_adds_are_issued() {
        let dir = tempfile::tempdir().unwrap();
        let pki = Pki::create(dir.path()).unwrap();
        let text = SHIPPED[0]
            .text
            .replace("eec-1", "eec-9")
            .replace("\"eas-chess-b\"", "\"another\"");
        complete(&pki, &Scenario::parse(&text, "x").unwrap()).unwrap();
        let id = |name| {
            pki.files(name)
                .identity()
                .unwrap()
                .principal()
                .unwrap()
                .owner()
                .as_str()
                .to_owned()
        };
        assert_eq!(id("eec-9"), "urn:edgeapp:eec:eec-9");
        assert_eq!(id("another"), "urn:edgeapp:eas:eas.chess.example#b");
    }

    #[test]
    fn given_servers_are_found_by_their_configurations() {
        let dir = tempfile::tempdir().unwrap();
        let pki = Pki::create(dir.path()).unwrap();
        let scenario = Scenario::parse(SHIPPED[0].text, "a").unwrap();
        let (ecs, eess) = configuration::laboratory(dir.path(), false).unwrap();
        fs::write(dir.path().join("ecs.toml"), ecs.text(&pki)).unwrap();
        fs::write(dir.path().join("ees-a.toml"), eess[0].text(&pki)).unwrap();
        let missing = World::given(&scenario, "https://127.0.0.1:9304", dir.path())
            .unwrap_err()
            .to_string();
        assert!(missing.contains("ees-b.example"), "{missing}");
        fs::write(dir.path().join("ees-b.toml"), eess[1].text(&pki)).unwrap();
        let world = World::given(&scenario, "https://127.0.0.1:9304/", dir.path()).unwrap();
        assert_eq!(world.ecs, "https://127.0.0.1:9304");
        assert_eq!(world.eess[&"ees-b.example".parse().unwrap()], "https://127.0.0.1:9203");
        let located = shipped("located").unwrap();
        let located = Scenario::parse(located.text, located.name).unwrap();
        let refused = World::given(&located, "https://127.0.0.1:9304/", dir.path()).unwrap_err();
        assert!(refused.to_string().contains("without --ecs"), "{refused}");
        // Where the simulated core network only tells that the UE has moved, its client can tell that.
        let decided = shipped("c-s-eas-decided").unwrap();
        let mut decided = Scenario::parse(decided.text, decided.name).unwrap();
        assert!(World::given(&decided, "https://127.0.0.1:9304/", dir.path()).is_ok());
        decided.fault.push(Fault::usual(FaultName::TeesDown));
        let refused = World::given(&decided, "https://127.0.0.1:9304/", dir.path()).unwrap_err();
        assert!(refused.to_string().contains("t-ees-down"), "{refused}");
    }
}
