//! Where UEs are and where they are served: one normal form for positions, and areas compared with positions and with each other.
//!
//! The wire has three types for this. A [`Position`] is made from what says where a UE is ([`LocationInfo`]) or may be
//! ([`LocationArea5G`]); a [`ServiceArea`] says where UEs are served. The rules:
//!
//! * An area that states nothing is everywhere; what is stated is a union of its entries.
//! * Of an area with both a topological and a geographical part, each part that can be evaluated has to contain the position.
//! * A question that the position leaves open (only a tracking area is known, and the area lists cells) is answered by
//!   [`Contains::Unknown`]; what follows from that is the caller's policy ([`Contains::unless_no`], [`Contains::only_yes`]).
//! * An entry without `nid` stands for the network whatever its `nid`; an entry with one for that network alone.
//! * Circles are compared by great-circle distance. Ellipses and arcs become polygons of some dozen corners; edges of polygons are
//!   straight in degrees. Areas that contain a pole are not understood. Altitude does not count.
//!
//! ```
//! use edgeapp_core::area::{Contains, Position, contains};
//! let area = serde_json::from_str(r#"{"topServAr": {"tais": [{"plmnId": {"mcc": "001", "mnc": "01"}, "tac": "000001"}]}}"#)?;
//! let here = serde_json::from_str(r#"{"trackingAreaId": "001-01-000001"}"#)?;
//! assert_eq!(contains(&area, &Position::of_ue(&here)), Contains::Yes);
//! # Ok::<(), serde_json::Error>(())
//! ```
//!
//! [`LocationInfo`]: edgeapp_openapi::location::LocationInfo

mod civic;
mod position;
mod shape;
#[cfg(test)]
mod tests;
mod topology;

pub use position::{Cell, Place, Position};

use edgeapp_openapi::location::{
    GeographicalServiceArea, LocationArea5G, LocationInfo, NetworkAreaInfo, ServiceArea, TopologicalServiceArea,
};
use shape::Shape;

/// The answer to the question whether something is inside an area.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Contains {
    /// It is inside.
    Yes,
    /// It is outside.
    No,
    /// What is known does not tell.
    Unknown,
}

impl Contains {
    /// Whether it is inside or may be: the lenient policy.
    pub fn unless_no(self) -> bool {
        self != Self::No
    }

    /// Whether it is known to be inside: the strict policy.
    pub fn only_yes(self) -> bool {
        self == Self::Yes
    }

    fn of(inside: bool) -> Self {
        if inside { Self::Yes } else { Self::No }
    }

    /// Inside one of several: the best answer.
    fn any(answers: impl IntoIterator<Item = Self>) -> Self {
        let mut best = Self::No;
        for answer in answers {
            match answer {
                Self::Yes => return Self::Yes,
                Self::Unknown => best = Self::Unknown,
                Self::No => {}
            }
        }
        best
    }

    /// Inside each of several: the worst answer.
    fn all(answers: impl IntoIterator<Item = Self>) -> Self {
        let mut worst = Self::Yes;
        for answer in answers {
            match answer {
                Self::No => return Self::No,
                Self::Unknown => worst = Self::Unknown,
                Self::Yes => {}
            }
        }
        worst
    }

    /// The answers of the topological and the geographical part together: the part that can be evaluated decides, and if both
    /// can be, both have to agree.
    fn of_parts(topological: Option<Self>, geographical: Option<Self>) -> Self {
        match (topological, geographical) {
            (None, None) => Self::Yes,
            (Some(one), None) | (None, Some(one)) => one,
            (Some(Self::No), _) | (_, Some(Self::No)) => Self::No,
            (Some(Self::Yes), _) | (_, Some(Self::Yes)) => Self::Yes,
            (Some(Self::Unknown), Some(Self::Unknown)) => Self::Unknown,
        }
    }
}

/// The topological part of an area, if that states anything.
fn topological(area: &ServiceArea) -> Option<&TopologicalServiceArea> {
    area.top_serv_ar
        .as_ref()
        .filter(|top| **top != TopologicalServiceArea::default())
}

/// The geographical part of an area, if that states anything.
fn geographical(area: &ServiceArea) -> Option<&GeographicalServiceArea> {
    area.geo_serv_ar
        .as_ref()
        .filter(|geo| !geo.geo_ars.is_empty() || !geo.civic_addrs.is_empty())
}

/// Whether the area states nothing and so is everywhere.
pub fn is_everywhere(area: &ServiceArea) -> bool {
    topological(area).is_none() && geographical(area).is_none()
}

/// Whether a UE at this position is served in this area. Of several possible positions one inside is enough.
pub fn contains(area: &ServiceArea, position: &Position) -> Contains {
    let by_topology = topological(area).map(|area| topology::contains(area, &position.places));
    let by_geography = geographical(area).map(|area| geo_contains(area, position));
    Contains::of_parts(by_topology, by_geography)
}

/// Whether the wanted area and the service area share a place. A wanted area that states nothing is everywhere.
pub fn overlaps(wanted: &LocationArea5G, service: &ServiceArea) -> Contains {
    let position = Position::of_area(wanted);
    if position.is_unknown() {
        Contains::Yes
    } else {
        contains(service, &position)
    }
}

/// Whether `inner` lies inside `outer` (TS 23.558 clause 7.3.3: the area of an EAS inside that of its EES). An inner area that
/// states nothing inherits the outer one. A shape has to lie inside one shape of the outer area.
pub fn covers(outer: &ServiceArea, inner: &ServiceArea) -> Contains {
    let by_topology = topological(inner)
        .zip(topological(outer))
        .map(|(inner, outer)| topology::covers(outer, inner));
    let by_geography = geographical(inner)
        .zip(geographical(outer))
        .map(|(inner, outer)| geo_covers(outer, inner));
    if by_topology.is_none() && by_geography.is_none() && !is_everywhere(inner) && !is_everywhere(outer) {
        // One speaks of cells, the other of the globe.
        return Contains::Unknown;
    }
    Contains::of_parts(by_topology, by_geography)
}

/// The area in the type that EECs read. It has no member for whole networks: `plmnIds` are lost, so compare before converting.
pub fn to_location_area(area: &ServiceArea) -> LocationArea5G {
    let geo = geographical(area);
    let network = topological(area).map(|top| NetworkAreaInfo {
        ecgis: top.ecgis.clone(),
        ncgis: top.ncgis.clone(),
        tais: top.tais.clone(),
        ..NetworkAreaInfo::default()
    });
    LocationArea5G {
        geographic_areas: geo.map(|geo| geo.geo_ars.clone()).unwrap_or_default(),
        civic_addresses: geo.map(|geo| geo.civic_addrs.clone()).unwrap_or_default(),
        nw_area_info: network.filter(|network| *network != NetworkAreaInfo::default()),
    }
}

/// The area in the type that servers register, to be compared. It has no member for radio nodes: `gRanNodeIds` are lost.
pub fn to_service_area(area: &LocationArea5G) -> ServiceArea {
    let top = area.nw_area_info.as_ref().map(|network| TopologicalServiceArea {
        ecgis: network.ecgis.clone(),
        ncgis: network.ncgis.clone(),
        tais: network.tais.clone(),
        plmn_ids: Vec::new(),
    });
    let geo = GeographicalServiceArea {
        geo_ars: area.geographic_areas.clone(),
        civic_addrs: area.civic_addresses.clone(),
    };
    ServiceArea {
        top_serv_ar: top.filter(|top| *top != TopologicalServiceArea::default()),
        geo_serv_ar: Some(geo).filter(|geo| *geo != GeographicalServiceArea::default()),
    }
}

/// Where a UE was seen, in the type for areas: its cell, or its tracking area where that is all that is known. `None` when nothing of
/// it can be said so.
pub fn area_of_ue(seen: &LocationInfo) -> Option<LocationArea5G> {
    let mut network = NetworkAreaInfo::default();
    for place in Position::of_ue(seen).places {
        match (place.cell, place.tai) {
            (Some(Cell::Nr(cell)), _) => network.ncgis.push(cell),
            (Some(Cell::Eutra(cell)), _) => network.ecgis.push(cell),
            (Some(Cell::Node(node)), _) => network.g_ran_node_ids.push(node),
            (None, Some(tai)) => network.tais.push(tai),
            (None, None) => {}
        }
    }
    let area = LocationArea5G {
        geographic_areas: seen.geographic_area.clone().into_iter().collect(),
        civic_addresses: seen.civic_address.clone().into_iter().collect(),
        nw_area_info: Some(network).filter(|network| *network != NetworkAreaInfo::default()),
    };
    Some(area).filter(|area| *area != LocationArea5G::default())
}

fn geo_contains(area: &GeographicalServiceArea, position: &Position) -> Contains {
    let mut answers = Vec::new();
    if !area.geo_ars.is_empty() {
        answers.push(if position.shapes.is_empty() {
            Contains::Unknown
        } else {
            let at: Vec<Shape> = position.shapes.iter().map(Shape::from).collect();
            Contains::of(
                area.geo_ars
                    .iter()
                    .map(Shape::from)
                    .any(|shape| at.iter().any(|at| shape.meets(at))),
            )
        });
    }
    if !area.civic_addrs.is_empty() {
        answers.push(if position.civic_addresses.is_empty() {
            Contains::Unknown
        } else {
            Contains::any(
                area.civic_addrs
                    .iter()
                    .map(|area| civic::contains_any(area, &position.civic_addresses)),
            )
        });
    }
    Contains::any(answers)
}

fn geo_covers(outer: &GeographicalServiceArea, inner: &GeographicalServiceArea) -> Contains {
    let shapes: Vec<Shape> = outer.geo_ars.iter().map(Shape::from).collect();
    let of_shapes = inner.geo_ars.iter().map(Shape::from).map(|inner| {
        if shapes.iter().any(|outer| outer.holds(&inner)) {
            return Contains::Yes;
        }
        // Several shapes together may hold what none does alone; an address may stand for the place.
        let touched = shapes.iter().filter(|outer| outer.meets(&inner)).count();
        if touched > 1 || (shapes.is_empty() && !outer.civic_addrs.is_empty()) {
            Contains::Unknown
        } else {
            Contains::No
        }
    });
    let of_addresses = inner.civic_addrs.iter().map(|inner| {
        let inner = std::slice::from_ref(inner);
        let inside = Contains::any(outer.civic_addrs.iter().map(|outer| civic::contains_any(outer, inner)));
        if inside == Contains::No && !outer.geo_ars.is_empty() {
            Contains::Unknown
        } else {
            inside
        }
    });
    Contains::all(of_shapes.chain(of_addresses))
}
