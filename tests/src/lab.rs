//! A temporary folder with certificates, configurations and state, and the servers that live in it.

use crate::{
    caller::Caller,
    process::{Launch, Process},
};
use edgeapp_core::principal::Role;
use eec_sim::{
    configuration,
    pki::{Files, Pki},
};
use std::{
    fs,
    path::{Path, PathBuf},
};
use tempfile::TempDir;

/// The folder.
#[derive(Debug)]
pub struct Lab {
    folder: TempDir,
    /// The certificates.
    pub pki: Pki,
}

/// What a server is to be: its configuration, ready to be changed.
#[derive(Clone, Debug)]
pub struct Plan {
    program: &'static str,
    name: String,
    folder: PathBuf,
    table: toml::Table,
    launch: Launch,
}

impl Lab {
    /// A fresh folder with authorities for all roles.
    ///
    /// # Panics
    /// When it cannot be made.
    #[allow(clippy::new_without_default, reason = "making certificates is no default")]
    pub fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let pki = Pki::create(&folder.path().join("pki")).expect("certificates");
        fs::create_dir(folder.path().join("state")).expect("a folder for state");
        Self { folder, pki }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// The certificate of `id` in this role, issued when first asked for. An EAS writes its instance behind `#`, the UE of an EEC is
    /// `msisdn-` with its number.
    ///
    /// # Panics
    /// When it cannot be issued.
    pub fn who(&self, role: Role, id: &str) -> Files {
        self.who_at(role, id, &[])
    }

    /// The same, which also speaks for these hosts when it is issued now.
    ///
    /// # Panics
    /// When it cannot be issued.
    pub fn who_at(&self, role: Role, id: &str, hosts: &[&str]) -> Files {
        let name = format!(
            "{role}-{}",
            id.replace(|c: char| !c.is_ascii_alphanumeric() && c != '.', "-")
        );
        let files = self.pki.files(&name);
        if files.certificate.is_file() {
            return files;
        }
        let request = self.pki.issue(role, id).named(&name);
        let request = match role {
            Role::Eec => request.gpsi(&ue_of(id)),
            Role::Eas => request.provider("provider.example"),
            _ => request,
        };
        let request = hosts.iter().fold(request, |request, host| request.host(host));
        request.write().expect("a certificate")
    }

    /// An EES that stands alone. Its id is `ees-<letter>.example`, its network `edge-<letter>`.
    ///
    /// # Panics
    /// When the configuration cannot be read.
    pub fn ees(&self, letter: &str) -> Plan {
        let name = format!("ees-{letter}");
        let text = configuration::Ees {
            id: format!("{name}.example"),
            provider: "operator.example".to_owned(),
            files: name.clone(),
            ports: [0; 3],
            ecs: String::new(),
            dnn: format!("edge-{letter}"),
            dnais: vec![format!("dnai-{letter}")],
            tais: Vec::new(),
            core: None,
            state: self.path().join("state").join(format!("{name}.redb")),
            tokens: configuration::Tokens::No,
            transfer_seconds: None,
            names: None,
        }
        .text(&self.pki);
        let mut plan = Plan::new("ees", &name, self.path(), &text);
        plan.table.remove("ecs");
        plan
    }

    /// An ECS that knows the networks `edge-a` and `edge-b`.
    ///
    /// # Panics
    /// When the configuration cannot be read.
    pub fn ecs(&self) -> Plan {
        let text = configuration::Ecs {
            id: "ecs.example".to_owned(),
            files: "ecs".to_owned(),
            ports: [0; 3],
            dnns: vec!["edge-a".to_owned(), "edge-b".to_owned()],
            state: self.path().join("state").join("ecs.redb"),
            registry: None,
        }
        .text(&self.pki);
        Plan::new("ecs", "ecs", self.path(), &text)
    }

    /// A CAPIF core function of its own.
    ///
    /// # Panics
    /// When the configuration cannot be read.
    pub fn ccf(&self) -> Plan {
        let ccf = configuration::Ccf {
            ports: [0; 2],
            ..configuration::core_function(self.path())
        };
        Plan::new("ccf", "ccf", self.path(), &ccf.text(&self.pki))
    }

    /// An EEC that calls this `apiRoot` of an EES.
    pub fn eec(&self, id: &str, root: &str) -> Caller {
        Caller::new(self, &self.who(Role::Eec, id), Role::Ees, root)
    }

    /// An EAS that calls this `apiRoot` of an EES; the instance stands behind `#`.
    pub fn eas(&self, id: &str, root: &str) -> Caller {
        Caller::new(self, &self.who(Role::Eas, id), Role::Ees, root)
    }

    /// The operator, who calls the operator's port of a server of this role.
    pub fn operator(&self, server: Role, root: &str) -> Caller {
        Caller::new(self, &self.pki.files("operator"), server, root)
    }
}

/// The UE that the certificate of this EEC vouches for.
pub fn ue_of(eec: &str) -> String {
    let digits: String = eec.bytes().map(|byte| char::from(b'0' + byte % 10)).collect();
    format!("msisdn-{:0>6}", &digits[digits.len().saturating_sub(15)..])
}

impl Plan {
    fn new(program: &'static str, name: &str, folder: &Path, text: &str) -> Self {
        let table = text.parse().expect("a configuration is TOML");
        Self {
            program,
            name: name.to_owned(),
            folder: folder.to_owned(),
            table,
            launch: Launch::default(),
        }
    }

    /// The same, logging what passes this filter.
    pub fn logging(mut self, filter: &str) -> Self {
        filter.clone_into(&mut self.launch.filter);
        self
    }

    /// The same, in a process that lets everybody read the files it makes, unless it says otherwise.
    pub fn without_umask(mut self) -> Self {
        self.launch.without_umask = true;
        self
    }

    /// The same with these keys over it.
    ///
    /// # Panics
    /// When `text` is no TOML.
    pub fn with(mut self, text: &str) -> Self {
        merge(&mut self.table, text.parse().expect("TOML"));
        self
    }

    /// The same, registered with the ECS whose EDGE-6 is here.
    pub fn at_ecs(self, root: &str) -> Self {
        self.with(&format!("[ecs]\nurl = \"{root}\"\ncheck_seconds = 1\n"))
    }

    /// The same with other names of its files, so that two of them can stand side by side.
    pub fn named(mut self, name: &str) -> Self {
        name.clone_into(&mut self.name);
        self
    }

    /// Where it keeps its state.
    ///
    /// # Panics
    /// When that is no file.
    pub fn state(&self) -> PathBuf {
        self.table["store"]["path"].as_str().expect("state in a file").into()
    }

    /// Where it logs.
    pub fn log(&self) -> PathBuf {
        self.folder.join(format!("{}.log", self.name))
    }

    /// Starts it, on the state that is there.
    ///
    /// # Panics
    /// When it does not become ready.
    pub async fn start(&self) -> Process {
        Process::start(self.program, &self.write(), &self.log(), &self.launch).await
    }

    /// Starts it where no file may grow beyond so many KiB.
    ///
    /// # Panics
    /// When it does not become ready.
    pub async fn start_with_small_files(&self, kib: u32) -> Process {
        let small_files = Some(kib);
        let launch = Launch {
            small_files,
            ..self.launch.clone()
        };
        Process::start(self.program, &self.write(), &self.log(), &launch).await
    }

    /// Starts it where that may fail.
    ///
    /// # Errors
    /// When it does not become ready.
    pub async fn try_start(&self) -> Result<Process, String> {
        Process::try_start(self.program, &self.write(), &self.log(), &self.launch).await
    }

    /// Starts it without waiting for anything.
    ///
    /// # Panics
    /// When it cannot be run.
    pub fn spawn(&self) -> Process {
        Process::spawn(self.program, &self.write(), &self.log(), &self.launch)
            .unwrap_or_else(|reason| panic!("{reason}"))
    }

    /// The program that it is for.
    pub fn program(&self) -> &'static str {
        self.program
    }

    /// Starts it with these variables in its environment.
    ///
    /// # Errors
    /// When it does not become ready.
    pub async fn start_with(&self, environment: &[(&str, &Path)]) -> Result<Process, String> {
        let environment = environment
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let launch = Launch {
            environment: environment.collect(),
            ..self.launch.clone()
        };
        let mut process = Process::spawn(self.program, &self.write(), &self.log(), &launch)?;
        process.ready().await?;
        Ok(process)
    }

    /// Writes its configuration and says where.
    ///
    /// # Panics
    /// When it cannot be written.
    pub fn write(&self) -> PathBuf {
        let config = self.folder.join(format!("{}.toml", self.name));
        fs::write(&config, self.table.to_string()).expect("a configuration can be written");
        config
    }
}

fn merge(into: &mut toml::Table, from: toml::Table) {
    for (key, value) in from {
        match (into.get_mut(&key), value) {
            (Some(toml::Value::Table(into)), toml::Value::Table(from)) if !from.contains_key("kind") => {
                merge(into, from)
            }
            (_, value) => drop(into.insert(key, value)),
        }
    }
}
