//! What a fleet moves on: servers, started for it or given, and an application server at each site.

use crate::{
    configuration::{self, Tai},
    pki::{CHESS, CHESS_PROVIDER, Pki, PkiError},
    scenario::{BadScenario, Scenario},
    world::{
        process::{NotStarted, Server},
        programs::Programs,
    },
};
use edgeapp_core::principal::Role;
use edgeapp_openapi::ids::EesId;
use serde::Deserialize;
use std::{
    fmt::Write as _,
    fs, io,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
};

use super::wish::Wish;

/// Why there is nothing to move on.
#[derive(Debug, thiserror::Error)]
pub enum NoGround {
    /// A server does not run.
    #[error(transparent)]
    NotStarted(#[from] NotStarted),
    /// There are no certificates.
    #[error(transparent)]
    Pki(#[from] PkiError),
    /// What is played cannot be.
    #[error(transparent)]
    Scenario(#[from] BadScenario),
    /// A file cannot be written or read.
    #[error("{0}: {1}")]
    File(PathBuf, io::Error),
    /// A configuration in the folder of the certificates cannot be used.
    #[error("{0}: {1}")]
    Configuration(PathBuf, String),
    /// Fewer sites than are wanted.
    #[error(
        "{0} describes {1} site(s) that a UE can be in: .toml files with ees_id, [edge3], [edn] and [service_area.topServAr]; \
         --edns {2} needs as many"
    )]
    FewSites(PathBuf, usize, u32),
}

/// A site.
#[derive(Clone, Debug)]
pub struct Place {
    /// The EES.
    pub ees: EesId,
    /// Its `apiRoot` on EDGE-3.
    pub edge3: String,
    /// Its edge data network.
    pub dnn: String,
    /// Where user plane traffic reaches that.
    pub dnai: String,
    /// Where UEs are that it serves.
    pub tai: Tai,
    /// The name of the EES's certificate.
    certificate: String,
}

/// Servers, sites and certificates.
#[derive(Debug)]
pub struct Ground {
    /// The certificates.
    pub pki: Pki,
    /// The `apiRoot` of the ECS on EDGE-4.
    pub ecs: String,
    /// The sites.
    pub places: Vec<Place>,
    /// The sites as a scenario that application servers are played in.
    pub scenario: Arc<Scenario>,
    /// The servers, where they were started for this.
    servers: Vec<Server>,
}

/// What is measured is servers and not their limits, which so many UEs behind one address would meet at once. Neither quotas nor what a
/// caller may do are touched.
const LIMITS: &str = "\n[limits]\nunlimited_rates_for_load_tests = true\nconnections_per_address = 10000\n\
    handshakes_per_address = 10000\nconnections_per_caller = 10000\nrequests_at_a_time = 100000\n\
    requests_at_a_time_per_caller = 100000\n";
const CALLBACKS: &str =
    "\n[callbacks]\nnotifications_per_second_per_host = 1000000\nconnections_per_second_per_host = 10000\n";

impl Ground {
    /// Starts an ECS and an EES for each site in a folder, with certificates of their own. Logs go to `logs`.
    ///
    /// # Errors
    /// When one does not start.
    pub async fn start(wish: &Wish, programs: &Programs, folder: &Path, logs: &Path) -> Result<Self, NoGround> {
        let file = |path: &Path, error| NoGround::File(path.to_owned(), error);
        let state = folder.join("state");
        for dir in [&state, logs] {
            fs::create_dir_all(dir).map_err(|error| file(dir, error))?;
        }
        let pki = Pki::create(&folder.join("pki"))?;
        let start = async |program: &Path, name: &str, text: String| {
            let config = folder.join(format!("{name}.toml"));
            fs::write(&config, text).map_err(|error| file(&config, error))?;
            Ok::<_, NoGround>(Server::start(program, name, &config, &logs.join(format!("{name}.log"))).await?)
        };
        let mut places = Vec::new();
        for number in 1..=wish.edns {
            let certificate = format!("ees-{number}");
            let ees = format!("ees-{number}.example");
            pki.issue(Role::Ees, &ees).named(&certificate).write()?;
            let tai = toml::from_str(&format!("mcc = \"001\"\nmnc = \"01\"\ntac = \"{number:06x}\"\n"));
            let wrong = |error: &dyn std::fmt::Display| NoGround::Configuration(folder.to_owned(), error.to_string());
            places.push(Place {
                ees: ees.parse().map_err(|error| wrong(&error))?,
                edge3: String::new(),
                dnn: format!("edge-{number}.example"),
                dnai: format!("edge-{number}"),
                tai: tai.map_err(|error: toml::de::Error| wrong(&error))?,
                certificate,
            });
        }
        let scenario = Arc::new(Scenario::parse(&text(wish, &places), &wish.name())?);
        let (ecs, eess) = configuration::servers(&scenario, &state);
        let ecs = start(&programs.ecs, "ecs", ecs.text(&pki) + LIMITS).await?;
        let (root, edge6) = (ecs.root("edge4")?.to_owned(), ecs.root("edge6")?.to_owned());
        let mut servers = vec![ecs];
        for (mut ees, place) in eess.into_iter().zip(&mut places) {
            ees.ecs.clone_from(&edge6);
            let server = start(&programs.ees, &ees.files, ees.text(&pki) + LIMITS + CALLBACKS).await?;
            server.root("edge3")?.clone_into(&mut place.edge3);
            servers.push(server);
        }
        issue(&pki, &scenario)?;
        Ok(Self {
            pki,
            ecs: root,
            places,
            scenario,
            servers,
        })
    }

    /// Servers that somebody else runs, with certificates and configurations of `pki init`.
    ///
    /// # Errors
    /// When the folder lacks something.
    pub fn given(wish: &Wish, ecs: &str, dir: &Path) -> Result<Self, NoGround> {
        let pki = Pki::open(dir)?;
        let entries = fs::read_dir(dir).map_err(|error| NoGround::File(dir.to_owned(), error))?;
        let mut files: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
        files.retain(|path| path.extension().is_some_and(|ending| ending == "toml"));
        files.sort();
        let mut places = Vec::new();
        for path in files {
            let text = fs::read_to_string(&path).map_err(|error| NoGround::File(path.clone(), error))?;
            places.extend(described(&text).map_err(|reason| NoGround::Configuration(path, reason))?);
        }
        let wanted = usize::try_from(wish.edns).unwrap_or(usize::MAX);
        if places.len() < wanted {
            return Err(NoGround::FewSites(dir.to_owned(), places.len(), wish.edns));
        }
        places.truncate(wanted);
        let scenario = Arc::new(Scenario::parse(&text(wish, &places), &wish.name())?);
        issue(&pki, &scenario)?;
        Ok(Self {
            pki,
            ecs: ecs.trim_end_matches('/').to_owned(),
            places,
            scenario,
            servers: Vec::new(),
        })
    }

    /// Whether the servers were started for this.
    pub fn is_own(&self) -> bool {
        !self.servers.is_empty()
    }

    /// The processes of the servers, where they were started for this.
    pub fn pids(&self) -> Vec<u32> {
        self.servers.iter().filter_map(Server::pid).collect()
    }

    /// The logs of the servers that were started for this, by name.
    pub fn logs(&self) -> Vec<(String, PathBuf)> {
        let of = |server: &Server| (server.name().to_owned(), server.log().to_owned());
        self.servers.iter().map(of).collect()
    }
}

/// The application servers' certificates.
fn issue(pki: &Pki, scenario: &Scenario) -> Result<(), PkiError> {
    for eas in &scenario.eas {
        if !pki.files(&eas.certificate).certificate.exists() {
            let id = format!("{}#{}", eas.eas_id, eas.instance);
            pki.issue(Role::Eas, &id)
                .provider(CHESS_PROVIDER)
                .named(&eas.certificate)
                .write()?;
        }
    }
    Ok(())
}

/// The site that a configuration of an EES describes; `None` when it is one of something else, or says nothing of where UEs have to be.
fn described(text: &str) -> Result<Option<Place>, String> {
    #[derive(Deserialize)]
    struct Listener {
        listen: SocketAddr,
        api_root: Option<String>,
    }
    #[derive(Deserialize)]
    struct Edn {
        dnn: String,
        #[serde(default)]
        dnais: Vec<String>,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Plmn {
        plmn_id: toml::Table,
        tac: toml::Value,
    }
    #[derive(Deserialize)]
    struct Topology {
        #[serde(default)]
        tais: Vec<Plmn>,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Area {
        top_serv_ar: Option<Topology>,
    }
    #[derive(Deserialize)]
    struct Ees {
        ees_id: Option<EesId>,
        edge3: Option<Listener>,
        edn: Option<toml::Value>,
        service_area: Option<Area>,
    }
    let ees: Ees = toml::from_str(text).map_err(|error| error.to_string())?;
    let (Some(id), Some(listener), Some(toml::Value::Table(edn))) = (ees.ees_id, ees.edge3, ees.edn) else {
        return Ok(None);
    };
    let edn: Edn = edn.try_into().map_err(|error: toml::de::Error| error.to_string())?;
    let area = ees.service_area.and_then(|area| area.top_serv_ar);
    let Some(tai) = area.and_then(|area| area.tais.into_iter().next()) else {
        return Ok(None);
    };
    let mut flat = tai.plmn_id;
    flat.insert("tac".to_owned(), tai.tac);
    Ok(Some(Place {
        certificate: id.to_string(),
        ees: id,
        edge3: listener
            .api_root
            .unwrap_or_else(|| format!("https://{}", listener.listen)),
        dnai: edn.dnais.first().cloned().unwrap_or_else(|| edn.dnn.clone()),
        dnn: edn.dnn,
        tai: flat.try_into().map_err(|error: toml::de::Error| error.to_string())?,
    }))
}

/// The cell at a site.
pub(super) fn cell(site: usize) -> String {
    format!("{:09x}", 0xa00 + site)
}

/// The instance of the application at a site.
pub(super) fn instance(site: usize) -> String {
    format!("load-{}", site + 1)
}

/// The application client that every UE has.
pub(super) const AC: &str = "ac.chess";

/// The sites as a scenario: one UE stands for all.
fn text(wish: &Wish, places: &[Place]) -> String {
    let quoted = |text: &str| toml::Value::String(text.to_owned()).to_string();
    let acr = wish.way.acr();
    let lives = wish.lasts.max(wish.cross_within.unwrap_or_default()).as_secs() + 3600;
    let mut text = format!(
        "name = {}\ntitle = \"Many UEs\"\nabout = \"A fleet of UEs moves between edge sites.\"\nacr = \"{acr}\"\n",
        quoted(&wish.name())
    );
    for (site, place) in places.iter().enumerate() {
        let tai = place.tai.on_the_wire();
        let tai = format!(
            "{{ mcc = \"{}\", mnc = \"{}\", tac = \"{}\" }}",
            tai.plmn_id.mcc.as_str(),
            tai.plmn_id.mnc.as_str(),
            tai.tac.as_str()
        );
        let (dnn, ees, certificate) = (
            quoted(&place.dnn),
            quoted(place.ees.as_str()),
            quoted(&place.certificate),
        );
        let _ = write!(
            text,
            "\n[[edn]]\ndnn = {dnn}\nsite = \"Site {number}\"\ndnais = [{dnai}]\ntais = [{tai}]\nees = {ees}\ncertificate = {certificate}\n\
             \n[[eas]]\neas_id = \"{CHESS}\"\ninstance = \"{instance}\"\nedn = {dnn}\ncertificate = \"eas-{instance}\"\n\
             svc_cont_supp = [\"{acr}\"]\n\
             \n[[cell]]\nname = \"site-{number}\"\nnr_cell_id = \"{cell}\"\ntai = {tai}\n",
            number = site + 1,
            dnai = quoted(&place.dnai),
            instance = instance(site),
            cell = cell(site),
        );
    }
    // How long it is under way says how long registrations live.
    let _ = write!(
        text,
        "\n[[ue]]\ngpsi = \"msisdn-490000000000\"\neec_id = \"eec-load\"\ncertificate = \"eec-load\"\ndelay_ms = {}\n\
         route = [{{ cell = \"site-1\", dwell_ms = 1 }}, {{ cell = \"site-2\", dwell_ms = 1 }}]\n\
         \n[[ac]]\nac_id = \"{AC}\"\neas_id = \"{CHESS}\"\nperiod_ms = {}\n",
        lives * 1000,
        wish.period.as_millis(),
    );
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::Way;

    fn place(number: usize) -> Place {
        Place {
            ees: format!("ees-{number}.example").parse().unwrap(),
            edge3: String::new(),
            dnn: format!("edge-{number}.example"),
            dnai: format!("edge-{number}"),
            tai: toml::from_str(&format!("mcc = \"001\"\nmnc = \"01\"\ntac = \"{number:06x}\"\n")).unwrap(),
            certificate: format!("ees-{number}"),
        }
    }

    #[test]
    fn sites_are_a_scenario_that_can_be_played() {
        for way in [Way::B, Way::D, Way::None] {
            let wish = Wish { way, ..Wish::default() };
            let places: Vec<_> = (1..=100).map(place).collect();
            let scenario = Scenario::parse(&text(&wish, &places), "load").unwrap();
            assert_eq!((scenario.edn.len(), scenario.eas.len()), (100, 100));
            assert_eq!(scenario.eas[99].instance, instance(99));
            assert_eq!(scenario.cell[99].nr_cell_id.as_str(), cell(99));
        }
    }

    #[test]
    fn given_sites_are_read_from_the_configurations_of_their_servers() {
        let dir = tempfile::tempdir().unwrap();
        let pki = Pki::create(dir.path()).unwrap();
        let (ecs, eess) = configuration::laboratory(dir.path(), false).unwrap();
        fs::write(dir.path().join("ecs.toml"), ecs.text(&pki)).unwrap();
        let wish = Wish {
            edns: 2,
            ..Wish::default()
        };
        let refused = Ground::given(&wish, "https://127.0.0.1:9304", dir.path()).unwrap_err();
        assert!(refused.to_string().contains("0 site(s)"), "{refused}");
        for ees in eess {
            fs::write(dir.path().join(format!("{}.toml", ees.files)), ees.text(&pki)).unwrap();
        }
        let ground = Ground::given(&wish, "https://127.0.0.1:9304/", dir.path()).unwrap();
        assert!(!ground.is_own() && ground.pids().is_empty());
        assert_eq!(ground.places[1].edge3, "https://127.0.0.1:9203");
        assert_eq!(ground.places[1].tai.tac.as_str(), "000002");
        let many = Wish::default();
        assert!(Ground::given(&many, "https://127.0.0.1:9304/", dir.path()).is_err());
    }
}
