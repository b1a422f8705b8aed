//! A scenario as data: sites, cells, a UE with its route, an application client, timing and what has to hold at the end.
//!
//! ```
//! use eec_sim::scenario::{self, Scenario};
//!
//! let shipped = scenario::shipped("a-eec-initiated").expect("shipped");
//! let scenario = Scenario::parse(shipped.text, shipped.name)?;
//! assert_eq!(scenario.crossing().target.eas.instance, "b");
//! # Ok::<(), scenario::BadScenario>(())
//! ```

mod check;

use crate::configuration::Tai;
use edgeapp_openapi::{
    ees_registration::AcrScenario,
    ids::{AcId, Dnai, Dnn, EasId, EecId, EesId, ExternalId, Gpsi},
    location::NrCellId,
};
use serde::Deserialize;
use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

/// A scenario that comes with the program.
#[derive(Clone, Copy, Debug)]
pub struct Shipped {
    /// Its name, for `run` and `list`.
    pub name: &'static str,
    /// The file.
    pub text: &'static str,
}

/// The scenarios that come with the program, in the order in which `demo` plays them.
pub const SHIPPED: [Shipped; 3] = [
    Shipped {
        name: "a-eec-initiated",
        text: include_str!("../../scenarios/a-eec-initiated.toml"),
    },
    Shipped {
        name: "b-eec-executed-via-s-ees",
        text: include_str!("../../scenarios/b-eec-executed-via-s-ees.toml"),
    },
    Shipped {
        name: "located",
        text: include_str!("../../scenarios/located.toml"),
    },
];

/// The shipped scenario of this name.
pub fn shipped(name: &str) -> Option<Shipped> {
    SHIPPED.into_iter().find(|shipped| shipped.name == name)
}

/// Why a scenario cannot be played: where, what, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{file}{}{}: {reason}\n  {remedy}", line.map(|line| format!(":{line}")).unwrap_or_default(), key.as_ref().map(|key| format!(": {key}")).unwrap_or_default())]
pub struct BadScenario {
    /// The file.
    pub file: String,
    /// The line, from 1.
    pub line: Option<usize>,
    /// The key.
    pub key: Option<String>,
    /// What is wrong.
    pub reason: String,
    /// What to do about it.
    pub remedy: String,
}

/// A scenario.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// Short name: lower case letters, digits and hyphens.
    pub name: String,
    /// Its title.
    pub title: String,
    /// What happens, in plain words.
    pub about: String,
    /// The way of relocation, as `ACRScenario` spells it.
    pub acr: AcrScenario,
    /// The edge data networks, each with its EES.
    pub edn: Vec<Edn>,
    /// The application servers.
    pub eas: Vec<Eas>,
    /// The cells of the radio network.
    pub cell: Vec<Cell>,
    /// The UE with its EEC.
    pub ue: Ue,
    /// The application client on the UE.
    pub ac: Ac,
    /// The core network behind the EESs, where there is one: the application's first server hears from it where the UE is.
    #[serde(default)]
    pub core: Option<Core>,
    /// How long things take.
    #[serde(default)]
    pub timing: Timing,
    /// Limits that have to be kept.
    #[serde(default)]
    pub limits: Limits,
}

/// An edge data network.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Edn {
    /// Its data network name.
    pub dnn: Dnn,
    /// What people call the place.
    pub site: String,
    /// The places where user plane traffic reaches it.
    pub dnais: Vec<Dnai>,
    /// The tracking areas that it serves.
    pub tais: Vec<Tai>,
    /// The id of its EES.
    pub ees: EesId,
    /// The name of the EES's certificate files.
    pub certificate: String,
}

/// An application server.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Eas {
    /// The application.
    pub eas_id: EasId,
    /// The instance, as its certificate has it behind `#`.
    pub instance: String,
    /// The edge data network it is in.
    pub edn: Dnn,
    /// The name of its certificate files.
    pub certificate: String,
    /// The ways of relocation it takes part in.
    pub svc_cont_supp: Vec<AcrScenario>,
}

/// A cell.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cell {
    /// Its name within the scenario.
    pub name: String,
    /// Its NR cell identity, nine hexadecimal digits.
    pub nr_cell_id: NrCellId,
    /// The tracking area it belongs to.
    pub tai: Tai,
}

/// A UE and its EEC.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ue {
    /// The UE's GPSI.
    pub gpsi: Gpsi,
    /// Its EEC.
    pub eec_id: EecId,
    /// The name of the EEC's certificate files.
    pub certificate: String,
    /// The cells it passes, in order.
    pub route: Vec<Stay>,
}

/// A stay in a cell.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stay {
    /// The name of the cell.
    pub cell: String,
    /// How long the UE stays there, in milliseconds.
    pub dwell_ms: u64,
}

/// An application client.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ac {
    /// Its identifier.
    pub ac_id: AcId,
    /// The application that it uses.
    pub eas_id: EasId,
    /// From one numbered request to the next, in milliseconds.
    #[serde(default = "usual_period")]
    pub period_ms: u64,
}

fn usual_period() -> u64 {
    20
}

impl Ac {
    /// From one numbered request to the next.
    pub fn period(&self) -> Duration {
        Duration::from_millis(self.period_ms)
    }
}

/// The core network that is simulated behind the EESs.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Core {
    /// The UE's external identifier there.
    pub external_id: ExternalId,
}

/// How long things take.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Timing {
    /// Until the EEC notices a new cell, in milliseconds.
    pub detection_ms: u64,
    /// How long the application runs on at the new site before the clean-up is judged, in milliseconds.
    pub settle_ms: u64,
    /// How long the relocation may take altogether, in milliseconds.
    pub limit_ms: u64,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            detection_ms: 30,
            settle_ms: 500,
            limit_ms: 20_000,
        }
    }
}

/// Limits that have to be kept.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Most requests of the application that may be lost.
    pub lost_requests: usize,
    /// Longest service interruption, in milliseconds; none when absent.
    pub interruption_ms: Option<u64>,
}

/// A site: an edge data network with the instance of the application in it.
#[derive(Clone, Copy, Debug)]
pub struct Site<'a> {
    /// The edge data network.
    pub edn: &'a Edn,
    /// The application server.
    pub eas: &'a Eas,
}

/// The step of the route that leaves one site and enters the other.
#[derive(Clone, Copy, Debug)]
pub struct Crossing<'a> {
    /// The site that is left.
    pub source: Site<'a>,
    /// The site that is entered.
    pub target: Site<'a>,
    /// Index of the stay that begins in the target's area.
    pub stay: usize,
}

impl Scenario {
    /// Parses a scenario and checks that it can be played.
    ///
    /// # Errors
    /// See [`BadScenario`].
    pub fn parse(text: &str, file: &str) -> Result<Self, BadScenario> {
        check::parse(text, file)
    }

    /// Loads a shipped scenario by name or any other by path.
    ///
    /// # Errors
    /// See [`BadScenario`].
    pub fn load(name: &str) -> Result<Self, BadScenario> {
        if let Some(shipped) = shipped(name) {
            return Self::parse(shipped.text, name);
        }
        let path = PathBuf::from(name);
        let text = fs::read_to_string(&path).map_err(|error| BadScenario {
            file: name.to_owned(),
            line: None,
            key: None,
            reason: format!("cannot be read: {error}"),
            remedy: "Give the path of a file, or a name that `eec-sim list` shows.".to_owned(),
        })?;
        Self::parse(&text, &Path::new(name).display().to_string())
    }

    /// The cell of this name.
    pub fn cell(&self, name: &str) -> Option<&Cell> {
        self.cell.iter().find(|cell| cell.name == name)
    }

    /// Until when registrations and subscriptions of a run that begins now may live: what a run that is cut off leaves behind goes
    /// away by itself.
    pub fn expires_at(&self) -> String {
        let travels: u64 = self.ue.route.iter().map(|stay| stay.dwell_ms).sum();
        let lives = Duration::from_millis(travels + self.timing.limit_ms) + Duration::from_secs(60);
        let now = jiff::Timestamp::now();
        now.checked_add(lives).unwrap_or(now).to_string()
    }

    /// The edge data network that serves a cell, if one does.
    pub fn edn_of(&self, cell: &Cell) -> Option<&Edn> {
        self.edn.iter().find(|edn| edn.tais.contains(&cell.tai))
    }

    /// The cells that the UE passes, each once where it stays on.
    pub fn way(&self) -> Vec<&Cell> {
        let mut way: Vec<_> = self.ue.route.iter().filter_map(|stay| self.cell(&stay.cell)).collect();
        way.dedup_by_key(|cell| &cell.nr_cell_id);
        way
    }

    fn site_at(&self, tai: &Tai) -> Option<Site<'_>> {
        let edn = self.edn.iter().find(|edn| edn.tais.contains(tai))?;
        let eas = self
            .eas
            .iter()
            .find(|eas| eas.edn == edn.dnn && eas.eas_id == self.ac.eas_id)?;
        Some(Site { edn, eas })
    }

    fn crossings(&self) -> Vec<Crossing<'_>> {
        let sites: Vec<_> = self
            .ue
            .route
            .iter()
            .map(|stay| self.cell(&stay.cell).and_then(|cell| self.site_at(&cell.tai)))
            .collect();
        let mut crossings = Vec::new();
        let mut current = sites.first().copied().flatten();
        for (stay, site) in sites.into_iter().enumerate().skip(1) {
            if let (Some(source), Some(target)) = (current, site)
                && source.edn.dnn != target.edn.dnn
            {
                crossings.push(Crossing { source, target, stay });
            }
            current = site.or(current);
        }
        crossings
    }

    /// The one step of the route that leaves a site for another.
    ///
    /// # Panics
    /// Never: a scenario without exactly one is refused when it is parsed.
    pub fn crossing(&self) -> Crossing<'_> {
        let crossings = self.crossings();
        assert!(crossings.len() == 1, "checked when the scenario was parsed");
        crossings[0]
    }
}
