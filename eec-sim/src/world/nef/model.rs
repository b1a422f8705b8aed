//! The network that the simulated NEF looks into: cells, UEs, where each UE is and where it will walk. Plain values, no time of their own.

use edgeapp_core::error::{Cause, Error, Kind};
use edgeapp_openapi::{
    common::{Mcc, Mnc},
    ids::{Dnai, Dnn, Gpsi},
    location::Tac,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::{collections::BTreeMap, net::IpAddr};

/// To which core a cell belongs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum CellKind {
    /// The 5G core: user plane paths end at a DNAI.
    #[default]
    #[serde(rename = "5GC")]
    FiveGc,
    /// The evolved packet core: no user plane path events.
    #[serde(rename = "EPC")]
    Epc,
}

/// A point on the globe with a radius around it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Spot {
    /// Degrees east.
    pub lon: f64,
    /// Degrees north.
    pub lat: f64,
    /// Metres.
    #[serde(default)]
    pub radius: f64,
}

/// A cell.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cell {
    /// `id`: its identity, hexadecimal: nine digits of an NR cell, seven of an E-UTRA cell.
    pub id: String,
    /// `tac`: its tracking area code, hexadecimal.
    pub tac: Tac,
    /// `mcc`: country of its network.
    pub mcc: Mcc,
    /// `mnc`: its network.
    pub mnc: Mnc,
    /// `dnai`: where user plane traffic of UEs in it naturally leaves the network.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dnai: Option<Dnai>,
    /// `kind`: `5GC` or `EPC`.
    #[serde(default)]
    pub kind: CellKind,
    /// `position`: its centre.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub position: Option<Spot>,
    /// `polygon`: its outline, at least three corners; the radius of a corner means nothing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub polygon: Vec<Spot>,
    /// `crowded`: it cannot guarantee the quality that sessions ask for.
    #[serde(default)]
    pub crowded: bool,
}

impl Cell {
    fn plmn(&self) -> String {
        format!("{}{}", self.mcc.as_str(), self.mnc.as_str())
    }

    fn tai(&self) -> Value {
        json!({"plmnId": {"mcc": self.mcc, "mnc": self.mnc}, "tac": self.tac})
    }

    /// Its identity at the granularity of a report: reports are due when this changes.
    pub fn seen_with(&self, accuracy: Accuracy) -> String {
        match accuracy {
            Accuracy::Cell | Accuracy::Area => format!("{}/{}", self.plmn(), self.id),
            Accuracy::Tracking => format!("{}/{}", self.plmn(), self.tac.as_str()),
            Accuracy::Plmn => self.plmn(),
        }
    }

    /// `LocationInfo` of a UE in it, no finer than asked.
    pub fn location(&self, accuracy: Accuracy) -> Value {
        let mut info = json!({"ageOfLocationInfo": 0, "plmnId": self.plmn()});
        if accuracy != Accuracy::Plmn {
            info["trackingAreaId"] = json!(self.tac);
        }
        if matches!(accuracy, Accuracy::Cell | Accuracy::Area) {
            info["cellId"] = json!(self.id);
            let plmn = json!({"mcc": self.mcc, "mnc": self.mnc});
            info["userLocation"] = match self.id.len() {
                7 => json!({"eutraLocation": {"tai": self.tai(), "ecgi": {"plmnId": plmn, "eutraCellId": self.id}}}),
                _ => json!({"nrLocation": {"tai": self.tai(), "ncgi": {"plmnId": plmn, "nrCellId": self.id}}}),
            };
        }
        if accuracy == Accuracy::Area
            && let Some(area) = self.shape()
        {
            info["geographicArea"] = area;
        }
        info
    }

    fn shape(&self) -> Option<Value> {
        let point = |spot: &Spot| json!({"lon": spot.lon, "lat": spot.lat});
        if self.polygon.len() >= 3 {
            let corners: Vec<_> = self.polygon.iter().map(point).collect();
            return Some(json!({"shape": "POLYGON", "pointList": corners}));
        }
        self.position
            .as_ref()
            .map(|spot| json!({"shape": "POINT_UNCERTAINTY_CIRCLE", "point": point(spot), "uncertainty": spot.radius}))
    }
}

/// How fine a location is reported (`accuracy` of TS 29.122, MonitoringEvent).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Accuracy {
    /// `CGI_ECGI`, `ENODEB`.
    #[default]
    Cell,
    /// `TA_RA`.
    Tracking,
    /// `PLMN`.
    Plmn,
    /// `GEO_AREA`: the cell with its place on the globe.
    Area,
}

/// One stretch of a UE's way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// `cell`: where the UE is then.
    pub cell: String,
    /// `seconds`: for how long, at speed 1.
    pub seconds: u32,
}

/// A UE.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all(serialize = "camelCase"))]
pub struct Ue {
    /// `gpsi`: its identifier, `extid-…` or `msisdn-…`.
    pub gpsi: Gpsi,
    /// `external_id`; that of the GPSI when absent.
    #[serde(default, alias = "externalId", skip_serializing_if = "Option::is_none")]
    pub external_id: Option<String>,
    /// `msisdn`; that of the GPSI when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub msisdn: Option<String>,
    /// `ip`: its address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ip: Option<IpAddr>,
    /// `dnn`: the data network it uses.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dnn: Option<Dnn>,
    /// `cell`: where it is; absent when it is switched off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cell: Option<String>,
    /// `groups`: the external groups it belongs to, such as `players@example.org`, or with `extgroupid-` before it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<String>,
    /// `route`: the way it walks by itself.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub route: Vec<Step>,
    /// `again`: at the end of its way it begins anew.
    #[serde(default)]
    pub again: bool,
}

impl Ue {
    fn id(&self, given: Option<&str>, prefix: &str) -> Option<String> {
        given
            .or_else(|| self.gpsi.as_str().strip_prefix(prefix))
            .map(str::to_owned)
    }

    /// Its external identifier, if it has one.
    pub fn external_id(&self) -> Option<String> {
        self.id(self.external_id.as_deref(), "extid-")
    }

    /// Its number, if it has one.
    pub fn msisdn(&self) -> Option<String> {
        self.id(self.msisdn.as_deref(), "msisdn-")
    }

    /// Its identity as reports and revocations name it: `externalId`, or `msisdn` where it has no such.
    pub fn named(&self) -> (&'static str, String) {
        match (self.external_id(), self.msisdn()) {
            (Some(id), _) => ("externalId", id),
            (None, Some(number)) => ("msisdn", number),
            (None, None) => ("externalId", self.gpsi.to_string()),
        }
    }
}

/// The name of an external group without the prefix that TS 29.571 puts before it and TS 29.122 does not: both mean the same group.
fn bare(group: &str) -> &str {
    group.strip_prefix("extgroupid-").unwrap_or(group)
}

/// Whom a subscription is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// By GPSI.
    Gpsi(String),
    /// By external identifier.
    ExternalId(String),
    /// By number.
    Msisdn(String),
    /// By address.
    Address(IpAddr),
    /// All of a group.
    Group(String),
    /// Everyone.
    Any,
}

impl Target {
    /// Whether it means this UE.
    pub fn is(&self, ue: &Ue) -> bool {
        match self {
            Self::Gpsi(gpsi) => {
                ue.gpsi.as_str() == gpsi
                    || gpsi.strip_prefix("extid-").map(str::to_owned) == ue.external_id() && gpsi.starts_with("extid-")
                    || gpsi.strip_prefix("msisdn-").map(str::to_owned) == ue.msisdn() && gpsi.starts_with("msisdn-")
            }
            Self::ExternalId(id) => ue.external_id().as_ref() == Some(id),
            Self::Msisdn(number) => ue.msisdn().as_ref() == Some(number),
            Self::Address(address) => ue.ip == Some(*address),
            Self::Group(group) => ue.groups.iter().any(|of| bare(of) == bare(group)),
            Self::Any => true,
        }
    }

    /// Whether it can mean several UEs.
    pub fn is_many(&self) -> bool {
        matches!(self, Self::Group(_) | Self::Any)
    }
}

/// Cells and UEs.
#[derive(Clone, Debug, Default)]
pub struct Network {
    cells: BTreeMap<String, Cell>,
    ues: BTreeMap<String, Ue>,
}

impl Network {
    /// These cells, no UE yet.
    pub fn new(cells: impl IntoIterator<Item = Cell>) -> Self {
        Self {
            cells: cells.into_iter().map(|cell| (cell.id.clone(), cell)).collect(),
            ues: BTreeMap::new(),
        }
    }

    /// Puts a UE into the network, or another state of one that is there.
    ///
    /// # Errors
    /// When a cell that it names does not exist.
    pub fn put(&mut self, ue: Ue) -> Result<(), Error> {
        let cells = ue.cell.iter().map(|cell| ("/cell", cell));
        let steps = ue.route.iter().map(|step| ("/route", &step.cell));
        for (pointer, cell) in cells.chain(steps) {
            self.cell(cell, pointer)?;
        }
        self.ues.insert(ue.gpsi.to_string(), ue);
        Ok(())
    }

    /// Puts a UE into a cell, or out of all of them. Answers with where it was.
    ///
    /// # Errors
    /// When there is no such UE or cell.
    pub fn move_ue(&mut self, gpsi: &str, cell: Option<&str>) -> Result<Option<String>, Error> {
        if let Some(cell) = cell {
            self.cell(cell, "/cell")?;
        }
        let ue = self.ues.get_mut(gpsi).ok_or_else(unknown_ue)?;
        Ok(std::mem::replace(&mut ue.cell, cell.map(str::to_owned)))
    }

    fn cell(&self, id: &str, pointer: &str) -> Result<&Cell, Error> {
        self.cells
            .get(id)
            .ok_or_else(|| Error::mandatory_incorrect(pointer, "is no cell of this network"))
    }

    /// All UEs.
    pub fn ues(&self) -> impl Iterator<Item = &Ue> {
        self.ues.values()
    }

    /// A UE by its GPSI.
    pub fn ue(&self, gpsi: &str) -> Option<&Ue> {
        self.ues.get(gpsi)
    }

    /// The UEs that are meant.
    pub fn meant<'a>(&'a self, target: &'a Target) -> impl Iterator<Item = &'a Ue> {
        self.ues.values().filter(move |ue| target.is(ue))
    }

    /// The cell that a UE is in.
    pub fn cell_of(&self, ue: &Ue) -> Option<&Cell> {
        self.cells.get(ue.cell.as_ref()?)
    }

    /// Where the UE's traffic leaves the network when nobody influences it; absent outside the 5G core.
    pub fn natural_path(&self, ue: &Ue) -> Option<Dnai> {
        let cell = self.cell_of(ue)?;
        (cell.kind == CellKind::FiveGc).then(|| cell.dnai.clone()).flatten()
    }

    /// `UeMobilityExposure` of what a UE has ahead of it, from the step that it is on: nothing when it has no way or is at its end.
    pub fn ahead(&self, ue: &Ue, now: jiff::Timestamp) -> Vec<Value> {
        let here = ue.route.iter().position(|step| Some(&step.cell) == ue.cell.as_ref());
        let Some(here) = here else { return Vec::new() };
        let mut at = now + jiff::SignedDuration::from_secs(i64::from(ue.route[here].seconds));
        let mut steps = Vec::new();
        for step in &ue.route[here + 1..] {
            let Some(cell) = self.cells.get(&step.cell) else {
                continue;
            };
            let area = json!({"nwAreaInfo": {"tais": [cell.tai()]}});
            steps.push(json!({
                "ts": at.to_string(), "duration": step.seconds.max(1),
                "locInfo": [{"loc": area, "confidence": 80}],
            }));
            at += jiff::SignedDuration::from_secs(i64::from(step.seconds));
        }
        steps
    }
}

/// Nobody is meant.
pub fn unknown_ue() -> Error {
    Error::new(Kind::NotFound, Cause::UeNotFound, "the network has no such UE")
}
