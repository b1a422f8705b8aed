//! The simulated core network of a laboratory, in this process: a UE, two cells, and an EES's way to it.

use crate::{
    lab::{Lab, Plan},
    wait::until,
};
use edgeapp_core::{clock::SystemClock, principal::Role};
use eec_sim::world::nef::{
    configuration::{BadNef, Configuration},
    server::{self, Running},
};
use std::{net::SocketAddr, sync::Arc};

/// The cell in which UEs begin, and the one they move to.
pub const CELLS: [&str; 2] = ["000000001", "000000002"];

/// A NEF over real TLS.
pub struct Network {
    configuration: Configuration,
    running: Running,
}

/// A NEF that was stopped.
pub struct Stopped(Configuration);

impl Network {
    /// Starts one that knows these UEs; each is in the first cell and has the address `198.51.100.<n>`, beginning with 1.
    ///
    /// # Panics
    /// When it cannot be started.
    pub async fn open(lab: &Lab, ues: &[&str]) -> Self {
        Self::open_at(lab, ues, ([127, 0, 0, 1], 0).into()).await
    }

    /// The same at this address, to which it can come back.
    ///
    /// # Panics
    /// When it cannot be started.
    pub async fn open_at(lab: &Lab, ues: &[&str], address: SocketAddr) -> Self {
        let nef = lab.who(Role::Nef, "nef.example");
        let quoted = |path: &std::path::Path| toml::Value::String(path.to_string_lossy().into_owned()).to_string();
        let mut text = format!(
            "nef_id = \"nef.example\"\nallow_callbacks_to_private_addresses = true\n\
             [identity]\ncertificate = {}\nkey = {}\n[trust]\nees = {}\noperator = {}\n\
             [apis]\nlisten = \"{address}\"\n[control]\nlisten = \"127.0.0.1:0\"\n",
            quoted(&nef.certificate),
            quoted(&nef.key),
            quoted(&lab.pki.ca(Role::Ees)),
            quoted(&lab.pki.ca(Role::Operator)),
        );
        for (n, cell) in CELLS.iter().enumerate() {
            text += &format!(
                "[[cell]]\nid = \"{cell}\"\ntac = \"00000{}\"\nmcc = \"001\"\nmnc = \"01\"\ndnai = \"dnai-{}\"\n",
                n + 1,
                ["a", "b"][n]
            );
        }
        for (n, ue) in ues.iter().enumerate() {
            let number = n + 1;
            text += &format!(
                "[[ue]]\ngpsi = \"{ue}\"\nexternal_id = \"ue{number}@operator.example\"\nip = \"198.51.100.{number}\"\ncell = \"{}\"\n",
                CELLS[0]
            );
        }
        let file = lab.path().join("nef.toml");
        std::fs::write(&file, text).expect("a configuration");
        let configuration = Configuration::read(&file).expect("a configuration of a NEF");
        let running = run(&configuration).await.expect("a NEF");
        Self { configuration, running }
    }

    /// Stops it; it forgets everything.
    pub fn stop(self) -> Stopped {
        Stopped(self.configuration)
    }

    /// The same EES with this network behind it, whose users agreed to everything.
    pub fn behind(&self, plan: Plan, lab: &Lab) -> Plan {
        let roots = toml::Value::String(lab.pki.ca(Role::Nef).to_string_lossy().into_owned());
        plan.with(&format!(
            "[trust]\nnef = {roots}\n[edge2]\nlisten = \"127.0.0.1:0\"\n[nef]\napi_root = \"{}\"\nscs_as_id = \"ees-a.example\"\n\
             [consent]\nevery_user_agreed_by_other_means = true\n[core_network]\nupkeep_seconds = 1\n",
            self.running.root
        ))
    }

    /// A UE goes to another cell. Whoever watches it has been told when this returns.
    ///
    /// # Panics
    /// When there is no such UE or cell.
    pub async fn move_ue(&self, ue: &str, cell: &str) {
        self.running.nef.move_ue(ue, Some(cell)).await.expect("a UE and a cell");
    }

    /// Something happens to the sessions of a UE. Whoever asked for them has been told when this returns.
    ///
    /// # Panics
    /// When there is no such UE.
    pub async fn session_event(&self, ue: &str, event: &str) {
        self.running.nef.session_event(ue, event).await.expect("a UE");
    }

    /// Where the traffic of a UE leaves the network, as far as somebody watches or influences it.
    pub fn places_of(&self, ue: &str) -> Vec<String> {
        let state = self.running.nef.state();
        state.paths(ue).into_values().map(str::to_owned).collect()
    }

    /// How many things of EESs run there.
    pub fn runs(&self) -> usize {
        self.running.nef.state().resources().count()
    }

    /// Everything that runs there is forgotten.
    pub fn forget_everything(&self) {
        let mut state = self.running.nef.state();
        let all: Vec<_> = state.resources().map(|(api, id, _)| (api, id)).collect();
        for (api, id) in all {
            state.remove(api, id);
        }
    }
}

impl Stopped {
    /// Starts it again, as it was in the beginning.
    ///
    /// # Panics
    /// When it cannot be started.
    pub async fn start(self) -> Network {
        let running = until("its address is free again", async || run(&self.0).await.ok()).await;
        Network {
            configuration: self.0,
            running,
        }
    }
}

async fn run(configuration: &Configuration) -> Result<Running, BadNef> {
    server::start(configuration, Arc::new(SystemClock::default()), Box::new(|_: &_| {})).await
}
