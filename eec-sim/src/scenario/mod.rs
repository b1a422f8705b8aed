//! A scenario as data: sites, cells, a UE with its route, an application client, timing and what has to hold at the end.
//!
//! ```
//! use eec_sim::scenario::{self, Scenario};
//!
//! let shipped = scenario::shipped("a-eec-initiated").expect("shipped");
//! let scenario = Scenario::parse(shipped.text, shipped.name)?;
//! assert_eq!(scenario.crossings(0, 0)[0].target.eas.instance, "b");
//! # Ok::<(), scenario::BadScenario>(())
//! ```

mod bundle;
mod check;
mod cloud;
mod fault;
mod way;

pub use bundle::Bundle;
pub use cloud::Cloud;
pub use fault::{Fault, FaultName, Moment};
pub use way::Waypoint;

use crate::configuration::Tai;
use edgeapp_openapi::{
    ees_registration::AcrScenario,
    ids::{AcId, Dnai, Dnn, EasId, EecId, EesId, ExternalId, Gpsi},
    location::NrCellId,
};
use serde::Deserialize;
use std::{
    collections::BTreeMap,
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

macro_rules! shipped {
    ($($name:literal),+ $(,)?) => {
        /// The scenarios that come with the program: the ways of relocation, their variants, what goes wrong.
        pub const SHIPPED: &[Shipped] = &[
            $(Shipped { name: $name, text: include_str!(concat!("../../scenarios/", $name, ".toml")) }),+
        ];
    };
}

shipped![
    "a-eec-initiated",
    "b-eec-executed-via-s-ees",
    "c-s-eas-decided",
    "d-s-ees-executed",
    "e-eec-executed-via-t-ees",
    "f-eel-managed",
    "located",
    "by-name",
    "group",
    "two-games",
    "ping-pong",
    "leave-all",
    "cloud",
    "cloud-by-s-ees",
    "stays-inside",
    "waypoints",
    "planned",
    "planned-renewed",
    "planned-in-vain",
    "bundle-direct",
    "bundle-proxy",
    "bundle-cancel",
    "bundle-proceed",
    "bundle-by-s-ees",
    "bundle-by-path",
    "fault-ecs-has-no-t-ees",
    "fault-t-ees-down",
    "fault-t-eas-full",
    "fault-s-eas-dead",
    "fault-nef-down",
    "fault-nef-slow",
    "fault-path-event-lost",
    "fault-notification-lost",
    "fault-eec-cancels",
    "fault-duplicate-init",
    "fault-s-ees-restart",
    "fault-s-ees-disk-full",
    "fault-clock-skew",
];

/// The ones that `demo` plays, in this order: every way of relocation, and a server that is told where the player is.
pub const DEMO: &[&str] = &[
    "a-eec-initiated",
    "b-eec-executed-via-s-ees",
    "c-s-eas-decided",
    "d-s-ees-executed",
    "e-eec-executed-via-t-ees",
    "f-eel-managed",
    "located",
];

/// The shipped scenario of this name.
pub fn shipped(name: &str) -> Option<Shipped> {
    SHIPPED.iter().copied().find(|shipped| shipped.name == name)
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
    /// The UEs with their EECs. One with a `count` stands for as many until the scenario is parsed, and for itself afterwards.
    pub ue: Vec<Ue>,
    /// The application clients. Each UE has all of them, unless it says which.
    pub ac: Vec<Ac>,
    /// The core network behind the EESs, where there is one.
    #[serde(default)]
    pub core: Option<Core>,
    /// The server in the cloud that serves where no edge site does, where there is one.
    #[serde(default)]
    pub cloud: Option<Cloud>,
    /// The applications belong together.
    #[serde(default)]
    pub bundle: Option<Bundle>,
    /// EAS discovery by name, where the UEs use it and nothing else to find their EASs.
    #[serde(default)]
    pub dns: Option<Dns>,
    /// A prediction of where the UEs will be: the relocation begins before they move.
    #[serde(default)]
    pub plan: Option<Plan>,
    /// What goes wrong.
    #[serde(default)]
    pub fault: Vec<Fault>,
    /// The seed of everything that is left to chance.
    #[serde(default)]
    pub seed: u64,
    /// How fast time goes by for the UEs.
    #[serde(default)]
    pub clock: Clock,
    /// What comes of it.
    #[serde(default)]
    pub expect: Expect,
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
    /// Its middle on the map, in metres; needed where UEs go by waypoints.
    #[serde(default)]
    pub at: Option<[f64; 2]>,
}

/// A UE and its EEC.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ue {
    /// The UE's GPSI. Where there are several, the digits at its end count up.
    pub gpsi: Gpsi,
    /// Its EEC. Where there are several, the digits at its end count up.
    pub eec_id: EecId,
    /// The name of the EEC's certificate files; the digits at its end count up as well.
    pub certificate: String,
    /// Its name at the core network beside the GPSI, where it has one.
    #[serde(default)]
    pub external_id: Option<ExternalId>,
    /// The cells it passes, in order.
    #[serde(default)]
    pub route: Vec<Stay>,
    /// Or the points that it passes, in metres; the cells follow from these.
    #[serde(default)]
    pub waypoints: Vec<Waypoint>,
    /// How fast it goes from point to point, in metres per second.
    #[serde(default)]
    pub speed: Option<f64>,
    /// The ids of its application clients; all of the scenario when absent.
    #[serde(default)]
    pub acs: Option<Vec<AcId>>,
    /// How many such UEs there are: a group that goes the same way.
    #[serde(default = "one")]
    pub count: u32,
    /// How long after the one before it each of the group sets out, in milliseconds.
    #[serde(default)]
    pub spacing_ms: u64,
    /// How long after the others it sets out, in milliseconds.
    #[serde(default)]
    pub delay_ms: u64,
}

fn one() -> u32 {
    1
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
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Core {
    /// The application's servers subscribe to where their UEs are.
    pub locations: bool,
    /// The application's servers are asked before the network moves the path of a UE's traffic, and agree.
    pub acknowledge: bool,
}

/// EAS discovery by name: DNS over TLS at every EES.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dns {
    /// The zone that the EESs serve.
    pub zone: String,
    /// The names of applications within it, by their EASIDs.
    pub names: BTreeMap<EasId, String>,
}

/// A prediction.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// The name of the cell where the UEs are expected.
    pub cell: String,
    /// How long after the start it is made, in milliseconds.
    #[serde(default)]
    pub at_ms: u64,
    /// For how long it holds, in milliseconds.
    pub holds_ms: u64,
    /// It is made anew so many milliseconds after it was made first, and holds as long again.
    #[serde(default)]
    pub renewed_ms: Option<u64>,
}

/// How fast time goes by for the UEs. Servers have clocks of their own.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Clock {
    /// How many times as fast: 2 halves every stay.
    pub speed: f64,
}

impl Default for Clock {
    fn default() -> Self {
        Self { speed: 1.0 }
    }
}

/// How a relocation ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ending {
    /// The application is served at the new site.
    #[default]
    Complete,
    /// It was begun and told to have failed: the application stays where it is.
    Failed,
    /// It was given up on purpose: the application stays where it is.
    Cancelled,
    /// None began: the application stays where it is.
    Stays,
    /// Complete or told to have failed, and nothing in between.
    Settled,
}

/// What comes of a scenario.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Expect {
    /// How each relocation ends; complete when absent, or as the faults of the scenario make it end.
    pub ending: Option<Ending>,
    /// How many relocations there are of each application client; as many as the route has borders when absent.
    pub relocations: Option<usize>,
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
    /// How long after a relocation the EEC begins no other, in milliseconds.
    pub hold_off_ms: u64,
    /// How long an EES waits for the reports of EASs, in seconds.
    pub transfer_seconds: u32,
    /// How much later one reads on the EEC's clock than it is, in milliseconds; earlier when negative.
    pub clock_skew_ms: i64,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            detection_ms: 30,
            settle_ms: 500,
            limit_ms: 20_000,
            hold_off_ms: 0,
            transfer_seconds: 30,
            clock_skew_ms: 0,
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

impl Site<'_> {
    /// Whether it is the cloud: it has no EES.
    pub fn is_cloud(&self) -> bool {
        self.edn.tais.is_empty()
    }
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

    /// The same, checked once more after it was changed.
    ///
    /// # Errors
    /// See [`BadScenario`].
    pub fn checked(self, file: &str) -> Result<Self, BadScenario> {
        check::again(self, file)
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

    /// Milliseconds of the scenario as they pass here.
    pub fn time(&self, ms: u64) -> Duration {
        Duration::from_millis(ms).div_f64(self.clock.speed)
    }

    /// Until when registrations and subscriptions of a run that begins now may live: what a run that is cut off leaves behind goes
    /// away by itself.
    pub fn expires_at(&self) -> String {
        let travels = |ue: &Ue| ue.delay_ms + ue.route.iter().map(|stay| stay.dwell_ms).sum::<u64>();
        let travels = self.ue.iter().map(travels).max().unwrap_or_default();
        let lives = Duration::from_millis(travels + self.timing.limit_ms) + Duration::from_secs(60);
        self.instant_of_the_eec(lives)
    }

    /// An instant that lies this far ahead, by the EEC's clock.
    pub fn instant_of_the_eec(&self, ahead: Duration) -> String {
        let now = jiff::Timestamp::now();
        let skew = jiff::SignedDuration::from_millis(self.timing.clock_skew_ms);
        now.checked_add(ahead)
            .and_then(|then| then.checked_add(skew))
            .unwrap_or(now)
            .to_string()
    }

    /// The edge data network that serves a cell, if one does.
    pub fn edn_of(&self, cell: &Cell) -> Option<&Edn> {
        self.edn.iter().find(|edn| edn.tais.contains(&cell.tai))
    }

    /// The cells that a UE passes, each once where it stays on.
    pub fn way(&self, ue: usize) -> Vec<&Cell> {
        let mut way: Vec<_> = self.ue[ue]
            .route
            .iter()
            .filter_map(|stay| self.cell(&stay.cell))
            .collect();
        way.dedup_by_key(|cell| &cell.nr_cell_id);
        way
    }

    /// The application clients of a UE, by their places among all.
    pub fn acs_of(&self, ue: usize) -> Vec<usize> {
        let has = |ac: &Ac| self.ue[ue].acs.as_ref().is_none_or(|acs| acs.contains(&ac.ac_id));
        (0..self.ac.len()).filter(|n| has(&self.ac[*n])).collect()
    }

    /// The site that serves an application in a tracking area.
    pub fn site_at(&self, tai: &Tai, application: &EasId) -> Option<Site<'_>> {
        let edn = self.edn.iter().find(|edn| edn.tais.contains(tai))?;
        let eas = self
            .eas
            .iter()
            .find(|eas| eas.edn == edn.dnn && eas.eas_id == *application)?;
        Some(Site { edn, eas })
    }

    /// The site that serves an application in a cell: an edge site, or else the cloud where there is one.
    pub fn site_in(&self, cell: &str, application: &EasId) -> Option<Site<'_>> {
        let edge = self.site_at(&self.cell(cell)?.tai, application);
        edge.or_else(|| self.cloud_of(application))
    }

    /// The cloud, where it has this application.
    pub fn cloud_of(&self, application: &EasId) -> Option<Site<'_>> {
        let Cloud { edn, eas } = self.cloud.as_ref()?;
        (eas.eas_id == *application).then_some(Site { edn, eas })
    }

    /// Whether this instance of an application is the one in the cloud.
    pub fn is_cloud(&self, application: &EasId, instance: &str) -> bool {
        self.cloud_of(application)
            .is_some_and(|site| site.eas.instance == instance)
    }

    /// The site with this instance of an application.
    pub fn site_of(&self, application: &EasId, instance: &str) -> Option<Site<'_>> {
        if self.is_cloud(application, instance) {
            return self.cloud_of(application);
        }
        let eas = self
            .eas
            .iter()
            .find(|eas| eas.eas_id == *application && eas.instance == instance)?;
        let edn = self.edn.iter().find(|edn| edn.dnn == eas.edn)?;
        Some(Site { edn, eas })
    }

    /// The steps of a UE's route that leave a site with an application for another.
    pub fn crossings(&self, ue: usize, ac: usize) -> Vec<Crossing<'_>> {
        let application = &self.ac[ac].eas_id;
        let sites: Vec<_> = self.ue[ue]
            .route
            .iter()
            .map(|stay| self.site_in(&stay.cell, application))
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
}
