//! Configuration files for `ecs` and `ees`, as `pki init` leaves them and as a run writes them for its own servers.

use crate::{
    pki::{Files, Pki},
    scenario::{BadScenario, Dns, SHIPPED, Scenario},
};
use edgeapp_core::principal::Role;
use edgeapp_openapi::location::Tac;
use edgeapp_openapi::{
    common::{Mcc, Mnc, PlmnId},
    location,
};
use std::{
    fmt::Write as _,
    path::{Path, PathBuf},
};

/// A tracking area, as it stands in a configuration and in a scenario.
#[derive(Clone, Debug, PartialEq, Eq, Hash, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tai {
    /// Mobile country code.
    pub mcc: Mcc,
    /// Mobile network code.
    pub mnc: Mnc,
    /// Tracking area code, hexadecimal.
    pub tac: Tac,
}

impl Tai {
    /// The tracking area as it stands on the wire.
    pub fn on_the_wire(&self) -> location::Tai {
        let plmn_id = PlmnId {
            mcc: self.mcc.clone(),
            mnc: self.mnc.clone(),
        };
        location::Tai {
            plmn_id,
            tac: self.tac.clone(),
            nid: None,
        }
    }
}

/// What an ECS is to be.
#[derive(Clone, Debug)]
pub struct Ecs {
    /// Its identifier.
    pub id: String,
    /// The name of its certificate's files.
    pub files: String,
    /// Ports for EDGE-4, EDGE-6 and the operator; 0 lets the system choose.
    pub ports: [u16; 3],
    /// The edge data networks it knows.
    pub dnns: Vec<String>,
    /// Where it keeps its state.
    pub state: PathBuf,
    /// The client registry, where it is to issue access tokens.
    pub registry: Option<PathBuf>,
}

/// What an EES is to be.
#[derive(Clone, Debug)]
pub struct Ees {
    /// Its identifier.
    pub id: String,
    /// The edge computing service provider that runs it.
    pub provider: String,
    /// The name of its certificate's files.
    pub files: String,
    /// Ports for EDGE-1 (and EDGE-9), EDGE-3 and the operator; 0 lets the system choose.
    pub ports: [u16; 3],
    /// The `apiRoot` of the ECS on EDGE-6.
    pub ecs: String,
    /// Its edge data network.
    pub dnn: String,
    /// The places where user plane traffic reaches that.
    pub dnais: Vec<String>,
    /// Where UEs have to be to use it.
    pub tais: Vec<Tai>,
    /// The core network behind it, if there is one.
    pub core: Option<Core>,
    /// Where it keeps its state.
    pub state: PathBuf,
    /// Whether EECs need access tokens.
    pub tokens: Tokens,
    /// How long it waits for reports of EASs, in seconds; as usual when absent.
    pub transfer_seconds: Option<u32>,
    /// EAS discovery by name, where it is served.
    pub names: Option<Names>,
}

/// EAS discovery by name, for UEs of the same machine.
#[derive(Clone, Debug)]
pub struct Names {
    /// The port for DNS over TLS; 0 lets the system choose.
    pub port: u16,
    /// The zone, and the names of applications in it.
    pub dns: Dns,
    /// The port where SMFs steer it (N88); 0 lets the system choose, nothing when nobody does.
    pub smf: Option<u16>,
}

/// Whether EECs need access tokens of the ECS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tokens {
    /// They do not.
    No,
    /// They do not, and the file says what has to change so that they do.
    Explained,
    /// They do.
    Yes,
}

/// The `tokens.issuer` of the ECS of a laboratory.
const ISSUER: &str = "https://ecs.example";

/// What a CAPIF core function is to be.
#[derive(Clone, Debug)]
pub struct Ccf {
    /// Its identifier.
    pub id: String,
    /// The name of its certificate's files.
    pub files: String,
    /// Ports for its APIs and the operator; 0 lets the system choose.
    pub ports: [u16; 2],
    /// Where it keeps its state.
    pub state: PathBuf,
}

/// The core network behind an EES.
#[derive(Clone, Debug)]
pub struct Core {
    /// The `apiRoot` of the NEF.
    pub api_root: String,
    /// The port for its reports (EDGE-2); 0 lets the system choose.
    pub port: u16,
    /// The file that says what users agreed to.
    pub consent: PathBuf,
}

/// Text as a TOML string.
fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

fn path(path: &Path) -> String {
    quoted(&path.to_string_lossy())
}

fn list(items: &[String]) -> String {
    let items: Vec<_> = items.iter().map(|item| quoted(item)).collect();
    format!("[{}]", items.join(", "))
}

fn identity(text: &mut String, files: &Files) {
    let _ = write!(
        text,
        "\n[identity]\ncertificate = {}\nkey = {}\n\n[trust]\n",
        path(&files.certificate),
        path(&files.key)
    );
}

fn trust(text: &mut String, pki: &Pki, roles: &[Role]) {
    for role in roles {
        let _ = writeln!(text, "{role} = {}", path(&pki.ca(*role)));
    }
}

/// Lists of what the authorities of these roles revoked, and that the authorities themselves are none to rely on.
fn revocations(text: &mut String, pki: &Pki, roles: impl IntoIterator<Item = Role>) {
    text.push_str(
        "\n[tls]\n# The authorities of `eec-sim pki init` are for laboratories. With certificates of your own leave this out.\n\
        allow_test_certificates = true\n",
    );
    // Folders that were made before there were lists have none.
    let lists: Vec<_> = roles.into_iter().map(|role| (role, pki.crl(role))).collect();
    let mut lists = lists.into_iter().filter(|(_, list)| list.is_file()).peekable();
    if lists.peek().is_some() {
        text.push_str("\n# What the authorities revoked: `eec-sim pki revoke` adds to it, and the servers see it by themselves.\n[crl]\n");
    }
    for (role, list) in lists {
        let _ = writeln!(text, "{role} = [{}]", path(&list));
    }
}

fn listen(text: &mut String, name: &str, port: u16) {
    let _ = write!(text, "\n[{name}]\nlisten = \"127.0.0.1:{port}\"\n");
}

fn store(text: &mut String, state: &Path) {
    let _ = write!(text, "\n[store]\nkind = \"redb\"\npath = {}\n", path(state));
}

/// The key of pseudonyms, where there is one for all servers: `audit pseudonym` finds by it what stands for somebody in their logs.
fn privacy(text: &mut String, pki: &Pki) {
    let key = pki.pseudonym_key();
    if key.is_file() {
        let _ = write!(text, "\n[privacy]\npseudonym_key = {}\n", path(&key));
    }
}

const CALLBACKS: &str = "\n[notifications]\n\
    # For a laboratory on one machine. In an operator's network leave this out: it lets clients point callbacks inside.\n\
    allow_callbacks_to_private_addresses = true\n";

impl Ecs {
    /// The configuration file.
    pub fn text(&self, pki: &Pki) -> String {
        let mut text = format!("ecs_id = {}\n", quoted(&self.id));
        identity(&mut text, &pki.files(&self.files));
        let roles = [Role::Eec, Role::Ees, Role::Operator];
        trust(&mut text, pki, &roles);
        revocations(&mut text, pki, roles);
        for (name, port) in ["edge4", "edge6", "operator"].into_iter().zip(self.ports) {
            listen(&mut text, name, port);
        }
        store(&mut text, &self.state);
        privacy(&mut text, pki);
        text.push_str(CALLBACKS);
        if let Some(registry) = &self.registry {
            let _ = write!(text, "\n[tokens]\nregistry = {}\n", path(registry));
        }
        for dnn in &self.dnns {
            let _ = write!(text, "\n[[edn]]\ndnn = {}\n", quoted(dnn));
        }
        text
    }
}

impl Names {
    fn write(&self, text: &mut String) {
        text.push_str("\n# EAS discovery by name, over DNS over TLS. On one machine EASs have addresses that nobody else could reach.");
        listen(text, "dns", self.port);
        let _ = write!(
            text,
            "zones = [{}]\nclients = [\"127.0.0.0/8\"]\npublish_loopback_addresses = true\n\n[dns.names]\n",
            quoted(&self.dns.zone)
        );
        for (eas_id, name) in &self.dns.names {
            let _ = writeln!(text, "{} = {}", quoted(eas_id.as_str()), quoted(name));
        }
        if let Some(port) = self.smf {
            text.push_str("\n# SMFs say here what becomes of the DNS messages of their UEs.");
            listen(text, "easdf", port);
        }
    }
}

impl Ees {
    /// The configuration file.
    pub fn text(&self, pki: &Pki) -> String {
        let mut text = format!("ees_id = {}\nprovider = {}\n", quoted(&self.id), quoted(&self.provider));
        text.push_str("eec_registration_required = true\n");
        identity(&mut text, &pki.files(&self.files));
        let nef = self.core.is_some().then_some(Role::Nef);
        let steered = self.names.as_ref().is_some_and(|names| names.smf.is_some());
        let smf = steered.then_some(Role::Smf);
        let roles: Vec<_> = [Role::Eec, Role::Eas, Role::Ees, Role::Ecs, Role::Operator]
            .into_iter()
            .chain(nef)
            .chain(smf)
            .collect();
        trust(&mut text, pki, &roles);
        revocations(&mut text, pki, roles);
        for (name, port) in ["edge1", "edge3", "operator"].into_iter().zip(self.ports) {
            if name == "edge1" {
                text.push_str("\n# For EECs, and for other EESs (EDGE-9): the certificate tells them apart.");
            }
            listen(&mut text, name, port);
        }
        if let Some(core) = &self.core {
            listen(&mut text, "edge2", core.port);
            let (root, name, consent) = (quoted(&core.api_root), quoted(&self.id), path(&core.consent));
            let _ = write!(text, "\n[nef]\napi_root = {root}\nscs_as_id = {name}\n");
            let _ = write!(text, "\n[consent]\nfile = {consent}\n");
        }
        if let Some(seconds) = self.transfer_seconds {
            let _ = write!(text, "\n[relocation]\ntransfer_seconds = {seconds}\n");
        }
        if let Some(names) = &self.names {
            names.write(&mut text);
        }
        store(&mut text, &self.state);
        privacy(&mut text, pki);
        let _ = write!(text, "\n[ecs]\nurl = {}\n", quoted(&self.ecs));
        let _ = write!(
            text,
            "\n[edn]\ndnn = {}\ndnais = {}\n",
            quoted(&self.dnn),
            list(&self.dnais)
        );
        if !self.tais.is_empty() {
            text.push_str("\n[service_area.topServAr]\ntais = [\n");
            for tai in &self.tais {
                let (mcc, mnc, tac) = (
                    quoted(tai.mcc.as_str()),
                    quoted(tai.mnc.as_str()),
                    quoted(tai.tac.as_str()),
                );
                let _ = writeln!(text, "    {{ plmnId = {{ mcc = {mcc}, mnc = {mnc} }}, tac = {tac} }},");
            }
            text.push_str("]\n");
        }
        let section = format!("[authorization]\nmode = \"token\"\nissuer = {}\n", quoted(ISSUER));
        match self.tokens {
            Tokens::No => {}
            Tokens::Yes => {
                let _ = write!(text, "\n{section}");
            }
            Tokens::Explained => {
                text.push_str(
                    "\n# With this section EECs need access tokens. clients.toml has to say the same of this EES.\n",
                );
                for line in section.lines() {
                    let _ = writeln!(text, "# {line}");
                }
            }
        }
        text.push_str(CALLBACKS);
        text
    }
}

impl Ccf {
    /// The configuration file.
    pub fn text(&self, pki: &Pki) -> String {
        let (own, authority) = (pki.files(&self.files), pki.capif_authority());
        let files = |files: &Files| {
            let (certificate, key) = (path(&files.certificate), path(&files.key));
            format!("{{ certificate = {certificate}, key = {key} }}")
        };
        let called = [Role::Eas, Role::Ees].map(|role| path(&pki.ca(role)));
        let [eas, ees] = called;
        let mut text = format!("[trust]\noperator = {}\n", path(&pki.ca(Role::Operator)));
        revocations(&mut text, pki, [Role::Operator, Role::Eas, Role::Ees]);
        let _ = write!(
            text,
            "\n[core]\nccf_id = {}\nlisten = \"127.0.0.1:{}\"\nidentity = {}\n\
            # Issues the certificates of API invokers and of the functions of API providers.\nauthority = {}\n\
            # Of the servers that take notifications and revocations.\ntrust = {{ eas = {eas}, ees = {ees} }}\n\
            store = {{ kind = \"redb\", path = {} }}\n",
            quoted(&self.id),
            self.ports[0],
            files(&own),
            files(&authority),
            path(&self.state)
        );
        listen(&mut text, "operator", self.ports[1]);
        text.push_str(CALLBACKS);
        text
    }
}

/// The section with which an EES exposes EDGE-3 at the core function under this `apiRoot`, by the onboarding credential in a file.
pub fn exposure(pki: &Pki, core: &str, credential: &Path) -> String {
    format!(
        "[capif.exposure]\nurl = {}\nroots = {}\ninvoker_roots = {}\ncredential_file = {}\ncheck_seconds = 1\n",
        quoted(core),
        path(&pki.ca(Role::Ccf)),
        path(&pki.capif_authority().certificate),
        path(credential)
    )
}

/// The CAPIF core function of a fresh folder, on fixed ports.
pub fn core_function(dir: &Path) -> Ccf {
    Ccf {
        id: "ccf.example".to_owned(),
        files: "ccf".to_owned(),
        ports: [9443, 9448],
        state: dir.join("state").join("ccf.redb"),
    }
}

/// The name of the client registry in a fresh folder.
pub const REGISTRY: &str = "clients.toml";

/// A client registry: these EESs, with tokens or without, and these EECs, which may use everything that an EES has for EECs.
pub fn registry_of<'a>(
    eess: impl IntoIterator<Item = &'a str>,
    tokens: bool,
    eecs: impl IntoIterator<Item = &'a str>,
) -> String {
    let mut text = String::from(
        "# Who may have access tokens, and for whom. The ECS reads this again when it changes: a client that is removed loses its\n\
        # tokens within seconds. `authorization` is \"token\" for each EES that has the section [authorization].\n",
    );
    let ids: Vec<String> = eess.into_iter().map(str::to_owned).collect();
    let mode = if tokens { "token" } else { "local_policy" };
    for id in &ids {
        let _ = write!(text, "\n[[ees]]\nees_id = {}\nauthorization = \"{mode}\"\n", quoted(id));
    }
    let apis = [
        "eees-eecregistration",
        "eees-easdiscovery",
        "eees-acrevents",
        "eees-appctxtreloc",
        "eees-easinfoprov",
        "eees-ueidentifier:get",
    ];
    let scopes = list(&apis.map(str::to_owned));
    for eec in eecs {
        let identity = quoted(&format!("urn:edgeapp:eec:{eec}"));
        let audiences = list(&ids);
        let _ = write!(
            text,
            "\n[[client]]\nidentity = {identity}\naudiences = {audiences}\nscopes = {scopes}\n"
        );
    }
    text
}

/// The three servers of a fresh folder, on fixed ports: the sites of the shipped scenarios. With `tokens`, EECs need access tokens.
///
/// # Errors
/// Never with the shipped scenarios, which the tests parse.
pub fn laboratory(dir: &Path, tokens: bool) -> Result<(Ecs, Vec<Ees>), BadScenario> {
    let scenario = Scenario::parse(SHIPPED[0].text, SHIPPED[0].name)?;
    let (ecs, mut eess) = servers(&scenario, &dir.join("state"));
    let by_name = Scenario::load("by-name")?.dns.unwrap_or_default();
    for (ees, base) in eess.iter_mut().zip([9100, 9200]) {
        ees.ports = [base + 1, base + 3, base + 8];
        ees.ecs = "https://127.0.0.1:9306".to_owned();
        ees.core = Some(Core {
            api_root: "https://127.0.0.1:9402".to_owned(),
            port: base + 2,
            consent: dir.join("consent.toml"),
        });
        ees.transfer_seconds = None;
        ees.names = Some(Names {
            port: base + 53,
            dns: by_name.clone(),
            smf: Some(base + 88),
        });
        ees.tokens = if tokens { Tokens::Yes } else { Tokens::Explained };
    }
    Ok((
        Ecs {
            ports: [9304, 9306, 9308],
            registry: Some(dir.join(REGISTRY)),
            ..ecs
        },
        eess,
    ))
}

/// The file that says that the user of these names agreed to everything.
pub fn consent_of<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let user = |name| {
        let purposes = "[\"location\", \"identifier\", \"qos\", \"analytics\"]";
        format!("[[user]]\nue = {}\npurposes = {purposes}\n", quoted(name))
    };
    names.into_iter().map(user).collect()
}

/// What the users of the simulated NEF agreed to, as `pki init` leaves it: the first one to everything, the second to nothing.
pub const CONSENT: &str = "\
# What users agreed to, by purpose: location, identifier, qos, analytics. An EES reads this again when it changes.
[[user]]
ue = \"msisdn-491700000001\"
purposes = [\"location\", \"identifier\", \"qos\", \"analytics\"]

[[user]]
ue = \"extid-ue1@example.org\"
purposes = [\"location\", \"identifier\", \"qos\", \"analytics\"]
";

/// The servers that a scenario needs, on ports that the system chooses. Where the ECS is has yet to be told to the EESs.
pub fn servers(scenario: &Scenario, state: &Path) -> (Ecs, Vec<Ees>) {
    let ecs = Ecs {
        id: "ecs.example".to_owned(),
        files: "ecs".to_owned(),
        ports: [0; 3],
        dnns: scenario.edn.iter().map(|edn| edn.dnn.to_string()).collect(),
        state: state.join("ecs.redb"),
        registry: None,
    };
    let eess = scenario.edn.iter().map(|edn| Ees {
        id: edn.ees.to_string(),
        provider: "edge-operator.example".to_owned(),
        files: edn.certificate.clone(),
        ports: [0; 3],
        ecs: String::new(),
        dnn: edn.dnn.to_string(),
        dnais: edn.dnais.iter().map(ToString::to_string).collect(),
        tais: edn.tais.clone(),
        core: None,
        state: state.join(format!("{}.redb", edn.certificate)),
        tokens: Tokens::No,
        transfer_seconds: Some(scenario.timing.transfer_seconds),
        names: scenario.dns.clone().map(|dns| Names {
            port: 0,
            dns,
            smf: None,
        }),
    });
    (ecs, eess.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_toml_with_the_expected_keys() {
        let dir = tempfile::tempdir().unwrap();
        let pki = Pki::create(dir.path()).unwrap();
        let (ecs, eess) = laboratory(dir.path(), false).unwrap();
        let ecs: toml::Table = ecs.text(&pki).parse().unwrap();
        assert_eq!(ecs["edge4"]["listen"].as_str(), Some("127.0.0.1:9304"));
        assert_eq!(ecs["edn"].as_array().map(Vec::len), Some(2));
        let ees: toml::Table = eess[0].text(&pki).parse().unwrap();
        assert_eq!(ees["eec_registration_required"].as_bool(), Some(true));
        assert_eq!(ees["nef"]["api_root"].as_str(), Some("https://127.0.0.1:9402"));
        assert_eq!(ees["operator"]["listen"].as_str(), Some("127.0.0.1:9108"));
        assert_eq!(ees["dns"]["listen"].as_str(), Some("127.0.0.1:9153"));
        assert_eq!(ees["easdf"]["listen"].as_str(), Some("127.0.0.1:9188"));
        assert!(Path::new(ees["trust"]["smf"].as_str().unwrap()).is_file());
        assert_eq!(
            ees["dns"]["names"]["eas.chess.example"].as_str(),
            Some("chess.edge.example")
        );
        assert_eq!(
            ees["service_area"]["topServAr"]["tais"][0]["tac"].as_str(),
            Some("000001")
        );
        assert!(ecs["tokens"]["registry"].is_str() && !ees.contains_key("authorization"));
        assert!(!ecs.contains_key("privacy") && !ees.contains_key("privacy"));
        pki.make_pseudonym_key().unwrap();
        let (ecs, eess) = laboratory(dir.path(), false).unwrap();
        for text in [ecs.text(&pki), eess[0].text(&pki)] {
            let server: toml::Table = text.parse().unwrap();
            let key = Path::new(server["privacy"]["pseudonym_key"].as_str().unwrap());
            assert!(std::fs::read(key).unwrap().len() >= 32, "{}", key.display());
        }
        let (_, eess) = laboratory(dir.path(), true).unwrap();
        let with_tokens: toml::Table = eess[1].text(&pki).parse().unwrap();
        assert_eq!(with_tokens["authorization"]["mode"].as_str(), Some("token"));
        let registry: toml::Table = registry_of(["ees-a.example"], true, ["eec-1"]).parse().unwrap();
        assert_eq!(registry["ees"][0]["authorization"].as_str(), Some("token"));
        assert_eq!(
            registry["client"][0]["identity"].as_str(),
            Some("urn:edgeapp:eec:eec-1")
        );
        assert!(Path::new(ees["trust"]["ecs"].as_str().unwrap()).is_file());
    }
}
